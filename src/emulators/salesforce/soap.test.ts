/** merge() of the SOAP API: as jsforce calls it, written by others and unchanged, and what it is refused with. */

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Connection } from 'jsforce'
import { type SalesforceEmulator, startSalesforceEmulator } from './server.ts'

let emulator: SalesforceEmulator
let conn: Connection

const contact = (Id: string | undefined) => ({ type: 'Contact', Id })

async function make(object: string, records: Record<string, unknown>[]): Promise<string[]> {
  const made = await conn.sobject(object).create(records)
  return made.map(({ id }) => id as string)
}

/** The fault code and text that a call fails with. */
async function fault(run: () => Promise<unknown>): Promise<[string, string]> {
  try {
    await run()
  } catch (error) {
    const { errorCode, message } = error as { errorCode: string; message: string }
    return [errorCode, message]
  }
  return assert.fail('expected a fault')
}

const raw = async (body: string, path = '/services/Soap/u/67.0') => {
  const answer = await fetch(`${emulator.url}${path}`, {
    method: 'POST',
    body,
    headers: { 'content-type': 'text/xml' },
  })
  return { status: answer.status, type: answer.headers.get('content-type'), text: await answer.text() }
}

before(async () => {
  emulator = await startSalesforceEmulator({
    setup: {
      objects: {
        Contact: { fields: { Legacy_Id__c: { type: 'text', length: 40, externalId: true, unique: true } } },
        Card__c: { fields: { Owner__c: { type: 'lookup', to: 'Contact', childRelationship: 'Cards' } } },
      },
    },
  })
  conn = new Connection({
    instanceUrl: emulator.url,
    version: '67.0',
    oauth2: { clientId: 'syncline', clientSecret: 'syncline-secret', loginUrl: emulator.url },
  })
  await conn.authorize({ grant_type: 'client_credentials' })
})

after(() => emulator.close())

test('losers are deleted and name their master, whose values stay; what referred to them refers to it', async () => {
  const [master, one, two] = await make('Contact', [
    { LastName: 'Novak', Phone: '1', Legacy_Id__c: 'a' },
    { LastName: 'Nowak', Email: 'n@example.org', Legacy_Id__c: 'b' },
    { LastName: 'Novac', Legacy_Id__c: 'c' },
  ])
  const [card, other] = await make('Card__c', [{ Owner__c: one }, { Owner__c: master }])
  const done = await conn.soap.merge({
    masterRecord: contact(master),
    recordToMergeIds: [one as string, two as string],
  })
  assert.deepEqual(
    { ...done },
    {
      id: master,
      success: true,
      mergedRecordIds: [one, two],
      updatedRelatedIds: [card],
      errors: [],
    },
  )
  const all = await conn.query(
    'SELECT Id, IsDeleted, MasterRecordId, Legacy_Id__c FROM Contact ORDER BY Legacy_Id__c',
    {
      scanAll: true,
    },
  )
  assert.deepEqual(
    all.records.map((each) => [each['Legacy_Id__c'], each['IsDeleted'], each['MasterRecordId']]),
    [
      ['a', false, null],
      ['b', true, master],
      ['c', true, master],
    ],
  )
  const kept = await conn.sobject('Contact').retrieve(master as string)
  assert.deepEqual([kept['LastName'], kept['Phone'], kept['Email']], ['Novak', '1', null])
  const cards = await conn.query(`SELECT Id FROM Card__c WHERE Owner__c = '${master}' ORDER BY Id`)
  assert.deepEqual(cards.records.map(({ Id }) => Id).sort(), [card, other].sort())
})

test('each merge of a call is a transaction of its own; what is refused says why and changes nothing', async () => {
  const [a, b, c, d] = (await make(
    'Contact',
    ['A', 'B', 'C', 'D'].map((LastName) => ({ LastName })),
  )) as [string, string, string, string]
  const [account] = (await make('Account', [{ Name: 'Acme' }])) as [string]
  await conn.sobject('Contact').destroy(d)
  const merge = (master: string, ...losers: string[]) => ({ masterRecord: contact(master), recordToMergeIds: losers })
  const results = await conn.soap.merge([
    merge(a, b),
    merge(a, b),
    merge(d, c),
    merge(c, c),
    merge(c, account),
    merge('003000000000999AAA', c),
    merge(c, '003000000000999AAA'),
    merge(a, c, d),
    merge(a, c, b, d),
  ])
  const codes = results.map(({ success, errors }) =>
    success ? 'ok' : (errors[0] as { statusCode: string }).statusCode,
  )
  assert.deepEqual(codes, [
    'ok',
    'ENTITY_IS_DELETED',
    'ENTITY_IS_DELETED',
    'INVALID_ARGUMENT_TYPE',
    'MALFORMED_ID',
    'INVALID_CROSS_REFERENCE_KEY',
    'INVALID_CROSS_REFERENCE_KEY',
    'ENTITY_IS_DELETED',
    'LIMIT_EXCEEDED',
  ])
  const left = await conn.query(`SELECT Id FROM Contact WHERE Id IN ('${a}', '${c}')`)
  assert.equal(left.totalSize, 2, 'the loser of a merge that failed for the other one is there still')
})

test('faults: objects that cannot be merged, an ended session, the limit, other operations and other versions', async () => {
  const [card, next] = await make('Card__c', [{}, {}])
  const refused = { masterRecord: { type: 'Card__c', Id: card }, recordToMergeIds: [next as string] }
  assert.deepEqual(await fault(() => conn.soap.merge(refused)), [
    'sf:INVALID_TYPE_FOR_OPERATION',
    'INVALID_TYPE_FOR_OPERATION: entity type does not support merge',
  ])
  assert.equal((await conn.query('SELECT Id FROM Card__c')).totalSize, 4)
  assert.equal(
    (await fault(() => conn.soap.merge({ masterRecord: { type: 'Nope' }, recordToMergeIds: ['x'] })))[0],
    'sf:INVALID_TYPE',
  )
  const ended = new Connection({ instanceUrl: emulator.url, version: '67.0', accessToken: '00D!ended' })
  assert.equal((await fault(() => ended.soap.merge(refused)))[0], 'sf:INVALID_SESSION_ID')
  emulator.faults.add({ kind: 'limit', path: '/services/Soap/', count: 1 })
  assert.equal((await fault(() => conn.soap.merge(refused)))[0], 'sf:REQUEST_LIMIT_EXCEEDED')
  emulator.faults.add({ kind: 'lock', path: '/services/Soap/', object: 'Contact', count: 1 })
  const [one, two] = (await make('Contact', [{ LastName: 'E' }, { LastName: 'F' }])) as [string, string]
  const locked = await conn.soap.merge({ masterRecord: contact(one), recordToMergeIds: [two] })
  assert.equal((locked.errors[0] as { statusCode: string }).statusCode, 'UNABLE_TO_LOCK_ROW')
  assert.match((await fault(() => conn.soap.getServerTimestamp()))[1], /No operation available/)
  assert.match((await raw('<a/>', '/services/Soap/u/9.0')).text, /UNSUPPORTED_API_VERSION/)
  for (const body of [
    '',
    'no xml',
    '<a/>',
    '<!DOCTYPE x [<!ENTITY y "z">]><Envelope><Body><merge/></Body></Envelope>',
  ]) {
    const { status, type, text } = await raw(body)
    assert.deepEqual([status, type], [500, 'text/xml; charset=utf-8'])
    assert.match(text, /<faultcode>soapenv:Client<\/faultcode>/)
  }
})
