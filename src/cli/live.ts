import { compile, flowNames } from '../app/build.ts'
import { type Engine, startEngine } from '../app/engine.ts'
import { whenThere } from '../app/patience.ts'
import type { Config } from '../config/config.ts'
import type { Failure } from '../model/failure.ts'
import { removeAddress, writeAddress } from '../server/address.ts'
import { type Server, startServer } from '../server/server.ts'
import { type Tally, tally } from '../server/tally.ts'
import type { Emit } from '../telemetry/event.ts'
import { health } from '../telemetry/health.ts'
import { logTo } from '../telemetry/log.ts'
import { metrics, processFigures } from '../telemetry/metrics.ts'
import { failureText, printable } from '../telemetry/sentence.ts'
import { type Given, type Io, isSet, optionText } from './io.ts'
import { duration } from './output.ts'
import { progress } from './progress.ts'
import { renderQuality } from './quality-forms.ts'
import { Refusal } from './refusal.ts'
import { screenOf } from './screen.ts'

/** A running engine with its views. */
export interface Live {
  readonly engine: Engine
  readonly tally: Tally
  /** Tells something in the form of the log. */
  readonly say: Say
  /** Where the API is; null without it. */
  readonly url: string | null
  /** What the systems said before the first row; the log has them in full. */
  readonly warnings: number
  stop(): Promise<void>
}

type Say = (level: 'info' | 'warn' | 'error', text: string) => void

/** How an engine is started for its surroundings. */
export interface LiveOptions {
  /** Takes the log, line by line. */
  readonly line: (text: string) => void
  readonly form: 'text' | 'json'
  readonly level: 'info' | 'debug'
  /** One more view of the events. */
  readonly emit: Emit
  /** The API at the port of the configuration; `any`: at a free one where that is taken; null: none. */
  readonly api: 'port' | 'any' | null
  /** Systems that are away are waited for until this is aborted; absent: they end the start. */
  readonly waits?: AbortSignal
}

/**
 * Starts the engine, its API and its views.
 * @throws SyncError with everything that is wrong with the configuration or the systems; with `waits` not for those that are away
 * @throws Refusal SYNC-7106 when the port is taken
 */
export async function openLive(
  config: Config,
  io: Pick<Io, 'clock' | 'random' | 'version'>,
  options: LiveOptions,
): Promise<Live> {
  const views = viewsOf(config, io, options, () => started)
  let started: Engine | null = null
  let warnings = 0
  const start = () =>
    startEngine(config, {
      clock: io.clock,
      random: io.random,
      emit: views.emit,
      render: renderQuality,
      onWarnings: (problems) => {
        warnings += problems.length
        for (const { failure } of problems) views.say('warn', failureText(failure))
      },
    })
  const away = (failures: readonly Failure[], wait_ms: number) => {
    for (const failure of failures) views.say('warn', failureText(failure))
    views.say('warn', `Nothing was started. It is tried again in ${duration(wait_ms)}.`)
  }
  const engine = await (options.waits === undefined ? start() : whenThere(start, io, away, options.waits))
  started = engine
  let server: Server | null = null
  try {
    server = options.api === null ? null : await serve(config, io, options.api, engine, views)
  } catch (error) {
    await engine.stop()
    throw error
  }
  return {
    engine,
    tally: views.tally,
    say: views.say,
    url: server?.url ?? null,
    warnings,
    async stop() {
      if (server !== null) removeAddress(config.state, process.pid)
      await server?.close()
      await engine.stop()
    },
  }
}

/**
 * Starts the engine as the options of the command say, shows progress, does the work, and stops everything again in order. A
 * signal ends the work: the answer is then the signal's exit code.
 */
export async function withEngine(
  config: Config,
  given: Given,
  io: Io,
  work: {
    readonly body: (live: Live) => Promise<number>
    /** Systems that are away at the start are waited for. */
    readonly waits?: true
    /** Done after a signal, while the engine still answers. */
    readonly interrupted?: (live: Live) => Promise<void>
  },
): Promise<number> {
  const stop = io.onStop()
  const stopped = new Promise<number>((resolve) => {
    stop.addEventListener('abort', () => resolve(Number(stop.reason)), { once: true })
  })
  const screen = screenOf(io)
  const form = (optionText(given, 'logFormat') ?? (screen.isTerminal ? 'text' : 'json')) === 'text' ? 'text' : 'json'
  const shown = progress(screen, io.clock, form)
  const starting = openLive(config, io, {
    line: screen.line,
    form,
    level: isSet(given, 'debug') ? 'debug' : 'info',
    emit: shown.emit,
    api: given.options['server'] === false ? null : 'port',
    ...(work.waits ? { waits: stop } : {}),
  })
  // Before the first row there is nothing to be stopped in order: every step of the start may be cut off (I8).
  const live = await Promise.race([starting, stopped])
  if (typeof live === 'number') {
    starting.catch(() => {})
    return live
  }
  try {
    if (given.options['progress'] !== false) shown.start(() => standing(live.engine))
    const done = work.body(live)
    // After a signal nobody waits for it any more.
    done.catch(() => {})
    const code = await Promise.race([done, live.engine.ended.then(() => stopped), stopped])
    if (stop.aborted) await work.interrupted?.(live)
    return code
  } finally {
    await shown.stop()
    await live.stop()
  }
}

type Views = ReturnType<typeof viewsOf>

function viewsOf(
  config: Config,
  io: Pick<Io, 'clock' | 'version'>,
  { line, form, level, emit: more }: LiveOptions,
  engine: () => Engine | null,
) {
  const compiled = compile(config)
  const flows = flowNames(compiled)
  const log = logTo({ write: (text) => line(text.trimEnd()) }, level, {
    clock: io.clock,
    flows,
    human: form === 'text',
  })
  const figures = metrics(io.clock, {
    flows,
    journalBytes: async (source) => (await engine()?.journalBytes(source)) ?? 0,
    queueSize: async (flow) => {
      const open = await engine()?.backlog(flow)
      return open === undefined ? 0 : open.waiting + open.inFlight + open.unjudged
    },
    quarantine: async (flow) => {
      const open = await engine()?.backlog(flow)
      return { size: open?.records.parked ?? 0, oldest_ms: open?.parkedSince_ms ?? null }
    },
    review: async (flow) => {
      const open = await engine()?.backlog(flow)
      return { size: open?.records.review ?? 0, oldest_ms: open?.reviewSince_ms ?? null }
    },
    duplicates: new Set(compiled.flatMap(({ sync, duplicates }) => (duplicates === null ? [] : [sync.name]))),
    build: { version: io.version, node: process.versions.node },
    process: processFigures,
  })
  const proof = health(io.clock, flows)
  const counts = tally()
  const emit: Emit = (event) => {
    for (const view of [log, figures.emit, proof.emit, more, counts.emit]) view(event)
  }
  /** What is no event of the engine, in the form of the log. */
  const say: Say = (level, text) => {
    const time = new Date(io.clock.now()).toISOString()
    if (form === 'json') line(JSON.stringify({ level, time, msg: text }))
    else line(`${time.slice(11, 19)}Z ${level.padEnd(5)} ${printable(text)}`)
  }
  return { emit, say, metrics: figures, health: proof, tally: counts }
}

async function standing(engine: Engine): Promise<{ waiting: number; quarantine: number }> {
  const all = await Promise.all(engine.flows.map((flow) => engine.backlog(flow)))
  return {
    waiting: all.reduce((sum, one) => sum + one.waiting + one.inFlight + one.unjudged, 0),
    quarantine: all.reduce((sum, one) => sum + one.parked + one.review, 0),
  }
}

async function serve(
  config: Config,
  io: Pick<Io, 'clock' | 'random' | 'version'>,
  api: 'port' | 'any',
  engine: Engine,
  views: Views,
): Promise<Server> {
  const { host, port } = config.server
  const at = (port: number) =>
    startServer({
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
  const server = await at(port).catch((error: unknown) => {
    if ((error as { code?: unknown }).code !== 'EADDRINUSE') throw error
    if (api === 'any') return at(0)
    throw new Refusal('SYNC-7106', `Port ${port} on ${host} is in use by another program.`, undefined, { cause: error })
  })
  writeAddress(config.state, { url: server.url, pid: process.pid })
  return server
}
