import { BLOCK_RECORDS_MAX, candidatesOf } from '../src/model/candidates.ts'
import type { Row } from '../src/model/value.ts'
import { blocksOf, namesBlockOf } from '../src/validation/duplicates/blocks.ts'
import { clusters } from '../src/validation/duplicates/clusters.ts'
import { compare } from '../src/validation/duplicates/compare.ts'
import { featuresOf } from '../src/validation/duplicates/features.ts'
import { forPopulation } from '../src/validation/duplicates/plan.ts'
import type { Comparison, Features, Link, Plan } from '../src/validation/duplicates/types.ts'

/** A record whose true owner is known. */
export interface Labelled {
  readonly id: string
  /** Records of one entity are duplicates of each other. */
  readonly entity: string
  readonly row: Row
  /** Where two sources are linked: pairs within one source are not asked for. */
  readonly source?: string
  /** How this record came to be: the sort of error, or of look-alike. */
  readonly sort?: string
}

/** Found against true, in pairs. */
export interface Score {
  readonly precision: number
  readonly recall: number
  readonly f1: number
}

/** What a set showed. */
export interface Measured {
  readonly records: number
  readonly truePairs: number
  /** Share of true pairs that share a block that was read. */
  readonly completeness: number
  /** Mean number of records that one is compared with. */
  readonly candidates: number
  /** Records with blocks that are too common to be read, and mean number of blocks. */
  readonly cutRecords: number
  readonly blocks: number
  readonly merge: Score
  /** Merge and review together. */
  readonly found: Score
  /** Merge, after clustering. */
  readonly clustered: Score
  /** Share of true pairs that went to review. */
  readonly review: number
  /** Records a second on one core. */
  readonly featuresPerSecond: number
  readonly comparesPerSecond: number
  readonly wrong: readonly { readonly a: Labelled; readonly b: Labelled; readonly comparison: Comparison }[]
  readonly missed: readonly {
    readonly a: Labelled
    readonly b: Labelled
    readonly comparison: Comparison
    readonly candidate: boolean
  }[]
}

/**
 * Runs the records one after the other against an index of those before, as the engine does, and compares what was found with
 * what is true.
 */
export function measure(records: readonly Labelled[], bare: Plan, keep = 0): Measured {
  const plan = forPopulation(bare, records.length)
  const started = performance.now()
  const features: Features[] = []
  const blocks: number[][] = []
  for (const { row } of records) {
    const one = featuresOf(row, plan)
    features.push(one)
    blocks.push(blocksOf(one, plan))
  }
  const featuresPerSecond = records.length / ((performance.now() - started) / 1000)
  const { pairs, namesakes, cutRecords } = candidatePairs(records, features, blocks, plan)
  const compared = performance.now()
  const comparisons: Comparison[] = []
  for (const [place, [a, b]] of pairs.entries())
    comparisons.push(compare(features[a]!, features[b]!, plan, namesakes[place]))
  const comparesPerSecond = pairs.length / ((performance.now() - compared) / 1000)
  return {
    ...judged(records, features, pairs, comparisons, plan, keep),
    candidates: pairs.length / records.length,
    cutRecords,
    blocks: blocks.reduce((sum, one) => sum + one.length, 0) / records.length,
    featuresPerSecond,
    comparesPerSecond,
  }
}

/** Pairs (later, earlier) that the engine would compare. */
export function candidatePairs(
  records: readonly Labelled[],
  features: readonly Features[],
  blocks: readonly (readonly number[])[],
  plan: Plan,
): { pairs: [number, number][]; namesakes: number[]; cutRecords: number } {
  const index = new Map<number, number[]>()
  const pairs: [number, number][] = []
  const namesakes: number[] = []
  let cutRecords = 0
  for (const [place, own] of blocks.entries()) {
    const lists = own.map((block) => index.get(block) ?? [])
    const sizes = lists.map(({ length }) => length)
    const shared = new Map<number, number>()
    for (const [i, list] of lists.entries())
      if (list.length <= BLOCK_RECORDS_MAX)
        for (const other of list) shared.set(other, (shared.get(other) ?? 0) | (1 << i))
    const { ids, cut } = candidatesOf(shared, sizes, own.length, plan.candidatesMax)
    if (cut) cutRecords++
    const names = namesBlockOf(features[place]!, plan)
    const alike = names === undefined ? 0 : (index.get(names)?.length ?? 0)
    for (const other of ids) {
      const { source } = records[place]!
      if (source !== undefined && source === records[other]!.source) continue
      pairs.push([place, other])
      namesakes.push(alike)
    }
    for (const block of own) {
      const known = index.get(block)
      if (known === undefined) index.set(block, [place])
      else known.push(place)
    }
  }
  return { pairs, namesakes, cutRecords }
}

function judged(
  records: readonly Labelled[],
  features: readonly Features[],
  pairs: readonly [number, number][],
  comparisons: readonly Comparison[],
  plan: Plan,
  keep: number,
) {
  const truth = truePairs(records)
  const isTrue = (a: number, b: number) => records[a]!.entity === records[b]!.entity
  const counts = { merge: 0, mergeTrue: 0, review: 0, reviewTrue: 0, candidateTrue: 0 }
  const links: Link[] = []
  const wrong: Measured['wrong'][number][] = []
  const hit = new Set<string>()
  for (const [place, [a, b]] of pairs.entries()) {
    const comparison = comparisons[place]!
    const yes = isTrue(a, b)
    if (yes) counts.candidateTrue++
    if (comparison.verdict === 'merge') {
      counts.merge++
      if (yes) counts.mergeTrue++
      else if (wrong.length < keep) wrong.push({ a: records[a]!, b: records[b]!, comparison })
      links.push({ a: String(a), b: String(b), comparison })
    } else if (comparison.verdict === 'review') {
      counts.review++
      if (yes) counts.reviewTrue++
    }
    if (yes && keep > 0) hit.add(`${b}-${a}:${comparison.verdict}`)
  }
  const missed: Measured['missed'][number][] = []
  if (keep > 0)
    for (const [a, b] of truth) {
      if (missed.length >= keep) break
      if (hit.has(`${a}-${b}:merge`)) continue
      const comparison = compare(features[a]!, features[b]!, plan)
      const candidate = hit.has(`${a}-${b}:review`) || hit.has(`${a}-${b}:separate`)
      missed.push({ a: records[a]!, b: records[b]!, comparison, candidate })
    }
  const all = truth.length
  return {
    records: records.length,
    truePairs: all,
    completeness: counts.candidateTrue / all,
    merge: score(counts.mergeTrue, counts.merge, all),
    found: score(counts.mergeTrue + counts.reviewTrue, counts.merge + counts.review, all),
    clustered: clusteredScore(links, records, plan, all),
    review: counts.reviewTrue / all,
    wrong,
    missed,
  }
}

function clusteredScore(links: readonly Link[], records: readonly Labelled[], plan: Plan, all: number): Score {
  let [found, right] = [0, 0]
  for (const { members } of clusters(links, plan).clusters)
    for (const [place, a] of members.entries())
      for (const b of members.slice(place + 1)) {
        const [x, y] = [records[Number(a)]!, records[Number(b)]!]
        if (x.source !== undefined && x.source === y.source) continue
        found++
        if (x.entity === y.entity) right++
      }
  return score(right, found, all)
}

/** Pairs (earlier, later) of one entity. */
export function truePairs(records: readonly Labelled[]): [number, number][] {
  const members = new Map<string, number[]>()
  for (const [place, { entity }] of records.entries()) {
    const known = members.get(entity)
    if (known === undefined) members.set(entity, [place])
    else known.push(place)
  }
  const pairs: [number, number][] = []
  for (const places of members.values())
    for (const [at, a] of places.entries())
      for (const b of places.slice(at + 1))
        if (records[a]!.source === undefined || records[a]!.source !== records[b]!.source) pairs.push([a, b])
  return pairs
}

/** Precision, recall and their harmonic mean. */
export function score(right: number, found: number, all: number): Score {
  const precision = found === 0 ? 1 : right / found
  const recall = all === 0 ? 1 : right / all
  return { precision, recall, f1: precision + recall === 0 ? 0 : (2 * precision * recall) / (precision + recall) }
}
