import { readFile } from 'node:fs/promises'
import mysql from 'mysql2/promise'
import { type Platform, transaction } from './platform.ts'

const instant = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d(?:\.\d+)?)Z$/

/**
 * Connects to a legacy platform on MariaDB.
 * @throws what the client throws
 */
export async function connectMariadb(url: string): Promise<Platform> {
  const { hostname, port, username, password } = new URL(url)
  const client = await mysql.createConnection({
    host: hostname,
    port: Number(port || 3306),
    user: decodeURIComponent(username),
    password: decodeURIComponent(password),
    charset: 'utf8mb4',
    timezone: 'Z',
    dateStrings: true,
    decimalNumbers: false,
    supportBigNumbers: true,
  })
  client.on('error', () => {}) // the query in hand tells
  await client.query("SET time_zone = '+00:00', sql_mode = concat(@@sql_mode, ',PIPES_AS_CONCAT')")
  /** $1 may occur more than once; `?` may not. */
  const ask = async (sql: string, parameters: readonly unknown[] = []) => {
    const values: unknown[] = []
    const positional = sql.replaceAll(/\$(\d+)/g, (_, number) => {
      values.push(written(parameters[Number(number) - 1]))
      return '?'
    })
    return (await client.query(positional, values))[0]
  }
  return {
    rows: async <T extends object>(sql: string, parameters?: readonly unknown[]) =>
      (await ask(sql, parameters)) as unknown as T[],
    change: async (sql, parameters) => ((await ask(sql, parameters)) as { affectedRows: number }).affectedRows,
    async insert(table, rows) {
      if (rows.length === 0) return
      const columns = Object.keys(rows[0]!)
      const values = rows.map((row) => columns.map((column) => written((row as Record<string, unknown>)[column])))
      await client.query(`INSERT INTO members_db.${table} (${columns.join(', ')}) VALUES ?`, [values])
    },
    async createSchema() {
      const text = await readFile(new URL('./schema.mariadb.sql', import.meta.url), 'utf8')
      for (const statement of text.split(/;\s*$/m)) if (/^\s*CREATE/m.test(statement)) await client.query(statement)
    },
    async nextMemberId() {
      return Number(((await ask('SELECT NEXTVAL(members_db.member_ids) AS id')) as { id: number }[])[0]!.id)
    },
    async afterSeeding() {
      const [found] = (await ask('SELECT coalesce(max(id), 0) AS id FROM members_db.members')) as { id: number }[]
      await client.query(`ALTER SEQUENCE members_db.member_ids RESTART WITH ${Number(found!.id) + 1}`)
      await client.query('ANALYZE TABLE members_db.chapters, members_db.members, members_db.memberships')
    },
    later: (date, days) => `(${date} + INTERVAL ${days} DAY)`,
    inTransaction: (work) => transaction((sql) => client.query(sql), work),
    async [Symbol.asyncDispose]() {
      await client.end()
    },
  }
}

/** A value as MariaDB reads it: instants without their zone, which is the session's. */
function written(value: unknown): unknown {
  if (typeof value === 'boolean') return value ? 1 : 0
  if (typeof value !== 'string') return value ?? null
  const match = instant.exec(value)
  return match === null ? value : `${match[1]} ${match[2]}`
}
