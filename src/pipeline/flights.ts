import { deliver } from '../delivery/deliver.ts'
import { failure } from '../model/failure.ts'
import type { Released } from '../model/ids.ts'
import type { FlowHead, SettleCommit } from '../model/state.ts'
import type { Delivery, Outcome } from '../model/target.ts'
import type { Mutex } from '../std/mutex.ts'
import type { FlowParts } from './flow.ts'
import { land } from './land.ts'
import { type Answered, isStub, type Settled, settle } from './settle.ts'
import type { Launch } from './window.ts'

/** How long answers are gathered while there is a backlog. */
const GATHER_MS = 25

/** What the flow must hear about its requests. */
export interface FlightNews {
  /** This request, which set the link's external id, is confirmed: the old one that it gave up by that, if any. */
  gaveUp(link: number, request: number): Released | null
  /** Outcomes are stored and these links are free again. */
  settled(settled: Settled): void
  /** The store failed, or an invariant broke: nothing goes on. */
  failed(error: unknown): void
}

/**
 * The requests of one flow that are under way: sends them, at most `requestsMax` at once, reads back what was lost, and stores
 * outcomes, many answers in one commit (T4).
 */
export interface Flights {
  /** Whether a request with this link is under way (I4). */
  has(link: number): boolean
  /** Stored requests that were not sent yet. */
  readonly queued: number
  /** Requests under way, queued, or being settled. */
  readonly open: number
  launch(launches: readonly Launch[]): void
  /** Takes a request up again that an earlier process left open. */
  resume(launch: Launch): void
  /** After the signal was aborted: resolves when nothing is being sent or stored any more, and gives back what was not sent. */
  drained(): Promise<void>
}

/** Starts with nothing under way. `lock` keeps judging from writing lanes while an unhappy answer is settled. */
export function flights(parts: FlowParts, head: FlowHead, lock: Mutex, news: FlightNews, signal: AbortSignal): Flights {
  const { target, spec, state, clock, random, emit } = parts
  const aloft = new Set<number>()
  const queue: Launch[] = []
  const answered: Answered[] = []
  const tasks = new Set<Promise<void>>()
  let sending = 0
  let settling = false
  let open = 0

  const sender = {
    flow: spec.id,
    target,
    clock,
    random,
    retry: spec.retry,
    emit,
    extend: (request: { id: string }, until_ms: number, ticket: string | null) =>
      state.extend(spec.id, head.epoch, request.id, until_ms, ticket),
  }

  function add(launch: Launch): void {
    open += 1
    for (const { link } of launch.flight.request.deliveries) aloft.add(link)
  }

  /** Runs a task to its end; what breaks in it breaks the flow. */
  function track(task: Promise<void>): void {
    const run = task
      .catch((error: unknown) => (signal.aborted ? undefined : news.failed(error)))
      .finally(() => tasks.delete(run))
    tasks.add(run)
  }

  function pump(): void {
    while (sending < target.traits.requestsMax && queue.length > 0 && !signal.aborted) {
      const launch = queue.shift() as Launch
      sending += 1
      track(
        deliver(sender, launch.flight.request, launch.flight.mayLandUntil_ms, signal)
          .then((outcomes) => collect(launch, outcomes))
          .finally(() => {
            sending -= 1
            pump()
          }),
      )
    }
  }

  function collect(launch: Launch, outcomes: readonly Outcome[]): void {
    answered.push({ launch, outcomes })
    if (!settling) track(settleAll())
  }

  /**
   * One commit for all answers that came while the last one was written. While more requests wait to be sent, a little longer:
   * a commit of many answers costs hardly more than one of few; a single change is not held up.
   */
  async function settleAll(): Promise<void> {
    settling = true
    try {
      while (answered.length > 0) {
        if (queue.length > 0) await clock.sleep(GATHER_MS, signal).catch(() => {})
        const batch = answered.splice(0)
        const plain = batch.every(({ launch, outcomes }) =>
          outcomes.every((outcome, i) => {
            const delivery = launch.flight.request.deliveries[i] as Delivery
            return outcome.kind === 'confirmed' && !isStub(delivery, outcome, spec)
          }),
        )
        // Other answers may meet a newer change of their record: judging must not write it meanwhile.
        const settled = plain ? await store(batch) : await lock(() => store(batch))
        open -= settled.commit.flightsClosed.length
        for (const link of settled.landed) aloft.delete(link)
        news.settled(settled)
        for (const launch of settled.landing) track(landed(launch))
      }
    } finally {
      settling = false
    }
  }

  async function store(batch: readonly Answered[]): Promise<Settled> {
    const at_ms = clock.now()
    const settled = await settle(batch, parts, at_ms, news.gaveUp)
    // I5: outcomes, links, shadows, lanes and closed flights in one transaction.
    const commit: SettleCommit = {
      ...settled.commit,
      flow: spec.id,
      epoch: head.epoch,
      at_ms,
      status: statusOf(settled, at_ms),
    }
    await state.settle(commit)
    return settled
  }

  const statusOf = (settled: Settled, at_ms: number): string =>
    JSON.stringify({
      sync: spec.sync,
      flow: spec.id,
      at: new Date(at_ms).toISOString(),
      ...settled.counts,
      landing: settled.landing.length,
    })

  async function landed(launch: Launch): Promise<void> {
    collect(launch, await land(launch, parts, signal))
  }

  return {
    has: (link) => aloft.has(link),
    get queued() {
      return queue.length
    },
    get open() {
      return open
    },
    launch(launches) {
      for (const launch of launches) {
        add(launch)
        queue.push(launch)
      }
      pump()
    },
    resume(launch) {
      add(launch)
      const { request, ticket } = launch.flight
      if (ticket === null) track(landed(launch))
      else track(target.resume(request, ticket, signal).then((outcomes) => collect(launch, outcomes)))
    },
    async drained() {
      while (tasks.size > 0) await Promise.all(tasks)
      // What was never sent need not be read back at the next start: it waits again, for sure unsent.
      const stopped: Outcome = {
        kind: 'unsent',
        failure: failure('SYNC-6011', 'The engine was stopped before this was sent.'),
      }
      const unsent = queue
        .splice(0)
        .map((launch) => ({ launch, outcomes: launch.flight.request.deliveries.map(() => stopped) }))
      if (unsent.length > 0) await lock(() => store(unsent))
    },
  }
}
