import type { Verdict } from './simulate.ts'

/** Seeds that failed once. They stay for ever. */
export const kept: readonly number[] = [
  4, 6, 10, 11, 15, 16, 17, 19, 20, 193, 217, 430, 447, 547, 732, 911, 1346, 1623, 2882, 7807, 11_997,
]

/** What a person needs to look into a failing seed. */
export const describeFailure = ({ seed, problems, last }: Verdict): string =>
  [
    `seed ${seed}: ${problems.join('; ')}`,
    `replay: SYNCLINE_SIMULATION_FIRST=${seed} SYNCLINE_SIMULATION_SEEDS=1 node --test test/simulation/simulation.test.ts`,
    ...last,
  ].join('\n  ')
