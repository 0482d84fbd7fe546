import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { readAddress, removeAddress, writeAddress } from './address.ts'

test('the address is for its owner only, and is taken away by the process that wrote it', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'syncline-address-'))
  t.after(() => rmSync(folder, { recursive: true }))
  assert.equal(readAddress(folder), null)
  writeAddress(folder, { url: 'http://127.0.0.1:1', pid: 7 })
  assert.deepEqual(readdirSync(folder), ['api.json'])
  if (process.platform !== 'win32') assert.equal(statSync(join(folder, 'api.json')).mode & 0o777, 0o600)
  assert.deepEqual(readAddress(folder), { url: 'http://127.0.0.1:1', pid: 7 })
  removeAddress(folder, 8)
  assert.notEqual(readAddress(folder), null)
  removeAddress(folder, 7)
  assert.equal(readAddress(folder), null)
  for (const text of ['', '{', 'null', '[]', '{"url":1,"pid":2}', '{"pid":2}']) {
    writeFileSync(join(folder, 'api.json'), text)
    assert.equal(readAddress(folder), null, text)
  }
})
