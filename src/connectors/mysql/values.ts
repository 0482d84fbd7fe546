/**
 * The one place where values of MySQL and MariaDB become a `Value`. The cells of the log (`binlog/cells.ts`) and those of a SELECT
 * (`valueOfText`) end in the same functions, so that both ways give the same (I6).
 *
 * Invalid values keep a raw form that is the same on both ways too: the server's text for dates, `0x…` for bytes.
 */
import type { Value } from '../../model/value.ts'
import { type DecodeText, textDecoder } from './binlog/charsets.ts'
import { DecodeError } from './binlog/event.ts'
import type { CatalogColumn } from './catalog.ts'

/** A value that is there and cannot be read. */
function invalid(type: string, raw: string, reason: string): Value {
  return { kind: 'invalid', type, raw, reason }
}

/** An integer's digits: a number within 2^53, else a decimal. */
export function integerValue(digits: string): Value {
  const number = Number(digits)
  return Number.isSafeInteger(number) ? number : { kind: 'decimal', text: digits }
}

/** A DOUBLE; -0, which JSON and comparisons lose, is a decimal. */
export function doubleValue(number: number, negativeZero = true): Value {
  if (number === 0) return negativeZero && 1 / number < 0 ? { kind: 'decimal', text: '-0' } : 0
  return Number.isFinite(number) ? number : { kind: 'decimal', text: String(number) }
}

/** A FLOAT: the shortest decimal that is this float32 again, so 0.1 and not 0.10000000149011612. */
export function floatValue(single: number, negativeZero = true): Value {
  return doubleValue(shortestSingle(single), negativeZero)
}

/** The double that has the shortest digits among those which round to this float32. */
function shortestSingle(single: number): number {
  if (Number.isInteger(single) || !Number.isFinite(single)) {
    if (Math.abs(single) < 2 ** 24 || !Number.isFinite(single)) return single
  }
  // Six digits always come back from a normal float32; below that range fewer may be exact.
  for (let digits = Math.abs(single) < 1.2e-38 ? 1 : 6; digits < 9; digits++) {
    const rounded = Number(single.toPrecision(digits))
    if (Math.fround(rounded) === single) return rounded
  }
  return Number(single.toPrecision(9))
}

/** A DATE whose text the server would print so. */
export function dateValue(text: string, year: number, month: number, day: number): Value {
  const wrong = wrongDay(year, month, day)
  return wrong === null ? { kind: 'date', text } : invalid('date', text, wrong)
}

/** A DATETIME whose text the server would print so. */
export function datetimeValue(text: string, year: number, month: number, day: number): Value {
  const wrong = wrongDay(year, month, day)
  return wrong === null ? { kind: 'datetime', text } : invalid('datetime', text, wrong)
}

/** A TIMESTAMP in UTC, as text without a zone; `zero` where the server keeps its zero date. */
export function instantValue(text: string, zero: boolean): Value {
  return zero ? invalid('timestamp', text, 'a zero date') : { kind: 'instant', text: `${text}+00` }
}

function wrongDay(year: number, month: number, day: number): string | null {
  if (month === 0 || day === 0)
    return year === 0 && month === 0 && day === 0 ? 'a zero date' : 'a date without month or day'
  return month > 12 || day > daysIn(year, month) ? 'there is no such day' : null
}

function daysIn(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
}

/** Bytes of a character column, as text or as JSON. */
export function textValue(bytes: Buffer, start: number, end: number, decode: DecodeText, json: boolean): Value {
  const text = decode(bytes, start, end)
  if (text === null)
    return invalid('text', `0x${bytes.toString('hex', start, end)}`, 'the bytes are not valid in their character set')
  return json ? { kind: 'json', text } : text
}

/** Bytes as base64. `length`: BINARY(n), whose trailing zero bytes the log leaves out. */
export function bytesValue(bytes: Buffer, start: number, end: number, length: number): Value {
  if (end - start >= length) return { kind: 'bytes', text: bytes.toString('base64', start, end) }
  const padded = Buffer.alloc(length)
  bytes.copy(padded, 0, start, end)
  return { kind: 'bytes', text: padded.toString('base64') }
}

/** BIT(1) is a boolean, BIT(n) an unsigned integer. */
export function bitValue(value: bigint | number, bits: number): Value {
  return bits === 1 ? Number(value) !== 0 : typeof value === 'number' ? value : integerValue(String(value))
}

/** An ENUM's label; the server stores what is no member as the empty label with number 0. */
export function enumValue(label: string, members: readonly string[]): Value {
  return label === '' && !members.includes('') ? invalid('enum', '', 'it is none of the labels') : label
}

/** Geometry as both ways carry it: four bytes of SRID, then WKB. */
export function geometryValue(bytes: Buffer, start: number, end: number): Value {
  if (end - start < 9) return invalid('geometry', `0x${bytes.toString('hex', start, end)}`, 'it is too short for WKB')
  const wkb = bytes.toString('hex', start + 4, end).toUpperCase()
  return { kind: 'other', type: 'geometry', text: `SRID=${bytes.readUInt32LE(start)};${wkb}` }
}

/** A vector: float32 after float32, little-endian. */
export function vectorValue(bytes: Buffer, start: number, end: number): Value {
  if ((end - start) % 4 !== 0)
    return invalid('vector', `0x${bytes.toString('hex', start, end)}`, 'its length is no multiple of 4')
  const numbers: string[] = []
  for (let at = start; at < end; at += 4) {
    const number = shortestSingle(bytes.readFloatLE(at))
    numbers.push(Object.is(number, -0) ? '-0' : String(number))
  }
  return { kind: 'other', type: 'vector', text: `[${numbers.join(',')}]` }
}

/** How a column is selected so that its cell, in the text protocol, holds its exact value; `valueOfText` reads it. */
export function selectExpression(column: CatalogColumn): string {
  const name = `\`${column.name.replaceAll('`', '``')}\``
  switch (column.dataType) {
    case 'float':
      // FLOAT is printed with six digits; as a double it is printed whole, and -0 stays -0.
      return `(${name} * 1e0)`
    case 'double':
      return column.columnType.includes('(') ? `(${name} * 1e0)` : name
    case 'bit':
      return `CAST(${name} AS UNSIGNED)`
    default:
      // Bytes as they are stored: the server's own conversion turns what it cannot read into question marks (I6).
      return column.charset === null || column.charset === 'utf8mb4' || isOwnText(column)
        ? name
        : `CAST(${name} AS BINARY)`
  }
}

/** Types whose text is written by the server, whatever their storage. */
function isOwnText(column: CatalogColumn): boolean {
  return (
    column.dataType === 'uuid' ||
    column.dataType === 'inet4' ||
    column.dataType === 'inet6' ||
    column.dataType === 'json'
  )
}

/** The value of a cell that is not null, selected with `selectExpression`, in a session whose `time_zone` is `+00:00`. */
export function valueOfText(column: CatalogColumn, bytes: Buffer): Value {
  return textReader(column)(bytes)
}

/** `valueOfText` for one column, prepared for many cells. Throws a `DecodeError` for a type or a character set that is not known. */
export function textReader(column: CatalogColumn): (bytes: Buffer) => Value {
  switch (column.dataType) {
    case 'tinyint':
    case 'smallint':
    case 'mediumint':
    case 'int':
    case 'bigint':
    case 'year':
      return (bytes) => integerValue(bytes.toString('latin1'))
    case 'decimal':
      return (bytes) => ({ kind: 'decimal', text: withoutPadding(bytes.toString('latin1')) })
    case 'float':
      return (bytes) => floatValue(Math.fround(Number(bytes.toString('latin1'))))
    case 'double':
      return (bytes) => doubleValue(Number(bytes.toString('latin1')))
    case 'bit':
      return (bytes) => bitValue(BigInt(bytes.toString('latin1')), column.length ?? 1)
    case 'date':
    case 'datetime':
    case 'timestamp':
    case 'time':
      return temporalReader(column.dataType)
    case 'enum':
      return enumReader(column, decoderOf(column))
    case 'json':
      return jsonReader
    case 'vector':
      return (bytes) => vectorValue(bytes, 0, bytes.length)
    case 'uuid':
    case 'inet4':
    case 'inet6':
      return (bytes) => bytes.toString('latin1')
    default:
      return storedReader(column)
  }
}

function withoutPadding(digits: string): string {
  return digits.replace(/^(-?)0+(?=\d)/, '$1') // ZEROFILL
}

function temporalReader(type: 'date' | 'datetime' | 'timestamp' | 'time'): (bytes: Buffer) => Value {
  if (type === 'time') return (bytes) => ({ kind: 'time', text: bytes.toString('latin1') })
  if (type === 'timestamp')
    return (bytes) => {
      const text = bytes.toString('latin1')
      return instantValue(text, text.startsWith('0000'))
    }
  const value = type === 'date' ? dateValue : datetimeValue
  return (bytes) => {
    const text = bytes.toString('latin1')
    return value(text, Number(text.slice(0, 4)), Number(text.slice(5, 7)), Number(text.slice(8, 10)))
  }
}

function enumReader(column: CatalogColumn, decode: DecodeText): (bytes: Buffer) => Value {
  const members = column.members ?? []
  return (bytes) => {
    const label = textValue(bytes, 0, bytes.length, decode, false)
    return typeof label === 'string' ? enumValue(label, members) : label
  }
}

function jsonReader(bytes: Buffer): Value {
  // MySQL 5.7 breaks long base64 into lines without escaping them, which makes it no JSON; later versions write \n.
  return { kind: 'json', text: bytes.length === 0 ? 'null' : bytes.toString('utf8').replaceAll('\n', '\\n') }
}

const geometries = /^(geometry|point|linestring|polygon|multi(point|linestring|polygon)|geom(etry)?collection)$/

function storedReader(column: CatalogColumn): (bytes: Buffer) => Value {
  if (geometries.test(column.dataType)) return (bytes) => geometryValue(bytes, 0, bytes.length)
  switch (column.dataType) {
    case 'char':
    case 'varchar':
    case 'tinytext':
    case 'text':
    case 'mediumtext':
    case 'longtext':
    case 'set': {
      const decode = decoderOf(column)
      return (bytes) => textValue(bytes, 0, bytes.length, decode, column.json)
    }
    case 'binary':
    case 'varbinary':
    case 'tinyblob':
    case 'blob':
    case 'mediumblob':
    case 'longblob':
      return (bytes) => bytesValue(bytes, 0, bytes.length, 0)
    default:
      throw new DecodeError(`Column ${column.name} has type ${column.columnType}, which is not known.`, null)
  }
}

function decoderOf(column: CatalogColumn): DecodeText {
  const decode = textDecoder(column.charset ?? 'binary')
  if (decode === null)
    throw new DecodeError(`Column ${column.name} has character set ${column.charset}, which cannot be read.`, null)
  return decode
}
