-- One journal a source system. Readable with plain SQL; written by one process.
CREATE TABLE meta (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  journal_id TEXT NOT NULL,
  next_seq INTEGER NOT NULL,     -- kept here: after a full trim SQLite's rowid would start at 1 again
  tail INTEGER NOT NULL,         -- newest visible entry; what lies above belongs to an unfinished transaction
  position TEXT                  -- where the source resumes
);

CREATE TABLE entry (
  seq INTEGER PRIMARY KEY,
  key TEXT NOT NULL,             -- JSON array of the key columns' texts
  tab TEXT NOT NULL,
  op TEXT NOT NULL,
  only TEXT,                     -- addressed to this flow alone
  id TEXT NOT NULL UNIQUE,       -- stable across re-reads of the source
  at_ms INTEGER NOT NULL,        -- committed at the source; 0 where it does not say
  stored_ms INTEGER NOT NULL,    -- when it was stored here: retention counts from then
  body TEXT NOT NULL             -- JSON: row, before, oldKey, mark
);

CREATE TABLE change_set (first INTEGER PRIMARY KEY, last INTEGER NOT NULL, bytes INTEGER NOT NULL, id TEXT NOT NULL);
CREATE TABLE held (xid TEXT NOT NULL, n INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY (xid, n));
CREATE TABLE table_state (tab TEXT PRIMARY KEY, state TEXT NOT NULL, reason TEXT NOT NULL);
CREATE TABLE snapshot (tab TEXT NOT NULL, only TEXT NOT NULL, progress TEXT NOT NULL, PRIMARY KEY (tab, only));
