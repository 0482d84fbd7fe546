import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startMariadb } from '../../testing/mariadb.ts'
import { legacy } from './legacy.fake.ts'

const ROWS = 2_500_000
const quarter = ROWS / 4

function resident_mib(): number {
  return Math.round(process.memoryUsage.rss() / 1_048_576)
}

test('one transaction of a gigabyte, and its table as a snapshot: memory stays flat', {
  timeout: 900_000,
}, async (context) => {
  const server = await startMariadb()
  try {
    await using db = await legacy(server)
    await db.sql(
      'CREATE TABLE t (id int PRIMARY KEY, first varchar(50), email varchar(100), note varchar(500), fee decimal(10,2))',
    )
    const feed = await db.source(['t'], { heartbeat_ms: 10_000 }).open(null, [], AbortSignal.timeout(900_000))
    const events = feed.events[Symbol.asyncIterator]()
    const read = async (until: number, most_mib: number) => {
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
      assert.ok(last < most_mib, `${last} MiB`)
    }
    await events.next()
    await db.sql(
      `INSERT INTO t SELECT seq, CONCAT('First', seq), CONCAT('user', seq, '@example.org'), REPEAT('n', 350), seq * 0.25 FROM seq_1_to_${ROWS}`,
    )
    const [[, bytes]] = (await db.sql('SHOW BINARY LOGS')).slice(-1) as [[string, number]]
    context.diagnostic(`${Math.round(Number(bytes) / 1_048_576)} MiB of log`)
    await read(ROWS, 300)
    feed.snapshot({ table: 't' })
    await read(ROWS, 450) // two chunks of chunkBytes, as rows, at a time
    await feed[Symbol.asyncDispose]()
  } finally {
    await server.stop()
  }
})
