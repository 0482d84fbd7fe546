/**
 * The engine as a process of its own, for tests that kill it: `node runner.ts <syncline.yaml> [settle] [full=<sync>]`.
 * stdout: one line of JSON for what the test needs to know. stderr: the product's own log. With `settle` it ends when nothing
 * is pending; else it runs until it is killed, or stops at SIGTERM.
 */
import { type Engine, startEngine } from '../../src/app/engine.ts'
import { load } from '../../src/app/load.ts'
import { SyncError } from '../../src/model/failure.ts'
import { systemClock } from '../../src/std/clock.ts'
import { systemRandom } from '../../src/std/random.ts'
import type { Event } from '../../src/telemetry/event.ts'
import { logTo } from '../../src/telemetry/log.ts'

const [path = '', ...words] = process.argv.slice(2)
const say = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`)
const log = logTo(process.stderr, 'debug', { clock: systemClock, flows: [] })
const emit = (event: Event) => {
  log(event)
  if (event.kind === 'snapshot' || (event.kind === 'capture' && event.status === 'open')) say(event)
}

function failed(error: unknown): void {
  if (!(error instanceof SyncError)) throw error
  say({ kind: 'failed', failures: [error.failure, ...error.others] })
  process.exitCode = 4
}

async function run(engine: Engine): Promise<void> {
  say({ kind: 'started', flows: engine.flows })
  for (const word of words) if (word.startsWith('full=')) await engine.full(word.slice(5))
  if (!words.includes('settle')) {
    process.on('SIGTERM', () => void engine.stop())
    return engine.ended
  }
  const failures = await Promise.race([engine.settled(), engine.ended.then(() => [])])
  say({ kind: 'settled', failures, reports: await engine.report() })
  await engine.stop()
}

try {
  const { config } = load(path, process.env)
  await run(await startEngine(config, { clock: systemClock, random: systemRandom, emit }))
} catch (error) {
  failed(error)
}
