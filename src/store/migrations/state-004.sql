-- What validation said of records, by the hour: statistics for reports and charts. The audit counts elsewhere, row by row.
CREATE TABLE figure (
  hour_ms INTEGER NOT NULL,
  flow TEXT NOT NULL,
  name TEXT NOT NULL,                      -- judged, valid, merged, scored, score; passed, failed, review of a stage or rule
  stage TEXT NOT NULL,                     -- '': of the records as a whole
  rule TEXT NOT NULL,                      -- '': of the stage as a whole
  n REAL NOT NULL,
  PRIMARY KEY (hour_ms, flow, name, stage, rule)
) WITHOUT ROWID;
