import { compareValues, isName, isOwn, levelsOf } from './levels.ts'
import { familyRarity, givenRarity } from './name-rarity.ts'
import type { ComparedKind, Comparison, Features, FieldComparison, Plan, PlannedField } from './types.ts'

/** How much a further field of the same place counts, once one has said it: city and region follow from the postcode. */
const placeShare = 0.3
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
  const veto = key === undefined && bits >= reviewBits ? vetoOf(levels, plan) : undefined
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
    levels[place] = left === '' || right === '' ? missing : compareValues(fields[place]!.kind, left, right)
  }
  for (const [first, second] of plan.swaps) crossed(first, second, a, b, levels, plan)
  for (const group of plan.several) nearestOf(group, a, b, levels, plan)
  return levels
}

/** Two fields whose values may stand in each other's place. */
function crossed(first: number, second: number, a: Features, b: Features, levels: number[], plan: Plan): void {
  const { kind } = plan.fields[first]!
  const names = kind === 'given-name'
  const [aFirst, bFirst, aSecond, bSecond] = [a[first]!, b[first]!, a[second]!, b[second]!]
  if (aFirst === '' || bFirst === '' || aSecond === '' || bSecond === '') return
  const poor = names ? 4 : 1
  if (levels[first]! <= poor || levels[second]! <= poor) return
  const [x, y] = [compareValues(kind, aFirst, bSecond), compareValues(kind, aSecond, bFirst)]
  const initial = names && (x === 5) !== (y === 5) && Math.min(x, y) <= poor
  if ((x > poor || y > poor) && !initial) return
  levels[first] = names ? 2 : Math.max(x, y)
  levels[second] = names ? 2 : Math.max(x, y)
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
      const rare = rarity(field, level, a[place]!, b[place]!)
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

/** Kinds whose rare values tell relatives apart too. */
const relatedToo: { readonly [kind in ComparedKind]?: true } = { text: true, number: true }

/** What says where somebody lives. One move changes all of it, and neighbours share most. */
const isPlace: { readonly [kind in ComparedKind]?: true } = {
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
function rarity(field: PlannedField, level: number, a: string, b: string): number {
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
function textRarity(units: number, level: number): number {
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

/**
 * What must not be merged without a person, however much else agrees: another birthday, another given name, or nothing but the
 * name; unless something that only one person has agrees.
 */
function vetoOf(levels: readonly number[], plan: Plan): string | undefined {
  let [birth, given, own] = [false, false, false]
  let borne = !plan.ownExpected
  for (let place = 0; place < levels.length; place++) {
    const [level, kind] = [levels[place]!, plan.fields[place]!.kind]
    if (level === missing) continue
    const { levels: known } = plan.fields[place]!
    const last = level === known.length - 1
    // Where the data show that even the same differ here, it tells little.
    const telling = last && known[level]!.strangersBits <= tellingBits
    if (isOwn[kind] && level <= (kind === 'email' ? 3 : 2)) borne = true
    if (kind === 'date-of-birth' && telling) birth = true
    if (kind === 'given-name' && telling) given = true
    if (kind === 'identifier' && level === 0) own = true
  }
  if (own) return undefined
  if (!borne) return 'only the names and the town agree'
  if (birth) return 'the dates of birth differ'
  return given ? 'the given names differ' : undefined
}

function explain(levels: readonly number[], bits: readonly number[], plan: Plan): FieldComparison[] {
  return plan.fields.map(({ name, levels: known }, place) => {
    const level = levels[place]!
    if (level === missing) return { field: name, level: 'missing', bits: 0, why: 'not known of both' }
    const { name: found, why } = known[level]!
    return { field: name, level: found, bits: bits[place]!, why }
  })
}
