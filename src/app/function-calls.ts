import type { MergeAnswer } from '../validation/duplicates/merge-functions.ts'
import type { FunctionAnswer } from '../validation/functions.ts'

/** What a function answers: a `rule` is called with record and row, a `merge` with the records and the field. */
export interface Answers {
  readonly rule: FunctionAnswer
  readonly merge: MergeAnswer
}

/** A call of the engine: what one function is called with, as the JSON text of a list of pairs; and a load alone, without any. */
export interface ToFunctions {
  readonly call: number
  readonly file: string
  readonly kind: keyof Answers
  readonly pairs: string
}
/** What the thread says: answers to some of the records, from the place `from` on; or why the file cannot be used. */
export type FromFunctions =
  | {
      readonly kind: 'answers'
      readonly call: number
      readonly from: number
      readonly answers: readonly Answers[keyof Answers][]
    }
  | { readonly kind: 'loaded'; readonly call: number }
  | { readonly kind: 'unusable'; readonly call: number; readonly why: string }

/** The place of the record that is being judged, for whoever watches: its number from 1, and 0 when nothing is. */
export const CURRENT = 0
