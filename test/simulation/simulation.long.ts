import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describeFailure } from './seeds.ts'
import { simulate } from './simulate.ts'

/** `npm run test:simulation`: more seeds than `npm test` has time for, after those that it runs; half as many with duplicates. */
const FIRST = Number(process.env['SYNCLINE_SIMULATION_FIRST'] ?? 2_001)
const SEEDS = Number(process.env['SYNCLINE_SIMULATION_SEEDS'] ?? 20_000)

const runs = [
  { what: 'histories', seeds: SEEDS, withTwins: false },
  { what: 'histories with duplicates', seeds: Math.ceil(SEEDS / 2), withTwins: true },
]

for (const { what, seeds, withTwins } of runs)
  test(`${seeds} ${what} from seed ${FIRST} on keep every promise`, { timeout: 7_200_000 }, async (context) => {
    const failing: string[] = []
    let crashes = 0
    let entries = 0
    for (let seed = FIRST; seed < FIRST + seeds; seed++) {
      const verdict = await simulate(seed, {}, withTwins)
      crashes += verdict.crashes
      entries += verdict.entries
      if (verdict.problems.length > 0) failing.push(describeFailure(verdict))
      if ((seed - FIRST + 1) % 1_000 === 0)
        context.diagnostic(`${seed - FIRST + 1} of ${seeds}, ${failing.length} failing`)
    }
    context.diagnostic(`${entries} entries, ${crashes} crashes`)
    assert.deepEqual(failing.slice(0, 3), [], `${failing.length} of ${seeds} seeds fail`)
  })
