/**
 * Sessions: the token endpoint (client credentials, JWT bearer), identity, revoking.
 * Sources: https://help.salesforce.com/s/articleView?id=xcloud.remoteaccess_oauth_client_credentials_flow.htm,
 * …remoteaccess_oauth_jwt_flow.htm, …remoteaccess_using_openid.htm.
 */

import { createHash, createPublicKey, timingSafeEqual, verify } from 'node:crypto'
import { isObject, type JsonObject, jsonFrom } from '../../std/json.ts'
import type { Org } from './org.ts'
import type { Row } from './schema.ts'
import type { ClientSetup } from './setup.ts'

interface Session {
  readonly user: Row
  readonly expires_ms: number
}

/** The access tokens of an org: each stands for a user until it expires. */
export interface Sessions {
  /** The user behind a token; null when it is unknown or has expired. */
  find(token: string): Row | null
  open(user: Row): string
  revoke(token: string): boolean
  expireAll(): void
  readonly count: number
}

/** An answer of the OAuth endpoints. */
interface OAuthAnswer {
  readonly status: number
  readonly body: Record<string, unknown>
}

const SESSION_SECONDS = 7_200
const DEFAULT_CLIENT: ClientSetup = { clientId: 'syncline', clientSecret: 'syncline-secret' }

/** The sessions of an org; those stored on disk are taken up again. */
export function makeSessions(org: Org, clock: () => number): Sessions {
  const life_ms = (org.setup.limits?.sessionSeconds ?? SESSION_SECONDS) * 1000
  const sessions = new Map<string, Session>()
  for (const { token, user, expires_ms } of org.storage?.sessions() ?? []) {
    const row = org.users.get(user)
    if (row !== undefined && expires_ms > clock()) sessions.set(token, { user: row, expires_ms })
    else org.storage?.dropSessions([token])
  }
  const drop = (tokens: readonly string[]) => {
    for (const token of tokens) sessions.delete(token)
    org.storage?.dropSessions(tokens)
  }
  return {
    get count() {
      return sessions.size
    },
    find(token) {
      const session = sessions.get(token)
      if (session === undefined) return null
      if (session.expires_ms > clock()) return session.user
      drop([token])
      return null
    },
    open(user) {
      const token = `${org.organizationId.slice(0, 15)}!${org.random.id()}${org.random.id()}`
      const expires_ms = clock() + life_ms
      sessions.set(token, { user, expires_ms })
      org.storage?.saveSession({ token, user: String(user.values['Username']), expires_ms })
      return token
    },
    revoke(token) {
      const known = sessions.has(token)
      drop([token])
      return known
    },
    expireAll: () => drop([...sessions.keys()]),
  }
}

/** Answers POST /services/oauth2/token. */
export function grantToken(
  org: Org,
  sessions: Sessions,
  form: URLSearchParams,
  authorization: string | undefined,
  origin: string,
  clock_ms: number,
): OAuthAnswer {
  const type = form.get('grant_type')
  const user =
    type === 'client_credentials'
      ? byClientCredentials(org, form, authorization)
      : type === 'urn:ietf:params:oauth:grant-type:jwt-bearer'
        ? byAssertion(org, form.get('assertion') ?? '', origin, clock_ms)
        : refuse('unsupported_grant_type', 'grant type not supported')
  if ('status' in user) return user
  const token = sessions.open(user)
  const body = {
    access_token: token,
    signature: createHash('sha256').update(`${user.id}${clock_ms}`).digest('base64'),
    scope: 'api',
    instance_url: origin,
    id: `${origin}/id/${org.organizationId}/${user.id}`,
    token_type: 'Bearer',
    issued_at: String(clock_ms),
    api_instance_url: origin,
  }
  return { status: 200, body }
}

function refuse(error: string, error_description: string): OAuthAnswer {
  return { status: 400, body: { error, error_description } }
}

function clientsOf(org: Org): ClientSetup[] {
  return org.setup.clients ?? [DEFAULT_CLIENT]
}

function userOf(org: Org, username: string | undefined): Row | undefined {
  return username === undefined ? org.users.values().next().value : org.users.get(username)
}

function byClientCredentials(org: Org, form: URLSearchParams, authorization: string | undefined): Row | OAuthAnswer {
  const basic = basicOf(authorization)
  const id = form.get('client_id') ?? basic?.id
  const secret = form.get('client_secret') ?? basic?.secret ?? ''
  const client = clientsOf(org).find((each) => each.clientId === id)
  if (client === undefined) return refuse('invalid_client_id', 'client identifier invalid')
  if (client.clientSecret === undefined || !sameText(client.clientSecret, secret))
    return refuse('invalid_client', 'invalid client credentials')
  return userOf(org, client.user) ?? refuse('invalid_grant', 'no client credentials user enabled')
}

/** HTTP Basic carries both parts form-encoded (RFC 6749, 2.3.1); what cannot be decoded names nobody. */
function basicOf(authorization: string | undefined): { id: string; secret: string } | null {
  const encoded = /^Basic\s+(\S+)$/i.exec(authorization ?? '')?.[1]
  if (encoded === undefined) return null
  const [id, ...secret] = Buffer.from(encoded, 'base64').toString().split(':')
  try {
    return { id: decodeURIComponent(id!), secret: decodeURIComponent(secret.join(':')) }
  } catch {
    return null
  }
}

function sameText(a: string, b: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(a), digest(b))
}

function byAssertion(org: Org, assertion: string, origin: string, clock_ms: number): Row | OAuthAnswer {
  const parts = assertion.split('.')
  const header = decodePart(parts[0])
  const claims = decodePart(parts[1])
  if (parts.length !== 3 || header === null || claims === null) return refuse('invalid_grant', 'invalid assertion')
  const client = clientsOf(org).find((each) => each.clientId === claims['iss'])
  if (client === undefined) return refuse('invalid_client_id', 'client identifier invalid')
  if (header['alg'] !== 'RS256' || client.certificate === undefined) return refuse('invalid_grant', 'invalid assertion')
  if (!signed(client.certificate, `${parts[0]}.${parts[1]}`, parts[2]!))
    return refuse('invalid_grant', 'invalid assertion')
  if (!isAudience(claims['aud'], origin)) return refuse('invalid_grant', 'audience is invalid')
  const expires = claims['exp']
  if (typeof expires !== 'number' || expires * 1000 <= clock_ms)
    return refuse('invalid_grant', 'expired authorization code')
  const user = typeof claims['sub'] === 'string' ? org.users.get(claims['sub']) : undefined
  return user ?? refuse('invalid_grant', "user hasn't approved this consumer")
}

function decodePart(part: string | undefined): JsonObject | null {
  const value = jsonFrom(Buffer.from(part ?? '', 'base64url').toString())
  return isObject(value) ? value : null
}

function signed(pem: string, text: string, signature: string): boolean {
  try {
    return verify('RSA-SHA256', Buffer.from(text), createPublicKey(pem), Buffer.from(signature, 'base64url'))
  } catch {
    return false
  }
}

/** The audience is this org's own address; External Client Apps refuse the generic login hosts. */
function isAudience(audience: unknown, origin: string): boolean {
  const trimmed = typeof audience === 'string' ? audience.replace(/\/$/, '') : ''
  return trimmed === origin || trimmed === `${origin}/services/oauth2/token`
}

/** The identity of a user, as the id URL answers it. */
export function identityOf(org: Org, user: Row, origin: string): Record<string, unknown> {
  const id = `${origin}/id/${org.organizationId}/${user.id}`
  const name = [user.values['FirstName'], user.values['LastName']].filter(Boolean).join(' ')
  const rest = `${origin}/services/data/v{version}/`
  return {
    id,
    asserted_user: true,
    user_id: user.id,
    organization_id: org.organizationId,
    username: user.values['Username'],
    nick_name: user.values['Alias'],
    display_name: name,
    email: user.values['Email'],
    email_verified: true,
    first_name: user.values['FirstName'] ?? null,
    last_name: user.values['LastName'],
    timezone: 'GMT',
    active: true,
    user_type: 'STANDARD',
    language: 'en_US',
    locale: 'en_US',
    utcOffset: 0,
    urls: { rest, sobjects: `${rest}sobjects/`, query: `${rest}query/`, profile: `${origin}/${user.id}` },
    is_app_installed: true,
  }
}

/** The OpenID form of the same, for /services/oauth2/userinfo. */
export function userInfoOf(org: Org, user: Row, origin: string): Record<string, unknown> {
  const identity = identityOf(org, user, origin)
  return {
    sub: identity['id'],
    user_id: user.id,
    organization_id: org.organizationId,
    preferred_username: identity['username'],
    nickname: identity['nick_name'],
    name: identity['display_name'],
    email: identity['email'],
    email_verified: true,
    given_name: identity['first_name'],
    family_name: identity['last_name'],
    zoneinfo: 'GMT',
    urls: identity['urls'],
    active: true,
    user_type: 'STANDARD',
    language: 'en_US',
    locale: 'en_US',
    utcOffset: 0,
  }
}
