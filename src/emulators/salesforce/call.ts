/** One REST call on its way through the emulator, and its answer. */

import { isObject } from '../../std/json.ts'
import { ApiError, notFound } from './errors.ts'
import type { FaultAction } from './faults.ts'
import type { Cursors } from './queries.ts'
import type { Row } from './schema.ts'
import { type ObjectType, objectOf } from './schema.ts'
import type { Work } from './write.ts'

/** What a call is answered with, before faults and compression touch it. */
export interface Answer {
  readonly status: number
  /** JSON text; empty for 204. */
  readonly body: string
  readonly headers?: Record<string, string>
}

/** A call of the REST API whose session and version were found good. */
export interface ApiCall {
  readonly work: Work
  readonly cursors: Cursors
  readonly user: Row
  readonly method: string
  /** `/services/data/v60.0` */
  readonly base: string
  readonly origin: string
  /** Path behind the version, decoded, split at `/`. */
  readonly segments: readonly string[]
  readonly query: URLSearchParams
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  /** The parsed body; undefined when there is none. */
  readonly body: unknown
  readonly actions: readonly { readonly action: FaultAction; readonly chance: () => number }[]
}

/** An answer whose body is a value as JSON. */
export function answerJson(status: number, value: unknown, headers?: Record<string, string>): Answer {
  return headers === undefined
    ? { status, body: JSON.stringify(value) }
    : { status, body: JSON.stringify(value), headers }
}

/** 204: done, and nothing to say. */
export const NO_CONTENT: Answer = { status: 204, body: '' }

/** The answer that an error makes. */
export function answerError(error: ApiError): Answer {
  return answerJson(error.status, error.entries)
}

/** The object that a path names. Throws 404. */
export function objectAt(call: ApiCall, name: string): ObjectType {
  const type = objectOf(call.work.org.schema, name)
  if (type === undefined) throw new ApiError(404, 'NOT_FOUND', 'The requested resource does not exist')
  return type
}

/** The body as an object. Throws 400. */
export function bodyMap(call: ApiCall): Record<string, unknown> {
  const { body } = call
  if (isObject(body)) return body
  const problem =
    body === undefined
      ? 'The HTTP entity body is required, but this request has no entity body.'
      : 'The HTTP entity body must be a JSON object'
  throw new ApiError(400, 'JSON_PARSER_ERROR', problem)
}

/** The parts of a path, each decoded. Throws 404 where one cannot be. */
export function splitPath(path: string): string[] {
  return path
    .split('/')
    .filter((part) => part !== '')
    .map((part) => {
      try {
        return decodeURIComponent(part)
      } catch {
        throw notFound()
      }
    })
}

/** Refuses other methods, as the platform words it. */
export function allow(call: ApiCall, ...methods: string[]): void {
  if (methods.includes(call.method)) return
  throw new ApiError(
    405,
    'METHOD_NOT_ALLOWED',
    `HTTP Method '${call.method}' not allowed. Allowed are ${methods.join(',')}`,
  )
}
