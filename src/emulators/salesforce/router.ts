/** Sends a REST call to the file that answers it. */

import { type Answer, type ApiCall, allow, answerJson } from './call.ts'
import { retrieveCollection, upsertCollection, writeCollection } from './collections.ts'
import { answerBatch, answerComposite } from './composite.ts'
import { describeGlobal, limits, resources } from './describe.ts'
import { ApiError, notFound } from './errors.ts'
import { answerQuery } from './queries.ts'
import { answerRecord } from './records.ts'
import { answerTree } from './tree.ts'

/** Answers a call below /services/data/vXX.0. Throws ApiError. */
export function dispatch(call: ApiCall, allOrNone = false): Answer {
  const { org } = call.work
  switch (call.segments[0]) {
    case undefined:
      return answerJson(200, resources(call.base, `${call.origin}/id/${org.organizationId}/${call.user.id}`))
    case 'sobjects':
      if (call.segments.length > 1) return answerRecord(call)
      allow(call, 'GET', 'HEAD')
      return answerJson(200, describeGlobal(org.schema, call.base))
    case 'query':
    case 'queryAll':
      allow(call, 'GET', 'HEAD')
      return answerQuery(call)
    case 'composite':
      return composite(call, allOrNone)
    case 'limits':
      allow(call, 'GET', 'HEAD')
      return answerJson(200, limits(org.meter.max, org.meter.used()))
    case 'jobs':
      throw notFound('Bulk API 2.0 is not part of this emulator: use sObject Collections (/composite/sobjects)')
    default:
      throw notFound()
  }
}

function composite(call: ApiCall, allOrNone: boolean): Answer {
  const [, resource, objectName, keyName, ...more] = call.segments
  if (more.length > 0) throw notFound()
  if (resource === undefined) return answerComposite(call, dispatch)
  if (resource === 'batch' && objectName === undefined) return answerBatch(call, dispatch)
  if (resource === 'tree' && objectName !== undefined) return answerTree(call, objectName)
  if (resource !== 'sobjects') throw notFound()
  if (objectName === undefined) {
    if (call.method === 'GET')
      throw new ApiError(405, 'METHOD_NOT_ALLOWED', "HTTP Method 'GET' not allowed. Allowed are DELETE,PATCH,POST")
    allow(call, 'DELETE', 'PATCH', 'POST')
    return writeCollection(call, allOrNone)
  }
  if (keyName === undefined) {
    allow(call, 'GET', 'HEAD', 'POST')
    return retrieveCollection(call, objectName)
  }
  allow(call, 'PATCH')
  return upsertCollection(call, objectName, keyName, allOrNone)
}

/** The objects that a call addresses, as faults match them. */
export function objectsOf(segments: readonly string[], query: URLSearchParams, body: unknown): string[] {
  if (segments[0] === 'sobjects' && segments[1] !== undefined) return [segments[1]]
  if (segments[0] === 'composite' && segments[2] !== undefined) return [segments[2]]
  if (segments[0] === 'query' || segments[0] === 'queryAll') {
    const from = /\bFROM\s+(\w+)/gi
    return [...(query.get('q') ?? '').matchAll(from)].map((match) => match[1]!)
  }
  const records = typeof body === 'object' && body !== null ? (body as { records?: unknown }).records : undefined
  if (!Array.isArray(records)) return []
  const names = new Set<string>()
  for (const each of records as { attributes?: { type?: unknown } }[]) {
    const name = each?.attributes?.type
    if (typeof name === 'string') names.add(name)
  }
  return [...names]
}
