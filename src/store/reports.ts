import type { FlowId, Sequence } from '../model/change.ts'
import type { JudgedCount, JudgedOutcome, RuleSet } from '../model/rule-set.ts'
import type { Backlog, CauseRow, Counts, Known, State } from '../model/state.ts'
import { outcomeRow } from './chain.ts'
import { ruleSetRow } from './rows.ts'
import type { Cells, Database } from './sqlite.ts'

/** Counts row by row, so that `audit` does not trust a counter. Entries are counted, not records. */
export function countByClass(db: Database, flow: FlowId): Counts {
  // One pass without a sorter: grouping a million rows would hold them in memory.
  const outcomes = db.get(
    `SELECT sum(kind = 'delivered') AS delivered, sum((kind = 'superseded') * coalesce(entries, 1)) AS superseded, sum(kind = 'excluded') AS excluded,
       sum(kind = 'discarded') AS discarded FROM outcome WHERE flow = ?`,
    flow,
  )
  const { waiting, held, inFlight, parked, review } = backlogOf(db, flow)
  return {
    delivered: Number(outcomes?.['delivered'] ?? 0),
    superseded: Number(outcomes?.['superseded'] ?? 0),
    excluded: Number(outcomes?.['excluded'] ?? 0),
    discarded: Number(outcomes?.['discarded'] ?? 0),
    quarantined: parked,
    review,
    waiting,
    held,
    inFlight,
  }
}

/** Entries that have no outcome yet, by where they are. */
export function backlogOf(db: Database, flow: FlowId): Backlog {
  const lanes = new Map(
    db
      .all(
        'SELECT state, count(last) AS n, count(next_last) AS held, count(*) AS records, min(since_ms) AS since FROM lane WHERE flow = ? GROUP BY state',
        flow,
      )
      .map((row) => [String(row['state']), row]),
  )
  const flights = db.get(
    `SELECT coalesce(sum(json_array_length(delivery.value, '$.covers')), 0) AS n
     FROM flight, json_each(body, '$.request.deliveries') AS delivery WHERE flow = ?`,
    flow,
  )
  return {
    waiting: Number(lanes.get('waiting')?.['n'] ?? 0),
    held: [...lanes.values()].reduce((sum, row) => sum + Number(row['held']), 0),
    parked: Number(lanes.get('parked')?.['n'] ?? 0),
    review: Number(lanes.get('review')?.['n'] ?? 0),
    inFlight: Number(flights?.['n']),
    parkedSince_ms: (lanes.get('parked')?.['since'] as number | null | undefined) ?? null,
    reviewSince_ms: (lanes.get('review')?.['since'] as number | null | undefined) ?? null,
    records: {
      parked: Number(lanes.get('parked')?.['records'] ?? 0),
      review: Number(lanes.get('review')?.['records'] ?? 0),
    },
  }
}

/** What is parked, grouped by cause, most first. A record with two causes counts in both, and once in each. */
export function byCause(db: Database, flow: FlowId, by: Parameters<State['causes']>[1] = {}): CauseRow[] {
  const rows = db.all(
    `SELECT json_extract(value, '$.stage') AS stage, json_extract(value, '$.code') AS code, json_extract(value, '$.field') AS field,
       iif(?, json_extract(value, '$.rule'), NULL) AS rule, count(DISTINCT link) AS n, min(since_ms) AS oldest
     FROM lane, json_each(lane.reasons) WHERE flow = ? AND state != 'waiting' AND (? IS NULL OR state = ?)
     GROUP BY 1, 2, 3, 4 ORDER BY n DESC, 1, 2, 3, 4`,
    by.rule === true ? 1 : 0,
    flow,
    by.state ?? null,
    by.state ?? null,
  )
  return rows.map((row: Cells) => ({
    stage: String(row['stage']),
    code: String(row['code']),
    rule: row['rule'] as string | null,
    field: row['field'] as string | null,
    n: Number(row['n']),
    oldest_ms: Number(row['oldest']),
  }))
}

/** The newest outcomes of one record. */
export function recordStory(
  db: Database,
  known: Known | null,
  flow: FlowId,
  seqs: readonly Sequence[],
  rowsMax: number,
): { known: Known | null; outcomes: JudgedOutcome[] } {
  // An entry that was excluded before its record was ever known has no link, only its number.
  const rows = db.all(
    `SELECT outcome.*, chain.at_ms FROM outcome JOIN chain USING (commit_no)
     WHERE outcome.flow = ? AND (outcome.link = ? OR EXISTS
       (SELECT 1 FROM json_each(?) WHERE value BETWEEN coalesce(outcome.first, outcome.seq) AND outcome.seq))
     ORDER BY outcome.seq DESC LIMIT ?`,
    flow,
    known?.link ?? -1,
    JSON.stringify(seqs),
    rowsMax,
  )
  return {
    known,
    outcomes: rows.map((row) => ({
      ...outcomeRow(row),
      at_ms: Number(row['at_ms']),
      ruleSet: row['rule_set'] as number | null,
    })),
  }
}

/** What the state says of rule sets. */
export const ruleState = (db: Database) => ({
  ruleSets: (flow: FlowId): RuleSet[] =>
    db.all('SELECT * FROM rule_set WHERE flow = ? ORDER BY id', flow).map(ruleSetRow),

  judgedBy: (sync: string): JudgedCount[] =>
    db
      .all(
        `SELECT rule_set, count(*) AS n FROM link WHERE sync = ? AND state <> 'tombstone' GROUP BY rule_set ORDER BY rule_set`,
        sync,
      )
      .map((row) => ({ ruleSet: row['rule_set'] as number | null, records: Number(row['n']) })),
})
