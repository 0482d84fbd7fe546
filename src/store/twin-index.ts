import { BLOCK_RECORDS_MAX, candidatesOf } from '../model/candidates.ts'
import type { TwinAnswer, TwinAsk } from '../model/twins.ts'
import { Postings } from './postings.ts'
import { Sketches } from './sketches.ts'
import type { Database } from './sqlite.ts'

/** A row of the index: its number, the blocks under which it is found, and its sketch. */
export interface Indexed {
  readonly id: number
  readonly blocks: readonly number[]
  readonly sketch?: readonly number[] | undefined
}

/**
 * Who shares a block with whom. A record has about sixteen blocks, which are hashes: kept in a table, every one of them would cost
 * a page of its own to write and to look up (measured at 200,000 members: 1,400 records/s). They are kept in memory instead,
 * outside of the heap; what is stored is each record's row with its blocks, so that the index is made anew from the rows when it
 * is first used, and nothing is lost with the process.
 */
export interface TwinIndex {
  /** Reads the stored rows, unless it has: before any of them is written, so that none is counted twice. */
  ready(): void
  /** Replaces the blocks of a row, from the next search on. Runs inside a transaction. */
  put(sync: number, row: Indexed, before: readonly number[] | null): void
  /** Takes the blocks of a row out, from the next search on. Runs inside a transaction. */
  take(sync: number, row: Indexed): void
  /** Puts the sketch of a row into a place that holds zeros. Runs after `find`. */
  sketch(id: number, into: Int32Array, at: number): void
  /** Who is to be compared with a record, at most `idsMax`; null where nobody shares a block with it. */
  find(sync: number, asked: TwinAsk, idsMax: number): TwinAnswer | null
  /**
   * Takes up in memory what was put and taken. The next search does it where nobody did before: the store's thread does so when it has
   * answered, while the answer is worked on.
   */
  catchUp(): void
  /** Forgets what is in memory: the transaction that it belonged to was undone. */
  reset(): void
}

/** The index of a state file. Reads nothing before it is first used. */
export function twinIndex(db: Database): TwinIndex {
  let kept: Kept | null = null
  let pending: Pending[] = []
  /** One more than is read: the record that asks may be among them. */
  const found = new Int32Array(BLOCK_RECORDS_MAX + 1)

  function all(): Kept {
    kept ??= loaded(db)
    return kept
  }

  /** How many others are in a block; who they are is noted where they are not too many. */
  function read(
    postings: Postings,
    block: number,
    bit: number,
    own: number | null,
    shared: Map<number, number>,
  ): number {
    const count = postings.find(block, found.length, found)
    if (count === 0) return 0
    if (count > found.length) return count
    const isIn = own !== null && found.indexOf(own) >= 0 && found.indexOf(own) < count
    const others = isIn ? count - 1 : count
    if (others > BLOCK_RECORDS_MAX) return others
    for (let i = 0; i < count; i++) {
      const id = found[i] as number
      if (id !== own) shared.set(id, (shared.get(id) ?? 0) | bit)
    }
    return others
  }

  function catchUp(): void {
    for (const { sync, id, gone, come, sketch } of pending) {
      const known = postingsOf(all(), sync)
      for (const block of gone) known.remove(block, id)
      for (const block of come) known.add(block, id)
      all().sketches.set(id, sketch)
    }
    pending = []
  }

  return {
    ready: () => void all(),
    take: (sync, { id, blocks }) => void pending.push({ sync, id, gone: blocks, come: [], sketch: null }),
    put: (sync, { id, blocks, sketch }, before) =>
      void pending.push({ sync, id, gone: before ?? [], come: blocks, sketch: sketch ?? null }),
    sketch: (id, into, at) => all().sketches.copy(id, into, at),
    catchUp,
    find(sync, { link, blocks, names }, idsMax) {
      if (pending.length > 0) catchUp()
      const known = postingsOf(all(), sync)
      const shared = new Map<number, number>()
      const sizes = blocks.map((block, i) => read(known, block, 1 << i, link, shared))
      if (shared.size === 0 && sizes.every((size) => size === 0)) return null
      const namesakes = names === null ? 0 : known.find(names, 0, found)
      const { ids, cut } = candidatesOf(shared, sizes, blocks.length, idsMax)
      return { ids, shared: ids.map((id) => shared.get(id) ?? 0), sizes, cut, namesakes }
    },
    reset() {
      kept = null
      pending = []
    },
  }
}

/** What is in memory. */
interface Kept {
  readonly bySync: Map<number, Postings>
  readonly sketches: Sketches
}

/** A row that changes: blocks that go and that come, and its sketch from then on. */
interface Pending {
  readonly sync: number
  readonly id: number
  readonly gone: readonly number[]
  readonly come: readonly number[]
  readonly sketch: readonly number[] | null
}

function postingsOf({ bySync }: Kept, sync: number): Postings {
  const known = bySync.get(sync)
  if (known !== undefined) return known
  const postings = new Postings()
  bySync.set(sync, postings)
  return postings
}

/** All rows, read once. */
function loaded(db: Database): Kept {
  const kept: Kept = { bySync: new Map(), sketches: new Sketches() }
  for (const row of db.each('SELECT id, sync, blocks FROM twin')) {
    const id = Number(row['id'])
    const postings = postingsOf(kept, Number(row['sync']))
    const { words, blocks } = wordsIn(row['blocks'] as Uint8Array)
    for (let i = 0; i < blocks; i++) postings.add(words[i] as number, id)
    if (words.length > blocks) kept.sketches.set(id, words.subarray(blocks))
  }
  return kept
}

/** Blocks and sketch as bytes, as they are stored with their row: the last byte says how many words of the sketch follow the blocks. */
export function indexedBytes({ blocks, sketch }: Pick<Indexed, 'blocks' | 'sketch'>): Uint8Array {
  if (sketch === undefined) return new Uint8Array(new Int32Array(blocks).buffer)
  const bytes = new Uint8Array(4 * (blocks.length + sketch.length) + 1)
  const words = new Int32Array(bytes.buffer, 0, blocks.length + sketch.length)
  words.set(blocks)
  words.set(sketch, blocks.length)
  bytes[bytes.length - 1] = sketch.length
  return bytes
}

function wordsIn(bytes: Uint8Array): { words: Int32Array; blocks: number } {
  // A row of an earlier version has blocks alone.
  const sketch = bytes.length % 4 === 0 ? 0 : (bytes.at(-1) as number)
  const words = new Int32Array(bytes.slice(0, bytes.length - (bytes.length % 4)).buffer)
  return { words, blocks: words.length - sketch }
}

/** The blocks of what `indexedBytes` wrote. */
export function blocksFrom(bytes: Uint8Array): number[] {
  const { words, blocks } = wordsIn(bytes)
  return [...words.subarray(0, blocks)]
}
