/**
 * What a field makes of the JSON value that a client sends, and how it is answered.
 * Source: https://developer.salesforce.com/docs/atlas.en-us.api.meta/api/field_types.htm and primitive_data_types.htm.
 */

import { type RowError, rowError } from './errors.ts'
import { toId18 } from './ids.ts'
import type { Field, Value } from './schema.ts'

/** A value that does not fit: `malformed` is refused while the JSON is read, before any row is looked at. */
export interface Misfit {
  readonly malformed: string | null
  readonly error: RowError
}

const DATE = /^(\d{4})-(\d\d)-(\d\d)$/
const DATETIME = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d)(?::(\d\d)(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)$/i
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?$/
const EMAIL =
  /^[A-Za-z0-9.!#$%&'*/=?^_+`{|}~-]+@[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)+$/
const SIGNIFICANT_DIGITS = 15
const INT_MAX = 2_147_483_647
const FIRST_DAY = '1700-01-01'
const LAST_DAY = '4000-12-31'

/** The stored form of what a client sent for a field, or why it is none. Text is trimmed; an empty text is null. */
export function coerce(field: Field, raw: unknown): Value | Misfit {
  if (raw === null || raw === undefined) return field.type === 'boolean' ? notOfType(field, 'null') : null
  switch (field.type) {
    case 'string':
    case 'textarea':
    case 'phone':
    case 'url':
      return typeof raw === 'string' ? text(field, raw) : malformed('string', raw)
    case 'email':
      return typeof raw === 'string' ? email(field, raw) : malformed('string', raw)
    case 'picklist':
      return typeof raw === 'string' ? picked(field, raw) : malformed('string', raw)
    case 'multipicklist':
      return typeof raw === 'string' ? pickedSeveral(field, raw) : malformed('string', raw)
    case 'boolean':
      return truth(raw)
    case 'int':
      return whole(field, raw)
    case 'double':
    case 'currency':
    case 'percent':
      return decimal(field, raw)
    case 'date':
      return typeof raw === 'string' ? day(field, raw) : malformed('date', raw)
    case 'datetime':
      return typeof raw === 'string' ? moment(field, raw) : malformed('datetime', raw)
    case 'id':
    case 'reference':
      return typeof raw === 'string' ? reference(field, raw) : malformed('reference', raw)
    case 'address':
      return misfit(null, unwritable([field.name]))
  }
}

/** True for what `coerce` refuses. */
export function isMisfit(value: Value | Misfit): value is Misfit {
  return typeof value === 'object' && value !== null
}

/** The refusal of read-only fields. */
export function unwritable(fields: readonly string[]): RowError {
  return rowError(
    'INVALID_FIELD_FOR_INSERT_UPDATE',
    `Unable to create/update fields: ${fields.join(', ')}. Please check the security settings of this field and verify that it is read/write for your profile or permission set.`,
    fields,
  )
}

function text(field: Field, raw: string): Value | Misfit {
  const trimmed = raw.trim()
  if (trimmed === '') return null
  if (trimmed.length <= field.length) return trimmed
  return misfit(
    null,
    rowError('STRING_TOO_LONG', `${field.label}: data value too large: ${trimmed} (max length=${field.length})`, [
      field.name,
    ]),
  )
}

function email(field: Field, raw: string): Value | Misfit {
  const value = text(field, raw)
  if (typeof value !== 'string' || EMAIL.test(value)) return value
  return misfit(
    null,
    rowError('INVALID_EMAIL_ADDRESS', `${field.label}: invalid email address: ${value}`, [field.name]),
  )
}

function picked(field: Field, raw: string): Value | Misfit {
  const value = text(field, raw)
  if (typeof value !== 'string' || !field.restrictedPicklist || field.picklist.includes(value)) return value
  return outsidePicklist(field, value)
}

function pickedSeveral(field: Field, raw: string): Value | Misfit {
  const value = text(field, raw)
  if (typeof value !== 'string') return value
  const parts = [
    ...new Set(
      value
        .split(';')
        .map((part) => part.trim())
        .filter((part) => part !== ''),
    ),
  ]
  const odd = field.restrictedPicklist ? parts.find((part) => !field.picklist.includes(part)) : undefined
  if (odd !== undefined) return outsidePicklist(field, odd)
  // The platform answers the values in the order of the picklist.
  const place = (part: string) => field.picklist.indexOf(part) + 1 || field.picklist.length + 1
  return parts.sort((a, b) => place(a) - place(b)).join(';')
}

function outsidePicklist(field: Field, value: string): Misfit {
  return misfit(
    null,
    rowError(
      'INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST',
      `${field.label}: bad value for restricted picklist field: ${value}`,
      [field.name],
    ),
  )
}

function truth(raw: unknown): Value | Misfit {
  if (typeof raw === 'boolean') return raw
  if (raw === 'true') return true
  if (raw === 'false') return false
  return malformed('boolean', raw)
}

function whole(field: Field, raw: unknown): Value | Misfit {
  const number = asNumber(raw)
  if (number === null || !Number.isInteger(number)) return malformed('int', raw)
  return Math.abs(number) <= INT_MAX ? number : outOfRange(field, raw)
}

function decimal(field: Field, raw: unknown): Value | Misfit {
  const number = asNumber(raw)
  if (number === null) return malformed('double', raw)
  if (Math.abs(number) >= 10 ** (field.precision - field.scale)) return outOfRange(field, raw)
  return roundTo(number, field.scale)
}

function asNumber(raw: unknown): number | null {
  if (typeof raw === 'number') return raw
  return typeof raw === 'string' && NUMBER.test(raw.trim()) ? Number(raw) : null
}

function roundTo(number: number, scale: number): number {
  if (Number.isInteger(number)) return Number(number.toPrecision(SIGNIFICANT_DIGITS))
  // The decimal text is rounded, half away from zero, so that 1.005 becomes 1.01 and not what its binary form suggests.
  const [digits, exponent = '0'] = Math.abs(number).toPrecision(SIGNIFICANT_DIGITS).split('e')
  const shifted = Math.round(Number(`${digits}e${Number(exponent) + scale}`))
  const rounded = Number(`${shifted}e-${scale}`)
  return number < 0 ? -rounded : rounded
}

function outOfRange(field: Field, raw: unknown): Misfit {
  const message = `${field.label}: value outside of valid range on numeric field: ${String(raw)}`
  return misfit(null, rowError('NUMBER_OUTSIDE_VALID_RANGE', message, [field.name]))
}

function day(field: Field, raw: string): Value | Misfit {
  if (raw === '') return null
  const parts = DATE.exec(raw)
  if (parts === null || !isDay(+parts[1]!, +parts[2]!, +parts[3]!)) return malformed('date', raw)
  return raw >= FIRST_DAY && raw <= LAST_DAY ? raw : invalidDate(field, raw)
}

function moment(field: Field, raw: string): Value | Misfit {
  if (raw === '') return null
  const time_ms = parseMoment(raw)
  if (time_ms === null) return malformed('datetime', raw)
  return raw.slice(0, 10) >= FIRST_DAY && raw.slice(0, 10) <= LAST_DAY ? time_ms : invalidDate(field, raw)
}

/** Milliseconds of an ISO 8601 datetime with a zone, cut to whole seconds as the platform does; null when it is none. */
export function parseMoment(raw: string): number | null {
  const parts = DATETIME.exec(raw)
  if (parts === null || !isDay(+parts[1]!, +parts[2]!, +parts[3]!)) return null
  const time_ms = Date.parse(raw.replace(/([+-]\d\d)(\d\d)$/, '$1:$2'))
  return Number.isNaN(time_ms) ? null : Math.floor(time_ms / 1000) * 1000
}

function isDay(year: number, month: number, date: number): boolean {
  if (month < 1 || month > 12 || date < 1) return false
  return date <= new Date(Date.UTC(year, month, 0)).getUTCDate()
}

function invalidDate(field: Field, raw: string): Misfit {
  return misfit(null, rowError('FIELD_INTEGRITY_EXCEPTION', `${field.label}: invalid date: ${raw}`, [field.name]))
}

function reference(field: Field, raw: string): Value | Misfit {
  if (raw === '') return null
  return (
    toId18(raw) ??
    misfit(null, rowError('MALFORMED_ID', `${field.label}: id value of incorrect type: ${raw}`, [field.name]))
  )
}

function notOfType(field: Field, shown: string): Misfit {
  const message = `${field.label}: value not of required type: ${shown}`
  return misfit(null, rowError('INVALID_TYPE_ON_FIELD_IN_RECORD', message, [field.name]))
}

function malformed(type: string, raw: unknown): Misfit {
  const message = `Cannot deserialize instance of ${type} from ${token(raw)} value ${shown(raw)} or request may be missing a required field`
  return misfit(message, rowError('JSON_PARSER_ERROR', message))
}

function misfit(text: string | null, error: RowError): Misfit {
  return { malformed: text, error }
}

function token(raw: unknown): string {
  if (typeof raw === 'string') return 'VALUE_STRING'
  if (typeof raw === 'number') return Number.isInteger(raw) ? 'VALUE_NUMBER_INT' : 'VALUE_NUMBER_FLOAT'
  if (typeof raw === 'boolean') return raw ? 'VALUE_TRUE' : 'VALUE_FALSE'
  return Array.isArray(raw) ? 'START_ARRAY' : 'START_OBJECT'
}

function shown(raw: unknown): string {
  if (typeof raw === 'object') return Array.isArray(raw) ? '[' : '{'
  return String(raw)
}

/** A datetime as the REST API writes it: `2024-09-24T03:26:07.000+0000`. */
export function formatMoment(time_ms: number): string {
  return `${new Date(time_ms).toISOString().slice(0, -1)}+0000`
}

/** The answered form of a stored value. */
export function answerValue(field: Field, value: unknown): unknown {
  return field.type === 'datetime' && typeof value === 'number' ? formatMoment(value) : value
}
