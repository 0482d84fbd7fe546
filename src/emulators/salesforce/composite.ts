/**
 * Several requests in one: /composite with references between them, and /composite/batch.
 * Sources: https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_composite_composite.htm,
 * resources_composite_batch.htm.
 */

import { isObject } from '../../std/json.ts'
import { type Answer, type ApiCall, allow, answerError, answerJson, bodyMap, splitPath } from './call.ts'
import { ApiError, notFound } from './errors.ts'
import { undoChange } from './tables.ts'

const SUBREQUESTS_MAX = 25

/** Answers one request of a composite; given by the router, which this file must not import. */
type Dispatch = (call: ApiCall, allOrNone: boolean) => Answer

interface SubRequest {
  readonly method: string
  readonly url: string
  readonly referenceId: string
  readonly body: unknown
  readonly httpHeaders: Record<string, string>
}

interface SubAnswer {
  body: unknown
  httpHeaders: Record<string, string>
  httpStatusCode: number
  referenceId: string
}

/** POST /composite. */
export function answerComposite(call: ApiCall, dispatch: Dispatch): Answer {
  allow(call, 'POST')
  const body = bodyMap(call)
  const requests = subRequests(body['compositeRequest'])
  const allOrNone = body['allOrNone'] === true
  const mark = call.work.change.undo.length
  const answers: SubAnswer[] = []
  let failed = -1
  for (const [i, request] of requests.entries()) {
    const answer = failed >= 0 && allOrNone ? halted(request) : one(call, request, answers, dispatch, allOrNone)
    answers.push(answer)
    if (failed < 0 && (answer.httpStatusCode >= 400 || (allOrNone && hasRowErrors(answer.body)))) failed = i
  }
  if (failed >= 0 && allOrNone) {
    undoChange(call.work.change, mark)
    for (const [i, answer] of answers.entries()) if (i < failed) Object.assign(answer, halted(requests[i]!))
  }
  return answerJson(200, { compositeResponse: answers })
}

function hasRowErrors(body: unknown): boolean {
  return (
    Array.isArray(body) &&
    body.some(
      (each: unknown) => typeof each === 'object' && each !== null && 'success' in each && each.success === false,
    )
  )
}

function halted(request: SubRequest): SubAnswer {
  const message = 'The transaction was rolled back since another operation in the same transaction failed.'
  return {
    body: [{ errorCode: 'PROCESSING_HALTED', message }],
    httpHeaders: {},
    httpStatusCode: 400,
    referenceId: request.referenceId,
  }
}

function one(
  call: ApiCall,
  request: SubRequest,
  earlier: readonly SubAnswer[],
  dispatch: Dispatch,
  allOrNone: boolean,
): SubAnswer {
  let answer: Answer
  const mark = call.work.change.undo.length
  try {
    const resolved = resolve(request, earlier)
    answer = dispatch(subCall(call, resolved), allOrNone)
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    undoChange(call.work.change, mark)
    answer = answerError(error)
  }
  return {
    body: answer.body === '' ? null : (JSON.parse(answer.body) as unknown),
    httpHeaders: answer.headers ?? {},
    httpStatusCode: answer.status,
    referenceId: request.referenceId,
  }
}

function subRequests(list: unknown): SubRequest[] {
  if (!Array.isArray(list))
    throw new ApiError(400, 'JSON_PARSER_ERROR', 'compositeRequest is required: a list of requests')
  if (list.length > SUBREQUESTS_MAX)
    throw new ApiError(400, 'LIMIT_EXCEEDED', `Limit exceeded. Maximum number of subrequests is ${SUBREQUESTS_MAX}.`)
  const seen = new Set<string>()
  return list.map((each: unknown) => {
    const request = (isObject(each) ? each : {}) as Partial<SubRequest>
    const { method, url, referenceId } = request
    if (typeof method !== 'string' || typeof url !== 'string' || typeof referenceId !== 'string')
      throw new ApiError(400, 'INVALID_INPUT', 'Each request needs method, url and referenceId')
    if (!/^\w+$/.test(referenceId) || seen.has(referenceId))
      throw new ApiError(400, 'INVALID_INPUT', `Invalid or repeated referenceId: ${referenceId}`)
    seen.add(referenceId)
    return {
      method: method.toUpperCase(),
      url,
      referenceId,
      body: request.body,
      httpHeaders: request.httpHeaders ?? {},
    }
  })
}

/** Replaces `@{ref.path}` in the url and in every text of the body by what an earlier answer holds. */
function resolve(request: SubRequest, earlier: readonly SubAnswer[]): SubRequest {
  const value = (expression: string): unknown => {
    const names = expression.split(/[.[\]]+/).filter((name) => name !== '')
    const answer = earlier.find((each) => each.referenceId === names[0])
    let at: unknown = answer?.body
    for (const name of names.slice(1))
      at =
        typeof at === 'object' && at !== null && Object.hasOwn(at, name)
          ? (at as Record<string, unknown>)[name]
          : undefined
    if (at === undefined || (answer?.httpStatusCode ?? 400) >= 400)
      throw new ApiError(
        400,
        'PROCESSING_HALTED',
        `Invalid reference specified. No value for ${expression} found in the response for request.`,
      )
    return at
  }
  const inText = (text: string) => text.replace(/@\{([^}]+)\}/g, (_, expression: string) => String(value(expression)))
  const inValue = (item: unknown): unknown => {
    if (typeof item === 'string') {
      const whole = /^@\{([^}]+)\}$/.exec(item)
      return whole === null ? inText(item) : value(whole[1]!)
    }
    if (Array.isArray(item)) return item.map(inValue)
    if (typeof item !== 'object' || item === null) return item
    const copy: Record<string, unknown> = Object.create(null) as Record<string, unknown>
    for (const [key, each] of Object.entries(item)) copy[key] = inValue(each)
    return copy
  }
  return { ...request, url: inText(request.url), body: inValue(request.body) }
}

function subCall(call: ApiCall, request: SubRequest): ApiCall {
  const url = URL.parse(request.url, 'http://composite.invalid')
  const path = /^\/services\/data\/(v\d+\.\d)\/(.*)$/.exec(url?.pathname ?? '')
  if (url === null || path === null) throw notFound()
  const segments = splitPath(path[2]!)
  if (segments[0] === 'composite' && segments[1] !== 'sobjects')
    throw new ApiError(400, 'INVALID_INPUT', 'A composite request cannot hold another composite request')
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(request.httpHeaders)) headers[name.toLowerCase()] = String(value)
  return { ...call, method: request.method, segments, query: url.searchParams, headers, body: request.body }
}

/** POST /composite/batch: up to 25 independent requests; `haltOnError` stops behind the first failure. */
export function answerBatch(call: ApiCall, dispatch: Dispatch): Answer {
  allow(call, 'POST')
  const body = bodyMap(call)
  const list = body['batchRequests']
  if (!Array.isArray(list))
    throw new ApiError(400, 'JSON_PARSER_ERROR', 'batchRequests is required: a list of requests')
  if (list.length > SUBREQUESTS_MAX)
    throw new ApiError(400, 'LIMIT_EXCEEDED', `Limit exceeded. Maximum number of subrequests is ${SUBREQUESTS_MAX}.`)
  let stopped = false
  let hasErrors = false
  const results = list.map((item: unknown, i) => {
    const each = isObject(item) ? item : {}
    if (stopped)
      return {
        statusCode: 412,
        result: [{ errorCode: 'BATCH_PROCESSING_HALTED', message: 'Batch processing halted per request' }],
      }
    // URLs of a batch may leave out /services/data.
    const url = String(each['url'] ?? '').replace(/^\/?(?=v\d+\.\d\/)/, '/services/data/')
    const request = {
      method: String(each['method'] ?? 'GET').toUpperCase(),
      url,
      referenceId: `r${i}`,
      body: each['richInput'],
      httpHeaders: {},
    }
    const answer = one(call, request, [], dispatch, false)
    if (answer.httpStatusCode >= 400) {
      hasErrors = true
      stopped = body['haltOnError'] === true
    }
    return { statusCode: answer.httpStatusCode, result: answer.body }
  })
  return answerJson(200, { hasErrors, results })
}
