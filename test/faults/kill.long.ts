import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startMariadb } from '../../src/testing/mariadb.ts'
import { startPostgres } from '../../src/testing/postgres.ts'
import { killAgain } from './kill.ts'

/** Runs of 25 kills, each with a fresh database and its own seed: more first snapshots than one long run would meet. */
const kills = 25
const seed = Number(process.env['SYNCLINE_SEED'] ?? Math.floor(Math.random() * 1e9))
const kinds = [
  { name: 'PostgreSQL', runs: 8, start: startPostgres },
  { name: 'MariaDB', runs: 4, start: startMariadb },
] as const

for (const { name, runs, start } of kinds)
  for (let run = 0; run < runs; run++)
    test(`${name}: kills ${run * kills + 1} to ${(run + 1) * kills}, seed ${seed + run * 100}`, {
      timeout: 400_000,
    }, async (t) => {
      await using server = await start({ existing: null })
      const report = await killAgain(server, { seed: seed + run * 100, kills })
      t.diagnostic(JSON.stringify({ ...report, problems: report.problems.length }))
      assert.deepEqual(report.problems, [], `SYNCLINE_SEED=${seed + run * 100}`)
      // On a slow machine most of them meet the first snapshots.
      assert.ok(report.live > 0 && report.recovered > 0, JSON.stringify(report))
      const { rotated, restarted, decided } = report.disturbed
      if (name === 'MariaDB') assert.ok(rotated > 0 && restarted > 0 && decided > 0, JSON.stringify(report))
    })
