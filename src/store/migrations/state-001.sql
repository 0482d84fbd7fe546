-- The delivery state of all flows. A row a record, never a row a field.
CREATE TABLE flow (
  id TEXT PRIMARY KEY,
  sync TEXT NOT NULL,
  journal_id TEXT NOT NULL,
  judged INTEGER NOT NULL,                 -- everything up to here has an outcome, a lane or an open flight (I2)
  read INTEGER NOT NULL DEFAULT 0,         -- entries taken from the journal
  epoch INTEGER NOT NULL DEFAULT 0,        -- fencing: raised by every owner
  status TEXT NOT NULL DEFAULT 'running',
  reason TEXT,
  rules TEXT,
  next_request INTEGER NOT NULL DEFAULT 1,
  deletes_approved INTEGER NOT NULL DEFAULT 0,
  deletes_approved_ms INTEGER NOT NULL DEFAULT 0,
  deletes INTEGER NOT NULL DEFAULT 0,
  deletes_since_ms INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE link (
  id INTEGER PRIMARY KEY,
  sync TEXT NOT NULL,
  a_key TEXT NOT NULL,                     -- the source's key
  b_key TEXT,                              -- the target's id
  ref TEXT,                                -- external id, lower case, where it is not simply the key
  state TEXT NOT NULL,                     -- open, linked, tombstone
  UNIQUE (sync, a_key)
);
CREATE UNIQUE INDEX link_b ON link (sync, b_key) WHERE b_key IS NOT NULL;
CREATE UNIQUE INDEX link_ref ON link (sync, ref) WHERE ref IS NOT NULL;

-- Other keys of a link. Side a: a source key that the record has left, while the target still holds the external id of it.
CREATE TABLE alias (
  sync TEXT NOT NULL,
  side TEXT NOT NULL,
  key TEXT NOT NULL,
  link INTEGER NOT NULL,
  since_request INTEGER NOT NULL DEFAULT 0, -- a request from this number on takes the external id away
  PRIMARY KEY (sync, side, key, link)
) WITHOUT ROWID;

-- Each side's own last agreed image: base of merges, echo check, no-op check.
CREATE TABLE shadow (link INTEGER PRIMARY KEY, a TEXT, b TEXT, a_version TEXT, b_version TEXT, provisional INTEGER NOT NULL DEFAULT 0);

CREATE TABLE lane (
  flow TEXT NOT NULL,
  link INTEGER NOT NULL,
  state TEXT NOT NULL,                     -- waiting, parked, review
  first INTEGER,
  last INTEGER,
  image TEXT NOT NULL,
  route TEXT NOT NULL DEFAULT 'realtime',
  due_ms INTEGER,                          -- null: behind a flight
  attempts INTEGER NOT NULL DEFAULT 0,
  stage TEXT,
  reasons TEXT NOT NULL DEFAULT '[]',
  since_ms INTEGER NOT NULL,
  PRIMARY KEY (flow, link)
) WITHOUT ROWID;
CREATE INDEX lane_due ON lane (flow, state, due_ms);

CREATE TABLE flight (
  request TEXT PRIMARY KEY,
  flow TEXT NOT NULL,
  number INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  ticket TEXT,
  may_land_until_ms INTEGER NOT NULL,
  body TEXT NOT NULL                       -- the request and the source image behind each delivery
);
CREATE INDEX flight_flow ON flight (flow, number);

CREATE TABLE outcome (
  flow TEXT NOT NULL,
  seq INTEGER NOT NULL,
  link INTEGER,
  kind TEXT NOT NULL,                      -- delivered, superseded, excluded, discarded
  by_seq INTEGER,
  request INTEGER,
  note TEXT,
  commit_no INTEGER NOT NULL,
  PRIMARY KEY (flow, seq)
) WITHOUT ROWID;

-- One hash a commit over its outcome rows and the hash before it: a changed audit row is evident.
CREATE TABLE chain (commit_no INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, hash TEXT NOT NULL);

CREATE TABLE related (
  sync TEXT NOT NULL,
  alias TEXT NOT NULL,                     -- the join
  child TEXT NOT NULL,
  root TEXT NOT NULL,
  PRIMARY KEY (sync, alias, child, root)
) WITHOUT ROWID;
CREATE INDEX related_root ON related (sync, alias, root);

CREATE TABLE identity (system TEXT PRIMARY KEY, identity TEXT NOT NULL);
CREATE TABLE status (seq INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL, body TEXT NOT NULL);

-- The spec's columns and meaning.
CREATE TABLE sync_checkpoints (
  checkpoint_id TEXT PRIMARY KEY,
  source_system TEXT NOT NULL,
  target_system TEXT NOT NULL,
  last_synced_id TEXT,
  last_sync_timestamp TEXT,
  record_count INTEGER,
  checksum TEXT,
  checkpoint_timestamp TEXT NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%S', 'now'))
);
