import { startEngine } from '../src/app/engine.ts'
import { load } from '../src/app/load.ts'
import { systemClock } from '../src/std/clock.ts'
import { systemRandom } from '../src/std/random.ts'

/**
 * The engine of a bench, in its own process, so that its memory is its own. Commands from the parent: `settle` answers when
 * nothing is pending; `figures` answers with durations since the last call and the largest resident memory, with the heap of the
 * engine's thread at that moment; `stop`.
 */
const { config } = load(process.argv[2] ?? 'syncline.yaml', process.env)
let durations: number[] = []
let rssMax = 0
let heapAtMax = 0
const sample = setInterval(() => {
  const rss = process.memoryUsage.rss()
  if (rss <= rssMax) return
  rssMax = rss
  heapAtMax = process.memoryUsage().heapTotal
}, 100)
const engine = await startEngine(config, {
  clock: systemClock,
  random: systemRandom,
  emit: (event) => {
    if (event.kind === 'settled') durations.push(...event.durations_ms)
    if (event.kind === 'fatal' || (event.kind === 'capture' && event.failure !== null))
      process.stderr.write(`${JSON.stringify(event)}\n`)
  },
})
engine.ended.catch((error: unknown) => {
  process.stderr.write(`${error}\n`)
  process.exit(1)
})
process.on('message', async (message) => {
  if (message === 'settle') process.send?.({ failures: await engine.settled(), report: await engine.report() })
  else if (message === 'figures') {
    process.send?.({ durations, rssMax, heapAtMax, rss: process.memoryUsage.rss(), cpu: process.cpuUsage() })
    durations = []
    rssMax = 0
  } else if (message === 'stop') {
    clearInterval(sample)
    await engine.stop()
    process.exit(0)
  }
})
process.on('disconnect', () => process.exit(0))
process.send?.('started')
