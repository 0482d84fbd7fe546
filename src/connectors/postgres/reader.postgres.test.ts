import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Key, keyOf } from '../../model/key.ts'
import { systemClock } from '../../std/clock.ts'
import { type Postgres, startPostgres } from '../../testing/postgres.ts'
import { reading } from '../sql/reading.fake.ts'
import { connected, database } from './fixture.ts'

let server: Postgres
before(async () => {
  server = await startPostgres()
})
after(() => server.stop())

const never = new AbortController().signal

test('a row that the log has told of is never read as it was before', async (context) => {
  if (!server.owned) return context.skip('the settings of a borrowed server are not ours to change')
  await using db = await database(server.url)
  await db.sql('CREATE TABLE t (id int PRIMARY KEY, n int)')
  const source = db.source(['t'])
  await using reader = await reading(source)
  await reader.caughtUp()
  const admin = await connected(server.url)
  // A standby that does not exist: commits are written and decoded, and stay invisible until it is given up.
  const standby = async (name: string) => {
    await admin.query('SET synchronous_commit = local')
    await admin.query(`ALTER SYSTEM SET synchronous_standby_names = '${name}'`)
    await admin.query('SELECT pg_reload_conf()')
    await systemClock.sleep(200)
  }
  await standby('nobody')
  const writing = connected(db.url).then(async (client) => {
    await client.query('INSERT INTO t VALUES (1, 7)')
    await client.end()
  })
  while (reader.journal.changes.length === 0) await systemClock.sleep(10)
  const key = keyOf([1]) as Key
  let answered = false
  const fetched = source.fetch('t', [key], never)
  const looked = source.lookup('t', 'n', [7], never)
  Promise.race([fetched, looked]).then(() => {
    answered = true
  })
  await systemClock.sleep(150)
  assert.equal(answered, false, 'the row is not visible yet')
  await standby('')
  assert.deepEqual(
    (await fetched).map((row) => row?.['n']),
    [7],
  )
  assert.equal((await looked).length, 1)
  await writing
  await admin.end()
})

test('a table that is only looked up is read, described and checked, and not captured', async () => {
  await using db = await database(server.url)
  await db.sql('CREATE TABLE t (id int PRIMARY KEY)')
  await db.sql('CREATE TABLE chapters (id int, code text)')
  await db.sql('CREATE VIEW active AS SELECT id, code FROM chapters')
  await db.sql("INSERT INTO chapters VALUES (1, 'VIE'), (2, 'GRZ')")
  const source = db.source(['t', { name: 'active', columns: ['code'], lookup: true }])
  assert.deepEqual(
    (await source.check(never)).filter(({ level }) => level === 'error'),
    [],
  )
  assert.deepEqual(
    (await source.describe(never)).map(({ name }) => name),
    ['public.t', 'public.active'],
  )
  await using reader = await reading(source)
  await db.sql("INSERT INTO chapters VALUES (3, 'LNZ')")
  await db.sql('INSERT INTO t VALUES (7)')
  await reader.caughtUp()
  assert.deepEqual(
    reader.journal.changes.map(({ table }) => table),
    ['public.t'],
  )
  const rows = await source.lookup('active', 'code', ['LNZ', 'nowhere', 5], never)
  assert.deepEqual(
    rows.map((row) => row['code']),
    ['LNZ'],
  )
  const missing = db.source(['t', { name: 'active', columns: ['nothing'], lookup: true }])
  const problems = await missing.check(never)
  assert.ok(problems.some(({ failure }) => /public\.active has no column "nothing"/.test(failure.message)))
})
