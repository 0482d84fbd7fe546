/**
 * Single records: create, read, change, delete, and upsert by external id.
 * Source: https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_sobject_retrieve.htm, dome_upsert.htm.
 */

import { type Answer, type ApiCall, allow, answerJson, bodyMap, NO_CONTENT, objectAt } from './call.ts'
import { keyField, upsertOne } from './collections.ts'
import { describeBasic, describeObject } from './describe.ts'
import { ApiError, notFound, type RowError } from './errors.ts'
import { changedIds, deletedRecords } from './feeds.ts'
import { toId18 } from './ids.ts'
import { type Field, fieldOf, type ObjectType, type Row } from './schema.ts'
import { writeField } from './soql/shape.ts'
import { coerce, isMisfit } from './values.ts'
import { createRecord, deleteRecord, findByKey, readIncoming, tableOf, updateRecord } from './write.ts'

/** /sobjects/{object}, and what is below it. */
export function answerRecord(call: ApiCall): Answer {
  const [, objectName, second, third, ...more] = call.segments
  const type = objectAt(call, objectName!)
  if (more.length > 0) throw notFound()
  if (second === undefined) return answerObject(call, type)
  if (third !== undefined) return answerByKey(call, type, keyField(type, second), third)
  if (second === 'describe') {
    allow(call, 'GET', 'HEAD')
    return answerJson(200, describeObject(call.work.org.schema, type, call.base))
  }
  if (second === 'updated') return changedIds(call, type)
  if (second === 'deleted') return deletedRecords(call, type)
  return answerById(call, type, second)
}

function answerObject(call: ApiCall, type: ObjectType): Answer {
  allow(call, 'GET', 'HEAD', 'POST')
  if (call.method !== 'POST') return answerJson(200, describeBasic(type, call.base))
  const body = bodyMap(call)
  const incoming = readIncoming(call.work, type, body)
  if (incoming.malformed !== null) throw incoming.malformed
  refuseByFault(call, body)
  const written = createRecord(call.work, incoming)
  if (!('row' in written)) return answerErrors(written.errors)
  return answerJson(
    201,
    { id: written.row.id, success: true, errors: [] },
    { Location: `${call.base}/sobjects/${type.name}/${written.row.id}` },
  )
}

function answerById(call: ApiCall, type: ObjectType, id: string): Answer {
  allow(call, 'GET', 'HEAD', 'PATCH', 'DELETE')
  const id18 = toId18(id)
  if (id18 === null || !id18.startsWith(type.prefix))
    throw notFound(`Provided external ID field does not exist or is not accessible: ${id}`)
  const row = tableOf(call.work, type).rows.get(id18)
  if (row === undefined) throw notFound()
  if (row.deleted && call.method !== 'GET') throw new ApiError(404, 'ENTITY_IS_DELETED', 'entity is deleted', [])
  if (row.deleted) throw notFound()
  if (call.method === 'GET' || call.method === 'HEAD') return answerRow(call, row)
  const unmodified = unmodifiedSince(call, row)
  if (unmodified !== null) return unmodified
  if (call.method === 'DELETE') {
    refuseByFault(call, { Id: row.id, ...row.values })
    const deleted = deleteRecord(call.work, row)
    return 'row' in deleted ? NO_CONTENT : answerErrors(deleted.errors)
  }
  const body = bodyMap(call)
  const incoming = readIncoming(call.work, type, body)
  if (incoming.malformed !== null) throw incoming.malformed
  if (incoming.id !== undefined)
    throw new ApiError(400, 'INVALID_FIELD', 'The Id field should not be specified in the sobject data.')
  refuseByFault(call, body)
  const written = updateRecord(call.work, row, incoming)
  return 'row' in written ? NO_CONTENT : answerErrors(written.errors)
}

/** 412 when the record changed after the time of If-Unmodified-Since; 304 has no place on writes. */
function unmodifiedSince(call: ApiCall, row: Row): Answer | null {
  const since_ms = Date.parse(String(call.headers['if-unmodified-since'] ?? ''))
  if (Number.isNaN(since_ms) || row.modified_ms <= since_ms) return null
  return answerJson(412, [
    { errorCode: 'PRECONDITION_FAILED', message: 'The record has been modified since the specified time.' },
  ])
}

function answerRow(call: ApiCall, row: Row): Answer {
  const since_ms = Date.parse(String(call.headers['if-modified-since'] ?? ''))
  if (!Number.isNaN(since_ms) && row.modified_ms <= since_ms) return { status: 304, body: '' }
  const names = call.query.get('fields')
  const fields = names === null ? row.type.fields : names.split(',').map((name) => needField(row.type, name.trim()))
  const record: Record<string, unknown> = {
    attributes: { type: row.type.name, url: `${call.base}/sobjects/${row.type.name}/${row.id}` },
  }
  for (const field of fields) writeField(field)(row, record)
  if (fields.every((field) => field.type !== 'id')) record['Id'] = row.id
  return answerJson(200, record)
}

function needField(type: ObjectType, name: string): Field {
  const field = fieldOf(type, name)
  if (field !== undefined) return field
  throw new ApiError(400, 'INVALID_FIELD', `No such column '${name}' on sobject of type ${type.name}`)
}

function answerByKey(call: ApiCall, type: ObjectType, key: Field, text: string): Answer {
  allow(call, 'GET', 'HEAD', 'PATCH', 'DELETE', 'POST')
  const value = coerce(key, text)
  if (isMisfit(value) || value === null) throw notFound()
  const found = findByKey(call.work, type, key, value)
  if (found.length > 1)
    return answerJson(
      300,
      found.map((row) => `${call.base}/sobjects/${type.name}/${row.id}`),
    )
  if (call.method === 'PATCH' || call.method === 'POST') return upsert(call, type, key, value)
  const row = found[0]
  if (row === undefined) throw notFound()
  if (call.method !== 'DELETE') return answerRow(call, row)
  const deleted = deleteRecord(call.work, row)
  return 'row' in deleted ? NO_CONTENT : answerErrors(deleted.errors)
}

function upsert(call: ApiCall, type: ObjectType, key: Field, value: string | number | boolean): Answer {
  const body = bodyMap(call)
  const incoming = readIncoming(call.work, type, body)
  if (incoming.malformed !== null) throw incoming.malformed
  if (Object.hasOwn(incoming.set, key.name) || (key.type === 'id' && incoming.id !== undefined))
    throw new ApiError(400, 'INVALID_FIELD', `The ${key.name} field should not be specified in the sobject data.`)
  // API 61.0: `updateOnly` turns the upsert into an update.
  if (call.query.get('updateOnly') === 'true' && findByKey(call.work, type, key, value).length === 0) throw notFound()
  refuseByFault(call, { ...body, [key.name]: value })
  if (key.type !== 'id') incoming.set[key.name] = value
  const result = upsertOne(call.work, key, value, incoming)
  if (!('row' in result)) return answerErrors(result.errors)
  const { row, created } = result
  return answerJson(created ? 201 : 200, { id: row.id, success: true, errors: [], created })
}

function refuseByFault(call: ApiCall, body: Record<string, unknown>): void {
  const error = call.work.rowFault?.(body) ?? null
  if (error !== null) throw new ApiError(400, error.statusCode, error.message, error.fields)
}

function answerErrors(errors: readonly RowError[]): Answer {
  const status = errors[0]?.statusCode === 'ENTITY_IS_DELETED' && errors.length === 1 ? 404 : 400
  return answerJson(
    status,
    errors.map(({ statusCode, message, fields }) => ({ message, errorCode: statusCode, fields })),
  )
}
