import { readFile } from 'node:fs/promises'
import pg from 'pg'
import { type Platform, transaction } from './platform.ts'

/**
 * Connects to a legacy platform on PostgreSQL.
 * @throws what the client throws
 */
export async function connectPostgres(url: string): Promise<Platform> {
  const client = new pg.Client({ connectionString: url, application_name: 'members example' })
  client.on('error', () => {}) // the query in hand tells
  await client.connect()
  return {
    rows: async <T extends object>(sql: string, parameters: readonly unknown[] = []) =>
      (await client.query<T>(sql, [...parameters])).rows,
    change: async (sql, parameters = []) => (await client.query(sql, [...parameters])).rowCount ?? 0,
    // JSON rather than VALUES: one parameter whatever the columns, and the server parses it faster than we could quote it.
    async insert(table, rows) {
      if (rows.length === 0) return
      const columns = Object.keys(rows[0]!).join(', ')
      await client.query(
        `INSERT INTO members_db.${table} (${columns})
           SELECT ${columns} FROM json_populate_recordset(NULL::members_db.${table}, $1)`,
        [JSON.stringify(rows)],
      )
    },
    async createSchema() {
      await client.query(await readFile(new URL('./schema.postgres.sql', import.meta.url), 'utf8'))
    },
    async nextMemberId() {
      const sql = "SELECT nextval(pg_get_serial_sequence('members_db.members', 'id'))::int AS id"
      return (await client.query<{ id: number }>(sql)).rows[0]!.id
    },
    async afterSeeding() {
      for (const table of ['members', 'memberships'])
        await client.query(
          `SELECT setval(pg_get_serial_sequence('members_db.${table}', 'id'), max(id)) FROM members_db.${table}`,
        )
      await client.query('ANALYZE members_db.chapters, members_db.members, members_db.memberships')
    },
    later: (date, days) => `(${date} + ${days})`,
    inTransaction: (work) => transaction((sql) => client.query(sql), work),
    async [Symbol.asyncDispose]() {
      await client.end()
    },
  }
}
