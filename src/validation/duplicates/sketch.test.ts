import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { generate } from '../../../bench/people.ts'
import { SKETCH_WORDS } from '../../model/candidates.ts'
import type { Row } from '../../model/value.ts'
import { compare } from './compare.ts'
import { featuresOf } from './features.ts'
import type { DuplicatesOptions } from './options.ts'
import { forPopulation, planOf } from './plan.ts'
import { type Sketching, sketching } from './sketch.ts'
import type { Features, Plan } from './types.ts'

const person = [
  'FirstName',
  'LastName',
  'Email',
  'Phone',
  'MailingStreet',
  'MailingCity',
  'MailingPostalCode',
  'Birthdate',
]

/** Whether the bound is kept, in both orders and whatever the size of the collection; answers the bits and the bound. */
function bound(
  a: Features,
  b: Features,
  plan: Plan,
  { sketch, probe } = sketching(plan),
): { bits: number; most: number } {
  const most = probe(a, plan.priorBits)(Int32Array.from([0, ...sketch(b)]), 1)
  const { bits } = compare(a, b, plan)
  assert.ok(most >= bits - 1e-9, `${most} is less than ${bits}: ${JSON.stringify([a, b])}`)
  return { bits, most }
}

const both = (a: Features, b: Features, plan: Plan, known = sketching(plan)) => [
  bound(a, b, plan, known),
  bound(b, a, plan, known),
]

/** Values that come near each other: letters that matter to spelling, initials, names with forms, generations, several words. */
const letters = fc.string({ unit: fc.constantFrom(...'aabeeinjyosstmr'), minLength: 1, maxLength: 12 })
const name = fc.oneof(
  letters,
  fc.constantFrom('bill', 'william', 'will', 'bob', 'robert', 'j', 'jo', 'anna', 'ana', 'hanna', 'joergen', 'jorgen'),
  fc.tuple(letters, letters).map((words) => words.join(' ')),
  fc.tuple(letters, fc.constantFrom('+jr', '+sr')).map((parts) => parts.join('')),
  fc.string({ unit: fc.constantFrom(...'ab'), minLength: 60, maxLength: 70 }),
)
const digits = (least: number, most: number) =>
  fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: least, maxLength: most })
const date = fc.oneof(
  fc
    .tuple(fc.integer({ min: 1898, max: 1903 }), fc.integer({ min: 0, max: 12 }), fc.integer({ min: 0, max: 31 }))
    .map(([year, month, day]) => `${year}${String(month).padStart(2, '0')}${String(day).padStart(2, '0')}`),
  digits(6, 9),
)
const email = fc
  .tuple(
    fc.constantFrom('', '', '+'),
    letters,
    fc.constantFrom('', '1', '2', '.x', '+y'),
    fc.constantFrom('@a.org', '@b.org', '@ab.org', ''),
  )
  .map((parts) => parts.join(''))
const street = fc
  .tuple(letters, fc.constantFrom('', ' str', ' am hof', 'str'), fc.constantFrom('', ' 1', ' 12', ' 1 a', ' 1a'))
  .map((parts) => parts.join(''))
const kinds = {
  FirstName: name,
  MiddleName: name,
  LastName: name,
  Email: email,
  Email2: email,
  Phone: fc.tuple(fc.constantFrom('', '43', '1'), digits(5, 9)).map((parts) => parts.join('')),
  Mobile: digits(5, 9),
  Street: street,
  Street2: street,
  City: letters,
  Zip: digits(3, 5),
  Birthdate: date,
  Company: fc.tuple(letters, letters).map((words) => words.join(' ')),
  Notes: letters,
} as const
const options: DuplicatesOptions = {
  fields: {
    FirstName: 'given-name',
    MiddleName: 'given-name',
    LastName: 'family-name',
    Email: 'email',
    Email2: 'email',
    Phone: 'phone',
    Mobile: 'phone',
    Street: 'street',
    Street2: 'street',
    City: 'city',
    Zip: 'postcode',
    Birthdate: 'date-of-birth',
    Company: 'organisation',
    Notes: 'text',
  },
}
type Name = keyof typeof kinds
const names = Object.keys(kinds) as Name[]
/** Which fields are compared: those of a sketch, with one more of a kind or without one, and others. */
const sets: readonly (readonly Name[])[] = [
  ['FirstName', 'LastName', 'Email', 'Phone', 'Street', 'City', 'Zip', 'Birthdate'],
  ['FirstName', 'LastName', 'Birthdate'],
  ['FirstName', 'MiddleName', 'LastName', 'Email', 'Street', 'Birthdate'],
  ['FirstName', 'LastName', 'Email', 'Email2', 'Phone', 'Mobile', 'Street', 'Street2', 'City'],
  ['LastName', 'Birthdate', 'Phone', 'Zip'],
  ['Email', 'Phone', 'Street', 'City', 'Company'],
  ['FirstName', 'Notes', 'Street', 'Zip'],
  names,
]

/** One change of a value: what people do when they write something down once more. */
const edit = fc.record({ at: fc.nat(14), how: fc.nat(4), letter: fc.constantFrom(...'aes1 0') })

function edited(value: string, { at, how, letter }: { at: number; how: number; letter: string }): string {
  const i = value.length === 0 ? 0 : at % value.length
  const [before, here, after] = [value.slice(0, i), value.slice(i, i + 1), value.slice(i + 1)]
  if (how === 0) return before + after
  if (how === 1) return before + letter + after
  if (how === 2) return before + letter + here + after
  return how === 3 ? before + after.slice(0, 1) + here + after.slice(1) : before + here + here + after
}

/** Two records: each value of the second is that of the first, another one, one with errors, or missing; names may be swapped. */
const pair = fc
  .record({
    fields: fc.tuple(
      ...names.map((field) =>
        fc.record({ a: kinds[field], b: kinds[field], how: fc.nat(7), edits: fc.array(edit, { maxLength: 2 }) }),
      ),
    ),
    swap: fc.boolean(),
    used: fc.constantFrom(...sets),
  })
  .map(({ fields, swap, used }) => {
    const [a, b]: [string[], string[]] = [[], []]
    for (const [place, field] of names.entries()) {
      if (!used.includes(field)) continue
      const { a: one, b: other, how, edits } = fields[place] as (typeof fields)[number]
      a.push(how === 0 ? '' : one)
      b.push(how === 1 ? '' : how <= 3 ? other : how <= 5 ? edits.reduce(edited, one).trim() : one)
    }
    const kept = names.filter((field) => used.includes(field))
    const [given, family] = [kept.indexOf('FirstName'), kept.indexOf('LastName')]
    if (swap && given >= 0 && family >= 0) [b[given], b[family]] = [b[family] as string, b[given] as string]
    return { a, b, names: kept }
  })

test('no pair reaches more than its sketch says, whatever is compared', () => {
  const plans = new Map<string, { plan: Plan; known: Sketching }>()
  fc.assert(
    fc.property(pair, ({ a, b, names }) => {
      const chosen = Object.fromEntries(names.map((name) => [name, options.fields?.[name] ?? 'ignore'] as const))
      let made = plans.get(names.join())
      if (made === undefined) {
        const plan = planOf({ fields: chosen }, names)
        made = { plan, known: sketching(plan) }
        plans.set(names.join(), made)
      }
      both(a, b, made.plan, made.known)
    }),
    { numRuns: 3_000 },
  )
})

test('a key whose values may be equal is never left out', () => {
  const plan = planOf({ keys: [['LastName', 'Birthdate']] }, ['LastName', 'FirstName', 'Birthdate'])
  const a = ['huber', 'anna', '19700203']
  for (const { bits, most } of both(a, ['huber', 'kilian', '19700203'], plan)) assert.ok(bits >= 40 && most >= bits)
  for (const { most } of both(a, ['huber', 'kilian', '19811112'], plan))
    assert.ok(most < plan.thresholds.reviewBits, 'the dates of birth differ: the key cannot agree')
})

for (const [preset, fields] of [
  ['people', person],
  ['typed', ['given_name', 'surname', 'street_number', 'address_1', 'suburb', 'postcode', 'state', 'date_of_birth']],
  ['organisations', ['Name', 'Phone', 'Website', 'BillingStreet', 'BillingCity', 'BillingPostalCode']],
] as const)
  test(`believable ${preset}: nobody is taken for a stranger who is compared with another result`, () => {
    const plan = forPopulation(planOf({}, fields), 1_000_000)
    const records = generate(preset, 600, 5)
    const features = records.map(({ row }: { row: Row }) => featuresOf(row, plan))
    const { sketch, probe } = sketching(plan)
    const sketches = Int32Array.from(features.flatMap(sketch))
    let [strangers, told, same] = [0, 0, 0]
    for (const [i, a] of features.entries()) {
      const most = probe(a, plan.priorBits)
      for (let j = 0; j < i; j++) {
        const bits = most(sketches, j * SKETCH_WORDS)
        const isTold = bits < plan.thresholds.reviewBits
        // Most pairs share nothing: it is enough to look at some of them.
        if (isTold && (i + j) % 7 !== 0 && records[i]?.entity !== records[j]?.entity) continue
        const comparison = compare(a, features[j] as Features, plan)
        assert.ok(bits >= comparison.bits - 1e-9, JSON.stringify([a, features[j]]))
        if (comparison.verdict !== 'separate') same += 1
        else strangers += 1
        if (isTold) told += 1
      }
    }
    assert.ok(same > 20, `${same} pairs are no strangers`)
    if (preset === 'people') assert.ok(told > strangers * 0.7, `${told} of ${strangers} strangers are told`)
  })
