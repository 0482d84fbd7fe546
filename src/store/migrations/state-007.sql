-- Merges inside the target that a person asked for, with what became of them; kept for ever.
CREATE TABLE merging (
  id INTEGER PRIMARY KEY,
  flow TEXT NOT NULL,
  link INTEGER NOT NULL,                   -- the record that loses
  into_link INTEGER NOT NULL,              -- its leader
  loser TEXT NOT NULL,                     -- their ids at the target when it was asked for
  survivor TEXT NOT NULL,
  state TEXT NOT NULL,                     -- asked, sent, merged, gone, refused, void
  due_ms INTEGER NOT NULL DEFAULT 0,
  attempts INTEGER NOT NULL DEFAULT 0,
  may_land_until_ms INTEGER NOT NULL DEFAULT 0,
  who TEXT NOT NULL,
  why TEXT NOT NULL,
  asked_ms INTEGER NOT NULL,
  at_ms INTEGER NOT NULL,
  failure TEXT
);
CREATE UNIQUE INDEX merging_open ON merging (link) WHERE state IN ('asked', 'sent');
CREATE INDEX merging_flow ON merging (flow, state);
