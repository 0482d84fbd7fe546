import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { SourceEvent } from '../../model/change.ts'
import { type Postgres, startPostgres } from '../../testing/postgres.ts'
import { reading } from '../sql/reading.fake.ts'
import { database } from './fixture.ts'

let server: Postgres
before(async () => {
  server = await startPostgres()
})
after(() => server.stop())

function tableEvents(events: readonly SourceEvent[]): string[] {
  return events.flatMap((event) => (event.kind === 'table' ? `${event.state}: ${event.failure.message}` : []))
}

test('DDL in mid-stream: a new column flows, with a new type too; a lost, renamed or retyped one is named, if it is needed', async () => {
  await using db = await database(server.url)
  await db.sql('CREATE TABLE t (id int PRIMARY KEY, a text, b int, c text); CREATE TABLE o (id int PRIMARY KEY, x int)')
  await using read = await reading(db.source([{ name: 't', columns: ['a', 'b'] }, 'o']))
  const story: string[][] = []
  const step = async (sql: string) => {
    await db.sql(sql)
    await read.caughtUp()
    story.push(tableEvents(read.journal.events.splice(0)))
  }
  await step(`INSERT INTO t VALUES (1, 'a', 1, 'c')`)
  await step(
    `CREATE TYPE mood AS ENUM ('ok'); CREATE DOMAIN d AS mood; ALTER TABLE t ADD m d; INSERT INTO t VALUES (2, 'a', 1, 'c', 'ok')`,
  )
  await step(`ALTER TABLE t DROP c; INSERT INTO t VALUES (3, 'a', 1, 'ok')`)
  await step(`ALTER TABLE t ALTER a TYPE varchar(50); INSERT INTO t VALUES (4, 'a', 1, 'ok')`)
  await step(`ALTER TABLE t ALTER a TYPE varchar(60); INSERT INTO t VALUES (5, 'a', 1, 'ok')`)
  await step(
    `ALTER TABLE t RENAME b TO bb; INSERT INTO t VALUES (6, 'a', 1, 'ok'); INSERT INTO t VALUES (7, 'a', 1, 'ok')`,
  )
  await step(
    `CREATE TABLE q (id int PRIMARY KEY, x int); INSERT INTO q VALUES (1, 1); ALTER TABLE q DROP x; INSERT INTO q VALUES (2)`,
  )
  await step(`ALTER TABLE o ALTER x TYPE bigint; INSERT INTO o VALUES (1, 1)`)
  assert.deepEqual(story, [
    [],
    [],
    [],
    ['changed: Table public.t changed: column a was text and is character varying.'],
    [],
    ['changed: Table public.t changed: column b is gone (new: bb; renamed?).'],
    [],
    ['changed: Table public.o changed: column x was integer and is bigint.'],
  ])
  assert.equal(read.journal.changes[1]?.row?.['m'], 'ok')
  assert.equal(read.journal.changes.at(-1)?.row?.['x'], 1)
})

test('two columns of one type that swap their names are not mixed up', async () => {
  await using db = await database(server.url)
  await db.sql('CREATE TABLE t (id int PRIMARY KEY, a text, b text)')
  const source = db.source(['t'])
  const journal = await (async () => {
    await using read = await reading(source)
    await read.caughtUp()
    return read.journal
  })()
  await db.sql(`INSERT INTO t VALUES (1, 'a', 'b')`)
  await db.sql(
    `ALTER TABLE t RENAME a TO z; ALTER TABLE t RENAME b TO a; ALTER TABLE t RENAME z TO b; INSERT INTO t VALUES (2, 'b', 'a')`,
  )
  await using read = await reading(source, journal)
  await read.caughtUp()
  assert.deepEqual(
    journal.changes.map((change) => [change.row?.['a'], change.row?.['b']]),
    [
      ['a', 'b'],
      ['a', 'b'],
    ],
  )
})

test('a changed key and a replica identity that became NOTHING are named', async () => {
  await using db = await database(server.url)
  await db.sql('CREATE TABLE t (id int PRIMARY KEY, other int NOT NULL); CREATE TABLE u (id int PRIMARY KEY)')
  await using read = await reading(db.source(['t', 'u']))
  await db.sql('INSERT INTO t VALUES (1, 1); INSERT INTO u VALUES (1)')
  await db.sql(
    'ALTER TABLE t DROP CONSTRAINT t_pkey; ALTER TABLE t ADD PRIMARY KEY (other); INSERT INTO t VALUES (2, 2)',
  )
  await db.sql('ALTER TABLE u REPLICA IDENTITY NOTHING; INSERT INTO u VALUES (2)')
  await read.caughtUp()
  assert.deepEqual(tableEvents(read.journal.events), [
    'changed: Table public.t changed: its key was (id) and is (other).',
    'changed: Table public.u changed: its replica identity is NOTHING, so that updates and deletes name no row.',
  ])
})

test('a type that was dropped before we read its values', async () => {
  await using db = await database(server.url)
  await db.sql('CREATE TABLE t (id int PRIMARY KEY)')
  const source = db.source(['t'])
  const journal = await (async () => {
    await using read = await reading(source)
    await read.caughtUp()
    return read.journal
  })()
  await db.sql(
    `CREATE TYPE mood AS ENUM ('ok'); ALTER TABLE t ADD m mood; INSERT INTO t VALUES (1, 'ok'); ALTER TABLE t DROP m; DROP TYPE mood; INSERT INTO t VALUES (2)`,
  )
  await using read = await reading(source, journal)
  await read.caughtUp()
  assert.equal(journal.changes.length, 2)
  const value = journal.changes[0]?.row?.['m']
  assert.ok(typeof value === 'object' && value?.kind === 'other' && value.text === 'ok')
})
