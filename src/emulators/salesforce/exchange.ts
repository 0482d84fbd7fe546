/** One HTTP request, from its bytes to its answer: which part of the emulator it is for, who asks, and which faults meet it. */

import type { IncomingMessage } from 'node:http'
import { gunzipSync, inflateSync } from 'node:zlib'
import { grantToken, identityOf, type Sessions, userInfoOf } from './auth.ts'
import { type Answer, type ApiCall, answerError, answerJson, splitPath } from './call.ts'
import { answerControl } from './control.ts'
import { isVersion, versions } from './describe.ts'
import { ApiError, notFound } from './errors.ts'
import { type FaultAction, rowFault } from './faults.ts'
import { commit, type Org } from './org.ts'
import type { Cursors } from './queries.ts'
import { dispatch, objectsOf } from './router.ts'
import type { Row } from './schema.ts'
import { answerFault, answerSoap, soapMessage, soapObjects } from './soap.ts'
import { beginChange, undoChange } from './tables.ts'

/** What all requests of one running emulator share. */
export interface Exchange {
  readonly org: Org
  readonly sessions: Sessions
  readonly cursors: Cursors
  readonly clock: () => number
  readonly stats: () => unknown
  /** Scheme, host and port of this server. */
  origin: string
  /** HTTP requests so far. */
  requests: number
}

/** What is to be done with a request: the faults that meet it, and how to apply it. */
export interface Plan {
  readonly actions: readonly FaultAction[]
  readonly chance: () => number
  /** Applies the request and makes its answer; stamps records with `at_ms`, or with the present time. Called once, or never. */
  readonly apply: (at_ms?: number) => Answer
  /** When the request came, in the org's time. */
  readonly came_ms: number
  /** Ends every session, for a fault that asks for it. */
  readonly expireAll: () => void
  readonly limitInfo: () => string
  /** The answer of a fault that refuses the request: as JSON, or as SOAP has it. */
  readonly refuse: (error: ApiError) => Answer
}

const INFLATED_BYTES_MAX = 50_000_000
const URL_BYTES_MAX = 16_384

/** Reads a request and plans its answer. */
export function answerExchange(state: Exchange, request: IncomingMessage, bytes: Buffer): Plan {
  const { org } = state
  const number = ++state.requests
  const method = request.method ?? 'GET'
  const url = request.url ?? '/'
  const mark = url.indexOf('?')
  const path = mark < 0 ? url : url.slice(0, mark)
  const query = new URLSearchParams(mark < 0 ? '' : url.slice(mark + 1))
  const plan = (
    apply: (struck: ApiCall['actions'], at_ms?: number) => Answer,
    objects: () => readonly string[],
    refuse: Plan['refuse'] = answerError,
  ): Plan => {
    const struck = org.faults.quiet ? [] : org.faults.strike({ method, url, objects: objects() })
    for (const { action } of struck) org.meter.add(`fault:${action.kind}`)
    return {
      actions: struck.map(({ action }) => action),
      chance: struck[0]?.chance ?? (() => 0),
      apply: (at_ms) => apply(struck, at_ms),
      came_ms: org.now(),
      expireAll: () => state.sessions.expireAll(),
      limitInfo: () => `api-usage=${org.meter.used()}/${org.meter.max}`,
      refuse,
    }
  }
  if (path.startsWith('/emulator/')) {
    const segments = path
      .slice('/emulator/'.length)
      .split('/')
      .filter((part) => part !== '')
    const apply = () => {
      const body = guarded(() => readJson(request, bytes))
      if (body instanceof ApiError) return answerJson(400, { error: body.message })
      return answerControl(org, state.sessions, { method, segments, query, body }, state.stats)
    }
    const plain = { expireAll: () => undefined, limitInfo: () => '', refuse: answerError }
    return { actions: [], chance: () => 0, apply, came_ms: 0, ...plain }
  }
  if (path.startsWith('/services/Soap/')) {
    const message = soapMessage(guarded(() => inflate(request, bytes).toString('utf8')))
    return plan(
      (struck, at_ms) =>
        answerSoap(state, {
          method,
          path,
          message,
          number,
          rowFault: rowFault(struck.map(({ action }) => action)),
          at_ms,
        }),
      () => soapObjects(message),
      answerFault,
    )
  }
  if (path.startsWith('/services/oauth2/') || path.startsWith('/id/'))
    return plan(
      () => identity(state, request, method, path, query, bytes),
      () => [],
    )
  // Clients that cannot send PATCH say so in the query of a POST.
  const override = method === 'POST' ? query.get('_HttpMethod')?.toUpperCase() : undefined
  let body: unknown
  let segments: string[] = []
  const refusal = guarded(() => {
    if (url.length > URL_BYTES_MAX)
      throw new ApiError(414, 'URI_TOO_LONG', 'The length of the URI exceeds the 16,384 byte limit.')
    segments = splitPath(path)
    if (method !== 'GET' && method !== 'HEAD') body = readJson(request, bytes)
  })
  return plan(
    (struck, at_ms) =>
      refusal instanceof ApiError
        ? answerError(refusal)
        : api(state, request, { method: override ?? method, query, segments, body, number, struck, at_ms }),
    () => objectsOf(segments.slice(3), query, body),
  )
}

interface Read {
  readonly method: string
  readonly query: URLSearchParams
  readonly segments: readonly string[]
  readonly body: unknown
  readonly number: number
  readonly struck: ApiCall['actions']
  readonly at_ms: number | undefined
}

/** A call of the REST API: version, session, daily limit; then its answer, whose changes are made lasting first. */
function api(state: Exchange, request: IncomingMessage, read: Read): Answer {
  const { org } = state
  const [services, data, versionText, ...segments] = read.segments
  if (services !== 'services' || data !== 'data') return answerError(notFound())
  if (versionText === undefined) return answerJson(200, versions())
  const version = /^v(\d+)\.0$/.exec(versionText)?.[1]
  const known = version === undefined ? 'unknown' : isVersion(Number(version))
  if (known === 'unknown') return answerError(notFound())
  if (known === 'retired') {
    const message =
      'The requested resource is retired or has been removed. Delete or update any references to the resource.'
    return answerError(new ApiError(410, 'GONE', message))
  }
  const user = bearer(state, request, read.query)
  if (user === null) return answerError(new ApiError(401, 'INVALID_SESSION_ID', 'Session expired or invalid'))
  if (!org.meter.take())
    return answerError(new ApiError(403, 'REQUEST_LIMIT_EXCEEDED', 'TotalRequests Limit exceeded.'))
  const change = beginChange()
  const call: ApiCall = {
    work: {
      org,
      change,
      by: user.id,
      at_ms: read.at_ms ?? org.now(),
      rowFault: rowFault(read.struck.map(({ action }) => action)),
    },
    cursors: state.cursors,
    user,
    method: read.method,
    base: `/services/data/${versionText}`,
    origin: state.origin,
    segments,
    query: read.query,
    headers: request.headers,
    body: read.body,
    actions: read.struck,
  }
  try {
    const answer = dispatch(call)
    commit(org, change, read.number)
    return answer
  } catch (error) {
    undoChange(change)
    if (error instanceof ApiError) return answerError(error)
    throw error
  }
}

/** The user whose session a request carries; `oauth_token` in the query counts for the identity URL. */
function bearer(state: Exchange, request: IncomingMessage, query: URLSearchParams): Row | null {
  const header = /^(?:Bearer|OAuth)\s+(\S+)$/i.exec(request.headers.authorization ?? '')?.[1]
  const token = header ?? query.get('oauth_token')
  return token === null || token === undefined ? null : state.sessions.find(token)
}

/** The OAuth endpoints and the identity URL. */
function identity(
  state: Exchange,
  request: IncomingMessage,
  method: string,
  path: string,
  query: URLSearchParams,
  bytes: Buffer,
): Answer {
  const { org, sessions, origin } = state
  if (path === '/services/oauth2/token' || path === '/services/oauth2/revoke') {
    const body = method === 'POST' ? guarded(() => inflate(request, bytes).toString('utf8')) : query
    if (body instanceof ApiError) return answerJson(400, { error: 'invalid_request', error_description: body.message })
    const form = new URLSearchParams(body)
    if (path.endsWith('/revoke')) {
      const known = sessions.revoke(form.get('token') ?? '')
      return known
        ? answerJson(200, {})
        : answerJson(400, { error: 'invalid_token', error_description: 'invalid token' })
    }
    if (method !== 'POST') return answerJson(400, { error: 'invalid_request', error_description: 'must use HTTP POST' })
    const answer = grantToken(org, sessions, form, request.headers.authorization, origin, state.clock())
    org.meter.add(answer.status === 200 ? 'tokensGranted' : 'tokensRefused')
    return answerJson(answer.status, answer.body, { 'Cache-Control': 'no-cache, no-store' })
  }
  const user = bearer(state, request, query)
  if (user === null)
    return { status: 403, body: 'Bad_OAuth_Token', headers: { 'Content-Type': 'text/html;charset=UTF-8' } }
  if (path === '/services/oauth2/userinfo') return answerJson(200, userInfoOf(org, user, origin))
  const [, organization, id] = path.split('/').filter((part) => part !== '')
  if (organization !== org.organizationId || id !== user.id) return answerError(notFound())
  return answerJson(200, identityOf(org, user, origin))
}

function guarded<T>(run: () => T): T | ApiError {
  try {
    return run()
  } catch (error) {
    if (error instanceof ApiError) return error
    throw error
  }
}

function inflate(request: IncomingMessage, bytes: Buffer): Buffer {
  const encoding = request.headers['content-encoding']
  try {
    if (encoding === 'gzip') return gunzipSync(bytes, { maxOutputLength: INFLATED_BYTES_MAX })
    if (encoding === 'deflate') return inflateSync(bytes, { maxOutputLength: INFLATED_BYTES_MAX })
  } catch {
    throw new ApiError(400, 'UNKNOWN_EXCEPTION', `The body is not valid ${encoding}`)
  }
  if (encoding === undefined || encoding === 'identity') return bytes
  throw new ApiError(415, 'UNSUPPORTED_MEDIA_TYPE', `Content-Encoding ${encoding} is not supported`)
}

function readJson(request: IncomingMessage, bytes: Buffer): unknown {
  if (bytes.length === 0) return undefined
  const text = inflate(request, bytes).toString('utf8')
  try {
    return JSON.parse(text) as unknown
  } catch (error) {
    throw new ApiError(400, 'JSON_PARSER_ERROR', (error as Error).message)
  }
}
