import { type Failure, failure } from '../../model/failure.ts'
import type { Clock } from '../../std/clock.ts'
import type { Http, HttpRequest } from '../../std/http.ts'
import { jsonFrom } from '../../std/json.ts'
import type { Session, Sessions } from './auth.ts'
import { errorsFrom, lostFailure, type SalesforceError, unsentFailure } from './errors.ts'
import type { SalesforceSettings } from './options.ts'

/** How many of the organisation's API calls of the last 24 hours are used, as of the latest answer (header Sforce-Limit-Info). */
export interface ApiUsage {
  readonly used: number
  readonly allowed: number
}

/** One call. `path` begins after `/services/data/v67.0`. */
export interface Call {
  readonly method: HttpRequest['method']
  readonly path: string
  readonly body?: string
  /** For messages: `Contact upsert`. */
  readonly where: string
  /** Monotonic time at which it must be over. */
  readonly until_mono: number
}

/** What came back. `json` is undefined where the body is not JSON, `errors` null where it is not Salesforce's list of errors. */
export type Reply =
  | {
      readonly kind: 'answer'
      readonly status: number
      readonly json: unknown
      readonly errors: readonly SalesforceError[] | null
      readonly retryAfter_ms: number | undefined
    }
  | { readonly kind: 'unsent'; readonly failure: Failure }
  | { readonly kind: 'unknown'; readonly failure: Failure }

/** Calls of the REST API of one organisation, on the session that all share. */
export interface Client {
  /** Sends a call; asks for a new token and repeats it once when Salesforce refuses the session. Never rejects for what the network does. */
  call(call: Call, signal: AbortSignal): Promise<Reply>
  usage(): ApiUsage | null
}

/** A client over an HTTP pool and its sessions; both stay the property of the caller, who closes them. */
export function openClient(env: {
  http: Http
  sessions: Sessions
  clock: Clock
  settings: SalesforceSettings
}): Client {
  const { http, sessions, clock, settings } = env
  let usage: ApiUsage | null = null

  async function once(call: Call, session: Session, signal: AbortSignal): Promise<Reply> {
    const left_ms = Math.floor(call.until_mono - clock.mono())
    if (left_ms <= 0)
      return { kind: 'unsent', failure: failure('SYNC-3005', `${call.where}: no time was left to send it`) }
    const result = await http.send(
      {
        method: call.method,
        url: `${session.instanceUrl}/services/data/v${settings.apiVersion}${call.path}`,
        headers: {
          authorization: `Bearer ${session.token}`,
          accept: 'application/json',
          'sforce-call-options': `client=${settings.clientName}`,
          ...(call.body === undefined ? {} : { 'content-type': 'application/json; charset=utf-8' }),
        },
        ...(call.body === undefined ? {} : { body: call.body }),
        timeout_ms: left_ms,
      },
      signal,
    )
    if (result.kind === 'unsent') return { kind: 'unsent', failure: unsentFailure(result.error, call.where) }
    if (result.kind === 'unknown') {
      return { kind: 'unknown', failure: lostFailure(`${result.error.text} (${result.error.code})`, call.where) }
    }
    usage = usageFrom(result.headers['sforce-limit-info']) ?? usage
    const json = jsonFrom(result.body)
    return {
      kind: 'answer',
      status: result.status,
      json,
      errors: result.status >= 300 ? errorsFrom(json, 'errorCode') : null,
      retryAfter_ms: retryAfter(result.headers['retry-after'], clock.now()),
    }
  }

  return {
    async call(call, signal) {
      let refused: Session | null = null
      for (;;) {
        const got = await sessions.get(refused, signal)
        if (got.kind === 'failed') return { kind: 'unsent', failure: got.failure }
        const reply = await once(call, got.session, signal)
        // Only Salesforce's own JSON shows that nothing was done before the session was refused.
        if (reply.kind !== 'answer' || reply.status !== 401 || reply.errors === null) return reply
        if (refused !== null) {
          const text = `${call.where}: ${reply.errors[0]?.code} with a token that was just issued`
          return { kind: 'unsent', failure: failure('SYNC-3013', text) }
        }
        refused = got.session
      }
    },
    usage: () => usage,
  }
}

/** `api-usage=18/15000; per-app-api-usage=…`. Source: REST API Developer Guide, "Limit Info Header". */
function usageFrom(header: string | undefined): ApiUsage | null {
  const match = /(?:^|[\s;,])api-usage=(\d{1,12})\/(\d{1,12})/.exec(header ?? '')
  return match === null ? null : { used: Number(match[1]), allowed: Number(match[2]) }
}

/** Seconds or a date (RFC 9110, 10.2.3); anything else is as if it were not there. How much of it is obeyed is said in delivery/retry.ts. */
function retryAfter(header: string | undefined, now_ms: number): number | undefined {
  if (header === undefined) return undefined
  const plain = header.trim()
  const wait_ms = /^\d{1,9}$/.test(plain) ? Number(plain) * 1000 : Date.parse(plain) - now_ms
  return Number.isNaN(wait_ms) ? undefined : Math.max(wait_ms, 0)
}
