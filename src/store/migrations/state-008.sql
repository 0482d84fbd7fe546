-- Whom a record in review resembles, by their numbers in the index: when one of those changes or is gone, it is judged afresh.
CREATE TABLE mention (
  other INTEGER NOT NULL,
  link INTEGER NOT NULL,
  PRIMARY KEY (other, link)
) WITHOUT ROWID;
CREATE INDEX mention_link ON mention (link);
INSERT OR IGNORE INTO mention
  SELECT other.id, lane.link FROM lane JOIN flow ON flow.id = lane.flow JOIN json_each(lane.reasons) AS reason
    JOIN link AS other ON other.sync = flow.sync AND other.a_key = json_extract(reason.value, '$.alike.key')
  WHERE lane.state = 'review' AND lane.stage = 'duplicates';
