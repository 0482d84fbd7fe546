import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { startPostgres } from '../../src/testing/postgres.ts'
import { createSchema, type SeedReport, seedMembers } from './data/generate.ts'

/** The legacy platform of this run. */
export type Legacy = {
  /** With user and password: never shown. */
  readonly url: string
  /** For people: where it listens and whose it is. */
  readonly where: string
  connect(): Promise<pg.Client>
  stop(): Promise<void>
}

/** How full the platform is. */
export type Filled = { readonly members: number; readonly memberships: number; readonly chapters: number }

/**
 * Starts the PostgreSQL from npm on a folder that stays, or takes the server that LEGACY_URL names.
 * @throws Error with a sentence
 */
export async function openLegacy(folder: string, given: string | undefined): Promise<Legacy> {
  if (given) {
    const { hostname, port, pathname } = addressOf(given)
    const where = `${hostname}:${port || 5432}${pathname}, given by LEGACY_URL`
    return { url: given, where, connect: () => connect(given), stop: async () => {} }
  }
  const portFile = `${folder}.port`
  const lastPort = Number(await readFile(portFile, 'utf8').catch(() => ''))
  // What was committed there must survive a power cut, as at any real source: flushed, unlike in tests.
  const settings = { fsync: 'on', full_page_writes: 'on' }
  const start = (port?: number) =>
    startPostgres({ folder, settings, database: 'legacy', existing: null, ...(port === undefined ? {} : { port }) })
  const server = await (lastPort > 0 ? start(lastPort).catch(() => start()) : start())
  await writeFile(portFile, `${server.port}\n`)
  return {
    url: server.url,
    where: `127.0.0.1:${server.port}/legacy`,
    connect: () => connect(server.url),
    stop: () => server.stop(),
  }
}

function addressOf(url: string): URL {
  const address = URL.parse(url)
  if (address === null || !/^postgres(ql)?:$/.test(address.protocol))
    throw new Error('LEGACY_URL is not an address of the form postgres://user:password@host:5432/database.')
  return address
}

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url, application_name: 'members example' })
  client.on('error', () => {}) // the query in hand tells
  try {
    await client.connect()
  } catch (error) {
    const { host } = addressOf(url)
    throw new Error(`PostgreSQL at ${host} does not let us in: ${(error as Error).message}.`)
  }
  return client
}

/**
 * Makes the schema and fills it when it is empty; what an interrupted start left is nothing or everything. Answers what is
 * there, and what was made now.
 */
export async function fill(
  client: pg.Client,
  members: number,
  onProgress: (done: number, total: number) => void,
): Promise<{ readonly filled: Filled; readonly seeded: SeedReport | null }> {
  await createSchema(client)
  const found = await count(client)
  if (found.members > 0) return { filled: found, seeded: null }
  const seeded = await seedMembers(client, { members, seed: 1, onProgress })
  return { filled: await count(client), seeded }
}

async function count(client: pg.Client): Promise<Filled> {
  const { rows } = await client.query<Filled>(
    `SELECT (SELECT count(*)::int FROM members_db.members) AS members,
       (SELECT count(*)::int FROM members_db.memberships) AS memberships,
       (SELECT count(*)::int FROM members_db.chapters) AS chapters`,
  )
  return rows[0]!
}

/** Keeps what the generator meant, so that later starts can compare with it too. */
export const keepSeed = (folder: string, report: SeedReport): Promise<void> =>
  writeFile(join(folder, 'seed.json'), `${JSON.stringify(report)}\n`)

/** What the generator meant when this platform was made; null for one that it did not make. */
export async function keptSeed(folder: string): Promise<SeedReport | null> {
  const text = await readFile(join(folder, 'seed.json'), 'utf8').catch(() => null)
  return text === null ? null : (JSON.parse(text) as SeedReport)
}
