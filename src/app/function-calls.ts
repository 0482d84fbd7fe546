import type { Failure } from '../model/failure.ts'
import type { MergeAnswer } from '../validation/duplicates/merge-functions.ts'
import type { FunctionAnswer } from '../validation/functions.ts'

/** What a function answers: a `rule` is called with record and row, a `merge` with the records and the field. */
export interface Answers {
  readonly rule: FunctionAnswer
  readonly merge: MergeAnswer
}

/** Which function is called, and as what. */
export interface Called<K extends keyof Answers> {
  readonly file: string
  readonly kind: K
  /** For one call. */
  readonly timeout_ms: number
}

/** What the engine asks the process of functions for: calls, or whether a file can be used. */
export interface ToHost {
  readonly id: number
  readonly called: Called<keyof Answers>
  /** What each call is called with, as JSON texts; null: the file is only loaded. */
  readonly pairs: readonly string[] | null
}

/** What the process says to it. */
export type FromHost =
  | { readonly id: number; readonly kind: 'answers'; readonly answers: readonly Answers[keyof Answers][] }
  | { readonly id: number; readonly kind: 'checked'; readonly why: string | null }
  | { readonly id: number; readonly kind: 'unusable'; readonly failure: Failure }

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
