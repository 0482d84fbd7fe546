-- A flow that fell behind the bound of its journal (rule 1).
ALTER TABLE flow ADD COLUMN gap_to INTEGER NOT NULL DEFAULT 0;      -- entries after `judged` up to here are not waited for
ALTER TABLE flow ADD COLUMN gap_entries INTEGER NOT NULL DEFAULT 0; -- how many of them concern the flow
ALTER TABLE flow ADD COLUMN sweep INTEGER NOT NULL DEFAULT 0;       -- 1: records that are gone at the source are still to be looked for
-- One audit row may stand for a range of entries that were never read one by one: first to seq.
ALTER TABLE outcome ADD COLUMN first INTEGER;
ALTER TABLE outcome ADD COLUMN entries INTEGER;                     -- how many; null: one
-- What waits behind a parked record (whileParked: wait).
ALTER TABLE lane ADD COLUMN next_first INTEGER;
ALTER TABLE lane ADD COLUMN next_last INTEGER;
ALTER TABLE lane ADD COLUMN next_image TEXT;                        -- null: nothing waits
