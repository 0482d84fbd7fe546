import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SyncError } from '../../model/failure.ts'
import { planOf } from './plan.ts'
import { shippedWeights } from './shipped.ts'
import { readWeights, weightsText } from './weights.ts'

const kindsOf = (fields: readonly string[], options = {}) =>
  Object.fromEntries(planOf(options, fields).fields.map(({ name, kind }) => [name, kind]))

test('fields are told by their names: Salesforce, HubSpot, plain tables, other languages', () => {
  assert.deepEqual(
    kindsOf([
      'Legacy_Id__c',
      'FirstName',
      'LastName',
      'Email',
      'MobilePhone',
      'Birthdate',
      'MailingStreet',
      'MailingState',
      'OtherPostalCode',
      'Status__c',
    ]),
    {
      FirstName: 'given-name',
      LastName: 'family-name',
      Email: 'email',
      MobilePhone: 'phone',
      Birthdate: 'date-of-birth',
      MailingStreet: 'street',
      MailingState: 'region',
      OtherPostalCode: 'postcode',
    },
  )
  assert.deepEqual(
    kindsOf(['firstname', 'lastname', 'hs_object_id', 'date_of_birth', 'zip', 'mobilephone', 'company']),
    {
      firstname: 'given-name',
      lastname: 'family-name',
      date_of_birth: 'date-of-birth',
      zip: 'postcode',
      mobilephone: 'phone',
      company: 'organisation',
    },
  )
  assert.deepEqual(kindsOf(['Vorname', 'Nachname']), { Vorname: 'given-name', Nachname: 'family-name' })
  assert.deepEqual(kindsOf(['given_name', 'surname', 'suburb', 'postcode', 'soc_sec_id', 'contact.plz']), {
    given_name: 'given-name',
    surname: 'family-name',
    suburb: 'city',
    postcode: 'postcode',
    soc_sec_id: 'identifier',
    'contact.plz': 'postcode',
  })
  assert.deepEqual(kindsOf(['Name', 'Website', 'BillingCity']), {
    Name: 'organisation',
    Website: 'website',
    BillingCity: 'city',
  })
  assert.deepEqual(kindsOf(['Name', 'Birthdate']), { Name: 'full-name', Birthdate: 'date-of-birth' })
})

test('what the options say goes before what a name says; ignore leaves a field out', () => {
  assert.deepEqual(kindsOf(['Email', 'Phone', 'Code__c'], { fields: { Email: 'ignore', Code__c: 'identifier' } }), {
    Phone: 'phone',
    Code__c: 'identifier',
  })
})

test('the id names what features and blocks depend on, and nothing else', () => {
  const id = (options: object, fields = ['Email', 'Phone']) => planOf(options, fields).id
  assert.equal(id({}), id({ thresholds: { merge: 0.9 }, candidatesMax: 5 }))
  assert.notEqual(id({}), id({ fields: { Phone: 'text' } }))
  assert.notEqual(id({}), id({ keys: [['Email']] }))
  assert.notEqual(id({}), id({}, ['Email']))
})

const refused = (code: string, words: RegExp) => (error: unknown) => {
  assert.ok(error instanceof SyncError)
  assert.equal(error.failure.code, code)
  assert.match(error.failure.message, words)
  return true
}

test('what cannot be meant is refused with a reason', () => {
  assert.throws(
    () => planOf({ fields: { Emial: 'email' } }, ['Email']),
    refused('SYNC-1012', /Emial.*nearest is Email/),
  )
  assert.throws(() => planOf({ keys: [['Nobody']] }, ['Email']), refused('SYNC-1012', /Nobody/))
  assert.throws(() => planOf({}, ['Status__c']), refused('SYNC-1029', /No target field/))
  assert.throws(
    () => planOf({ thresholds: { merge: 0.5, review: 0.9 } }, ['Email']),
    refused('SYNC-1029', /above the threshold/),
  )
  assert.throws(
    () => planOf({}, ['Email'], { ...shippedWeights(), plan: 'other' }),
    refused('SYNC-1028', /other fields/),
  )
})

test('thresholds are probabilities or bits', () => {
  const { thresholds } = planOf({ thresholds: { merge: { bits: 12 }, review: 0.5 } }, ['Email'])
  assert.deepEqual(thresholds, { mergeBits: 12, reviewBits: 0 })
})

test('weights are read as they were written; others are refused', () => {
  const weights = shippedWeights()
  assert.deepEqual(readWeights(JSON.parse(weightsText(weights))), weights)
  const bad: readonly unknown[] = [
    null,
    [],
    {},
    { ...weights, version: 2 },
    { ...weights, priorBits: { strangers: 'x', relatives: 0 } },
    { ...weights, kinds: { email: { exact: { m: 2, u: 0.1, r: 0.1 } } } },
    { ...weights, kinds: { email: { exact: { m: 0, u: 0.1, r: 0.1 } } } },
    { ...weights, frequencies: { City: Object.fromEntries(Array.from({ length: 30_000 }, (_, i) => [i, 0.1])) } },
  ]
  for (const json of bad) assert.throws(() => readWeights(json), refused('SYNC-1028', /weights/))
  const hostile = readWeights(
    JSON.parse(weightsText(weights).replace('"frequencies": {}', '"frequencies": {"__proto__": {"x": 0.5}}')),
  )
  assert.deepEqual(Object.keys(hostile.frequencies), ['__proto__'])
  assert.equal(({} as Record<string, unknown>)['x'], undefined)
})
