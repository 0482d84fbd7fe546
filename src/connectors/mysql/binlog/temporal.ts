/**
 * Dates and times as the log stores them. Source: MySQL `my_time.cc` (the packed forms of 5.6), MariaDB `sql-common/my_time.c` and
 * `sql/field.cc` (5.3's forms with a fraction, which a server still writes under `mysql56_temporal_format=OFF`).
 */
import type { Value } from '../../../model/value.ts'
import { datetimeValue, dateValue, instantValue } from '../values.ts'
import { type Cursor, take } from './cursor.ts'

/** Bytes of the fraction of a second, by its digits. */
export function fractionBytes(digits: number): number {
  return (digits + 1) >> 1
}

function two(number: number): string {
  return number < 10 ? `0${number}` : String(number)
}

/** `.250`: the fraction holds an even number of digits, of which the column shows `digits`. */
function fractionText(fraction: number, digits: number): string {
  if (digits === 0) return ''
  return `.${String(fraction)
    .padStart(2 * fractionBytes(digits), '0')
    .slice(0, digits)}`
}

function dayText(year: number, month: number, day: number): string {
  return `${String(year).padStart(4, '0')}-${two(month)}-${two(day)}`
}

function clockText(hour: number, minute: number, second: number): string {
  return `${two(hour)}:${two(minute)}:${two(second)}`
}

/** DATE: five bits of day, four of month, the rest year. */
export function readDate(cursor: Cursor): Value {
  const packed = cursor.bytes.readUIntLE(take(cursor, 3), 3)
  const year = packed >> 9
  const month = (packed >> 5) & 15
  const day = packed & 31
  return dateValue(dayText(year, month, day), year, month, day)
}

/**
 * TIME of 5.6: the sign, hours, minutes, seconds and the fraction are one number, stored with an offset. The fraction of a negative time
 * is thus part of its two's complement: the whole is taken apart only after its sign is known.
 */
export function readTime2(cursor: Cursor, digits: number): Value {
  const bytes = 3 + fractionBytes(digits)
  const stored = cursor.bytes.readUIntBE(take(cursor, bytes), bytes) - 0x80 * 256 ** (bytes - 1)
  const packed = Math.abs(stored)
  const unit = 256 ** (bytes - 3)
  const clock = Math.floor(packed / unit)
  const text = clockText((clock >> 12) & 0x3ff, (clock >> 6) & 0x3f, clock & 0x3f) + fractionText(packed % unit, digits)
  return { kind: 'time', text: stored < 0 ? `-${text}` : text }
}

/** DATETIME of 5.6. */
export function readDatetime2(cursor: Cursor, digits: number): Value {
  const packed = cursor.bytes.readUIntBE(take(cursor, 5), 5) - 0x80_0000_0000
  if (packed < 0) throw new RangeError('a DATETIME is negative')
  const days = Math.floor(packed / 0x20000)
  const clock = packed % 0x20000
  const months = days >> 5
  const year = Math.floor(months / 13)
  const month = months % 13
  const day = days & 31
  const text = `${dayText(year, month, day)} ${clockText(clock >> 12, (clock >> 6) & 0x3f, clock & 0x3f)}`
  return datetimeValue(text + readFraction(cursor, digits), year, month, day)
}

function readFraction(cursor: Cursor, digits: number): string {
  if (digits === 0) return ''
  const bytes = fractionBytes(digits)
  return fractionText(cursor.bytes.readUIntBE(take(cursor, bytes), bytes), digits)
}

/** Text of a second since 1970 in UTC. One function a column: it keeps the text of the last day that it wrote. */
export function instantText(): (at_s: number) => string {
  let lastDay = -1
  let lastText = ''
  return (at_s) => {
    const day = Math.floor(at_s / 86_400)
    if (day !== lastDay) {
      lastDay = day
      lastText = civilText(day)
    }
    const rest = at_s - day * 86_400
    const minutes = Math.floor(rest / 60)
    return `${lastText} ${clockText(Math.floor(minutes / 60), minutes % 60, rest % 60)}`
  }
}

/** The day of the Gregorian calendar, so many days after 1970-01-01: years are counted from March, in cycles of 400. */
function civilText(days: number): string {
  const shifted = days + 719_468
  const era = Math.floor(shifted / 146_097)
  const ofEra = shifted - era * 146_097
  const yearOfEra = Math.floor(
    (ofEra - Math.floor(ofEra / 1460) + Math.floor(ofEra / 36_524) - Math.floor(ofEra / 146_096)) / 365,
  )
  const ofYear = ofEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const fromMarch = Math.floor((5 * ofYear + 2) / 153)
  const day = ofYear - Math.floor((153 * fromMarch + 2) / 5) + 1
  const month = fromMarch < 10 ? fromMarch + 3 : fromMarch - 9
  return dayText(yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
}

/** TIMESTAMP: of 5.6, of 5.3 (`digits` from the catalog), or the oldest, by how the seconds and the fraction are read. */
export function timestampReader(digits: number, form: '5.6' | '5.3' | 'old'): (cursor: Cursor) => Value {
  const instant = instantText()
  const zeros = fractionText(0, digits)
  return (cursor) => {
    const start = take(cursor, 4)
    // Unsigned: MariaDB 11.5 and later reach 2106.
    const at_s = form === 'old' ? cursor.bytes.readUInt32LE(start) : cursor.bytes.readUInt32BE(start)
    const fraction = form === '5.3' ? oldFraction(cursor, digits) : form === '5.6' ? readFraction(cursor, digits) : ''
    if (at_s === 0 && fraction === zeros) return instantValue(`0000-00-00 00:00:00${zeros}`, true)
    return instantValue(instant(at_s) + fraction, false)
  }
}

/** Fraction of 5.3: exactly the column's digits, in as few bytes as hold them. */
function oldFraction(cursor: Cursor, digits: number): string {
  const bytes = [0, 1, 1, 2, 2, 3, 3][digits] as number
  return `.${String(cursor.bytes.readUIntBE(take(cursor, bytes), bytes)).padStart(digits, '0')}`
}

/** TIME before 5.6: a signed decimal number, hours times 10,000 and so on. */
export function readOldTime(cursor: Cursor): Value {
  const stored = cursor.bytes.readIntLE(take(cursor, 3), 3)
  const packed = Math.abs(stored)
  const text = clockText(Math.floor(packed / 10_000), Math.floor(packed / 100) % 100, packed % 100)
  return { kind: 'time', text: stored < 0 ? `-${text}` : text }
}

/** TIME with a fraction, of MariaDB 5.3: units of the last digit, with an offset of 839 hours. */
export function readHiresTime(cursor: Cursor, digits: number): Value {
  const bytes = [3, 4, 4, 5, 5, 5, 6][digits] as number
  const scale = 10 ** digits
  const stored = cursor.bytes.readUIntBE(take(cursor, bytes), bytes) - 3_020_400 * scale
  const units = Math.abs(stored)
  const seconds = Math.floor(units / scale)
  const text = clockText(Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60)
  const fraction = `.${String(units % scale).padStart(digits, '0')}`
  return { kind: 'time', text: `${stored < 0 ? '-' : ''}${text}${fraction}` }
}

/** DATETIME before 5.6: the decimal number YYYYMMDDhhmmss. */
export function readOldDatetime(cursor: Cursor): Value {
  const packed = Number(cursor.bytes.readBigUInt64LE(take(cursor, 8)))
  const date = Math.floor(packed / 1_000_000)
  const clock = packed % 1_000_000
  const year = Math.floor(date / 10_000)
  const month = Math.floor(date / 100) % 100
  const day = date % 100
  const time = clockText(Math.floor(clock / 10_000), Math.floor(clock / 100) % 100, clock % 100)
  return datetimeValue(`${dayText(year, month, day)} ${time}`, year, month, day)
}

/** DATETIME with a fraction, of MariaDB 5.3: mixed radix, down to the column's last digit. */
export function readHiresDatetime(cursor: Cursor, digits: number): Value {
  const bytes = [5, 6, 6, 7, 7, 7, 8][digits] as number
  const start = take(cursor, bytes)
  let packed = 0n
  for (let at = start; at < cursor.at; at++) packed = (packed << 8n) | BigInt(cursor.bytes[at] as number)
  const scale = 10n ** BigInt(digits)
  let rest = Number(packed / scale)
  const next = (radix: number): number => {
    const digit = rest % radix
    rest = Math.floor(rest / radix)
    return digit
  }
  const second = next(60)
  const minute = next(60)
  const hour = next(24)
  const day = next(32)
  const month = next(13)
  const fraction = `.${String(packed % scale).padStart(digits, '0')}`
  const text = `${dayText(rest, month, day)} ${clockText(hour, minute, second)}${fraction}`
  return datetimeValue(text, rest, month, day)
}
