import formatsPlugin from 'ajv-formats'
import { countries, emailAddress, phoneNumber } from '../std/phone.ts'

/** A form that texts may have. */
export interface Format {
  /** Whether the text has it. Linear in the text, whatever it holds. */
  readonly test: (text: string) => boolean
  /** `is not …` */
  readonly words: string
}

/** Longest text that is looked at; longer ones have no format. */
const textMax = 8_192

/** Formats that are Ajv's own: calendar dates are checked day by day. */
const theirs = {
  date: 'a date (2024-01-31)',
  time: 'a time with its zone (02:30:00Z)',
  'date-time': 'a date and time with its zone (2024-01-31T02:30:00Z)',
  'iso-date-time': 'a date and time (2024-01-31T02:30:00)',
  duration: 'a duration (P1DT2H)',
  hostname: 'a host name',
  ipv4: 'an IPv4 address',
  ipv6: 'an IPv6 address',
  uuid: 'a UUID',
} as const

/** A number with its country code, or as it is written at home: 5 to 15 digits with separators, and an extension. */
const nationalPhone = /^[+(0-9][0-9 ().\-/\u00a0]{4,30}(?: ?(?:x|ext\.?) ?[0-9]{1,6})?$/

function isPhone(text: string): boolean {
  if (!nationalPhone.test(text)) return false
  const number = text.replace(/ ?(?:x|ext\.?) ?[0-9]{1,6}$/, '')
  if (number.startsWith('+')) return typeof phoneNumber(number, '') !== 'string'
  const digits = number.replace(/\D/g, '').length
  return digits >= 5 && digits <= 15
}

function isUri(text: string): boolean {
  return /^[a-z][a-z0-9+.-]*:[^\s\p{Cc}]+$/iu.test(text) && URL.canParse(text)
}

function bounded(test: (text: string) => boolean): (text: string) => boolean {
  return (text) => text.length <= textMax && test(text)
}

/**
 * Every format that a JSON Schema and the quality stage may name. `phone` takes E.164 with or without separators and any home form;
 * `phone-AT` (each country of std/phone.ts) only numbers that are dialled as they stand there; `e164` only `+` and digits.
 */
export const formats: ReadonlyMap<string, Format> = new Map([
  ['email', { test: bounded((text) => isAddress(text)), words: 'a valid e-mail address' }],
  ['uri', { test: bounded(isUri), words: 'a URI' }],
  ['phone', { test: bounded(isPhone), words: 'a telephone number' }],
  ['e164', { test: (text) => /^\+[1-9]\d{6,14}$/.test(text), words: 'a telephone number of the form +436601234567' }],
  ...Object.keys(countries).map((country): [string, Format] => [
    `phone-${country}`,
    { test: (text) => typeof phoneNumber(text, country) !== 'string', words: `a telephone number of ${country}` },
  ]),
  ...Object.entries(theirs).map(([name, words]): [string, Format] => [name, { test: bounded(testOf(name)), words }]),
])

/** Blanks at the ends are no part of an address. */
function isAddress(text: string): boolean {
  return text === text.trim() && typeof emailAddress(text) !== 'string'
}

function testOf(name: string): (text: string) => boolean {
  const format = formatsPlugin.default.get(name as keyof typeof theirs, 'full')
  const check = typeof format === 'object' && 'validate' in format ? format.validate : format
  if (check instanceof RegExp) return (text) => check.test(text)
  if (typeof check === 'function') return check as (text: string) => boolean
  throw new Error(`the format ${name} has no test`)
}

/** The formats that a JSON Schema gives to its fields: dotted names as in the mapping. Only plain `properties` are followed. */
export function formatsOf(schema: unknown, path: readonly string[] = []): [field: string, format: string][] {
  if (typeof schema !== 'object' || schema === null || path.length > 10) return []
  const { format, properties } = schema as { readonly format?: unknown; readonly properties?: unknown }
  const own: [string, string][] = typeof format === 'string' && path.length > 0 ? [[path.join('.'), format]] : []
  if (typeof properties !== 'object' || properties === null) return own
  return [...own, ...Object.entries(properties).flatMap(([name, inner]) => formatsOf(inner, [...path, name]))]
}
