import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { startMariadb, withoutMariadb } from '../../testing/mariadb.ts'
import { type CatalogColumn, type CatalogTable, labelsOf, readCatalog, tableName } from './catalog.ts'
import { serverOf } from './client.ts'
import { logsCascades, readCascades } from './foreign-keys.ts'
import { type Scratch, scratch } from './server.fake.ts'

const skip = await withoutMariadb()
const server = skip === false ? await startMariadb() : null
after(() => server?.stop())
const newScratch = () => scratch(server as { url: string })

async function only({ link, name }: Scratch, table: string): Promise<CatalogTable> {
  const found = await readCatalog(link, [tableName(`${name}.${table}`, '')])
  return found.get(`${name}.${table}`) as CatalogTable
}

const facts = ({ name, dataType, unsigned, nullable, charset, fraction, length, generated, visible }: CatalogColumn) =>
  [name, dataType, unsigned, nullable, charset, fraction, length, generated, visible]
    .map((each) => each ?? '-')
    .join(' ')

test('columns as the log carries them: hidden, generated, with their lengths and character sets', {
  skip,
}, async () => {
  await using db = await newScratch()
  await db.sql(`CREATE TABLE t (
    id bigint unsigned NOT NULL PRIMARY KEY, v int AS (id + 1) VIRTUAL, s int AS (id + 2) STORED, hidden int INVISIBLE,
    b bit(5), bin binary(4), at datetime(3), t time(6), ts timestamp NOT NULL, u uuid, old text CHARACTER SET latin1, raw blob,
    e enum('unsigned','x') NOT NULL)`)
  const table = await only(db, 't')
  assert.deepEqual(table.columns.map(facts), [
    'id bigint true false - - - no true',
    'v int false true - - - virtual true',
    's int false true - - - stored true',
    'hidden int false true - - - no false',
    'b bit false true - - 5 no true',
    'bin binary false true - - 4 no true',
    'at datetime false true - 3 - no true',
    't time false true - 6 - no true',
    'ts timestamp false false - 0 - no true',
    'u uuid false true - - - no true',
    'old text false true latin1 - - no true',
    'raw blob false true - - - no true',
    'e enum false false utf8mb4 - - no true',
  ])
  assert.deepEqual(
    [table.engine, table.type, table.partitioned, table.full],
    ['InnoDB', 'BASE TABLE', false, `${db.name}.t`],
  )
  assert.equal(table.columns[10]?.collation, 'latin1_swedish_ci')
})

test('labels of ENUM and SET are those that were declared, whatever is in them', { skip }, async () => {
  const labels = [
    'a',
    'b,c',
    "it's",
    'back\\slash',
    'new\nline',
    'q"q',
    'é',
    'zero\0x',
    'cr\rx',
    'tab\tx',
    '100\\%',
    ')',
    '',
  ]
  const declared = labels.map((label) => `'${label.replaceAll("'", "''")}'`).join(',')
  await using db = await newScratch()
  for (const mode of ['NO_BACKSLASH_ESCAPES', 'NO_BACKSLASH_ESCAPES,ANSI_QUOTES'])
    await db.sql(
      `SET sql_mode = '${mode}'`,
      'DROP TABLE IF EXISTS t',
      `CREATE TABLE t (id int PRIMARY KEY, e enum(${declared}), s set('x','y z'))`,
    )
  const { columns } = await only(db, 't')
  assert.deepEqual(columns[1]?.members, labels)
  assert.deepEqual(columns[2]?.members, ['x', 'y z'])
  assert.equal(columns[0]?.members, null)
  assert.deepEqual(labelsOf("enum('it''s','\\\\')"), ["it's", '\\'])
})

test('JSON is a LONGTEXT with its own check, and no other', { skip }, async () => {
  await using db = await newScratch()
  await db.sql(
    'CREATE TABLE t (id int PRIMARY KEY, j json, `odd``name` json, l longtext, c longtext CHECK (length(c) > 1 AND json_valid(c)), m mediumtext CHECK (json_valid(m)))',
  )
  const { columns } = await only(db, 't')
  assert.deepEqual(
    columns.filter((column) => column.json).map(({ name }) => name),
    ['j', 'odd`name'],
  )
})

test('the key: the primary one in its order, else the only unique one that holds for every row', { skip }, async () => {
  await using db = await newScratch()
  await db.sql(
    'CREATE TABLE composite (a int, b int, c int, PRIMARY KEY (c, a))',
    'CREATE TABLE lone (a int NOT NULL, b int, UNIQUE two (b), UNIQUE one (a))',
    'CREATE TABLE rivals (a int NOT NULL, b int NOT NULL, UNIQUE one (a), UNIQUE two (b))',
    'CREATE TABLE nullable (a int, UNIQUE one (a))',
    'CREATE TABLE parts (a int PRIMARY KEY) PARTITION BY HASH (a) PARTITIONS 3',
    'CREATE VIEW v AS SELECT 1 AS a',
    'CREATE TABLE versioned (a int PRIMARY KEY) WITH SYSTEM VERSIONING',
    'CREATE TABLE `Odd.table``s` (`Key one` int PRIMARY KEY) ENGINE=MyISAM',
  )
  const keys = async (name: string) => (await only(db, name)).key
  assert.deepEqual(await keys('composite'), ['c', 'a'])
  assert.deepEqual(await keys('lone'), ['a'])
  assert.deepEqual((await only(db, 'rivals')).rivals, ['one', 'two'])
  assert.deepEqual([await keys('rivals'), await keys('nullable')], [[], []])
  assert.equal((await only(db, 'parts')).partitioned, true)
  assert.equal((await only(db, 'v')).type, 'VIEW')
  assert.equal((await only(db, 'versioned')).type, 'SYSTEM VERSIONED')
  const odd = await only(db, 'Odd.table`s')
  assert.deepEqual([odd.key, odd.engine, odd.name], [['Key one'], 'MyISAM', 'Odd.table`s'])
  const missing = await readCatalog(db.link, [tableName('COMPOSITE', db.name), tableName('none', db.name)])
  assert.equal(missing.size, 0, 'names are taken as they are written')
})

test('a name without a database is meant in the one of the address', () => {
  assert.deepEqual(tableName('members', 'crm'), { schema: 'crm', table: 'members', full: 'crm.members' })
  assert.deepEqual(tableName('other.members', 'crm'), { schema: 'other', table: 'members', full: 'other.members' })
})

test('foreign keys that change rows unseen are found through any depth, also by a user who may only SELECT', {
  skip,
}, async () => {
  await using db = await newScratch()
  await db.sql(
    'CREATE TABLE grand (id int PRIMARY KEY)',
    'CREATE TABLE parent (a int, b int, g int, PRIMARY KEY (a, b), CONSTRAINT up FOREIGN KEY (g) REFERENCES grand (id) ON DELETE SET NULL)',
    "CREATE TABLE child (id int PRIMARY KEY, y int, x int COMMENT 'REFERENCES `x` ON DELETE CASCADE', self int, plain int, CONSTRAINT both_ways FOREIGN KEY (x, y) REFERENCES parent (a, b) ON DELETE CASCADE ON UPDATE CASCADE, CONSTRAINT tree FOREIGN KEY (self) REFERENCES child (id) ON DELETE CASCADE, CONSTRAINT harmless FOREIGN KEY (plain) REFERENCES grand (id) ON UPDATE RESTRICT)",
    'CREATE TABLE apart (id int PRIMARY KEY, c int, FOREIGN KEY (c) REFERENCES child (id) ON DELETE CASCADE)',
    `CREATE USER reader@'%' IDENTIFIED BY 'reader'`,
    `GRANT SELECT ON ${db.name}.child TO reader@'%'`,
    `GRANT SELECT ON ${db.name}.parent TO reader@'%'`,
  )
  const told = (edges: Awaited<ReturnType<typeof readCascades>>) =>
    edges
      .map((edge) => {
        const [parent, child] = [edge.parent, edge.child].map(({ table }) => table)
        const mark = edge.hidden ? ' hidden' : ''
        return `${parent}(${edge.parentColumns}) ${edge.onDelete}/${edge.onUpdate} ${child}(${edge.childColumns})${mark}`
      })
      .sort()
  const tables = [await only(db, 'child')]
  const all = [
    'child(id) CASCADE/NO ACTION child(self)',
    'grand(id) SET NULL/NO ACTION parent(g)',
    'parent(a,b) CASCADE/CASCADE child(x,y)',
  ]
  assert.deepEqual(told(await readCascades(db.link, tables)), all)
  const reader = await db.connect('reader')
  try {
    const seen = told(await readCascades(reader, tables))
    assert.deepEqual(seen, [all[0], `${all[1]} hidden`, all[2]])
  } finally {
    await db.sql('DROP USER reader')
  }
  assert.deepEqual(await readCascades(db.link, [await only(db, 'grand')]), [])
  assert.equal(await logsCascades(db.link), false)
})

test('a circle of foreign keys is walked once', { skip }, async () => {
  await using db = await newScratch()
  await db.sql(
    'CREATE TABLE a (id int PRIMARY KEY, b int)',
    'CREATE TABLE b (id int PRIMARY KEY, a int, FOREIGN KEY (a) REFERENCES a (id) ON DELETE CASCADE)',
    'ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES b (id) ON DELETE CASCADE',
  )
  const edges = await readCascades(db.link, [await only(db, 'a')])
  assert.deepEqual(edges.map(({ parent, child }) => `${parent.table}>${child.table}`).sort(), ['a>b', 'b>a'])
  await db.sql('ALTER TABLE a DROP FOREIGN KEY a_ibfk_1')
})

test('versions are read from what servers call themselves', () => {
  const read = (text: string) => {
    const { flavour, version } = serverOf(text)
    return `${flavour} ${version.join('.')}`
  }
  assert.equal(read('5.5.5-10.6.12-MariaDB-log'), 'mariadb 10.6.12')
  assert.equal(read('8.0.36-28'), 'mysql 8.0.36')
  assert.equal(read('8.0.mysql_aurora.3.04.0'), 'mysql 8.0.0')
  assert.throws(() => serverOf('5.7.25-TiDB-v7.1.0'), /SYNC-2006/)
  assert.throws(() => serverOf('something'), /SYNC-2006/)
})
