import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Key, keyOf } from '../../model/key.ts'
import { systemClock } from '../../std/clock.ts'
import { type Random, seededRandom } from '../../std/random.ts'
import { type Mariadb, startMariadb } from '../../testing/mariadb.ts'
import { emptyJournal, folded, type Journal, plain, reading, wholeTable } from '../sql/reading.fake.ts'
import { type Legacy, legacy, readOnce, told } from './legacy.fake.ts'

let server: Mariadb
before(async () => {
  server = await startMariadb()
})
after(() => server.stop())

const never = new AbortController().signal
const key = (id: number): Key => JSON.stringify([String(id)]) as Key
const idKey = (row: { readonly [column: string]: unknown }) => keyOf([row['id'] as number]) as Key

/** Writes at random until told to stop: inserts, updates with whole and partial images, key changes, deletes, rollbacks, XA. */
async function writer(db: Legacy, random: Random, done: { now: boolean }): Promise<number> {
  const session = await db.session()
  let count = 0
  const id = () => Math.floor(random.next() * 600)
  const statements = [
    () => `INSERT INTO t VALUES (${id()}, 0, REPEAT('${random.id()}', 20)) ON DUPLICATE KEY UPDATE n = n + 1`,
    () => `UPDATE t SET n = n + 1 WHERE id = ${id()}`,
    () => `UPDATE t SET n = n + 1, big = REPEAT('${random.id()}', 20) WHERE id = ${id()}`,
    () => `UPDATE IGNORE t SET id = id + 1000, n = n + 1 WHERE id = ${id()}`,
    () => `UPDATE IGNORE t SET id = id - 1000, n = n + 1 WHERE id = ${1000 + id()}`,
    () => `DELETE FROM t WHERE id = ${id()}`,
    () => `SET SESSION binlog_row_image = ${random.next() < 0.5 ? 'FULL' : 'MINIMAL'}`,
  ]
  while (!done.now) {
    const several = Array.from({ length: 1 + Math.floor(random.next() * 3) }, () =>
      statements[Math.floor(random.next() * 6)]!(),
    )
    const isXa = random.next() < 0.2
    const isKept = random.next() < 0.9
    const xid = `'${random.id()}'`
    const begin = isXa ? `XA START ${xid}` : 'BEGIN'
    const end = isXa
      ? `XA END ${xid}; XA PREPARE ${xid}; DO SLEEP(0.003); XA ${isKept ? 'COMMIT' : 'ROLLBACK'} ${xid}`
      : isKept
        ? 'COMMIT'
        : 'ROLLBACK'
    await session
      .query(`${statements[6]!()}; ${begin}; ${several.join('; ')}; ${end}`)
      .then(() => count++)
      // A deadlock between two writers ends the transaction, an XA one only half.
      .catch(() => session.query(isXa ? `XA END ${xid}` : 'ROLLBACK').catch(() => {}))
      .then(() => (isXa ? session.query(`XA ROLLBACK ${xid}`).catch(() => {}) : undefined))
  }
  return count
}

/** The version of a row never goes back, whichever way it is told. XA is told at its end, as it becomes visible. */
function assertNeverBackwards(journal: Journal): void {
  const versions = new Map<string, number>()
  for (const change of journal.changes) {
    if (change.oldKey !== undefined) versions.delete(change.oldKey)
    if (change.op === 'delete') versions.delete(change.key)
    const n = change.row?.['n'] as number | undefined
    if (change.op === 'delete' || n === undefined) continue
    const before = change.before
    // A delete and an insert in one transaction, or a row that takes the key of one that was deleted, are one update that says so.
    const isAnew =
      change.op === 'create' || (before !== undefined && n < Number(before['n'] ?? Number.POSITIVE_INFINITY))
    if (!isAnew)
      assert.ok(n >= (versions.get(change.key) ?? -1), `${change.key} went from ${versions.get(change.key)} to ${n}`)
    versions.set(change.key, n)
  }
}

for (const seed of [1, 2, 3]) {
  test(`under random writers, snapshot and stream together are the table; interrupted, resumed and repeated (seed ${seed})`, async () => {
    await using db = await legacy(server)
    await db.sql(
      `CREATE TABLE t (id int PRIMARY KEY, n int NOT NULL, big text); INSERT INTO t SELECT seq, 0, REPEAT(MD5(seq), 10) FROM seq_1_to_1600`,
    )
    const random = seededRandom(seed)
    const done = { now: false }
    const writers = [1, 2].map((n) => writer(db, seededRandom(seed * 100 + n), done))
    const source = db.source(['t'], { chunkRows: 40 })
    const journal = emptyJournal()
    let first = 0
    try {
      for (const wait_ms of [30 + random.next() * 60, 30 + random.next() * 60]) {
        await using read = await reading(source, journal)
        if (journal.progress.size === 0) read.feed.snapshot({ table: 't' })
        await systemClock.sleep(wait_ms)
      }
      await using read = await reading(source, journal)
      await read.caughtUp()
      assert.equal(journal.progress.get(`${db.name}.t/`)?.done, true)
      first = journal.changes.length
      read.feed.snapshot({ table: 't', only: 'flow' })
      await read.caughtUp()
      done.now = true
      const counts = await Promise.all(writers)
      assert.ok(
        counts.every((count) => count > 5),
        `the writers wrote ${counts}`,
      )
      await read.caughtUp()
    } finally {
      done.now = true
      await Promise.allSettled(writers)
    }
    const table = await wholeTable(source, 't', idKey)
    assert.deepEqual(plain(folded(journal.changes, `${db.name}.t`)), plain(table))
    assertNeverBackwards(journal)
    assert.deepEqual(plain(folded(journal.changes.slice(first), `${db.name}.t`)), plain(table))
  })
}

test('several tables, one again while the stream runs, on an idle server', async () => {
  await using db = await legacy(server)
  await db.sql(`CREATE TABLE a (x int, y varchar(10), PRIMARY KEY (y, x)); CREATE TABLE b (id int PRIMARY KEY);
    INSERT INTO a SELECT seq, seq % 7 FROM seq_1_to_100; INSERT INTO b SELECT seq FROM seq_1_to_50`)
  await using read = await reading(db.source(['a', 'b'], { chunkRows: 9 }))
  for (const table of ['a', 'b', 'a']) read.feed.snapshot({ table })
  await read.caughtUp()
  const keys = (table: string) =>
    read.journal.changes.filter((change) => change.table === `${db.name}.${table}`).map((change) => change.key)
  assert.deepEqual([keys('a').length, new Set(keys('a')).size, new Set(keys('b')).size], [200, 100, 50])
  assert.equal(read.journal.progress.get(`${db.name}.a/`)?.rows, 100)
})

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
