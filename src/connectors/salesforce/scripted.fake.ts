import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { gunzipSync } from 'node:zlib'

/** A request as the scripted server saw it. */
export interface Seen {
  readonly method: string
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

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
  /** Called before a request is read. Return true to keep it from being read. */
  onConnection: ((socket: Socket) => void) | null
  close(): Promise<void>
}

export const ORGANISATION = '00D000000000001EAA'

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
export function confirmAll(seen: Seen): unknown[] {
  const ids = new URL(seen.path, 'http://x').searchParams.get('ids')?.split(',')
  const records = ids ?? (JSON.parse(seen.body) as { records: unknown[] }).records
  return records.map((_, index) => ({
    id: ids?.[index] ?? recordId(index),
    success: true,
    errors: [],
    created: true,
  }))
}

export function recordId(number: number): string {
  return `003${String(number).padStart(12, '0')}AAA`
}

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
    server.onConnection?.(socket)
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
    onConnection: null,
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => http.close(resolve))
    },
  }
  return server
}
