/** The contract of a source on the servers that only the longer suites have. */
import { after, test } from 'node:test'
import { sourceContract } from '../../src/testing/contract/source.ts'
import { startMariadb, withoutMariadb } from '../../src/testing/mariadb.ts'
import { startMysql, withoutMysql } from '../../src/testing/mysql.ts'
import type { Server } from '../../src/testing/mysql-server.ts'
import { mysqlSource } from './mysql.ts'

/** Without GTIDs positions are files and offsets, and what queries see is known by locks. */
const withoutGtids = { gtid_mode: 'OFF', enforce_gtid_consistency: 'OFF' }

const servers: readonly {
  readonly name: string
  readonly without: string | false
  readonly start: () => Promise<Server>
}[] = [
  ...(await Promise.all(
    (['9', '8.0', '5.7'] as const).flatMap((release) =>
      [{}, withoutGtids].map(async (settings) => ({
        name: `MySQL ${release}${settings === withoutGtids ? ' without GTIDs' : ''}`,
        without: await withoutMysql(release),
        start: () => startMysql({ existing: null, release, settings }),
      })),
    ),
  )),
  {
    name: 'MariaDB 11',
    without: await withoutMariadb('11'),
    start: () => startMariadb({ existing: null, release: '11' }),
  },
]

for (const { name, without, start } of servers) {
  if (without !== false) {
    test(name, { skip: without }, () => {})
    continue
  }
  let server: Promise<Server> | null = null
  const started = () => {
    server ??= start()
    return server
  }
  after(async () => (await server)?.stop())
  sourceContract(name, mysqlSource('mysql', started))
}
