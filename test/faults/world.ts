/** One world of the fault tests: a database of its own, a Salesforce org of its own, a state folder and a configuration. */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { type SalesforceEmulator, startSalesforceEmulator } from '../../src/emulators/salesforce/server.ts'
import type { SalesforceSetup } from '../../src/emulators/salesforce/setup.ts'

/** Never to be seen in anything that a process prints or stores. */
export const clientSecret = 'canary-5f1d7c0be2'

/** Settings that differ from test to test. */
export interface WorldOptions {
  readonly timeout_ms?: number
  readonly landing_ms?: number
  /** Records of one request. */
  readonly requestRows?: number
  /** Calls under way at once. */
  readonly requestsMax?: number
  readonly chunkRows?: number
  /** YAML of `deletes.guard`. */
  readonly guard?: string
  readonly retry?: string
  /** Further objects and fields of the org. */
  readonly setup?: SalesforceSetup
  /** Address of another org than the world's own. */
  readonly crmUrl?: string
  /** YAML of `retention`. */
  readonly retention?: string
  readonly whileParked?: 'supersede' | 'wait'
  /** The whole `syncs:` block, in place of members and firms. */
  readonly syncs?: string
}

/** A database, an org and a folder that belong together. */
export interface World extends AsyncDisposable {
  readonly url: string
  readonly client: pg.Client
  readonly slot: string
  readonly org: SalesforceEmulator
  /** Folder of configuration and state. */
  readonly folder: string
  readonly state: string
  readonly config: string
  /** What the configuration refers to. */
  readonly variables: { readonly LEGACY_URL: string; readonly SF_SECRET: string }
  /** Writes the configuration again, with other settings. */
  configure(options: WorldOptions): void
  /** Replaces the configuration by this text. */
  write(text: string): void
  /** All records of a query. */
  select(soql: string): Promise<{ readonly [field: string]: unknown }[]>
  /** What was written at the org, oldest first. */
  applied(): Promise<readonly Applied[]>
  /** Deletes a record at the org, as one of its users would. */
  remove(object: string, id: string): Promise<void>
  /** The same questions to another org. */
  of(org: SalesforceEmulator): Pick<World, 'org' | 'select' | 'applied' | 'remove'>
}

/** A line of the org's apply log. */
export interface Applied {
  readonly seq: number
  readonly at: string
  readonly object: string
  readonly id: string
  /** External ids after the write. */
  readonly keys: { readonly [field: string]: unknown }
  readonly op: string
  readonly set: { readonly [field: string]: unknown }
  readonly request: number
}

const gone = { type: 'checkbox' } as const
const key = { type: 'text', length: 40, externalId: true, unique: true } as const
const version = { type: 'number', precision: 18, scale: 0 } as const
/** What an administrator of the org has set up. */
export const orgSetup: SalesforceSetup = {
  clients: [{ clientId: 'syncline', clientSecret }],
  log: { rows: 1_000_000 },
  objects: {
    Contact: {
      fields: {
        Legacy_Id__c: key,
        V__c: version,
        Notes__c: { type: 'textarea', length: 10_000 },
        Level__c: { type: 'text', length: 40 },
        Gone__c: gone,
      },
    },
    Account: {
      fields: {
        Legacy_Id__c: key,
        V__c: version,
        About__c: { type: 'textarea', length: 10_000 },
        Gone__c: gone,
      },
    },
  },
}

/** The two syncs of the fault tests: joined and filtered, and plain. */
const bothSyncs = ({
  guard = 'false',
  retry = '{ attempts: 3, wait_ms: 50, waitMax_ms: 500 }',
  requestRows = 50,
  whileParked = 'supersede',
}: WorldOptions) => `
  members:
    source:
      system: legacy
      table: legacy.members
      where: "row.status != 'test'"
      join: { card: { table: legacy.cards, on: { member_id: id }, take: { latest: until } } }
    target: { system: crm, object: Contact, key: { Legacy_Id__c: { from: id, transform: [string] } } }
    fields:
      V__c: v
      LastName: name
      Email: { from: email, transform: [email] }
      Notes__c: notes
      Level__c: card.level
    deletes: { policy: soft, field: Gone__c, guard: ${guard} }
    batch: { rows: ${requestRows} }
    retry: ${retry}
    whileParked: ${whileParked}
  firms:
    source: { system: legacy, table: legacy.firms }
    target: { system: crm, object: Account, key: { Legacy_Id__c: { from: id, transform: [string] } } }
    fields: { V__c: v, Name: name, Phone: phone, About__c: about }
    deletes: { policy: soft, field: Gone__c, guard: ${guard} }
    batch: { rows: ${requestRows} }
    retry: ${retry}
    whileParked: ${whileParked}
`

const configText = (orgUrl: string, slot: string, options: WorldOptions) => `version: 1
state: ./data
systems:
  legacy:
    type: postgres
    url: "\${LEGACY_URL}"
    slot: ${slot}
    chunkRows: ${options.chunkRows ?? 100}
    heartbeat_ms: 300
    statusInterval_ms: 1000
    connectTimeout_ms: 5000
  crm:
    type: salesforce
    url: ${options.crmUrl ?? orgUrl}
    auth: { flow: client-credentials, clientId: syncline, clientSecret: "\${SF_SECRET}" }
    timeout_ms: ${options.timeout_ms ?? 1_000}
    landing_ms: ${options.landing_ms ?? 1_500}
    requestsMax: ${options.requestsMax ?? 4}
retention: ${options.retention ?? '{}'}
syncs:${options.syncs ?? bothSyncs(options)}`

/** Makes a world on a running server. Disposing drops slot and database, stops the org and removes the folder. */
export async function makeWorld(serverUrl: string, options: WorldOptions = {}): Promise<World> {
  const name = `faults_${randomBytes(6).toString('hex')}`
  const admin = await connected(serverUrl)
  await admin.query(`CREATE DATABASE ${name}`)
  await admin.end()
  const address = new URL(serverUrl)
  address.pathname = `/${name}`
  const url = address.href
  const client = await connected(url)
  const org = await startSalesforceEmulator({
    setup: { ...orgSetup, ...options.setup, objects: { ...orgSetup.objects, ...options.setup?.objects } },
  })
  const folder = mkdtempSync(join(tmpdir(), 'syncline-faults-'))
  const config = join(folder, 'syncline.yaml')
  const write = (text: string) => writeFileSync(config, text)
  const configure = (changed: WorldOptions) => write(configText(org.url, name, changed))
  configure(options)
  return {
    url,
    client,
    slot: name,
    folder,
    state: join(folder, 'data'),
    config,
    variables: { LEGACY_URL: url, SF_SECRET: clientSecret },
    configure,
    write,
    ...questions(org),
    of: questions,
    async [Symbol.asyncDispose]() {
      await client.end().catch(() => {})
      await org.close()
      rmSync(folder, { recursive: true, force: true })
      await dropDatabase(serverUrl, name)
    },
  }
}

/** A client that does not end the process when its server dies. */
export async function connected(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  return client
}

async function dropDatabase(serverUrl: string, name: string): Promise<void> {
  const admin = await connected(serverUrl).catch(() => null)
  if (admin === null) return // the server went first, with everything in it
  for (let tries = 0; tries < 100; tries++) {
    await admin.query(
      'SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = $1 AND active_pid IS NOT NULL',
      [name],
    )
    const dropped = await admin
      .query('SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = $1', [name])
      .catch(() => null)
    if (dropped !== null) break
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  await admin.query(`DROP DATABASE ${name} WITH (FORCE)`)
  await admin.end()
}

function questions(org: SalesforceEmulator): Pick<World, 'org' | 'select' | 'applied' | 'remove'> {
  return {
    org,
    select: (soql) => selectAll(org.url, soql),
    async applied() {
      const answer = await fetch(`${org.url}/emulator/log?rows=1000000`)
      return ((await answer.json()) as { entries: Applied[] }).entries
    },
    async remove(object, id) {
      const path = `/services/data/v60.0/sobjects/${object}/${id}`
      const answer = await fetch(org.url + path, { method: 'DELETE', headers: await session(org.url) })
      if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`)
    },
  }
}

async function session(url: string): Promise<{ Authorization: string }> {
  const form = new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: 'syncline',
    client_secret: clientSecret,
  })
  const login = await fetch(`${url}/services/oauth2/token`, { method: 'POST', body: form })
  const { access_token } = (await login.json()) as { access_token: string }
  return { Authorization: `Bearer ${access_token}` }
}

async function selectAll(url: string, soql: string): Promise<{ [field: string]: unknown }[]> {
  const headers = await session(url)
  const records: { [field: string]: unknown }[] = []
  let next: string | null = `/services/data/v60.0/query?q=${encodeURIComponent(soql)}`
  while (next !== null) {
    const answer: Response = await fetch(url + next, { headers })
    if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`)
    const page = (await answer.json()) as { records: { [field: string]: unknown }[]; nextRecordsUrl?: string }
    records.push(...page.records)
    next = page.nextRecordsUrl ?? null
  }
  return records
}
