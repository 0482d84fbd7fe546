/** For the tests of this folder: databases on one real server, and a reader that does what a journal does. */
import pg from 'pg'
import type { Source } from '../../model/source.ts'
import { systemClock } from '../../std/clock.ts'
import { systemRandom } from '../../std/random.ts'
import { type Journal, reading } from '../sql/reading.fake.ts'
import type { PostgresOptions } from './options.ts'
import { openPostgres, type TableNeed } from './source.ts'

/** A database of its own on the server. */
export interface Database extends AsyncDisposable {
  readonly url: string
  readonly name: string
  readonly client: pg.Client
  /** Runs SQL; the rows as arrays. */
  sql(text: string, values?: unknown[]): Promise<unknown[][]>
  /** A source on it. Short intervals, so that tests need not wait. */
  source(tables: readonly (TableNeed | string)[], options?: Partial<PostgresOptions>): Source
}

/** A client that does not end the process when its server dies. */
export async function connected(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  return client
}

let count = 0

/** Makes a database; the end of its scope closes its sources and drops it with its slots. */
export async function database(serverUrl: string, more = ''): Promise<Database> {
  const name = `t${process.pid}${String(++count).padStart(4, '0')}` // files of tests may share one server
  const admin = await connected(serverUrl)
  await admin.query(`CREATE DATABASE ${name} ${more}`)
  await admin.end()
  const url = new URL(serverUrl)
  url.pathname = `/${name}`
  const client = await connected(url.href)
  const sources: Source[] = []
  return {
    url: url.href,
    name,
    client,
    async sql(text, values) {
      const answer = await client.query({ text, rowMode: 'array', ...(values ? { values } : {}) })
      const last = Array.isArray(answer) ? answer.at(-1) : answer
      return last.rows
    },
    source(tables, options = {}) {
      const needs = tables.map((table) => (typeof table === 'string' ? { name: table } : table))
      const settings = { name, url: url.href, heartbeat_ms: 200, statusInterval_ms: 500, ...options }
      const source = openPostgres(settings, { clock: systemClock, random: systemRandom }, needs)
      sources.push(source)
      return source
    },
    async [Symbol.asyncDispose]() {
      for (const source of sources) await source.close()
      await client.end().catch(() => {})
      const last = await connected(serverUrl).catch(() => null)
      if (last === null) return
      await last.query(
        `SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE database = $1 AND active_pid IS NOT NULL`,
        [name],
      )
      for (let tries = 0; tries < 50; tries++) {
        const left = await last
          .query(`SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = $1`, [name])
          .catch(() => null)
        if (left !== null) break
        await systemClock.sleep(20)
      }
      await last.query(`DROP DATABASE ${name} WITH (FORCE)`)
      await last.end()
    },
  }
}

/** Reads a little and closes: a journal with a position, and a slot that nobody holds. */
export async function begun(db: Database, tables: string[]): Promise<Journal> {
  const journal = await readOnce(db, tables)
  // The server takes a moment to notice that the connection is gone.
  for (let tries = 0; tries < 200; tries++) {
    const held = await db.sql('SELECT 1 FROM pg_replication_slots WHERE database = current_database() AND active')
    if (held.length === 0) return journal
    await systemClock.sleep(25)
  }
  throw new Error('the server holds the slot of a reader that closed five seconds ago')
}

async function readOnce(db: Database, tables: string[]): Promise<Journal> {
  await using read = await reading(db.source(tables))
  await read.caughtUp()
  return read.journal
}
