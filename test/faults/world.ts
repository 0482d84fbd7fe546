/** One world of the fault tests: a database of its own, a Salesforce org of its own, a state folder and a configuration. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type pg from 'pg'
import { type SalesforceEmulator, startSalesforceEmulator } from '../../src/emulators/salesforce/server.ts'
import type { SalesforceSetup } from '../../src/emulators/salesforce/setup.ts'
import { connected, type Database, type Kind, makeDatabase, type Session } from './database.ts'

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
  readonly kind: Kind
  readonly url: string
  /** In which the tables of `legacy` are. */
  readonly schema: string
  /** A further session on the database. */
  connect(): Promise<Session>
  /** For what PostgreSQL alone understands. */
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
const bothSyncs = (
  schema: string,
  {
    guard = 'false',
    retry = '{ attempts: 3, wait_ms: 50, waitMax_ms: 500 }',
    requestRows = 50,
    whileParked = 'supersede',
  }: WorldOptions,
) => `
  members:
    source:
      system: legacy
      table: ${schema}.members
      where: "row.status != 'test'"
      join: { card: { table: ${schema}.cards, on: { member_id: id }, take: { latest: until } } }
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
    source: { system: legacy, table: ${schema}.firms }
    target: { system: crm, object: Account, key: { Legacy_Id__c: { from: id, transform: [string] } } }
    fields: { V__c: v, Name: name, Phone: phone, About__c: about }
    deletes: { policy: soft, field: Gone__c, guard: ${guard} }
    batch: { rows: ${requestRows} }
    retry: ${retry}
    whileParked: ${whileParked}
`

/** What only one of them takes. */
const ofKind = {
  postgres: (slot: string) => `type: postgres\n    slot: ${slot}\n    statusInterval_ms: 1000`,
  mariadb: () => 'type: mariadb\n    bufferRows: 100',
} as const

const configText = (orgUrl: string, { kind, name, schema }: Database, options: WorldOptions) => `version: 1
state: ./data
systems:
  legacy:
    url: "\${LEGACY_URL}"
    ${ofKind[kind](name)}
    chunkRows: ${options.chunkRows ?? 100}
    heartbeat_ms: 300
    connectTimeout_ms: 5000
  crm:
    type: salesforce
    url: ${options.crmUrl ?? orgUrl}
    auth: { flow: client-credentials, clientId: syncline, clientSecret: "\${SF_SECRET}" }
    timeout_ms: ${options.timeout_ms ?? 1_000}
    landing_ms: ${options.landing_ms ?? 1_500}
    requestsMax: ${options.requestsMax ?? 4}
retention: ${options.retention ?? '{}'}
syncs:${options.syncs ?? bothSyncs(schema, options)}`

/**
 * Makes a world on a running server, PostgreSQL or MariaDB by its URL. Disposing drops slot and database, stops the org and removes
 * the folder.
 */
export async function makeWorld(serverUrl: string, options: WorldOptions = {}): Promise<World> {
  const database = await makeDatabase(serverUrl)
  const { kind, url, name, schema, connect } = database
  const client = kind === 'postgres' ? await connected(url) : null
  const org = await startSalesforceEmulator({
    setup: { ...orgSetup, ...options.setup, objects: { ...orgSetup.objects, ...options.setup?.objects } },
  })
  const folder = mkdtempSync(join(tmpdir(), 'syncline-faults-'))
  const config = join(folder, 'syncline.yaml')
  const write = (text: string) => writeFileSync(config, text)
  const configure = (changed: WorldOptions) => write(configText(org.url, database, changed))
  configure(options)
  return {
    kind,
    url,
    schema,
    connect,
    get client() {
      if (client === null) throw new Error('this world is not on PostgreSQL')
      return client
    },
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
      await client?.end().catch(() => {})
      await org.close()
      rmSync(folder, { recursive: true, force: true })
      await database[Symbol.asyncDispose]()
    },
  }
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
