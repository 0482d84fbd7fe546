import type { FlowId } from '../model/change.ts'
import type { Failure } from '../model/failure.ts'
import type { Journal } from '../model/journal.ts'
import type { Counts, FlowHead, FlowStatus, State } from '../model/state.ts'
import { type RecordsByRules, type Rules, recordsByRules, rulesOf } from './rule-sets.ts'

/**
 * Where a flow stands: every entry that it read is in exactly one class, counted row by row in the audit rows, lanes and
 * flights. The counts are those of the whole life of the state folder, so that they add up whatever happened between.
 */
export interface FlowReport {
  readonly flow: FlowId
  readonly sync: string
  readonly status: FlowStatus
  readonly reason: Failure | null
  /** Entries of its tables that reached the journal. The six classes below add up to it. */
  readonly read: number
  readonly delivered: number
  readonly superseded: number
  /** Parked: in quarantine or in review. */
  readonly quarantined: number
  readonly excluded: number
  readonly discarded: number
  /** Waiting (also behind a parked record), in flight, or not judged yet. */
  readonly pending: number
  /** Entries that were not judged yet, or never will be until a snapshot takes their place: a part of `pending`. */
  readonly unjudged: number
  /** The rules that judged last; null: nothing was judged yet. */
  readonly rules: Rules | null
}

/** What an audit found. */
export interface Audit extends FlowReport {
  /** Classes that are counted minus entries that were read: 0, or something is wrong. */
  readonly difference: number
  /** The first commit of the audit trail whose hash does not fit; null: the chain is whole. */
  readonly brokenAt: number | null
  /** Records by the rules that judged them last. */
  readonly records: RecordsByRules
}

/** Counts one flow. `tables`: every table that it reads. */
export async function reportFlow(
  head: FlowHead,
  tables: readonly string[],
  state: State,
  journal: Journal,
): Promise<FlowReport> {
  const counts = await state.counts(head.id)
  // What a flow in need of a snapshot will never read is counted already; the journal need not have it any more.
  const after = Math.max(head.judged, head.gap?.upTo ?? 0)
  const unjudged = (head.gap?.entries ?? 0) + (await journal.count({ after, tables, flow: head.id }))
  return {
    ...classes(counts, head.read, unjudged),
    flow: head.id,
    sync: head.sync,
    status: head.status,
    reason: head.reason,
    rules: head.rules === null ? null : rulesOf(head.rules),
  }
}

/** Counts one flow and checks that the classes add up and that the audit trail is whole (promise 2). */
export async function auditFlow(
  head: FlowHead,
  tables: readonly string[],
  state: State,
  journal: Journal,
): Promise<Audit> {
  const report = await reportFlow(head, tables, state, journal)
  const { delivered, superseded, quarantined, excluded, discarded, pending, read } = report
  return {
    ...report,
    difference: delivered + superseded + quarantined + excluded + discarded + pending - read,
    brokenAt: await state.verifyChain(),
    records: recordsByRules(await state.ruleSets(head.id), await state.judgedBy(head.sync)),
  }
}

function classes(counts: Counts, judged: number, unjudged: number) {
  return {
    read: judged + unjudged,
    delivered: counts.delivered,
    superseded: counts.superseded,
    quarantined: counts.quarantined + counts.review,
    excluded: counts.excluded,
    discarded: counts.discarded,
    pending: counts.waiting + counts.held + counts.inFlight + unjudged,
    unjudged,
  }
}

/** Several flows as one, for the line that a run ends with. */
export function total(
  reports: readonly FlowReport[],
): Omit<FlowReport, 'flow' | 'sync' | 'status' | 'reason' | 'unjudged' | 'rules'> {
  const sum = (of: (report: FlowReport) => number) => reports.reduce((all, report) => all + of(report), 0)
  return {
    read: sum((each) => each.read),
    delivered: sum((each) => each.delivered),
    superseded: sum((each) => each.superseded),
    quarantined: sum((each) => each.quarantined),
    excluded: sum((each) => each.excluded),
    discarded: sum((each) => each.discarded),
    pending: sum((each) => each.pending),
  }
}
