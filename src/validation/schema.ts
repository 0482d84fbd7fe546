import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js'
import { type Failure, type FailureCode, failure, SyncError } from '../model/failure.ts'
import type { Row, Value } from '../model/value.ts'
import type { Candidate, Reason, Stage, Verdict } from '../model/verdict.ts'
import { characters } from '../std/cel-functions.ts'
import { compilePattern, patternTextMax } from '../std/pattern.ts'
import { PatternError } from '../std/pattern-parse.ts'
import { nearest } from '../std/suggest.ts'
import { formats } from './formats.ts'
import type { SchemaStageOptions } from './options.ts'
import { plainRow } from './plain.ts'
import { type Classes, shown } from './show.ts'

/** A JSON Schema (2020-12) as it was read. */
export type JsonSchema = { readonly [keyword: string]: unknown } | boolean

const schemaBytesMax = 1_000_000
const reasonsDefault = 20

/** It has no needs and no use for what other stages said. */
export interface SchemaStage extends Stage {
  judge(candidates: readonly Candidate[]): Verdict[]
}

/**
 * The schema stage: judges the mapped target fields against a JSON Schema. Compiled once; throws a `SyncError` (SYNC-1018,
 * SYNC-1015) where the schema cannot be used. How values look to it: `plainRow`. Every error of a record is reported, up to a
 * bound, with the spec's `{field, error, value}`; the record parks in quarantine.
 *
 * Patterns run in linear time (std/pattern.ts). A field that is absent because its source column is absent has not changed,
 * and is not reported as missing; for that `inputs` must say which columns a field is made of. Nor is a field that could not be
 * mapped, nor what a condition (`if`, `anyOf` …) says of the object that it belongs to. Columns behind conditions are declared in
 * `together`.
 */
export function schemaStage(schema: JsonSchema, options: SchemaStageOptions = {}): SchemaStage {
  const validate = compile(schema, options.isChecked)
  const settings = { reasonsMax: reasonsDefault, inputs: {}, classes: new Map(), isChecked: false, ...options }
  const together = conditionedColumns(schema, '', settings.inputs)
  return {
    name: 'schema',
    ...(together.length > 1 ? { together: [together] } : {}),
    judge: (candidates) => candidates.map((candidate) => judge(candidate, validate, settings)),
  }
}

/** What keeps a schema from being used; nothing, if it can be compiled. */
export function checkSchema(schema: JsonSchema): Failure[] {
  try {
    compile(schema)
    return []
  } catch (error) {
    if (error instanceof SyncError) return [error.failure, ...error.others]
    throw error
  }
}

function compile(schema: JsonSchema, isChecked = false): ValidateFunction {
  const size = JSON.stringify(schema)?.length ?? 0
  if (size > schemaBytesMax) throw unusable(`it has ${size} characters, at most ${schemaBytesMax} are allowed`)
  const ajv = new Ajv2020({
    allErrors: true,
    verbose: true,
    strict: true,
    strictTypes: false,
    strictTuples: false,
    strictRequired: false,
    allowUnionTypes: true,
    ownProperties: true,
    logger: false,
    validateSchema: !isChecked,
    code: { regExp: linearRegExp() },
  })
  for (const [name, { test }] of formats) ajv.addFormat(name, test)
  try {
    return ajv.compile(schema)
  } catch (error) {
    if (error instanceof PatternError)
      throw new SyncError(
        failure('SYNC-1015', `A pattern of the schema, at its character ${error.position + 1}: ${error.message}.`),
      )
    const message = error instanceof Error ? error.message : String(error)
    const format = /unknown format "([^"]*)"/.exec(message)?.[1]
    if (format !== undefined)
      throw unusable(`the format "${format}" is not known; known are ${knownFormats}, and phone-<country> (phone-AT)`)
    throw unusable(message.slice(0, 500))
  }
}

const knownFormats = [...formats.keys()].filter((name) => !name.startsWith('phone-')).join(', ')

function unusable(why: string): SyncError {
  return new SyncError(failure('SYNC-1018', `The JSON Schema cannot be used: ${why}.`))
}

/** Ajv's hook for another engine of regular expressions. `code` would be needed for stand-alone code only, which is not made. */
function linearRegExp() {
  const make = (source: string, flags: string) => {
    const pattern = compilePattern(source, flags.includes('i'))
    return {
      test: (text: string) => text.length <= patternTextMax && pattern.test(text),
      // Ajv tells compiled patterns apart by this text.
      toString: () => `/${source}/${flags}`,
    }
  }
  return Object.assign(make, { code: 'linearRegExp' })
}

function judge(
  candidate: Candidate,
  validate: ValidateFunction,
  { reasonsMax, inputs, classes }: Required<SchemaStageOptions>,
): Verdict {
  if (validate(plainRow(candidate.set))) return { kind: 'accept' }
  const errors = (validate.errors ?? []).filter(
    (error) => !isEcho(error) && !isUnchanged(error, candidate, inputs) && !isGuess(error, candidate),
  )
  if (errors.length === 0) return { kind: 'accept' }
  const reasons = errors.slice(0, reasonsMax).map((error) => reasonOf(error, candidate.set, classes))
  if (errors.length > reasonsMax)
    reasons.push({
      stage: 'schema',
      code: 'SYNC-4037',
      error: `${errors.length - reasonsMax} more errors of this record are not listed.`,
    })
  return { kind: 'park', to: 'quarantine', reasons }
}

/** Ajv reports that a branch failed beside why it failed; people need the cause only. */
function isEcho(error: ErrorObject): boolean {
  return error.keyword === 'if'
}

/** A field that is only missing because the change did not carry its columns. */
function isUnchanged(
  error: ErrorObject,
  { row, unmapped }: Candidate,
  inputs: NonNullable<SchemaStageOptions['inputs']>,
): boolean {
  if (error.keyword !== 'required' && error.keyword !== 'dependentRequired') return false
  const field = fieldOf(error)
  if (unmapped !== undefined && concerns(field, unmapped)) return true
  // A missing object is unchanged if one of its fields is.
  return Object.keys(inputs).some(
    (name) =>
      (name === field || name.startsWith(`${field}.`)) && inputs[name]!.some((column) => !Object.hasOwn(row, column)),
  )
}

/** Whether a field, or one inside of it, is among these. */
function concerns(field: string, names: Iterable<string>): boolean {
  for (const name of names) if (field === '' || name === field || name.startsWith(`${field}.`)) return true
  return false
}

/** Keywords whose verdict on one field depends on others of the same object. */
const conditions: ReadonlySet<string> = new Set([
  ...['if', 'then', 'else', 'anyOf', 'oneOf', 'not', '$ref', '$dynamicRef', '$defs', 'definitions'],
  ...['dependentRequired', 'dependentSchemas', 'minProperties', 'unevaluatedProperties'],
])

/** An error by a condition on an object of which one field could not be mapped: it may be there because of that. */
function isGuess({ schemaPath }: ErrorObject, { unmapped }: Candidate): boolean {
  if (unmapped === undefined) return false
  const path = schemaPath.split('/').slice(1)
  let object = ''
  for (let at = 0; at < path.length; at++) {
    const word = path[at] as string
    if (conditions.has(word)) return concerns(object, unmapped)
    if (word !== 'properties') continue
    at += 1
    const name = (path[at] ?? '').replaceAll('~1', '/').replaceAll('~0', '~')
    object = object === '' ? name : `${object}.${name}`
  }
  return false
}

/** Columns of the fields of which a condition could judge none without the others. */
function conditionedColumns(
  schema: unknown,
  object: string,
  inputs: NonNullable<SchemaStageOptions['inputs']>,
): string[] {
  if (typeof schema !== 'object' || schema === null) return []
  const inside = Object.keys(inputs).filter((name) => object === '' || name.startsWith(`${object}.`))
  const columns = new Set<string>()
  const add = (more: Iterable<string>) => {
    for (const column of more) columns.add(column)
  }
  if (inside.length === 0) return []
  for (const [word, value] of Object.entries(schema)) {
    if (conditions.has(word) && word !== '$defs' && word !== 'definitions')
      add(inside.flatMap((name) => inputs[name] ?? []))
    if (word === 'allOf' && Array.isArray(value))
      for (const part of value) add(conditionedColumns(part, object, inputs))
    if (word === 'properties' && typeof value === 'object' && value !== null)
      for (const [name, part] of Object.entries(value))
        add(conditionedColumns(part, object === '' ? name : `${object}.${name}`, inputs))
  }
  return [...columns]
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
    ...shown(field, value, classes),
  }
}

/** The field that an error is about, dotted as in `set`; for a missing one, the missing one. */
function fieldOf(error: ErrorObject): string {
  const path = error.instancePath
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
  const params = error.params as { readonly [name: string]: unknown }
  const inner = params['missingProperty'] ?? params['additionalProperty'] ?? params['unevaluatedProperty']
  if (typeof inner === 'string') path.push(inner)
  return path.join('.')
}

/** A sentence for the owner of the data, and its code. It shows limits and allowed values, never the record's own value. */
function say(error: ErrorObject, field: string, value: Value | undefined): { code: FailureCode; sentence: string } {
  const params = error.params as { readonly [name: string]: unknown }
  const length = typeof error.data === 'string' ? characters(error.data) : undefined
  switch (error.keyword) {
    case 'required':
    case 'dependentRequired':
      return { code: 'SYNC-4030', sentence: `${field} is required, but is not there.` }
    case 'type':
      return sayType(field, params['type'], value)
    case 'enum':
      return {
        code: 'SYNC-4033',
        sentence: `${field} is not one of the allowed values${allowed(params['allowedValues'], error.data)}.`,
      }
    case 'const':
      return { code: 'SYNC-4033', sentence: `${field} must be ${brief(params['allowedValue'])}.` }
    case 'minLength':
      return length === 0
        ? { code: 'SYNC-4031', sentence: `${field} is required, but is empty.` }
        : {
            code: 'SYNC-4036',
            sentence: `${field} has ${length} characters, at least ${params['limit']} are required.`,
          }
    case 'maxLength':
      return {
        code: 'SYNC-4036',
        sentence: `${field} has ${length} characters, at most ${params['limit']} are allowed.`,
      }
    case 'format':
      return {
        code: 'SYNC-4034',
        sentence: `${field} is not ${formats.get(String(params['format']))?.words ?? `of the form ${params['format']}`}.`,
      }
    case 'pattern':
      return { code: 'SYNC-4034', sentence: `${field} does not have the form ${brief(params['pattern'])}.` }
    case 'minimum':
    case 'maximum':
    case 'exclusiveMinimum':
    case 'exclusiveMaximum':
      return { code: 'SYNC-4035', sentence: `${field} must be ${params['comparison']} ${params['limit']}.` }
    case 'multipleOf':
      return { code: 'SYNC-4035', sentence: `${field} must be a multiple of ${params['multipleOf']}.` }
    case 'additionalProperties':
    case 'unevaluatedProperties':
      return { code: 'SYNC-4037', sentence: `${field} is not a field of the schema.` }
    default:
      return {
        code: 'SYNC-4037',
        sentence: `${field} breaks the rule "${error.keyword}": ${error.message ?? 'no more is known'}.`,
      }
  }
}

function sayType(field: string, type: unknown, value: Value | undefined): { code: FailureCode; sentence: string } {
  const wanted = Array.isArray(type) ? type.join(' or ') : String(type)
  if (value === null) return { code: 'SYNC-4030', sentence: `${field} is null, but must be ${wanted}.` }
  const decimal = typeof value === 'object' && value?.kind === 'decimal' && /number|integer/.test(wanted)
  const why = decimal ? ' The decimal has more digits than a JSON number keeps; allow `type: string` for it.' : ''
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
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length > 60 ? `${text.slice(0, 59)}…` : text
}
