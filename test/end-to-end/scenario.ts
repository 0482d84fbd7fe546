/** `npm start` as a person and a script run it: processes of their own on a folder of their own, on either database. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseEnv } from 'node:util'
import type { Platform } from '../../examples/members/data/platform.ts'
import { connectMariadb } from '../../examples/members/data/platform-mariadb.ts'
import { connectPostgres } from '../../examples/members/data/platform-postgres.ts'
import type { Kind } from '../../examples/members/legacy.ts'
import { load } from '../../src/app/load.ts'
import { openReader } from '../../src/app/reader.ts'
import { startSalesforceEmulator } from '../../src/emulators/salesforce/server.ts'
import { parseSetup } from '../../src/emulators/salesforce/setup.ts'
import { startMariadb } from '../../src/testing/mariadb.ts'
import { startPostgres } from '../../src/testing/postgres.ts'

const examples = fileURLToPath(new URL('../../examples/', import.meta.url))
const program = join(examples, 'members', 'start.ts')
const cli = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))

/** How a process ended, and what it printed. */
export type Ended = { readonly code: number | null; readonly out: string; readonly err: string }

/** The last line of a run that came to its end. */
export type Summary = { readonly [name: string]: number }
const classNames = ['delivered', 'superseded', 'quarantined', 'excluded', 'discarded', 'pending'] as const

/** The scenario in a folder of its own; disposing ends its processes and removes the folder. */
export interface Scenario extends AsyncDisposable {
  /** Where the scenario keeps its things between two starts. */
  readonly home: string
  /** Whether the machine's server for tests is used, as by a user with LEGACY_URL. */
  readonly borrowed: boolean
  begin(...options: string[]): { readonly child: ChildProcess; readonly ended: Promise<Ended>; err(): string }
  /** Runs `--once`; the classes add up, and nothing is pending. */
  toTheEnd(...options: string[]): Promise<Summary>
  /** A command of the product in this folder: its lines. */
  command(...words: string[]): Promise<readonly string[]>
  /** The legacy platform between two starts. */
  withPlatform<T>(work: (platform: Platform) => Promise<T>): Promise<T>
  /** The contacts at Salesforce, by their legacy id, between two starts. */
  contacts(): Promise<ReadonlyMap<string, Contact>>
  /** Source keys in quarantine. */
  parked(): Promise<ReadonlySet<string>>
}

/** A record at Salesforce. */
export type Contact = { readonly [field: string]: unknown }

/** What differs between the databases: the folder of `npm start`, and the server to look into it. */
const kinds = {
  postgres: {
    folder: 'members',
    start: startPostgres,
    connect: connectPostgres,
    variable: 'SYNCLINE_TEST_POSTGRES_URL',
  },
  mariadb: {
    folder: 'members-mariadb',
    start: startMariadb,
    connect: connectMariadb,
    variable: 'SYNCLINE_TEST_MARIADB_URL',
  },
} as const

/** Copies an example's configuration into a folder of its own, with any port for the API. */
export async function openScenario(kind: Kind, example: 'members' | 'debezium'): Promise<Scenario> {
  const { start, connect, variable } = kinds[kind]
  const root = await mkdtemp(join(tmpdir(), 'syncline-members-'))
  const folder = join(root, 'examples', example)
  const home = join(root, '.cache', kinds[kind].folder)
  const config = join(folder, 'syncline.yaml')
  const running = new Set<ChildProcess>()
  await mkdir(folder, { recursive: true })
  const more = { members: ['member.schema.json', 'salesforce.yaml'], debezium: ['legacy-mysql-connector.json'] }
  for (const name of more[example]) await cp(join(examples, example, name), join(folder, name))
  const text = await readFile(join(examples, example, 'syncline.yaml'), 'utf8')
  const anyPort = text.replace('server: { port: 8480 }', 'server: { port: 0 }')
  assert.notEqual(anyPort, text)
  await writeFile(config, anyPort)
  const borrowed = process.env[variable] ? await start() : null

  const run = (words: readonly string[], more: { readonly [name: string]: string } = {}) => {
    const env = { ...process.env, NO_COLOR: '1', ...(borrowed === null ? {} : { LEGACY_URL: borrowed.url }), ...more }
    const quiet = '--disable-warning=ExperimentalWarning'
    const child = spawn(process.execPath, [quiet, ...words], { env, stdio: ['ignore', 'pipe', 'pipe'] })
    running.add(child)
    const said = { out: '', err: '' }
    for (const name of ['out', 'err'] as const)
      child[`std${name}`]!.setEncoding('utf8').on('data', (chunk: string) => {
        said[name] += chunk
      })
    const ended = once(child, 'close').then(([code]) => {
      running.delete(child)
      return { code: code as number | null, ...said }
    })
    return { child, ended, err: () => said.err }
  }
  const begin: Scenario['begin'] = (...options) => run([program, '--source', kind, '--config', config, ...options])

  return {
    home,
    borrowed: borrowed !== null,
    begin,
    async toTheEnd(...options) {
      const { code, out, err } = await begin('--once', ...options).ended
      assert.equal(code, 0, err)
      if (borrowed === null) assert.doesNotMatch(err, /notes? from both systems/, 'a start without a warning')
      const summary = JSON.parse(out.trimEnd().split('\n').at(-1)!) as Summary
      assert.equal(out.trimEnd().split('\n').length, 1, 'what is for people goes to stderr')
      for (const name of [...classNames, 'read', 'durationSeconds'])
        assert.equal(typeof summary[name], 'number', `${name} in ${out}`)
      assert.equal(
        classNames.reduce((sum, name) => sum + summary[name]!, 0),
        summary['read'],
        out,
      )
      assert.equal(summary['pending'], 0)
      return summary
    },
    async command(...words) {
      const { code, out, err } = await run([cli, ...words], { SYNCLINE_CONFIG: config }).ended
      assert.equal(code, 0, err)
      return out.split('\n').filter((line) => line !== '')
    },
    async withPlatform(work) {
      const server = borrowed ?? (await start({ folder: join(home, kind), database: 'legacy', existing: null }))
      try {
        await using platform = await connect(server.url)
        return await work(platform)
      } finally {
        if (borrowed === null) await server.stop()
      }
    },
    contacts: () => contactsIn(join(home, 'salesforce')),
    async parked() {
      const variables = parseEnv(await readFile(join(folder, '.env'), 'utf8'))
      const reader = openReader(load(config, variables).config)
      assert.ok(reader !== null)
      try {
        const lanes = await reader.parked({ flow: 'members', state: 'parked', rowsMax: 100_000 })
        return new Set(lanes.map(({ key }) => String(JSON.parse(key)[0])))
      } finally {
        reader.close()
      }
    },
    async [Symbol.asyncDispose]() {
      for (const child of running) child.kill('SIGKILL')
      await borrowed?.stop()
      await rm(root, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
    },
  }
}

/** Waits until it holds; fails after 20 s. */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let waited_ms = 0; !(await holds()); waited_ms += 50) {
    if (waited_ms > 40_000) throw new Error(`waited 40 s for: ${what}`)
    await sleep(50)
  }
}

const soql =
  'SELECT Legacy_Id__c, FirstName, LastName, Email, Dues_Balance__c, HasOptedOutOfEmail, Chapter__r.Code__c, Member_Since__c, ' +
  'Membership_Status__c, Source_System__c, Deleted_In_Legacy__c FROM Contact LIMIT 2000'

async function contactsIn(folder: string): Promise<Map<string, Contact>> {
  const setup = parseSetup(await readFile(join(examples, 'members', 'salesforce.yaml'), 'utf8'))
  const emulator = await startSalesforceEmulator({ folder, setup })
  try {
    const login = await fetch(`${emulator.url}/services/oauth2/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        client_id: 'syncline',
        client_secret: 'syncline-secret',
      }),
    })
    const { access_token } = (await login.json()) as { access_token: string }
    const answer = await fetch(`${emulator.url}/services/data/v67.0/query?q=${encodeURIComponent(soql)}`, {
      headers: { authorization: `Bearer ${access_token}` },
    })
    const { records, done } = (await answer.json()) as { records: Contact[]; done: boolean }
    assert.equal(done, true)
    return new Map(records.map((record) => [record['Legacy_Id__c'] as string, record]))
  } finally {
    await emulator.close()
  }
}
