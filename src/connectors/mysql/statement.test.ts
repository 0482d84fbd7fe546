import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CatalogColumn } from './catalog.ts'
import { effectsOf, type Names, type Said } from './ddl.ts'
import { tableOf } from './log.fake.ts'
import { statementOf, xidOf } from './statement.ts'

const names = (more: Partial<Names> = {}): Names => ({
  captured: new Set(['shop.members', 'shop.odd name']),
  foldsCase: false,
  named: true,
  hasGtids: true,
  needed: (table, name) => {
    const column = tableOf(table).columns.find((each) => each.name === name)
    const types: { [name: string]: string } = { fee: 'decimal(10,2)', since: 'datetime(3)', rate: 'double' }
    const type = types[name]
    return (
      column ??
      (type === undefined ? null : { ...(tableOf(table).columns[1] as CatalogColumn), name, columnType: type })
    )
  },
  openedAt: { file: 'binlog.000001', offset: 4n },
  listsDatabases: false,
  aside: new Set(['percona.checksums']),
  ...more,
})
const words: Said = { at: 'x:4', from: { file: 'binlog.000001', offset: 4n }, strict: true, databases: null }
const effects = (sql: string, more: Partial<Names> = {}, schema = 'shop', said: Partial<Said> = {}) =>
  effectsOf(statementOf(sql, schema), names(more), { ...words, ...said }).map(({ table, state }) => `${table} ${state}`)

test('words that begin and end transactions, in any form', () => {
  const kinds = ['BEGIN', 'begin', 'START TRANSACTION', '/* a */ COMMIT', 'ROLLBACK', 'rollback work'].map(
    (sql) => statementOf(sql, '').kind,
  )
  assert.deepEqual(kinds, ['begin', 'begin', 'begin', 'commit', 'rollback', 'rollback'])
  assert.deepEqual(statementOf('SAVEPOINT `a b`', ''), { kind: 'savepoint', name: 'a b' })
  for (const sql of ['ROLLBACK TO `a b`', 'rollback work to savepoint `a b`'])
    assert.deepEqual(statementOf(sql, ''), { kind: 'rollback-to', name: 'a b' })
})

test('the id of an XA transaction has one form, however it is written', () => {
  for (const text of ["X'61',X'62',3", "x'61', X'62', 3", "'a','b',3"]) assert.equal(xidOf(text), '61,62,3')
  assert.equal(xidOf("'a'"), '61,,1')
  assert.equal(xidOf("X'61',X'',1"), '61,,1')
  assert.deepEqual(statementOf("XA COMMIT X'61',X'62',3", ''), { kind: 'xa', verb: 'commit', xid: '61,62,3' })
  assert.deepEqual(statementOf("XA COMMIT 'a' ONE PHASE", ''), { kind: 'xa', verb: 'commit', xid: '61,,1' })
})

test('DML that was logged as a statement is a gap for every table that it can have reached: views, triggers and functions hide it', () => {
  const all = ['shop.members gap', 'shop.odd name gap']
  for (const sql of [
    'UPDATE members SET a = 1',
    'INSERT INTO elsewhere.x SELECT 1',
    'DELETE m FROM x JOIN `members` m',
    "UPDATE a_view SET a = 'members' -- members",
    'SELECT f(1)',
    'WITH n AS (SELECT 1) DELETE FROM x',
    "LOAD DATA INFILE 'x' REPLACE INTO TABLE members",
    'SET STATEMENT max_statement_time = 1 FOR UPDATE members SET a = 1',
    'ANALYZE UPDATE members SET a = 1',
    'ANALYZE FORMAT=JSON DELETE FROM members',
    'MERGE INTO members',
  ])
    assert.deepEqual(effects(sql), all, sql)
  for (const sql of [
    'SET PASSWORD FOR a = 1',
    'ANALYZE LOCAL TABLE members',
    'FLUSH TABLES',
    'GRANT UPDATE ON members TO a',
    '# Dum',
  ])
    assert.deepEqual(effects(sql), [], sql)
})

test('MySQL says which databases a statement used; of others nothing can have changed', () => {
  const used = (databases: string[], more: Partial<Names> = {}) =>
    effects('UPDATE x SET a = 1', { captured: new Set(['shop.members', 'club.chapters']), ...more }, 'shop', {
      databases,
    })
  assert.deepEqual(used(['club', 'other']), ['club.chapters gap'])
  assert.deepEqual(used(['other']), [])
  assert.deepEqual(used(['Club']), [])
  assert.deepEqual(used(['Club'], { foldsCase: true }), ['club.chapters gap'])
  const emptied = (sql: string) => effects(sql, { listsDatabases: true })
  assert.deepEqual(
    emptied('DELETE FROM `shop`.`members`'),
    ['shop.members truncated'],
    'a table in memory, after a restart',
  )
  assert.deepEqual(emptied('DELETE FROM `shop`.`other`'), [])
})

test('tables that the configuration sets aside may be changed by statements, and they alone', () => {
  for (const sql of [
    "REPLACE INTO `percona`.`checksums` (db) SELECT 'x' FROM members",
    'update percona.checksums set a = (SELECT COUNT(*) FROM members) where b = 1',
    'DELETE FROM percona.checksums WHERE db = 1',
    'INSERT LOW_PRIORITY IGNORE checksums VALUES (1)',
  ])
    assert.deepEqual(effects(sql, {}, 'percona'), [], sql)
  for (const sql of [
    'UPDATE percona.checksums, members SET members.a = 1',
    'DELETE members FROM percona.checksums JOIN members',
    'DELETE FROM percona.checksums, members USING percona.checksums JOIN members',
  ])
    assert.equal(effects(sql).length, 2, sql)
})

test('an ALTER that can have changed values stops the table; one that cannot does not', () => {
  const gap = ['shop.members gap']
  const alter = (clauses: string, said: Partial<Said> = {}) =>
    effects(`ALTER TABLE members ${clauses}`, {}, 'shop', said)
  for (const clauses of [
    'MODIFY name varchar(200) AFTER team, MODIFY id bigint, ADD INDEX (name)',
    "CHANGE COLUMN name name text NOT NULL COMMENT 'AS (id)'",
    'MODIFY fee decimal(12,4) DEFAULT (1 AS x), MODIFY since datetime(6)',
    'CONVERT TO CHARACTER SET utf8mb4',
    'MODIFY nobody_needs_it decimal(2,0)',
    "ALTER COLUMN name SET DEFAULT 'x', RENAME COLUMN team TO club, DROP INDEX name, DROP PRIMARY KEY, DROP COLUMN IF EXISTS other",
  ])
    assert.deepEqual(alter(clauses), [], clauses)
  for (const clauses of [
    'MODIFY fee decimal(10,1)',
    'MODIFY fee int',
    'MODIFY rate float',
    'CHANGE since since datetime NOT NULL',
    'MODIFY name varchar(50) AS (CONCAT(id, team)) STORED',
    'ADD COLUMN x int, MODIFY COLUMN team varchar(5) GENERATED ALWAYS AS (name)',
  ])
    assert.deepEqual(alter(clauses), gap, clauses)
  for (const clauses of ['MODIFY name varchar(2)', 'CONVERT TO CHARACTER SET latin1'])
    assert.deepEqual(alter(clauses, { strict: false }), gap, `without strict mode: ${clauses}`)
  const early = { from: { file: 'binlog.000001', offset: 3n } }
  assert.deepEqual(
    alter('MODIFY fee decimal(12,4)', early),
    gap,
    'the catalog was read later: it had more digits, perhaps',
  )
  assert.deepEqual(alter('MODIFY id bigint', early), [])
  assert.deepEqual(effects('ALTER IGNORE TABLE members ADD UNIQUE (name)'), gap, 'rows of one name went away')
  assert.deepEqual(effects('SET STATEMENT lock_wait_timeout=1 FOR ALTER TABLE members DROP name'), [
    'shop.members changed',
  ])
  assert.deepEqual(alter('DROP COLUMN name, ADD COLUMN name varchar(100)'), ['shop.members changed'])
  assert.deepEqual(alter('DROP `name`'), ['shop.members changed'])
  assert.deepEqual(alter('ADD SYSTEM VERSIONING'), ['shop.members changed'])
  assert.deepEqual(
    effects('ALTER TABLE x EXCHANGE PARTITION p WITH TABLE shop.members WITHOUT VALIDATION', {}, 'other'),
    gap,
  )
  assert.deepEqual(effects('ALTER TABLE x CONVERT TABLE members TO PARTITION p VALUES LESS THAN (9)'), gap)
})

test('TRUNCATE, DROP, RENAME and ALTER of captured tables, and of those alone', () => {
  const cases: readonly (readonly [string, ...string[]])[] = [
    ['TRUNCATE members', 'shop.members truncated'],
    ['/* by */ truncate table `shop`.`members`', 'shop.members truncated'],
    ['TRUNCATE other'],
    ['DROP TABLE IF EXISTS a, `members` /* generated by server */', 'shop.members changed'],
    ['DROP TEMPORARY TABLE members'],
    ['DROP DATABASE shop', 'shop.members changed', 'shop.odd name changed'],
    ['DROP SCHEMA IF EXISTS other'],
    ['CREATE OR REPLACE TABLE members (id int)', 'shop.members gap'],
    ['CREATE OR REPLACE DATABASE shop', 'shop.members changed', 'shop.odd name changed'],
    ['CREATE OR REPLACE TEMPORARY TABLE members (id int)'],
    ['CREATE TABLE IF NOT EXISTS members (id int)'],
    ['ALTER TABLE members ADD COLUMN `drop partition` int'],
    ['ALTER ONLINE TABLE members RENAME COLUMN a TO b, RENAME INDEX c TO d'],
    ['ALTER TABLE members DROP PARTITION p1', 'shop.members gap'],
    ['ALTER TABLE members EXCHANGE PARTITION p1 WITH TABLE x', 'shop.members gap'],
    ['ALTER TABLE members RENAME TO gone', 'shop.members changed'],
    ['ALTER TABLE x RENAME members', 'shop.members gap'],
    ['ALTER TABLE x ADD COLUMN members int'],
    ['RENAME TABLE members TO gone', 'shop.members changed'],
    ['RENAME TABLE members TO old, fresh TO members', 'shop.members gap'],
    ['RENAME TABLE a TO b, b TO members', 'shop.members gap'],
    ['CREATE VIEW v AS SELECT * FROM members'],
    ['ANALYZE TABLE members'],
  ]
  for (const [sql, ...expected] of cases) assert.deepEqual(effects(sql), expected, sql)
})

test('tools that swap in a copy with the same rows are followed', () => {
  const ghost =
    'rename /* gh-ost */ table `shop`.`members` to `shop`.`_members_del`, `shop`.`_members_gho` to `shop`.`members`'
  const percona = 'RENAME TABLE `shop`.`members` TO `shop`.`_members_old`, `shop`.`_members_new` TO `shop`.`members`'
  for (const sql of [ghost, percona, 'RENAME TABLE members TO x, __members_new TO members']) {
    assert.deepEqual(effects(sql), [])
    assert.deepEqual(effects(sql, { named: false }), ['shop.members changed'], 'its columns may have moved')
  }
  assert.deepEqual(effects('RENAME TABLE members TO a, other._members_gho TO members'), ['shop.members gap'])
})

test('without column names in the log, every ALTER stops the table', () => {
  assert.deepEqual(effects('ALTER TABLE members ADD COLUMN x int', { named: false }), ['shop.members changed'])
  assert.deepEqual(effects('ALTER TABLE other ADD COLUMN x int', { named: false }), [])
})

test('executable comments are read, others are not; letters fold where the server folds them', () => {
  assert.deepEqual(effects('/*!50003 TRUNCATE TABLE members */'), ['shop.members truncated'])
  assert.deepEqual(effects('TRUNCATE /*!M100100 x */ TABLE members'), [])
  assert.deepEqual(effects('TRUNCATE TABLE "members"'), ['shop.members truncated'], 'ANSI_QUOTES')
  assert.deepEqual(effects('TRUNCATE # members\n other'), [])
  assert.deepEqual(effects('TRUNCATE Members'), [])
  assert.deepEqual(effects('TRUNCATE Members', { foldsCase: true }), ['shop.members truncated'])
})

test('any text can be looked at', () => {
  for (const sql of [
    '',
    '`',
    "'",
    '/*',
    '/*!',
    '"',
    'RENAME TABLE a TO',
    'ALTER TABLE',
    'DROP',
    "XA COMMIT '",
    '\u0000',
  ])
    assert.doesNotThrow(() => effects(sql), sql)
})
