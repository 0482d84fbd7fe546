/**
 * Readers of cells, one a column, made once for a table. Sources: dev.mysql.com "Rows_event", "Table_map_event" (the table of types
 * and their metadata); MySQL `sql-common/log_event.cc`; MariaDB `sql/log_event.cc`.
 */
import type { Value } from '../../../model/value.ts'
import * as values from '../values.ts'
import { inet4Text, inet6Text, uuidText } from './addresses.ts'
import { textDecoder } from './charsets.ts'
import { type Cursor, lengthOf, take, u8, u16 } from './cursor.ts'
import { decimalBytes, readDecimal } from './decimal.ts'
import { DecodeError, type ShapeColumn } from './event.ts'
import { jsonText } from './json.ts'
import * as temporal from './temporal.ts'
import { typeName, types } from './types.ts'
import { unpackedColumn } from './unpack.ts'

/** What the reader of a column's cells has to know. */
export type CellFacts = Omit<ShapeColumn, 'wanted' | 'cell'>

/** Reads a cell that is not null, or passes over it. */
export interface Cell {
  read(cursor: Cursor): Value
  skip(cursor: Cursor): void
}

/** The reader of a column's cells. Throws a `DecodeError` for a type or a character set that is not known. */
export function cellOf(column: CellFacts, table: string): Cell {
  const cell = integerCell(column) ?? numberCell(column) ?? temporalCell(column) ?? storedCell(column, table)
  if (cell !== null) return cell
  throw new DecodeError(
    `Column ${column.name} of ${table} has ${typeName(column.type)} in the log, which is not known.`,
    table,
  )
}

function fixed(bytes: number, read: (cursor: Cursor) => Value): Cell {
  return {
    read,
    skip(cursor) {
      take(cursor, bytes)
    },
  }
}

function integerCell({ type, unsigned }: CellFacts): Cell | null {
  switch (type) {
    case types.tiny:
      return fixed(1, unsigned ? u8 : (cursor) => cursor.bytes.readInt8(take(cursor, 1)))
    case types.short:
      return fixed(2, unsigned ? u16 : (cursor) => cursor.bytes.readInt16LE(take(cursor, 2)))
    case types.int24:
      return fixed(
        3,
        unsigned
          ? (cursor) => cursor.bytes.readUIntLE(take(cursor, 3), 3)
          : (cursor) => cursor.bytes.readIntLE(take(cursor, 3), 3),
      )
    case types.long:
      return fixed(
        4,
        unsigned
          ? (cursor) => cursor.bytes.readUInt32LE(take(cursor, 4))
          : (cursor) => cursor.bytes.readInt32LE(take(cursor, 4)),
      )
    case types.longlong:
      return fixed(8, unsigned ? readUnsigned64 : readSigned64)
    case types.year:
      return fixed(1, (cursor) => {
        const year = u8(cursor)
        return year === 0 ? 0 : 1900 + year
      })
    default:
      return null
  }
}

function readUnsigned64(cursor: Cursor): Value {
  const start = take(cursor, 8)
  const high = cursor.bytes.readUInt32LE(start + 4)
  if (high < 0x20_0000) return high * 0x1_0000_0000 + cursor.bytes.readUInt32LE(start)
  return values.integerValue(String(cursor.bytes.readBigUInt64LE(start)))
}

function readSigned64(cursor: Cursor): Value {
  const start = take(cursor, 8)
  const high = cursor.bytes.readInt32LE(start + 4)
  if (high < 0x20_0000 && high > -0x20_0000) return high * 0x1_0000_0000 + cursor.bytes.readUInt32LE(start)
  return values.integerValue(String(cursor.bytes.readBigInt64LE(start)))
}

function numberCell({ type, meta, prints }: CellFacts): Cell | null {
  const negativeZero = prints !== 'mariadb'
  switch (type) {
    case types.float:
      return fixed(4, (cursor) => values.floatValue(cursor.bytes.readFloatLE(take(cursor, 4)), negativeZero))
    case types.double:
      return fixed(8, (cursor) => values.doubleValue(cursor.bytes.readDoubleLE(take(cursor, 8)), negativeZero))
    case types.newdecimal: {
      const precision = meta >> 8
      const scale = meta & 0xff
      if (precision < 1 || precision > 65 || scale > precision) return null
      return fixed(decimalBytes(precision, scale), (cursor) => ({
        kind: 'decimal',
        text: readDecimal(cursor, precision, scale),
      }))
    }
    case types.bit: {
      const bits = (meta >> 8) * 8 + (meta & 0xff)
      const bytes = (bits + 7) >> 3
      if (bits < 1 || bits > 64) return null
      return fixed(bytes, (cursor) => {
        const start = take(cursor, bytes)
        const value =
          bytes <= 6
            ? cursor.bytes.readUIntBE(start, bytes)
            : BigInt(`0x${cursor.bytes.toString('hex', start, cursor.at)}`)
        return values.bitValue(value, bits)
      })
    }
    default:
      return null
  }
}

function temporalCell({ type, meta, fraction }: CellFacts): Cell | null {
  const digits = type === types.time2 || type === types.datetime2 || type === types.timestamp2 ? meta : fraction
  if (digits > 6) return null
  switch (type) {
    case types.date:
    case types.newdate:
      return fixed(3, temporal.readDate)
    case types.time2:
      return fixed(3 + temporal.fractionBytes(digits), (cursor) => temporal.readTime2(cursor, digits))
    case types.datetime2:
      return fixed(5 + temporal.fractionBytes(digits), (cursor) => temporal.readDatetime2(cursor, digits))
    case types.timestamp2:
      return fixed(4 + temporal.fractionBytes(digits), temporal.timestampReader(digits, '5.6'))
    case types.time:
      if (digits === 0) return fixed(3, temporal.readOldTime)
      return fixed([3, 4, 4, 5, 5, 5, 6][digits] as number, (cursor) => temporal.readHiresTime(cursor, digits))
    case types.datetime:
      if (digits === 0) return fixed(8, temporal.readOldDatetime)
      return fixed([5, 6, 6, 7, 7, 7, 8][digits] as number, (cursor) => temporal.readHiresDatetime(cursor, digits))
    case types.timestamp:
      if (digits === 0) return fixed(4, temporal.timestampReader(0, 'old'))
      return fixed(4 + ([0, 1, 1, 2, 2, 3, 3][digits] as number), temporal.timestampReader(digits, '5.3'))
    default:
      return null
  }
}

/** A cell whose length stands before it, in so many bytes. */
function sized(lengthBytes: number, read: (bytes: Buffer, start: number, end: number) => Value): Cell {
  const length = lengthBytes === 1 ? u8 : lengthBytes === 2 ? u16 : (cursor: Cursor) => lengthOf(cursor, lengthBytes)
  return {
    read(cursor) {
      const bytes = length(cursor)
      const start = take(cursor, bytes)
      return read(cursor.bytes, start, start + bytes)
    },
    skip(cursor) {
      take(cursor, length(cursor))
    },
  }
}

function storedCell(column: CellFacts, table: string): Cell | null {
  const { type, meta } = column
  switch (type) {
    case types.string:
    case types.varchar:
    case types.varString:
      return sized(meta > 255 ? 2 : 1, readerOf(column, table, type === types.string ? meta : 0))
    case types.blob:
      return meta < 1 || meta > 4 ? null : sized(meta, readerOf(column, table, 0))
    case types.varcharCompressed:
      return sized(meta > 255 ? 2 : 1, unpacking(readerOf(column, table, 0), meta))
    case types.blobCompressed:
      return meta < 1 || meta > 4 ? null : sized(meta, unpacking(readerOf(column, table, 0), 256 ** meta - 1))
    case types.enum:
    case types.set:
      return memberCell(column, table)
    case types.json:
      return meta < 1 || meta > 4
        ? null
        : sized(meta, (bytes, start, end) => ({
            kind: 'json',
            text: jsonText(bytes.subarray(start, end), column.prints !== 'mysql-5.7'),
          }))
    case types.geometry:
      return meta < 1 || meta > 4 ? null : sized(meta, values.geometryValue)
    case types.vector:
      return meta < 1 || meta > 4 ? null : sized(meta, values.vectorValue)
    default:
      return null
  }
}

type ReadBytes = (bytes: Buffer, start: number, end: number) => Value

function unpacking(read: ReadBytes, bytesMax: number): ReadBytes {
  return (bytes, start, end) => {
    const plain = unpackedColumn(bytes.subarray(start, end), bytesMax)
    return read(plain, 0, plain.length)
  }
}

/** `paddedBytes`: BINARY(n), whose trailing zero bytes are not in the log. */
function readerOf(column: CellFacts, table: string, paddedBytes: number): ReadBytes {
  switch (column.special) {
    case 'uuid':
    case 'inet4':
    case 'inet6':
      return specialReader(column.special)
    case 'vector':
      return values.vectorValue
    case null:
      break
  }
  const { charset, json } = column
  if (charset === null) return (bytes, start, end) => values.bytesValue(bytes, start, end, paddedBytes)
  const decode = textDecoder(charset)
  if (decode === null)
    throw new DecodeError(
      `Column ${column.name} of ${table} has character set ${charset}, which cannot be read.`,
      table,
    )
  return (bytes, start, end) => values.textValue(bytes, start, end, decode, json)
}

function specialReader(special: 'uuid' | 'inet4' | 'inet6'): ReadBytes {
  const length = special === 'inet4' ? 4 : 16
  const print = special === 'uuid' ? uuidText : special === 'inet4' ? inet4Text : inet6Text
  return (bytes, start, end) => {
    const whole = Buffer.alloc(length)
    bytes.copy(whole, 0, start, end)
    return print(whole)
  }
}

function memberCell(column: CellFacts, table: string): Cell {
  const { members, meta: bytes, name } = column
  const wrong = (what: string): DecodeError =>
    new DecodeError(
      `Column ${name} of ${table} ${what}; its definition is not the one that the log was written with.`,
      table,
    )
  if (members === undefined || bytes < 1 || bytes > 8) throw wrong('has no list of labels')
  if (column.type === types.enum)
    return fixed(bytes, (cursor) => {
      const number = lengthOf(cursor, bytes)
      const label = number === 0 ? '' : members[number - 1]
      if (label === undefined) throw wrong(`has no label ${number}`)
      return number === 0 ? values.enumValue('', members) : label
    })
  return fixed(bytes, (cursor) => {
    const start = take(cursor, bytes)
    const labels: string[] = []
    for (let bit = 0; bit < bytes * 8; bit++) {
      if ((((cursor.bytes[start + (bit >> 3)] as number) >> (bit & 7)) & 1) === 0) continue
      const label = members[bit]
      if (label === undefined) throw wrong(`has no member ${bit + 1}`)
      labels.push(label)
    }
    return labels.join(',')
  })
}
