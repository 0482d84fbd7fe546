import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import ZongJi from '@vlasky/zongji'
import mysql from 'mysql2/promise'
import { heapEnvironment, heapFlags } from '../src/std/memory.ts'
import { type Mariadb, startMariadb } from '../src/testing/mariadb.ts'

/** What one reading of the log took. */
interface Taken {
  readonly stored: number
  readonly seconds: number
  readonly rssMax: number
  readonly cpuSeconds: number
}

const columns = `id BIGINT PRIMARY KEY, first_name VARCHAR(60), last_name VARCHAR(60), email VARCHAR(120), phone VARCHAR(40),
  city VARCHAR(60), born DATE, balance DECIMAL(10,2), active TINYINT, updated_at TIMESTAMP(3), note VARCHAR(200)`
const person = (
  n: string,
) => `${n}, concat('First', ${n}), concat('Last', ${n}), concat('person', ${n}, '@example.org'),
  concat('+43 1 ', ${n}), concat('City ', ${n} % 1000), '1980-02-29', ${n} / 100, ${n} % 2, '2026-01-15 12:00:00.123', repeat('x', 80)`
const million = 1e6

/**
 * Capture of MariaDB's log into a flushed journal, beside its floors in the same run: the log read raw by the server's own
 * `mariadb-binlog`, and decoded (nothing stored) by zongji, another reader for Node. Sizes: `SYNCLINE_BENCH_LOG_ROWS` (bulk, default
 * 1,000,000; a tenth of it as transactions of one row) and `SYNCLINE_BENCH_LOG_MB` (one transaction, default 1,000; 0 leaves it out).
 */
export async function mysqlBench(say: (line: string) => void): Promise<void> {
  const rows = Number(process.env['SYNCLINE_BENCH_LOG_ROWS'] ?? 1_000_000)
  const megabytes = Number(process.env['SYNCLINE_BENCH_LOG_MB'] ?? 1_000)
  const settings = { max_binlog_size: '1G', innodb_buffer_pool_size: '256M', max_binlog_cache_size: '4G' }
  await using server = await startMariadb({ settings })
  const client = await mysql.createConnection({ uri: server.url, multipleStatements: true })
  try {
    await bench('bulk, transactions of 10,000 rows', rows, async (table) => {
      for (let from = 1; from <= rows; from += 10_000)
        await client.query(
          `INSERT INTO ${table} SELECT ${person('seq')} FROM seq_${from}_to_${Math.min(rows, from + 9_999)}`,
        )
    })
    const single = Math.ceil(rows / 10)
    await bench('transactions of one row', single, async (table) => {
      for (let from = 1; from <= single; from += 1_000) {
        const ids = Array.from({ length: Math.min(1_000, single - from + 1) }, (_, i) => from + i)
        await client.query(ids.map((id) => `INSERT INTO ${table} SELECT ${person(String(id))}`).join(';'))
      }
    })
    if (megabytes > 0) await large(megabytes)
  } finally {
    await client.end()
  }

  async function bench(what: string, count: number, fill: (table: string) => Promise<void>): Promise<void> {
    const table = `bench_${count}`
    await client.query(`CREATE TABLE ${table} (${columns})`)
    const folder = mkdtempSync(join(tmpdir(), 'syncline-log-'))
    try {
      await capture(server, folder, table, 0)
      const from = await place()
      await fill(table)
      const ours = await capture(server, folder, table, count)
      if (ours.stored !== count) throw new Error(`${ours.stored} of ${count} rows are in the journal`)
      const raw = await rawSeconds(server, from)
      const decoded = await zongjiSeconds(server, from, count)
      const rate = (seconds: number) => fix(count / seconds)
      say(
        `MariaDB's log to the flushed journal, ${what}   ${rate(ours.seconds)} rows/s   floors: mariadb-binlog raw ${rate(raw)}, zongji decoding ${rate(decoded)}   ratio ${(raw / ours.seconds).toFixed(2)} and ${(decoded / ours.seconds).toFixed(2)}`,
      )
      say(
        `  ${fix(count)} rows; ${Math.round(ours.rssMax / million)} MB at most, ${ours.cpuSeconds.toFixed(1)} s of CPU, connecting and opening included`,
      )
      const read = await capture(server, folder, table, count, 'snapshot')
      say(
        `  the same table as a snapshot   ${rate(read.seconds)} rows/s   ${Math.round(read.rssMax / million)} MB at most`,
      )
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  }

  /** One transaction of that size. */
  async function large(size: number): Promise<void> {
    const count = Math.ceil((size * million) / 4_000)
    await client.query('CREATE TABLE bench_large (id BIGINT PRIMARY KEY, body TEXT)')
    const folder = mkdtempSync(join(tmpdir(), 'syncline-log-'))
    try {
      await capture(server, folder, 'bench_large', 0)
      await client.query(`INSERT INTO bench_large SELECT seq, repeat(md5(seq), 125) FROM seq_1_to_${count}`)
      const ours = await capture(server, folder, 'bench_large', count)
      say(
        `one transaction of ${fix(size)} MB   ${fix(size / ours.seconds)} MB/s to the flushed journal   ${Math.round(ours.rssMax / million)} MB resident at most`,
      )
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  }

  async function place(): Promise<{ file: string; offset: number }> {
    const [found] = (await client.query('SHOW MASTER STATUS')) as unknown as [{ File: string; Position: number }[]]
    return { file: found[0]!.File, offset: Number(found[0]!.Position) }
  }
}

/** Runs `capture.ts` with the heap bounds of `syncline run`. */
async function capture(
  server: Mariadb,
  folder: string,
  table: string,
  count: number,
  how: 'stream' | 'snapshot' = 'stream',
): Promise<Taken> {
  const script = fileURLToPath(new URL('./capture.ts', import.meta.url))
  const child = spawn(process.execPath, [...heapFlags, script, server.url, folder, table, String(count), how], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...heapEnvironment },
  })
  let text = ''
  for await (const line of createInterface(child.stdout)) text += line
  if (text === '') throw new Error(`the capture of ${table} ended without an answer`)
  return JSON.parse(text) as Taken
}

/** How long the server's own client takes to fetch the log, without decoding a row. */
async function rawSeconds(server: Mariadb, from: { file: string; offset: number }): Promise<number> {
  const { hostname, port, username, password } = new URL(server.url)
  const folder = mkdtempSync(join(tmpdir(), 'syncline-raw-'))
  const started = performance.now()
  try {
    const args = ['--no-defaults', '--read-from-remote-server', '--raw', '--to-last-log', `--result-file=${folder}/`]
    const address = [`--host=${hostname}`, `--port=${port}`, `--user=${decodeURIComponent(username)}`]
    const child = spawn(
      join(server.programs, 'mariadb-binlog'),
      [...args, ...address, `--start-position=${from.offset}`, from.file],
      { stdio: 'ignore', env: { ...process.env, MYSQL_PWD: decodeURIComponent(password) } },
    )
    const code = await new Promise((resolve) => child.once('close', resolve))
    if (code !== 0) throw new Error(`mariadb-binlog ended with ${code}`)
    return (performance.now() - started) / 1000
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** How long zongji takes to decode so many rows. */
async function zongjiSeconds(
  server: Mariadb,
  { file, offset }: { file: string; offset: number },
  count: number,
): Promise<number> {
  const { hostname, port, username, password } = new URL(server.url)
  const reader = new ZongJi({
    host: hostname,
    port: Number(port),
    user: decodeURIComponent(username),
    password: decodeURIComponent(password),
  })
  const started = performance.now()
  let rows = 0
  await new Promise<void>((resolve, reject) => {
    reader.on('error', reject)
    reader.on('binlog', (event) => {
      rows += (event as unknown as { rows?: unknown[] }).rows?.length ?? 0
      if (rows >= count) resolve()
    })
    reader.start({
      filename: file,
      position: offset,
      serverId: 4_000_000_001,
      includeEvents: ['tablemap', 'writerows', 'rotate'],
    })
  })
  reader.stop()
  return (performance.now() - started) / 1000
}

function fix(value: number): string {
  return Math.round(value).toLocaleString('en')
}

if (import.meta.main) await mysqlBench((line) => process.stdout.write(`${line}\n`))
