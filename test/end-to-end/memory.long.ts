import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import mysql from 'mysql2/promise'
import { heapEnvironment, heapFlags } from '../../src/std/memory.ts'
import { startMariadb } from '../../src/testing/mariadb.ts'

/** What the engine may take. */
const residentMax_MB = 300
const script = fileURLToPath(new URL('../../bench/capture.ts', import.meta.url))

/** Captures so many rows into a journal, in a process with the bounds of memory of `syncline run`; answers its greatest resident size. */
async function resident_MB(url: string, folder: string, table: string, rows: number, how: string): Promise<number> {
  const child = spawn(process.execPath, [...heapFlags, script, url, folder, table, String(rows), how], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...heapEnvironment },
  })
  let text = ''
  for await (const chunk of child.stdout) text += chunk
  assert.notEqual(text, '', `the capture of ${table} ended without an answer`)
  const { stored, rssMax } = JSON.parse(text) as { stored: number; rssMax: number }
  assert.equal(stored, rows)
  return Math.round(rssMax / 1e6)
}

test('capture and journal keep below their bound: a million rows, and a gigabyte in one transaction and as a snapshot', {
  timeout: 900_000,
}, async (t) => {
  const settings = { max_binlog_size: '1G', innodb_buffer_pool_size: '128M', max_binlog_cache_size: '4G' }
  await using server = await startMariadb({ existing: null, settings })
  const client = await mysql.createConnection({ uri: server.url, multipleStatements: true })
  const folder = mkdtempSync(join(tmpdir(), 'syncline-memory-'))
  try {
    await client.query(
      'CREATE TABLE narrow (id BIGINT PRIMARY KEY, name VARCHAR(60), email VARCHAR(120), note VARCHAR(200))',
    )
    await client.query('CREATE TABLE wide (id BIGINT PRIMARY KEY, body TEXT)')
    await client.query(
      "INSERT INTO narrow SELECT seq, concat('Name', seq), concat('person', seq, '@example.org'), repeat('x', 80) FROM seq_1_to_1000000",
    )
    const measure = async (what: string, ...rest: [table: string, rows: number, how: string]) => {
      const taken_MB = await resident_MB(server.url, join(folder, rest[0]), ...rest)
      t.diagnostic(`${what}: ${taken_MB} MB`)
      assert.ok(taken_MB <= residentMax_MB, `${what}: ${taken_MB} MB`)
    }
    await measure('a snapshot of 1,000,000 rows', 'narrow', 1_000_000, 'snapshot')
    await measure('the log, opened', 'wide', 0, 'stream')
    await client.query('INSERT INTO wide SELECT seq, repeat(md5(seq), 125) FROM seq_1_to_250000')
    await measure('one transaction of 1 GB', 'wide', 250_000, 'stream')
    await measure('a snapshot of 1 GB', 'wide', 250_000, 'snapshot')
  } finally {
    await client.end()
    rmSync(folder, { recursive: true, force: true })
  }
})
