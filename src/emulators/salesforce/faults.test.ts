import assert from 'node:assert/strict'
import { afterEach, beforeEach, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FaultSpec } from './faults.ts'
import { startTestClient, type TestClient } from './testclient.ts'

let client: TestClient
let clock_ms: number

beforeEach(async () => {
  clock_ms = Date.UTC(2024, 8, 24, 3, 26, 7)
  client = await startTestClient({
    now: () => clock_ms,
    setup: { objects: { Contact: { fields: { Ext__c: { type: 'text', externalId: true, unique: true } } } } },
  })
})

afterEach(() => client.emulator.close())

const rows = (...names: string[]) => names.map((name) => ({ Ext__c: name, LastName: name }))
const upsert = (...names: string[]) => client.upsert('Contact', 'Ext__c', rows(...names))
const count = async () => client.emulator.stats().records['Contact']

async function withFault<T>(fault: FaultSpec, run: () => Promise<T>): Promise<T> {
  client.emulator.faults.add(fault)
  try {
    return await run()
  } finally {
    client.emulator.faults.clear()
  }
}

const REFUSALS: [FaultSpec, number, string][] = [
  [{ kind: 'session-expired' }, 401, 'INVALID_SESSION_ID'],
  [{ kind: 'limit' }, 403, 'REQUEST_LIMIT_EXCEEDED'],
  [{ kind: 'unavailable' }, 503, 'SERVER_UNAVAILABLE'],
  [{ kind: 'html' }, 503, '<h1>'],
  [{ kind: 'html', status: 200 }, 200, '<h1>'],
  [{ kind: 'status', status: 420, body: { calm: true } }, 420, '"calm":true'],
]

for (const [fault, status, part] of REFUSALS)
  test(`${JSON.stringify(fault)} answers ${status} and applies nothing`, async () => {
    const answer = await withFault(fault, () => upsert('a'))
    assert.equal(answer.status, status)
    assert.ok(answer.text.includes(part), answer.text)
    assert.equal(await count(), 0)
    assert.equal((await upsert('a')).status, 200)
    assert.equal(await count(), 1)
  })

test('a lost request applies nothing; a lost answer was applied', async () => {
  await assert.rejects(withFault({ kind: 'lost-request' }, () => upsert('a')))
  assert.equal(await count(), 0)
  await assert.rejects(withFault({ kind: 'lost-answer' }, () => upsert('b')))
  assert.deepEqual(await client.select('SELECT Ext__c FROM Contact'), [{ Ext__c: 'b' }])
})

test('half an answer breaks off; the request was applied', async () => {
  await assert.rejects(withFault({ kind: 'half-answer' }, () => upsert('a', 'b')))
  assert.equal(await count(), 2)
})

test('a late request lands after its connection broke, over a newer value', async () => {
  await assert.rejects(
    withFault({ kind: 'late', apply_ms: 60 }, () =>
      client.upsert('Contact', 'Ext__c', [{ Ext__c: 'a', LastName: 'old' }]),
    ),
  )
  assert.equal(await count(), 0)
  await client.upsert('Contact', 'Ext__c', [{ Ext__c: 'a', LastName: 'new' }])
  await sleep(150)
  assert.deepEqual(await client.select('SELECT LastName FROM Contact'), [{ LastName: 'old' }])
})

test('a late request may carry the stamp of its coming: a reader by time that has passed it misses it', async () => {
  await assert.rejects(withFault({ kind: 'late', apply_ms: 60, stamp: 'sent' }, () => upsert('late')))
  clock_ms += 10_000
  await upsert('prompt')
  await sleep(150)
  const stamps = await client.select('SELECT Ext__c, SystemModstamp FROM Contact ORDER BY SystemModstamp')
  assert.deepEqual(
    stamps.map((each) => each.Ext__c),
    ['late', 'prompt'],
  )
  const since = await client.select(
    'SELECT Ext__c FROM Contact WHERE SystemModstamp >= 2024-09-24T03:26:07Z ORDER BY Ext__c',
  )
  assert.deepEqual(
    since.map((each) => each.Ext__c),
    ['late', 'prompt'],
  )
})

test('latency and a slow answer take their time', async () => {
  let start = performance.now()
  await withFault({ kind: 'latency', latency_ms: 80 }, () => upsert('a'))
  assert.ok(performance.now() - start >= 75)
  start = performance.now()
  const answer = await withFault({ kind: 'slow-drip', bytes: 20, pause_ms: 15 }, () => upsert('b'))
  assert.ok(performance.now() - start >= 30)
  assert.equal(answer.results()[0]?.success, true)
})

test('no answer: the client waits in vain, and may or may not have been heard', async () => {
  for (const apply of [false, true]) {
    const wait = withFault({ kind: 'no-answer', apply }, () =>
      Promise.race([upsert(`heard-${apply}`), sleep(60, 'silence')]),
    )
    assert.equal(await wait, 'silence')
  }
  assert.deepEqual(await client.select('SELECT Ext__c FROM Contact'), [{ Ext__c: 'heard-true' }])
})

test('rows are refused by value, by number, or by lock; the others are written', async () => {
  const byValue: FaultSpec = {
    kind: 'row-error',
    code: 'CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY',
    message: 'Trigger failed',
    field: 'LastName',
    equals: 'b',
  }
  const first = await withFault(byValue, () => upsert('a', 'b', 'c'))
  assert.deepEqual(
    first.results().map((each) => each.success),
    [true, false, true],
  )
  assert.deepEqual(first.results()[1]?.errors, [
    { statusCode: 'CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY', message: 'Trigger failed', fields: ['LastName'] },
  ])
  const second = await withFault({ kind: 'lock', rows: 2 }, () => upsert('d', 'e', 'f'))
  assert.deepEqual(
    second.results().map((each) => each.errors[0]?.statusCode),
    ['UNABLE_TO_LOCK_ROW', 'UNABLE_TO_LOCK_ROW', undefined],
  )
  assert.equal(await count(), 3)
})

test('a shuffled answer holds the same results in another order', async () => {
  const names = Array.from({ length: 50 }, (_, i) => `n${i}`)
  const plain = (await upsert(...names)).results().map((each) => each.id)
  const answer = await withFault({ kind: 'shuffle', seed: 3 }, () => upsert(...names))
  const shuffled = answer.results().map((each) => each.id)
  assert.notDeepEqual(shuffled, plain)
  assert.deepEqual([...shuffled].sort(), [...plain].sort())
})

test('nth, after and count choose the calls; method, path and object too', async () => {
  const statuses = async (fault: FaultSpec): Promise<number[]> =>
    withFault(fault, async () => {
      const found: number[] = []
      for (let i = 0; i < 4; i++) found.push((await upsert('x')).status)
      return found
    })
  assert.deepEqual(await statuses({ kind: 'limit', nth: 2 }), [200, 403, 200, 200])
  assert.deepEqual(await statuses({ kind: 'limit', after: 1, count: 2 }), [200, 403, 403, 200])
  assert.deepEqual(await statuses({ kind: 'limit', method: 'GET' }), [200, 200, 200, 200])
  assert.deepEqual(
    await statuses({ kind: 'limit', path: '/composite/sobjects/Contact/', count: 1 }),
    [403, 200, 200, 200],
  )
  assert.deepEqual(await statuses({ kind: 'limit', object: 'Account' }), [200, 200, 200, 200])
  assert.deepEqual(await statuses({ kind: 'limit', object: 'contact' }), [403, 403, 403, 403])
})

test('chance comes from the seed', async () => {
  const strikes = (seed: number) =>
    withFault({ kind: 'limit', probability: 0.5, seed }, async () => {
      let found = ''
      for (let i = 0; i < 20; i++) found += (await client.send('GET', 'limits')).status === 403 ? 'x' : '.'
      return found
    })
  assert.equal(await strikes(7), await strikes(7))
  assert.notEqual(await strikes(7), await strikes(8))
  assert.match(await strikes(7), /x.*\..*|\..*x.*/)
})

test('faults are set, listed and lifted over HTTP; wrong ones are explained', async () => {
  const added = await client.send('POST', '/emulator/faults', [
    { kind: 'unavailable', id: 'mine' },
    { kind: 'latency', latency_ms: 1 },
  ])
  assert.equal(added.status, 201)
  assert.equal((await upsert('a')).status, 503)
  const listed = (await client.send('GET', '/emulator/faults')).record()['faults'] as { id: string; struck: number }[]
  assert.deepEqual(
    listed.map((each) => [each.id, each.struck]),
    [
      ['mine', 1],
      [(added.record()['ids'] as string[])[1], 1],
    ],
  )
  assert.equal((await client.send('DELETE', '/emulator/faults/mine')).status, 200)
  assert.equal((await upsert('a')).status, 200)
  assert.equal((await client.send('DELETE', '/emulator/faults')).status, 200)
  assert.deepEqual((await client.send('GET', '/emulator/faults')).record()['faults'], [])
  const wrong = await client.send('POST', '/emulator/faults', { kind: 'latency', latency: 5, path: '(' })
  assert.equal(wrong.status, 400)
  for (const part of [
    'latency: a fault of kind latency has no such setting',
    'latency_ms: missing',
    'path: not a regular expression',
  ])
    assert.ok(String(wrong.record()['error']).includes(part), wrong.text)
})

test('expireAll ends every session', async () => {
  await withFault({ kind: 'session-expired', expireAll: true, count: 1 }, () => upsert('a'))
  assert.equal((await upsert('a')).status, 401)
  await client.login()
  assert.equal((await upsert('a')).status, 200)
})

const applied = async (query = '') =>
  (await client.send('GET', `/emulator/log${query}`)).record()['entries'] as {
    seq: number
    op: string
    keys: { Ext__c: string }
    set: object
  }[]

test('the apply log tells what was written, in order; it is bounded and can be off', async () => {
  await upsert('a', 'b')
  await client.upsert('Contact', 'Ext__c', [{ Ext__c: 'a', LastName: 'changed' }])
  const id = (await client.select("SELECT Id FROM Contact WHERE Ext__c = 'b'"))[0]?.['Id']
  await client.send('DELETE', `sobjects/Contact/${id}`)
  const log = await applied('?object=Contact')
  assert.deepEqual(
    log.map((each) => `${each.op} ${each.keys.Ext__c}`),
    ['create a', 'create b', 'update a', 'delete b'],
  )
  assert.deepEqual(log[2]?.set, { Ext__c: 'a', LastName: 'changed' })
  const later = await applied(`?since=${log[2]?.seq}`)
  assert.deepEqual(
    later.map((each) => each.op),
    ['delete'],
  )
  await client.send('POST', '/emulator/log', { rows: 2 })
  await upsert('c', 'd', 'e')
  const bounded = await applied()
  assert.deepEqual(
    bounded.map((each) => each.keys.Ext__c),
    ['d', 'e'],
  )
  await client.send('POST', '/emulator/log', { rows: 0 })
  await upsert('f')
  assert.deepEqual(await applied(), [])
})

test('what is rolled back is not in the apply log', async () => {
  await client.upsert('Contact', 'Ext__c', [{ Ext__c: 'a', LastName: 'a' }, { Ext__c: 'b' }], true)
  assert.deepEqual(await applied(), [])
})

test('a merge gives the losers a master and moves their children', async () => {
  const accounts = await client.send('POST', 'composite/sobjects', {
    records: ['Winner', 'Loser'].map((Name) => ({ attributes: { type: 'Account' }, Name })),
  })
  const [winner, loser] = accounts.results().map((each) => each.id)
  await client.send('POST', 'sobjects/Contact', { LastName: 'Moved', AccountId: loser })
  const merged = await client.send('POST', '/emulator/merge', { object: 'Account', master: winner, losers: [loser] })
  assert.equal(merged.status, 200)
  assert.deepEqual(await client.select('SELECT Account.Name FROM Contact'), [{ Account: { Name: 'Winner' } }])
  const all = await client.send(
    'GET',
    `queryAll?q=${encodeURIComponent('SELECT Id, MasterRecordId FROM Account WHERE IsDeleted = true')}`,
  )
  assert.deepEqual(
    all.records().map((each) => [each['Id'], each['MasterRecordId']]),
    [[loser, winner]],
  )
})

test('a reset empties the org and lifts the faults', async () => {
  await upsert('a')
  client.emulator.faults.add({ kind: 'limit' })
  assert.equal((await client.send('POST', '/emulator/reset', { keep: ['sessions'] })).status, 200)
  assert.deepEqual(await client.select('SELECT Id FROM Contact'), [])
  assert.equal((await client.select('SELECT Id FROM User')).length, 1)
  assert.equal((await upsert('a')).results()[0]?.created, true)
})
