-- The external id that a waiting or parked record is to have: it is judged again when nobody has it any more.
ALTER TABLE lane ADD COLUMN wants TEXT;
CREATE INDEX lane_wants ON lane (flow, wants) WHERE wants IS NOT NULL;
