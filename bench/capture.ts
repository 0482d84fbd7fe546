import type { MysqlOptions } from '../src/connectors/mysql/options.ts'
import { openMysql } from '../src/connectors/mysql/source.ts'
import { Capture } from '../src/pipeline/capture.ts'
import { systemClock } from '../src/std/clock.ts'
import { systemRandom } from '../src/std/random.ts'
import { openStore } from '../src/store/open.ts'

/**
 * The capture of a bench in its own process, so that its memory is its own: from the log of a MySQL or MariaDB into a journal,
 * flushed, with the store's own thread. Arguments: URL, state folder, table, how many entries to wait for (0: only to begin, so
 * that the position is stored), and whether they come by a snapshot. Prints one line of JSON.
 */
const [url = '', folder = '', table = '', wanted = '0', how = 'stream'] = process.argv.slice(2)
const entries = Number(wanted)
const env = { clock: systemClock, random: systemRandom }
const store = await openStore(folder, ['bench'], (error) => {
  throw error
})
const journal = store.journal('bench')
const source = openMysql({ name: 'bench', url } as MysqlOptions, env, [{ name: table }])
const stop = new AbortController()
let rssMax = 0
const sample = setInterval(() => {
  rssMax = Math.max(rssMax, process.memoryUsage.rss())
}, 20)
const started = performance.now()
const cpuBefore = process.cpuUsage()
const before = (await journal.head()).tail
const done = Promise.withResolvers<void>()
let seen = 0
const capture = new Capture(
  {
    system: 'bench',
    source,
    journal,
    ...env,
    room: async () => {},
    onAppended: () => {},
    onTable: async (_, failure) => done.reject(new Error(failure.message)),
    emit(event) {
      if (event.kind === 'capture' && event.failure !== null) done.reject(new Error(event.failure.message))
      if (event.kind === 'captured') seen += event.changes
      // The last piece was appended before this event: what it counts is flushed.
      if (event.kind === 'captured' && seen >= entries) done.resolve()
    },
  },
  stop.signal,
)
const running = capture.run()
running.catch(done.reject)
if (how === 'snapshot') await capture.snapshot({ table: `${new URL(url).pathname.slice(1)}.${table}` })
if (entries === 0) await capture.caughtUp()
else await done.promise
await capture.caughtUp()
const seconds = (performance.now() - started) / 1000
const { user, system } = process.cpuUsage(cpuBefore)
const stored = (await journal.head()).tail - before
stop.abort()
await running
await source.close()
await store.close()
clearInterval(sample)
process.stdout.write(`${JSON.stringify({ stored, seconds, rssMax, cpuSeconds: (user + system) / 1e6 })}\n`)
