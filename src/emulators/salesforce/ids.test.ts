import assert from 'node:assert/strict'
import { test } from 'node:test'
import { caseSuffix, makeId, toId18 } from './ids.ts'

test('the suffix of known ids', () => {
  // Pairs of 15- and 18-character ids from Salesforce's own documentation and error messages.
  for (const id of ['001R00000064wdtIAA', '0011I00000aCPEAQA4', '001Vr00000m4eGCIAY', '01t0o000007Ei9KAAS']) {
    assert.equal(id.slice(0, 15) + caseSuffix(id.slice(0, 15)), id)
  }
})

test('ids of 15 and 18 characters, and ids that lost their case, become the same', () => {
  const id = '001Vr00000m4eGCIAY'
  assert.equal(toId18(id.slice(0, 15)), id)
  assert.equal(toId18(id), id)
  assert.equal(toId18(id.toUpperCase()), id)
  assert.equal(toId18(id.toLowerCase()), id)
  for (const wrong of ['', 'x', '001Vr00000m4eG', '001Vr00000m4eGC1', '001Vr00000m4e-C', '001Vr00000m4eGC!AY'])
    assert.equal(toId18(wrong), null)
})

test('numbers become ids in ascending order', () => {
  const ids = [1, 2, 61, 62, 63, 3843, 3844, 1_000_000, 5_000_000_000].map((n) => makeId('003', '5g0', n))
  assert.deepEqual([...ids].sort(), ids)
  assert.equal(new Set(ids).size, ids.length)
  for (const id of ids) assert.match(id, /^0035g0\w{12}$/)
})
