import { compile, flowNames } from '../app/build.ts'
import { type Engine, startEngine } from '../app/engine.ts'
import type { Config } from '../config/config.ts'
import { removeAddress, writeAddress } from '../server/address.ts'
import { type Server, startServer } from '../server/server.ts'
import { type Tally, tally } from '../server/tally.ts'
import type { Emit } from '../telemetry/event.ts'
import { health } from '../telemetry/health.ts'
import { logTo } from '../telemetry/log.ts'
import { metrics, processFigures } from '../telemetry/metrics.ts'
import { failureText, printable } from '../telemetry/sentence.ts'
import { type Given, type Io, isSet, optionText } from './io.ts'
import { type Progress, progress } from './progress.ts'
import { Refusal } from './refusal.ts'
import { type Screen, screenOf } from './screen.ts'

/** A running engine with its views. */
export interface Live {
  readonly engine: Engine
  readonly tally: Tally
  /** Tells something in the form of the log. */
  readonly say: (level: 'info' | 'warn' | 'error', text: string) => void
  /** Where the API is; null without it. */
  readonly url: string | null
}

/**
 * Starts the engine, its API and its views, does the work, and stops everything again in order. A signal ends the work: the
 * answer is then the signal's exit code.
 */
export async function withEngine(
  config: Config,
  given: Given,
  io: Io,
  work: {
    readonly body: (live: Live) => Promise<number>
    /** Done after a signal, while the engine still answers. */
    readonly interrupted?: (live: Live) => Promise<void>
  },
): Promise<number> {
  const stop = io.onStop()
  const stopped = new Promise<number>((resolve) => {
    stop.addEventListener('abort', () => resolve(Number(stop.reason)), { once: true })
  })
  const screen = screenOf(io)
  const views = viewsOf(config, given, io, screen, () => started)
  let started: Engine | null = null
  const starting = startEngine(config, {
    clock: io.clock,
    random: io.random,
    emit: views.emit,
    onWarnings: (problems) => {
      for (const { failure } of problems) views.say('warn', failureText(failure))
    },
  })
  // Before the first row there is nothing to be stopped in order: every step of the start may be cut off (I8).
  const first = await Promise.race([starting, stopped])
  if (typeof first === 'number') {
    starting.catch(() => {})
    return first
  }
  const engine = first
  started = engine
  let server: Server | null = null
  try {
    server = given.options['server'] === false ? null : await serve(config, io, engine, views)
    if (isShown(given)) views.progress.start(() => standing(engine))
    const live = { engine, tally: views.tally, say: views.say, url: server?.url ?? null }
    const done = work.body(live)
    // After a signal nobody waits for it any more.
    done.catch(() => {})
    const code = await Promise.race([done, engine.ended.then(() => stopped), stopped])
    if (stop.aborted) await work.interrupted?.(live)
    return code
  } finally {
    await views.progress.stop()
    if (server !== null) removeAddress(config.state, process.pid)
    await server?.close()
    await engine.stop()
  }
}

const isShown = (given: Given): boolean => given.options['progress'] !== false

interface Views extends ReturnType<typeof viewsOf> {}

function viewsOf(config: Config, given: Given, io: Io, screen: Screen, engine: () => Engine | null) {
  const flows = flowNames(compile(config))
  const form = optionText(given, 'logFormat') ?? (screen.isTerminal ? 'text' : 'json')
  const log = logTo({ write: (text) => screen.line(text.trimEnd()) }, isSet(given, 'debug') ? 'debug' : 'info', {
    clock: io.clock,
    flows,
    human: form === 'text',
  })
  const figures = metrics(io.clock, {
    flows,
    queueSize: async (flow) => {
      const open = await engine()?.backlog(flow)
      return open === undefined ? 0 : open.waiting + open.inFlight + open.unjudged
    },
    quarantine: async (flow) => {
      const open = await engine()?.backlog(flow)
      return { size: open?.parked ?? 0, oldest_ms: open?.parkedSince_ms ?? null }
    },
    build: { version: io.version, node: process.versions.node },
    process: processFigures,
  })
  const proof = health(io.clock, flows)
  const shown: Progress = progress(screen, io.clock, form === 'text' ? 'text' : 'json')
  const counts = tally()
  const emit: Emit = (event) => {
    for (const view of [log, figures.emit, proof.emit, shown.emit, counts.emit]) view(event)
  }
  /** What is no event of the engine, in the form of the log. */
  const say = (level: 'info' | 'warn' | 'error', text: string) => {
    const time = new Date(io.clock.now()).toISOString()
    if (form === 'json') screen.line(JSON.stringify({ level, time, msg: text }))
    else screen.line(`${time.slice(11, 19)}Z ${level.padEnd(5)} ${printable(text)}`)
  }
  return { emit, say, metrics: figures, health: proof, progress: shown, tally: counts }
}

async function standing(engine: Engine): Promise<{ waiting: number; quarantine: number }> {
  const all = await Promise.all(engine.flows.map((flow) => engine.backlog(flow)))
  return {
    waiting: all.reduce((sum, one) => sum + one.waiting + one.inFlight + one.unjudged, 0),
    quarantine: all.reduce((sum, one) => sum + one.parked + one.review, 0),
  }
}

async function serve(config: Config, io: Io, engine: Engine, views: Views): Promise<Server> {
  const { host, port } = config.server
  let server: Server
  try {
    server = await startServer({
      engine,
      metrics: views.metrics,
      health: views.health,
      failed: views.tally.failed,
      clock: io.clock,
      random: io.random,
      version: io.version,
      host,
      port,
      log: (line) => views.say('error', line),
    })
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'EADDRINUSE') throw error
    throw new Refusal('SYNC-7106', `Port ${port} on ${host} is in use by another program.`, undefined, { cause: error })
  }
  writeAddress(config.state, { url: server.url, pid: process.pid })
  return server
}
