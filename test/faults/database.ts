/** The legacy side's databases: what writers and oracles of the fault tests need of PostgreSQL and of MariaDB. */
import { randomBytes } from 'node:crypto'
import mysql from 'mysql2/promise'
import pg from 'pg'

/** What the legacy side runs on. */
export type Kind = 'postgres' | 'mariadb'

/**
 * One connection. SQL is what both databases understand; `legacy` in it is the schema of the world's tables. Rejects with what the
 * client throws.
 */
export interface Session {
  readonly kind: Kind
  rows<T extends object>(sql: string): Promise<T[]>
  /** Runs one statement; answers how many rows it changed. */
  change(sql: string): Promise<number>
  end(): Promise<void>
}

/** A database of its own on a running server; disposing drops it. */
export interface Database extends AsyncDisposable {
  readonly kind: Kind
  readonly url: string
  readonly name: string
  /** In which `legacy`'s tables are, as the configuration names them. */
  readonly schema: string
  connect(): Promise<Session>
}

/** The words in which the two differ. */
export const dialects = {
  postgres: {
    next: (sequence: string) => `nextval('legacy.${sequence}')`,
    /** Rows of one column `n`, from 1 to `last`. */
    numbers: (last: number) => `generate_series(1, ${last}) n`,
    later: (date: string, days: string) => `date '${date}' + (${days})::integer`,
    /** Long texts that updates of other columns leave out of the change log. */
    outOfLine: (table: string, column: string) => [
      `ALTER TABLE legacy.${table} ALTER COLUMN ${column} SET STORAGE EXTERNAL`,
    ],
    schema: ['CREATE SCHEMA legacy'],
    /** Deadlock; two writers made the same key; the member of a new card was deleted meanwhile. */
    losing: ['40P01', '23505', '23503'],
  },
  mariadb: {
    next: (sequence: string) => `NEXTVAL(legacy.${sequence})`,
    numbers: (last: number) => `(SELECT seq AS n FROM seq_1_to_${last}) AS numbers`,
    later: (date: string, days: string) => `date '${date}' + INTERVAL (${days}) DAY`,
    outOfLine: () => [],
    schema: [],
    /** The same, and a lock that was not to be had in time. */
    losing: ['ER_LOCK_DEADLOCK', 'ER_DUP_ENTRY', 'ER_NO_REFERENCED_ROW_2', 'ER_LOCK_WAIT_TIMEOUT'],
  },
} as const

/** Makes a database on the server that the URL leads to. */
export async function makeDatabase(serverUrl: string): Promise<Database> {
  const name = `faults_${randomBytes(6).toString('hex')}`
  const url = new URL(serverUrl)
  url.pathname = `/${name}`
  return url.protocol === 'mysql:' ? makeMariadb(serverUrl, url.href, name) : makePostgres(serverUrl, url.href, name)
}

async function makePostgres(serverUrl: string, url: string, name: string): Promise<Database> {
  const admin = await connected(serverUrl)
  await admin.query(`CREATE DATABASE ${name}`)
  await admin.end()
  return {
    kind: 'postgres',
    url,
    name,
    schema: 'legacy',
    async connect() {
      const client = await connected(url)
      return {
        kind: 'postgres',
        rows: async <T extends object>(sql: string) => (await client.query<T>(sql)).rows,
        change: async (sql) => (await client.query(sql)).rowCount ?? 0,
        end: () => client.end(),
      }
    },
    [Symbol.asyncDispose]: () => dropPostgres(serverUrl, name),
  }
}

/** On MariaDB a schema is a database: `legacy` is the world's own. */
async function makeMariadb(serverUrl: string, url: string, name: string): Promise<Database> {
  const admin = await mysql.createConnection(serverUrl)
  await admin.query(`CREATE DATABASE ${name} CHARACTER SET utf8mb4`)
  await admin.end()
  return {
    kind: 'mariadb',
    url,
    name,
    schema: name,
    async connect() {
      const client = await mysql.createConnection({ uri: url, dateStrings: true, supportBigNumbers: true })
      client.on('error', () => {}) // the query in hand tells
      const ask = async (sql: string) => (await client.query(sql.replaceAll('legacy.', `${name}.`)))[0]
      await ask("SET sql_mode = concat(@@sql_mode, ',PIPES_AS_CONCAT'), innodb_lock_wait_timeout = 1")
      await ask('SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED') // PostgreSQL's
      return {
        kind: 'mariadb',
        rows: async <T extends object>(sql: string) => (await ask(sql)) as unknown as T[],
        change: async (sql) => ((await ask(sql)) as { affectedRows: number }).affectedRows,
        end: () => client.end(),
      }
    },
    async [Symbol.asyncDispose]() {
      const last = await mysql.createConnection(serverUrl).catch(() => null)
      if (last === null) return // the server went first, with everything in it
      await last.query(`DROP DATABASE ${name}`)
      await last.end()
    },
  }
}

/** A client of PostgreSQL that does not end the process when its server dies. */
export async function connected(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  return client
}

async function dropPostgres(serverUrl: string, name: string): Promise<void> {
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
