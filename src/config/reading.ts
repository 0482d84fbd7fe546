import type { FailureCode } from '../model/failure.ts'
import type { Secret } from '../std/secret.ts'
import type { Piece, Surroundings } from './references.ts'
import { type Place, type Problem, short, type Tree } from './tree.ts'

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
  readonly exclusiveMinimum?: number
  readonly exclusiveMaximum?: number
  readonly minLength?: number
  readonly maxLength?: number
  readonly pattern?: string
  readonly format?: string
  readonly later?: string | readonly string[]
  readonly default?: unknown
  readonly description?: string
  /** Not of the schema: reading a word whose rule allows an object as well, for the message. */
  readonly orObject?: boolean
}

/** A value that was read. Objects have no prototype. */
export type Loaded = null | boolean | number | string | Secret | { readonly [name: string]: Loaded } | readonly Loaded[]

/** A text that came from references: what it is made of, so that it can be read again. */
export interface Origin {
  readonly pieces: readonly Piece[]
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
  /** JSON Schemas that are files of their own, by sync: their name in the configuration, and their trees. */
  readonly schemas: Map<string, { readonly file: string; readonly tree: Tree }>
}

/** Adds a problem; there is no value then. */
export function add(reading: Reading, at: Place, code: FailureCode, message: string): undefined {
  reading.problems.push({ code, message, at })
  return undefined
}

/** A path for people: `syncs.members.fields.FirstName`. */
export function where(path: readonly string[]): string {
  return path.length === 0 ? 'the file' : path.map(short).join('.')
}

/** Adds that another kind of value is expected. */
export function wrongKind(tree: Tree, rule: Rule, path: readonly string[], reading: Reading, hint = ''): undefined {
  return add(reading, tree.at, 'SYNC-1005', `${where(path)}: expected ${describeRule(rule)}${seen(tree)}.${hint}`)
}

/** How the value was read, for the words that YAML 1.1 read in another way. Never a text as such: it may be a secret. */
export function seen(tree: Tree): string {
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
  const range = describeRange(rule)
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

function describeRange({ minimum, maximum, exclusiveMinimum, exclusiveMaximum }: Rule): string {
  const bounds = [
    ...(exclusiveMinimum === undefined ? [] : [`above ${exclusiveMinimum}`]),
    ...(exclusiveMaximum === undefined ? [] : [`below ${exclusiveMaximum}`]),
  ]
  if (bounds.length > 0) return ` ${bounds.join(' and ')}`
  if (minimum === undefined && maximum === undefined) return ''
  if (minimum === undefined) return ` up to ${maximum}`
  return maximum === undefined ? ` from ${minimum}` : ` ${minimum}-${maximum}`
}

/** Whether a number is within the bounds of its rule. */
export function isInRange(value: number, rule: Rule): boolean {
  const { minimum = -Infinity, maximum = Infinity, exclusiveMinimum = -Infinity, exclusiveMaximum = Infinity } = rule
  return (
    Number.isFinite(value) &&
    value >= minimum &&
    value <= maximum &&
    value > exclusiveMinimum &&
    value < exclusiveMaximum
  )
}

/** Words as people list them. */
export function listed(words: readonly unknown[]): string {
  return words
    .map((word) => (typeof word === 'string' ? `\`${word}\`` : String(word)))
    .join(', ')
    .replace(/, ([^,]*)$/, ' or $1')
}
