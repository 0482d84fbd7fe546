/** Numbers of `train`: what levels say of how pairs came to be. Pure. */

/** A combination of levels (places in `levelsOf`, -1 where a value is missing) and how often it was seen. */
export interface Pattern {
  readonly levels: readonly number[]
  readonly count: number
  /** What a person decided of pairs of this pattern, where one did. */
  readonly same?: boolean
  /** Whether it is so unlike by the starting weights that it cannot teach what the same look like. */
  readonly isFar?: boolean
}

/** For each field the share of each level. */
export type Shares = readonly (readonly number[])[]

/** The sorts of pairs: the same, relatives, and strangers that met in a block for some likeness. */
export interface Classes {
  readonly m: Shares
  readonly r: Shares
  readonly v: Shares
}

/** What was estimated. */
export interface Estimate extends Classes {
  /** Expected numbers of pairs of each sort. */
  readonly pairs: { readonly m: number; readonly r: number; readonly v: number }
  readonly rounds: number
}

const names = ['m', 'r', 'v'] as const
/** How many pairs the starting values are worth. */
const worth = { m: 40, v: 5 } as const
const roundsMax = 60
const settled = 1e-4

/**
 * Expectation and maximisation over unlabelled pairs (Dempster, Laird, Rubin 1977; Winkler 1988 for record linkage): each round
 * says how likely each pattern is of each sort, and then what each sort looks like. The starting values stay in as if they were
 * pairs that had been seen, so that little data moves them little; those of relatives stay as they are. Deterministic.
 */
export function estimate(patterns: readonly Pattern[], start: Classes): Estimate {
  let now: Classes = start
  let share = { m: 0.2, r: 0.2, v: 0.6 }
  let rounds = 0
  for (; rounds < roundsMax; rounds++) {
    const sums = { m: zeros(start.m), v: zeros(start.m) }
    const total = { m: 0, r: 0, v: 0 }
    for (const pattern of patterns) {
      const parts = partsOf(pattern, now, share)
      for (const name of names) {
        const weight = parts[name] * pattern.count
        // How many there are of each sort, only an unasked pair can tell.
        if (pattern.same === undefined) total[name] += weight
        if (name !== 'r') add(sums[name], pattern.levels, weight)
      }
    }
    const next: Classes = {
      m: shares(sums.m, start.m, worth.m),
      // What relatives share is much the same everywhere, and without a label they are easily taken for namesakes.
      r: start.r,
      v: shares(sums.v, start.v, worth.v),
    }
    const moved = Math.max(difference(now.m, next.m), difference(now.v, next.v))
    const all = total.m + total.r + total.v + 3
    now = next
    share = { m: (total.m + 1) / all, r: (total.r + 1) / all, v: (total.v + 1) / all }
    if (moved < settled) return { ...now, pairs: total, rounds: rounds + 1 }
    if (rounds === roundsMax - 1) return { ...now, pairs: total, rounds: roundsMax }
  }
  return { ...now, pairs: { m: 0, r: 0, v: 0 }, rounds }
}

/** How likely a pattern is of each sort. */
function partsOf(pattern: Pattern, now: Classes, share: { m: number; r: number; v: number }) {
  if (pattern.same === true) return { m: 1, r: 0, v: 0 }
  const logs = {
    m: Math.log(share.m) + likelihood(pattern.levels, now.m),
    r: Math.log(share.r) + likelihood(pattern.levels, now.r),
    v: Math.log(share.v) + likelihood(pattern.levels, now.v),
  }
  if (pattern.same === false || pattern.isFar === true) logs.m = Number.NEGATIVE_INFINITY
  const top = Math.max(logs.m, logs.r, logs.v)
  const [m, r, v] = [Math.exp(logs.m - top), Math.exp(logs.r - top), Math.exp(logs.v - top)]
  const sum = m + r + v
  return { m: m / sum, r: r / sum, v: v / sum }
}

function likelihood(levels: readonly number[], of: Shares): number {
  let sum = 0
  for (let field = 0; field < levels.length; field++) {
    const level = levels[field]!
    if (level >= 0) sum += Math.log(of[field]![level]!)
  }
  return sum
}

const zeros = (like: Shares): number[][] => like.map((levels) => levels.map(() => 0))

/** Adds a pattern to the sums of a sort. */
export function add(sums: number[][], levels: readonly number[], weight: number): void {
  for (let field = 0; field < levels.length; field++) {
    const level = levels[field]!
    if (level >= 0) sums[field]![level]! += weight
  }
}

/** Shares from sums, with starting shares that are worth so many pairs; never zero. */
export function shares(sums: readonly (readonly number[])[], start: Shares, pairs: number): number[][] {
  return sums.map((levels, field) => {
    const total = levels.reduce((sum, one) => sum + one, 0) + pairs
    return levels.map((one, level) => Math.max(1e-7, (one + pairs * start[field]![level]!) / total))
  })
}

function difference(a: Shares, b: Shares): number {
  let most = 0
  for (const [field, levels] of a.entries())
    for (const [level, share] of levels.entries()) most = Math.max(most, Math.abs(share - b[field]![level]!))
  return most
}
