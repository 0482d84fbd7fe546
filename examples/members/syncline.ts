import { createWriteStream } from 'node:fs'
import { rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { compile, flowNames } from '../../src/app/build.ts'
import { type Engine, startEngine } from '../../src/app/engine.ts'
import { load } from '../../src/app/load.ts'
import { openReader } from '../../src/app/reader.ts'
import type { Config } from '../../src/config/config.ts'
import type { Failure } from '../../src/model/failure.ts'
import { failures } from '../../src/model/failures.ts'
import { removeAddress, writeAddress } from '../../src/server/address.ts'
import { type Server, startServer } from '../../src/server/server.ts'
import { tally } from '../../src/server/tally.ts'
import { systemClock } from '../../src/std/clock.ts'
import { systemRandom } from '../../src/std/random.ts'
import type { Emit } from '../../src/telemetry/event.ts'
import { health } from '../../src/telemetry/health.ts'
import { logTo } from '../../src/telemetry/log.ts'
import { metrics, processFigures } from '../../src/telemetry/metrics.ts'
import { failureText } from '../../src/telemetry/sentence.ts'
import { type Watch, watch } from './figures.ts'

/** The running sync. */
export type Syncline = {
  readonly config: Config
  readonly engine: Engine
  readonly watch: Watch
  /** Where metrics, health and the API are. */
  readonly url: string
  /** Where the engine's log is. */
  readonly log: string
  /** Whether an earlier start left a state to go on from. */
  readonly resumed: boolean
  /** Warnings of the systems: how many, as the log has them in full. */
  readonly warnings: number
  /** Entries that are not settled: waiting, in flight, or not judged yet. */
  waiting(): Promise<number>
  /** Why records are in quarantine, most frequent first. */
  causes(): Promise<readonly Cause[]>
  stop(): Promise<void>
}

/** Records in quarantine for one reason. */
export type Cause = { readonly field: string; readonly text: string; readonly stage: string; readonly records: number }

/** The one sync of the example. */
export const flow = 'members'

const logBytesMax = 10_000_000

/**
 * Reads the configuration before anything is started, with stand-ins for the addresses that are not known yet.
 * @throws SyncError with everything that is wrong with it
 */
export function checkConfig(path: string, variables: { readonly [name: string]: string | undefined }): void {
  load(path, {
    LEGACY_URL: 'postgres://127.0.0.1/legacy',
    SF_URL: 'http://127.0.0.1',
    SF_SECRET: 'not known yet',
    ...variables,
  })
}

/**
 * Starts Syncline in this process from its parts, as `syncline run` does: engine, API, and the views of its events, with one
 * more view for the screen. The log goes into a file, for whoever wants to know more.
 * @throws SyncError with everything that is wrong with the configuration or the systems
 */
export async function startSyncline(
  path: string,
  variables: { readonly [name: string]: string | undefined },
  folder: string,
): Promise<Syncline> {
  const { config, warnings: noticed } = load(path, variables)
  const before = openReader(config)
  const resumed = before !== null && (await before.flows()).length > 0
  before?.close()
  const views = await viewsOf(config, join(folder, 'syncline.log'), () => engine)
  const note = (failure: Failure) => views.note(`warning: ${failureText(failure)}`)
  noticed.forEach(note)
  let warnings = noticed.length
  let engine: Engine | null = null
  const running = await startEngine(config, {
    clock: systemClock,
    random: systemRandom,
    emit: views.emit,
    onWarnings(problems) {
      for (const problem of problems) note(problem.failure)
      warnings += problems.length
    },
  })
  engine = running
  const server = await serve(config, running, views).catch(async (error: unknown) => {
    await running.stop()
    throw error
  })
  writeAddress(config.state, { url: server.url, pid: process.pid })
  return {
    config,
    engine: running,
    watch: views.watch,
    url: server.url,
    log: views.log,
    resumed,
    warnings,
    async waiting() {
      const { waiting, inFlight, unjudged } = await running.backlog(flow)
      return waiting + inFlight + unjudged
    },
    causes: () => causesOf(config),
    async stop() {
      removeAddress(config.state, process.pid)
      await server.close()
      await running.stop()
      views.close()
    },
  }
}

/** The views of the events: log, metrics, health, and ours. */
async function viewsOf(config: Config, log: string, engine: () => Engine | null) {
  const flows = flowNames(compile(config))
  if (((await stat(log).catch(() => null))?.size ?? 0) > logBytesMax) await rm(log)
  const file = createWriteStream(log, { flags: 'a', mode: 0o600 })
  file.on('error', () => {}) // a log that cannot be written holds up nothing
  const backlog = async () => (await engine()?.backlog(flow)) ?? null
  const figures = metrics(systemClock, {
    flows,
    async queueSize() {
      const open = await backlog()
      return open === null ? 0 : open.waiting + open.inFlight + open.unjudged
    },
    async quarantine() {
      const open = await backlog()
      return { size: open?.parked ?? 0, oldest_ms: open?.parkedSince_ms ?? null }
    },
    build: { version: 'example', node: process.versions.node },
    process: processFigures,
  })
  const proof = health(systemClock, flows)
  const counts = tally()
  const seen = watch()
  const told: readonly Emit[] = [
    logTo(file, 'info', { clock: systemClock, flows, human: true }),
    figures.emit,
    proof.emit,
    counts.emit,
    seen.emit,
  ]
  return {
    emit: ((event) => {
      for (const view of told) view(event)
    }) satisfies Emit as Emit,
    metrics: figures,
    health: proof,
    failed: counts.failed,
    watch: seen,
    log,
    note: (line: string) => void file.write(`${line}\n`),
    close: () => void file.end(),
  }
}

/** The API at the port of the configuration, or at a free one where that is taken: other commands find it in the state folder. */
async function serve(config: Config, engine: Engine, views: Awaited<ReturnType<typeof viewsOf>>): Promise<Server> {
  const { host, port } = config.server
  const at = (wanted: number) =>
    startServer({
      ...{ engine, host, port: wanted, metrics: views.metrics, health: views.health, failed: views.failed },
      clock: systemClock,
      random: systemRandom,
      version: 'example',
      log: views.note,
    })
  try {
    return await at(port)
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'EADDRINUSE') throw error
    return await at(0)
  }
}

/** Read beside the running engine, from the state folder; opened for each look, so that nothing is held back in between. */
async function causesOf(config: Config): Promise<Cause[]> {
  const reader = openReader(config)
  if (reader === null) return []
  try {
    return (await reader.causes(flow)).map(({ stage, code, field, n }) => {
      const known = Object.hasOwn(failures, code) ? failures[code as keyof typeof failures].title : code
      return { field: field ?? '', text: known, stage, records: n }
    })
  } finally {
    reader.close()
  }
}
