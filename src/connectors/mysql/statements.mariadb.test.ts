/** Statements of the log that change rows without saying which: none of them passes in silence. */
import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { after, before, test } from 'node:test'
import mysql from 'mysql2/promise'
import { type Mariadb, startMariadb } from '../../testing/mariadb.ts'
import { emptyJournal, reading } from '../sql/reading.fake.ts'
import { type Legacy, legacy, readOnce, stopped, told } from './legacy.fake.ts'

let server: Mariadb
before(async () => {
  server = await startMariadb()
})
after(() => server.stop())

const members = 'CREATE TABLE members (id int PRIMARY KEY, name varchar(50), team varchar(50), n decimal(6,2))'

/** A session that sends these bytes for any LOAD DATA LOCAL. */
function loading(db: Legacy, bytes: string): Promise<mysql.Connection> {
  return mysql.createConnection({ uri: db.url, infileStreamFactory: () => Readable.from([Buffer.from(bytes)]) })
}

test('a statement in place of rows stops all that it can have changed, whatever its words say', async () => {
  await using db = await legacy(server)
  await db.sql(`${members}; CREATE TABLE chapters (id int PRIMARY KEY); INSERT INTO members (id) VALUES (1); CREATE TABLE o (id int);
    CREATE VIEW v AS SELECT * FROM members; CREATE TRIGGER g AFTER INSERT ON o FOR EACH ROW UPDATE members SET name = 't'`)
  await db.sql(
    "CREATE FUNCTION f(x int) RETURNS int MODIFIES SQL DATA DETERMINISTIC BEGIN UPDATE members SET name = CONCAT('f', x); RETURN 1; END",
  )
  await using session = await loading(db, '7\tloaded\n')
  const statements = [
    ["UPDATE members SET name = 'x'"],
    ["UPDATE v SET name = 'v'"],
    ['INSERT INTO o VALUES (1)', 'MIXED'],
    ['SELECT f(1)'],
    ['DO f(2)'],
    ["SET STATEMENT max_statement_time = 9 FOR UPDATE members SET name = 's'"],
    ["ANALYZE FORMAT=JSON UPDATE members SET name = 'a'"],
    ["EXECUTE IMMEDIATE 'UPDATE members SET name = 1'"],
    ["LOAD DATA LOCAL INFILE 'x' INTO TABLE members (id, name)"],
    ['INSERT INTO o SELECT f(3)'],
  ] as const
  const known = await readOnce(db, ['members', 'chapters'])
  for (const [i, [sql, format = 'STATEMENT']] of statements.entries()) {
    const journal = { ...emptyJournal(), position: known.position }
    const rows = await db.sql('SELECT * FROM members')
    await session.query(`SET SESSION binlog_format = ${format}`)
    await session.query(sql)
    await session.query('SET SESSION binlog_format = ROW')
    assert.notDeepEqual(await db.sql('SELECT * FROM members'), rows, `${sql}: else this shows nothing`)
    await session.query(`INSERT INTO chapters VALUES (${i})`)
    await readOnce(db, ['members', 'chapters'], journal)
    assert.deepEqual(stopped(journal), ['members gap', 'chapters gap'], sql)
    assert.deepEqual(
      journal.changes.map(({ table }) => table),
      [`${db.name}.chapters`],
      'the stream goes on',
    )
    const [failure] = journal.events.flatMap((event) => (event.kind === 'table' ? [event.failure] : []))
    assert.match(failure?.message ?? '', /was logged in place of .* at 0-1-\d+/)
    assert.match(failure?.hint ?? '', /binlog_format = ROW/)
    known.position = journal.position
  }
})

test('tables that are set aside may be changed by statements; no other may', async () => {
  await using db = await legacy(server)
  await db.sql(`${members}; CREATE TABLE sums (id int); CREATE TABLE more (id int)`)
  await using read = await reading(db.source(['members'], { statementTables: [`${db.name}.sums`] }))
  await db.sql(
    `SET SESSION binlog_format = STATEMENT; REPLACE INTO sums SELECT COUNT(*) FROM members; UPDATE sums SET id = 2 WHERE id = 0; DELETE FROM sums`,
  )
  await read.caughtUp()
  assert.deepEqual(stopped(read.journal), [])
  await db.sql('INSERT INTO more VALUES (1)')
  await read.caughtUp()
  assert.deepEqual(stopped(read.journal), ['members gap'])
})

for (const [sql, state, before = ''] of [
  ['ALTER TABLE members DROP COLUMN name, ADD COLUMN name varchar(50)', 'changed'],
  ['ALTER TABLE members DROP COLUMN name; ALTER TABLE members ADD COLUMN name varchar(50)', 'changed'],
  ["SET SESSION sql_mode = ''; ALTER TABLE members MODIFY name varchar(2)", 'gap'],
  ["SET SESSION sql_mode = ''; ALTER TABLE members CONVERT TO CHARACTER SET latin1", 'gap'],
  ['ALTER TABLE members MODIFY n decimal(6,1)', 'gap'],
  ['ALTER TABLE members MODIFY name varchar(50) AS (CONCAT(id, team)) STORED', 'gap'],
  ['ALTER IGNORE TABLE members ADD UNIQUE (team)', 'gap'],
  [
    'ALTER TABLE p EXCHANGE PARTITION p0 WITH TABLE members',
    'gap',
    `${members.replace('members', 'p')} PARTITION BY RANGE (id) (PARTITION p0 VALUES LESS THAN (9))`,
  ],
] as const)
  test(`values that a statement changes without a row in the log: ${sql}`, async () => {
    await using db = await legacy(server)
    await db.sql(`${members}; INSERT INTO members VALUES (1, 'jiří', 'a', 1.25), (2, 'eva', 'a', 2); ${before}`)
    await using read = await reading(db.source(['members']))
    const rows = await db.sql('SELECT id, name, n FROM members')
    await db.sql(sql)
    assert.notDeepEqual(await db.sql('SELECT id, name, n FROM members'), rows, 'else this shows nothing')
    await read.caughtUp()
    assert.deepEqual([stopped(read.journal), read.journal.changes.length], [[`members ${state}`], 0])
  })

test('a column that is dropped and made anew is told once, and its rows go on', async () => {
  await using db = await legacy(server)
  await db.sql(`${members}; INSERT INTO members VALUES (1, 'a', 'b', 1)`)
  await using read = await reading(db.source(['members']))
  await db.sql(`ALTER TABLE members DROP name; UPDATE members SET n = 2; UPDATE members SET n = 3;
    ALTER TABLE members ADD name varchar(50); UPDATE members SET name = 'new'`)
  await read.caughtUp()
  assert.deepEqual(stopped(read.journal), ['members changed'])
  assert.deepEqual(
    read.journal.changes.map((change) => told(change, 'name')),
    ['update ["1"]', 'update ["1"]', 'update ["1"] name=new'],
  )
})

test('a table that becomes system-versioned stops at once, and cannot be read again', async () => {
  await using db = await legacy(server)
  await db.sql(`${members}; INSERT INTO members VALUES (1, 'a', 'b', 1)`)
  await using read = await reading(db.source(['members']))
  await db.sql('ALTER TABLE members ADD SYSTEM VERSIONING; UPDATE members SET n = 2; DELETE FROM members')
  await read.caughtUp()
  assert.deepEqual([stopped(read.journal), read.journal.changes], [['members changed'], []])
  read.feed.snapshot({ table: 'members' })
  await read.caughtUp()
  assert.deepEqual([stopped(read.journal), read.journal.changes], [['members changed', 'members changed'], []])
})

test('CREATE OR REPLACE DATABASE drops the tables in it', async () => {
  await using db = await legacy(server)
  await db.sql(members)
  await using read = await reading(db.source(['members']))
  await db.sql(`CREATE OR REPLACE DATABASE ${db.name}`)
  await read.caughtUp()
  assert.deepEqual(stopped(read.journal), ['members changed'])
})
