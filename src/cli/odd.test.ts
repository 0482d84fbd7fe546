/** What a person may stumble over: each time one sentence, what to do, and the exit code that fits. */

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { plain, variables } from '../config/load.fake.ts'
import { startSalesforceEmulator } from '../emulators/salesforce/server.ts'
import { runHere } from './io.fake.ts'
import { table } from './output.ts'

let folder: string
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'syncline-odd-'))
  writeFileSync(join(folder, 'syncline.yaml'), plain)
})
after(() => rmSync(folder, { recursive: true }))

test('SYNCLINE_OUTPUT is checked as --output is', async () => {
  const status = (form: string) => runHere(['status'], { folder, variables: { ...variables, SYNCLINE_OUTPUT: form } })
  const { code, err } = await status('yaml')
  assert.equal(code, 2)
  assert.match(err, /^SYNC-7101 SYNCLINE_OUTPUT is yaml; expected table or json\./)
  assert.match((await status('json')).out, /^\{/)
  assert.match((await status('')).out, /^SYNC /)
})

test('no sync is said to run where no engine does', async () => {
  writeFileSync(join(folder, 'syncline.yaml'), plain)
  const { out } = await runHere(['status'], { folder, variables })
  assert.match(out, /members +new .*\nNo engine runs: nothing is captured or sent\./)
})

test('a column without any value stands left, as texts do', () => {
  const columns = [
    { title: 'A', cell: () => null },
    { title: 'IDENTITY', cell: () => null },
    { title: 'N', cell: (row: number) => row },
  ]
  assert.equal(table([5, 100], columns), 'A  IDENTITY    N\n-  -           5\n-  -         100')
})

test('doctor: a state folder that is a file', async () => {
  const state = join(folder, 'data')
  writeFileSync(state, '')
  const { code, out } = await runHere(['doctor', '--offline'], { folder, variables })
  assert.equal(code, 2)
  assert.match(out, /state folder +error +.*data is no folder\. Move it away/)
  rmSync(state)
})

test('emulate: a folder that another process has, one that is a file, a setup with mistakes', async () => {
  const emulate = (...words: string[]) => runHere(['emulate', 'salesforce', '--port', '0', ...words], { folder })
  const first = await startSalesforceEmulator({ folder: join(folder, 'crm') })
  try {
    const locked = await emulate('--state', 'crm')
    assert.equal(locked.code, 75)
    assert.match(locked.err, /^SYNC-5001 .*in use by another process\.\n {10}Name another folder with --state\./)
  } finally {
    await first.close()
  }
  writeFileSync(join(folder, 'file'), '')
  const file = await emulate('--state', 'file')
  assert.equal(file.code, 2)
  assert.match(file.err, /^SYNC-7112 .*cannot be used: EEXIST/)
  writeFileSync(join(folder, 'setup.yaml'), 'objects: { Contact: { fields: { A: { type: x } } } }')
  const setup = await emulate('--setup', 'setup.yaml')
  assert.equal(setup.code, 2)
  assert.match(setup.err, /^SYNC-7111 .*fields\.A: a custom field has a name .*; .*fields\.A\.type: expected one of/)
  assert.doesNotMatch(setup.err, /\\u000a/)
})

test('no command makes a state where there is none', async () => {
  for (const words of [
    ['pause', 'members'],
    ['resume', 'members'],
    ['quarantine', 'release', 'members', '--yes'],
    ['quarantine', 'list'],
    ['record', 'members', '42'],
    ['audit'],
    ['status'],
  ]) {
    const { code, err } = await runHere(words, { folder, variables })
    assert.equal(code, words[0] === 'status' ? 0 : 2, words.join(' '))
    if (code !== 0) assert.match(err, /^SYNC-7103 There is no state in .*data: no engine ran on it yet\./)
    assert.ok(!existsSync(join(folder, 'data')), words.join(' '))
  }
})

test('output that cannot be written is told, and is no success; who stops reading is no fault', async () => {
  const main = fileURLToPath(new URL('./main.ts', import.meta.url))
  const ended = (script: string) =>
    spawnSync('sh', ['-c', script, 'sh', process.execPath, main], { encoding: 'utf8', timeout: 60_000 })
  if (existsSync('/dev/full')) {
    const full = ended('"$1" --no-warnings "$2" --help >/dev/full')
    assert.equal(full.status, 2)
    assert.match(full.stderr, /^SYNC-7112 The output cannot be written: .*ENOSPC/)
  }
  const closed = ended('"$1" --no-warnings "$2" schema | true')
  assert.deepEqual([closed.status, closed.stderr], [0, ''])
})
