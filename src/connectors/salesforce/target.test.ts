import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Delivery, Outcome, Request } from '../../model/target.ts'
import type { Row } from '../../model/value.ts'
import { systemClock } from '../../std/clock.ts'
import { systemRandom } from '../../std/random.ts'
import { Secret } from '../../std/secret.ts'
import type { SalesforceOptions } from './options.ts'
import { json, ORGANISATION, recordId, type ScriptedServer, startScriptedServer } from './scripted.fake.ts'
import { openSalesforce, type SalesforceTarget } from './target.ts'

const never = new AbortController().signal
const save = async () => {}
const CANARY_SECRET = 'canary-secret-7f3a'

async function scripted(
  work: (server: ScriptedServer, target: SalesforceTarget) => Promise<void>,
  more: Partial<SalesforceOptions> = {},
): Promise<void> {
  const server = await startScriptedServer()
  const target = openSalesforce(
    {
      url: server.url,
      auth: {
        flow: 'client-credentials',
        clientId: 'app',
        clientSecret: new Secret('${SF_SECRET}', () => CANARY_SECRET),
      },
      ...more,
    },
    { clock: systemClock, random: systemRandom },
  )
  try {
    await work(server, target)
  } finally {
    await target.close()
    await server.close()
  }
}

function upsert(link: number, value: string, set: Row = {}): Delivery {
  return { link, op: 'upsert', object: 'Contact', ref: { field: 'Legacy_Id__c', value }, set, covers: [] }
}

function request(deliveries: readonly Delivery[]): Request {
  return { id: systemRandom.id(), number: 1, route: 'queue', deliveries }
}

function kinds(outcomes: readonly Outcome[]): string[] {
  return outcomes.map((outcome) => outcome.kind)
}

function codes(outcomes: readonly Outcome[]): string[] {
  return outcomes.map((outcome) => ('failure' in outcome ? outcome.failure.code : ''))
}

test('an upsert goes out as sObject Collections asks for, and its results come back in order', async () => {
  await scripted(async (server, target) => {
    const outcomes = await target.submit(
      request([
        upsert(1, 'A1', { LastName: 'Berg', Email: null, 'Account.Ext__c': 'P1', Legacy_Id__c: 'A1' }),
        upsert(2, 'A2', { LastName: 'Dahl', 'Account.Ext__c': null, 'Parent__r.Ext__c': null }),
      ]),
      save,
      never,
    )
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
    const outcomes = await target.submit(request([upsert(1, 'A'), upsert(2, 'B'), upsert(3, 'C')]), save, never)
    assert.deepEqual(kinds(outcomes), ['confirmed', 'rejected', 'unsent'])
    assert.deepEqual(codes(outcomes), ['', 'SYNC-3031', 'SYNC-3030'])
  })
})
