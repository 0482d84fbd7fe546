/** Resolves the names of a query against the schema and turns its conditions into functions over rows. */

import { ApiError } from '../errors.ts'
import { toId18 } from '../ids.ts'
import {
  type Field,
  fieldOf,
  isNumberType,
  isTextType,
  type ObjectType,
  objectOf,
  type Row,
  type Schema,
  type Value,
} from '../schema.ts'
import { parseMoment } from '../values.ts'
import { queryError } from './lexer.ts'
import { type Condition, type Literal, type Operator, type Path, parseCondition, type Query } from './parser.ts'
import { type Period, periodOf } from './periods.ts'

/** What conditions need beside the row itself. */
export interface Scope {
  readonly schema: Schema
  readonly text: string
  readonly now_ms: number
  readonly rowById: (id: string) => Row | undefined
  /** The values of a semi-join's selected field. */
  readonly select: (query: Query) => ReadonlySet<Value>
  /** A rule of the setup: it sees neither parents nor other records. */
  readonly ownFields?: true
}

/** A compiled condition: whether a row is found. */
export type Predicate = (row: Row) => boolean

/** A resolved path: the reference fields to follow, then the field. */
export interface Resolved {
  readonly parents: readonly Field[]
  readonly field: Field
  readonly read: (row: Row) => unknown
}

const SUFFIX_HINT =
  "If you are attempting to use a custom field, be sure to append the '__c' after the custom field name. Please reference your WSDL or the describe call for the appropriate names."
const FILTERABLE_CHARS = 255
const DAY_ms = 86_400_000

/** The object named in FROM. Throws INVALID_TYPE. */
export function objectIn(scope: Pick<Scope, 'schema' | 'text'>, name: string, at: number): ObjectType {
  const type = objectOf(scope.schema, name)
  if (type !== undefined) return type
  throw queryError(
    'INVALID_TYPE',
    scope.text,
    at,
    `sObject type '${name}' is not supported. If you are attempting to use a custom object, be sure to append the '__c' after the entity name. Please reference your WSDL or the describe call for the appropriate names.`,
  )
}

/** Resolves a path from an object. Throws INVALID_FIELD. */
export function resolve(scope: Scope, type: ObjectType, alias: string | null, path: Path): Resolved {
  let names = path.names
  const first = names[0]!.toLowerCase()
  if (
    names.length > 1 &&
    (first === alias?.toLowerCase() || first === type.name.toLowerCase()) &&
    !type.parents.has(first)
  )
    names = names.slice(1)
  if (scope.ownFields && names.length > 1)
    throw queryError('MALFORMED_QUERY', scope.text, path.at, "a rule sees the record's own fields, none of a parent")
  const parents: Field[] = []
  let at = type
  for (const name of names.slice(0, -1)) {
    const parent = at.parents.get(name.toLowerCase())
    if (parent === undefined)
      throw queryError(
        'INVALID_FIELD',
        scope.text,
        path.at,
        `Didn't understand relationship '${name}' in field path. If you are attempting to use a custom relationship, be sure to append the '__r' after the custom relationship name. Please reference your WSDL or the describe call for the appropriate names.`,
      )
    parents.push(parent)
    at = objectIn(scope, parent.referenceTo[0]!, path.at)
  }
  const last = names.at(-1)!
  const field = fieldOf(at, last)
  if (field === undefined)
    throw queryError(
      'INVALID_FIELD',
      scope.text,
      path.at,
      `No such column '${last}' on entity '${at.name}'. ${SUFFIX_HINT}`,
    )
  return { parents, field, read: reader(scope, parents, field) }
}

function reader(scope: Scope, parents: readonly Field[], field: Field): Resolved['read'] {
  if (parents.length === 0) return field.read
  return (row) => {
    const last = parentRow(scope, parents, row)
    return last === undefined ? null : field.read(last)
  }
}

function parentRow(scope: Scope, parents: readonly Field[], row: Row): Row | undefined {
  let at: Row | undefined = row
  for (const parent of parents) {
    const id: unknown = parent.read(at)
    at = typeof id === 'string' ? scope.rowById(id) : undefined
    if (at === undefined) return undefined
  }
  return at
}

/** Turns a condition into a function. Throws INVALID_FIELD, MALFORMED_QUERY or INVALID_QUERY_FILTER_OPERATOR. */
export function compile(scope: Scope, type: ObjectType, alias: string | null, condition: Condition): Predicate {
  switch (condition.kind) {
    case 'and': {
      const parts = condition.parts.map((part) => compile(scope, type, alias, part))
      return (row) => parts.every((part) => part(row))
    }
    case 'or': {
      const parts = condition.parts.map((part) => compile(scope, type, alias, part))
      return (row) => parts.some((part) => part(row))
    }
    case 'not': {
      const part = compile(scope, type, alias, condition.part)
      return (row) => !part(row)
    }
    case 'semi': {
      if (scope.ownFields)
        throw queryError('MALFORMED_QUERY', scope.text, condition.left.at, 'a rule cannot hold a sub-select')
      const { read } = resolve(scope, type, alias, condition.left)
      const values = scope.select(condition.query)
      return (row) => values.has(read(row) as Value) !== condition.negated
    }
    case 'compare': {
      if ('kind' in condition.left)
        throw queryError(
          'MALFORMED_QUERY',
          scope.text,
          condition.left.at,
          'Grouped field should not be aggregated in WHERE',
        )
      const { read, field } = resolve(scope, type, alias, condition.left)
      const test = comparison(scope, field, condition.left.at, condition.op, condition.values)
      return (row) => test(read(row) as Value)
    }
  }
}

/** Turns one comparison into a function of the field's value. */
export function comparison(
  scope: Scope,
  field: Field,
  at: number,
  op: Operator,
  literals: readonly Literal[],
): (value: Value) => boolean {
  if (
    field.type === 'address' ||
    (isTextType(field.type) && field.length > FILTERABLE_CHARS && field.type !== 'multipicklist')
  )
    throw queryError('INVALID_FIELD', scope.text, at, `field '${field.name}' can not be filtered in a query call`)
  if (op === 'INCLUDES' || op === 'EXCLUDES') return membership(scope, field, at, op, literals)
  if (op === 'LIKE') return likeness(scope, field, at, literals[0]!)
  if (op === 'IN' || op === 'NOT IN') {
    const values = new Set(literals.map((literal) => fold(field, operand(scope, field, at, literal))))
    return (value) => values.has(fold(field, value)) === (op === 'IN')
  }
  const literal = literals[0]!
  if (literal.kind === 'period') return inPeriod(field, op, needPeriod(scope, field, at, literal))
  const wanted = fold(field, operand(scope, field, at, literal))
  if (op === '=') return (value) => fold(field, value) === wanted
  if (op === '!=') return (value) => fold(field, value) !== wanted
  return ordered(field, op, wanted)
}

function ordered(field: Field, op: '<' | '<=' | '>' | '>=', wanted: Value): (value: Value) => boolean {
  if (wanted === null) return () => false
  const compare = (test: (a: Exclude<Value, null>, b: Exclude<Value, null>) => boolean) => (value: Value) => {
    const folded = fold(field, value)
    return folded !== null && test(folded, wanted)
  }
  switch (op) {
    case '<':
      return compare((a, b) => a < b)
    case '<=':
      return compare((a, b) => a <= b)
    case '>':
      return compare((a, b) => a > b)
    case '>=':
      return compare((a, b) => a >= b)
  }
}

/** The form of a value in which it is compared: text without case, unless the field keeps it. */
export function fold(field: Field, value: Value): Value {
  return typeof value === 'string' && isTextType(field.type) && !field.caseSensitive ? value.toLowerCase() : value
}

function operand(scope: Scope, field: Field, at: number, literal: Literal): Value {
  if (literal.kind === 'null') return field.type === 'boolean' ? false : null
  if (field.type === 'id' || field.type === 'reference') {
    if (literal.kind !== 'string') throw wrongType(scope, field, at, 'string', true)
    if (literal.text === '') return null
    const id = toId18(literal.text)
    if (id === null)
      throw queryError('INVALID_QUERY_FILTER_OPERATOR', scope.text, at, `invalid ID field: ${literal.text}`)
    return id
  }
  if (isTextType(field.type)) {
    if (literal.kind !== 'string') throw wrongType(scope, field, at, 'string', true)
    return literal.text === '' ? null : literal.text
  }
  if (field.type === 'boolean') {
    if (literal.kind !== 'boolean') throw wrongType(scope, field, at, 'boolean', false)
    return literal.value
  }
  if (isNumberType(field.type)) {
    if (literal.kind !== 'number') throw wrongType(scope, field, at, field.type, false)
    return literal.value
  }
  if (field.type === 'date') {
    if (literal.kind !== 'date') throw wrongType(scope, field, at, 'date', false)
    return literal.text
  }
  const time_ms = literal.kind === 'datetime' ? parseMoment(literal.text) : null
  if (time_ms === null) throw wrongType(scope, field, at, 'dateTime', false)
  return time_ms
}

function wrongType(scope: Scope, field: Field, at: number, type: string, quotes: boolean): ApiError {
  const advice = quotes ? 'should be enclosed in quotes' : 'should not be enclosed in quotes'
  const problem = `value of filter criterion for field '${field.name}' must be of type ${type} and ${advice}`
  return queryError('INVALID_FIELD', scope.text, at, problem)
}

function needPeriod(scope: Scope, field: Field, at: number, literal: Literal & { kind: 'period' }): Period {
  const period = periodOf(literal.name, literal.n, scope.now_ms)
  if (period === null)
    throw queryError('MALFORMED_QUERY', scope.text, literal.at, `unexpected token: '${literal.name}'`)
  if (field.type !== 'date' && field.type !== 'datetime')
    throw wrongType(scope, field, at, isTextType(field.type) ? 'string' : field.type, isTextType(field.type))
  return period
}

function inPeriod(field: Field, op: Operator, period: Period): (value: Value) => boolean {
  const day = (time_ms: number) => new Date(time_ms).toISOString().slice(0, 10)
  const from: string | number = field.type === 'date' ? day(period.from_ms) : period.from_ms
  const to: string | number = field.type === 'date' ? day(period.to_ms) : period.to_ms
  const known = (test: (value: string | number) => boolean) => (value: Value) => value !== null && test(value as string)
  switch (op) {
    case '=':
      return known((value) => value >= from && value < to)
    case '!=':
      return (value) => value === null || (value as string) < from || (value as string) >= to
    case '<':
      return known((value) => value < from)
    case '<=':
      return known((value) => value < to)
    case '>':
      return known((value) => value >= to)
    case '>=':
      return known((value) => value >= from)
    default:
      return () => false
  }
}

function membership(
  scope: Scope,
  field: Field,
  at: number,
  op: 'INCLUDES' | 'EXCLUDES',
  literals: readonly Literal[],
): (value: Value) => boolean {
  if (field.type !== 'multipicklist')
    throw queryError('INVALID_QUERY_FILTER_OPERATOR', scope.text, at, `invalid operator on ${field.type} field`)
  const groups = literals.map((literal) =>
    String(operand(scope, field, at, literal) ?? '')
      .toLowerCase()
      .split(';'),
  )
  return (value) => {
    const parts = typeof value === 'string' ? value.toLowerCase().split(';') : []
    const hit = groups.some((group) => group.every((each) => parts.includes(each)))
    return hit === (op === 'INCLUDES')
  }
}

function likeness(scope: Scope, field: Field, at: number, literal: Literal): (value: Value) => boolean {
  if (!isTextType(field.type) || field.type === 'multipicklist')
    throw queryError('INVALID_QUERY_FILTER_OPERATOR', scope.text, at, `invalid operator on ${field.type} field`)
  if (literal.kind !== 'string') throw wrongType(scope, field, at, 'string', true)
  const source = literal.text.replace(/\\[%_]|[%_]|[.*+?^${}()|[\]\\]/g, (part) => {
    if (part === '%') return '.*'
    if (part === '_') return '.'
    return part.length === 2 ? part[1]! : `\\${part}`
  })
  const pattern = new RegExp(`^${source}$`, 'is')
  return (value) => typeof value === 'string' && pattern.test(value)
}

/**
 * Compiles a condition over one object's own fields, for rules of the setup: the function, or what is wrong. Date
 * literals (TODAY) mean the day on which a row is judged: the day of its last change.
 */
export function checkWhere(schema: Schema, type: ObjectType, text: string): Predicate | string {
  try {
    const condition = parseCondition(text)
    const alone = { schema, text, rowById: () => undefined, select: () => new Set<Value>(), ownFields: true } as const
    const on = (now_ms: number) => compile({ ...alone, now_ms }, type, null, condition)
    let day = 0
    let test = on(0)
    return (row) => {
      const today = Math.floor(row.modified_ms / DAY_ms)
      if (today !== day) test = on(row.modified_ms)
      day = today
      return test(row)
    }
  } catch (error) {
    if (error instanceof ApiError) return error.message.replace(/\s+/g, ' ').trim()
    throw error
  }
}
