import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Key, keyOf } from '../../model/key.ts'
import { systemClock } from '../../std/clock.ts'
import { type Postgres, startPostgres } from '../../testing/postgres.ts'
import { connected, database, reading } from './fixture.ts'

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
