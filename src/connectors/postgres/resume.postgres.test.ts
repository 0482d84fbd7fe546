import assert from 'node:assert/strict'
import { type AddressInfo, connect as connectSocket, createServer, type Socket } from 'node:net'
import { after, before, test } from 'node:test'
import type { Position, SourceEvent } from '../../model/change.ts'
import { SyncError } from '../../model/failure.ts'
import { type Random, seededRandom } from '../../std/random.ts'
import { type Postgres, startPostgres } from '../../testing/postgres.ts'
import { assertAll, emptyJournal, failing, type Journal, reading, store } from '../sql/reading.fake.ts'
import { begun, connected, type Database, database } from './fixture.ts'
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
    for (let round = 0; round < 2; round++) {
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
  // What was stored when the feed was opened is durable already.
  const before = readPosition(journal.position!).lsn
  await using read = await reading(db.source(['t']), journal, { confirm: false })
  await db.sql('INSERT INTO t VALUES (1)')
  await read.caughtUp()
  await new Promise((resolve) => setTimeout(resolve, 1_200)) // several status intervals, and heartbeats
  assert.ok((await confirmed(db)) <= before)
  read.feed.durable(journal.position!)
  const { lsn } = readPosition(journal.position!)
  assert.ok(lsn > before)
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

test('a connection that is dead without a word is noticed, and may be opened again', async () => {
  await using db = await database(server.url)
  await db.sql('CREATE TABLE t (id int PRIMARY KEY)')
  const through = await proxy(Number(new URL(db.url).port))
  const url = new URL(db.url)
  url.port = String(through.port)
  const source = db.source(['t'], { url: url.href, statusInterval_ms: 100 })
  const read = await reading(source)
  await read.caughtUp()
  await new Promise((resolve) => setTimeout(resolve, 500))
  through.freeze()
  const error = await read.ended
  assert.ok(
    error instanceof SyncError && error.failure.code === 'SYNC-2005' && error.failure.retry === 'timed',
    String(error),
  )
  assert.match(error.message, /silent/)
  await read[Symbol.asyncDispose]()
  await source.close()
  await through.close()
})

/** A TCP proxy that can stop passing anything on, without closing. */
async function proxy(port: number): Promise<{ port: number; freeze(): void; close(): Promise<void> }> {
  const sockets = new Set<Socket>()
  const listener = createServer((near) => {
    const far = connectSocket(port, '127.0.0.1')
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.on('error', () => {})
    }
    near.pipe(far).pipe(near)
  })
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
  return {
    port: (listener.address() as AddressInfo).port,
    freeze() {
      for (const socket of sockets) socket.unpipe().pause()
    },
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => listener.close(resolve))
    },
  }
}

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
