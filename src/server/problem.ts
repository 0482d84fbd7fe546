import type { FailureCode } from '../model/failure.ts'
import { failures } from '../model/failures.ts'

/** An answer other than success, as RFC 9457 problem+json. */
export interface ProblemBody {
  readonly type: 'about:blank'
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly code: string
  readonly hint: string
  /** Number of the request, for finding it in the log. */
  readonly instance: string
}

/** Ends a request with a problem. */
export class ApiProblem extends Error {
  readonly status: number
  readonly code: FailureCode
  readonly hint: string

  constructor(status: number, code: FailureCode, detail: string, hint: string = failures[code].hint) {
    super(detail)
    this.status = status
    this.code = code
    this.hint = hint
  }
}

/** The body of an answer with this problem. */
export const problemBody = (problem: ApiProblem, instance: string): ProblemBody => ({
  type: 'about:blank',
  title: failures[problem.code].title,
  status: problem.status,
  detail: problem.message,
  code: problem.code,
  hint: problem.hint,
  instance,
})
