import assert from 'node:assert/strict'
import { test } from 'node:test'
import mysql from 'mysql2/promise'
import { startMysql, withoutMysql } from './mysql.ts'
import { exists } from './place.ts'

async function ask(url: string, sql: string): Promise<unknown> {
  const connection = await mysql.createConnection({ uri: url, rowsAsArray: true })
  connection.on('error', () => {})
  try {
    const [rows] = await connection.query(sql)
    return (rows as unknown[][])[0]?.[0]
  } finally {
    connection.destroy()
  }
}

for (const release of ['9', '8.0', '5.7'] as const)
  test(`MySQL ${release} answers, logs rows with GTIDs, survives a kill, and is gone after stop`, {
    skip: await withoutMysql(release),
  }, async () => {
    const server = await startMysql({ existing: null, release, database: 'members' })
    try {
      assert.ok(String(await ask(server.url, 'SELECT VERSION()')).startsWith(`${release}.`))
      const logging = "SELECT CONCAT_WS(' ', @@log_bin, @@binlog_format, @@binlog_row_image, @@gtid_mode)"
      assert.equal(await ask(server.url, logging), '1 ROW FULL ON')
      await ask(server.url, 'CREATE TABLE t (id int PRIMARY KEY, name varchar(20))')
      await ask(server.url, "INSERT INTO t VALUES (1, 'Ärger'), (2, '日本')")
      const identity = await ask(server.url, 'SELECT @@server_uuid')
      await server.kill()
      await assert.rejects(ask(server.url, 'SELECT 1'), { code: 'ECONNREFUSED' })
      await server.restart({ binlog_row_image: 'MINIMAL' })
      assert.equal(await ask(server.url, 'SELECT GROUP_CONCAT(name ORDER BY id) FROM t'), 'Ärger,日本')
      assert.equal(await ask(server.url, 'SELECT @@binlog_row_image'), 'MINIMAL')
      assert.equal(await ask(server.url, 'SELECT @@server_uuid'), identity)
      await using other = await startMysql({ existing: null, release })
      assert.notEqual(await ask(other.url, 'SELECT @@server_uuid'), identity, 'two servers are two identities')
    } finally {
      await server.stop()
    }
    assert.equal(await exists(server.folder), false)
  })
