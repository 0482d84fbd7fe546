-- Duplicates: what is compared of every record, who was merged into whom, and what people said of it.

-- Syncs that look for duplicates. Their number keeps the blocks of one apart from those of another.
CREATE TABLE twin_sync (
  no INTEGER PRIMARY KEY,
  sync TEXT NOT NULL UNIQUE,
  plan TEXT,                               -- what features and blocks depend on
  scan_plan TEXT,                          -- the plan under which the target is being read
  cursor TEXT,                             -- the target's records are read up to here
  filled INTEGER NOT NULL DEFAULT 0,       -- the first reading has ended
  scanned INTEGER NOT NULL DEFAULT 0,      -- records of the target in the index
  records INTEGER NOT NULL DEFAULT 0       -- all records in the index
);

CREATE TABLE twin (
  id INTEGER PRIMARY KEY,                  -- a source record: its link. A record of the target: a negative number
  sync INTEGER NOT NULL,
  plan TEXT NOT NULL,
  again INTEGER NOT NULL DEFAULT 0,        -- a person's word asks for another look
  target TEXT,                             -- of a negative: the target's id. Of a link: the record that it takes over
  ref TEXT,                                -- of a negative: the external id that it carries
  features TEXT NOT NULL,
  blocks BLOB NOT NULL                     -- 32 bits each; who shares one is kept in memory, made from these rows
);
CREATE INDEX twin_target ON twin (target) WHERE target IS NOT NULL;

-- The losing side of a merge with what it would have sent.
CREATE TABLE member (
  link INTEGER PRIMARY KEY,
  into_link INTEGER NOT NULL,
  body TEXT NOT NULL,
  how TEXT NOT NULL,
  at_ms INTEGER NOT NULL
);
CREATE INDEX member_into ON member (into_link);

-- Records that were read as they are now, ahead of the change log: from then on every change of them is read so.
CREATE TABLE whole (link INTEGER PRIMARY KEY);

-- What a person said: same, different (of a and b, or of a and a record of the target), pass (a may go as it is), refuse (given up).
CREATE TABLE decision (
  id INTEGER PRIMARY KEY,
  kind TEXT NOT NULL,
  a INTEGER NOT NULL,
  b INTEGER,
  target TEXT,
  who TEXT NOT NULL,
  why TEXT NOT NULL,
  at_ms INTEGER NOT NULL
);
CREATE INDEX decision_a ON decision (a);
CREATE INDEX decision_b ON decision (b);

-- Values that a person put in the place of the source's, until the source changes that column.
CREATE TABLE edit (
  link INTEGER NOT NULL,
  name TEXT NOT NULL,
  was TEXT NOT NULL,
  value TEXT NOT NULL,
  who TEXT NOT NULL,
  why TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  PRIMARY KEY (link, name)
) WITHOUT ROWID;
