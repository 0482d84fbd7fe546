import { createHash } from 'node:crypto'

/**
 * A value of a source or target field. It is exact: decoded once, by the connector's own `values.ts`, never rounded (I6).
 *
 * *Absent* is not among its cases: an absent column has no entry in its row. *Null* is `null`. *Invalid* is what the source
 * holds but nobody can read as its type (a zero date, bytes that are not UTF-8); it keeps the raw form and the reason, and
 * parks its record if a mapped field needs it.
 *
 * - `number`: only integers within 2^53 and finite doubles whose text JavaScript writes back with the same value; never -0
 * - `decimal`: exact numbers that `number` cannot hold (`numeric`, larger integers, `NaN`, `Infinity`, `-0`)
 * - `date` 2024-01-31, `time` 25:00:00.5, `datetime` 2024-01-31 02:30:00.123456 (no zone), `instant` the same in UTC with
 *   `+00`: the text of the source, also `infinity` and `0044-03-15 BC`
 * - `bytes`: base64. `json`: JSON text as the source writes it. `other`: any other type in the source's own text form
 */
export type Value =
  | null
  | boolean
  | number
  | string
  | { readonly kind: 'decimal' | 'date' | 'time' | 'datetime' | 'instant' | 'bytes' | 'json'; readonly text: string }
  | { readonly kind: 'other'; readonly type: string; readonly text: string }
  | { readonly kind: 'invalid'; readonly type: string; readonly raw: string; readonly reason: string }

/** Columns by name. No entry = absent. Read it with `field`: a column may be called `constructor`. */
export type Row = { readonly [column: string]: Value }

/** A row under construction. */
export type MutableRow = { [column: string]: Value }

/**
 * A new row without a prototype, so that a column called `__proto__` is a column. The class keeps V8's fast properties;
 * `Object.create(null)` gives a slow dictionary.
 */
export function newRow(): MutableRow {
  return new (BareRow as unknown as new () => MutableRow)()
}

function BareRow() {}
BareRow.prototype = Object.create(null)

/** The column's value, or `undefined` where it is absent. */
export function field(row: Row, column: string): Value | undefined {
  return Object.hasOwn(row, column) ? row[column] : undefined
}

/** `later` over `earlier`, column by column: absent columns keep the earlier value (rule 6). */
export function fold(earlier: Row, later: Row): Row {
  const row = newRow()
  for (const column of Object.keys(earlier)) row[column] = earlier[column] as Value
  for (const column of Object.keys(later)) row[column] = later[column] as Value
  return row
}

/** The exact text of a value as its source writes it; `null` for null. Two values of one type are equal if their texts are. */
export function text(value: Value): string | null {
  if (value === null) return null
  if (typeof value === 'string') return value
  if (typeof value === 'object') return value.kind === 'invalid' ? value.raw : value.text
  return String(value)
}

/** Whether two values are the same to the letter. */
export function same(a: Value | undefined, b: Value | undefined): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  return a.kind === b.kind && text(a) === text(b)
}

/** JSON of a row with sorted names: equal rows have equal texts. The form in which shadows are kept. */
export function rowText(row: Row): string {
  const sorted = newRow()
  for (const name of Object.keys(row).sort()) sorted[name] = row[name] as Value
  return JSON.stringify(sorted)
}

/** Names a row without telling what is in it: SHA-256 of its text. */
export const rowHash = (row: Row): string => createHash('sha256').update(rowText(row)).digest('hex')

/** Reads what `rowText` or `JSON.stringify` wrote. */
export function rowFrom(json: string): Row {
  return JSON.parse(json) as Row
}
