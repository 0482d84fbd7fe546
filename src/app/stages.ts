import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { SyncConfig } from '../config/config.ts'
import { mappingFunctions } from '../mapping/functions.ts'
import { classesOf, inputsOf } from '../mapping/mapping.ts'
import { anyColumn, type ColumnType, fieldTypes } from '../mapping/types.ts'
import { SyncError } from '../model/failure.ts'
import type { RuleProblem } from '../model/problem.ts'
import type { Stage } from '../model/verdict.ts'
import type { StageEnvironment } from '../validation/environment.ts'
import { formatsOf } from '../validation/formats.ts'
import type { UserFunctions } from '../validation/functions.ts'
import type { RuleOptions } from '../validation/options.ts'
import { checkQuality, qualityStage } from '../validation/quality.ts'
import { checkReferences, type ReferenceSet, referenceSets, referenceStage } from '../validation/reference.ts'
import { checkRules, rulesStage } from '../validation/rules.ts'
import { checkSchema, schemaStage } from '../validation/schema.ts'
import { valuesIn } from './reference-file.ts'
import { checkDuplicates, mergeFunctionFiles } from './twins.ts'

/** What the stages of a sync are compiled with. */
function environmentOf({ mapping, source }: SyncConfig, now: () => number): StageEnvironment {
  const joins = source.joins.map((join) => join.alias)
  return {
    fields: [...Object.keys(mapping.key), ...Object.keys(mapping.fields)],
    inputs: inputsOf({ ...mapping, joins }),
    classes: classesOf(mapping),
    joins,
    functions: mappingFunctions,
    now,
  }
}

/** The stages of a sync in their order: schema, rules, reference, quality. Nothing is opened or started. */
export function stagesOf(sync: SyncConfig, folder: string, now: () => number, functions: UserFunctions): Stage[] {
  const env = environmentOf(sync, now)
  const { rules, reference, quality } = sync.validate
  const stages: Stage[] = []
  if (sync.schema !== null)
    stages.push(schemaStage(sync.schema, { inputs: env.inputs, classes: env.classes, isChecked: true }))
  if (rules.length > 0) stages.push(rulesStage(absolute(rules, folder), env, functions))
  if (reference.length > 0) stages.push(referenceStage(reference, env))
  if (quality !== null) stages.push(qualityStage(quality, formatsOf(sync.schema), env))
  return stages
}

const absolute = (rules: readonly RuleOptions[], folder: string): RuleOptions[] =>
  rules.map((rule) => (rule.function === undefined ? rule : { ...rule, function: resolve(folder, rule.function) }))

/** The same with what is known of types: of fields by their mapping, of columns by the systems. */
function typedEnvironment(sync: SyncConfig, columnType: ColumnType): StageEnvironment {
  const env = environmentOf(sync, () => 0)
  const fields = fieldTypes({ ...sync.mapping, joins: env.joins }, columnType)
  return { ...env, types: (root, name) => (root === 'row' ? columnType(name) : (fields.get(name) ?? 'dyn')) }
}

/** Conditions of rules and of quality that cannot be what they say with columns of these types. */
export function checkTypes(sync: SyncConfig, columnType: ColumnType): RuleProblem[] {
  const env = typedEnvironment(sync, columnType)
  const { rules, quality } = sync.validate
  return [...checkRules(rules, env), ...(quality === null ? [] : checkQuality(quality, formatsOf(sync.schema), env))]
}

/** Everything that is wrong with the stages of a sync, without reaching a system or running a function. */
export function checkStages(sync: SyncConfig, folder: string): RuleProblem[] {
  const env = typedEnvironment(sync, anyColumn)
  const { rules, reference, quality } = sync.validate
  return [
    ...(sync.schema === null ? [] : checkSchema(sync.schema, env.fields)),
    ...checkRules(rules, env),
    ...rules.flatMap((rule, place) => missingFile(rule.function, folder, ['rules', String(place), 'function'])),
    ...placed(checkReferences(reference, env), sync),
    ...placed(
      reference.flatMap((check, place) =>
        referenceSets([check]).flatMap((set) => fileProblems(set, folder, ['reference', String(place), 'in', 'file'])),
      ),
      sync,
    ),
    ...checkDuplicates(sync, folder),
    ...mergeFunctionFiles(sync).flatMap(({ file, path }) => missingFile(file, folder, path)),
    ...(quality === null ? [] : checkQuality(quality, formatsOf(sync.schema), env)),
  ]
}

/** Checks by field have the field's name where lists have a number. */
const placed = (problems: readonly RuleProblem[], { validate }: SyncConfig): RuleProblem[] =>
  problems.map((problem) => {
    const [root = '', place = '', ...rest] = problem.path
    const key = validate.referenceKeys[Number(place)] ?? place
    // There the name of the field is the key itself.
    const isKey = key !== place && rest.length === 1 && rest[0] === 'field'
    return { ...problem, path: [root, key, ...(isKey ? [] : rest)] }
  })

function missingFile(file: string | undefined, folder: string, path: readonly string[]): RuleProblem[] {
  if (file === undefined) return []
  try {
    readFileSync(resolve(folder, file))
    return /\.(ts|mts|js|mjs)$/.test(file)
      ? []
      : [{ code: 'SYNC-1026', path, message: `${file} is no file of functions: .ts, .mts, .js or .mjs` }]
  } catch (error) {
    const why = (error as { code?: string }).code === 'ENOENT' ? 'is not there' : 'cannot be read'
    return [{ code: 'SYNC-1026', path, message: `the file ${file} ${why}` }]
  }
}

function fileProblems({ place }: ReferenceSet, folder: string, path: readonly string[]): RuleProblem[] {
  if (place.kind !== 'file') return []
  try {
    valuesIn(resolve(folder, place.path), place.column, readFileSync)
    return []
  } catch (error) {
    if (error instanceof SyncError) return [{ code: error.failure.code, message: error.failure.message, path }]
    throw error
  }
}

/** Source columns that the stages of a sync read. */
export function checkedColumns(sync: SyncConfig, folder: string): string[] {
  const nobody: UserFunctions = {
    call: () => Promise.reject(new Error('no function is run while columns are gathered')),
  }
  const stages = stagesOf({ ...sync, schema: null }, folder, () => 0, nobody)
  return [...new Set(stages.flatMap((stage) => stage.columns ?? []))]
}

/** Files of functions that a sync runs, absolute. */
export const functionFiles = (sync: SyncConfig, folder: string): string[] =>
  [
    ...sync.validate.rules.flatMap((rule) => rule.function ?? []),
    ...mergeFunctionFiles(sync).map(({ file }) => file),
  ].map((file) => resolve(folder, file))
