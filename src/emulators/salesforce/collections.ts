/**
 * sObject Collections: up to 200 records a request, one result a record in the order of the request.
 * Source: https://developer.salesforce.com/docs/platform/api-rest/guide/resources-composite-sobjects-collections.html.
 */

import { isObject } from '../../std/json.ts'
import { type Answer, type ApiCall, answerJson, bodyMap, objectAt } from './call.ts'
import { ApiError, notFound, ROLLED_BACK, type RowError, rowError } from './errors.ts'
import { shuffle } from './faults.ts'
import { toId18 } from './ids.ts'
import { type Field, fieldOf, type ObjectType, objectOf, type Row, type Value } from './schema.ts'
import { writeField } from './soql/shape.ts'
import { indexKey, undoChange } from './tables.ts'
import { coerce, isMisfit } from './values.ts'
import {
  createRecord,
  deleteRecord,
  findByKey,
  type Incoming,
  readIncoming,
  rowById,
  tableOf,
  updateRecord,
  type Work,
  type Written,
} from './write.ts'

const ROWS_MAX = 200
const RETRIEVE_MAX = 2_000
const CHUNKS_MAX = 10

type Body = Record<string, unknown>
type Result = { readonly row: Row; readonly created: boolean } | { readonly errors: readonly RowError[] }

/** POST, PATCH and DELETE /composite/sobjects. */
export function writeCollection(call: ApiCall, allOrNoneOutside: boolean): Answer {
  if (call.method === 'DELETE') return deleteCollection(call, allOrNoneOutside)
  const body = bodyMap(call)
  const rows = recordsOf(body)
  const types = rows.map((row) => typeOf(call.work, row))
  checkChunks(types)
  const incoming = rows.map((row, i) => readIncoming(call.work, types[i]!, row))
  refuseMalformed(call.work, incoming)
  const creating = call.method === 'POST'
  const ids = incoming.map((each) => (typeof each.id === 'string' ? toId18(each.id) : null))
  const results = writeAll(call.work, allOrNoneOutside || body['allOrNone'] === true, incoming.length, (i) => {
    const error = call.work.rowFault?.(rows[i]!) ?? null
    if (error !== null) return { errors: [error] }
    if (creating) return written(createRecord(call.work, incoming[i]!), true)
    // Source: https://help.salesforce.com/s/articleView?id=000384876 (Duplicate Id Specified).
    if (ids[i] !== null && ids.indexOf(ids[i]!) !== ids.lastIndexOf(ids[i]!))
      return { errors: [rowError('DUPLICATE_VALUE', `Duplicate id specified: ${ids[i]}`, ['Id'])] }
    return updateOne(call.work, incoming[i]!)
  })
  return answerResults(call, results, false)
}

/** PATCH /composite/sobjects/{object}/{field}. */
export function upsertCollection(
  call: ApiCall,
  objectName: string,
  keyName: string,
  allOrNoneOutside: boolean,
): Answer {
  const type = objectAt(call, objectName)
  const key = keyField(type, keyName)
  const body = bodyMap(call)
  const rows = recordsOf(body)
  for (const row of rows) {
    if (typeOf(call.work, row) !== type)
      throw new ApiError(400, 'INVALID_INPUT', `Records must be of the type in the request URI: ${type.name}`)
  }
  const incoming = rows.map((row) => readIncoming(call.work, type, row))
  refuseMalformed(call.work, incoming)
  const keys = incoming.map((each) => keyValue(key, each))
  const twice = repeated(key, keys)
  const results = writeAll(call.work, allOrNoneOutside || body['allOrNone'] === true, rows.length, (i) => {
    const error = call.work.rowFault?.(rows[i]!) ?? null
    if (error !== null) return { errors: [error] }
    const value = keys[i]!
    if (twice !== null && value !== null && twice.has(indexKey(key, value)))
      return { errors: [rowError('DUPLICATE_VALUE', `Duplicate external id specified: ${value}`, [key.name])] }
    return upsertOne(call.work, key, value, incoming[i]!)
  })
  return answerResults(call, results, true)
}

/** The field that names records in an upsert. Throws 404 for a field that cannot. */
export function keyField(type: ObjectType, name: string): Field {
  const key = fieldOf(type, name)
  if (key !== undefined && (key.externalId || key.idLookup)) return key
  throw notFound(`Provided external ID field does not exist or is not accessible: ${name}`)
}

function keyValue(key: Field, incoming: Incoming): Value {
  if (key.type !== 'id') return incoming.set[key.name] ?? null
  const value = coerce(key, incoming.id)
  return isMisfit(value) ? null : value
}

/** Keys that occur more than once: such rows are all refused. Null when there are none. */
function repeated(key: Field, keys: readonly Value[]): Set<Value> | null {
  const seen = new Set<Value>()
  let twice: Set<Value> | null = null
  for (const value of keys) {
    if (value === null) continue
    const folded = indexKey(key, value)
    if (seen.has(folded)) twice = (twice ?? new Set()).add(folded)
    else seen.add(folded)
  }
  return twice
}

/** Creates or changes the record that a key names. */
export function upsertOne(work: Work, key: Field, value: Value, incoming: Incoming): Result {
  if (incoming.errors.length > 0) return { errors: incoming.errors }
  if (value === null) {
    if (key.type === 'id' && incoming.id == null) return written(createRecord(work, incoming), true)
    return { errors: [rowError('MISSING_ARGUMENT', `${key.name} not specified`, [key.name])] }
  }
  const found = findByKey(work, incoming.type, key, value)
  if (found.length > 1) {
    const ids = found.map((row) => row.id).join(', ')
    const message = `${key.name}: more than one record found for external id field: [${ids}]`
    return { errors: [rowError('DUPLICATE_EXTERNAL_ID', message, [key.name])] }
  }
  if (found.length === 1) return written(updateRecord(work, found[0]!, incoming), false)
  if (key.type === 'id') return { errors: [rowError('INVALID_CROSS_REFERENCE_KEY', 'invalid cross reference id')] }
  return written(createRecord(work, incoming), true)
}

function written(result: Written, created: boolean): Result {
  return 'row' in result ? { row: result.row, created } : result
}

function updateOne(work: Work, incoming: Incoming): Result {
  if (incoming.id == null)
    return { errors: [rowError('MISSING_ARGUMENT', 'Id not specified in an update call', ['Id'])] }
  const found = rowById(work, incoming.id, incoming.type)
  return 'row' in found ? written(updateRecord(work, found.row, incoming), false) : found
}

function deleteCollection(call: ApiCall, allOrNoneOutside: boolean): Answer {
  const ids = (call.query.get('ids') ?? '').split(',').filter((id) => id !== '')
  if (ids.length === 0) throw new ApiError(400, 'MISSING_ARGUMENT', 'ids is a required parameter')
  checkCount(ids.length, ROWS_MAX)
  const results = writeAll(call.work, allOrNoneOutside || call.query.get('allOrNone') === 'true', ids.length, (i) => {
    const found = rowById(call.work, ids[i], null)
    if (!('row' in found)) return found
    const error = call.work.rowFault?.({ Id: found.row.id, ...found.row.values }) ?? null
    return error === null ? written(deleteRecord(call.work, found.row), false) : { errors: [error] }
  })
  return answerResults(call, results, false)
}

/** GET (ids and fields in the query) and POST (in the body) /composite/sobjects/{object}. */
export function retrieveCollection(call: ApiCall, objectName: string): Answer {
  const type = objectAt(call, objectName)
  const body = call.method === 'POST' ? bodyMap(call) : null
  const ids = body === null ? (call.query.get('ids') ?? '').split(',') : texts(body['ids'], 'ids')
  const names = body === null ? (call.query.get('fields') ?? '').split(',') : texts(body['fields'], 'fields')
  if (ids.every((id) => id === '')) throw new ApiError(400, 'MISSING_ARGUMENT', 'ids is a required parameter')
  if (names.every((name) => name === '')) throw new ApiError(400, 'MISSING_ARGUMENT', 'fields is a required parameter')
  checkCount(ids.length, RETRIEVE_MAX)
  const writes = names.map((name) => {
    const field = fieldOf(type, name.trim())
    if (field === undefined)
      throw new ApiError(400, 'INVALID_FIELD', `No such column '${name}' on sobject of type ${type.name}`)
    return writeField(field)
  })
  const table = tableOf(call.work, type)
  const url = `${call.base}/sobjects/${type.name}/`
  const records = ids.map((id) => {
    const id18 = toId18(id.trim())
    if (id18 === null) throw new ApiError(400, 'MALFORMED_ID', `malformed id ${id}`)
    const row = table.rows.get(id18)
    if (row === undefined || row.deleted) return null
    const record: Record<string, unknown> = { attributes: { type: type.name, url: url + row.id } }
    for (const write of writes) write(row, record)
    return record
  })
  return answerJson(200, records)
}

function texts(value: unknown, name: string): string[] {
  if (Array.isArray(value) && value.every((each) => typeof each === 'string')) return value as string[]
  throw new ApiError(400, 'JSON_PARSER_ERROR', `${name} is a required list of texts`)
}

function recordsOf(body: Body): Body[] {
  const records = body['records']
  if (!Array.isArray(records) || !records.every(isObject))
    throw new ApiError(400, 'JSON_PARSER_ERROR', 'records is required: a list of sObjects')
  if (records.length === 0) throw new ApiError(400, 'REQUIRED_FIELD_MISSING', 'Required fields are missing: [records]')
  checkCount(records.length, ROWS_MAX)
  return records as Body[]
}

function checkCount(count: number, max: number): void {
  if (count > max)
    throw new ApiError(
      400,
      'EXCEEDED_ID_LIMIT',
      `record limit reached. cannot submit more than ${max} records into this call`,
    )
}

function typeOf(work: Work, row: Body): ObjectType {
  const attributes = row['attributes']
  const name = isObject(attributes) ? attributes['type'] : undefined
  if (typeof name !== 'string')
    throw new ApiError(400, 'INVALID_INPUT', 'Each record must contain an attributes map with a value for type')
  const type = objectOf(work.org.schema, name)
  if (type === undefined) throw new ApiError(400, 'INVALID_TYPE', `sObject type '${name}' is not supported.`)
  return type
}

function checkChunks(types: readonly ObjectType[]): void {
  let chunks = 0
  for (let i = 0; i < types.length; i++) if (types[i] !== types[i - 1]) chunks++
  if (chunks > CHUNKS_MAX)
    throw new ApiError(
      400,
      'LIMIT_EXCEEDED',
      `Cannot have more than ${CHUNKS_MAX} chunks in a single operation. Please rearrange the data to reduce chunking.`,
    )
}

/** JSON that does not fit the schema fails while it is read, before any row is written: the request fails as a whole. */
function refuseMalformed(work: Work, incoming: readonly Incoming[]): void {
  if (work.org.setup.malformedRows === 'row') return
  for (const each of incoming) if (each.malformed !== null) throw each.malformed
}

function writeAll(work: Work, allOrNone: boolean, count: number, write: (i: number) => Result): Result[] {
  const mark = work.change.undo.length
  const results: Result[] = []
  let failed = false
  for (let i = 0; i < count; i++) {
    const result = write(i)
    failed ||= !('row' in result)
    results.push(result)
  }
  if (!failed || !allOrNone) return results
  undoChange(work.change, mark)
  return results.map((result) => ('row' in result ? { errors: [ROLLED_BACK] } : result))
}

function answerResults(call: ApiCall, results: readonly Result[], upsert: boolean): Answer {
  const { meter } = call.work.org
  let rejected = 0
  let parts = results.map((result) => {
    if (!('row' in result)) {
      rejected++
      return JSON.stringify({ success: false, errors: result.errors, ...(upsert ? { created: false } : {}) })
    }
    const created = upsert ? `,"created":${result.created}` : ''
    return `{"id":"${result.row.id}","success":true,"errors":[]${created}}`
  })
  meter.add('rowsConfirmed', results.length - rejected)
  if (rejected > 0) meter.add('rowsRejected', rejected)
  for (const { action, chance } of call.actions) if (action.kind === 'shuffle') parts = shuffle(parts, chance)
  return { status: 200, body: `[${parts.join(',')}]` }
}
