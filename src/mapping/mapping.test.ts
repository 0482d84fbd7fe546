import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { SyncError } from '../model/failure.ts'
import { type Row, rowFrom, type Value } from '../model/value.ts'
import type { Reason } from '../model/verdict.ts'
import { checkMapping, compileMapping, inputsOf } from './mapping.ts'
import type { FieldRule } from './options.ts'

const decimal = (text: string): Value => ({ kind: 'decimal', text })
const date = (text: string): Value => ({ kind: 'date', text })

/** What one rule makes of one value; `undefined`: the field stays as it is. */
function mapOne(rule: FieldRule, row: Row): { value: Value | undefined } | { reason: Reason } {
  const mapping = compileMapping({ object: 'Contact', key: { Id__c: { value: 1 } }, fields: { F: rule }, joins: ['m'] })
  const mapped = mapping.map(row)
  return mapped.kind === 'mapped' ? { value: mapped.set['F'] } : { reason: mapped.reasons[0]! }
}

test('gives the documented values', () => {
  const cases: [FieldRule, Row, Value | undefined][] = [
    ['a', { a: 'x' }, 'x'],
    ['a', { a: null }, null],
    ['a', {}, undefined],
    ['m.status', { 'm.status': 'A' }, 'A'],
    [{ from: 'a', nulls: 'skip' }, { a: null }, undefined],
    [{ from: 'a', default: 'none' }, { a: null }, 'none'],
    [{ from: 'a', default: 'none' }, {}, undefined],
    [{ value: 'fixed' }, {}, 'fixed'],
    [{ value: null }, {}, null],
    [{ expr: "row.a + '!'" }, { a: 'x' }, 'x!'],
    [{ expr: "row.a + '!'" }, {}, undefined],
    [{ expr: "row.a + '!'" }, { a: null }, null],
    [{ from: 'a', map: { A: 'Active', '1': true, NaN: null } }, { a: 'A' }, 'Active'],
    [{ from: 'a', map: { A: 'Active', '1': true, NaN: null } }, { a: 1 }, true],
    [{ from: 'a', map: { NaN: null }, unmapped: 'keep' }, { a: decimal('NaN') }, null],
    [{ from: 'a', map: { A: 'Active' }, unmapped: 'keep' }, { a: 'B' }, 'B'],
    [{ from: 'a', map: { A: 'Active' }, unmapped: 'null' }, { a: 'B' }, null],
    [{ from: 'a', map: { A: 'Active' }, unmapped: 'null', default: 'Other' }, { a: 'B' }, 'Other'],
    [{ from: 'a', transform: ['trim', 'upper'], map: { A: 'Active' } }, { a: ' a ' }, 'Active'],
    [{ from: 'a', transform: ['collapse'] }, { a: ' a \n b ' }, 'a b'],
    [{ from: 'a', transform: ['emptyToNull'] }, { a: '  ' }, null],
    [{ from: 'a' }, { a: '' }, ''],
    [{ from: 'a', transform: ['string'] }, { a: decimal('10.50') }, '10.50'],
    [{ from: 'a', transform: ['number'] }, { a: ' 12.50 ' }, decimal('12.50')],
    [{ from: 'a', transform: ['number'] }, { a: '9007199254740993' }, decimal('9007199254740993')],
    [
      { from: 'a', transform: [{ number: { decimal: ',', group: '.' } }] },
      { a: '-1.234.567,80' },
      decimal('-1234567.80'),
    ],
    [{ from: 'a', transform: [{ number: { group: ' ' } }] }, { a: '1 234' }, 1234],
    [{ from: 'a', transform: ['boolean'] }, { a: 'Yes' }, true],
    [{ from: 'a', transform: [{ boolean: { true: ['J'], false: ['N'] } }] }, { a: 'n' }, false],
    [{ from: 'a', transform: ['email'] }, { a: ' Ada.L@Example.ORG ' }, 'Ada.L@example.org'],
    [{ from: 'a', transform: [{ phone: { country: 'AT' } }] }, { a: '0660 / 123-45 67' }, '+436601234567'],
    [{ from: 'a', transform: [{ phone: { country: 'AT' } }] }, { a: '+43 (0) 660 1234567' }, '+436601234567'],
    [{ from: 'a', transform: [{ phone: { country: 'AT' } }] }, { a: '0049 30 123456' }, '+4930123456'],
    [{ from: 'a', transform: [{ phone: { country: 'US' } }] }, { a: '1 (212) 555-0100' }, '+12125550100'],
    [{ from: 'a', transform: [{ phone: { country: 'IT' } }] }, { a: '06 6982' }, '+39066982'],
    [{ from: 'a', transform: [{ truncate: 2 }] }, { a: '😀ab' }, '😀a'],
    [{ from: 'a', transform: [{ replace: { from: '$&', to: '$1' } }] }, { a: 'x$&' }, 'x$1'],
    [{ from: 'a', controls: 'strip' }, { a: 'a\u0000b\tc\r\n' }, 'ab\tc\r\n'],
    [{ from: 'a' }, { a: '=HYPERLINK("x")<script>' }, '=HYPERLINK("x")<script>'],
    [{ from: 'a' }, { a: { kind: 'other', type: 'uuid', text: 'x' } }, { kind: 'other', type: 'uuid', text: 'x' }],
  ]
  for (const [rule, row, expected] of cases) {
    const got = mapOne(rule, row)
    assert.deepEqual(got, { value: expected }, `${JSON.stringify(rule)} ${JSON.stringify(row)}: ${JSON.stringify(got)}`)
  }
})

/** Rows that cannot be mapped: name, rule, value, code, what the reason says. */
const bad: readonly [string, FieldRule, Value, string, RegExp][] = [
  [
    'D1 bytes that are no text',
    'a',
    { kind: 'invalid', type: 'text', raw: '61ff', reason: 'byte 1 is not UTF-8' },
    'SYNC-4010',
    /column a: the source's value of type text cannot be read: byte 1 is not UTF-8/,
  ],
  ['D2 half a surrogate pair', 'a', 'secret\ud800', 'SYNC-4013', /column a/],
  ['D2 NUL', 'a', 'se\u0000cret', 'SYNC-4014', /U\+0000 stands at character 3/],
  ['D2 escape', 'a', 'secret\u001b[31m', 'SYNC-4014', /U\+001B/],
  ['D4 NaN', 'a', decimal('NaN'), 'SYNC-4011', /NaN/],
  ['D4 infinity', 'a', decimal('-Infinity'), 'SYNC-4011', /-Infinity/],
  [
    'D5 zero date',
    'a',
    { kind: 'invalid', type: 'date', raw: '0000-00-00', reason: 'zero date' },
    'SYNC-4010',
    /type date cannot be read: zero date/,
  ],
  [
    'D5 31 February',
    { from: 'a', transform: [{ date: { from: 'dd.MM.yyyy' } }] },
    '31.02.2024',
    'SYNC-4019',
    /not a date of the form dd\.MM\.yyyy/,
  ],
  ['D5 year 10000', 'a', date('10000-01-01'), 'SYNC-4012', /outside of the years 1 to 9999/],
  ['D5 before Christ', 'a', date('0044-03-15 BC'), 'SYNC-4012', /before the year 1/],
  ['D5 infinity', 'a', date('infinity'), 'SYNC-4012', /infinity/],
  [
    'D5 no zone',
    { from: 'a', transform: [{ date: { to: 'instant' } }] },
    { kind: 'datetime', text: '2024-01-31 02:30:00' },
    'SYNC-4019',
    /needs `zone`/,
  ],
  [
    'D5 gap',
    { from: 'a', transform: [{ date: { zone: 'Europe/Vienna' } }] },
    { kind: 'datetime', text: '2024-03-31 02:30:00' },
    'SYNC-4020',
    /does not exist in Europe\/Vienna/,
  ],
  [
    'D5 overlap',
    { from: 'a', transform: [{ date: { zone: 'Europe/Vienna', overlap: 'park' } }] },
    { kind: 'datetime', text: '2024-10-27 02:30:00' },
    'SYNC-4020',
    /happened twice/,
  ],
  ['D8 too long', { from: 'a', maxLength: 5 }, 'secretive', 'SYNC-4016', /9 characters, the field allows 5/],
  [
    'D9 unknown value',
    { from: 'a', map: { Active: 'A', Lapsed: 'L' } },
    'Activ',
    'SYNC-4017',
    /not in the value map \(Active, Lapsed\)/,
  ],
  ['D11 e-mail', { from: 'a', transform: ['email'] }, 'secret@', 'SYNC-4022', /after the @ is not a domain/],
  ['D11 e-mail without @', { from: 'a', transform: ['email'] }, 'secretive', 'SYNC-4022', /no @/],
  [
    'D11 telephone',
    { from: 'a', transform: [{ phone: { country: 'AT' } }] },
    '0660 secret',
    'SYNC-4021',
    /something else than digits/,
  ],
  [
    'D11 telephone of 64 KB',
    { from: 'a', transform: [{ phone: { country: 'AT' } }] },
    '1'.repeat(65_536),
    'SYNC-4021',
    /65536 characters/,
  ],
  ['D12 10 MB', 'a', 'x'.repeat(10_485_760), 'SYNC-4015', /size 10 485 760 > limit 1 048 576/],
  [
    'D16 unknown type',
    'a',
    { kind: 'invalid', type: 'geometry', raw: '00', reason: 'the type geometry is not supported' },
    'SYNC-4010',
    /geometry/,
  ],
  ['number', { from: 'a', transform: ['number'] }, '12,50 secret', 'SYNC-4018', /not a number of the form 1234\.56/],
  [
    'grouping that is none',
    { from: 'a', transform: [{ number: { group: ',' } }] },
    '1,23',
    'SYNC-4018',
    /of the form 1,234\.56/,
  ],
  ['boolean', { from: 'a', transform: ['boolean'] }, 'secret', 'SYNC-4018', /none of true, t, yes/],
  ['expression', { expr: 'row.a + 1' }, 'secret', 'SYNC-4023', /expression `row\.a \+ 1`: .*a text \+ a number/],
  [
    'unreadable in an expression',
    { expr: 'row.a + row.b' },
    { kind: 'invalid', type: 'text', raw: 'secret', reason: 'no UTF-8' },
    'SYNC-4010',
    /expression `row\.a \+ row\.b`, column a: .*no UTF-8/,
  ],
  ['transform of another type', { from: 'a', transform: ['trim'] }, 5, 'SYNC-4024', /trim needs a text, not number/],
]

for (const [name, rule, value, code, message] of bad) {
  test(name, () => {
    const result = mapOne(rule, { a: value, b: 'x' })
    assert.ok('reason' in result, JSON.stringify(result).slice(0, 200))
    assert.equal(result.reason.code, code)
    assert.match(result.reason.error, message)
    assert.equal(result.reason.field, 'F')
    assert.equal(result.reason.stage, 'mapping')
    assert.doesNotMatch(`${result.reason.error}${result.reason.value}`, /secr/)
    assert.ok((result.reason.value ?? '').length < 80)
  })
}

test('D3, D4 exact numbers stay exact', () => {
  for (const text of ['9007199254740993', '0.1234567890123456789012', '-0', '1e400'])
    assert.deepEqual(mapOne('a', { a: decimal(text) }), { value: decimal(text) })
})

test('D7 a record without a key says so, beside all its other reasons', () => {
  const mapping = compileMapping({
    object: 'Contact',
    key: { Id__c: 'id' },
    fields: { E: { from: 'e', transform: ['email'] }, N: 'n' },
  })
  for (const [row, word] of [
    [{ id: null }, 'is null'],
    [{}, 'is absent'],
    [{ id: '' }, 'is empty'],
  ] as const) {
    const mapped = mapping.map({ ...row, e: 'x', n: decimal('NaN') } as Row)
    assert.ok(mapped.kind === 'invalid')
    assert.deepEqual(
      mapped.reasons.map((reason) => [reason.stage, reason.code]),
      [
        ['key', 'SYNC-4001'],
        ['mapping', 'SYNC-4022'],
        ['mapping', 'SYNC-4011'],
      ],
    )
    assert.match(mapped.reasons[0]!.error, new RegExp(word))
  }
})

test('a mapping tells what it reads and writes', () => {
  const options = {
    object: 'Contact',
    key: { Id__c: { expr: "row.country + '-' + string(row.id)" } },
    fields: { A: 'a', 'B.c': { expr: 'row.m.x' }, D: { value: 1 } },
    joins: ['m'],
  }
  const mapping = compileMapping(options)
  assert.deepEqual(mapping.fields, ['Id__c', 'A', 'B.c', 'D'])
  assert.deepEqual(mapping.columns, ['a', 'country', 'id', 'm.x'])
  assert.equal(mapping.keyColumn, undefined)
  assert.deepEqual(mapping.together, [['country', 'id']])
  assert.deepEqual({ ...inputsOf(options) }, { Id__c: ['country', 'id'], A: ['a'], 'B.c': ['m.x'], D: [] })
  const mapped = mapping.map({ a: 'x', country: 'AT', id: 7, 'm.x': null })
  assert.ok(mapped.kind === 'mapped')
  assert.equal(mapped.key, 'AT-7')
  assert.deepEqual({ ...mapped.set }, { Id__c: 'AT-7', A: 'x', 'B.c': null, D: 1 })
  const { hash } = mapping
  assert.equal(
    compileMapping({ ...options, fields: { D: { value: 1 }, 'B.c': { expr: 'row.m.x' }, A: 'a' } }).hash,
    hash,
  )
  assert.notEqual(compileMapping({ ...options, fields: { ...options.fields, D: { value: 2 } } }).hash, hash)
  assert.equal(compileMapping({ ...options, key: { Id__c: 'id' } }).keyColumn, 'id')
  const shown = { ...options.fields, A: { from: 'a', classification: 'public' as const } }
  assert.equal(compileMapping({ ...options, fields: shown }).hash, hash)
})

test('a reason shows a value as its field is classified', () => {
  const value = (classification?: 'public' | 'sensitive') => {
    const rule = { from: 'a', map: { A: 'Active' }, ...(classification === undefined ? {} : { classification }) }
    const mapped = compileMapping({ object: 'Contact', key: { Id__c: 'id' }, fields: { Status: rule } }).map({
      id: 1,
      a: 'Lapsed',
    })
    return mapped.kind === 'invalid' ? mapped.reasons[0]?.value : undefined
  }
  assert.equal(value('public'), 'text "Lapsed"')
  assert.equal(value(), 'text, 6 characters, begins "La"')
  assert.equal(value('sensitive'), 'text, 6 characters')
})

test('all problems of a mapping are found at once, with their places', () => {
  const problems = checkMapping({
    object: 'Contact',
    key: {},
    fields: {
      A: { from: 'a', expr: 'row.b' },
      B: { expr: 'row.b +' },
      C: { from: 'x.y' },
      D: { from: 'a', transform: [{ date: { from: 'dd.MM.yy' } }, { phone: { country: 'XX' } }] },
      'D.e': 'a',
      F: { from: 'a', unmapped: 'keep' },
    },
  })
  assert.deepEqual(
    problems.map(({ path, code }) => `${path.join('.')} ${code}`),
    [
      'key SYNC-1021',
      'fields.A SYNC-1021',
      'fields.B.expr SYNC-1017',
      'fields.C.from SYNC-1012',
      'fields.D.transform.0 SYNC-1021',
      'fields.D.transform.1 SYNC-1021',
      'fields.F.unmapped SYNC-1021',
      'fields.D.e SYNC-1013',
    ],
  )
  assert.match(problems[4]!.message, /two-digit years/)
  assert.throws(() => compileMapping({ object: 'x', key: {}, fields: {} }), SyncError)
})

test('names that objects have are columns and fields like any other', () => {
  const mapping = compileMapping({
    object: 'x',
    key: { Id: 'valueOf' },
    fields: { toString: 'hasOwnProperty', watch: 'toString' },
  })
  const mapped = mapping.map(rowFrom('{"valueOf": 1, "hasOwnProperty": "x"}'))
  assert.ok(mapped.kind === 'mapped')
  assert.deepEqual({ ...mapped.set }, { Id: 1, toString: 'x' })
  for (const name of ['__proto__', 'constructor', 'a.prototype'])
    assert.equal(
      checkMapping({ object: 'x', key: { Id: 'id' }, fields: JSON.parse(`{"${name}": "a"}`) })[0]?.code,
      'SYNC-1011',
    )
})

const anyValue: fc.Arbitrary<Value> = fc.oneof(
  fc.constant(null),
  fc.boolean(),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.string({ unit: 'binary' }),
  fc.record({
    kind: fc.constantFrom('decimal', 'date', 'time', 'datetime', 'instant', 'bytes', 'json'),
    text: fc.string(),
  }) as fc.Arbitrary<Value>,
  fc.record({ kind: fc.constant('other'), type: fc.string(), text: fc.string() }) as fc.Arbitrary<Value>,
  fc.record({
    kind: fc.constant('invalid'),
    type: fc.string(),
    raw: fc.string(),
    reason: fc.string(),
  }) as fc.Arbitrary<Value>,
)

test('whatever the row, mapping is total, changes nothing in silence, and never lets an unreadable value through', () => {
  const mapping = compileMapping({
    object: 'Contact',
    key: { Id__c: { value: 1 } },
    fields: {
      Copy: 'a',
      Trimmed: { from: 'b', transform: ['trim', 'lower', 'emptyToNull'] },
      Date: { from: 'c', transform: [{ date: { from: 'dd.MM.yyyy HH:mm', zone: 'Europe/Vienna' } }] },
      Iso: { from: 'd', transform: ['date'] },
      Number: { from: 'e', transform: [{ number: { decimal: ',', group: '.' } }] },
      Phone: { from: 'f', transform: [{ phone: { country: 'DE' } }] },
      Mail: { from: 'g', transform: ['email'] },
      Expr: { expr: "row.h == null ? 'x' : string(row.h) + hash(row.h, row.b)" },
    },
  })
  const row = fc.record(
    { a: anyValue, b: anyValue, c: anyValue, d: anyValue, e: anyValue, f: anyValue, g: anyValue, h: anyValue },
    { requiredKeys: [] },
  )
  fc.assert(
    fc.property(row, (given) => {
      const mapped = mapping.map(given)
      if (mapped.kind === 'invalid') {
        assert.ok(mapped.reasons.length > 0)
        return
      }
      for (const value of Object.values(mapped.set))
        assert.ok(typeof value !== 'object' || value === null || value.kind !== 'invalid')
      // I6: a plain rule copies, or leaves out what was absent.
      assert.deepEqual(mapped.set['Copy'], given.a)
      assert.equal(Object.hasOwn(mapped.set, 'Copy'), Object.hasOwn(given, 'a'))
    }),
    { numRuns: 2_000, seed: 6 },
  )
})
