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

test('ties go to the record with most values, then to the smaller key, whatever the rule', () => {
  const nobody = { At: null, Source: 'list', Name: 'same' }
  const poor = record(3, { ...nobody, A: 'poor' })
  const rich = record(10, { ...nobody, A: 'rich', B: 'b' })
  const equal = record(9, { ...nobody, A: 'mine', B: 'b' })
  const all: readonly FieldRule[] = [
    'complete',
    'longest',
    'frequent',
    { newest: 'At' },
    { newest: 'Name' },
    { priority: ['web', 'shop'], by: 'Source' },
    { priority: ['web', 'list'], by: 'Source' },
  ]
  for (const rule of all) {
    const merged = (...records: Contender[]) => survive(records, rules(rule))['A']
    assert.equal(merged(poor, rich), 'rich', `${JSON.stringify(rule)}: more values`)
    assert.equal(merged(rich, equal, poor), 'mine', `${JSON.stringify(rule)}: the smaller key`)
  }
})

test('the newest is told exactly: of numbers, moments and fractions of a second, also before the year 1', () => {
  const decimal = (exact: string): Value => ({ kind: 'decimal', text: exact })
  const instant = (exact: string): Value => ({ kind: 'instant', text: exact })
  const datetime = (exact: string): Value => ({ kind: 'datetime', text: exact })
  const rising: readonly (readonly Value[])[] = [
    [decimal('-Infinity'), -20, -3, decimal('-0.0000001'), 0, 7, 12, 1e22, decimal('Infinity')],
    [decimal('9007199254740992'), decimal('9007199254740993'), decimal('123456789012345678901234567890')],
    [date('-infinity'), date('0044-03-15 BC'), date('0044-03-16 BC'), date('0043-01-01 BC'), date('0900-01-01')],
    [date('2024-12-31'), date('10000-01-01'), date('infinity')],
    [instant('2024-01-01 10:00:00+00'), instant('2024-01-01 10:00:00.5+00'), instant('2024-01-01 10:00:01+00')],
    [datetime('2024-01-01 10:00:00.49'), datetime('2024-01-01 10:00:00.5')],
    ['2024-01-01T10:00:00Z', '2024-01-01T10:00:00.5Z', '2024-01-01 10:00:01Z'],
  ]
  for (const values of rising)
    for (const [i, later] of values.entries())
      for (const earlier of values.slice(0, i)) {
        // The later one has the worse place in the order of ties.
        const records = [record(1, { At: earlier, A: 'old', B: 'b' }), record(22, { At: later, A: 'new' })]
        const merged = survive(records, rules({ newest: 'At' }))
        assert.equal(merged['A'], 'new', `${JSON.stringify(later)} is later than ${JSON.stringify(earlier)}`)
      }
  const equal = [
    record(1, { At: datetime('2024-01-01 10:00:00'), A: 'first' }),
    record(22, { At: datetime('2024-01-01 10:00:00.000'), A: 'x' }),
  ]
  assert.equal(survive(equal, rules({ newest: 'At' }))['A'], 'first', 'equal moments: a tie')
  const none = [record(22, { At: decimal('NaN'), A: 'x', B: 'b' }), record(1, { At: -5, A: 'number' })]
  assert.equal(survive(none, rules({ newest: 'At' }))['A'], 'number', 'what is no number is never the newest')
})

test('a field that one record lacks comes from another; null where none has a value', () => {
  assert.deepEqual(
    { ...survive([record(1, { A: null }), record(2, { B: 'b' })], rules('complete')) },
    { A: null, B: 'b' },
  )
})

test('merging is commutative, associative and idempotent: only the set of records counts', () => {
  const value = fc.oneof(
    fc.constant(null),
    fc.constantFrom('', 'a', 'b', 'bb', 'ccc'),
    fc.integer({ min: -3, max: 3 }),
    fc.constantFrom<Value>(date('2024-01-01'), date('2025-01-01'), { kind: 'decimal', text: '-2.5' }),
  )
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
        const again = shuffled.slice(0, (picks[10] ?? 0) % (records.length + 1))
        assert.equal(rowText(survive([...records, ...again], by)), once, 'however often')
        const cut = (picks[11] ?? 0) % records.length
        assert.equal(rowText(survive([...records.slice(cut), ...records.slice(0, cut)], by)), once, 'in any parts')
      },
    ),
    { seed: 11, numRuns: 500 },
  )
})

test('who wins a field among all is who wins it among the winners of parts: merging is associative', () => {
  const rule = fc.constantFrom<FieldRule>(
    'complete',
    'longest',
    { newest: 'At' },
    { priority: ['web', 'shop'], by: 'Source' },
  )
  const one = fc.record({
    // The name says who it is; its length is what `longest` looks at.
    pad: fc.integer({ min: 0, max: 2 }),
    At: fc.oneof(fc.constant(null), fc.integer({ min: -2, max: 2 })),
    Source: fc.constantFrom(null, 'web', 'shop', 'list'),
    Note: fc.constantFrom(null, 'x'),
  })
  fc.assert(
    fc.property(fc.array(one, { minLength: 2, maxLength: 7 }), rule, fc.nat({ max: 100 }), (given, all, at) => {
      const records = given.map(({ pad, ...set }, n) => record(n + 1, { ...set, Name: `${'x'.repeat(pad)}${n + 1}` }))
      const winner = (some: readonly Contender[]): Contender => {
        const name = survive(some, rules(all))['Name']
        return records.find(({ set }) => set['Name'] === name) as Contender
      }
      const cut = 1 + (at % (records.length - 1))
      const [left, right] = [records.slice(0, cut), records.slice(cut)]
      assert.equal(winner([winner(left), winner(right)]).key, winner(records).key)
      assert.equal(winner([winner(right), ...left]).key, winner(records).key)
    }),
    { seed: 12, numRuns: 500 },
  )
})
