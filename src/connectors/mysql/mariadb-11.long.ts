/** What is proved on the machine's own MariaDB holds on a newer one too: the same files of tests, on another server. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { withoutMariadb } from '../../testing/mariadb.ts'

const skip = await withoutMariadb('11')
const files = readdirSync(import.meta.dirname, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.mariadb.test.ts'))
  .sort()

for (const file of files)
  test(`MariaDB 11: ${file}`, { skip }, async () => {
    // A test that runs tests would otherwise report to the one around it.
    const { NODE_TEST_CONTEXT: _, SYNCLINE_TEST_MARIADB_URL: __, ...env } = process.env
    const child = spawn(process.execPath, ['--test', '--test-reporter=spec', join(import.meta.dirname, file)], {
      env: { ...env, SYNCLINE_TEST_MARIADB_RELEASE: '11' },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let said = ''
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => {
        said = (said + chunk).slice(-100_000)
      })
    const code = await new Promise((resolve) => child.once('close', resolve))
    assert.equal(code, 0, said.slice(Math.max(0, said.indexOf('failing tests:'))))
    assert.match(said, /ℹ pass [1-9]/)
    assert.match(said, /ℹ skipped 0/)
  })
