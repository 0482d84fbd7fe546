import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { newRow, rowText, text, type Value } from '../../model/value.ts'
import { type FieldKind, id18, jsonOf, kindOfType, matchKey, normalOf, normalRow, valueFrom } from './values.ts'

const decimal = (text: string): Value => ({ kind: 'decimal', text })
const date = (text: string): Value => ({ kind: 'date', text })
const datetime = (text: string): Value => ({ kind: 'datetime', text })
const instant = (text: string): Value => ({ kind: 'instant', text })
const time = (text: string): Value => ({ kind: 'time', text })
const bytes = (text: string): Value => ({ kind: 'bytes', text })
const refused = Symbol('refused')

test('each value for each kind of field: exactly this JSON, or refused with a reason', () => {
  const table: [value: Value, kind: FieldKind, json: unknown][] = [
    [null, 'number', null],
    ['Ada', 'text', 'Ada'],
    ['', 'text', ''],
    ['a\u0000b', 'text', refused],
    ['\ud800', 'text', refused],
    [12.5, 'text', '12.5'],
    [decimal('0012345678901234567890'), 'text', '0012345678901234567890'],
    [true, 'text', 'true'],
    [date('2024-01-31'), 'text', '2024-01-31'],
    [bytes('AAE='), 'text', refused],
    [bytes('AAE='), 'bytes', 'AAE='],
    [42, 'bytes', refused],
    [42, 'number', 42],
    [0.1, 'number', 0.1],
    [9_007_199_254_740_991, 'number', refused],
    [1e21, 'number', 1e21],
    ['42.50', 'number', 42.5],
    [' 7 ', 'whole', 7],
    ['', 'number', null],
    ['seven', 'number', refused],
    ['0x10', 'number', refused],
    ['.', 'number', refused],
    [decimal('1234.50'), 'number', 1234.5],
    [decimal('123456789012345'), 'number', 123456789012345],
    [decimal('1234567890123450000'), 'number', 1234567890123450000],
    [decimal('1234567890123456'), 'number', refused],
    [decimal('0.000000000000000123456789012345'), 'number', 1.23456789012345e-16],
    [decimal('-0'), 'number', 0],
    [decimal('NaN'), 'number', refused],
    [decimal('-Infinity'), 'number', refused],
    [decimal('1e999'), 'number', refused],
    [decimal('1e-999'), 'number', refused],
    [decimal('12.5'), 'whole', refused],
    [12.5, 'whole', refused],
    [decimal('12.0'), 'whole', 12],
    [{ kind: 'other', type: 'money', text: '$12.00' }, 'number', refused],
    [true, 'number', refused],
    [true, 'boolean', true],
    ['false', 'boolean', false],
    [1, 'boolean', refused],
    ['yes', 'boolean', refused],
    [date('2024-02-29'), 'date', '2024-02-29'],
    ['2024-02-29', 'date', '2024-02-29'],
    [date('2023-02-29'), 'date', refused],
    [date('infinity'), 'date', refused],
    [date('0044-03-15 BC'), 'date', refused],
    [date('1699-12-31'), 'date', refused],
    [instant('2024-01-31 02:30:00+00'), 'date', refused],
    [20240131, 'date', refused],
    [instant('2024-09-24 03:26:07.999999+00'), 'datetime', '2024-09-24T03:26:07Z'],
    [instant('2024-09-24 05:26:07+02'), 'datetime', '2024-09-24T03:26:07Z'],
    [instant('2024-09-24 08:56:07+0530'), 'datetime', '2024-09-24T03:26:07Z'],
    ['2024-09-24T03:26:07.000+0000', 'datetime', '2024-09-24T03:26:07Z'],
    ['2024-09-23T20:26:07-07:00', 'datetime', '2024-09-24T03:26:07Z'],
    [instant('infinity'), 'datetime', refused],
    [instant('2024-09-24 24:00:00+00'), 'datetime', refused],
    [datetime('2024-09-24 03:26:07'), 'datetime', refused],
    [date('2024-09-24'), 'datetime', refused],
    ['tomorrow', 'datetime', refused],
    [time('10:20:30.5'), 'time', '10:20:30.500Z'],
    [time('25:00:00'), 'time', refused],
    ['003000000000001', 'id', '003000000000001'],
    [decimal('12.50'), 'any', 12.5],
    [decimal('1234567890123456'), 'any', refused],
    [datetime('2024-09-24 03:26:07'), 'any', refused],
    [instant('2024-09-24 03:26:07+00'), 'any', '2024-09-24T03:26:07Z'],
    [{ kind: 'json', text: '{"a":1}' }, 'any', '{"a":1}'],
    [{ kind: 'invalid', type: 'date', raw: '0000-00-00', reason: 'zero date' }, 'text', refused],
  ]
  for (const [value, kind, expected] of table) {
    const json = jsonOf(value, kind)
    const what = `${JSON.stringify(value)} as ${kind}`
    if (expected === refused) assert.ok(typeof json === 'object' && json !== null && json.reason.length > 0, what)
    else assert.deepEqual(json, expected, what)
  }
})

test('a reason never shows the value', () => {
  const secret = 'canary4711'
  const kinds: FieldKind[] = ['number', 'whole', 'boolean', 'date', 'datetime', 'time']
  for (const kind of kinds) {
    for (const value of [secret, decimal(secret), { kind: 'other', type: 'x', text: secret } as Value]) {
      const json = jsonOf(value, kind)
      assert.ok(typeof json === 'object' && json !== null, `${kind}`)
      assert.doesNotMatch(json.reason, /canary/)
    }
  }
})

test('what is not refused keeps its digits', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(10n ** 22n), max: 10n ** 22n }), fc.nat(10), (units, scale) => {
      const digits = (units < 0n ? -units : units).toString().padStart(scale + 1, '0')
      const cut = digits.length - scale
      const plain = `${units < 0n ? '-' : ''}${digits.slice(0, cut)}${scale === 0 ? '' : `.${digits.slice(cut)}`}`
      const json = jsonOf(decimal(plain), 'number')
      const significant = digits.replace(/^0+/, '').replace(/0+$/, '').length
      if (significant > 15) return typeof json === 'object' && json !== null
      if (typeof json !== 'number') return false
      // The same number, digit by digit: scaled up to a whole number it is the one we began with.
      const [mantissa = '', exponent = '0'] = json.toExponential(14).split('e')
      const shift = Number(exponent) - 14 + scale
      const whole = BigInt(mantissa.replace('.', ''))
      return shift >= 0 ? whole * 10n ** BigInt(shift) === units : whole === units * 10n ** BigInt(-shift)
    }),
    { numRuns: 2_000, seed: 7 },
  )
})

test('the normal form of what was sent is the normal form of what Salesforce gives back', () => {
  const table: [kind: FieldKind, sent: Value, stored: unknown][] = [
    ['text', '  Ada ', 'Ada'],
    ['text', ' ', null],
    ['text', 12, '12'],
    ['email', 'Ada@Example.org', 'ada@example.org'],
    ['id', '003000000000001', '003000000000001AAA'],
    ['picklists', 'B; A;B', 'A;B'],
    ['number', decimal('1234.50'), 1234.5],
    ['number', 1 / 3, 0.333333333333333],
    ['number', '42', 42],
    ['boolean', 'true', true],
    ['date', date('2024-01-31'), '2024-01-31'],
    ['datetime', instant('2024-09-24 05:26:07.123456+02'), '2024-09-24T03:26:07.000+0000'],
    ['datetime', '2024-09-24T03:26:07Z', '2024-09-24T03:26:07.000Z'],
    ['time', time('10:20:30'), '10:20:30.000Z'],
    ['any', instant('2024-09-24 05:26:07.123456+02'), '2024-09-24T03:26:07.000+0000'],
    ['any', date('2024-01-31'), '2024-01-31'],
    ['any', decimal('1234.50'), 1234.5],
    ['any', ' x ', 'x'],
  ]
  for (const [kind, sent, stored] of table) {
    assert.deepEqual(normalOf(sent, kind), valueFrom(stored, kind), `${kind} ${JSON.stringify(sent)}`)
    assert.deepEqual(
      normalOf(normalOf(sent, kind), kind),
      normalOf(sent, kind),
      `twice: ${kind} ${JSON.stringify(sent)}`,
    )
  }
})

test('a value that cannot be written stays as it is, and compound fields come as JSON', () => {
  const invalid: Value = { kind: 'invalid', type: 'date', raw: '0000-00-00', reason: 'zero date' }
  assert.deepEqual(normalOf(invalid, 'date'), invalid)
  assert.deepEqual(normalOf(decimal('1234567890123456'), 'number'), decimal('1234567890123456'))
  assert.deepEqual(valueFrom({ city: 'Wien' }, 'any'), { kind: 'json', text: '{"city":"Wien"}' })
  assert.equal(valueFrom(undefined, 'text'), null)
})

test('fields of every name keep their place in a normal row', () => {
  const row = newRow()
  const proto = '__proto__'
  row[proto] = ' a '
  row['constructor'] = ' b '
  const normal = normalRow(row, () => 'text')
  assert.equal(rowText(normal), '{"__proto__":"a","constructor":"b"}')
})

test('18-character ids, as Salesforce makes them', () => {
  // Published pairs: Object Reference, "ID Field Type", and the prefix of any organisation.
  assert.equal(id18('001A0000006Vm9r'), '001A0000006Vm9rIAC')
  assert.equal(id18('001A0000006Vm9rIAC'), '001A0000006Vm9rIAC')
  assert.equal(id18('not an id'), 'not an id')
})

test('external ids match as Salesforce matches them', () => {
  assert.equal(matchKey(' Ab ', 'text', false), matchKey('aB', 'text', false))
  assert.notEqual(matchKey('Ab', 'text', true), matchKey('ab', 'text', true))
  assert.equal(matchKey('1.0', 'number', false), matchKey(1, 'number', false))
  assert.notEqual(matchKey('1.0', 'text', false), matchKey('1', 'text', false))
  for (const empty of [null, '', '  ']) assert.equal(matchKey(empty, 'text', false), null)
})

test('every type that describe knows has a kind', () => {
  const types: [string, FieldKind][] = [
    ['string', 'text'],
    ['textarea', 'text'],
    ['picklist', 'text'],
    ['combobox', 'text'],
    ['phone', 'text'],
    ['url', 'text'],
    ['encryptedstring', 'text'],
    ['multipicklist', 'picklists'],
    ['email', 'email'],
    ['id', 'id'],
    ['reference', 'id'],
    ['double', 'number'],
    ['currency', 'number'],
    ['percent', 'number'],
    ['int', 'whole'],
    ['long', 'whole'],
    ['boolean', 'boolean'],
    ['date', 'date'],
    ['datetime', 'datetime'],
    ['time', 'time'],
    ['base64', 'bytes'],
    ['address', 'any'],
    ['location', 'any'],
    ['anyType', 'any'],
  ]
  for (const [type, kind] of types) assert.equal(kindOfType(type), kind, type)
})

test('the text of a canonical moment is the same for every way of writing it', () => {
  const ways = [
    '2024-03-31T01:30:00Z',
    '2024-03-31 03:30:00+02',
    '2024-03-31T03:30:00.000+0200',
    '2024-03-31 01:30:00.9+00',
  ]
  const texts = new Set(ways.map((way) => text(normalOf(instant(way), 'datetime'))))
  assert.deepEqual([...texts], ['2024-03-31 01:30:00+00'])
})
