import { waitAfter } from '../delivery/retry.ts'
import { type Failure, failure, SyncError } from '../model/failure.ts'
import type { Merge, MergeEnd } from '../model/merges.ts'
import type { FlowHead } from '../model/state.ts'
import type { MergePair, MergeStanding, Merging } from '../model/target.ts'
import type { Mutex } from '../std/mutex.ts'
import { type FlightNews, type Flights, flights } from './flights.ts'
import type { FlowParts } from './flow.ts'

/** Merges inside the target that are under way at once. */
const OPEN_MAX = 10
/** Pause before a merge is looked at again whose records have requests under way. */
const AGAIN_MS = 1_000
/** First and longest pause between two looks after an answer was lost. */
const PAUSE_MS = 1_000
const PAUSE_MAX_MS = 30_000
/** A run that is to end waits for so many tries in a row of which nothing was applied. */
const TRIES_MAX = 5

/** What the flow must hear about merges. */
export interface MergeNews {
  /** Outcomes are stored, the links are free again, and this one may show no old external id any more. */
  merged(link: number): void
}

/**
 * The requests of a flow that are under way, and beside them the merges inside the target that persons asked for. A link is in one of
 * them at most (I4): while two records are merged nothing is sent for either, and none is merged that has a request under way.
 */
export interface Air extends Flights {
  /** Takes up what an earlier process had sent, or was about to: requests and merges. */
  takeUp(): Promise<void>
  /** Somebody may have asked for merges. */
  asked(): void
  /** Begins those whose turn has come. Only within the lock. */
  begin(): Promise<void>
  /** When the flow has to look again: at `next_ms`, or when a turn comes before that. `holds`: a run that is to end waits for it. */
  turn(next_ms: number | null): { readonly due_ms: number | null; readonly holds: boolean }
}

/** Starts with nothing under way; see `flights`. */
export function airOf(
  parts: FlowParts,
  head: FlowHead,
  lock: Mutex,
  news: FlightNews & MergeNews,
  signal: AbortSignal,
): Air {
  const { spec, state, clock, random, emit, target } = parts
  const own = flights(parts, head, lock, news, signal)
  const aloft = new Set<number>()
  const tasks = new Set<Promise<void>>()
  let open = 0
  /** When to ask the state; null: not before somebody asks. */
  let look_ms: number | null = 0
  let tries = 0

  const has = (link: number): boolean => aloft.has(link) || own.has(link)

  function launch(merge: Merge, isSent: boolean): void {
    open += 1
    for (const link of [merge.link, merge.into]) aloft.add(link)
    const run = carry(merge, isSent)
      .catch((error: unknown) => (signal.aborted ? undefined : news.failed(error)))
      .finally(() => tasks.delete(run))
    tasks.add(run)
  }

  async function carry(merge: Merge, isSent: boolean): Promise<void> {
    const at = { parts, merge, signal }
    let until_ms = merge.mayLandUntil_ms
    if (!isSent) {
      const end = await attempt(at)
      if (end.kind !== 'open') return settle(merge, end)
      until_ms = Math.max(until_ms, end.mayLandUntil_ms)
      await state.settleMerge(spec.id, head.epoch, merge.id, end, clock.now())
    }
    emit({ kind: 'landing', flow: spec.id, records: 2, until_ms })
    return settle(merge, await landed(at, until_ms))
  }

  /** No window is judged meanwhile: what it gathered of the two would be out of date. */
  const settle = (merge: Merge, end: Settled): Promise<void> =>
    lock(async () => {
      const now_ms = clock.now()
      tries = end.kind === 'again' ? tries + 1 : 0
      const stored: MergeEnd =
        end.kind === 'again'
          ? { ...end, due_ms: now_ms + waitAfter(merge.attempts + 1, spec.retry, random, end.failure.retryAfter_ms) }
          : end
      await state.settleMerge(spec.id, head.epoch, merge.id, stored, now_ms)
      open -= 1
      for (const link of [merge.link, merge.into]) aloft.delete(link)
      look_ms = 0
      emit({ kind: 'merge', flow: spec.id, end: end.kind, failure: 'failure' in end ? end.failure : null })
      news.merged(merge.link)
    })

  return {
    ...own,
    has,
    get queued() {
      return own.queued
    },
    get open() {
      return own.open + open
    },
    async drained() {
      while (tasks.size > 0) await Promise.all(tasks)
      await own.drained()
    },
    async takeUp() {
      for (const flight of await state.flights(spec.id)) own.resume({ flight, committed_ms: [] })
      for (const merge of await state.sentMerges(spec.id)) launch(merge, true)
    },
    asked() {
      look_ms = 0
    },
    turn(next_ms) {
      // While as many as may be are under way, the end of one of them brings the next.
      const times = [next_ms, open >= OPEN_MAX ? null : look_ms].filter((time) => time !== null)
      return { due_ms: times.length === 0 ? null : Math.min(...times), holds: look_ms !== null && tries < TRIES_MAX }
    },
    async begin() {
      const now_ms = clock.now()
      if (look_ms === null || look_ms > now_ms || open >= OPEN_MAX) return
      const { due, next_ms } = await state.dueMerges(spec.id, now_ms, 10 * OPEN_MAX)
      const chosen = freeOf(due, has).slice(0, OPEN_MAX - open)
      look_ms = due.length > chosen.length ? now_ms + AGAIN_MS : next_ms
      if (chosen.length === 0) return
      const until_ms = now_ms + 2 * target.traits.landing_ms
      const ids = chosen.map(({ id }) => id)
      for (const merge of await state.beginMerges(spec.id, head.epoch, ids, now_ms, until_ms)) launch(merge, false)
    },
  }
}

/** Those of which both records are free; records that several are about are taken once. */
function freeOf(due: readonly Merge[], isBusy: (link: number) => boolean): Merge[] {
  const taken = new Set<number>()
  return due.filter(({ link, into }) => {
    if ([link, into].some((each) => isBusy(each) || taken.has(each))) return false
    taken.add(link).add(into)
    return true
  })
}

interface At {
  readonly parts: FlowParts
  readonly merge: Merge
  readonly signal: AbortSignal
}

/** An end, but for when it is tried again. */
type Settled =
  | Extract<MergeEnd, { kind: 'merged' | 'gone' | 'refused' }>
  | { readonly kind: 'again'; readonly failure: Failure }

/** Looks, and sends only where both are there still: what was done already, by whomever, is not done again. */
async function attempt(at: At): Promise<Settled | Extract<MergeEnd, { kind: 'open' }>> {
  const { merging } = at.parts.target
  if (merging === undefined || at.parts.spec.merges !== true) return { kind: 'refused', failure: impossible(at) }
  const before = await look(merging, at)
  if (typeof before !== 'string') return unsent(before)
  if (before !== 'apart') return ended(before, at)
  const outcome = await merging.send(pairOf(at), at.signal)
  switch (outcome.kind) {
    case 'confirmed':
      return { kind: 'merged' }
    case 'unsent':
      return unsent(outcome.failure)
    case 'unknown':
      return { kind: 'open', failure: outcome.failure, mayLandUntil_ms: outcome.mayLandUntil_ms }
    case 'rejected': {
      // Somebody else may have merged or deleted them at this very moment.
      const after = await look(merging, at)
      return after === 'merged' || after === 'gone' ? { kind: after } : { kind: 'refused', failure: outcome.failure }
    }
    case 'stale':
      throw new Error('broken invariant: a merge expects no version')
    default:
      return outcome satisfies never
  }
}

/** Looks until the merge shows, or can no longer land (I4). */
async function landed(at: At, until_ms: number): Promise<Settled> {
  const { clock, target } = at.parts
  for (let pause = PAUSE_MS; ; pause = Math.min(pause * 2, PAUSE_MAX_MS)) {
    // Taken before the question is asked: what it answers then holds for ever.
    const over = clock.now() > until_ms
    const standing = target.merging === undefined ? 'lost' : await look(target.merging, at)
    if (standing === 'merged' || standing === 'gone') return { kind: standing }
    if (over && standing === 'lost') return ended(standing, at)
    if (over && standing === 'apart')
      return {
        kind: 'again',
        failure: failure('SYNC-6006', 'The merge was lost: both records are there and it can no longer land.'),
      }
    const left = until_ms + 1 - clock.now()
    await clock.sleep(left > 0 ? Math.min(pause, left) : pause, at.signal)
  }
}

const pairOf = ({ parts, merge: { survivor, loser } }: At): MergePair => ({
  object: parts.spec.mapping.object,
  survivor,
  loser,
})

/** How the two stand, or why that cannot be read at present. */
async function look(merging: Merging, at: At): Promise<MergeStanding | Failure> {
  try {
    return await merging.look(pairOf(at), at.signal)
  } catch (error) {
    at.signal.throwIfAborted()
    if (error instanceof SyncError) return error.failure
    throw error
  }
}

function ended(standing: Exclude<MergeStanding, 'apart'>, at: At): Settled {
  if (standing !== 'lost') return { kind: standing }
  const { object, survivor, loser } = pairOf(at)
  return { kind: 'refused', failure: failure('SYNC-3042', `${object} ${loser} was to be merged into ${survivor}.`) }
}

/** Certainly not applied: what passes by itself is tried again, what a person must mend first is told. */
const unsent = (why: Failure): Settled =>
  why.retry === 'timed' ? { kind: 'again', failure: why } : { kind: 'refused', failure: why }

const impossible = ({ parts }: At): Failure =>
  failure('SYNC-3041', `Records of ${parts.spec.mapping.object} cannot be merged inside this target.`)
