import { BLOCK_RECORDS_MAX, candidatesOf } from '../model/candidates.ts'
import type { TwinAnswer, TwinAsk } from '../model/twins.ts'
import { Postings } from './postings.ts'
import type { Database } from './sqlite.ts'

/** A row of the index: its number, and the blocks under which it is found. */
export interface Indexed {
  readonly id: number
  readonly blocks: readonly number[]
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
  let bySync: Map<number, Postings> | null = null
  /** Blocks that go and that come. */
  let pending: { sync: number; id: number; gone: readonly number[]; come: readonly number[] }[] = []
  /** One more than is read: the record that asks may be among them. */
  const found = new Int32Array(BLOCK_RECORDS_MAX + 1)

  function all(): Map<number, Postings> {
    bySync ??= loaded(db)
    return bySync
  }

  function postingsOf(sync: number): Postings {
    const known = all().get(sync)
    if (known !== undefined) return known
    const postings = new Postings()
    all().set(sync, postings)
    return postings
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
    for (const { sync, id, gone, come } of pending) {
      const known = postingsOf(sync)
      for (const block of gone) known.remove(block, id)
      for (const block of come) known.add(block, id)
    }
    pending = []
  }

  return {
    ready: () => void all(),
    take: (sync, { id, blocks }) => void pending.push({ sync, id, gone: blocks, come: [] }),
    put: (sync, { id, blocks }, before) => void pending.push({ sync, id, gone: before ?? [], come: blocks }),
    catchUp,
    find(sync, { link, blocks, names }, idsMax) {
      if (pending.length > 0) catchUp()
      const known = postingsOf(sync)
      const shared = new Map<number, number>()
      const sizes = blocks.map((block, i) => read(known, block, 1 << i, link, shared))
      if (shared.size === 0 && sizes.every((size) => size === 0)) return null
      const namesakes = names === null ? 0 : known.find(names, 0, found)
      const { ids, cut } = candidatesOf(shared, sizes, blocks.length, idsMax)
      return { ids, shared: ids.map((id) => shared.get(id) ?? 0), sizes, cut, namesakes }
    },
    reset() {
      bySync = null
      pending = []
    },
  }
}

/** All rows, read once. */
function loaded(db: Database): Map<number, Postings> {
  const bySync = new Map<number, Postings>()
  for (const row of db.each('SELECT id, sync, blocks FROM twin')) {
    const [id, sync] = [Number(row['id']), Number(row['sync'])]
    const postings = bySync.get(sync) ?? new Postings()
    bySync.set(sync, postings)
    const blocks = new Int32Array((row['blocks'] as Uint8Array).slice().buffer)
    for (let i = 0; i < blocks.length; i++) postings.add(blocks[i] as number, id)
  }
  return bySync
}

/** Blocks as bytes, as they are stored with their row. */
export const blocksBytes = (blocks: readonly number[]): Uint8Array => new Uint8Array(new Int32Array(blocks).buffer)

/** Reads what `blocksBytes` wrote. */
export const blocksFrom = (bytes: Uint8Array): number[] => [...new Int32Array(bytes.slice().buffer)]
