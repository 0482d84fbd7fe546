/** What only newer servers can show: compressed and tagged transactions, cascades in the log, hidden keys, on a real MySQL 9. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, test } from 'node:test'
import { systemClock } from '../../std/clock.ts'
import { type Mysql, startMysql, withoutMysql } from '../../testing/mysql.ts'
import { emptyJournal, failing, reading } from '../sql/reading.fake.ts'
import { openDecoder } from './binlog/decoder.ts'
import type { BinlogEvent } from './binlog/event.ts'
import { type Legacy, legacy, purge, readOnce, stopped, told } from './legacy.fake.ts'
import { readPosition } from './position.ts'
import { scratch } from './server.fake.ts'

const skip = await withoutMysql('9')
let server: Mysql
before(async () => {
  if (skip === false) server = await startMysql({ release: '9' })
})
after(() => server?.stop())

const members = 'CREATE TABLE members (id int PRIMARY KEY, name varchar(100))'
const isCompressed = 'SET SESSION binlog_transaction_compression = ON'

/** How much of the log compressed transactions take: bytes packed and unpacked. */
async function compression(db: Legacy): Promise<readonly [packed: number, unpacked: number]> {
  const [row = []] = await db.sql(
    `SELECT COMPRESSED_BYTES_COUNTER, UNCOMPRESSED_BYTES_COUNTER FROM performance_schema.binary_log_transaction_compression_stats
     WHERE LOG_TYPE = 'BINARY' AND COMPRESSION_TYPE = 'ZSTD'`,
  )
  return [Number(row[0] ?? 0), Number(row[1] ?? 0)]
}

test('compressed: one row, and 50 MB that are larger than a packet when packed, exact and in pieces', {
  skip,
}, async () => {
  await using own = await startMysql({ existing: null, release: '9', settings: { performance_schema: 'ON' } })
  await using db = await legacy(own)
  await db.sql('CREATE TABLE big (id int PRIMARY KEY, doc text)')
  await using read = await reading(db.source(['big'], { bufferRows: 1_000 }))
  const noise = Array.from({ length: 5 }, () => 'HEX(RANDOM_BYTES(1024))').join(', ')
  await db.sql(`${isCompressed}; INSERT INTO big VALUES (0, 'one')`)
  await db.sql(
    `SET SESSION cte_max_recursion_depth = 10000; INSERT INTO big WITH RECURSIVE s (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 5000) SELECT n, CONCAT(${noise}) FROM s;
     INSERT INTO big VALUES (5001, 'after')`,
  )
  const [packed, unpacked] = await compression(db)
  assert.ok(packed > 2 ** 24 && unpacked > 50_000_000, `${packed} of ${unpacked} bytes`)
  await read.caughtUp()
  const { events, changes } = read.journal
  assert.equal(events.filter(({ kind }) => kind === 'commit').length, 3)
  assert.ok(events.filter(({ kind }) => kind === 'rows').length >= 7)
  const expected = (await db.sql('SELECT id, SHA2(doc, 256) FROM big ORDER BY id')).map(([id, hash]) => `${id} ${hash}`)
  const hashOf = (text: unknown) => createHash('sha256').update(String(text)).digest('hex')
  assert.deepEqual(
    changes.map(({ row }) => `${row?.['id']} ${hashOf(row?.['doc'])}`),
    expected,
  )
})

test('compressed or not is decided by each session; positions after either resume', { skip }, async () => {
  await using db = await legacy(server)
  await db.sql(members)
  const journal = await readOnce(db, ['members'])
  for (let id = 0; id < 6; id += 2) {
    await db.sql(`SET SESSION binlog_transaction_compression = ON; INSERT INTO members VALUES (${id}, 'packed');
      SET SESSION binlog_transaction_compression = OFF; INSERT INTO members VALUES (${id + 1}, 'plain')`)
    await readOnce(db, ['members'], journal)
  }
  await db.sql(`${isCompressed}; BEGIN; UPDATE members SET name = 'x' WHERE id = 3; SAVEPOINT a; DELETE FROM members WHERE id = 4; ROLLBACK TO a;
    REPLACE INTO members VALUES (5, 'y'); COMMIT; CREATE TABLE copy AS SELECT * FROM members; INSERT INTO members VALUES (9, 'z')`)
  await readOnce(db, ['members'], journal)
  assert.deepEqual(
    journal.changes.map((change) => told(change, 'name')),
    [
      ...[0, 2, 4].flatMap((id) => [`create ["${id}"] name=packed`, `create ["${id + 1}"] name=plain`]),
      'update ["3"] name=x',
      'update ["5"] name=y',
      'create ["9"] name=z',
    ],
  )
  assert.deepEqual(stopped(journal), [])
})

test('GTIDs with tags: followed, resumed, and shown to be gone', { skip }, async () => {
  await using own = await startMysql({ existing: null, release: '9' })
  await using db = await legacy(own)
  await db.sql(members)
  const journal = await readOnce(db, ['members'])
  const tagged = (tag: string, id: number) =>
    db.sql(
      `SET gtid_next = 'AUTOMATIC:${tag}'; INSERT INTO members VALUES (${id}, '${tag}'); SET gtid_next = 'AUTOMATIC'`,
    )
  await tagged('billing', 1)
  await readOnce(db, ['members'], journal)
  assert.match(readPosition(journal.position!).gtids ?? '', /^[0-9a-f-]{36}:1-\d+:billing:1$/)
  await tagged('crm', 2)
  await db.sql(`FLUSH LOGS; INSERT INTO members VALUES (3, 'none')`)
  await tagged('billing', 4)
  await readOnce(db, ['members'], journal)
  await own.restart()
  await tagged('crm', 5)
  await tagged('billing', 6)
  const old = { ...journal }
  await readOnce(db, ['members'], journal)
  assert.match(readPosition(journal.position!).gtids ?? '', /:billing:1-3:crm:1-2$/)
  await purge(db)
  await tagged('billing', 7)
  await readOnce(db, ['members'], journal)
  assert.deepEqual(
    journal.changes.map(({ key }) => key),
    [1, 2, 3, 4, 5, 6, 7].map((id) => `["${id}"]`),
  )
  const error = await failing(readOnce(db, ['members'], old), 'SYNC-2032')
  assert.match(error.message, /:billing:3:crm:2/)
})

test('a set of GTIDs with gaps: what fills one later is told, once; what was purged in one is missed', {
  skip,
}, async () => {
  await using own = await startMysql({ existing: null, release: '9' })
  await using db = await legacy(own)
  await db.sql(members)
  const journal = await readOnce(db, ['members'])
  const [[uuid]] = (await db.sql('SELECT @@server_uuid')) as [[string]]
  const numbered = (number: number, id: number) =>
    db.sql(`SET gtid_next = '${uuid}:${number}'; INSERT INTO members VALUES (${id}, 'n'); SET gtid_next = 'AUTOMATIC'`)
  await numbered(1000, 1)
  await readOnce(db, ['members'], journal)
  assert.match(readPosition(journal.position!).gtids ?? '', /:1-\d+:1000$/)
  await numbered(500, 2)
  await readOnce(db, ['members'], journal)
  await numbered(501, 3)
  await purge(db)
  await db.sql(`INSERT INTO members VALUES (4, 'automatic')`)
  const error = await failing(readOnce(db, ['members'], { ...journal }), 'SYNC-2032')
  assert.match(error.message, /:501\b/)
  assert.deepEqual(
    journal.changes.map(({ key }) => key),
    ['["1"]', '["2"]'],
  )
})

test('gtid_mode is changed, step by step there and back, while somebody reads and while nobody does', {
  skip,
}, async () => {
  const modes = ['ON_PERMISSIVE', 'OFF_PERMISSIVE', 'OFF', 'OFF_PERMISSIVE', 'ON_PERMISSIVE', 'ON']
  for (const away of [false, true]) {
    await using own = await startMysql({ existing: null, release: '9' })
    await using db = await legacy(own)
    await db.sql(members)
    const journal = await readOnce(db, ['members'])
    const read = await reading(db.source(['members']), journal)
    for (const [i, mode] of modes.entries()) {
      await db.sql(`SET GLOBAL gtid_mode = ${mode}; INSERT INTO members VALUES (${i}, 'n')`)
      if (i === 0) {
        // The server ends a reader by GTIDs as soon as its mode does not allow it any more; the engine opens the feed again.
        const error = await failing(
          read.ended.then((reason) => Promise.reject(reason)),
          'SYNC-2028',
        )
        assert.equal(error.failure.retry, 'timed')
        await read[Symbol.asyncDispose]()
      }
      if (!away) await readOnce(db, ['members'], journal)
    }
    if (away) {
      const error = await failing(readOnce(db, ['members'], journal), 'SYNC-2028')
      assert.match(error.failure.hint, /^SET GLOBAL gtid_mode = ON_PERMISSIVE;/)
      await db.sql('SET GLOBAL gtid_mode = ON_PERMISSIVE')
      await readOnce(db, ['members'], journal)
      await db.sql('FLUSH BINARY LOGS; SET GLOBAL gtid_mode = ON')
    }
    await db.sql("INSERT INTO members VALUES (6, 'n')")
    await readOnce(db, ['members'], journal)
    await db.sql("FLUSH BINARY LOGS; INSERT INTO members VALUES (7, 'n')")
    await readOnce(db, ['members'], journal)
    assert.deepEqual(
      journal.changes.map(({ key }) => key),
      [0, 1, 2, 3, 4, 5, 6, 7].map((id) => `["${id}"]`),
    )
    assert.deepEqual(stopped(journal), [])
    assert.match(readPosition(journal.position!).gtids ?? '', /:1-\d+$/, 'GTIDs count again')
  }
})

test('a transaction that is in the log and not yet counted as executed: the first start tells it, a restart is no reset', {
  skip,
}, async () => {
  await using own = await startMysql({ existing: null, release: '9' })
  await using db = await legacy(own)
  await db.sql(`${members}; INSTALL PLUGIN rpl_semi_sync_source SONAME 'semisync_source.so'; SET GLOBAL rpl_semi_sync_source_timeout = 1500,
    GLOBAL rpl_semi_sync_source_wait_no_replica = ON, GLOBAL rpl_semi_sync_source_enabled = ON`)
  const session = await db.session()
  const [[executed]] = (await db.sql('SELECT @@gtid_executed')) as [[string]]
  const [[, logged]] = (await db.sql('SHOW BINARY LOG STATUS')) as [[string, number]]
  const written = session.query(`INSERT INTO members VALUES (1, 'a')`)
  const isLogged = async () => Number((await db.sql('SHOW BINARY LOG STATUS'))[0]?.[1]) > logged
  while (!(await isLogged())) await systemClock.sleep(5)
  assert.deepEqual(await db.sql('SELECT @@gtid_executed'), [[executed]], 'not executed: else this test shows nothing')
  const journal = emptyJournal()
  {
    await using read = await reading(db.source(['members']), journal)
    while (journal.changes.length < 1) await systemClock.sleep(5)
    assert.ok(read.feed)
  }
  assert.deepEqual(await db.sql('SELECT @@gtid_executed'), [[executed]], 'still not')
  await readOnce(db, ['members'], journal)
  await written
  await db.sql(`SET GLOBAL rpl_semi_sync_source_enabled = OFF; INSERT INTO members VALUES (2, 'b')`)
  await readOnce(db, ['members'], journal)
  assert.deepEqual(
    journal.changes.map((change) => told(change, 'name')),
    ['create ["1"] name=a', 'create ["2"] name=b'],
  )
  assert.match(readPosition(journal.position!).gtids ?? '', /^[0-9a-f-]{36}:1-\d+$/)
})

test('rows that foreign keys change are in the log, and are told once; as before, where the server is told so', {
  skip,
}, async () => {
  for (const native of ['OFF', 'ON']) {
    await using own = await startMysql({
      existing: null,
      release: '9',
      settings: { innodb_native_foreign_keys: native },
    })
    await using db = await legacy(own)
    await db.sql(`CREATE TABLE p (id int PRIMARY KEY);
      CREATE TABLE c (id int PRIMARY KEY, p int, FOREIGN KEY (p) REFERENCES p (id) ON DELETE CASCADE ON UPDATE SET NULL);
      INSERT INTO p VALUES (1), (2); INSERT INTO c VALUES (10, 1), (11, 1), (12, 2)`)
    await using read = await reading(db.source(['p', 'c']))
    await db.sql('DELETE FROM p WHERE id = 1; UPDATE p SET id = 3 WHERE id = 2')
    await read.caughtUp()
    const ours = read.journal.changes.filter(({ only }) => only === undefined)
    const changes = ours.map((change) => told(change, 'p'))
    const tied = ours.filter(({ cascades }) => cascades !== undefined)
    if (native === 'ON') {
      assert.deepEqual(changes, ['delete ["1"]', 'update ["2"] ["3"]'])
      assert.equal(tied.length, 2)
    } else {
      const all = [
        'delete ["1"]',
        'delete ["10"] p=1',
        'delete ["11"] p=1',
        'update ["12"] p=null',
        'update ["2"] ["3"]',
      ]
      assert.deepEqual(changes.sort(), all)
      assert.deepEqual(tied, [])
    }
    assert.deepEqual(stopped(read.journal), [])
  }
})

test('a key that the server made and hides, hidden columns, partitions, statements beside rows', { skip }, async () => {
  await using db = await legacy(server)
  await db.sql(`SET SESSION sql_generate_invisible_primary_key = ON, SESSION binlog_rows_query_log_events = ON;
    CREATE TABLE hidden (name varchar(20), secret int INVISIBLE DEFAULT 7);
    CREATE TABLE parts (id int PRIMARY KEY, n int) PARTITION BY HASH (id) PARTITIONS 4; INSERT INTO hidden (name) VALUES ('a')`)
  await using read = await reading(db.source(['hidden', 'parts']))
  read.feed.snapshot({ table: 'hidden' })
  await read.caughtUp()
  await db.sql(`INSERT INTO hidden (name, secret) VALUES ('b', 8); UPDATE hidden SET name = 'c' WHERE name = 'a'; DELETE FROM hidden WHERE secret = 8;
    INSERT INTO parts VALUES (1, 1), (2, 1); UPDATE parts SET id = id + 4, n = 2; UPDATE parts SET id = id + 1 ORDER BY id DESC`)
  await read.caughtUp()
  assert.deepEqual(
    read.journal.changes.map((change) => told(change, 'name', 'secret', 'n')),
    [
      'read ["1"] name=a secret=7',
      'create ["2"] name=b secret=8',
      'update ["1"] name=c secret=7',
      'delete ["2"] name=b secret=8',
      'create ["1"] n=1',
      'create ["2"] n=1',
      'update ["1"] ["5"] n=2',
      'update ["2"] ["6"] n=2',
      'update ["6"] ["7"] n=2',
      'update ["5"] ["6"] n=2',
    ],
  )
  assert.deepEqual(stopped(read.journal), [])
})

test('heartbeats of the second kind name file and offset', { skip }, async () => {
  await using db = await scratch(server)
  const link = await db.connect()
  const [[file = '']] = (await link.texts('SHOW BINARY LOG STATUS')) as [[string]]
  await link.query('SET @source_binlog_checksum = @@global.binlog_checksum, @source_heartbeat_period = 50000000')
  const command = Buffer.alloc(11 + file.length)
  command[0] = 0x12
  command.writeUInt32LE(4, 1)
  command.writeUInt16LE(2, 5) // heartbeats of the second kind
  command.writeUInt32LE(4_100_000, 7)
  command.write(file, 11)
  const beats: Extract<BinlogEvent, { kind: 'heartbeat' }>[] = []
  const decoder = openDecoder((event) => {
    if (event.kind === 'heartbeat') beats.push(event)
  })
  await link.exchange(command, (packet) => {
    decoder.push(Buffer.from(packet.subarray(1)))
    return beats.length > 0
  })
  link.destroy()
  const [[, offset]] = (await db.link.texts('SHOW BINARY LOG STATUS')) as [[string, string]]
  const [beat] = beats
  assert.deepEqual([beat?.header.type, beat?.file, beat?.offset], [41, file, BigInt(offset)])
})
