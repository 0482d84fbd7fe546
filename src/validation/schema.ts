import type { ErrorObject } from 'ajv/dist/2020.js'
import { failure, SyncError } from '../model/failure.ts'
import type { RuleProblem } from '../model/problem.ts'
import type { Candidate, Reason, Stage, Verdict } from '../model/verdict.ts'
import type { SchemaStageOptions } from './options.ts'
import { type Plain, plainRow } from './plain.ts'
import { schemaProblems, unwrittenFields } from './schema-check.ts'
import { compileSchema, type JsonSchema, type SchemaAnswer } from './schema-compile.ts'
import { fieldOf, reasonsFrom } from './schema-words.ts'

const reasonsDefault = 20
/** Errors of one record that are looked at. */
const errorsMax = 1_000

/** Said of a record that cannot be judged in bounded time. */
const endless: Reason = {
  stage: 'schema',
  code: 'SYNC-4037',
  error: 'The record is too deep or too large for the alternatives of the schema, which refers to itself.',
}

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

/**
 * What keeps a schema from being used, each with its place in it; nothing, if it can be compiled. Paths begin at `schema`.
 * @param fields what the mapping writes: a schema that requires other fields would park every record
 */
export function checkSchema(schema: JsonSchema, fields: readonly string[]): RuleProblem[] {
  const problems = schemaProblems(schema)
  return (problems.length > 0 ? problems : unwrittenFields(schema, fields)).map((problem) => ({
    ...problem,
    path: ['schema', ...problem.path],
  }))
}

function compile(schema: JsonSchema, isChecked = false): (record: Plain) => SchemaAnswer {
  const problems = isChecked ? [] : schemaProblems(schema)
  const failures = problems.map(({ code, message }) =>
    failure(code, `${message.replace(/[.]$/, '')}${message.endsWith('?') ? '' : '.'}`),
  )
  if (failures[0] !== undefined) throw new SyncError(failures[0], failures.slice(1))
  return compileSchema(schema, true)
}

function judge(
  candidate: Candidate,
  validate: (record: Plain) => SchemaAnswer,
  { reasonsMax, inputs, classes }: Required<SchemaStageOptions>,
): Verdict {
  const said = validate(plainRow(candidate.set))
  if (said === 'endless') return { kind: 'park', to: 'quarantine', reasons: [endless] }
  const errors = said.filter(
    (error) => !isEcho(error) && !isUnchanged(error, candidate, inputs) && !isGuess(error, candidate),
  )
  if (errors.length === 0) return { kind: 'accept' }
  // A list of JSON may have as many errors as items.
  const all = reasonsFrom(errors.slice(0, errorsMax), candidate.set, classes)
  const reasons = all.slice(0, reasonsMax)
  const more = all.length - reasons.length + Math.max(0, errors.length - errorsMax)
  if (more > 0)
    reasons.push({
      stage: 'schema',
      code: 'SYNC-4037',
      error: `${more} more ${more === 1 ? 'error' : 'errors'} of this record ${more === 1 ? 'is' : 'are'} not listed.`,
    })
  return { kind: 'park', to: 'quarantine', reasons }
}

/** Ajv reports that a branch failed beside why it failed; people need the cause only. */
function isEcho(error: ErrorObject): boolean {
  return error.keyword === 'if' || error.keyword === 'propertyNames'
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
