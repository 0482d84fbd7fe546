import { createWriteStream } from 'node:fs'
import { rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Engine } from '../../src/app/engine.ts'
import { load } from '../../src/app/load.ts'
import { hasState, openReader } from '../../src/app/reader.ts'
import { openLive } from '../../src/cli/live.ts'
import type { Config } from '../../src/config/config.ts'
import { failures } from '../../src/model/failures.ts'
import { systemClock } from '../../src/std/clock.ts'
import { systemRandom } from '../../src/std/random.ts'
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
  /** What has no end yet: entries that wait, are in flight or not judged, and records in quarantine. */
  backlog(): Promise<{ readonly waiting: number; readonly parked: number }>
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
 * Starts Syncline in this process, as `syncline run` does, with one more view of its events for the screen. The log goes into a
 * file, for whoever wants to know more; the API takes a free port where that of the configuration is taken.
 * @throws SyncError with everything that is wrong with the configuration or the systems
 */
export async function startSyncline(
  path: string,
  variables: { readonly [name: string]: string | undefined },
  folder: string,
): Promise<Syncline> {
  const { config, warnings: noticed } = load(path, variables)
  const resumed = hasState(config)
  const log = join(folder, 'syncline.log')
  const file = await openLog(log)
  const seen = watch()
  const live = await openLive(
    config,
    { clock: systemClock, random: systemRandom, version: 'example' },
    { line: (text) => void file.write(`${text}\n`), form: 'text', level: 'info', emit: seen.emit, api: 'any' },
  )
  for (const failure of noticed) live.say('warn', failureText(failure))
  return {
    config,
    engine: live.engine,
    watch: seen,
    url: live.url ?? '',
    log,
    resumed,
    warnings: noticed.length + live.warnings,
    async backlog() {
      const { waiting, inFlight, unjudged, records } = await live.engine.backlog(flow)
      return { waiting: waiting + inFlight + unjudged, parked: records.parked }
    },
    causes: () => causesOf(config),
    async stop() {
      await live.stop()
      file.end()
    },
  }
}

async function openLog(path: string) {
  if (((await stat(path).catch(() => null))?.size ?? 0) > logBytesMax) await rm(path)
  const file = createWriteStream(path, { flags: 'a', mode: 0o600 })
  file.on('error', () => {}) // a log that cannot be written holds up nothing
  return file
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
