import type { Verdict } from './simulate.ts'

/** Seeds that failed once. They stay for ever. */
export const kept: readonly number[] = []

/** What a person needs to look into a failing seed. */
export const describeFailure = ({ seed, problems, last }: Verdict): string =>
  [
    `seed ${seed}: ${problems.join('; ')}`,
    `replay: SYNCLINE_SIMULATION_FIRST=${seed} SYNCLINE_SIMULATION_SEEDS=1 node --test test/simulation/simulation.test.ts`,
    ...last,
  ].join('\n  ')
