/**
 * Reads the messages of the output plugin pgoutput, protocol version 1.
 * https://www.postgresql.org/docs/current/protocol-logicalrep-message-formats.html
 */
import { failure, SyncError } from '../../model/failure.ts'
import { type Cell, textOf } from './values.ts'

/** A column of a relation, as the log describes it at that time. */
export interface LogColumn {
  readonly name: string
  /** Part of the replica identity. */
  readonly identity: boolean
  readonly type: number
}

/** One message of the log. LSNs are byte positions in the write-ahead log. */
export type LogMessage =
  | { readonly kind: 'begin'; readonly lsn: bigint; readonly at_ms: number; readonly xid: number }
  | { readonly kind: 'commit'; readonly lsn: bigint; readonly end: bigint }
  | {
      readonly kind: 'relation'
      readonly oid: number
      readonly schema: string
      readonly name: string
      /** pg_class.relreplident: d default, n nothing, f full, i index. */
      readonly identity: string
      readonly columns: readonly LogColumn[]
    }
  | { readonly kind: 'insert'; readonly relation: number; readonly row: readonly Cell[] }
  | {
      readonly kind: 'update'
      readonly relation: number
      readonly row: readonly Cell[]
      readonly old: Old | null
    }
  | { readonly kind: 'delete'; readonly relation: number; readonly old: Old }
  | { readonly kind: 'truncate'; readonly relations: readonly number[] }
  | {
      readonly kind: 'message'
      readonly transactional: boolean
      readonly prefix: string
      readonly content: string
    }
  /** A row of a relation that nobody wants, or a message that changes nothing for us (origin, type). */
  | { readonly kind: 'row' | 'other' }

/** The old tuple: `key` has the columns of the replica identity only, the others are not known. */
export interface Old {
  readonly kind: 'key' | 'full'
  readonly row: readonly Cell[]
}

const postgresEpoch_ms = 946_684_800_000 // 2000-01-01

interface Cursor {
  readonly bytes: Buffer
  at: number
}

/**
 * Reads one message. Rows of relations that `wanted` refuses are not decoded. Throws a `SyncError` (SYNC-2013) for whatever
 * it does not know to the last byte: a message that is read wrongly is a change that is lost.
 */
export function readMessage(bytes: Buffer, wanted: (relation: number) => boolean): LogMessage {
  const cursor: Cursor = { bytes, at: 1 }
  try {
    const message = readBody(cursor, bytes.length > 0 ? bytes[0]! : 0, wanted)
    if (message.kind !== 'row' && message.kind !== 'other' && cursor.at !== bytes.length)
      throw malformed(bytes, 'it is longer than expected')
    return message
  } catch (error) {
    if (error instanceof RangeError) throw malformed(bytes, 'it ends too early')
    throw error
  }
}

function readBody(cursor: Cursor, code: number, wanted: (relation: number) => boolean): LogMessage {
  switch (code) {
    case 0x49: // I
    case 0x55: // U
    case 0x44: // D
      return readRow(cursor, code, wanted)
    case 0x42: // B
      return { kind: 'begin', lsn: lsn(cursor), at_ms: time_ms(cursor), xid: u32(cursor) }
    case 0x43: {
      // C
      u8(cursor)
      const message = { kind: 'commit', lsn: lsn(cursor), end: lsn(cursor) } as const
      time_ms(cursor)
      return message
    }
    case 0x52: // R
      return readRelation(cursor)
    case 0x54: {
      // T
      const count = u32(cursor)
      u8(cursor)
      const relations: number[] = []
      for (let i = 0; i < count; i++) relations.push(u32(cursor))
      return { kind: 'truncate', relations }
    }
    case 0x4d: {
      // M
      const flags = u8(cursor)
      lsn(cursor)
      const prefix = cstring(cursor)
      const content = textual(cursor, u32(cursor))
      return { kind: 'message', transactional: (flags & 1) === 1, prefix, content }
    }
    case 0x4f: // O
    case 0x59: // Y: pg_type is asked instead, which knows more of a type than its name
      return { kind: 'other' }
    default:
      throw malformed(cursor.bytes, 'its kind is not known')
  }
}

function readRow(cursor: Cursor, code: number, wanted: (relation: number) => boolean): LogMessage {
  const relation = u32(cursor)
  if (!wanted(relation)) return { kind: 'row' }
  let part = u8(cursor)
  let old: Old | null = null
  if (code !== 0x49 && (part === 0x4b || part === 0x4f)) {
    old = { kind: part === 0x4b ? 'key' : 'full', row: tuple(cursor) }
    if (code === 0x44) return { kind: 'delete', relation, old }
    part = u8(cursor)
  }
  if (part !== 0x4e || code === 0x44) throw malformed(cursor.bytes, 'a row is missing')
  const row = tuple(cursor)
  return code === 0x49 ? { kind: 'insert', relation, row } : { kind: 'update', relation, row, old }
}

function readRelation(cursor: Cursor): LogMessage {
  const oid = u32(cursor)
  const schema = cstring(cursor) || 'pg_catalog'
  const name = cstring(cursor)
  const identity = String.fromCharCode(u8(cursor))
  const columns: LogColumn[] = []
  for (let count = u16(cursor); count > 0; count--) {
    const flags = u8(cursor)
    const column = { name: cstring(cursor), identity: (flags & 1) === 1, type: u32(cursor) }
    u32(cursor) // type modifier: the text form does not depend on it
    columns.push(column)
  }
  return { kind: 'relation', oid, schema, name, identity, columns }
}

function tuple(cursor: Cursor): Cell[] {
  const { bytes } = cursor
  const count = u16(cursor)
  const cells: Cell[] = []
  for (let i = 0; i < count; i++) {
    switch (u8(cursor)) {
      case 0x74: {
        // t
        const length = u32(cursor)
        const end = cursor.at + length
        if (end > bytes.length) throw malformed(bytes, 'it ends too early')
        cells.push(textOf(bytes, cursor.at, end))
        cursor.at = end
        break
      }
      case 0x6e: // n
        cells.push(null)
        break
      case 0x75: // u: an unchanged TOAST value
        cells.push(undefined)
        break
      default: // b would be binary, which we never ask for
        throw malformed(bytes, 'a column is in a form that is not known')
    }
  }
  return cells
}

function u8(cursor: Cursor): number {
  return cursor.bytes.readUInt8(cursor.at++)
}

function u16(cursor: Cursor): number {
  cursor.at += 2
  return cursor.bytes.readUInt16BE(cursor.at - 2)
}

function u32(cursor: Cursor): number {
  cursor.at += 4
  return cursor.bytes.readUInt32BE(cursor.at - 4)
}

function lsn(cursor: Cursor): bigint {
  cursor.at += 8
  return cursor.bytes.readBigUInt64BE(cursor.at - 8)
}

function time_ms(cursor: Cursor): number {
  cursor.at += 8
  return Math.floor(Number(cursor.bytes.readBigInt64BE(cursor.at - 8)) / 1000) + postgresEpoch_ms
}

function cstring(cursor: Cursor): string {
  const end = cursor.bytes.indexOf(0, cursor.at)
  if (end < 0) throw malformed(cursor.bytes, 'it ends too early')
  const text = cursor.bytes.toString('utf8', cursor.at, end)
  cursor.at = end + 1
  return text
}

function textual(cursor: Cursor, length: number): string {
  const end = cursor.at + length
  if (end > cursor.bytes.length) throw malformed(cursor.bytes, 'it ends too early')
  const text = cursor.bytes.toString('utf8', cursor.at, end)
  cursor.at = end
  return text
}

function malformed(bytes: Buffer, why: string): SyncError {
  const code = bytes.length === 0 ? 'no code' : `code 0x${bytes[0]!.toString(16).padStart(2, '0')}`
  return new SyncError(
    failure(
      'SYNC-2013',
      `A message of PostgreSQL's change log (${code}, ${bytes.length} bytes) cannot be read: ${why}.`,
    ),
  )
}

/** `0/16B3748`, as PostgreSQL writes an LSN. */
export function lsnText(value: bigint): string {
  return `${(value >> 32n).toString(16).toUpperCase()}/${(value & 0xffffffffn).toString(16).toUpperCase()}`
}

/** Reads `0/16B3748`; `null` for anything else. */
export function lsnFrom(text: string): bigint | null {
  const match = /^([0-9A-Fa-f]{1,8})\/([0-9A-Fa-f]{1,8})$/.exec(text)
  return match === null ? null : (BigInt(`0x${match[1]}`) << 32n) | BigInt(`0x${match[2]}`)
}
