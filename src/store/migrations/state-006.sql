-- The rules that judged: a row for every time that those of a flow became others. Equal rules have equal hashes.
CREATE TABLE rule_set (
  id INTEGER PRIMARY KEY,
  flow TEXT NOT NULL,
  hash TEXT NOT NULL,
  since_ms INTEGER                         -- null: they judged before this was kept
);
CREATE INDEX rule_set_flow ON rule_set (flow);
INSERT INTO rule_set (flow, hash) SELECT id, rules FROM flow WHERE rules IS NOT NULL ORDER BY id;

ALTER TABLE flow ADD COLUMN rule_set INTEGER;    -- what judges now; null: nothing was judged yet
UPDATE flow SET rule_set = (SELECT id FROM rule_set WHERE rule_set.flow = flow.id);
ALTER TABLE flow DROP COLUMN rules;

-- What judged a record last: also what is parked, in review, or under way of it. Null: judged before this was kept.
ALTER TABLE link ADD COLUMN rule_set INTEGER;
-- What judged an entry, or what it was folded into. Null: nobody (read again by a snapshot), or before this was kept.
ALTER TABLE outcome ADD COLUMN rule_set INTEGER;
