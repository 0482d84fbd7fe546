import type { ErrorObject } from 'ajv/dist/2020.js'
import type { FailureCode } from '../model/failure.ts'
import { type Row, text, type Value } from '../model/value.ts'
import type { Reason } from '../model/verdict.ts'
import { characters } from '../std/cel-functions.ts'
import { nearest } from '../std/suggest.ts'
import { formats } from './formats.ts'
import { type Classes, shown } from './show.ts'

/** Alternatives that are told of one `anyOf` or `oneOf`. */
const alternativesMax = 5

/**
 * The reasons in Ajv's errors, in the words of people who own data: one for all alternatives of an `anyOf` or `oneOf`, nothing twice,
 * and of an empty text that it is empty, not what else it is not. A value is shown by the classification of its field, also where it
 * lies deeper in it.
 */
export function reasonsFrom(errors: readonly ErrorObject[], set: Row, classes: Classes): Reason[] {
  const told: Told[] = []
  for (const error of errors) {
    // Why the items are not what is asked for is no matter of theirs.
    if (error.keyword === 'contains') drop(told, (one) => one.error.schemaPath.startsWith(`${error.schemaPath}/`))
    const mine = alternativesOf(error, told)
    if (mine.length === 0) told.push({ error, reason: reasonOf(error, set, classes) })
    else {
      drop(told, (one) => mine.includes(one))
      told.push({ error, reason: together(error, mine, set, classes) })
    }
  }
  const empty = new Set(told.flatMap(({ reason }) => (reason.code === 'SYNC-4031' ? [reason.field] : [])))
  const seen = new Set<string>()
  return told.flatMap(({ reason }) => {
    const id = JSON.stringify([reason.code, reason.field, reason.error])
    if (seen.has(id) || (reason.code === 'SYNC-4034' && empty.has(reason.field))) return []
    seen.add(id)
    return [reason]
  })
}

function drop<T>(list: T[], isGone: (one: T) => boolean): void {
  list.splice(0, list.length, ...list.filter((one) => !isGone(one)))
}

interface Told {
  readonly error: ErrorObject
  readonly reason: Reason
}

/** What was said of the alternatives before it was said that none fits; of a reference by the place that it refers to. */
function alternativesOf(
  { keyword, schemaPath, instancePath, schema, params }: ErrorObject,
  told: readonly Told[],
): Told[] {
  // More than one fits: what the others lack is not the matter.
  if (keyword !== 'anyOf' && (keyword !== 'oneOf' || params['passingSchemas'] !== null)) return []
  const referred = (schema as readonly { readonly $ref?: unknown }[]).flatMap(({ $ref }) =>
    typeof $ref === 'string' ? [`${$ref}/`] : [],
  )
  const roots = [`${schemaPath}/`, ...referred]
  return told.filter(
    ({ error }) =>
      (error.instancePath === instancePath || error.instancePath.startsWith(`${instancePath}/`)) &&
      roots.some((root) => error.schemaPath.startsWith(root)),
  )
}

/** One reason for all alternatives; those that only allow nothing (`null`) are not told where there is something. */
function together(error: ErrorObject, told: readonly Told[], set: Row, classes: Classes): Reason {
  const real = told.filter((one) => one.error.keyword !== 'type' || one.error.params['type'] !== 'null')
  const reasons = (real.length === 0 ? told : real).map(({ reason }) => reason)
  const whole = reasonOf(error, set, classes)
  const [first] = reasons
  if (first === undefined) return whole
  const fields = new Set(reasons.map(({ field }) => field))
  const codes = new Set(reasons.map(({ code }) => code))
  const sentences = [...new Set(reasons.map((reason) => reason.error.replace(/\.$/, '')))]
  const more = sentences.length > alternativesMax ? `; or ${sentences.length - alternativesMax} others` : ''
  const said = sentences.slice(0, alternativesMax).join('; or ')
  return {
    ...(fields.size === 1 ? { ...whole, ...first, rule: whole.rule as string } : whole),
    code: codes.size === 1 ? first.code : whole.code,
    error: sentences.length === 1 ? first.error : `One of these has to be mended: ${said}${more}.`,
  }
}

function reasonOf(error: ErrorObject, set: Row, classes: Classes): Reason {
  const field = fieldOf(error)
  const value = Object.hasOwn(set, field) ? (set[field] as Value) : undefined
  const { code, sentence } = say(error, field === '' ? 'The record' : field, value)
  return {
    stage: 'schema',
    code,
    rule: error.schemaPath.replace(/^#\//, '').replaceAll('/', '.'),
    ...(field === '' ? {} : { field }),
    error: sentence,
    ...(value === undefined ? shownInside(error, field, set, classes) : shown(field, value, classes)),
  }
}

/** A value in a list or object of JSON has the classification of the field that holds it. */
function shownInside({ data, keyword }: ErrorObject, field: string, set: Row, classes: Classes): { value?: string } {
  if (absences.has(keyword) || (typeof data !== 'string' && typeof data !== 'number' && typeof data !== 'boolean'))
    return {}
  const parts = field.split('.')
  for (let length = parts.length - 1; length > 0; length--) {
    const outer = parts.slice(0, length).join('.')
    if (Object.hasOwn(set, outer)) return shown(outer, data, classes)
  }
  return {}
}

/** Keywords that are about a field which is not there, while the error carries the object around it. */
const absences: ReadonlySet<string> = new Set(['required', 'dependentRequired', 'dependencies'])

/** The field that an error is about, dotted as in the mapping; for a missing one, the missing one. */
export function fieldOf(error: ErrorObject): string {
  const path = error.instancePath
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
  const params = error.params as { readonly [name: string]: unknown }
  const inner =
    error.propertyName ??
    params['missingProperty'] ??
    params['additionalProperty'] ??
    params['unevaluatedProperty'] ??
    params['propertyName']
  if (typeof inner === 'string') path.push(inner)
  return path.join('.')
}

interface Said {
  readonly code: FailureCode
  readonly sentence: string
}

interface Asked {
  readonly field: string
  readonly params: { readonly [name: string]: unknown }
  readonly data: unknown
  readonly value: Value | undefined
}

/** A sentence for the owner of the data, and its code. It shows limits and allowed values, never the record's own value. */
function say(error: ErrorObject, field: string, value: Value | undefined): Said {
  // The name of a field is judged, not its value.
  if (error.propertyName !== undefined)
    return { code: 'SYNC-4037', sentence: `A field may not be called ${brief(error.propertyName)}.` }
  const find = Object.hasOwn(words, error.keyword) ? words[error.keyword] : undefined
  const asked = { field, params: error.params as Asked['params'], data: error.data, value }
  if (find !== undefined) return find(asked)
  const why = error.message === undefined || error.message === '' ? 'no more is known' : error.message
  return { code: 'SYNC-4037', sentence: `${field} breaks the rule "${error.keyword}": ${why}.` }
}

const missing = ({ field }: Asked): Said => ({
  code: 'SYNC-4030',
  sentence: `${field} is required, but is not there.`,
})

const surplus = ({ field }: Asked): Said => ({
  code: 'SYNC-4037',
  sentence: `${field} is not a field of the schema.`,
})

const bound = ({ field, params }: Asked): Said => ({
  code: 'SYNC-4035',
  sentence: `${field} must be ${params['comparison']} ${params['limit']}.`,
})

const isOne = (params: Asked['params']): string => (params['limit'] === 1 ? 'is' : 'are')

const counted = (n: unknown, noun: string): string => `${n} ${noun}${Number(n) === 1 ? '' : 's'}`

const itemsOf = (data: unknown): number => (Array.isArray(data) ? data.length : 0)

const textOf = (data: unknown): number => (typeof data === 'string' ? characters(data) : 0)

const tooMany = ({ field, params, data }: Asked): Said => ({
  code: 'SYNC-4037',
  sentence: `${field} has ${counted(itemsOf(data), 'item')}, at most ${params['limit']} ${isOne(params)} allowed.`,
})

const words: { readonly [keyword: string]: (asked: Asked) => Said } = {
  required: missing,
  dependentRequired: missing,
  dependencies: missing,
  type: sayType,
  enum: ({ field, params, data }) => ({
    code: 'SYNC-4033',
    sentence: `${field} is not one of the allowed values${allowed(params['allowedValues'], data)}.`,
  }),
  const: ({ field, params }) => ({
    code: 'SYNC-4033',
    sentence: `${field} must be ${brief(params['allowedValue'])}.`,
  }),
  minLength: ({ field, params, data }) =>
    data === ''
      ? { code: 'SYNC-4031', sentence: `${field} is required, but is empty.` }
      : {
          code: 'SYNC-4036',
          sentence: `${field} has ${counted(textOf(data), 'character')}, at least ${params['limit']} ${isOne(params)} required.`,
        },
  maxLength: ({ field, params, data }) => ({
    code: 'SYNC-4036',
    sentence: `${field} has ${counted(textOf(data), 'character')}, at most ${params['limit']} ${isOne(params)} allowed.`,
  }),
  format: ({ field, params }) => ({
    code: 'SYNC-4034',
    sentence: `${field} is not ${formats.get(String(params['format']))?.words ?? `of the form ${params['format']}`}.`,
  }),
  pattern: ({ field, params }) => ({
    code: 'SYNC-4034',
    sentence: `${field} does not have the form ${brief(params['pattern'])}.`,
  }),
  minimum: bound,
  maximum: bound,
  exclusiveMinimum: bound,
  exclusiveMaximum: bound,
  multipleOf: ({ field, params }) => ({
    code: 'SYNC-4035',
    sentence: `${field} must be a multiple of ${params['multipleOf']}.`,
  }),
  minItems: ({ field, params, data }) => ({
    code: 'SYNC-4037',
    sentence: `${field} has ${counted(itemsOf(data), 'item')}, at least ${params['limit']} ${isOne(params)} required.`,
  }),
  maxItems: tooMany,
  items: tooMany,
  uniqueItems: ({ field, params }) => ({
    code: 'SYNC-4037',
    sentence: `${field} has the same item twice, at places ${Number(params['i']) + 1} and ${Number(params['j']) + 1}.`,
  }),
  contains: ({ field }) => ({ code: 'SYNC-4037', sentence: `${field} lacks an item that the schema asks for.` }),
  additionalProperties: surplus,
  unevaluatedProperties: surplus,
  minProperties: ({ field, params }) => ({
    code: 'SYNC-4037',
    sentence: `${field} has too few fields, at least ${params['limit']} ${isOne(params)} required.`,
  }),
  maxProperties: ({ field, params }) => ({
    code: 'SYNC-4037',
    sentence: `${field} has too many fields, at most ${params['limit']} ${isOne(params)} allowed.`,
  }),
  not: ({ field }) => ({ code: 'SYNC-4037', sentence: `${field} has what the schema forbids under \`not\`.` }),
  'false schema': ({ field }) => ({ code: 'SYNC-4037', sentence: `${field} may not be there.` }),
  anyOf: ({ field }) => ({ code: 'SYNC-4037', sentence: `${field} fits none of the alternatives.` }),
  oneOf: ({ field, params }) => ({
    code: 'SYNC-4037',
    sentence: Array.isArray(params['passingSchemas'])
      ? `${field} fits more than one of the alternatives, exactly one is allowed.`
      : `${field} fits none of the alternatives.`,
  }),
}

function sayType({ field, params, data, value }: Asked): Said {
  const { type } = params
  const wanted = Array.isArray(type) ? type.join(' or ') : String(type)
  if (data === null) return { code: 'SYNC-4030', sentence: `${field} is null, but must be ${wanted}.` }
  const decimal = typeof value === 'object' && value?.kind === 'decimal' && /number|integer/.test(wanted)
  // NaN and Infinity have no digits.
  const isLong = decimal && /\d/.test(text(value) ?? '')
  const why = isLong ? ' The decimal has more digits than a JSON number keeps; allow `type: string` for it.' : ''
  return { code: 'SYNC-4032', sentence: `${field} must be ${wanted}.${why}` }
}

function allowed(values: unknown, data: unknown): string {
  if (!Array.isArray(values)) return ''
  if (values.length <= 8) return `: ${values.map(brief).join(', ')}`
  const texts = values.filter((value): value is string => typeof value === 'string')
  const near = typeof data === 'string' ? nearest(data, texts, 3) : []
  return near.length === 0 ? ` (there are ${values.length})` : `; the nearest are ${near.map(brief).join(', ')}`
}

function brief(value: unknown): string {
  const json = JSON.stringify(value) ?? 'nothing'
  return json.length > 60 ? `${json.slice(0, 59)}…` : json
}
