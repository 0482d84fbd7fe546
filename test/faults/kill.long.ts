import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startPostgres } from '../../src/testing/postgres.ts'
import { killAgain } from './kill.ts'

/** Runs of 25 kills, each with a fresh database and its own seed: more first snapshots than one long run would meet. */
const runs = 8
const kills = 25
const seed = Number(process.env['SYNCLINE_SEED'] ?? Math.floor(Math.random() * 1e9))

for (let run = 0; run < runs; run++)
  test(`kills ${run * kills + 1} to ${(run + 1) * kills}, seed ${seed + run * 100}`, {
    timeout: 400_000,
  }, async (t) => {
    await using server = await startPostgres()
    const report = await killAgain(server.url, { seed: seed + run * 100, kills })
    t.diagnostic(JSON.stringify({ ...report, problems: report.problems.length }))
    assert.deepEqual(report.problems, [], `SYNCLINE_SEED=${seed + run * 100}`)
    assert.ok(report.live > 5 && report.recovered > 0, JSON.stringify(report))
  })
