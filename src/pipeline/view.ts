import type { Sequence } from '../model/change.ts'
import type { Failure } from '../model/failure.ts'
import type { FlowStatus, Gap } from '../model/state.ts'

/** Where a running flow is, for people and for runs that end when nothing is pending. */
export interface FlowView {
  readonly status: FlowStatus
  readonly reason: Failure | null
  readonly judged: Sequence
  /** What it will never read; null unless it needs a snapshot. */
  readonly gap: Gap | null
  /** Nothing is waiting, under way, or unread in the journal at the last look. */
  readonly idle: boolean
  /** Why the target takes nothing at present. */
  readonly away: Failure | null
}
