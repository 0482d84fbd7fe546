import type { Scanned } from '../../model/target.ts'
import { propertyOf, queryPages, type Reading, storedFrom } from './read.ts'
import { assertNames } from './shape.ts'
import { id18 } from './values.ts'

/** Records of one page of an answer, at most: https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_query.htm */
const PAGE_ROWS_MAX = 2_000
/**
 * A change is stamped when it is made and seen when its transaction is committed: what was stamped in this time is read once more.
 * Fivetran and Airbyte lose such rows (airbyte #27146).
 */
const LATE_MS = 60_000

/** Where a scan stands: the stamp of the last record, and its id among those with the same stamp. */
type Cursor = readonly [stamp: string, id: string]

/**
 * Records in the order in which they were last changed, deleted ones too (queryAll): the same cursor is the first reading of an
 * object and then its feed. SystemModstamp, because people can set LastModifiedDate; the id breaks ties, because a bulk load gives
 * thousands of records one stamp.
 */
export async function scanRecords(
  reading: Reading,
  object: string,
  fields: readonly string[],
  after: string | null,
  rowsMax: number,
  now_ms: number,
): Promise<Scanned> {
  assertNames([object, ...fields])
  const cursor = after === null ? null : (JSON.parse(after) as Cursor)
  const limit = Math.min(rowsMax, PAGE_ROWS_MAX)
  const from =
    cursor === null
      ? ''
      : cursor[1] === ''
        ? ` WHERE SystemModstamp >= ${cursor[0]}`
        : ` WHERE SystemModstamp > ${cursor[0]} OR (SystemModstamp = ${cursor[0]} AND Id > '${cursor[1]}')`
  const names = ['Id', 'SystemModstamp', 'IsDeleted', ...new Set(fields.filter((name) => name.toLowerCase() !== 'id'))]
  const soql = `SELECT ${names.join(',')} FROM ${object}${from} ORDER BY SystemModstamp, Id LIMIT ${limit}`
  const records = await queryPages(reading, soql, { resource: 'queryAll', where: `${object} read in whole` })
  const rows: Scanned['rows'][0][] = []
  const gone: string[] = []
  for (const record of records) {
    if (propertyOf(record, 'IsDeleted') === true) gone.push(id18(String(propertyOf(record, 'Id'))))
    else rows.push(storedFrom(record, object, fields, reading.schema))
  }
  const last = records.at(-1)
  const isAll = records.length < limit
  if (last === undefined) return { rows, gone, after: after ?? JSON.stringify(['1970-01-01T00:00:00.000Z', '']), isAll }
  const stamp = new Date(String(propertyOf(last, 'SystemModstamp'))).toISOString()
  const settled = new Date(now_ms - LATE_MS).toISOString()
  const next: Cursor = isAll && stamp > settled ? [settled, ''] : [stamp, id18(String(propertyOf(last, 'Id')))]
  return { rows, gone, after: JSON.stringify(next), isAll }
}
