import { soundOf } from './phonetic.ts'
import type { Features, Pass, Plan } from './types.ts'
import { stopWords, streetKinds } from './words.ts'

/** A record has at most so many blocks. */
export const blocksMax = 24

/**
 * The blocks of a record: 32-bit hashes, signed, distinct. Two records that share one are candidates for a comparison; now and then two
 * that share no trait are, too. A record that lacks what a pass needs has no block of it.
 */
export const blocksOf = (features: Features, plan: Plan): number[] => blocksAndNames(features, plan).blocks

/**
 * The block of the records that bear the same names, as they sound; `undefined` where a name is missing. How many records it
 * holds says how common the names are in this very collection: the `namesakes` of `compare`.
 */
export const namesBlockOf = (features: Features, plan: Plan): number | undefined => blocksAndNames(features, plan).names

/** Both at once: how names sound is worked out once. */
export function blocksAndNames(features: Features, plan: Plan): { blocks: number[]; names: number | undefined } {
  const blocks: number[] = []
  const record: Traits = { features }
  let names: number | undefined
  for (const [place, pass] of plan.passes.entries())
    for (const trait of traitsOf(pass, record)) {
      const block = hash(trait, place)
      // Names are told in any case.
      if (pass.kind === 'names') names = block
      if (blocks.length < blocksMax && !blocks.includes(block)) blocks.push(block)
    }
  return { blocks, names }
}

/** A record on its way through the passes; how its names sound and where it lives is worked out once. */
interface Traits {
  readonly features: Features
  sounds?: readonly string[]
  address?: string
}

/** What a record shares with others by one pass. */
function traitsOf(pass: Pass, record: Traits): readonly string[] {
  const { features } = record
  const [first = 0, second = 0] = pass.fields
  const value = features[first] ?? ''
  switch (pass.kind) {
    case 'value':
      return value.length > 1 ? [value] : []
    case 'key': {
      const values = pass.fields.map((place) => features[place]!)
      return values.includes('') ? [] : [values.join('|')]
    }
    case 'mailbox':
      return mailboxOf(value)
    case 'phone-end':
      return value === '' ? [] : [value.slice(-7)]
    case 'name-birth':
      return nameBirth(value, soundsOf(record, pass))
    case 'birth-initials':
      return birthInitials(value, features, pass.persons ?? [])
    case 'birth-place': {
      const where = features[second]!.slice(0, 3)
      return value.length < 8 || value.endsWith('00') || where === '' ? [] : [`${value}|${where}`]
    }
    case 'names':
      return names(record, pass)
    case 'names-year':
      return value === '' ? [] : names(record, pass).map((both) => `${both}|${value.slice(0, 4)}`)
    case 'names-place':
      return value === '' ? [] : names(record, pass).map((both) => `${both}|${value}`)
    case 'name-place':
      return value === '' ? [] : soundsOf(record, pass).map((sound) => `${sound}|${value}`)
    case 'name-address': {
      const at = livesAt(record, pass)
      return at === '' ? [] : soundsOf(record, pass).map((sound) => `${sound}|${at}`)
    }
    case 'address': {
      const at = livesAt(record, pass)
      return at === '' ? [] : [`${at}|${(pass.where ?? []).map((place) => features[place]!.slice(0, 2)).join('|')}`]
    }
    case 'rare-words':
      return rareWords(value)
    case 'rare-word-place': {
      const where = features[second]!
      return where === '' ? [] : longest(value, 2).map((word) => `${soundOf(word)}|${where}`)
    }
    case 'beginning':
      return value.length < 3 ? [] : [value.replaceAll(' ', '').slice(0, 10)]
  }
}

/** A name with year and month of birth, and with month and day in either order: an error in one part leaves the other. */
function nameBirth(birth: string, sounds: readonly string[]): string[] {
  if (birth.length !== 8 || birth.endsWith('00')) return []
  const [month, day] = [birth.slice(4, 6), birth.slice(6)]
  const days = month < day ? `${month}-${day}` : `${day}-${month}`
  return sounds.flatMap((sound) => [`${sound}|${birth.slice(0, 6)}`, `${sound}|${days}`])
}

function birthInitials(birth: string, features: Features, persons: readonly number[]): string[] {
  if (birth.length < 8 || birth.endsWith('00')) return []
  const initials = persons.map((place) => features[place]!.slice(0, 1)).filter((initial) => initial !== '')
  return initials.length < 2 ? [] : [`${birth}|${initials.sort().join('')}`]
}

/** The part before the @ where it is long enough to be somebody's. */
function mailboxOf(email: string): string[] {
  const at = email.lastIndexOf('@')
  const local = (at < 0 ? email : email.slice(0, at)).replace(/[^\p{L}\p{N}]+/gu, '')
  return local.length < 6 || email.startsWith('+') ? [] : [local]
}

/** How each name of a person sounds: the first word of each field, or the two longest of a whole name. */
function soundsOf(record: Traits, pass: Pass): readonly string[] {
  if (record.sounds !== undefined) return record.sounds
  const names = (pass.persons ?? []).map((place) => nameOf(record.features[place]!)).filter((name) => name !== '')
  // A whole name may stand in one field alone.
  const sounds =
    names.length > 1 ? names.map((name) => soundOf(firstWord(name))) : longest(names[0] ?? '', 2).map(soundOf)
  record.sounds = sounds.sort()
  return record.sounds
}

/** The sounds of given and family name together, in either order; nothing where one of them is missing. */
function names(record: Traits, pass: Pass): string[] {
  const sounds = soundsOf(record, pass)
  return sounds.length < 2 ? [] : [sounds.join('|')]
}

function livesAt(record: Traits, pass: Pass): string {
  record.address ??= addressOf(record.features, pass.fields)
  return record.address
}

/** The first number and the sound of the longest word that is no kind of street. */
function addressOf(features: Features, places: readonly number[]): string {
  let [number, name] = ['', '']
  for (const place of places)
    for (const word of features[place]!.split(' '))
      if (/\d/.test(word)) number ||= word
      else if (!streetKinds.has(word) && word.length > name.length && place === places[0]) name = word
  return number === '' || name === '' ? '' : `${number}|${soundOf(name)}`
}

/** The three longest words, two by two: an error in one leaves a pair. One word alone stands for itself. */
function rareWords(text: string): string[] {
  const words = longest(text, 3).sort()
  if (words.length < 2) return words.map((word) => word.slice(0, 8))
  return words.flatMap((word, place) => words.slice(place + 1).map((other) => `${word}|${other}`))
}

/** The longest words that are not common ones; ties by the alphabet. */
function longest(text: string, count: number): string[] {
  const words = [...new Set(text.split(' '))].filter((word) => word.length > 1 && !stopWords.has(word))
  return words.sort((a, b) => b.length - a.length || (a < b ? -1 : 1)).slice(0, count)
}

const nameOf = (name: string): string => (name.includes('+') ? name.slice(0, name.lastIndexOf('+')) : name)
const firstWord = (name: string): string => {
  const space = name.indexOf(' ')
  return space < 0 ? name : name.slice(0, space)
}

/** Two hashes with different constants (MurmurHash3's mixing), made one; each pass has its own. */
function hash(text: string, pass: number): number {
  let [a, b] = [0x1b873593 + pass, 0x38b34ae5 ^ (pass << 8)]
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    a = Math.imul(a ^ unit, 0x85ebca6b)
    a ^= a >>> 13
    b = Math.imul(b ^ unit, 0xc2b2ae35)
    b ^= b >>> 15
  }
  a = Math.imul(a ^ (a >>> 16) ^ text.length, 0xcc9e2d51)
  b = Math.imul(b ^ (b >>> 15) ^ text.length, 0x2c1b3c6d)
  return a ^ (b >>> 11) ^ Math.imul(b ^ (a >>> 7), -1_640_531_527)
}
