/** Names and words are compared up to here; it bounds the quadratic part. In UTF-16 units. */
const comparedUnitsMax = 64

/**
 * Jaro-Winkler similarity, 0 to 1 (Winkler 1990: prefix scale 0.1 over at most 4 letters). Symmetric; over the first 64 units.
 */
export function jaroWinkler(left: string, right: string): number {
  if (left === right) return 1
  const a = left.length <= comparedUnitsMax ? left : left.slice(0, comparedUnitsMax)
  const b = right.length <= comparedUnitsMax ? right : right.slice(0, comparedUnitsMax)
  // Which letters are paired depends on the side that is walked; one side for both orders keeps it symmetric.
  const swapped = a.length > b.length || (a.length === b.length && a > b)
  const jaro = swapped ? jaroOf(b, a) : jaroOf(a, b)
  let prefix = 0
  while (prefix < 4 && prefix < a.length && prefix < b.length && a.charCodeAt(prefix) === b.charCodeAt(prefix)) prefix++
  return jaro + prefix * 0.1 * (1 - jaro)
}

/** `a` is not longer than `b`. Sets of places are two 32-bit masks: no allocation for 64 letters. */
function jaroOf(a: string, b: string): number {
  if (a.length === 0) return b.length === 0 ? 1 : 0
  const reach = Math.max(0, (b.length >> 1) - 1)
  let [aLow, aHigh, bLow, bHigh, matches] = [0, 0, 0, 0, 0]
  for (let i = 0; i < a.length; i++) {
    const letter = a.charCodeAt(i)
    const to = Math.min(b.length - 1, i + reach)
    for (let j = Math.max(0, i - reach); j <= to; j++) {
      if (b.charCodeAt(j) !== letter || (((j < 32 ? bLow : bHigh) >>> (j & 31)) & 1) === 1) continue
      if (j < 32) bLow |= 1 << j
      else bHigh |= 1 << (j & 31)
      if (i < 32) aLow |= 1 << i
      else aHigh |= 1 << (i & 31)
      matches++
      break
    }
  }
  if (matches === 0) return 0
  let [moved, j] = [0, 0]
  for (let i = 0; i < a.length; i++) {
    if ((((i < 32 ? aLow : aHigh) >>> (i & 31)) & 1) === 0) continue
    while ((((j < 32 ? bLow : bHigh) >>> (j & 31)) & 1) === 0) j++
    if (a.charCodeAt(i) !== b.charCodeAt(j)) moved++
    j++
  }
  return (matches / a.length + matches / b.length + (matches - moved / 2) / matches) / 3
}

/**
 * How many typing errors lie between two texts: insertions, deletions, replacements, swaps of neighbours (optimal string
 * alignment), or `max + 1` where there are more. Over the first 64 units.
 */
export function typos(left: string, right: string, max: number): number {
  if (left === right) return 0
  let [a, b] = left.length <= right.length ? [left, right] : [right, left]
  if (b.length - a.length > max) return max + 1
  a = a.slice(0, comparedUnitsMax)
  b = b.slice(0, comparedUnitsMax)
  let start = 0
  while (start < a.length && a.charCodeAt(start) === b.charCodeAt(start)) start++
  let [aEnd, bEnd] = [a.length, b.length]
  while (aEnd > start && bEnd > start && a.charCodeAt(aEnd - 1) === b.charCodeAt(bEnd - 1)) {
    aEnd--
    bEnd--
  }
  const [rows, columns] = [aEnd - start, bEnd - start]
  if (rows === 0) return columns
  if (max === 1) return oneTypo(a, b, start, rows, columns) ? 1 : 2
  let before: number[] = []
  let previous = Array.from({ length: columns + 1 }, (_, j) => j)
  for (let i = 1; i <= rows; i++) {
    const current = [i]
    let least = i
    for (let j = 1; j <= columns; j++) {
      const same = a.charCodeAt(start + i - 1) === b.charCodeAt(start + j - 1)
      let cost = Math.min(previous[j]! + 1, current[j - 1]! + 1, previous[j - 1]! + (same ? 0 : 1))
      if (i > 1 && j > 1 && isSwap(a, b, start + i - 2, start + j - 2)) cost = Math.min(cost, before[j - 2]! + 1)
      current.push(cost)
      if (cost < least) least = cost
    }
    if (least > max) return max + 1
    before = previous
    previous = current
  }
  return Math.min(max + 1, previous[columns]!)
}

/** What is left between a common beginning and a common end is one error: one unit, or two swapped ones. */
function oneTypo(a: string, b: string, start: number, rows: number, columns: number): boolean {
  return (rows === 1 && columns === 1) || (rows === 2 && columns === 2 && isSwap(a, b, start, start))
}

function isSwap(a: string, b: string, i: number, j: number): boolean {
  return a.charCodeAt(i) === b.charCodeAt(j + 1) && a.charCodeAt(i + 1) === b.charCodeAt(j)
}
