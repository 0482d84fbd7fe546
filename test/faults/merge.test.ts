/** Crashes around a merge inside the target: it is done once, whatever happens, and nothing overtakes it. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { FaultSpec } from '../../src/emulators/salesforce/faults.ts'
import { openReader } from '../../src/store/open.ts'
import { type Postgres, startPostgres } from '../../src/testing/postgres.ts'
import { startChild } from './child.ts'
import { type Here, startHere } from './here.ts'
import { makeWorld, type World } from './world.ts'

const soap = { method: 'POST', path: '/services/Soap/' }
const points: readonly {
  readonly point: string
  readonly leaves: string
  readonly fault?: FaultSpec
  readonly landing_ms?: number
}[] = [
  { point: 'state.beginMerges:inside', leaves: 'a merge that is only asked for' },
  { point: 'state.beginMerges:after', leaves: 'a stored merge that was never sent' },
  {
    point: 'target.merge:sent',
    leaves: 'a merge that was applied, with nobody to hear of it',
    fault: { kind: 'no-answer', apply: true, ...soap },
  },
  {
    point: 'target.merge:sent',
    leaves: 'a merge that is applied after the restart',
    fault: { kind: 'late', apply_ms: 2_500, answer: 'never', ...soap },
    landing_ms: 2_500,
  },
  { point: 'state.settleMerge:before', leaves: 'a merge that is not stored as such' },
  { point: 'state.settleMerge:after', leaves: 'a stored merge that nobody heard of' },
]

const word = { by: 'ann', why: 'one person', at_ms: 1 }
const query = { flow: 'people', state: 'review', rowsMax: 10 } as const

let server: Postgres
before(async () => {
  server = await startPostgres()
})
after(() => server.stop())

const key = { type: 'text', length: 40, externalId: true, unique: true } as const
const syncs = `
  people:
    source: { system: legacy, table: public.people }
    target: { system: crm, object: Contact, key: { Legacy_Id__c: { from: id, transform: [string] } } }
    fields: { FirstName: first, LastName: last, Email: email, Notes__c: notes }
    retry: { attempts: 3, wait_ms: 50, waitMax_ms: 200 }
    validate: { duplicates: { target: true } }
`

/** Two people of whom a person says that they are one, both in the CRM, before `then` on the running engine. */
async function twoThere(world: World, then: (here: Here) => Promise<void>): Promise<void> {
  await world.client.query(`CREATE TABLE people (id int PRIMARY KEY, first text, last text, email text, notes text);
    INSERT INTO people VALUES (1, 'Selma', 'Weidenfeld', 'selma@example.org', 'a'), (2, 'Otmar', 'Krautgasser', null, 'b')`)
  await using here = await startHere(world)
  await here.settle()
  await world.client.query(
    `UPDATE people SET first = 'Selma', last = 'Weidenfeld', email = 'selma@example.org' WHERE id = 2`,
  )
  await here.settle()
  const { approved } = await here.engine.change('people', (state) => state.approve(query, null, word))
  assert.equal(approved, 1)
  await here.settle()
  await then(here)
}

/** The merge is asked for, and begun by the next process: the flow is paused meanwhile. */
async function askedFor(world: World): Promise<void> {
  await twoThere(world, async ({ engine }) => {
    await engine.pause('people')
    assert.equal(await engine.merge('people', null, 10, word), 1)
  })
  await resume(world)
}

test('a running engine merges at once what it is asked for; of objects that cannot be merged it refuses the wish', async () => {
  const cards = syncs.replace('people:', 'cards:').replace('object: Contact', 'object: Card__c')
  const more = cards.replace(/fields: .*/, 'fields: { Notes__c: notes }').replace(/validate: .*/, '')
  const setup = {
    objects: { Card__c: { fields: { Legacy_Id__c: key, Notes__c: { type: 'text', length: 99 } } } },
  } as const
  await using world = await makeWorld(server.url, { syncs: syncs + more, setup })
  await twoThere(world, async ({ engine, settle, events }) => {
    assert.equal((await world.select('SELECT Id FROM Contact')).length, 2)
    assert.equal(await engine.merge('people', null, 10, word), 1)
    await settle()
    assert.equal((await world.select('SELECT Id FROM Contact')).length, 1)
    assert.ok(events.some((event) => event.kind === 'merge' && event.end === 'merged'))
    await assert.rejects(() => engine.merge('cards', null, 10, word), /SYNC-3041.*Card__c/)
    assert.equal(await engine.merge('people', null, 10, word), 0)
  })
})

for (const { point, leaves, fault, landing_ms = 800 } of points)
  test(`${point} leaves ${leaves}`, { timeout: 60_000 }, async () => {
    await using world = await makeWorld(server.url, {
      timeout_ms: 700,
      landing_ms,
      syncs,
    })
    await askedFor(world)
    if (fault !== undefined) world.org.faults.add(fault)
    const calls = (): number => world.org.faults.list().find(({ id }) => id === 'calls')?.matched ?? 0
    world.org.faults.add({ id: 'calls', kind: 'latency', latency_ms: 0, ...soap, after: 1_000_000 })
    const child = startChild(world, { crashAt: { point, nth: 1 } })
    assert.equal((await child.ended).signal, 'SIGKILL', child.output().slice(-2_000))
    const sent = calls()
    for (const { id } of world.org.faults.list()) if (id !== 'calls') world.org.faults.remove(id)
    await world.client.query(`UPDATE people SET notes = 'newer' WHERE id = 1`)
    const last = startChild(world, { words: ['settle'] })
    const settled = await last.hears((line) => line.kind === 'settled')
    assert.equal((await last.ended).code, 0)
    assert.deepEqual(settled.failures, [])

    assert.equal(calls(), 1, `sent ${sent} times before the crash: never twice`)
    const [contact, ...more] = await world.select('SELECT Id, Legacy_Id__c, LastName, Notes__c FROM Contact')
    assert.deepEqual(
      [contact?.['Legacy_Id__c'], contact?.['LastName'], contact?.['Notes__c'], more.length],
      ['1', 'Weidenfeld', 'newer', 0],
    )
    const writes = await world.applied()
    const [gone, newer] = [
      writes.find(({ op }) => op === 'delete'),
      writes.find(({ set }) => set['Notes__c'] === 'newer'),
    ]
    assert.equal(gone?.keys['Legacy_Id__c'], '2')
    // I4: while the merge may land nothing else is written to the two.
    if (sent > 0) assert.ok((newer?.seq ?? 0) > (gone?.seq ?? Number.POSITIVE_INFINITY), JSON.stringify(writes))
    const reader = openReader(world.state, ['legacy']) ?? assert.fail('there is no state')
    try {
      const rows = await reader.state.merges('people', null, 10)
      assert.deepEqual(
        rows.map(({ state, by }) => [state, by]),
        [['merged', 'ann']],
      )
      const { known } = await reader.state.story('people', 'people', rows[0]?.key as never, [], 1)
      assert.deepEqual([known?.state, known?.target, known?.shadow], ['open', null, null])
      assert.equal(await reader.state.verifyChain(), null)
    } finally {
      await reader.close()
    }
  })

async function resume(world: World): Promise<void> {
  const { load } = await import('../../src/app/load.ts')
  const { changeState } = await import('../../src/app/reader.ts')
  const { config } = load(world.config, world.variables)
  await changeState(config, ({ state }) => state.setStatus('people', 'running', null))
}
