import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js'
import type { DataValidateFunction } from 'ajv/dist/types/index.js'
import { type Decimal, decimalFrom, remainderOfDecimals } from '../std/decimal.ts'
import { isObject } from '../std/json.ts'
import { compilePattern, patternTextMax } from '../std/pattern.ts'
import { formats } from './formats.ts'
import type { Plain } from './plain.ts'
import { subschemas } from './schema-keywords.ts'

/** A JSON Schema (2020-12) as it was read. */
export type JsonSchema = { readonly [keyword: string]: unknown } | boolean

/**
 * References that are followed for one record. A schema that refers to itself below alternatives takes time that is exponential in
 * the depth of the value: the value that needs more is refused, instead of holding up every other record.
 */
const STEPS_MAX = 100_000

/** What is wrong with a record: nothing, or Ajv's errors; `endless`: it would take too long to say. */
export type SchemaAnswer = readonly ErrorObject[] | 'endless'

/** Counts references into the steps of a record. */
const stepKeyword = '$steps'

class Endless extends Error {}

/**
 * Compiles a schema. Beside Ajv's own ways: patterns run in linear time (std/pattern.ts), `uniqueItems` too, `multipleOf` is exact, and
 * the references that one record follows are bounded.
 * @throws Error as Ajv has it, and PatternError
 */
export function compileSchema(schema: JsonSchema, isChecked: boolean): (record: Plain) => SchemaAnswer {
  let steps = 0
  const ajv = ajvWith(isChecked, () => {
    if (++steps > STEPS_MAX) throw new Endless()
    return true
  })
  ajv.addVocabulary(extensionsOf(schema))
  const validate: ValidateFunction = ajv.compile(hasReferences(schema) ? withSteps(schema) : schema)
  return (record) => {
    steps = 0
    try {
      return validate(record) ? [] : (validate.errors ?? [])
    } catch (error) {
      if (error instanceof Endless) return 'endless'
      throw error
    }
  }
}

/** Ajv's errors of a schema that is held against the meta-schema of 2020-12; empty where it keeps to it. */
export function formErrors(schema: JsonSchema): readonly ErrorObject[] {
  const ajv = ajvWith(false, () => true)
  const { $schema: _, ...rest } = isObject(schema) ? schema : {}
  return ajv.validateSchema(isObject(schema) ? rest : schema, false) === true ? [] : (ajv.errors ?? [])
}

function ajvWith(isChecked: boolean, step: () => boolean): Ajv2020 {
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
  // A keyword of 2020-12 that Ajv reads and does not know.
  ajv.addKeyword('$anchor')
  ajv.addKeyword({ keyword: stepKeyword, validate: step, errors: false })
  ajv.removeKeyword('uniqueItems').addKeyword({
    keyword: 'uniqueItems',
    type: 'array',
    schemaType: 'boolean',
    compile: (wanted: boolean) => {
      const check: DataValidateFunction = (items: readonly Plain[]) => {
        const twice = wanted ? firstTwice(items) : null
        check.errors = twice === null ? [] : [{ keyword: 'uniqueItems', params: twice, message: '' }]
        return twice === null
      }
      return check
    },
  })
  ajv.removeKeyword('multipleOf').addKeyword({
    keyword: 'multipleOf',
    type: 'number',
    schemaType: 'number',
    compile: (step: number) => {
      const unit = decimalFrom(String(step))
      const check: DataValidateFunction = (value: number) => {
        const isMultiple = unit !== undefined && isMultipleOf(value, unit)
        check.errors = isMultiple ? [] : [{ keyword: 'multipleOf', params: { multipleOf: step }, message: '' }]
        return isMultiple
      }
      return check
    },
  })
  return ajv
}

/** By the digits that the number is written with: 0.07 is a multiple of 0.01, although no double of it is. */
function isMultipleOf(value: number, unit: Decimal): boolean {
  const exact = decimalFrom(String(value))
  return exact !== undefined && remainderOfDecimals(exact, unit)?.units === 0n
}

/** The places, from 0, of the first item that occurs twice. Linear in the items, however many and deep they are. */
function firstTwice(items: readonly Plain[]): { readonly i: number; readonly j: number } | null {
  const seen = new Map<string, number>()
  for (const [place, item] of items.entries()) {
    const text = identity(item)
    const before = seen.get(text)
    if (before !== undefined) return { i: before, j: place }
    seen.set(text, place)
  }
  return null
}

/** Equal for values that are equal as JSON, and only for these. */
function identity(value: Plain): string {
  if (Array.isArray(value)) return `[${value.map(identity).join(',')}]`
  if (!isObject(value)) return JSON.stringify(value)
  const entries = Object.entries(value as { readonly [name: string]: Plain })
  return `{${entries
    .map(([name, inner]) => `${JSON.stringify(name)}:${identity(inner)}`)
    .sort()
    .join(',')}}`
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

/** `x-…` belongs to whoever wrote it, as in OpenAPI. */
function extensionsOf(schema: unknown): string[] {
  const names = new Set<string>()
  for (const { schema: part } of subschemas(schema))
    for (const name of Object.keys(part)) if (name.startsWith('x-')) names.add(name)
  return [...names]
}

const isReference = (name: string, value: unknown): boolean =>
  (name === '$ref' || name === '$dynamicRef') && typeof value === 'string'

function hasReferences(schema: JsonSchema): boolean {
  for (const { schema: part } of subschemas(schema))
    for (const [name, value] of Object.entries(part)) if (isReference(name, value)) return true
  return false
}

/** A copy in which every reference is counted. */
function withSteps(schema: JsonSchema): JsonSchema {
  const copy = structuredClone(schema) as JsonSchema
  for (const { schema: part } of subschemas(copy))
    if (Object.entries(part).some(([name, value]) => isReference(name, value)))
      (part as { [keyword: string]: unknown })[stepKeyword] = true
  return copy
}
