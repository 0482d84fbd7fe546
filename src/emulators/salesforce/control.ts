/** /emulator/…: what only an emulator has: faults, statistics, the apply log, merges, a reset. Not counted, not authenticated. */

import { isObject } from '../../std/json.ts'
import type { Sessions } from './auth.ts'
import { type Answer, answerJson } from './call.ts'
import type { FaultSpec } from './faults.ts'
import { toId18 } from './ids.ts'
import { mergeRecords } from './merge.ts'
import { commit, type Org, resetOrg } from './org.ts'
import { objectOf, type Row } from './schema.ts'
import { beginChange } from './tables.ts'
import type { Work } from './write.ts'

interface ControlRequest {
  readonly method: string
  /** Path behind /emulator/, split at `/`. */
  readonly segments: readonly string[]
  readonly query: URLSearchParams
  readonly body: unknown
}

/** Answers a control request; errors are `{error}` with 400 or 404. */
export function answerControl(org: Org, sessions: Sessions, request: ControlRequest, stats: () => unknown): Answer {
  const route = `${request.method} ${request.segments[0] ?? ''}`
  switch (route) {
    case 'GET faults':
      return answerJson(200, { faults: org.faults.list() })
    case 'POST faults':
      return addFaults(org, request.body)
    case 'DELETE faults':
      return removeFaults(org, request.segments[1])
    case 'GET stats':
      return answerJson(200, stats())
    case 'GET log':
      return readLog(org, request.query)
    case 'POST log':
      return resizeLog(org, request.body)
    case 'DELETE log':
      org.log.clear()
      return answerJson(200, { cleared: true })
    case 'POST reset':
      return reset(org, sessions, request.body)
    case 'POST expire-sessions':
      sessions.expireAll()
      return answerJson(200, { expired: true })
    case 'POST merge':
      return merge(org, request.body)
    default:
      return wrong(404, `no such control: ${route}; there are faults, stats, log, reset, expire-sessions, merge`)
  }
}

function wrong(status: number, error: string): Answer {
  return answerJson(status, { error })
}

function addFaults(org: Org, body: unknown): Answer {
  const specs = (Array.isArray(body) ? body : [body]) as FaultSpec[]
  try {
    return answerJson(201, { ids: org.faults.add(...specs) })
  } catch (error) {
    return wrong(400, (error as Error).message)
  }
}

function removeFaults(org: Org, id: string | undefined): Answer {
  if (id === undefined) {
    org.faults.clear()
    return answerJson(200, { removed: 'all' })
  }
  return org.faults.remove(id) ? answerJson(200, { removed: id }) : wrong(404, `no fault with id ${id}`)
}

function readLog(org: Org, query: URLSearchParams): Answer {
  const since = Number(query.get('since') ?? 0)
  const rows = Number(query.get('rows') ?? 10_000)
  if (!Number.isSafeInteger(since) || !Number.isSafeInteger(rows) || rows < 1)
    return wrong(400, 'since and rows are whole numbers')
  return answerJson(200, org.log.read({ object: query.get('object'), since, rows }))
}

function resizeLog(org: Org, body: unknown): Answer {
  const rows = isObject(body) ? body['rows'] : undefined
  if (!Number.isSafeInteger(rows) || (rows as number) < 0 || (rows as number) > 10_000_000)
    return wrong(400, 'expected {"rows": n}, n from 0 (off) to 10000000')
  org.log.resize(rows as number)
  return answerJson(200, { rows })
}

/** Empties the org; faults, counts and sessions too, unless `keep` names them. */
function reset(org: Org, sessions: Sessions, body: unknown): Answer {
  const keep = isObject(body) && Array.isArray(body['keep']) ? body['keep'] : []
  resetOrg(org)
  if (!keep.includes('faults')) org.faults.clear()
  if (!keep.includes('counts')) org.meter.clear()
  if (!keep.includes('sessions')) sessions.expireAll()
  return answerJson(200, { reset: true })
}

/** Merges records as a person does in the user interface: the losers go to the recycle bin and name their master. */
function merge(org: Org, body: unknown): Answer {
  if (
    !isObject(body) ||
    typeof body['object'] !== 'string' ||
    typeof body['master'] !== 'string' ||
    !Array.isArray(body['losers'])
  )
    return wrong(400, 'expected {"object", "master", "losers": [ids]}')
  const type = objectOf(org.schema, body['object'])
  if (type === undefined || !type.fieldsByName.has('MasterRecordId'))
    return wrong(400, 'only Account, Contact and Lead can be merged')
  const table = org.tables.byType.get(type)!
  const rowOf = (id: unknown): Row | undefined => table.rows.get((typeof id === 'string' ? toId18(id) : null) ?? '')
  const master = rowOf(body['master'])
  const losers = body['losers'].map(rowOf)
  if (
    master === undefined ||
    master.deleted ||
    losers.some((row) => row === undefined || row.deleted || row === master)
  )
    return wrong(400, 'master and losers must be different live records')
  const by = org.users.values().next().value!.id
  const work: Work = { org, change: beginChange(), by, at_ms: org.now(), rowFault: null }
  mergeRecords(work, master, losers as Row[])
  commit(org, work.change, 0)
  return answerJson(200, { master: master.id, merged: losers.length })
}
