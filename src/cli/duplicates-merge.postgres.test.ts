/** Merging inside the CRM, as a person asks for it: a real PostgreSQL, the Salesforce emulator, and the commands. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import pg from 'pg'
import { type SalesforceEmulator, startSalesforceEmulator } from '../emulators/salesforce/server.ts'
import { type Postgres, startPostgres } from '../testing/postgres.ts'
import { type Ended, runHere } from './io.fake.ts'

let server: Postgres
let db: pg.Client
let emulator: SalesforceEmulator
let folder: string
let token = ''

const here = (...words: string[]): Promise<Ended> =>
  runHere(words, { folder, variables: { LEGACY_URL: server.url, SF_SECRET: 'secret', USER: 'ann' } })

const config = (crm: string, object: string) => `version: 1
systems:
  legacy: { type: postgres, url: "\${LEGACY_URL}" }
  crm:
    type: salesforce
    url: ${crm}
    auth: { flow: client-credentials, clientId: syncline, clientSecret: "\${SF_SECRET}" }
    timeout_ms: 2000
    landing_ms: 500
server: { port: 0 }
syncs:
  members:
    source: { system: legacy, table: members }
    target: { system: crm, object: ${object}, key: { Legacy_Id__c: id } }
    fields: { FirstName: first_name, LastName: last_name, Email: email, Phone: phone }
    retry: { attempts: 2, wait_ms: 100, waitMax_ms: 200 }
    validate: { duplicates: { target: true, merge: { fields: { Phone: longest } } } }
    deletes: { policy: hard }
`

async function call(method: string, path: string, body?: object): Promise<unknown> {
  const answer = await fetch(`${emulator.url}/services/data/v67.0${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  return answer.status === 204 ? null : answer.json()
}

type Contact = Record<'Id' | 'Legacy_Id__c' | 'Phone' | 'Title' | 'MasterRecordId', string | null> & {
  IsDeleted: boolean
}

/** All contacts that ever were, deleted ones too, by external id. */
async function contacts(): Promise<Map<string, Contact[]>> {
  const soql = 'SELECT Id, Legacy_Id__c, Phone, Title, IsDeleted, MasterRecordId FROM Contact ORDER BY Id'
  const { records } = (await call('GET', `/queryAll?q=${encodeURIComponent(soql)}`)) as { records: Contact[] }
  return Map.groupBy(records, (record) => record.Legacy_Id__c ?? '-')
}

const one = (all: Map<string, Contact[]>, key: string): Contact =>
  all.get(key)?.at(-1) ?? assert.fail(`no contact ${key}`)

/** Two members that are synced apart, become alike, and are approved as one. The second goes with the first. */
async function twoThere(first: number, name: string): Promise<void> {
  const second = first + 1
  const other = [...name].reverse().join('')
  const own = `'Rosa ${first}', '${name}', '${name}@example.org', '+43 1 ${first}00000`
  await db.query(
    `INSERT INTO members VALUES (${first}, ${own}'), (${second}, '${name.slice(-4)}', '${other}', null, '+43 2 ${second}00000')`,
  )
  assert.equal((await here('run', '--once')).code, 0)
  await db.query(`UPDATE members SET (first_name, last_name, email, phone) = (${own} ext 12') WHERE id = ${second}`)
  assert.equal((await here('run', '--once')).code, 0)
  assert.match((await here('review', 'list', 'members')).out, new RegExp(`\\["${second}"\\][\\s\\S]*SYNC-4062`))
  assert.equal((await here('review', 'approve', 'members', '--key', String(second), '--yes')).code, 0)
  assert.equal((await here('run', '--once')).code, 0)
}

const pairs = async (...words: string[]): Promise<string[][]> => {
  const { out } = await here('duplicates', 'merge', 'members', '--dry-run', '--output', 'json', ...words)
  return (JSON.parse(out) as Record<string, string>[]).map(({ key = '', into = '', loser = '', survivor = '' }) => [
    key,
    into,
    loser,
    survivor,
  ])
}
const merges = async (): Promise<string[][]> => {
  const { out } = await here('duplicates', 'list', 'members', '--merges', '--output', 'json')
  const rows = JSON.parse(out) as {
    key: string
    state: string
    by: string
    why: string
    failure: { code: string } | null
  }[]
  return rows.map(({ key, state, by, why, failure }) => [key, state, by, why, failure?.code ?? ''])
}
const soapCalls = (): number =>
  emulator.faults.list().find(({ id }) => id === 'count')?.matched ?? assert.fail('nobody counts')

before(async () => {
  server = await startPostgres({ database: 'merges' })
  db = new pg.Client({ connectionString: server.url })
  await db.connect()
  await db.query('DROP TABLE IF EXISTS members')
  await db.query(
    'CREATE TABLE members (id bigint PRIMARY KEY, first_name text, last_name text, email text, phone text)',
  )
  folder = mkdtempSync(join(tmpdir(), 'syncline-merges-'))
  const key = { type: 'text', length: 40, externalId: true, unique: true } as const
  emulator = await startSalesforceEmulator({
    port: 0,
    setup: {
      clients: [{ clientId: 'syncline', clientSecret: 'secret' }],
      objects: {
        Contact: { fields: { Legacy_Id__c: key } },
        Card__c: { fields: { Owner__c: { type: 'lookup', to: 'Contact', childRelationship: 'Cards' } } },
      },
    },
  })
  // Strikes never: it counts the calls.
  emulator.faults.add({ id: 'count', kind: 'latency', latency_ms: 0, path: '/services/Soap/', after: 1_000_000 })
  const form = new URLSearchParams({ grant_type: 'client_credentials', client_id: 'syncline', client_secret: 'secret' })
  const answer = await fetch(`${emulator.url}/services/oauth2/token`, { method: 'POST', body: form })
  token = ((await answer.json()) as { access_token: string }).access_token
  writeFileSync(join(folder, 'syncline.yaml'), config(emulator.url, 'Contact'))
})

after(async () => {
  await emulator?.close()
  await db?.end()
  await server?.stop()
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
})

test('nothing is merged in the CRM before somebody asks; then the loser goes, the master keeps its values, an undo makes a record anew', async () => {
  await twoThere(1, 'Weidenfeld')
  const start = await contacts()
  const [master, loser] = [one(start, '1'), one(start, '2')]
  assert.deepEqual([master.IsDeleted, loser.IsDeleted, soapCalls()], [false, false, 0])
  assert.match(master.Phone ?? '', /ext 12/, 'the leader is sent with what survives of both')
  await call('PATCH', `/sobjects/Contact/${master.Id}`, { Title: 'by hand' })
  await call('PATCH', `/sobjects/Contact/${loser.Id}`, { Title: 'lost' })
  const card = (await call('POST', '/sobjects/Card__c', { Owner__c: loser.Id })) as { id: string }

  assert.deepEqual(await pairs(), [['["2"]', '["1"]', loser.Id, master.Id]])
  assert.deepEqual(await pairs('--key', '3'), [])
  const refused = await here('duplicates', 'merge', 'members')
  assert.match(
    refused.err,
    /SYNC-7109.*merge 1 record of Contact inside crm into those that they go with: 1 record is deleted there/,
  )
  assert.deepEqual(await merges(), [])
  const asked = await here('duplicates', 'merge', 'members', '--key', '1', '--why', 'same person', '--yes')
  assert.match(asked.out, /^1 merge asked for by ann: it is done at the next start/, asked.err)
  assert.deepEqual(await merges(), [['["2"]', 'asked', 'ann', 'same person', '']])
  assert.deepEqual(await pairs(), [], 'it is asked for already')
  assert.equal(soapCalls(), 0)

  const run = await here('run', '--once')
  assert.equal(run.code, 0, run.err)
  const end = await contacts()
  assert.deepEqual([one(end, '2').IsDeleted, one(end, '2').MasterRecordId, soapCalls()], [true, master.Id, 1])
  assert.deepEqual(one(end, '1'), { ...master, Title: 'by hand' })
  assert.equal(((await call('GET', `/sobjects/Card__c/${card.id}`)) as { Owner__c: string }).Owner__c, master.Id)
  assert.deepEqual(await merges(), [['["2"]', 'merged', 'ann', 'same person', '']])
  const story = (await here('record', 'members', '2')).out
  assert.match(story, /link \d+ open\n/, 'it points at no record of the CRM')
  assert.match(
    story,
    new RegExp(
      `its record ${loser.Id} into ${master.Id} of \\["1"\\]; asked for by ann at .*\\(same person\\); merged at `,
    ),
  )
  assert.match((await here('record', 'members', '1')).out, /to be merged at the target: \w+ of \["2"\] into its record/)
  assert.equal((await here('audit')).code, 0)

  await db.query(`UPDATE members SET phone = '+43 1 100000 ext 1234' WHERE id = 2`)
  assert.equal((await here('run', '--once')).code, 0)
  const changed = await contacts()
  assert.match(one(changed, '1').Phone ?? '', /ext 1234/, 'it goes with the leader as before')
  assert.equal(changed.get('2')?.length, 1)
  assert.match((await here('review', 'list')).out, /Nothing waits/)

  assert.equal((await here('duplicates', 'undo', 'members', '2', '--yes')).code, 0)
  assert.equal((await here('run', '--once')).code, 0)
  const apart = await contacts()
  assert.equal(apart.get('2')?.length, 2)
  assert.deepEqual(
    [one(apart, '2').IsDeleted, one(apart, '2').Id === loser.Id],
    [false, false],
    'a record of its own, a new one',
  )
  assert.doesNotMatch(one(apart, '1').Phone ?? '', /ext/)
  assert.deepEqual(await pairs(), [])
  assert.equal((await here('audit')).code, 0)
})

test('an answer that is lost is read back, and nothing is sent twice; a refusal is told and holds up nobody', async () => {
  await twoThere(11, 'Krautgasser')
  await twoThere(21, 'Obermoser')
  const before = soapCalls()
  emulator.faults.add({ id: 'lost', kind: 'lost-answer', path: '/services/Soap/', nth: 1 })
  emulator.faults.add({
    id: 'no',
    kind: 'row-error',
    code: 'DELETE_FAILED',
    message: 'no',
    path: '/services/Soap/',
    nth: 2,
  })
  assert.match((await here('duplicates', 'merge', 'members', '--yes')).out, /^2 merges asked for/)
  await db.query(`INSERT INTO members VALUES (30, 'Nina', 'Quendler', null, null)`)
  const run = await here('run', '--once')
  assert.equal(run.code, 0, run.err)
  const states = new Map((await merges()).map(([key, state, , , code]) => [key, [state, code]]))
  const [lost, no] = [...states]
    .filter(([key]) => key !== '["2"]')
    .sort((a, b) => String(a[1]).localeCompare(String(b[1])))
  assert.deepEqual(
    [lost?.[1], no?.[1]],
    [
      ['merged', ''],
      ['refused', 'SYNC-3031'],
    ],
  )
  assert.equal(soapCalls() - before, 2)
  assert.match(run.err + run.out, /two records could not be merged inside crm, as a person asked for/)
  const all = await contacts()
  assert.equal(one(all, '30').IsDeleted, false)
  assert.deepEqual(['12', '22'].map((key) => one(all, key).IsDeleted).sort(), [false, true])
  assert.match((await here('quarantine', 'list')).out, /The quarantine is empty/)
  emulator.faults.remove('no')
  assert.equal((await pairs()).length, 1, 'it may be asked for again')
  assert.equal((await here('duplicates', 'merge', 'members', '--yes')).code, 0)
  assert.equal((await here('run', '--once')).code, 0)
  const merged = await contacts()
  assert.deepEqual(
    ['12', '22'].map((key) => one(merged, key).MasterRecordId),
    [one(merged, '11').Id, one(merged, '21').Id],
  )
  assert.equal(soapCalls() - before, 3)
  assert.equal((await here('audit')).code, 0)
})

test('what changed since it was asked for is not merged; what somebody merged by hand counts as done', async () => {
  await twoThere(41, 'Zellhofer')
  await twoThere(51, 'Yilmaz')
  const before = soapCalls()
  assert.match((await here('duplicates', 'merge', 'members', '--yes')).out, /^2 merges asked for/)
  assert.equal((await here('duplicates', 'undo', 'members', '42', '--yes')).code, 0)
  const all = await contacts()
  const body = JSON.stringify({ object: 'Contact', master: one(all, '51').Id, losers: [one(all, '52').Id] })
  assert.equal((await fetch(`${emulator.url}/emulator/merge`, { method: 'POST', body })).status, 200)
  assert.equal((await here('run', '--once')).code, 0)
  assert.deepEqual(
    (await merges()).slice(0, 2).map(([key, state]) => [key, state]),
    [
      ['["52"]', 'merged'],
      ['["42"]', 'void'],
    ],
  )
  assert.equal(soapCalls(), before)
  assert.equal(one(await contacts(), '42').IsDeleted, false)
})

test('objects that cannot be merged are refused before anything is asked', async () => {
  const other = mkdtempSync(join(tmpdir(), 'syncline-merges-'))
  try {
    writeFileSync(join(other, 'syncline.yaml'), config(emulator.url, 'Person__c'))
    const ended = await runHere(['duplicates', 'merge', 'members', '--yes'], {
      folder: other,
      variables: { LEGACY_URL: server.url, SF_SECRET: 'secret', USER: 'ann' },
    })
    assert.match(ended.err, /SYNC-3041 Sync members: records of Person__c cannot be merged inside crm/)
    assert.notEqual(ended.code, 0)
  } finally {
    rmSync(other, { recursive: true, force: true })
  }
})
