import assert from 'node:assert/strict'
import { test } from 'node:test'
import { keyOf } from '../model/key.ts'
import type { Value } from '../model/value.ts'
import { schemaStage } from './schema.ts'
import type { JsonSchema } from './schema-compile.ts'

function verdict(schema: JsonSchema, value: Value) {
  const [one] = schemaStage({ properties: { F: schema } }).judge([
    { key: keyOf([1])!, link: null, row: {}, set: { F: value } },
  ])
  return one?.kind === 'park' ? one.reasons.map(({ error }) => error) : one?.kind
}

const decimal = (text: string): Value => ({ kind: 'decimal', text })
const json = (value: unknown): Value => ({ kind: 'json', text: JSON.stringify(value) })

test('I6: multipleOf counts in decimals, as amounts are written', () => {
  for (const text of ['0.07', '4.35', '1234567.89', '10.550', '0.00', '-0.01'])
    assert.equal(verdict({ multipleOf: 0.01 }, decimal(text)), 'accept', text)
  assert.deepEqual(verdict({ multipleOf: 0.01 }, decimal('1.005')), ['F must be a multiple of 0.01.'])
  assert.equal(verdict({ multipleOf: 5 }, 1e21), 'accept')
  assert.deepEqual(verdict({ multipleOf: 3 }, 10), ['F must be a multiple of 3.'])
})

test('uniqueItems tells values apart as JSON does, and in linear time', () => {
  const unique = { uniqueItems: true }
  assert.equal(verdict(unique, json([1, '1', [1], ['1'], { a: 1 }, [['a', 1]], { a: '1' }, null, 'null'])), 'accept')
  assert.notEqual(verdict(unique, json([{ a: [1, { b: 2, c: 3 }] }, { a: [1, { c: 3, b: 2 }] }])), 'accept')
  assert.equal(verdict({ uniqueItems: false }, json([1, 1])), 'accept')
  // Pairs of these are 200 million.
  const many = Array.from({ length: 20_000 }, (_, i) => ({ a: i }))
  const before = process.cpuUsage().user
  assert.equal(verdict(unique, json(many)), 'accept')
  assert.ok(process.cpuUsage().user - before < 2_000_000)
})

test('a schema that refers to itself below alternatives is bounded, however deep the value', () => {
  const part = (op: string): JsonSchema => ({
    type: 'object',
    properties: { op: { const: op }, of: { type: 'array', items: { $ref: '#/properties/F' } } },
  })
  const schema: JsonSchema = { oneOf: [part('and'), part('or'), { type: 'number' }] }
  const deep = (levels: number): unknown => (levels === 0 ? 1 : { op: 'and', of: [deep(levels - 1)] })
  assert.equal(verdict(schema, json(deep(5))), 'accept')
  // Two ways at each of 30 levels: a thousand million.
  assert.deepEqual(verdict(schema, json(deep(30))), [
    'The record is too deep or too large for the alternatives of the schema, which refers to itself.',
  ])
  // The next record is judged by itself.
  assert.equal(verdict(schema, json(deep(3))), 'accept')
})

test('keywords of the user begin with x-; data that looks like a schema stays data', () => {
  assert.equal(verdict({ type: 'string', 'x-owner': 'me', items: { 'x-note': 1 } }, 'a'), 'accept')
  assert.equal(verdict({ const: { $ref: 'x' } }, json({ $ref: 'x' })), 'accept')
  assert.equal(verdict({ $ref: '#/properties/F/$defs/a', $defs: { a: { enum: [{ $ref: 'a' }, 'a'] } } }, 'a'), 'accept')
})
