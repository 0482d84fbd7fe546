import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { gunzipSync } from 'node:zlib'
import type { Delivery, Outcome } from '../../model/target.ts'
import type { Row } from '../../model/value.ts'
import { systemClock } from '../../std/clock.ts'
import { systemRandom } from '../../std/random.ts'
import { Secret } from '../../std/secret.ts'
import type { SalesforceOptions } from './options.ts'
import { openSalesforce, type SalesforceTarget } from './target.ts'

/** A request as the scripted server saw it. */
export interface Seen {
  readonly method: string
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

/** Answers one request, or cuts its connection. */
export type Answerer = (seen: Seen, response: ServerResponse, socket: Socket) => void

/** A small HTTP server for tests that answers API calls as a script says, and counts tokens. */
export interface ScriptedServer {
  readonly url: string
  readonly seen: Seen[]
  readonly tokenRequests: Seen[]
  /** Answers API calls. The default confirms what comes. */
  answer: Answerer
  /** Answers token requests. The default gives `token-1`, `token-2`, … */
  token: Answerer
  close(): Promise<void>
}

/** The organisation whose tokens the server gives. */
export const ORGANISATION = '00D000000000001EAA'

/** Answers with JSON. */
export function json(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers })
  response.end(JSON.stringify(body))
}

/** Results of a write in which every record passes. */
function confirmAll(seen: Seen): unknown[] {
  const ids = new URL(seen.path, 'http://x').searchParams.get('ids')?.split(',')
  const records = ids ?? (JSON.parse(seen.body) as { records: unknown[] }).records
  return records.map((_, index) => ({
    id: ids?.[index] ?? recordId(index),
    success: true,
    errors: [],
    created: true,
  }))
}

/** A Contact id with this number in it. */
export function recordId(number: number): string {
  return `003${String(number).padStart(12, '0')}AAA`
}

/** Starts a server that confirms everything; the test closes it. */
export async function startScriptedServer(): Promise<ScriptedServer> {
  const sockets = new Set<Socket>()
  const http = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('error', () => {})
    request.on('end', () => {
      const raw = Buffer.concat(chunks)
      const packed = request.headers['content-encoding'] === 'gzip'
      const seen: Seen = {
        method: request.method ?? '',
        path: request.url ?? '',
        headers: request.headers,
        body: (packed ? gunzipSync(raw) : raw).toString('utf8'),
      }
      const isToken = seen.path === '/services/oauth2/token'
      ;(isToken ? server.tokenRequests : server.seen).push(seen)
      ;(isToken ? server.token : server.answer)(seen, response, request.socket)
    })
  })
  http.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => {})
  })
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`
  const server: ScriptedServer = {
    url,
    seen: [],
    tokenRequests: [],
    answer: (seen, response) => json(response, 200, confirmAll(seen)),
    token: (_seen, response) =>
      json(response, 200, {
        access_token: `token-${server.tokenRequests.length}`,
        instance_url: url,
        id: `${url}/id/${ORGANISATION}/005000000000001AAA`,
        token_type: 'Bearer',
      }),
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => http.close(resolve))
    },
  }
  return server
}

/** `errors` of a request that Salesforce refuses as a whole. */
export function refusal(errorCode: string, message = 'words'): unknown[] {
  return [{ message, errorCode }]
}

/** A secret that must not turn up anywhere. */
export const CANARY_SECRET = 'canary-secret-7f3a'

/** Opens a target on a scripted server, and closes both. */
export async function scripted(
  work: (server: ScriptedServer, target: SalesforceTarget) => Promise<void>,
  more: Partial<SalesforceOptions> = {},
): Promise<void> {
  const server = await startScriptedServer()
  const clientSecret = new Secret('SF_SECRET', () => CANARY_SECRET)
  const target = openSalesforce(
    { url: server.url, auth: { flow: 'client-credentials', clientId: 'app', clientSecret }, ...more },
    { clock: systemClock, random: systemRandom },
  )
  try {
    await work(server, target)
  } finally {
    await target.close()
    await server.close()
  }
}

/** A delivery of one Contact by its external id. */
export function upsert(link: number, value: string, set: Row = {}): Delivery {
  return { link, op: 'upsert', object: 'Contact', ref: { field: 'Legacy_Id__c', value }, set, covers: [] }
}

/** Submits these deliveries as one request. */
export function submit(
  target: SalesforceTarget,
  deliveries: readonly Delivery[],
  signal: AbortSignal = new AbortController().signal,
): Promise<Outcome[]> {
  return target.submit({ id: systemRandom.id(), number: 1, route: 'queue', deliveries }, async () => {}, signal)
}

/** The kind of each outcome, for comparing. */
export function kinds(outcomes: readonly Outcome[]): string[] {
  return outcomes.map((outcome) => outcome.kind)
}

/** The failure code of each outcome; empty where it is none. */
export function codes(outcomes: readonly Outcome[]): string[] {
  return outcomes.map((outcome) => ('failure' in outcome ? outcome.failure.code : ''))
}
