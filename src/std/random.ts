import { randomBytes } from 'node:crypto'

/** The only source of randomness for the engine (I10). */
export interface Random {
  /** A number in [0, 1). */
  next(): number
  /** A fresh identifier: 24 hexadecimal characters. */
  id(): string
}

/** Randomness of the machine, for identifiers and jitter. */
export const systemRandom: Random = {
  next: () => Math.random(),
  id: () => randomBytes(12).toString('hex'),
}

/**
 * A seeded generator: the same seed gives the same numbers and identifiers for ever.
 * Algorithm: mulberry32 (32 bits of state), enough for tests and sample data, never for secrets.
 */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
  const id = () =>
    [0, 1, 2]
      .map(() =>
        Math.floor(next() * 4294967296)
          .toString(16)
          .padStart(8, '0'),
      )
      .join('')
  return { next, id }
}
