/**
 * A value of a row, in the same shape as the engine's own values: exact texts with a kind. `invalid` is a value that
 * cannot be read, or the failure of an operation; it travels through an expression to its result.
 */
export type Scalar =
  | null
  | boolean
  | number
  | string
  | { readonly kind: 'decimal' | 'date' | 'time' | 'datetime' | 'instant' | 'bytes' | 'json'; readonly text: string }
  | { readonly kind: 'other'; readonly type: string; readonly text: string }
  | Invalid

interface Invalid {
  readonly kind: 'invalid'
  readonly type: string
  readonly raw: string
  readonly reason: string
}

/** Lists live inside expressions only. */
export interface List {
  readonly kind: 'list'
  readonly items: readonly Scalar[]
}

/** What a part of an expression can be while it runs. */
export type Cell = Scalar | List

/** The types that the check knows. `dyn`: only the row can tell. */
export type CelType = 'dyn' | 'null' | 'bool' | 'number' | 'string' | 'time' | 'list'

/** The parameters of a function. */
export interface Signature {
  readonly takes: readonly CelType[]
  /** How many of them are needed; all, if not given. */
  readonly required?: number
  /** The last parameter may come any number of times. */
  readonly rest?: boolean
  /** Parameters from this index on must be literals, and are given to `make` once. */
  readonly fixedFrom?: number
  readonly gives: CelType
  /** `given`: nulls, absent and invalid values are passed in. Otherwise they pass the function by and become its result. */
  readonly nulls?: 'given'
}

/** A function of the language. */
export interface CelFunction {
  readonly signature: Signature
  /** For the reference documentation. */
  readonly text: string
  /** Called once an expression with the literal parameters: the function for rows, or a sentence why they cannot be. */
  make(fixed: readonly Scalar[]): ((values: readonly (Cell | undefined)[]) => Cell | undefined) | string
}

/** Longest text that an expression makes, in UTF-16 units. */
export const textUnitsMax = 1_048_576

/** The failure of an operation, as a value. */
export function failed(reason: string): Invalid {
  return { kind: 'invalid', type: 'expression', raw: '', reason }
}

/** Whether a value is invalid: it could not be read, or an operation on it failed. Absent is not. */
export function isFailed(value: Cell | undefined): value is Invalid {
  return typeof value === 'object' && value !== null && value.kind === 'invalid'
}

/** The type of a value at run time. `other`: bytes and what is invalid. Enums, UUIDs and JSON count as texts. */
export function kindOf(value: Cell): Exclude<CelType, 'dyn'> | 'other' {
  if (value === null) return 'null'
  switch (typeof value) {
    case 'string':
      return 'string'
    case 'number':
      return 'number'
    case 'boolean':
      return 'bool'
    default:
      return kinds[value.kind]
  }
}

const kinds = {
  decimal: 'number',
  date: 'time',
  datetime: 'time',
  instant: 'time',
  time: 'string',
  json: 'string',
  other: 'string',
  bytes: 'other',
  invalid: 'other',
  list: 'list',
} as const satisfies { readonly [kind: string]: Exclude<CelType, 'dyn'> | 'other' }

/** The text of a value that counts as a text; `undefined` for all others. */
export function textOf(value: Cell): string | undefined {
  if (typeof value === 'string') return value
  if (typeof value !== 'object' || value === null) return undefined
  return value.kind === 'other' || value.kind === 'json' || value.kind === 'time' ? value.text : undefined
}

/** The exact text of any single value, as its source writes it; `undefined` for null, lists and what is invalid. */
export function exactText(value: Cell): string | undefined {
  if (typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  if (value === null || value.kind === 'list' || value.kind === 'invalid') return undefined
  return value.text
}
