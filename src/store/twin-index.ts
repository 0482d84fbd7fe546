import type { Database } from './sqlite.ts'

/** So many new rows are kept in memory before their blocks go into the table, sorted, in one go. */
const FRESH_ROWS_MAX = 20_000

/** Rows of one block that are counted at most. */
const COUNTED_MAX = 5_000

/** A row of the index: its number, and the blocks under which it is found. */
export interface Indexed {
  readonly id: number
  readonly blocks: readonly bigint[]
}

/**
 * Who shares a block with whom. Blocks are hashes, so that every insert would write a page of its own: the blocks of new rows
 * stay in memory, named in `twin_fresh`, until there are many, and then go into the table in its own order (measured: 14,000
 * records a second one window at a time, 70,000 in this way). What is in memory is derived from rows that are stored, so that
 * nothing is lost with the process.
 */
export interface TwinIndex {
  /** Replaces the blocks of a row. Runs inside a transaction. */
  put(sync: number, row: Indexed, before: readonly bigint[] | null): void
  /** Takes the blocks of a row out. Runs inside a transaction. */
  take(sync: number, row: Indexed): void
  /** Ids that share a block, rarest block first, at most `idsMax`; and how many blocks were not read to their end. */
  find(sync: number, blocks: readonly bigint[], own: number | null, idsMax: number): { ids: number[]; cut: number }
  /** How many rows are in a block, up to a bound. */
  count(sync: number, block: bigint): number
  /** Forgets what is in memory: the transaction that it belonged to was undone. */
  reset(): void
}

/** The index of a state file. Reads nothing before it is first used. */
export function twinIndex(db: Database): TwinIndex {
  let fresh: Map<bigint, number[]> | null = null
  let rows = new Set<number>()

  function loaded(): Map<bigint, number[]> {
    if (fresh !== null) return fresh
    fresh = new Map()
    rows = new Set()
    for (const row of db.all(
      'SELECT twin.id, twin.sync, twin.blocks FROM twin_fresh JOIN twin ON twin.id = twin_fresh.twin',
    )) {
      rows.add(Number(row['id']))
      const salt = saltOf(Number(row['sync']))
      for (const block of blocksFrom(row['blocks'] as Uint8Array)) add(fresh, block ^ salt, Number(row['id']))
    }
    return fresh
  }

  function fold(): void {
    const pairs: [bigint, number][] = []
    for (const [block, ids] of loaded()) for (const id of ids) pairs.push([block, id])
    // Sorted keys: neighbouring pages are written once.
    pairs.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    for (const [block, id] of pairs) db.run('INSERT OR IGNORE INTO twin_block VALUES (?,?)', block, id)
    db.run('DELETE FROM twin_fresh')
    fresh = new Map()
    rows = new Set()
  }

  function take(sync: number, { id, blocks }: Indexed): void {
    const known = loaded()
    const salt = saltOf(sync)
    const isFresh = rows.has(id)
    for (const block of blocks) {
      if (isFresh) without(known, block ^ salt, id)
      else db.run('DELETE FROM twin_block WHERE block = ? AND twin = ?', block ^ salt, id)
    }
    if (!isFresh) return
    rows.delete(id)
    db.run('DELETE FROM twin_fresh WHERE twin = ?', id)
  }

  return {
    take,
    put(sync, row, before) {
      if (before !== null) take(sync, { id: row.id, blocks: before })
      const known = loaded()
      const salt = saltOf(sync)
      rows.add(row.id)
      db.run('INSERT OR IGNORE INTO twin_fresh VALUES (?)', row.id)
      for (const block of row.blocks) add(known, block ^ salt, row.id)
      if (rows.size >= FRESH_ROWS_MAX) fold()
    },
    find(sync, blocks, own, idsMax) {
      const known = loaded()
      const salt = saltOf(sync)
      const lists: number[][] = []
      for (const block of blocks) {
        const stored = db.all('SELECT twin FROM twin_block WHERE block = ? LIMIT ?', block ^ salt, idsMax + 2)
        const list = known.get(block ^ salt)?.slice(0, idsMax + 2) ?? []
        for (const row of stored) list.push(Number(row['twin']))
        if (list.length > 0) lists.push(list)
      }
      if (lists.length === 0) return { ids: [], cut: 0 }
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
    count(sync, block) {
      const key = block ^ saltOf(sync)
      const stored = db.get(
        'SELECT count(*) AS n FROM (SELECT 1 FROM twin_block WHERE block = ? LIMIT ?)',
        key,
        COUNTED_MAX,
      )
      return Number(stored?.['n']) + (loaded().get(key)?.length ?? 0)
    },
    reset() {
      fresh = null
    },
  }
}

/** Blocks as bytes, as they are stored with their row. */
export const blocksBytes = (blocks: readonly bigint[]): Uint8Array => new Uint8Array(BigInt64Array.from(blocks).buffer)

/** Reads what `blocksBytes` wrote. */
export const blocksFrom = (bytes: Uint8Array): bigint[] => [...new BigInt64Array(bytes.slice().buffer)]

/** Keeps the blocks of one sync apart from those of another. */
const saltOf = (sync: number): bigint => BigInt.asIntN(64, BigInt(sync) * 0x9e3779b97f4a7c15n)

function add(map: Map<bigint, number[]>, block: bigint, id: number): void {
  const ids = map.get(block)
  if (ids === undefined) map.set(block, [id])
  else if (!ids.includes(id)) ids.push(id)
}

function without(map: Map<bigint, number[]>, block: bigint, id: number): void {
  const ids = map.get(block)?.filter((each) => each !== id) ?? []
  if (ids.length === 0) map.delete(block)
  else map.set(block, ids)
}
