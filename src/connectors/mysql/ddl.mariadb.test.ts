import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Mariadb, startMariadb } from '../../testing/mariadb.ts'
import { reading } from '../sql/reading.fake.ts'
import { type Legacy, legacy, readOnce, stopped, told } from './legacy.fake.ts'

let server: Mariadb
before(async () => {
  server = await startMariadb()
})
after(() => server.stop())

const members = 'CREATE TABLE members (id int PRIMARY KEY, first varchar(50), last varchar(50), n int)'

/** What comes of these statements, and which tables stop. With `away`, they run while nobody reads. */
async function run(db: Legacy, statements: string, away = false, tables = ['members']) {
  const journal = await readOnce(db, tables)
  if (away) {
    await db.sql(statements)
    await readOnce(db, tables, journal)
  } else {
    await using read = await reading(db.source(tables), journal)
    await db.sql(statements)
    await read.caughtUp()
  }
  return {
    journal,
    changes: journal.changes.map((change) => told(change, 'first', 'last', 'n')),
    stops: stopped(journal),
  }
}

for (const away of [false, true])
  test(`columns that come, move, swap and are widened, between writing and reading ${away ? '' : 'and live'}`, async () => {
    await using db = await legacy(server)
    await db.sql(members)
    const { changes, stops } = await run(
      db,
      `INSERT INTO members VALUES (1,'a','z',1); ALTER TABLE members ADD COLUMN extra text FIRST; INSERT INTO members VALUES ('e',2,'b','y',2);
       ALTER TABLE members MODIFY first varchar(60) AFTER last, MODIFY n bigint; INSERT INTO members VALUES ('e',3,'x','c',3);
       ALTER TABLE members ADD INDEX (n); UPDATE members SET n = 4 WHERE id = 3`,
      away,
    )
    assert.deepEqual(changes, [
      'create ["1"] first=a last=z n=1',
      'create ["2"] first=b last=y n=2',
      'create ["3"] first=c last=x n=3',
      'update ["3"] first=c last=x n=4',
    ])
    assert.deepEqual(stops, [])
  })

test('two columns of one type that change their names are read by their names; the change is told', async () => {
  await using db = await legacy(server)
  await db.sql(members)
  const { changes, stops } = await run(
    db,
    `INSERT INTO members VALUES (1,'a','z',1); ALTER TABLE members CHANGE first surname varchar(50), CHANGE last first varchar(50);
     INSERT INTO members VALUES (2,'y','b',2)`,
    true,
  )
  assert.deepEqual(changes, ['create ["1"] first=a last=z n=1', 'create ["2"] first=b n=2'])
  assert.deepEqual(stops, ['members changed'])
})

test('a needed column that is dropped or becomes another type stops the table; one that nobody needs does not', async () => {
  await using db = await legacy(server)
  await db.sql(`${members}; CREATE TABLE chapters (id int PRIMARY KEY, code varchar(10), note text)`)
  await using read = await reading(db.source([{ name: 'members', columns: ['first', 'n'] }, 'chapters']))
  await db.sql(`INSERT INTO members VALUES (1,'a','z',1); INSERT INTO chapters VALUES (1,'1','n');
    ALTER TABLE members DROP last; INSERT INTO members VALUES (2,'b',2)`)
  await read.caughtUp()
  assert.deepEqual(stopped(read.journal), [])
  await db.sql(`ALTER TABLE members DROP n; INSERT INTO members VALUES (3,'c');
    ALTER TABLE chapters MODIFY code int; INSERT INTO chapters VALUES (2,2,'n')`)
  await read.caughtUp()
  assert.deepEqual(stopped(read.journal), ['members changed', 'chapters changed'])
  const messages = read.journal.events.flatMap((event) => (event.kind === 'table' ? [event.failure.message] : []))
  assert.match(messages[0] ?? '', /column n is gone/)
  assert.match(messages[1] ?? '', /column code has another type/)
})

test('gh-ost and pt-online-schema-change swap in a copy: rows follow the name', async () => {
  await using db = await legacy(server)
  await db.sql(`${members}; INSERT INTO members VALUES (1,'a','z',1)`)
  const { changes, stops } = await run(
    db,
    `CREATE TABLE _members_gho LIKE members; ALTER TABLE _members_gho ADD COLUMN x int FIRST; INSERT INTO _members_gho SELECT 0, m.* FROM members m;
     RENAME TABLE members TO _members_del, _members_gho TO members; UPDATE members SET n = 2 WHERE id = 1;
     CREATE TABLE _members_new LIKE members; INSERT INTO _members_new SELECT * FROM members;
     RENAME TABLE members TO _members_old, _members_new TO members; DROP TABLE _members_old; UPDATE members SET n = 3 WHERE id = 1`,
    true,
  )
  assert.deepEqual([changes, stops], [['update ["1"] first=a last=z n=2', 'update ["1"] first=a last=z n=3'], []])
})

test('TRUNCATE, DROP, and a table that takes the place of another are told, at their place', async () => {
  await using db = await legacy(server)
  await db.sql(`${members}; CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (id int PRIMARY KEY)`)
  const { changes, stops, journal } = await run(
    db,
    `INSERT INTO members VALUES (1,'a','z',1); TRUNCATE members; INSERT INTO members VALUES (2,'b','y',2);
     DROP TABLE a; CREATE TABLE fresh (id int PRIMARY KEY); RENAME TABLE b TO b_old, fresh TO b; CREATE TABLE c (id int); DROP TABLE c`,
    false,
    ['members', 'a', 'b'],
  )
  assert.deepEqual(changes, ['create ["1"] first=a last=z n=1', 'create ["2"] first=b last=y n=2'])
  assert.deepEqual(stops, ['members truncated', 'a changed', 'b gap'])
  const kinds = journal.events.flatMap((event) => (event.kind === 'rows' || event.kind === 'table' ? [event.kind] : []))
  assert.deepEqual(kinds.slice(0, 3), ['rows', 'table', 'rows'])
})

test('a partition that is dropped or swapped takes rows away without a word in the log', async () => {
  await using db = await legacy(server)
  await db.sql(`CREATE TABLE members (id int PRIMARY KEY, n int) PARTITION BY RANGE (id)
    (PARTITION p0 VALUES LESS THAN (10), PARTITION p1 VALUES LESS THAN MAXVALUE); INSERT INTO members VALUES (1,1),(20,1)`)
  const { stops } = await run(db, 'ALTER TABLE members DROP PARTITION p0')
  assert.deepEqual(stops, ['members gap'])
})

test('DDL of tables that are not captured disturbs nothing, whatever it is', async () => {
  await using db = await legacy(server)
  await db.sql(members)
  const { changes, stops } = await run(
    db,
    `CREATE TABLE o (id int); ALTER TABLE o ADD x json, ADD CHECK (x <> 'members'); CREATE TABLE o2 AS SELECT * FROM members; TRUNCATE o;
     CREATE VIEW v AS SELECT * FROM members; CREATE TRIGGER g AFTER INSERT ON o FOR EACH ROW UPDATE members SET n = n + 1;
     INSERT INTO members VALUES (1,'a','z',1); INSERT INTO o VALUES (1, NULL); DROP TRIGGER g; DROP VIEW v; DROP TABLE o, o2; ANALYZE TABLE members;
     CREATE PROCEDURE p() UPDATE members SET n = n + 1; CALL p(); DROP PROCEDURE p; GRANT SELECT ON members TO ${db.name}@localhost IDENTIFIED BY 'x';
     DROP USER ${db.name}@localhost; CREATE DATABASE ${db.name}_2; DROP DATABASE ${db.name}_2`,
    true,
  )
  assert.deepEqual(stops, [])
  assert.deepEqual(changes, [
    'create ["1"] first=a last=z n=1',
    'update ["1"] first=a last=z n=2',
    'update ["1"] first=a last=z n=3',
  ])
})

test('without column names in the log, the table that is altered stops, and only that one', async () => {
  await using own = await startMariadb({ settings: { binlog_row_metadata: 'NO_LOG' } })
  await using db = await legacy(own)
  await db.sql(`${members}; CREATE TABLE chapters (id int PRIMARY KEY)`)
  const { changes, stops } = await run(
    db,
    `INSERT INTO members VALUES (1,'a','z',1); ALTER TABLE members CHANGE first surname varchar(50), CHANGE last first varchar(50);
     INSERT INTO members VALUES (2,'y','b',2); INSERT INTO chapters VALUES (7)`,
    false,
    ['members', 'chapters'],
  )
  assert.deepEqual(changes, ['create ["1"] first=a last=z n=1', 'create ["7"]'])
  assert.deepEqual(stops, ['members changed'])
})
