import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fieldOf, objectOf } from './schema.ts'
import { buildSchema, checkSetup, parseSetup, SetupError } from './setup.ts'

test('a setup file in YAML becomes objects, fields, rules and relationships', () => {
  const setup = parseSetup(`
organization: { name: Members, sandbox: true }
objects:
  Contact:
    fields:
      Legacy_Id__c: { type: text, length: 40, externalId: true, unique: true, label: Legacy number }
      Chapter__c: { type: lookup, to: Chapter__c, childRelationship: Members }
      Status__c: { type: picklist, values: [Active, Lapsed], restricted: true, default: Active }
    rules:
      - { name: No_Test, when: "LastName LIKE 'test%'", message: Tests stay out, field: LastName }
  Chapter__c:
    label: Chapter
    name: { type: autonumber, format: "C-{000}" }
`)
  const schema = buildSchema(setup)
  const contact = objectOf(schema, 'contact')!
  const legacy = fieldOf(contact, 'legacy_id__c')!
  assert.deepEqual(
    [legacy.label, legacy.length, legacy.externalId, legacy.unique, legacy.idLookup],
    ['Legacy number', 40, true, true, true],
  )
  assert.equal(contact.parents.get('chapter__r')!.name, 'Chapter__c')
  assert.equal(schema.children.get('Chapter__c')![0]!.field.childRelationshipName, 'Members__r')
  assert.equal(objectOf(schema, 'Chapter__c')!.prefix, 'a00')
  assert.equal(contact.rules.length, 1)
})

test('JSON is read as well, and nothing at all is a setup', () => {
  assert.deepEqual(parseSetup('{"limits": {"dailyApiRequests": 5}}'), { limits: { dailyApiRequests: 5 } })
  assert.deepEqual(checkSetup(parseSetup('')), [])
})

const WRONG: [string, unknown, string][] = [
  ['a key that does not exist', { object: {} }, 'object: unknown setting; did you mean objects?'],
  ['a list where a map belongs', [], 'expected a map of settings'],
  [
    'an organisation id of another shape',
    { organization: { id: '001x' } },
    'organization.id: expected an organization id',
  ],
  [
    'a limit of nothing',
    { limits: { dailyApiRequests: 0 } },
    'limits.dailyApiRequests: expected a whole number of at least 1, got 0',
  ],
  [
    'a client without a secret',
    { clients: [{ clientId: 'a' }] },
    'clients[0]: needs a clientSecret (client credentials) or a certificate',
  ],
  [
    'a client of nobody',
    { clients: [{ clientId: 'a', clientSecret: 'b', user: 'c' }] },
    'clients[0].user: no user "c" in users',
  ],
  ['a user twice', { users: [{ username: 'a' }, { username: 'a' }] }, 'users[1].username: given twice'],
  [
    'a standard object that is not there',
    { objects: { Opportunity: {} } },
    'objects.Opportunity: not a standard object of this emulator',
  ],
  [
    'a custom field without its suffix',
    { objects: { Contact: { fields: { Foo: { type: 'text' } } } } },
    'objects.Contact.fields.Foo: a custom field has a name',
  ],
  [
    'a type that does not exist',
    { objects: { Contact: { fields: { Foo__c: { type: 'string' } } } } },
    'objects.Contact.fields.Foo__c.type: expected one of text,',
  ],
  [
    'a lookup to nowhere',
    { objects: { Contact: { fields: { Foo__c: { type: 'lookup', to: 'Bar__c' } } } } },
    'objects.Contact.fields.Foo__c.to: expected the name of an object',
  ],
  [
    'a picklist without values',
    { objects: { Contact: { fields: { Foo__c: { type: 'picklist' } } } } },
    'objects.Contact.fields.Foo__c.values: expected a list of texts',
  ],
  [
    'an external id that is a date',
    { objects: { Contact: { fields: { Foo__c: { type: 'date', externalId: true } } } } },
    'only text, email and number fields can be external ids',
  ],
  [
    'a text that is too long',
    { objects: { Contact: { fields: { Foo__c: { type: 'text', length: 300 } } } } },
    'a text field holds at most 255 characters',
  ],
  [
    'a rule on a field that is not there',
    { objects: { Contact: { rules: [{ name: 'r', when: 'Nope = 1', message: 'm' }] } } },
    "objects.Contact.rules[0].when: Nope = 1 ^ ERROR at Row:1:Column:1 No such column 'Nope'",
  ],
  [
    'a rule on a field of a parent',
    { objects: { Contact: { rules: [{ name: 'r', when: "Account.Name = 'x'", message: 'm' }] } } },
    "a rule sees the record's own fields, none of a parent",
  ],
  [
    'a rule with a sub-select',
    { objects: { Contact: { rules: [{ name: 'r', when: 'AccountId IN (SELECT Id FROM Account)', message: 'm' }] } } },
    'a rule cannot hold a sub-select',
  ],
  [
    'a default that the field refuses',
    { objects: { Contact: { fields: { Foo__c: { type: 'number', default: 'many' } } } } },
    'objects.Contact.fields.Foo__c.default: Cannot deserialize instance of double',
  ],
  [
    'a rule without a condition',
    { objects: { Contact: { rules: [{ name: 'r', message: 'm' }] } } },
    'objects.Contact.rules[0].when: expected text',
  ],
  ['a fault of no kind', { faults: [{ kind: 'explode' }] }, 'faults[0]: kind: expected one of latency,'],
  ['records of no object', { records: { Nope: [] } }, 'records.Nope: no such object'],
  ['rows that are neither', { malformedRows: 'maybe' }, "malformedRows: expected 'request' or 'row'"],
]

for (const [what, setup, part] of WRONG)
  test(`refused: ${what}`, () => {
    const problems = checkSetup(setup)
    assert.ok(
      problems.some((problem) => problem.includes(part)),
      problems.join('\n'),
    )
  })

test('every mistake is told at once, and a syntax error with its line', () => {
  assert.equal(checkSetup({ limits: { dailyApiRequests: -1, sessionSeconds: 'x' }, nope: 1 }).length, 3)
  assert.throws(
    () => parseSetup('objects:\n  Contact: [\n'),
    (error) => error instanceof SetupError && /line 3/.test(error.message),
  )
})
