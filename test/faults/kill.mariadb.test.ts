import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startMariadb } from '../../src/testing/mariadb.ts'
import { killAgain } from './kill.ts'

const seed = Number(process.env['SYNCLINE_SEED'] ?? 20_261_122)

test('5 kills at random moments under live writes on MariaDB lose nothing: cascades, key changes, REPLACE, XA, rotations, a restart', {
  timeout: 180_000,
}, async (t) => {
  t.diagnostic(`seed ${seed}; SYNCLINE_SEED=<n> replays another`)
  await using server = await startMariadb({ existing: null })
  const report = await killAgain(server, { seed, kills: 5 })
  t.diagnostic(JSON.stringify({ ...report, problems: report.problems.length }))
  assert.deepEqual(report.problems, [], `seed ${seed}`)
  assert.ok(report.transactions > 50, JSON.stringify(report))
  assert.ok(report.disturbed.restarted > 0 && report.disturbed.decided > 0, JSON.stringify(report))
})
