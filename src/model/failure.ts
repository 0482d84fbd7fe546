import { type FailureKind, failures, type Retry } from './failures.ts'

/** A code of the failure table. */
export type FailureCode = keyof typeof failures

/** An expected failure: a value, not an exception. It shows no secret and no whole personal value. */
export interface Failure {
  readonly code: FailureCode
  /** What, where, and what was expected, for this occurrence. */
  readonly message: string
  readonly retry: Retry
  readonly hint: string
  /** Wait at least this long, where the other side said so (Retry-After). */
  readonly retryAfter_ms?: number
}

/** A failure of this code. `message` says what happened here; title, retry word and hint come from the table. */
export function failure(
  code: FailureCode,
  message: string,
  more: { hint?: string; retryAfter_ms?: number } = {},
): Failure {
  const kind: FailureKind = failures[code]
  return {
    code,
    message,
    retry: kind.retry,
    hint: more.hint ?? kind.hint,
    ...(more.retryAfter_ms === undefined ? {} : { retryAfter_ms: more.retryAfter_ms }),
  }
}

/** A failure on its way up to whoever can act on it: the CLI prints it, a flow stops with it. */
export class SyncError extends Error {
  readonly failure: Failure
  /** Further failures found in the same go, so that all can be mended at once. */
  readonly others: readonly Failure[]

  constructor(first: Failure, others: readonly Failure[] = [], options?: ErrorOptions) {
    super(`${first.code} ${first.message}`, options)
    this.name = 'SyncError'
    this.failure = first
    this.others = others
  }
}

/** Something that a check found, with the exact way to mend it. */
export interface Problem {
  /** `error` stops the start; `warning` is shown. */
  readonly level: 'error' | 'warning'
  readonly failure: Failure
  /** What a sync asks of the system and does not find so: the configuration says where it stands. */
  readonly about?: About
}

/** A table or a column of it, by the name that the source was asked for; or the object of a sync or a field of it, as the target was. */
export type About =
  | { readonly kind: 'table'; readonly table: string; readonly column?: string }
  | { readonly kind: 'object'; readonly field?: string }
