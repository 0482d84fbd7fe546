import type { FlowId } from '../model/change.ts'
import type { Failure } from '../model/failure.ts'
import type { Key } from '../model/key.ts'
import type { Merge, Mergeable, MergeEnd, MergeRow } from '../model/merges.ts'
import type { Word } from '../model/twins.ts'
import { fence } from './commits.ts'
import { wakeBehind } from './lanes.ts'
import type { Cells, Database } from './sqlite.ts'
import type { TwinIndex } from './twin-index.ts'
import { dropDeleted } from './twins.ts'

/** The methods of `MergesState` over a state file. `write` is one transaction. */
export function mergesState(db: Database, index: TwinIndex, write: <T>(body: () => T) => T) {
  return {
    mergeable: (sync: string, key: Key | null, rowsMax: number): Mergeable[] =>
      pairs(db, sync, key, rowsMax).map(({ link: _, into_link: __, ...pair }) => pair),

    askMerges: (flow: FlowId, key: Key | null, rowsMax: number, { by, why, at_ms }: Word): number =>
      write(() => {
        const sync = String(db.get('SELECT sync FROM flow WHERE id = ?', flow)?.['sync'])
        const found = pairs(db, sync, key, rowsMax)
        for (const { link, into_link, loser, survivor } of found)
          db.run(
            `INSERT INTO merging (flow, link, into_link, loser, survivor, state, who, why, asked_ms, at_ms) VALUES (?,?,?,?,?,'asked',?,?,?,?)`,
            flow,
            link,
            into_link,
            loser,
            survivor,
            by,
            why,
            at_ms,
            at_ms,
          )
        return found.length
      }),

    dueMerges(flow: FlowId, now_ms: number, rowsMax: number): { due: Merge[]; next_ms: number | null } {
      const rows = db.all(
        `SELECT * FROM merging WHERE flow = ? AND state = 'asked' AND due_ms <= ? ORDER BY due_ms, id LIMIT ?`,
        flow,
        now_ms,
        rowsMax,
      )
      const next = db.get(
        `SELECT min(due_ms) AS at FROM merging WHERE flow = ? AND state = 'asked' AND due_ms > ?`,
        flow,
        now_ms,
      )?.['at']
      return { due: rows.map(mergeOf), next_ms: (next ?? null) as number | null }
    },

    beginMerges: (
      flow: FlowId,
      epoch: number,
      ids: readonly number[],
      at_ms: number,
      mayLandUntil_ms: number,
    ): Merge[] =>
      write(() => {
        fence(db, flow, epoch)
        return ids.flatMap((id) => begin(db, flow, id, at_ms, mayLandUntil_ms))
      }),

    sentMerges: (flow: FlowId): Merge[] =>
      db.all(`SELECT * FROM merging WHERE flow = ? AND state = 'sent' ORDER BY id`, flow).map(mergeOf),

    settleMerge: (flow: FlowId, epoch: number, id: number, end: MergeEnd, at_ms: number): void =>
      write(() => {
        fence(db, flow, epoch)
        settle(db, index, flow, id, end, at_ms)
      }),

    merges(sync: string, key: Key | null, rowsMax: number): MergeRow[] {
      return db
        .all(
          `SELECT merging.*, own.a_key, lead.a_key AS into_key FROM merging JOIN link AS own ON own.id = merging.link
           JOIN link AS lead ON lead.id = merging.into_link
           WHERE own.sync = ?1 AND (?2 IS NULL OR own.a_key = ?2 OR lead.a_key = ?2) ORDER BY merging.id DESC LIMIT ?3`,
          sync,
          key,
          rowsMax,
        )
        .map((row) => ({
          key: String(row['a_key']) as Key,
          into: String(row['into_key']) as Key,
          loser: String(row['loser']),
          survivor: String(row['survivor']),
          state: row['state'] as MergeRow['state'],
          by: String(row['who']),
          why: String(row['why']),
          asked_ms: Number(row['asked_ms']),
          at_ms: Number(row['at_ms']),
          failure: row['failure'] === null ? null : (JSON.parse(String(row['failure'])) as Failure),
        }))
    },
  }
}

const mergeOf = (row: Cells): Merge => ({
  id: Number(row['id']),
  link: Number(row['link']),
  into: Number(row['into_link']),
  loser: String(row['loser']),
  survivor: String(row['survivor']),
  attempts: Number(row['attempts']),
  mayLandUntil_ms: Number(row['may_land_until_ms']),
})

/**
 * Members that have a record of their own at the target beside their leader's: only a person's word makes them. A leader that is
 * deleted at the source, or waits for a person for that, is about to go: nothing is merged into it.
 */
const TWO_THERE = `FROM member JOIN link AS own ON own.id = member.link JOIN link AS lead ON lead.id = member.into_link
  WHERE own.state = 'linked' AND lead.state = 'linked' AND own.b_key IS NOT NULL AND lead.b_key IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM lane WHERE lane.link = lead.id AND json_extract(lane.image, '$.op') = 'delete')`

interface Pair extends Mergeable {
  readonly link: number
  readonly into_link: number
}

function pairs(db: Database, sync: string, key: Key | null, rowsMax: number): Pair[] {
  return db
    .all(
      `SELECT member.link, member.into_link, own.a_key, lead.a_key AS into_key, own.b_key AS loser, lead.b_key AS survivor ${TWO_THERE}
         AND own.sync = ?1 AND (?2 IS NULL OR own.a_key = ?2 OR lead.a_key = ?2)
         AND NOT EXISTS (SELECT 1 FROM merging WHERE merging.link = member.link AND state IN ('asked', 'sent'))
       ORDER BY member.link LIMIT ?3`,
      sync,
      key,
      rowsMax,
    )
    .map((row) => ({
      link: Number(row['link']),
      into_link: Number(row['into_link']),
      key: String(row['a_key']) as Key,
      into: String(row['into_key']) as Key,
      loser: String(row['loser']),
      survivor: String(row['survivor']),
    }))
}

/** I9: stored before it is sent. Whatever happened since it was asked for, only the very same two records are merged. */
function begin(db: Database, flow: FlowId, id: number, at_ms: number, mayLandUntil_ms: number): Merge[] {
  const row = db.get(`SELECT * FROM merging WHERE id = ? AND flow = ? AND state = 'asked'`, id, flow)
  if (row === undefined) return []
  const merge = { ...mergeOf(row), mayLandUntil_ms }
  const holds = db.get(
    `SELECT 1 AS one ${TWO_THERE} AND member.link = ? AND member.into_link = ? AND own.b_key = ? AND lead.b_key = ?`,
    merge.link,
    merge.into,
    merge.loser,
    merge.survivor,
  )
  const state = holds === undefined ? 'void' : 'sent'
  db.run(
    'UPDATE merging SET state = ?, may_land_until_ms = ?, at_ms = ? WHERE id = ?',
    state,
    mayLandUntil_ms,
    at_ms,
    id,
  )
  return holds === undefined ? [] : [merge]
}

function settle(db: Database, index: TwinIndex, flow: FlowId, id: number, end: MergeEnd, at_ms: number): void {
  const row = db.get(`SELECT * FROM merging WHERE id = ? AND flow = ? AND state = 'sent'`, id, flow)
  if (row === undefined) return
  const failure = 'failure' in end ? JSON.stringify(end.failure) : null
  switch (end.kind) {
    case 'open':
      // I4: nothing else is written to the two before it can no longer land.
      db.run(
        'UPDATE merging SET may_land_until_ms = max(may_land_until_ms, ?), failure = ? WHERE id = ?',
        end.mayLandUntil_ms,
        failure,
        id,
      )
      return
    case 'again':
      db.run(
        `UPDATE merging SET state = 'asked', attempts = attempts + 1, due_ms = ?, at_ms = ?, failure = ? WHERE id = ?`,
        end.due_ms,
        at_ms,
        failure,
        id,
      )
      return
    case 'refused':
    case 'merged':
    case 'gone':
      db.run('UPDATE merging SET state = ?, at_ms = ?, failure = ? WHERE id = ?', end.kind, at_ms, failure, id)
      if (end.kind !== 'refused') leave(db, index, flow, mergeOf(row))
  }
}

/**
 * The loser's record is deleted at the target. Its source record is as one that never was there: it goes with its leader, and makes
 * a new record when somebody takes it out again. What persons said of the deleted record is about the one that it went into.
 */
function leave(db: Database, index: TwinIndex, flow: FlowId, { link, loser, survivor }: Merge): void {
  const row = db.get('SELECT sync FROM link WHERE id = ? AND b_key = ?', link, loser)
  if (row === undefined) return
  const sync = String(row['sync'])
  wakeBehind(db, flow, link)
  db.run(`DELETE FROM alias WHERE sync = ? AND side = 'a' AND link = ?`, sync, link)
  db.run(`UPDATE link SET b_key = NULL, state = 'open' WHERE id = ?`, link)
  db.run('DELETE FROM shadow WHERE link = ?', link)
  dropDeleted(db, index, flow, [{ target: loser, state: 'tombstone' }])
  db.run(
    'UPDATE twin SET target = NULL WHERE target = ? AND id > 0 AND sync = (SELECT no FROM twin_sync WHERE sync = ?)',
    loser,
    sync,
  )
  db.run(
    `UPDATE decision SET target = ? WHERE target = ? AND kind IN ('same', 'different') AND a IN (SELECT id FROM link WHERE sync = ?)`,
    survivor,
    loser,
    sync,
  )
}
