import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Key, keyOf } from '../../model/key.ts'
import { type Row, rowText, type Value } from '../../model/value.ts'
import type { FieldRule } from './merge-options.ts'
import { type Contender, survive } from './survive.ts'

const key = (n: number) => keyOf([n]) as Key
const rules = (all: FieldRule, fields: { readonly [name: string]: FieldRule } = {}) => ({
  default: all,
  fields: new Map(Object.entries(fields)),
})
const record = (n: number, set: Row): Contender => ({ key: key(n), set })
const date = (text: string): Value => ({ kind: 'date', text })

test('each rule takes the value that it names; a record without a value never wins', () => {
  const a = record(1, { Phone: '1', Name: 'Ann', Source: 'shop', At: date('2024-01-01'), Note: 'x' })
  const b = record(2, { Phone: '12', Name: null, Source: 'web', At: date('2025-01-01'), Note: null })
  const c = record(3, { Phone: '', Name: 'Bob', Source: 'list', At: null, Note: null })
  const d = record(4, { Phone: '3', Name: 'Bob', Source: 'list', At: null, Note: null })
  const merged = (rule: FieldRule, field: string) => survive([a, b, c, d], rules('complete', { [field]: rule }))[field]
  assert.equal(merged('longest', 'Phone'), '12')
  assert.equal(merged('frequent', 'Name'), 'Bob')
  assert.equal(merged({ newest: 'At' }, 'Phone'), '12')
  assert.equal(merged({ newest: 'At' }, 'Name'), 'Ann', 'the newest one has no name')
  assert.equal(merged({ priority: ['web', 'shop'], by: 'Source' }, 'Phone'), '12')
  assert.equal(merged({ priority: ['web', 'shop'], by: 'Source' }, 'Note'), 'x')
  assert.equal(merged('complete', 'Phone'), '1')
})

test('a field that one record lacks comes from another; null where none has a value', () => {
  assert.deepEqual(
    { ...survive([record(1, { A: null }), record(2, { B: 'b' })], rules('complete')) },
    { A: null, B: 'b' },
  )
})

test('merging is commutative, associative and idempotent: only the set of records counts', () => {
  const value = fc.oneof(fc.constant(null), fc.constantFrom('', 'a', 'b', 'bb', 'ccc'), fc.integer({ min: -3, max: 3 }))
  const set = fc.dictionary(fc.constantFrom('A', 'B', 'C', 'Source'), value, { maxKeys: 4 })
  const rule = fc.constantFrom<FieldRule>(
    'complete',
    'longest',
    'frequent',
    { newest: 'C' },
    { priority: ['a', 'b'], by: 'A' },
  )
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.tuple(fc.integer({ min: 1, max: 50 }), set), {
        selector: ([n]) => n,
        minLength: 1,
        maxLength: 6,
      }),
      rule,
      fc.array(fc.nat({ max: 100 }), { minLength: 12, maxLength: 12 }),
      (given, all, picks) => {
        const records = given.map(([n, row]) => record(n, row))
        const by = rules(all, { B: 'longest' })
        const once = rowText(survive(records, by))
        const shuffled = records
          .map((one, i) => ({ one, at: picks[i] ?? 0 }))
          .sort((x, y) => x.at - y.at)
          .map(({ one }) => one)
        assert.equal(rowText(survive(shuffled, by)), once, 'in any order')
        assert.equal(rowText(survive([...records, ...shuffled], by)), once, 'however often')
        const cut = (picks[11] ?? 0) % records.length
        assert.equal(rowText(survive([...records.slice(cut), ...records.slice(0, cut)], by)), once, 'in any parts')
      },
    ),
    { seed: 11, numRuns: 500 },
  )
})
