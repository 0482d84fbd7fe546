import { type CharacterTest, classes, controls, isLineEnd, not } from './pattern-characters.ts'

/** A pattern that cannot be compiled: why, and where in it (0 = first character). */
export class PatternError extends Error {
  readonly position: number

  constructor(message: string, position: number) {
    super(message)
    this.name = 'PatternError'
    this.position = position
  }
}

/** A pattern as a tree. */
export type PatternNode =
  | { readonly kind: 'set'; readonly test: CharacterTest }
  | { readonly kind: 'all'; readonly items: readonly PatternNode[] }
  | { readonly kind: 'either'; readonly items: readonly PatternNode[] }
  | { readonly kind: 'repeat'; readonly item: PatternNode; readonly min: number; readonly max: number }
  | { readonly kind: 'assert'; readonly what: '^' | '$' | 'b' | 'B' }

const nestingMax = 50

/** Where the parser stands. */
interface Cursor {
  readonly source: string
  readonly caseless: boolean
  at: number
  depth: number
}

/** Reads a pattern from this position on. Throws a `PatternError`. */
export function parsePattern(source: string, start: number, caseless: boolean): PatternNode {
  const p: Cursor = { source, caseless, at: start, depth: 0 }
  const tree = either(p)
  if (p.at < source.length) fail(p, 'this bracket was not opened')
  return tree
}

function fail(p: Cursor, message: string, position = p.at): never {
  throw new PatternError(message, position)
}

function character(p: Cursor): number {
  const code = p.source.codePointAt(p.at)
  if (code === undefined) return fail(p, 'the pattern ends too early')
  p.at += code > 0xffff ? 2 : 1
  return code
}

function literal(p: Cursor, code: number): PatternNode {
  return { kind: 'set', test: fold(p, (c) => c === code) }
}

/** The test, for both letter cases where case does not matter. */
function fold(p: Cursor, test: CharacterTest): CharacterTest {
  if (!p.caseless) return test
  return (c) => {
    if (test(c)) return true
    const one = String.fromCodePoint(c)
    return test(one.toLowerCase().codePointAt(0)!) || test(one.toUpperCase().codePointAt(0)!)
  }
}

function either(p: Cursor): PatternNode {
  if (++p.depth > nestingMax) fail(p, `groups are nested more than ${nestingMax} deep`)
  const items = [all(p)]
  while (p.source[p.at] === '|') {
    p.at++
    items.push(all(p))
  }
  p.depth--
  return items.length === 1 ? items[0]! : { kind: 'either', items }
}

function all(p: Cursor): PatternNode {
  const items: PatternNode[] = []
  while (p.at < p.source.length && p.source[p.at] !== '|' && p.source[p.at] !== ')') items.push(repeated(p))
  return { kind: 'all', items }
}

function repeated(p: Cursor): PatternNode {
  const item = atom(p)
  const position = p.at
  const bounds = repetition(p)
  if (bounds === undefined) return item
  if (item.kind === 'assert') fail(p, 'nothing to repeat', position)
  if (p.source[p.at] === '?') p.at++ // Lazy or not, the answer to "does it match" is the same.
  if (/[*+?{]/.test(p.source[p.at] ?? '')) fail(p, 'a repetition is repeated; put it in a group')
  return { kind: 'repeat', item, min: bounds[0], max: bounds[1] }
}

function repetition(p: Cursor): [number, number] | undefined {
  const sign = p.source[p.at]
  if (sign === '*' || sign === '+' || sign === '?') {
    p.at++
    return sign === '*' ? [0, Infinity] : sign === '+' ? [1, Infinity] : [0, 1]
  }
  if (sign !== '{') return undefined
  const counted = /^\{(\d{1,4})(?:(,)(\d{1,4})?)?\}/.exec(p.source.slice(p.at, p.at + 12))
  if (counted === null) return fail(p, 'expected {n}, {n,} or {n,m} with at most four digits; write \\{ for a brace')
  const min = Number(counted[1])
  const max = counted[2] === undefined ? min : counted[3] === undefined ? Infinity : Number(counted[3])
  if (max < min) fail(p, 'the repetition counts backwards')
  p.at += counted[0].length
  return [min, max]
}

function atom(p: Cursor): PatternNode {
  const position = p.at
  const code = character(p)
  switch (String.fromCodePoint(code)) {
    case '.':
      return { kind: 'set', test: not(isLineEnd) }
    case '^':
      return { kind: 'assert', what: '^' }
    case '$':
      return { kind: 'assert', what: '$' }
    case '[':
      return { kind: 'set', test: set(p, position) }
    case '(':
      return group(p, position)
    case '\\':
      return escapeSequence(p, position)
    case '*':
    case '+':
    case '?':
    case '{':
      return fail(p, 'nothing to repeat', position)
    default:
      return literal(p, code)
  }
}

function group(p: Cursor, position: number): PatternNode {
  if (p.source[p.at] === '?') {
    if (p.source.startsWith('?:', p.at)) p.at += 2
    else if (/^\?<?[=!]/.test(p.source.slice(p.at, p.at + 3)))
      fail(p, 'look-around can take exponential time and is not supported', position)
    else {
      const name = /^\?P?<[A-Za-z_]\w{0,50}>/.exec(p.source.slice(p.at, p.at + 60))
      if (name === null) fail(p, 'this kind of group is not supported; write (?:…)', position)
      else p.at += name[0].length
    }
  }
  const inner = either(p)
  if (p.source[p.at] !== ')') fail(p, 'this group is not closed', position)
  p.at++
  return inner
}

function escapeSequence(p: Cursor, position: number): PatternNode {
  const letter = p.source[p.at]
  if (letter === undefined) return fail(p, 'the pattern ends after a backslash', position)
  if (letter === 'b' || letter === 'B') {
    p.at++
    return { kind: 'assert', what: letter }
  }
  if (/[1-9k]/.test(letter)) return fail(p, 'back references can take exponential time and are not supported', position)
  const one = escaped(p, position)
  return typeof one === 'number' ? literal(p, one) : { kind: 'set', test: one }
}

function escaped(p: Cursor, position: number): number | CharacterTest {
  const letter = p.source[p.at]
  if (letter === undefined) return fail(p, 'the pattern ends after a backslash', position)
  if (Object.hasOwn(classes, letter)) {
    p.at++
    return classes[letter]!
  }
  if (Object.hasOwn(controls, letter)) {
    p.at++
    return controls[letter]!
  }
  const coded = /^(?:x([0-9a-f]{2})|u([0-9a-f]{4})|u\{([0-9a-f]{1,6})\})/i.exec(p.source.slice(p.at, p.at + 9))
  if (coded !== null) {
    p.at += coded[0].length
    return Number.parseInt(coded[1] ?? coded[2] ?? coded[3]!, 16)
  }
  if (/[a-z0-9]/i.test(letter)) return fail(p, `\\${letter} is not supported`, position)
  return character(p)
}

function set(p: Cursor, position: number): CharacterTest {
  const negated = p.source[p.at] === '^'
  if (negated) p.at++
  const ranges: [number, number][] = []
  const tests: CharacterTest[] = []
  while (p.source[p.at] !== ']') {
    if (p.at >= p.source.length) return fail(p, 'this character class is not closed', position)
    const low = member(p)
    if (typeof low !== 'number') {
      tests.push(low)
      continue
    }
    let high = low
    if (p.source[p.at] === '-' && p.at + 1 < p.source.length && p.source[p.at + 1] !== ']') {
      p.at++
      const end = member(p)
      if (typeof end !== 'number') return fail(p, 'a range needs a character at both ends', position)
      if (end < low) return fail(p, 'this range counts backwards', position)
      high = end
    }
    ranges.push([low, high])
  }
  p.at++
  const test = fold(p, (c) => ranges.some(([low, high]) => c >= low && c <= high) || tests.some((one) => one(c)))
  return negated ? not(test) : test
}

function member(p: Cursor): number | CharacterTest {
  const position = p.at
  const code = character(p)
  if (code !== 92) return code
  if (p.source[p.at] === 'b') {
    p.at++
    return 8
  }
  return escaped(p, position)
}
