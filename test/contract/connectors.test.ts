/** Every type of system in the connector table keeps the contract of what it can be: a new one cannot forget it. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { type Connector, connectors } from '../../src/connectors/index.ts'
import { database } from '../../src/connectors/postgres/fixture.ts'
import { startSalesforceEmulator } from '../../src/emulators/salesforce/server.ts'
import type { SalesforceSetup } from '../../src/emulators/salesforce/setup.ts'
import { systemClock } from '../../src/std/clock.ts'
import { systemRandom } from '../../src/std/random.ts'
import { Secret } from '../../src/std/secret.ts'
import { type SourceUnderTest, type SourceWrite, sourceContract } from '../../src/testing/contract/source.ts'
import { type TargetUnderTest, targetContract } from '../../src/testing/contract/target.ts'
import { type Mariadb, startMariadb } from '../../src/testing/mariadb.ts'
import { type Postgres, startPostgres } from '../../src/testing/postgres.ts'
import { mysqlSource } from './mysql.ts'

/** How a system is made for each case, and the cases that it cannot keep: a written reason by title. */
interface SetUp<T> {
  readonly make: () => Promise<T>
  readonly skips?: Readonly<Record<string, string>>
}

const env = { clock: systemClock, random: systemRandom }
const connectorOf = (type: string): Connector => connectors[type] as Connector

let server: Promise<Postgres> | null = null
let mariadb: Promise<Mariadb> | null = null
after(async () => Promise.all([(await server)?.stop(), (await mariadb)?.stop()]))

const ownMariadb = () => {
  mariadb ??= startMariadb()
  return mariadb
}

const postgresSql = (write: SourceWrite): [string, unknown[]] => {
  switch (write.op) {
    case 'insert':
      return ['INSERT INTO members VALUES ($1, $2, $3)', [write.id, write.name, write.team]]
    case 'rename':
      return ['UPDATE members SET name = $2 WHERE id = $1', [write.id, write.name]]
    case 'rekey':
      return ['UPDATE members SET id = $2 WHERE id = $1', [write.id, write.to]]
    case 'delete':
      return ['DELETE FROM members WHERE id = $1', [write.id]]
    default:
      return write satisfies never
  }
}

/** A database on a real server; its rows are written over connections of their own. */
async function postgresSource(): Promise<SourceUnderTest> {
  server ??= startPostgres()
  const db = await database((await server).url)
  await db.sql('CREATE TABLE members (id int PRIMARY KEY, name text, team text)')
  // Not its own connection while a transaction is left open: a second one writes beside it.
  const beside = new (await import('pg')).default.Client({ connectionString: db.url })
  await beside.connect()
  const begin = async (client: typeof beside, writes: readonly SourceWrite[]) => {
    await client.query('BEGIN')
    for (const write of writes) await client.query(...postgresSql(write))
    return async () => {
      await client.query('COMMIT')
    }
  }
  return {
    table: 'public.members',
    missing: 'public.nowhere',
    open: (tables) =>
      connectorOf('postgres').openSource(
        db.name,
        { url: db.url, chunkRows: 5, bufferRows: 100, heartbeat_ms: 200, statusInterval_ms: 500 },
        env,
        tables.map((name) => ({ name })),
      ),
    write: async (writes) => (await begin(db.client, writes))(),
    begin: (writes) => begin(beside, writes),
    async clean() {
      await beside.end()
      await db[Symbol.asyncDispose]()
    },
  }
}

const organisation: SalesforceSetup = {
  clients: [{ clientId: 'app', clientSecret: 'secret' }],
  objects: {
    Contact: {
      fields: {
        Legacy_Id__c: { type: 'text', length: 40, externalId: true, unique: true },
        Fee__c: { type: 'currency', precision: 16, scale: 2 },
        Joined__c: { type: 'datetime' },
        Active__c: { type: 'checkbox' },
        Level__c: { type: 'picklist', values: ['Gold', 'Silver'], restricted: true },
      },
    },
  },
}

/** An organisation of the emulator. */
async function salesforceTarget(): Promise<TargetUnderTest> {
  const emulator = await startSalesforceEmulator({ setup: organisation })
  let isAway = false
  const leave = async () => {
    if (!isAway) await emulator.close()
    isAway = true
  }
  const sample = {
    FirstName: '  Ada ',
    Description: '',
    Email: 'Ada.Berg@Example.ORG',
    Birthdate: { kind: 'date', text: '1990-02-28' },
    Fee__c: { kind: 'decimal', text: '1234.50' },
    Joined__c: { kind: 'instant', text: '2024-09-24 05:26:07.123456+02' },
    Active__c: true,
    Level__c: 'Gold',
  } as const
  return {
    shape: {
      object: 'Contact',
      key: 'Legacy_Id__c',
      fields: ['Legacy_Id__c', 'LastName', ...Object.keys(sample)],
      deletes: true,
    },
    one: { LastName: 'Berg', Active__c: true },
    other: { LastName: 'Lind', Active__c: false },
    text: 'FirstName',
    sample,
    refused: { Level__c: 'Bronze' },
    missing: 'Nowhere__c',
    notKey: 'Level__c',
    nobody: '003000000000000AAA',
    open: () => {
      const clientSecret = new Secret('SF_SECRET', () => 'secret')
      const options = { url: emulator.url, auth: { flow: 'client-credentials', clientId: 'app', clientSecret } }
      return connectorOf('salesforce').openTarget('salesforce', options, env)
    },
    count: () => emulator.stats().records['Contact'] ?? 0,
    loseAnswer() {
      emulator.faults.add({ kind: 'lost-answer', count: 1, path: '/composite/sobjects' })
    },
    leave,
    clean: leave,
  }
}

const sources: Readonly<Record<string, SetUp<SourceUnderTest>>> = {
  mariadb: { make: mysqlSource('mariadb', ownMariadb) },
  mysql: { make: mysqlSource('mysql', ownMariadb) },
  postgres: { make: postgresSource },
}
const targets: Readonly<Record<string, SetUp<TargetUnderTest>>> = { salesforce: { make: salesforceTarget } }

/** What the table of connectors and the tables of set-ups do not agree on, a sentence each. */
function disagreements(table: Readonly<Record<string, Pick<Connector, 'source' | 'target'>>>): string[] {
  return (['source', 'target'] as const).flatMap((role) => {
    const setUps: Readonly<Record<string, unknown>> = role === 'source' ? sources : targets
    const types = Object.keys(table).filter((type) => table[type]?.[role] === true)
    return [
      ...types
        .filter((type) => !Object.hasOwn(setUps, type))
        .map((type) => `The connector ${type} is a ${role} without a set-up here: add one to \`${role}s\`.`),
      ...Object.keys(setUps)
        .filter((type) => !types.includes(type))
        .map((type) => `\`${role}s\` sets up ${type}, which is no ${role} in src/connectors/index.ts: take it out.`),
    ]
  })
}

test('every source and every target of the connector table has a set-up', () => {
  assert.deepEqual(disagreements(connectors), [])
})

test('a new connector without a set-up, and a set-up without a connector, are found', () => {
  const { salesforce, ...others } = connectors as { readonly [type: string]: Connector }
  assert.deepEqual(disagreements({ ...connectors, oracle: { source: true, target: true } }), [
    'The connector oracle is a source without a set-up here: add one to `sources`.',
    'The connector oracle is a target without a set-up here: add one to `targets`.',
  ])
  assert.equal(disagreements(others).length, 1)
  assert.equal(disagreements({ salesforce: salesforce as Connector }).length, Object.keys(others).length)
})

test('what a system cannot be is refused when it is opened', async () => {
  for (const [type, connector] of Object.entries(connectors)) {
    assert.ok(connector.source || connector.target, `${type} is neither a source nor a target`)
    if (!connector.source) await assert.rejects(connector.openSource('x', {}, env, []), /cannot be a source/)
    if (!connector.target) await assert.rejects(connector.openTarget('x', {}, env), /cannot be a target/)
  }
})

test('the table says which targets can be asked by value', async () => {
  for (const [type, { make }] of Object.entries(targets)) {
    const system = await make()
    const target = await system.open()
    assert.equal(target.lookup !== undefined, connectorOf(type).lookup === true, type)
    await target.close()
    await system.clean()
  }
})

for (const [type, { make, skips }] of Object.entries(sources)) sourceContract(type, make, skips)
for (const [type, { make, skips }] of Object.entries(targets)) targetContract(type, make, skips)
