/**
 * /composite/tree/{object}: records with nested children, all or nothing.
 * Source: https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_composite_sobject_tree.htm.
 */

import { isObject } from '../../std/json.ts'
import { type Answer, type ApiCall, allow, answerJson, bodyMap, objectAt } from './call.ts'
import { ApiError, type RowError } from './errors.ts'
import type { ObjectType } from './schema.ts'
import { undoChange } from './tables.ts'
import { createRecord, readIncoming } from './write.ts'

const RECORDS_MAX = 200
const DEPTH_MAX = 5

type Body = Record<string, unknown>

interface Growth {
  readonly made: { referenceId: string; id: string }[]
  readonly failed: { referenceId: string; errors: readonly RowError[] }[]
  records: number
}

/** POST /composite/tree/{object}. */
export function answerTree(call: ApiCall, objectName: string): Answer {
  allow(call, 'POST')
  const type = objectAt(call, objectName)
  const growth: Growth = { made: [], failed: [], records: 0 }
  const mark = call.work.change.undo.length
  grow(call, type, bodyMap(call)['records'], null, growth, 1)
  if (growth.failed.length === 0) return answerJson(201, { hasErrors: false, results: growth.made })
  undoChange(call.work.change, mark)
  return answerJson(400, { hasErrors: true, results: growth.failed })
}

function grow(
  call: ApiCall,
  type: ObjectType,
  list: unknown,
  parent: { field: string; id: string } | null,
  growth: Growth,
  depth: number,
): void {
  if (!Array.isArray(list)) throw new ApiError(400, 'JSON_PARSER_ERROR', 'records is required: a list of sObjects')
  if (depth > DEPTH_MAX)
    throw new ApiError(400, 'INVALID_INPUT', `A tree holds at most ${DEPTH_MAX} levels of records.`)
  for (const each of list as unknown[]) {
    if (++growth.records > RECORDS_MAX)
      throw new ApiError(400, 'INVALID_INPUT', `A tree holds at most ${RECORDS_MAX} records.`)
    plant(call, type, each, parent, growth, depth)
  }
}

function plant(
  call: ApiCall,
  type: ObjectType,
  record: unknown,
  parent: { field: string; id: string } | null,
  growth: Growth,
  depth: number,
): void {
  const attributes = isObject(record) && isObject(record['attributes']) ? record['attributes'] : {}
  const { type: name, referenceId } = attributes
  if (!isObject(record) || name !== type.name || typeof referenceId !== 'string')
    throw new ApiError(400, 'INVALID_INPUT', 'Each record needs attributes with type and referenceId')
  const links = call.work.org.schema.children.get(type.name) ?? []
  const own: Body = {}
  const branches: [(typeof links)[number], unknown][] = []
  for (const [key, value] of Object.entries(record)) {
    const link = links.find((each) => each.field.childRelationshipName === key)
    if (link !== undefined) branches.push([link, value])
    else if (key !== '__proto__') own[key] = value
  }
  if (parent !== null) own[parent.field] = parent.id
  const incoming = readIncoming(call.work, type, own)
  if (incoming.malformed !== null) throw incoming.malformed
  const written = createRecord(call.work, incoming)
  if (!('row' in written)) {
    growth.failed.push({ referenceId, errors: written.errors })
    return
  }
  growth.made.push({ referenceId, id: written.row.id })
  for (const [{ child, field }, value] of branches) {
    const records = typeof value === 'object' && value !== null ? (value as Body)['records'] : undefined
    grow(call, child, records, { field: field.name, id: written.row.id }, growth, depth + 1)
  }
}
