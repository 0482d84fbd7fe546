import { Postings } from './postings.ts'
import type { Database } from './sqlite.ts'

/** A row of the index: its number, and the blocks under which it is found. */
export interface Indexed {
  readonly id: number
  readonly blocks: readonly bigint[]
}

/**
 * Who shares a block with whom. A record has about sixteen blocks, which are hashes: kept in a table, every one of them would cost
 * a page of its own to write and to look up (measured at 200,000 members: 1,400 records/s). They are kept in memory instead, eight
 * bytes a block and about 160 MB for a million members, outside of the heap; what is stored is each record's row with its blocks, so
 * that the index is made anew from the rows when it is first used, and nothing is lost with the process.
 *
 * Blocks are cut to 32 bits here: now and then two records are compared that share none, which costs a comparison.
 */
export interface TwinIndex {
  /** Replaces the blocks of a row. Runs inside a transaction. */
  put(sync: number, row: Indexed, before: readonly bigint[] | null): void
  /** Takes the blocks of a row out. Runs inside a transaction. */
  take(sync: number, row: Indexed): void
  /** Ids that share a block, rarest block first, at most `idsMax`; and how many blocks were not read to their end. */
  find(sync: number, blocks: readonly bigint[], own: number | null, idsMax: number): { ids: number[]; cut: number }
  /** How many rows are in a block. */
  count(sync: number, block: bigint): number
  /** Forgets what is in memory: the transaction that it belonged to was undone. */
  reset(): void
}

/** The index of a state file. Reads nothing before it is first used. */
export function twinIndex(db: Database): TwinIndex {
  let postings: Postings | null = null

  function loaded(): Postings {
    if (postings !== null) return postings
    postings = new Postings()
    for (const row of db.each('SELECT id, sync, blocks FROM twin')) {
      const salt = saltOf(Number(row['sync']))
      const halves = new Int32Array((row['blocks'] as Uint8Array).slice().buffer)
      for (let at = 0; at < halves.length; at += 2)
        postings.add(mixed(halves[at] as number, halves[at + 1] as number) ^ salt, Number(row['id']))
    }
    return postings
  }

  function take(sync: number, { id, blocks }: Indexed): void {
    const known = loaded()
    const salt = saltOf(sync)
    for (const block of blocks) known.remove(keyOf(block) ^ salt, id)
  }

  return {
    take,
    put(sync, row, before) {
      // A row of this very transaction may be among those that are read at the first use: added twice, it is there once.
      if (before !== null) take(sync, { id: row.id, blocks: before })
      const known = loaded()
      const salt = saltOf(sync)
      for (const block of row.blocks) known.add(keyOf(block) ^ salt, row.id)
    },
    find(sync, blocks, own, idsMax) {
      const known = loaded()
      const salt = saltOf(sync)
      const lists: number[][] = []
      for (const block of blocks) {
        const list = known.find(keyOf(block) ^ salt, idsMax + 2)
        if (list.length > 0) lists.push(list)
      }
      if (lists.length === 0) return nothing
      lists.sort((a, b) => a.length - b.length)
      const ids = new Set<number>()
      let cut = 0
      for (const list of lists) {
        let whole = true
        for (const id of list) {
          if (id === own || ids.has(id)) continue
          if (ids.size < idsMax) ids.add(id)
          else whole = false
        }
        if (!whole) cut += 1
      }
      return { ids: [...ids], cut }
    },
    count: (sync, block) => loaded().count(keyOf(block) ^ saltOf(sync)),
    reset() {
      postings = null
    },
  }
}

const nothing = { ids: [], cut: 0 }

/** Blocks as bytes, as they are stored with their row. */
export const blocksBytes = (blocks: readonly bigint[]): Uint8Array => new Uint8Array(BigInt64Array.from(blocks).buffer)

/** Reads what `blocksBytes` wrote. */
export const blocksFrom = (bytes: Uint8Array): bigint[] => [...new BigInt64Array(bytes.slice().buffer)]

/** Both halves of a block in one. */
const keyOf = (block: bigint): number =>
  mixed(Number(BigInt.asIntN(32, block)), Number(BigInt.asIntN(32, block >> 32n)))

const mixed = (low: number, high: number): number => low ^ Math.imul(high, -1_640_531_527)

/** Keeps the blocks of one sync apart from those of another. */
const saltOf = (sync: number): number => Math.imul(sync, -1_640_531_535)
