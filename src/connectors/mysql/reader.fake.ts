/** Reads by key, by value and in key order, proved on a server: the same for MariaDB and MySQL. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { type Key, keyOf } from '../../model/key.ts'
import { type Row, text } from '../../model/value.ts'
import type { Server } from '../../testing/mysql-server.ts'
import { type CatalogTable, readCatalog, tableName } from './catalog.ts'
import { fetchRows, fromTable, lookupRows, rangeSql, scanRows } from './reader.ts'
import { type Scratch, scratch } from './server.fake.ts'

async function tableOf({ link, name }: Scratch, table: string): Promise<CatalogTable> {
  const found = await readCatalog(link, [tableName(table, name)])
  return found.get(`${name}.${table}`) as CatalogTable
}

const key = (...parts: string[]): Key => JSON.stringify(parts) as Key
const ownKey = (table: CatalogTable, row: Row | null): Key | null => row && keyOf(table.key.map((name) => row[name]))
const numbers = (rows: readonly (Row | null)[], column = 'id') =>
  rows.map((row) => row && Number(text(row[column] ?? null)))

/** Every row of the table by pages of this size, in the order in which they came. */
async function scanned({ link }: Scratch, table: CatalogTable, rowsMax: number): Promise<Row[]> {
  const all: Row[] = []
  let after: string | null = null
  do {
    const page: { rows: Row[]; after: string | null } = await scanRows(link, table, after, rowsMax)
    all.push(...page.rows)
    assert.ok(all.length <= 500, 'the scan runs in a circle')
    after = page.after
  } while (after !== null)
  return all
}

/** One INSERT of the rows 1 to `count`. */
function insertMany(table: string, count: number, row: (i: number) => string): string {
  return `INSERT INTO ${table} VALUES ${Array.from({ length: count }, (_, i) => `(${row(i + 1)})`).join(', ')}`
}

/** Key columns of every type that can be one: declared, values in the order of the index, as SQL. */
const types: Readonly<Record<string, readonly [string, ...string[]]>> = {
  int: ['int', '-5', '0', '7'],
  'bigint unsigned': ['bigint unsigned', '0', '9223372036854775807', '18446744073709551615'],
  zerofill: ['int(6) unsigned zerofill', '1', '42', '4294967295'],
  decimal: ['decimal(30,10)', '-0.0000000001', '0', '12345678901234567890.0123456789'],
  float: ['float', '-1.5', '0.1', '3.4e38'],
  double: ['double', '-1e300', '0.1', '1e21'],
  bit1: ['bit(1)', '0', '1'],
  bit64: ['bit(64)', '1', '18446744073709551615'],
  year: ['year', '0', '1901', '2000', '2155'],
  date: ['date', "'0000-00-00'", "'1000-01-01'", "'9999-12-31'"],
  datetime: ['datetime(6)', "'0000-00-00'", "'2024-03-31 02:30:00.000001'", "'2024-03-31 02:30:00.000002'"],
  timestamp: ['timestamp(3)', "'1970-01-01 00:00:01'", "'2024-03-31 02:30:00.123'"],
  time: ['time(2)', "'-838:59:59'", "'-00:01:00'", "'25:00:00.01'"],
  binary: ['binary(4)', "X'00'", "X'01'", "X'01ff'", "X'ffffffff'"],
  varbinary: ['varbinary(8)', "X''", "X'00'", "X'0000'", "X'27'"],
  enum: ["enum('z','b,c','it''s')", "'z'", "'b,c'", "'it''s'"],
  set: ["set('z','a')", "''", "'z'", "'a'", "'z,a'"],
  varchar: ['varchar(20)', "''", "'Ärger'", "'back\\slash'", "'It''s'", "'日本'"],
  latin1: ['varchar(20) CHARACTER SET latin1', "'a'", "'z'", "'€ é'"],
  utf16: ['varchar(20) CHARACTER SET utf16', "'a'", "'é'", "'日本'"],
  'case-sensitive': ['varchar(20) COLLATE utf8mb4_bin', "'A'", "'B'", "'a'"],
}

/** Types as in `types` that only this server has. */
type MoreTypes = Readonly<Record<string, readonly [string, ...string[]]>>

/** A key of this type is found by its own text, and pages in the order of its index. */
async function keyCase(db: Scratch, type: string, values: readonly string[]): Promise<void> {
  await db.sql(
    `CREATE TABLE t (k ${type} NOT NULL, n int, PRIMARY KEY (k))`,
    `INSERT INTO t VALUES ${values.map((value, i) => `(${value}, ${i})`).join(', ')}`,
  )
  const table = await tableOf(db, 't')
  const expected = values.map((_, i) => i)
  for (const rowsMax of [1, 2, 100]) assert.deepEqual(numbers(await scanned(db, table, rowsMax), 'n'), expected)
  const rows = await scanned(db, table, 100)
  const own = rows.map((row) => ownKey(table, row)).filter((each) => each !== null)
  assert.deepEqual(
    (await fetchRows(db.link, table, own)).map((row) => ownKey(table, row)),
    own,
  )
  assert.equal(
    own.length + rows.filter((row) => (row['k'] as { kind?: string }).kind === 'invalid').length,
    values.length,
  )
  const found = await lookupRows(
    db.link,
    table,
    'k',
    rows.slice(-1).map((row) => row['k'] ?? null),
  )
  assert.deepEqual(numbers(found, 'n'), expected.slice(-1))
}

/** What every reader does. */
const cases: Readonly<Record<string, (db: Scratch) => Promise<void>>> = {
  async 'fetch answers one row a key in order, a thousand in one call, and not one more'(db) {
    await db.sql(
      'CREATE TABLE t (id int PRIMARY KEY, n text)',
      insertMany('t', 1_200, (i) => `${i}, 'n${i}'`),
    )
    const table = await tableOf(db, 't')
    const ids = Array.from({ length: 1_000 }, (_, i) => 1_100 - i)
    assert.deepEqual(
      numbers(
        await fetchRows(
          db.link,
          table,
          ids.map((id) => key(String(id))),
        ),
      ),
      ids,
    )
    const odd = [key('7'), key('7777'), key('abc'), key('7'), key('7; DROP TABLE t'), key('1e0'), key('1', '2')]
    assert.deepEqual(numbers(await fetchRows(db.link, table, odd)), [7, null, null, 7, null, null, null])
    assert.deepEqual(await fetchRows(db.link, table, []), [])
    await assert.rejects(
      fetchRows(
        db.link,
        table,
        [...ids, 1].map((id) => key(String(id))),
      ),
      RangeError,
    )
  },

  async 'what a collation holds equal is one row, and its key is the stored text'(db) {
    await db.sql(
      'CREATE TABLE t (k varchar(20) COLLATE utf8mb4_general_ci PRIMARY KEY, n int)',
      "INSERT INTO t VALUES ('Abc', 1), ('é ', 2), ('z', 3)",
    )
    const table = await tableOf(db, 't')
    const texts = ['Abc', 'abc', 'ABC ', 'é ', 'é', 'E', 'z', 'z ']
    const rows = await fetchRows(
      db.link,
      table,
      texts.map((each) => key(each)),
    )
    assert.deepEqual(numbers(rows, 'n'), [1, null, null, 2, null, null, 3, null])
    // A foreign key compares as the collation does: a child's `ABC` belongs to `Abc`.
    assert.deepEqual(numbers(await lookupRows(db.link, table, 'k', ['ABC', 'abc', 'e', 'y']), 'n').sort(), [1, 2])
    assert.deepEqual(numbers(await scanned(db, table, 1), 'n'), [1, 2, 3])
  },

  async 'texts that a column’s character set lacks match nothing'(db) {
    await db.sql(
      'CREATE TABLE t (k varchar(20) CHARACTER SET latin1 PRIMARY KEY, n int)',
      "INSERT INTO t VALUES ('?', 1), ('??', 2), ('é', 3)",
    )
    const table = await tableOf(db, 't')
    assert.deepEqual(numbers(await lookupRows(db.link, table, 'k', ['日本', '日', 'é', '👍']), 'n'), [3])
    assert.deepEqual(numbers(await fetchRows(db.link, table, [key('日本'), key('é')]), 'n'), [null, 3])
  },

  async 'lookup finds all rows by a column that is no key; quotes stay text, null equals nothing'(db) {
    await db.sql(
      'CREATE TABLE t (id int PRIMARY KEY, team varchar(40), at datetime, j json)',
      "INSERT INTO t VALUES (1,'red',NULL,NULL), (2,'o''x','2024-01-31',NULL), (3,'red',NULL,NULL), (4,'back\\',NULL,NULL), (5,NULL,NULL,NULL)",
    )
    const table = await tableOf(db, 't')
    const found = async (...values: string[]) => numbers(await lookupRows(db.link, table, 'team', values)).sort()
    assert.deepEqual(await found('red'), [1, 3])
    assert.deepEqual(await found("o'x", 'back\\'), [2, 4])
    assert.deepEqual(await found("red' OR '1'='1", "\\' OR 1=1 -- "), [])
    assert.deepEqual(await lookupRows(db.link, table, 'team', [null]), [])
    assert.deepEqual(
      numbers(await lookupRows(db.link, table, 'at', ['never', { kind: 'datetime', text: '2024-01-31 00:00:00' }])),
      [2],
    )
    assert.deepEqual(
      numbers(await lookupRows(db.link, table, 'id', ['3', 'x', { kind: 'decimal', text: '5' }])),
      [3, 5],
    )
    await assert.rejects(lookupRows(db.link, table, 'gone', ['a']), /SYNC-2009.*"gone"/)
  },

  async 'a day that does not exist fails no other value of the call'(db) {
    await db.sql('CREATE TABLE t (d date PRIMARY KEY)', "INSERT INTO t VALUES ('2024-02-29')")
    const table = await tableOf(db, 't')
    const days = ['2023-02-29', '2024-02-29', '2024-13-45']
    const rows = await fetchRows(
      db.link,
      table,
      days.map((day) => key(day)),
    )
    assert.deepEqual(
      rows.map((row) => ownKey(table, row)),
      [null, key('2024-02-29'), null],
    )
  },

  async 'composite keys are read and paged by the index, not by reading the table'(db) {
    await db.sql(
      "CREATE TABLE t (region enum('west','east') NOT NULL, name varchar(20) NOT NULL, no bigint NOT NULL, n int, PRIMARY KEY (name, no, region))",
      insertMany(
        't',
        300,
        (i) => `'${i % 2 === 1 ? 'west' : 'east'}', 'n${Math.floor(i / 7)}', ${Math.floor(i / 2) % 5}, ${i}`,
      ),
      'ANALYZE TABLE t',
    )
    const table = await tableOf(db, 't')
    const all = await scanned(db, table, 7)
    assert.equal(new Set(all.map((row) => ownKey(table, row))).size, 300)
    const order = 'SELECT n FROM t ORDER BY name, no, region'
    assert.deepEqual(
      numbers(all, 'n'),
      (await db.link.texts(order)).map(([n]) => Number(n)),
    )
    const keys = all.map((row) => ownKey(table, row) as Key)
    assert.deepEqual(numbers(await fetchRows(db.link, table, keys), 'n'), numbers(all, 'n'))
    const parts = (row: Row) => table.key.map((name) => text(row[name] ?? null))
    const resume = JSON.stringify(parts(all[290] as Row))
    const range = `SELECT n FROM ${fromTable(table)}${rangeSql(table, resume, 5)}`
    const [[plan] = []] = await db.link.texts(`EXPLAIN FORMAT=JSON ${range}`)
    // MySQL 9 says it in other words.
    assert.match(plan ?? '', /"access_type": "range"|"index_access_type": "index_range_scan"/)
    assert.match(plan ?? '', /"(key|index_name)": "PRIMARY"/)
    const until = JSON.stringify(parts(all[292] as Row))
    const between = await db.link.texts(`SELECT n FROM ${fromTable(table)}${rangeSql(table, resume, 50, until)}`)
    assert.deepEqual(
      between.map(([n]) => Number(n)),
      numbers(all.slice(291, 293), 'n'),
    )
  },
}

/** Runs it on the server that `start` gives; `skip`: why there is none. */
export async function readerSuite(
  start: () => Promise<Server>,
  skip: string | false,
  moreTypes: MoreTypes = {},
): Promise<void> {
  const server = skip === false ? await start() : null
  after(() => server?.stop())
  const run = (title: string, work: (db: Scratch) => Promise<void>) =>
    test(title, { skip }, async () => {
      await using db = await scratch(server as Server)
      await work(db)
    })
  for (const [title, work] of Object.entries(cases)) run(title, work)
  for (const [name, [type, ...values]] of Object.entries({ ...types, ...moreTypes }))
    run(`a key of type ${name} is found by its own text, and pages in the order of its index`, (db) =>
      keyCase(db, type, values),
    )
}
