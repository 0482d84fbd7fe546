/**
 * The records of the org, in memory: one table an object, with look-ups by id, by key field and by time of change.
 * A change is made inside a `Change`, which can be undone (allOrNone, a failed composite) and says what to store.
 */

import { makeId } from './ids.ts'
import { type Field, isTextType, type ObjectType, type Row, type Schema, type Value } from './schema.ts'

/** Live rows by the value of one field: the row itself, or a set where several share the value. */
export type FieldIndex = Map<Value, Row | Set<Row>>

/** The records of one object, those in the recycle bin included. */
export interface Table {
  readonly type: ObjectType
  readonly rows: Map<string, Row>
  readonly indexes: Map<Field, FieldIndex>
  /** Change order: `changedRows[i]` was changed at `changedAt_ms[i]`; an entry is stale when the row has a later one. */
  changedAt_ms: number[]
  changedRows: (Row | null)[]
  changeBase: number
  nextN: number
  live: number
}

/** All records of the org; `pod` is the org's part of their ids. */
export interface Tables {
  readonly schema: Schema
  readonly pod: string
  readonly byType: ReadonlyMap<ObjectType, Table>
}

/** One transaction over the tables. */
export interface Change {
  readonly touched: Set<Row>
  readonly undo: (() => void)[]
  /** What was written, for the apply log; `mark` is the length of `undo` behind the write. */
  readonly writes: { readonly mark: number; readonly op: WriteOp; readonly row: Row; readonly set: Row['values'] }[]
}

/** What a write did to a record. */
export type WriteOp = 'create' | 'update' | 'delete'

const COMPACT_ENTRIES = 4_096

/** Empty tables for a schema. `pod` is the 3 characters of this org in its ids. */
export function makeTables(schema: Schema, pod: string): Tables {
  const byType = new Map<ObjectType, Table>()
  for (const type of schema.objects.values()) byType.set(type, emptyTable(type))
  return { schema, pod, byType }
}

function emptyTable(type: ObjectType): Table {
  const indexes = new Map<Field, FieldIndex>(type.keys.map((field) => [field, new Map()]))
  return { type, rows: new Map(), indexes, changedAt_ms: [], changedRows: [], changeBase: 0, nextN: 1, live: 0 }
}

/** Removes every record. */
export function clearTables(tables: Tables): void {
  for (const table of tables.byType.values()) Object.assign(table, { ...emptyTable(table.type), nextN: table.nextN })
}

/** A change that has touched nothing yet. */
export function beginChange(): Change {
  return { touched: new Set(), undo: [], writes: [] }
}

/** Puts everything back as it was when the change, or the given mark in it, began. */
export function undoChange(change: Change, mark = 0): void {
  while (change.undo.length > mark) change.undo.pop()!()
  while (change.writes.length > 0 && change.writes.at(-1)!.mark > mark) change.writes.pop()
}

/** The form under which a value is found: text ignores case unless the field says otherwise. */
export function indexKey(field: Field, value: Value): Value {
  return typeof value === 'string' && isTextType(field.type) && !field.caseSensitive ? value.toLowerCase() : value
}

/** The index of a field; built at its first use. */
export function indexOf(table: Table, field: Field): FieldIndex {
  let index = table.indexes.get(field)
  if (index === undefined) {
    index = new Map()
    for (const row of table.rows.values()) if (!row.deleted) addToIndex(index, field, row)
    table.indexes.set(field, index)
  }
  return index
}

/** Live rows that hold this value in this field. */
export function rowsWith(table: Table, field: Field, value: Value): Row[] {
  const found = indexOf(table, field).get(indexKey(field, value))
  if (found === undefined) return []
  return found instanceof Set ? [...found] : [found]
}

function addToIndex(index: FieldIndex, field: Field, row: Row): void {
  const value = row.values[field.name]
  if (value == null) return
  const key = indexKey(field, value)
  const present = index.get(key)
  if (present === undefined) index.set(key, row)
  else if (present instanceof Set) present.add(row)
  else if (present !== row) index.set(key, new Set([present, row]))
}

function dropFromIndex(index: FieldIndex, field: Field, row: Row, values: Row['values']): void {
  const value = values[field.name]
  if (value == null) return
  const key = indexKey(field, value)
  const present = index.get(key)
  if (present === row) index.delete(key)
  else if (present instanceof Set) {
    present.delete(row)
    if (present.size === 1) for (const last of present) index.set(key, last)
  }
}

/** Adds a row with the next id. */
export function insertRow(
  tables: Tables,
  table: Table,
  change: Change,
  values: Record<string, Value>,
  by: string,
  at_ms: number,
): Row {
  const n = table.nextN++
  const row: Row = {
    n,
    id: makeId(table.type.prefix, tables.pod, n),
    type: table.type,
    values,
    created_ms: at_ms,
    createdBy: by,
    modified_ms: at_ms,
    modifiedBy: by,
    deleted: false,
    masterId: null,
    changeNo: -1,
  }
  placeRow(table, row)
  change.touched.add(row)
  change.undo.push(() => {
    for (const [field, index] of table.indexes) dropFromIndex(index, field, row, row.values)
    table.rows.delete(row.id)
    table.live--
    dropChangeEntry(table, row.changeNo)
    change.touched.delete(row)
  })
  return row
}

/** Puts a row (new, or read from disk) into its table and indexes. */
export function placeRow(table: Table, row: Row): void {
  table.rows.set(row.id, row)
  if (row.n >= table.nextN) table.nextN = row.n + 1
  if (!row.deleted) {
    table.live++
    for (const [field, index] of table.indexes) addToIndex(index, field, row)
  }
  noteChange(table, row)
}

/** Replaces the values of a row. */
export function updateRow(
  table: Table,
  change: Change,
  row: Row,
  values: Row['values'],
  by: string,
  at_ms: number,
): void {
  const before = { ...row }
  const fresh = !change.touched.has(row)
  reindex(table, row, row.values, values)
  row.values = values
  row.modified_ms = at_ms
  row.modifiedBy = by
  noteChange(table, row)
  change.touched.add(row)
  change.undo.push(() => {
    reindex(table, row, row.values, before.values)
    restore(table, row, before)
    if (fresh) change.touched.delete(row)
  })
}

/** Moves a row to the recycle bin. */
export function deleteRow(
  table: Table,
  change: Change,
  row: Row,
  by: string,
  at_ms: number,
  masterId: string | null,
): void {
  const before = { ...row }
  const fresh = !change.touched.has(row)
  for (const [field, index] of table.indexes) dropFromIndex(index, field, row, row.values)
  row.deleted = true
  row.masterId = masterId
  row.modified_ms = at_ms
  row.modifiedBy = by
  table.live--
  noteChange(table, row)
  change.touched.add(row)
  change.undo.push(() => {
    restore(table, row, before)
    table.live++
    for (const [field, index] of table.indexes) addToIndex(index, field, row)
    if (fresh) change.touched.delete(row)
  })
}

function reindex(table: Table, row: Row, before: Row['values'], after: Row['values']): void {
  for (const [field, index] of table.indexes) {
    if (before[field.name] === after[field.name]) continue
    dropFromIndex(index, field, row, before)
    const kept = row.values
    row.values = after
    addToIndex(index, field, row)
    row.values = kept
  }
}

function restore(table: Table, row: Row, before: Row): void {
  const undone = row.changeNo
  Object.assign(row, before)
  dropChangeEntry(table, undone)
  if (before.changeNo >= table.changeBase) table.changedRows[before.changeNo - table.changeBase] = row
}

function noteChange(table: Table, row: Row): void {
  const earlier = row.changeNo - table.changeBase
  if (row.changeNo >= 0 && earlier >= 0) table.changedRows[earlier] = null
  row.changeNo = table.changeBase + table.changedRows.length
  table.changedRows.push(row)
  // A late row may carry an older stamp; the order of this list must hold, so its entry takes the newest time so far.
  table.changedAt_ms.push(Math.max(row.modified_ms, table.changedAt_ms.at(-1) ?? 0))
}

function dropChangeEntry(table: Table, changeNo: number): void {
  const place = changeNo - table.changeBase
  if (place >= 0 && place < table.changedRows.length) table.changedRows[place] = null
}

/** Drops stale entries of the change order when they are the most. Only between changes: an undo needs its places. */
export function compactChanges(table: Table): void {
  if (table.changedRows.length < COMPACT_ENTRIES || table.changedRows.length < 4 * table.rows.size) return
  const rows = table.changedRows
  table.changeBase += rows.length
  table.changedRows = []
  table.changedAt_ms = []
  for (const row of rows) {
    if (row === null) continue
    row.changeNo = table.changeBase + table.changedRows.length
    table.changedRows.push(row)
    table.changedAt_ms.push(Math.max(row.modified_ms, table.changedAt_ms.at(-1) ?? 0))
  }
}

/** Every row whose last change is at or after `from_ms`, in the order of arrival; late arrivals may be older. */
export function rowsChangedSince(table: Table, from_ms: number): Row[] {
  let low = 0
  let high = table.changedAt_ms.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (table.changedAt_ms[middle]! < from_ms) low = middle + 1
    else high = middle
  }
  const rows: Row[] = []
  for (let i = low; i < table.changedRows.length; i++) {
    const row = table.changedRows[i]
    if (row != null) rows.push(row)
  }
  return rows
}
