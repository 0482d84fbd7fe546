import { compareValues, isName, isOwn, levelsOf } from './levels.ts'
import { familyRarity, givenRarity } from './name-rarity.ts'
import { isOtherGeneration } from './names.ts'
import type { ComparedKind, Comparison, Features, FieldComparison, Plan, PlannedField } from './types.ts'

/** How much a further field of the same place counts, once one has said it: city and region follow from the postcode. */
export const placeShare = 0.3
/** The bits of a deterministic key: beyond any doubt that other fields can raise. */
const keyBits = 40

/**
 * How likely two records are the same: Fellegi and Sunter's sum of log2(m/u) over the fields, against the likelier of two
 * explanations why they look alike by chance: strangers, or relatives who share a family name, an address, a telephone.
 * Symmetric and deterministic; a missing value says nothing. `namesakes`: how many records of the collection bear the names
 * (the size of the block that `namesBlockOf` names); many make equal names weak evidence. `explains`: fields are told of a
 * separate pair too; most pairs are, and nobody asks why.
 */
export function compare(a: Features, b: Features, plan: Plan, namesakes = 0, explains = true): Comparison {
  const levels = levelsBetween(a, b, plan)
  const { strangers, relatives } = evidenceOf(levels, a, b, plan)
  const { priorBits } = plan
  const strangersPrior = priorBits.strangers - namesakeBits(levels, namesakes, plan)
  const [againstStrangers, againstRelatives] = [strangers.sum + strangersPrior, relatives.sum + priorBits.relatives]
  const against = againstStrangers <= againstRelatives ? 'strangers' : 'relatives'
  const key = keyOf(a, b, plan)
  const bits = key === undefined ? Math.min(againstStrangers, againstRelatives) : keyBits
  const { mergeBits, reviewBits } = plan.thresholds
  const veto = key === undefined && bits >= reviewBits ? vetoOf(levels, a, b, plan) : undefined
  const verdict = bits < reviewBits ? 'separate' : bits < mergeBits || veto !== undefined ? 'review' : 'merge'
  return {
    bits,
    probability: 1 / (1 + 2 ** -bits),
    verdict,
    priorBits: against === 'strangers' ? strangersPrior : priorBits.relatives,
    against,
    fields:
      verdict === 'separate' && !explains
        ? []
        : explain(levels, against === 'strangers' ? strangers.bits : relatives.bits, plan),
    ...(key === undefined ? {} : { key: key.map((place) => plan.fields[place]!.name) }),
    ...(veto === undefined ? {} : { veto }),
  }
}

/** A record and its own duplicates share its names too; only what is beyond them are namesakes. */
const ownMax = 3
/** How often two strangers bear the same names by the shipped weights. */
const sameNames = 9e-6

/** Bits to take away because the names, which agree, are commoner in this collection than the weights take them for. */
function namesakeBits(levels: readonly number[], namesakes: number, plan: Plan): number {
  if (namesakes <= ownMax) return 0
  const agree = plan.fields.every(({ kind }, place) => {
    const level = levels[place]!
    return !isName[kind] || (level !== missing && level <= 3)
  })
  return agree ? Math.max(0, Math.log2((namesakes - ownMax) / plan.population / sameNames)) : 0
}

/** A value that is missing on one side; no place in the levels of a kind. */
export const missing = -1

/**
 * The level of each field, as places in `levelsOf`; `missing` where one side has no value. Of several telephones or e-mail
 * addresses the nearest two count, wherever they stand.
 */
export function levelsBetween(a: Features, b: Features, plan: Plan): number[] {
  const { fields } = plan
  const levels = new Array<number>(fields.length)
  for (let place = 0; place < fields.length; place++) {
    const [left, right] = [a[place]!, b[place]!]
    const { kind } = fields[place]!
    levels[place] =
      left === '' || right === '' || isOtherScript(kind, left, right) ? missing : compareValues(kind, left, right)
  }
  for (const [first, second] of plan.swaps) crossed(first, second, a, b, levels)
  for (const group of plan.several) nearestOf(group, a, b, levels, plan)
  return levels
}

/** A name in Latin letters and one in others say nothing of each other. */
const isOtherScript = (kind: ComparedKind, a: string, b: string): boolean =>
  isName[kind] === true && isLatin(a) !== isLatin(b)
const isLatin = (name: string): boolean => name.charCodeAt(0) < 0x250

/** Given and family name may stand in each other's place. */
function crossed(first: number, second: number, a: Features, b: Features, levels: number[]): void {
  const [aFirst, bFirst, aSecond, bSecond] = [a[first]!, b[first]!, a[second]!, b[second]!]
  if (aFirst === '' || bFirst === '' || aSecond === '' || bSecond === '') {
    inOneField([aFirst, aSecond], [bFirst, bSecond], first, second, levels)
    return
  }
  // Whose given name is not known, is often written down with the family name in both places.
  if ((aFirst === aSecond) !== (bFirst === bSecond) && levels[first]! > 5) levels[first] = missing
  const poor = 4
  if (levels[first]! <= poor || levels[second]! <= poor) return
  const [x, y] = [compareValues('given-name', aFirst, bSecond), compareValues('given-name', aSecond, bFirst)]
  const initial = (x === 5) !== (y === 5) && Math.min(x, y) <= poor
  const both = (x <= poor && y <= poor) || initial
  // Whose names were swapped, and who bears another family name since.
  if (!both && x !== 0 && y !== 0) return
  levels[first] = 2
  if (both) levels[second] = 2
}

/** A whole name in one of its fields, while the other one is empty: `Grace Hopper` as the family name. */
function inOneField(
  a: readonly [string, string],
  b: readonly [string, string],
  first: number,
  second: number,
  levels: number[],
): void {
  const whole = (names: readonly string[]) => names.filter((name) => name !== '').join(' ')
  const [left, right] = [whole(a), whole(b)]
  if (left === '' || right === '') return
  const crossed = levels[first] === missing && levels[second] === missing
  if (!crossed && !(left.includes(' ') && right.includes(' ') && a.includes('') !== b.includes(''))) return
  const level = left === right ? 0 : compareValues('full-name', left, right)
  if (level > 2) return
  // One name alone stands for the given or for the family name, nobody knows which.
  levels[first] = level === 2 ? 3 : 2
  if (left.includes(' ')) levels[second] = 2
}

/** Several fields of one kind: the nearest pair stands at the first of them, the others say nothing. */
function nearestOf(group: readonly number[], a: Features, b: Features, levels: number[], plan: Plan): void {
  let best = missing
  for (const left of group)
    for (const right of group) {
      if (a[left] === '' || b[right] === '') continue
      const found = compareValues(plan.fields[left]!.kind, a[left]!, b[right]!)
      if (best === missing || found < best) best = found
    }
  for (const place of group) levels[place] = missing
  levels[group[0]!] = best
}

interface Evidence {
  sum: number
  /** By field. */
  readonly bits: number[]
}

function evidenceOf(
  levels: readonly number[],
  a: Features,
  b: Features,
  plan: Plan,
): { strangers: Evidence; relatives: Evidence } {
  const strangers: Evidence = { sum: 0, bits: [] }
  const relatives: Evidence = { sum: 0, bits: [] }
  for (let place = 0; place < levels.length; place++) {
    const level = levels[place]!
    let [against, among] = [0, 0]
    if (level !== missing) {
      const field = plan.fields[place]!
      const planned = field.levels[level]!
      const rare = rarity(field, level, ...matched(place, level, a, b, plan))
      against = planned.strangersBits + rare
      among = planned.relativesBits + (rare > 0 && relatedToo[field.kind] ? rare / 2 : 0)
    }
    strangers.bits.push(against)
    relatives.bits.push(among)
  }
  onePlace(strangers, plan)
  onePlace(relatives, plan)
  return { strangers, relatives }
}

/** The two values that a level was found for: of several fields of a kind, the nearest. */
function matched(place: number, level: number, a: Features, b: Features, plan: Plan): [string, string] {
  const group = plan.several.find(([first]) => first === place)
  if (group === undefined) return [a[place]!, b[place]!]
  const { kind } = plan.fields[place]!
  for (const left of group)
    for (const right of group)
      if (a[left] !== '' && b[right] !== '' && compareValues(kind, a[left]!, b[right]!) === level)
        return [a[left]!, b[right]!]
  return [a[place]!, b[place]!]
}

/** Kinds whose rare values tell relatives apart too. */
const relatedToo: { readonly [kind in ComparedKind]?: true } = { text: true, number: true }

/** What says where somebody lives. One move changes all of it, and neighbours share most. */
export const isPlace: { readonly [kind in ComparedKind]?: true } = {
  street: true,
  city: true,
  postcode: true,
  region: true,
  country: true,
}

/** Fields of one place follow from each other: the strongest for and the strongest against count, the others by a share. */
function onePlace(evidence: Evidence, plan: Plan): void {
  const { bits } = evidence
  let [best, worst] = [-1, -1]
  for (let place = 0; place < bits.length; place++) {
    if (!isPlace[plan.fields[place]!.kind]) continue
    const one = bits[place]!
    if (one > 0 && (best < 0 || one > bits[best]!)) best = place
    if (one < 0 && (worst < 0 || one < bits[worst]!)) worst = place
  }
  for (let place = 0; place < bits.length; place++) {
    const { kind } = plan.fields[place]!
    if (isPlace[kind] && place !== best && place !== worst && !(bits[place]! > 0 && kind === 'street'))
      bits[place] = bits[place]! * placeShare
    evidence.sum += bits[place]!
  }
}

/**
 * Bits to add because of the value itself: less for a common name than for a rare one (term frequency), less for a short text
 * than for a long one.
 */
export function rarity(field: PlannedField, level: number, a: string, b: string): number {
  const { kind, frequencies, trained } = field
  if (level === 0 && frequencies !== undefined) {
    const share = Object.hasOwn(frequencies, a) ? frequencies[a]! : frequencies['']
    return share === undefined ? 0 : Math.max(-8, Math.min(5, Math.log2(field.levels[0]!.u / share)))
  }
  if (trained) return 0
  if (kind === 'family-name' && level === 0) return familyRarity(a)
  if (kind === 'given-name' && level === 0) return givenRarity(a)
  // A street without the number of the house is shared by a whole street.
  if (kind === 'street' && level <= 1 && !(/\d/.test(a) && /\d/.test(b))) return -4
  if (level >= levelsOf[kind].length - 1) return 0
  if (kind === 'text' || kind === 'number' || kind === 'organisation')
    return textRarity(Math.min(a.length, b.length), level)
  return 0
}

/** Against the shipped weights, which are those of a text of about ten letters. */
export function textRarity(units: number, level: number): number {
  if (units <= 1) return -6
  if (units === 2) return -4.5
  if (units <= 4) return -2
  if (units <= 7) return -1
  if (units <= 14 || level > 4) return 0
  return units <= 24 ? 3 : 6
}

/** A list of fields that are all there and equal. */
function keyOf(a: Features, b: Features, plan: Plan): readonly number[] | undefined {
  if (plan.keys.length === 0) return undefined
  return plan.keys.find((key) => key.every((place) => a[place] !== '' && a[place] === b[place]))
}

/** A difference that speaks against a pair by less than this vetoes nothing. */
const tellingBits = -3.7

/** What neither a household nor an office shares. */
const ofOne: { readonly [kind in ComparedKind]?: true } = { email: true, 'date-of-birth': true, identifier: true }

/**
 * What must not be merged without a person, however much else agrees: junior and senior. Unless an identifier agrees: another birthday; another given
 * name; nothing but the name; another family name or e-mail address where nothing agrees that a household or an office does not
 * share (a father and his son of one name). Of organisations: another name, or one that is alike at another address, which is a
 * branch more often than a removal.
 */
function vetoOf(levels: readonly number[], a: Features, b: Features, plan: Plan): string | undefined {
  const { fields } = plan
  if (fields.some(({ kind }, at) => isName[kind] && isOtherGeneration(a[at]!, b[at]!))) return 'junior and senior'
  const levelOf = (of: ComparedKind): number => {
    const place = fields.findIndex(({ kind }, at) => kind === of && levels[at] !== missing)
    return place < 0 ? missing : levels[place]!
  }
  // Where the data show that even the same differ here, it tells little.
  const differs = (of: ComparedKind): boolean =>
    fields.some(({ kind, levels: known }, at) => {
      if (kind !== of || levels[at] !== known.length - 1) return false
      return known[known.length - 1]!.strangersBits <= tellingBits
    })
  if (fields.some(({ kind }, at) => kind === 'identifier' && levels[at] === 0)) return undefined
  if (!fields.some(({ kind }) => isName[kind])) {
    const [name, street] = [levelOf('organisation'), levelOf('street')]
    if (name === missing && fields.some(({ kind }) => kind === 'organisation')) return 'the name is not known of both'
    if (name === levelsOf.organisation.length - 1) return 'the names differ'
    return name >= 2 && street >= 3 ? 'the names are alike and the addresses differ' : undefined
  }
  const agrees = (at: number, kind: ComparedKind) => levels[at] !== missing && levels[at]! <= (kind === 'email' ? 3 : 2)
  if (plan.ownExpected && !fields.some(({ kind }, at) => isOwn[kind] && agrees(at, kind)))
    return 'only the names and the town agree'
  if (!plan.ownExpected && !fields.some(({ kind }, at) => (kind === 'postcode' || kind === 'city') && agrees(at, kind)))
    return 'only the names agree'
  if (differs('date-of-birth')) return 'the dates of birth differ'
  if (differs('given-name')) return 'the given names differ'
  const own = fields.some(({ kind }, at) => ofOne[kind] && agrees(at, kind))
  if (own) return undefined
  if (differs('family-name')) return 'the family names differ'
  return levelOf('email') === levelsOf.email.length - 1
    ? 'the e-mail addresses differ, and what agrees a household shares'
    : undefined
}

function explain(levels: readonly number[], bits: readonly number[], plan: Plan): FieldComparison[] {
  return plan.fields.map(({ name, levels: known }, place) => {
    const level = levels[place]!
    if (level === missing) return { field: name, level: 'missing', bits: 0, why: 'not known of both' }
    const { name: found, why } = known[level]!
    return { field: name, level: found, bits: bits[place]!, why }
  })
}
