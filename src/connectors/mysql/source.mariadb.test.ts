import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { SourceEvent } from '../../model/change.ts'
import { systemClock } from '../../std/clock.ts'
import { type Mariadb, startMariadb } from '../../testing/mariadb.ts'
import { reading } from '../sql/reading.fake.ts'
import { legacy, readOnce, stopped, told } from './legacy.fake.ts'

let server: Mariadb
before(async () => {
  server = await startMariadb()
})
after(() => server.stop())

const members = 'CREATE TABLE members (id int PRIMARY KEY, name varchar(100), note text, email varchar(100) UNIQUE)'

test('images with fewer columns, which one session asks for: absent is not null, and the key is known', async () => {
  await using db = await legacy(server)
  await db.sql(`${members}; INSERT INTO members VALUES (1,'a','long',NULL), (2,'b',NULL,NULL)`)
  await using read = await reading(db.source(['members']))
  await db.sql(`SET SESSION binlog_row_image = MINIMAL; UPDATE members SET name = 'x' WHERE id = 1;
    UPDATE members SET id = 9 WHERE id = 2; DELETE FROM members WHERE id = 1; INSERT INTO members (id) VALUES (3);
    SET SESSION binlog_row_image = NOBLOB; UPDATE members SET name = 'y' WHERE id = 9; UPDATE members SET note = 'm' WHERE id = 9`)
  await read.caughtUp()
  const columns = read.journal.changes.map(({ row }) => Object.keys(row ?? {}).join())
  assert.deepEqual(
    read.journal.changes.map((change) => told(change, 'name', 'note')),
    [
      'update ["1"] name=x',
      'update ["2"] ["9"]',
      'delete ["1"]',
      'touch ["3"]',
      'update ["9"] name=y',
      'update ["9"] name=y note=m',
    ],
  )
  assert.deepEqual(columns, ['id,name', 'id', 'id', 'id', 'id,name,email', 'id,name,note,email'])
})

test('REPLACE, ON DUPLICATE KEY and a delete with an insert are updates of the record, unless the key is another', async () => {
  await using db = await legacy(server)
  await db.sql(`${members}; INSERT INTO members VALUES (1,'a',NULL,'a@x'), (2,'b',NULL,'b@x'), (3,'c',NULL,'c@x')`)
  await using read = await reading(db.source(['members']))
  await db.sql(`REPLACE INTO members VALUES (1,'A',NULL,'a@x');
    INSERT INTO members VALUES (2,'z',NULL,'b@x') ON DUPLICATE KEY UPDATE name = 'B';
    BEGIN; DELETE FROM members WHERE id = 3; INSERT INTO members VALUES (3,'C',NULL,'c@x'); COMMIT;
    REPLACE INTO members VALUES (2,'both',NULL,'c@x')`)
  await read.caughtUp()
  assert.deepEqual(
    read.journal.changes.map((change) => told(change, 'name')),
    [
      'update ["1"] name=A',
      'update ["2"] name=B',
      'update ["3"] name=C',
      'delete ["3"] name=C',
      'update ["2"] name=both',
    ],
  )
  assert.equal(read.journal.changes[2]?.before?.['name'], 'c')
})

test('transactions of mixed engines, savepoints, rollbacks, temporary tables', async () => {
  await using db = await legacy(server)
  await db.sql(
    `${members}; CREATE TABLE log (id int PRIMARY KEY) ENGINE=MyISAM; CREATE TABLE others (id int PRIMARY KEY)`,
  )
  await using read = await reading(db.source(['members', 'log']))
  await db.sql(`BEGIN; INSERT INTO members (id) VALUES (1); SAVEPOINT s; INSERT INTO log VALUES (1); INSERT INTO members (id) VALUES (2);
    ROLLBACK TO s; INSERT INTO members (id) VALUES (3); INSERT INTO others VALUES (1); COMMIT;
    BEGIN; INSERT INTO members (id) VALUES (4); INSERT INTO log VALUES (2); ROLLBACK;
    CREATE TEMPORARY TABLE t (id int); INSERT INTO t VALUES (1); DROP TEMPORARY TABLE t; INSERT INTO log VALUES (3)`)
  await read.caughtUp()
  const keys = (table: string) =>
    read.journal.changes.filter((change) => change.table === `${db.name}.${table}`).map(({ key }) => JSON.parse(key)[0])
  assert.deepEqual(
    [keys('members'), keys('log')],
    [
      ['1', '3'],
      ['1', '2', '3'],
    ],
  )
  assert.deepEqual(stopped(read.journal), [])
})

test('XA: nothing is told before the COMMIT, nothing at all after a ROLLBACK, once after a restart of reader and server', async () => {
  await using own = await startMariadb()
  await using db = await legacy(own)
  await db.sql(members)
  const journal = await readOnce(db, ['members'])
  await db.sql(`XA START 'a'; INSERT INTO members (id) VALUES (1); XA END 'a'; XA PREPARE 'a'`)
  const other = await db.session()
  await other.query(`XA START 'b','q',7; INSERT INTO members (id) VALUES (2); XA END 'b','q',7; XA PREPARE 'b','q',7`)
  await readOnce(db, ['members'], journal)
  assert.deepEqual(
    journal.events.flatMap(({ kind }) => (kind === 'hold' || kind === 'commit' ? [kind] : [])),
    ['hold', 'hold'],
  )
  await own.restart()
  await db.sql(`XA COMMIT 'a'; XA ROLLBACK 'b','q',7`).catch(() => db.sql(`XA COMMIT 'a'; XA ROLLBACK 'b','q',7`))
  await db.sql(`XA START 'c'; INSERT INTO members (id) VALUES (3); XA END 'c'; XA COMMIT 'c' ONE PHASE`)
  await readOnce(db, ['members'], journal)
  const ends = journal.events.filter(({ kind }) => ['hold', 'release', 'discard', 'commit'].includes(kind))
  const [first, second, release, discard, commit] = ends as (SourceEvent & { tx: string })[]
  assert.deepEqual(
    ends.map(({ kind }) => kind),
    ['hold', 'hold', 'release', 'discard', 'commit'],
  )
  assert.deepEqual([release?.tx, discard?.tx], [first?.tx, second?.tx])
  assert.equal(commit?.kind, 'commit')
})

test('compressed events, and a large transaction in pieces that becomes visible as one', async () => {
  await using db = await legacy(server)
  await db.sql(members)
  const [[before]] = (await db.sql('SELECT @@global.log_bin_compress')) as [[number]]
  await db.sql('SET GLOBAL log_bin_compress = ON, GLOBAL log_bin_compress_min_len = 10')
  try {
    const session = await db.session()
    await using read = await reading(db.source(['members'], { bufferRows: 100 }))
    await session.query(`INSERT INTO members (id, note) SELECT seq, REPEAT('n', 300) FROM seq_1_to_2000`)
    await read.caughtUp()
    assert.equal(read.journal.changes.length, 2_000)
    assert.equal(String(read.journal.changes[7]?.row?.['note']).length, 300)
    const pieces = read.journal.events.filter(({ kind }) => kind === 'rows')
    assert.ok(pieces.length >= 20, `${pieces.length} pieces`)
    assert.equal(read.journal.events.filter(({ kind }) => kind === 'commit').length, 1)
    const size = read.journal.events.flatMap((event) => (event.kind === 'commit' ? [event.set?.bytes ?? 0] : []))[0]
    const real = read.journal.changes.reduce((sum, { row }) => sum + Buffer.byteLength(JSON.stringify(row)), 0)
    assert.equal(size, real, 'the size of the change set is that of its rows as JSON')
  } finally {
    await db.sql(`SET GLOBAL log_bin_compress = ${before}`)
  }
})

test('checksums that are switched while the log is read, labels that change their order, a row beyond sixteen megabytes', async () => {
  await using own = await startMariadb({ existing: null }) // global settings
  await using db = await legacy(own)
  await db.sql("CREATE TABLE t (id int PRIMARY KEY, e enum('a','b','c'), big longtext)")
  const away = await readOnce(db, ['t'])
  await using live = await reading(db.source(['t']))
  await db.sql(`INSERT INTO t VALUES (1, 'a', NULL); SET GLOBAL binlog_checksum = NONE; INSERT INTO t VALUES (2, 'b', NULL);
    ALTER TABLE t MODIFY e enum('c','b','a'); INSERT INTO t VALUES (3, 'c', NULL); SET GLOBAL binlog_checksum = CRC32;
    UPDATE t SET e = 'b' WHERE id = 1; INSERT INTO t VALUES (4, 'a', REPEAT('x', 20000000)), (5, 'b', NULL)`)
  await live.caughtUp()
  await readOnce(db, ['t'], away)
  for (const journal of [live.journal, away]) {
    assert.deepEqual(
      journal.changes.map((change) => told(change, 'e')),
      [
        'create ["1"] e=a',
        'create ["2"] e=b',
        'create ["3"] e=c',
        'update ["1"] e=b',
        'create ["4"] e=a',
        'create ["5"] e=b',
      ],
    )
    assert.equal(journal.changes[4]?.row?.['big'], 'x'.repeat(20_000_000))
    assert.deepEqual(stopped(journal), [])
  }
})

test('a consumer that is slow makes the server wait, and gets everything', async () => {
  await using db = await legacy(server)
  await db.sql(members)
  const source = db.source(['members'], { bufferRows: 100, netWriteTimeout_ms: 60_000 })
  const feed = await source.open(null, [], AbortSignal.timeout(60_000))
  await db.sql(`INSERT INTO members (id, note) SELECT seq, REPEAT('n', 2000) FROM seq_1_to_10000`)
  let rows = 0
  const events = feed.events[Symbol.asyncIterator]()
  await systemClock.sleep(1_000) // longer than twice the heartbeat: waiting for us is not silence
  while (rows < 10_000)
    for (const event of (await events.next()).value ?? []) if (event.kind === 'rows') rows += event.changes.length
  assert.equal(rows, 10_000)
  await feed[Symbol.asyncDispose]()
})

test('a slow consumer whose server loses patience is told to connect again, and misses nothing', async () => {
  await using db = await legacy(server)
  await db.sql(`${members}`)
  const journal = await readOnce(db, ['members'])
  await db.sql(`INSERT INTO members (id, note) SELECT seq, REPEAT('n', 2000) FROM seq_1_to_10000`)
  const source = db.source(['members'], { bufferRows: 100 })
  const feed = await source.open(journal.position, [], AbortSignal.timeout(60_000))
  const events = feed.events[Symbol.asyncIterator]()
  let item: readonly SourceEvent[] = []
  while (!item.some(({ kind }) => kind === 'rows')) item = (await events.next()).value ?? []
  const dumps = await db.sql(`SELECT id FROM information_schema.processlist WHERE command LIKE 'Binlog Dump%'`)
  assert.equal(dumps.length, 1)
  await db.sql(`KILL ${dumps[0]?.[0]}`)
  await assert.rejects(async () => {
    for (;;) if ((await events.next()).done === true) return
  }, /SYNC-2005/)
  await feed[Symbol.asyncDispose]()
  await readOnce(db, ['members'], journal)
  assert.equal(new Set(journal.changes.map(({ key }) => key)).size, 10_000)
})

test('a table that is only looked up is read, described and checked, and not captured', async () => {
  await using db = await legacy(server)
  await db.sql(`CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE chapters (id int, code varchar(10));
    CREATE VIEW active AS SELECT id, code FROM chapters; INSERT INTO chapters VALUES (1,'VIE'), (2,'GRZ')`)
  const source = db.source([
    { name: 'active', columns: ['code'], lookup: true },
    { name: 'chapters', lookup: true },
    't',
  ])
  assert.deepEqual(
    (await source.check(AbortSignal.timeout(10_000))).filter(({ level }) => level === 'error'),
    [],
  )
  assert.deepEqual(
    (await source.describe(AbortSignal.timeout(10_000))).map(({ name }) => name),
    [`${db.name}.active`, `${db.name}.chapters`, `${db.name}.t`],
  )
  await using read = await reading(source)
  await db.sql("INSERT INTO chapters VALUES (3,'LNZ'); INSERT INTO t VALUES (7)")
  await read.caughtUp()
  assert.deepEqual(
    read.journal.changes.map(({ table }) => table),
    [`${db.name}.t`],
  )
  const rows = await source.lookup('active', 'code', ['LNZ', 'nowhere', 5], AbortSignal.timeout(10_000))
  assert.deepEqual(
    rows.map((row) => row['code']),
    ['LNZ'],
  )
  const missing = db.source(['t', { name: 'active', columns: ['nothing'], lookup: true }])
  const problems = await missing.check(AbortSignal.timeout(10_000))
  assert.ok(problems.some(({ failure }) => /active has no column "nothing"/.test(failure.message)))
})
