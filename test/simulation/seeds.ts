import type { Verdict } from './simulate.ts'

/** Seeds that failed once, before journals had bounds and changes could wait: they keep their histories. They stay for ever. */
export const keptPlain: readonly number[] = [
  4, 6, 10, 11, 15, 16, 17, 19, 20, 193, 217, 430, 447, 547, 732, 911, 1346, 1623, 2882, 7807, 11_997,
]

/** Seeds that failed since, before external ids were drawn. */
export const kept: readonly number[] = [88, 502, 1015, 1380, 1822, 1994, 8622]

/** Seeds that failed since external ids are made of more than keys, and keys come back. */
export const keptIds: readonly number[] = [
  2, 4, 17, 31, 41, 44, 62, 69, 94, 102, 122, 124, 170, 187, 246, 323, 480, 682, 1034, 1583, 4577,
]

/** The same, of histories with duplicates, before those had bounds, waiting, and external ids of every kind. */
export const keptTwins: readonly number[] = [
  5, 11, 30, 47, 58, 96, 107, 108, 161, 176, 186, 289, 334, 571, 577, 604, 649, 1071, 1235, 1781, 2219, 2337, 2434,
]

/** Since they have them. */
export const keptTwinIds: readonly number[] = [
  63, 69, 167, 272, 389, 594, 713, 757, 1402, 1847, 1860, 5129, 6803, 6976, 8607,
]

/** And since records are merged inside the CRM. */
export const keptMerges: readonly number[] = [1212, 2219, 4933, 6243]

/** What a person needs to look into a failing seed. */
export const describeFailure = ({ seed, problems, last }: Verdict): string =>
  [
    `seed ${seed}: ${problems.join('; ')}`,
    `replay: SYNCLINE_SIMULATION_FIRST=${seed} SYNCLINE_SIMULATION_SEEDS=1 node --test test/simulation/simulation.test.ts`,
    ...last,
  ].join('\n  ')
