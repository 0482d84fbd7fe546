import { readFileSync } from 'node:fs'
import { getCACertificates } from 'node:tls'
import { promisify } from 'node:util'
import { gunzip, gunzipSync, gzip } from 'node:zlib'
import { type Dispatcher, Pool, ProxyAgent } from 'undici'
import { forbiddenUrl, guardedLookup, type Resolve } from './address.ts'
import type { Clock } from './clock.ts'

/** How an HTTP client is set up. Times in milliseconds, sizes in bytes. */
export interface HttpOptions {
  readonly clock: Clock
  /** Connections kept to one origin; further requests wait in line. */
  readonly connections: number
  /** Connecting and the TLS handshake together take at most this long. */
  readonly connectTimeout_ms?: number
  /** A longer body, as sent or after unpacking, is not read to its end: the answer counts as unknown. */
  readonly responseBytesMax?: number
  /** Bodies from this size are sent gzipped. 0: never. */
  readonly gzipBytesMin?: number
  /** File of PEM certificates that are trusted besides the system's own. */
  readonly caFile?: string
  /** Proxy for everything, as `http://host:port`. Requests go through it as CONNECT tunnels. */
  readonly proxy?: string
  /** `Proxy-Authorization` of the proxy. */
  readonly proxyAuthorization?: string
  /** Allows http:// to other hosts than this machine. Shown as unsafe wherever it is set. */
  readonly insecureHttp?: boolean
  /** Name resolution; the system's own unless a test says otherwise. */
  readonly resolve?: Resolve
}

/** One request. */
export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE'
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  /** From now to the last byte of the answer, waiting in line included: a total, not an idle time. */
  readonly timeout_ms: number
}

/** Why there is no answer. `text` names no header, no body and no address parameter. */
export interface HttpError {
  readonly kind: 'address' | 'connect' | 'tls' | 'timeout' | 'aborted' | 'cut' | 'unreadable' | 'closed' | 'invalid'
  readonly code: string
  readonly text: string
}

/**
 * What became of a request. `unsent`: not one byte of it left this process. `unknown`: bytes left, and no whole answer
 * that can be read came back: it may have taken effect.
 */
export type HttpResult =
  | {
      readonly kind: 'answer'
      readonly status: number
      /** Lower-case names. */
      readonly headers: Readonly<Record<string, string>>
      readonly body: string
    }
  | { readonly kind: 'unsent'; readonly error: HttpError }
  | { readonly kind: 'unknown'; readonly error: HttpError }

/** A small HTTP/1.1 client: pooled, bounded in time and size, careful about addresses. It follows no redirect and repeats nothing. */
export interface Http {
  /** Never rejects for what the network does. */
  send(request: HttpRequest, signal: AbortSignal): Promise<HttpResult>
  close(): Promise<void>
}

const CONNECT_TIMEOUT_MS = 10_000
const RESPONSE_BYTES_MAX = 32_000_000
const HEADER_BYTES_MAX = 32_768
const ORIGINS_MAX = 8
/** Shorter than servers commonly keep idle connections, so that a request seldom meets a connection that is being closed. */
const KEEP_ALIVE_MS = 4_000

/** Smaller bodies are unpacked at once: handing one to another thread and back takes longer, and leaves more to collect. */
const UNPACK_AT_ONCE_BYTES = 65_536
/** Ends the wait for a deadline; a reason of our own, because making an error with its stack for each request is dear. */
const OVER = 'the request is over'

const pack = promisify(gzip)
const unpack = promisify(gunzip)

/** Opens a client. Reads `caFile` now, and throws if it cannot. */
export function openHttp(options: HttpOptions): Http {
  const tls = tlsOptions(options)
  const pools = new Map<string, Dispatcher>()

  function poolFor(origin: string): Dispatcher {
    let pool = pools.get(origin)
    if (pool !== undefined) return pool
    if (pools.size >= ORIGINS_MAX) throw new Error(`more than ${ORIGINS_MAX} origins through one HTTP client`)
    const http = origin.startsWith('http:')
    const lookup = guardedLookup({ loopbackOnly: http && options.insecureHttp !== true, resolve: options.resolve })
    pool = options.proxy === undefined ? directPool(origin, options, tls, lookup) : proxyPool(options, tls)
    pools.set(origin, pool)
    return pool
  }

  return {
    async send(request, signal) {
      const pool = URL.canParse(request.url) ? pools.get(new URL(request.url).origin) : undefined
      const refused = pool === undefined ? forbiddenUrl(request.url, options.insecureHttp === true) : null
      if (refused !== null) return unsent('address', 'ADDRESS_REFUSED', refused)
      if (signal.aborted) return unsent('aborted', 'ABORTED', 'stopped before it was sent')
      const url = new URL(request.url)
      const packed = await packedBody(request, options.gzipBytesMin ?? 0)
      const raw = await exchange(pool ?? poolFor(url.origin), url, { ...request, ...packed }, options, signal)
      return raw.kind === 'raw' ? await readable(raw, options.responseBytesMax ?? RESPONSE_BYTES_MAX) : raw
    },
    async close() {
      await Promise.all([...pools.values()].map((pool) => pool.destroy()))
      pools.clear()
    },
  }
}

type TlsOptions = {
  ca?: string[]
  minVersion: 'TLSv1.2'
  rejectUnauthorized: true
  allowH2: false
  timeout: number
}

function tlsOptions(options: HttpOptions): TlsOptions {
  return {
    ...(options.caFile === undefined
      ? {}
      : { ca: [...getCACertificates('default'), readFileSync(options.caFile, 'utf8')] }),
    minVersion: 'TLSv1.2',
    // Said out loud, so that NODE_TLS_REJECT_UNAUTHORIZED=0 in the environment changes nothing here.
    rejectUnauthorized: true,
    allowH2: false,
    timeout: options.connectTimeout_ms ?? CONNECT_TIMEOUT_MS,
  }
}

/** Settings that both kinds of pool share. The deadline is ours: undici's own idle timeouts are switched off. */
function poolOptions(options: HttpOptions) {
  return {
    connections: options.connections,
    pipelining: 1,
    allowH2: false,
    headersTimeout: 0,
    bodyTimeout: 0,
    keepAliveTimeout: KEEP_ALIVE_MS,
    maxHeaderSize: HEADER_BYTES_MAX,
  }
}

function directPool(origin: string, options: HttpOptions, tls: TlsOptions, lookup: ReturnType<typeof guardedLookup>) {
  return new Pool(origin, { ...poolOptions(options), connect: { ...tls, lookup } })
}

/** Through a proxy the proxy resolves the name: only the proxy's own address, literal addresses and known names can be checked. */
function proxyPool(options: HttpOptions, tls: TlsOptions): Dispatcher {
  const lookup = guardedLookup({ loopbackOnly: false, resolve: options.resolve })
  return new ProxyAgent({
    ...poolOptions(options),
    uri: options.proxy as string,
    ...(options.proxyAuthorization === undefined ? {} : { token: options.proxyAuthorization }),
    proxyTunnel: true,
    connectTimeout: tls.timeout,
    requestTls: tls,
    proxyTls: { ...tls, lookup },
  } as ProxyAgent.Options)
}

async function packedBody(request: HttpRequest, gzipBytesMin: number) {
  if (request.body === undefined) return {}
  const body = Buffer.from(request.body, 'utf8')
  if (gzipBytesMin === 0 || body.length < gzipBytesMin) return { bytes: body }
  return { bytes: await pack(body, { level: 1 }), headers: { ...request.headers, 'content-encoding': 'gzip' } }
}

interface Raw {
  readonly kind: 'raw'
  readonly status: number
  readonly headers: Record<string, string>
  readonly chunks: readonly Buffer[]
}

type Sending = HttpRequest & { readonly bytes?: Buffer }

/**
 * Sends one request and collects the answer. What decides between `unsent` and `unknown` is whether undici handed the
 * request to a connected socket (`onRequestStart`): before that, no byte of it can have left (I4).
 */
function exchange(
  pool: Dispatcher,
  url: URL,
  request: Sending,
  options: HttpOptions,
  signal: AbortSignal,
): Promise<Raw | Exclude<HttpResult, { kind: 'answer' }>> {
  const bytesMax = options.responseBytesMax ?? RESPONSE_BYTES_MAX
  return new Promise((resolve) => {
    const ended = new AbortController()
    let controller: Dispatcher.DispatchController | null = null
    let settled = false
    let status = 0
    let headers: Record<string, string> = {}
    let bytes = 0
    const chunks: Buffer[] = []

    const settle = (result: Raw | Exclude<HttpResult, { kind: 'answer' }>) => {
      if (settled) return
      settled = true
      signal.removeEventListener('abort', stop)
      ended.abort(OVER)
      resolve(result)
    }
    const fail = (kind: HttpError['kind'], code: string, text: string) => {
      settle(controller === null ? unsent(kind, code, text) : unknown(kind, code, text))
      controller?.abort(new Error(text))
    }
    const stop = () => fail('aborted', 'ABORTED', 'stopped before the answer came')

    signal.addEventListener('abort', stop, { once: true })
    options.clock.sleep(request.timeout_ms, ended.signal).then(
      () => fail('timeout', 'TIMEOUT', `no whole answer within ${request.timeout_ms} ms`),
      () => {},
    )
    const handler: Dispatcher.DispatchHandler = {
      onRequestStart(now) {
        // Given up while it waited in line, or about to be sent a second time: neither may happen.
        if (settled || controller !== null) {
          if (controller !== null) fail('cut', 'SENT_TWICE', 'the connection was lost')
          now.abort(new Error('given up'))
          return
        }
        controller = now
      },
      onResponseStart(_controller, code, received) {
        if (code < 200) return
        status = code
        headers = plainHeaders(received)
      },
      onResponseData(_controller, chunk) {
        bytes += chunk.length
        if (bytes > bytesMax) fail('unreadable', 'TOO_LONG', `the answer is longer than ${bytesMax} bytes`)
        else chunks.push(chunk)
      },
      onResponseEnd() {
        settle({ kind: 'raw', status, headers, chunks })
      },
      onResponseError(_controller, error) {
        const kind = controller === null ? connectKind(error) : 'cut'
        fail(kind, codeOf(error), kind === 'cut' ? 'the connection was lost' : connectText(error))
      },
    }
    try {
      pool.dispatch(
        {
          origin: url.origin,
          path: url.pathname + url.search,
          method: request.method,
          headers: { ...request.headers, 'accept-encoding': 'gzip' },
          body: request.bytes ?? null,
        },
        handler,
      )
    } catch (error) {
      fail('invalid', codeOf(error), 'the request could not be built')
    }
  })
}

/** Unpacks and decodes; whatever cannot be read to its end is unknown, never guessed. */
async function readable(raw: Raw, bytesMax: number): Promise<HttpResult> {
  let body = raw.chunks.length === 1 ? (raw.chunks[0] as Buffer) : Buffer.concat(raw.chunks)
  const encoding = raw.headers['content-encoding']
  if (encoding !== undefined && encoding !== 'identity' && body.length > 0) {
    if (encoding !== 'gzip') return unknown('unreadable', 'ENCODING', 'the answer has an unknown encoding')
    try {
      const bounded = { maxOutputLength: bytesMax }
      body = body.length <= UNPACK_AT_ONCE_BYTES ? gunzipSync(body, bounded) : await unpack(body, bounded)
    } catch (error) {
      const code = codeOf(error)
      const long = code === 'ERR_BUFFER_TOO_LARGE'
      return unknown(
        'unreadable',
        long ? 'TOO_LONG' : code,
        long ? `the answer unpacks to more than ${bytesMax} bytes` : 'the answer cannot be unpacked',
      )
    }
  }
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(body)
    return { kind: 'answer', status: raw.status, headers: raw.headers, body: text }
  } catch {
    return unknown('unreadable', 'NOT_UTF8', 'the answer is not UTF-8')
  }
}

function plainHeaders(received: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> {
  const headers: Record<string, string> = Object.create(null)
  for (const [name, value] of Object.entries(received)) {
    if (value !== undefined) headers[name.toLowerCase()] = Array.isArray(value) ? value.join(', ') : value
  }
  return headers
}

function unsent(kind: HttpError['kind'], code: string, text: string) {
  return { kind: 'unsent', error: { kind, code, text } } as const
}

function unknown(kind: HttpError['kind'], code: string, text: string) {
  return { kind: 'unknown', error: { kind, code, text } } as const
}

function codeOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return codeOf(error.errors[0])
  const code = (error as { code?: unknown } | null)?.code
  return typeof code === 'string' ? code : error instanceof Error ? error.name : 'UNKNOWN'
}

/** Codes of OpenSSL and of Node's own certificate checks. */
const TLS_CODE =
  /^(ERR_TLS_|ERR_SSL_|CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|HOSTNAME_MISMATCH|CRL_|INVALID_CA|UND_ERR_PRX_TLS|EPROTO)/

function connectKind(error: unknown): HttpError['kind'] {
  const code = codeOf(error)
  if (code === 'ADDRESS_REFUSED') return 'address'
  if (TLS_CODE.test(code)) return 'tls'
  if (code === 'UND_ERR_DESTROYED' || code === 'UND_ERR_CLOSED') return 'closed'
  if (code === 'UND_ERR_INVALID_ARG') return 'invalid'
  return 'connect'
}

/** Connect errors name hosts, addresses and certificates, nothing secret. */
function connectText(error: unknown): string {
  const inner = error instanceof AggregateError && error.errors.length > 0 ? error.errors[0] : error
  const text = inner instanceof Error ? inner.message : 'the connection could not be made'
  return text.replaceAll(/\s+/g, ' ').slice(0, 200)
}
