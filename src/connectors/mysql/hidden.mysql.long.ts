/**
 * What is in the log of MySQL without GTIDs and in none of its tables yet, held there by semi-synchronous replication: neither a first
 * start nor a restart may take it for seen. And readers under one number or one UUID, which MySQL tells apart in its own way.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Key } from '../../model/key.ts'
import { systemClock } from '../../std/clock.ts'
import { type Mysql, startMysql, withoutMysql } from '../../testing/mysql.ts'
import { emptyJournal, failing, folded, reading } from '../sql/reading.fake.ts'
import { type Legacy, legacy, readOnce } from './legacy.fake.ts'

const skip = await withoutMysql('9')
let server: Mysql
before(async () => {
  if (skip !== false) return
  server = await startMysql({
    existing: null,
    release: '9',
    settings: { gtid_mode: 'OFF', enforce_gtid_consistency: 'OFF' },
  })
})
after(() => server?.stop())

const never = new AbortController().signal
const held_ms = 1_500

/** While this scope lasts, each commit waits so long between log and engine. */
async function holding(db: Legacy): Promise<AsyncDisposable> {
  await db.sql(`INSTALL PLUGIN rpl_semi_sync_source SONAME 'semisync_source.so'; SET GLOBAL rpl_semi_sync_source_timeout = ${held_ms},
    GLOBAL rpl_semi_sync_source_wait_no_replica = ON, GLOBAL rpl_semi_sync_source_enabled = ON`)
  return {
    async [Symbol.asyncDispose]() {
      await db.sql('SET GLOBAL rpl_semi_sync_source_enabled = OFF; UNINSTALL PLUGIN rpl_semi_sync_source')
    },
  }
}

const table =
  'CREATE TABLE t (id int PRIMARY KEY, n int); INSERT INTO t VALUES (1, 0); CREATE TABLE o (id int PRIMARY KEY)'

test('a first start, with a snapshot, while a transaction hangs: it is not missed', { skip }, async () => {
  await using db = await legacy(server)
  await db.sql(table)
  await using _held = await holding(db)
  const [[, end]] = (await db.sql('SHOW BINARY LOG STATUS')) as [[string, number]]
  const session = await db.session()
  const written = session.query('UPDATE t SET n = 1 WHERE id = 1')
  for (let now = end; now === end; ) [[, now]] = (await db.sql('SHOW BINARY LOG STATUS')) as [[string, number]]
  assert.deepEqual(await db.sql('SELECT n FROM t'), [[0]], 'logged, and not visible: else this test shows nothing')
  await using read = await reading(db.source(['t']))
  read.feed.snapshot({ table: 't' })
  await read.caughtUp()
  await written
  assert.equal(folded(read.journal.changes, `${db.name}.t`).get('["1"]' as Key)?.['n'], 1)
})

for (const [what, more] of [
  ['', ''],
  [', with a transaction of others after it', '; INSERT INTO o VALUES (1)'],
] as const)
  test(`the first read after a restart sees what was streamed before it${what}`, { skip }, async () => {
    await using db = await legacy(server)
    await db.sql(table)
    const journal = await readOnce(db, ['t'])
    await using _held = await holding(db)
    const source = db.source(['t'])
    const read = await reading(source, journal)
    const session = await db.session()
    const written = session.query(`UPDATE t SET n = 1 WHERE id = 1${more}`)
    while (journal.changes.length < 1) await systemClock.sleep(5)
    await read[Symbol.asyncDispose]()
    await source.close()
    const again = db.source(['t'])
    await using _reading = await reading(again, journal)
    assert.deepEqual(await db.sql('SELECT n FROM t'), [[0]], 'streamed, and not visible: else this test shows nothing')
    assert.equal((await again.fetch('t', ['["1"]' as Key], never))[0]?.['n'], 1)
    await written
  })

test('two readers under one number live side by side on MySQL; of two copies of one state the newer one wins, and the older says why', {
  skip,
}, async () => {
  await using db = await legacy(server)
  await db.sql(table)
  const numbered = { serverId: 77 }
  await using first = await reading(db.source(['t'], numbered))
  await using second = await reading(db.source(['t'], numbered))
  await first.caughtUp()
  await second.caughtUp()
  await db.sql('INSERT INTO t VALUES (2, 0)')
  for (const read of [first, second]) {
    await read.caughtUp()
    assert.equal(read.journal.changes.length, 1)
  }
  await using copy = await reading(db.source(['t']), { ...emptyJournal(), position: first.journal.position })
  const error = await failing(
    first.ended.then((reason) => {
      throw reason
    }),
    'SYNC-2033',
  )
  assert.equal(error.failure.retry, 'timed')
  await db.sql('INSERT INTO t VALUES (3, 0)')
  await copy.caughtUp()
  assert.equal(copy.journal.changes.length, 1)
})
