import { startMariadb, withoutMariadb } from '../../testing/mariadb.ts'
import { readerSuite } from './reader.fake.ts'

await readerSuite(startMariadb, await withoutMariadb(), {
  uuid: ['uuid', "'00000000-0000-0000-0000-000000000001'", "'123e4567-e89b-12d3-a456-426655440000'"],
  inet6: ['inet6', "'::1'", "'2001:db8::ff00:42:8329'"],
  inet4: ['inet4', "'10.0.0.1'", "'192.168.0.1'"],
})
