import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { test } from 'node:test'
import { systemClock } from '../../std/clock.ts'
import { seededRandom } from '../../std/random.ts'
import { startMariadb } from '../../testing/mariadb.ts'
import { assertAll, emptyJournal, failing, reading, store } from '../sql/reading.fake.ts'
import { type Legacy, legacy, purge, readOnce, sessionOn, stopped } from './legacy.fake.ts'
import { readPosition } from './position.ts'

const never = new AbortController().signal
const members = 'CREATE TABLE members (id int PRIMARY KEY, name varchar(100))'
const insert = (from: number, to = from) => `INSERT INTO members SELECT seq, 'n' FROM seq_${from}_to_${to}`

/** The failure with which the source refuses to open from there. */
const refused = (db: Legacy, journal: { position: unknown }, code: string) =>
  failing(openAndRead(db, journal as never), code)

async function openAndRead(db: Legacy, journal: Parameters<typeof readOnce>[2]): Promise<void> {
  const source = db.source(['members'])
  try {
    await using read = await reading(source, journal)
    const end = await Promise.race([read.ended, read.caughtUp().catch(() => read.ended)])
    if (end !== undefined) throw end
  } finally {
    await source.close()
  }
}

test('restarts, rotations and crashes of the server, and of the reader at any item: every row once, in order', async () => {
  await using server = await startMariadb()
  await using db = await legacy(server)
  await db.sql(members)
  const journal = await readOnce(db, ['members'])
  const random = seededRandom(7)
  let last = 0
  for (let round = 0; round < 6; round++) {
    for (let n = 0; n < 5; n++) {
      await db.sql(`BEGIN; ${insert(last + 1, last + 30)}; ${insert(last + 31, last + 40)}; COMMIT`)
      last += 40
      if (random.next() < 0.4) await db.sql('FLUSH LOGS')
    }
    const source = db.source(['members'], { bufferRows: 100 })
    const feed = await source.open(journal.position, [], never)
    const pieces: never[] = []
    const keep = Math.floor(random.next() * 4)
    let taken = 0
    const reads = (async () => {
      for await (const item of feed.events) {
        if (taken++ >= keep) return // read, but lost in the crash
        store(journal, pieces, item)
      }
    })().catch(() => {})
    await Promise.race([reads, systemClock.sleep(150)])
    if (round === 2) await server.restart()
    if (round === 4) {
      await server.kill()
      await server.restart()
    }
    await source.close()
    await reads
  }
  await readOnce(db, ['members'], journal)
  assertAll(journal, last)
  assert.equal(new Set(journal.changes.map(({ id }) => id)).size, last)
})

test('opened again on a server where nothing happened: no heartbeat is waited for', { timeout: 30_000 }, async () => {
  await using server = await startMariadb({ existing: null })
  await using db = await legacy(server)
  await db.sql(`${members}; ${insert(1, 3)}`)
  const quiet = { heartbeat_ms: 3_600_000 }
  const journal = emptyJournal()
  for (const [i, since] of ['', '', 'FLUSH LOGS', 'OPTIMIZE TABLE members', insert(4)].entries()) {
    if (since !== '') await db.sql(since)
    const source = db.source(['members'], quiet)
    {
      await using read = await reading(source, journal)
      await read.caughtUp()
      if (i === 0) read.feed.snapshot({ table: 'members' })
      await read.caughtUp()
      // A place that is not the log's own would let marks of snapshots pass before their time.
      const [[file, offset]] = (await db.sql('SHOW MASTER STATUS')) as [[string, number]]
      const stored = readPosition(journal.position!)
      assert.deepEqual([stored.file, stored.offset], [file, BigInt(offset)], since)
    }
    await source.close()
  }
  assertAll(journal, 4)
  assert.deepEqual(stopped(journal), [])
})

test('a feed whose server dies says so and is opened again where it stopped', async () => {
  await using server = await startMariadb()
  await using db = await legacy(server)
  await db.sql(members)
  const journal = emptyJournal()
  const source = db.source(['members'])
  {
    await using read = await reading(source, journal)
    await db.sql(insert(1))
    await read.caughtUp()
    await server.kill()
    const error = (await read.ended) as Error
    assert.match(error.message, /SYNC-2005/)
  }
  await failing(source.open(journal.position, [], never), 'SYNC-2002')
  await server.restart()
  await db.sql(insert(2))
  await using read = await reading(source, journal)
  await read.caughtUp()
  assertAll(journal, 2)
})

test('log that was not read and is deleted is found, and named', async () => {
  await using server = await startMariadb()
  await using db = await legacy(server)
  await db.sql(members)
  const journal = await readOnce(db, ['members'])
  await db.sql(`${insert(1)}; FLUSH LOGS; ${insert(2)}`)
  await purge(db)
  const error = await refused(db, journal, 'SYNC-2032')
  assert.match(error.failure.hint, /full read/)
  assert.deepEqual(journal.changes, [])
})

test('log that was read may be deleted, up to the last transaction', async () => {
  await using server = await startMariadb()
  await using db = await legacy(server)
  await db.sql(`${members}; ${insert(1)}`)
  const journal = await readOnce(db, ['members'])
  await db.sql(insert(2))
  await readOnce(db, ['members'], journal)
  await purge(db)
  await db.sql(insert(3))
  await readOnce(db, ['members'], journal)
  assert.deepEqual(
    journal.changes.map(({ key }) => key),
    ['["2"]', '["3"]'],
  )
})

test('RESET MASTER is found, also when the numbers have grown beyond ours again', async () => {
  await using server = await startMariadb()
  await using db = await legacy(server)
  await db.sql(`${members}; ${insert(1)}`)
  const journal = await readOnce(db, ['members'])
  await db.sql(insert(2))
  await readOnce(db, ['members'], journal)
  const { gtids } = readPosition(journal.position!)
  await systemClock.sleep(1_100) // the log counts time in seconds: the same number in the same second cannot be told apart
  await db.sql('RESET MASTER')
  await db.sql(insert(3))
  await refused(db, journal, 'SYNC-2015')
  for (let n = 4; n < 12; n++) await db.sql(insert(n))
  const [[now]] = (await db.sql('SELECT @@gtid_binlog_pos')) as [[string]]
  assert.ok(Number(now.split('-')[2]) > Number(gtids?.split('-')[2]), `${now} is beyond ${gtids}`)
  const error = await refused(db, journal, 'SYNC-2015')
  assert.match(error.message, /another one of that number|in its place/)
  assert.equal(journal.changes.length, 1, 'nothing of the other history came through')
})

test('a server that was restored from an older copy is found', async () => {
  await using server = await startMariadb()
  await using db = await legacy(server)
  await db.sql(`${members}; ${insert(1)}`)
  const journal = await readOnce(db, ['members'])
  await server.kill()
  const copy = `${server.folder}-older`
  execFileSync('cp', ['-a', server.folder, copy]) // with the owner: the server is not us
  try {
    await server.restart()
    await db.sql(insert(2))
    await readOnce(db, ['members'], journal)
    await server.kill()
    await rm(server.folder, { recursive: true })
    execFileSync('cp', ['-a', copy, server.folder])
    await server.restart()
    const error = await refused(db, journal, 'SYNC-2015')
    assert.match(error.message, /never had \(0-1-\d+\)/)
  } finally {
    await rm(copy, { recursive: true, force: true })
  }
})

test('another server is refused, whatever its numbers are', async () => {
  await using server = await startMariadb()
  await using db = await legacy(server)
  await db.sql(`${members}; ${insert(1)}`)
  const journal = await readOnce(db, ['members'])
  await db.sql(insert(2))
  await readOnce(db, ['members'], journal)
  await using other = await startMariadb()
  const session = await sessionOn(other.url)
  await session.query(`CREATE DATABASE ${db.name}; USE ${db.name}; ${members}`)
  const away = { ...db, source: () => db.source(['members'], { url: other.url.replace(/\/[^/]*$/, `/${db.name}`) }) }
  const error = await refused(away, journal, 'SYNC-2014')
  assert.match(error.failure.hint, /replica that has applied everything/)
  await systemClock.sleep(1_100)
  for (let n = 1; n < 20; n++) await session.query(insert(n))
  await refused(away, journal, 'SYNC-2015')
  await session.end()
  assert.equal(journal.changes.length, 1)
})

test('a replica that has everything takes the place of its primary', async () => {
  await using primary = await startMariadb()
  await using replica = await startMariadb({ settings: { server_id: '2', log_slave_updates: 'ON' } })
  const from = new URL(primary.url)
  const session = await sessionOn(replica.url)
  // The replica's own first transaction made its database; the primary's makes the same one.
  await session.query(`RESET MASTER; SET GLOBAL gtid_slave_pos = ''; CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_PORT = ${primary.port},
    MASTER_USER = 'root', MASTER_PASSWORD = '${decodeURIComponent(from.password)}', MASTER_USE_GTID = slave_pos; START SLAVE`)
  await using db = await legacy(primary)
  await db.sql(`${members}; ${insert(1)}`)
  const journal = await readOnce(db, ['members'])
  await db.sql(`BEGIN; ${insert(2)}; ${insert(3)}; COMMIT`)
  await readOnce(db, ['members'], journal)
  await db.sql(insert(4))
  const [[at]] = (await db.sql('SELECT @@gtid_binlog_pos')) as [[string]]
  const [[waited]] = (await session.query(`SELECT MASTER_GTID_WAIT('${at}', 20)`))[0] as unknown as [[number]]
  assert.equal(waited, 0, 'the replica has everything')
  await primary.kill()
  await session.query(`STOP SLAVE; USE ${db.name}; ${insert(5)}`)
  const away = { ...db, source: () => db.source(['members'], { url: replica.url.replace(/\/[^/]*$/, `/${db.name}`) }) }
  await readOnce(away, ['members'], journal)
  assert.deepEqual(
    journal.changes.map(({ key }) => key),
    ['["2"]', '["3"]', '["4"]', '["5"]'],
  )
  await readOnce(away, ['members'], journal)
  assert.equal(journal.changes.length, 4)
  await session.end()
})

test('two readers under one number: the newer one wins, and the older says why, and that it will try again', async () => {
  await using server = await startMariadb()
  await using db = await legacy(server)
  await db.sql(members)
  await using first = await reading(db.source(['members'], { serverId: 77 }))
  await first.caughtUp()
  await using second = await reading(db.source(['members'], { serverId: 77 }))
  await second.caughtUp()
  const error = await failing(
    first.ended.then((reason) => {
      throw reason
    }),
    'SYNC-2033',
  )
  assert.equal(error.failure.retry, 'timed')
  assert.match(error.failure.hint, /serverId/)
  await db.sql(insert(1))
  await second.caughtUp()
  assertAll(second.journal, 1)
})

test('as whom the log is read is chosen once and stored: SHOW SLAVE HOSTS shows the same number after a restart, and another for another state', async () => {
  await using server = await startMariadb()
  await using db = await legacy(server)
  await db.sql(members)
  const numbers = async () => (await db.sql('SHOW SLAVE HOSTS')).map(([id]) => Number(id)).sort((a, b) => a - b)
  await using first = await reading(db.source(['members']))
  await first.caughtUp()
  await using second = await reading(db.source(['members']))
  await second.caughtUp()
  const both = await numbers()
  assert.equal(new Set(both).size, 2)
  await db.sql(insert(1))
  for (const read of [first, second]) {
    await read.caughtUp()
    assertAll(read.journal, 1)
  }
  await first[Symbol.asyncDispose]()
  // The server may still take the connection that was cut for alive: the new one takes its place.
  await using again = await reading(db.source(['members']), first.journal)
  await again.caughtUp()
  await db.sql(insert(2))
  await again.caughtUp()
  await second.caughtUp()
  assert.deepEqual(await numbers(), both)
  assertAll(again.journal, 2)
  assertAll(second.journal, 2)
})

test('a connection that is silent is given up', async () => {
  await using server = await startMariadb()
  await using db = await legacy(server)
  await db.sql(members)
  const { connect, createServer } = await import('node:net')
  const sockets = new Set<import('node:net').Socket>()
  let isSilent = false
  const proxy = createServer((client) => {
    const upstream = connect(server.port, '127.0.0.1')
    for (const each of [client, upstream]) sockets.add(each.on('error', () => {}))
    client.pipe(upstream)
    upstream.on('data', (bytes) => isSilent || client.write(bytes))
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => proxy.once('listening', resolve))
  const url = new URL(db.url)
  url.port = String((proxy.address() as { port: number }).port)
  try {
    await using read = await reading(db.source(['members'], { url: url.href, heartbeat_ms: 500 }))
    await read.caughtUp()
    isSilent = true
    assert.match(String(await read.ended), /SYNC-2005.*silent/)
  } finally {
    for (const each of sockets) each.destroy()
    proxy.close()
  }
})

test('the state of a table that stopped comes once, and its rows go on when it can be read', async () => {
  await using server = await startMariadb({ settings: { binlog_row_metadata: 'NO_LOG' } })
  await using db = await legacy(server)
  await db.sql(`${members}; ${insert(1)}`)
  const journal = await readOnce(db, ['members'])
  await db.sql(`${insert(2)}; ALTER TABLE members ADD COLUMN x int FIRST; INSERT INTO members VALUES (1, 3, 'n')`)
  await readOnce(db, ['members'], journal)
  assert.deepEqual(
    stopped(journal)[0],
    'members changed',
    'between two openings nobody knows which rows have which columns',
  )
  assert.deepEqual(journal.changes, [])
  await using read = await reading(db.source(['members']), journal)
  read.feed.snapshot({ table: 'members' })
  await read.caughtUp()
  await db.sql(`INSERT INTO members VALUES (7, 4, 'm')`)
  await read.caughtUp()
  assert.deepEqual(
    journal.changes.map(({ key, row }) => [key, row?.['x'], row?.['name']]),
    [
      ['["1"]', null, 'n'],
      ['["2"]', null, 'n'],
      ['["3"]', 1, 'n'],
      ['["4"]', 7, 'm'],
    ],
  )
})
