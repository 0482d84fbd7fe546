import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Change, SourceEvent } from '../../model/change.ts'
import type { Row } from '../../model/value.ts'
import { type Postgres, startPostgres } from '../../testing/postgres.ts'
import { reading } from '../sql/reading.fake.ts'
import { type Database, database } from './fixture.ts'

let server: Postgres
before(async () => {
  server = await startPostgres()
})
after(() => server.stop())

/** Changes without what differs from run to run. */
function short(changes: readonly Change[]): object[] {
  return changes.map(({ op, key, oldKey, row, before: was }) => ({
    op,
    key,
    ...(oldKey === undefined ? {} : { oldKey }),
    ...(row === undefined ? {} : { row: { ...row } }),
    ...(was === undefined ? {} : { before: { ...was } }),
  }))
}

function tableEvents(events: readonly SourceEvent[]): string[] {
  return events.flatMap((event) => (event.kind === 'table' ? `${event.state}: ${event.failure.message}` : []))
}

const big = (letter: string) => letter.repeat(5_000)

async function toast(db: Database, identity: string): Promise<readonly Change[]> {
  // EXTERNAL: stored out of line and not compressed, so that an update of another column does not send it.
  await db.sql(`CREATE TABLE t (id int PRIMARY KEY, code text NOT NULL, big text, n int);
    ALTER TABLE t ALTER big SET STORAGE EXTERNAL; CREATE UNIQUE INDEX t_code ON t (code); ALTER TABLE t REPLICA IDENTITY ${identity}`)
  await db.sql(`INSERT INTO t VALUES (1, 'a', '${big('x')}', 0)`)
  await using read = await reading(db.source(['t']))
  await db.sql('UPDATE t SET n = 1')
  await db.sql(`UPDATE t SET big = '${big('y')}'`)
  await db.sql(`UPDATE t SET id = 2, code = 'b'`)
  await db.sql('DELETE FROM t')
  await read.caughtUp()
  return read.journal.changes
}

test('TOAST, identity DEFAULT: an unchanged large value is absent, a key change is one update, a delete knows its key', async () => {
  await using db = await database(server.url)
  assert.deepEqual(short(await toast(db, 'DEFAULT')), [
    { op: 'update', key: '["1"]', row: { id: 1, code: 'a', n: 1 } },
    { op: 'update', key: '["1"]', row: { id: 1, code: 'a', big: big('y'), n: 1 } },
    { op: 'update', key: '["2"]', oldKey: '["1"]', row: { id: 2, code: 'b', n: 1 }, before: { id: 1 } },
    { op: 'delete', key: '["2"]', row: { id: 2 } },
  ])
})

test('TOAST, identity FULL: the old row fills in what was not sent', async () => {
  await using db = await database(server.url)
  const rows = (code: string, id: number, text: string, n: number) => ({ id, code, big: text, n })
  assert.deepEqual(short(await toast(db, 'FULL')), [
    { op: 'update', key: '["1"]', row: rows('a', 1, big('x'), 1), before: rows('a', 1, big('x'), 0) },
    { op: 'update', key: '["1"]', row: rows('a', 1, big('y'), 1), before: rows('a', 1, big('x'), 1) },
    { op: 'update', key: '["2"]', oldKey: '["1"]', row: rows('b', 2, big('y'), 1), before: rows('a', 1, big('y'), 1) },
    { op: 'delete', key: '["2"]', row: rows('b', 2, big('y'), 1) },
  ])
})

test('TOAST, identity USING INDEX: the columns of the index are the key', async () => {
  await using db = await database(server.url)
  assert.deepEqual(short(await toast(db, 'USING INDEX t_code')), [
    { op: 'update', key: '["a"]', row: { id: 1, code: 'a', n: 1 } },
    { op: 'update', key: '["a"]', row: { id: 1, code: 'a', big: big('y'), n: 1 } },
    { op: 'update', key: '["b"]', oldKey: '["a"]', row: { id: 2, code: 'b', n: 1 }, before: { code: 'a' } },
    { op: 'delete', key: '["b"]', row: { code: 'b' } },
  ])
})

test('identity NOTHING is refused before it could make the writes of the application fail', async () => {
  await using db = await database(server.url)
  await assert.rejects(toast(db, 'NOTHING'), (error: Error & { failure: { code: string; hint: string } }) => {
    assert.equal(error.failure.code, 'SYNC-2011')
    assert.equal(error.failure.hint, 'ALTER TABLE "public"."t" REPLICA IDENTITY DEFAULT;')
    return true
  })
  assert.deepEqual(await db.sql('SELECT * FROM pg_publication'), [])
  await db.sql('UPDATE t SET n = 2')
})

test('a key that is itself stored out of line', async () => {
  await using db = await database(server.url)
  const key = Array.from({ length: 200 }, (_, i) => i.toString(36).padStart(12, 'k')).join('')
  await db.sql(`CREATE TABLE t (id text PRIMARY KEY, n int); ALTER TABLE t ALTER id SET STORAGE EXTERNAL`)
  await db.sql('INSERT INTO t VALUES ($1, 0)', [key])
  await using read = await reading(db.source(['t']))
  await db.sql('UPDATE t SET n = 1')
  await read.caughtUp()
  assert.deepEqual({ ...read.journal.changes[0]?.row }, { id: key, n: 1 })
  assert.equal(read.journal.changes[0]?.key, JSON.stringify([key]))
})

test('composite keys come in the order of the key, column names by their case, __proto__ is a column', async () => {
  await using db = await database(server.url)
  await db.sql(
    `CREATE SCHEMA "Big"; CREATE TABLE "Big"."T x" (a int, "A" text, "__proto__" int, "constructor" int, PRIMARY KEY ("A", a))`,
  )
  const source = db.source(['Big.T x'])
  await using read = await reading(source)
  await db.sql(`INSERT INTO "Big"."T x" VALUES (1, 'k', 7, 8)`)
  await db.sql(`UPDATE "Big"."T x" SET a = 2`)
  await read.caughtUp()
  const [created, updated] = read.journal.changes
  assert.equal(created?.table, 'Big.T x')
  assert.equal(created?.key, '["k","1"]')
  assert.ok(Object.hasOwn(created!.row!, '__proto__'))
  assert.deepEqual(Object.keys(created?.row ?? {}), ['a', 'A', '__proto__', 'constructor'])
  assert.deepEqual([updated?.key, updated?.oldKey], ['["k","2"]', '["k","1"]'])
  const [row] = await source.fetch('Big.T x', [updated!.key], AbortSignal.timeout(5_000))
  assert.equal(row?.['constructor'], 8)
})

test('ids are the commit and the index in it, whatever else is captured; a set has the size of its rows', async () => {
  await using db = await database(server.url)
  await db.sql('CREATE TABLE t (id int PRIMARY KEY, v text); CREATE TABLE u (id int PRIMARY KEY)')
  await db.sql('CREATE PUBLICATION syncline_x FOR ALL TABLES')
  await using read = await reading(db.source(['t'], { publication: 'syncline_x' }))
  await db.sql(
    `BEGIN; INSERT INTO u VALUES (1); INSERT INTO t VALUES (1, 'ü"'), (2, NULL); DELETE FROM t WHERE id = 1; COMMIT`,
  )
  await db.sql('INSERT INTO u VALUES (2)')
  await read.caughtUp()
  const { changes, events } = read.journal
  assert.deepEqual(
    changes.map((change) => change.id.split('/')[1]),
    ['1', '2', '3'],
  )
  assert.match(changes[0]!.id, /^[0-9a-f]{16}\/1$/)
  assert.equal(new Set(changes.map((change) => change.id.split('/')[0])).size, 1)
  const commits = events.filter((event) => event.kind === 'commit')
  assert.equal(commits.length, 1)
  const bytes = changes.reduce((sum, change) => sum + Buffer.byteLength(JSON.stringify(change.row)), 0)
  assert.equal(commits[0]?.set?.bytes, bytes)
  assert.match(commits[0]?.set?.id ?? '', /^\d+$/)
  assert.ok(Math.abs(changes[0]!.at_ms - Date.now()) < 60_000)
})

test('our mark names all that follows it in its transaction, and only that', async () => {
  await using db = await database(server.url)
  await db.sql('CREATE TABLE t (id int PRIMARY KEY)')
  await using read = await reading(db.source(['t']))
  await db.sql(
    `BEGIN; SELECT pg_logical_emit_message(true, 'syncline', 'flow/7'); INSERT INTO t VALUES (1), (2); COMMIT`,
  )
  await db.sql(
    `BEGIN; SELECT pg_logical_emit_message(true, 'other', 'x'); SELECT pg_logical_emit_message(false, 'syncline', 'y'); INSERT INTO t VALUES (3); COMMIT`,
  )
  await read.caughtUp()
  assert.deepEqual(
    read.journal.changes.map((change) => change.mark),
    ['flow/7', 'flow/7', undefined],
  )
})

test('TRUNCATE names each captured table, cascaded ones too, in its place; others are no concern', async () => {
  await using db = await database(server.url)
  await db.sql(
    `CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE c (id int PRIMARY KEY, p int REFERENCES p); CREATE TABLE o (id int PRIMARY KEY)`,
  )
  await using read = await reading(db.source(['p', 'c']))
  await db.sql('INSERT INTO p VALUES (1); INSERT INTO c VALUES (1, 1); INSERT INTO o VALUES (1)')
  await db.sql('BEGIN; INSERT INTO p VALUES (2); TRUNCATE p, o CASCADE; INSERT INTO p VALUES (3); COMMIT; TRUNCATE o')
  await read.caughtUp()
  const story = read.journal.events.flatMap((event) => {
    if (event.kind === 'rows') return event.changes.map((change) => `${change.table}${change.key}`)
    return event.kind === 'table' ? `${event.state} ${event.table} ${event.failure.code}` : []
  })
  assert.deepEqual(story.slice(0, 3), ['public.p["1"]', 'public.c["1"]', 'public.p["2"]'])
  assert.deepEqual(story.slice(3, 5).sort(), ['truncated public.c SYNC-6003', 'truncated public.p SYNC-6003'])
  assert.deepEqual(story.slice(5), ['public.p["3"]'])
})

test('a partitioned table is one table: rows come under its name, also when they move between partitions', async () => {
  await using db = await database(server.url)
  await db.sql(`CREATE TABLE t (id int, region text, v int, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
    CREATE TABLE t_a PARTITION OF t FOR VALUES IN ('a'); CREATE TABLE t_b PARTITION OF t FOR VALUES IN ('b')`)
  await db.sql(`INSERT INTO t VALUES (1, 'a', 1), (2, 'b', 1)`)
  await using read = await reading(db.source(['t']))
  read.feed.snapshot({ table: 't' })
  await read.caughtUp()
  await db.sql(`CREATE TABLE t_c PARTITION OF t FOR VALUES IN ('c'); INSERT INTO t VALUES (3, 'c', 1)`)
  await db.sql(`UPDATE t SET region = 'b' WHERE id = 1; TRUNCATE t`)
  await read.caughtUp()
  assert.deepEqual(
    read.journal.changes.map(({ table, op, key }) => `${table} ${op} ${key}`),
    [
      'public.t read ["1","a"]',
      'public.t read ["2","b"]',
      'public.t create ["3","c"]',
      'public.t delete ["1","a"]',
      'public.t create ["1","b"]',
    ],
  )
  assert.deepEqual(
    tableEvents(read.journal.events).map((text) => text.slice(0, 25)),
    ['truncated: Table public.t'],
  )
})

test('an inheriting table is another table', async () => {
  await using db = await database(server.url)
  await db.sql(
    'CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE child () INHERITS (t); INSERT INTO t VALUES (1); INSERT INTO child VALUES (2)',
  )
  const source = db.source(['t'])
  await using read = await reading(source)
  read.feed.snapshot({ table: 't' })
  await db.sql('INSERT INTO child VALUES (3); INSERT INTO t VALUES (4)')
  await read.caughtUp()
  assert.deepEqual([...new Set(read.journal.changes.map((change) => change.key))].sort(), ['["1"]', '["4"]'])
  assert.deepEqual(await source.fetch('t', ['["2"]'] as never, AbortSignal.timeout(5_000)), [null])
})

test('generated columns: not in the log nor in snapshots, but in look-ups, and described so', async () => {
  await using db = await database(server.url)
  await db.sql(`CREATE TABLE t (id int PRIMARY KEY, a int, twice int GENERATED ALWAYS AS (a * 2) STORED)`)
  const source = db.source([{ name: 't', columns: ['id', 'twice'] }])
  await using read = await reading(source)
  await db.sql('INSERT INTO t VALUES (1, 4)')
  read.feed.snapshot({ table: 't' })
  await read.caughtUp()
  const rows = read.journal.changes.map((change) => ({ ...change.row }))
  assert.deepEqual(rows[0], { id: 1, a: 4 })
  assert.deepEqual(tableEvents(read.journal.events), [])
  const [row] = (await source.fetch('t', ['["1"]'] as never, AbortSignal.timeout(5_000))) as Row[]
  assert.deepEqual({ ...row }, { id: 1, a: 4, twice: 8 })
  const [table] = await source.describe(AbortSignal.timeout(5_000))
  assert.deepEqual(
    table?.columns.map(({ name, logged }) => [name, logged]),
    [
      ['id', true],
      ['a', true],
      ['twice', false],
    ],
  )
})

test('look-ups: 1,000 keys with gaps, in order; by value, with values that are none of the type; scan by pages', async () => {
  await using db = await database(server.url)
  await db.sql(`CREATE TABLE t (a text, b int, v numeric, PRIMARY KEY (a, b));
    INSERT INTO t SELECT 'k''' || (i % 10), i, i % 3 FROM generate_series(1, 2500) i`)
  const source = db.source(['t'])
  const signal = AbortSignal.timeout(10_000)
  const keys = Array.from({ length: 1_000 }, (_, i) => JSON.stringify([`k'${(i * 3) % 10}`, String(i * 3)])) as never[]
  const rows = await source.fetch('t', keys, signal)
  assert.deepEqual(
    rows.map((row, i) => row?.['b'] === i * 3),
    [false, ...Array.from({ length: 833 }, () => true), ...Array.from({ length: 166 }, () => false)],
  )
  await assert.rejects(source.fetch('t', [...keys, keys[0]!], signal), RangeError)
  const found = await source.lookup(
    't',
    'b',
    [7, 'seven', { kind: 'decimal', text: '99999999999999999999' }, null, 8],
    signal,
  )
  assert.deepEqual(found.map((row) => row['b']).sort(), [7, 8])
  assert.equal((await source.lookup('t', 'v', [{ kind: 'decimal', text: '2.00' }], signal)).length, 833)
  await assert.rejects(source.lookup('t', 'nope', [1], signal), /SYNC-2009/)
  await assert.rejects(source.fetch('nope', keys, signal), /SYNC-2009/)
  const seen: unknown[] = []
  let after: string | null = null
  let pages = 0
  do {
    const page = await source.scan('t', after, 1_000, signal)
    seen.push(...page.rows.map((row) => `${row['a']}/${row['b']}`))
    after = page.after
    pages++
  } while (after !== null)
  assert.equal(pages, 3)
  assert.equal(new Set(seen).size, 2_500)
  await assert.rejects(source.fetch('t', keys, AbortSignal.abort(new Error('enough'))), /enough/)
})

test('200,000 rows in one transaction come in bounded pieces, while the consumer is slow', async () => {
  await using db = await database(server.url)
  await db.sql('CREATE TABLE t (id int PRIMARY KEY, v text)')
  const source = db.source(['t'], { bufferRows: 1_000, heartbeat_ms: 60_000 })
  const feed = await source.open(null, [], AbortSignal.timeout(60_000))
  await db.sql(`INSERT INTO t SELECT i, 'some text of a row ' || i FROM generate_series(1, 200000) i`)
  let rows = 0
  let largest = 0
  let items = 0
  for await (const item of feed.events) {
    const here = item.reduce((sum, event) => sum + (event.kind === 'rows' ? event.changes.length : 0), 0)
    rows += here
    largest = Math.max(largest, here)
    if (items++ % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 5))
    if (item.some((event) => event.kind === 'commit')) break
  }
  await feed[Symbol.asyncDispose]()
  assert.equal(rows, 200_000)
  // One read of the socket, 64 KiB, may come on top.
  assert.ok(largest < 2_500, `${largest} rows in one item`)
})

test('aborting ends the feed with the reason, closing ends it without, and both free the slot', async () => {
  await using db = await database(server.url)
  await db.sql('CREATE TABLE t (id int PRIMARY KEY)')
  const source = db.source(['t'])
  const stop = new AbortController()
  const feed = await source.open(null, [], stop.signal)
  const next = (async () => {
    for await (const _ of feed.events);
  })()
  setTimeout(() => stop.abort(new Error('that is all')), 50)
  await assert.rejects(next, /that is all/)
  await feed[Symbol.asyncDispose]()
  const read = await reading(source)
  await read[Symbol.asyncDispose]()
  assert.equal(await read.ended, undefined)
  await source.close()
  // The server takes a moment to notice.
  let left: unknown[] | undefined = []
  for (let tries = 0; tries < 200; tries++) {
    left = (
      await db.sql(`SELECT (SELECT count(*)::int FROM pg_replication_slots WHERE database = current_database() AND active),
        (SELECT count(*)::int FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'syncline')`)
    )[0]
    if (left?.[0] === 0 && left[1] === 0) break
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  assert.deepEqual(left, [0, 0])
})
