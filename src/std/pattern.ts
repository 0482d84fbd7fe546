import { type CharacterTest, isWord } from './pattern-characters.ts'
import { PatternError, type PatternNode, parsePattern } from './pattern-parse.ts'

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

type Step =
  | { readonly op: 'set'; readonly test: CharacterTest }
  | { readonly op: 'assert'; readonly what: '^' | '$' | 'b' | 'B' }
  | { readonly op: 'split'; to: readonly number[] }
  | { readonly op: 'match' }

const stepsMax = 1_000

/** Compiles a pattern, or throws a `PatternError`. `caseless` is the flag `i`. */
export function compilePattern(source: string, caseless = false): Pattern {
  const inline = source.startsWith('(?i)')
  const tree = parsePattern(source, inline ? 4 : 0, caseless || inline)
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

function startsAnchored(node: PatternNode): boolean {
  if (node.kind === 'assert') return node.what === '^'
  if (node.kind === 'all') return node.items.length > 0 && startsAnchored(node.items[0]!)
  if (node.kind === 'either') return node.items.length > 0 && node.items.every(startsAnchored)
  return false
}

function emit(node: PatternNode, program: Program): void {
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

function emitEither(items: readonly PatternNode[], program: Program): void {
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

function emitStar(item: PatternNode, program: Program): void {
  const { steps } = program
  const at = steps.length
  const fork: Step & { op: 'split' } = { op: 'split', to: [] }
  steps.push(fork)
  emit(item, program)
  steps.push({ op: 'split', to: [at] })
  fork.to = [at + 1, steps.length]
}

function emitUpTo(item: PatternNode, count: number, program: Program): void {
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
