import { jaroWinkler, typos } from './similarity.ts'
import { stopWords } from './words.ts'

/** Pairs of words that are tried for typing errors; it bounds the quadratic part. */
const triesMax = 144

/**
 * How much two texts have in common as sets of words, 0 to 1 (Dice): longer words count more, common ones little, and a word
 * with a typing error counts for four fifths. Symmetric.
 */
export function setSimilarity(left: string, right: string): number {
  if (left === '' || right === '') return 0
  const [a, b] = left <= right ? [left.split(' '), right.split(' ')] : [right.split(' '), left.split(' ')]
  let [total, common] = [0, 0]
  const free = new Map<string, number>()
  for (const word of b) {
    free.set(word, (free.get(word) ?? 0) + 1)
    total += weight(word)
  }
  const rest: string[] = []
  for (const word of a) {
    total += weight(word)
    const left = free.get(word) ?? 0
    if (left === 0) rest.push(word)
    else {
      free.set(word, left - 1)
      common += 2 * weight(word)
    }
  }
  const open = [...free].flatMap(([word, times]) => Array.from({ length: times }, () => word))
  let tries = 0
  for (const word of rest) {
    const place = open.findIndex((other) => ++tries <= triesMax && isNear(word, other))
    if (place < 0) continue
    common += 0.8 * (weight(word) + weight(open[place]!))
    open.splice(place, 1)
  }
  return total === 0 ? 0 : common / total
}

const weight = (word: string): number => (stopWords.has(word) ? 0.5 : Math.min(word.length, 7))

function isNear(a: string, b: string): boolean {
  const [short, long] = a.length <= b.length ? [a, b] : [b, a]
  if (short.length < 3) return false
  if (short.length >= 3 && long.startsWith(short) && long.length - short.length <= 6) return true
  return short.length >= 4 && (typos(a, b, 1) <= 1 || (short.length >= 6 && jaroWinkler(a, b) >= 0.93))
}
