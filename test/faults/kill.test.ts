import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startPostgres } from '../../src/testing/postgres.ts'
import { killAgain } from './kill.ts'

const seed = Number(process.env['SYNCLINE_SEED'] ?? 20_240_607)

test('20 kills at random moments under live writes lose nothing', { timeout: 180_000 }, async (t) => {
  t.diagnostic(`seed ${seed}; SYNCLINE_SEED=<n> replays another`)
  await using server = await startPostgres()
  const report = await killAgain(server, { seed, kills: 20 })
  t.diagnostic(JSON.stringify({ ...report, problems: report.problems.length }))
  assert.deepEqual(report.problems, [], `seed ${seed}`)
  // A run that never met a snapshot, a live change or a request under way would prove nothing.
  assert.ok(report.inSnapshot > 0 && report.live > 0, `kills: ${JSON.stringify(report)}`)
  assert.ok(report.transactions > 100)
  assert.ok(report.recovered > 0, 'no start found a request under way')
})
