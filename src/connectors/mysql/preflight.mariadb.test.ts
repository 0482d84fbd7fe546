import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { type Problem, SyncError } from '../../model/failure.ts'
import { type Mariadb, startMariadb, withoutMariadb } from '../../testing/mariadb.ts'
import { type CatalogTable, readCatalog, tableName } from './catalog.ts'
import type { Link } from './client.ts'
import { settingsOf } from './options.ts'
import { checkAll, checkServer, tableProblems } from './preflight.ts'
import { setting } from './preflight-server.ts'
import { type Scratch, scratch } from './server.fake.ts'

const skip = await withoutMariadb()
const server = skip === false ? await startMariadb({ existing: null }) : null
after(() => server?.stop())
const newScratch = () => scratch(server as Mariadb)

/** Every problem as `level code message | hint`, for these tables as this link's user sees them. */
async function problems(
  { link, name }: Pick<Scratch, 'link' | 'name'>,
  tables: readonly (string | { name: string; columns?: string[] })[] = [],
  serverId?: number,
): Promise<string[]> {
  const needs = tables.map((table) => (typeof table === 'string' ? { name: table } : table))
  const names = needs.map((need) => tableName(need.name, name))
  const settings = settingsOf({ name: 'legacy', url: 'mysql://u@h/x', ...(serverId === undefined ? {} : { serverId }) })
  return (await checkAll(settings, link, await readCatalog(link, names), names, needs)).map(told)
}

const told = ({ level, failure }: Problem) => `${level} ${failure.code} ${failure.message} | ${failure.hint}`

/** The only problem there is. */
async function only(...asked: Parameters<typeof problems>): Promise<string> {
  const all = await problems(...asked)
  assert.equal(all.length, 1, all.join('\n'))
  return all[0] as string
}

test('nothing is wrong with a server that is set up well, also for a user with no more than the named rights', {
  skip,
}, async () => {
  await using db = await newScratch()
  await db.sql(
    'CREATE TABLE t (id int PRIMARY KEY)',
    "CREATE USER least@'%' IDENTIFIED BY 'least'",
    "GRANT REPLICATION SLAVE, BINLOG MONITOR ON *.* TO least@'%'",
    `GRANT SELECT ON ${db.name}.* TO least@'%'`,
  )
  try {
    assert.deepEqual(await problems(db, ['t']), [])
    assert.deepEqual(await problems({ name: db.name, link: await db.connect('least') }, ['t']), [])
    await checkServer(db.link)
  } finally {
    await db.sql("DROP USER least@'%'")
  }
})

/** Global variables set wrongly: what has to be said, and the statement that mends it. */
const wrongVariables: readonly [name: string, value: string, said: RegExp][] = [
  [
    'binlog_format',
    "'MIXED'",
    /^error SYNC-2007 binlog_format is "MIXED".* \| SET GLOBAL binlog_format = ROW; and in my\.cnf/,
  ],
  ['binlog_format', "'STATEMENT'", /^error SYNC-2007 binlog_format is "STATEMENT"/],
  [
    'binlog_row_image',
    "'MINIMAL'",
    /^warning SYNC-2027 binlog_row_image is "MINIMAL".* SET GLOBAL binlog_row_image = FULL;/,
  ],
  ['binlog_row_image', "'NOBLOB'", /^warning SYNC-2027 binlog_row_image is "NOBLOB"/],
  [
    'binlog_row_metadata',
    "'NO_LOG'",
    /^warning SYNC-2027 binlog_row_metadata is "NO_LOG".* SET GLOBAL binlog_row_metadata = FULL;/,
  ],
  ['gtid_strict_mode', '0', /^warning SYNC-2027 gtid_strict_mode is off.* SET GLOBAL gtid_strict_mode = ON;/],
  [
    'binlog_expire_logs_seconds',
    '9000',
    /^warning SYNC-2027 The server keeps its log for 2\.5 hours \(binlog_expire_logs_seconds\).* SET GLOBAL binlog_expire_logs_seconds = 604800;/,
  ],
]

for (const [name, value, said] of wrongVariables)
  test(`${name} = ${value} is found, with the statement that mends it`, { skip }, async () => {
    await using db = await newScratch()
    const before = (await db.link.texts(`SELECT @@global.${name}`))[0]?.[0]
    await db.sql(`SET GLOBAL ${name} = ${value}`)
    try {
      const problem = await only(db)
      assert.match(problem, said)
      const check = checkServer(db.link)
      await (problem.startsWith('error') ? assert.rejects(check, SyncError) : check)
    } finally {
      await db.sql(`SET GLOBAL ${name} = ${/^\d+$/.test(before ?? '') ? before : `'${before}'`}`)
    }
    assert.deepEqual(await problems(db), [])
  })

test('variables are mended for good in one statement on MySQL 8', () => {
  const mysql8 = { flavour: 'mysql', text: '8.0.36', version: [8, 0, 36] } as const
  assert.equal(setting(mysql8, 'binlog_row_metadata', 'FULL'), 'SET PERSIST binlog_row_metadata = FULL;')
})

test('a server without a log, and databases that are kept out of it', { skip }, async () => {
  await using own = await startMariadb({ existing: null, settings: { skip_log_bin: '1' } })
  await using without = await scratch(own)
  assert.match(
    (await problems(without)).join(),
    /^error SYNC-2007 .*log_bin is off.* \| In my\.cnf under \[mysqld\]: log_bin/,
  )
  await own.restart({ skip_log_bin: '0', binlog_ignore_db: 'secret', max_binlog_size: '4096' })
  await using db = await scratch(own)
  await db.sql(
    'CREATE DATABASE secret',
    'CREATE TABLE secret.t (id int PRIMARY KEY)',
    'CREATE TABLE t (id int PRIMARY KEY)',
  )
  assert.match(
    await only(db, ['t', 'secret.t']),
    /^error SYNC-2007 Changes in the database secret .*binlog_ignore_db\).*Remove from my\.cnf: binlog_ignore_db = secret/,
  )
  await own.restart({ binlog_ignore_db: '', binlog_do_db: 'secret' })
  await using again = await scratch(own)
  await again.sql('CREATE TABLE t (id int PRIMARY KEY)')
  assert.match(
    await only(again, ['t', 'secret.t']),
    new RegExp(`^error SYNC-2007 Changes in the database ${again.name} .*binlog_do_db = ${again.name}`),
  )
})

test('rights that are missing are named with the GRANT that gives them; a role counts', { skip }, async () => {
  await using db = await newScratch()
  await db.sql(
    'CREATE TABLE t (id int PRIMARY KEY, a int, b int)',
    'CREATE TABLE unseen (id int PRIMARY KEY)',
    "CREATE USER poor@'%' IDENTIFIED BY 'poor'",
    `GRANT SELECT (id, a) ON ${db.name}.t TO poor@'%'`,
    'CREATE ROLE may_read',
    'GRANT REPLICATION SLAVE, BINLOG MONITOR ON *.* TO may_read',
  )
  try {
    const poor = { name: db.name, link: await db.connect('poor') }
    const all = await problems(poor, ['t', 'unseen'])
    assert.deepEqual(all, [
      "error SYNC-2008 The user 'poor'@'%' may not read the log (REPLICATION SLAVE, BINLOG MONITOR). | GRANT REPLICATION SLAVE, BINLOG MONITOR ON *.* TO 'poor'@'%';",
      `error SYNC-2009 There is no table ${db.name}.unseen, or this user may not see it. | Mend the name in syncline.yaml, or: GRANT SELECT ON \`${db.name}\`.\`unseen\` TO 'poor'@'%';`,
      `error SYNC-2008 The user 'poor'@'%' may not read all of ${db.name}.t. | GRANT SELECT ON \`${db.name}\`.\`t\` TO 'poor'@'%';`,
    ])
    for (const problem of all) await db.sql(/ \| .*?(GRANT [^;]+);$/.exec(problem)?.[1] as string)
    assert.deepEqual(await problems({ name: db.name, link: await db.connect('poor') }, ['t', 'unseen']), [])
    await db.sql("REVOKE REPLICATION SLAVE, BINLOG MONITOR ON *.* FROM poor@'%'", "GRANT may_read TO poor@'%'")
    await db.sql("SET DEFAULT ROLE may_read FOR poor@'%'")
    assert.deepEqual(await problems({ name: db.name, link: await db.connect('poor') }, ['t', 'unseen']), [])
  } finally {
    await db.sql("DROP USER poor@'%'", 'DROP ROLE may_read')
  }
})

test('a number that somebody reads under is told', { skip }, async () => {
  await using db = await newScratch()
  assert.match(await only(db, [], 1), /^error SYNC-2001 serverId 1 is the number of the server itself/)
  assert.deepEqual(await problems(db, [], 4_242), [])
  await register(await db.connect(), 4_242)
  assert.match(await only(db, [], 4_242), /^warning SYNC-2033 A reader with our number 4242 is connected/)
  assert.deepEqual(await problems(db, [], 4_243), [])
})

/** COM_REGISTER_SLAVE: the server lists this connection among its readers. */
function register(link: Link, serverId: number): Promise<void> {
  const bytes = Buffer.alloc(18)
  bytes.writeUInt8(0x15, 0)
  bytes.writeUInt32LE(serverId, 1)
  return link.exchange(bytes, () => true)
}

test('a replica that does not log what it receives is refused', { skip }, async () => {
  await using replica = await startMariadb({ existing: null, settings: { server_id: '2' } })
  await using db = await scratch(replica)
  const { port, url } = server as Mariadb
  const { password } = new URL(url)
  await db.sql(
    `CHANGE MASTER TO master_host='127.0.0.1', master_port=${port}, master_user='root', master_password='${password}'`,
    'START SLAVE',
  )
  try {
    assert.match(await only(db), /^error SYNC-2023 This server is a replica and does not log .*log_slave_updates = ON/)
    await replica.restart({ log_slave_updates: 'ON', skip_slave_start: '0' })
    await using again = await scratch(replica)
    assert.equal((await again.link.texts("SHOW GLOBAL STATUS LIKE 'Slaves_running'"))[0]?.[1], '1')
    assert.deepEqual(await problems(again), [])
  } finally {
    await replica.stop()
  }
})

test('tables that cannot be captured, and what can hurt later', { skip }, async () => {
  await using db = await newScratch()
  await db.sql(
    'CREATE TABLE no_key (a int)',
    'CREATE TABLE rivals (a int NOT NULL UNIQUE, b int NOT NULL UNIQUE)',
    'CREATE TABLE computed (id int NOT NULL, a int AS (id * 10) STORED, b int AS (id + 1) VIRTUAL, UNIQUE (a), UNIQUE (id, b))',
    'CREATE VIEW v AS SELECT 1 AS id',
    'CREATE TABLE past (id int PRIMARY KEY) WITH SYSTEM VERSIONING',
    'CREATE TABLE old (id int PRIMARY KEY) ENGINE=MyISAM',
    'CREATE TABLE parts (id int PRIMARY KEY) PARTITION BY HASH (id) PARTITIONS 2',
    'CREATE TABLE t (id int PRIMARY KEY)',
    'CREATE TABLE other_case (id int PRIMARY KEY)',
  )
  const said = async (table: string) =>
    (await only(db, [table])).replaceAll(`${db.name}.`, '').replaceAll(`\`${db.name}\`.`, '')
  assert.match(
    await said('no_key'),
    /^error SYNC-2010 Table no_key has no primary key.*ALTER TABLE `no_key` ADD COLUMN/,
  )
  assert.match(await said('rivals'), /^error SYNC-2010 Table rivals .*\(a, b\).*ADD PRIMARY KEY/)
  // A column that MariaDB computes is nullable and in no primary key: 11.8 does not log it with an update.
  assert.match(await said('computed'), /^error SYNC-2010 Table computed has no primary key/)
  assert.match(await said('v'), /^error SYNC-2012 v is a view/)
  assert.match(await said('past'), /^error SYNC-2012 past is system-versioned/)
  assert.match(await said('old'), /^warning SYNC-2027 old has the engine MyISAM.*ALTER TABLE `old` ENGINE = InnoDB;/)
  assert.match(await said('parts'), /^warning SYNC-2027 parts is partitioned/)
  assert.match(await said('mysql.global_priv'), /^error SYNC-2012 mysql\.global_priv belongs to the server itself/)
  assert.match(
    await said('Other_Case'),
    /^error SYNC-2009 There is no table Other_Case.* \| The server calls it other_case;/,
  )
  assert.match(await only(db, [{ name: 't', columns: ['id', 'gone'] }]), /^error SYNC-2009 .*no column "gone"/)
})

test('a column that nobody can read stops the table only where it is needed', () => {
  const column = {
    unsigned: false,
    nullable: true,
    charset: null,
    collation: null,
    members: null,
    fraction: null,
    length: null,
    json: false,
    generated: 'no',
    visible: true,
  } as const
  const table: CatalogTable = {
    schema: 'crm',
    name: 't',
    full: 'crm.t',
    columns: [
      { ...column, name: 'id', dataType: 'int', columnType: 'int' },
      { ...column, name: 'odd', dataType: 'quaternion', columnType: 'quaternion(4)' },
    ],
    key: ['id'],
    engine: 'InnoDB',
    rowsEstimated: 0,
    partitioned: false,
  }
  assert.match(tableProblems(table).map(told).join(), /^error SYNC-2012 Table crm\.t: .*odd.*quaternion/)
  assert.deepEqual(tableProblems(table, ['id']), [])
  assert.equal(tableProblems(table, ['odd']).length, 1)
  assert.match(
    tableProblems({ ...table, engine: 'FEDERATED' })
      .map(told)
      .join(),
    /^error SYNC-2012 crm\.t has the engine FEDERATED/,
  )
})

test('foreign keys that change rows unseen are nothing to worry about, unless their parents may not be seen', {
  skip,
}, async () => {
  await using db = await newScratch()
  await db.sql(
    'CREATE TABLE parent (id int PRIMARY KEY)',
    'CREATE TABLE child (id int PRIMARY KEY, pid int, CONSTRAINT belongs FOREIGN KEY (pid) REFERENCES parent (id) ON DELETE CASCADE ON UPDATE SET NULL)',
    "CREATE USER half@'%' IDENTIFIED BY 'half'",
    "GRANT REPLICATION SLAVE, BINLOG MONITOR ON *.* TO half@'%'",
    `GRANT SELECT ON ${db.name}.child TO half@'%'`,
  )
  try {
    assert.deepEqual(await problems(db, ['parent']), [])
    assert.deepEqual(await problems(db, ['child']), [])
    const seen = await problems({ name: db.name, link: await db.connect('half') }, ['child'])
    assert.equal(seen.length, 1)
    assert.match(
      seen[0] as string,
      /^warning SYNC-2008 The user may not see .*parent.* \| GRANT SELECT ON .*`parent` TO 'half'@'%';/,
    )
  } finally {
    await db.sql("DROP USER half@'%'")
  }
})
