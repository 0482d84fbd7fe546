/** For the tests of snapshots: writers at random beside them, and what must come of it on every server. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Key, keyOf } from '../../model/key.ts'
import { systemClock } from '../../std/clock.ts'
import { type Random, seededRandom } from '../../std/random.ts'
import type { Server } from '../../testing/mysql-server.ts'
import { emptyJournal, folded, type Journal, plain, reading, wholeTable } from '../sql/reading.fake.ts'
import { type Legacy, legacy, numbers } from './legacy.fake.ts'

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

/** Runs them on this server; `name` begins the titles. `skip`: why there is none. */
export function snapshotSuite(name: string, server: () => Promise<Server>, skip: string | false = false): void {
  for (const seed of [1, 2, 3]) {
    test(`${name}under random writers, snapshot and stream together are the table; interrupted, resumed and repeated (seed ${seed})`, {
      skip,
    }, async () => {
      await using db = await legacy(await server())
      await db.sql(
        `CREATE TABLE t (id int PRIMARY KEY, n int NOT NULL, big text); INSERT INTO t SELECT seq, 0, REPEAT(SHA2(seq, 256), 5) FROM ${numbers(1_600)}`,
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

  test(`${name}several tables, one again while the stream runs, on an idle server`, { skip }, async () => {
    await using db = await legacy(await server())
    await db.sql(`CREATE TABLE a (x int, y varchar(10), PRIMARY KEY (y, x)); CREATE TABLE b (id int PRIMARY KEY);
    INSERT INTO a SELECT seq, seq % 7 FROM ${numbers(100)}; INSERT INTO b SELECT seq FROM ${numbers(50)}`)
    await using read = await reading(db.source(['a', 'b'], { chunkRows: 9 }))
    for (const table of ['a', 'b', 'a']) read.feed.snapshot({ table })
    await read.caughtUp()
    const keys = (table: string) =>
      read.journal.changes.filter((change) => change.table === `${db.name}.${table}`).map((change) => change.key)
    assert.deepEqual([keys('a').length, new Set(keys('a')).size, new Set(keys('b')).size], [200, 100, 50])
    assert.equal(read.journal.progress.get(`${db.name}.a/`)?.rows, 100)
  })
}
