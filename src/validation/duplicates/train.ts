import { failure, SyncError } from '../../model/failure.ts'
import type { Row } from '../../model/value.ts'
import type { Random } from '../../std/random.ts'
import { compare, levelsBetween } from './compare.ts'
import { add, type Classes, type Estimate, estimate, type Pattern, type Shares, shares } from './estimate.ts'
import { featuresOf } from './features.ts'
import { levelsOf } from './levels.ts'
import { forPopulation, populationDefault, withWeights } from './plan.ts'
import { newSample, type Sample } from './sample.ts'
import type { ComparedKind, Features, FieldWeights, Plan, Weights } from './types.ts'

/** Two records of which somebody said whether they are the same. */
export interface LabelledPair {
  readonly a: Row
  readonly b: Row
  readonly same: boolean
}

/** What `train` works on. */
export interface TrainingInput {
  /** The user's own records, as the mapping makes them. */
  readonly rows: AsyncIterable<Row> | Iterable<Row>
  /** Decisions of people; they weigh more than what is estimated. */
  readonly labels?: Iterable<LabelledPair>
  readonly plan: Plan
  /** Seeded, so that the same records give the same weights. */
  readonly random: Random
  readonly progress?: (step: { readonly phase: 'read' | 'estimate'; readonly records: number }) => void
}

/** Weights, and what they came from. */
export interface Training {
  readonly weights: Weights
  readonly records: number
  readonly pairs: number
  readonly labels: number
  /** Expected duplicates among the pairs that were looked at. */
  readonly expectedMatches: number
  readonly rounds: number
}

const recordsMin = 100
const pairsMax = 300_000
const randomPairs = 100_000
/** What a decision of a person counts, in estimated pairs. */
const labelWorth = 4
/** Random pairs that look so much the same, before training, are left out of `u`. */
const sameBits = -4
/** From here down a pair is too unlike, before training, to show what the same look like: what a block shares by itself would. */
const farBits = -8
/** Starting values of `u` are worth so many random pairs. */
const uWorth = 100
const progressEvery = 10_000

/**
 * Weights from the user's own records: `u` from random pairs, `m` by expectation and maximisation over pairs that share a
 * block, and from labelled pairs where there are some; how common values are, from an even draw. Memory is bounded, whatever
 * the number of rows. Throws a `SyncError` (SYNC-1029) where there are fewer than 100 records.
 */
export async function train({ rows, labels = [], plan, random, progress }: TrainingInput): Promise<Training> {
  const sample = newSample(plan, random)
  for await (const row of rows) {
    sample.add(featuresOf(row, plan))
    if (sample.records % progressEvery === 0) progress?.({ phase: 'read', records: sample.records })
  }
  if (sample.records < recordsMin)
    throw new SyncError(
      failure('SYNC-1029', `There are ${sample.records} records to learn from, at least ${recordsMin} are needed.`, {
        hint: 'Leave `weights:` out: the weights that are shipped serve small tables.',
      }),
    )
  progress?.({ phase: 'estimate', records: sample.records })
  const decided = [...labels].map(({ a, b, same }) => ({ a: featuresOf(a, plan), b: featuresOf(b, plan), same }))
  const pairs = sample.pairs(pairsMax)
  const sized = forPopulation(plan, sample.records)
  const patterns = patternsOf(pairs, decided, sized)
  const start = startOf(plan)
  const u = shares(randomLevels(sample.drawn, start, sized, random), start.u, uWorth)
  const found = estimate(patterns, { m: start.m, r: start.r, v: blended(u, patterns) })
  const weights = weightsOf(found, u, sample, decided.length, pairs.length, plan)
  return {
    weights: decided.length === 0 ? weights : calibrated(weights, decided, plan),
    records: sample.records,
    pairs: pairs.length,
    labels: decided.length,
    expectedMatches: found.pairs.m,
    rounds: found.rounds,
  }
}

interface Decided {
  readonly a: Features
  readonly b: Features
  readonly same: boolean
}

/** Equal combinations of levels are counted, not kept. */
function patternsOf(pairs: readonly [Features, Features][], decided: readonly Decided[], plan: Plan): Pattern[] {
  const seen = new Map<string, { levels: number[]; count: number; same?: boolean; isFar: boolean }>()
  const count = (a: Features, b: Features, times: number, same?: boolean) => {
    const levels = levelsBetween(a, b, plan)
    const isFar = same === undefined && compare(a, b, plan, 0, false).bits < farBits
    const name = `${levels.join()}${same ?? ''}${isFar}`
    const known = seen.get(name)
    if (known === undefined) seen.set(name, { levels, count: times, ...(same === undefined ? {} : { same }), isFar })
    else known.count += times
  }
  for (const [a, b] of pairs) count(a, b, 1)
  for (const { a, b, same } of decided) count(a, b, labelWorth, same)
  return [...seen.values()]
}

/** The weights of the plan as shares by field. */
function startOf(plan: Plan): { m: Shares; u: Shares; r: Shares } {
  const of = (sort: 'm' | 'u' | 'r') => plan.fields.map(({ levels }) => levels.map((level) => level[sort]))
  return { m: of('m'), u: of('u'), r: of('r') }
}

function randomLevels(drawn: readonly Features[], start: { u: Shares }, plan: Plan, random: Random): number[][] {
  const sums = start.u.map((levels) => levels.map(() => 0))
  const times = Math.min(randomPairs, (drawn.length * (drawn.length - 1)) / 2)
  for (let i = 0; i < times; i++) {
    const a = Math.floor(random.next() * drawn.length)
    const b = Math.floor(random.next() * drawn.length)
    if (a === b) continue
    // In a small collection a random pair may well be the same.
    const levels = levelsBetween(drawn[a]!, drawn[b]!, plan)
    if (compare(drawn[a]!, drawn[b]!, plan).bits < sameBits) add(sums, levels, 1)
  }
  return sums
}

/** Strangers in one block are alike in what made the block: between random pairs and all pairs of blocks. */
function blended(u: Shares, patterns: readonly Pattern[]): Shares {
  const sums = u.map((levels) => levels.map(() => 0))
  for (const { levels, count } of patterns) add(sums, levels, count)
  const blocked = shares(sums, u, uWorth)
  return u.map((levels, field) => levels.map((share, level) => 0.7 * share + 0.3 * blocked[field]![level]!))
}

function weightsOf(found: Estimate, u: Shares, sample: Sample, labels: number, pairs: number, plan: Plan): Weights {
  const fields: { [field: string]: FieldWeights } = Object.create(null)
  const frequencies: { [field: string]: { [value: string]: number } } = Object.create(null)
  for (const [place, { name, kind }] of plan.fields.entries()) {
    fields[name] = fieldWeights(kind, place, found, u)
    if (named[kind]) frequencies[name] = frequenciesOf(sample.drawn, place)
  }
  return {
    version: 1,
    plan: plan.id,
    priorBits: priorOf(found, sample),
    kinds: plan.weights.kinds,
    fields,
    frequencies,
    trainedOn: { records: sample.records, pairs, labels },
  }
}

function fieldWeights(kind: ComparedKind, place: number, { m, r }: Classes, u: Shares): FieldWeights {
  const made: { [level: string]: { m: number; u: number; r: number } } = Object.create(null)
  for (const [level, { name }] of levelsOf[kind].entries())
    made[name] = { m: m[place]![level]!, u: u[place]![level]!, r: r[place]![level]! }
  return made
}

/** The same share about so many blocks; it says how many of them a sample of blocks has met. */
const sharedBlocks = 6

/** The odds that a record's match, or relative, is among the others. */
function priorOf({ pairs }: Estimate, sample: Sample): Weights['priorBits'] {
  const within = (value: number, least: number, most: number) => Math.max(least, Math.min(most, value))
  const met = sample.records * (1 - (1 - 1 / sample.oneIn) ** sharedBlocks)
  const matches = within((2 * pairs.m) / met, 0.02, 2)
  const relatives = within((2 * pairs.r) / met, 0.002, 4)
  return {
    strangers: Math.log2(matches) - Math.log2(populationDefault),
    relatives: within(Math.log2(matches / relatives), -3, 8),
  }
}

/** Kinds whose values are shared by many in very different numbers. */
const named: { readonly [kind in ComparedKind]?: true } = {
  'given-name': true,
  'family-name': true,
  'full-name': true,
  city: true,
  organisation: true,
  text: true,
  number: true,
}
/** Rarer values stay out of the file: they might be somebody's, and say little. */
const frequentMin = 20
const frequentMax = 500

/** How often common values occur, and under '' how often one of the others does, on average. */
function frequenciesOf(drawn: readonly Features[], place: number): { [value: string]: number } {
  const counts = new Map<string, number>()
  let all = 0
  for (const features of drawn) {
    const value = features[place]!
    if (value === '') continue
    all++
    counts.set(value, (counts.get(value) ?? 0) + 1)
  }
  const made: { [value: string]: number } = Object.create(null)
  const common = [...counts].filter(([, count]) => count >= frequentMin)
  common.sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1)).length = Math.min(common.length, frequentMax)
  let listed = 0
  for (const [value, count] of common) {
    listed += count
    made[value] = count / all
  }
  const others = counts.size - common.length
  if (others > 0) made[''] = Math.max(1, (all - listed) / others) / all
  return made
}

/** People are asked about doubtful pairs; how rare duplicates are among all, their answers do not say. In bits. */
const shiftMax = 4

/** Moves the odds so that the decisions of people are met as well as a shift can: least logistic loss. */
function calibrated(weights: Weights, decided: readonly Decided[], plan: Plan): Weights {
  const own = forPopulation(withWeights(plan, weights), weights.trainedOn?.records ?? plan.population)
  const scored = decided.map(({ a, b, same }) => ({ bits: compare(a, b, own).bits, same }))
  let [best, least] = [0, Number.POSITIVE_INFINITY]
  for (let shift = -shiftMax; shift <= shiftMax; shift += 0.25) {
    // A shift has to be worth it: half a pair a bit.
    let loss = Math.abs(shift) * 0.5
    for (const { bits, same } of scored)
      loss += Math.log1p(2 ** ((same ? -1 : 1) * Math.max(-60, Math.min(60, bits + shift))))
    if (loss < least) [best, least] = [shift, loss]
  }
  const { strangers, relatives } = weights.priorBits
  return { ...weights, priorBits: { strangers: strangers + best, relatives: relatives + best } }
}

/** The weights of a plan as a table for people: what each level counts, in bits. */
export function weightsTable(plan: Plan): string {
  const lines = ['field                    level      same     strangers  relatives  bits against strangers, relatives']
  const share = (value: number) => (value >= 0.001 ? value.toFixed(4) : value.toExponential(1)).padEnd(9)
  const bits = (value: number) => value.toFixed(1).padStart(6)
  for (const { name, levels } of plan.fields)
    for (const level of levels)
      lines.push(
        `${name.slice(0, 24).padEnd(24)} ${level.name.padEnd(10)} ${share(level.m)} ${share(level.u)}  ${share(level.r)} ${bits(level.strangersBits)} ${bits(level.relativesBits)}`,
      )
  const { strangers, relatives } = plan.priorBits
  lines.push(`before anything is compared: ${bits(strangers)} ${bits(relatives)}`)
  return lines.join('\n')
}
