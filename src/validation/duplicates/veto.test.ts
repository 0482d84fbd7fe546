import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newRow, type Row, type Value } from '../../model/value.ts'
import { compare } from './compare.ts'
import { featuresOf } from './features.ts'
import { planOf } from './plan.ts'
import type { Comparison, Plan } from './types.ts'

const names = [
  'FirstName',
  'LastName',
  'Email',
  'Phone',
  'Birthdate',
  'MailingStreet',
  'MailingCity',
  'MailingPostalCode',
  'MailingCountry',
]
const plan = planOf({}, names)
const ada = {
  FirstName: 'Ada',
  LastName: 'Lovelace',
  Email: 'ada@example.com',
  Phone: '+44 7700 900123',
  Birthdate: '1975-12-10',
  MailingStreet: 'Church Lane 12',
  MailingCity: 'Leeds',
  MailingPostalCode: 'LS1 4DY',
  MailingCountry: 'GB',
}

const rowOf = (values: Readonly<Record<string, Value>>): Row => Object.assign(newRow(), values)
const between = (a: Readonly<Record<string, Value>>, b: Readonly<Record<string, Value>>, by: Plan = plan): Comparison =>
  compare(featuresOf(rowOf(a), by), featuresOf(rowOf(b), by), by)

test('colleagues and neighbours of one given name go before a person', () => {
  const office = planOf({}, [...names, 'Company', 'Website'])
  const shared = {
    ...ada,
    Birthdate: null,
    Email: 'a.lovelace@mill.example',
    Company: 'Mill Analytics',
    Website: 'mill.example',
  }
  for (const email of ['a.hopper@mill.example', null]) {
    const found = between(shared, { ...shared, LastName: 'Hopper', Email: email }, office)
    assert.notEqual(found.verdict, 'merge')
    if (found.verdict === 'review') assert.match(found.veto ?? '', /family names differ/)
  }
  assert.equal(between(shared, { ...shared, LastName: 'Hopper' }, office).verdict, 'merge')
})

test('names alone never make two people one, also where nothing else is compared', () => {
  const bare = planOf({ thresholds: { merge: { bits: -10 }, review: { bits: -20 } } }, [
    'FirstName',
    'LastName',
    'Country',
  ])
  const person = { FirstName: 'Ada', LastName: 'Lovelace', Country: 'GB' }
  const found = between(person, person, bare)
  assert.deepEqual([found.verdict, found.veto], ['review', 'only the names agree'])
  const towns = planOf({ thresholds: { merge: { bits: -10 }, review: { bits: -20 } } }, [
    'FirstName',
    'LastName',
    'City',
  ])
  assert.equal(between({ ...person, City: 'Leeds' }, { ...person, City: 'Leeds' }, towns).verdict, 'merge')
})

test('junior and senior go before a person, whatever agrees', () => {
  const numbered = planOf({}, [...names, 'Suffix', 'SSN'])
  const one = { ...ada, Suffix: 'Jr.', SSN: '078-05-1120' }
  const found = between(one, { ...one, Suffix: 'Sr.' }, numbered)
  assert.deepEqual([found.verdict, found.veto], ['review', 'junior and senior'])
  assert.equal(between(one, { ...one, Suffix: null }, numbered).verdict, 'merge')
})

test('a firm whose name is not known goes before a person', () => {
  const firms = planOf({}, ['Name', 'Phone', 'Website', 'BillingStreet'])
  const place = { Name: null, Phone: '+44 1632 960123', Website: 'mill.example', BillingStreet: 'Church Lane 12' }
  assert.equal(between(place, { ...place, Name: 'Northern Mill' }, firms).veto, 'the name is not known of both')
})

test('a father and his son of one name go before a person', () => {
  const father = { ...ada, Birthdate: null }
  const son = between(father, { ...ada, Email: 'lovelace.junior@example.net' })
  assert.equal(son.verdict, 'review')
  assert.match(son.veto ?? '', /e-mail addresses differ/)
  // The birthday, or the same name in front of another domain, is one person's.
  assert.equal(between(ada, { ...ada, Email: 'lovelace.junior@example.net' }).verdict, 'merge')
  assert.equal(between(father, { ...ada, Email: null }).verdict, 'merge')
})

test('branches, and firms that share a house, go before a person', () => {
  const firms = planOf({}, ['Name', 'Phone', 'Website', 'BillingStreet', 'BillingPostalCode'])
  const mill = {
    Name: 'Northern Mill Engineering',
    Phone: '+44 1632 960123',
    Website: 'mill.example',
    BillingStreet: 'Church Lane 12',
    BillingPostalCode: 'LS1 4DY',
  }
  const branch = between(
    mill,
    { ...mill, Name: 'Northern Mill Engineering South', BillingStreet: 'High Street 3' },
    firms,
  )
  assert.notEqual(branch.verdict, 'merge')
  assert.match(branch.veto ?? '', /alike and the addresses differ/)
  const tenant = between(mill, { ...mill, Name: 'Bakery Dawson', Website: null }, firms)
  assert.notEqual(tenant.verdict, 'merge')
  assert.equal(between(mill, { ...mill, Name: 'Northern Mill Engineering Ltd.' }, firms).verdict, 'merge')
})
