import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SyncError } from '../model/failure.ts'
import { keyOf } from '../model/key.ts'
import type { Row, Value } from '../model/value.ts'
import type { Candidate, Reason } from '../model/verdict.ts'
import { plainValue } from './plain.ts'
import { schemaStage } from './schema.ts'
import type { JsonSchema } from './schema-compile.ts'

function reasons(schema: JsonSchema, set: Row): readonly Reason[] {
  const [verdict] = schemaStage(schema).judge([candidate(set)])
  if (verdict?.kind === 'accept') return []
  assert.equal(verdict?.kind, 'park')
  return verdict.kind === 'park' ? verdict.reasons : []
}

const candidate = (set: Row, row: Row = {}): Candidate => ({ key: keyOf([1])!, link: null, row, set })

const decimal = (text: string): Value => ({ kind: 'decimal', text })

test('one record parks alone, with every reason, in the order of the candidates', () => {
  const stage = schemaStage({
    type: 'object',
    properties: { Email: { type: 'string', format: 'email' } },
    required: ['LastName'],
  })
  const verdicts = stage.judge([
    candidate({ LastName: 'x', Email: 'a@b.org' }),
    candidate({ Email: 'nobody' }),
    candidate({ LastName: 'y' }),
  ])
  assert.deepEqual(
    verdicts.map((verdict) => verdict.kind),
    ['accept', 'park', 'accept'],
  )
  const park = verdicts[1]!
  assert.ok(park.kind === 'park' && park.to === 'quarantine')
  assert.deepEqual(
    park.reasons.map(({ field, code }) => [field, code]),
    [
      ['LastName', 'SYNC-4030'],
      ['Email', 'SYNC-4034'],
    ],
  )
  assert.equal(park.reasons[1]!.value, 'text, 6 characters, begins "no"')
})

test('says what is wrong with a value, without showing it', () => {
  const fields = { type: 'object' } as const
  const two: JsonSchema = { properties: { F: { type: 'string', pattern: '^a' }, G: { type: 'string', pattern: '^b' } } }
  assert.deepEqual(
    reasons(two, { F: 'b', G: 'b' }).map((reason) => reason.field),
    ['F'],
  )
  const of = (rule: JsonSchema): JsonSchema => ({ ...fields, properties: { F: rule } })
  const cases: [JsonSchema, Value, string, RegExp][] = [
    [of({ type: 'string' }), null, 'SYNC-4030', /F is null, but must be string/],
    [of({ type: 'string', minLength: 1 }), '', 'SYNC-4031', /F is required, but is empty/],
    [of({ type: 'string', minLength: 5 }), 'secret'.slice(0, 4), 'SYNC-4036', /4 characters, at least 5/],
    [of({ type: 'string', maxLength: 255 }), 'x'.repeat(300), 'SYNC-4036', /300 characters, at most 255/],
    [of({ type: 'number' }), 'twelve', 'SYNC-4032', /F must be number\.$/],
    [of({ type: 'number' }), decimal('0.1234567890123456789'), 'SYNC-4032', /more digits/],
    [of({ enum: ['Active', 'Lapsed'] }), 'Activ', 'SYNC-4033', /"Active", "Lapsed"/],
    [
      of({ enum: 'ABCDEFGHIJ'.split('').map((x) => `Value ${x}${x}`) }),
      'Value AB',
      'SYNC-4033',
      /nearest are "Value AA"/,
    ],
    [of({ type: 'string', pattern: '^[0-9]{4}$' }), 'Vienna', 'SYNC-4034', /form "\^\[0-9\]\{4\}\$"/],
    [of({ format: 'date' }), { kind: 'datetime', text: '2024-01-31 02:30:00' }, 'SYNC-4034', /not a date/],
    [of({ type: 'number', minimum: 0 }), -5, 'SYNC-4035', /must be >= 0/],
    [of({ not: {} }), 'x', 'SYNC-4037', /what the schema forbids/],
    [{ ...fields, properties: {}, additionalProperties: false }, 'x', 'SYNC-4037', /F is not a field of the schema/],
  ]
  for (const [schema, value, code, sentence] of cases) {
    const [reason] = reasons(schema, { F: value })
    assert.equal(reason?.code, code, JSON.stringify(schema))
    assert.match(reason.error, sentence)
    assert.equal(reason.stage, 'schema')
    assert.doesNotMatch(`${reason.error} ${reason.value}`, /twelve|Vienna|secr/)
  }
})

test('values look as documented', () => {
  const cases: [Value, unknown][] = [
    [decimal('10.50'), 10.5],
    [decimal('100'), 100],
    [decimal('1e21'), 1e21],
    [decimal('0.00'), 0],
    [decimal('-12.5'), -12.5],
    [decimal('9007199254740993'), '9007199254740993'],
    [decimal('0.1234567890123456789'), '0.1234567890123456789'],
    [decimal('NaN'), 'NaN'],
    [{ kind: 'date', text: '2024-01-31' }, '2024-01-31'],
    [{ kind: 'instant', text: '2024-01-31 02:30:00.5+00' }, '2024-01-31T02:30:00.5Z'],
    [{ kind: 'datetime', text: '2024-01-31 02:30:00' }, '2024-01-31T02:30:00'],
    [{ kind: 'json', text: '{"a":[1]}' }, { a: [1] }],
    [{ kind: 'json', text: 'no json' }, 'no json'],
    [{ kind: 'json', text: `${'['.repeat(200)}${']'.repeat(200)}` }, `${'['.repeat(200)}${']'.repeat(200)}`],
    [{ kind: 'other', type: 'uuid', text: 'x' }, 'x'],
    [true, true],
  ]
  for (const [value, plain] of cases) assert.deepEqual(plainValue(value), plain)
})

test('dotted fields are nested objects, and names of objects do no harm', () => {
  const schema = {
    type: 'object',
    properties: {
      customFields: {
        type: 'object',
        properties: { legacyId: { type: 'integer' } },
        required: ['legacyId', 'memberType'],
      },
    },
  }
  assert.deepEqual(reasons(schema, { 'customFields.legacyId': 1, 'customFields.memberType': 'x' }), [])
  assert.deepEqual(
    reasons(schema, { 'customFields.legacyId': 'x' }).map((reason) => reason.field),
    ['customFields.memberType', 'customFields.legacyId'],
  )
  const hostile = JSON.parse('{"__proto__.polluted": "yes", "constructor.prototype.polluted": "yes"}') as Row
  reasons(schema, hostile)
  assert.equal(({} as { polluted?: unknown }).polluted, undefined)
})

test('a schema that cannot be used is refused with what to do', () => {
  const cases: [JsonSchema, string, RegExp][] = [
    [{ type: 'strin' }, 'SYNC-1018', /type is not one of array, boolean/],
    [{ typo: 1 }, 'SYNC-1018', /"typo" is no keyword of JSON Schema/],
    [
      { properties: { a: { format: 'emial' } } },
      'SYNC-1018',
      /format "emial" is not known; known are email, uri, phone/,
    ],
    [{ $ref: 'https://example.org/other.json' }, 'SYNC-1018', /another document/],
    [{ properties: { a: { pattern: '(a' } } }, 'SYNC-1015', /character 1.*not closed/],
    [{ properties: { a: { pattern: '(a)\\1' } } }, 'SYNC-1015', /exponential/],
  ]
  for (const [schema, code, message] of cases) {
    assert.throws(
      () => schemaStage(schema),
      (error: unknown) =>
        error instanceof SyncError && error.failure.code === code && message.test(error.failure.message),
      JSON.stringify(schema),
    )
  }
})

test('no value and no pattern takes long', () => {
  const schema = {
    type: 'object',
    properties: {
      A: { type: 'string', pattern: '^(a+)+$' },
      B: { type: 'string', format: 'email' },
      C: { type: 'string', format: 'uri' },
      D: { type: 'string', format: 'date-time' },
      E: { type: 'string', format: 'hostname' },
      F: { type: 'string', format: 'ipv6' },
      G: { type: 'string', format: 'duration' },
    },
  }
  const started = performance.now()
  for (const evil of ['a', 'a.', '1:', 'a@', '/', 'P1']) {
    const text = `${evil.repeat(30_000)}!`
    assert.ok(reasons(schema, { A: text, B: text, C: text, D: text, E: text, F: text, G: text }).length >= 5)
  }
  assert.ok(performance.now() - started < 5_000)
})

test('a field whose column the change did not carry is not missing', () => {
  const schema = { type: 'object', required: ['Bio', 'Name', 'custom'] }
  const inputs = { Bio: ['bio'], Name: ['first', 'last'], 'custom.x': ['x'] }
  const stage = schemaStage(schema, { inputs })
  const fieldsOf = (row: Row) => {
    const [verdict] = stage.judge([candidate({}, row)])
    return verdict?.kind === 'park' ? verdict.reasons.map((reason) => reason.field) : verdict?.kind
  }
  assert.equal(fieldsOf({ first: 'a' }), 'accept')
  assert.deepEqual(fieldsOf({ bio: null, first: 'a', last: 'b', x: null }), ['Bio', 'Name', 'custom'])
  assert.deepEqual(fieldsOf({ bio: null, x: 1 }), ['Bio', 'custom'])
})

test('reasons are bounded', () => {
  const required = Array.from({ length: 100 }, (_, index) => `F${index}`)
  const all = reasons({ type: 'object', required }, {})
  assert.equal(all.length, 21)
  assert.match(all.at(-1)!.error, /80 more errors/)
})

test('I6: columns of an object on which a condition stands are read together', () => {
  const inputs = { Type: ['type'], 'Address.City': ['city'], 'Address.Zip': ['zip', 'country'], Name: ['name'] }
  const together = (schema: JsonSchema) => schemaStage(schema, { inputs }).together
  // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
  const condition = { if: { required: ['Type'] }, then: { required: ['Name'] } }
  assert.deepEqual(together({ allOf: [condition] }), [['type', 'city', 'zip', 'country', 'name']])
  assert.deepEqual(together({ properties: { Address: { type: 'object', dependentRequired: { City: ['Zip'] } } } }), [
    ['city', 'zip', 'country'],
  ])
  assert.equal(together({ properties: { Name: { anyOf: [{ type: 'string' }, { type: 'null' }] } } }), undefined)
})
