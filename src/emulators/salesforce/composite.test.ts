import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { startTestClient, type TestClient } from './testclient.ts'

let client: TestClient
const BASE = '/services/data/v60.0'

before(async () => {
  client = await startTestClient({
    setup: { objects: { Account: { fields: { Ext__c: { type: 'text', externalId: true, unique: true } } } } },
  })
})

beforeEach(() => client.send('POST', '/emulator/reset', { keep: ['sessions'] }))

after(() => client.emulator.close())

/** The answer of one request of a composite. */
interface Part<T = never> {
  readonly httpStatusCode: number
  readonly httpHeaders: { readonly Location?: string }
  readonly body: T
}
type Errors = Part<readonly { readonly errorCode: string }[]>

const composite = async <T>(allOrNone: boolean, ...compositeRequest: unknown[]): Promise<T> =>
  (await client.send('POST', 'composite', { allOrNone, compositeRequest })).record()['compositeResponse'] as T

const account = {
  method: 'PATCH',
  url: `${BASE}/sobjects/Account/Ext__c/acme`,
  referenceId: 'acc',
  body: { Name: 'Acme' },
}
const contact = (LastName: unknown) => ({
  method: 'POST',
  url: `${BASE}/sobjects/Contact`,
  referenceId: 'con',
  body: { LastName, AccountId: '@{acc.id}' },
})

test('later requests use what earlier ones answered', async () => {
  const [acc, con, query] = await composite<
    [Part, Part<{ id: string }>, Part<{ records: { Account: { Name: string } }[] }>]
  >(false, account, contact('Child'), {
    method: 'GET',
    url: `${BASE}/query?q=SELECT+Account.Name+FROM+Contact+WHERE+Id='@{con.id}'`,
    referenceId: 'q',
  })
  assert.deepEqual([acc.httpStatusCode, con.httpStatusCode, query.httpStatusCode], [201, 201, 200])
  assert.equal(con.httpHeaders.Location, `${BASE}/sobjects/Contact/${con.body.id}`)
  assert.equal(query.body.records[0]?.Account.Name, 'Acme')
})

test('a failure leaves the others alone, and what refers to it is halted', async () => {
  const answers = await composite<[Errors, Errors, Part]>(false, { ...account, body: {} }, contact('Child'), {
    ...contact('Free'),
    referenceId: 'free',
    body: { LastName: 'Free' },
  })
  assert.deepEqual(
    answers.map((each) => each.httpStatusCode),
    [400, 400, 201],
  )
  assert.equal(answers[0].body[0]?.errorCode, 'REQUIRED_FIELD_MISSING')
  assert.equal(answers[1].body[0]?.errorCode, 'PROCESSING_HALTED')
  assert.deepEqual(await client.select('SELECT LastName FROM Contact'), [{ LastName: 'Free' }])
})

test('allOrNone undoes everything, collections inside included', async () => {
  const collection = {
    method: 'POST',
    url: `${BASE}/composite/sobjects`,
    referenceId: 'many',
    body: {
      allOrNone: false,
      records: [{ attributes: { type: 'Contact' }, LastName: 'Good' }, { attributes: { type: 'Contact' } }],
    },
  }
  const [acc, many] = await composite<[Errors, Part<{ errors: { statusCode: string }[] }[]>]>(true, account, collection)
  assert.equal(acc.body[0]?.errorCode, 'PROCESSING_HALTED')
  assert.deepEqual(
    many.body.map((each) => each.errors[0]?.statusCode),
    ['ALL_OR_NONE_OPERATION_ROLLED_BACK', 'REQUIRED_FIELD_MISSING'],
  )
  assert.deepEqual(await client.select('SELECT Id FROM Account'), [])
  assert.deepEqual(await client.select('SELECT Id FROM Contact'), [])
})

test('at most 25 requests; reference ids are unique words', async () => {
  const many = Array.from({ length: 26 }, (_, i) => ({ method: 'GET', url: `${BASE}/limits`, referenceId: `r${i}` }))
  assert.equal(
    (await client.send('POST', 'composite', { compositeRequest: many })).errors()[0]?.errorCode,
    'LIMIT_EXCEEDED',
  )
  const twice = [many[0], many[0]]
  assert.equal((await client.send('POST', 'composite', { compositeRequest: twice })).status, 400)
  assert.equal(
    (await client.send('POST', 'composite', { compositeRequest: [{ ...many[0], referenceId: 'a b' }] })).status,
    400,
  )
})

test('a batch runs independent requests, and halts when asked', async () => {
  const batchRequests = [
    { method: 'GET', url: 'v60.0/sobjects/Nope' },
    { method: 'POST', url: 'v60.0/sobjects/Contact', richInput: { LastName: 'Batch' } },
  ]
  const batch = async (body: object) =>
    (await client.send('POST', 'composite/batch', body)).json as {
      hasErrors: boolean
      results: { statusCode: number }[]
    }
  const answer = await batch({ batchRequests })
  assert.deepEqual([answer.hasErrors, answer.results.map((each) => each.statusCode)], [true, [404, 201]])
  const halted = await batch({ haltOnError: true, batchRequests })
  assert.deepEqual(
    halted.results.map((each) => each.statusCode),
    [404, 412],
  )
})

test('a tree is created whole or not at all', async () => {
  const tree = (second: unknown) => ({
    records: [
      {
        attributes: { type: 'Account', referenceId: 'a1' },
        Name: 'Root',
        Contacts: { records: [{ attributes: { type: 'Contact', referenceId: 'c1' }, LastName: 'Leaf' }, second] },
      },
    ],
  })
  const failed = await client.send(
    'POST',
    'composite/tree/Account',
    tree({ attributes: { type: 'Contact', referenceId: 'c2' } }),
  )
  assert.deepEqual(
    [failed.status, (failed.record()['results'] as { referenceId: string }[]).map((each) => each.referenceId)],
    [400, ['c2']],
  )
  assert.deepEqual(await client.select('SELECT Id FROM Account'), [])
  const misread = tree({ attributes: { type: 'Contact', referenceId: 'c2' }, LastName: 'Two', Nope: 1 })
  assert.equal((await client.send('POST', 'composite/tree/Account', misread)).errors()[0]?.errorCode, 'INVALID_FIELD')
  assert.deepEqual(await client.select('SELECT Id FROM Account'), [])
  const made = await client.send(
    'POST',
    'composite/tree/Account',
    tree({ attributes: { type: 'Contact', referenceId: 'c2' }, LastName: 'Two' }),
  )
  assert.deepEqual([made.status, (made.record()['results'] as unknown[]).length], [201, 3])
  assert.equal((await client.select("SELECT Id FROM Contact WHERE Account.Name = 'Root'")).length, 2)
})
