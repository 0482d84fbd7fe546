/** What fields make of values: trimming, limits, types, references, rules; each refusal with its code and field. */

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startTestClient, type TestClient } from './testclient.ts'

let client: TestClient

before(async () => {
  client = await startTestClient({
    setup: {
      malformedRows: 'row',
      objects: {
        Contact: {
          fields: {
            Ext__c: { type: 'text', externalId: true, unique: true },
            Exact__c: { type: 'text', unique: true, caseSensitive: true },
            Amount__c: { type: 'number', precision: 6, scale: 2 },
            Status__c: { type: 'picklist', values: ['Active', 'Lapsed'], restricted: true },
            Tags__c: { type: 'multipicklist', values: ['a', 'b', 'c'], restricted: true },
            Member__c: { type: 'checkbox' },
            At__c: { type: 'datetime' },
            Locked__c: { type: 'text', readOnly: true },
            Must__c: { type: 'text', required: true, default: 'given' },
            Friend__c: { type: 'lookup', to: 'Contact' },
          },
          rules: [
            {
              name: 'Phone_Or_Email',
              when: "Status__c = 'Active' AND Phone = null AND Email = null",
              message: 'An active member needs a phone or an e-mail',
              field: 'Status__c',
            },
            { name: 'Born', when: 'Birthdate > TODAY', message: 'Nobody is born tomorrow', field: 'Birthdate' },
          ],
        },
      },
    },
  })
})

after(() => client.emulator.close())

let number = 0

async function write(fields: Record<string, unknown>) {
  const answer = await client.upsert('Contact', 'Ext__c', [{ Ext__c: `r${number++}`, LastName: 'x', ...fields }])
  const [result] = answer.results()
  assert.ok(result !== undefined, answer.text)
  return result
}

async function stored(field: string, value: unknown): Promise<unknown> {
  const result = await write({ [field]: value })
  assert.ok(result.success, JSON.stringify(result.errors))
  return (await client.select(`SELECT ${field} FROM Contact WHERE Id = '${result.id}'`))[0]?.[field]
}

const KEPT: [string, unknown, unknown][] = [
  ['Title', '  a b \n', 'a b'],
  ['Title', '', null],
  ['Title', '   ', null],
  ['Title', 'ünï 🎉', 'ünï 🎉'],
  ['Email', ' A.b+c@Example.co.uk ', 'A.b+c@Example.co.uk'],
  ['Amount__c', 1234.5, 1234.5],
  ['Amount__c', '12.345', 12.35],
  ['Amount__c', 1.005, 1.01],
  ['Amount__c', -1.005, -1.01],
  ['Amount__c', '1e2', 100],
  ['Amount__c', 0.1 + 0.2, 0.3],
  ['Birthdate', '2000-02-29', '2000-02-29'],
  ['Birthdate', '', null],
  ['At__c', '2024-09-24T03:26:07Z', '2024-09-24T03:26:07.000+0000'],
  ['At__c', '2024-09-24T05:26:07.999+02:00', '2024-09-24T03:26:07.000+0000'],
  ['At__c', '2024-09-24T05:26:07.999+0200', '2024-09-24T03:26:07.000+0000'],
  ['Member__c', true, true],
  ['Member__c', 'true', true],
  ['Status__c', 'Lapsed', 'Lapsed'],
  ['Tags__c', 'c; a;c', 'a;c'],
  ['LeadSource', 'Unlisted', 'Unlisted'],
]

for (const [field, value, expected] of KEPT)
  test(`${field} keeps ${JSON.stringify(value)} as ${JSON.stringify(expected)}`, async () =>
    assert.equal(await stored(field, value), expected))

const REFUSED: [Record<string, unknown>, string, string[] | null][] = [
  [{ LastName: null }, 'REQUIRED_FIELD_MISSING', ['LastName']],
  [{ LastName: '  ' }, 'REQUIRED_FIELD_MISSING', ['LastName']],
  [{ FirstName: 'x'.repeat(41) }, 'STRING_TOO_LONG', ['FirstName']],
  [{ Email: 'nobody' }, 'INVALID_EMAIL_ADDRESS', ['Email']],
  [{ Email: 'a@b' }, 'INVALID_EMAIL_ADDRESS', ['Email']],
  [{ Email: 'a b@c.de' }, 'INVALID_EMAIL_ADDRESS', ['Email']],
  [{ Status__c: 'Gone' }, 'INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST', ['Status__c']],
  [{ Tags__c: 'a;z' }, 'INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST', ['Tags__c']],
  [{ Amount__c: 10_000 }, 'NUMBER_OUTSIDE_VALID_RANGE', ['Amount__c']],
  [{ Amount__c: 'twelve' }, 'JSON_PARSER_ERROR', null],
  [{ Birthdate: '2001-02-29' }, 'JSON_PARSER_ERROR', null],
  [{ Birthdate: '24.09.2024' }, 'JSON_PARSER_ERROR', null],
  [{ Birthdate: '0019-02-08' }, 'FIELD_INTEGRITY_EXCEPTION', ['Birthdate']],
  [{ At__c: '2024-09-24 03:26:07' }, 'JSON_PARSER_ERROR', null],
  [{ At__c: '2024-09-24T03:26:07' }, 'JSON_PARSER_ERROR', null],
  [{ Member__c: 'yes' }, 'JSON_PARSER_ERROR', null],
  [{ Member__c: null }, 'INVALID_TYPE_ON_FIELD_IN_RECORD', ['Member__c']],
  [{ Title: 5 }, 'JSON_PARSER_ERROR', null],
  [{ Title: ['x'] }, 'JSON_PARSER_ERROR', null],
  [{ Nope__c: 1 }, 'INVALID_FIELD', null],
  [{ ['__proto__x']: 1 }, 'INVALID_FIELD', null],
  [{ constructor: 'x' }, 'INVALID_FIELD', null],
  [{ Name: 'x' }, 'INVALID_FIELD_FOR_INSERT_UPDATE', ['Name']],
  [
    { Locked__c: 'x', CreatedDate: '2024-01-01T00:00:00Z' },
    'INVALID_FIELD_FOR_INSERT_UPDATE',
    ['Locked__c', 'CreatedDate'],
  ],
  [{ Friend__c: 'rubbish' }, 'MALFORMED_ID', ['Friend__c']],
  [{ Friend__c: '001000000000001AAA' }, 'FIELD_INTEGRITY_EXCEPTION', ['Friend__c']],
  [{ Friend__c: '003000000000001AAA' }, 'INVALID_CROSS_REFERENCE_KEY', null],
  [{ Friend__r: { Ext__c: 'nobody' } }, 'INVALID_FIELD', null],
  [{ Friend__r: { Ext__c: 'a', Email: 'b' } }, 'INVALID_FIELD', null],
  [{ Status__c: 'Active' }, 'FIELD_CUSTOM_VALIDATION_EXCEPTION', ['Status__c']],
]

for (const [fields, code, names] of REFUSED)
  test(`${JSON.stringify(fields).slice(0, 60)} is refused with ${code}`, async () => {
    const result = await write(fields)
    assert.equal(result.success, false)
    assert.equal(result.errors[0]!.statusCode, code)
    if (names !== null) assert.deepEqual(result.errors[0]!.fields, names)
  })

test('a __proto__ key of a client changes nothing but its own row', async () => {
  const body = `{"records":[{"attributes":{"type":"Contact"},"LastName":"p","__proto__":{"polluted":true}}]}`
  const answer = await client.send('POST', 'composite/sobjects', Buffer.from(body))
  assert.equal(answer.results()[0]?.errors[0]?.statusCode, 'INVALID_FIELD')
  assert.equal(({} as { polluted?: boolean }).polluted, undefined)
})

test('unique values: case matters only where the field says so', async () => {
  const first = await write({ Exact__c: 'Key' })
  assert.ok((await write({ Exact__c: 'KEY' })).success)
  const twice = await write({ Exact__c: 'Key' })
  assert.equal(twice.errors[0]!.statusCode, 'DUPLICATE_VALUE')
  assert.equal(
    twice.errors[0]!.message,
    `duplicate value found: Exact__c duplicates value on record with id: ${first.id}`,
  )
  await client.send('DELETE', `sobjects/Contact/${first.id}`)
  assert.ok((await write({ Exact__c: 'Key' })).success, 'the recycle bin keeps no value from others')
})

test('a rule sees the whole record, not only what is sent', async () => {
  const { id } = await write({ Status__c: 'Active', Phone: '1' })
  const refused = await client.send('PATCH', `sobjects/Contact/${id}`, { Phone: null })
  assert.deepEqual(
    [refused.status, refused.json],
    [
      400,
      [
        {
          message: 'An active member needs a phone or an e-mail',
          errorCode: 'FIELD_CUSTOM_VALIDATION_EXCEPTION',
          fields: ['Status__c'],
        },
      ],
    ],
  )
  assert.equal((await client.send('PATCH', `sobjects/Contact/${id}`, { Phone: null, Email: 'a@b.de' })).status, 204)
})

test('a date literal in a rule means the day on which the record is written', async () => {
  const day = (shift: number) => new Date(Date.now() + shift * 86_400_000).toISOString().slice(0, 10)
  assert.ok((await write({ Birthdate: day(-2) })).success)
  assert.equal((await write({ Birthdate: day(2) })).errors[0]!.message, 'Nobody is born tomorrow')
})

test('a lookup to a deleted record is refused; deleting clears lookups to it', async () => {
  const friend = await write({})
  const { id } = await write({ Friend__c: friend.id })
  await client.send('DELETE', `sobjects/Contact/${friend.id}`)
  assert.equal((await client.send('GET', `sobjects/Contact/${id}?fields=Friend__c`)).record()['Friend__c'], null)
  assert.equal((await write({ Friend__c: friend.id })).errors[0]!.statusCode, 'ENTITY_IS_DELETED')
})

test('defaults are given once, and a required field cannot be emptied', async () => {
  const { id } = await write({})
  const read = (await client.send('GET', `sobjects/Contact/${id}?fields=Must__c,OwnerId,DoNotCall`)).record()
  assert.deepEqual([read['Must__c'], read['DoNotCall'], String(read['OwnerId']).slice(0, 3)], ['given', false, '005'])
  assert.equal(
    (await client.send('PATCH', `sobjects/Contact/${id}`, { Must__c: '' })).errors()[0]?.errorCode,
    'REQUIRED_FIELD_MISSING',
  )
})
