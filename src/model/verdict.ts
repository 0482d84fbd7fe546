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
}

/** One answer a record. */
export type Verdict =
  | { readonly kind: 'accept' }
  | { readonly kind: 'park'; readonly to: 'quarantine' | 'review'; readonly reasons: readonly Reason[] }
  | { readonly kind: 'skip'; readonly reason: string }

/** A mapped record on its way through the stages. */
export interface Candidate {
  readonly key: Key
  /** The composed source row. */
  readonly row: Row
  /** The mapped target fields. */
  readonly set: Row
}

/**
 * What a stage wants to know before it judges; the pipeline collects the needs of a window and answers them in a few
 * queries, overlaid with the window's own earlier rows (rule 7).
 */
export type Need =
  /** Does this value occur in that reference set? */
  { readonly kind: 'reference'; readonly set: string; readonly value: Value }

/** Answers to needs. */
export interface Found {
  reference(set: string, value: Value): boolean
}

/** One step of validation. Pure: it knows nothing but its records and the answers to its needs. */
export interface Stage {
  readonly name: StageName
  needs?(candidates: readonly Candidate[]): readonly Need[]
  /** One verdict a candidate, same order. */
  judge(candidates: readonly Candidate[], found: Found): Verdict[]
}
