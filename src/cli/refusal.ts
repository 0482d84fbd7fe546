import type { FailureCode } from '../model/failure.ts'
import { failures } from '../model/failures.ts'

/** What the printing of failures needs: */
export interface Told {
  readonly code: string
  /** What and where. */
  readonly message: string
  /** What to do. */
  readonly hint: string
}

/** A failure of the command line on its way up to `main`. */
export class Refusal extends Error {
  readonly told: Told

  constructor(code: FailureCode, message: string, hint: string = failures[code].hint, options?: ErrorOptions) {
    super(message, options)
    this.name = 'Refusal'
    this.told = { code, message, hint }
  }
}
