-- Which row points at which by a foreign key whose actions the source does not log (MySQL). It may hold more than is true, never less.
CREATE TABLE ref (
  parent_tab TEXT NOT NULL,
  parent TEXT NOT NULL,          -- key of the row that is pointed at
  tab TEXT NOT NULL,
  child TEXT NOT NULL,           -- key of the row that points
  seq INTEGER NOT NULL,          -- the entry that said so last
  PRIMARY KEY (parent_tab, parent, tab, child)
) WITHOUT ROWID;
CREATE INDEX ref_child ON ref (tab, child);
