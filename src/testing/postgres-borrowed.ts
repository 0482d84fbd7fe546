/** A database on a PostgreSQL server that is not ours: made for us and, unless it was named, dropped again. */
import { randomBytes } from 'node:crypto'
import pg from 'pg'
import type { Postgres } from './postgres.ts'

/**
 * Makes a database on the server behind `url`.
 * @param database Its name; kept at `stop`, and used as it is when it exists. Without it a random one is dropped at `stop`,
 *   with its replication slots.
 * @throws Error when the server cannot be reached, has another wal_level than `logical`, or refuses to make a database.
 */
export async function borrowDatabase(url: string, database?: string): Promise<Postgres> {
  const address = new URL(url)
  const where = `the PostgreSQL at ${address.hostname}:${address.port || 5432}`
  const name = database ?? `syncline_test_${randomBytes(6).toString('hex')}`
  await ask(url, where, async (client) => {
    const level = (await client.query<{ wal_level: string }>('SHOW wal_level')).rows[0]!.wal_level
    if (level !== 'logical') {
      throw new Error(
        `it runs with wal_level=${level} and has to run with wal_level=logical: ALTER SYSTEM SET wal_level = 'logical', then restart it`,
      )
    }
    await create(client, name)
  })
  address.pathname = `/${encodeURIComponent(name)}`
  let isDropped = database !== undefined
  const stop = async () => {
    if (isDropped) return
    isDropped = true
    await ask(url, where, (client) => drop(client, name))
  }
  const refuse = async () => {
    throw new Error(`${where} is not ours to stop; this needs a server of our own (existing: null).`)
  }
  return {
    url: address.href,
    port: Number(address.port || 5432),
    folder: '',
    owned: false,
    stop,
    [Symbol.asyncDispose]: stop,
    kill: refuse,
    restart: refuse,
  }
}

/** Makes a database on the server behind `url` if it is not there. */
export async function makeDatabase(url: string, name: string): Promise<void> {
  await ask(url, `the PostgreSQL at ${new URL(url).host}`, (client) => create(client, name))
}

async function create(client: pg.Client, name: string): Promise<void> {
  const found = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [name])
  if (found.rowCount === 0) await client.query(`CREATE DATABASE ${pg.escapeIdentifier(name)}`)
}

async function drop(client: pg.Client, name: string): Promise<void> {
  await client.query(
    'SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE database = $1 AND active',
    [name],
  )
  for (let attempts = 50; attempts > 0; attempts--) {
    await client.query(
      'SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = $1 AND NOT active',
      [name],
    )
    const left = await client.query('SELECT 1 FROM pg_replication_slots WHERE database = $1', [name])
    if (left.rowCount === 0) break
    await client.query('SELECT pg_sleep(0.1)')
  }
  await client.query(`DROP DATABASE IF EXISTS ${pg.escapeIdentifier(name)} WITH (FORCE)`)
}

async function ask(url: string, where: string, work: (client: pg.Client) => Promise<void>): Promise<void> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000 })
  client.on('error', () => {}) // a broken connection also rejects the query in hand
  try {
    await client.connect()
    await work(client)
  } catch (error) {
    throw new Error(`Cannot use ${where}: ${(error as Error).message}.`)
  } finally {
    await client.end().catch(() => {})
  }
}
