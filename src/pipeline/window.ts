import type { Sized } from '../delivery/plan.ts'
import type { Entry, Sequence } from '../model/change.ts'
import type { IdChanges } from '../model/ids.ts'
import type { Flight, JudgeCommit, Lane, LaneOf, Next, OutcomeRow } from '../model/state.ts'
import type { Delivery, Request } from '../model/target.ts'
import { type Row, text } from '../model/value.ts'
import { idsAfter, type Traffic } from './claims.ts'
import type { FlowParts, FlowSpec } from './flow.ts'
import type { Subject } from './gather.ts'
import type { Decision } from './judge.ts'

/** What one step works on: lanes whose turn has come, or new entries. */
export interface Window {
  readonly entries: readonly Entry[]
  readonly lanes: readonly LaneOf[]
  readonly scanned: Sequence
}

/** A request under way, with what is only needed while this process lives. */
export interface Launch {
  readonly flight: Flight
  /** Source commit time of each delivery, for live changes; same order. */
  readonly committed_ms: readonly (number | null)[]
}

type Growing<T> = { readonly [K in keyof T]: T[K] extends readonly (infer E)[] ? E[] : never }

/** What a decided window becomes in the store, before its deliveries are packed into requests. */
export interface Decided {
  readonly links: JudgeCommit['links'][0][]
  readonly ids: Growing<IdChanges>
  readonly outcomes: OutcomeRow[]
  readonly lanes: Lane[]
  readonly lanesGone: number[]
  readonly deliveries: Sized<Subject>[]
  /** The link of each record by its place; none for one that was left out before it was ever known. */
  readonly linkAt: readonly (number | null)[]
}

/** Wire overhead of a record beside its fields, in bytes: attributes, braces, commas. */
const RECORD_OVERHEAD_BYTES = 64

/** Pause before a record whose external id is still held by another one is looked at again. */
const LOOK_AGAIN_MS = 1_000

/**
 * Turns decisions into rows: audit rows, lanes, links with their new numbers, deliveries. Pure but for the link numbers it takes.
 * @param since the first request that the window may send
 */
export function decide(
  subjects: readonly Subject[],
  decisions: readonly Decision[],
  spec: FlowSpec,
  at: Traffic,
  since: number,
  nextLink: () => number,
): Decided {
  const linkAt: (number | null)[] = []
  const decided: Decided = {
    links: [],
    ids: { givers: [], evicted: [], held: [], released: [], freed: [] },
    outcomes: [],
    lanes: [],
    lanesGone: [],
    deliveries: [],
    linkAt,
  }
  const { now_ms } = at
  for (const [i, subject] of subjects.entries()) {
    const decision = decisions[i] as Decision
    const link = subject.known?.link ?? (decision.kind === 'skip' ? null : nextLink())
    linkAt.push(link)
    if (link === null) {
      skip(subject, null, (decision as Extract<Decision, { kind: 'skip' }>).reason)
      continue
    }
    const ids = idsAfter(subject, link, decision, at, since, spec)
    if (subject.known === null || subject.movedFrom !== null || ids.ref !== subject.known.ref)
      decided.links.push({ id: link, key: subject.key, ref: ids.ref, isNew: subject.known === null })
    decided.ids.held.push(...ids.held)
    decided.ids.released.push(...ids.released)
    decided.ids.freed.push(...ids.freed)
    switch (decision.kind) {
      case 'skip':
      case 'merge':
        skip(subject, link, decision.reason)
        break
      case 'wait':
        decided.lanes.push(laneFor(subject, link, waiting(subject, decision, now_ms)))
        if (decision.for === 'external id' && decision.evicts !== null)
          decided.ids.evicted.push({ link: decision.evicts, ext: decision.wants, since })
        break
      case 'park':
        decided.lanes.push(laneFor(subject, link, parking(subject, decision, now_ms)))
        break
      case 'send':
        leave(subject, link, null)
        if (decision.from !== null) decided.ids.givers.push({ ...decision.from, to: link })
        decided.deliveries.push(sized(subject, link, decision, spec))
    }
  }
  return decided

  /** Its image is on its way, or needs none: what waited behind it goes next (I4), else the lane is empty. */
  function leave({ lane }: Subject, link: number, due_ms: number | null): void {
    if (lane === null) return
    if (lane.next === null) decided.lanesGone.push(link)
    else decided.lanes.push(waitingLane(link, lane.next, due_ms, now_ms))
  }

  function skip(subject: Subject, link: number | null, reason: string): void {
    if (link !== null) leave(subject, link, 0)
    if (subject.covers !== null)
      decided.outcomes.push({ seq: subject.covers, link, kind: 'excluded', by: null, request: null, note: reason })
  }
}

/**
 * Links that are judged by the present rules now, and were by others last. Who waits is not judged.
 * @param rulesFrom the first number that may be the one of the present rules: none but a later owner (W8) stores other ones
 */
export const judgedAnew = (subjects: readonly Subject[], decisions: readonly Decision[], rulesFrom: number): number[] =>
  subjects.flatMap(({ known }, i) =>
    known === null || (known.ruleSet ?? 0) >= rulesFrom || decisions[i]?.kind === 'wait' ? [] : [known.link],
  )

function parking(
  { lane }: Subject,
  { to, stage, reasons, wants = null }: Extract<Decision, { kind: 'park' }>,
  now_ms: number,
): Parameters<typeof laneFor>[2] {
  const state = to === 'review' ? 'review' : 'parked'
  // Judged again and parked again at the same stage: it is as old as it was.
  const isOld = lane !== null && (lane.state === state || lane.stage === stage)
  return { state, due_ms: null, since_ms: isOld ? lane.since_ms : now_ms, stage, reasons, wants }
}

function waiting(
  { lane }: Subject,
  decision: Extract<Decision, { kind: 'wait' }>,
  now_ms: number,
): Parameters<typeof laneFor>[2] {
  if (decision.for === 'flight') return { state: 'waiting', due_ms: null, since_ms: now_ms }
  const since_ms = lane?.state === 'waiting' && lane.stage === 'key' ? lane.since_ms : now_ms
  return { state: 'waiting', due_ms: now_ms + LOOK_AGAIN_MS, since_ms, stage: 'key', wants: decision.wants }
}

function laneFor(
  subject: Subject,
  link: number,
  lane: Pick<Lane, 'state' | 'due_ms' | 'since_ms'> & Partial<Pick<Lane, 'stage' | 'reasons' | 'wants'>>,
): Lane {
  const { first, covers: last, image } = subject
  return { link, first, last, image, attempts: 0, stage: null, reasons: [], next: subject.lane?.next ?? null, ...lane }
}

/** What waited behind a parked image, now that its turn comes. */
const waitingLane = (link: number, next: Next, due_ms: number | null, since_ms: number): Lane => ({
  link,
  state: 'waiting',
  ...next,
  due_ms,
  attempts: 0,
  stage: null,
  reasons: [],
  since_ms,
  next: null,
})

function sized(
  subject: Subject,
  link: number,
  decision: Extract<Decision, { kind: 'send' }>,
  spec: FlowSpec,
): Sized<Subject> {
  const { op, set, key, target } = decision
  // From here on the record counts as deleted, also when it only left the filter.
  if (decision.ext === null) subject.image = { op: 'delete', row: subject.image.row }
  const delivery: Delivery = {
    link,
    op,
    object: spec.mapping.object,
    ref: target === null ? { field: spec.mapping.key, value: key } : { id: target },
    set,
    covers: subject.covers === null ? [] : [subject.covers],
  }
  return { delivery, bytes: bytesOf(set), with: subject }
}

/** About what the fields take on the wire: names, values, quotes and commas. */
function bytesOf(set: Row): number {
  let bytes = RECORD_OVERHEAD_BYTES
  for (const name of Object.keys(set)) bytes += name.length + (text(set[name] ?? null)?.length ?? 4) + 6
  return bytes
}

/** The flight of a planned request. */
export function launchOf(request: Request, subjects: readonly Subject[], mayLandUntil_ms: number): Launch {
  return {
    flight: { request, ticket: null, mayLandUntil_ms, images: subjects.map((subject) => subject.image) },
    committed_ms: subjects.map((subject) => subject.committed_ms),
  }
}

/** What became of a window, for the views: records by decision, entries by outcome. `held`: records that wait behind a parked one. */
export function tally(decisions: readonly Decision[], held: number, outcomes: readonly OutcomeRow[]) {
  const decided = (kind: Decision['kind']) => decisions.filter((decision) => decision.kind === kind).length
  const ended = (kind: OutcomeRow['kind']) => outcomes.filter((outcome) => outcome.kind === kind).length
  return {
    parked: decided('park'),
    review: decisions.filter((decision) => decision.kind === 'park' && decision.to === 'review').length,
    waiting: decided('wait') + held,
    excluded: ended('excluded'),
    superseded: ended('superseded'),
  }
}

/** Bounds of one request. */
export const limitsOf = ({ spec, target }: Pick<FlowParts, 'spec' | 'target'>) => ({
  rowsMax: Math.min(spec.requestRows, target.traits.requestRowsMax),
  bytesMax: target.traits.requestBytesMax,
})
