import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { newRow, type Row, type Value } from '../../model/value.ts'
import { blocksMax, blocksOf, namesBlockOf } from './blocks.ts'
import { compare } from './compare.ts'
import { featuresOf } from './features.ts'
import { fieldKinds } from './options.ts'
import { forPopulation, planOf } from './plan.ts'
import { shippedWeights } from './shipped.ts'
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
const levelOf = (comparison: Comparison, field: string) => comparison.fields.find((one) => one.field === field)?.level

test('errors of every kind leave the same person the same', () => {
  const changed: readonly Readonly<Record<string, Value>>[] = [
    { FirstName: 'ADA ', LastName: 'lovelace' },
    { FirstName: 'Lovelace', LastName: 'Ada' },
    { LastName: 'Lovelcae' },
    { Birthdate: '1975-10-12' },
    { Birthdate: { kind: 'date', text: '1975-12-11' } },
    { Email: 'ada@example.org', MailingStreet: 'High Street 3', MailingCity: 'London', MailingPostalCode: 'SW1A 1AA' },
    { LastName: 'Byron', Phone: null },
    { Phone: '07700900123', Email: null },
    { Email: 'N/A', Phone: 'unknown', MailingStreet: null, MailingPostalCode: '' },
  ]
  for (const change of changed) {
    const found = between(ada, { ...ada, ...change })
    assert.equal(found.verdict, 'merge', `${JSON.stringify(change)}: ${found.bits} ${found.veto ?? ''}`)
  }
})

test('relatives and namesakes stay apart or go before a person', () => {
  const others: readonly (readonly [Readonly<Record<string, Value>>, string])[] = [
    [{ FirstName: 'Grace', Birthdate: '2001-03-04', Email: 'grace@example.com' }, 'separate'],
    [{ FirstName: 'Grace', Email: 'grace@example.com' }, 'review'],
    [{ Birthdate: '1999-07-01', Email: 'ada99@example.com' }, 'review'],
    [{ Birthdate: '1999-07-01' }, 'review'],
  ]
  for (const [change, verdict] of others)
    assert.equal(between(ada, { ...ada, ...change }).verdict, verdict, JSON.stringify(change))
  const namesake = { FirstName: 'Ada', LastName: 'Lovelace', MailingCity: 'Leeds', MailingCountry: 'GB' }
  const found = between(ada, namesake, forPopulation(plan, 1000))
  assert.equal(found.verdict, 'review')
  assert.match(found.veto ?? '', /only the names/)
})

test('a whole name in one of its fields is the same name', () => {
  const whole = { ...ada, FirstName: null, LastName: 'Ada Lovelace' }
  for (const [a, b] of [
    [ada, whole],
    [whole, ada],
  ] as const) {
    const found = between(a, b)
    assert.deepEqual([levelOf(found, 'FirstName'), levelOf(found, 'LastName')], ['swapped', 'swapped'])
    assert.equal(found.verdict, 'merge')
  }
  assert.equal(levelOf(between(ada, { ...whole, LastName: 'Adah Lovelace' }), 'FirstName'), 'near')
  assert.equal(levelOf(between(ada, { ...whole, LastName: 'Grace Hopper' }), 'FirstName'), 'missing')
  assert.equal(levelOf(between(ada, { ...ada, FirstName: null }), 'FirstName'), 'missing')
  // One name, in different fields.
  const [given, family] = [
    { ...ada, LastName: null },
    { ...ada, FirstName: null, LastName: 'Ada' },
  ]
  assert.equal(levelOf(between(given, family), 'FirstName'), 'swapped')
  assert.equal(levelOf(between(given, family), 'LastName'), 'missing')
  const blocks = [ada, { ...whole, Email: null, Phone: null, Birthdate: null, MailingStreet: null }].map((row) =>
    blocksOf(featuresOf(rowOf(row), plan), plan),
  )
  assert.ok(
    blocks[0]!.some((block) => blocks[1]!.includes(block)),
    'they meet in a block',
  )
})

test('a family name in both places says that the given name is not known', () => {
  const twice = between({ ...ada, FirstName: 'Lovelace' }, ada)
  assert.equal(levelOf(twice, 'FirstName'), 'missing')
  assert.equal(twice.verdict, 'merge')
  const both = { ...ada, FirstName: 'Thomas', LastName: 'Thomas' }
  assert.equal(levelOf(between(both, both), 'FirstName'), 'exact')
})

test('a name in other letters is neither for nor against', () => {
  const found = between(ada, { ...ada, FirstName: 'Ада', LastName: 'Лавлейс' })
  assert.deepEqual([levelOf(found, 'FirstName'), levelOf(found, 'LastName')], ['missing', 'missing'])
  assert.equal(levelOf(between({ ...ada, FirstName: 'Ада' }, { ...ada, FirstName: 'Иван' }), 'FirstName'), 'different')
})

test('of birthdays it counts what is known of them', () => {
  const levels = (a: Value, b: Value) =>
    levelOf(between({ ...ada, Birthdate: a }, { ...ada, Birthdate: b }), 'Birthdate')
  assert.equal(levels('1975', '1975'), 'year')
  assert.equal(levels('1975', '1975-12-10'), 'year')
  assert.equal(levels('1975', '1976-12-10'), 'different')
  // Whose year alone is known, is often written down as born on its first day.
  assert.equal(levels('1975-01-01', '1975-12-10'), 'year')
  assert.equal(levels('1975-02-03', '1975-12-10'), 'different')
  assert.equal(levels('0000-12-10', '1975-12-10'), 'near')
  assert.equal(levels('0000-12-10', '0000-12-10'), 'near')
  assert.equal(levels('0000-12-10', '1975-12-11'), 'different')
  assert.equal(levels('1975-12-10', '1976-11-10'), 'alike')
  assert.equal(levels('1975-12-10', '1986-11-10'), 'different')
  const namesakes = { FirstName: 'Ada', LastName: 'Lovelace', MailingCity: 'Leeds', Birthdate: '1975' }
  assert.equal(between(namesakes, namesakes).verdict, 'review')
})

test('of several addresses the nearest two count, and count once', () => {
  const two = planOf({}, ['Name', 'Website', 'BillingStreet', 'ShippingStreet'])
  const firm = { Name: 'Ruhrmann Steel Works', Website: 'ruhrmann.example' }
  const here = { ...firm, BillingStreet: 'Elm Street 5', ShippingStreet: 'Elm Street 5' }
  const once = between(here, { ...firm, BillingStreet: 'Elm Street 5' }, two)
  assert.equal(between(here, here, two).bits, once.bits)
  const moved = between(
    { ...firm, BillingStreet: 'Oak Road 9', ShippingStreet: 'Elm Street 5' },
    { ...here, ShippingStreet: null },
    two,
  )
  assert.equal(levelOf(moved, 'BillingStreet'), 'exact')
  assert.equal(moved.bits, once.bits)
})

test('who married and whose names were swapped is the same', () => {
  const found = between(ada, { ...ada, FirstName: 'King', LastName: 'Ada' })
  assert.deepEqual([levelOf(found, 'FirstName'), levelOf(found, 'LastName')], ['swapped', 'different'])
  assert.equal(found.verdict, 'merge')
  assert.equal(levelOf(between(ada, { ...ada, FirstName: 'King', LastName: 'Grace' }), 'FirstName'), 'different')
})

test('who is spelt wrongly in both names is still found by birthday and place', () => {
  const wrong = { ...ada, FirstName: 'Oda', LastName: 'Xovelace', Email: null, Phone: null, MailingStreet: null }
  const blocks = [ada, wrong].map((row) => blocksOf(featuresOf(rowOf(row), plan), plan))
  assert.ok(blocks[0]!.some((block) => blocks[1]!.includes(block)))
})

test('the explanation adds up, and says no values', () => {
  const found = between(ada, { ...ada, FirstName: 'Adah', Birthdate: '1975-10-12', Phone: null })
  const sum = found.fields.reduce((total, { bits }) => total + bits, found.priorBits)
  assert.ok(Math.abs(sum - found.bits) < 1e-9)
  assert.equal(levelOf(found, 'Birthdate'), 'swapped')
  assert.equal(levelOf(found, 'Phone'), 'missing')
  assert.equal(found.fields.find(({ field }) => field === 'Phone')?.bits, 0)
  assert.doesNotMatch(JSON.stringify(found), /lovelace|1975/i)
})

test('a deterministic key decides by itself, if all of it is there', () => {
  const keyed = planOf({ keys: [['Member_No__c']] }, [...names, 'Member_No__c'])
  const other = { FirstName: 'Grace', LastName: 'Hopper', Birthdate: '1906-12-09' }
  const found = between({ ...ada, Member_No__c: 'M-17' }, { ...other, Member_No__c: 'm17' }, keyed)
  assert.equal(found.verdict, 'merge')
  assert.deepEqual(found.key, ['Member_No__c'])
  assert.equal(between({ ...ada, Member_No__c: 'M-17' }, other, keyed).verdict, 'separate')
  const [a, b] = [
    { ...ada, Member_No__c: 'M-17' },
    { ...other, Member_No__c: 'm17' },
  ].map((row) => blocksOf(featuresOf(rowOf(row), keyed), keyed))
  assert.ok(
    a!.some((block) => b!.includes(block)),
    'they meet in a block',
  )
})

test('the nearest of several telephones counts, in whichever field', () => {
  const several = planOf({}, [...names, 'MobilePhone'])
  const found = between(
    { ...ada, Phone: '+44 7700 900123', MobilePhone: null },
    { ...ada, Phone: '020 7946 0000', MobilePhone: '07700 900123' },
    several,
  )
  assert.equal(levelOf(found, 'Phone'), 'suffix')
  assert.equal(levelOf(found, 'MobilePhone'), 'missing')
})

test('many namesakes make names weak; a large collection makes everything weaker', () => {
  const [a, b] = [ada, { FirstName: 'Ada', LastName: 'Lovelace', MailingCity: 'Leeds', Phone: '07700900123' }].map(
    (row) => featuresOf(rowOf(row), plan),
  )
  const strangersOnly = { ...plan, priorBits: { strangers: plan.priorBits.strangers, relatives: 50 } }
  assert.ok(compare(a!, b!, strangersOnly, 500).bits < compare(a!, b!, strangersOnly, 2).bits - 3)
  assert.equal(namesBlockOf(a!, plan), namesBlockOf(b!, plan))
  assert.equal(
    compare(a!, b!, { ...forPopulation(plan, 2 ** 20), thresholds: plan.thresholds }).priorBits <=
      compare(a!, b!, forPopulation(plan, 2 ** 10)).priorBits,
    true,
  )
})

const value = fc.oneof(
  fc.constantFrom<Value>(
    null,
    '',
    'N/A',
    'Ada',
    'Adah',
    'Bob',
    'Robert',
    'A.',
    'Lovelace',
    'van Smith',
    'Smith-Jones',
    '鈴木',
  ),
  fc.constantFrom<Value>(
    'a@b.example',
    'a.b+c@gmail.example',
    'info@x.example',
    '+43 660 1234567',
    '0660 1234568',
    '1980-02-03',
  ),
  fc.constantFrom<Value>(
    'Main St 5',
    '5 Main Street',
    'Main Street',
    '12345',
    '12354',
    17,
    17.1,
    '\ud800',
    '__proto__',
    'x'.repeat(500),
  ),
  fc.string({ maxLength: 20 }),
)
const compared = fieldKinds.filter((kind) => kind !== 'ignore')
const everyKind = planOf({ fields: Object.fromEntries(compared.map((kind) => [kind, kind])) }, [...compared])
const record = fc.array(value, { minLength: compared.length, maxLength: compared.length }).map((values) => {
  const row = newRow()
  for (const [place, kind] of compared.entries()) row[kind] = values[place]!
  return featuresOf(row, everyKind)
})

test('comparing is symmetric and deterministic, and its answer is JSON', () => {
  fc.assert(
    fc.property(record, record, (a, b) => {
      const found = compare(a, b, everyKind)
      assert.deepEqual(compare(b, a, everyKind), found)
      assert.deepEqual(JSON.parse(JSON.stringify(found)), found)
      assert.ok(Number.isFinite(found.bits) && found.probability >= 0 && found.probability <= 1)
    }),
    { numRuns: 2000, seed: 2 },
  )
})

test('no stranger is more like a record than the record itself', () => {
  // Against relatives a difference can speak for a match: they would have copied each other.
  const strangersOnly = { ...everyKind, priorBits: { strangers: -18, relatives: 500 } }
  fc.assert(
    fc.property(record, record, (a, b) => {
      assert.ok(compare(a, b, strangersOnly).bits <= compare(a, a, strangersOnly).bits + 1e-9)
    }),
    { numRuns: 2000, seed: 2 },
  )
})

test('a missing value is neutral: it counts nothing', () => {
  fc.assert(
    fc.property(record, record, fc.nat(compared.length - 1), (a, b, place) => {
      // A whole name may stand in one of its two fields.
      fc.pre(!compared[place]!.startsWith('given') && !compared[place]!.startsWith('family'))
      const without = a.map((one, at) => (at === place ? '' : one))
      const found = compare(without, b, everyKind).fields[place]
      assert.equal(found?.level, 'missing')
      assert.equal(found?.bits, 0)
    }),
    { numRuns: 500, seed: 4 },
  )
  const empty = compared.map(() => '')
  const found = compare(empty, empty, everyKind)
  assert.equal(found.bits, Math.min(everyKind.priorBits.strangers, everyKind.priorBits.relatives))
  assert.equal(found.verdict, 'separate')
})

test('blocks: distinct, signed 32 bits, bounded, none of an empty record', () => {
  fc.assert(
    fc.property(record, (a) => {
      const blocks = blocksOf(a, everyKind)
      assert.equal(new Set(blocks).size, blocks.length)
      assert.ok(blocks.length <= blocksMax)
      for (const block of blocks) assert.equal(block | 0, block)
    }),
    { numRuns: 500, seed: 4 },
  )
  assert.deepEqual(
    blocksOf(
      compared.map(() => ''),
      everyKind,
    ),
    [],
  )
})

test('blocks: a record with an error in any one field still meets itself', () => {
  const own = blocksOf(featuresOf(rowOf(ada), plan), plan)
  for (const name of names)
    for (const other of ['Zzyzx', null]) {
      const blocks = blocksOf(featuresOf(rowOf({ ...ada, [name]: other }), plan), plan)
      assert.ok(
        blocks.some((block) => own.includes(block)),
        `${name} ${other}`,
      )
    }
})

test('the shares of each sort in the shipped weights add up to 1', () => {
  for (const [kind, levels] of Object.entries(shippedWeights().kinds))
    for (const sort of ['m', 'u', 'r'] as const) {
      const sum = Object.values(levels).reduce((total, level) => total + level[sort], 0)
      assert.ok(Math.abs(sum - 1) < 1e-9, `${kind} ${sort} ${sum}`)
      assert.ok(
        Object.values(levels).every((level) => level[sort] > 0),
        `${kind} ${sort}`,
      )
    }
})
