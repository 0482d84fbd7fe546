import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { isInstalled, lock } from './setup.mjs'
import { testFiles } from './suites.mjs'

const roots = []
afterEach(() => {
  for (const root of roots.splice(0)) rmSync(root, { recursive: true, force: true })
})

const packages = { '': {}, 'node_modules/a': { integrity: 'sha-a' } }

/** A clone that holds the launcher, a member scenario of our own and an npm that installs nothing but takes a while. */
function clone(start, npm = '') {
  const root = mkdtempSync(join(tmpdir(), 'syncline-clone-'))
  roots.push(root)
  cpSync(fileURLToPath(new URL('.', import.meta.url)), join(root, 'scripts'), { recursive: true })
  mkdirSync(join(root, 'examples', 'members'), { recursive: true })
  writeFileSync(join(root, 'examples', 'members', 'start.ts'), start)
  writeFileSync(join(root, 'package-lock.json'), JSON.stringify({ packages }))
  writeFileSync(
    join(root, 'npm-cli.js'),
    `const fs = require('node:fs')
    fs.appendFileSync('npm.log', process.argv.slice(2).join(' ') + '\\n')
    console.log('added 1 package')
    ${npm}
    fs.mkdirSync('node_modules/.bin', { recursive: true })
    fs.symlinkSync(${JSON.stringify(process.execPath)}, 'node_modules/.bin/node')
    setTimeout(() => fs.copyFileSync('package-lock.json', 'node_modules/.package-lock.json'), 300)`,
  )
  return root
}

function launch(root, ...given) {
  const child = spawn(process.execPath, [join(root, 'scripts', 'launch.mjs'), ...given], {
    env: { ...process.env, npm_execpath: join(root, 'npm-cli.js'), NODE_TEST_CONTEXT: undefined },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const output = { out: '', err: '' }
  child.stdout.on('data', (chunk) => {
    output.out += chunk
  })
  child.stderr.on('data', (chunk) => {
    output.err += chunk
  })
  const ended = once(child, 'close').then(([code]) => ({ code, ...output }))
  const saw = async (text) => {
    for (let waited_ms = 0; !output.out.includes(text); waited_ms += 10) {
      assert.ok(waited_ms < 20_000, `never saw ${text}: ${JSON.stringify(output)}`)
      await sleep(10)
    }
  }
  return { child, ended, saw, output }
}

test('a fresh clone is set up once by two launches at once; stdout is the program’s alone', async () => {
  const root = clone('console.log(JSON.stringify(process.argv.slice(2))); process.exitCode = 7')
  const both = await Promise.all([launch(root, 'start', '--once').ended, launch(root, 'start', '--once').ended])
  for (const { code, out, err } of both) {
    assert.equal(out, '["--once"]\n')
    assert.equal(code, 7)
    assert.match(err, /Setting up|waiting for it/)
  }
  assert.match(readFileSync(join(root, 'npm.log'), 'utf8'), /^ci --ignore-scripts [^\n]+\n$/)
  assert.deepEqual(readdirSync(join(root, '.cache')), [])
  const again = await launch(root, 'start').ended
  assert.deepEqual(again, { code: 7, out: '[]\n', err: '' })
})

test('an npm that fails is quoted, and the next launch tries again', async () => {
  const root = clone(
    'console.log("ran")',
    "if (!fs.existsSync('ok')) { console.error('npm error network'); process.exit(1) }",
  )
  const failed = await launch(root, 'start').ended
  assert.equal(failed.code, 2)
  assert.equal(failed.out, '')
  assert.match(failed.err, /npm error network\n\nThe set-up could not be finished/)
  writeFileSync(join(root, 'ok'), '')
  assert.equal((await launch(root, 'start').ended).out, 'ran\n')
})

test('Ctrl-C during the set-up ends npm and leaves no lock', async () => {
  const root = clone(
    '',
    "process.on('SIGTERM', () => { fs.writeFileSync('ended', ''); process.exit(1) }); setInterval(() => {}, 1e3); return",
  )
  const { child, ended } = launch(root, 'start')
  for (let waited_ms = 0; !existsSync(join(root, 'npm.log')); waited_ms += 10) {
    assert.ok(waited_ms < 20_000)
    await sleep(10)
  }
  await sleep(200)
  child.kill('SIGINT')
  assert.equal((await ended).code, 130)
  assert.ok(existsSync(join(root, 'ended')))
  assert.deepEqual(readdirSync(join(root, '.cache')), [])
})

const patient = `
  let signals = 0
  process.on('SIGINT', () => { signals += 1; setTimeout(() => { console.log('stopped after ' + signals); process.exit(3) }, 400) })
  process.on('SIGTERM', () => { require('node:fs').writeFileSync('terminated', ''); process.exit(0) })
  setInterval(() => {}, 1000)
  console.log('up ' + process.pid)`.replaceAll('require(', 'process.getBuiltinModule(')

test('a signal that arrives three times is handed on once, and the launcher waits for the end', async () => {
  const { child, ended, saw } = launch(clone(patient), 'start')
  await saw('up')
  for (let times = 0; times < 3; times++) child.kill('SIGINT')
  const { code, out } = await ended
  assert.match(out, /stopped after 1\n$/)
  assert.equal(code, 3)
})

test('a program that a signal ends gives the shell’s code for it', async () => {
  const { ended } = launch(clone("process.kill(process.pid, 'SIGKILL')"), 'start')
  assert.equal((await ended).code, 137)
})

test('a program whose launcher is killed stops by itself', async () => {
  const root = clone(patient)
  const { child, saw, output } = launch(root, 'start')
  await saw('up')
  const pid = Number(output.out.split(' ')[1])
  child.kill('SIGKILL')
  for (let waited_ms = 0; !existsSync(join(root, 'terminated')); waited_ms += 50) {
    if (waited_ms > 10_000) {
      process.kill(pid, 'SIGKILL')
      assert.fail('the program ran on')
    }
    await sleep(50)
  }
})

test('a test run outlives the watch for programs, and gives its code and its closing lines', async () => {
  const root = clone('')
  rmSync(join(root, 'scripts', 'launch.test.mjs'))
  mkdirSync(join(root, 'src'))
  const body = (ok) => `import { test } from 'node:test'
    test('slow', async () => { await new Promise((done) => setTimeout(done, 1200)); if (!${ok}) throw new Error('no') })`
  writeFileSync(join(root, 'src', 'slow.test.ts'), body(true))
  const passed = await launch(root, 'test').ended
  assert.equal(passed.code, 0)
  assert.match(passed.out, /ℹ pass 1\n/)
  writeFileSync(join(root, 'src', 'slow.test.ts'), body(false))
  const failed = await launch(root, 'test').ended
  assert.equal(failed.code, 1)
  assert.match(failed.out, /ℹ fail 1\n/)
})

test('an unknown command and a missing program are named', async () => {
  const root = clone('')
  for (const [what, words] of [
    ['constructor', /Nothing is called "constructor"\. There is: start,/],
    ['bench', /bench\/main\.ts is missing/],
    ['test:faults', /No test of the suite "faults"/],
  ]) {
    const { code, err, out } = await launch(root, what).ended
    assert.equal(code, 2)
    assert.match(err, words)
    assert.equal(out, '')
  }
})

test('node_modules counts as installed exactly if it is what the lock file says for this machine', () => {
  const here = { optional: true, os: [process.platform], cpu: process.arch, integrity: 'sha-here' }
  const elsewhere = { optional: true, os: ['aix'], integrity: 'sha-aix' }
  const wanted = { ...packages, 'node_modules/here': here, 'node_modules/elsewhere': elsewhere }
  const found = { 'node_modules/a': { integrity: 'sha-a' }, 'node_modules/here': here }
  const cases = [
    [found, true],
    [{ ...found, 'node_modules/a': { integrity: 'sha-old' } }, false],
    [{ ...found, 'node_modules/extra': { integrity: 'sha-extra' } }, false],
    [{ 'node_modules/here': here }, false],
    [{ 'node_modules/a': { integrity: 'sha-a' } }, false],
    [null, false],
  ]
  for (const [installed, expected] of cases) {
    const root = clone('')
    writeFileSync(join(root, 'package-lock.json'), JSON.stringify({ packages: wanted }))
    mkdirSync(join(root, 'node_modules'))
    const text = installed === null ? '{"packages": {' : JSON.stringify({ packages: installed })
    writeFileSync(join(root, 'node_modules', '.package-lock.json'), text)
    assert.equal(isInstalled(root), expected, text)
  }
})

test('a lock whose owner is gone is taken over; one of a living process is not', async () => {
  const root = clone('')
  const folder = join(root, '.cache', 'setup.lock')
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'owner'), `${process.pid} 1`) // our number, another start time
  let release = await lock(root)
  let isTaken = false
  const second = lock(root).then((done) => {
    isTaken = true
    return done
  })
  await sleep(500)
  assert.equal(isTaken, false)
  release()
  release = await second
  release()
  mkdirSync(folder)
  utimesSync(folder, 1, 1) // made by a process that died before it signed
  release = await lock(root)
  release()
  assert.equal(existsSync(folder), false)
})

test('a clone that cannot be written to is named', async () => {
  const root = clone('')
  writeFileSync(join(root, '.cache'), '')
  await assert.rejects(lock(root), /The set-up cannot write to .*EEXIST/)
})

test('the suites divide the test files among them, and words after -- choose', () => {
  const root = clone('')
  const files = [
    'src/a/x.test.ts',
    'src/a/x.long.ts',
    'src/a/x.ts',
    'test/faults/kill.long.ts',
    'test/faults/kill.test.ts',
    'test/simulation/s.long.ts',
  ]
  for (const file of files) {
    mkdirSync(join(root, file, '..'), { recursive: true })
    writeFileSync(join(root, file), '')
  }
  rmSync(join(root, 'scripts'), { recursive: true })
  const of = (suite, ...given) => testFiles(root, suite, given).files
  assert.deepEqual(of('test'), ['src/a/x.test.ts', 'test/faults/kill.test.ts'])
  assert.deepEqual(of('long'), ['src/a/x.long.ts'])
  assert.deepEqual(of('faults'), ['test/faults/kill.long.ts'])
  assert.deepEqual(of('simulation'), ['test/simulation/s.long.ts'])
  assert.deepEqual(testFiles(root, 'test', ['./src/a', '--test-only']), {
    options: ['--test-only'],
    files: ['src/a/x.test.ts'],
  })
})
