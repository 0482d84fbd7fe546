import type { ErrorObject } from 'ajv/dist/2020.js'
import type { FailureCode } from '../model/failure.ts'
import { isObject } from '../std/json.ts'
import { compilePattern } from '../std/pattern.ts'
import { PatternError } from '../std/pattern-parse.ts'
import { didYouMean } from '../std/suggest.ts'
import { formats } from './formats.ts'
import { compileSchema, formErrors, type JsonSchema } from './schema-compile.ts'
import { keywords, type Subschema, subschemas } from './schema-keywords.ts'

/** Something that keeps a schema from being used, with its place in it. */
export interface SchemaProblem {
  readonly code: FailureCode
  readonly message: string
  /** From the root of the schema: `['properties', 'Email', 'format']`. */
  readonly path: readonly string[]
  /** Where in the text at that path. */
  readonly offset?: number
}

const charactersMax = 1_000_000
const draft = 'https://json-schema.org/draft/2020-12/schema'

/** Everything that keeps a schema from being used; nothing, if `compileSchema` takes it. */
export function schemaProblems(schema: JsonSchema): SchemaProblem[] {
  const size = JSON.stringify(schema)?.length ?? 0
  if (size > charactersMax)
    return [unusable([], `the schema has ${size} characters, at most ${charactersMax} are allowed`)]
  const parts = [...subschemas(schema)]
  const known = namesIn(schema, parts)
  const own = parts.flatMap((part) => problemsOf(part, known))
  // A keyword that nobody knows has no form either.
  const paths = new Set(own.map(({ path }) => path.join('\0')))
  const form = formProblems(schema).filter(({ path }) => !paths.has(path.join('\0')))
  return own.length + form.length > 0 ? [...own, ...form] : compileProblems(schema)
}

const unusable = (path: readonly string[], message: string): SchemaProblem => ({ code: 'SYNC-1018', message, path })

/** What a reference may name. */
interface Names {
  readonly root: JsonSchema
  readonly anchors: ReadonlySet<string>
  readonly definitions: readonly string[]
  /** Parts with an `$id` of their own are documents of their own: what they refer to is left to Ajv. */
  readonly hasDocuments: boolean
}

function namesIn(root: JsonSchema, parts: readonly Subschema[]): Names {
  const anchors = parts.flatMap(({ schema }) => [schema['$anchor'], schema['$dynamicAnchor']])
  const definitions = parts.flatMap(({ path }) => (isDefinition(path) ? [`#/${path.join('/')}`] : []))
  return {
    root,
    anchors: new Set(anchors.filter((name) => typeof name === 'string')),
    definitions,
    hasDocuments: parts.some(({ schema, path }) => path.length > 0 && typeof schema['$id'] === 'string'),
  }
}

const isDefinition = (path: readonly string[]): boolean => {
  const holder = path.at(-2)
  return holder === '$defs' || holder === 'definitions'
}

function problemsOf({ path, schema }: Subschema, names: Names): SchemaProblem[] {
  return Object.entries(schema).flatMap(([keyword, value]): SchemaProblem[] => {
    const at = [...path, keyword]
    if (!keywords.has(keyword))
      return keyword.startsWith('x-')
        ? []
        : [unusable(at, `"${keyword}" is no keyword of JSON Schema.${didYouMean(keyword, keywords)}`)]
    if (keyword === '$schema') return draftProblems(value, at)
    if (keyword === 'format' && typeof value === 'string') return formatProblems(value, at)
    if (keyword === 'pattern' && typeof value === 'string') return patternProblems(value, at)
    if (keyword === 'patternProperties' && isObject(value))
      return Object.keys(value).flatMap((pattern) => patternProblems(pattern, [...at, pattern]))
    if (keyword === '$ref' && typeof value === 'string') return referenceProblems(value, at, names)
    return []
  })
}

function draftProblems(value: unknown, path: readonly string[]): SchemaProblem[] {
  if (typeof value !== 'string' || value.replace(/#$/, '') === draft) return []
  return [unusable(path, `only JSON Schema 2020-12 is known, which is "${draft}"`)]
}

function formatProblems(format: string, path: readonly string[]): SchemaProblem[] {
  if (formats.has(format)) return []
  const plain = [...formats.keys()].filter((name) => !name.startsWith('phone-'))
  const near = didYouMean(format, formats.keys())
  return [
    unusable(
      path,
      `the format "${format}" is not known; known are ${plain.join(', ')}, and phone-<country> (phone-AT).${near}`,
    ),
  ]
}

function patternProblems(pattern: string, path: readonly string[]): SchemaProblem[] {
  try {
    compilePattern(pattern, false)
    return []
  } catch (error) {
    if (!(error instanceof PatternError)) throw error
    const { position, message } = error
    return [
      { code: 'SYNC-1015', message: `at character ${position + 1} of the pattern: ${message}`, path, offset: position },
    ]
  }
}

function referenceProblems(reference: string, path: readonly string[], names: Names): SchemaProblem[] {
  if (names.hasDocuments || reference === '#') return []
  const own = isObject(names.root) ? names.root['$id'] : undefined
  const inside = typeof own === 'string' && reference.startsWith(own) ? reference.slice(own.length) : reference
  if (!inside.startsWith('#'))
    return [
      unusable(path, `"${reference}" is another document: only references within the schema are followed (#/$defs/…)`),
    ]
  const isThere = inside.startsWith('#/') ? standsAt(names.root, inside) : names.anchors.has(inside.slice(1))
  if (isThere) return []
  return [unusable(path, `"${reference}" is not in the schema.${didYouMean(reference, names.definitions)}`)]
}

function standsAt(root: unknown, pointer: string): boolean {
  let at = root
  for (const part of pointer.slice(2).split('/')) {
    const name = unescaped(part)
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, name)) return false
    at = (at as { readonly [name: string]: unknown })[name]
  }
  return true
}

/** A part of a JSON pointer in a URI. */
function unescaped(part: string): string {
  const name = part.replaceAll('~1', '/').replaceAll('~0', '~')
  try {
    return decodeURIComponent(name)
  } catch {
    return name
  }
}

/** Values that a keyword does not take: one problem a place, the most exact. */
function formProblems(schema: JsonSchema): SchemaProblem[] {
  const found = new Map<string, ErrorObject>()
  for (const error of formErrors(schema)) {
    const before = found.get(error.instancePath)
    if (before === undefined || rank(error) < rank(before)) found.set(error.instancePath, error)
  }
  // Of a list it is told which item is wrong, not that the list is.
  const isOuter = (path: string) => [...found.keys()].some((other) => other.startsWith(`${path}/`))
  const inner = [...found.values()].filter(({ instancePath }) => !isOuter(instancePath))
  return inner.map((error) => {
    const path = error.instancePath
      .split('/')
      .slice(1)
      .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    return unusable(path, `${path.at(-1) ?? 'the schema'} ${wanted(error)}`)
  })
}

const exactness = ['enum', 'const', 'type', 'minimum', 'exclusiveMinimum', 'pattern', 'format', 'uniqueItems']

const rank = ({ keyword }: ErrorObject): number => {
  const place = exactness.indexOf(keyword)
  return place < 0 ? exactness.length : place
}

function wanted({ keyword, params, message }: ErrorObject): string {
  switch (keyword) {
    case 'enum':
      return `is not one of ${(params['allowedValues'] as readonly unknown[]).join(', ')}`
    case 'type': {
      const words: { readonly [type: string]: string } = { object: 'a schema', 'object,boolean': 'a schema' }
      const type = String(params['type'])
      return `must be ${words[type] ?? (/^[aeiou]/.test(type) ? `an ${type}` : `a ${type}`)}`
    }
    case 'uniqueItems':
      return 'has the same item twice'
    default:
      return message === undefined || message === '' ? 'cannot be used' : message
  }
}

/** What only Ajv notices. */
function compileProblems(schema: JsonSchema): SchemaProblem[] {
  try {
    compileSchema(schema, true)
    return []
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    return [unusable([], `the schema cannot be used: ${message.replace(/^strict mode: /, '').slice(0, 500)}`)]
  }
}

/**
 * Fields that a schema requires of every record and that no rule writes: it would park all of them. Conditions (`if`, `anyOf` …) are not
 * followed, nor is JSON that a field holds.
 * @param fields what the mapping writes, dotted where it lies deeper
 */
export function unwrittenFields(schema: unknown, fields: readonly string[]): SchemaProblem[] {
  return requiredFields(schema, [], [])
    .filter(
      ({ name }) =>
        !fields.some((field) => field === name || field.startsWith(`${name}.`) || name.startsWith(`${field}.`)),
    )
    .map(({ name, path }) =>
      unusable(
        path,
        `the schema requires "${name}", which the mapping does not write: every record would be quarantined.${didYouMean(name, fields)}`,
      ),
    )
}

function requiredFields(
  schema: unknown,
  object: readonly string[],
  path: readonly string[],
): { readonly name: string; readonly path: readonly string[] }[] {
  if (!isObject(schema)) return []
  const { required, properties, allOf } = schema
  const own = Array.isArray(required) ? required : []
  const isNeeded = (name: string) => own.includes(name)
  return [
    ...own.flatMap((name: unknown, place) =>
      typeof name === 'string'
        ? [{ name: [...object, name].join('.'), path: [...path, 'required', String(place)] }]
        : [],
    ),
    // What an optional object requires of itself is required only where it is there.
    ...Object.entries(isObject(properties) ? properties : {}).flatMap(([name, part]) =>
      isNeeded(name) ? requiredFields(part, [...object, name], [...path, 'properties', name]) : [],
    ),
    ...(Array.isArray(allOf) ? allOf : []).flatMap((part, place) =>
      requiredFields(part, object, [...path, 'allOf', String(place)]),
    ),
  ]
}
