/** Queries over HTTP: pages of records, and the locators with which a client asks for the next page. */

import { type Answer, type ApiCall, answerJson } from './call.ts'
import { ApiError } from './errors.ts'
import { parseQuery } from './soql/parser.ts'
import { type Found, runQuery } from './soql/run.ts'

const PAGE_ROWS = 2_000
const PAGE_ROWS_MIN = 200
const CURSORS_MAX = 100
const QUERY_CHARS_MAX = 100_000

/** Query results of more than one page, by the id in their locators; oldest first. */
export interface Cursors {
  readonly open: Map<string, Found>
  next: number
}

/** No open results; ids count from 1. */
export function makeCursors(): Cursors {
  return { open: new Map(), next: 1 }
}

/** GET /query?q= and /queryAll?q=, and their next pages /query/{locator}. */
export function answerQuery(call: ApiCall): Answer {
  const [resource, locator] = call.segments
  if (locator !== undefined) return nextPage(call, resource!, locator)
  const text = call.query.get('q')
  if (text === null || text.trim() === '')
    throw new ApiError(400, 'MALFORMED_QUERY', 'SOQL statements cannot be empty or null')
  if (text.length > QUERY_CHARS_MAX)
    throw new ApiError(400, 'MALFORMED_QUERY', `SOQL statements cannot be longer than ${QUERY_CHARS_MAX} characters.`)
  const found = runQuery(call.work.org.tables, parseQuery(text), {
    now_ms: call.work.at_ms,
    deleted: resource === 'queryAll',
    base: call.base,
  })
  if (found.rows <= pageRows(call)) {
    return answerJson(200, { totalSize: found.totalSize, done: true, records: found.page(0, found.rows) })
  }
  const { cursors } = call
  const id = `01g${String(cursors.next++).padStart(15, '0')}`
  cursors.open.set(id, found)
  // The oldest cursor makes room, as it does for a user with too many of them.
  for (const oldest of cursors.open.keys()) {
    if (cursors.open.size <= CURSORS_MAX) break
    cursors.open.delete(oldest)
  }
  return page(call, resource!, id, found, 0)
}

function nextPage(call: ApiCall, resource: string, locator: string): Answer {
  const parts = /^(01g\w{15})-(\d+)$/.exec(locator)
  const found = parts === null ? undefined : call.cursors.open.get(parts[1]!)
  if (parts === null || found === undefined || Number(parts[2]) >= found.rows)
    throw new ApiError(400, 'INVALID_QUERY_LOCATOR', 'invalid query locator')
  return page(call, resource, parts[1]!, found, Number(parts[2]))
}

function page(call: ApiCall, resource: string, id: string, found: Found, start: number): Answer {
  const end = Math.min(start + pageRows(call), found.rows)
  const done = end >= found.rows
  return answerJson(200, {
    totalSize: found.totalSize,
    done,
    ...(done ? {} : { nextRecordsUrl: `${call.base}/${resource}/${id}-${end}` }),
    records: found.page(start, end - start),
  })
}

/** `Sforce-Query-Options: batchSize=n`, from 200 to 2,000. */
function pageRows(call: ApiCall): number {
  const header = call.headers['sforce-query-options']
  const asked = /batchSize\s*=\s*(\d+)/i.exec(String(header ?? ''))?.[1]
  return asked === undefined ? PAGE_ROWS : Math.min(PAGE_ROWS, Math.max(PAGE_ROWS_MIN, Number(asked)))
}
