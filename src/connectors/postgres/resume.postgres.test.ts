import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { after, before, test } from 'node:test'
import type { Position, SourceEvent } from '../../model/change.ts'
import { SyncError } from '../../model/failure.ts'
import { type Random, seededRandom } from '../../std/random.ts'
import { type Postgres, startPostgres } from '../../testing/postgres.ts'
import { connected, type Database, database, emptyJournal, type Journal, reading, store } from './fixture.ts'
import { branchOf } from './open.ts'
import { lsnFrom } from './pgoutput.ts'
import { readPosition } from './position.ts'

let server: Postgres
before(async () => {
  server = await startPostgres({ settings: { wal_sender_timeout: '1s' } })
})
after(() => server.stop())

async function confirmed(db: Database): Promise<bigint> {
  const [[lsn] = []] = await db.sql(
    'SELECT confirmed_flush_lsn FROM pg_replication_slots WHERE database = current_database()',
  )
  return lsnFrom(String(lsn)) as bigint
}

async function failing(work: Promise<unknown>, code: string): Promise<SyncError> {
  const error = await work.then(
    () => undefined,
    (reason) => reason,
  )
  assert.ok(error instanceof SyncError, `expected ${code}, got ${error}`)
  assert.equal(error.failure.code, code, error.message)
  return error
}

/** Reads a little and closes: a journal with a position. */
async function begun(db: Database, tables: string[]): Promise<Journal> {
  await using read = await reading(db.source(tables))
  await read.caughtUp()
  return read.journal
}

/** Every id in [1, last] was created exactly once. */
function assertAll(journal: Journal, last: number): void {
  const ids = journal.changes.map((change) => change.row?.['id'] as number).sort((a, b) => a - b)
  assert.deepEqual(
    ids,
    Array.from({ length: last }, (_, i) => i + 1),
  )
}

/** Takes items for a while, keeps a prefix of them (as a crash would), confirms a prefix of that, and goes away. */
async function abandon(db: Database, journal: Journal, random: Random, highest: { lsn: bigint }): Promise<void> {
  const source = db.source(['t'], { bufferRows: 100 })
  const feed = await source.open(journal.position, [], AbortSignal.timeout(20_000))
  const keep = Math.floor(random.next() * 12)
  const pieces: never[] = []
  let taken = 0
  const events = feed.events[Symbol.asyncIterator]()
  for (;;) {
    const item = await nextWithin(events, 60)
    if (item === null) break
    const at = journal.changes.length
    const before = journal.position
    if (taken++ >= keep) break // read, but lost in the crash
    store(journal, pieces, item)
    if (random.next() < 0.6 && journal.position !== null) {
      feed.durable(journal.position)
      highest.lsn = readPosition(journal.position).lsn
    } else if (random.next() < 0.2) {
      // Stored, but never confirmed: also fine. Or the write failed: then the position did not move either.
      journal.changes.length = at
      journal.position = before
      break
    }
  }
  if (random.next() < 0.5) await source.close()
  else {
    await db.sql(
      `SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE database = current_database() AND active`,
    )
    await feed[Symbol.asyncDispose]()
  }
  assert.ok(
    (await confirmed(db)) <= maxOf(highest.lsn, journal.position === null ? 0n : readPosition(journal.position).lsn),
  )
}

/** The next item, or null when none comes in time. */
async function nextWithin(events: AsyncIterator<SourceEvent[]>, limit_ms: number): Promise<SourceEvent[] | null> {
  const next = events.next().then(({ value }) => value ?? null)
  next.catch(() => {}) // it may end after we have gone
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(resolve, limit_ms, null)
  })
  return Promise.race([next, late]).finally(() => clearTimeout(timer))
}

function maxOf(a: bigint, b: bigint): bigint {
  return a > b ? a : b
}

test('a reader that is cut off 25 times, at random, gets every change once, and the server never forgets what is not stored', async () => {
  await using db = await database(server.url)
  await db.sql('CREATE TABLE t (id serial PRIMARY KEY, v text)')
  const random = seededRandom(7)
  const journal = emptyJournal()
  journal.position = (await begun(db, ['t'])).position
  let last = 0
  const highest = { lsn: readPosition(journal.position!).lsn }
  for (let round = 0; round < 25; round++) {
    for (let n = 0; n < 6; n++) {
      const rows = random.next() < 0.2 ? 700 : 1 + Math.floor(random.next() * 5)
      await db.sql(`INSERT INTO t (v) SELECT 'x' FROM generate_series(1, ${rows})`)
      last += rows
    }
    await abandon(db, journal, random, highest)
  }
  await using read = await reading(db.source(['t']), journal)
  await read.caughtUp()
  assertAll(journal, last)
  assert.equal(new Set(journal.changes.map((change) => change.id)).size, last)
})

test('the server is killed under load and comes back: the feed says so, and goes on without loss', async (context) => {
  if (!server.owned) return context.skip('the server is not ours to kill')
  const own = await startPostgres({ existing: null })
  try {
    const db = await database(own.url)
    await db.sql('CREATE TABLE t (id int PRIMARY KEY)')
    const journal = emptyJournal()
    const source = db.source(['t'])
    let last = 0
    for (let round = 0; round < 3; round++) {
      const read = await reading(source, journal)
      const client = await connected(db.url)
      const writing = (async () => {
        for (;;) {
          await client.query('INSERT INTO t VALUES ($1)', [last + 1])
          last++
        }
      })().catch(() => {})
      await new Promise((resolve) => setTimeout(resolve, 150))
      await own.kill()
      await writing
      const error = await read.ended
      assert.ok(error instanceof SyncError && error.failure.retry === 'timed', String(error))
      await read[Symbol.asyncDispose]()
      await failing(source.open(journal.position, [], AbortSignal.timeout(5_000)), 'SYNC-2002')
      await own.restart()
      const again = await connected(db.url)
      // The last insert may have been committed although its answer was lost.
      last = (await again.query('SELECT coalesce(max(id), 0) AS n FROM t')).rows[0].n
      await again.end()
    }
    await using read = await reading(source, journal)
    await read.caughtUp()
    assert.ok(last > 20, `only ${last} rows were written`)
    assertAll(journal, last)
    await source.close()
  } finally {
    await own.stop()
  }
})

test('what is read is not confirmed before it is durable, what is durable is, at once', async () => {
  await using db = await database(server.url)
  await db.sql('CREATE TABLE t (id int PRIMARY KEY)')
  const journal = await begun(db, ['t'])
  const before = await confirmed(db)
  await using read = await reading(db.source(['t']), journal, { confirm: false })
  await db.sql('INSERT INTO t VALUES (1)')
  await read.caughtUp()
  await new Promise((resolve) => setTimeout(resolve, 1_200)) // several status intervals, and heartbeats
  assert.equal(await confirmed(db), before)
  read.feed.durable(journal.position!)
  const { lsn } = readPosition(journal.position!)
  for (let tries = 0; tries < 100 && (await confirmed(db)) !== lsn; tries++)
    await new Promise((resolve) => setTimeout(resolve, 10))
  assert.equal(await confirmed(db), lsn)
  const ahead = journal.position!.replace(/"lsn":"[^"]*"/, '"lsn":"F/0"') as Position
  assert.throws(() => read.feed.durable(ahead), /never read/)
})

test('a consumer that takes nothing for three times wal_sender_timeout keeps its connection, and then gets all', async () => {
  await using db = await database(server.url)
  await db.sql('CREATE TABLE t (id int PRIMARY KEY, v text)')
  const source = db.source(['t'], { bufferRows: 100, statusInterval_ms: 10_000 })
  const feed = await source.open(null, [], AbortSignal.timeout(30_000))
  await db.sql(`INSERT INTO t SELECT i, repeat('x', 1000) FROM generate_series(1, 20000) i`)
  const events = feed.events[Symbol.asyncIterator]()
  let rows = 0
  const count = (item: readonly SourceEvent[]) => {
    for (const event of item) if (event.kind === 'rows') rows += event.changes.length
  }
  count((await events.next()).value ?? [])
  await new Promise((resolve) => setTimeout(resolve, 3_200))
  while (rows < 20_000) count((await events.next()).value ?? [])
  assert.equal(rows, 20_000)
  await feed[Symbol.asyncDispose]()
})

test('while only other databases are busy, the server can free its log', async () => {
  await using db = await database(server.url)
  await using neighbour = await database(server.url)
  await db.sql('CREATE TABLE t (id int PRIMARY KEY)')
  await neighbour.sql('CREATE TABLE busy (v text)')
  await using read = await reading(db.source(['t']))
  await read.caughtUp()
  for (let n = 0; n < 20; n++) {
    await neighbour.sql(`INSERT INTO busy SELECT repeat('x', 200) FROM generate_series(1, 300)`)
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  const [[target] = []] = await neighbour.sql('SELECT pg_current_wal_lsn()')
  const goal = lsnFrom(String(target)) as bigint
  for (let tries = 0; tries < 150 && (await confirmed(db)) < goal; tries++)
    await new Promise((resolve) => setTimeout(resolve, 20))
  assert.ok((await confirmed(db)) >= goal, 'confirmed_flush_lsn stands still')
  assert.ok(read.journal.events.length < 60, `${read.journal.events.length} events for nothing`)
})

test('the server shuts down fast while we are connected and idle', async (context) => {
  if (!server.owned) return context.skip('the server is not ours to stop')
  const own = await startPostgres({ existing: null })
  const db = await database(own.url)
  await db.sql('CREATE TABLE t (id int PRIMARY KEY)')
  await using read = await reading(db.source(['t'], { heartbeat_ms: 60_000, statusInterval_ms: 60_000 }))
  await read.caughtUp()
  await db.client.end()
  const since = performance.now()
  await own.restart()
  assert.ok(performance.now() - since < 5_000, 'the shutdown waited for us')
  assert.ok((await read.ended) instanceof SyncError)
  await own.stop()
})

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
