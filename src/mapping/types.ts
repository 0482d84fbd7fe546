import { compileCel } from '../std/cel.ts'
import { type CelType, kindOf } from '../std/cel-cells.ts'
import { mappingFunctions } from './functions.ts'
import type { FieldRule, MappingOptions, TransformOption } from './options.ts'

/** The type of a source column, as far as it is known. */
export type ColumnType = (column: string) => CelType

/** Nothing is known of columns: no system was asked. */
export const anyColumn: ColumnType = () => 'dyn'

/** The types that values of target fields have wherever they are not null; `dyn` where that depends on the row. */
export function fieldTypes(
  { key, fields, joins }: MappingOptions,
  columnType: ColumnType,
): ReadonlyMap<string, CelType> {
  return new Map(
    Object.entries({ ...fields, ...key }).map(([name, rule]) => [name, typeOf(rule, joins ?? [], columnType)]),
  )
}

function typeOf(rule: FieldRule, joins: readonly string[], columnType: ColumnType): CelType {
  if (typeof rule === 'string') return columnType(rule)
  const { transform = [], map, unmapped, default: otherwise } = rule
  let type = inputType(rule, joins, columnType)
  for (const step of transform) type = typeAfter(step, type)
  if (map !== undefined) type = oneOf([...Object.values(map).map(kindAs), ...(unmapped === 'keep' ? [type] : [])])
  return otherwise === undefined ? type : oneOf([type, kindAs(otherwise)])
}

function inputType(
  { from, value, expr }: Exclude<FieldRule, string>,
  joins: readonly string[],
  columnType: ColumnType,
): CelType {
  if (from !== undefined) return columnType(from)
  if (value !== undefined) return kindAs(value)
  const types = (_: 'row' | 'record', column: string) => columnType(column)
  const compiled = expr === undefined ? null : compileCel(expr, { functions: mappingFunctions, joins, types })
  return compiled?.ok === true ? compiled.program.type : 'dyn'
}

const kindAs = (value: string | number | boolean | null): CelType => {
  const kind = kindOf(value)
  return kind === 'other' ? 'dyn' : kind
}

/** What all of these are; null says nothing. */
function oneOf(types: readonly CelType[]): CelType {
  const real = new Set(types.filter((type) => type !== 'null'))
  const [first = 'dyn'] = real
  return real.size > 1 ? 'dyn' : first
}

const typesOfWords: { readonly [word: string]: CelType } = {
  trim: 'string',
  collapse: 'string',
  lower: 'string',
  upper: 'string',
  string: 'string',
  email: 'string',
  number: 'number',
  boolean: 'bool',
  date: 'time',
  phone: 'string',
  replace: 'string',
  truncate: 'string',
}

function typeAfter(step: TransformOption, before: CelType): CelType {
  const word = typeof step === 'string' ? step : (Object.keys(step)[0] ?? '')
  return typesOfWords[word] ?? before
}

const patterns: readonly (readonly [CelType, RegExp])[] = [
  ['string', /^(?:text|(?:tiny|medium|long)text|varchar|char|character|character varying|bpchar|name|citext|uuid)$/],
  ['number', /^(?:smallint|mediumint|integer|int|bigint|numeric|decimal|real|float|double|double precision)$/],
  ['bool', /^boolean$/],
  ['time', /^(?:date|datetime|timestamp|timestamp with(?:out)? time zone|timestamptz)$/],
]

/** The type that values of a column have, by the name that its system gives to its type; `dyn` for every other one. */
export function typeNamed(sqlType: string): CelType {
  const name = sqlType
    .toLowerCase()
    .replace(/\([^)]*\)/, '')
    .replace(/ (?:unsigned|zerofill|signed)\b/g, '')
    .replaceAll(/ +/g, ' ')
    .trim()
  return patterns.find(([, pattern]) => pattern.test(name))?.[0] ?? 'dyn'
}
