import { fork } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { type Postgres, startPostgres } from '../src/testing/postgres.ts'

/** What a bench measures against: a real PostgreSQL and the emulated Salesforce, each in a process of its own. */
export interface BenchWorld extends AsyncDisposable {
  readonly folder: string
  readonly config: string
  readonly client: pg.Client
  readonly salesforceUrl: string
}

const SCHEMA = `
  CREATE TABLE members (
    id bigint PRIMARY KEY, first_name text NOT NULL, last_name text NOT NULL, email text, phone text, status text NOT NULL,
    member_type text NOT NULL, city text, dues numeric(10,2), joined date, updated_at timestamptz NOT NULL DEFAULT now()
  )`

const CONFIG = `version: 1
state: ./data
systems:
  legacy: { type: postgres, url: "\${BENCH_LEGACY_URL}" }
  salesforce:
    type: salesforce
    url: "\${BENCH_SF_URL}"
    auth: { flow: client-credentials, clientId: syncline, clientSecret: "\${BENCH_SF_SECRET}" }
    requestRowsMax: 200
    gzipBytesMin: 0                   # over loopback there is nothing to save
syncs:
  members:
    source: { system: legacy, table: members, where: "row.status != 'test'" }
    target: { system: salesforce, object: Contact, key: { Legacy_Id__c: { from: id, transform: [string] } } }
    fields:
      FirstName: first_name
      LastName: last_name
      Email: { from: email, transform: [trim, lower] }
      Phone: phone
      MailingCity: city
      Status__c: { from: status, map: { A: Active, L: Lapsed } }
      Member_Type__c: member_type
      Joined__c: joined
    validate: { schema: { type: object, required: [LastName], properties: { Email: { type: string, format: email } } } }
    deletes: { policy: soft, field: Deleted__c }
    batch: { rows: 200 }
`

/** Starts both systems and a folder with the configuration. */
export async function benchWorld(): Promise<BenchWorld> {
  const folder = await mkdtemp(join(tmpdir(), 'syncline-bench-'))
  const postgres: Postgres = await startPostgres({
    settings: { fsync: 'on', shared_buffers: '256MB', max_wal_size: '4GB' },
  })
  const salesforce = fork(new URL('./salesforce.ts', import.meta.url), {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const salesforceUrl = await new Promise<string>((resolve) =>
    salesforce.once('message', (message) => resolve((message as { url: string }).url)),
  )
  const client = new pg.Client(postgres.url)
  await client.connect()
  await client.query(SCHEMA)
  await writeFile(join(folder, 'syncline.yaml'), CONFIG)
  Object.assign(process.env, {
    BENCH_LEGACY_URL: postgres.url,
    BENCH_SF_URL: salesforceUrl,
    BENCH_SF_SECRET: 'syncline-secret',
  })
  return {
    folder,
    config: join(folder, 'syncline.yaml'),
    client,
    salesforceUrl,
    async [Symbol.asyncDispose]() {
      await client.end()
      salesforce.kill()
      await postgres.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Members 1 to n, made by the server itself. */
export async function seed(client: pg.Client, from: number, to: number): Promise<void> {
  await client.query(
    `INSERT INTO members SELECT i, 'First' || i % 997, 'Last' || i % 9973, 'member' || i || '@example.org', '+43 1 ' || 100000 + i % 900000,
       (ARRAY['A','L','A','A'])[1 + i % 4], 'regular', 'Vienna', 12.50, date '2020-01-01' + (i % 1500)::int
     FROM generate_series($1::bigint, $2::bigint) AS i`,
    [from, to],
  )
  await client.query('ANALYZE members')
}
