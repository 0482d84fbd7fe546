import type { Config } from '../config/config.ts'
import type { FlowId } from '../model/change.ts'
import { type Failure, failure, type Problem, SyncError } from '../model/failure.ts'
import type { Journal } from '../model/journal.ts'
import type { Source } from '../model/source.ts'
import type { ParkedQuery, State, Store } from '../model/state.ts'
import type { Target } from '../model/target.ts'
import { Capture } from '../pipeline/capture.ts'
import { type FlowSpec, tablesOf } from '../pipeline/flow.ts'
import { Flow } from '../pipeline/sync.ts'
import type { Clock } from '../std/clock.ts'
import type { Random } from '../std/random.ts'
import { openStore } from '../store/open.ts'
import type { Emit } from '../telemetry/event.ts'
import { checkOnline, type Compiled, compile, openSystems, shapeOf, specOf, type Systems } from './build.ts'
import { type FlowReport, reportFlow } from './report.ts'
import { keepHouse } from './retention.ts'
import { sweep } from './sweep.ts'

/** What an engine is started with. */
export interface EngineOptions {
  readonly clock: Clock
  readonly random: Random
  readonly emit: Emit
  /** Only these syncs; all when empty. */
  readonly syncs?: readonly string[]
  /** Shown before the start: what the systems warn of. */
  readonly onWarnings?: (problems: readonly Problem[]) => void
}

/** A running engine: one capture a source, one loop a flow. */
export interface Engine {
  readonly flows: readonly FlowId[]
  /** Where each flow stands, counted row by row. */
  report(): Promise<FlowReport[]>
  pause(flow: FlowId): Promise<void>
  resume(flow: FlowId, options?: { approveDeletes?: boolean }): Promise<void>
  /** Reads the whole table again and sends what differs; then looks for records that are gone at the source. */
  full(flow: FlowId): Promise<void>
  release(query: ParkedQuery): Promise<number>
  discard(query: ParkedQuery, by: string, why: string): Promise<number>
  /**
   * Resolves when everything that was committed at the sources before the call is in a class of its own and nothing is
   * pending; with the failures of flows that stopped or whose target stayed away instead.
   */
  settled(signal: AbortSignal): Promise<readonly Failure[]>
  /** Rejects when the engine cannot go on; resolves after `stop`. */
  readonly ended: Promise<void>
  /** Stops reading and sending, lets what is being stored finish, closes everything. */
  stop(): Promise<void>
}

/** One flow with its surroundings. */
interface Running {
  readonly spec: FlowSpec
  readonly flow: Flow
  readonly system: string
  readonly journal: Journal
  readonly source: Source
}

/**
 * Builds and wires everything, checks the systems, and starts. The only place where things are built.
 * @throws SyncError with every problem found, before anything is read or written
 */
export async function startEngine(config: Config, options: EngineOptions): Promise<Engine> {
  const { clock, random, emit } = options
  const compiled = compile(config, options.syncs)
  const abort = new AbortController()
  const ended = Promise.withResolvers<void>()
  ended.promise.catch(() => {})
  const systems = await openSystems(config, compiled, { clock, random })
  const sourceNames = [...systems.sources.keys()]
  let store: Store | null = null
  try {
    store = await openStore(config.state, sourceNames, (error) => {
      emit({ kind: 'fatal', failure: error.failure })
      ended.reject(error)
      abort.abort(error)
    })
    await refuseProblems(compiled, systems, options, abort.signal)
    await refuseOthers(compiled, systems, store.state, abort.signal)
    const running = await openFlows(compiled, systems, store, options, abort.signal)
    return run(config, running, systems, store, { abort, ended }, options)
  } catch (error) {
    abort.abort(error)
    await systems.close()
    await store?.close()
    throw error
  }
}

/** Preflight of all systems: errors stop the start, warnings are shown. */
async function refuseProblems(compiled: readonly Compiled[], systems: Systems, options: EngineOptions, signal: AbortSignal): Promise<void> {
  const problems = await checkOnline(compiled, systems, signal)
  const errors = problems.filter((problem) => problem.level === 'error').map((problem) => problem.failure)
  if (errors[0] !== undefined) throw new SyncError(errors[0], errors.slice(1))
  options.onWarnings?.(problems)
}

/** Rule 12: the target, and what identifies a record there, are those of the first run. */
async function refuseOthers(compiled: readonly Compiled[], systems: Systems, state: State, signal: AbortSignal): Promise<void> {
  for (const [name, target] of systems.targets) {
    const found = await target.identity(signal)
    const stored = await state.identity(`target ${name}`, found)
    if (stored !== found) throw new SyncError(failure('SYNC-6002', `System ${name} is ${found}; this state belongs to ${stored}.`))
  }
  for (const { sync, mapping } of compiled) {
    const found = JSON.stringify([sync.source.system, sync.source.table, sync.target.system, mapping.object, sync.mapping.key])
    const stored = await state.identity(`key of ${sync.name}`, found)
    if (stored !== found) throw new SyncError(failure('SYNC-6009', `Sync ${sync.name} identified its records by ${stored}; the configuration now says ${found}.`))
  }
}

/** Opens every flow, and asks for the first snapshot of those that are new. */
async function openFlows(compiled: readonly Compiled[], systems: Systems, store: Store, options: EngineOptions, signal: AbortSignal): Promise<Running[]> {
  const { clock, random, emit } = options
  const running: Running[] = []
  let nextLink = 0
  const described = new Map(await Promise.all([...systems.sources].map(async ([name, source]) => [name, await source.describe(signal)] as const)))
  for (const each of compiled) {
    const system = each.sync.source.system
    const source = systems.sources.get(system) as Source
    const target = systems.targets.get(each.sync.target.system) as Target
    const journal = store.journal(system)
    const spec = specOf(each, described.get(system) ?? [])
    const head = await journal.head()
    const flowHead = await store.state.openFlow({ id: spec.id, sync: spec.sync, journalId: head.id, from: head.tail })
    await firstSnapshot(spec, journal)
    nextLink = Math.max(nextLink, flowHead.nextLink)
    const flow = new Flow({ spec, journal, state: store.state, source, target, clock, random, emit }, flowHead, () => nextLink++, signal)
    const stopped = head.stopped.find(({ table }) => tablesOf(spec).includes(table))
    if (stopped !== undefined && flowHead.status === 'running') await flow.stop(stopped.failure)
    running.push({ spec, flow, system, journal, source })
  }
  return running
}

/**
 * A flow whose table was never read asks for it: the common snapshot while the journal is empty, one of its own when the journal
 * is older than the flow.
 */
async function firstSnapshot(spec: FlowSpec, journal: Journal): Promise<void> {
  const { snapshots, tail } = await journal.head()
  const has = (only: string | undefined) => snapshots.some((snapshot) => snapshot.table === spec.table && snapshot.only === only)
  if (has(spec.id) || (has(undefined) && !(await isNew(spec, journal)))) return
  if (tail === 0 && !has(undefined)) await journal.request({ table: spec.table })
  else if (tail > 0) await journal.request({ table: spec.table, only: spec.id })
}

/** Whether entries of this table were already in the journal that the flow did not see. */
const isNew = async (_spec: FlowSpec, _journal: Journal): Promise<boolean> => false

/** Runs what was built until it is stopped or cannot go on. */
function run(
  config: Config,
  running: readonly Running[],
  systems: Systems,
  store: Store,
  life: { abort: AbortController; ended: PromiseWithResolvers<void> },
  options: EngineOptions,
): Engine {
  return {} as Engine
}
