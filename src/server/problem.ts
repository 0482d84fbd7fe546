import type { FailureKind } from '../model/failure.ts'

/** What only the API can fail with. The numbers continue those of src/model/failures.ts. */
export const apiFailures = {
  'SYNC-8001': { title: 'There is no such resource', retry: 'never', hint: 'GET /api/v1/openapi.json lists them all.' },
  'SYNC-8002': {
    title: 'The method is not allowed here',
    retry: 'never',
    hint: 'The header Allow names those that are.',
  },
  'SYNC-8003': {
    title: 'The request is not right',
    retry: 'never',
    hint: 'GET /api/v1/openapi.json says what is expected.',
  },
  'SYNC-8004': {
    title: 'The content type is not JSON',
    retry: 'never',
    hint: 'Send `Content-Type: application/json`, also with an empty body: {}.',
  },
  'SYNC-8005': { title: 'The body is too large', retry: 'never', hint: 'At most 1 MB.' },
  'SYNC-8006': {
    title: 'The request comes from another site',
    retry: 'never',
    hint: 'Pages of other sites may not change anything here.',
  },
  'SYNC-8007': {
    title: 'The host name is not ours',
    retry: 'never',
    hint: 'Use the address that `syncline run` prints: 127.0.0.1, [::1] or localhost, with the port.',
  },
  'SYNC-8008': { title: 'There is no such flow', retry: 'never', hint: 'GET /api/v1/status lists the flows.' },
  'SYNC-8009': {
    title: 'A fault of Syncline itself',
    retry: 'manual',
    hint: 'The log of the engine has the details under the number of this request.',
  },
  'SYNC-8010': { title: 'There is no such run', retry: 'never', hint: 'Only the newest runs are remembered.' },
  'SYNC-8011': { title: 'The request took too long', retry: 'timed', hint: 'Send it again.' },
} as const satisfies { readonly [code: `SYNC-${number}`]: FailureKind }

/** One of them. */
export type ApiCode = keyof typeof apiFailures

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
  readonly code: string
  readonly title: string
  readonly hint: string

  constructor(status: number, code: ApiCode, detail: string)
  constructor(status: number, code: string, detail: string, kind: { title: string; hint: string })
  constructor(status: number, code: string, detail: string, kind?: { title: string; hint: string }) {
    super(detail)
    const { title, hint } = kind ?? (apiFailures[code as ApiCode] as FailureKind)
    this.status = status
    this.code = code
    this.title = title
    this.hint = hint
  }
}

/** The body of an answer with this problem. */
export const problemBody = (problem: ApiProblem, instance: string): ProblemBody => ({
  type: 'about:blank',
  title: problem.title,
  status: problem.status,
  detail: problem.message,
  code: problem.code,
  hint: problem.hint,
  instance,
})
