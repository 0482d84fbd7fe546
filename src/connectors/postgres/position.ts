import type { Position } from '../../model/change.ts'
import { failure, SyncError } from '../../model/failure.ts'
import { lsnFrom, lsnText } from './pgoutput.ts'

/** What a position of PostgreSQL's log holds. */
export interface LogPosition {
  /** The end of the last transaction that was read: the next one to read begins here or later. */
  readonly lsn: bigint
  /** `IDENTIFY_SYSTEM`: which server, and which of its histories. */
  readonly system: string
  readonly timeline: number
  readonly slot: string
  /**
   * By table: the OIDs of the table, the publication, and the table's entry in it. A table that was dropped and made
   * again, or taken out of the publication and put back, has others, and its changes between are not in the log.
   */
  readonly tables: { readonly [table: string]: string }
}

/** Writes positions that differ in nothing but the LSN. */
export function positionWriter(place: Omit<LogPosition, 'lsn'>): (lsn: bigint) => Position {
  const { system, timeline, slot, tables } = place
  const rest = JSON.stringify({ system, timeline, slot, tables }).slice(1)
  return (lsn) => `{"lsn":"${lsnText(lsn)}",${rest}` as Position
}

/** Reads what `positionWriter` wrote. Throws a `SyncError` (SYNC-2029) for anything else. */
export function readPosition(position: Position): LogPosition {
  try {
    const { lsn, system, timeline, slot, tables } = JSON.parse(position) as { [name: string]: unknown }
    const at = typeof lsn === 'string' ? lsnFrom(lsn) : null
    if (at !== null && typeof system === 'string' && typeof timeline === 'number' && typeof slot === 'string')
      return { lsn: at, system, timeline, slot, tables: { ...(tables as object) } }
  } catch {
    // not JSON: the same failure as JSON of another shape
  }
  throw new SyncError(failure('SYNC-2029', 'The stored position is not one of a PostgreSQL change log.'))
}
