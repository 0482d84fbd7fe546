/** Errors in Salesforce's two shapes: of a whole request, and of one row of it. */

/** One entry of a request-level error body, `[{message, errorCode, fields}]`. */
export interface ErrorEntry {
  readonly message: string
  readonly errorCode: string
  readonly fields?: readonly string[]
}

/** One error of one row in a collection's result. */
export interface RowError {
  readonly statusCode: string
  readonly message: string
  readonly fields: readonly string[]
}

/** Ends a request with a status and Salesforce's error array. */
export class ApiError extends Error {
  readonly status: number
  readonly entries: readonly ErrorEntry[]
  constructor(status: number, errorCode: string, message: string, fields?: readonly string[]) {
    super(message)
    this.name = 'ApiError'
    this.status = status
    this.entries = [fields === undefined ? { message, errorCode } : { message, errorCode, fields }]
  }
}

/** An error of one row; `fields` are those it blames. */
export function rowError(statusCode: string, message: string, fields: readonly string[] = []): RowError {
  return { statusCode, message, fields }
}

/** Of a good row whose call failed as a whole (allOrNone). */
export const ROLLED_BACK = rowError(
  'ALL_OR_NONE_OPERATION_ROLLED_BACK',
  'Record rolled back because not all records were valid and the request was using AllOrNone header',
)

/** 404 in the words that the platform has for a path that leads nowhere. */
export function notFound(message = 'The requested resource does not exist'): ApiError {
  return new ApiError(404, 'NOT_FOUND', message)
}
