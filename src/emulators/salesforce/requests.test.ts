/** Requests that few clients send, and broken ones that some do: each is answered, and none ends the connection. */

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startTestClient, type TestClient } from './testclient.ts'

let client: TestClient
const logged: string[] = []

before(async () => {
  client = await startTestClient({
    log: (line) => logged.push(line),
    setup: { objects: { Contact: { fields: { Ext__c: { type: 'text', externalId: true, unique: true } } } } },
  })
})

after(() => client.emulator.close())

const sub = (url: string) => ({ compositeRequest: [{ method: 'GET', url, referenceId: 'a' }] })

const BROKEN: [string, unknown, number, string][] = [
  ['composite', sub('/services/data/v60.0/sobjects/Contact/%E0%A4%A'), 200, 'NOT_FOUND'],
  ['composite', sub('//'), 200, 'NOT_FOUND'],
  ['composite', { compositeRequest: [null] }, 400, 'INVALID_INPUT'],
  ['composite/batch', { batchRequests: [null] }, 200, 'NOT_FOUND'],
  ['composite/tree/Contact', { records: [null] }, 400, 'INVALID_INPUT'],
  ['composite/tree/Contact', { records: [{ attributes: 5 }] }, 400, 'INVALID_INPUT'],
]

for (const [path, body, status, code] of BROKEN)
  test(`POST ${path} ${JSON.stringify(body)} is answered`, async () => {
    const answer = await client.send('POST', path, body)
    assert.deepEqual([answer.status, /"errorCode":"(\w+)"/.exec(answer.text)?.[1]], [status, code])
  })

test('the token endpoint answers what it cannot read', async () => {
  const ask = async (body: string, headers: Record<string, string>) => {
    const answer = await fetch(`${client.emulator.url}/services/oauth2/token`, { method: 'POST', body, headers })
    return [answer.status, ((await answer.json()) as { error: string }).error]
  }
  assert.deepEqual(await ask('x', { 'Content-Encoding': 'gzip' }), [400, 'invalid_request'])
  const form = { 'Content-Type': 'application/x-www-form-urlencoded' }
  const basic = `Basic ${Buffer.from('%E0%A4%A:x').toString('base64')}`
  assert.deepEqual(await ask('grant_type=client_credentials', { ...form, Authorization: basic }), [
    400,
    'invalid_client_id',
  ])
})

test('a body that is too large is refused with 413, and the next request is served', async () => {
  const large = await client.send('POST', 'sobjects/Contact', { LastName: 'x'.repeat(50_000_001) })
  assert.deepEqual([large.status, large.errors()[0]?.errorCode], [413, 'REQUEST_ENTITY_TOO_LARGE'])
  assert.equal((await client.send('GET', 'limits')).status, 200)
})

test('updateOnly makes an upsert that creates nothing', async () => {
  const upsert = (query: string) => client.send('PATCH', `sobjects/Contact/Ext__c/only${query}`, { LastName: 'Only' })
  assert.equal((await upsert('?updateOnly=true')).status, 404)
  assert.equal((await upsert('')).status, 201)
  assert.equal((await upsert('?updateOnly=true')).status, 200)
})

test('a record twice in one update: both rows are refused, the others written', async () => {
  const create = async () => String((await client.send('POST', 'sobjects/Contact', { LastName: 'a' })).record()['id'])
  const [first, second] = [await create(), await create()]
  const row = (Id: string, LastName: string) => ({ attributes: { type: 'Contact' }, Id, LastName })
  const records = [row(first, 'b'), row(first.slice(0, 15), 'c'), row(second, 'd')]
  const results = (await client.send('PATCH', 'composite/sobjects', { records })).results()
  assert.deepEqual(
    results.map((each) => each.errors[0]?.statusCode ?? 'written'),
    ['DUPLICATE_VALUE', 'DUPLICATE_VALUE', 'written'],
  )
})

test('a parent that the platform sets cannot be set by its key either', async () => {
  const row = { Ext__c: 'by', LastName: 'x', CreatedBy: { Username: 'integration@syncline.example' } }
  const [result] = (await client.upsert('Contact', 'Ext__c', [row])).results()
  assert.equal(result?.errors[0]?.statusCode, 'INVALID_FIELD_FOR_INSERT_UPDATE')
})

test('nothing of this made the emulator fail', () => {
  assert.deepEqual(
    logged.filter((line) => line.includes('failed')),
    [],
  )
})
