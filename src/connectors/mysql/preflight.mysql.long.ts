import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startMysql, withoutMysql } from '../../testing/mysql.ts'
import { readCatalog, tableName } from './catalog.ts'
import { readCascades } from './foreign-keys.ts'
import { settingsOf } from './options.ts'
import { checkAll } from './preflight.ts'
import { type Scratch, scratch } from './server.fake.ts'

async function problems({ link, name }: Pick<Scratch, 'link' | 'name'>, ...tables: string[]): Promise<string[]> {
  const names = tables.map((table) => tableName(table, name))
  const settings = settingsOf({ name: 'legacy', url: 'mysql://u@h/x', serverId: 4_242 })
  const found = await checkAll(settings, link, await readCatalog(link, names), names, [])
  return found.map(({ level, failure }) => `${level} ${failure.code} ${failure.message} | ${failure.hint}`)
}

for (const release of ['9', '8.0', '5.7'] as const)
  test(`MySQL ${release}: a user with the named rights is enough; what is missing or set wrongly is named`, {
    skip: await withoutMysql(release),
  }, async () => {
    // From 9.6 on the server logs what foreign keys change, unless it is told to do as before.
    const settings = { loose_innodb_native_foreign_keys: 'ON' }
    await using server = await startMysql({ existing: null, release, settings })
    await using db = await scratch(server)
    await db.sql(
      'CREATE TABLE parent (id int PRIMARY KEY)',
      'CREATE TABLE t (id int PRIMARY KEY, j json, p int, g int AS (id + 1) VIRTUAL, CONSTRAINT up FOREIGN KEY (p) REFERENCES parent (id) ON DELETE CASCADE)',
      "CREATE USER least@'%' IDENTIFIED BY 'least'",
    )
    const isKnown = (each: string) => release === '5.7' && each.includes('names of columns')
    const least = async (...tables: string[]) => {
      const link = await db.connect('least')
      return (await problems({ name: db.name, link }, ...tables)).filter((each) => !isKnown(each))
    }
    await db.sql(`GRANT SELECT ON ${db.name}.* TO least@'%'`)
    const [rights, cascade, ...none] = await least('t')
    assert.match(
      rights ?? '',
      /^error SYNC-2008 The user 'least'@'%' may not read the log \(REPLICATION SLAVE, REPLICATION CLIENT\)/,
    )
    assert.match(cascade ?? '', /^warning SYNC-2027 A change of \S+\.parent changes rows of \S+\.t \(p\)/)
    assert.deepEqual(none, [])
    await db.sql(/ \| (GRANT .*);$/.exec(rights ?? '')?.[1] as string)
    assert.deepEqual(await least('t'), [cascade])
    assert.equal(
      (await readCascades(await db.connect('least'), [{ schema: db.name, name: 't' }]))[0]?.onDelete,
      'CASCADE',
    )
    const [column] = (await readCatalog(db.link, [tableName('t', db.name)])).get(`${db.name}.t`)?.columns.slice(1) ?? []
    assert.deepEqual([column?.dataType, column?.json], ['json', true])
    if (release === '5.7') return
    await db.sql("SET GLOBAL binlog_row_value_options = 'PARTIAL_JSON'", "SET GLOBAL binlog_row_metadata = 'MINIMAL'")
    const wrong = (await problems(db)).join('\n')
    assert.match(
      wrong,
      /error SYNC-2007 binlog_row_value_options is PARTIAL_JSON.* \| SET PERSIST binlog_row_value_options = '';/,
    )
    assert.match(
      wrong,
      /warning SYNC-2027 binlog_row_metadata is "MINIMAL".* \| SET PERSIST binlog_row_metadata = FULL;/,
    )
    for (const [, statement] of wrong.matchAll(/(SET PERSIST [^;]+);/g)) await db.sql(statement as string)
    assert.deepEqual(await problems(db), [])
    const changes = { gtid_mode: 'OFF', enforce_gtid_consistency: 'OFF', loose_innodb_native_foreign_keys: 'OFF' }
    await server.restart(changes)
    await using again = await scratch(server)
    const [gtids, ...others] = await problems({ link: again.link, name: db.name }, 't')
    assert.match(gtids ?? '', /^warning SYNC-2027 gtid_mode is "OFF": positions are names of files/)
    assert.deepEqual(others, release === '9' ? [] : [cascade])
  })
