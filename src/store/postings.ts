/** So many ids of one key stand in the table; the others of a common key have a list of their own. */
const TOGETHER_MAX = 16
const SLOTS_MIN = 1 << 10
/** How full the table may be before it grows, and by how much it grows. */
const FULL = 0.8
const GROWTH = 1.5
/** A slot that was used: probing goes on. */
const GONE = -2_147_483_648

/**
 * Which ids stand under which 32-bit keys: a multimap in two flat arrays, eight bytes a slot. Open addressing with linear probing
 * (Knuth, The Art of Computer Programming 3, 6.4). Keys that many ids share would make long runs, so that all but the first of
 * them are kept aside. Ids are not 0.
 */
export class Postings {
  #keys = new Int32Array(SLOTS_MIN)
  #ids = new Int32Array(SLOTS_MIN)
  #used = 0
  readonly #common = new Map<number, Set<number>>()

  add(key: number, id: number): void {
    if (this.#used >= this.#ids.length * FULL) this.#grow()
    let together = 0
    let at = this.#placeOf(key)
    for (; this.#ids[at] !== 0; at = at + 1 === this.#ids.length ? 0 : at + 1) {
      if (this.#keys[at] !== key || this.#ids[at] === GONE) continue
      if (this.#ids[at] === id) return
      together += 1
      if (together < TOGETHER_MAX) continue
      const others = this.#common.get(key)
      if (others === undefined) this.#common.set(key, new Set([id]))
      else others.add(id)
      return
    }
    this.#keys[at] = key
    this.#ids[at] = id
    this.#used += 1
  }

  remove(key: number, id: number): void {
    for (let at = this.#placeOf(key); this.#ids[at] !== 0; at = at + 1 === this.#ids.length ? 0 : at + 1)
      if (this.#keys[at] === key && this.#ids[at] === id) this.#ids[at] = GONE
    this.#common.get(key)?.delete(id)
  }

  /** At most `max` ids of a key. */
  find(key: number, max: number): number[] {
    const found: number[] = []
    for (let at = this.#placeOf(key); this.#ids[at] !== 0; at = at + 1 === this.#ids.length ? 0 : at + 1)
      if (this.#keys[at] === key && this.#ids[at] !== GONE) found.push(this.#ids[at] as number)
    if (this.#common.size > 0)
      for (const id of this.#common.get(key) ?? [])
        if (found.length < max) found.push(id)
        else break
    return found.length > max ? found.slice(0, max) : found
  }

  /** How many ids a key has. */
  count(key: number): number {
    let n = this.#common.get(key)?.size ?? 0
    for (let at = this.#placeOf(key); this.#ids[at] !== 0; at = at + 1 === this.#ids.length ? 0 : at + 1)
      if (this.#keys[at] === key && this.#ids[at] !== GONE) n += 1
    return n
  }

  /** Fibonacci hashing spreads keys that are near each other. */
  #placeOf(key: number): number {
    return Math.floor(((Math.imul(key, -1_640_531_527) >>> 0) / 4_294_967_296) * this.#ids.length)
  }

  #grow(): void {
    const [keys, ids] = [this.#keys, this.#ids]
    const size = Math.ceil(ids.length * GROWTH)
    this.#keys = new Int32Array(size)
    this.#ids = new Int32Array(size)
    this.#used = 0
    for (let from = 0; from < ids.length; from++) {
      const id = ids[from] as number
      if (id === 0 || id === GONE) continue
      const key = keys[from] as number
      let at = this.#placeOf(key)
      while (this.#ids[at] !== 0) at = at + 1 === size ? 0 : at + 1
      this.#keys[at] = key
      this.#ids[at] = id
      this.#used += 1
    }
  }
}
