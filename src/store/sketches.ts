import { SKETCH_WORDS } from '../model/candidates.ts'

/** Ids of one piece. */
const PIECE_IDS = 4_096

/** The sketches of records by their ids, of either sign, outside of the heap. Ids are dense: pieces are full but for the last ones. */
export class Sketches {
  readonly #pieces = new Map<number, Int32Array>()

  /** Nothing is known of a record whose sketch is not as long as sketches are. */
  set(id: number, sketch: ArrayLike<number> | null): void {
    const piece = Math.floor(id / PIECE_IDS)
    let words = this.#pieces.get(piece)
    if (words === undefined) {
      if (sketch === null) return
      words = new Int32Array(PIECE_IDS * SKETCH_WORDS)
      this.#pieces.set(piece, words)
    }
    const at = (id - piece * PIECE_IDS) * SKETCH_WORDS
    if (sketch === null || sketch.length !== SKETCH_WORDS) words.fill(0, at, at + SKETCH_WORDS)
    else words.set(sketch, at)
  }

  /** Puts the sketch of a record where it is asked for, which holds zeros. */
  copy(id: number, into: Int32Array, to: number): void {
    const piece = Math.floor(id / PIECE_IDS)
    const words = this.#pieces.get(piece)
    if (words === undefined) return
    const at = (id - piece * PIECE_IDS) * SKETCH_WORDS
    for (let i = 0; i < SKETCH_WORDS; i++) into[to + i] = words[at + i] as number
  }
}
