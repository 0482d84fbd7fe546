import type { FailureCode } from './failure.ts'
import type { Key } from './key.ts'
import type { Row, Value } from './value.ts'

/** Where a record may park. `target`: refused by the target for its data. */
export type StageName = 'key' | 'mapping' | 'schema' | 'rules' | 'reference' | 'duplicates' | 'quality' | 'target'

/** Why a record does not go through: the spec's `{field, error, value}` with where it was found. */
export interface Reason {
  readonly stage: StageName
  readonly code: FailureCode
  /** The rule that said so, as the configuration names it. */
  readonly rule?: string
  /** A target field, or a source column where no field is concerned. */
  readonly field?: string
  /** For the person who owns the data. */
  readonly error: string
  /** Masked: type, length and at most the first three characters. */
  readonly value?: string
  /** Stage `duplicates`: the record that it resembles. */
  readonly alike?: Alike
}

/** A record that another one resembles, and what each field says of the two. */
export interface Alike {
  /** Null: a record of the target. */
  readonly key: Key | null
  readonly target: string | null
  /** The record that leads its cluster. */
  readonly lead: Key | null
  readonly probability: number
  /** `own` and `other` are masked; empty where a value is missing. */
  readonly fields: readonly {
    readonly field: string
    readonly level: string
    readonly bits: number
    readonly why: string
    readonly own: string
    readonly other: string
  }[]
}

/** One answer a record. `score`: how good its data is, 0 to 1, where a stage measured it. */
export type Verdict =
  | { readonly kind: 'accept'; readonly score?: number }
  | {
      readonly kind: 'park'
      readonly to: 'quarantine' | 'review'
      readonly reasons: readonly Reason[]
      readonly score?: number
    }
  | { readonly kind: 'skip'; readonly reason: string }
  /** Another record stands for it: it is kept, and sent with that one. */
  | { readonly kind: 'merge'; readonly reason: string }

/** A mapped record on its way through the stages. */
export interface Candidate {
  readonly key: Key
  /** The number under which source and target are linked; null before the first delivery was planned. */
  readonly link: number | null
  /** The composed source row. */
  readonly row: Row
  /** The mapped target fields. */
  readonly set: Row
  /** Fields that could not be mapped: not in `set`, and nothing can be said of them (I6). Absent: none. */
  readonly unmapped?: ReadonlySet<string>
}

/**
 * What a stage wants to know before it judges; the pipeline collects the needs of a window and answers them in a few
 * queries, overlaid with the window's own earlier rows (rule 7). One case for each stage that has needs.
 */
export type Need = ReferenceNeed

/** Does this value occur in that reference set? */
export interface ReferenceNeed {
  readonly kind: 'reference'
  readonly set: string
  readonly value: Value
}

/** Answers to needs. */
export interface Found {
  /** `away`: the set cannot be asked at present, and what is remembered of it does not answer. */
  reference(set: string, value: Value): 'known' | 'unknown' | 'away'
}

/** One step of validation. Pure: it knows nothing but its records, the answers to its needs, and what it was built with. */
export interface Stage {
  readonly name: StageName
  /** Source columns that it reads beside those of the mapping. */
  readonly columns?: readonly string[]
  /** Columns of which it can judge none without the others. */
  readonly together?: readonly (readonly string[])[]
  needs?(candidates: readonly Candidate[]): readonly Need[]
  /**
   * One verdict a candidate, same order. `stands` is false for the place of a candidate that an earlier stage has parked: it is
   * judged all the same, so that its owner sees every error at once (rule 8), but it will not be sent.
   */
  judge(
    candidates: readonly Candidate[],
    found: Found,
    stands: (place: number) => boolean,
  ): readonly Verdict[] | Promise<readonly Verdict[]>
  /** What later stages see in the place of these candidates: what a merge made of several. */
  after?(candidates: readonly Candidate[]): Promise<readonly Candidate[]>
}
