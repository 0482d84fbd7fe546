/** For the tests of this folder: a database with a writer, and sources on it. */
import mysql from 'mysql2/promise'
import type { Change } from '../../model/change.ts'
import type { Source } from '../../model/source.ts'
import { systemClock } from '../../std/clock.ts'
import { systemRandom } from '../../std/random.ts'
import type { Server } from '../../testing/mysql-server.ts'
import { type Journal, reading } from '../sql/reading.fake.ts'
import type { MysqlOptions } from './options.ts'
import { openMysql, type TableNeed } from './source.ts'

/** A database of its own on the server. */
export interface Legacy extends AsyncDisposable {
  readonly url: string
  readonly name: string
  /** Runs statements, one after the other, in one session; the rows of the last as arrays. */
  sql(text: string): Promise<unknown[][]>
  /** A further session. */
  session(): Promise<mysql.Connection>
  /** A source on it. Short intervals, so that tests need not wait. */
  source(tables: readonly (TableNeed | string)[], options?: Partial<MysqlOptions>): Source
}

let count = 0

/** A session that does not end the process when its server dies. */
export async function sessionOn(url: string): Promise<mysql.Connection> {
  const session = await mysql.createConnection({ uri: url, multipleStatements: true, rowsAsArray: true })
  session.on('error', () => {})
  return session
}

/** Makes a database; the end of its scope closes its sources and drops it. */
export async function legacy(server: Pick<Server, 'url'>): Promise<Legacy> {
  const name = `l${process.pid}_${++count}` // files of tests may share one server
  const url = new URL(server.url)
  const admin = await sessionOn(url.href)
  await admin.query(`CREATE DATABASE ${name} CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci`)
  await admin.end()
  url.pathname = `/${name}`
  const sessions: mysql.Connection[] = []
  const sources: Source[] = []
  const session = async () => {
    const made = await sessionOn(url.href)
    sessions.push(made)
    return made
  }
  let own: mysql.Connection | null = null
  const sql = async (text: string): Promise<unknown[][]> => {
    // The server may have been restarted since.
    if (own !== null)
      own = await own.ping().then(
        () => own,
        () => null,
      )
    own ??= await session()
    const [answer] = await own.query(text)
    const last = Array.isArray(answer) && Array.isArray((answer as unknown[]).at(-1)) ? (answer as unknown[]) : []
    return (Array.isArray((last[0] as unknown[])?.[0]) ? last.at(-1) : last) as unknown[][]
  }
  return {
    url: url.href,
    name,
    sql,
    session,
    source(tables, options = {}) {
      const needs = tables.map((table) => (typeof table === 'string' ? { name: table } : table))
      const settings = { name, url: url.href, heartbeat_ms: 150, ...options }
      const source = openMysql(settings, { clock: systemClock, random: systemRandom }, needs)
      sources.push(source)
      return source
    },
    async [Symbol.asyncDispose]() {
      for (const source of sources) await source.close()
      for (const each of sessions) each.destroy()
      const last = await sessionOn(url.href).catch(() => null) // the test may have stopped the server
      await last?.query(`DROP DATABASE IF EXISTS ${name}`).catch(() => {})
      await last?.end()
    },
  }
}

/** Rows of one column `seq` from 1 to `last`, below 100,000, to select from on any server. */
export function numbers(last: number): string {
  const digit =
    '(SELECT 0 AS n UNION SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4 UNION SELECT 5 UNION SELECT 6 UNION SELECT 7 UNION SELECT 8 UNION SELECT 9)'
  const [a, b, c, d, e] = ['a', 'b', 'c', 'd', 'e']
  return `(SELECT ${a}.n + 10 * ${b}.n + 100 * ${c}.n + 1000 * ${d}.n + 10000 * ${e}.n AS seq FROM ${[a, b, c, d, e].map((name) => `${digit} ${name}`).join(', ')} HAVING seq BETWEEN 1 AND ${last} ORDER BY seq) numbers`
}

/** Deletes all files of the log but the last. The server takes a moment to be done with a file. */
export async function purge(db: Legacy): Promise<void> {
  await db.sql('FLUSH LOGS')
  for (let tries = 0; tries < 200; tries++) {
    const files = await db.sql('SHOW BINARY LOGS')
    if (files.length === 1) return
    await db.sql(`PURGE BINARY LOGS TO '${files.at(-1)?.[0]}'`)
    await systemClock.sleep(25)
  }
  throw new Error('the server keeps a file of its log that nobody reads')
}

/** Reads what there is and closes: a journal with a position. */
export async function readOnce(db: Legacy, tables: string[], journal?: Journal): Promise<Journal> {
  const source = db.source(tables)
  try {
    await using read = await reading(source, journal)
    await read.caughtUp()
    return read.journal
  } finally {
    await source.close()
  }
}

/** `update ["1"] name=a`: what happened to whom, and the columns that are named. */
export function told({ op, oldKey, key, row }: Change, ...columns: string[]): string {
  const values = columns.flatMap((column) => (row !== undefined && column in row ? [`${column}=${row[column]}`] : []))
  return [op, ...(oldKey === undefined ? [] : [oldKey]), key, ...values].join(' ')
}

/** The tables that stopped: `members gap`. */
export function stopped(journal: Journal): string[] {
  return journal.events.flatMap((event) =>
    event.kind === 'table' ? [`${event.table.replace(/^.*\./, '')} ${event.state}`] : [],
  )
}
