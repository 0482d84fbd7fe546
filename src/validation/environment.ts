import { field, type Row, text, type Value } from '../model/value.ts'
import type { Candidate } from '../model/verdict.ts'
import type { CelEnvironment } from '../std/cel.ts'
import type { CelFunction } from '../std/cel-cells.ts'
import type { Classes } from './show.ts'

/** What the stages are compiled with, beside their own options. */
export interface StageEnvironment {
  /** Every field that the mapping writes, the external id included. */
  readonly fields: readonly string[]
  /** The source columns that each field is made of. */
  readonly inputs: { readonly [field: string]: readonly string[] }
  readonly classes: Classes
  /** Names of joined tables. */
  readonly joins: readonly string[]
  /** What expressions may call beside the functions of the language. */
  readonly functions: NonNullable<CelEnvironment['functions']>
  /** Types of columns and fields, for checks. */
  readonly types?: NonNullable<CelEnvironment['types']>
  /** Wall time in milliseconds since 1970. */
  readonly now: () => number
}

/** The environment of expressions that give true or false, with `now()` and `today()` by the clock of the stages. */
export function conditionsOf({ functions, joins, now, types }: StageEnvironment): CelEnvironment {
  let last = { ms: Number.NaN, text: '' }
  const iso = (): string => {
    const ms = now()
    if (ms !== last.ms) last = { ms, text: new Date(ms).toISOString() }
    return last.text
  }
  const times: { readonly [name: string]: CelFunction } = {
    now: {
      text: 'now(): this moment',
      signature: { takes: [], gives: 'time' },
      make: () => () => ({ kind: 'instant', text: `${iso().slice(0, 23).replace('T', ' ')}+00` }),
    },
    today: {
      text: 'today(): the present date, in UTC',
      signature: { takes: [], gives: 'time' },
      make: () => () => ({ kind: 'date', text: iso().slice(0, 10) }),
    },
  }
  return { functions: { ...functions, ...times }, joins, result: 'bool', ...(types === undefined ? {} : { types }) }
}

/** Whether a field has something in it: not null, not blank. */
export function isFilled(value: Value | undefined): boolean {
  return value !== undefined && value !== null && (typeof value === 'object' || text(value)?.trim() !== '')
}

/**
 * Whether a field is absent because the change did not carry its columns, or because it could not be mapped: nothing can be said
 * of it (I6). A field that is absent although its columns are there and good is empty.
 */
export function isUnsent(name: string, { row, set, unmapped }: Candidate, inputs: StageEnvironment['inputs']): boolean {
  if (Object.hasOwn(set, name)) return false
  return unmapped?.has(name) === true || (inputs[name] ?? []).some((column) => !Object.hasOwn(row, column))
}

/** What a check looks at: a target field, or a column of the source row written as `row.<column>`. */
export interface Subject {
  /** The source columns behind it. */
  readonly columns: readonly string[]
  readonly read: (candidate: Candidate) => Value | undefined
}

const rowPrefix = 'row.'

/** The subject of that name; `null` where the mapping does not write such a field. */
export function subjectOf(name: string, { fields, inputs }: StageEnvironment): Subject | null {
  if (fields.includes(name)) return { columns: inputs[name] ?? [], read: ({ set }) => field(set, name) }
  if (!name.startsWith(rowPrefix)) return null
  const column = name.slice(rowPrefix.length)
  return { columns: [column], read: ({ row }: { readonly row: Row }) => field(row, column) }
}
