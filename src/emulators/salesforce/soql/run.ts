/** Runs a parsed query over the tables: finds the rows, orders them, and shapes each into its answer. */

import { ApiError } from '../errors.ts'
import { toId18 } from '../ids.ts'
import { fieldOf, isTextType, type ObjectType, type Row, type Value } from '../schema.ts'
import { rowsChangedSince, rowsWith, type Table, type Tables } from '../tables.ts'
import { parseMoment } from '../values.ts'
import { compile, fold, objectIn, type Predicate, resolve, type Scope } from './check.ts'
import { group, isGrouped } from './group.ts'
import { queryError } from './lexer.ts'
import { compareValues } from './order.ts'
import type { Condition, OrderItem, Query } from './parser.ts'
import { type Shape, shapeOf } from './shape.ts'

/** Found rows, shaped one page at a time. */
export interface Found {
  readonly totalSize: number
  /** The answer's records from `start`, at most `rows` of them. */
  readonly page: (start: number, rows: number) => unknown[]
  /** How many records can be paged; 0 for COUNT(). */
  readonly rows: number
}

interface RunOptions {
  readonly now_ms: number
  /** queryAll: rows in the recycle bin are seen too. */
  readonly deleted: boolean
  /** Path of the API, such as `/services/data/v60.0`, for record URLs. */
  readonly base: string
}

const OFFSET_MAX = 2_000
const FIELDS_LIMIT = 200

/** Runs a query. Throws MALFORMED_QUERY, INVALID_FIELD, INVALID_TYPE and the like. */
export function runQuery(tables: Tables, query: Query, options: RunOptions): Found {
  const scope = scopeOf(tables, query, options)
  const type = objectIn(scope, query.from, query.fromAt)
  checkShape(query)
  const rows = findRows(tables, scope, type, query, options.deleted)
  if (isGrouped(query)) return group(scope, type, query, rows)
  const order = query.orderBy.length === 0 ? null : ordering(scope, type, query)
  if (order !== null) rows.sort(order)
  const wanted = rows.slice(query.offset, query.limit === null ? undefined : query.offset + query.limit)
  const shape = shapeOf(scope, type, query, options.base, (child, parent) =>
    childRows(tables, scope, child, parent, options),
  )
  return paged(wanted, shape)
}

function paged(rows: readonly Row[], shape: Shape): Found {
  return {
    totalSize: rows.length,
    rows: rows.length,
    page: (start, count) => rows.slice(start, start + count).map(shape),
  }
}

/** The surroundings of a query over these tables. */
function scopeOf(tables: Tables, query: Pick<Query, 'text'>, options: RunOptions): Scope {
  const scope: Scope = {
    schema: tables.schema,
    text: query.text,
    now_ms: options.now_ms,
    rowById: (id) => {
      const type = tables.schema.byPrefix.get(id.slice(0, 3))
      return type === undefined ? undefined : tables.byType.get(type)!.rows.get(id)
    },
    select: (inner) => {
      const type = objectIn(scope, inner.from, inner.fromAt)
      const item = inner.select[0]
      if (inner.select.length !== 1 || item?.kind !== 'field')
        throw queryError('MALFORMED_QUERY', scope.text, inner.fromAt, 'a semi join selects exactly one field')
      const { read } = resolve(scope, type, inner.alias, item.path)
      return new Set(findRows(tables, scope, type, inner, options.deleted).map((row) => read(row) as Value))
    },
  }
  return scope
}

function checkShape(query: Query): void {
  if (query.offset > OFFSET_MAX)
    throw new ApiError(400, 'NUMBER_OUTSIDE_VALID_RANGE', `Maximum SOQL offset allowed is ${OFFSET_MAX}`)
  const unbounded = query.select.some((item) => item.kind === 'fields' && item.which !== 'STANDARD')
  if (unbounded && (query.limit ?? FIELDS_LIMIT + 1) > FIELDS_LIMIT)
    throw new ApiError(400, 'MALFORMED_QUERY', `The SOQL FIELDS function must have a LIMIT of at most ${FIELDS_LIMIT}`)
}

function findRows(tables: Tables, scope: Scope, type: ObjectType, query: Query, deleted: boolean): Row[] {
  const table = tables.byType.get(type)!
  const test: Predicate = query.where === null ? () => true : compile(scope, type, query.alias, query.where)
  const candidates = query.where === null ? null : narrowed(table, scope, query, query.where, deleted)
  const rows: Row[] = []
  for (const row of candidates ?? table.rows.values()) if ((deleted || !row.deleted) && test(row)) rows.push(row)
  return rows
}

/** Rows that a condition can be true for, when an index tells; null when all must be looked at. */
function narrowed(table: Table, scope: Scope, query: Query, condition: Condition, deleted: boolean): Row[] | null {
  if (condition.kind === 'and') {
    for (const part of condition.parts) {
      const rows = narrowed(table, scope, query, part, deleted)
      if (rows !== null) return rows
    }
    return null
  }
  if (condition.kind === 'or') {
    const parts = condition.parts.map((part) => narrowed(table, scope, query, part, deleted))
    return parts.includes(null) ? null : byNumber(new Set(parts.flatMap((rows) => rows ?? [])))
  }
  if (condition.kind !== 'compare' || 'kind' in condition.left || condition.left.names.length !== 1) return null
  const field = fieldOf(table.type, condition.left.names[0]!)
  if (field === undefined) return null
  const { op, values } = condition
  if (op === '>' || op === '>=') {
    const literal = values[0]!
    if ((field.name !== 'SystemModstamp' && field.name !== 'LastModifiedDate') || literal.kind !== 'datetime')
      return null
    return rowsChangedSince(table, parseMoment(literal.text) ?? 0).sort((a, b) => a.n - b.n)
  }
  if (op !== '=' && op !== 'IN') return null
  const texts = values.map((value) => (value.kind === 'string' && value.text !== '' ? value.text : null))
  if (field.name === 'Id') {
    const ids = new Set(texts.map((text) => (text === null ? null : toId18(text))))
    return byNumber([...ids].flatMap((id) => (id === null ? [] : (table.rows.get(id) ?? []))))
  }
  // The indexes hold live rows only.
  if (deleted || !(field.externalId || field.unique || field.idLookup || isOwnReference(table.type, field.name)))
    return null
  if (isTextType(field.type) && texts.includes(null)) return null
  const keys = values.map((value, i) => (field.type === 'reference' ? toId18(texts[i] ?? '') : keyOf(value)))
  if (keys.includes(null)) return null
  return byNumber(new Set(keys.flatMap((key) => rowsWith(table, field, key))))
}

function byNumber(rows: Iterable<Row>): Row[] {
  return [...rows].sort((a, b) => a.n - b.n)
}

function keyOf(literal: { kind: string; text?: string; value?: number | boolean }): Value {
  return literal.text ?? literal.value ?? null
}

/** OwnerId and the like are not worth an index: nearly all rows share few values. */
function isOwnReference(type: ObjectType, name: string): boolean {
  const field = fieldOf(type, name)
  return field?.type === 'reference' && field.referenceTo[0] !== 'User' && field.createable
}

function ordering(scope: Scope, type: ObjectType, query: Query): (a: Row, b: Row) => number {
  const items = query.orderBy.map((item) => orderItem(scope, type, query, item))
  return (a, b) => {
    for (const compare of items) {
      const order = compare(a, b)
      if (order !== 0) return order
    }
    return a.n - b.n
  }
}

function orderItem(scope: Scope, type: ObjectType, query: Query, item: OrderItem): (a: Row, b: Row) => number {
  if ('kind' in item.by)
    throw queryError('MALFORMED_QUERY', scope.text, item.by.at, 'ORDER BY an aggregate needs a GROUP BY clause')
  const { read, field } = resolve(scope, type, query.alias, item.by)
  const value = (row: Row) => fold(field, read(row) as Value)
  return (a, b) => compareValues(value(a), value(b), item)
}

/** The rows of a child sub-select below one parent, shaped. */
function childRows(tables: Tables, scope: Scope, query: Query, parent: Row, options: RunOptions): unknown {
  const links = tables.schema.children.get(parent.type.name) ?? []
  const link = links.find((each) => each.field.childRelationshipName?.toLowerCase() === query.from.toLowerCase())!
  const table = tables.byType.get(link.child)!
  const test: Predicate = query.where === null ? () => true : compile(scope, link.child, query.alias, query.where)
  const all = options.deleted
    ? [...table.rows.values()].filter((row) => row.values[link.field.name] === parent.id)
    : rowsWith(table, link.field, parent.id)
  const rows = all.filter(test).sort((a, b) => a.n - b.n)
  if (query.orderBy.length > 0) rows.sort(ordering(scope, link.child, query))
  const wanted = rows.slice(query.offset, query.limit === null ? undefined : query.offset + query.limit)
  if (wanted.length === 0) return null
  const shape = shapeOf(scope, link.child, query, options.base, () => null)
  return { totalSize: wanted.length, done: true, records: wanted.map(shape) }
}
