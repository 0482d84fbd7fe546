import type { Row, Value } from './value.ts'
import type { Reason } from './verdict.ts'

/** What mapping made of a row. */
export type Mapped =
  | { readonly kind: 'mapped'; readonly key: Value; readonly set: Row }
  /** `set`: the fields that could be mapped; those that could not are named by the reasons. */
  | { readonly kind: 'invalid'; readonly set: Row; readonly reasons: readonly Reason[] }

/** A compiled mapping: pure, from a composed source row to target fields. */
export interface Mapping {
  readonly object: string
  /** The external id field of the target. */
  readonly key: string
  /** Every field that `map` may write, the key included. */
  readonly fields: readonly string[]
  /** Every source column that it reads; columns of joined tables as `membership.status`. */
  readonly columns: readonly string[]
  /** Columns that are only of use together: those of a field or key that is computed from several. */
  readonly together: readonly (readonly string[])[]
  /** The source column that the external id is an untouched copy of; absent where it is computed. */
  readonly keyColumn?: string
  /** Hash of its rules: a part of what is kept of the rules that judged. */
  readonly hash: string
  /** Fields whose inputs are absent are absent from `set`; fields whose inputs are invalid are reasons. All reasons at once. */
  map(row: Row): Mapped
}

/** A compiled filter: whether a composed row belongs to the sync. */
export interface Filter {
  readonly columns: readonly string[]
  readonly text: string
  keeps(row: Row): boolean
}
