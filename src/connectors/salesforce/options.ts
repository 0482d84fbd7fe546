import { type Static, Type } from 'typebox'
import type { Secret } from '../../std/secret.ts'

/** A secret by reference (`${VAR}` or `${file:…}`): the configuration loader makes a `Secret` of it; a text in clear is refused. */
function secret(description: string) {
  return Type.Unsafe<Secret>({ type: 'string', format: 'secret', description })
}

const clientCredentials = Type.Object(
  {
    flow: Type.Literal('client-credentials', {
      description: 'OAuth 2.0 client credentials: the app runs as its own user.',
    }),
    clientId: Type.String({ minLength: 1, description: 'Consumer key of the external client app or connected app.' }),
    clientSecret: secret('Consumer secret of the app. Read afresh for each token.'),
  },
  { additionalProperties: false },
)

const jwtBearer = Type.Object(
  {
    flow: Type.Literal('jwt-bearer', {
      description: 'OAuth 2.0 JWT bearer: signed with the key of an uploaded certificate.',
    }),
    clientId: Type.String({ minLength: 1, description: 'Consumer key of the external client app or connected app.' }),
    username: Type.String({ minLength: 1, description: 'The user that Syncline acts as.' }),
    privateKey: secret('RSA private key as PEM. Read afresh for each token.'),
    audience: Type.Optional(
      Type.String({
        description: 'https://login.salesforce.com (default), or https://test.salesforce.com for sandboxes.',
      }),
    ),
  },
  { additionalProperties: false },
)

/** Every option of a system of type `salesforce`: meaning, bounds and defaults. */
export const salesforceOptions = Type.Object(
  {
    url: Type.String({ description: 'My Domain address of the organisation: https://example.my.salesforce.com.' }),
    auth: Type.Union([clientCredentials, jwtBearer], { description: 'How Syncline logs in.' }),
    apiVersion: Type.Optional(
      Type.String({
        pattern: '^[0-9]{2,3}\\.0$',
        default: '67.0',
        description: 'Version of the REST API, 46.0 or newer.',
      }),
    ),
    timeout_ms: Type.Optional(
      Type.Integer({
        minimum: 100,
        maximum: 600_000,
        default: 120_000,
        description:
          'Longest time for one request with all that belongs to it, from waiting for a connection to the last byte.',
      }),
    ),
    landing_ms: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 3_600_000,
        default: 600_000,
        description:
          'How long after we gave up on a request Salesforce may still be working on it. The default is its own limit for a request, 10 minutes.',
      }),
    ),
    requestRowsMax: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 200, default: 100, description: 'Records in one call.' }),
    ),
    requestsMax: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 20, default: 4, description: 'Calls that may be under way at once.' }),
    ),
    connections: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 50,
        description: 'Connections kept open; by default two more than `requestsMax`, for reading back and for tokens.',
      }),
    ),
    gzipBytesMin: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 10_000_000,
        default: 8_192,
        description:
          'Request bodies from this size are sent gzipped; 0 sends none so. Answers are always asked for gzipped.',
      }),
    ),
    responseBytesMax: Type.Optional(
      Type.Integer({
        minimum: 100_000,
        maximum: 500_000_000,
        default: 32_000_000,
        description: 'A longer answer, as sent or unpacked, is not read to its end and counts as lost.',
      }),
    ),
    ca: Type.Optional(Type.String({ description: 'File of PEM certificates trusted besides those of the system.' })),
    proxy: Type.Optional(
      Type.String({ description: 'HTTP proxy, as http://host:port. Everything is tunnelled through it.' }),
    ),
    proxyAuthorization: Type.Optional(
      secret('Value of the Proxy-Authorization header. Read once, when the system is opened.'),
    ),
    insecureHttp: Type.Optional(
      Type.Boolean({
        default: false,
        description: 'Allows http:// to other machines. Secrets and data then travel unprotected.',
      }),
    ),
    clientName: Type.Optional(
      Type.String({
        pattern: '^[A-Za-z0-9_.-]{1,40}$',
        default: 'syncline',
        description: 'Sent as Sforce-Call-Options: client=…, by which change events show that a change was ours.',
      }),
    ),
  },
  { additionalProperties: false },
)

/** Person accounts are Accounts. Source: SOAP API Developer Guide, merge(); recorded for others: INVALID_TYPE_FOR_OPERATION. */
const MERGED_OBJECTS: ReadonlySet<string> = new Set(['account', 'contact', 'lead', 'case'])

/** Whether Salesforce merges records of this object; custom objects it never does. */
export const canMerge = (object: string): boolean => MERGED_OBJECTS.has(object.toLowerCase())

/** Options of a system of type `salesforce`, as the configuration gives them. */
export type SalesforceOptions = Static<typeof salesforceOptions>

/** The OAuth flow and what it needs, with its secrets still unread. */
export type SalesforceAuth = SalesforceOptions['auth']

/** The options with every default filled in. */
export interface SalesforceSettings {
  readonly url: string
  readonly auth: SalesforceAuth
  readonly apiVersion: string
  readonly timeout_ms: number
  readonly landing_ms: number
  readonly requestRowsMax: number
  readonly requestsMax: number
  readonly connections: number
  readonly gzipBytesMin: number
  readonly responseBytesMax: number
  readonly insecureHttp: boolean
  readonly clientName: string
}

/** Fills the defaults in, as the schema states them. */
export function settingsOf(options: SalesforceOptions): SalesforceSettings {
  const requestsMax = options.requestsMax ?? 4
  return {
    url: options.url.replace(/\/+$/, ''),
    auth: options.auth,
    apiVersion: options.apiVersion ?? '67.0',
    timeout_ms: options.timeout_ms ?? 120_000,
    landing_ms: options.landing_ms ?? 600_000,
    requestRowsMax: Math.min(options.requestRowsMax ?? 100, 200),
    requestsMax,
    connections: options.connections ?? requestsMax + 2,
    gzipBytesMin: options.gzipBytesMin ?? 8_192,
    responseBytesMax: options.responseBytesMax ?? 32_000_000,
    insecureHttp: options.insecureHttp ?? false,
    clientName: options.clientName ?? 'syncline',
  }
}
