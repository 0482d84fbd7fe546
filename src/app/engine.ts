import type { Config } from '../config/config.ts'
import { unclassified } from '../mapping/mapping.ts'
import type { FlowId } from '../model/change.ts'
import { type Failure, failure, type Problem, SyncError } from '../model/failure.ts'
import type { Journal } from '../model/journal.ts'
import type { Key } from '../model/key.ts'
import type { Source, Table } from '../model/source.ts'
import type { Backlog, ParkedQuery, State, Store } from '../model/state.ts'
import type { Target } from '../model/target.ts'
import type { Word } from '../model/twins.ts'
import { tablesOf } from '../pipeline/flow.ts'
import { Flow } from '../pipeline/sync.ts'
import type { Clock } from '../std/clock.ts'
import type { Random } from '../std/random.ts'
import { openStore } from '../store/open.ts'
import type { Emit } from '../telemetry/event.ts'
import { type Compiled, checkOnline, compile, flowNames, openSystems, type Systems, specOf } from './build.ts'
import { type Checks, checkFunctions, checkLookups, checksOver } from './checks.ts'
import { qualityOver, qualityView } from './quality.ts'
import type { QualityReport } from './quality-report.ts'
import type { ReportForm } from './quality-schedule.ts'
import { type FlowReport, reportFlow } from './report.ts'
import { type Bounds, keepHouse, neededAfter, refuseGap } from './retention.ts'
import { Running } from './running.ts'
import { openTwins } from './target-index.ts'

/** Records that are released in one transaction. */
const AWAY_ROWS = 10_000

/** What an engine is started with. */
export interface EngineOptions {
  readonly clock: Clock
  readonly random: Random
  readonly emit: Emit
  /** What the systems warn of, before the first row. */
  readonly onWarnings?: (problems: readonly Problem[]) => void
  /** How quality reports are written down; without it none is written, whatever the schedule. */
  readonly render?: (report: QualityReport, form: ReportForm) => string
}

/** A running engine: one capture a source, one loop a flow. */
export interface Engine {
  readonly flows: readonly FlowId[]
  /** Where each of these flows stands, or of all, counted row by row: its cost grows with the rows. */
  report(flows?: readonly FlowId[]): Promise<FlowReport[]>
  /** What of a flow is not settled, and how many changes of its journal (rows of snapshots apart) are not judged: cheap, for metrics. */
  backlog(flow: FlowId): Promise<Backlog & { readonly unjudged: number }>
  /** What the journal of a source system takes, in bytes: cheap, for metrics. */
  journalBytes(system: string): Promise<number>
  /** How good the data was, up to now; of one flow or of all. */
  quality(flow: FlowId | null, length_ms: number): Promise<QualityReport>
  pause(flow: FlowId): Promise<void>
  /** Goes on after a pause or a safety stop. Rejects with its failure where the flow needs a snapshot: only `full` opens it. */
  resume(flow: FlowId, options?: { approveDeletes?: boolean }): Promise<void>
  /** Reads the whole table again and sends what differs; then looks for records that are gone at the source. Ends a stop. */
  full(flow: FlowId): Promise<void>
  release(query: ParkedQuery): Promise<number>
  discard(query: ParkedQuery, by: string, why: string): Promise<number>
  /**
   * A person asks for merges inside the target: of one record with those that it is one with, or of all. Answers how many; they are sent
   * when their turn comes. Rejects with SYNC-3041 where the target cannot merge such records.
   */
  merge(flow: FlowId, key: Key | null, rowsMax: number, word: Word): Promise<number>
  /** Lets a person change the state of a flow between two windows; what became due is judged at once. */
  change<T>(flow: FlowId, body: (state: State) => Promise<T>): Promise<T>
  /**
   * Resolves when everything that was committed at the sources before the call is in a class of its own and nothing is
   * pending; with the failures of flows that stopped, or whose target or source stayed away, instead.
   */
  settled(): Promise<readonly Failure[]>
  /** Rejects when the engine cannot go on; resolves after `stop`. */
  readonly ended: Promise<void>
  /** Stops reading and sending, lets what is being stored finish, closes everything. */
  stop(): Promise<void>
}

/**
 * Builds and wires everything, checks the systems, and starts. The only place where things are built.
 * @throws SyncError with every problem found, before anything is read or written
 */
export async function startEngine(config: Config, given: EngineOptions): Promise<Engine> {
  const { clock, random } = given
  const compiled = compile(config)
  const figures = qualityView(clock)
  const emit: Emit = (event) => {
    given.emit(event)
    figures.emit(event)
  }
  const options = { ...given, emit }
  const abort = new AbortController()
  const ended = Promise.withResolvers<void>()
  ended.promise.catch(() => {})
  const systems = await openSystems(config, compiled, { clock, random })
  const checks = checksOver(config, systems, clock, abort.signal)
  let store: Store | null = null
  try {
    // The systems answer while the store is being opened: neither needs the other.
    const problems = findProblems(config, compiled, systems, abort.signal)
    problems.catch(() => {})
    const opened = await openStore(config.state, [...systems.sources.keys()], (error) => {
      emit({ kind: 'fatal', failure: error.failure })
      ended.reject(error)
      abort.abort(error)
    })
    store = opened
    refuseErrors(await problems, options)
    await refuseOthers(compiled, systems, opened.state, abort.signal)
    const { hours, bytes, rows } = config.retention
    const bounds: Bounds = { age_ms: hours * 3_600_000, bytes, rows }
    const running = await openAll(compiled, systems, checks, opened, bounds, options, abort.signal)
    const quality = qualityOver(config, flowNames(compiled), opened.state, figures, options)
    const tasks = [
      ...running.map((each) => each.run()),
      housekeeping(bounds, running, opened, clock, abort.signal),
      quality.run(abort.signal),
    ]
    Promise.all(tasks).then(
      () => ended.resolve(),
      (error: unknown) => {
        ended.reject(error)
        abort.abort(error)
      },
    )
    return engineOver(running, opened, clock, {
      quality: quality.report,
      ended: ended.promise,
      async stop() {
        abort.abort(new Error('the engine was stopped'))
        await Promise.allSettled(tasks)
        await quality.close()
        await checks.close()
        await systems.close()
        await opened.close()
      },
    })
  } catch (error) {
    abort.abort(error)
    await checks.close()
    await systems.close()
    await store?.close()
    throw error
  }
}

/** Preflight of all systems. */
async function findProblems(
  config: Config,
  compiled: readonly Compiled[],
  systems: Systems,
  signal: AbortSignal,
): Promise<Problem[]> {
  return [
    ...(await checkFunctions(config)).map((each): Problem => ({ level: 'error', failure: each })),
    ...(await checkOnline(config, compiled, systems, signal)),
    ...(await checkLookups(config, compiled, systems, signal)),
  ]
}

/** Errors stop the start, warnings are shown. */
function refuseErrors(problems: readonly Problem[], options: EngineOptions): void {
  const errors = problems.filter((problem) => problem.level === 'error').map((problem) => problem.failure)
  if (errors[0] !== undefined) throw new SyncError(errors[0], errors.slice(1))
  options.onWarnings?.(problems)
}

/** Rule 12: the target, and what identifies a record there, are those of the first run. */
async function refuseOthers(
  compiled: readonly Compiled[],
  systems: Systems,
  state: State,
  signal: AbortSignal,
): Promise<void> {
  for (const [name, target] of systems.targets) {
    const found = await target.identity(signal)
    const stored = await state.identity(`target ${name}`, found)
    if (stored !== found)
      throw new SyncError(failure('SYNC-6002', `System ${name} is ${found}; this state belongs to ${stored}.`))
  }
  for (const { sync, mapping } of compiled) {
    const key = Object.entries(sync.mapping.key).map(([field, rule]) => [field, unclassified(rule)])
    const found = JSON.stringify([
      sync.source.system,
      sync.source.table,
      sync.target.system,
      mapping.object,
      Object.fromEntries(key),
    ])
    const stored = await state.identity(`key of ${sync.name}`, found)
    if (stored === found) continue
    throw new SyncError(
      failure(
        'SYNC-6009',
        `Sync ${sync.name} has identified its records by ${stored}; the configuration now says ${found}.`,
      ),
    )
  }
}

/** Opens every flow, with the first snapshot of those that are new, and groups them by source. */
async function openAll(
  compiled: readonly Compiled[],
  systems: Systems,
  checks: Checks,
  store: Store,
  bounds: Bounds,
  options: EngineOptions,
  signal: AbortSignal,
): Promise<Running[]> {
  const all: Running[] = []
  const known = new Set((await store.state.flows()).map((flow) => flow.id))
  const links = { next: 1 }
  for (const [system, source] of systems.sources) {
    const journal = store.journal(system)
    const tables = await source.describe(signal)
    const flows: Running['flows'][number][] = []
    for (const each of compiled.filter(({ sync }) => sync.source.system === system)) {
      const target = systems.targets.get(each.sync.target.system)
      if (target === undefined) throw new Error(`target ${each.sync.target.system} was not opened`)
      flows.push(
        await openFlow(
          each,
          tables,
          { store, journal, source, target, links, checks, isNew: !known.has(each.sync.name) },
          options,
          signal,
        ),
      )
    }
    all.push(new Running({ system, source, journal, state: store.state, flows, bounds, ...options }, signal))
  }
  return all
}

interface Around {
  readonly store: Store
  readonly journal: Journal
  readonly source: Source
  readonly target: Target
  readonly checks: Checks
  /** The next free link number, shared by all flows of the state. */
  readonly links: { next: number }
  readonly isNew: boolean
}

async function openFlow(
  each: Compiled,
  tables: readonly Table[],
  around: Around,
  options: EngineOptions,
  signal: AbortSignal,
): Promise<Running['flows'][number]> {
  const { store, journal, source, target, links } = around
  const back = { release: () => {} }
  const spec = specOf(
    each,
    tables,
    around.checks.of(each.sync, () => back.release()),
  )
  const head = await journal.head()
  // Asked for before the flow exists: a crash between the two asks again.
  if (around.isNew)
    await journal.request(head.tail === 0 ? { table: spec.table } : { table: spec.table, only: spec.id })
  const flowHead = await store.state.openFlow({ id: spec.id, sync: spec.sync, journalId: head.id, from: head.tail })
  links.next = Math.max(links.next, flowHead.nextLink)
  const { clock, random, emit } = options
  const index = await openTwins(
    { spec, journal, state: store.state, target, clock, emit, onNews: () => flow.wake() },
    around.isNew,
  )
  const flow: Flow = new Flow(
    { spec, journal, state: store.state, source, target, clock, random, emit, ready: () => index?.ready() ?? true },
    flowHead,
    () => links.next++,
    signal,
  )
  back.release = () => releaseAway(flow, store.state)
  // Nobody has watched the reference data since the last run ended.
  if (each.sync.validate.reference.some(({ stale }) => stale === 'park')) back.release()
  await refuseGap(flow, flowHead, each.sync.source.system, journal)
  // The preflight has just found the target sound again: what stopped it there is mended.
  if (flowHead.status === 'stopped' && flowHead.reason?.code.startsWith('SYNC-3')) await flow.resume()
  const stopped = head.stopped.find(({ table }) => tablesOf(spec).includes(table))
  if (stopped !== undefined && flow.view().status === 'running') await flow.stop(stopped.failure)
  return { flow, spec, sweep: flowHead.sweep, index }
}

/** Records that parked because a reference set was away are judged again. */
function releaseAway(flow: Flow, state: State): void {
  const query = { flow: flow.id, state: 'parked', code: 'SYNC-4045', rowsMax: AWAY_ROWS } as const
  const release = async (): Promise<void> => {
    while ((await flow.exclusively(() => state.release(query))) === AWAY_ROWS);
    flow.wake()
  }
  // A state that cannot be written ends the engine by itself.
  release().catch(() => {})
}

function housekeeping(
  bounds: Bounds,
  running: readonly Running[],
  store: Store,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  const kept = running.map(({ system, journal, flows }) => ({ system, journal, flows: flows.map(({ flow }) => flow) }))
  return keepHouse(kept, store.state, bounds, clock, signal).catch((error: unknown) => {
    if (!signal.aborted) throw error
  })
}

/** What may be asked of what is running. */
function engineOver(
  running: readonly Running[],
  store: Store,
  clock: Clock,
  life: Pick<Engine, 'quality' | 'ended' | 'stop'>,
): Engine {
  const of = (id: FlowId) => {
    for (const group of running) for (const each of group.flows) if (each.spec.id === id) return { group, ...each }
    throw new SyncError(
      failure(
        'SYNC-7002',
        `There is no sync ${id}; there are: ${running.flatMap((group) => group.flows.map(({ spec }) => spec.id)).join(', ')}.`,
      ),
    )
  }
  return {
    flows: running.flatMap((group) => group.flows.map(({ spec }) => spec.id)),
    async report(flows) {
      const heads = new Map((await store.state.flows()).map((head) => [head.id, head]))
      const asked = running.flatMap((group) =>
        group.flows.flatMap(({ spec }) => (flows?.includes(spec.id) === false ? [] : [{ group, spec }])),
      )
      return Promise.all(
        asked.map(async ({ group, spec }) => {
          const head = heads.get(spec.id)
          if (head === undefined) throw new Error(`flow ${spec.id} is not in the state`)
          const report = await reportFlow(head, tablesOf(spec), store.state, group.journal)
          // A source that cannot be read stops its flows, as long as that is so.
          return group.failure === null ? report : { ...report, status: 'stopped' as const, reason: group.failure }
        }),
      )
    },
    async backlog(id) {
      const { spec, group, flow } = of(id)
      const { judged, gap } = flow.view()
      const after = neededAfter({ judged, gap })
      const unjudged = await group.journal.count({ after, tables: tablesOf(spec), flow: id }, true)
      return { ...(await store.state.backlog(id)), unjudged: unjudged + (gap?.entries ?? 0) }
    },
    journalBytes: async (system) => (await store.journal(system).size()).bytes,
    pause: (id) => of(id).flow.pause(),
    async resume(id, options) {
      const { flow, spec, group } = of(id)
      flow.refuse()
      for (const table of tablesOf(spec)) await group.journal.clear(table)
      await flow.resume(options)
    },
    full: (id) => of(id).group.full(of(id).spec.id),
    async release(query) {
      const { flow } = of(query.flow)
      const n = await flow.exclusively(() => store.state.release(query))
      flow.wake()
      return n
    },
    async discard(query, by, why) {
      const { flow } = of(query.flow)
      const n = await flow.exclusively(() => store.state.discard(query, by, why, clock.now()))
      flow.wake()
      return n
    },
    async merge(id, key, rowsMax, word) {
      const { flow, spec } = of(id)
      if (spec.merges !== true)
        throw new SyncError(
          failure('SYNC-3041', `Sync ${id}: records of ${spec.mapping.object} cannot be merged inside the target.`),
        )
      const n = await flow.exclusively(() => store.state.askMerges(id, key, rowsMax, word))
      flow.wake()
      return n
    },
    async change(id, body) {
      const { flow } = of(id)
      const answer = await flow.exclusively(() => body(store.state))
      flow.wake()
      return answer
    },
    settled: async () => (await Promise.all(running.map((group) => group.settled()))).flat(),
    ...life,
  }
}
