import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkSchema } from './schema.ts'
import type { JsonSchema } from './schema-compile.ts'

const fields = ['LastName', 'Email', 'Chapter__r.Code__c', 'Data__c']
const told = (schema: JsonSchema) =>
  checkSchema(schema, fields).map(({ code, path, message }) => [code, path.join('.'), message])

test('everything that is wrong with a schema is told at once, each with its place', () => {
  const schema = {
    $schema: 'http://json-schema.org/draft-07/schema#',
    properties: {
      Email: { type: ['string', 'nul'], format: 'e-mail' },
      LastName: { $ref: '#/$defs/nam', minLenght: 1 },
      Data__c: { pattern: 'ab(?=c)', items: { maxLength: -1 }, patternProperties: { '(a': {} } },
      Other: { $ref: 'https://example.org/x.json' },
    },
    $defs: { name: { minLength: 'one' } },
  }
  assert.deepEqual(
    told(schema).map(([code, path, message]) => [code, path, message?.replace(/known are.*\)\./, '…')]),
    [
      [
        'SYNC-1018',
        'schema.$schema',
        'only JSON Schema 2020-12 is known, which is "https://json-schema.org/draft/2020-12/schema"',
      ],
      ['SYNC-1018', 'schema.properties.Email.format', 'the format "e-mail" is not known; … Did you mean "email"?'],
      [
        'SYNC-1018',
        'schema.properties.LastName.$ref',
        '"#/$defs/nam" is not in the schema. Did you mean "#/$defs/name"?',
      ],
      [
        'SYNC-1018',
        'schema.properties.LastName.minLenght',
        '"minLenght" is no keyword of JSON Schema. Did you mean "minLength"?',
      ],
      [
        'SYNC-1015',
        'schema.properties.Data__c.pattern',
        'at character 3 of the pattern: look-around can take exponential time and is not supported',
      ],
      [
        'SYNC-1015',
        'schema.properties.Data__c.patternProperties.(a',
        'at character 1 of the pattern: this group is not closed',
      ],
      [
        'SYNC-1018',
        'schema.properties.Other.$ref',
        '"https://example.org/x.json" is another document: only references within the schema are followed (#/$defs/…)',
      ],
      ['SYNC-1018', 'schema.$defs.name.minLength', 'minLength must be an integer'],
      [
        'SYNC-1018',
        'schema.properties.Email.type.1',
        '1 is not one of array, boolean, integer, null, number, object, string',
      ],
      ['SYNC-1018', 'schema.properties.Data__c.items.maxLength', 'maxLength must be >= 0'],
    ],
  )
})

test('a field that is required and not written would park every record', () => {
  const schema = {
    required: ['LastNam', 'Chapter__r', 'Data__c'],
    properties: {
      Chapter__r: { required: ['Code__c', 'Name'] },
      Data__c: { required: ['inside'] },
      Optional: { required: ['x'] },
    },
    anyOf: [{ required: ['Nobody'] }],
  }
  assert.deepEqual(
    told(schema).map(([, path]) => path),
    ['schema.required.0', 'schema.properties.Chapter__r.required.1'],
  )
  assert.match(
    String(told(schema)[0]?.[2]),
    /requires "LastNam", which the mapping does not write.*Did you mean "LastName"\?/,
  )
})

test('references within a schema of any form are followed', () => {
  for (const schema of [
    { $id: 'https://example.org/a', $ref: 'https://example.org/a#/$defs/b', $defs: { b: {} } },
    { $ref: '#b', $defs: { c: { $anchor: 'b' } } },
    { $ref: '#/properties/a~1b', properties: { 'a/b': {} } },
    { $dynamicRef: '#n', $defs: { c: { $dynamicAnchor: 'n' } } },
    { $ref: 'inner', $defs: { c: { $id: 'inner', $ref: '#/$defs/d', $defs: { d: {} } } } },
  ])
    assert.deepEqual(told(schema), [], JSON.stringify(schema))
})
