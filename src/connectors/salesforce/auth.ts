import { createPrivateKey, createSign } from 'node:crypto'
import { type Failure, failure } from '../../model/failure.ts'
import type { Clock } from '../../std/clock.ts'
import type { Http, HttpResult } from '../../std/http.ts'
import { isObject, type JsonObject, jsonFrom } from '../../std/json.ts'
import { orAborted } from '../../std/signal.ts'
import { unsentFailure } from './errors.ts'
import type { SalesforceAuth } from './options.ts'
import { id18 } from './values.ts'

/** An access token and where it is good for. */
export interface Session {
  readonly token: string
  /** Origin that API calls go to. */
  readonly instanceUrl: string
  /** 18 characters. */
  readonly organisationId: string
}

type SessionResult =
  | { readonly kind: 'session'; readonly session: Session }
  | { readonly kind: 'failed'; readonly failure: Failure }

/** The one session that all calls share. */
export interface Sessions {
  /** A session other than `refused`; asks for a token if there is none. However many callers wait, one token request is under way. */
  get(refused: Session | null, signal: AbortSignal): Promise<SessionResult>
  close(): void
}

/** The longest lifetime that Salesforce accepts for an assertion is a few minutes; its docs say 3. */
const ASSERTION_S = 180
const TOKEN_TIMEOUT_MS = 30_000

interface Env {
  readonly http: Http
  readonly clock: Clock
  readonly url: string
  readonly auth: SalesforceAuth
}

/** Sessions of one organisation. Nothing is sent until the first `get`; one token is kept, in memory alone. */
export function openSessions(env: Env): Sessions {
  let session: Session | null = null
  let pending: Promise<SessionResult> | null = null
  const closing = new AbortController()

  async function renew(): Promise<SessionResult> {
    const result = await requestToken(env, closing.signal)
    session = result.kind === 'session' ? result.session : null
    return result
  }

  return {
    async get(refused, signal) {
      if (session !== null && session !== refused) return { kind: 'session', session }
      // A caller that gives up must not take the token away from the others: the request runs on its own signal.
      pending ??= renew().finally(() => {
        pending = null
      })
      return await orAborted(pending, signal).catch((error: unknown) => {
        if (signal.aborted) return stopped()
        throw error
      })
    },
    close() {
      closing.abort()
    },
  }
}

function stopped(): SessionResult {
  return { kind: 'failed', failure: failure('SYNC-3005', 'Salesforce login: stopped before it was sent') }
}

async function requestToken(env: Env, signal: AbortSignal): Promise<SessionResult> {
  const form = tokenForm(env)
  if ('failure' in form) return { kind: 'failed', failure: form.failure }
  const result = await env.http.send(
    {
      method: 'POST',
      url: `${env.url}/services/oauth2/token`,
      headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
      body: form.body.toString(),
      timeout_ms: TOKEN_TIMEOUT_MS,
    },
    signal,
  )
  return sessionFrom(result, env)
}

/** Secrets are revealed here and nowhere else, afresh for each token: a rotated secret needs no restart. */
function tokenForm({ auth, clock }: Env): { body: URLSearchParams } | { failure: Failure } {
  try {
    if (auth.flow === 'client-credentials') {
      const body = new URLSearchParams({ grant_type: 'client_credentials', client_id: auth.clientId })
      body.set('client_secret', auth.clientSecret.reveal())
      return { body }
    }
    const grant_type = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
    return { body: new URLSearchParams({ grant_type, assertion: assertion(auth, clock.now()) }) }
  } catch (error) {
    // The text of the error may hold a piece of the key.
    const reference = auth.flow === 'client-credentials' ? auth.clientSecret.reference : auth.privateKey.reference
    const code = (error as { code?: unknown })?.code
    const why = typeof code === 'string' && /^[A-Z0-9_]{2,60}$/.test(code) ? ` (${code})` : ''
    return {
      failure: failure('SYNC-3014', `Salesforce login: ${reference} cannot be read or is not an RSA private key${why}`),
    }
  }
}

/** RFC 7523 assertion, RS256. Source: Salesforce help, "OAuth 2.0 JWT Bearer Flow for Server-to-Server Integration". */
function assertion(auth: Extract<SalesforceAuth, { flow: 'jwt-bearer' }>, now_ms: number): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const claims = {
    iss: auth.clientId,
    sub: auth.username,
    aud: auth.audience ?? 'https://login.salesforce.com',
    exp: Math.floor(now_ms / 1000) + ASSERTION_S,
  }
  const signed = `${part({ alg: 'RS256' })}.${part(claims)}`
  const key = createPrivateKey(auth.privateKey.reveal())
  if (key.asymmetricKeyType !== 'rsa') throw Object.assign(new Error('not RSA'), { code: 'NOT_RSA' })
  return `${signed}.${createSign('RSA-SHA256').update(signed).sign(key, 'base64url')}`
}

const WHERE = 'Salesforce login'
/** OAuth errors that speak of the app; the others speak of the user or the grant. */
const APP_ERRORS = new Set([
  'invalid_client',
  'invalid_client_id',
  'unauthorized_client',
  'unsupported_grant_type',
  'invalid_app_access',
])

function sessionFrom(result: HttpResult, env: Env): SessionResult {
  const failed = (found: Failure): SessionResult => ({ kind: 'failed', failure: found })
  if (result.kind === 'unsent') {
    const found = unsentFailure(result.error, WHERE)
    return failed(found.code === 'SYNC-3001' ? failure('SYNC-3012', found.message) : found)
  }
  if (result.kind === 'unknown')
    return failed(failure('SYNC-3012', `${WHERE}: ${result.error.text} (${result.error.code})`))
  const body = jsonFrom(result.body)
  const json = isObject(body) ? body : null
  if (result.status === 200 && json !== null) {
    const session = readSession(json, env.url)
    if (session !== null) return { kind: 'session', session }
    return failed(failure('SYNC-3012', `${WHERE}: the answer holds no access_token, instance_url and id`))
  }
  const error = json?.['error']
  if (result.status < 500 && typeof error === 'string' && /^[a-z_]{1,60}$/.test(error)) {
    const code = APP_ERRORS.has(error) ? 'SYNC-3010' : 'SYNC-3011'
    return failed(failure(code, `${WHERE}: ${error}${described(json?.['error_description'])} (HTTP ${result.status})`))
  }
  if (result.status >= 300 && result.status < 500) {
    const text = `${WHERE}: HTTP ${result.status} without an OAuth answer`
    return failed(
      failure('SYNC-3010', text, { hint: 'Check `url:`: it must be the My Domain address of the organisation.' }),
    )
  }
  return failed(failure('SYNC-3012', `${WHERE}: HTTP ${result.status}`))
}

/** Descriptions are fixed sentences; anything that is not plain lower-case words is left out. */
function described(text: unknown): string {
  return typeof text === 'string' && /^[a-z' -]{1,120}$/.test(text) ? `, "${text}"` : ''
}

function readSession(json: JsonObject, url: string): Session | null {
  const token = json['access_token']
  const id = json['id']
  const instance = json['instance_url'] ?? url
  if (typeof token !== 'string' || !/^[\x21-\x7e]{1,8192}$/.test(token)) return null
  if (typeof instance !== 'string' || !URL.canParse(instance)) return null
  // The identity address is …/id/<organisation>/<user>.
  const organisationId =
    typeof id === 'string' ? /\/id\/([A-Za-z0-9]{15,18})\/[A-Za-z0-9]{15,18}$/.exec(id)?.[1] : undefined
  if (organisationId === undefined) return null
  return { token, instanceUrl: new URL(instance).origin, organisationId: id18(organisationId) }
}
