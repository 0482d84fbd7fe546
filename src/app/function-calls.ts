import type { FunctionAnswer } from '../validation/functions.ts'

/** A call of the engine: records of one function, as the JSON text of `[record, row][]`; and a load alone, without any. */
export interface ToFunctions {
  readonly call: number
  readonly file: string
  readonly records: string
}
/** What the thread says: answers to some of the records, from the place `from` on; or why the file cannot be used. */
export type FromFunctions =
  | {
      readonly kind: 'answers'
      readonly call: number
      readonly from: number
      readonly answers: readonly FunctionAnswer[]
    }
  | { readonly kind: 'loaded'; readonly call: number }
  | { readonly kind: 'unusable'; readonly call: number; readonly why: string }

/** The place of the record that is being judged, for whoever watches: its number from 1, and 0 when nothing is. */
export const CURRENT = 0
