import type { FlowId, Sequence } from '../model/change.ts'
import type { Failure } from '../model/failure.ts'
import type { Gap } from '../model/state.ts'
import { appendOutcomes } from './chain.ts'
import { fence } from './commits.ts'
import type { Database } from './sqlite.ts'

/** A flow that needs a snapshot (rule 1), as statements. All run inside a transaction of the caller. */

/** The flow does not wait for the entries of the gap any more. */
export function storeGap(db: Database, flow: FlowId, epoch: number, gap: Gap, reason: Failure | null): void {
  fence(db, flow, epoch)
  db.run(
    `UPDATE flow SET status = 'needs-snapshot', reason = coalesce(?, reason), gap_to = max(gap_to, ?), gap_entries = ? WHERE id = ?`,
    reason === null ? null : JSON.stringify(reason),
    gap.upTo,
    gap.entries,
    flow,
  )
}

/**
 * The cursor passes the gap: from here on a snapshot tells what was in it. One audit row for all its entries, so that the classes
 * add up (promise 2); what is left is to look for records that are gone, which no snapshot shows.
 */
export function closeGap(
  db: Database,
  flow: FlowId,
  epoch: number,
  upTo: Sequence,
  entries: number,
  at_ms: number,
): void {
  fence(db, flow, epoch)
  const row = db.get('SELECT judged, status FROM flow WHERE id = ?', flow)
  if (row?.['status'] !== 'needs-snapshot') return
  const note = 'no longer in the journal: read again by a snapshot'
  const range = { first: Number(row['judged']) + 1, entries }
  if (entries > 0)
    appendOutcomes(
      db,
      flow,
      [{ seq: upTo, link: null, kind: 'superseded', by: null, request: null, note, range }],
      at_ms,
      null,
    )
  db.run(
    `UPDATE flow SET status = 'running', reason = NULL, judged = max(judged, ?), read = read + ?, gap_to = 0, gap_entries = 0, sweep = 1 WHERE id = ?`,
    upTo,
    entries,
    flow,
  )
}
