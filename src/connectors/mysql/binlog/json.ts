/**
 * MySQL's binary JSON as the text that MySQL prints: keys in stored order, `, ` and `: ` between, doubles with a point, decimals, dates
 * and other typed values as it writes them. Source: MySQL `sql-common/json_binary.h` (the format), `sql-common/json_dom.cc` (the text).
 */
import { isUtf8 } from 'node:buffer'
import { type Cursor, take } from './cursor.ts'
import { readDecimal } from './decimal.ts'
import { types } from './types.ts'

/** The server refuses documents that are deeper. */
const depthMax = 100

/** A value in a document. */
interface Node {
  readonly bytes: Buffer
  /** Where the offsets in it count from. */
  readonly start: number
  /** Whether doubles always have a point. */
  readonly points: boolean
  /** Bytes that were not read yet, of the whole document: values never overlap, so that reading more than there are is a lie. */
  readonly budget: { bytes: number }
}

function spend({ budget }: Node, bytes: number): void {
  budget.bytes -= bytes
  if (budget.bytes < 0) throw new RangeError('values of a JSON document overlap')
}

/** The text of a cell; `points`: doubles always have one (8.0). Nothing at all, which INSERT IGNORE can store, is JSON's null. Throws a `RangeError` for what is not JSON. */
export function jsonText(bytes: Buffer, points = true): string {
  if (bytes.length === 0) return 'null'
  return valueText(bytes[0] as number, { bytes, start: 1, points, budget: { bytes: bytes.length } }, 1)
}

function valueText(type: number, node: Node, depth: number): string {
  if (depth > depthMax) throw new RangeError('a JSON document is too deep')
  const { bytes, start } = node
  switch (type) {
    case 0x00:
    case 0x01:
      return objectText(node, type === 0x00 ? 2 : 4, depth)
    case 0x02:
    case 0x03:
      return arrayText(node, type === 0x02 ? 2 : 4, depth)
    case 0x04:
      return literalText(bytes.readUInt8(start))
    case 0x05:
      return String(bytes.readInt16LE(start))
    case 0x06:
      return String(bytes.readUInt16LE(start))
    case 0x07:
      return String(bytes.readInt32LE(start))
    case 0x08:
      return String(bytes.readUInt32LE(start))
    case 0x09:
      return String(bytes.readBigInt64LE(start))
    case 0x0a:
      return String(bytes.readBigUInt64LE(start))
    case 0x0b:
      return doubleText(bytes.readDoubleLE(start), node.points)
    case 0x0c:
      return JSON.stringify(utf8(sizedPart(node, start)))
    case 0x0f:
      return opaqueText(bytes.readUInt8(start), sizedPart(node, start + 1))
    default:
      throw new RangeError(`a JSON value has type ${type}, which is not known`)
  }
}

function literalText(literal: number): string {
  const text = ['null', 'true', 'false'][literal]
  if (text === undefined) throw new RangeError(`a JSON literal is ${literal}`)
  return text
}

/** How many members there are, after a check that their table fits into what the container says is its size. */
function countOf(node: Node, width: number, entryBytes: number): number {
  const { bytes, start } = node
  const count = bytes.readUIntLE(start, width)
  const size = bytes.readUIntLE(start + width, width)
  if (start + size > bytes.length || 2 * width + count * entryBytes > size)
    throw new RangeError('a JSON container is longer than what holds it')
  spend(node, 2 * width + count * entryBytes)
  return count
}

function objectText(node: Node, width: number, depth: number): string {
  const { bytes, start } = node
  const keyBytes = width + 2
  const count = countOf(node, width, keyBytes + 1 + width)
  const keys = start + 2 * width
  const cells = keys + count * keyBytes
  const members: string[] = []
  for (let i = 0; i < count; i++) {
    const offset = start + bytes.readUIntLE(keys + i * keyBytes, width)
    const length = bytes.readUInt16LE(keys + i * keyBytes + width)
    if (offset + length > bytes.length) throw new RangeError('a JSON key ends too late')
    spend(node, length)
    const key = JSON.stringify(utf8(bytes.subarray(offset, offset + length)))
    members.push(`${key}: ${memberText(node, cells + i * (1 + width), width, depth)}`)
  }
  return `{${members.join(', ')}}`
}

function arrayText(node: Node, width: number, depth: number): string {
  const count = countOf(node, width, 1 + width)
  const members: string[] = []
  for (let i = 0; i < count; i++) members.push(memberText(node, node.start + 2 * width + i * (1 + width), width, depth))
  return `[${members.join(', ')}]`
}

/** A member: literals and small integers stand in the table itself, all others at the offset that is there. */
function memberText(node: Node, at: number, width: number, depth: number): string {
  const { bytes, start } = node
  const type = bytes.readUInt8(at)
  const inline = type >= 0x04 && type <= (width === 2 ? 0x06 : 0x08)
  if (inline) return valueText(type, { ...node, start: at + 1 }, depth + 1)
  const offset = bytes.readUIntLE(at + 1, width)
  if (offset < 2 * width) throw new RangeError('a JSON member lies outside of its container')
  return valueText(type, { ...node, start: start + offset }, depth + 1)
}

/** Bytes after a length of up to five bytes, of seven bits each. */
function sizedPart(node: Node, start: number): Buffer {
  const { bytes } = node
  let length = 0
  let at = start
  for (let factor = 1; ; factor *= 128) {
    if (at - start > 4) throw new RangeError('a JSON length is too long')
    const byte = bytes.readUInt8(at++)
    length += (byte & 0x7f) * factor
    if (byte < 0x80) break
  }
  if (at + length > bytes.length) throw new RangeError('a JSON string ends too late')
  spend(node, length)
  return bytes.subarray(at, at + length)
}

function utf8(bytes: Buffer): string {
  if (!isUtf8(bytes)) throw new RangeError('a JSON string is not UTF-8')
  return bytes.toString('utf8')
}

/**
 * As MySQL's `my_gcvt` writes a double of JSON: the shortest digits, with a point; an exponent outside of 1e-15 to 1e15 (or where the
 * digits do not reach to the point).
 */
export function doubleText(number: number, points = true): string {
  if (!Number.isFinite(number)) throw new RangeError('a JSON number is not finite')
  const [mantissa = '', exponentText = ''] = Math.abs(number).toExponential().split('e')
  const sign = number < 0 || Object.is(number, -0) ? '-' : ''
  const digits = mantissa.replace('.', '')
  const exponent = Number(exponentText)
  const point = exponent + 1 // the number is 0.digits * 10^point
  const end = points ? '.0' : ''
  if (number === 0) return `${sign}0${end}`
  if (point < -14 || (point > 15 && digits.length <= point)) return `${sign}${mantissa}e${exponent}`
  if (point <= 0) return `${sign}0.${'0'.repeat(-point)}${digits}`
  if (digits.length <= point) return `${sign}${digits.padEnd(point, '0')}${end}`
  return `${sign}${digits.slice(0, point)}.${digits.slice(point)}`
}

/** A value of another MySQL type inside of JSON. */
function opaqueText(type: number, bytes: Buffer): string {
  switch (type) {
    case types.newdecimal: {
      const cursor: Cursor = { bytes, at: 2 }
      return readDecimal(cursor, bytes.readUInt8(0), bytes.readUInt8(1))
    }
    case types.date:
    case types.datetime:
    case types.timestamp:
    case types.time:
      return `"${packedTimeText(type, { bytes, at: 0 })}"`
    default:
      // The server breaks its base64 into lines of 76 characters, also here.
      return `"base64:type${type}:${bytes.toString('base64').replace(/.{76}(?=.)/g, '$&\\n')}"`
  }
}

/** Dates and times in JSON are packed into 64 bits: 24 bits of microseconds below hours, minutes and seconds. */
function packedTimeText(type: number, cursor: Cursor): string {
  const stored = cursor.bytes.readBigInt64LE(take(cursor, 8))
  const packed = stored < 0n ? -stored : stored
  const whole = Number(packed >> 24n)
  const two = (value: number): string => String(value).padStart(2, '0')
  const micros = `.${String(packed & 0xffffffn).padStart(6, '0')}`
  const minutes = `${two((whole >> 6) & 0x3f)}:${two(whole & 0x3f)}${micros}`
  if (type === types.time) return `${stored < 0n ? '-' : ''}${two((whole >> 12) & 0x3ff)}:${minutes}`
  const days = Math.floor(whole / 0x20000)
  const months = days >> 5
  const date = `${String(Math.floor(months / 13)).padStart(4, '0')}-${two(months % 13)}-${two(days & 31)}`
  return type === types.date ? date : `${date} ${two((whole % 0x20000) >> 12)}:${minutes}`
}
