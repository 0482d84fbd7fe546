import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type SalesforceEmulator, startSalesforceEmulator } from '../../emulators/salesforce/server.ts'
import type { SalesforceSetup } from '../../emulators/salesforce/setup.ts'
import type { Delivery, Outcome, Request, TargetShape } from '../../model/target.ts'
import { type Row, rowText } from '../../model/value.ts'
import { systemClock } from '../../std/clock.ts'
import { systemRandom } from '../../std/random.ts'
import { Secret } from '../../std/secret.ts'
import type { SalesforceOptions } from './options.ts'
import { openSalesforce, type SalesforceTarget } from './target.ts'

const never = new AbortController().signal
const save = async () => {}

const setup: SalesforceSetup = {
  clients: [{ clientId: 'app', clientSecret: 'secret' }],
  objects: {
    Account: { fields: { Ext__c: { type: 'text', length: 40, externalId: true, unique: true } } },
    Contact: {
      fields: {
        Legacy_Id__c: { type: 'text', length: 40, externalId: true, unique: true },
        Loose__c: { type: 'text', length: 40, externalId: true },
        Fee__c: { type: 'currency', precision: 16, scale: 2 },
        Joined__c: { type: 'datetime' },
        Active__c: { type: 'checkbox' },
        Level__c: { type: 'picklist', values: ['Gold', 'Silver'], restricted: true },
        Locked__c: { type: 'text', length: 10, readOnly: true },
      },
      rules: [{ name: 'No_Zed', when: "LastName = 'Zed'", message: 'Zed is not allowed', field: 'LastName' }],
    },
  },
}

const shape: TargetShape = {
  object: 'Contact',
  key: 'Legacy_Id__c',
  fields: [
    'Legacy_Id__c',
    'FirstName',
    'LastName',
    'Email',
    'Birthdate',
    'Fee__c',
    'Joined__c',
    'Active__c',
    'Level__c',
    'Account.Ext__c',
  ],
  deletes: true,
}

async function emulated(
  work: (target: SalesforceTarget, emulator: SalesforceEmulator) => Promise<void>,
  more: Partial<SalesforceOptions> = {},
): Promise<void> {
  const emulator = await startSalesforceEmulator({ port: 0, setup })
  const target = openSalesforce(
    {
      url: emulator.url,
      auth: { flow: 'client-credentials', clientId: 'app', clientSecret: new Secret('SF_SECRET', () => 'secret') },
      ...more,
    },
    { clock: systemClock, random: systemRandom },
  )
  try {
    await work(target, emulator)
  } finally {
    await target.close()
    await emulator.close()
  }
}

function upsert(link: number, value: string, set: Row): Delivery {
  return { link, op: 'upsert', object: 'Contact', ref: { field: 'Legacy_Id__c', value }, set, covers: [] }
}

function request(deliveries: readonly Delivery[]): Request {
  return { id: systemRandom.id(), number: 1, route: 'queue', deliveries }
}

function confirmedId(outcome: Outcome | undefined): string {
  assert.equal(outcome?.kind, 'confirmed', JSON.stringify(outcome))
  return outcome?.kind === 'confirmed' ? outcome.id : ''
}

test('the organisation is the identity, and a mapping that fits has no errors', async () => {
  await emulated(async (target, emulator) => {
    assert.equal(await target.identity(never), emulator.organizationId)
    const problems = await target.check(shape, never)
    assert.deepEqual(
      problems.filter((problem) => problem.level === 'error'),
      [],
    )
    const warned = problems.map((problem) => `${problem.failure.code} ${problem.failure.message}`).join('\n')
    assert.match(warned, /SYNC-3056 .*Level__c: it takes only Gold, Silver/)
    assert.match(warned, /SYNC-3057 .*Legacy_Id__c 40/)
  })
})

test('what mapping and schema keep from being sent is not warned of; what they let through is', async () => {
  await emulated(async (target) => {
    const warned = async (bounds: TargetShape['bounds']) =>
      (await target.check({ ...shape, ...(bounds && { bounds }) }, never))
        .map(({ failure }) => failure.message)
        .join('\n')
    assert.match(await warned(undefined), /Level__c: it takes only Gold, Silver\n.*greatest lengths: .*LastName 80/)
    const some = await warned({ Level__c: { values: ['Gold', 'Tin'] }, LastName: { length: 81 } })
    assert.match(some, /Level__c: it takes only Gold, Silver; `fields:` gives it Tin too\n.*LastName 80/)
    const texts = ['Legacy_Id__c', 'FirstName', 'LastName', 'Email']
    const bounds = Object.fromEntries(texts.map((name) => [name, { length: 40 }]))
    assert.equal(await warned({ ...bounds, Level__c: { values: ['Gold'] } }), '')
  })
})

test('what does not fit is said before the first row', async () => {
  await emulated(async (target) => {
    const codesOf = async (more: Partial<TargetShape>) => {
      const problems = await target.check({ ...shape, fields: ['Legacy_Id__c', 'LastName'], ...more }, never)
      return problems
        .filter((problem) => problem.level === 'error')
        .map((problem) => `${problem.failure.code} ${problem.failure.message}`)
    }
    assert.deepEqual(await codesOf({}), [])
    assert.match((await codesOf({ object: 'Contakt' })).join(), /SYNC-3050 object Contakt/)
    assert.match(
      (await codesOf({ fields: ['LastNaem'] })).join(),
      /SYNC-3052 .*Contact\.LastNaem.*Did you mean "LastName"/,
    )
    assert.match((await codesOf({ fields: ['Locked__c'] })).join(), /SYNC-3053 .*Locked__c/)
    assert.match((await codesOf({ fields: ['CreatedDate'] })).join(), /SYNC-3053 .*CreatedDate/)
    assert.match((await codesOf({ key: 'Loose__c' })).join(), /SYNC-3054 .*Loose__c: it is not unique/)
    assert.match((await codesOf({ key: 'Level__c' })).join(), /SYNC-3054 .*not an external id and not unique/)
    assert.match((await codesOf({ key: 'Nope__c' })).join(), /SYNC-3052/)
    assert.match((await codesOf({ fields: ['Account.Nope__c'] })).join(), /SYNC-3052 .*Account has no field Nope__c/)
    assert.match((await codesOf({ fields: ['Account.Phone'] })).join(), /SYNC-3054 .*parents/)
    assert.match(
      (await codesOf({ fields: ['Acount.Ext__c'] })).join(),
      /SYNC-3052 .*no relationship Acount.*Did you mean "Account"/,
    )
    assert.match((await codesOf({ fields: ["x' OR Id != '"] })).join(), /SYNC-3052 .*cannot be a name/)
    const required = await target.check({ ...shape, fields: ['Legacy_Id__c'] }, never)
    assert.match(required.map((problem) => problem.failure.message).join(), /required and not mapped: LastName/)
  })
})

test('a version of the API that is not offered is told apart from a missing object', async () => {
  await emulated(
    async (target) => {
      const problems = await target.check(shape, never)
      assert.deepEqual(
        problems.map((problem) => problem.failure.code),
        ['SYNC-3022'],
      )
    },
    { apiVersion: '999.0' },
  )
})

test('wrong credentials are a problem of the check, and stop the identity', async () => {
  const auth = {
    flow: 'client-credentials',
    clientId: 'app',
    clientSecret: new Secret('SF_SECRET', () => 'wrong'),
  } as const
  await emulated(
    async (target) => {
      assert.deepEqual(
        (await target.check(shape, never)).map((problem) => problem.failure.code),
        ['SYNC-3010'],
      )
      await assert.rejects(target.identity(never), /SYNC-3010/)
    },
    { auth },
  )
})

const full: Row = {
  FirstName: '  Ada ',
  LastName: 'Berg',
  Email: 'Ada.Berg@Example.ORG',
  Birthdate: { kind: 'date', text: '1990-02-28' },
  Fee__c: { kind: 'decimal', text: '1234.50' },
  Joined__c: { kind: 'instant', text: '2024-09-24 05:26:07.123456+02' },
  Active__c: true,
  Level__c: 'Gold',
  'Account.Ext__c': 'P1',
}

test('what is written reads back the same in normal form, by external id and by id', async () => {
  await emulated(async (target) => {
    await target.check(shape, never)
    const parent: Delivery = {
      link: 9,
      op: 'upsert',
      object: 'Account',
      ref: { field: 'Ext__c', value: 'P1' },
      set: { Name: 'Parent' },
      covers: [],
    }
    confirmedId((await target.submit(request([parent]), save, never))[0])
    const [outcome] = await target.submit(request([upsert(1, 'A-1', full)]), save, never)
    const id = confirmedId(outcome)
    assert.equal(outcome?.kind === 'confirmed' && outcome.created, true)

    const fields = Object.keys(full)
    const refs = [
      { field: 'Legacy_Id__c', value: 'a-1' },
      { field: 'Legacy_Id__c', value: 'nobody' },
      { id },
      { id: '003000000000000AAA' },
      { id: 'no id' },
    ]
    const stored = await target.fetch('Contact', refs, fields, never)
    assert.deepEqual(
      stored.map((one) => one?.id ?? null),
      [id, null, id, null, null],
    )
    const sent = rowText(target.normal('Contact', full))
    assert.equal(rowText(target.normal('Contact', stored[0]?.row ?? {})), sent)
    assert.equal(rowText(target.normal('Contact', stored[2]?.row ?? {})), sent)
    assert.match(sent, /"Joined__c":\{"kind":"instant","text":"2024-09-24 03:26:07\+00"\}/)

    const again = await target.submit(
      request([upsert(1, 'A-1', { FirstName: null, 'Account.Ext__c': null })]),
      save,
      never,
    )
    assert.deepEqual(again, [{ kind: 'confirmed', id, created: false }])
    const [after] = await target.fetch('Contact', [{ id }], ['FirstName', 'LastName', 'AccountId'], never)
    assert.deepEqual({ ...after?.row }, { FirstName: null, LastName: 'Berg', AccountId: null })
  })
})

test('external ids with every awkward character are found again', async () => {
  await emulated(async (target) => {
    await target.check(shape, never)
    const values = [
      "O'Neil",
      'back\\slash',
      'a/b?x=1&y=%20',
      '"quoted"',
      'ünï ☂ 漢字',
      'percent%_under',
      "') OR (Id != '",
    ]
    const outcomes = await target.submit(
      request(values.map((value, link) => upsert(link, value, { LastName: `L${link}` }))),
      save,
      never,
    )
    const ids = outcomes.map(confirmedId)
    const stored = await target.fetch(
      'Contact',
      values.map((value) => ({ field: 'Legacy_Id__c', value })),
      ['LastName'],
      never,
    )
    assert.deepEqual(
      stored.map((one) => one?.id),
      ids,
    )
    assert.deepEqual(
      stored.map((one) => one?.row['LastName']),
      values.map((_, link) => `L${link}`),
    )
  })
})

test('rows fail alone: rule, picklist, length, lock; each with its own class', async () => {
  await emulated(async (target, emulator) => {
    await target.check(shape, never)
    emulator.faults.add({
      kind: 'row-error',
      code: 'DUPLICATES_DETECTED',
      message: 'Use one of these records?',
      field: 'LastName',
      equals: 'Twin',
    })
    const outcomes = await target.submit(
      request([
        upsert(1, 'A', { LastName: 'Fine' }),
        upsert(2, 'B', { LastName: 'Zed' }),
        upsert(3, 'C', { LastName: 'X', Level__c: 'Bronze' }),
        upsert(4, 'D', { LastName: 'y'.repeat(300) }),
        upsert(5, 'E', { LastName: 'Twin' }),
        upsert(6, 'F', { FirstName: 'No last name' }),
        upsert(7, 'G', { LastName: 'X', 'Account.Ext__c': 'nobody' }),
      ]),
      save,
      never,
    )
    assert.deepEqual(
      outcomes.map((outcome) => ('failure' in outcome ? `${outcome.kind} ${outcome.failure.code}` : outcome.kind)),
      [
        'confirmed',
        'rejected SYNC-3031',
        'rejected SYNC-3031',
        'rejected SYNC-3031',
        'rejected SYNC-3032',
        'rejected SYNC-3031',
        'rejected SYNC-3033',
      ],
    )
    assert.doesNotMatch(JSON.stringify(outcomes), /Bronze|yyyy|nobody|Zed/)
    emulator.faults.clear()
    emulator.faults.add({ kind: 'lock', rows: 1 })
    const locked = await target.submit(
      request([upsert(1, 'A', { LastName: 'N' }), upsert(2, 'H', { LastName: 'N' })]),
      save,
      never,
    )
    assert.deepEqual(
      locked.map((outcome) => outcome.kind),
      ['unsent', 'confirmed'],
    )
  })
})

test('hard deletes: confirmed, and confirmed again when the record is gone; reading back gives null', async () => {
  await emulated(async (target) => {
    const [created] = await target.submit(request([upsert(1, 'A', { LastName: 'Berg' })]), save, never)
    const id = confirmedId(created)
    const remove: Delivery = { link: 1, op: 'delete', object: 'Contact', ref: { id }, set: {}, covers: [] }
    assert.deepEqual(await target.submit(request([remove]), save, never), [{ kind: 'confirmed', id }])
    assert.deepEqual(await target.submit(request([remove]), save, never), [{ kind: 'confirmed', id }])
    assert.deepEqual(
      await target.fetch('Contact', [{ id }, { field: 'Legacy_Id__c', value: 'A' }], ['LastName'], never),
      [null, null],
    )
    const update: Delivery = {
      link: 1,
      op: 'update',
      object: 'Contact',
      ref: { id },
      set: { LastName: 'X' },
      covers: [],
    }
    const [updated] = await target.submit(request([update]), save, never)
    assert.equal(updated?.kind === 'rejected' && updated.failure.code, 'SYNC-3034')
  })
})

test('lost answers, half answers and late landing are unknown, and reading back shows what became of them', async () => {
  await emulated(
    async (target, emulator) => {
      await target.identity(never)
      const lastName = async () =>
        (await target.fetch('Contact', [{ field: 'Legacy_Id__c', value: 'A' }], ['LastName'], never))[0]?.row[
          'LastName'
        ] ?? null
      const faults = [
        { kind: 'lost-request' },
        { kind: 'lost-answer' },
        { kind: 'half-answer' },
        { kind: 'html' },
      ] as const
      const shows = [null, 'N1', 'N2', 'N2']
      for (const [n, fault] of faults.entries()) {
        emulator.faults.add({ ...fault, count: 1, path: '/composite/sobjects/Contact/' })
        const [outcome] = await target.submit(request([upsert(1, 'A', { LastName: `N${n}` })]), save, never)
        assert.equal(outcome?.kind, 'unknown', fault.kind)
        assert.equal(await lastName(), shows[n], fault.kind)
      }
      emulator.faults.add({ kind: 'late', apply_ms: 250, count: 1, path: '/composite/sobjects/Contact/' })
      const [late] = await target.submit(request([upsert(1, 'A', { LastName: 'Late' })]), save, never)
      assert.equal(late?.kind, 'unknown')
      const landed = async () => (await lastName()) === 'Late'
      assert.equal(await landed(), false)
      const until = late?.kind === 'unknown' ? late.mayLandUntil_ms : 0
      while (!(await landed())) {
        assert.ok(Date.now() < until, 'it landed only after it could not land any more')
        await systemClock.sleep(20)
      }
    },
    { timeout_ms: 2_000, landing_ms: 3_000 },
  )
})

test('limits, maintenance and expired sessions change nothing and lose nothing', async () => {
  await emulated(async (target, emulator) => {
    await target.identity(never)
    const send = async () => (await target.submit(request([upsert(1, 'A', { LastName: 'N' })]), save, never))[0]
    emulator.faults.add({ kind: 'limit', count: 1 })
    const limited = await send()
    assert.equal(limited?.kind === 'unsent' && limited.failure.code, 'SYNC-3020')
    emulator.faults.add({ kind: 'unavailable', count: 1 })
    const away = await send()
    assert.equal(away?.kind === 'unsent' && away.failure.code, 'SYNC-3021')
    assert.deepEqual(await target.fetch('Contact', [{ field: 'Legacy_Id__c', value: 'A' }], ['LastName'], never), [
      null,
    ])
    emulator.faults.add({ kind: 'session-expired', count: 1, expireAll: true })
    confirmedId(await send())
    assert.ok((target.limits()?.used ?? 0) > 0)
  })
})
