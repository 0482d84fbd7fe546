import { plan } from '../delivery/plan.ts'
import type { Sequence } from '../model/change.ts'
import { type Failure, SyncError } from '../model/failure.ts'
import type { FlowHead, FlowStatus, Gap } from '../model/state.ts'
import { type Mutex, mutex } from '../std/mutex.ts'
import { type Bell, bell } from '../std/signal.ts'
import type { Traffic } from './claims.ts'
import { compose } from './compose.ts'
import { type FlowParts, tablesOf } from './flow.ts'
import { type Behind, upTo, widen } from './gap.ts'
import { gather, type Subject } from './gather.ts'
import { type Approval, type GuardCount, guard, guardOf } from './guard.ts'
import { type Decision, judge } from './judge.ts'
import { type Air, airOf } from './merging.ts'
import { givenUpLate, moving } from './moving.ts'
import type { Settled } from './settle.ts'
import { twinsOf } from './twins.ts'
import type { FlowView } from './view.ts'
import { decide, judgedAnew, type Launch, launchOf, limitsOf, tally, type Window } from './window.ts'

/** Pause before the rows of a window are asked for again at a source that was away. */
const SOURCE_AGAIN_MS = 1_000

/**
 * One flow at work: takes windows of entries after its cursor `judged`, gives every record a decision, stores verdicts and
 * flights (T2+T3), and launches the requests. `#step` shows the whole path of a window; the stages never call each other.
 */
export class Flow {
  readonly id: string
  readonly #parts: FlowParts
  readonly #epoch: number
  readonly #signal: AbortSignal
  readonly #bell: Bell = bell()
  /** Judging writes lanes that settling an unhappy answer reads: one at a time. */
  readonly #lock: Mutex = mutex()
  readonly #air: Air
  readonly #broken = Promise.withResolvers<never>()
  #judged: Sequence
  #status: FlowStatus
  #reason: Failure | null
  #gap: Gap | null
  readonly #rulesFrom: number
  #nextLink: () => number
  #nextRequest: number
  #count: GuardCount
  #approval: Approval
  /** Links that were freed since the present window was begun: what was gathered of them is out of date (I4). */
  #freed = new Set<number>()
  /** Links whose waiting lane stands behind a request. */
  #behind = new Set<number>()
  readonly #moving = moving()
  /** External ids that were given up since the present window was begun. */
  #givenUp = new Set<string>()
  /** While the target is away nothing new is judged, and only a probe is sent; so the waiting lanes stay few. */
  #away: { readonly failure: Failure; readonly until_ms: number } | null = null
  /** The probe is on its way: nothing else is sent before its answer. */
  #probing = false
  /** The target is back: waiting lanes need not wait for their time. */
  #hurry = false
  #idle = false
  /** Counts what may have changed while a look was taken. */
  #news = 0
  #timer = new AbortController()

  /** @param nextLink hands out link numbers; flows of one state share it */
  constructor(parts: FlowParts, head: FlowHead, nextLink: () => number, signal: AbortSignal) {
    this.id = parts.spec.id
    this.#parts = parts
    this.#epoch = head.epoch
    this.#signal = signal
    this.#judged = head.judged
    this.#status = head.status
    this.#reason = head.reason
    this.#gap = head.gap
    this.#rulesFrom = head.rules === null ? 1 : head.rules.id + (head.rules.hash === parts.spec.rules ? 0 : 1)
    this.#nextLink = nextLink
    this.#nextRequest = head.nextRequest
    this.#count = guardOf(head).count
    this.#approval = guardOf(head).approval
    this.#broken.promise.catch(() => {})
    const news = {
      gaveUp: (link: number, request: number) => {
        const released = this.#moving.gaveUp(link, request)
        if (released !== null) this.#givenUp.add(released.ext)
        return released
      },
      settled: (settled: Settled) => this.#onSettled(settled),
      merged: (link: number) => {
        this.#moving.drop([link])
        this.wake()
      },
      failed: (error: unknown) => this.#broken.reject(error),
    }
    this.#air = airOf(parts, head, this.#lock, news, signal)
  }

  /** There may be something new. */
  wake(): void {
    this.#idle = false
    this.#news += 1
    this.#bell.ring()
  }

  view(): FlowView {
    return {
      status: this.#status,
      reason: this.#reason,
      judged: this.#judged,
      gap: this.#gap,
      idle: this.#idle,
      away: this.#away?.failure ?? null,
    }
  }

  /** Works until the signal is aborted, then lets what is being stored finish. Rejects when the store fails or an invariant breaks. */
  async run(): Promise<void> {
    const { state, spec, target } = this.#parts
    // The next window is judged while the requests of this one are sent: as many may wait as one window has.
    const windowRequests = Math.ceil(spec.windowRows / limitsOf(this.#parts).rowsMax)
    // What stands since an earlier run is told again: the views begin with nothing.
    if (!this.#isRunning) this.#become(this.#status, this.#reason)
    this.#moving.add(await state.held(spec.sync))
    await this.#air.takeUp()
    try {
      while (!this.#signal.aborted) {
        const isFree = this.#air.queued < Math.max(windowRequests, target.traits.requestsMax)
        const more = this.#isRunning && isFree && (this.#parts.ready?.() ?? true)
        if (
          more &&
          (await Promise.race([this.#lock(async () => this.#isRunning && this.#tryStep()), this.#broken.promise]))
        )
          continue
        await Promise.race([this.#bell.wait(this.#signal), this.#broken.promise])
      }
    } catch (error) {
      if (!this.#signal.aborted) throw error
    } finally {
      this.#timer.abort()
      if (this.#signal.aborted) await this.#air.drained()
    }
  }

  /** Runs `body` while no window is being judged and no unhappy answer settled: for changes of lanes from outside. */
  exclusively<T>(body: () => Promise<T>): Promise<T> {
    return this.#lock(() => body().finally(() => this.#air.asked()))
  }

  /** A flow that needs a snapshot cannot be paused or resumed: throws its failure. */
  async pause(): Promise<void> {
    this.refuse()
    await this.#set('paused', null)
  }

  /** Goes on after a pause or a safety stop. `approveDeletes`: the deletes that are there now may go through. */
  async resume(options: { approveDeletes?: boolean } = {}): Promise<void> {
    const { state, journal, clock, spec } = this.#parts
    this.refuse()
    if (options.approveDeletes) {
      this.#approval = { upTo: (await journal.head()).tail, at_ms: clock.now() }
      await state.approveDeletes(spec.id, this.#approval.upTo, this.#approval.at_ms)
    }
    await this.#set('running', null)
  }

  /** Stops with this failure until a person resumes (promise 6). */
  async stop(failure: Failure): Promise<void> {
    await this.#set('stopped', failure)
  }

  /** Throws the failure of a flow that needs a snapshot: going on would skip what it has not read. */
  refuse(): void {
    if (this.#status === 'needs-snapshot' && this.#reason !== null) throw new SyncError(this.#reason)
  }

  /**
   * Gives up what it has not read, so that the journal need not keep it (rule 1): the flow needs a snapshot from now on. Where it
   * does already, what came since is given up too. Nothing is judged meanwhile, so that no window skips anything.
   */
  giveUp(why: (behind: Behind) => Failure): Promise<void> {
    return this.#lock(async () => {
      const behind = await widen(this.#parts, this.#judged, this.#gap)
      const reason = this.#status === 'needs-snapshot' ? null : why(behind)
      this.#gap = { upTo: behind.upTo, entries: behind.entries }
      await this.#parts.state.giveUp(this.id, this.#epoch, this.#gap, reason)
      if (reason !== null) this.#become('needs-snapshot', reason)
    })
  }

  /**
   * Asks for a snapshot of the flow's table. A flow that needs one goes on after what is in the journal now: whatever the snapshot
   * tells comes later. A crash in between leaves it in need.
   */
  readAgain(ask: () => Promise<void>): Promise<void> {
    const { state, journal, clock } = this.#parts
    return this.#lock(async () => {
      const { tail } = await journal.head()
      await ask()
      if (this.#status !== 'needs-snapshot') return
      const gap = await upTo(this.#parts, this.#judged, this.#gap, tail)
      await state.reread(this.id, this.#epoch, gap.upTo, gap.entries, clock.now())
      this.#judged = gap.upTo
      this.#gap = null
      this.#become('running', null)
    })
  }

  async #set(status: Exclude<FlowStatus, 'needs-snapshot'>, reason: Failure | null): Promise<void> {
    // Only a snapshot leads out of the need for one.
    if (this.#status === 'needs-snapshot') return
    this.#status = status
    this.#reason = reason
    await this.#parts.state.setStatus(this.id, status, reason)
    // It may have been given up meanwhile.
    if (this.#status === status) this.#become(status, reason)
  }

  #become(status: FlowStatus, reason: Failure | null): void {
    this.#status = status
    this.#reason = reason
    this.#parts.emit({ kind: 'flow', flow: this.id, status, failure: reason })
    this.wake()
  }

  get #isRunning(): boolean {
    return this.#status === 'running'
  }

  /**
   * A step whose rows could not be read from the source stored nothing: it is taken again when the source is back. What a person
   * must mend there stops this flow alone.
   */
  async #tryStep(): Promise<boolean> {
    const { spec, clock, emit } = this.#parts
    const behind = [...this.#behind]
    try {
      return await this.#step()
    } catch (error) {
      const isSource = error instanceof SyncError && error.failure.code.startsWith('SYNC-2')
      if (!isSource || this.#signal.aborted) throw error
      for (const link of behind) this.#behind.add(link)
      if (error.failure.retry !== 'timed') await this.stop(error.failure)
      else {
        emit({ kind: 'flow', flow: spec.id, status: 'running', failure: error.failure })
        this.#rest(clock.now() + SOURCE_AGAIN_MS)
      }
      return false
    }
  }

  /** One window, from the journal to launched requests. Answers false when there was nothing to do. */
  async #step(): Promise<boolean> {
    const { spec, state, source, target, clock, random } = this.#parts
    this.#freed.clear()
    this.#givenUp.clear()
    const started = clock.mono()
    if (this.#away === null) await this.#air.begin()
    const window = await this.#take()
    if (window === null) return false

    const gathered = await gather(window.entries, window.lanes, spec, state, source, this.#signal)
    const related = await compose(gathered.subjects, spec, source, this.#signal)
    const twins = twinsOf(gathered.subjects, spec, state)
    const traffic = this.#traffic()
    const decisions = await judge(gathered.subjects, traffic, { ...this.#parts, twins }, this.#signal)
    const count = await this.#guarded(gathered.subjects, decisions)
    if (count === null) return true

    const { now_ms } = traffic
    const decided = decide(gathered.subjects, decisions, spec, traffic, this.#nextRequest, this.#nextLink)
    const planned = plan(decided.deliveries, limitsOf(this.#parts), () => ({
      id: random.id(),
      number: this.#nextRequest++,
    }))
    const launches: Launch[] = planned.map(({ request, with: subjects }) =>
      launchOf(request, subjects, now_ms + 2 * target.traits.landing_ms),
    )
    const outcomes = [...gathered.outcomes, ...decided.outcomes]
    // I2, I5, I9: cursor, verdicts, lanes and flights in one transaction, before anything is sent.
    await state.judge({
      flow: spec.id,
      epoch: this.#epoch,
      at_ms: now_ms,
      judged: window.scanned,
      readMore: window.entries.length,
      deletes: count.deletes,
      deletesSince_ms: count.since_ms,
      rules: spec.rules,
      judgedAnew: judgedAnew(gathered.subjects, decisions, this.#rulesFrom),
      links: decided.links,
      ids: decided.ids,
      outcomes,
      lanes: [...decided.lanes, ...gathered.held],
      lanesGone: decided.lanesGone,
      flights: launches.map((launch) => launch.flight),
      related,
      ...(twins === null ? {} : { twins: twins.commit(decided.linkAt) }),
    })
    twins?.tell(this.#parts.emit)
    this.#moving.drop(decided.ids.released.map(({ link }) => link))
    this.#moving.add([...decided.ids.held, ...decided.ids.evicted])
    this.#judged = window.scanned
    this.#count = count
    for (const wants of givenUpLate(decided.lanes, this.#givenUp))
      await state.release({ flow: spec.id, state: 'parked', wants, rowsMax: 1_000 })
    for (const lane of decided.lanes) if (lane.state === 'waiting' && lane.due_ms === null) this.#behind.add(lane.link)
    this.#air.launch(launches)
    this.#probing = this.#away !== null && launches.length > 0
    this.#parts.emit({
      kind: 'judged',
      flow: this.id,
      entries: window.entries.length,
      sent: decided.deliveries.length,
      ms: clock.mono() - started,
      ...tally(decisions, gathered.held.length, outcomes),
    })
    return true
  }

  /** What is under way beside the window that is judged now. */
  #traffic(): Traffic {
    return {
      busy: (link) => this.#air.has(link) || this.#freed.has(link),
      holder: (ext, link) => this.#moving.holder(ext, link),
      held: (link) => this.#moving.of(link),
      now_ms: this.#parts.clock.now(),
    }
  }

  /** The next window: lanes that are due, then new entries. Null when there is nothing to do before the next ring. */
  async #take(): Promise<Window | null> {
    const { spec, state, journal, clock } = this.#parts
    const now_ms = clock.now()
    const news = this.#news
    this.#idle = false
    const probing = this.#away !== null
    if (this.#away !== null && now_ms < this.#away.until_ms) return this.#rest(this.#away.until_ms)
    if (this.#away !== null && this.#probing) return this.#rest(null)
    const freed = [...this.#behind].filter((link) => !this.#air.has(link)).slice(0, spec.windowRows)
    for (const link of freed) this.#behind.delete(link)
    if (this.#hurry) await state.hasten(spec.id)
    this.#hurry = false
    const { lanes, next_ms } = await state.take(spec.id, now_ms, freed, probing ? spec.requestRows : spec.windowRows)
    if (probing && lanes.length === 0) this.#away = null
    // Lanes and entries go in separate windows: a record is then in one of them only once.
    const from = { after: this.#judged, tables: tablesOf(spec), flow: spec.id }
    const { entries, scanned } =
      lanes.length > 0 || probing
        ? { entries: [], scanned: this.#judged }
        : await journal.read(from, spec.windowRows, spec.windowBytes)
    if (lanes.length > 0 || entries.length > 0 || scanned > this.#judged) return { entries, lanes, scanned }
    // A link that was freed may have no lane any more; others that were freed with it may.
    if (freed.length > 0) this.#bell.ring()
    const { due_ms, holds } = this.#air.turn(next_ms)
    const isStill = this.#air.open === 0 && this.#behind.size === 0 && next_ms === null && !holds && !probing
    this.#idle = isStill && news === this.#news
    return probing ? this.#rest(now_ms) : this.#rest(due_ms)
  }

  /** Rings the bell at that time; nothing is to be done before, unless something else rings it. */
  #rest(until_ms: number | null): null {
    const { clock } = this.#parts
    this.#timer.abort()
    this.#timer = new AbortController()
    if (until_ms !== null)
      clock.sleep(Math.max(0, until_ms - clock.now()), this.#timer.signal).then(
        () => this.#bell.ring(),
        () => {},
      )
    return null
  }

  /** The mass-delete guard: the new count, or null when it stopped the flow. */
  async #guarded(subjects: readonly Subject[], decisions: readonly Decision[]): Promise<GuardCount | null> {
    const { spec, state, clock } = this.#parts
    const deleting = subjects.filter((_, i) => {
      const decision = decisions[i]
      return decision?.kind === 'send' && decision.deletes
    })
    const passed = await guard(deleting, this.#count, this.#approval, clock.now(), spec, state)
    if (passed.kind === 'pass') return passed.count
    await this.stop(passed.failure)
    return null
  }

  #onSettled(settled: Settled): void {
    const { spec, clock, emit } = this.#parts
    this.#probing = false
    for (const link of settled.landed) this.#freed.add(link)
    emit({ kind: 'settled', flow: spec.id, ...settled.counts, durations_ms: settled.durations_ms })
    if (settled.stop !== null) this.stop(settled.stop).catch((error: unknown) => this.#broken.reject(error))
    if (settled.counts.delivered + settled.counts.parked > 0) {
      this.#hurry ||= this.#away !== null
      this.#away = null
    } else if (settled.away !== null) {
      this.#away = { failure: settled.away, until_ms: clock.now() + spec.retry.waitMax_ms }
      emit({ kind: 'away', flow: spec.id, failure: settled.away, retryIn_ms: spec.retry.waitMax_ms })
    }
    this.wake()
  }
}
