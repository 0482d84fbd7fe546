import assert from 'node:assert/strict'
import { test } from 'node:test'
import { load, with_ } from '../config/load.fake.ts'
import { contractOf } from './odcs.ts'

const validate = `    validate:
      schema:
        type: object
        required: [FirstName]
        properties:
          FirstName: { type: [string, "null"], maxLength: 40 }
          Status__c: { enum: [Active, Lapsed, null] }
        dependentRequired: { Status__c: [FirstName] }
      rules:
        - name: student-needs-graduation-date
          when: "record.FirstName == 'x'"
          require: Full_Name__c
          message: Required for student members
      reference: [{ field: Full_Name__c, in: [a, b, c] }]
      quality: { threshold: 0.6, completeness: [FirstName] }
`

test('everything that is checked is in the contract, where the standard puts it', () => {
  const text = with_('    validate:\n      schema: { type: object, required: [FirstName] }\n', validate)
  const contract = contractOf(load(text).config.syncs['members']!, '2.1.0')
  assert.deepEqual(
    [contract['apiVersion'], contract['kind'], contract['id'], contract['version'], contract['status']],
    ['v3.1.0', 'DataContract', 'members', '2.1.0', 'active'],
  )
  const [object] = contract['schema'] as unknown as [
    { properties: { [name: string]: unknown }[]; quality: { [name: string]: unknown }[] },
  ]
  const byName = new Map(object.properties.map((property) => [property['name'], property]))
  assert.deepEqual([...byName.keys()], ['Legacy_Id__c', 'FirstName', 'Status__c', 'Full_Name__c'])
  const { primaryKey, primaryKeyPosition, required, unique } = byName.get('Legacy_Id__c')!
  assert.deepEqual(
    { primaryKey, primaryKeyPosition, required, unique },
    { primaryKey: true, primaryKeyPosition: 1, required: true, unique: true },
  )
  const first = byName.get('FirstName')!
  assert.deepEqual(first['logicalTypeOptions'], { maxLength: 40 })
  assert.deepEqual(first['transformSourceObjects'], ['public.members.first_name'])
  assert.equal(first['required'], true)
  assert.equal(byName.get('Status__c')!['required'], false)
  const allowed = (byName.get('Status__c')!['quality'] as { metric: string; arguments: unknown }[])[0]!
  assert.deepEqual([allowed.metric, allowed.arguments], ['invalidValues', { validValues: ['Active', 'Lapsed'] }])
  assert.match(JSON.stringify(byName.get('Full_Name__c')!['quality']), /"engine":"syncline".*a list of 3 values/)
  assert.deepEqual(
    object.quality.map(({ name, engine }) => [name, engine]),
    [
      ['schema', 'syncline'],
      ['student-needs-graduation-date', 'syncline'],
      ['quality score', 'syncline'],
    ],
  )
  assert.equal(object.quality[1]!['description'], 'Required for student members')
})

test('each logical type has the options that the standard knows for it; the rest of the schema is a check', () => {
  const rules = `    validate:
      schema:
        type: object
        properties:
          FirstName: { type: string, format: date, minLength: 10 }
          Status__c: { type: [number, "null"], format: e164, minimum: 0, multipleOf: 0.01 }
          Full_Name__c: { $ref: "#/$defs/name" }
        $defs: { name: { maxLength: 3 } }
      rules: [{ name: one, assert: "row.a == 1" }]
      reference: { row.country: { in: [AT, DE] } }
      duplicates: { keys: [[FirstName]] }
      quality: { poor: pass, completeness: [FirstName] }
`
  const text = with_('    validate:\n      schema: { type: object, required: [FirstName] }\n', rules)
  const { config } = load(text)
  const contract = contractOf(config.syncs['members']!, '1.0.0')
  const [object] = contract['schema'] as unknown as [
    { properties: { [name: string]: unknown }[]; quality: { [name: string]: unknown }[] },
  ]
  const of = (name: string) => {
    const one = object.properties.find((property) => property['name'] === name)!
    const [check] = (one['quality'] ?? []) as { implementation: { jsonSchema: unknown } }[]
    return [one['logicalType'], one['logicalTypeOptions'], check?.implementation.jsonSchema]
  }
  assert.deepEqual(of('FirstName'), ['date', undefined, { minLength: 10 }])
  assert.deepEqual(of('Status__c'), ['number', { minimum: 0, multipleOf: 0.01 }, { format: 'e164' }])
  assert.deepEqual(of('Full_Name__c'), ['string', undefined, { $ref: '#/$defs/name' }])
  assert.deepEqual(
    object.quality.map(({ name, dimension, severity }) => [name, dimension, severity]),
    [
      ['schema', 'conformity', 'error'],
      ['one', 'consistency', 'error'],
      ['reference row.country', 'consistency', 'error'],
      ['duplicates', 'uniqueness', 'error'],
      ['quality score', 'accuracy', 'info'],
    ],
  )
})
