import type { Random } from '../../std/random.ts'
import { blocksOf } from './blocks.ts'
import type { Features, Plan } from './types.ts'

/** What is kept of any number of records, in entries; it bounds the memory of `train`. */
const bounds = { drawnMax: 50_000, entriesMax: 400_000 }
/** Larger blocks hold mostly strangers; of a block, at most so many records are paired. */
const blockRecordsMax = 40

/** A sample of records that keeps likely duplicates together. */
export interface Sample {
  add(features: Features): void
  readonly records: number
  /** One in so many blocks is kept. */
  readonly oneIn: number
  /** Records drawn evenly: each has had the same chance. */
  readonly drawn: readonly Features[]
  /** Pairs that share a kept block, each once. */
  pairs(pairsMax: number): [Features, Features][]
}

/**
 * Keeps an even draw of the records, and whole blocks: a random draw of records alone would tear duplicates apart. When more
 * blocks are there than fit, every other one is given up, chosen by its hash, so that what is kept is kept whole.
 */
export function newSample(plan: Plan, random: Random, { drawnMax, entriesMax } = bounds): Sample {
  const drawn: Features[] = []
  const blocks = new Map<number, Features[]>()
  let [records, entries, bits] = [0, 0, 0]
  const kept = (block: number) => (block & ((1 << bits) - 1)) === 0
  const thin = () => {
    bits++
    for (const [block, members] of blocks)
      if (!kept(block)) {
        entries -= members.length
        blocks.delete(block)
      }
  }
  return {
    get records() {
      return records
    },
    get oneIn() {
      return 2 ** bits
    },
    drawn,
    add(features) {
      records++
      if (drawn.length < drawnMax) drawn.push(features)
      else {
        const place = Math.floor(random.next() * records)
        if (place < drawnMax) drawn[place] = features
      }
      for (const block of blocksOf(features, plan)) {
        if (!kept(block)) continue
        const members = blocks.get(block)
        if (members === undefined) blocks.set(block, [features])
        else if (members.length <= blockRecordsMax) members.push(features)
        else continue
        entries++
      }
      while (entries > entriesMax) thin()
    },
    pairs: (pairsMax) => pairsOf(blocks, pairsMax),
  }
}

function pairsOf(blocks: ReadonlyMap<number, readonly Features[]>, pairsMax: number): [Features, Features][] {
  const numbers = new Map<Features, number>()
  const seen = new Set<number>()
  const pairs: [Features, Features][] = []
  const numberOf = (one: Features): number => {
    const known = numbers.get(one)
    if (known !== undefined) return known
    numbers.set(one, numbers.size)
    return numbers.size - 1
  }
  for (const members of blocks.values()) {
    if (members.length < 2 || members.length > blockRecordsMax) continue
    for (const [place, a] of members.entries())
      for (const b of members.slice(place + 1)) {
        const [x, y] = [numberOf(a), numberOf(b)]
        const name = Math.min(x, y) * 2 ** 26 + Math.max(x, y)
        if (x === y || seen.has(name)) continue
        seen.add(name)
        pairs.push([a, b])
        if (pairs.length >= pairsMax) return pairs
      }
  }
  return pairs
}
