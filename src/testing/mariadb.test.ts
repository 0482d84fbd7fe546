import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import mysql from 'mysql2/promise'
import { type Mariadb, startMariadb, withoutMariadb } from './mariadb.ts'
import { exists, isAlive } from './place.ts'

const skip = await withoutMariadb()

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

async function withServer(options: Parameters<typeof startMariadb>[0], work: (server: Mariadb) => Promise<void>) {
  const server = await startMariadb({ existing: null, ...options })
  try {
    await work(server)
  } finally {
    await server.stop()
  }
}

test('a server of our own answers, logs rows and is gone after stop', { skip }, async () => {
  let folder = ''
  await withServer({ database: 'members db', settings: { join_buffer_size: '300k' } }, async (server) => {
    folder = server.folder
    assert.equal(await ask(server.url, 'SELECT DATABASE()'), 'members db')
    assert.equal(await ask(server.url, 'SELECT @@join_buffer_size'), 307_200)
    const logging = 'SELECT CONCAT_WS(" ", @@log_bin, @@binlog_format, @@binlog_row_image, @@binlog_row_metadata)'
    assert.equal(await ask(server.url, logging), 'ON ROW FULL FULL')
    assert.match(String(await ask(server.url, 'SHOW BINARY LOGS')), /^binlog\.\d+$/)
    assert.ok(await exists(join(server.programs, 'mariadb-binlog')))
    const stranger = new URL(server.url)
    stranger.password = 'guessed'
    await assert.rejects(ask(stranger.href, 'SELECT 1'), { code: 'ER_ACCESS_DENIED_ERROR' })
  })
  assert.equal(await exists(folder), false)
})

test('kill and restart keep what was committed, on the same port, and forget what was not', { skip }, async () => {
  await withServer({}, async (server) => {
    await ask(server.url, 'CREATE TABLE t (id int)')
    await ask(server.url, 'INSERT INTO t SELECT seq FROM seq_1_to_500')
    const open = await mysql.createConnection(server.url)
    open.on('error', () => {})
    await open.query('BEGIN')
    await open.query('INSERT INTO t VALUES (-1)')
    await server.kill()
    await assert.rejects(ask(server.url, 'SELECT 1'), { code: 'ECONNREFUSED' })
    open.destroy()
    await server.restart({ binlog_row_image: 'MINIMAL' })
    assert.equal(await ask(server.url, 'SELECT count(*) FROM t'), 500)
    assert.equal(await ask(server.url, 'SELECT @@binlog_row_image'), 'MINIMAL')
    await server.restart()
    assert.equal(await ask(server.url, 'SELECT count(*) FROM t'), 500)
  })
})

test('a named folder is kept and opened again', { skip }, async () => {
  const root = await mkdtemp(join(tmpdir(), 'syncline-kept-'))
  try {
    const folder = join(root, 'legacy')
    await withServer({ folder }, async ({ url }) => {
      await ask(url, 'CREATE TABLE kept (id int)')
    })
    await withServer({ folder }, async ({ url }) => assert.equal(await ask(url, 'SELECT count(*) FROM kept'), 0))
    await assert.rejects(startMariadb({ existing: null, folder: root }), /is not empty and holds no data of MariaDB/)
    assert.deepEqual(await readdir(root), ['legacy'])
  } finally {
    // As root the folder is a link, because the user that runs the server cannot walk into a private root.
    await rm(await realpath(join(root, 'legacy')), { recursive: true })
    await rm(root, { recursive: true })
  }
})

test('an existing server lends a database and gets it back', { skip }, async () => {
  await withServer({}, async (server) => {
    const borrowed = await startMariadb({ existing: server.url })
    assert.equal(borrowed.owned, false)
    await ask(borrowed.url, 'CREATE TABLE t (id int)')
    await assert.rejects(borrowed.kill(), /is not ours to stop/)
    await borrowed.stop()
    const left = "SELECT count(*) FROM information_schema.schemata WHERE schema_name LIKE 'syncline%'"
    assert.equal(await ask(server.url, left), 0)
    await server.restart({ binlog_format: 'MIXED' })
    await assert.rejects(startMariadb({ existing: server.url }), /binlog_format=MIXED, and has to run with/)
  })
  await assert.rejects(startMariadb({ existing: 'mysql://u:hidden@127.0.0.1:1/x' }), (error: Error) => {
    assert.match(error.message, /Cannot use the server at 127\.0\.0\.1:1: .*ECONNREFUSED/)
    assert.doesNotMatch(error.message, /hidden/)
    return true
  })
})

test('a setting that the server refuses is told with the server’s own words', { skip }, async () => {
  const settings = { binlog_format: 'SIDEWAYS' }
  await assert.rejects(startMariadb({ existing: null, settings }), /while setting value 'SIDEWAYS' to 'binlog_format'/i)
})

test('a server ends, and its temporary folder goes, when its process is killed', { skip }, async () => {
  const source = `
    import { startMariadb } from ${JSON.stringify(new URL('./mariadb.ts', import.meta.url).href)}
    const { folder } = await startMariadb({ existing: null })
    console.log(folder)
    setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', source], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  const folder = line.toString().trim()
  const pid = Number(await readFile(join(folder, 'syncline.pid'), 'utf8'))
  assert.ok(isAlive(pid))
  child.kill('SIGKILL')
  for (let waited_ms = 0; waited_ms < 10_000 && ((await exists(folder)) || isAlive(pid)); waited_ms += 50)
    await sleep(50)
  assert.equal(await exists(folder), false)
  assert.equal(isAlive(pid), false)
})

test('a server that nobody stopped keeps no process alive', { skip }, async () => {
  const source = `
    import { startMariadb } from ${JSON.stringify(new URL('./mariadb.ts', import.meta.url).href)}
    await startMariadb({ existing: null })`
  const child = spawn(process.execPath, ['--input-type=module', '-e', source], {
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  const [code] = await once(child, 'exit')
  assert.equal(code, 0)
})
