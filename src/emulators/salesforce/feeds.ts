/**
 * What changed and what was deleted between two times.
 * Source: https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_getupdated.htm, resources_getdeleted.htm.
 */

import { type Answer, type ApiCall, allow, answerJson } from './call.ts'
import { ApiError } from './errors.ts'
import type { ObjectType, Row } from './schema.ts'
import { rowsChangedSince } from './tables.ts'
import { formatMoment, parseMoment } from './values.ts'
import { tableOf } from './write.ts'

const MINUTE_ms = 60_000
const DAY_ms = 86_400_000
const UPDATED_DAYS = 30
const DELETED_DAYS = 15
const IDS_MAX = 600_000

interface Span {
  readonly start_ms: number
  readonly end_ms: number
}

/** GET /sobjects/{object}/updated?start&end: ids of live records that were created or changed. */
export function changedIds(call: ApiCall, type: ObjectType): Answer {
  const { start_ms, end_ms } = spanOf(call, UPDATED_DAYS)
  const rows = rowsChangedSince(tableOf(call.work, type), start_ms).filter(
    (row) => !row.deleted && within(row, start_ms, end_ms),
  )
  if (rows.length > IDS_MAX) throw tooMany()
  return answerJson(200, { ids: rows.map((row) => row.id), latestDateCovered: covered(call, end_ms) })
}

/** GET /sobjects/{object}/deleted?start&end: records that went to the recycle bin. */
export function deletedRecords(call: ApiCall, type: ObjectType): Answer {
  const { start_ms, end_ms } = spanOf(call, DELETED_DAYS)
  const rows = rowsChangedSince(tableOf(call.work, type), start_ms).filter(
    (row) => row.deleted && within(row, start_ms, end_ms),
  )
  if (rows.length > IDS_MAX) throw tooMany()
  return answerJson(200, {
    deletedRecords: rows.map((row) => ({ deletedDate: formatMoment(row.modified_ms), id: row.id })),
    earliestDateAvailable: formatMoment(Math.max(born(call), call.work.at_ms - DELETED_DAYS * DAY_ms)),
    latestDateCovered: covered(call, end_ms),
  })
}

function within(row: Row, start_ms: number, end_ms: number): boolean {
  return row.modified_ms >= start_ms && row.modified_ms < end_ms
}

function born(call: ApiCall): number {
  return call.user.created_ms
}

function covered(call: ApiCall, end_ms: number): string {
  return formatMoment(Math.min(end_ms, Math.floor(call.work.at_ms / MINUTE_ms) * MINUTE_ms))
}

function tooMany(): ApiError {
  return new ApiError(400, 'EXCEEDED_ID_LIMIT', 'The time span holds too many records; ask for a shorter one.')
}

/** Seconds are ignored; the span is at least a minute and does not reach back too far. */
function spanOf(call: ApiCall, days: number): Span {
  allow(call, 'GET', 'HEAD')
  const start_ms = timeOf(call, 'start')
  const end_ms = timeOf(call, 'end')
  if (end_ms <= start_ms) throw badSpan('startDate must be before endDate by at least one minute')
  if (start_ms < call.work.at_ms - days * DAY_ms) throw badSpan(`startDate cannot be more than ${days} days ago`)
  return { start_ms, end_ms }
}

function badSpan(message: string): ApiError {
  return new ApiError(400, 'INVALID_REPLICATION_DATE', message)
}

function timeOf(call: ApiCall, name: string): number {
  const text = call.query.get(name)
  if (text === null) throw new ApiError(400, 'MISSING_ARGUMENT', `${name} is a required parameter`)
  // An unescaped + in the URL arrives as a space.
  const time_ms = parseMoment(text.replace(/ (\d\d:?\d\d)$/, '+$1'))
  if (time_ms === null) throw new ApiError(400, 'MALFORMED_DATE', `${name}: not an ISO 8601 date and time: ${text}`)
  return Math.floor(time_ms / MINUTE_ms) * MINUTE_ms
}
