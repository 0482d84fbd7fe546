import type { FailureCode } from '../model/failure.ts'
import { text as exactText, type Value } from '../model/value.ts'
import { type Cell, kindOf, textOf } from '../std/cel-cells.ts'
import { numberFromText } from '../std/cel-functions.ts'
import { countries, emailAddress, phoneNumber } from '../std/phone.ts'
import { didYouMean } from '../std/suggest.ts'
import {
  type DateParts,
  type DatePattern,
  datePattern,
  dateText,
  datetimeText,
  epochSeconds,
  parseIso,
  partsFromEpoch,
  type Zone,
  zoneNamed,
} from './dates.ts'
import { type DateOptions, type TransformOption, transformWords } from './options.ts'

/** A value that cannot become what its rule says. The sentence shows no value. */
export interface Fault {
  readonly kind: 'fault'
  readonly code: FailureCode
  readonly error: string
}

/** One step on a value that is neither null nor invalid. */
export type Step = (value: Value) => Value | Fault

/** A fault. `error` is shown to people and must hold no value of the record. */
export function fault(code: FailureCode, error: string): Fault {
  return { kind: 'fault', code, error }
}

/** Whether a step (or a whole field) failed. */
export function isFault(value: Value | Fault | undefined): value is Fault {
  return typeof value === 'object' && value !== null && value.kind === 'fault'
}

/** The step that an option describes; a string says what is wrong with the option. */
export function compileTransform(option: TransformOption): Step | string {
  if (typeof option === 'string') {
    return Object.hasOwn(plain, option)
      ? plain[option]
      : `there is no transform "${option}".${didYouMean(option, transformWords)}`
  }
  const names = Object.keys(option)
  if (names.length !== 1) return `one transform each entry, here are ${names.length}: ${names.join(', ') || 'none'}`
  if (option.date !== undefined) return dateStep(option.date)
  if (option.number !== undefined) return numberStep(option.number.decimal ?? '.', option.number.group)
  if (option.boolean !== undefined) return booleanStep(option.boolean.true, option.boolean.false)
  if (option.phone !== undefined) return phoneStep(option.phone.country)
  if (option.truncate !== undefined) {
    const characters = option.truncate
    return onText('truncate', (text) => (text.length <= characters ? text : [...text].slice(0, characters).join('')))
  }
  if (option.replace !== undefined) {
    const { from, to } = option.replace
    return onText('replace', (text) => text.replaceAll(from, () => to))
  }
  return `there is no transform "${names[0]}"`
}

function onText(name: string, change: (text: string) => Value | Fault): Step {
  return (value) => {
    const text = typeof value === 'string' ? value : textOf(value)
    return text === undefined
      ? fault('SYNC-4024', `the transform ${name} needs a text, not ${typeWord(value)}`)
      : change(text)
  }
}

const plain: { readonly [word in (typeof transformWords)[number]]: Step } = {
  trim: onText('trim', (text) => text.trim()),
  collapse: onText('collapse', (text) => text.trim().replace(/\s+/g, ' ')),
  lower: onText('lower', (text) => text.toLowerCase()),
  upper: onText('upper', (text) => text.toUpperCase()),
  emptyToNull: (value) => (typeof value === 'string' && value.trim() === '' ? null : value),
  string: (value) => exactText(value),
  number: numberStep('.', undefined),
  boolean: booleanStep(['true', 't', 'yes', 'y', '1'], ['false', 'f', 'no', 'n', '0']),
  date: dateStep({}) as Step, // without options nothing can be wrong with them
  email: onText('email', (text) => {
    const answer = emailAddress(text)
    return typeof answer === 'string' ? fault('SYNC-4022', `is not an e-mail address: ${answer}`) : answer.address
  }),
}

/** The type of a value in a word, for messages. */
export function typeWord(value: Value): string {
  if (value === null) return 'null'
  if (typeof value !== 'object') return typeof value === 'string' ? 'text' : typeof value
  return value.kind === 'other' || value.kind === 'invalid' ? value.type : value.kind
}

function numberStep(decimal: '.' | ',', group: '.' | ',' | ' ' | "'" | undefined): Step {
  const point = decimal === '.' ? '\\.' : ','
  const between = group === undefined ? undefined : group === ' ' ? '[ \\u00a0\\u202f]' : group === '.' ? '\\.' : group
  const grouped =
    between === undefined ? undefined : new RegExp(`^([+-]?\\d{1,3}(?:${between}\\d{3})+)(?:${point}(\\d+))?$`)
  const bare = new RegExp(`^([+-]?\\d+)(?:${point}(\\d*))?$`)
  const separators = between === undefined ? undefined : new RegExp(between, 'g')
  return (value) => {
    if (kindOf(value) === 'number') return value
    if (typeof value === 'boolean') return value ? 1 : 0
    const text = textOf(value)?.trim()
    if (text === undefined) return fault('SYNC-4018', `${typeWord(value)} is not a number`)
    if (text.length > 1_000) return fault('SYNC-4018', 'is not a number: it has more than 1,000 characters')
    const match = grouped?.exec(text) ?? bare.exec(text)
    const whole = separators === undefined ? match?.[1] : match?.[1]?.replace(separators, '')
    const written = match === null ? text : match[2] === undefined || match[2] === '' ? whole! : `${whole}.${match[2]}`
    const read = match === null && decimal === ',' ? undefined : numberFromText(written)
    const form = group === undefined ? `1234${decimal}56` : `1${group}234${decimal}56`
    return (read as Value | undefined) ?? fault('SYNC-4018', `is not a number of the form ${form}`)
  }
}

function booleanStep(yes: readonly string[], no: readonly string[]): Step {
  const meanings = new Map<string, boolean>()
  for (const word of no) meanings.set(word.toLowerCase(), false)
  for (const word of yes) meanings.set(word.toLowerCase(), true)
  return (value) => {
    if (typeof value === 'boolean') return value
    const text = exactText(value)?.trim().toLowerCase() ?? ''
    return meanings.get(text) ?? fault('SYNC-4018', `is none of ${[...yes, ...no].join(', ')}`)
  }
}

function phoneStep(country: string): Step | string {
  if (!Object.hasOwn(countries, country))
    return `the home numbers of ${country} are not known; known are ${Object.keys(countries).join(' ')}`
  return (value) => {
    const text = typeof value === 'number' ? String(value) : textOf(value)
    if (text === undefined) return fault('SYNC-4024', `the transform phone needs a text, not ${typeWord(value)}`)
    const answer = phoneNumber(text, country)
    return typeof answer === 'string' ? fault('SYNC-4021', `is not a telephone number: ${answer}`) : answer.number
  }
}

/** What a text or value says about time: local, or with its place on the time line. */
interface Read {
  readonly parts: DateParts
  readonly hasTime: boolean
  readonly offset_s?: number | undefined
}

/** The transform `date`. A string says what is wrong with its options. */
export function dateStep(options: DateOptions): Step | string {
  const from = options.from ?? 'iso'
  const special = from === 'iso' || from === 'unix' || from === 'unix_ms'
  const pattern = special ? undefined : datePattern(from)
  if (typeof pattern === 'string') return `the pattern "${from}": ${pattern}`
  const zone = options.zone === undefined ? undefined : zoneNamed(options.zone)
  if (options.zone !== undefined && zone === undefined)
    return `there is no time zone "${options.zone}"; write it as Europe/Vienna`
  return (value) => {
    const read = readDate(value, from, pattern)
    if (read === undefined) {
      const form = special ? (from === 'iso' ? 'yyyy-MM-dd or yyyy-MM-dd HH:mm:ss' : `${from} time`) : from
      return fault('SYNC-4019', `is not a date of the form ${form} in the years 1 to 9999`)
    }
    return place(read, zone, options)
  }
}

function readDate(value: Value, from: string, pattern: DatePattern | undefined): Read | undefined {
  if (typeof value === 'object' && value !== null && kindOf(value) === 'time') {
    const read = parseIso((value as { text: string }).text)
    return read === undefined
      ? undefined
      : { ...read, offset_s: value.kind === 'instant' ? (read.offset_s ?? 0) : undefined }
  }
  const text = typeof value === 'number' ? String(value) : exactOrText(value)?.trim()
  if (text === undefined) return undefined
  if (from === 'unix' || from === 'unix_ms') return fromUnix(text, from === 'unix_ms')
  if (pattern === undefined) return parseIso(text)
  const parts = pattern.parse(text)
  return parts === undefined ? undefined : { parts, hasTime: pattern.hasTime }
}

function exactOrText(value: Value): string | undefined {
  return textOf(value) ?? (typeof value === 'object' && value?.kind === 'decimal' ? value.text : undefined)
}

function fromUnix(text: string, milliseconds: boolean): Read | undefined {
  const match = /^(-?\d{1,15})(?:\.(\d{1,9}))?$/.exec(text)
  if (match === null) return undefined
  const whole = Number(match[1])
  if (match[2] !== undefined && (milliseconds || whole < 0)) return undefined
  const seconds = milliseconds ? Math.floor(whole / 1000) : whole
  const fraction = milliseconds ? String(whole - seconds * 1000).padStart(3, '0') : (match[2] ?? '')
  const parts = partsFromEpoch(seconds, fraction)
  return parts === undefined ? undefined : { parts, hasTime: true, offset_s: 0 }
}

/** Puts what was read where the options want it. */
function place(read: Read, zone: Zone | undefined, options: DateOptions): Value | Fault {
  const { parts, hasTime, offset_s } = read
  const to =
    options.to ?? (offset_s !== undefined ? 'instant' : !hasTime ? 'date' : zone === undefined ? 'datetime' : 'instant')
  if (offset_s !== undefined) {
    const utc_s = epochSeconds(parts) - offset_s
    if (to === 'instant') return instant(utc_s, parts.fraction)
    if (zone === undefined)
      return fault('SYNC-4019', `is a time with a zone; the transform needs \`zone\` to make a ${to} of it`)
    const local = partsFromEpoch(utc_s + zone.offset(utc_s), parts.fraction)
    if (local === undefined) return outside
    return { kind: to, text: to === 'date' ? dateText(local) : datetimeText(local) }
  }
  if (to === 'date') return { kind: 'date', text: dateText(parts) }
  if (to === 'datetime') return { kind: 'datetime', text: datetimeText(parts) }
  if (zone === undefined)
    return fault('SYNC-4019', 'has no time zone; the transform needs `zone` to make an instant of it')
  return resolve(parts, zone, options)
}

const outside: Fault = fault('SYNC-4012', 'lies outside of the years 1 to 9999')

function instant(utc_s: number, fraction: string): Value | Fault {
  const parts = partsFromEpoch(utc_s, fraction)
  return parts === undefined ? outside : { kind: 'instant', text: `${datetimeText(parts)}+00` }
}

/**
 * Local time to a point in time. In an overlap the earlier one is taken, as java.time and Temporal do. A time in a gap parks:
 * it never was, so any choice would change the value in silence (I6); `gap: later` moves it by the length of the gap.
 */
function resolve(parts: DateParts, zone: Zone, options: DateOptions): Value | Fault {
  const local_s = epochSeconds(parts)
  const { times, before_s } = zone.resolve(local_s)
  if (times.length === 0) {
    if (options.gap === 'later') return instant(local_s - before_s, parts.fraction)
    return fault('SYNC-4020', `is a time that does not exist in ${zone.name}: the clock was put forward`)
  }
  if (times.length > 1 && options.overlap === 'park')
    return fault('SYNC-4020', `is a time that happened twice in ${zone.name}: the clock was put back`)
  return instant(options.overlap === 'later' ? times.at(-1)! : times[0]!, parts.fraction)
}

/** The parts of a value that is a date or time, in a zone where it has its place on the time line. For `format()`. */
export function partsIn(value: Cell, zone: Zone | undefined): DateParts | string {
  const isTime = typeof value === 'object' && value !== null && kindOf(value) === 'time'
  const text = isTime ? (value as { text: string }).text : textOf(value)
  const read = text === undefined ? undefined : parseIso(text)
  if (read === undefined) return 'needs a date or time in the years 1 to 9999'
  const offset_s = read.offset_s ?? (isTime && value.kind === 'instant' ? 0 : undefined)
  if (offset_s === undefined) return read.parts
  const utc_s = epochSeconds(read.parts) - offset_s
  return (
    partsFromEpoch(utc_s + (zone?.offset(utc_s) ?? 0), read.parts.fraction) ?? 'lies outside of the years 1 to 9999'
  )
}
