/**
 * Creating, changing and deleting one record, with the checks that the platform makes.
 * A row passes two gates: reading its JSON against the schema (unknown fields and wrong JSON types end the whole
 * request), then the checks of the record itself (whose failures belong to the row alone).
 */

import { ApiError, type RowError, rowError } from './errors.ts'
import type { RowFault } from './faults.ts'
import { makeId, toId18 } from './ids.ts'
import type { Org } from './org.ts'
import { type Field, fieldOf, type ObjectType, objectOf, type Row, type Value } from './schema.ts'
import { type Change, deleteRow, insertRow, rowsWith, type Table, updateRow } from './tables.ts'
import { coerce, isMisfit, unwritable } from './values.ts'

/** One request's writing. */
export interface Work {
  readonly org: Org
  readonly change: Change
  /** Id of the user who writes. */
  readonly by: string
  readonly at_ms: number
  readonly rowFault: RowFault | null
}

/** A row read against the schema. */
export interface Incoming {
  readonly type: ObjectType
  readonly set: Record<string, Value>
  /** The Id that the body carries, as sent. */
  readonly id: unknown
  readonly errors: RowError[]
  /** What makes the JSON itself unusable, in the form of a request-level error. */
  readonly malformed: ApiError | null
}

/** A written row, or why it was not. */
export type Written = { readonly row: Row } | { readonly errors: readonly RowError[] }

/** Reads one record's JSON. Field names are those of the schema, so nothing a client names becomes a key. */
export function readIncoming(work: Work, type: ObjectType, body: Record<string, unknown>): Incoming {
  const set: Record<string, Value> = {}
  const errors: RowError[] = []
  let malformed: ApiError | null = null
  let id: unknown
  const closed: string[] = []
  for (const key in body) {
    if (key === 'attributes') continue
    const raw = body[key]
    const field = fieldOf(type, key)
    if (field === undefined) {
      const parent = type.parents.get(key.toLowerCase())
      if (parent === undefined)
        malformed ??= new ApiError(400, 'INVALID_FIELD', `No such column '${key}' on sobject of type ${type.name}`)
      else if (!parent.createable) closed.push(parent.name)
      else readParent(work, parent, raw, set, errors)
      continue
    }
    if (field.type === 'id') {
      id = raw
      continue
    }
    if (!field.createable) {
      closed.push(field.name)
      continue
    }
    const value = coerce(field, raw)
    if (!isMisfit(value)) set[field.name] = value
    else {
      errors.push(value.error)
      if (value.malformed !== null) malformed ??= new ApiError(400, 'JSON_PARSER_ERROR', value.malformed)
    }
  }
  if (closed.length > 0) errors.push(unwritable(closed))
  if (malformed !== null && errors.length === 0)
    errors.push(rowError(malformed.entries[0]!.errorCode, malformed.message))
  return { type, set, id, errors, malformed }
}

/** `"Account": {"Ext__c": "x"}` sets AccountId to the account with that external id. */
function readParent(work: Work, field: Field, raw: unknown, set: Record<string, Value>, errors: RowError[]): void {
  const parent = objectOf(work.org.schema, field.referenceTo[0]!)!
  if (raw === null) {
    set[field.name] = null
    return
  }
  const names = typeof raw === 'object' ? Object.keys(raw).filter((name) => name !== 'attributes') : []
  const key = names.length === 1 ? fieldOf(parent, names[0]!) : undefined
  if (names.length > 1)
    return void errors.push(
      rowError(
        'INVALID_FIELD',
        `More than 1 field provided in an external foreign key reference in entity: ${parent.name}`,
      ),
    )
  if (key === undefined || !(key.externalId || key.idLookup))
    return void errors.push(
      rowError(
        'INVALID_FIELD',
        `The external foreign key reference does not reference a valid entity: ${field.relationshipName}`,
      ),
    )
  const wanted = (raw as Record<string, unknown>)[names[0]!]
  const value = coerce(key, wanted)
  const found = isMisfit(value) || value === null ? [] : findByKey(work, parent, key, value)
  if (found.length === 1) set[field.name] = found[0]!.id
  else if (found.length === 0)
    errors.push(
      rowError(
        'INVALID_FIELD',
        `Foreign key external ID: ${String(wanted).toLowerCase()} not found for field ${key.name} in entity ${parent.name}`,
      ),
    )
  else errors.push(severalFound(key, found))
}

/** Live rows that an external id, another look-up field, or the Id itself names. */
export function findByKey(work: Work, type: ObjectType, key: Field, value: Value): Row[] {
  const table = tableOf(work, type)
  if (key.type !== 'id') return rowsWith(table, key, value)
  const row = typeof value === 'string' ? table.rows.get(value) : undefined
  return row === undefined || row.deleted ? [] : [row]
}

function severalFound(key: Field, rows: readonly Row[]): RowError {
  const ids = rows.map((row) => row.id).join(', ')
  return rowError('DUPLICATE_EXTERNAL_ID', `${key.name}: more than one record found for external id field: [${ids}]`, [
    key.name,
  ])
}

/** The table that holds the records of an object. */
export function tableOf(work: Work, type: ObjectType): Table {
  return work.org.tables.byType.get(type)!
}

/** Creates a record. */
export function createRecord(work: Work, incoming: Incoming): Written {
  const { type, set } = incoming
  if (incoming.errors.length > 0) return { errors: incoming.errors }
  if (!type.createable) return { errors: [readOnly(type)] }
  if (incoming.id != null)
    return { errors: [rowError('INVALID_FIELD_FOR_INSERT_UPDATE', 'cannot specify Id in an insert call', ['Id'])] }
  const table = tableOf(work, type)
  for (const field of type.defaulted) {
    if ((set[field.name] ?? null) !== null) continue
    const value = defaultOf(work, table, field)
    if (value !== null) set[field.name] = value
  }
  const missing = type.required.filter((field) => (set[field.name] ?? null) === null).map((field) => field.name)
  if (missing.length > 0) return { errors: [requiredMissing(missing)] }
  const errors = checkRecord(work, table, null, set, set)
  if (errors !== null) return { errors }
  const row = insertRow(work.org.tables, table, work.change, set, work.by, work.at_ms)
  work.change.writes.push({ mark: work.change.undo.length, op: 'create', row, set })
  return { row }
}

function defaultOf(work: Work, table: Table, field: Field): Value {
  if (field.name === 'OwnerId') return work.by
  if (field.autoNumber !== null)
    return field.autoNumber.replace(/\{(0+)\}/, (_, zeros: string) => String(table.nextN).padStart(zeros.length, '0'))
  // A custom object's Name that is not given becomes the record's id.
  if (field.nameField && field.type === 'string') return makeId(table.type.prefix, work.org.tables.pod, table.nextN)
  return field.defaultValue
}

/** Changes fields of a record. */
export function updateRecord(work: Work, row: Row, incoming: Incoming): Written {
  if (incoming.errors.length > 0) return { errors: incoming.errors }
  if (!row.type.createable) return { errors: [readOnly(row.type)] }
  if (row.deleted) return { errors: [rowError('ENTITY_IS_DELETED', 'entity is deleted')] }
  const table = tableOf(work, row.type)
  const { set } = incoming
  const missing: string[] = []
  for (const name in set) if (set[name] === null && !row.type.fieldsByName.get(name)!.nillable) missing.push(name)
  if (missing.length > 0) return { errors: [requiredMissing(missing)] }
  const values = { ...row.values, ...set }
  const errors = checkRecord(work, table, row, set, values)
  if (errors !== null) return { errors }
  updateRow(table, work.change, row, values, work.by, work.at_ms)
  work.change.writes.push({ mark: work.change.undo.length, op: 'update', row, set })
  return { row }
}

function requiredMissing(fields: readonly string[]): RowError {
  return rowError('REQUIRED_FIELD_MISSING', `Required fields are missing: [${fields.join(', ')}]`, fields)
}

function readOnly(type: ObjectType): RowError {
  return rowError(
    'INSUFFICIENT_ACCESS_OR_READONLY',
    `entity type ${type.name} does not support create, update or delete`,
  )
}

/** References, unique fields and validation rules; null when all is well. */
function checkRecord(
  work: Work,
  table: Table,
  row: Row | null,
  set: Record<string, Value>,
  values: Record<string, Value>,
): RowError[] | null {
  let errors: RowError[] | null = null
  for (const field of table.type.references) {
    const id = set[field.name]
    if (typeof id !== 'string') continue
    const error = checkReference(work, field, id)
    if (error !== null) errors = [...(errors ?? []), error]
  }
  for (const field of table.type.keys) {
    if (!field.unique || set[field.name] == null) continue
    const other = rowsWith(table, field, set[field.name]!).find((each) => each !== row)
    if (other !== undefined)
      errors = [
        ...(errors ?? []),
        rowError(
          'DUPLICATE_VALUE',
          `duplicate value found: ${field.name} duplicates value on record with id: ${other.id}`,
        ),
      ]
  }
  if (errors !== null || table.type.rules.length === 0) return errors
  return checkRules(work, table, row, values)
}

function checkReference(work: Work, field: Field, id: string): RowError | null {
  const type = work.org.schema.byPrefix.get(id.slice(0, 3))
  if (type === undefined || !field.referenceTo.includes(type.name))
    return rowError('FIELD_INTEGRITY_EXCEPTION', `${field.label}: id value of incorrect type: ${id}`, [field.name])
  const target = tableOf(work, type).rows.get(id)
  if (target === undefined) return rowError('INVALID_CROSS_REFERENCE_KEY', 'invalid cross reference id')
  return target.deleted ? rowError('ENTITY_IS_DELETED', 'entity is deleted') : null
}

function checkRules(work: Work, table: Table, row: Row | null, values: Row['values']): RowError[] | null {
  const candidate: Row = {
    n: 0,
    id: row?.id ?? '',
    type: table.type,
    values,
    created_ms: row?.created_ms ?? work.at_ms,
    createdBy: row?.createdBy ?? work.by,
    modified_ms: work.at_ms,
    modifiedBy: work.by,
    deleted: false,
    masterId: null,
    changeNo: -1,
  }
  const broken = table.type.rules.filter((rule) => rule.broken(candidate))
  if (broken.length === 0) return null
  return broken.map((rule) =>
    rowError('FIELD_CUSTOM_VALIDATION_EXCEPTION', rule.message, rule.field === null ? [] : [rule.field]),
  )
}

/** Moves a record, and what hangs from it, to the recycle bin. */
export function deleteRecord(work: Work, row: Row, masterId: string | null = null): Written {
  if (!row.type.createable) return { errors: [readOnly(row.type)] }
  if (row.deleted) return { errors: [rowError('ENTITY_IS_DELETED', 'entity is deleted')] }
  deleteRow(tableOf(work, row.type), work.change, row, work.by, work.at_ms, masterId)
  work.change.writes.push({ mark: work.change.undo.length, op: 'delete', row, set: {} })
  for (const { child, field } of work.org.schema.children.get(row.type.name) ?? []) {
    if (field.onParentDelete === 'keep') continue
    const table = tableOf(work, child)
    if (table.live === 0) continue
    for (const each of rowsWith(table, field, row.id)) {
      if (field.onParentDelete === 'cascade') deleteRecord(work, each)
      else updateRow(table, work.change, each, { ...each.values, [field.name]: null }, work.by, work.at_ms)
    }
  }
  return { row }
}

/** The record that an id in a request names, or the row's error. */
export function rowById(work: Work, id: unknown, type: ObjectType | null): { row: Row } | { errors: RowError[] } {
  const id18 = typeof id === 'string' ? toId18(id) : null
  const found = id18 === null ? undefined : work.org.schema.byPrefix.get(id18.slice(0, 3))
  if (id18 === null || found === undefined || (type !== null && found !== type))
    return {
      errors: [
        rowError('MALFORMED_ID', `${type?.name ?? 'Record'} ID: id value of incorrect type: ${String(id)}`, ['Id']),
      ],
    }
  const row = tableOf(work, found).rows.get(id18)
  if (row === undefined) return { errors: [rowError('INVALID_CROSS_REFERENCE_KEY', 'invalid cross reference id')] }
  return row.deleted ? { errors: [rowError('ENTITY_IS_DELETED', 'entity is deleted')] } : { row }
}
