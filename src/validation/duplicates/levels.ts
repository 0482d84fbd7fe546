import { familyNames, fullNames, givenNames } from './names.ts'
import { isAlike, isTypo, isWordPart, typos } from './similarity.ts'
import type { ComparedKind } from './types.ts'
import { streetKinds } from './words.ts'
import { setSimilarity } from './wordsets.ts'

/** A level of a kind: its name, and what it says to people. */
interface Level {
  readonly name: string
  readonly why: string
}

const level = (name: string, why: string): Level => ({ name, why })
const exact = level('exact', 'the same')
const near = level('near', 'the same but for a typing error')
const different = level('different', 'different')

/**
 * The levels of each kind, nearest first; `compareValues` answers places in these lists. The first is always `exact` and the
 * last always `different`.
 */
export const levelsOf: { readonly [kind in ComparedKind]: readonly Level[] } = {
  'given-name': [
    exact,
    level('form', 'two forms of one name'),
    level('swapped', 'the same, but given and family name stand in each other’s field'),
    near,
    level('part', 'one has a part of the other'),
    level('initial', 'an initial that fits'),
    level('alike', 'alike'),
    different,
  ],
  'family-name': [
    exact,
    level('form', 'the same in another spelling'),
    level('swapped', 'the same, but given and family name stand in each other’s field'),
    near,
    level('part', 'one has a part of the other'),
    level('alike', 'alike'),
    different,
  ],
  'full-name': [
    exact,
    level('order', 'the same words in another order'),
    level('form', 'the same but for forms, initials or typing errors'),
    level('part', 'one has a part of the other'),
    level('alike', 'some words are the same'),
    different,
  ],
  email: [
    exact,
    level('mailbox', 'the same mailbox, written differently'),
    near,
    level('local', 'the same name at another domain'),
    level('shared', 'the same mailbox, but one that many share'),
    different,
  ],
  phone: [exact, level('suffix', 'the same but for the prefix'), near, different],
  'date-of-birth': [
    exact,
    level('swapped', 'the same with day and month swapped'),
    near,
    level('parts', 'two of year, month and day are the same'),
    level('alike', 'the same but for two digits'),
    level('year', 'the same year; the rest is not known'),
    different,
  ],
  street: [
    exact,
    near,
    level('part', 'one has a part of the other'),
    level('number', 'the same street, another number'),
    level('alike', 'alike'),
    different,
  ],
  city: [exact, near, level('part', 'one has a part of the other'), different],
  postcode: [exact, near, level('area', 'the same area'), different],
  region: [exact, near, different],
  country: [exact, different],
  organisation: [
    exact,
    near,
    level('part', 'one has the words of the other, and more'),
    level('short', 'one is the initials of the other'),
    level('similar', 'most words are the same'),
    level('alike', 'some words are the same'),
    different,
  ],
  website: [exact, near, different],
  identifier: [exact, near, level('alike', 'the same but for two typing errors'), different],
  text: [
    exact,
    near,
    level('part', 'one has the words of the other, and more'),
    level('similar', 'most words are the same'),
    level('alike', 'half of the words are the same'),
    level('little', 'some words are the same'),
    different,
  ],
  number: [exact, near, level('alike', 'within a tenth of each other'), different],
}

/** Names of people. */
export const isName: { readonly [kind in ComparedKind]?: true } = {
  'given-name': true,
  'family-name': true,
  'full-name': true,
}

/** What namesakes of one town do not share. */
export const isOwn: { readonly [kind in ComparedKind]?: true } = {
  email: true,
  phone: true,
  'date-of-birth': true,
  street: true,
  identifier: true,
  organisation: true,
  text: true,
  number: true,
}

/** How near two normalised values are, both not empty: a place in `levelsOf[kind]`. Symmetric. */
export function compareValues(kind: ComparedKind, a: string, b: string): number {
  if (a === b) return equalValues(kind, a)
  return comparators[kind](a, b)
}

/** Equal values that say less than others: a mailbox that many share, an initial, a year of birth. */
function equalValues(kind: ComparedKind, value: string): number {
  if (kind === 'email' && value.startsWith('+')) return 4
  if (kind === 'date-of-birth' && isOpen(value)) return value.startsWith('0000') ? 2 : 5
  return kind === 'given-name' && value.length === 1 ? 5 : 0
}

const comparators: { readonly [kind in ComparedKind]: (a: string, b: string) => number } = {
  'given-name': givenNames,
  'family-name': familyNames,
  'full-name': fullNames,
  email: emails,
  phone: phones,
  'date-of-birth': dates,
  street: streets,
  city: (a, b) => (isTypo(a, b) ? 1 : isWordPart(a, b) ? 2 : 3),
  postcode: (a, b) => (typos(a, b, 1) === 1 ? 1 : a.length >= 4 && a.slice(0, 3) === b.slice(0, 3) ? 2 : 3),
  region: (a, b) => (isTypo(a, b) || isInitials(a, b) || isInitials(b, a) ? 1 : 2),
  country: () => 1,
  organisation: organisations,
  website: (a, b) => (withoutEnding(a) === withoutEnding(b) || isTypo(a, b) ? 1 : 2),
  identifier: (a, b) => {
    const shorter = Math.min(a.length, b.length)
    const apart = shorter < 4 ? 9 : typos(a, b, 2)
    return apart === 1 ? 1 : apart === 2 && shorter >= 6 ? 2 : 3
  },
  text: texts,
  number: numbers,
}

function emails(a: string, b: string): number {
  const [aAt, bAt] = [a.lastIndexOf('@'), b.lastIndexOf('@')]
  const [aLocal, bLocal] = [aAt < 0 ? a : a.slice(0, aAt), bAt < 0 ? b : b.slice(0, bAt)]
  if (aLocal.startsWith('+') || bLocal.startsWith('+')) return 5
  const [aDomain, bDomain] = [a.slice(aAt + 1), b.slice(bAt + 1)]
  if (aDomain === bDomain && mailbox(aLocal) === mailbox(bLocal)) return 1
  if (aLocal === bLocal) return typos(aDomain, bDomain, 2) <= 2 ? 2 : aLocal.length >= 4 ? 3 : 5
  // Namesakes tell their addresses apart by a number; that is no typing error.
  if (typos(a, b, 2) <= (aLocal.length >= 8 ? 2 : 1) && a.replace(/\D+/g, '') === b.replace(/\D+/g, '')) return 2
  return 5
}

/** Dots and what follows a plus, which some providers ignore. */
const mailbox = (local: string): string => local.replace(/\+.*$/, '').replaceAll('.', '')

function phones(a: string, b: string): number {
  const shorter = Math.min(a.length, b.length)
  let tail = 0
  while (tail < shorter && a.charCodeAt(a.length - 1 - tail) === b.charCodeAt(b.length - 1 - tail)) tail++
  if (tail >= 8 || (tail >= 7 && tail === shorter)) return 1
  return shorter >= 6 && typos(a.slice(-9), b.slice(-9), 1) === 1 ? 2 : 3
}

function dates(a: string, b: string): number {
  if (a.length !== 8 || b.length !== 8) return typos(a, b, 2) <= 2 ? 2 : 6
  const [aYear, bYear] = [a.slice(0, 4), b.slice(0, 4)]
  const [aMonth, bMonth, aDay, bDay] = [a.slice(4, 6), b.slice(4, 6), a.slice(6), b.slice(6)]
  if (aYear === '0000' || bYear === '0000') return a.slice(4) === b.slice(4) ? 2 : 6
  if (isOpen(a) || isOpen(b)) return aYear === bYear && (aMonth === bMonth || isOpenMonth(a) || isOpenMonth(b)) ? 5 : 6
  if (aYear === bYear && aMonth === bDay && aDay === bMonth) return 1
  if (typos(a, b, 1) === 1) return 2
  const same = (aYear === bYear ? 1 : 0) + (aMonth === bMonth ? 1 : 0) + (aDay === bDay ? 1 : 0)
  // Who knows the year alone is often written down as born on its first day.
  if (same === 2) return 3
  if (same === 1 && aYear === bYear && (a.endsWith('0101') || b.endsWith('0101'))) return 5
  return typos(a, b, 2) === 2 ? 4 : 6
}

/** A date of which the year, or year and month, are known; or day and month, with the year 0000. */
const isOpen = (date: string): boolean => date.length === 8 && (date.endsWith('00') || date.startsWith('0000'))
const isOpenMonth = (date: string): boolean => date.endsWith('0000')

function streets(a: string, b: string): number {
  const [aParts, bParts] = [streetParts(a), streetParts(b)]
  const numbers = aParts.numbers !== '' && bParts.numbers !== ''
  const sameNumber = aParts.numbers === bParts.numbers
  const [aName, bName] = [aParts.name, bParts.name]
  if (aName !== '' && (aName === bName || isTypo(aName, bName))) return sameNumber ? 1 : numbers ? 3 : 2
  if (isSameUnspaced(a, b) || (!numbers && isTypo(a, b))) return 1
  const manyWords = aName.includes(' ') || bName.includes(' ')
  if (manyWords && isWordPart(a, b)) return 2
  const alike = manyWords ? setSimilarity(aName, bName) : 0
  if (alike >= 0.6) return numbers && !sameNumber ? 4 : alike >= 0.8 ? 1 : 2
  return isAlike(aName, bName, 0.88) && !(numbers && !sameNumber) ? 4 : 5
}

const isSameUnspaced = (a: string, b: string): boolean =>
  a.charCodeAt(0) === b.charCodeAt(0) && a.replaceAll(' ', '') === b.replaceAll(' ', '')

/** The numbers of a street, and its words without those that many streets have. */
export function streetParts(street: string): { numbers: string; name: string } {
  let [numbers, name, kinds] = ['', '', '']
  for (let from = 0; from < street.length; ) {
    const space = street.indexOf(' ', from)
    const to = space < 0 ? street.length : space
    const word = street.slice(from, to)
    if (hasDigit(word)) numbers = numbers === '' ? word : `${numbers} ${word}`
    else if (streetKinds.has(word)) kinds = kinds === '' ? word : `${kinds} ${word}`
    else name = name === '' ? word : `${name} ${word}`
    from = to + 1
  }
  return { numbers, name: name === '' ? kinds : name }
}

function hasDigit(word: string): boolean {
  for (let i = 0; i < word.length; i++) {
    const unit = word.charCodeAt(i)
    if (unit >= 48 && unit <= 57) return true
  }
  return false
}

function organisations(a: string, b: string): number {
  if (isSameUnspaced(a, b) || isTypo(a, b)) return 1
  if (isInitials(a, b) || isInitials(b, a)) return 3
  const alike = setSimilarity(a, b)
  if (alike >= 0.92) return 1
  if (isWordPart(a, b)) return 2
  return alike >= 0.7 ? 4 : alike >= 0.4 ? 5 : 6
}

/** `ibm` of `intl business machines`. */
function isInitials(short: string, long: string): boolean {
  if (short.includes(' ') || short.length < 2 || !long.includes(' ')) return false
  const initials = long.split(' ')
  return initials.length === short.length && initials.every((word, place) => word[0] === short[place])
}

function texts(a: string, b: string): number {
  const [spacedA, spacedB] = [a.includes(' '), b.includes(' ')]
  if (!spacedA && !spacedB) return /\d/.test(a) && a.length < 6 ? 6 : isTypo(a, b) ? 1 : isAlike(a, b, 0.9) ? 3 : 6
  if (isSameUnspaced(a, b) || isTypo(a, b)) return 1
  const alike = setSimilarity(a, b)
  if (alike >= 0.9) return 1
  if (isWordPart(a, b)) return 2
  return alike >= 0.72 ? 3 : alike >= 0.5 ? 4 : alike >= 0.28 ? 5 : 6
}

function numbers(a: string, b: string): number {
  const [x, y] = [Number(a), Number(b)]
  if (Number.isNaN(x) || Number.isNaN(y)) return 3
  const apart = Math.abs(x - y) / Math.max(Math.abs(x), Math.abs(y))
  return apart <= 0.01 ? 1 : apart <= 0.1 ? 2 : 3
}

/** A domain without its last label. */
const withoutEnding = (domain: string): string => domain.replace(/\.[a-z]+$/, '')
