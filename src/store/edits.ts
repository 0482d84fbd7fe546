import { failure, SyncError } from '../model/failure.ts'
import type { ParkedQuery } from '../model/state.ts'
import type { Word } from '../model/twins.ts'
import type { Value } from '../model/value.ts'
import { eachParked, releaseLanes } from './lanes.ts'
import type { Database } from './sqlite.ts'

/**
 * Stores values of a person for parked records and releases these. Runs inside a transaction. Answers how many.
 * @throws SyncError SYNC-7101 for a column that a record does not have, or a text that is no value of its type
 */
export function editLanes(
  db: Database,
  query: ParkedQuery,
  values: { readonly [column: string]: string | null },
  { by, why, at_ms }: Word,
): number {
  for (const { link, key, image } of eachParked(db, query))
    for (const [column, text] of Object.entries(values)) {
      if (!Object.hasOwn(image.row, column)) {
        const columns = Object.keys(image.row).sort().join(', ')
        throw new SyncError(failure('SYNC-7101', `${key} has no source column ${column}; it has: ${columns}.`))
      }
      const was = image.row[column] as Value
      const now = valueLike(was, text)
      if (now === undefined)
        throw new SyncError(failure('SYNC-7101', `${column} of ${key} is a ${typeof was}: the given text is none.`))
      db.run(
        'INSERT OR REPLACE INTO edit VALUES (?,?,?,?,?,?,?)',
        link,
        column,
        JSON.stringify(was),
        JSON.stringify(now),
        by,
        why,
        at_ms,
      )
    }
  return releaseLanes(db, query)
}

/** A text as a value of the same type as the one that it takes the place of; undefined where it is none. */
function valueLike(was: Value, text: string | null): Value | undefined {
  if (text === null) return null
  if (typeof was === 'number') {
    const number = Number(text)
    return text.trim() !== '' && Number.isFinite(number) ? number : undefined
  }
  if (typeof was === 'boolean') return text === 'true' ? true : text === 'false' ? false : undefined
  if (typeof was !== 'object' || was === null || was.kind === 'invalid' || was.kind === 'other') return text
  return { kind: was.kind, text }
}
