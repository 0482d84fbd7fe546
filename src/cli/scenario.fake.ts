import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { systemsYaml } from '../config/systems.fake.ts'
import type { ObjectSetup } from '../emulators/salesforce/setup.ts'
import { startTestClient, type TestClient } from '../emulators/salesforce/testclient.ts'
import { startPostgres } from '../testing/postgres.ts'
import { type Ended, runHere } from './io.fake.ts'

/** Both sides of a sync and a folder between them, as a person has them: a real PostgreSQL, and the Salesforce emulator. */
export interface Scenario {
  readonly db: pg.Client
  readonly crm: TestClient
  /** Empty at first. */
  readonly folder: string
  /** What configurations refer to. */
  readonly variables: { readonly LEGACY_URL: string; readonly SF_SECRET: string }
  /** Writes syncline.yaml: the systems, a free port for the API, and what is given. */
  configure(syncs: string): void
  /** A command line in the folder, given by Ann. */
  here(...words: string[]): Promise<Ended>
  /** Stops both and removes the folder. */
  stop(): Promise<void>
}

type Fields = NonNullable<ObjectSetup['fields']>

/** A Contact that Syncline may write: with an external id `Legacy_Id__c`, and further fields. */
export const contactWith = (fields: Fields = {}): { readonly Contact: ObjectSetup } => ({
  Contact: { fields: { Legacy_Id__c: { type: 'text', length: 40, externalId: true, unique: true }, ...fields } },
})

/**
 * Starts both.
 * @param objects what the CRM has beside its standard
 */
export async function startScenario(
  objects: { readonly [object: string]: ObjectSetup } = contactWith(),
): Promise<Scenario> {
  await using begun = new AsyncDisposableStack()
  const server = begun.use(await startPostgres())
  const db = new pg.Client({ connectionString: server.url })
  await db.connect()
  begun.defer(() => db.end())
  const crm = await startTestClient({ setup: { objects } })
  begun.defer(() => crm.emulator.close())
  const folder = mkdtempSync(join(tmpdir(), 'syncline-scenario-'))
  begun.defer(() => rmSync(folder, { recursive: true, force: true }))
  // The secret of the client that the emulator knows without a set-up.
  const variables = { LEGACY_URL: server.url, SF_SECRET: 'syncline-secret' }
  const all = begun.move()
  return {
    db,
    crm,
    folder,
    variables,
    configure: (syncs) =>
      writeFileSync(
        join(folder, 'syncline.yaml'),
        `${systemsYaml(crm.emulator.url)}server: { port: 0 }\nsyncs:\n${syncs}`,
      ),
    here: (...words) => runHere(words, { folder, variables: { ...variables, USER: 'ann' } }),
    stop: () => all.disposeAsync(),
  }
}
