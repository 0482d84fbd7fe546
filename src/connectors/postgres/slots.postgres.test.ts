import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { after, before, test } from 'node:test'
import type { Position } from '../../model/change.ts'
import { type Postgres, startPostgres } from '../../testing/postgres.ts'
import { assertAll, failing, reading } from '../sql/reading.fake.ts'
import { begun, connected, database } from './fixture.ts'
import { branchOf } from './open.ts'
import { readPosition } from './position.ts'

let server: Postgres
before(async () => {
  server = await startPostgres({ settings: { wal_sender_timeout: '1s' } })
})
after(() => server.stop())

test('a slot that is gone, ahead, invalidated, in use or of another plugin: refused by name', async () => {
  await using db = await database(server.url)
  await db.sql('CREATE TABLE t (id int PRIMARY KEY)')
  const journal = await begun(db, ['t'])
  const slot = `syncline_${db.name}`
  const open = () => db.source(['t']).open(journal.position, [], AbortSignal.timeout(20_000))
  await db.sql('INSERT INTO t VALUES (1)')
  await db.sql(`SELECT pg_replication_slot_advance('${slot}', pg_current_wal_lsn())`)
  await failing(open(), 'SYNC-2017')
  await db.sql(`SELECT pg_drop_replication_slot('${slot}')`)
  await failing(open(), 'SYNC-2016')
  assert.deepEqual(await db.sql('SELECT 1 FROM pg_replication_slots WHERE database = current_database()'), [])
  await db.sql(`SELECT pg_create_physical_replication_slot('${slot}')`)
  await failing(open(), 'SYNC-2020')
  await db.sql(`SELECT pg_drop_replication_slot('${slot}')`)
})

test('a slot that another process reads: tried again by itself, with the pid of the holder', async () => {
  await using db = await database(server.url)
  await db.sql('CREATE TABLE t (id int PRIMARY KEY)')
  const holder = db.source(['t'])
  await using read = await reading(holder)
  await read.caughtUp()
  const error = await failing(db.source(['t']).open(null, [], AbortSignal.timeout(20_000)), 'SYNC-2019')
  assert.equal(error.failure.retry, 'timed')
  const [[pid] = []] = await db.sql('SELECT active_pid FROM pg_replication_slots WHERE database = current_database()')
  assert.match(error.message, new RegExp(`process ${pid}`))
})

test('a slot that the server invalidated for its size', async (context) => {
  if (!server.owned) return context.skip('the settings are not ours to change')
  const own = await startPostgres({
    existing: null,
    settings: { max_slot_wal_keep_size: '1MB', wal_keep_size: '0', min_wal_size: '32MB', max_wal_size: '32MB' },
  })
  try {
    const db = await database(own.url)
    await db.sql('CREATE TABLE t (id int PRIMARY KEY, v text)')
    const journal = await begun(db, ['t'])
    for (let n = 0; n < 4; n++)
      await db.sql('SELECT pg_switch_wal(); CHECKPOINT; CREATE TABLE IF NOT EXISTS x (v int); INSERT INTO x VALUES (1)')
    await db.sql('CHECKPOINT')
    const error = await failing(db.source(['t']).open(journal.position, [], AbortSignal.timeout(20_000)), 'SYNC-2018')
    assert.match(error.failure.hint, /pg_drop_replication_slot\('syncline_t\d+'\)/)
    const found = await db.source(['t']).check(AbortSignal.timeout(10_000))
    assert.ok(found.some((each) => each.level === 'error' && each.failure.code === 'SYNC-2018'))
  } finally {
    await own.stop()
  }
})

test('another server, a server that is behind, a position that is none', async () => {
  await using db = await database(server.url)
  await db.sql('CREATE TABLE t (id int PRIMARY KEY)')
  const { position } = await begun(db, ['t'])
  const source = db.source(['t'])
  const open = (text: string) => source.open(text as Position, [], AbortSignal.timeout(20_000))
  await failing(open(position!.replace(/"system":"\d+"/, '"system":"7"')), 'SYNC-2014')
  await failing(open(position!.replace(/"lsn":"[^"]*"/, '"lsn":"F/0"')), 'SYNC-2015')
  await failing(open(position!.replace('"timeline":1', '"timeline":2')), 'SYNC-2015')
  await failing(open(position!.replace(/"slot":"/, '"slot":"x')), 'SYNC-2014')
  for (const text of ['', '{}', 'null', '"x"', '[1]', '{"lsn":"0/1"}']) await failing(open(text), 'SYNC-2029')
})

test('a server that went over to a new timeline: accepted up to the branch, refused beyond it', async (context) => {
  if (!server.owned) return context.skip('the server is not ours to recover')
  const own = await startPostgres({ existing: null })
  try {
    const db = await database(own.url)
    await db.sql('CREATE TABLE t (id int PRIMARY KEY)')
    const journal = await begun(db, ['t'])
    await db.sql('INSERT INTO t VALUES (1)')
    await db.client.end()
    await own.kill()
    await writeFile(`${own.folder}/recovery.signal`, '')
    await own.restart({ restore_command: 'false' })
    const client = await connected(db.url)
    for (let tries = 0; tries < 500; tries++) {
      if (!(await client.query('SELECT pg_is_in_recovery() AS standby')).rows[0].standby) break
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    await client.query('INSERT INTO t SELECT generate_series(2, 20000)')
    const { rows } = await client.query('SELECT pg_current_wal_flush_lsn() AS lsn')
    await client.end()
    const source = db.source(['t'])
    const beyond = journal.position!.replace(/"lsn":"[^"]*"/, `"lsn":"${rows[0].lsn}"`) as Position
    await failing(source.open(beyond, [], AbortSignal.timeout(20_000)), 'SYNC-2015')
    await using read = await reading(source, journal)
    await read.caughtUp()
    assertAll(journal, 20_000)
    assert.equal(readPosition(journal.position!).timeline, 2)
    await source.close()
  } finally {
    await own.stop()
  }
})

test('the branch of a timeline is found in the history file, in either form', () => {
  const history = '1\t0/3000000\tno recovery target specified\n2\t0/5000000\tbefore something\n'
  assert.equal(branchOf(history, 1), 0x3000000n)
  assert.equal(branchOf(`\\x${Buffer.from(history).toString('hex')}`, 2), 0x5000000n)
  assert.equal(branchOf(history, 3), null)
  assert.equal(branchOf('', 1), null)
})

test('tables that come into the publication flow; those that were out of it for a while, or made anew, are named', async () => {
  await using db = await database(server.url)
  await db.sql(
    'CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE u (id int PRIMARY KEY); CREATE TABLE v (id int PRIMARY KEY)',
  )
  const journal = await begun(db, ['t', 'u'])
  const publication = `syncline_${db.name}`
  const gaps = () =>
    journal.events
      .splice(0)
      .flatMap((event) => (event.kind === 'table' ? `${event.state} ${event.failure.message}` : []))
  gaps()
  const cycle = async (tables: string[], sql: string) => {
    await using read = await reading(db.source(tables), journal)
    await db.sql(sql)
    await read.caughtUp()
    return gaps()
  }
  // A table that is new to us is no loss.
  assert.deepEqual(await cycle(['t', 'u', 'v'], 'INSERT INTO v VALUES (1)'), [])
  assert.equal(journal.changes.length, 1)
  await db.sql(
    `ALTER PUBLICATION ${publication} DROP TABLE t; INSERT INTO t VALUES (1); ALTER PUBLICATION ${publication} ADD TABLE t`,
  )
  await db.sql('DROP TABLE u; CREATE TABLE u (id int PRIMARY KEY)')
  assert.deepEqual((await cycle(['t', 'u', 'v'], 'SELECT 1')).sort(), [
    'gap Table public.t was out of the publication for a while: its changes since are not in the log.',
    'gap Table public.u was dropped and made again: its changes since are not in the log.',
  ])
  // Said once, not at every start.
  assert.deepEqual(await cycle(['t', 'u', 'v'], 'SELECT 1'), [])
  await db.sql(`DROP PUBLICATION ${publication}`)
  assert.equal((await cycle(['t', 'u', 'v'], 'INSERT INTO u VALUES (1)')).length, 3)
  // Taken out while we read.
  await using _read = await reading(db.source(['t', 'u', 'v']), journal)
  await db.sql(`ALTER PUBLICATION ${publication} DROP TABLE v`)
  for (let tries = 0; tries < 200 && !journal.events.some((event) => event.kind === 'table'); tries++)
    await new Promise((resolve) => setTimeout(resolve, 10))
  assert.deepEqual(gaps(), [
    'gap Table public.v is no longer in the publication: its changes since are not in the log.',
  ])
})
