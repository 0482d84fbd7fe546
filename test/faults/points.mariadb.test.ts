import { describe } from 'node:test'
import { startMariadb } from '../../src/testing/mariadb.ts'
import { crashesAt, points } from './points.ts'

/** Those at which the source matters; behind the journal all sources are alike. */
const ofSource = points.filter(({ point }) => /^(journal|source)\./.test(point))

describe('a crash at a named point skips nothing on MariaDB', { concurrency: 2 }, () =>
  crashesAt(ofSource, startMariadb),
)
