/** Counting and grouping: COUNT(), aggregates, GROUP BY, HAVING. */

import { type Field, isNumberType, makeField, type ObjectType, type Row, type Value } from '../schema.ts'
import { answerValue } from '../values.ts'
import { comparison, fold, type Resolved, resolve, type Scope } from './check.ts'
import { queryError } from './lexer.ts'
import { compareValues } from './order.ts'
import type { Aggregate, Condition, OrderItem, Path, Query, SelectItem } from './parser.ts'
import type { Found } from './run.ts'

interface Group {
  readonly keys: Value[]
  readonly rows: Row[]
}

interface Column {
  readonly name: string
  readonly value: (group: Group) => Value
  readonly field: Field | null
}

/** True when a query's answer is not one record a row. */
export function isGrouped(query: Query): boolean {
  return query.groupBy.length > 0 || query.select.some((item) => item.kind === 'aggregate')
}

/** Runs the grouping part of a query over the rows found. */
export function group(scope: Scope, type: ObjectType, query: Query, rows: readonly Row[]): Found {
  const only = query.select[0]
  if (query.select.length === 1 && only?.kind === 'aggregate' && only.path === null && query.groupBy.length === 0) {
    const bounded = Math.max(0, Math.min(rows.length - query.offset, query.limit ?? rows.length))
    return { totalSize: bounded, rows: 0, page: () => [] }
  }
  const by = query.groupBy.map((path) => resolve(scope, type, query.alias, path))
  const columns = columnsOf(scope, type, query, by)
  let groups = collect(query, by, rows)
  if (query.having !== null) groups = groups.filter(having(scope, type, query, by, query.having))
  if (query.orderBy.length > 0) groups.sort(ordering(scope, type, query, by))
  const wanted = groups.slice(query.offset, query.limit === null ? undefined : query.offset + query.limit)
  const shape = (each: Group): Record<string, unknown> => {
    const record: Record<string, unknown> = { attributes: { type: 'AggregateResult' } }
    for (const column of columns) {
      const value = column.value(each)
      record[column.name] = column.field === null ? value : answerValue(column.field, value)
    }
    return record
  }
  return {
    totalSize: wanted.length,
    rows: wanted.length,
    page: (start, count) => wanted.slice(start, start + count).map(shape),
  }
}

function collect(query: Query, by: readonly Resolved[], rows: readonly Row[]): Group[] {
  if (query.groupBy.length === 0) return [{ keys: [], rows: [...rows] }]
  const groups = new Map<string, Group>()
  for (const row of rows) {
    const keys = by.map((each) => each.read(row) as Value)
    const name = JSON.stringify(keys.map((key, i) => fold(by[i]!.field, key)))
    const known = groups.get(name)
    if (known === undefined) groups.set(name, { keys, rows: [row] })
    else known.rows.push(row)
  }
  return [...groups.values()]
}

function columnsOf(scope: Scope, type: ObjectType, query: Query, by: readonly Resolved[]): Column[] {
  let unnamed = 0
  const unnamedName = () => `expr${unnamed++}`
  return query.select.map((item) => columnOf(scope, type, query, by, item, unnamedName))
}

function columnOf(
  scope: Scope,
  type: ObjectType,
  query: Query,
  by: readonly Resolved[],
  item: SelectItem,
  unnamedName: () => string,
): Column {
  switch (item.kind) {
    case 'aggregate': {
      const { value, field } = aggregate(scope, type, query, item)
      return { name: item.alias ?? unnamedName(), value, field }
    }
    case 'field': {
      const place = keyPlace(scope, type, query, by, item.path)
      const field = by[place]!.field
      return { name: item.alias ?? field.name, value: (each) => each.keys[place]!, field }
    }
    case 'fields':
      throw queryError('MALFORMED_QUERY', scope.text, item.at, 'FIELDS cannot be used with GROUP BY')
    case 'children':
      throw queryError('MALFORMED_QUERY', scope.text, item.query.fromAt, 'a sub-select cannot be used with GROUP BY')
  }
}

function keyPlace(scope: Scope, type: ObjectType, query: Query, by: readonly Resolved[], path: Path): number {
  const { field, parents } = resolve(scope, type, query.alias, path)
  const place = by.findIndex((each) => each.field === field && each.parents.length === parents.length)
  if (place < 0)
    throw queryError('MALFORMED_QUERY', scope.text, path.at, `Field must be grouped or aggregated: ${field.name}`)
  return place
}

function aggregate(
  scope: Scope,
  type: ObjectType,
  query: Query,
  item: Aggregate,
): { value: (group: Group) => Value; field: Field | null } {
  if (item.path === null) return { value: (each) => each.rows.length, field: null }
  const { read, field } = resolve(scope, type, query.alias, item.path)
  if ((item.fn === 'SUM' || item.fn === 'AVG') && !isNumberType(field.type))
    throw queryError(
      'MALFORMED_QUERY',
      scope.text,
      item.at,
      `field ${field.name} does not support aggregate operator ${item.fn}`,
    )
  const values = (each: Group) => each.rows.map((row) => read(row) as Value).filter((value) => value !== null)
  const numbers = (each: Group) => values(each) as number[]
  const total = (each: Group) => numbers(each).reduce((sum, value) => sum + value, 0)
  switch (item.fn) {
    case 'COUNT':
      return { value: (each) => values(each).length, field: null }
    case 'COUNT_DISTINCT':
      return { value: (each) => new Set(values(each).map((value) => fold(field, value))).size, field: null }
    case 'SUM':
      return { value: (each) => (values(each).length === 0 ? null : total(each)), field: null }
    case 'AVG':
      return { value: (each) => (values(each).length === 0 ? null : total(each) / values(each).length), field: null }
    case 'MIN':
      return { value: (each) => extreme(field, values(each), -1), field }
    case 'MAX':
      return { value: (each) => extreme(field, values(each), 1), field }
  }
}

function extreme(field: Field, values: readonly Value[], sign: 1 | -1): Value {
  let best: Value = null
  const order = { descending: false, nullsFirst: true }
  for (const value of values)
    if (best === null || sign * compareValues(fold(field, value), fold(field, best), order) > 0) best = value
  return best
}

function having(
  scope: Scope,
  type: ObjectType,
  query: Query,
  by: readonly Resolved[],
  condition: Condition,
): (group: Group) => boolean {
  switch (condition.kind) {
    case 'and':
    case 'or': {
      const parts = condition.parts.map((part) => having(scope, type, query, by, part))
      return condition.kind === 'and'
        ? (each) => parts.every((part) => part(each))
        : (each) => parts.some((part) => part(each))
    }
    case 'not': {
      const part = having(scope, type, query, by, condition.part)
      return (each) => !part(each)
    }
    case 'semi':
      throw queryError('MALFORMED_QUERY', scope.text, condition.left.at, 'a semi join cannot be used in HAVING')
    case 'compare':
      return havingCompare(scope, type, query, by, condition)
  }
}

function havingCompare(
  scope: Scope,
  type: ObjectType,
  query: Query,
  by: readonly Resolved[],
  condition: Condition & { kind: 'compare' },
): (group: Group) => boolean {
  const { left, op, values } = condition
  if (!('kind' in left)) {
    const place = keyPlace(scope, type, query, by, left)
    const test = comparison(scope, by[place]!.field, left.at, op, values)
    return (each) => test(each.keys[place]!)
  }
  const { value, field } = aggregate(scope, type, query, left)
  // COUNT, SUM and AVG have no field of their own; they compare as numbers.
  const test = comparison(scope, field ?? makeField({ name: left.fn, type: 'double' }), left.at, op, values)
  return (each) => test(value(each))
}

function ordering(
  scope: Scope,
  type: ObjectType,
  query: Query,
  by: readonly Resolved[],
): (a: Group, b: Group) => number {
  const items = query.orderBy.map((item) => ({ item, value: orderValue(scope, type, query, by, item) }))
  return (a, b) => {
    for (const { item, value } of items) {
      const order = compareValues(value(a), value(b), item)
      if (order !== 0) return order
    }
    return 0
  }
}

function orderValue(
  scope: Scope,
  type: ObjectType,
  query: Query,
  by: readonly Resolved[],
  item: OrderItem,
): (group: Group) => Value {
  if ('kind' in item.by) {
    const { value, field } = aggregate(scope, type, query, item.by)
    return field === null ? value : (each) => fold(field, value(each))
  }
  const place = keyPlace(scope, type, query, by, item.by)
  return (each) => fold(by[place]!.field, each.keys[place]!)
}
