import { after } from 'node:test'
import { type Mysql, startMysql, withoutMysql } from '../../../testing/mysql.ts'
import { charsetSuite } from './charsets.fake.ts'

for (const release of ['9', '8.0', '5.7'] as const) {
  let server: Promise<Mysql> | null = null
  const started = () => {
    server ??= startMysql({ existing: null, release })
    return server
  }
  after(async () => (await server)?.stop())
  charsetSuite(`MySQL ${release}: `, started, await withoutMysql(release))
}
