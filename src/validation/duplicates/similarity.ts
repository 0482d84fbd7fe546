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
 * How many typing errors lie between two texts, up to `max` (1 or 2), else `max + 1`: insertions, deletions, replacements, swaps
 * of neighbours. Symmetric, without allocation; over the first 64 units.
 */
export function typos(a: string, b: string, max: 1 | 2): number {
  if (a === b) return 0
  const [aEnd, bEnd] = [Math.min(a.length, comparedUnitsMax), Math.min(b.length, comparedUnitsMax)]
  // An error changes at most two of the letters that occur: most strangers need not be aligned.
  if (Math.abs(aEnd - bEnd) > max || bitsIn(lettersOf(a, aEnd) ^ lettersOf(b, bEnd)) > 2 * max) return max + 1
  if (within(a, 0, aEnd, b, 0, bEnd, 1)) return 1
  return max === 2 && within(a, 0, aEnd, b, 0, bEnd, 2) ? 2 : max + 1
}

/** Which letters occur up to `end`: one bit each, some share one. */
function lettersOf(text: string, end: number): number {
  let letters = 0
  for (let i = 0; i < end; i++) letters |= 1 << (text.charCodeAt(i) & 31)
  return letters
}

function bitsIn(mask: number): number {
  let count = 0
  for (let left = mask; left !== 0; left &= left - 1) count++
  return count
}

/** Whether at most `errors` lie between two parts: what is common at both ends is skipped, and each way to mend the first is tried. */
function within(a: string, aFrom: number, aTo: number, b: string, bFrom: number, bTo: number, errors: number): boolean {
  let [i, iEnd, j, jEnd] = [aFrom, aTo, bFrom, bTo]
  if (Math.abs(iEnd - i - (jEnd - j)) > errors) return false
  while (i < iEnd && j < jEnd && a.charCodeAt(i) === b.charCodeAt(j)) {
    i++
    j++
  }
  while (i < iEnd && j < jEnd && a.charCodeAt(iEnd - 1) === b.charCodeAt(jEnd - 1)) {
    iEnd--
    jEnd--
  }
  if (i === iEnd) return jEnd - j <= errors
  if (j === jEnd) return iEnd - i <= errors
  if (errors === 0) return false
  const left = errors - 1
  const swapped =
    iEnd - i >= 2 &&
    jEnd - j >= 2 &&
    a.charCodeAt(i) === b.charCodeAt(j + 1) &&
    a.charCodeAt(i + 1) === b.charCodeAt(j) &&
    within(a, i + 2, iEnd, b, j + 2, jEnd, left)
  return (
    swapped ||
    within(a, i + 1, iEnd, b, j + 1, jEnd, left) ||
    within(a, i + 1, iEnd, b, j, jEnd, left) ||
    within(a, i, iEnd, b, j + 1, jEnd, left)
  )
}

/** One error in words of at least 4 letters, two in longer ones. */
export function isTypo(a: string, b: string): boolean {
  const longer = Math.max(a.length, b.length)
  if (longer < 4) return false
  const allowed = longer >= 9 ? 2 : 1
  return typos(a, b, allowed) <= allowed
}

/** Words of much the same length that begin alike and are as similar as `least` says. */
export const isAlike = (a: string, b: string, least: number): boolean =>
  Math.abs(a.length - b.length) <= 5 && a.charCodeAt(0) === b.charCodeAt(0) && jaroWinkler(a, b) >= least

/** Up to the first space. */
export const firstWord = (name: string): string => {
  const space = name.indexOf(' ')
  return space < 0 ? name : name.slice(0, space)
}

/** Every word of one is a word of the other. */
export function isWordPart(a: string, b: string): boolean {
  const [short, long] = a.length <= b.length ? [a, b] : [b, a]
  if (!long.includes(' ') || !long.includes(firstWord(short))) return false
  const inLong = long.split(' ')
  return short.split(' ').every((word) => word.length > 1 && inLong.includes(word))
}
