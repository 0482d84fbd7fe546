import { randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startMariadb } from '../../src/testing/mariadb.ts'
import { startPostgres } from '../../src/testing/postgres.ts'
import { type SeedReport, seedMembers } from './data/generate.ts'
import type { Platform } from './data/platform.ts'
import { connectMariadb } from './data/platform-mariadb.ts'
import { connectPostgres } from './data/platform-postgres.ts'

/** The database of the legacy platform, as `--source` names it. */
export type Kind = 'postgres' | 'mariadb'

/** The legacy platform of this run. */
export type Legacy = {
  /** With user and password: never shown. */
  readonly url: string
  /** For people: where it listens and whose it is. */
  readonly where: string
  connect(): Promise<Platform>
  /** The address for Syncline, once the tables are there: of a user that may read them and their log, and nothing else, where we may make one. */
  admit(): Promise<string>
  stop(): Promise<void>
}

/** How full the platform is. */
export type Filled = { readonly members: number; readonly memberships: number; readonly chapters: number }

/** Each database: its name, its server for this run, its client, and what it needs to survive a power cut. */
const kinds = {
  postgres: {
    name: 'PostgreSQL',
    schemes: /^postgres(ql)?:$/,
    port: 5432,
    example: 'postgres://user:password@host:5432/database',
    start: startPostgres,
    connect: connectPostgres,
    flushed: { fsync: 'on', full_page_writes: 'on' },
  },
  mariadb: {
    name: 'MariaDB',
    schemes: /^(mysql|mariadb):$/,
    port: 3306,
    example: 'mysql://user:password@host:3306/database',
    start: startMariadb,
    connect: connectMariadb,
    flushed: { sync_binlog: '1', innodb_flush_log_at_trx_commit: '1' },
  },
} as const

/** What people call it. */
export const nameOf = (kind: Kind): string => kinds[kind].name

/**
 * Starts the database on a folder that stays, or takes the server that LEGACY_URL names.
 * @throws Error with a sentence
 */
export async function openLegacy(kind: Kind, folder: string, given: string | undefined): Promise<Legacy> {
  const { port: usual, start: server, flushed } = kinds[kind]
  if (given) {
    const { hostname, port, pathname } = addressOf(kind, given)
    const where = `${hostname}:${port || usual}${pathname}, given by LEGACY_URL`
    return { url: given, where, connect: () => connect(kind, given), admit: async () => given, stop: async () => {} }
  }
  const portFile = `${folder}.port`
  const lastPort = Number(await readFile(portFile, 'utf8').catch(() => ''))
  // What was committed there must survive a power cut, as at any real source: flushed, unlike in tests.
  const start = (port?: number) =>
    server({ folder, settings: flushed, database: 'legacy', existing: null, ...(port === undefined ? {} : { port }) })
  const started = await (lastPort > 0 ? start(lastPort).catch(() => start()) : start())
  await writeFile(portFile, `${started.port}\n`)
  return {
    url: started.url,
    where: `127.0.0.1:${started.port}/legacy`,
    connect: () => connect(kind, started.url),
    admit: () => (kind === 'postgres' ? admitted(started.url) : Promise.resolve(started.url)),
    stop: () => started.stop(),
  }
}

/** What an administrator does for Syncline, as src/connectors/postgres/README.md has it; the password is a new one each time. */
async function admitted(url: string): Promise<string> {
  const password = randomBytes(18).toString('base64url')
  await using platform = await connectPostgres(url)
  for (const sql of [
    `DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'syncline') THEN CREATE ROLE syncline; END IF; END $$`,
    `ALTER ROLE syncline LOGIN REPLICATION PASSWORD '${password}'`,
    'GRANT USAGE ON SCHEMA members_db TO syncline',
    'GRANT SELECT ON ALL TABLES IN SCHEMA members_db TO syncline',
    `DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_publication WHERE pubname = 'syncline_legacy') THEN
       CREATE PUBLICATION syncline_legacy FOR TABLE ONLY members_db.members, ONLY members_db.memberships, ONLY members_db.chapters
         WITH (publish_via_partition_root = true);
     END IF; END $$`,
  ])
    await platform.change(sql)
  const address = new URL(url)
  address.username = 'syncline'
  address.password = password
  return address.href
}

function addressOf(kind: Kind, url: string): URL {
  const address = URL.parse(url)
  if (address === null || !kinds[kind].schemes.test(address.protocol))
    throw new Error(`LEGACY_URL is not an address of the form ${kinds[kind].example}.`)
  return address
}

async function connect(kind: Kind, url: string): Promise<Platform> {
  try {
    return await kinds[kind].connect(url)
  } catch (error) {
    throw new Error(`${nameOf(kind)} at ${addressOf(kind, url).host} does not let us in: ${(error as Error).message}.`)
  }
}

/**
 * Makes the schema and fills it when it is empty; what an interrupted start left is nothing or everything. Answers what is
 * there, and what was made now.
 */
export async function fill(
  platform: Platform,
  members: number,
  onProgress: (done: number, total: number) => void,
): Promise<{ readonly filled: Filled; readonly seeded: SeedReport | null }> {
  await platform.createSchema()
  const found = await count(platform)
  if (found.members > 0) return { filled: found, seeded: null }
  const seeded = await seedMembers(platform, { members, seed: 1, onProgress })
  return { filled: await count(platform), seeded }
}

async function count(platform: Platform): Promise<Filled> {
  const [found] = await platform.rows<{ members: string; memberships: string; chapters: string }>(
    `SELECT (SELECT count(*) FROM members_db.members) AS members,
       (SELECT count(*) FROM members_db.memberships) AS memberships,
       (SELECT count(*) FROM members_db.chapters) AS chapters`,
  )
  const { members, memberships, chapters } = found!
  return { members: Number(members), memberships: Number(memberships), chapters: Number(chapters) }
}

/** Keeps what the generator meant, so that later starts can compare with it too. */
export const keepSeed = (folder: string, report: SeedReport): Promise<void> =>
  writeFile(join(folder, 'seed.json'), `${JSON.stringify(report)}\n`)

/** What the generator meant when this platform was made; null for one that it did not make. */
export async function keptSeed(folder: string): Promise<SeedReport | null> {
  const text = await readFile(join(folder, 'seed.json'), 'utf8').catch(() => null)
  return text === null ? null : (JSON.parse(text) as SeedReport)
}
