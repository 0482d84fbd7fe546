import { field, type MutableRow, newRow, type Row, text, type Value } from '../../model/value.ts'
import { decimalFrom } from '../../std/decimal.ts'

/** What decides how a value is written and compared: describe's field types, grouped. `any`: the field is not known to us. */
export type FieldKind =
  | 'text'
  | 'email'
  | 'id'
  | 'picklists'
  | 'number'
  | 'whole'
  | 'boolean'
  | 'date'
  | 'datetime'
  | 'time'
  | 'bytes'
  | 'any'

/** Describe's `type` to our kind. Source: Object Reference, "Field Types" and "Primitive Data Types". */
export function kindOfType(type: string): FieldKind {
  switch (type) {
    case 'currency':
    case 'double':
    case 'percent':
      return 'number'
    case 'int':
    case 'long':
      return 'whole'
    case 'boolean':
    case 'date':
    case 'datetime':
    case 'time':
    case 'email':
      return type
    case 'id':
    case 'reference':
      return 'id'
    case 'multipicklist':
      return 'picklists'
    case 'base64':
      return 'bytes'
    case 'anyType':
    case 'address':
    case 'location':
    case 'complexvalue':
      return 'any'
    default:
      return 'text'
  }
}

/** A value as it travels in JSON. */
export type JsonScalar = null | boolean | number | string

/** The value cannot be written without changing it (I6). `reason` shows no part of it. */
export interface Unwritable {
  readonly reason: string
}

const unwritable = (reason: string): Unwritable => ({ reason })

/**
 * The value as JSON for a field of this kind, or why it cannot be written. Nothing is rounded or guessed (I6), with two
 * exceptions that are Salesforce's own normal form: fractions of seconds are cut off (dateTime fields have "a precision of one
 * second", Object Reference), and doubles of the source keep the 15 digits that Salesforce keeps.
 */
export function jsonOf(value: Value, kind: FieldKind): JsonScalar | Unwritable {
  if (value === null) return null
  if (typeof value === 'object' && value.kind === 'invalid') {
    return unwritable(`the source holds a ${value.type} that cannot be read: ${value.reason}`)
  }
  switch (kind) {
    case 'text':
    case 'email':
    case 'id':
    case 'picklists':
      return textJson(value)
    case 'number':
    case 'whole':
      return numberJson(value, kind === 'whole')
    case 'boolean':
      return booleanJson(value)
    case 'date':
      return dateJson(value)
    case 'datetime':
      return datetimeJson(value)
    case 'time':
      return timeJson(value)
    case 'bytes':
      return typeof value === 'string' || isKind(value, 'bytes')
        ? (text(value) as string)
        : unwritable('it is not bytes')
    case 'any':
      return anyJson(value)
    default:
      return kind satisfies never
  }
}

function isKind(value: Value, kind: string): boolean {
  return typeof value === 'object' && value !== null && value.kind === kind
}

function textJson(value: Exclude<Value, null>): string | Unwritable {
  if (isKind(value, 'bytes')) return unwritable('bytes cannot be written to a text field')
  const whole = text(value) as string
  if (!whole.isWellFormed()) return unwritable('the text holds half of a surrogate pair, which UTF-8 cannot carry')
  if (whole.includes('\u0000')) return unwritable('the text holds a NUL character, which Salesforce does not store')
  return whole
}

/** Numbers are doubles there, and 15 significant digits of them come back; a longer one comes back as another number. */
const DIGITS_MAX = 15
/** The common form, which needs no exact arithmetic when it is short. */
const PLAIN_NUMERAL = /^-?\d+(?:\.\d+)?$/

function numberJson(value: Exclude<Value, null>, whole: boolean): number | null | Unwritable {
  if (typeof value === 'number') return plainNumber(value, whole)
  const numeral = isKind(value, 'decimal') || isKind(value, 'other') || typeof value === 'string'
  if (!numeral) return unwritable('it is not a number')
  const plain = (text(value) as string).trim()
  if (plain === '') return null
  if (plain.length <= DIGITS_MAX && PLAIN_NUMERAL.test(plain)) return wholeOrNot(Number(plain), whole)
  const exact = decimalFrom(plain)
  if (exact === undefined) return unwritable('it is not a finite decimal number')
  const digits = String(exact.units).replace(/^-?0*/, '').replace(/0+$/, '').length
  if (digits > DIGITS_MAX) return unwritable(`it has ${digits} digits; Salesforce keeps ${DIGITS_MAX}`)
  const parsed = Number(plain)
  if (!Number.isFinite(parsed) || (parsed === 0 && digits > 0)) return unwritable('it is outside the range of numbers')
  return wholeOrNot(parsed, whole)
}

/** Never -0, which Salesforce does not tell from 0. */
function wholeOrNot(value: number, whole: boolean): number | Unwritable {
  return whole && !Number.isInteger(value) ? unwritable('it is not a whole number') : value + 0
}

function plainNumber(value: number, whole: boolean): number | Unwritable {
  if (!Number.isFinite(value)) return unwritable('it is not a finite number')
  if (!Number.isInteger(value)) return whole ? unwritable('it is not a whole number') : value
  if (Math.abs(value) >= 1e15 && Number(value.toPrecision(DIGITS_MAX)) !== value) {
    return unwritable(`it has 16 digits; Salesforce keeps ${DIGITS_MAX}`)
  }
  return value + 0
}

function booleanJson(value: Exclude<Value, null>): boolean | null | Unwritable {
  if (typeof value === 'boolean') return value
  if (value === 'true') return true
  if (value === 'false') return false
  if (value === '') return null
  return unwritable('it is neither true nor false; a value map in the mapping can translate it')
}

const DATE = /^\d{4}-\d\d-\d\d$/
const DATETIME = /^(\d{4}-\d\d-\d\d)[ T](\d\d):(\d\d)(?::(\d\d)(?:\.\d{1,9})?)?\s?(Z|[+-]\d\d(?::?\d\d)?)$/
const UTC: ReadonlySet<string> = new Set(['Z', '+00', '+0000', '+00:00'])
const TIME = /^(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?Z?$/

function dateJson(value: Exclude<Value, null>): string | null | Unwritable {
  if (isKind(value, 'datetime') || isKind(value, 'instant')) {
    return unwritable('it has a time of day, and the field holds dates; cut it to a date in the mapping')
  }
  if (typeof value !== 'string' && !isKind(value, 'date')) return unwritable('it is not a date')
  const plain = (text(value) as string).trim()
  if (plain === '') return null
  return isDate(plain) ? plain : unwritable('it is not a date from 1700-01-01 to 4000-12-31')
}

/** Salesforce's range of dates: 1700-01-01 to 4000-12-31 (Object Reference, "Primitive Data Types"). */
function isDate(plain: string): boolean {
  return DATE.test(plain) && isDay(Number(plain.slice(0, 4)), Number(plain.slice(5, 7)), Number(plain.slice(8)))
}

/** Whether the calendar has this day. Without a `Date`: this runs for every date of every record. */
function isDay(year: number, month: number, day: number): boolean {
  if (year < 1700 || year > 4000 || month < 1 || month > 12 || day < 1) return false
  if (day <= 28) return true
  if (month === 2) return day === 29 && year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
  return day <= 30 || (day === 31 && (month < 8 ? month % 2 === 1 : month % 2 === 0))
}

function datetimeJson(value: Exclude<Value, null>): string | null | Unwritable {
  if (isKind(value, 'datetime')) {
    return unwritable('it has no time zone, and the field holds moments; name the zone in the mapping')
  }
  if (isKind(value, 'date')) return unwritable('it is a date without a time, and the field holds moments')
  if (typeof value !== 'string' && !isKind(value, 'instant')) return unwritable('it is not a moment in time')
  const plain = (text(value) as string).trim()
  if (plain === '') return null
  return isoSeconds(plain) ?? unwritable('it is not a moment with a time zone, from 1700 to 4000')
}

/** `2024-09-24T03:26:07Z` of any ISO form with a zone; null when it is none. Fractions of seconds are cut off. */
function isoSeconds(plain: string): string | null {
  const match = DATETIME.exec(plain)
  if (match === null) return null
  const [, date = '', hour, minute, second = '00', zone = 'Z'] = match
  if (!isDate(date) || Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return null
  const local = `${date}T${hour}:${minute}:${second}`
  if (UTC.has(zone)) return `${local}Z`
  const offset = `${zone.slice(0, 3)}:${zone.slice(3).replace(':', '') || '00'}`
  const time = Date.parse(`${local}${offset}`)
  return Number.isNaN(time) ? null : `${new Date(time).toISOString().slice(0, 19)}Z`
}

function timeJson(value: Exclude<Value, null>): string | null | Unwritable {
  if (typeof value !== 'string' && !isKind(value, 'time')) return unwritable('it is not a time of day')
  const plain = (text(value) as string).trim()
  if (plain === '') return null
  const match = TIME.exec(plain)
  if (match === null || Number(match[1]) > 23 || Number(match[2]) > 59 || Number(match[3] ?? '0') > 59) {
    return unwritable('it is not a time of day before 24:00')
  }
  return `${match[1]}:${match[2]}:${match[3] ?? '00'}.${(match[4] ?? '').padEnd(3, '0').slice(0, 3)}Z`
}

/** Without describe's word for the field the value's own type decides. */
function anyJson(value: Exclude<Value, null>): JsonScalar | Unwritable {
  if (typeof value === 'boolean') return value
  if (typeof value === 'number') return plainNumber(value, false)
  if (typeof value === 'string') return textJson(value)
  switch (value.kind) {
    case 'decimal':
      return numberJson(value, false)
    case 'date':
      return dateJson(value)
    case 'instant':
    case 'datetime':
      return datetimeJson(value)
    case 'time':
      return timeJson(value)
    case 'bytes':
      return value.text
    default:
      return textJson(value)
  }
}

/**
 * The value as Salesforce gives it back, in one canonical form, so that what was sent and what is stored can be compared: texts
 * trimmed, empty as null, e-mail in lower case, ids with 18 characters, multi-select picklists sorted, 15-digit numbers, dates,
 * and moments in UTC to the second. A value that cannot be written stays as it is.
 */
export function normalOf(value: Value, kind: FieldKind): Value {
  const json = jsonOf(value, kind)
  if (json === null || typeof json === 'boolean') return json
  if (typeof json === 'object') return value
  if (typeof json === 'number') return Number.isSafeInteger(json) ? json : Number(json.toPrecision(DIGITS_MAX)) + 0
  const plain = json.trim()
  if (plain === '') return null
  switch (kind) {
    case 'email':
      return plain.toLowerCase()
    case 'id':
      return id18(plain)
    case 'picklists':
      return [...new Set(plain.split(';').map((part) => part.trim()))]
        .filter((part) => part !== '')
        .sort()
        .join(';')
    case 'date':
      return { kind: 'date', text: plain }
    case 'datetime':
      return { kind: 'instant', text: instantText(plain) }
    case 'time':
      return { kind: 'time', text: plain.slice(0, -1) }
    case 'bytes':
      return { kind: 'bytes', text: plain }
    case 'any':
      return shaped(plain)
    default:
      return plain
  }
}

/** What an unknown field's text most likely is, by its shape: the same for the sent and for the stored form. */
function shaped(plain: string): Value {
  if (isDate(plain)) return { kind: 'date', text: plain }
  const iso = plain.length >= 17 && plain.length <= 40 ? isoSeconds(plain) : null
  return iso === null ? plain : { kind: 'instant', text: instantText(iso) }
}

function instantText(iso: string): string {
  return `${iso.slice(0, 10)} ${iso.slice(11, 19)}+00`
}

/** A value of an answer: a scalar in normal form, or a compound field as JSON. */
export function valueFrom(json: unknown, kind: FieldKind): Value {
  if (json === null || json === undefined) return null
  if (typeof json === 'string' || typeof json === 'number' || typeof json === 'boolean') return normalOf(json, kind)
  return { kind: 'json', text: JSON.stringify(json) }
}

/** A row in normal form; `kinds` says what is known of its fields. */
export function normalRow(row: Row, kinds: (name: string) => FieldKind): Row {
  const normal: MutableRow = newRow()
  for (const name of Object.keys(row)) normal[name] = normalOf(field(row, name) as Value, kinds(name))
  return normal
}

/** Whether a text has the form of a record id, of 15 or 18 characters. Source: Object Reference, "ID Field Type". */
export function isRecordId(text: string): boolean {
  return /^[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?$/.test(text)
}

const CASE_LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ012345'

/**
 * The 18-character form of a record id: three more characters carry the letter case of each five. Anything else comes back as
 * it is. Source: Object Reference, "ID Field Type".
 */
export function id18(id: string): string {
  if (!/^[A-Za-z0-9]{15}$/.test(id)) return id
  let suffix = ''
  for (let block = 0; block < 15; block += 5) {
    let bits = 0
    for (let i = 0; i < 5; i++) if (/[A-Z]/.test(id[block + i] as string)) bits |= 1 << i
    suffix += CASE_LETTERS[bits]
  }
  return id + suffix
}

/** What two references to one record have in common: the external id without outer spaces and, mostly, letter case; numbers as numbers. Null for an empty one. */
export function matchKey(value: Value, kind: FieldKind, caseSensitive: boolean): string | null {
  const normal = normalOf(value, kind)
  const plain = normal === null ? '' : (text(normal) as string)
  if (plain === '') return null
  return caseSensitive ? plain : plain.toLowerCase()
}
