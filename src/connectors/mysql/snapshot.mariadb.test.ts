import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { SourceEvent } from '../../model/change.ts'
import type { Key } from '../../model/key.ts'
import { systemClock } from '../../std/clock.ts'
import { type Mariadb, startMariadb } from '../../testing/mariadb.ts'
import { emptyJournal, reading } from '../sql/reading.fake.ts'
import { legacy, readOnce, told } from './legacy.fake.ts'
import { snapshotSuite } from './snapshot.fake.ts'
import { alteredSuite } from './snapshot-altered.fake.ts'

let server: Mariadb
before(async () => {
  server = await startMariadb()
})
after(() => server.stop())

const never = new AbortController().signal
const key = (id: number): Key => JSON.stringify([String(id)]) as Key

snapshotSuite('', async () => server)
alteredSuite('', async () => server)

test('a transaction that was streamed and that queries cannot see yet is waited for, by reads and by chunks', async () => {
  await using own = await startMariadb({
    settings: {
      rpl_semi_sync_master_enabled: 'ON',
      rpl_semi_sync_master_wait_point: 'AFTER_SYNC',
      rpl_semi_sync_master_timeout: '1',
    },
  })
  await using db = await legacy(own)
  await db.sql('CREATE TABLE t (id int PRIMARY KEY, n int); INSERT INTO t VALUES (1, 0), (2, 0)')
  const source = db.source(['t'])
  const journal = emptyJournal()
  await using read = await reading(source, journal)
  await read.caughtUp()
  // From here a commit is in the log, and streamed, for a second and a half before the engine commits it.
  await db.sql(
    'SET GLOBAL rpl_semi_sync_master_enabled = OFF, GLOBAL rpl_semi_sync_master_timeout = 1500, GLOBAL rpl_semi_sync_master_wait_no_slave = ON',
  )
  await db.sql('SET GLOBAL rpl_semi_sync_master_enabled = ON')
  const write = await db.session()
  const written = write.query(
    'BEGIN; UPDATE t SET n = 1 WHERE id = 1; INSERT INTO t VALUES (3, 1); DELETE FROM t WHERE id = 2; COMMIT',
  )
  while (journal.changes.length < 3) await systemClock.sleep(5)
  const plainly = await db.sql('SELECT id, n FROM t')
  assert.deepEqual(
    plainly,
    [
      [1, 0],
      [2, 0],
    ],
    'streamed, and not visible: else this test shows nothing',
  )
  read.feed.snapshot({ table: 't' })
  const rows = await source.fetch('t', [key(1), key(2), key(3)], never)
  assert.deepEqual(
    rows.map((row) => row?.['n'] ?? null),
    [1, null, 1],
  )
  await written
  await read.caughtUp()
  assert.deepEqual(
    journal.changes.filter(({ op }) => op === 'read').map((change) => told(change, 'n')),
    ['read ["1"] n=1', 'read ["3"] n=1'],
  )
})

test('what was streamed before the source was opened again is visible to its first read', async () => {
  await using own = await startMariadb()
  await using db = await legacy(own)
  await db.sql('CREATE TABLE t (id int PRIMARY KEY, n int); INSERT INTO t VALUES (1, 0)')
  const journal = await readOnce(db, ['t'])
  await db.sql(
    'SET GLOBAL rpl_semi_sync_master_timeout = 1500, GLOBAL rpl_semi_sync_master_wait_point = AFTER_SYNC, GLOBAL rpl_semi_sync_master_enabled = ON',
  )
  const write = await db.session()
  const written = write.query('UPDATE t SET n = 1')
  const source = db.source(['t'])
  {
    await using read = await reading(source, journal)
    while (journal.changes.length < 1) await systemClock.sleep(5)
    assert.equal(read.journal.changes.length, 1)
  }
  assert.deepEqual(await db.sql('SELECT n FROM t'), [[0]], 'still not visible')
  await using again = await reading(db.source(['t']), journal)
  assert.ok(again.feed)
  const next = db.source(['t'])
  await next.close()
  assert.equal((await source.fetch('t', [key(1)], never))[0]?.['n'], 1)
  await written
})

for (const [what, chars, rows, atOnce, bounds] of [
  ['rows', 10, 8_000, 600, { chunkRows: 100, bufferRows: 100 }],
  ['bytes', 10_000, 800, 30, { chunkBytes: 65_536, bufferBytes: 65_536 }],
] as const)
  test(`a snapshot does not run ahead of a journal that is slow, in ${what}, on a server where nothing happens`, async () => {
    await using db = await legacy(server)
    await db.sql(`CREATE TABLE t (id int PRIMARY KEY, s text)`)
    await db.sql(`INSERT INTO t SELECT seq, REPEAT('x', ${chars}) FROM seq_1_to_${rows}`)
    const feed = await db.source(['t'], bounds).open(null, [], never)
    const items = feed.events[Symbol.asyncIterator]()
    let read = 0
    let most = 0
    feed.snapshot({ table: 't' })
    for (let item = 0; read < rows; item++) {
      const value: readonly SourceEvent[] = (await items.next()).value ?? []
      const now = value.reduce((sum, event) => sum + (event.kind === 'rows' ? event.changes.length : 0), 0)
      read += now
      most = Math.max(most, now)
      if (item < 6) await systemClock.sleep(100) // the journal takes its time
    }
    await feed[Symbol.asyncDispose]()
    assert.equal(read, rows)
    // A few chunks, of which the first is 500 rows where bytes do not bound it.
    assert.ok(most <= atOnce, `${most} rows in one item`)
  })
