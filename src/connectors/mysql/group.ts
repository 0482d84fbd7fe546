/** One transaction of the log, from its begin to its end. */
import type { EventHeader, TableMap } from './binlog/event.ts'
import { newPiece, type Piece } from './piece.ts'
import type { Place } from './position.ts'

/** The open transaction. */
export interface Group {
  /** Its GTID, or `file:offset` of its begin. */
  readonly id: string
  /** MariaDB's domain of it, or 0: in one domain transactions have an order that every server keeps. */
  readonly domain: number
  readonly begin: Place
  readonly at_ms: number
  /** Read before and stored: its rows are passed over. */
  readonly old: boolean
  /** BEGIN was said: it ends with a word of its own. */
  explicit: boolean
  /** Seconds that its first event says which is the same on every server that has the transaction. */
  stamp: number | null
  /** Rows events so far, ours or not: the index must not depend on which tables we want. */
  events: number
  rows: number
  bytes: number
  /** Bytes of the events behind what was not passed on yet. */
  waitingBytes: number
  /** Rows of it were passed on. */
  isPassed: boolean
  /** It was rolled back after rows had been passed on: what stays of it has another name. */
  isAgain: boolean
  readonly piece: Piece
  /** What was told of a table in it already. */
  readonly told: Set<string>
}

/** A transaction that begins here. */
export function newGroup(id: string, domain: number, begin: Place, at_ms: number, old: boolean): Group {
  return {
    id,
    domain,
    begin,
    at_ms,
    old,
    explicit: false,
    stamp: null,
    events: 0,
    rows: 0,
    bytes: 0,
    waitingBytes: 0,
    isPassed: false,
    isAgain: false,
    piece: newPiece(),
    told: new Set(),
  }
}

/**
 * The name of its changes. GTIDs and offsets begin anew after RESET MASTER; with the time of its first event, which every replica keeps,
 * a later transaction of the same number has another name.
 */
export function groupName({ id, stamp, isAgain }: Group): string {
  return `${id}@${(stamp ?? 0).toString(36)}${isAgain ? '~' : ''}`
}

/** Where it stands in the log, for messages. */
export function groupPlace({ id, begin }: Group): string {
  const place = `${begin.file}:${begin.offset}`
  return id === place ? place : `${id} (${place})`
}

/** `schema.table` of a TABLE_MAP. */
export function fullName({ schema, table }: TableMap): string {
  return `${schema}.${table}`
}

/** Tables of these engines keep their rows when a transaction is rolled back. */
const lasting = new Set([
  'myisam',
  'aria',
  'memory',
  'heap',
  'csv',
  'archive',
  'merge',
  'mrg_myisam',
  's3',
  'blackhole',
])

/** Whether rows of this engine stay when their transaction is rolled back. */
export function isLasting(engine: string): boolean {
  return lasting.has(engine.toLowerCase())
}

/**
 * Where the event ends. `offset`: where its transaction begins, `ended`: where the event before it ends. Inside of a transaction MariaDB 11.4
 * says no place, and neither do compressed ones: sizes are added up. Outside, an event without a place is not in the log here: the
 * description of a file that is sent from its middle on.
 */
export function endOf(
  { next, artificial, bytes = 0 }: EventHeader,
  { offset, ended, inside }: { readonly offset: bigint; readonly ended: bigint; readonly inside: boolean },
): bigint {
  if (artificial || (next === 0 && !inside)) return ended
  return next === 0 ? ended + BigInt(bytes) : widened(next, offset)
}

const lap = 0x1_0000_0000n

/** The offset whose low 32 bits an event's header says: headers cannot count beyond 4 GiB, files can. No event is as large as half of that. */
export function widened(next: number, base: bigint): bigint {
  const place = (base & ~(lap - 1n)) + BigInt(next)
  return base - place > lap / 2n ? place + lap : place
}
