/** Where the log has been read to: what is stored, and how it moves. */
import type { Change, Position } from '../../model/change.ts'
import { failure, SyncError } from '../../model/failure.ts'
import type { Key } from '../../model/key.ts'

/** A place in one server's log files. */
export interface Place {
  readonly file: string
  readonly offset: bigint
}

/** The last transaction that was read: asked for again at the next opening, it proves that this is the same history. */
export interface LastGroup {
  /** Its GTID, or `file:offset` of its begin. */
  readonly id: string
  /** Seconds since 1970 that its first event carries, on the server that wrote it and on every replica. */
  readonly stamp: number
  /** Where it begins on the server that it was read from. */
  readonly at: Place
}

/** What a position of MySQL's or MariaDB's log holds. */
export interface LogPosition extends Place {
  readonly flavour: 'mysql' | 'mariadb'
  /** MySQL's `server_uuid`, MariaDB's `server_uid`, or its `server_id` where it has none. */
  readonly server: string
  /**
   * MySQL: the set of all that was read. MariaDB: the last GTID of each domain. Null: the server has none. It says where to go on;
   * file and offset do where there is none.
   */
  readonly gtids: string | null
  readonly last: LastGroup | null
  /** XA transactions that are prepared and neither committed nor rolled back: under which name the journal holds them; empty: nothing of ours. */
  readonly held: { readonly [xid: string]: string }
  /** Without column names in the log: what the captured tables looked like. Null: the log has the names. */
  readonly shapes: { readonly [table: string]: string } | null
  /** The foreign keys whose actions are followed. */
  readonly edges: readonly string[]
  /** A UUID: as whom this installation reads, from its first opening on. */
  readonly reader: string
  /** MySQL without GTIDs: a row of the last transaction that changed any of ours; null: none is known, or none has to be. */
  readonly row: RowName | null
}

/** Which row of which table. */
export type RowName = Pick<Change, 'table' | 'key'>

/** Writes a position. Called at every commit: the parts that seldom change come as text. */
export function writePosition(position: LogPosition): Position {
  const { flavour, server, gtids, file, offset, last, held, shapes, edges, reader, row } = position
  const begin = last === null ? 'null' : lastText(last)
  return `{"flavour":"${flavour}","server":${JSON.stringify(server)},"gtids":${
    gtids === null ? 'null' : `"${gtids}"`
  },"file":${JSON.stringify(file)},"offset":"${offset}","last":${begin},"held":${JSON.stringify(held)},"shapes":${JSON.stringify(shapes)},"edges":${JSON.stringify(edges)},"reader":"${reader}","row":${row === null ? 'null' : JSON.stringify([row.table, row.key])}}` as Position
}

function lastText({ id, stamp, at }: LastGroup): string {
  return `[${JSON.stringify(id)},${stamp},${JSON.stringify(at.file)},"${at.offset}"]`
}

/** Reads what `writePosition` wrote. Throws a `SyncError` (SYNC-2029) for anything else. */
export function readPosition(position: Position): LogPosition {
  try {
    const { flavour, server, gtids, file, offset, last, held, shapes, edges, reader, row } = JSON.parse(position) as {
      [name: string]: unknown
    }
    if ((flavour === 'mysql' || flavour === 'mariadb') && typeof server === 'string' && typeof file === 'string')
      return {
        flavour,
        server,
        gtids: typeof gtids === 'string' ? gtids : null,
        file,
        offset: BigInt(offset as string),
        last: readLast(last),
        held: { ...(held as object) },
        shapes: shapes == null ? null : { ...(shapes as object) },
        edges: Array.isArray(edges) ? edges.map(String) : [],
        reader: typeof reader === 'string' ? reader : '',
        row: Array.isArray(row) ? { table: String(row[0]), key: String(row[1]) as Key } : null,
      }
  } catch {
    // not JSON: the same failure as JSON of another shape
  }
  throw new SyncError(failure('SYNC-2029', "The stored position is not one of MySQL's or MariaDB's log."))
}

function readLast(last: unknown): LastGroup | null {
  if (!Array.isArray(last)) return null
  const [id, stamp, file, offset] = last
  return { id: String(id), stamp: Number(stamp), at: { file: String(file), offset: BigInt(offset) } }
}

/** The order of two places of one server's log; only within one connection, never to find out whether something is missing. */
export function comparePlaces(a: Place, b: Place): number {
  if (a.file !== b.file) {
    const [left, right] = [fileNumber(a.file), fileNumber(b.file)]
    if (left !== right) return left < right ? -1 : 1
    return a.file < b.file ? -1 : 1
  }
  return a.offset === b.offset ? 0 : a.offset < b.offset ? -1 : 1
}

function fileNumber(file: string): bigint {
  return BigInt(/\.(\d+)$/.exec(file)?.[1] ?? '0')
}
