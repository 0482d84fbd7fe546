/**
 * The candidate that was probably meant, for "did you mean": at most a third of the letters differ (Damerau-Levenshtein,
 * optimal string alignment, letter case ignored). `undefined` where nothing is near.
 */
export function suggest(word: string, candidates: Iterable<string>): string | undefined {
  return nearest(word, candidates, 1)[0]
}

/** Up to `count` near candidates, the nearest first. */
export function nearest(word: string, candidates: Iterable<string>, count: number): string[] {
  // Longer words are not typing mistakes, and the distance is quadratic.
  if (word.length > 100) return []
  const lower = word.toLowerCase()
  const found: { name: string; distance: number }[] = []
  for (const name of candidates) {
    if (name.length > 100) continue
    const limit = Math.max(1, Math.floor(Math.max(word.length, name.length) / 3))
    const distance = editDistance(lower, name.toLowerCase(), limit)
    if (distance <= limit && distance < Math.max(word.length, name.length)) found.push({ name, distance })
  }
  found.sort((a, b) => a.distance - b.distance || (a.name < b.name ? -1 : 1))
  return found.slice(0, count).map(({ name }) => name)
}

/** ` Did you mean "retries"?`, or nothing: to append to a message. */
export function didYouMean(word: string, candidates: Iterable<string>): string {
  const name = suggest(word, candidates)
  return name === undefined ? '' : ` Did you mean "${name}"?`
}

function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1
  let before: number[] = []
  let above = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1
      let least = Math.min(above[j]! + 1, row[j - 1]! + 1, above[j - 1]! + cost)
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      if (swapped) least = Math.min(least, before[j - 2]! + 1)
      row.push(least)
    }
    before = above
    above = row
  }
  return above[b.length]!
}
