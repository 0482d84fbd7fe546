import { after } from 'node:test'
import { type Mysql, startMysql, withoutMysql } from '../../testing/mysql.ts'
import { snapshotSuite } from './snapshot.fake.ts'
import { alteredSuite } from './snapshot-altered.fake.ts'

const withoutGtids = { gtid_mode: 'OFF', enforce_gtid_consistency: 'OFF' }

for (const [title, release, settings] of [
  ['MySQL 9', '9', {}],
  ['MySQL 9 with compressed transactions', '9', { binlog_transaction_compression: 'ON' }],
  ['MySQL 9 without GTIDs', '9', withoutGtids],
  ['MySQL 8.0', '8.0', {}],
  ['MySQL 8.0 without GTIDs', '8.0', withoutGtids],
  ['MySQL 5.7', '5.7', {}],
  ['MySQL 5.7 without GTIDs', '5.7', withoutGtids],
] as const) {
  let server: Promise<Mysql> | null = null
  const started = () => {
    server ??= startMysql({ existing: null, release, settings })
    return server
  }
  after(async () => (await server)?.stop())
  if (release !== '5.7') alteredSuite(`${title}: `, started, await withoutMysql(release)) // its log does not name columns
  snapshotSuite(`${title}: `, started, await withoutMysql(release))
}
