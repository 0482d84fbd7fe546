// The entry point of every npm script: `node scripts/launch.mjs <what> [arguments]`. It runs on the machine's own
// Node (20 or newer), sets up what is missing, and runs the real thing on the pinned Node 24. It says what it does on
// stderr alone: the last line of stdout belongs to the program (`npm start -- --once` ends in one line of JSON).
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { demands, Refusal, runtime, setUp } from './setup.mjs'
import { testFiles } from './suites.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const bound = pathToFileURL(join(root, 'scripts', 'bound.mjs')).href

// Node 24 prints a warning for node:sqlite in every process; it is a decision of ours and not news to anybody.
const quiet = ['--disable-warning=ExperimentalWarning']
// The heap bounds of src/std/memory.ts, for programs in which the engine runs; there `syncline run` gives them to itself.
const bounded = [
  '--min-semi-space-size=6',
  '--max-semi-space-size=6',
  '--initial-old-space-size=96',
  '--max-old-space-size=192',
  '--no-parallel-scavenge',
]
const program = (file, runsEngine) => (given) => {
  if (!existsSync(join(root, file))) throw new Refusal(`${file} is missing from this copy of Syncline.`)
  return [[...quiet, ...(runsEngine(given) ? bounded : []), '--import', bound, file, ...given]]
}
const suite = (name) => (given) => {
  const { files, options } = testFiles(root, name, given)
  if (files.length === 0)
    throw new Refusal(`No test of the suite "${name}" matches ${given.join(' ') || 'its file names'}.`)
  // Two at a time: a test file is a process, many start a PostgreSQL, and two cores are what we promise to live with.
  const fixed = ['--test', '--test-concurrency=2', '--test-reporter=spec', '--test-timeout=600000']
  return [[...quiet, ...fixed, ...options, ...files]]
}
const typecheck = ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.json']
const biome = ['node_modules/@biomejs/biome/bin/biome', 'check']

/** What can be launched: from the arguments given to the command lines of Node 24 that run one after another. */
const targets = {
  start: program('examples/members/start.ts', () => true),
  syncline: program('src/cli/main.ts', ([command]) => command === 'run' || command === 'sync'),
  test: suite('test'),
  'test:long': suite('long'),
  'test:simulation': suite('simulation'),
  'test:faults': suite('faults'),
  bench: program('bench/main.ts', () => false),
  lint: (given) => [typecheck, [...biome, ...given]],
  format: (given) => [[...biome, '--write', ...given]],
  check: (given) => [typecheck, biome, ...targets.test(given)],
}

async function main([what, ...given]) {
  const target = Object.hasOwn(targets, what ?? '') ? targets[what] : undefined
  if (target === undefined)
    throw new Refusal(`Nothing is called "${what ?? ''}". There is: ${Object.keys(targets).join(', ')}.`)
  demands()
  await setUp(root)
  const node = runtime(root)
  for (const command of target(given)) {
    const code = await run(node, command)
    if (code !== 0) return code
  }
  return 0
}

const forwarded = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGWINCH']
const exitCodes = { SIGHUP: 129, SIGINT: 130, SIGQUIT: 131, SIGABRT: 134, SIGKILL: 137, SIGSEGV: 139, SIGTERM: 143 }
const sameSignal_ms = 1000

/**
 * Runs one command on Node 24 and resolves to its exit code, however long it takes to stop after a signal.
 *
 * A program (a command with `bound`) gets a session of its own, because one Ctrl-C would otherwise reach it up to
 * three times: from the terminal, from npm (which forwards it too), and from here. A program whose second Ctrl-C means
 * "at once" could then never stop cleanly. So the signals end here, and each one is handed on once. Test runs and
 * tools stay in our process group, where whoever kills the group takes them along.
 */
function run(node, command) {
  return new Promise((resolve, reject) => {
    const isProgram = command.includes(bound)
    const arenas = command.includes(bounded[0]) ? { MALLOC_ARENA_MAX: '2' } : {}
    const env = { ...arenas, ...process.env, PATH: `${join(root, 'node_modules', '.bin')}:${process.env.PATH}` }
    if (isProgram) env.SYNCLINE_LAUNCHER = String(process.pid)
    const child = spawn(node, command, { cwd: root, stdio: 'inherit', detached: isProgram, env })
    const last = new Map()
    const forward = (signal) => {
      const now_ms = performance.now()
      if (signal !== 'SIGWINCH' && now_ms - (last.get(signal) ?? Number.NEGATIVE_INFINITY) < sameSignal_ms) return
      last.set(signal, now_ms)
      child.kill(signal)
    }
    for (const signal of forwarded) process.on(signal, forward)
    child.once('error', (error) => reject(new Refusal(`${node} does not run here: ${error.message}.`)))
    child.once('exit', (code, signal) => {
      for (const name of forwarded) process.off(name, forward)
      resolve(code ?? exitCodes[signal] ?? 1)
    })
  })
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  if (!(error instanceof Refusal)) throw error
  process.stderr.write(`${error.message}\n`)
  process.exitCode = error.exitCode
}
