import { type Failure, failure } from '../model/failure.ts'
import type { FlowHead, State } from '../model/state.ts'
import type { FlowSpec } from './flow.ts'
import type { Subject } from './gather.ts'

/** Deletes are counted over this long. */
const WINDOW_MS = 3_600_000
/** So many deletes an hour never trip the guard, however small the table is. */
const FREE = 10

/** What a person let through: deletes up to this entry, and repeats of ours that were waiting at that time. */
export interface Approval {
  readonly upTo: number
  readonly at_ms: number
}

/** Where the guard stands. */
export interface GuardCount {
  readonly deletes: number
  readonly since_ms: number
}

/**
 * The mass-delete guard: counts the deletes of a window on top of those of the last hour. Answers the new count, or the
 * failure that stops the flow before any of them is sent.
 */
export async function guard(
  deleting: readonly Subject[],
  count: GuardCount,
  approval: Approval,
  now_ms: number,
  spec: FlowSpec,
  state: State,
): Promise<{ kind: 'pass'; count: GuardCount } | { kind: 'stop'; failure: Failure }> {
  const limits = spec.deletes.guard
  const fresh = now_ms - count.since_ms > WINDOW_MS ? { deletes: 0, since_ms: now_ms } : count
  const counted = deleting.filter((subject) => !approved(subject, approval)).length
  const deletes = fresh.deletes + counted
  if (limits === null || counted === 0 || deletes <= FREE) return { kind: 'pass', count: { ...fresh, deletes } }
  const linked = await state.linked(spec.sync)
  const limit = Math.max(FREE, Math.min(limits.rows, Math.floor((linked * limits.percent) / 100)))
  if (deletes <= limit) return { kind: 'pass', count: { ...fresh, deletes } }
  const message = `${spec.id}: ${deletes} deletes within an hour, the limit is ${limit} (the smaller of ${limits.rows} and ${limits.percent} % of ${linked} linked records). None of the ${counted} new ones was sent.`
  return { kind: 'stop', failure: failure('SYNC-6001', message) }
}

const approved = ({ covers, lane }: Subject, { upTo, at_ms }: Approval): boolean =>
  covers === null ? lane !== null && lane.since_ms <= at_ms : covers <= upTo

/** Where the guard stood when the flow was opened. */
export const guardOf = (head: FlowHead): { count: GuardCount; approval: Approval } => ({
  count: { deletes: head.deletes, since_ms: head.deletesSince_ms },
  approval: { upTo: head.deletesApproved, at_ms: head.deletesApproved_ms },
})
