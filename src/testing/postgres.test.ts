import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { exists, isAlive } from './place.ts'
import { type Postgres, startPostgres } from './postgres.ts'
import { install } from './postgres-install.ts'

async function ask(url: string, sql: string): Promise<unknown> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  try {
    const { rows } = await client.query({ text: sql, rowMode: 'array' })
    return rows[0]?.[0]
  } finally {
    await client.end()
  }
}

async function withServer(options: Parameters<typeof startPostgres>[0], work: (server: Postgres) => Promise<void>) {
  const server = await startPostgres({ existing: null, ...options })
  try {
    await work(server)
  } finally {
    await server.stop()
  }
}

test('a server of our own answers, decodes logically and is gone after stop', async () => {
  let folder = ''
  await withServer({ database: 'members db', settings: { work_mem: '5MB' } }, async (server) => {
    folder = server.folder
    assert.equal(await ask(server.url, 'SELECT current_database()'), 'members db')
    assert.equal(await ask(server.url, 'SHOW wal_level'), 'logical')
    assert.equal(await ask(server.url, 'SHOW work_mem'), '5MB')
    assert.equal(await ask(server.url, 'SHOW server_encoding'), 'UTF8')
    assert.match(
      String(await ask(server.url, "SELECT lsn FROM pg_create_logical_replication_slot('s', 'pgoutput')")),
      /^[0-9A-F]+\//,
    )
    const stranger = new URL(server.url)
    stranger.password = 'guessed'
    await assert.rejects(ask(stranger.href, 'SELECT 1'), /password authentication failed/)
  })
  assert.equal(await exists(folder), false)
})

test('kill and restart keep what was committed, on the same port, and forget what was not', async () => {
  await withServer({}, async (server) => {
    await ask(server.url, 'CREATE TABLE t (id int)')
    await ask(server.url, 'INSERT INTO t SELECT generate_series(1, 500)')
    const open = new pg.Client({ connectionString: server.url })
    open.on('error', () => {})
    await open.connect()
    await open.query('BEGIN; INSERT INTO t VALUES (-1)')
    await server.kill()
    await assert.rejects(ask(server.url, 'SELECT 1'), { code: 'ECONNREFUSED' })
    await open.end().catch(() => {})
    await server.restart({ wal_level: 'replica' })
    assert.equal(await ask(server.url, 'SELECT count(*) FROM t'), '500')
    assert.equal(await ask(server.url, 'SHOW wal_level'), 'replica')
    await server.restart()
    assert.equal(await ask(server.url, 'SELECT count(*) FROM t'), '500')
  })
})

test('a named folder is kept and opened again', async () => {
  const root = await mkdtemp(join(tmpdir(), 'syncline-kept-'))
  try {
    const folder = join(root, 'legacy')
    await withServer({ folder }, async ({ url }) => {
      await ask(url, 'CREATE TABLE kept (id int)')
    })
    await withServer({ folder }, async ({ url }) => assert.equal(await ask(url, 'SELECT count(*) FROM kept'), '0'))
    await assert.rejects(
      startPostgres({ existing: null, folder: root }),
      /is not empty and holds no data of PostgreSQL/,
    )
    assert.deepEqual(await readdir(root), ['legacy'])
  } finally {
    // As root the folder is a link, because the user that runs the server cannot walk into a private root.
    await rm(await realpath(join(root, 'legacy')), { recursive: true })
    await rm(root, { recursive: true })
  }
})

test('an existing server lends a database and gets it back without its slots', async () => {
  await withServer({}, async (server) => {
    const borrowed = await startPostgres({ existing: server.url })
    assert.equal(borrowed.owned, false)
    await ask(borrowed.url, "SELECT pg_create_logical_replication_slot('left_behind', 'pgoutput')")
    await assert.rejects(borrowed.kill(), /is not ours to stop/)
    await borrowed.stop()
    assert.equal(await ask(server.url, "SELECT count(*) FROM pg_database WHERE datname LIKE 'syncline%'"), '0')
    assert.equal(await ask(server.url, 'SELECT count(*) FROM pg_replication_slots'), '0')
    await server.restart({ wal_level: 'replica' })
    await assert.rejects(
      startPostgres({ existing: server.url }),
      /wal_level=replica.*has to run with wal_level=logical/,
    )
  })
  await assert.rejects(startPostgres({ existing: 'postgres://u:hidden@127.0.0.1:1/x' }), (error: Error) => {
    assert.match(error.message, /Cannot use the PostgreSQL at 127\.0\.0\.1:1: .*ECONNREFUSED/)
    assert.doesNotMatch(error.message, /hidden/)
    return true
  })
})

test('a setting that the server refuses is told with the server’s own words', async () => {
  await assert.rejects(
    startPostgres({ existing: null, settings: { wal_level: 'sideways' } }),
    /invalid value for parameter "wal_level"/,
  )
})

test('a server ends, and its temporary folder goes, when its process is killed', async () => {
  const source = `
    import { startPostgres } from ${JSON.stringify(new URL('./postgres.ts', import.meta.url).href)}
    const { folder } = await startPostgres({ existing: null })
    console.log(folder)
    setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', source], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  const folder = line.toString().trim()
  const pid = Number((await readFile(join(folder, 'postmaster.pid'), 'utf8')).split('\n')[0])
  assert.ok(isAlive(pid))
  child.kill('SIGKILL')
  for (let waited_ms = 0; waited_ms < 10_000 && ((await exists(folder)) || isAlive(pid)); waited_ms += 50)
    await sleep(50)
  assert.equal(await exists(folder), false)
  assert.equal(isAlive(pid), false)
})

test('a server that nobody stopped keeps no process alive', async () => {
  const source = `
    import { startPostgres } from ${JSON.stringify(new URL('./postgres.ts', import.meta.url).href)}
    await startPostgres({ existing: null })`
  const child = spawn(process.execPath, ['--input-type=module', '-e', source], {
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  const [code] = await once(child, 'exit')
  assert.equal(code, 0)
})

test('many may install at once; what a killed one left is cleared, what a living one builds is not', async () => {
  const place = await mkdtemp(join(tmpdir(), 'syncline-place-'))
  try {
    await chmod(place, 0o755) // as root, the server's user has to walk through it
    const { version } = await install([place])
    const [binaries, template] = (await readdir(place)).sort() as [string, string]
    assert.ok(binaries.includes(version))
    await rm(join(place, binaries), { recursive: true })
    await rm(join(place, template), { recursive: true })
    const living = `${template}.building-${process.pid}-00.password`
    await writeFile(join(place, `${template}.building-4194305-00`), '') // above the highest pid of Linux
    await writeFile(join(place, living), '')
    await Promise.all([install([place]), install([place]), install([place])])
    assert.deepEqual((await readdir(place)).sort(), [binaries, template, living])
  } finally {
    await rm(place, { recursive: true })
  }
})

test('what cannot be had is told with the variables that name another server', async () => {
  const place = await mkdtemp(join(tmpdir(), 'syncline-place-'))
  try {
    await writeFile(join(place, 'file'), '')
    await assert.rejects(install([join(place, 'file', 'below')]), (error: Error) => {
      assert.match(
        error.message,
        /^PostgreSQL cannot be had: .*SYNCLINE_TEST_POSTGRES_URL for the tests or LEGACY_URL for the demo/s,
      )
      return true
    })
  } finally {
    await rm(place, { recursive: true })
  }
})
