/** What MariaDB does in its own way: domains of GTIDs, events without a place of their own, columns that it computes. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Mariadb, startMariadb } from '../../testing/mariadb.ts'
import { failing, reading } from '../sql/reading.fake.ts'
import type { BinlogEvent } from './binlog/event.ts'
import { legacy, purge, readOnce, stopped, told } from './legacy.fake.ts'
import { readPosition } from './position.ts'
import { scratch } from './server.fake.ts'
import { readLog, versionOf } from './values.fake.ts'

let server: Mariadb
before(async () => {
  server = await startMariadb()
})
after(() => server.stop())

test('domains of GTIDs are followed beside each other, over restarts and deleted files; one that is not read to its end is missed', async () => {
  await using own = await startMariadb({ existing: null })
  await using db = await legacy(own)
  await db.sql('CREATE TABLE t (id int PRIMARY KEY, n int)')
  const journal = await readOnce(db, ['t'])
  const domains = [await db.session(), await db.session()]
  const write = async (domain: number, id: number) =>
    domains[domain]?.query(`SET SESSION gtid_domain_id = ${domain * 5}; INSERT INTO t VALUES (${id}, ${domain})`)
  for (const [domain, id] of [
    [0, 1],
    [1, 2],
    [1, 3],
    [0, 4],
  ] as const)
    await write(domain, id)
  await readOnce(db, ['t'], journal)
  assert.match(readPosition(journal.position!).gtids ?? '', /^0-1-\d+,5-1-2$/)
  await write(1, 5)
  await db.sql('FLUSH LOGS')
  await write(0, 6)
  await readOnce(db, ['t'], journal)
  const old = { ...journal }
  await purge(db)
  await write(1, 7)
  await purge(db)
  await failing(readOnce(db, ['t'], old), 'SYNC-2032')
  assert.deepEqual(
    journal.changes.map(({ key, row }) => `${key} ${row?.['n']}`),
    ['["1"] 0', '["2"] 1', '["3"] 1', '["4"] 0', '["5"] 1', '["6"] 0'],
  )
})

test('events in a transaction that have no place of their own, and positions after it', async () => {
  await using own = await startMariadb({ existing: null })
  await using db = await scratch(own)
  await db.sql(
    'CREATE TABLE t (id int PRIMARY KEY)',
    'BEGIN',
    'INSERT INTO t VALUES (1)',
    'INSERT INTO t VALUES (2)',
    'COMMIT',
  )
  const [[, end]] = (await db.link.texts('SHOW MASTER STATUS')) as [[string, string]]
  const events: BinlogEvent[] = []
  await readLog(await db.connect(), 'binlog.000001', (event) => void events.push(event))
  const places = events.filter(({ kind }) => kind === 'rows').map(({ header }) => header.next)
  assert.equal(places.length, 2)
  const isNew = (await versionOf(own)) >= 110400
  assert.equal(
    places.every((next) => next === 0),
    isNew,
    String(places),
  )
  assert.equal(events.findLast(({ kind }) => kind === 'commit')?.header.next, Number(end))
})

test('computed columns that an update does not carry: the row is read again, and its children follow', async () => {
  await using db = await legacy(server)
  await db.sql(`CREATE TABLE p (id int PRIMARY KEY, a int, v int AS (a + 1) VIRTUAL, s int AS (a + 2) STORED);
    CREATE TABLE c (id int PRIMARY KEY, p int, FOREIGN KEY (p) REFERENCES p (id) ON UPDATE CASCADE);
    INSERT INTO p (id, a) VALUES (1, 1); INSERT INTO c VALUES (10, 1)`)
  const isNew = (await versionOf(server)) >= 110000
  await using read = await reading(db.source(['p', 'c']))
  await db.sql(
    'INSERT INTO p (id, a) VALUES (2, 5); UPDATE p SET a = 10 WHERE id = 1; UPDATE p SET id = 3 WHERE id = 1',
  )
  await read.caughtUp()
  const ours = read.journal.changes.filter(({ only }) => only === undefined)
  const expected = isNew
    ? ['create ["2"] a=5 v=6 s=7', 'touch ["1"] a=10', 'touch ["1"] ["3"] a=10']
    : ['create ["2"] a=5 v=6 s=7', 'update ["1"] a=10 v=11 s=12', 'update ["1"] ["3"] a=10 v=11 s=12']
  assert.deepEqual(
    ours.map((change) => told(change, 'a', 'v', 's')),
    expected,
  )
  assert.deepEqual(
    ours.map(({ cascades = [] }) => cascades.map(({ from, to }) => `${from.key} ${to?.key}`)),
    [[], [], ['["1"] ["3"]']],
  )
  assert.deepEqual(stopped(read.journal), [])
})

test('computed columns that no sync needs cost no reading', async () => {
  await using db = await legacy(server)
  await db.sql(
    'CREATE TABLE t (id int PRIMARY KEY, a int, v int AS (a + 1) VIRTUAL); INSERT INTO t (id, a) VALUES (1, 1)',
  )
  await using read = await reading(db.source([{ name: 't', columns: ['id', 'a'] }]))
  await db.sql('UPDATE t SET a = 2')
  await read.caughtUp()
  assert.deepEqual(
    read.journal.changes.map((change) => told(change, 'a')),
    ['update ["1"] a=2'],
  )
})
