import type { FieldKind } from './options.ts'

/** A level of a field with what it weighs. */
export interface PlannedLevel {
  readonly name: string
  readonly why: string
  /** How often it occurs among the same, strangers, relatives. */
  readonly m: number
  readonly u: number
  readonly r: number
  /** log2(m/u) and log2(m/r). */
  readonly strangersBits: number
  readonly relativesBits: number
}

/** A field that is compared. */
export interface PlannedField {
  readonly name: string
  readonly kind: ComparedKind
  /** Target fields that it is put together from, in this order, where there are several: year, month and day of a birthday. */
  readonly parts?: readonly string[]
  /** Whether its weights were estimated from the user's own data. */
  readonly trained: boolean
  /** In the order of the kind's levels. */
  readonly levels: readonly PlannedLevel[]
  /** How often common values occur. */
  readonly frequencies?: { readonly [value: string]: number }
}

/** One way to find candidates: records that share the trait of a pass share a block. */
export interface Pass {
  /** What is shared, for people: `email`, `name+birth`. */
  readonly name: string
  readonly kind: PassKind
  /** Places in the plan's fields: what is shared. */
  readonly fields: readonly number[]
  /** Places of the names of a person, or of a town, where the pass combines them with `fields`. One list for all passes. */
  readonly persons?: readonly number[]
  readonly where?: readonly number[]
}

/** The kinds of passes; what each shares is said in blocks.ts. */
export type PassKind =
  | 'value'
  | 'mailbox'
  | 'phone-end'
  | 'key'
  | 'name-birth'
  | 'birth-initials'
  | 'birth-place'
  | 'name-place'
  | 'names'
  | 'names-year'
  | 'names-place'
  | 'name-address'
  | 'address'
  | 'rare-words'
  | 'rare-word-place'
  | 'beginning'

/** Kinds that are compared. */
export type ComparedKind = Exclude<FieldKind, 'ignore'>

/**
 * How records of one sync are compared; made once by `planOf` (plan.ts). Pure data.
 */
export interface Plan {
  /**
   * Names what features and blocks depend on: fields, kinds, keys and the version of the rules. An index that was built under
   * another id must be built anew; thresholds and weights do not change it.
   */
  readonly id: string
  readonly fields: readonly PlannedField[]
  /** Deterministic keys, as places in `fields`. */
  readonly keys: readonly (readonly number[])[]
  readonly passes: readonly Pass[]
  /** Pairs of places in `fields`, given and family name, whose values may stand in each other's field. */
  readonly swaps: readonly (readonly [number, number])[]
  /** Fields of a kind of which a record may have several (telephones, addresses), as groups of places. */
  readonly several: readonly (readonly number[])[]
  /** Bits of evidence from which on a pair is merged, or reviewed. */
  readonly thresholds: { readonly mergeBits: number; readonly reviewBits: number }
  readonly clusterMax: number
  readonly candidatesMax: number
  /** Whether people have fields here that namesakes of one town do not share; a merge then wants one of them to agree. */
  readonly ownExpected: boolean
  /** How many records the collection is taken to have. */
  readonly population: number
  /** log2 odds before anything is compared, for the size of the collection; see `forPopulation`. */
  readonly priorBits: Weights['priorBits']
  readonly weights: Weights
}

/**
 * What is compared of a record: one normalised text a field of the plan, in its order; '' where the record has no usable value.
 * JSON, a few hundred bytes at most; the index keeps it.
 */
export type Features = readonly string[]

/** What comes of a pair. */
export type MatchVerdict = 'merge' | 'review' | 'separate'

/** What one field says of a pair. */
export interface FieldComparison {
  readonly field: string
  /** How near the two values are: a level of the field's kind, `exact` to `different`, or `missing`. */
  readonly level: string
  /** log2 of how much likelier this level is among the same than among others; 0 where a value is missing. */
  readonly bits: number
  /** In words, without the values. */
  readonly why: string
}

/** The answer of `compare`. */
export interface Comparison {
  /** log2 of the odds that the two are the same; the sum of the fields' bits and of `prior`. */
  readonly bits: number
  /** `bits` as a probability. */
  readonly probability: number
  readonly verdict: MatchVerdict
  /** The odds before anything was compared, in bits; less where many records bear the names of the two. */
  readonly priorBits: number
  /** Against whom the evidence was weighed: the likelier of two strangers and two related records (household, branch). */
  readonly against: 'strangers' | 'relatives'
  readonly fields: readonly FieldComparison[]
  /** The deterministic key that made it a match, as field names. */
  readonly key?: readonly string[]
  /** What keeps a pair from being merged although its bits suffice, in words. */
  readonly veto?: string
}

/** How often a level occurs in pairs of three sorts; each sort's levels of a kind add up to 1. */
export interface LevelWeights {
  /** Among pairs that are the same. */
  readonly m: number
  /** Among pairs of strangers. */
  readonly u: number
  /** Among pairs that are related but not the same: one household, twins, branches of one company. */
  readonly r: number
}

/** Weights of one field: its levels by name. */
export type FieldWeights = { readonly [level: string]: LevelWeights }

/**
 * Everything that is estimated rather than configured; what `train` writes and `weights:` names. `version` is the version of
 * the format: another one is refused.
 */
export interface Weights {
  readonly version: 1
  /** The plan whose features it was trained on; absent for the shipped weights, which serve any plan. */
  readonly plan?: string
  /**
   * log2 odds of the same, before anything is compared: against a stranger among `populationDefault` records, and against a
   * related record.
   */
  readonly priorBits: { readonly strangers: number; readonly relatives: number }
  /** By kind, for fields that `fields` does not name; `person/…` where the records are people, `other/…` where not. */
  readonly kinds: { readonly [kind: string]: FieldWeights }
  /** By field name, where trained. */
  readonly fields: { readonly [field: string]: FieldWeights }
  /** How often common normalised values occur (0 to 1), by field name; under '' how often one of the others does. */
  readonly frequencies: { readonly [field: string]: { readonly [value: string]: number } }
  /** What it was estimated from, for people. */
  readonly trainedOn?: { readonly records: number; readonly pairs: number; readonly labels: number }
}

/** A pair that was compared, by the ids of its records. */
export interface Link {
  readonly a: string
  readonly b: string
  readonly comparison: Pick<Comparison, 'bits' | 'verdict' | 'fields' | 'key'>
}

/** Records that are one. */
export interface Cluster {
  /** The least id: the same for the same members, whatever the order. */
  readonly representative: string
  /** Sorted. */
  readonly members: readonly string[]
  /** The links that hold it together, strongest first; one fewer than members. */
  readonly links: readonly Link[]
}

/** A link that was not followed, and why. */
export interface RefusedLink {
  readonly link: Link
  readonly why: 'decided-apart' | 'cluster-max'
  /** In words. */
  readonly says: string
}

/** The answer of `clusters`. */
export interface Clustering {
  readonly clusters: readonly Cluster[]
  /** Links with the verdict review that no cluster answers. */
  readonly review: readonly Link[]
  readonly refused: readonly RefusedLink[]
}

/*
 * The functions, by file:
 *   plan.ts      planOf(options, fieldNames, weights?): Plan            throws SyncError where options contradict each other
 *                forPopulation(plan, records): Plan                     for a collection of so many records; withWeights(plan, weights)
 *   features.ts  featuresOf(set: Row, plan): Features; fieldsRead(plan): string[]
 *   blocks.ts    blocksOf(features, plan): number[]                     signed 32 bits, distinct, at most `blocksMax`
 *                namesBlockOf(features, plan): number | undefined       its size, as `namesakes`, makes `compare` wary of common names
 *   compare.ts   compare(a, b, plan, namesakes?): Comparison
 *   sketch.ts    sketching(plan): Sketching                              what of a record stays in memory, and the most that a pair may reach by it
 *   clusters.ts  clusters(links, { clusterMax, apart }): Clustering
 *   train.ts     train({ rows, labels, plan, random, progress }): Promise<Training>; weightsTable(plan): string
 *   weights.ts   readWeights(json: unknown): Weights                    throws SyncError; weightsText(weights): string
 */
