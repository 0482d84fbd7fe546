import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'

/** Starts a program that keeps what is compiled of it; answers where, as its environment says. */
function start(cache: string, version: string, more: { [name: string]: string } = {}): string {
  const { NODE_COMPILE_CACHE: _, ...env } = process.env
  const program = `
    import { keepCompiled } from ${JSON.stringify(new URL('./compiled.ts', import.meta.url).href)}
    keepCompiled('someone', ${JSON.stringify(version)})
    await import(${JSON.stringify(new URL('./suggest.ts', import.meta.url).href)})
    process.stdout.write(process.env.NODE_COMPILE_CACHE ?? 'none')`
  const args = ['--input-type=module', '--eval', program]
  const ended = spawnSync(process.execPath, args, { env: { ...env, XDG_CACHE_HOME: cache, ...more }, encoding: 'utf8' })
  assert.equal(ended.status, 0, ended.stderr)
  return ended.stdout
}

test('what is compiled is kept in a folder of our own, for one version', (t) => {
  const cache = mkdtempSync(join(tmpdir(), 'syncline-compiled-'))
  t.after(() => rmSync(cache, { recursive: true }))
  const folder = join(cache, 'someone', 'compiled-1')
  assert.equal(start(cache, '1'), folder)
  assert.ok(readdirSync(folder, { recursive: true }).length > 1, 'something was kept')
  if (process.platform !== 'win32') assert.equal(statSync(folder).mode & 0o777, 0o700)
  writeFileSync(join(cache, 'someone', 'other'), 'not ours to remove')
  start(cache, '2')
  assert.deepEqual(readdirSync(join(cache, 'someone')).sort(), ['compiled-2', 'other'])
})

test('nothing is kept where others could put code, where there is no place, and where Node was told so', (t) => {
  const cache = mkdtempSync(join(tmpdir(), 'syncline-compiled-'))
  t.after(() => rmSync(cache, { recursive: true }))
  const folder = join(cache, 'someone', 'compiled-1')
  assert.equal(start(cache, '1', { NODE_DISABLE_COMPILE_CACHE: '1' }), 'none')
  assert.equal(existsSync(folder), false)
  writeFileSync(join(cache, 'file'), '')
  assert.equal(start(join(cache, 'file'), '1'), 'none')
  if (process.platform === 'win32') return
  mkdirSync(folder, { recursive: true })
  chmodSync(folder, 0o777)
  assert.equal(start(cache, '1'), 'none')
  assert.deepEqual(readdirSync(folder), [])
})
