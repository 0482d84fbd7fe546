/**
 * Which of the records that share a block with another one are compared with it. A block of a common name grows with the
 * collection; to compare all who share it would make every record dearer, the more of them there are. Each block is judged by its
 * own size alone, so that the answer depends neither on an order nor on what was asked before.
 */

/** A block with more records is not read: what so many share tells nobody apart. */
export const BLOCK_RECORDS_MAX = 100
/** Of a block with more records than this, only those are compared that share a second one. */
export const ALONE_RECORDS_MAX = 8
/** Words of a sketch, 32 bits each (validation/duplicates/sketch.ts). */
export const SKETCH_WORDS = 6
/** A record with no more blocks than this cannot be expected to share a second one. */
const FEW_BLOCKS = 5

/**
 * Whether two records are compared that share these blocks: bit i stands for block i, in which `sizes[i]` others are known (none
 * where nothing is said). `blocks`: how many there are.
 */
export function isCandidate(shared: number, sizes: readonly number[], blocks: number): boolean {
  let read = 0
  for (let i = 0, left = shared; left !== 0; i++, left >>>= 1) {
    const size = sizes[i] ?? 0
    if ((left & 1) === 0 || size > BLOCK_RECORDS_MAX) continue
    read += 1
    if (read > 1 || size <= ALONE_RECORDS_MAX || blocks <= FEW_BLOCKS) return true
  }
  return false
}

/**
 * Whom a record is compared with, sorted; those who share most where there are more than `idsMax`. `cut`: a block was not read, or there
 * were more. That somebody shares a single block of more than a few is no cut: it is no reason to compare the two.
 */
export function candidatesOf(
  shared: ReadonlyMap<number, number>,
  sizes: readonly number[],
  blocks: number,
  idsMax: number,
): { readonly ids: readonly number[]; readonly cut: boolean } {
  const ids: number[] = []
  for (const [id, bits] of shared) if (isCandidate(bits, sizes, blocks)) ids.push(id)
  const cut = sizes.some((size) => size > BLOCK_RECORDS_MAX)
  if (ids.length <= idsMax) return { ids: ids.sort((a, b) => a - b), cut }
  const count = (id: number) => bitsOf(shared.get(id) ?? 0)
  const most = ids.sort((a, b) => count(b) - count(a) || a - b).slice(0, idsMax)
  return { ids: most.sort((a, b) => a - b), cut: true }
}

function bitsOf(mask: number): number {
  let count = 0
  for (let left = mask; left !== 0; left &= left - 1) count += 1
  return count
}
