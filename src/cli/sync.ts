import type { Config } from '../config/config.ts'
import type { Run, Summary } from '../server/runs.ts'
import { toTheEnd } from '../server/runs.ts'
import { type Api, runningEngine } from './ask.ts'
import { configuration } from './configuration.ts'
import { type Before, before, ending } from './ending.ts'
import { exitOf } from './exit.ts'
import { type Given, type Io, isSet } from './io.ts'
import { withEngine } from './live.ts'
import { Refusal } from './refusal.ts'
import { interrupted } from './run.ts'
import { syncNamed } from './syncs.ts'
import { lines } from './tell.ts'

/** How often a running engine is asked whether it is done. */
const LOOK_MS = 500

/** `sync <name>`: one run to the end, by the engine that runs, or by one of its own. */
export async function execute(given: Given, io: Io): Promise<number> {
  const config = configuration(given, io)
  const { name } = syncNamed(config, given.args['sync'] ?? '')
  const api = runningEngine(config)
  const was = await before(config, [name])
  return api === null ? byItself(config, name, was, given, io) : byRunning(api, name, was, given, io)
}

/**
 * An engine of all syncs, as `run` has it: one source has one position, and an engine that reads only some of its tables would
 * pass over the changes of the others.
 */
function byItself(config: Config, name: string, was: Before | null, given: Given, io: Io): Promise<number> {
  return withEngine(config, given, io, {
    async body({ engine, tally }) {
      const parts = { engine, failed: tally.failed, clock: io.clock }
      const done = await toTheEnd(parts, [name], isSet(given, 'full'))
      return ending(given, io, { ...done, was })
    },
    interrupted: (live) => interrupted(live, io),
  })
}

async function byRunning(api: Api, name: string, was: Before | null, given: Given, io: Io): Promise<number> {
  const stop = io.onStop()
  const path = `/api/v1/flows/${encodeURIComponent(name)}/run`
  let run = (await api.post(path, { full: isSet(given, 'full') })) as Run
  while (run.state === 'running') {
    try {
      await io.clock.sleep(LOOK_MS, stop)
    } catch {
      io.err('The running engine goes on with it.')
      return Number(stop.reason)
    }
    run = (await api.get(`/api/v1/runs/${run.run}`)) as Run
  }
  if (run.summary !== null) return ending(given, io, { failures: run.failures, summary: run.summary as Summary, was })
  const [first] = run.failures
  if (first === undefined) throw new Refusal('SYNC-7105', `The run ${run.run} ended with a fault of the engine.`)
  for (const line of lines(run.failures)) io.err(line)
  return exitOf(first.code)
}
