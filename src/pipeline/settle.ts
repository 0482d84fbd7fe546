import type { Failure } from '../model/failure.ts'
import type { Released } from '../model/ids.ts'
import type { Flight, Image, Lane, OutcomeRow, SettleCommit } from '../model/state.ts'
import type { Delivery, Outcome } from '../model/target.ts'
import { field, fold, newRow, rowFrom, rowText } from '../model/value.ts'
import type { FlowParts, FlowSpec } from './flow.ts'
import { foldImages } from './gather.ts'
import type { Launch } from './window.ts'

/** A request with its answers. */
export interface Answered {
  readonly launch: Launch
  readonly outcomes: readonly Outcome[]
}

/** What settling did, for the flow and its views. */
export interface Settled {
  readonly commit: Omit<SettleCommit, 'flow' | 'epoch' | 'at_ms' | 'status'>
  /** Links that have no request under way any more. */
  readonly landed: readonly number[]
  /** What is left of requests whose answer was lost. */
  readonly landing: readonly Launch[]
  readonly counts: { delivered: number; superseded: number; parked: number; returned: number }
  readonly durations_ms: readonly number[]
  /** Nothing of one request was taken: the target is away. */
  readonly away: Failure | null
  /** Repeating does not help: a person has to mend something first. */
  readonly stop: Failure | null
}

/** Unsent for reasons of ours, not because the target is away: lost and too old to land, or the engine was stopped. */
const OURS: ReadonlySet<string> = new Set(['SYNC-6006', 'SYNC-6011'])

/** One delivery with its answer and what is needed to store it. */
interface Answer {
  readonly delivery: Delivery
  readonly outcome: Outcome
  readonly image: Image
  /** By what it is judged again, if this does not arrive. */
  readonly again: Image
  readonly committed_ms: number | null
  /** Number of its request. */
  readonly request: number
  readonly link: number
  /** The entry that it settles. */
  readonly seq: number | null
}

/** Rows under construction. */
interface Rows {
  readonly outcomes: OutcomeRow[]
  readonly links: SettleCommit['links'][0][]
  readonly shadows: SettleCommit['shadows'][0][]
  readonly lanes: Lane[]
  /** Links whose external id was set, with the request. */
  readonly named: { readonly link: number; readonly request: number }[]
  readonly durations_ms: number[]
  readonly counts: { delivered: number; superseded: number; parked: number; returned: number }
}

/**
 * Turns answers into rows: delivered, parked, waiting again, or still in the air. Only the target's own word confirms (I3).
 * Answers other than confirmed may meet a newer change of the same record that waits behind them; the caller keeps judging
 * from writing meanwhile.
 * @param gaveUp the old external id that a link gave up by this request, if any
 */
export async function settle(
  answers: readonly Answered[],
  parts: FlowParts,
  now_ms: number,
  gaveUp: (link: number, request: number) => Released | null,
): Promise<Settled> {
  const all = answers.flatMap((each) => answersOf(each, parts.spec))
  const behind = await lanesBehind(all, parts)
  const bases = await shadowsUnder(all, parts)
  const rows: Rows = {
    outcomes: [],
    links: [],
    shadows: [],
    lanes: [],
    named: [],
    durations_ms: [],
    counts: { delivered: 0, superseded: 0, parked: 0, returned: 0 },
  }
  let stop: Failure | null = null
  for (const answer of all) {
    const { outcome, link } = answer
    const waiting = behind.get(link)
    if (outcome.kind === 'confirmed') confirm(answer, outcome, waiting, bases, rows, parts, now_ms)
    else if (outcome.kind === 'stale') giveBack(answer, waiting, now_ms, rows, now_ms)
    // What is to be deleted is gone already.
    else if (outcome.kind === 'rejected' && answer.image.op === 'delete' && outcome.failure.code === 'SYNC-3034')
      confirm(answer, { kind: 'confirmed', id: '' }, waiting, bases, rows, parts, now_ms)
    else if (outcome.kind === 'rejected') {
      const holds = parts.spec.whileParked === 'wait' && waiting?.last != null
      if (waiting === undefined || holds) park(answer, outcome.failure, waiting, rows, now_ms)
      else giveBack(answer, waiting, now_ms, rows, now_ms)
    } else if (outcome.kind === 'unsent') {
      const { code, retry } = outcome.failure
      if (retry !== 'timed') stop = outcome.failure
      const soon = OURS.has(code) || retry !== 'timed'
      giveBack(answer, waiting, soon ? now_ms : now_ms + parts.spec.retry.waitMax_ms, rows, now_ms)
    }
  }
  const landing = answers.flatMap(({ launch, outcomes: each }) => stillLanding(launch, each))
  const left = new Set(landing.map((launch) => launch.flight.request.id))
  const { durations_ms, counts, named, ...stored } = rows
  return {
    commit: {
      ...stored,
      released: named.flatMap(({ link, request }) => gaveUp(link, request) ?? []),
      flightsClosed: answers.map(({ launch }) => launch.flight.request.id).filter((id) => !left.has(id)),
      flightsLeft: landing.map((launch) => launch.flight),
    },
    landed: all.filter(({ outcome }) => outcome.kind !== 'unknown').map(({ link }) => link),
    landing,
    counts,
    durations_ms,
    away: awayFor(answers),
    stop,
  }
}

const answersOf = ({ launch, outcomes }: Answered, { mapping }: FlowSpec): Answer[] =>
  launch.flight.request.deliveries.map((delivery, i) => {
    const image = launch.flight.images[i] as Image
    // Who only gives up its external id is deleted at the target; at the source it may be there, merged into another record.
    const clears = image.op === 'delete' && field(delivery.set, mapping.key) === null
    return {
      delivery,
      outcome: outcomes[i] as Outcome,
      image,
      again: clears ? { op: 'touch', row: newRow() } : image,
      committed_ms: launch.committed_ms[i] ?? null,
      request: launch.flight.request.number,
      link: delivery.link,
      seq: delivery.covers[0] ?? null,
    }
  })

/** What waits behind deliveries that did not arrive. */
async function lanesBehind(all: readonly Answer[], { state, spec }: FlowParts): Promise<ReadonlyMap<number, Lane>> {
  const unhappy = all.filter(({ delivery, outcome }) =>
    outcome.kind === 'confirmed' ? isStub(delivery, outcome, spec) : outcome.kind !== 'unknown',
  )
  if (unhappy.length === 0) return new Map()
  const { lanes } = await state.take(
    spec.id,
    -1,
    unhappy.map(({ link }) => link),
    0,
  )
  return new Map(lanes.map((lane) => [lane.link, lane]))
}

/** The target has it. */
function confirm(
  { delivery, image, committed_ms, request, link, seq }: Answer,
  outcome: Extract<Outcome, { kind: 'confirmed' }>,
  waiting: Lane | undefined,
  bases: ReadonlyMap<number, string | null>,
  rows: Rows,
  parts: FlowParts,
  now_ms: number,
): void {
  rows.counts.delivered += 1
  if (seq !== null) rows.outcomes.push({ seq, link, kind: 'delivered', by: null, request, note: null })
  if (committed_ms !== null) rows.durations_ms.push(Math.max(0, now_ms - committed_ms))
  const gone = image.op === 'delete'
  // A record that was gone already has no id to tell.
  const target = outcome.id === '' ? null : outcome.id
  rows.links.push({ id: link, target, state: gone ? 'tombstone' : 'linked' })
  if (gone || Object.hasOwn(delivery.set, parts.spec.mapping.key)) rows.named.push({ link, request })
  // It was there before and is new now: somebody deleted it at the target, and a partial image would make a stub.
  if (isStub(delivery, outcome, parts.spec) && bases.get(link)) {
    const again = touchLane(link, now_ms)
    // I2: what waits behind it keeps the entries that it stands for.
    rows.lanes.push(waiting === undefined ? again : { ...waiting, image: again.image, due_ms: now_ms })
  }
  rows.shadows.push({ link, image: gone ? null : imageAfter(delivery, outcome, bases.get(link) ?? null, parts) })
}

/** The target refused it for its data. Nothing newer waits, or it is to wait until this is decided. */
function park(
  { link, seq, again }: Answer,
  failure: Failure,
  newer: Lane | undefined,
  rows: Rows,
  now_ms: number,
): void {
  rows.counts.parked += 1
  const next = newer === undefined ? null : { first: newer.first, last: newer.last, image: newer.image }
  rows.lanes.push({ ...parkedLane(link, seq, again, failure, now_ms), next })
}

/** Back to waiting, folded with what came meanwhile (rule 9). */
function giveBack(
  { link, seq, again }: Answer,
  newer: Lane | undefined,
  due_ms: number,
  rows: Rows,
  now_ms: number,
): void {
  rows.counts.returned += 1
  if (newer === undefined) {
    const fresh = { attempts: 1, stage: null, reasons: [], since_ms: now_ms, next: null }
    rows.lanes.push({ link, state: 'waiting', first: seq, last: seq, image: again, due_ms, ...fresh })
    return
  }
  if (seq !== null && newer.last !== null) {
    rows.counts.superseded += 1
    rows.outcomes.push({ seq, link, kind: 'superseded', by: newer.last, request: null, note: null })
  }
  const [first, last] = [seq ?? newer.first, newer.last ?? seq]
  rows.lanes.push({ ...newer, first, last, image: foldImages(again, newer.image), due_ms })
}

/** Whether a part of a record's fields made a new record. */
export const isStub = (delivery: Delivery, outcome: Outcome, { mapping }: FlowSpec): boolean =>
  outcome.kind === 'confirmed' &&
  outcome.created === true &&
  mapping.fields.some((name) => !Object.hasOwn(delivery.set, name))

/** The shadows that partial deliveries lay their fields over. */
async function shadowsUnder(
  all: readonly Answer[],
  { state, spec }: FlowParts,
): Promise<ReadonlyMap<number, string | null>> {
  const partial = all.filter(
    ({ delivery, outcome }) =>
      outcome.kind === 'confirmed' && spec.mapping.fields.some((name) => !Object.hasOwn(delivery.set, name)),
  )
  const links = partial.map(({ delivery }) => delivery.link)
  const found = links.length === 0 ? [] : await state.shadows(links)
  return new Map(links.map((link, i) => [link, found[i] ?? null]))
}

/** The target's image after a confirmed write: what it says it stored, else what was sent in its normal form. */
function imageAfter(
  delivery: Delivery,
  outcome: Extract<Outcome, { kind: 'confirmed' }>,
  base: string | null,
  { target, spec }: FlowParts,
): string {
  const written = target.normal(spec.mapping.object, outcome.stored ?? delivery.set)
  return rowText(base === null ? written : fold(rowFrom(base), written))
}

const parkedLane = (
  link: number,
  seq: number | null,
  image: Image,
  { code, message }: Failure,
  now_ms: number,
): Lane => ({
  link,
  state: 'parked',
  first: seq,
  last: seq,
  image,
  due_ms: null,
  attempts: 0,
  stage: 'target',
  reasons: [{ stage: 'target', code, error: message }],
  since_ms: now_ms,
  next: null,
})

const touchLane = (link: number, now_ms: number): Lane => ({
  link,
  state: 'waiting',
  first: null,
  last: null,
  image: { op: 'touch', row: newRow() },
  due_ms: now_ms,
  attempts: 0,
  stage: null,
  reasons: [],
  since_ms: now_ms,
  next: null,
})

/** The deliveries of a request whose answer was lost, as a request of their own under the same number. */
function stillLanding(launch: Launch, outcomes: readonly Outcome[]): Launch[] {
  const open = outcomes.flatMap((outcome, i) => (outcome.kind === 'unknown' ? [i] : []))
  if (open.length === 0) return []
  const { flight, committed_ms } = launch
  const until = Math.max(...outcomes.map((outcome) => (outcome.kind === 'unknown' ? outcome.mayLandUntil_ms : 0)))
  const request = { ...flight.request, deliveries: open.map((i) => flight.request.deliveries[i] as Delivery) }
  const left: Flight = {
    request,
    ticket: flight.ticket,
    mayLandUntil_ms: until,
    images: open.map((i) => flight.images[i] as Image),
  }
  return [{ flight: left, committed_ms: open.map((i) => committed_ms[i] ?? null) }]
}

/** A request of which nothing was taken, for reasons that pass. */
function awayFor(answers: readonly Answered[]): Failure | null {
  for (const { outcomes } of answers) {
    const first = outcomes[0]
    if (
      first?.kind === 'unsent' &&
      !OURS.has(first.failure.code) &&
      outcomes.every((outcome) => outcome.kind === 'unsent')
    )
      return first.failure
  }
  return null
}
