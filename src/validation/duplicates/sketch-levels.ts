import { compareValues, streetParts } from './levels.ts'
import { nameOf } from './names.ts'
import { formsOfName } from './nicknames.ts'
import { firstWord, typos } from './similarity.ts'

/**
 * What a sketch tells of each value, and at which levels the two values may then be. Kept is the first field of each of these kinds:
 * 0 where nothing is known, 1 where the value is missing, else two more than what is told of the value. What two values at most
 * differ in decides what that is: a typing error changes at most two letters, so that it flips at most two of the bits that count
 * each letter modulo two. Rows keep what is told: who changes it, or the lists that it is made from (nicknames, kinds of streets), raises
 * `rulesVersion` of plan.ts.
 */
export const parts = [
  { kind: 'given-name', word: 0, shift: 0, mask: -1 },
  { kind: 'family-name', word: 1, shift: 0, mask: -1 },
  { kind: 'date-of-birth', word: 2, shift: 0, mask: 0xfffff },
  { kind: 'email', word: 3, shift: 0, mask: -1 },
  { kind: 'phone', word: 4, shift: 0, mask: -1 },
  { kind: 'street', word: 5, shift: 0, mask: -1 },
  { kind: 'country', word: 2, shift: 20, mask: 0x3ff },
] as const
/** Where something of a value is kept. */
export type Part = (typeof parts)[number]
type SketchedKind = Part['kind']

/** Anything is possible. */
export const UNKNOWN = 0
/** The value is missing. */
export const MISSING = 1

/** What is kept of a value, in the sketch that begins at `at`. */
export const partAt = ({ word, shift, mask }: Part, sketches: ArrayLike<number>, at: number): number =>
  (((sketches[at + word] as number) >>> shift) & mask) >>> 0

/** Letters are compared up to here; see similarity.ts. */
const comparedUnitsMax = 64

/** Which letters share a bit: the more frequent one is, the fewer others. */
const together = 'a e ijy o u n r l sz dt fm cgkqx bpvw h'.split(' ')
const classOf = Uint8Array.from({ length: 128 }, (_, code) => {
  const found = together.findIndex((letters) => letters.includes(String.fromCharCode(code)))
  return found < 0 ? code % together.length : found
})

/** One bit for each class of letters: how often they occur, modulo two. */
function parity(text: string, classes: number): number {
  let bits = 0
  const end = Math.min(text.length, comparedUnitsMax)
  for (let i = 0; i < end; i++) bits ^= 1 << (classOf[text.charCodeAt(i) & 127] as number)
  // The last classes share bits where there are fewer.
  return (bits & ((1 << classes) - 1)) ^ (bits >>> classes)
}

const step = (bits: number, unit: number): number => Math.imul(bits ^ unit, 0x85ebca6b) ^ (bits >>> 13)
const SEED = 0x1b873593

function bitsIn(mask: number): number {
  let count = 0
  for (let left = mask; left !== 0; left &= left - 1) count++
  return count
}

/** Parity of its letters (14), first and last letter (4 each), names that stand for it (6), several words, an initial. */
function nameBits(value: string): number | null {
  const name = nameOf(value)
  // What is written in other letters may say nothing.
  if (name.charCodeAt(0) >= 0x250) return null
  const first = firstWord(name)
  let forms = 0
  for (const place of formsOfName(first)) forms |= 1 << (place % 6)
  const ends = (name.charCodeAt(0) & 15) | ((name.charCodeAt(name.length - 1) & 15) << 4)
  return (
    parity(name, 14) |
    (ends << 14) |
    (forms << 22) |
    (first.length === name.length ? 0 : 1 << 28) |
    (first.length === 1 ? 1 << 29 : 0)
  )
}

const [PLUS, DOT, SPACE, ZERO, NINE] = [43, 46, 32, 48, 57]
const isDigit = (unit: number): boolean => unit >= ZERO && unit <= NINE

/** The mailbox (12), its digits (4), parity of all (14). */
function emailBits(email: string): number {
  const at = email.lastIndexOf('@')
  let [mailbox, digits, named] = [SEED, SEED, true]
  for (let i = 0; i < email.length; i++) {
    const unit = email.charCodeAt(i)
    if (isDigit(unit)) digits = step(digits, unit)
    // Dots, and what follows a plus, tell no mailboxes apart.
    if (i === at || unit === PLUS) named = false
    if (named && unit !== DOT) mailbox = step(mailbox, unit)
  }
  return (mixed(mailbox) & 0xfff) | ((mixed(digits) & 15) << 12) | (parity(email, 14) << 16)
}

const mixed = (bits: number): number => bits ^ (bits >>> 16)

/** The whole without spaces (8), its numbers (6) and whether there are any, the name: parity (10), first letter (4), several words. */
function streetBits(street: string): number {
  const { numbers, name } = streetParts(street)
  let [whole, places] = [SEED, SEED]
  for (let i = 0; i < street.length; i++) if (street.charCodeAt(i) !== SPACE) whole = step(whole, street.charCodeAt(i))
  for (let i = 0; i < numbers.length; i++) places = step(places, numbers.charCodeAt(i))
  return (
    (mixed(whole) & 0xff) |
    ((mixed(places) & 63) << 8) |
    (numbers === '' ? 0 : 1 << 14) |
    (parity(name, 10) << 15) |
    ((name.charCodeAt(0) & 15) << 25) |
    (name.includes(' ') ? 1 << 29 : 0)
  )
}

/** A number of digits from a place on; -1 where something else is there. */
function digitsFrom(text: string, from: number, to: number): number {
  let number = 0
  for (let i = from; i < to; i++) {
    if (!isDigit(text.charCodeAt(i))) return -1
    number = number * 10 + text.charCodeAt(i) - ZERO
  }
  return number
}

function dateBits(value: string): number | null {
  const digits = value.length === 8 ? digitsFrom(value, 0, 8) : -1
  const [year, month, day] = [Math.floor(digits / 10_000), Math.floor(digits / 100) % 100, digits % 100]
  if (year < 1_000 || year > 2_200 || month > 12 || day > 31) return null
  return ((year - 1_000) * 13 + month) * 32 + day
}

function phoneBits(value: string): number | null {
  const digits = value.length < 7 ? -1 : digitsFrom(value, value.length - 7, value.length)
  return digits < 0 ? null : digits
}

/** What is told of a value, up to 30 bits; null: nothing. */
const told: { readonly [kind in SketchedKind]: (value: string) => number | null } = {
  'given-name': nameBits,
  'family-name': nameBits,
  'date-of-birth': dateBits,
  email: emailBits,
  phone: phoneBits,
  street: streetBits,
  // From `aa` to `zz`.
  country: (value) => (/^[a-z]{2}$/.test(value) ? Number.parseInt(value, 36) - 370 : null),
}

/** What is kept of a value. */
export function bitsOf(kind: SketchedKind, value: string | undefined): number {
  if (value === undefined) return UNKNOWN
  if (value === '') return MISSING
  const bits = told[kind](value)
  return bits === null ? UNKNOWN : bits + 2
}

/** The date of which that is told. */
function dateFrom(bits: number): string {
  const months = bits >>> 5
  const year = Math.floor(months / 13)
  return String((year + 1_000) * 10_000 + (months - year * 13) * 100 + (bits & 31))
}

/** One side of a comparison, with the value itself. */
export interface Own {
  readonly value: string
  /** How long its name is. */
  readonly units: number
  /** What is told of it. */
  readonly bits: number
}

/** Levels that a value, and another one of which that is told, may be at, one bit each. May tell too many, never too few. */
export const possible: { readonly [kind in SketchedKind]: (own: Own, bits: number) => number } = {
  'given-name': givenLevels,
  'family-name': familyLevels,
  'date-of-birth': ({ value }, bits) => 1 << compareValues('date-of-birth', value, dateFrom(bits)),
  email: emailLevels,
  phone: phoneLevels,
  street: streetLevels,
  country: ({ bits: own }, bits) => (own === bits ? 0b01 : 0b10),
}

const SEVERAL = 1 << 28
const INITIAL = 1 << 29

/** Two errors in a name of nine letters or more; one in a shorter one, which leaves its first letter or its last. */
const mayErr = (units: number, apart: number, isOneEnd: boolean | undefined): boolean =>
  units <= 6 ? apart <= 2 && isOneEnd === true : apart <= 4

/** Levels of given names. */
export function givenLevels({ units, bits: a }: Own, b: number): number {
  const [apart, either] = [bitsIn((a ^ b) & 0x3fff), a | b]
  const [isFirst, isLast] = [((a ^ b) >>> 14) & 15, ((a ^ b) >>> 18) & 15].map((bits) => bits === 0)
  let levels = 1 << 7
  if (a === b) levels |= 1
  if (isFirst || ((a & b) >>> 22) & 63) levels |= 1 << 1
  if (mayErr(units, apart, isFirst || isLast)) levels |= 1 << 3
  if (either & SEVERAL) levels |= 1 << 4
  if ((either & INITIAL && (isFirst || either & SEVERAL)) || (isFirst && either & SEVERAL)) levels |= 1 << 5
  if (isFirst || isLast || apart <= 4) levels |= 1 << 6
  return levels
}

/** Levels of family names. */
export function familyLevels({ units, bits: a }: Own, b: number): number {
  const apart = bitsIn((a ^ b) & 0x3fff)
  const [isFirst, isLast] = [((a ^ b) >>> 14) & 15, ((a ^ b) >>> 18) & 15].map((bits) => bits === 0)
  let levels = 1 << 6
  if (a === b) levels |= 1
  if (isFirst || isLast) levels |= 1 << 1
  if (mayErr(units, apart, isFirst || isLast)) levels |= 1 << 3
  if ((a | b) & SEVERAL) levels |= 1 << 4
  if (isFirst || apart <= 4) levels |= 1 << 5
  return levels
}

function emailLevels({ bits: a }: Own, b: number): number {
  const differ = a ^ b
  if ((differ & 0xfff) === 0) return 0b111111
  return (differ & 0xf000) === 0 && bitsIn(differ >>> 16) <= 4 ? 0b100100 : 0b100000
}

function phoneLevels({ value, bits: a }: Own, b: number): number {
  if (value.length < 7 || a === b) return 0b1111
  // One error in the last nine digits is at most two in the last seven.
  return typos(value.slice(-7), String(b).padStart(7, '0'), 2) <= 2 ? 0b1100 : 0b1000
}

function streetLevels({ bits: a }: Own, b: number): number {
  const differ = a ^ b
  const numbers = (a & b & (1 << 14)) !== 0
  const sameNumber = (differ & 0x7f00) === 0
  const sameName = bitsIn((differ >>> 15) & 0x3ff) <= 4
  const words = ((a | b) & (1 << 29)) !== 0
  let levels = 1 << 5
  if (differ === 0) levels |= 1
  if ((differ & 0xff) === 0 || !numbers || (sameNumber && (sameName || words))) levels |= 1 << 1
  if (words || (!numbers && sameName)) levels |= 1 << 2
  if (sameName && numbers) levels |= 1 << 3
  if (words || ((differ >>> 25) & 15) === 0) levels |= 1 << 4
  return levels
}
