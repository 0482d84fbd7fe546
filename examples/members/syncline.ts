import { type Engine, startEngine } from '../../src/app/engine.ts'
import { load } from '../../src/app/load.ts'
import { openReader } from '../../src/app/reader.ts'
import type { Config } from '../../src/config/config.ts'
import { failures } from '../../src/model/failures.ts'
import { systemClock } from '../../src/std/clock.ts'
import { systemRandom } from '../../src/std/random.ts'
import { type Watch, watch } from './figures.ts'

/** The running sync. */
export type Syncline = {
  readonly config: Config
  readonly engine: Engine
  readonly watch: Watch
  /** Whether an earlier start left a state to go on from. */
  readonly resumed: boolean
  /** Entries read, judged and not settled: waiting, in flight, or not judged yet. */
  waiting(): Promise<number>
  /** Why records are in quarantine, most frequent first; null where the state cannot be looked at. */
  causes(): Promise<readonly Cause[]>
  stop(): Promise<void>
}

/** Records in quarantine for one reason. */
export type Cause = { readonly field: string; readonly text: string; readonly stage: string; readonly records: number }

/** The one sync of the example. */
export const flow = 'members'

/**
 * Starts Syncline in this process, as `syncline run` does, with a view of its own on the events.
 * @throws SyncError with everything that is wrong with the configuration or the systems
 */
export async function startSyncline(
  path: string,
  variables: { readonly [name: string]: string | undefined },
): Promise<Syncline> {
  const { config } = load(path, variables)
  const before = openReader(config)
  const resumed = before !== null && (await before.flows()).length > 0
  before?.close()
  const seen = watch()
  const engine = await startEngine(config, { clock: systemClock, random: systemRandom, emit: seen.emit })
  return {
    config,
    engine,
    watch: seen,
    resumed,
    async waiting() {
      const { waiting, inFlight, unjudged } = await engine.backlog(flow)
      return waiting + inFlight + unjudged
    },
    causes: () => causesOf(config),
    stop: () => engine.stop(),
  }
}

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
