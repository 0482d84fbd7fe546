import { durationPattern } from '../std/duration.ts'
import { Secret } from '../std/secret.ts'
import { didYouMean, suggest } from '../std/suggest.ts'
import {
  add,
  describeRule,
  isInRange,
  type Loaded,
  listed,
  type Reading,
  type Rule,
  seen,
  where,
  wrongKind,
} from './reading.ts'
import { fill, isWhole, type Piece, piecesOf, ReferenceProblem } from './references.ts'
import { type ScalarTree, short, type Tree } from './tree.ts'

/** What a scalar is after its references are filled in. */
interface Filled {
  readonly value: string | number | boolean | null
  /** True where the text comes from outside: it is coerced by the type that is wanted. */
  readonly outside: boolean
}

function filled(tree: ScalarTree, rule: Rule, path: readonly string[], reading: Reading): Filled | undefined {
  if (typeof tree.value !== 'string' || !tree.value.includes('${')) return { value: tree.value, outside: false }
  try {
    const pieces = piecesOf(tree.value)
    if (pieces.every((piece) => piece.kind === 'text'))
      return { value: fill(pieces, reading.file, false, reading.around), outside: false }
    if (pieces.some((piece) => piece.kind === 'variable' && piece.shell && /^\d/.test(piece.otherwise ?? '')))
      reading.warnings.push({
        code: 'SYNC-1022',
        at: tree.at,
        message: `${where(path)}: \`:-\` is read as shells read it, so the default has no minus sign`,
      })
    reading.origins.set(path.join('\0'), { pieces })
    return { value: fill(pieces, reading.file, rule.format === 'secret', reading.around), outside: true }
  } catch (error) {
    if (error instanceof ReferenceProblem) return add(reading, tree.at, error.code, `${where(path)}: ${error.message}`)
    throw error
  }
}

/** A value without parts, by its rule. */
export function readScalar(tree: Tree, rule: Rule, path: readonly string[], reading: Reading): Loaded | undefined {
  if (tree.kind !== 'scalar') return wrongKind(tree, rule, path, reading)
  if (rule.format === 'secret') return readSecret(tree, path, reading)
  const one = filled(tree, rule, path, reading)
  if (one === undefined) return undefined
  if (rule.enum !== undefined || rule.const !== undefined) return readWord(tree, one, rule, path, reading)
  switch (rule.type) {
    case 'string':
      return typeof one.value === 'string'
        ? readText(tree, one.value, rule, path, reading)
        : wrongKind(tree, rule, path, reading)
    case 'boolean':
      if (one.outside && (one.value === 'true' || one.value === 'false')) return one.value === 'true'
      return typeof one.value === 'boolean' ? one.value : wrongKind(tree, rule, path, reading)
    case 'integer':
    case 'number':
      return readNumber(tree, one, rule, path, reading)
    default:
      return wrongKind(tree, rule, path, reading)
  }
}

function readSecret(tree: ScalarTree, path: readonly string[], reading: Reading): Secret | undefined {
  const clear = () =>
    add(
      reading,
      tree.at,
      'SYNC-1007',
      `${where(path)} is a secret and must be a reference as a whole: \${VARIABLE} or \${file:/path}; it is written in clear`,
    )
  if (typeof tree.value !== 'string') return clear()
  try {
    const pieces = piecesOf(tree.value)
    if (!isWhole(pieces)) return clear()
    return secretOf(pieces, reading)
  } catch (error) {
    if (error instanceof ReferenceProblem) return add(reading, tree.at, error.code, `${where(path)}: ${error.message}`)
    throw error
  }
}

/** A secret that is read again at each use: files from disk, variables as they were at the start. Reads it once, to be sure. */
export function secretOf(pieces: readonly Piece[], reading: Reading): Secret {
  const { file, around } = reading
  const variables = { ...around.variables }
  const again = () => fill(pieces, file, true, { ...around, variables })
  again()
  return new Secret(pieces.map((piece) => piece.text).join(''), again)
}

function readText(
  tree: ScalarTree,
  value: string,
  rule: Rule,
  path: readonly string[],
  reading: Reading,
): string | undefined {
  if (value.length < (rule.minLength ?? 0))
    return add(reading, tree.at, 'SYNC-1005', `${where(path)}: expected a text, it is empty`)
  if (value.length > (rule.maxLength ?? 1_000_000))
    return add(
      reading,
      tree.at,
      'SYNC-1006',
      `${where(path)}: expected at most ${rule.maxLength ?? 1_000_000} characters, here are ${value.length}`,
    )
  if (rule.pattern !== undefined && !new RegExp(rule.pattern).test(value))
    return add(
      reading,
      tree.at,
      'SYNC-1005',
      `${where(path)}: expected ${rule.pattern === durationPattern ? 'a length of time such as 30s, 10m or 24h' : `a text of the form ${rule.pattern}`}`,
    )
  return value
}

function readNumber(
  tree: ScalarTree,
  one: Filled,
  rule: Rule,
  path: readonly string[],
  reading: Reading,
): number | undefined {
  const text = one.outside ? String(one.value).trim() : tree.source
  if (!one.outside && typeof one.value !== 'number') return wrongKind(tree, rule, path, reading)
  // The plain form only: 0123, 1e3 and 0x10 are read in different ways by different tools.
  if (!/^-?(0|[1-9]\d*)(\.\d+)?$/.test(text)) {
    if (one.outside || typeof one.value !== 'number') return wrongKind(tree, rule, path, reading)
    return add(
      reading,
      tree.at,
      'SYNC-1005',
      `${where(path)}: ${short(tree.source)} would be read as the number ${one.value}; write ${one.value}`,
    )
  }
  const value = Number(text)
  if (rule.type === 'integer' && !Number.isInteger(value)) return wrongKind(tree, rule, path, reading)
  if (!isInRange(value, rule))
    return add(
      reading,
      tree.at,
      'SYNC-1006',
      `${where(path)}: ${short(text)} is out of range, expected ${describeRule(rule)}`,
    )
  return value
}

function readWord(
  tree: ScalarTree,
  one: Filled,
  rule: Rule,
  path: readonly string[],
  reading: Reading,
): Loaded | undefined {
  const words = rule.enum ?? [rule.const]
  const value =
    one.outside && words.some((word) => typeof word !== 'string')
      ? words.find((word) => String(word) === one.value)
      : one.value
  if (value !== undefined && words.includes(value)) return value as Loaded
  const text = String(one.value ?? '')
  const later = Array.isArray(rule.later) ? (rule.later as readonly string[]) : []
  const soon = later.find((word) => text === word || text.startsWith(`${word}:`))
  if (soon !== undefined)
    return add(
      reading,
      tree.at,
      'SYNC-1020',
      `${where(path)}: \`${soon}\` is not supported in this version, only ${listed(words)}`,
    )
  const texts = words.filter((word) => typeof word === 'string')
  const meant = suggest(text, texts)
  const hint = meant === undefined ? '' : ` Did you mean "${meant}"?`
  return add(
    reading,
    tree.at,
    'SYNC-1005',
    `${where(path)}: expected ${listed(words)}${rule.orObject === true ? ' or an object' : ''}${seen(tree)}.${hint}`,
  )
}

/** A scalar of one of several types, as in constants. What YAML might read in another way than meant is refused. */
export function readLoose(
  tree: ScalarTree,
  rules: readonly Rule[],
  path: readonly string[],
  reading: Reading,
): Loaded | undefined {
  const one = filled(tree, {}, path, reading)
  if (one === undefined) return undefined
  const { value } = one
  const takes = (type: string) => rules.find((rule) => rule.type === type)
  const literal = rules.find((rule) => rule.const !== undefined && rule.const === value)
  if (literal !== undefined) return value as Loaded
  const union: Rule = { anyOf: rules }
  if (value === null) return takes('null') === undefined ? wrongKind(tree, union, path, reading) : null
  if (typeof value === 'boolean') return takes('boolean') === undefined ? wrongKind(tree, union, path, reading) : value
  if (typeof value === 'number') {
    const rule = takes('number') ?? takes('integer')
    if (rule === undefined) return wrongKind(tree, union, path, reading)
    if (isInRange(value, rule)) return readExact(tree, value, takes('string') !== undefined, path, reading)
    return add(
      reading,
      tree.at,
      'SYNC-1006',
      `${where(path)}: ${short(tree.source)} is out of range, expected ${describeRule(union)}`,
    )
  }
  if (takes('boolean') !== undefined && tree.plain && !one.outside && /^(yes|no|on|off|y|n)$/i.test(value))
    return add(
      reading,
      tree.at,
      'SYNC-1005',
      `${where(path)}: ${value} is a text in YAML 1.2; write "${value}" if the text is meant, or true or false`,
    )
  const text = takes('string')
  if (text !== undefined) return readText(tree, value, text, path, reading)
  const words = rules.flatMap((rule) => (typeof rule.const === 'string' ? [rule.const] : []))
  return wrongKind(tree, union, path, reading, didYouMean(value, words))
}

/** A constant number must be in the file as it will be at the target. */
function readExact(
  tree: ScalarTree,
  value: number,
  isText: boolean,
  path: readonly string[],
  reading: Reading,
): number | undefined {
  if (String(value) === tree.source && Math.abs(value) <= Number.MAX_SAFE_INTEGER) return value
  return add(
    reading,
    tree.at,
    'SYNC-1005',
    `${where(path)}: ${short(tree.source)} would be read as the number ${value}; write ${isText ? `"${short(tree.source)}" for the text, or ` : ''}${value}`,
  )
}
