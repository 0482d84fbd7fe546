/**
 * TABLE_MAP: the columns of the rows that follow, and, under `binlog_row_metadata=FULL`, their names, signs, collations and labels.
 * Source: dev.mysql.com "Table_map_event"; the metadata's fields are the same on MariaDB 10.5 and later.
 */
import { textDecoder } from './charsets.ts'
import { charsetOf } from './collations.ts'
import { type Cursor, lenenc, part, take, u8, u16, utf8 } from './cursor.ts'
import type { MapColumn, Prints, TableMap } from './event.ts'
import { isCharacter, isNumeric, types } from './types.ts'

type Draft = { -readonly [key in keyof MapColumn]: MapColumn[key] }

/** Reads a TABLE_MAP after its table id. Throws a `RangeError`. */
export function readTableMap(cursor: Cursor, id: number, prints: Prints): TableMap {
  take(cursor, 2) // flags, which say nothing
  const schema = named(cursor)
  const table = named(cursor)
  const count = lenenc(cursor)
  const codes = part(cursor, count)
  const metadata = part(cursor, lenenc(cursor))
  const nullable = part(cursor, (count + 7) >> 3)
  const columns: Draft[] = []
  const unreadable = readTypes(codes, metadata, columns)
  for (const [i, column] of columns.entries()) column.nullable = bit(nullable, i)
  const base = { id: BigInt(id), schema, table, columns, prints }
  if (unreadable !== null) return { ...base, unreadable }
  const key = readOptional(cursor, columns)
  return key === null ? base : { ...base, key }
}

/** A name with its length before it and a zero after it. */
function named(cursor: Cursor): string {
  const name = utf8(cursor, lenenc(cursor))
  take(cursor, 1)
  return name
}

/** Bit `i`, least significant first. */
function bit(bits: Buffer, i: number): boolean {
  return (((bits[i >> 3] as number) >> (i & 7)) & 1) === 1
}

/** The types and their metadata. Says which type has metadata of unknown length: nothing after it can be read. */
function readTypes(codes: Buffer, metadata: Buffer, columns: Draft[]): string | null {
  const cursor: Cursor = { bytes: metadata, at: 0 }
  for (const [place, code] of codes.entries()) {
    const bytes = metadataBytes(code)
    if (bytes === null) return `column ${place + 1} has type ${code}, which is not known`
    columns.push({ nullable: false, ...typed(code, bytes, cursor) })
  }
  return null
}

function metadataBytes(code: number): number | null {
  switch (code) {
    case types.varchar:
    case types.varcharCompressed:
    case types.varString:
    case types.string:
    case types.bit:
    case types.newdecimal:
    case types.enum:
    case types.set:
      return 2
    case types.float:
    case types.double:
    case types.blob:
    case types.blobCompressed:
    case types.tinyBlob:
    case types.mediumBlob:
    case types.longBlob:
    case types.geometry:
    case types.json:
    case types.vector:
    case types.time2:
    case types.datetime2:
    case types.timestamp2:
      return 1
    case types.decimal:
    case types.tiny:
    case types.short:
    case types.long:
    case types.null:
    case types.timestamp:
    case types.longlong:
    case types.int24:
    case types.date:
    case types.time:
    case types.datetime:
    case types.year:
    case types.newdate:
      return 0
    default:
      return null
  }
}

function typed(code: number, bytes: number, cursor: Cursor): { type: number; meta: number } {
  if (bytes < 2) return { type: code, meta: bytes === 0 ? 0 : u8(cursor) }
  if (code === types.varchar || code === types.varcharCompressed) return { type: code, meta: u16(cursor) }
  if (code === types.bit) return { type: code, meta: u16(cursor) }
  const first = u8(cursor)
  const second = u8(cursor)
  if (code === types.newdecimal) return { type: code, meta: (first << 8) | second }
  // STRING carries its real type; two of its bits are turned over where a CHAR is longer than 255 bytes.
  if ((first & 0x30) !== 0x30) return { type: first | 0x30, meta: second | (((first & 0x30) ^ 0x30) << 4) }
  return { type: first === types.enum || first === types.set ? first : code, meta: second }
}

/** The optional metadata, which is a list of fields, each with a type and a length; unknown ones are passed over. */
function readOptional(cursor: Cursor, columns: Draft[]): number[] | null {
  let key: number[] | null = null
  while (cursor.at < cursor.bytes.length) {
    const field = u8(cursor)
    const value: Cursor = { bytes: part(cursor, lenenc(cursor)), at: 0 }
    switch (field) {
      case 1:
        readSigns(value, columns)
        break
      case 2:
      case 3:
        readCollations(
          value,
          columns.filter(({ type }) => isCharacter(type)),
          field === 2,
        )
        break
      case 4:
        for (const column of columns) column.name = utf8(value, lenenc(value))
        break
      case 5:
      case 6:
        readLabels(
          value,
          columns.filter(({ type }) => type === (field === 5 ? types.set : types.enum)),
        )
        break
      case 8:
      case 9:
        key = readKey(value, field === 9)
        break
      case 10:
      case 11:
        readCollations(value, columns.filter(isMember), field === 10)
        break
      case 12:
        for (const [i, column] of columns.entries()) column.visible = highBit(value.bytes, i)
        break
      default: // 7: kinds of geometry, 13: sizes of vectors
        break
    }
  }
  decodeLabels(columns)
  return key
}

function isMember({ type }: MapColumn): boolean {
  return type === types.enum || type === types.set
}

/** Bit `i`, most significant first. */
function highBit(bits: Buffer, i: number): boolean {
  const byte = bits[i >> 3]
  if (byte === undefined) throw new RangeError('a list of bits is too short')
  return ((byte >> (7 - (i & 7))) & 1) === 1
}

function readSigns(value: Cursor, columns: readonly Draft[]): void {
  for (const [i, column] of columns.filter(({ type }) => isNumeric(type)).entries())
    column.unsigned = highBit(value.bytes, i)
}

/** Either one for all and a list of exceptions, or one each. */
function readCollations(value: Cursor, columns: readonly Draft[], exceptions: boolean): void {
  if (!exceptions) {
    for (const column of columns) column.collation = lenenc(value)
    return
  }
  const common = lenenc(value)
  for (const column of columns) column.collation = common
  while (value.at < value.bytes.length) {
    const column = columns[lenenc(value)]
    const collation = lenenc(value)
    if (column === undefined) throw new RangeError('a collation belongs to no column')
    column.collation = collation
  }
}

/** Labels are in the character set of their column, whose collation may come later: they are kept as Latin-1 until then. */
function readLabels(value: Cursor, columns: readonly Draft[]): void {
  for (const column of columns) {
    const members: string[] = []
    for (let count = lenenc(value); count > 0; count--) {
      const bytes = lenenc(value)
      const start = take(value, bytes)
      members.push(value.bytes.toString('latin1', start, value.at))
    }
    column.members = members
  }
}

function decodeLabels(columns: readonly Draft[]): void {
  for (const column of columns) {
    if (column.members === undefined) continue
    const decode = textDecoder(charsetOf(column.collation ?? 33) ?? '')
    const members = column.members.map((member) => {
      const bytes = Buffer.from(member, 'latin1')
      return decode === null ? null : decode(bytes, 0, bytes.length)
    })
    // Without a decoder the column has no labels, and the reader of its cells says so.
    if (members.includes(null)) delete column.members
    else column.members = members as string[]
  }
}

function readKey(value: Cursor, prefixes: boolean): number[] {
  const key: number[] = []
  while (value.at < value.bytes.length) {
    key.push(lenenc(value))
    if (prefixes) lenenc(value)
  }
  return key
}
