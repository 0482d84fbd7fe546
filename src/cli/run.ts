import { total } from '../app/report.ts'
import { toTheEnd } from '../server/runs.ts'
import { configuration } from './configuration.ts'
import { before, ending } from './ending.ts'
import { type Execute, type Io, isSet } from './io.ts'
import { type Live, withEngine } from './live.ts'

/** `run`: the engine until somebody stops it, also while its systems are away; `run --once`: until nothing is pending. */
export const execute: Execute = async (given, io) => {
  const config = configuration(given, io)
  if (!isSet(given, 'once'))
    return withEngine(config, given, io, {
      waits: true,
      async body({ url, say }) {
        if (url !== null) say('info', `API, metrics and health: ${url} (Ctrl-C stops, the next start resumes)`)
        // Until a signal, or until the engine cannot go on.
        return new Promise<number>(() => {})
      },
    })
  const was = await before(config)
  return withEngine(config, given, io, {
    async body({ engine, tally }) {
      const done = await toTheEnd({ engine, failed: tally.failed, clock: io.clock }, engine.flows, false)
      return ending(given, io, { ...done, was })
    },
    interrupted: (live) => interrupted(live, io),
  })
}

/** Where a run to the end was when it was interrupted. */
export async function interrupted({ engine, tally }: Live, io: Io): Promise<void> {
  io.out(JSON.stringify({ ...total(await engine.report()), failed: tally.failed(), interrupted: true }))
}
