import { text as exactText, type Value } from '../../model/value.ts'
import { fold, isPlaceholder, isRepeated, valueUnitsMax, words } from './fold.ts'
import { countryForms, regionForms } from './places.ts'
import type { ComparedKind } from './types.ts'
import {
  degrees,
  generations,
  legalForms,
  organisationWords,
  particles,
  sharedMailboxes,
  streetWords,
  titles,
} from './words.ts'

/** How many words of a value are compared. */
const wordsMax = 24

/**
 * A value as it is compared: one short text, '' where there is nothing to compare (absent, null, invalid, a placeholder).
 * Never throws; the work is bounded whatever the length.
 */
export function normalise(kind: ComparedKind, value: Value | undefined): string {
  if (value === undefined || value === null) return ''
  if (typeof value === 'object' && (value.kind === 'invalid' || value.kind === 'bytes')) return ''
  const exact = exactText(value) ?? ''
  const start = exact.length > valueUnitsMax * 4 ? exact.slice(0, valueUnitsMax * 4) : exact
  const folded = fold(start.trim())
  if (folded === '' || isPlaceholder(folded)) return ''
  const normal = normals[kind](folded)
  return normal.length > valueUnitsMax ? normal.slice(0, valueUnitsMax) : normal
}

const normals: { readonly [kind in ComparedKind]: (folded: string) => string } = {
  'given-name': (folded) => (formsOnly.has(folded.replace(/[^a-z]+/g, '')) ? '' : personName(folded, false)),
  'family-name': (folded) => personName(folded, true),
  'full-name': fullName,
  email: emailAddress,
  phone: phoneDigits,
  'date-of-birth': birthDate,
  street: (folded) => inOneForm(words(folded), streetWords).join(' '),
  city: (folded) => inOneForm(words(folded), cityWords).join(' '),
  // A code of nine digits is a ZIP code and a part of the town.
  postcode: (folded) => bare(folded, 2).replace(/^(\d{5})\d{4}$/, '$1'),
  region: (folded) => inForm(words(folded).join(' '), regionForms),
  country: (folded) => inForm(words(folded).join(' '), countryForms),
  organisation: organisationName,
  website: domainName,
  // 0 is what stands where there is none.
  identifier: (folded) => bare(folded, 4).replace(/^0+$/, ''),
  text: (folded) => words(folded).slice(0, wordsMax).join(' '),
  number: (folded) => (/^[+-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?$/.test(folded) ? String(Number(folded)) : bare(folded, 99)),
}

/** What stands in the place of a given name that is not known. */
const formsOnly: ReadonlySet<string> = new Set('mr mrs ms miss sir dr prof herr frau mme mlle baby newborn'.split(' '))

const cityWords: ReadonlyMap<string, string> = new Map([
  ['saint', 'st'],
  ['sankt', 'st'],
  ['mount', 'mt'],
  ['fort', 'ft'],
  ['north', 'n'],
  ['south', 's'],
  ['east', 'e'],
  ['west', 'w'],
])

const inForm = (name: string, forms: ReadonlyMap<string, string>): string => forms.get(name) ?? name

/** Letters and digits only; nothing where it is one character over and over (`repeats` or more of them). */
function bare(folded: string, repeats: number): string {
  const text = words(folded).join('')
  return text.length >= repeats && isRepeated(text) ? '' : text
}

/** Each word in its one form, single letters joined: `g.m.b.h.` is one word. */
function inOneForm(parts: readonly string[], forms: ReadonlyMap<string, string>): string[] {
  return parts.slice(0, wordsMax).map((word) => {
    const form = forms.get(word)
    if (form !== undefined) return form
    return word.length > 6 ? word.replace(/(?<=\p{L}{2})(?:strasse|str)$/u, 'str') : word
  })
}

/**
 * A given or family name: titles, degrees and particles dropped where something is left; what tells a father from his son
 * stands at the end as `+jr`.
 */
function personName(folded: string, family: boolean): string {
  const [plain, generation] = withoutForms(words(folded))
  const parts = family ? joinPrefixes(plain) : plain
  const heart = family ? parts.filter((word) => !particles.has(word)) : parts
  const kept = heart.length > 0 ? heart : parts
  if (kept.length === 0) return ''
  return `${kept.slice(0, 6).join(' ')}${generation === undefined ? '' : `+${generation}`}`
}

/** `Last, First` is turned; otherwise as it stands. */
function fullName(folded: string): string {
  const comma = folded.indexOf(',')
  const turned = comma > 0 ? `${folded.slice(comma + 1)} ${folded.slice(0, comma)}` : folded
  return personName(turned, true)
}

function withoutForms(parts: readonly string[]): [string[], string | undefined] {
  const plain: string[] = []
  let generation: string | undefined
  for (const [place, word] of parts.entries()) {
    const found = place > 0 || parts.length === 1 ? generations.get(word) : undefined
    if (found !== undefined && parts.length > 1) generation = found
    else if (!(titles.has(word) && parts.length > 1) && !(degrees.has(word) && place > 0)) plain.push(word)
  }
  return plain.length > 0 ? [plain, generation] : [[...parts], undefined]
}

/** `o connor` is `oconnor`, `mc donald` is `mcdonald`. */
function joinPrefixes(parts: readonly string[]): string[] {
  const joined: string[] = []
  for (const word of parts) {
    const last = joined.at(-1)
    if (last === 'o' || last === 'mc' || last === 'mac' || last === 'd') joined[joined.length - 1] = `${last}${word}`
    else joined.push(word)
  }
  return joined
}

const emptyMailboxes: ReadonlySet<string> = new Set(
  'none no na noemail nomail noreply donotreply test unknown null xxx x keine nobody nomailbox noaddress unbekannt'.split(
    ' ',
  ),
)

/** `name@domain`, lower case. A shared mailbox (`info@`) is marked with a leading `+`. */
function emailAddress(folded: string): string {
  let address = folded.replace(/\s+/g, '')
  const open = address.lastIndexOf('<')
  if (open >= 0) address = address.slice(open + 1).replace(/>.*$/, '')
  if (address.startsWith('mailto:')) address = address.slice(7)
  const at = address.lastIndexOf('@')
  const local = at < 0 ? address : address.slice(0, at)
  if (local === '' || emptyMailboxes.has(local.replace(/[^a-z]/g, ''))) return at < 0 || local !== '' ? '' : address
  return sharedMailboxes.has(local) ? `+${address}` : address
}

/** Digits without leading zeros and extension; fewer than five say nothing. */
function phoneDigits(folded: string): string {
  const number = folded.replace(/(?:\bext\.?|\bx|durchwahl|\bdw|#).*$/, '').replace(/\(0\)/, '')
  const digits = number.replace(/\D+/g, '').replace(/^0+/, '')
  if (digits.length < 5 || isRepeated(digits.slice(-6)) || /^(?:0?123456789?0?|987654321)$/.test(digits)) return ''
  return digits.slice(0, 20)
}

/** What stands where no birthday is known. */
const emptyDates: ReadonlySet<string> = new Set(
  '19000101 19000102 18991230 18991231 19010101 19700101 17530101 00010101 99991231 11111111 20000101'.split(' '),
)
const months = 'jan feb mar apr may jun jul aug sep oct nov dec'.split(' ')

/** Day and month of a birthday whose year is not known. */
const yearless = /^0000(?!00)\d\d(?!00)\d\d$/

/** `yyyymmdd`; `yyyy0000` where only the year is known, `0000mmdd` where it is not; other digits as they stand. Slashes: month first unless it cannot be. */
function birthDate(folded: string): string {
  const date = dateDigits(folded)
  const year = Number(date.slice(0, 4))
  if (date.length === 8 && (emptyDates.has(date) || (year < 1000 && !yearless.test(date)) || year > 2200)) return ''
  return isRepeated(date) ? '' : date
}

function dateDigits(folded: string): string {
  const iso = /^(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?!\d)/.exec(folded)
  if (iso !== null) return `${iso[1]}${two(iso[2]!)}${two(iso[3]!)}`
  const local = /^(\d{1,2})([-/. ]{1,2})(\d{1,2})[-/. ]{1,2}(\d{4}|\d{2})(?!\d)/.exec(folded)
  if (local !== null) {
    const [, first, between, second, year] = local
    const monthFirst = between!.startsWith('/') ? Number(first) <= 12 : Number(second) > 12
    return `${fullYear(year!)}${two(monthFirst ? first! : second!)}${two(monthFirst ? second! : first!)}`
  }
  const named = /([a-z]{3})[a-z]*/.exec(folded)
  const month = named === null ? -1 : months.indexOf(named[1]!)
  if (month >= 0) {
    const year = /\d{4}/.exec(folded)?.[0]
    const day = /(?<!\d)\d{1,2}(?!\d)/.exec(folded)?.[0]
    if (year !== undefined) return `${year}${two(String(month + 1))}${two(day ?? '0')}`
  }
  const digits = folded.replace(/\D+/g, '')
  if (digits.length === 4) return `${digits}0000`
  return digits.length >= 6 && digits.length <= 9 ? digits : ''
}

const two = (digits: string) => digits.padStart(2, '0')
/** The century of a birthday whose year has two digits: nobody is born in the future. */
export const fullYear = (year: string): string => (year.length === 4 ? year : `${Number(year) > 30 ? 19 : 20}${year}`)

/** Words in their one form, without legal form. */
function organisationName(folded: string): string {
  const joined: string[] = []
  let letters = false
  for (const word of words(folded.replaceAll('&', ' and ')).slice(0, wordsMax)) {
    const single = word.length === 1 && /[a-z]/.test(word)
    if (single && letters) joined[joined.length - 1] += word
    else joined.push(word)
    letters = single
  }
  const kept = joined.filter((word) => !legalForms.has(word))
  return inOneForm(kept.length > 0 ? kept : joined, organisationWords).join(' ')
}

function domainName(folded: string): string {
  const address = folded.replace(/\s+/g, '').replace(/^[a-z]+:\/\//, '')
  return address
    .slice(address.indexOf('@') + 1)
    .replace(/[/?#:].*$/, '')
    .replace(/^www\d?\./, '')
}
