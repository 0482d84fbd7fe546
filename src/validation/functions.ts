import { field } from '../model/value.ts'
import type { Candidate, Reason } from '../model/verdict.ts'
import { mask } from '../std/mask.ts'
import type { Plain } from './plain.ts'
import { type Classes, shown } from './show.ts'

/** What a function of the user is called with; every value is as the JSON Schema sees it (`plainRow`). */
export interface FunctionCall {
  /** The mapped target fields. */
  readonly record: Plain
  /** The composed source row. */
  readonly row: Plain
}

/** What a function said of one record. `failed`: it threw, ran too long, ended its thread, or answered something else. */
export type FunctionAnswer =
  | { readonly kind: 'errors'; readonly errors: readonly FunctionError[] }
  | { readonly kind: 'failed'; readonly why: string }

/** The spec's `{field, error, value}`, checked. */
export interface FunctionError {
  readonly field: string | null
  readonly error: string
  /** What the function gave as `value`, as JSON text; null where it gave none. */
  readonly value: string | null
}

/** Runs functions of the user away from the engine. */
export interface UserFunctions {
  /**
   * One answer a call, same order. Never rejects for what a function does to a record; a `SyncError` says that it cannot go on.
   * @param timeout_ms for one call
   */
  call(file: string, calls: readonly FunctionCall[], timeout_ms: number): Promise<readonly FunctionAnswer[]>
}

/** A rule that is a function in a file of the user. */
export interface FunctionRule {
  readonly kind: 'function'
  readonly name: string
  readonly file: string
  /** Source columns that it reads beside those of the mapping. */
  readonly columns: readonly string[]
  readonly timeout_ms: number
}

/** Errors of one function that one record carries. */
const errorsMax = 20
const errorUnitsMax = 500
const fieldUnitsMax = 200

/**
 * What a function answered, as the engine takes it: null, undefined and [] are a good record; a list of `{field, error, value?}`
 * are its errors; anything else is a failure of the function.
 */
export function answerFrom(answer: unknown): FunctionAnswer {
  if (answer === null || answer === undefined) return { kind: 'errors', errors: [] }
  if (!Array.isArray(answer))
    return { kind: 'failed', why: 'it answered something else than a list of errors, or null' }
  const errors: FunctionError[] = []
  for (const one of answer.slice(0, errorsMax) as unknown[]) {
    const {
      error,
      field: about,
      value,
    } = (typeof one === 'object' && one !== null ? one : {}) as Record<string, unknown>
    if (typeof error !== 'string' || error === '')
      return { kind: 'failed', why: 'an error that it answered has no text: { field, error: "…" }' }
    errors.push({
      field: typeof about === 'string' && about !== '' ? about.slice(0, fieldUnitsMax).toWellFormed() : null,
      error: error.slice(0, errorUnitsMax).toWellFormed(),
      value: value === undefined || value === null ? null : valueText(value),
    })
  }
  const more = answer.length - errorsMax
  if (more > 0) errors.push({ field: null, error: `${more} more errors are not listed.`, value: null })
  return { kind: 'errors', errors }
}

function valueText(value: unknown): string {
  if (typeof value === 'string') return value.slice(0, 10_000)
  try {
    return (JSON.stringify(value) ?? typeof value).slice(0, 10_000)
  } catch {
    return typeof value
  }
}

/** The reasons in an answer; none for a record that is not whole, which is not asked about. A value is shown as its field is classified, whether the function gave it or the record has it. */
export function functionReasons(
  { name }: FunctionRule,
  answer: FunctionAnswer | undefined,
  { set, unmapped }: Candidate,
  classes: Classes,
): Reason[] {
  if (unmapped !== undefined) return []
  const failed = (why: string): Reason[] => [
    {
      stage: 'rules',
      code: 'SYNC-4043',
      rule: name,
      error: `The function of the rule ${name} failed for this record: ${why}.`,
    },
  ]
  if (answer === undefined) return failed('it gave no answer')
  if (answer.kind === 'failed') return failed(answer.why)
  return answer.errors.map(({ field: about, error, value }) => ({
    stage: 'rules',
    code: 'SYNC-4041',
    rule: name,
    error,
    ...(about === null ? {} : { field: about }),
    ...(value !== null
      ? { value: mask('text', value, about === null ? undefined : classes.get(about)) }
      : about === null
        ? {}
        : shown(about, field(set, about), classes)),
  }))
}
