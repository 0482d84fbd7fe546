/** So many ids of one key stand in the table; the others of a common key have a list of their own. */
const TOGETHER_MAX = 24
/** The table is kept in parts, by the first bits of the hash: each grows by itself, so that growing needs little room and time. */
const PARTS_BITS = 8
const SLOTS_MIN = 64
/** How full a part may be before it is made anew, and how many slots it then has for each id. */
const FULL = 0.88
const SLOTS_PER_ID = 1.36
/** Parts are much the same size: they begin with different ones, so that they do not all grow at the same time. */
const slotsOf = (part: number): number => Math.round(SLOTS_MIN * (FULL * SLOTS_PER_ID) ** (part / (1 << PARTS_BITS)))
/** A slot that was used: probing goes on. */
const GONE = -2_147_483_648
/** What a part may grow to: addresses that are set aside, not memory. */
const PART_BYTES_MAX = 1 << 26

/** Slots of one part: key and id side by side, in one cache line. */
interface Part {
  /** Grows in place: small pieces that come and go would leave as much unused memory behind. */
  readonly buffer: ArrayBuffer
  slots: Int32Array
  size: number
  used: number
  live: number
}

/**
 * Which ids stand under which 32-bit keys: a multimap in flat arrays, eight bytes a slot. Open addressing with linear probing
 * (Knuth, The Art of Computer Programming 3, 6.4). Keys that many ids share would make long runs, so that all but the first of
 * them are kept aside. Nobody adds what is there already. Ids are not 0.
 */
export class Postings {
  readonly #parts: Part[] = Array.from({ length: 1 << PARTS_BITS }, (_, part) => partOf(slotsOf(part)))
  /** The slots of the part that grows, as they were. */
  #old = new Int32Array(0)
  readonly #common = new Map<number, number[]>()

  add(key: number, id: number): void {
    const hash = spread(key)
    const part = this.#parts[hash >>> (32 - PARTS_BITS)] as Part
    if (part.used >= part.size * FULL) this.#grow(part)
    let together = 0
    const { slots, size } = part
    let at = placeOf(hash, size)
    for (; slots[2 * at + 1] !== 0; at = at + 1 === size ? 0 : at + 1) {
      if (slots[2 * at] !== key || slots[2 * at + 1] === GONE) continue
      together += 1
      if (together < TOGETHER_MAX) continue
      this.#addCommon(key, id)
      return
    }
    slots[2 * at] = key
    slots[2 * at + 1] = id
    part.used += 1
    part.live += 1
  }

  remove(key: number, id: number): void {
    const hash = spread(key)
    const part = this.#parts[hash >>> (32 - PARTS_BITS)] as Part
    const list = this.#common.get(key)
    const { slots, size } = part
    for (let at = placeOf(hash, size); slots[2 * at + 1] !== 0; at = at + 1 === size ? 0 : at + 1) {
      if (slots[2 * at] !== key || slots[2 * at + 1] !== id) continue
      // Who has a list has a full share of the table: nobody is in both.
      slots[2 * at + 1] = list === undefined ? GONE : this.#takeCommon(key, list, list.length - 1)
      if (list === undefined) part.live -= 1
      return
    }
    const found = list === undefined ? -1 : list.indexOf(id)
    if (list !== undefined && found >= 0) this.#takeCommon(key, list, found)
  }

  #takeCommon(key: number, list: number[], at: number): number {
    const id = list[at] as number
    const last = list.pop() as number
    if (at < list.length) list[at] = last
    if (list.length === 0) this.#common.delete(key)
    return id
  }

  /** How many ids a key has; they are put into `into`, from its beginning, where they are at most `max`. */
  find(key: number, max: number, into: Int32Array): number {
    const hash = spread(key)
    const { slots, size } = this.#parts[hash >>> (32 - PARTS_BITS)] as Part
    let count = 0
    for (let at = placeOf(hash, size); slots[2 * at + 1] !== 0; at = at + 1 === size ? 0 : at + 1) {
      if (slots[2 * at] !== key || slots[2 * at + 1] === GONE) continue
      if (count < max) into[count] = slots[2 * at + 1] as number
      count += 1
    }
    // Who has a list has a full share of the table.
    if (count < TOGETHER_MAX) return count
    const list = this.#common.get(key)
    if (list === undefined) return count
    if (count + list.length <= max) into.set(list, count)
    return count + list.length
  }

  /** Makes a part anew where it is, with room for more ids and without the slots of those that are gone. */
  #grow(part: Part): void {
    const units = 2 * part.size
    if (this.#old.length < units) this.#old = new Int32Array(units * 2)
    const old = this.#old
    old.set(part.slots)
    const size = Math.max(SLOTS_MIN, Math.ceil(part.live * SLOTS_PER_ID))
    part.buffer.resize(8 * size)
    const slots = new Int32Array(part.buffer, 0, 2 * size).fill(0)
    for (let from = 0; from < units; from += 2) {
      const id = old[from + 1] as number
      if (id === 0 || id === GONE) continue
      const key = old[from] as number
      let at = placeOf(spread(key), size)
      while (slots[2 * at + 1] !== 0) at = at + 1 === size ? 0 : at + 1
      slots[2 * at] = key
      slots[2 * at + 1] = id
    }
    part.slots = slots
    part.size = size
    part.used = part.live
  }

  #addCommon(key: number, id: number): void {
    const list = this.#common.get(key)
    if (list === undefined) this.#common.set(key, [id])
    else list.push(id)
  }
}

function partOf(size: number): Part {
  const buffer = new ArrayBuffer(8 * size, { maxByteLength: PART_BYTES_MAX })
  return { buffer, slots: new Int32Array(buffer, 0, 2 * size), size, used: 0, live: 0 }
}

/** Keys that are near each other come far apart (MurmurHash3's last steps). */
function spread(key: number): number {
  let hash = Math.imul(key ^ (key >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

/** The bits after those that chose the part. */
const placeOf = (hash: number, size: number): number =>
  Math.floor((((hash << PARTS_BITS) >>> 0) / 4_294_967_296) * size)
