import type { FailureCode } from '../model/failure.ts'
import { Secret } from '../std/secret.ts'
import { didYouMean, suggest } from '../std/suggest.ts'
import { fill, isWhole, type Piece, piecesOf, ReferenceProblem, type Surroundings } from './references.ts'
import { type MapTree, type Place, type Problem, type ScalarTree, short, type Tree } from './tree.ts'

/** JSON Schema as far as the configuration's schema uses it. */
export interface Rule {
  readonly type?: string
  readonly properties?: { readonly [name: string]: Rule }
  readonly patternProperties?: { readonly [pattern: string]: Rule }
  readonly required?: readonly string[]
  readonly additionalProperties?: boolean | Rule
  readonly minProperties?: number
  readonly maxProperties?: number
  readonly items?: Rule
  readonly minItems?: number
  readonly maxItems?: number
  readonly anyOf?: readonly Rule[]
  readonly discriminator?: string
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly minimum?: number
  readonly maximum?: number
  readonly minLength?: number
  readonly maxLength?: number
  readonly pattern?: string
  readonly format?: string
  readonly later?: string | readonly string[]
  readonly default?: unknown
  readonly description?: string
}

/** A value that was read. Objects have no prototype. */
export type Loaded = null | boolean | number | string | Secret | { readonly [name: string]: Loaded } | readonly Loaded[]

/** A text that came from a reference: how to read it again, and what it is made of. */
export interface Origin {
  readonly pieces: readonly Piece[]
  readonly written: string
}

/** Gathers what one reading finds. */
export interface Reading {
  readonly file: string
  readonly around: Surroundings
  readonly problems: Problem[]
  readonly warnings: Problem[]
  /** The tree at each path (joined by NUL), to name places later. */
  readonly trees: Map<string, { readonly key: Place; readonly tree: Tree }>
  readonly origins: Map<string, Origin>
}

/** The value of a tree by its rule; `undefined` where a problem was added. */
export function read(
  tree: Tree,
  rule: Rule,
  path: readonly string[],
  reading: Reading,
  key: Place = tree.at,
): Loaded | undefined {
  reading.trees.set(path.join('\0'), { key, tree })
  if (typeof rule.later === 'string')
    return add(reading, key, 'SYNC-1020', `${where(path)}: ${rule.later} is not supported in this version`)
  if (rule.anyOf !== undefined) return readAny(tree, rule, path, reading, key)
  if (rule.type === 'object') return readObject(tree, rule, path, reading)
  if (rule.type === 'array') return readArray(tree, rule, path, reading)
  return readScalar(tree, rule, path, reading)
}

export function add(reading: Reading, at: Place, code: FailureCode, message: string): undefined {
  reading.problems.push({ code, message, at })
  return undefined
}

/** A path for people: `syncs.members.fields.FirstName`. */
export function where(path: readonly string[]): string {
  return path.length === 0 ? 'the file' : path.map(short).join('.')
}

const isObjectRule = (rule: Rule) => rule.type === 'object'

function readAny(tree: Tree, rule: Rule, path: readonly string[], reading: Reading, key: Place): Loaded | undefined {
  const branches = (rule.anyOf ?? []).flatMap((branch): readonly Rule[] =>
    branch.anyOf === undefined ? [branch] : branch.anyOf,
  )
  if (tree.kind === 'map') {
    const objects = branches.filter(isObjectRule)
    if (objects.length === 1) return read(tree, objects[0]!, path, reading, key)
    if (objects.length > 1) return readVariant(tree, objects, rule, path, reading, key)
    return wrongKind(tree, rule, path, reading)
  }
  if (tree.kind === 'list') {
    const list = branches.find((branch) => branch.type === 'array')
    return list === undefined ? wrongKind(tree, rule, path, reading) : read(tree, list, path, reading, key)
  }
  const scalars = branches.filter((branch) => branch.type !== 'object' && branch.type !== 'array')
  const words = scalars.flatMap((branch) => (branch.const === undefined ? [] : [branch.const]))
  if (scalars.length === 0) return wrongKind(tree, rule, path, reading)
  if (words.length === scalars.length) return readScalar(tree, { enum: words, ...expectation(branches) }, path, reading)
  return readLoose(tree, scalars, path, reading)
}

function expectation(branches: readonly Rule[]): Rule {
  return branches.some(isObjectRule) ? { description: 'or an object' } : {}
}

/** Objects of several kinds, told apart by a key with one constant each: `type` of systems, `flow` of authorizations. */
function readVariant(
  tree: MapTree,
  objects: readonly Rule[],
  rule: Rule,
  path: readonly string[],
  reading: Reading,
  key: Place,
): Loaded | undefined {
  const names = Object.keys(objects[0]?.properties ?? {})
  const tag =
    rule.discriminator ?? names.find((name) => objects.every((one) => one.properties?.[name]?.const !== undefined))
  if (tag === undefined) return read(tree, objects[0]!, path, reading, key)
  const kinds = objects.map((one) => one.properties?.[tag]?.const)
  const entry = tree.entries.find((one) => one.key === tag)
  if (entry === undefined)
    return add(
      reading,
      tree.at,
      'SYNC-1019',
      `${where(path)}: the key \`${tag}\` is missing, expected ${listed(kinds)}`,
    )
  const soon = Array.isArray(rule.later) ? (rule.later as readonly string[]) : []
  const kind = readScalar(entry.value, { enum: kinds, later: soon }, [...path, tag], reading)
  const chosen = objects[kinds.indexOf(kind)]
  return kind === undefined || chosen === undefined ? undefined : read(tree, chosen, path, reading, key)
}

function readObject(tree: Tree, rule: Rule, path: readonly string[], reading: Reading): Loaded | undefined {
  if (tree.kind !== 'map') {
    const empty = tree.kind === 'scalar' && tree.value === null
    if (!(empty && (rule.required ?? []).length === 0 && (rule.minProperties ?? 0) === 0))
      return wrongKind(tree, rule, path, reading)
  }
  const entries = tree.kind === 'map' ? tree.entries : []
  if (rule.additionalProperties === true) return rawValue(tree)
  const result: { [name: string]: Loaded } = Object.create(null)
  const known = rule.properties ?? {}
  const open = Object.entries(rule.patternProperties ?? {})[0]
  for (const { key, at, value } of entries) {
    const inner = Object.hasOwn(known, key) ? known[key] : open?.[1]
    if (inner === undefined) unknownKey(key, at, rule, path, reading)
    else if (open !== undefined && !Object.hasOwn(known, key) && !new RegExp(open[0]).test(key))
      add(
        reading,
        at,
        'SYNC-1011',
        `"${short(key)}" is not a name for ${where(path)}: expected 1 to 63 of A-Z, a-z, 0-9, _ and -, beginning with a letter`,
      )
    else {
      const loaded = read(value, inner, [...path, key], reading, at)
      if (loaded !== undefined) result[key] = loaded
    }
  }
  for (const name of rule.required ?? [])
    if (!entries.some(({ key }) => key === name)) add(reading, tree.at, 'SYNC-1019', missing(name, known[name], path))
  bounds(entries.length, rule.minProperties, rule.maxProperties, 'entries', tree, path, reading)
  return result
}

function missing(name: string, rule: Rule | undefined, path: readonly string[]): string {
  const text = rule?.description === undefined ? '' : `: ${rule.description}`
  return `the key \`${name}\` is missing in ${where(path)}${text}`
}

function unknownKey(key: string, at: Place, rule: Rule, path: readonly string[], reading: Reading): void {
  const known = Object.entries(rule.properties ?? {}).filter(([, one]) => typeof one.later !== 'string')
  const names = known.map(([name]) => name)
  const hint = didYouMean(key, names) || ` Known are ${names.join(', ')}.`
  add(reading, at, 'SYNC-1003', `unknown key '${short(key)}' in ${where(path)}.${hint}`)
}

function readArray(tree: Tree, rule: Rule, path: readonly string[], reading: Reading): Loaded | undefined {
  if (tree.kind !== 'list') return wrongKind(tree, rule, path, reading)
  bounds(tree.items.length, rule.minItems, rule.maxItems, 'items', tree, path, reading)
  const items: Loaded[] = []
  for (const [index, item] of tree.items.slice(0, rule.maxItems).entries()) {
    const loaded = read(item, rule.items ?? {}, [...path, String(index)], reading)
    if (loaded !== undefined) items.push(loaded)
  }
  return items
}

function bounds(
  count: number,
  min: number | undefined,
  max: number | undefined,
  what: string,
  tree: Tree,
  path: readonly string[],
  reading: Reading,
): void {
  if (count < (min ?? 0))
    add(reading, tree.at, 'SYNC-1006', `${where(path)} has ${count} ${what}, expected at least ${min}`)
  if (count > (max ?? Infinity))
    add(reading, tree.at, 'SYNC-1006', `${where(path)} has ${count} ${what}, expected at most ${max}`)
}

/** A value as it stands, without references: the body of a JSON Schema has its own `$` and its own braces. */
export function rawValue(tree: Tree): Loaded {
  if (tree.kind === 'scalar') return tree.value
  if (tree.kind === 'list') return tree.items.map(rawValue)
  const result: { [name: string]: Loaded } = Object.create(null)
  for (const { key, value } of tree.entries) result[key] = rawValue(value)
  return result
}

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
    reading.origins.set(path.join('\0'), { pieces, written: pieces.map((piece) => piece.text).join('') })
    return { value: fill(pieces, reading.file, rule.format === 'secret', reading.around), outside: true }
  } catch (error) {
    if (error instanceof ReferenceProblem) return add(reading, tree.at, error.code, `${where(path)}: ${error.message}`)
    throw error
  }
}

function readScalar(tree: Tree, rule: Rule, path: readonly string[], reading: Reading): Loaded | undefined {
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
    return add(reading, tree.at, 'SYNC-1005', `${where(path)}: expected a text of the form ${rule.pattern}`)
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
  if (value < (rule.minimum ?? -Infinity) || value > (rule.maximum ?? Infinity) || !Number.isFinite(value))
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
    `${where(path)}: expected ${listed(words)}${rule.description === 'or an object' ? ' or an object' : ''}${seen(tree)}.${hint}`,
  )
}

/** A scalar of one of several types, as in constants. What YAML might read in another way than meant is refused. */
function readLoose(
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
    return rule === undefined ? wrongKind(tree, union, path, reading) : readExact(tree, value, path, reading)
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
function readExact(tree: ScalarTree, value: number, path: readonly string[], reading: Reading): number | undefined {
  if (String(value) === tree.source && Math.abs(value) <= Number.MAX_SAFE_INTEGER) return value
  return add(
    reading,
    tree.at,
    'SYNC-1005',
    `${where(path)}: ${short(tree.source)} would be read as the number ${value}; write "${short(tree.source)}" for the text, or ${value}`,
  )
}

function wrongKind(tree: Tree, rule: Rule, path: readonly string[], reading: Reading, hint = ''): undefined {
  return add(reading, tree.at, 'SYNC-1005', `${where(path)}: expected ${describeRule(rule)}${seen(tree)}.${hint}`)
}

/** How the value was read, for the words that YAML 1.1 read in another way. Never a text as such: it may be a secret. */
function seen(tree: Tree): string {
  if (tree.kind === 'map') return ', this is an object'
  if (tree.kind === 'list') return ', this is a list'
  if (tree.value === null) return ', there is nothing'
  if (typeof tree.value !== 'string')
    return `; ${short(tree.source)} was read as ${typeof tree.value === 'number' ? 'the number' : ''} ${tree.value}`.replace(
      '  ',
      ' ',
    )
  if (/^(yes|no|on|off|y|n)$/i.test(tree.value))
    return `; ${tree.value} was read as the text "${tree.value}" (YAML 1.2 knows only true and false)`
  return `, this is a text of ${tree.value.length} characters`
}

/** What a rule wants, in words. */
export function describeRule(rule: Rule): string {
  if (rule.enum !== undefined) return listed(rule.enum)
  if (rule.const !== undefined) return listed([rule.const])
  if (rule.anyOf !== undefined) return [...new Set(rule.anyOf.map(describeRule))].join(' or ')
  const { minimum, maximum } = rule
  const range =
    minimum === undefined && maximum === undefined
      ? ''
      : minimum === undefined
        ? ` up to ${maximum}`
        : maximum === undefined
          ? ` from ${minimum}`
          : ` ${minimum}-${maximum}`
  switch (rule.type) {
    case 'object':
      return 'an object'
    case 'array':
      return 'a list'
    case 'string':
      return rule.format === 'secret' ? 'a reference to a secret' : 'a text'
    case 'boolean':
      return 'true or false'
    case 'integer':
      return `integer${range}`
    case 'number':
      return `number${range}`
    case 'null':
      return 'null'
    default:
      return 'something else'
  }
}

function listed(words: readonly unknown[]): string {
  return words
    .map((word) => (typeof word === 'string' ? `\`${word}\`` : String(word)))
    .join(', ')
    .replace(/, ([^,]*)$/, ' or $1')
}
