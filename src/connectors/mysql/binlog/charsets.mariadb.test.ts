import { after } from 'node:test'
import { startMariadb, withoutMariadb } from '../../../testing/mariadb.ts'
import { charsetSuite } from './charsets.fake.ts'

const skip = await withoutMariadb()
const server = skip === false ? startMariadb() : null
after(async () => (await server)?.stop())

charsetSuite('', () => server as NonNullable<typeof server>, skip)
