import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { failure, SyncError } from './failure.ts'
import { failures } from './failures.ts'
import { type Key, keyOf, keyParts } from './key.ts'
import { field, fold, newRow, type Row, rowFrom, rowText, same, text, type Value } from './value.ts'

const value: fc.Arbitrary<Value> = fc.oneof(
  fc.constant(null),
  fc.boolean(),
  fc.integer(),
  fc.string(),
  fc.record({ kind: fc.constantFrom('decimal' as const, 'date' as const, 'json' as const), text: fc.string() }),
  fc.record({ kind: fc.constant('invalid' as const), type: fc.string(), raw: fc.string(), reason: fc.string() }),
)
const row: fc.Arbitrary<Row> = fc.dictionary(
  fc.oneof(fc.string(), fc.constantFrom('__proto__', 'constructor', 'toString')),
  value,
  { maxKeys: 8 },
)

test('a row survives its text, whatever its columns are called', () => {
  fc.assert(
    fc.property(row, (one) => {
      const copy = fold(newRow(), one)
      const again = rowFrom(rowText(copy))
      assert.deepEqual(Object.keys(again).sort(), Object.keys(one).sort())
      for (const name of Object.keys(one)) assert.ok(same(field(again, name), field(one, name)))
      assert.equal(rowText(fold(newRow(), again)), rowText(copy))
    }),
  )
  assert.equal(({} as { polluted?: boolean }).polluted, undefined)
})

test('equal rows have equal texts in whatever order they were built', () => {
  assert.equal(rowText({ b: 1, a: null }), rowText({ a: null, b: 1 }))
})

test('folding: later columns win, absent ones keep what was there, and it is associative', () => {
  assert.deepEqual({ ...fold({ a: 1, b: 2 }, { b: null }) }, { a: 1, b: null })
  fc.assert(
    fc.property(row, row, row, (a, b, c) => assert.equal(rowText(fold(fold(a, b), c)), rowText(fold(a, fold(b, c))))),
  )
})

test('absent, null and invalid are three different things', () => {
  const invalid = { kind: 'invalid', type: 'date', raw: '0000-00-00', reason: 'no such day' } as const
  assert.equal(field({ a: null }, 'b'), undefined)
  assert.equal(field({ a: null }, 'a'), null)
  assert.equal(text(invalid), '0000-00-00')
  assert.equal(same(null, undefined), false)
  assert.equal(same(invalid, null), false)
  assert.equal(field({}, 'constructor'), undefined)
})

test('a key is the exact texts of its columns; null and unreadable values make none', () => {
  assert.equal(keyOf([1, 'a', { kind: 'decimal', text: '18446744073709551615' }]), '["1","a","18446744073709551615"]')
  assert.deepEqual(keyParts('["a\\"b",""]' as Key), ['a"b', ''])
  for (const none of [[], [null], [1, undefined], [{ kind: 'invalid' as const, type: 't', raw: 'x', reason: 'r' }]])
    assert.equal(keyOf(none), null)
  fc.assert(
    fc.property(fc.array(fc.string(), { minLength: 1 }), (parts) =>
      assert.deepEqual(keyParts(keyOf(parts) as Key), parts),
    ),
  )
})

test('every failure says what is wrong and what to do, in a sentence', () => {
  for (const [code, kind] of Object.entries(failures)) {
    assert.match(code, /^SYNC-[1-8]\d{3}$/)
    assert.match(kind.title, /^[A-Z`].*[^.]$/, `${code}: the title is a heading`)
    assert.match(kind.hint, /[.`);"]$/, `${code}: the hint is a sentence`)
  }
})

test('a failure carries the word of the table, and a hint of its own where there is one', () => {
  assert.deepEqual(failure('SYNC-6001', 'm'), {
    code: 'SYNC-6001',
    message: 'm',
    retry: 'manual',
    hint: failures['SYNC-6001'].hint,
  })
  assert.equal(failure('SYNC-6001', 'm', { hint: 'do this' }).hint, 'do this')
  assert.match(new SyncError(failure('SYNC-6001', 'too many')).message, /SYNC-6001 too many/)
})
