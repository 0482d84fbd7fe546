import { isNickname } from './nicknames.ts'
import { firstWord, isAlike, isTypo, isWordPart, typos } from './similarity.ts'

/** `ae` for ä, `oe` for ö, `ue` for ü and the like: the forms in which keyboards without them write them. */
function spelling(name: string): string {
  return name
    .replace(/([aou])e/g, '$1')
    .replace(/y|j/g, 'i')
    .replace(/(.)\1/g, '$1')
}

const generationOf = (name: string): string => name.slice(name.lastIndexOf('+') + 1)
/** Whether one is said to be the father and the other the son. */
export const isOtherGeneration = (a: string, b: string): boolean =>
  a.includes('+') && b.includes('+') && generationOf(a) !== generationOf(b)
/** Without what tells a father from his son. */
export const nameOf = (name: string): string => (name.includes('+') ? name.slice(0, name.lastIndexOf('+')) : name)

/** Places in `levelsOf['given-name']`. */
export function givenNames(left: string, right: string): number {
  if (isOtherGeneration(left, right)) return 7
  const [a, b] = [nameOf(left), nameOf(right)]
  if (a === b) return 0
  if (a.length === 1 || b.length === 1) return a[0] === b[0] ? 5 : 7
  if (isInitialsOf(a, b) || isInitialsOf(b, a)) return 5
  if (isNickname(a, b) || isSameSpelling(a, b)) return 1
  if (isTypo(a, b)) return 3
  const [first, second] = [firstWord(a), firstWord(b)]
  if (first.length !== a.length || second.length !== b.length) {
    if (first === second && isOtherMiddle(a.slice(first.length + 1), b.slice(second.length + 1))) return 6
    if (first === second || isWordPart(a, b)) return first.length === 1 ? 5 : 4
    if (isNickname(first, second)) return 4
  }
  return isAlike(a, b, 0.87) || isTwoTypos(a, b) || isNearShort(a, b) ? 6 : 7
}

/** `j p` and `jp` of `jean pierre`, `j r` of `john`. */
function isInitialsOf(short: string, long: string): boolean {
  if (short.length > 5 || !(short.length === 2 ? long.includes(' ') : /^\S(?: \S)+$/.test(short))) return false
  const letters = short.replaceAll(' ', '')
  const names = long.split(' ')
  return [...letters].every((letter, place) =>
    place > 0 && place >= names.length ? true : names[place]![0] === letter,
  )
}

/** Further given names that cannot be the same: no initial, no form, no typing error. */
function isOtherMiddle(a: string, b: string): boolean {
  if (a === '' || b === '' || isWordPart(a, b)) return false
  const [x, y] = [firstWord(a), firstWord(b)]
  if (x.length === 1 || y.length === 1) return x[0] !== y[0]
  return !isNickname(x, y) && !isSameSpelling(x, y) && !isTypo(x, y) && !isAlike(x, y, 0.87)
}

/** One error in a name of three letters, and a short form that is the end of the name: kai and hai, ella and isabella. */
const isNearShort = (a: string, b: string): boolean =>
  Math.min(a.length, b.length) >= 3 &&
  ((Math.max(a.length, b.length) <= 4 && typos(a, b, 1) === 1) ||
    (Math.min(a.length, b.length) >= 4 && (a.endsWith(b) || b.endsWith(a))))

/** Places in `levelsOf['family-name']`. */
export function familyNames(left: string, right: string): number {
  if (isOtherGeneration(left, right)) return 6
  const [a, b] = [nameOf(left), nameOf(right)]
  if (a === b) return 0
  if (isSameSpelling(a, b) || isGlued(a, b)) return 1
  if (isTypo(a, b)) return 3
  if (isWordPart(a, b)) return 4
  if (a.length === 1 || b.length === 1) return a[0] === b[0] ? 5 : 6
  return isAlike(a, b, 0.88) || isTwoTypos(a, b) ? 5 : 6
}

/** A particle that one of them writes as a part of the name: `vandenberg` and `berg`, `alhassan` and `hassan`. */
function isGlued(a: string, b: string): boolean {
  const [short, long] = a.length < b.length ? [a, b] : [b, a]
  return short.length >= 4 && long.endsWith(short) && particlesOnly.test(long.slice(0, long.length - short.length))
}

const particlesOnly =
  /^(?:van|von|vander|den|der|dem|de|del|della|di|da|dos|du|la|le|el|al|ibn|abu|ben|zu|ten|ter) ?$|^(?:van|von|de) ?(?:der|den|de|dem|la|los|las|het) ?$/

const isSameSpelling = (a: string, b: string): boolean =>
  Math.abs(a.length - b.length) <= 4 && a[0] === b[0] && spelling(a) === spelling(b)

const isTwoTypos = (a: string, b: string): boolean => Math.min(a.length, b.length) >= 5 && typos(a, b, 2) <= 2

/** Places in `levelsOf['full-name']`: words are paired one to one, each with the nearest that is free. */
export function fullNames(left: string, right: string): number {
  if (isOtherGeneration(left, right)) return 5
  const [a, b] = [nameOf(left).split(' '), nameOf(right).split(' ')]
  const [short, long] =
    a.length < b.length || (a.length === b.length && nameOf(left) <= nameOf(right)) ? [a, b] : [b, a]
  const free = [...long]
  const take = (fits: (one: string) => boolean): boolean => {
    const place = free.findIndex(fits)
    if (place >= 0) free.splice(place, 1)
    return place >= 0
  }
  const rest = short.filter((word) => !take((one) => one === word))
  const same = short.length - rest.length
  if (rest.length === 0) return free.length === 0 ? (nameOf(left) === nameOf(right) ? 0 : 1) : same >= 2 ? 2 : 3
  const unlike = rest.filter((word) => !take((one) => fitsWord(word, one)))
  if (unlike.length === 0) return same > 0 || short.length > 1 ? 2 : 3
  return same > 0 || unlike.length < short.length ? 4 : 5
}

function fitsWord(a: string, b: string): boolean {
  if (a.length === 1 || b.length === 1) return a[0] === b[0]
  return isTypo(a, b) || isNickname(a, b) || isSameSpelling(a, b)
}
