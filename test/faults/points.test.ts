import { describe } from 'node:test'
import { startPostgres } from '../../src/testing/postgres.ts'
import { crashesAt, points } from './points.ts'

describe('a crash at a named point skips nothing', { concurrency: 2 }, () => crashesAt(points, startPostgres))
