import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Delivery } from '../../model/target.ts'
import type { Row } from '../../model/value.ts'
import { systemClock } from '../../std/clock.ts'
import { systemRandom } from '../../std/random.ts'
import { Secret } from '../../std/secret.ts'
import type { SalesforceOptions } from './options.ts'
import { codes, json, kinds, ORGANISATION, recordId, refusal, scripted, submit, upsert } from './scripted.fake.ts'
import { openSalesforce } from './target.ts'

const never = new AbortController().signal

test('an upsert goes out as sObject Collections asks for, and its results come back in order', async () => {
  await scripted(async (server, target) => {
    const outcomes = await submit(target, [
      upsert(1, 'A1', { LastName: 'Berg', Email: null, 'Account.Ext__c': 'P1', Legacy_Id__c: 'A1' }),
      upsert(2, 'A2', { LastName: 'Dahl', 'Account.Ext__c': null, 'Parent__r.Ext__c': null }),
    ])
    assert.deepEqual(outcomes, [
      { kind: 'confirmed', id: recordId(0), created: true },
      { kind: 'confirmed', id: recordId(1), created: true },
    ])
    const sent = server.seen[0]
    assert.equal(sent?.method, 'PATCH')
    assert.equal(sent?.path, '/services/data/v67.0/composite/sobjects/Contact/Legacy_Id__c')
    assert.equal(sent?.headers.authorization, 'Bearer token-1')
    assert.equal(sent?.headers['sforce-call-options'], 'client=syncline')
    assert.deepEqual(JSON.parse(sent?.body ?? ''), {
      allOrNone: false,
      records: [
        {
          attributes: { type: 'Contact' },
          LastName: 'Berg',
          Email: null,
          Account: { Ext__c: 'P1' },
          Legacy_Id__c: 'A1',
        },
        { attributes: { type: 'Contact' }, LastName: 'Dahl', AccountId: null, Parent__c: null, Legacy_Id__c: 'A2' },
      ],
    })
    assert.equal(await target.identity(never), ORGANISATION)
  })
})

test('a row error decides for its row alone', async () => {
  await scripted(async (server, target) => {
    server.answer = (_seen, response) =>
      json(response, 200, [
        { id: recordId(1), success: true, errors: [], created: false },
        {
          success: false,
          errors: [
            {
              statusCode: 'STRING_TOO_LONG',
              message: 'LastName: data value too large: Berg (max length=3)',
              fields: ['LastName'],
            },
          ],
        },
        {
          success: false,
          errors: [{ statusCode: 'UNABLE_TO_LOCK_ROW', message: 'unable to obtain exclusive access', fields: [] }],
        },
      ])
    const outcomes = await submit(target, [upsert(1, 'A'), upsert(2, 'B'), upsert(3, 'C')])
    assert.deepEqual(kinds(outcomes), ['confirmed', 'rejected', 'unsent'])
    assert.deepEqual(codes(outcomes), ['', 'SYNC-3031', 'SYNC-3030'])
  })
})

test('one external id in two spellings, and one record twice, are never in one call', async () => {
  await scripted(async (server, target) => {
    const outcomes = await submit(target, [upsert(1, 'Key'), upsert(2, 'KEY '), upsert(3, 'other'), upsert(4, 'key')])
    assert.deepEqual(kinds(outcomes), new Array(4).fill('confirmed'))
    const sent = server.seen.map((seen) =>
      (JSON.parse(seen.body) as { records: Row[] }).records.map((record) => record['Legacy_Id__c']),
    )
    assert.deepEqual(sent, [['Key', 'other'], ['KEY '], ['key']])
  })
})

test('a request of several operations is cut by operation and size, each record answered in its place', async () => {
  await scripted(
    async (server, target) => {
      const ref = { id: recordId(900) }
      const deliveries: Delivery[] = [
        upsert(1, 'A'),
        { link: 2, op: 'delete', object: 'Contact', ref: { id: recordId(1) }, set: {}, covers: [] },
        { link: 3, op: 'update', object: 'Contact', ref, set: { LastName: 'X' }, covers: [] },
        {
          link: 4,
          op: 'create',
          object: 'Contact',
          ref: { field: 'Legacy_Id__c', value: 'N' },
          set: { LastName: 'Y' },
          covers: [],
        },
        upsert(5, 'B'),
        upsert(6, 'C'),
      ]
      server.answer = (seen, response) => {
        const records =
          seen.method === 'DELETE' ? [] : (JSON.parse(seen.body) as { records: { id?: string }[] }).records
        const ids =
          seen.method === 'DELETE'
            ? (new URL(seen.path, 'http://x').searchParams.get('ids') ?? '').split(',')
            : records.map((record, index) => record.id ?? recordId(server.seen.length * 10 + index))
        json(
          response,
          200,
          ids.map((id) => ({ id, success: true, errors: [] })),
        )
      }
      const outcomes = await submit(target, deliveries)
      assert.deepEqual(kinds(outcomes), new Array(6).fill('confirmed'))
      assert.equal(outcomes[2]?.kind === 'confirmed' && outcomes[2].id, ref.id)
      assert.equal(outcomes[3]?.kind === 'confirmed' && outcomes[3].created, true)
      assert.deepEqual(
        server.seen.map((seen) => `${seen.method} ${seen.path.replace('/services/data/v67.0', '')}`),
        [
          'PATCH /composite/sobjects/Contact/Legacy_Id__c',
          `DELETE /composite/sobjects?ids=${recordId(1)}&allOrNone=false`,
          'PATCH /composite/sobjects',
          'POST /composite/sobjects',
          'PATCH /composite/sobjects/Contact/Legacy_Id__c',
        ],
      )
      assert.deepEqual(JSON.parse(server.seen[2]?.body ?? '').records, [
        { attributes: { type: 'Contact' }, LastName: 'X', id: ref.id },
      ])
    },
    { requestRowsMax: 2 },
  )
})

test('a record whose values cannot be written is rejected alone, all reasons at once, and the others go', async () => {
  await scripted(async (server, target) => {
    const bad = upsert(1, 'A', {
      Birthdate: { kind: 'invalid', type: 'date', raw: '0000-00-00', reason: 'zero date' },
      Fee__c: { kind: 'decimal', text: '12345678901234567.89' },
      End__c: { kind: 'date', text: 'infinity' },
    })
    const outcomes = await submit(target, [bad, upsert(2, 'B'), upsert(3, ' ')])
    assert.deepEqual(kinds(outcomes), ['rejected', 'confirmed', 'rejected'])
    assert.deepEqual(codes(outcomes), ['SYNC-3037', '', 'SYNC-3037'])
    const message = 'failure' in outcomes[0]! ? outcomes[0].failure.message : ''
    assert.match(message, /Birthdate: .*zero date; Fee__c: .*19 digits.*; End__c: /)
    assert.doesNotMatch(message, /0000-00-00|12345678901234567/)
    assert.equal(JSON.parse(server.seen[0]?.body ?? '').records.length, 1)
  })
})

test('one record that Salesforce cannot parse does not hold up the rest of its call', async () => {
  await scripted(async (server, target) => {
    server.answer = (seen, response) => {
      const { records } = JSON.parse(seen.body) as { records: Row[] }
      if (records.some((record) => record['Active__c'] === 'perhaps')) {
        return json(
          response,
          400,
          refusal('JSON_PARSER_ERROR', 'Cannot deserialize instance of boolean from VALUE_STRING value perhaps'),
        )
      }
      json(
        response,
        200,
        records.map((record) => ({
          id: recordId(Number(record['Legacy_Id__c'])),
          success: true,
          errors: [],
          created: true,
        })),
      )
    }
    const deliveries = Array.from({ length: 20 }, (_, n) =>
      upsert(n, `${n}`, { Active__c: n === 13 ? 'perhaps' : 'true' }),
    )
    const outcomes = await submit(target, deliveries)
    assert.deepEqual(
      kinds(outcomes),
      deliveries.map((_, n) => (n === 13 ? 'rejected' : 'confirmed')),
    )
    assert.equal(outcomes[7]?.kind === 'confirmed' && outcomes[7].id, recordId(7))
    assert.ok(server.seen.length <= 12)
    const message = 'failure' in outcomes[13]! ? outcomes[13].failure.message : ''
    assert.doesNotMatch(message, /perhaps/)
  })
})

test('a call that is refused for every record stays bounded', async () => {
  await scripted(async (server, target) => {
    server.answer = (_seen, response) => json(response, 400, refusal('JSON_PARSER_ERROR', 'Unexpected character'))
    const outcomes = await submit(
      target,
      Array.from({ length: 100 }, (_, n) => upsert(n, `${n}`)),
    )
    assert.ok(outcomes.every((outcome) => outcome.kind === 'rejected' || outcome.kind === 'unsent'))
    assert.ok(server.seen.length <= 60, `${server.seen.length} calls`)
  })
})

test('an update or delete by external id finds the record first', async () => {
  await scripted(async (server, target) => {
    server.answer = (seen, response) => {
      if (seen.path.includes('/query')) {
        const soql = new URL(seen.path, 'http://x').searchParams.get('q') ?? ''
        assert.equal(soql, "SELECT Id,Legacy_Id__c FROM Contact WHERE Legacy_Id__c IN ('O\\'Neil','gone')")
        return json(response, 200, { totalSize: 1, done: true, records: [{ Id: recordId(5), Legacy_Id__c: "o'neil" }] })
      }
      json(response, 200, [{ id: recordId(5), success: true, errors: [] }])
    }
    const remove = (link: number, value: string, op: Delivery['op']): Delivery => ({
      link,
      op,
      object: 'Contact',
      ref: { field: 'Legacy_Id__c', value },
      set: {},
      covers: [],
    })
    const outcomes = await submit(target, [
      remove(1, "O'Neil", 'delete'),
      remove(2, 'gone', 'delete'),
      remove(3, 'gone', 'update'),
    ])
    assert.deepEqual(kinds(outcomes), ['confirmed', 'confirmed', 'rejected'])
    assert.deepEqual(codes(outcomes), ['', '', 'SYNC-3034'])
    assert.ok(server.seen[1]?.path.endsWith(`ids=${recordId(5)}&allOrNone=false`))
  })
})

test('nothing is ever resumed', () => {
  const target = openSalesforce(
    {
      url: 'https://example.my.salesforce.com',
      auth: { flow: 'client-credentials', clientId: 'a', clientSecret: new Secret('S', () => 's') },
    },
    { clock: systemClock, random: systemRandom },
  )
  assert.throws(
    () => target.resume({ id: '0', number: 1, route: 'queue', deliveries: [] }, 'ticket', never),
    /broken invariant/,
  )
})

test('a certificate file that cannot be read is said at once', () => {
  const options: SalesforceOptions = {
    url: 'https://example.my.salesforce.com',
    auth: { flow: 'client-credentials', clientId: 'a', clientSecret: new Secret('S', () => 's') },
    ca: '/nowhere/ca.pem',
  }
  assert.throws(() => openSalesforce(options, { clock: systemClock, random: systemRandom }), /SYNC-3006.*ENOENT/)
})
