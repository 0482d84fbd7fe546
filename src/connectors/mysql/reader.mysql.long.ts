import { startMysql, withoutMysql } from '../../testing/mysql.ts'
import { readerSuite } from './reader.fake.ts'

for (const release of ['9', '8.0', '5.7'] as const)
  await readerSuite(() => startMysql({ release }), await withoutMysql(release))
