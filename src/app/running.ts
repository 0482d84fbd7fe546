import type { FlowId } from '../model/change.ts'
import { type Failure, failure, SyncError } from '../model/failure.ts'
import type { Journal } from '../model/journal.ts'
import type { Source } from '../model/source.ts'
import type { State } from '../model/state.ts'
import { Capture } from '../pipeline/capture.ts'
import { type FlowSpec, tablesOf } from '../pipeline/flow.ts'
import type { Flow } from '../pipeline/sync.ts'
import type { Clock } from '../std/clock.ts'
import type { Random } from '../std/random.ts'
import { orAborted } from '../std/signal.ts'
import type { Emit } from '../telemetry/event.ts'
import type { Bounds } from './retention.ts'
import { sweep } from './sweep.ts'
import type { TargetIndex } from './target-index.ts'

/** A run that is to end gives up on a target that took nothing for so long. */
const AWAY_MAX_MS = 300_000
/** How often a run that is to end looks whether it may. */
const LOOK_MS = 20

/** Pause before a source that is away is asked again how far it is. */
const AGAIN_MS = 1_000

/** So many entries may a snapshot be ahead of a flow, before it waits for at most so long. */
const AHEAD_MAX = 4_000
const ROOM_WAIT_MS = 2_000
/** So long, once the journal is half full: a large table and a slow target must not end in a flow that is given up. */
const SCARCE_WAIT_MS = 60_000

/** What a source and its flows run with. */
export interface RunningParts {
  readonly system: string
  readonly source: Source
  readonly journal: Journal
  readonly state: State
  /** `sweep`: an earlier run was to look for records that are gone, and did not come to it. */
  readonly flows: readonly {
    readonly flow: Flow
    readonly spec: FlowSpec
    readonly sweep: boolean
    /** The target's records, where duplicates are looked for among them. */
    readonly index?: TargetIndex | null
  }[]
  readonly bounds: Bounds
  readonly clock: Clock
  readonly random: Random
  readonly emit: Emit
}

/** One source with its capture and the flows that read its journal. */
export class Running {
  readonly system: string
  readonly journal: Journal
  readonly flows: RunningParts['flows']
  readonly #parts: RunningParts
  readonly #signal: AbortSignal
  #capture: Capture
  #restart: (() => void) | null = null
  /** Full runs under way. */
  readonly #fulls = new Map<Promise<void>, Flow>()
  /** How many full runs were asked for, by flow. */
  readonly #asked = new Map<FlowId, number>()
  /** Why the source cannot be read; null while it can. */
  failure: Failure | null = null
  /** Resolves when it is set. */
  #failed = Promise.withResolvers<void>()

  constructor(parts: RunningParts, signal: AbortSignal) {
    this.#parts = parts
    this.#signal = signal
    this.system = parts.system
    this.journal = parts.journal
    this.flows = parts.flows
    this.#capture = this.#newCapture()
  }

  #newCapture(): Capture {
    const onAppended = () => {
      for (const { flow } of this.flows) flow.wake()
    }
    const onTable = async (table: string, reason: Failure) => {
      for (const { flow, spec } of this.flows) if (tablesOf(spec).includes(table)) await flow.stop(reason)
    }
    return new Capture({ ...this.#parts, onAppended, onTable, room: () => this.#room() }, this.#signal)
  }

  /**
   * Lets a snapshot run only so far ahead of its flows: what they have judged need not be read from the disk again, and the
   * journal stays small. It waits for a while only, so that a target that is away does not hold up the change log for long.
   */
  async #room(): Promise<void> {
    const { clock, bounds } = this.#parts
    const { rows, bytes } = await this.journal.size()
    const isScarce = rows > bounds.rows / 2 || bytes > bounds.bytes / 2
    const until = clock.mono() + (isScarce ? SCARCE_WAIT_MS : ROOM_WAIT_MS)
    while (clock.mono() < until && !this.#signal.aborted) {
      const { tail } = await this.journal.head()
      const ahead = this.flows.some(
        ({ flow }) => flow.view().status === 'running' && tail - flow.view().judged > AHEAD_MAX,
      )
      if (!ahead) return
      await clock.sleep(LOOK_MS, this.#signal)
    }
  }

  /** Works until the signal is aborted. What a person must mend stops the capture, not the delivery of what it captured. */
  async run(): Promise<void> {
    for (const { flow, spec, sweep } of this.flows) if (sweep) this.#sweepSoon(flow, spec)
    const following = this.flows.flatMap(({ index }) => (index == null ? [] : [index.run(this.#signal)]))
    await Promise.all([this.#captureAlways(), ...this.flows.map(({ flow }) => flow.run()), ...following])
  }

  async #captureAlways(): Promise<void> {
    while (!this.#signal.aborted) {
      try {
        await this.#capture.run()
      } catch (error) {
        if (!(error instanceof SyncError) || error.failure.code === 'SYNC-5004') throw error
        this.failure = error.failure
        this.#failed.resolve()
        this.#parts.emit({ kind: 'capture', system: this.system, status: 'stopped', failure: error.failure })
        await this.#restarted()
        this.#capture = this.#newCapture()
        this.failure = null
        this.#failed = Promise.withResolvers<void>()
      }
    }
  }

  /** Resolves when a full run asks for the source to be read from now on. */
  #restarted(): Promise<void> {
    return new Promise((resolve) => {
      this.#restart = resolve
      this.#signal.addEventListener('abort', () => resolve(), { once: true })
    })
  }

  /**
   * Reads a flow's table again, then looks for records that are gone. Where the source's position is lost, capture starts from
   * now, and the tables of all flows are read again: whatever happened between is found by comparing. So it is with a flow that
   * needs a snapshot, and this opens it.
   */
  async full(id: FlowId): Promise<void> {
    const own = this.flows.filter(({ spec }) => spec.id === id)
    for (const { spec } of own) await this.#untilRead(spec)
    const lost = this.failure !== null
    if (lost) await this.journal.restart()
    for (const { flow, spec } of lost ? this.flows : own) await this.#again(flow, spec)
    if (lost) this.#restart?.()
  }

  async #again(flow: Flow, spec: FlowSpec): Promise<void> {
    const { state } = this.#parts
    // What happened to its tables until now, the snapshot covers.
    for (const table of tablesOf(spec)) await this.journal.clear(table)
    await flow.readAgain(async () => {
      this.#asked.set(spec.id, (this.#asked.get(spec.id) ?? 0) + 1)
      await state.setSweep(spec.id, true)
      await this.#capture.snapshot({ table: spec.table, only: spec.id })
    })
    if (flow.view().status === 'stopped') await flow.resume()
    // And what happened since stops it.
    const { stopped } = await this.journal.head()
    const since = stopped.find(({ table }) => tablesOf(spec).includes(table))
    if (since !== undefined) await flow.stop(since.failure)
    this.#sweepSoon(flow, spec)
  }

  /** A snapshot of the flow that is under way tells of the time before it is asked for again: it ends first. */
  async #untilRead(spec: FlowSpec): Promise<void> {
    const { clock } = this.#parts
    const isOpen = async () =>
      (await this.journal.head()).snapshots.some(
        (snapshot) => snapshot.table === spec.table && snapshot.only === spec.id && !snapshot.done,
      )
    while (this.failure === null && (await isOpen())) await clock.sleep(LOOK_MS * 5, this.#signal)
  }

  #sweepSoon(flow: Flow, spec: FlowSpec): void {
    const run = this.#sweepAfter(flow, spec).finally(() => this.#fulls.delete(run))
    run.catch(() => {})
    this.#fulls.set(run, flow)
  }

  async #sweepAfter(flow: Flow, spec: FlowSpec): Promise<void> {
    const { clock, source, state } = this.#parts
    const asked = this.#asked.get(spec.id)
    for (;;) {
      await this.#untilRead(spec)
      if (this.failure === null) break
      await clock.sleep(LOOK_MS * 5, this.#signal)
    }
    const judged = () => this.#judgedAll(flow)
    const exclusively = (body: () => Promise<void>) => flow.exclusively(body)
    await sweep({ spec, source, state, clock, judged, exclusively }, this.#signal)
    // One that was asked for meanwhile has a sweep of its own to come.
    await flow.exclusively(async () => {
      if (this.#asked.get(spec.id) === asked) await state.setSweep(spec.id, false)
    })
    flow.wake()
  }

  /** Resolves when the flow has judged everything that was committed at the source before the call. */
  async #judgedAll(flow: Flow): Promise<void> {
    const { clock } = this.#parts
    const isRead = () =>
      this.#capture
        .caughtUp()
        .then(() => true)
        .catch(() => false)
    while (!(await isRead())) await clock.sleep(AGAIN_MS, this.#signal)
    const { tail } = await this.journal.head()
    while (flow.view().judged < tail) await clock.sleep(LOOK_MS * 5, this.#signal)
  }

  /** See `Engine.settled`. */
  async settled(): Promise<readonly Failure[]> {
    const { clock } = this.#parts
    const caughtUp = this.#capture.caughtUp()
    caughtUp.catch(() => {})
    await orAborted(Promise.race([caughtUp, this.#failed.promise]), this.#signal)
    if (this.failure !== null) return [this.failure]
    for (const { flow } of this.flows) flow.wake()
    const away = new Map<Flow, number>()
    for (;;) {
      await clock.sleep(LOOK_MS, this.#signal)
      const { tail } = await this.journal.head()
      const open = this.flows.filter(({ flow }) => {
        const view = flow.view()
        const isDone = view.idle && view.judged >= tail && !this.#isFull(flow)
        return view.status === 'running' && !isDone && !this.#gaveUp(flow, away)
      })
      if (open.length === 0) return this.#failures(away)
    }
  }

  /** A full run of it is not over, and can be. */
  #isFull(flow: Flow): boolean {
    return this.failure === null && [...this.#fulls.values()].includes(flow)
  }

  #gaveUp(flow: Flow, away: Map<Flow, number>): boolean {
    const { clock } = this.#parts
    if (flow.view().away === null) {
      away.delete(flow)
      return false
    }
    const since = away.get(flow) ?? clock.mono()
    away.set(flow, since)
    return clock.mono() - since > AWAY_MAX_MS
  }

  #failures(away: ReadonlyMap<Flow, number>): Failure[] {
    const found: Failure[] = this.failure === null ? [] : [this.failure]
    for (const { flow, spec } of this.flows) {
      const view = flow.view()
      const isStopped = view.status === 'stopped' || view.status === 'needs-snapshot'
      if (isStopped && view.reason !== null) found.push(view.reason)
      if (view.status === 'paused') found.push(failure('SYNC-6007', `Sync ${spec.sync} is paused.`))
      if (away.has(flow) && view.away !== null)
        found.push(failure('SYNC-6010', `Sync ${spec.sync}: ${view.away.message}`))
    }
    return found
  }
}
