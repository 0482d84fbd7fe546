import { SKETCH_WORDS } from '../../model/candidates.ts'
import { isPlace, placeShare, rarity, textRarity } from './compare.ts'
import { compareValues, mailbox, streetParts } from './levels.ts'
import { nameOf } from './names.ts'
import { formsOfName } from './nicknames.ts'
import { firstWord, typos } from './similarity.ts'
import type { ComparedKind, Features, Plan, PlannedField } from './types.ts'

/**
 * A few words of 32 bits that stay in memory for every record: enough to say of most strangers that they are some, before their
 * row is read and compared. A sketch never says so of a pair that `compare` takes for more: it tells which levels of a field are
 * *possible*, the weights of those bound what the pair can reach, and only what cannot reach a review is left out.
 *
 * Kept is the first field of each of these kinds: 0 where nothing is known, 1 where the value is missing, else two more than what is
 * told of the value. What two values at most differ in decides what that is: a typing error changes at most two letters, so that
 * it flips at most two of the bits that count each letter modulo two.
 */
const parts = [
  { kind: 'given-name', word: 0, shift: 0, mask: -1 },
  { kind: 'family-name', word: 1, shift: 0, mask: -1 },
  { kind: 'date-of-birth', word: 2, shift: 0, mask: 0xfffff },
  { kind: 'email', word: 3, shift: 0, mask: -1 },
  { kind: 'phone', word: 4, shift: 0, mask: -1 },
  { kind: 'street', word: 5, shift: 0, mask: -1 },
  { kind: 'country', word: 2, shift: 20, mask: 0x3ff },
] as const
type Part = (typeof parts)[number]
type SketchedKind = Part['kind']

const UNKNOWN = 0
const MISSING = 1

const partAt = ({ word, shift, mask }: Part, sketches: ArrayLike<number>, at: number): number =>
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
  for (let i = 0; i < end; i++) bits ^= 1 << ((classOf[text.charCodeAt(i) & 127] as number) % classes)
  return bits
}

function hash(text: string): number {
  let bits = 0x1b873593
  for (let i = 0; i < text.length; i++) bits = Math.imul(bits ^ text.charCodeAt(i), 0x85ebca6b) ^ (bits >>> 13)
  return (bits ^ (bits >>> 16)) >>> 0
}

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

/** The mailbox (12), its digits (4), parity of all (14). */
function emailBits(email: string): number {
  const at = email.lastIndexOf('@')
  const local = at < 0 ? email : email.slice(0, at)
  return (hash(mailbox(local)) & 0xfff) | ((hash(email.replace(/\D+/g, '')) & 15) << 12) | (parity(email, 14) << 16)
}

/** The whole without spaces (8), its numbers (6) and whether there are any, the name: parity (10), first letter (4), several words. */
function streetBits(street: string): number {
  const { numbers, name } = streetParts(street)
  return (
    (hash(street.replaceAll(' ', '')) & 0xff) |
    ((hash(numbers) & 63) << 8) |
    (numbers === '' ? 0 : 1 << 14) |
    (parity(name, 10) << 15) |
    ((name.charCodeAt(0) & 15) << 25) |
    (name.includes(' ') ? 1 << 29 : 0)
  )
}

/** What is told of a value, up to 30 bits; null: nothing. */
const told: { readonly [kind in SketchedKind]: (value: string) => number | null } = {
  'given-name': nameBits,
  'family-name': nameBits,
  'date-of-birth': (value) => {
    const [year, month, day] = [Number(value.slice(0, 4)), Number(value.slice(4, 6)), Number(value.slice(6))]
    if (!/^[12]\d{7}$/.test(value) || year > 2_200 || month > 12 || day > 31) return null
    return ((year - 1_000) * 13 + month) * 32 + day
  },
  email: emailBits,
  phone: (value) => (/^\d{7,}$/.test(value) ? Number(value.slice(-7)) : null),
  street: streetBits,
  // From `aa` to `zz`.
  country: (value) => (/^[a-z]{2}$/.test(value) ? Number.parseInt(value, 36) - 370 : null),
}

/** The date of which that is told. */
function dateFrom(bits: number): string {
  const months = bits >>> 5
  const year = Math.floor(months / 13)
  return String((year + 1_000) * 10_000 + (months - year * 13) * 100 + (bits & 31))
}

/** One side of a comparison, with the value itself. */
interface Own {
  readonly value: string
  /** How long its name is. */
  readonly units: number
  /** What is told of it. */
  readonly bits: number
}

/** Levels that a value, and another one of which that is told, may be at, one bit each. May tell too many, never too few. */
const possible: { readonly [kind in SketchedKind]: (own: Own, bits: number) => number } = {
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

function givenLevels({ units, bits: a }: Own, b: number): number {
  const [apart, either] = [bitsIn((a ^ b) & 0x3fff), a | b]
  const [isFirst, isLast] = [((a ^ b) >>> 14) & 15, ((a ^ b) >>> 18) & 15].map((bits) => bits === 0)
  let levels = 1 << 7
  if (a === b) levels |= 1
  if (isFirst || ((a & b) >>> 22) & 63) levels |= 1 << 1
  // One error in a name of at most eight letters, two in a longer one.
  if (apart <= (units <= 6 ? 2 : 4)) levels |= 1 << 3
  if (either & SEVERAL) levels |= 1 << 4
  if ((either & INITIAL && (isFirst || either & SEVERAL)) || (isFirst && either & SEVERAL)) levels |= 1 << 5
  if (isFirst || isLast || apart <= 4) levels |= 1 << 6
  return levels
}

function familyLevels({ units, bits: a }: Own, b: number): number {
  const apart = bitsIn((a ^ b) & 0x3fff)
  const [isFirst, isLast] = [((a ^ b) >>> 14) & 15, ((a ^ b) >>> 18) & 15].map((bits) => bits === 0)
  let levels = 1 << 6
  if (a === b) levels |= 1
  if (isFirst || isLast) levels |= 1 << 1
  if (apart <= (units <= 6 ? 2 : 4)) levels |= 1 << 3
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

/** The most that a field can say, for each set of levels that it may be at; nothing where the set is empty. */
interface Strongest {
  readonly strangers: Float64Array
  readonly relatives: Float64Array
}

function strongest({ levels }: PlannedField): Strongest {
  const most = (bitsOf: (level: PlannedField['levels'][number]) => number) =>
    Float64Array.from({ length: 1 << levels.length }, (_, mask) =>
      Math.max(...levels.map((level, place) => ((mask >> place) & 1 ? bitsOf(level) : Number.NEGATIVE_INFINITY))),
    )
  return { strangers: most((level) => level.strangersBits), relatives: most((level) => level.relativesBits) }
}

/** The set of levels where a value may be missing too. */
const MAY_MISS = 1 << 20

/** One field of the record that asks. */
interface Asked extends Own {
  readonly part: Part
  readonly place: number
  readonly weights: Strongest
  readonly all: number
  /** What an equal value adds for being rare. */
  readonly rare: number
}

/** Evidence against one of the two explanations. Of what says where somebody lives, the strongest for and against count, the others by a share. */
interface Sum {
  bits: number
  places: number
  for: number
  against: number
}

const sumOf = ({ bits, places, for: most, against }: Sum): number =>
  bits + placeShare * places + (1 - placeShare) * (most + against)

function add(sum: Sum, kind: ComparedKind, bits: number): void {
  if (!isPlace[kind] || (kind === 'street' && bits > 0)) sum.bits += bits
  else {
    sum.places += bits
    if (bits > sum.for) sum.for = bits
    if (bits < sum.against) sum.against = bits
  }
}

/** What a field says at most; `levels`: where it may be. */
function addMost(one: Asked, levels: number, strangers: Sum, relatives: Sum): void {
  if (levels === MAY_MISS) return
  const among = levels & ~MAY_MISS
  let [against, related] = [one.weights.strangers[among & ~1] as number, one.weights.relatives[among] as number]
  if ((among & 1) !== 0) against = Math.max(against, (one.weights.strangers[1] as number) + one.rare)
  if ((levels & MAY_MISS) !== 0) [against, related] = [Math.max(against, 0), Math.max(related, 0)]
  add(strangers, one.part.kind, against)
  add(relatives, one.part.kind, related)
}

/** What a plan makes of sketches. */
export interface Sketching {
  /** The sketch of a record: `SKETCH_WORDS` of signed 32 bits. */
  sketch(features: Features): number[]
  /**
   * For one record, the most bits of evidence that it and another one may reach, whose sketch begins at `at`: `compare` never answers
   * more. `priorBits` are those of the size of the collection.
   */
  probe(features: Features, priorBits: Plan['priorBits']): (sketches: Int32Array, at: number) => number
}

/** Sketches of the records of one plan. */
export function sketching(plan: Plan): Sketching {
  const { fields, several, swaps, keys } = plan
  const weights = fields.map(strongest)
  const places = parts.map(({ kind }) => fields.findIndex((field) => field.kind === kind))
  /** Fields that are compared with each other's values say nothing alone. */
  const mixed = new Set([...several.flat(), ...swaps.flat().filter((place) => fields[place]?.kind === 'street')])
  const crossing = swaps.some(([first, second]) => first === places[0] && second === places[1])

  function sketch(features: Features): number[] {
    const words = new Array<number>(SKETCH_WORDS).fill(0)
    for (const [i, { kind, word, shift }] of parts.entries()) {
      const value = features[places[i] as number]
      const bits = value === undefined ? null : value === '' ? MISSING - 2 : told[kind](value)
      if (bits !== null) words[word] = (words[word] as number) | ((bits + 2) << shift)
    }
    return words
  }

  function asked(features: Features, own: readonly number[], part: Part, place: number): Asked {
    const { levels } = fields[place] as PlannedField
    const value = features[place] as string
    const rare = rarity(fields[place] as PlannedField, 0, value, value)
    const all = (1 << levels.length) - 1
    const bits = partAt(part, own, 0) - 2
    return { part, place, value, units: nameOf(value).length, bits, weights: weights[place] as Strongest, all, rare }
  }

  return {
    sketch,
    probe(features, priorBits) {
      const own = sketch(features)
      const isNameless = crossing && parts.some((part, i) => i < 2 && partAt(part, own, 0) <= MISSING)
      const known = parts.flatMap((part, i) => {
        const place = places[i] as number
        const isTold = place >= 0 && !mixed.has(place) && partAt(part, own, 0) > MISSING
        return isTold && !(isNameless && i < 2) ? [asked(features, own, part, place)] : []
      })
      const rest = untold(features, plan, weights, new Set(known.map(({ place }) => place)), isNameless)
      const [given, family, ...others] = known
      const names = crossing && !isNameless && given !== undefined && family !== undefined
      const alone = names ? others : known
      return (sketches, at) => {
        const [strangers, relatives] = [{ ...rest.strangers }, { ...rest.relatives }]
        if (names) {
          const [ofGiven, ofFamily] = nameLevels(given, family, sketches, at)
          addMost(given, ofGiven, strangers, relatives)
          addMost(family, ofFamily, strangers, relatives)
        }
        for (const one of alone) addMost(one, levelsAt(one, partAt(one.part, sketches, at)), strangers, relatives)
        if (keys.some((key) => mayAgree(key, features, places, own, sketches, at))) return Number.POSITIVE_INFINITY
        return Math.min(sumOf(strangers) + priorBits.strangers, sumOf(relatives) + priorBits.relatives)
      }
    },
  }
}

/** Where one field may be, by what is told of the other record's. */
function levelsAt(one: Asked, theirs: number): number {
  if (theirs === UNKNOWN) return one.all | MAY_MISS
  return theirs === MISSING ? MAY_MISS : possible[one.part.kind](one, theirs - 2)
}

/** Where given and family name may be: each may stand in the other's place, and be told with the other in one field. */
function nameLevels(given: Asked, family: Asked, sketches: Int32Array, at: number): [number, number] {
  const [first, second] = [partAt(given.part, sketches, at), partAt(family.part, sketches, at)]
  if (first <= MISSING || second <= MISSING) return [given.all | MAY_MISS, family.all | MAY_MISS]
  let [ofGiven, ofFamily] = [givenLevels(given, first - 2), familyLevels(family, second - 2)]
  const [x, y] = [givenLevels(given, second - 2), givenLevels(family, first - 2)]
  if (((x & 63) !== 0 && (y & 63) !== 0) || ((x | y) & 1) !== 0) {
    ofGiven |= 1 << 2
    ofFamily |= 1 << 2
  }
  // One name in both fields stands for a given name that is not known.
  if (given.bits === family.bits || first === second) ofGiven |= MAY_MISS
  return [ofGiven, ofFamily]
}

const nothing: Sum = { bits: 0, places: 0, for: 0, against: 0 }

/** The most that the fields say of which sketches tell nothing. */
function untold(
  features: Features,
  plan: Plan,
  weights: readonly Strongest[],
  known: ReadonlySet<number>,
  nameless: boolean,
): { readonly strangers: Sum; readonly relatives: Sum } {
  const [strangers, relatives] = [{ ...nothing }, { ...nothing }]
  for (const [place, field] of plan.fields.entries()) {
    const group = plan.several.find((places) => places.includes(place))
    if (group !== undefined && group[0] !== place) continue
    const isName = nameless && (field.kind === 'given-name' || field.kind === 'family-name')
    const isThere = isName || (group ?? [place]).some((at) => features[at] !== '')
    if (known.has(place) || !isThere) continue
    const rare = Math.max(...(group ?? [place]).map((at) => mostRare(field, features[at] as string)))
    const all = (1 << field.levels.length) - 1
    const related = field.kind === 'text' || field.kind === 'number' ? rare / 2 : 0
    add(strangers, field.kind, Math.max(0, (weights[place]?.strangers[all] as number) + rare))
    add(relatives, field.kind, Math.max(0, (weights[place]?.relatives[all] as number) + related))
  }
  return { strangers, relatives }
}

/** The most that `rarity` adds, whatever the other value. */
function mostRare(field: PlannedField, value: string): number {
  const isText = field.kind === 'text' || field.kind === 'number' || field.kind === 'organisation'
  const equal = field.frequencies === undefined ? rarity(field, 0, value, value) : 5
  return Math.max(0, equal, isText ? textRarity(value.length, 0) : 0)
}

/** Whether all values of a key may be equal. */
function mayAgree(
  key: readonly number[],
  features: Features,
  places: readonly number[],
  own: readonly number[],
  sketches: Int32Array,
  at: number,
): boolean {
  return key.every((place) => {
    if (features[place] === '') return false
    const part = parts[places.indexOf(place)]
    if (part === undefined) return true
    const theirs = partAt(part, sketches, at)
    return theirs === UNKNOWN || theirs === partAt(part, own, 0)
  })
}
