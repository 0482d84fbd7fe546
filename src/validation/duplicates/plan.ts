import { failure, SyncError } from '../../model/failure.ts'
import { nearest } from '../../std/suggest.ts'
import { type Compared, comparedOf } from './columns.ts'
import { isName, isOwn, levelsOf } from './levels.ts'
import { type DuplicatesOptions, duplicatesDefaults, type FieldKind } from './options.ts'
import { passesOf } from './passes.ts'
import { shippedWeights } from './shipped.ts'
import type { ComparedKind, Plan, PlannedField, PlannedLevel, Weights } from './types.ts'

/** Which rules made features, blocks and sketches; it is raised when they change, so that an index is built anew. */
const rulesVersion = 2
const fieldsMax = 64

/**
 * How records are compared, from the options, the target fields that the mapping writes, and weights (the shipped ones if none
 * are given). Throws a `SyncError` (SYNC-1012, SYNC-1029) where the options name a field that is not written, or nothing is left
 * to compare.
 */
export function planOf(options: DuplicatesOptions, fieldNames: readonly string[], weights?: Weights): Plan {
  const used = weights ?? shippedWeights()
  const compared = comparedFields(options, fieldNames)
  const names = compared.map(({ name }) => name)
  if (names.length === 0)
    throw new SyncError(
      failure(
        'SYNC-1029',
        'No target field is compared: none has a name that says what it is, and `fields:` names none.',
      ),
    )
  if (names.length > fieldsMax)
    throw new SyncError(failure('SYNC-1029', `${names.length} fields are compared, at most ${fieldsMax} can be.`))
  const keys = (options.keys ?? []).map((key) => key.map((name) => names.indexOf(known(name, names, 'keys'))))
  const bare = { fields: compared, keys }
  const thresholds = {
    mergeBits: bitsOf(options.thresholds?.merge ?? duplicatesDefaults.merge),
    reviewBits: bitsOf(options.thresholds?.review ?? duplicatesDefaults.review),
  }
  if (thresholds.reviewBits > thresholds.mergeBits)
    throw new SyncError(failure('SYNC-1029', 'The threshold `review` is above the threshold `merge`.'))
  const id = textId(JSON.stringify([rulesVersion, bare]))
  if (used.plan !== undefined && used.plan !== id)
    throw new SyncError(
      failure(
        'SYNC-1028',
        'The weights were trained on other fields or by another version of the rules; train them anew.',
      ),
    )
  const sort = sortOf(compared.map(({ kind }) => kind))
  const fields = compared.map((one) => plannedField(one, sort, used))
  return {
    id,
    fields,
    keys,
    passes: passesOf(bare.fields, keys),
    swaps: swapsOf(fields),
    several: severalKinds.map((kind) => placesOf(fields, kind)).filter(({ length }) => length > 1),
    thresholds,
    clusterMax: options.clusterMax ?? duplicatesDefaults.clusterMax,
    candidatesMax: options.candidatesMax ?? duplicatesDefaults.candidatesMax,
    ownExpected: fields.some(({ kind }) => isName[kind]) && fields.some(({ kind }) => isOwn[kind]),
    population: populationDefault,
    priorBits: used.priorBits,
    weights: used,
  }
}

/** The same plan with other weights of it, as `train` makes them. */
export function withWeights(plan: Plan, weights: Weights): Plan {
  const sort = sortOf(plan.fields.map(({ kind }) => kind))
  const fields = plan.fields.map((one) => plannedField(one, sort, weights))
  return forPopulation({ ...plan, fields, weights }, plan.population)
}

/** The size of a collection of which nothing is known, in records. */
export const populationDefault = 100_000

/**
 * The plan for a collection of so many records. The more there are, the more of them look alike by chance: the odds against
 * a stranger grow with their number. Rounded to a power of two, so that verdicts do not move with every record; features and
 * blocks, and so the index, do not depend on it.
 */
export function forPopulation(plan: Plan, records: number): Plan {
  const steps = Math.round(Math.log2(Math.max(records, 1000)))
  const { strangers, relatives } = plan.weights.priorBits
  return {
    ...plan,
    population: 2 ** steps,
    priorBits: { strangers: strangers + Math.log2(populationDefault) - steps, relatives },
  }
}

/** Compared fields, in the order of the mapping. */
function comparedFields(options: DuplicatesOptions, fieldNames: readonly string[]): Compared[] {
  const given = new Map<string, FieldKind>(Object.entries(options.fields ?? {}))
  const inKeys = new Set((options.keys ?? []).flat())
  for (const name of given.keys()) known(name, fieldNames, 'fields')
  for (const name of inKeys) known(name, fieldNames, 'keys')
  return comparedOf(fieldNames, given, inKeys)
}

function known(name: string, names: readonly string[], where: string): string {
  if (names.includes(name)) return name
  const near = nearest(name, names, 1)[0]
  throw new SyncError(
    failure(
      'SYNC-1012',
      `\`duplicates: ${where}:\` names the field ${name}, which the mapping does not write${near === undefined ? '' : `; the nearest is ${near}`}.`,
    ),
  )
}

/** Whether the records are people: who is related to whom, and by what, differs from other records. */
function sortOf(kinds: readonly ComparedKind[]): 'person' | 'other' {
  const personal: readonly ComparedKind[] = ['given-name', 'family-name', 'full-name', 'date-of-birth']
  return kinds.some((kind) => personal.includes(kind)) ? 'person' : 'other'
}

/** Levels that are no step between nearer and farther: other forms, parts, places that were swapped, a mailbox that many share. */
const offScale: ReadonlySet<string> = new Set(
  'form swapped part initial year order short local mailbox suffix shared'.split(' '),
)

function plannedField({ name, kind, parts }: Compared, sort: 'person' | 'other', weights: Weights): PlannedField {
  const own = Object.hasOwn(weights.fields, name) ? weights.fields[name] : undefined
  const levels = own ?? weights.kinds[`${sort}/${kind}`]
  // Against strangers a nearer level never counts less than a farther one, however few pairs said so; equal values never count
  // against a pair. Relatives share more than the same do where the same were written down twice, with errors.
  let most = Number.POSITIVE_INFINITY
  const planned = levelsOf[kind].map((level, place): PlannedLevel => {
    const found = levels?.[level.name]
    if (found === undefined)
      throw new SyncError(failure('SYNC-1028', `The weights have no level ${level.name} of the kind ${kind}.`))
    const { m, u, r } = found
    const [strangers, relatives] = [Math.log2(m / u), Math.log2(m / r)]
    const least = place === 0 ? 0 : Number.NEGATIVE_INFINITY
    const strangersBits = level.name === 'shared' ? strangers : Math.min(most, Math.max(least, strangers))
    if (!offScale.has(level.name)) most = strangersBits
    return { ...level, m, u, r, strangersBits, relativesBits: Math.max(least, relatives) }
  })
  const frequencies = Object.hasOwn(weights.frequencies, name) ? weights.frequencies[name] : undefined
  return {
    name,
    kind,
    ...(parts === undefined ? {} : { parts }),
    trained: own !== undefined,
    levels: planned,
    ...(frequencies === undefined ? {} : { frequencies }),
  }
}

/**
 * Kinds of which a record may have several, which follow from each other or stand in each other's place: two telephones, the
 * addresses for bills and for goods, a website and its domain.
 */
const severalKinds = [
  'email',
  'phone',
  'street',
  'city',
  'postcode',
  'region',
  'country',
  'organisation',
  'website',
] as const

/** Fields whose values are found in each other's place: given and family name. */
function swapsOf(fields: readonly PlannedField[]): [number, number][] {
  const given = placesOf(fields, 'given-name')[0]
  const family = placesOf(fields, 'family-name')[0]
  return given !== undefined && family !== undefined ? [[given, family]] : []
}

const placesOf = (fields: readonly PlannedField[], kind: ComparedKind): number[] =>
  fields.flatMap((field, place) => (field.kind === kind ? [place] : []))

const bitsOf = (threshold: number | { readonly bits: number }): number =>
  typeof threshold === 'number' ? Math.log2(threshold / (1 - threshold)) : threshold.bits

/** A short name of a text: 53 bits, as a number in base 36. */
function textId(text: string): string {
  let [a, b] = [0x9e3779b9, 0x85ebca6b]
  for (let i = 0; i < text.length; i++) {
    a = Math.imul(a ^ text.charCodeAt(i), 0x01000193)
    b = Math.imul(b ^ text.charCodeAt(i), 0x5bd1e995) ^ (b >>> 13)
  }
  return `${(a >>> 0).toString(36)}-${(b >>> 0).toString(36)}`
}
