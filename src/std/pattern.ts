/**
 * Regular expressions that cannot block: matched in time proportional to pattern × text, whatever both are. JavaScript's own
 * engine backtracks: `(a+)+$` on 28 letters takes seconds, and Ajv's `pattern` and CEL's `matches` would run it on the rows of
 * strangers. This is the method of Thompson (1968) as Pike and RE2 use it (https://swtch.com/~rsc/regexp/regexp2.html).
 *
 * Supported: literals, `.`, classes `[a-z]` `[^…]`, `\d \w \s \D \W \S \t \n \r \f \v \xHH \uHHHH \u{H…}`, groups `(…)` `(?:…)`,
 * `|`, `* + ? {n} {n,} {n,m}` (also lazy: the answer is the same), `^ $ \b \B`, and `(?i)` at the start. Back references and
 * look-around need exponential time and are refused. A text is searched, not matched as a whole, by code points.
 */
export interface Pattern {
  readonly source: string
  /** Whether the pattern occurs in the text. Throws a `RangeError` for a text of more than `patternTextMax` characters. */
  test(text: string): boolean
}

/** Longest text, in UTF-16 units, that is searched: with the most steps a pattern may have, that is a fraction of a second. */
export const patternTextMax = 65_536

/** A pattern that cannot be compiled: why, and where in it (0 = first character). */
export class PatternError extends Error {
  readonly position: number

  constructor(message: string, position: number) {
    super(message)
    this.name = 'PatternError'
    this.position = position
  }
}

type CharacterTest = (code: number) => boolean

type Node =
  | { readonly kind: 'set'; readonly test: CharacterTest }
  | { readonly kind: 'all'; readonly items: readonly Node[] }
  | { readonly kind: 'either'; readonly items: readonly Node[] }
  | { readonly kind: 'repeat'; readonly item: Node; readonly min: number; readonly max: number }
  | { readonly kind: 'assert'; readonly what: '^' | '$' | 'b' | 'B' }

type Step =
  | { readonly op: 'set'; readonly test: CharacterTest }
  | { readonly op: 'assert'; readonly what: '^' | '$' | 'b' | 'B' }
  | { readonly op: 'split'; to: readonly number[] }
  | { readonly op: 'match' }

const stepsMax = 1_000
const nestingMax = 50

/** Compiles a pattern, or throws a `PatternError`. `caseless` is the flag `i`. */
export function compilePattern(source: string, caseless = false): Pattern {
  const inline = source.startsWith('(?i)')
  const tree = parse(source, inline ? 4 : 0, caseless || inline)
  const program: Program = { steps: [], visits: 0 }
  emit(tree, program)
  const { steps } = program
  steps.push({ op: 'match' })
  const anchored = startsAnchored(tree)
  return {
    source,
    test(text) {
      if (text.length > patternTextMax) throw new RangeError(`texts over ${patternTextMax} characters are not searched`)
      return search(steps, anchored, text)
    },
  }
}

/** The steps so far, and how often `emit` was called: an empty group repeated a million times emits nothing, but takes time. */
interface Program {
  readonly steps: Step[]
  visits: number
}

function startsAnchored(node: Node): boolean {
  if (node.kind === 'assert') return node.what === '^'
  if (node.kind === 'all') return node.items.length > 0 && startsAnchored(node.items[0]!)
  if (node.kind === 'either') return node.items.length > 0 && node.items.every(startsAnchored)
  return false
}

const isDigit: CharacterTest = (c) => c >= 48 && c <= 57
const isWord: CharacterTest = (c) => isDigit(c) || (c >= 65 && c <= 90) || (c >= 97 && c <= 122) || c === 95
const isSpace: CharacterTest = (c) =>
  (c >= 9 && c <= 13) ||
  c === 32 ||
  c === 0xa0 ||
  c === 0x1680 ||
  (c >= 0x2000 && c <= 0x200a) ||
  c === 0x2028 ||
  c === 0x2029 ||
  c === 0x202f ||
  c === 0x205f ||
  c === 0x3000 ||
  c === 0xfeff
const isLineEnd: CharacterTest = (c) => c === 10 || c === 13 || c === 0x2028 || c === 0x2029
const not =
  (test: CharacterTest): CharacterTest =>
  (c) =>
    !test(c)

const classes: { readonly [letter: string]: CharacterTest } = {
  d: isDigit,
  D: not(isDigit),
  w: isWord,
  W: not(isWord),
  s: isSpace,
  S: not(isSpace),
}
const controls: { readonly [letter: string]: number } = { t: 9, n: 10, v: 11, f: 12, r: 13, '0': 0 }

function parse(source: string, start: number, caseless: boolean): Node {
  let at = start
  let depth = 0

  const fail = (message: string, position = at): never => {
    throw new PatternError(message, position)
  }
  const character = (): number => {
    const code = source.codePointAt(at)
    if (code === undefined) return fail('the pattern ends too early')
    at += code > 0xffff ? 2 : 1
    return code
  }
  const is = (test: CharacterTest): CharacterTest => (caseless ? foldCase(test) : test)
  const literal = (code: number): Node => ({ kind: 'set', test: is((c) => c === code) })

  function either(): Node {
    if (++depth > nestingMax) fail(`groups are nested more than ${nestingMax} deep`)
    const items = [all()]
    while (source[at] === '|') {
      at++
      items.push(all())
    }
    depth--
    return items.length === 1 ? items[0]! : { kind: 'either', items }
  }

  function all(): Node {
    const items: Node[] = []
    while (at < source.length && source[at] !== '|' && source[at] !== ')') items.push(repeated())
    return { kind: 'all', items }
  }

  function repeated(): Node {
    const item = atom()
    const position = at
    const bounds = repetition()
    if (bounds === undefined) return item
    if (item.kind === 'assert') fail('nothing to repeat', position)
    if (source[at] === '?') at++ // Lazy or not, the answer to "does it match" is the same.
    if (/[*+?{]/.test(source[at] ?? '')) fail('a repetition is repeated; put it in a group')
    return { kind: 'repeat', item, min: bounds[0], max: bounds[1] }
  }

  function repetition(): [number, number] | undefined {
    const sign = source[at]
    if (sign === '*' || sign === '+' || sign === '?') {
      at++
      return sign === '*' ? [0, Infinity] : sign === '+' ? [1, Infinity] : [0, 1]
    }
    if (sign !== '{') return undefined
    const counted = /^\{(\d{1,4})(?:(,)(\d{1,4})?)?\}/.exec(source.slice(at, at + 12))
    if (counted === null) return fail('expected {n}, {n,} or {n,m} with at most four digits; write \\{ for a brace')
    const min = Number(counted[1])
    const max = counted[2] === undefined ? min : counted[3] === undefined ? Infinity : Number(counted[3])
    if (max < min) fail('the repetition counts backwards')
    at += counted[0].length
    return [min, max]
  }

  function atom(): Node {
    const position = at
    const code = character()
    switch (String.fromCodePoint(code)) {
      case '.':
        return { kind: 'set', test: not(isLineEnd) }
      case '^':
        return { kind: 'assert', what: '^' }
      case '$':
        return { kind: 'assert', what: '$' }
      case '[':
        return { kind: 'set', test: set(position) }
      case '(':
        return group(position)
      case '\\':
        return escapeSequence(position)
      case '*':
      case '+':
      case '?':
      case '{':
        return fail('nothing to repeat', position)
      default:
        return literal(code)
    }
  }

  function group(position: number): Node {
    if (source[at] === '?') {
      if (source.startsWith('?:', at)) at += 2
      else if (/^\?<?[=!]/.test(source.slice(at, at + 3)))
        fail('look-around can take exponential time and is not supported', position)
      else {
        const name = /^\?P?<[A-Za-z_]\w{0,50}>/.exec(source.slice(at, at + 60))
        if (name === null) fail('this kind of group is not supported; write (?:…)', position)
        else at += name[0].length
      }
    }
    const inner = either()
    if (source[at] !== ')') fail('this group is not closed', position)
    at++
    return inner
  }

  function escapeSequence(position: number): Node {
    const letter = source[at]
    if (letter === undefined) return fail('the pattern ends after a backslash', position)
    if (letter === 'b' || letter === 'B') {
      at++
      return { kind: 'assert', what: letter }
    }
    if (/[1-9k]/.test(letter)) return fail('back references can take exponential time and are not supported', position)
    const one = escaped(position)
    return typeof one === 'number' ? literal(one) : { kind: 'set', test: one }
  }

  function escaped(position: number): number | CharacterTest {
    const letter = source[at]
    if (letter === undefined) return fail('the pattern ends after a backslash', position)
    if (Object.hasOwn(classes, letter)) {
      at++
      return classes[letter]!
    }
    if (Object.hasOwn(controls, letter)) {
      at++
      return controls[letter]!
    }
    const coded = /^(?:x([0-9a-f]{2})|u([0-9a-f]{4})|u\{([0-9a-f]{1,6})\})/i.exec(source.slice(at, at + 9))
    if (coded !== null) {
      at += coded[0].length
      return Number.parseInt(coded[1] ?? coded[2] ?? coded[3]!, 16)
    }
    if (/[a-z0-9]/i.test(letter)) return fail(`\\${letter} is not supported`, position)
    return character()
  }

  function set(position: number): CharacterTest {
    const negated = source[at] === '^'
    if (negated) at++
    const ranges: [number, number][] = []
    const tests: CharacterTest[] = []
    while (source[at] !== ']') {
      if (at >= source.length) return fail('this character class is not closed', position)
      const low = member()
      if (typeof low !== 'number') {
        tests.push(low)
        continue
      }
      let high = low
      if (source[at] === '-' && at + 1 < source.length && source[at + 1] !== ']') {
        at++
        const end = member()
        if (typeof end !== 'number') return fail('a range needs a character at both ends', position)
        if (end < low) return fail('this range counts backwards', position)
        high = end
      }
      ranges.push([low, high])
    }
    at++
    const test = is((c) => ranges.some(([low, high]) => c >= low && c <= high) || tests.some((one) => one(c)))
    return negated ? not(test) : test
  }

  function member(): number | CharacterTest {
    const position = at
    const code = character()
    if (code !== 92) return code
    if (source[at] === 'b') {
      at++
      return 8
    }
    return escaped(position)
  }

  const tree = either()
  if (at < source.length) fail('this bracket was not opened')
  return tree
}

function foldCase(test: CharacterTest): CharacterTest {
  return (c) => {
    if (test(c)) return true
    const character = String.fromCodePoint(c)
    return test(character.toLowerCase().codePointAt(0)!) || test(character.toUpperCase().codePointAt(0)!)
  }
}

function emit(node: Node, program: Program): void {
  const { steps } = program
  if (steps.length > stepsMax || ++program.visits > stepsMax * 10)
    throw new PatternError(`the pattern repeats too often (more than ${stepsMax} steps)`, 0)
  switch (node.kind) {
    case 'set':
      steps.push({ op: 'set', test: node.test })
      return
    case 'assert':
      steps.push({ op: 'assert', what: node.what })
      return
    case 'all':
      for (const item of node.items) emit(item, program)
      return
    case 'either':
      emitEither(node.items, program)
      return
    case 'repeat':
      for (let i = 0; i < node.min; i++) emit(node.item, program)
      if (node.max === Infinity) emitStar(node.item, program)
      else emitUpTo(node.item, node.max - node.min, program)
  }
}

function emitEither(items: readonly Node[], program: Program): void {
  const { steps } = program
  const fork: Step & { op: 'split' } = { op: 'split', to: [] }
  steps.push(fork)
  const starts: number[] = []
  const ends: (Step & { op: 'split' })[] = []
  for (const item of items) {
    starts.push(steps.length)
    emit(item, program)
    const end: Step & { op: 'split' } = { op: 'split', to: [] }
    steps.push(end)
    ends.push(end)
  }
  fork.to = starts
  for (const end of ends) end.to = [steps.length]
}

function emitStar(item: Node, program: Program): void {
  const { steps } = program
  const at = steps.length
  const fork: Step & { op: 'split' } = { op: 'split', to: [] }
  steps.push(fork)
  emit(item, program)
  steps.push({ op: 'split', to: [at] })
  fork.to = [at + 1, steps.length]
}

function emitUpTo(item: Node, count: number, program: Program): void {
  const { steps } = program
  const forks: { fork: Step & { op: 'split' }; next: number }[] = []
  for (let i = 0; i < count; i++) {
    const fork: Step & { op: 'split' } = { op: 'split', to: [] }
    steps.push(fork)
    forks.push({ fork, next: steps.length })
    emit(item, program)
  }
  for (const { fork, next } of forks) fork.to = [next, steps.length]
}

/** Runs all branches in step with the text: each step is in the set at most once a character, hence the linear time. */
function search(steps: readonly Step[], anchored: boolean, text: string): boolean {
  let now: number[] = []
  let next: number[] = []
  const seenAt = new Int32Array(steps.length).fill(-1)
  const stack: number[] = []
  let before = -1
  let round = 0

  const follow = (start: number, into: number[], after: number): boolean => {
    stack.push(start)
    let matched = false
    while (stack.length > 0) {
      const at = stack.pop()!
      if (seenAt[at] === round) continue
      seenAt[at] = round
      const step = steps[at]!
      if (step.op === 'match') matched = true
      else if (step.op === 'set') into.push(at)
      else if (step.op === 'split') stack.push(...step.to)
      else if (holds(step.what, before, after)) stack.push(at + 1)
    }
    return matched
  }

  let code = text.codePointAt(0) ?? -1
  if (follow(0, now, code)) return true
  for (let at = 0; at < text.length; ) {
    if (anchored && now.length === 0) return false
    at += code > 0xffff ? 2 : 1
    const after = text.codePointAt(at) ?? -1
    before = code
    round++
    let matched = false
    for (const index of now) {
      const step = steps[index]!
      if (step.op === 'set' && step.test(code) && follow(index + 1, next, after)) matched = true
    }
    if (!anchored && follow(0, next, after)) matched = true
    if (matched) return true
    const spare = now
    now = next
    next = spare
    next.length = 0
    code = after
  }
  return false
}

function holds(what: '^' | '$' | 'b' | 'B', before: number, after: number): boolean {
  if (what === '^') return before === -1
  if (what === '$') return after === -1
  return (isWord(before) !== isWord(after)) === (what === 'b')
}
