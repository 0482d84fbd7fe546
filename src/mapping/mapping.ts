import { createHash } from 'node:crypto'
import type { Mapped, Mapping } from '../model/mapping.ts'
import { celProblem, problemsError, type RuleProblem } from '../model/problem.ts'
import { text as exactText, field, newRow, type Row, type Value } from '../model/value.ts'
import type { Reason } from '../model/verdict.ts'
import { type CelProgram, compileCel } from '../std/cel.ts'
import type { CelRow } from '../std/cel-walk.ts'
import { canonicalText } from '../std/json.ts'
import { type Classification, mask } from '../std/mask.ts'
import { refusedName } from '../std/names.ts'
import { didYouMean, nearest } from '../std/suggest.ts'
import { type Bounds, checked, culprit, maskable } from './check.ts'
import { mappingFunctions } from './functions.ts'
import type { FieldOptions, FieldRule, MappingOptions } from './options.ts'
import { compileTransform, type Fault, fault, isFault, type Step } from './transform.ts'

/** Goes up when the same rules would give other values, so that entries judged before can be told apart. */
const semantics = 1
const bytesDefault = 1_048_576

/** A compiled rule. */
interface Rule {
  readonly field: string
  /** As a person would name its input: `column birth_date`, `expression row.a + row.b`. */
  readonly input: string
  readonly columns: readonly string[]
  /** The input's value; `undefined` where it is absent. */
  readonly read: (row: Row) => Value | undefined
  readonly steps: readonly Step[]
  readonly otherwise: Value
  readonly skipsNull: boolean
  readonly bounds: Bounds
  readonly classification: Classification
}

/** Everything that is wrong with the rules; nothing, if they can be compiled. */
export function checkMapping(options: MappingOptions): RuleProblem[] {
  const problems: RuleProblem[] = []
  build(options, problems)
  return problems
}

/**
 * Compiles the rules of one sync. Throws a `SyncError` with all problems. The external id is `key`, and part of
 * `set` like any field; a rule for it in `fields` too is refused: a field has one rule.
 */
export function compileMapping(options: MappingOptions): Mapping {
  const problems: RuleProblem[] = []
  const { key, rules } = build(options, problems)
  if (problems.length > 0 || key === undefined) throw problemsError(problems)
  const columns = new Set([key, ...rules].flatMap((rule) => rule.columns))
  const keyColumn = untouchedColumn(options.key[key.field])
  return {
    object: options.object,
    key: key.field,
    fields: [key.field, ...rules.map((rule) => rule.field)],
    columns: [...columns].sort(),
    together: [key, ...rules].map((rule) => rule.columns).filter((group) => group.length > 1),
    ...(keyColumn === undefined ? {} : { keyColumn }),
    hash: hashOf(options),
    map: (row) => mapRow(row, key, rules),
  }
}

/** How the values of each field may be shown; fields that are not listed are personal. */
export function classesOf({ key, fields }: MappingOptions): ReadonlyMap<string, Classification> {
  return new Map(
    Object.entries({ ...key, ...fields }).flatMap(([name, rule]): [string, Classification][] =>
      typeof rule === 'string' || rule.classification === undefined ? [] : [[name, rule.classification]],
    ),
  )
}

/** The source columns that each field is made of, the external id included; for stages that must tell absent from missing. */
export function inputsOf(options: MappingOptions): { readonly [field: string]: readonly string[] } {
  const inputs: { [field: string]: readonly string[] } = Object.create(null)
  const { key, rules } = build(options, [])
  for (const rule of key === undefined ? rules : [key, ...rules]) inputs[rule.field] = rule.columns
  return inputs
}

/** The column that a rule copies as it is: for the external id, so that records can be found by it. */
function untouchedColumn(rule: FieldRule | undefined): string | undefined {
  if (typeof rule === 'string') return rule
  if (rule?.from === undefined) return undefined
  const copies =
    rule.transform === undefined && rule.map === undefined && rule.default === undefined && rule.controls !== 'strip'
  return copies ? rule.from : undefined
}

/** SHA-256 over the rules in a canonical order: equal rules have equal hashes, however they were written down. */
function hashOf(options: MappingOptions): string {
  const [key, fields] = [options.key, options.fields].map((rules) =>
    Object.fromEntries(Object.entries(rules).map(([name, rule]) => [name, unclassified(rule)])),
  )
  const { object } = options
  return createHash('sha256').update(canonicalText({ semantics, object, key, fields })).digest('hex').slice(0, 32)
}

/** A rule without how its value is shown, which does not change what is delivered. */
export function unclassified(rule: FieldRule): FieldRule {
  if (typeof rule === 'string' || rule.classification === undefined) return rule
  const { classification: _, ...rest } = rule
  return Object.keys(rest).join() === 'from' ? rest.from! : rest
}

function mapRow(row: Row, keyRule: Rule, rules: readonly Rule[]): Mapped {
  const set = newRow()
  const reasons: Reason[] = []
  const key = apply(keyRule, row, reasons, 'key')
  if (key === undefined || key === null || key === '') {
    if (reasons.length === 0) reasons.push(keyless(keyRule, key))
  } else set[keyRule.field] = key // written like any field: a record that changes its key is found by the target's own id
  for (const rule of rules) {
    const value = apply(rule, row, reasons, 'mapping')
    if (value !== undefined) set[rule.field] = value
  }
  if (reasons.length > 0) return { kind: 'invalid', set, reasons }
  return { kind: 'mapped', key: key as Value, set }
}

function keyless(rule: Rule, key: Value | undefined): Reason {
  const what = key === undefined ? 'is absent' : key === null ? 'is null' : 'is empty'
  return {
    stage: 'key',
    code: 'SYNC-4001',
    field: rule.field,
    error: `The external id ${rule.field} has no value: ${rule.input} ${what}.`,
  }
}

/** The rule's value for this row; `undefined` where the field stays as it is, also after a reason was added. */
function apply(rule: Rule, row: Row, reasons: Reason[], stage: 'key' | 'mapping'): Value | undefined {
  const input = rule.read(row)
  if (input === undefined) return undefined
  let value: Value = input
  for (const step of rule.steps) {
    if (value === null || (typeof value === 'object' && value.kind === 'invalid')) break
    const next = step(value)
    if (isFault(next)) return void reasons.push(reason(rule, row, stage, next, input))
    value = next
  }
  if (value === null) value = rule.otherwise
  if (value === null) return rule.skipsNull ? undefined : null
  const answer = checked(value, rule.bounds)
  if (isFault(answer)) return void reasons.push(reason(rule, row, stage, answer, input))
  return answer
}

function reason(rule: Rule, row: Row, stage: 'key' | 'mapping', { code, error }: Fault, input: Value): Reason {
  // An unreadable column that an expression met: name the column, not only the expression.
  const column = typeof input === 'object' && input !== null ? culprit(row, rule.columns, input) : undefined
  const where = column !== undefined && rule.columns.length > 1 ? `${rule.input}, column ${column}` : rule.input
  const { type, text } = maskable(input)
  const computed = typeof input === 'object' && input?.kind === 'invalid' && input.type === 'expression'
  return {
    stage,
    code,
    rule: `${stage === 'key' ? 'key' : 'fields'}.${rule.field}`,
    field: rule.field,
    error: `${where}: ${error}.`,
    ...(computed ? {} : { value: mask(type, text, rule.classification) }),
  }
}

/** Compiles all rules, adding every problem on the way. */
function build(options: MappingOptions, problems: RuleProblem[]): { key: Rule | undefined; rules: Rule[] } {
  const keys = Object.entries(options.key)
  if (keys.length !== 1)
    problems.push({
      code: 'SYNC-1021',
      path: ['key'],
      message: `exactly one external id field is needed, here are ${keys.length}`,
    })
  const keyEntry = keys[0]
  const key = keyEntry && compileRule(keyEntry[0], keyEntry[1], ['key'], options, problems)
  const rules: Rule[] = []
  for (const [name, rule] of Object.entries(options.fields)) {
    const compiled = compileRule(name, rule, ['fields'], options, problems)
    if (compiled !== undefined) rules.push(compiled)
  }
  clashes(options, problems)
  return { key, rules }
}

/** Two rules for one field: by name (key and fields), or as an object and one of its fields. */
function clashes(options: MappingOptions, problems: RuleProblem[]): void {
  const names = Object.keys(options.fields)
  const all = new Set([...names, ...Object.keys(options.key)])
  for (const name of names) {
    if (Object.hasOwn(options.key, name))
      problems.push({
        code: 'SYNC-1013',
        path: ['fields', name],
        message: `"${name}" is the external id and is written by \`key\` already`,
      })
    const parts = name.split('.')
    for (let length = 1; length < parts.length; length++) {
      const outer = parts.slice(0, length).join('.')
      if (all.has(outer))
        problems.push({
          code: 'SYNC-1013',
          path: ['fields', name],
          message: `"${name}" lies inside of "${outer}", which has a rule of its own`,
        })
    }
  }
}

function compileRule(
  name: string,
  written: FieldRule,
  under: readonly string[],
  options: MappingOptions,
  problems: RuleProblem[],
): Rule | undefined {
  const path = [...under, name]
  const before = problems.length
  const add = (message: string, at: readonly string[] = path, code: RuleProblem['code'] = 'SYNC-1021') =>
    void problems.push({ code, path: at, message })
  const refused = refusedName(name.split('.'))
  if (refused !== undefined) add(`the name "${refused}" is not allowed`, path, 'SYNC-1011')
  else if (!/^[^.\s][^.]*(\.[^.]+)*$/.test(name) || name.length > 200)
    add(`"${name.slice(0, 50)}" is not the name of a field`, path)
  const rule: FieldOptions = typeof written === 'string' ? { from: written } : written
  const input = compileInput(rule, typeof written === 'string' ? path : [...path, 'from'], path, options, problems)
  const steps = compileSteps(rule, path, add)
  if (input === undefined || problems.length > before) return undefined
  return {
    field: name,
    ...input,
    steps,
    otherwise: rule.default ?? null,
    skipsNull: rule.nulls === 'skip',
    classification: rule.classification ?? 'personal',
    bounds: { bytes: rule.bytes ?? bytesDefault, maxLength: rule.maxLength, controls: rule.controls ?? 'park' },
  }
}

function compileInput(
  rule: FieldOptions,
  fromPath: readonly string[],
  path: readonly string[],
  options: MappingOptions,
  problems: RuleProblem[],
): Pick<Rule, 'input' | 'columns' | 'read'> | undefined {
  const given = (['from', 'value', 'expr'] as const).filter((one) => rule[one] !== undefined)
  if (given.length !== 1) {
    const here = given.length === 0 ? 'there is none' : `here are ${given.join(' and ')}`
    problems.push({
      code: 'SYNC-1021',
      path,
      message: `exactly one of \`from\`, \`value\` and \`expr\` is needed, ${here}`,
    })
    return undefined
  }
  if (rule.expr !== undefined) return compileExpression(rule.expr, [...path, 'expr'], options, problems)
  if (rule.value !== undefined) {
    const value = constantValue(rule.value)
    return { input: 'the constant', columns: [], read: () => value }
  }
  const column = rule.from!
  const problem = columnProblem(column, options.joins ?? [])
  if (problem !== undefined) problems.push({ ...problem, path: fromPath })
  return { input: `column ${column}`, columns: [column], read: (row) => field(row, column) }
}

function columnProblem(column: string, joins: readonly string[]): Pick<RuleProblem, 'code' | 'message'> | undefined {
  const parts = column.split('.')
  const refused = refusedName(parts)
  if (refused !== undefined) return { code: 'SYNC-1011', message: `the name "${refused}" is not allowed` }
  if (parts.length > 2 || parts.includes(''))
    return { code: 'SYNC-1012', message: `"${column}" is not a column: write <column> or <join>.<column>` }
  if (parts.length === 2 && !joins.includes(parts[0]!))
    return { code: 'SYNC-1012', message: `no joined table is called "${parts[0]}".${didYouMean(parts[0]!, joins)}` }
  return undefined
}

function compileExpression(
  text: string,
  path: readonly string[],
  options: MappingOptions,
  problems: RuleProblem[],
): Pick<Rule, 'input' | 'columns' | 'read'> | undefined {
  const compiled = compileCel(text, { functions: mappingFunctions, joins: options.joins ?? [] })
  if (!compiled.ok) {
    problems.push(...compiled.problems.map((problem) => celProblem(text, problem, path)))
    return undefined
  }
  const program: CelProgram = compiled.program
  const short = text.length > 80 ? `${text.slice(0, 79)}…` : text
  return { input: `expression \`${short}\``, columns: program.columns, read: (row) => program.evaluate(row as CelRow) }
}

/** A constant as an exact value. YAML has doubles only; what it could not hold was refused when it was loaded. */
function constantValue(value: string | number | boolean | null): Value {
  return Object.is(value, -0) ? 0 : value
}

function compileSteps(
  rule: FieldOptions,
  path: readonly string[],
  add: (message: string, at?: readonly string[]) => void,
): Step[] {
  const steps: Step[] = []
  for (const [index, option] of (rule.transform ?? []).entries()) {
    const step = compileTransform(option)
    if (typeof step === 'string') add(step, [...path, 'transform', String(index)])
    else steps.push(step)
  }
  if (rule.map !== undefined) steps.push(valueMap(rule.map, rule.unmapped ?? 'park'))
  else if (rule.unmapped !== undefined) add('`unmapped` has a meaning only beside `map`', [...path, 'unmapped'])
  return steps
}

function valueMap(map: NonNullable<FieldOptions['map']>, unmapped: 'park' | 'keep' | 'null'): Step {
  const values = new Map(Object.entries(map).map(([key, value]) => [key, constantValue(value)]))
  const known = [...values.keys()]
  return (value) => {
    const text = exactText(value) as string
    const found = values.get(text)
    if (found !== undefined) return found
    if (unmapped === 'keep') return value
    if (unmapped === 'null') return null
    const near = known.length <= 8 ? known : nearest(text, known, 3)
    return fault(
      'SYNC-4017',
      `is not in the value map${near.length === 0 ? '' : ` (${near.join(', ')}${near.length < known.length ? ', …' : ''})`}`,
    )
  }
}
