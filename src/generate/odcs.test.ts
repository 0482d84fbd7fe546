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
