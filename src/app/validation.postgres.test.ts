/** Validation in a whole engine: a real PostgreSQL, the Salesforce emulator, a folder of state. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type pg from 'pg'
import { contactWith, type Scenario, startScenario } from '../cli/scenario.fake.ts'
import { systemsYaml } from '../config/systems.fake.ts'
import { type Clock, systemClock } from '../std/clock.ts'
import { systemRandom } from '../std/random.ts'
import type { Event } from '../telemetry/event.ts'
import { type Engine, startEngine } from './engine.ts'
import { load } from './load.ts'
import { planSync } from './plan.ts'

const text = (length: number) => ({ type: 'text', length }) as const

let scenario: Scenario
let db: pg.Client

before(async () => {
  scenario = await startScenario({
    ...contactWith({ Region__c: text(10) }),
    Region__c: { fields: { Code__c: { ...text(10), externalId: true, unique: true } } },
  })
  db = scenario.db
})
after(() => scenario?.stop())

/** A configuration of its own: table, slot and state folder belong to one test. */
function configured(table: string, validate: string) {
  const path = join(scenario.folder, `${table}.yaml`)
  const systems = systemsYaml(scenario.crm.emulator.url)
    .replace('./data', `./${table}`)
    .replace('type: postgres', `type: postgres, slot: ${table}, publication: ${table}`)
  writeFileSync(
    path,
    `${systems}syncs:
  members:
    source: { system: legacy, table: ${table} }
    target: { system: crm, object: Contact, key: { Legacy_Id__c: id } }
    fields: { FirstName: first, LastName: last, Email: email, Birthdate: born, Region__c: region }
    validate: { ${validate} }
`,
  )
  return load(path, scenario.variables).config
}

const create = (table: string) =>
  db.query(`CREATE TABLE ${table} (id bigint PRIMARY KEY, first text, last text, email text, born date, region text)`)

/** Pauses are short. The limits of requests, from 30 s on, stay long enough for a machine that is busy. */
const hasty: Clock = {
  ...systemClock,
  sleep: (ms, signal) => systemClock.sleep(Math.min(ms, ms < 30_000 ? 50 : 10_000), signal),
}

async function engine<T>(config: ReturnType<typeof configured>, work: (engine: Engine) => Promise<T>): Promise<T> {
  const running = await startEngine(config, { clock: hasty, random: systemRandom, emit: (_: Event) => {} })
  try {
    return await work(running)
  } finally {
    await running.stop()
  }
}

const classes = async (running: Engine) => {
  assert.deepEqual(await running.settled(), [])
  const [report] = await running.report()
  return [report?.delivered, report?.quarantined, report?.excluded]
}

/** Waits for what happens in its own time. */
async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 400; tries++) {
    if (await holds()) return
    await systemClock.sleep(25)
  }
  assert.fail(`it never came to this: ${what}`)
}

test('plan counts merges and reviews: of rows with each other, and with what was synced before', async () => {
  await create('people')
  await db.query(`INSERT INTO people VALUES
    (1, 'Ada', 'Lovelace', 'ada@example.org', '1975-12-10'), (2, 'Zoltan', 'Nagy', 'z@example.com', '1950-01-01'),
    (3, 'Ada', 'Lovelace', 'ada@example.org', '1975-12-10'), (4, 'Ada', 'Lovelace', 'a.l@example.net', NULL)`)
  const config = configured('people', 'duplicates: { target: true }')
  const plan = (by = config) =>
    planSync(by, 'members', { clock: hasty, random: systemRandom }, () => {}, AbortSignal.timeout(60_000))
  const figures = async () => {
    const { rows, creates, unchanged, merged, quarantined, review, parked } = await plan()
    return { rows, creates, unchanged, merged, quarantined, review, parked: parked.now }
  }
  const counted = { rows: 4, merged: 1, quarantined: 0, review: 1 }
  assert.deepEqual(await figures(), { ...counted, creates: 2, unchanged: 0, parked: 0 })
  assert.match((await plan()).unsaid.join(), /only the target holds are not in the index yet/)
  await engine(config, async (running) => assert.deepEqual(await classes(running), [2, 1, 1]))
  assert.deepEqual(await figures(), { ...counted, creates: 0, unchanged: 2, parked: 1 })
  assert.doesNotMatch((await plan()).unsaid.join(), /not in the index/)
  // Other rules that say the same of all: who is merged, or waits for a person, is so already.
  const changed = configured('people', 'duplicates: { target: true }, rules: [{ name: any, assert: "true" }]')
  const { hash: _, ...judged } = (await plan(changed)).rules
  assert.deepEqual(judged, { others: 4, unknown: 0, touched: 0 })
  const apart = configured('people', 'duplicates: { target: true, fields: { Email: ignore, Birthdate: ignore } }')
  assert.ok((await plan(apart)).rules.touched > 0)
  // A twin of a record that was synced long ago.
  await db.query(`INSERT INTO people VALUES (5, 'Zoltan', 'Nagy', 'z@example.com', '1950-01-01')`)
  assert.deepEqual(await figures(), { ...counted, rows: 5, merged: 2, creates: 0, unchanged: 2, parked: 1 })
})

test('a value that the CRM has not parks its record; once it is there, the next change goes through', async () => {
  await create('placed')
  const region = async (code: string) => {
    const [result] = (await scenario.crm.upsert('Region__c', 'Code__c', [{ Code__c: code }])).results()
    assert.equal(result?.success, true)
  }
  await region('N')
  await db.query(
    `INSERT INTO placed VALUES (1, 'A', 'B', 'p1@example.org', NULL, 'N'), (2, 'C', 'D', 'p2@example.org', NULL, 'X')`,
  )
  const place = 'reference: { Region__c: { in: { system: crm, table: Region__c, column: Code__c } } }'
  await engine(configured('placed', place), async (running) => {
    assert.deepEqual(await classes(running), [1, 1, 0])
    await region('X')
    await db.query(`UPDATE placed SET last = 'E' WHERE id = 2`)
    assert.deepEqual((await classes(running)).slice(0, 2), [2, 0])
  })
  const wrong = configured('placed', place.replace('column: Code__c', 'column: Cod__c'))
  await assert.rejects(
    engine(wrong, classes),
    /SYNC-3052 placed\.yaml:14:\d+: crm: .*Region__c has no field Cod__c\. Did you mean "Code__c"/,
  )
})

test('records that parked while a set could not be asked are released when it is back, also after a restart', async () => {
  await create('away')
  await db.query(`CREATE TABLE regions (code text PRIMARY KEY); INSERT INTO regions VALUES ('N')`)
  const config = configured(
    'away',
    'reference: { Region__c: { in: { table: regions, column: code }, stale: park, lifetime: 1s } }',
  )
  const insert = (id: number, region: string) =>
    db.query(`INSERT INTO away VALUES (${id}, 'F', 'L${id}', 'm${id}@example.org', NULL, '${region}')`)
  const leave = () => db.query('ALTER TABLE regions RENAME TO regions_away')
  const back = () => db.query('ALTER TABLE regions_away RENAME TO regions')
  await engine(config, async (running) => {
    assert.deepEqual(await classes(running), [0, 0, 0])
    await leave()
    await insert(1, 'N')
    assert.deepEqual(await classes(running), [0, 1, 0])
    await back()
    await until('released by itself', async () => String(await classes(running)) === '1,0,0')
    await leave()
    await db.query("INSERT INTO regions_away VALUES ('S')")
    await insert(2, 'S')
    await insert(3, 'nowhere')
    assert.deepEqual(await classes(running), [1, 2, 0])
  })
  await back()
  await engine(config, async (running) => {
    await until('released after a restart', async () => String(await classes(running)) === '2,1,0')
  })
})
