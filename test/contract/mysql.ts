/** MySQL and MariaDB under the contract of a source. */
import mysql from 'mysql2/promise'
import { type Connector, connectors } from '../../src/connectors/index.ts'
import { systemClock } from '../../src/std/clock.ts'
import { systemRandom } from '../../src/std/random.ts'
import type { SourceUnderTest, SourceWrite } from '../../src/testing/contract/source.ts'
import type { Server } from '../../src/testing/mysql-server.ts'

const mysqlSql = (write: SourceWrite): [string, unknown[]] => {
  switch (write.op) {
    case 'insert':
      return ['INSERT INTO members VALUES (?, ?, ?)', [write.id, write.name, write.team]]
    case 'rename':
      return ['UPDATE members SET name = ? WHERE id = ?', [write.name, write.id]]
    case 'rekey':
      return ['UPDATE members SET id = ? WHERE id = ?', [write.to, write.id]]
    case 'delete':
      return ['DELETE FROM members WHERE id = ?', [write.id]]
    default:
      return write satisfies never
  }
}

let databases = 0

/** A database on a real server, opened by either name of the connector. */
export const mysqlSource =
  (type: 'mysql' | 'mariadb', start: () => Promise<Server>) => async (): Promise<SourceUnderTest> => {
    const url = new URL((await start()).url)
    const schema = `contract_${process.pid}_${++databases}`
    const connect = () => mysql.createConnection({ uri: url.href })
    const [client, beside] = [await connect(), await connect()]
    await client.query(`CREATE DATABASE ${schema} CHARACTER SET utf8mb4`)
    await client.query(`CREATE TABLE ${schema}.members (id int PRIMARY KEY, name varchar(100), team varchar(100))`)
    for (const each of [client, beside]) await each.query(`USE ${schema}`)
    const begin = async (by: typeof client, writes: readonly SourceWrite[]) => {
      await by.query('BEGIN')
      for (const write of writes) await by.query(...mysqlSql(write))
      return async () => {
        await by.query('COMMIT')
      }
    }
    url.pathname = `/${schema}`
    return {
      table: `${schema}.members`,
      missing: `${schema}.nowhere`,
      open: (tables) =>
        (connectors[type] as Connector).openSource(
          schema,
          { url: url.href, chunkRows: 5, bufferRows: 100, heartbeat_ms: 200 },
          { clock: systemClock, random: systemRandom },
          tables.map((name) => ({ name })),
        ),
      write: async (writes) => (await begin(client, writes))(),
      begin: (writes) => begin(beside, writes),
      async clean() {
        await client.query(`DROP DATABASE ${schema}`)
        await client.end()
        await beside.end()
      },
    }
  }
