import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { heapEnvironment, heapFlags } from './memory.ts'

const memory = new URL('./memory.ts', import.meta.url)

/** What a program sees that bounds its heap first thing: flags, environment, arguments and its first pid. */
function bounded(flags: readonly string[] = []) {
  const script = `import { boundHeap } from '${memory}'
    process.env.FIRST_PID ??= String(process.pid)
    boundHeap()
    const { execArgv, env, argv, pid } = process
    process.stdout.write(JSON.stringify({ execArgv, arenas: env.MALLOC_ARENA_MAX, said: argv.slice(1), same: env.FIRST_PID === String(pid) }))`
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    [...flags, '--input-type=module-typescript', '-e', script, 'a', 'b'],
    {
      encoding: 'utf8',
      env: { PATH: process.env['PATH'] },
    },
  )
  assert.equal(status, 0, stderr)
  return JSON.parse(stdout) as { execArgv: string[]; arenas?: string; said: string[]; same: boolean }
}

test('a program starts anew under its own pid, with every bound, its own flags and its arguments', {
  skip: process.platform === 'win32',
}, () => {
  const { execArgv, arenas, said, same } = bounded(['--no-warnings'])
  assert.deepEqual(execArgv.slice(0, heapFlags.length + 1), [...heapFlags, '--no-warnings'])
  assert.equal(arenas, heapEnvironment['MALLOC_ARENA_MAX'])
  assert.deepEqual(said, ['a', 'b'])
  assert.ok(same)
})

test('bounds that somebody gave stand', () => {
  const { execArgv, arenas } = bounded(['--max-old-space-size=300'])
  assert.equal(execArgv.includes('--max-old-space-size=192'), false)
  assert.equal(arenas, undefined)
})

test('the launcher gives the same bounds', () => {
  const launcher = readFileSync(fileURLToPath(new URL('../../scripts/launch.mjs', import.meta.url)), 'utf8')
  for (const flag of heapFlags) assert.ok(launcher.includes(`'${flag}'`), flag)
})
