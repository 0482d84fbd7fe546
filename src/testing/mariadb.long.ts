import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { promisify } from 'node:util'
import mysql from 'mysql2/promise'
import { startMariadb, withoutMariadb } from './mariadb.ts'

test('MariaDB 11 runs beside an older system, with its own C library, and survives a kill', {
  skip: await withoutMariadb('11'),
}, async () => {
  await using server = await startMariadb({ existing: null, release: '11', database: 'members' })
  const ask = async (sql: string) => {
    const connection = await mysql.createConnection({ uri: server.url, rowsAsArray: true })
    connection.on('error', () => {})
    const [rows] = await connection.query(sql).finally(() => connection.destroy())
    return (rows as unknown[][])[0]?.[0]
  }
  assert.match(String(await ask('SELECT VERSION()')), /^11\./)
  await ask('CREATE TABLE t (id int PRIMARY KEY, name varchar(20))')
  await ask("INSERT INTO t VALUES (1, 'Ärger'), (2, '日本')")
  await server.kill()
  await assert.rejects(ask('SELECT 1'), { code: 'ECONNREFUSED' })
  await server.restart()
  assert.equal(await ask('SELECT GROUP_CONCAT(name ORDER BY id) FROM t'), 'Ärger,日本')
  const printed = await promisify(execFile)(`${server.programs}/mariadb-binlog`, [`${server.folder}/binlog.000001`])
  assert.match(printed.stdout, /CREATE TABLE t/)
})
