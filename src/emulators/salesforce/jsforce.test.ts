/** jsforce, written by others and unchanged, does its ordinary work against the emulator. */

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Connection } from 'jsforce'
import { type SalesforceEmulator, startSalesforceEmulator } from './server.ts'
import type { SalesforceSetup } from './setup.ts'

const SETUP: SalesforceSetup = {
  organization: { name: 'Member Services', sandbox: true },
  users: [{ username: 'sync@example.com', firstName: 'Sync', lastName: 'User' }],
  clients: [{ clientId: 'test-client', clientSecret: 'test-secret', user: 'sync@example.com' }],
  objects: {
    Account: { fields: { Ext__c: { type: 'text', length: 20, externalId: true, unique: true } } },
    Contact: {
      fields: {
        Legacy_Id__c: { type: 'text', length: 40, externalId: true, unique: true },
        Loose_Id__c: { type: 'text', length: 40, externalId: true },
        Chapter__c: { type: 'lookup', to: 'Chapter__c', childRelationship: 'Members' },
      },
    },
    Chapter__c: { label: 'Chapter', fields: { Code__c: { type: 'text', length: 10, externalId: true, unique: true } } },
  },
}

let emulator: SalesforceEmulator
let conn: Connection
let clock_ms = Date.UTC(2024, 8, 24, 3, 26, 7)

async function login(): Promise<Connection> {
  const connection = new Connection({
    instanceUrl: emulator.url,
    loginUrl: emulator.url,
    version: '60.0',
    oauth2: { clientId: 'test-client', clientSecret: 'test-secret', loginUrl: emulator.url },
  })
  await connection.authorize({ grant_type: 'client_credentials' })
  return connection
}

before(async () => {
  emulator = await startSalesforceEmulator({ setup: SETUP, now: () => clock_ms })
  conn = await login()
})

after(() => emulator.close())

/** The error code and message that a call fails with. */
async function failure(run: () => PromiseLike<unknown>): Promise<{ code: string; message: string; data: unknown }> {
  try {
    await run()
  } catch (error) {
    const { errorCode, message, data } = error as { errorCode: string; message: string; data: unknown }
    return { code: errorCode, message, data }
  }
  return assert.fail('expected a failure')
}

test('client credentials, identity and the user', async () => {
  const identity = await conn.identity()
  assert.equal(identity.username, 'sync@example.com')
  assert.equal(identity.organization_id, emulator.organizationId)
  assert.match(identity.user_id, /^005\w{15}$/)
  assert.equal(conn.userInfo?.id, identity.user_id)
  const organization = await conn.query('SELECT Id, Name, IsSandbox FROM Organization')
  assert.equal(organization.records[0]!.Id, emulator.organizationId)
  assert.equal(organization.records[0]!['IsSandbox'], true)
})

test('wrong secrets are refused in the OAuth form', async () => {
  const wrong = new Connection({
    instanceUrl: emulator.url,
    oauth2: { clientId: 'test-client', clientSecret: 'no', loginUrl: emulator.url },
  })
  await assert.rejects(wrong.authorize({ grant_type: 'client_credentials' }), /invalid client credentials/)
})

test('describe names custom fields, keys and relationships', async () => {
  const global = await conn.describeGlobal()
  assert.ok(global.sobjects.some((each) => each.name === 'Chapter__c' && each.custom && each.keyPrefix === 'a00'))
  const contact = await conn.describe('Contact')
  const field = (name: string) => contact.fields.find((each) => each.name === name)!
  assert.equal(field('Legacy_Id__c').externalId, true)
  assert.equal(field('Legacy_Id__c').unique, true)
  assert.equal(field('LastName').nillable, false)
  assert.equal(field('Name').createable, false)
  assert.deepEqual(field('Chapter__c').referenceTo, ['Chapter__c'])
  assert.equal(field('Chapter__c').relationshipName, 'Chapter__r')
  const chapter = await conn.describe('Chapter__c')
  assert.ok(chapter.childRelationships.some((each) => each.relationshipName === 'Members__r'))
})

test('single create, retrieve, update, upsert, delete', async () => {
  const created = await conn.sobject('Contact').create({ LastName: ' Lovelace ', FirstName: 'Ada', Email: '' })
  assert.ok(created.success)
  const read = await conn.sobject('Contact').retrieve(created.id!)
  assert.equal(read['Name'], 'Ada Lovelace')
  assert.equal(read['Email'], null)
  assert.equal(read['CreatedDate'], '2024-09-24T03:26:07.000+0000')
  await conn.sobject('Contact').update({ Id: created.id!, Title: 'Countess' })
  assert.equal((await conn.sobject('Contact').retrieve(created.id!.slice(0, 15)))['Title'], 'Countess')
  const upserted = await conn.sobject('Contact').upsert({ Legacy_Id__c: 'single-1', LastName: 'One' }, 'Legacy_Id__c')
  assert.deepEqual([upserted.success, (upserted as { created?: boolean }).created], [true, true])
  const again = await conn.sobject('Contact').upsert({ Legacy_Id__c: 'SINGLE-1', LastName: 'Two' }, 'Legacy_Id__c')
  assert.deepEqual([again.id, (again as { created?: boolean }).created], [upserted.id, false])
  await conn.sobject('Contact').destroy([created.id!, upserted.id!])
  assert.equal((await failure(() => conn.sobject('Contact').retrieve(created.id!))).code, 'NOT_FOUND')
  const deleted = await failure(() => conn.sobject('Contact').update({ Id: created.id!, Title: 'x' }))
  assert.equal(deleted.code, 'ENTITY_IS_DELETED')
})

test('several records match an external id that is not unique: 300, and nothing changes', async () => {
  await conn.sobject('Contact').create([
    { LastName: 'A', Loose_Id__c: 'twin' },
    { LastName: 'B', Loose_Id__c: 'twin' },
  ])
  const error = await failure(() =>
    conn.sobject('Contact').upsert({ Loose_Id__c: 'twin', LastName: 'C' }, 'Loose_Id__c'),
  )
  assert.equal(error.code, 'MULTIPLE_CHOICES')
  assert.equal((error.data as string[]).length, 2)
  const [row] = await conn.sobject('Contact').upsert([{ Loose_Id__c: 'twin', LastName: 'C' }], 'Loose_Id__c')
  assert.equal((row!.errors as { statusCode: string }[])[0]!.statusCode, 'DUPLICATE_EXTERNAL_ID')
  const names = await conn.query("SELECT LastName FROM Contact WHERE Loose_Id__c = 'twin' ORDER BY LastName")
  assert.deepEqual(
    names.records.map((each) => each['LastName']),
    ['A', 'B'],
  )
})

test('collections: create, update, upsert, retrieve, delete, in order and with row errors', async () => {
  const results = await conn
    .sobject('Contact')
    .upsert(
      [
        { Legacy_Id__c: 'm-1', LastName: 'Uno' },
        { Legacy_Id__c: 'm-2' },
        { Legacy_Id__c: 'm-3', LastName: 'Tres', Email: 'not an address' },
        { Legacy_Id__c: 'm-4', LastName: 'Cuatro' },
      ],
      'Legacy_Id__c',
    )
  assert.deepEqual(
    results.map((each) => each.success),
    [true, false, false, true],
  )
  const errors = results.flatMap((each) => each.errors as { statusCode: string; fields: string[] }[])
  assert.deepEqual(
    errors.map((each) => [each.statusCode, each.fields]),
    [
      ['REQUIRED_FIELD_MISSING', ['LastName']],
      ['INVALID_EMAIL_ADDRESS', ['Email']],
    ],
  )
  const ids = [results[0]!.id!, results[3]!.id!]
  const updated = await conn.sobject('Contact').update(ids.map((Id) => ({ Id, Department: 'Research' })))
  assert.ok(updated.every((each) => each.success))
  const read = await conn.sobject('Contact').retrieve([ids[1]!, '003000000000001AAA', ids[0]!])
  assert.deepEqual(
    read.map((each) => each?.['LastName'] ?? null),
    ['Cuatro', null, 'Uno'],
  )
  const destroyed = await conn.sobject('Contact').destroy([...ids, ids[0]!])
  assert.deepEqual(
    destroyed.map((each) => each.success),
    [true, true, false],
  )
})

test('allOrNone rolls the whole request back', async () => {
  const results = await conn
    .sobject('Contact')
    .create([{ LastName: 'Kept', Legacy_Id__c: 'aon-1' }, { FirstName: 'Nameless' }], { allOrNone: true })
  const codes = results.map((each) => (each.errors as { statusCode: string }[])[0]!.statusCode)
  assert.deepEqual(codes, ['ALL_OR_NONE_OPERATION_ROLLED_BACK', 'REQUIRED_FIELD_MISSING'])
  assert.equal((await conn.query("SELECT Id FROM Contact WHERE Legacy_Id__c = 'aon-1'")).totalSize, 0)
})

test('a nested object refers to a parent by its external id', async () => {
  await conn.sobject('Account').create({ Name: 'Acme', Ext__c: 'acme' })
  await conn.sobject('Chapter__c').create({ Name: 'North', Code__c: 'N' })
  const made = await conn
    .sobject('Contact')
    .create({ LastName: 'Child', Account: { Ext__c: 'acme' }, Chapter__r: { Code__c: 'n' } })
  const found = await conn.query(`SELECT Account.Name, Chapter__r.Name FROM Contact WHERE Id = '${made.id}'`)
  assert.equal((found.records[0]!['Account'] as { Name: string }).Name, 'Acme')
  assert.equal((found.records[0]!['Chapter__r'] as { Name: string }).Name, 'North')
  const parents = await conn.query('SELECT Name, (SELECT LastName FROM Contacts) FROM Account')
  assert.equal((parents.records[0]!['Contacts'] as { records: { LastName: string }[] }).records[0]!.LastName, 'Child')
  const missing = await failure(() =>
    conn.sobject('Contact').create({ LastName: 'Orphan', Account: { Ext__c: 'none' } } as never),
  )
  assert.equal(missing.code, 'INVALID_FIELD')
  assert.match(missing.message, /Foreign key external ID: none not found for field Ext__c in entity Account/)
})

test('queries page by 2,000 and jsforce follows', async () => {
  for (let from = 0; from < 2_400; from += 200) {
    const rows = Array.from({ length: 200 }, (_, i) => ({
      LastName: `P${String(from + i).padStart(5, '0')}`,
      Title: 'paged',
    }))
    await conn.sobject('Contact').create(rows)
  }
  const first = await conn.query("SELECT LastName FROM Contact WHERE Title = 'paged' ORDER BY LastName")
  assert.deepEqual([first.totalSize, first.done, first.records.length], [2_400, false, 2_000])
  const second = await conn.queryMore(first.nextRecordsUrl!)
  assert.deepEqual([second.done, second.records.length], [true, 400])
  const all = await conn.query("SELECT Id, LastName FROM Contact WHERE Title = 'paged' ORDER BY LastName", {
    autoFetch: true,
    maxFetch: 5_000,
  })
  assert.equal(new Set(all.records.map((each) => each.Id)).size, 2_400)
  assert.equal(await conn.sobject('Contact').count({ Title: 'paged' }), 2_400)
})

test('queryAll sees the recycle bin', async () => {
  const made = await conn.sobject('Contact').create({ LastName: 'Gone', Title: 'bin', Legacy_Id__c: 'bin-1' })
  await conn.sobject('Contact').delete(made.id!)
  assert.equal((await conn.query("SELECT Id FROM Contact WHERE Title = 'bin'")).totalSize, 0)
  const all = await conn.query("SELECT Id, IsDeleted FROM Contact WHERE Title = 'bin'", { scanAll: true })
  assert.deepEqual(
    all.records.map((each) => each['IsDeleted']),
    [true],
  )
  const byKey = await conn.query("SELECT Id FROM Contact WHERE Legacy_Id__c = 'bin-1'", { scanAll: true })
  assert.equal(byKey.totalSize, 1, 'the index of live records does not hide the recycle bin')
})

test('updated and deleted between two times', async () => {
  const start = new Date(clock_ms + 60_000)
  clock_ms += 120_000
  const [kept, gone] = await conn.sobject('Account').create([{ Name: 'Kept' }, { Name: 'Gone' }])
  await conn.sobject('Account').destroy(gone!.id!)
  clock_ms += 120_000
  const end = new Date(clock_ms)
  const updated = await conn.sobject('Account').updated(start, end)
  assert.deepEqual(updated.ids, [kept!.id])
  assert.match(updated.latestDateCovered, /^\d{4}-\d\d-\d\dT\d\d:\d\d:00\.000\+0000$/)
  const deleted = await conn.sobject('Account').deleted(start, end)
  assert.deepEqual(
    deleted.deletedRecords.map((each) => each.id),
    [gone!.id],
  )
})

test('limits, and the usage that every answer tells', async () => {
  const before = (await conn.limits()) as Record<string, { Max: number; Remaining: number }>
  await conn.describeGlobal()
  const now = (await conn.limits()) as Record<string, { Max: number; Remaining: number }>
  assert.equal(before['DailyApiRequests']!.Remaining - now['DailyApiRequests']!.Remaining, 2)
  assert.equal(conn.limitInfo?.apiUsage?.limit, now['DailyApiRequests']!.Max)
})

test('errors come with code, message and fields', async () => {
  const unknown = await failure(() => conn.sobject('Contact').create({ LastName: 'X', Nope__c: 1 } as never))
  assert.deepEqual(
    [unknown.code, unknown.message],
    ['INVALID_FIELD', "No such column 'Nope__c' on sobject of type Contact"],
  )
  const type = await failure(() => conn.query('SELECT Id FROM Nothing'))
  assert.equal(type.code, 'INVALID_TYPE')
  const syntax = await failure(() => conn.query('SELECT Id FORM Contact'))
  assert.equal(syntax.code, 'MALFORMED_QUERY')
  assert.match(syntax.message, /ERROR at Row:1:Column:16\nunexpected token: 'Contact'/)
  const date = await failure(() => conn.sobject('Contact').create({ LastName: 'X', Birthdate: '24.09.2024' }))
  assert.equal(date.code, 'JSON_PARSER_ERROR')
})

test('an ended session is renewed once and the call repeated', async () => {
  let renewed = 0
  const session = new Connection({
    instanceUrl: emulator.url,
    version: '60.0',
    accessToken: 'expired',
    refreshFn: (_connection, done) => {
      renewed++
      login().then(
        (fresh) => done(null, fresh.accessToken!),
        (error: Error) => done(error),
      )
    },
  })
  const found = await session.query('SELECT Id FROM Organization')
  assert.equal(found.totalSize, 1)
  assert.equal(renewed, 1)
})
