import assert from 'node:assert/strict'
import { test } from 'node:test'
import { keyOf } from '../model/key.ts'
import type { Row, Value } from '../model/value.ts'
import type { Reason } from '../model/verdict.ts'
import { schemaStage } from './schema.ts'
import type { JsonSchema } from './schema-compile.ts'

function reasons(schema: JsonSchema, set: Row): readonly Reason[] {
  const [verdict] = schemaStage(schema, { classes: new Map([['Items', 'public']]) }).judge([
    { key: keyOf([1])!, link: null, row: {}, set },
  ])
  return verdict?.kind === 'park' ? verdict.reasons : []
}

const sentences = (schema: JsonSchema, set: Row) => reasons(schema, set).map(({ error }) => error)
const json = (value: unknown): Value => ({ kind: 'json', text: JSON.stringify(value) })
const decimal = (text: string): Value => ({ kind: 'decimal', text })

test('alternatives that all fail are one reason, about their field where they have one', () => {
  const either: JsonSchema = { type: 'object', anyOf: [{ required: ['Email'] }, { required: ['Phone'] }] }
  assert.deepEqual(reasons(either, {}), [
    {
      stage: 'schema',
      code: 'SYNC-4030',
      rule: 'anyOf',
      error:
        'One of these has to be mended: Email is required, but is not there; or Phone is required, but is not there.',
    },
  ])
  assert.deepEqual(reasons(either, { Phone: '1' }), [])
  const dated: JsonSchema = { properties: { F: { anyOf: [{ type: 'string', format: 'date' }, { type: 'null' }] } } }
  const [reason, ...more] = reasons(dated, { F: 'soon' })
  assert.deepEqual(
    [reason?.error, reason?.field, reason?.code, reason?.value, more.length],
    ['F is not a date (2024-01-31).', 'F', 'SYNC-4034', 'text, 4 characters, begins "s"', 0],
  )
  const referred: JsonSchema = {
    $defs: { mail: { format: 'email' }, phone: { format: 'phone' } },
    properties: { F: { oneOf: [{ $ref: '#/$defs/mail' }, { $ref: '#/$defs/phone' }] } },
  }
  assert.deepEqual(sentences(referred, { F: 'x' }), [
    'One of these has to be mended: F is not a valid e-mail address; or F is not a telephone number.',
  ])
  const both: JsonSchema = { properties: { F: { oneOf: [{ minLength: 1 }, { maxLength: 5 }] } } }
  assert.deepEqual(sentences(both, { F: 'abc' }), ['F fits more than one of the alternatives, exactly one is allowed.'])
})

test('words for people instead of those of the validator', () => {
  const of = (rule: JsonSchema): JsonSchema => ({ properties: { Items: rule } })
  const cases: [JsonSchema, Value, string][] = [
    [of({ minLength: 2 }), 'x', 'Items has 1 character, at least 2 are required.'],
    [of({ maxItems: 1 }), json([1, 2]), 'Items has 2 items, at most 1 is allowed.'],
    [of({ minItems: 2 }), json([1]), 'Items has 1 item, at least 2 are required.'],
    [
      of({ uniqueItems: true }),
      json([{ a: 1, b: 2 }, 1, { b: 2, a: 1 }]),
      'Items has the same item twice, at places 1 and 3.',
    ],
    [of({ contains: { const: 1 } }), json([2]), 'Items lacks an item that the schema asks for.'],
    [of({ minProperties: 1 }), json({}), 'Items has too few fields, at least 1 is required.'],
    [of(false), 1, 'Items may not be there.'],
    [{ propertyNames: { maxLength: 3 } }, 1, 'A field may not be called "Items".'],
    [of({ type: 'number' }), decimal('NaN'), 'Items must be number.'],
  ]
  for (const [schema, value, sentence] of cases)
    assert.deepEqual(sentences(schema, { Items: value }), [sentence], JSON.stringify(schema))
})

test('nothing is told twice, and of an empty text only that it is empty', () => {
  const text = { type: 'string', minLength: 1, format: 'email', pattern: '@' }
  assert.deepEqual(sentences({ properties: { F: text } }, { F: '' }), ['F is required, but is empty.'])
  assert.equal(sentences({ properties: { F: text } }, { F: 'x' }).length, 2)
  assert.deepEqual(sentences({ required: ['F'], allOf: [{ required: ['F'] }] }, {}), [
    'F is required, but is not there.',
  ])
})

test('a value deep in a field is shown as that field is classified', () => {
  const schema: JsonSchema = {
    properties: { Items: { items: { format: 'email' } }, Other: { items: { type: 'number' } } },
  }
  const told = reasons(schema, { Items: json(['nobody']), Other: json(['secret text']) })
  assert.deepEqual(
    told.map(({ field, value }) => [field, value]),
    [
      ['Items.0', 'text "nobody"'],
      ['Other.0', 'text, 11 characters, begins "sec"'],
    ],
  )
})
