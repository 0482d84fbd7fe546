import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Key, keyOf } from '../../model/key.ts'
import { rowText } from '../../model/value.ts'
import { type Random, seededRandom } from '../../std/random.ts'
import { type Postgres, startPostgres } from '../../testing/postgres.ts'
import { emptyJournal, folded, type Journal, plain, reading, wholeTable } from '../sql/reading.fake.ts'
import { connected, type Database, database } from './fixture.ts'

let server: Postgres
before(async () => {
  server = await startPostgres()
})
after(() => server.stop())

const idKey = (row: { readonly [column: string]: unknown }) => keyOf([row['id'] as number]) as Key

/** Writes at random until told to stop: inserts, updates with and without the large column, key changes, deletes, rollbacks. */
async function writer(db: Database, random: Random, done: { now: boolean }): Promise<number> {
  const client = await connected(db.url)
  let count = 0
  const id = () => Math.floor(random.next() * 600)
  const large = () => `repeat('${random.id()}', 150)`
  const statements = [
    () => `INSERT INTO t VALUES (${id()}, 0, ${large()}) ON CONFLICT (id) DO UPDATE SET n = t.n + 1`,
    () => `UPDATE t SET n = n + 1 WHERE id = ${id()}`,
    () => `UPDATE t SET n = n + 1, big = ${large()} WHERE id = ${id()}`,
    () =>
      `UPDATE t SET id = id + 1000, n = n + 1 WHERE id = ${id()} AND NOT EXISTS (SELECT FROM t o WHERE o.id = t.id + 1000)`,
    () =>
      `UPDATE t SET id = id - 1000, n = n + 1 WHERE id = ${1000 + id()} AND NOT EXISTS (SELECT FROM t o WHERE o.id = t.id - 1000)`,
    () => `DELETE FROM t WHERE id = ${id()}`,
  ]
  while (!done.now) {
    const several = Array.from({ length: 1 + Math.floor(random.next() * 3) }, () =>
      statements[Math.floor(random.next() * statements.length)]!(),
    )
    const end = random.next() < 0.1 ? 'ROLLBACK' : 'COMMIT'
    await client
      .query(`BEGIN; ${several.join('; ')}; ${end}`)
      .then(() => count++)
      .catch(() => client.query('ROLLBACK')) // a deadlock or a duplicate key between two writers
  }
  await client.end()
  return count
}

/** The version of a row never goes back, whichever way it is told. */
function assertNeverBackwards(journal: Journal): void {
  const versions = new Map<string, number>()
  for (const change of journal.changes) {
    if (change.oldKey !== undefined) versions.delete(change.oldKey)
    if (change.op === 'delete') versions.delete(change.key)
    else {
      const n = change.row?.['n'] as number
      if (change.op !== 'create')
        assert.ok(n >= (versions.get(change.key) ?? -1), `${change.key} went from ${versions.get(change.key)} to ${n}`)
      versions.set(change.key, n)
    }
  }
}

const tableSql = `CREATE TABLE t (id int PRIMARY KEY, n int NOT NULL, big text); ALTER TABLE t ALTER big SET STORAGE EXTERNAL;
  INSERT INTO t SELECT i, 0, repeat(md5(i::text), 100) FROM generate_series(1, 1600) i`

for (const seed of [1, 2, 3]) {
  test(`under random writers, snapshot and stream together are the table; interrupted, resumed and repeated (seed ${seed})`, async () => {
    await using db = await database(server.url)
    await db.sql(tableSql)
    const random = seededRandom(seed)
    const done = { now: false }
    const writers = [1, 2].map((n) => writer(db, seededRandom(seed * 100 + n), done))
    const source = db.source(['t'], { chunkRows: 40 })
    const journal = emptyJournal()
    let first = 0
    try {
      // The first start is cut off somewhere in the snapshot, twice.
      for (const wait_ms of [30 + random.next() * 60, 30 + random.next() * 60]) {
        await using read = await reading(source, journal)
        if (journal.progress.size === 0) read.feed.snapshot({ table: 't' })
        await new Promise((resolve) => setTimeout(resolve, wait_ms))
      }
      await using read = await reading(source, journal)
      await read.caughtUp()
      assert.equal(journal.progress.get('public.t/')?.done, true)
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
    assert.deepEqual(plain(folded(journal.changes, 'public.t')), plain(table))
    assertNeverBackwards(journal)
    // The second snapshot is whole by itself, with what the stream brought meanwhile.
    assert.ok(journal.changes.slice(first).some((change) => change.only === 'flow'))
    assert.deepEqual(plain(folded(journal.changes.slice(first), 'public.t')), plain(table))
    assert.ok(journal.changes.filter((change) => change.op === 'read').length > 1_600)
  })
}

test('a row whose large column is not sent by the change that overtakes the chunk is still passed on whole', async () => {
  await using db = await database(server.url)
  await db.sql(`CREATE TABLE t (id int PRIMARY KEY, n int NOT NULL, big text); ALTER TABLE t ALTER big SET STORAGE EXTERNAL;
    INSERT INTO t SELECT i, 0, repeat(md5(i::text), 100) FROM generate_series(1, 50) i`)
  const done = { now: false }
  const client = await connected(db.url)
  const updates = (async () => {
    while (!done.now) await client.query('UPDATE t SET n = n + 1')
  })()
  const source = db.source(['t'], { chunkRows: 10 })
  await using read = await reading(source)
  read.feed.snapshot({ table: 't' })
  await read.caughtUp()
  done.now = true
  await updates
  await client.end()
  await read.caughtUp()
  assert.deepEqual(plain(folded(read.journal.changes, 'public.t')), plain(await wholeTable(source, 't', idKey)))
})

test('keys that move into the part that was read already are read again', async () => {
  await using db = await database(server.url)
  await db.sql(`CREATE TABLE t (id int PRIMARY KEY, n int NOT NULL, big text); ALTER TABLE t ALTER big SET STORAGE EXTERNAL;
    INSERT INTO t SELECT i, 0, repeat(md5(i::text), 100) FROM generate_series(1, 400) i`)
  const client = await connected(db.url)
  const source = db.source(['t'], { chunkRows: 5 })
  await using read = await reading(source)
  read.feed.snapshot({ table: 't' })
  for (let id = 400; id > 100; id--) await client.query('UPDATE t SET id = -id, n = 1 WHERE id = $1', [id])
  await read.caughtUp()
  await client.end()
  assert.deepEqual(plain(folded(read.journal.changes, 'public.t')), plain(await wholeTable(source, 't', idKey)))
})

test('keys that order otherwise than their text: citext, composite, numeric, descending collation; none is skipped or doubled', async () => {
  await using db = await database(server.url)
  await db.sql(`CREATE SCHEMA ext; CREATE EXTENSION citext SCHEMA ext;
    CREATE TABLE a (id ext.citext PRIMARY KEY, n int); INSERT INTO a SELECT CASE WHEN i % 2 = 0 THEN 'K' ELSE 'k' END || i, i FROM generate_series(1, 300) i;
    CREATE TABLE b (x text COLLATE "C", y numeric, z timestamptz, PRIMARY KEY (y, x, z)); INSERT INTO b SELECT chr(65 + i % 50), (i % 7) - 3.5, 'epoch'::timestamptz + i * interval '1 day' FROM generate_series(1, 300) i;
    INSERT INTO b VALUES ('x', 'NaN', 'infinity'), ('x', 'Infinity', '-infinity'), ('''', -0.0, '0044-03-15 BC');
    CREATE TABLE c (id bytea PRIMARY KEY); INSERT INTO c SELECT decode(md5(i::text), 'hex') FROM generate_series(1, 300) i;
    CREATE TABLE d (id char(6) PRIMARY KEY); INSERT INTO d SELECT 'd' || i FROM generate_series(1, 300) i`)
  const tables = ['a', 'b', 'c', 'd']
  const source = db.source(tables, { chunkRows: 7 })
  await using read = await reading(source)
  for (const table of tables) read.feed.snapshot({ table })
  await read.caughtUp()
  for (const table of tables) {
    const [[count] = []] = await db.sql(`SELECT count(*)::int FROM ${table}`)
    const keys = read.journal.changes.filter((change) => change.table === `public.${table}`).map((change) => change.key)
    assert.equal(keys.length, count, table)
    assert.equal(new Set(keys).size, count, table)
    const rows = await source.fetch(table, keys, AbortSignal.timeout(5_000))
    assert.equal(rows.filter((row) => row === null).length, 0, table)
  }
})

test('chunks of wide rows become small enough for their bytes', async () => {
  await using db = await database(server.url)
  await db.sql(
    `CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT i, repeat('x', CASE WHEN i BETWEEN 400 AND 500 THEN 50000 ELSE 10 END) FROM generate_series(1, 1200) i`,
  )
  const source = db.source(['t'], { chunkBytes: 65_536 })
  await using read = await reading(source)
  read.feed.snapshot({ table: 't' })
  await read.caughtUp()
  assert.equal(folded(read.journal.changes, 'public.t').size, 1_200)
  const chunks = Map.groupBy(read.journal.changes, (change) => change.id.split('/')[0])
  const largest = Math.max(...[...chunks.values()].map((rows) => rowText(rows.map((row) => row.row) as never).length))
  assert.ok(largest < 65_536 + 50_000 * 2, `${largest} bytes in one chunk`)
})

test('an empty table is done at once; TRUNCATE during a snapshot leaves no row behind', async () => {
  await using db = await database(server.url)
  await db.sql(
    `CREATE TABLE e (id int PRIMARY KEY); CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 3000)`,
  )
  const source = db.source(['e', 't'], { chunkRows: 50 })
  await using read = await reading(source)
  read.feed.snapshot({ table: 'e' })
  await read.caughtUp()
  assert.deepEqual(read.journal.progress.get('public.e/')?.done, true)
  read.feed.snapshot({ table: 't' })
  await db.sql('BEGIN; TRUNCATE t; INSERT INTO t VALUES (7); COMMIT')
  await read.caughtUp()
  const { changes, events } = read.journal
  const at = events.findIndex((event) => event.kind === 'table')
  const later = events.slice(at).flatMap((event) => (event.kind === 'rows' ? event.changes : []))
  assert.ok(at >= 0 && changes.length > 0)
  assert.deepEqual([...folded(later, 'public.t').keys()], ['["7"]'])
})

test('a table that is dropped stops its own snapshot, and nothing else', async () => {
  await using db = await database(server.url)
  await db.sql('CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE u (id int PRIMARY KEY)')
  await using read = await reading(db.source(['t', 'u']))
  await db.sql('DROP TABLE t')
  read.feed.snapshot({ table: 't' })
  await db.sql('INSERT INTO u VALUES (1)')
  await read.caughtUp()
  const [event] = read.journal.events.filter((each) => each.kind === 'table' && each.state === 'changed')
  assert.match(event?.kind === 'table' ? event.failure.message : '', /snapshot of public\.t cannot go on/)
  assert.equal(read.journal.changes.length, 1)
})
