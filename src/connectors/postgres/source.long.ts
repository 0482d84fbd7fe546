import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startPostgres } from '../../testing/postgres.ts'
import { database } from './fixture.ts'

const quarter = 250_000

function resident_mib(): number {
  return Math.round(process.memoryUsage.rss() / 1_048_576)
}

test('1,000,000 rows in one transaction, and as a snapshot, with a slow consumer: memory stays flat', async (context) => {
  const server = await startPostgres()
  try {
    await using db = await database(server.url)
    await db.sql('CREATE TABLE t (id int PRIMARY KEY, first text, last text, email text, at timestamptz, fee numeric)')
    const source = db.source(['t'])
    const feed = await source.open(null, [], AbortSignal.timeout(600_000))
    const events = feed.events[Symbol.asyncIterator]()
    const read = async (until: number) => {
      const since = performance.now()
      const highest_mib = [0, 0, 0, 0]
      let rows = 0
      while (rows < until) {
        const { value = [] } = await events.next()
        for (const event of value) {
          if (event.kind === 'rows') rows += event.changes.length
          else feed.durable(event.position)
        }
        const at = Math.min(3, Math.floor(rows / quarter))
        highest_mib[at] = Math.max(highest_mib[at] ?? 0, resident_mib())
      }
      const perSecond = Math.round((rows / (performance.now() - since)) * 1_000)
      context.diagnostic(`${rows} rows, ${perSecond}/s, resident at most ${highest_mib.join(', ')} MiB by quarter`)
      const [first = 0, , , last = 0] = highest_mib
      assert.ok(last < first + 100, `memory grew from ${first} to ${last} MiB`)
      assert.ok(last < 350, `${last} MiB`)
    }
    const insert = `INSERT INTO t SELECT i, 'First' || i, 'Last' || i, 'user' || i || '@example.org', now(), i * 1.25 FROM generate_series(1, 1000000) i`
    await db.sql(insert)
    await read(1_000_000)
    feed.snapshot({ table: 't' })
    await read(1_000_000)
    await feed[Symbol.asyncDispose]()
  } finally {
    await server.stop()
  }
})
