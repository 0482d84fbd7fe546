import { SKETCH_WORDS } from '../../model/candidates.ts'
import { isPlace, placeShare, rarity, textRarity } from './compare.ts'
import { nameOf } from './names.ts'
import {
  bitsOf,
  familyLevels,
  givenLevels,
  MISSING,
  type Own,
  type Part,
  partAt,
  parts,
  possible,
  UNKNOWN,
} from './sketch-levels.ts'
import type { ComparedKind, Features, Plan, PlannedField } from './types.ts'

/**
 * A few words of 32 bits that stay in memory for every record: enough to say of most strangers that they are some, before their
 * row is read and compared. A sketch never says so of a pair that `compare` takes for more: it tells which levels of a field are
 * *possible* (sketch-levels.ts), the weights of those bound what the pair can reach, and only what cannot reach a review is left out.
 */

/** The most that a field can say, for each set of levels that it may be at; nothing where the set is empty. */
interface Strongest {
  readonly strangers: Float64Array
  readonly relatives: Float64Array
}

function strongest({ levels }: PlannedField): Strongest {
  const most = (bits: (level: PlannedField['levels'][number]) => number) =>
    Float64Array.from({ length: 1 << levels.length }, (_, mask) =>
      Math.max(...levels.map((level, place) => ((mask >> place) & 1 ? bits(level) : Number.NEGATIVE_INFINITY))),
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
      words[word] = (words[word] as number) | (bitsOf(kind, value) << shift)
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
