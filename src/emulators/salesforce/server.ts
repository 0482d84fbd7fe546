/**
 * The Salesforce emulator: an HTTP server that behaves like one Salesforce org, for tests, demonstrations and benches.
 * What is emulated, and what is not, is in README.md of this folder.
 */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { systemClock } from '../../std/clock.ts'
import { type Random, systemRandom } from '../../std/random.ts'
import { makeSessions } from './auth.ts'
import { answerError } from './call.ts'
import { ApiError } from './errors.ts'
import { answerExchange, type Exchange } from './exchange.ts'
import type { FaultControl } from './faults.ts'
import { loadRecords } from './load.ts'
import { openOrg } from './org.ts'
import { makeCursors } from './queries.ts'
import type { SalesforceSetup } from './setup.ts'
import { openStorage } from './storage.ts'
import { type Delivery, deliver } from './transport.ts'

/** How an emulator is started. Everything has a default: an empty org, in memory, on a free port. */
export interface SalesforceEmulatorOptions {
  /** 0 is any free port. Default 0. */
  port?: number
  /** Default 127.0.0.1. */
  host?: string
  /** Folder of the state file; absent: the org lives in memory. */
  folder?: string
  setup?: SalesforceSetup
  log?: (line: string) => void
  /** Wall clock in milliseconds. */
  now?: () => number
  random?: Random
}

interface SalesforceStats {
  readonly requests: number
  readonly apiUsed: number
  readonly apiMax: number
  readonly sessions: number
  readonly records: Record<string, number>
  readonly counts: Record<string, number>
}

/** A running emulator, listening at `url` until `close`. */
export interface SalesforceEmulator {
  readonly url: string
  readonly port: number
  readonly organizationId: string
  readonly faults: FaultControl
  stats(): SalesforceStats
  close(): Promise<void>
}

const REQUEST_BYTES_MAX = 50_000_000
const KEEP_ALIVE_ms = 60_000

/** Starts an emulator. Throws SetupError for a wrong setup, and what listening throws (a port in use). */
export async function startSalesforceEmulator(options: SalesforceEmulatorOptions = {}): Promise<SalesforceEmulator> {
  const now = options.now ?? systemClock.now
  const log = options.log ?? (() => undefined)
  const storage = options.folder === undefined ? null : openStorage(options.folder)
  try {
    const org = openOrg(options.setup ?? {}, storage, now, options.random ?? systemRandom)
    loadRecords(org)
    const sessions = makeSessions(org, now)
    const host = options.host ?? '127.0.0.1'
    const state: Exchange = {
      org,
      sessions,
      cursors: makeCursors(),
      origin: '',
      clock: now,
      requests: 0,
      stats: () => stats(),
    }
    const stats = (): SalesforceStats => ({
      requests: state.requests,
      apiUsed: org.meter.used(),
      apiMax: org.meter.max,
      sessions: sessions.count,
      records: Object.fromEntries([...org.tables.byType.values()].map((table) => [table.type.name, table.live])),
      counts: org.meter.counts(),
    })
    const delivery: Delivery = { timers: new Set(), log }
    const server = createServer({ keepAliveTimeout: KEEP_ALIVE_ms, noDelay: true }, (request, response) =>
      serve(state, delivery, request, response),
    )
    await listen(server, options.port ?? 0, host)
    const { port } = server.address() as AddressInfo
    state.origin = `http://${host.includes(':') ? `[${host}]` : host}:${port}`
    log(`Salesforce emulator on ${state.origin}, organisation ${org.organizationId}`)
    return {
      url: state.origin,
      port,
      organizationId: org.organizationId,
      faults: org.faults,
      stats,
      close: async () => {
        for (const timer of delivery.timers) clearTimeout(timer)
        server.closeAllConnections()
        await new Promise<void>((resolve) => server.close(() => resolve()))
        storage?.close()
      },
    }
  } catch (error) {
    storage?.close()
    throw error
  }
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const refuse = (error: NodeJS.ErrnoException): void => {
      const taken = error.code === 'EADDRINUSE'
      reject(taken ? new Error(`Port ${port} on ${host} is in use by another program. Choose another port.`) : error)
    }
    server.once('error', refuse)
    server.listen(port, host, () => {
      server.off('error', refuse)
      resolve()
    })
  })
}

function serve(state: Exchange, delivery: Delivery, request: IncomingMessage, response: ServerResponse): void {
  const chunks: Buffer[] = []
  let bytes = 0
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes <= REQUEST_BYTES_MAX) chunks.push(chunk)
    else if (!response.headersSent) refuse(response, TOO_LARGE)
    // What a client goes on sending is read for a while, so that it comes to read the answer.
    else if (bytes > 2 * REQUEST_BYTES_MAX) request.destroy()
  })
  request.on('error', () => response.destroy())
  request.on('end', () => {
    if (bytes > REQUEST_BYTES_MAX) return
    const body = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)
    answer(state, delivery, request, response, body).catch((error: unknown) => {
      delivery.log(`the emulator failed: ${error instanceof Error ? error.stack : String(error)}`)
      refuse(response, FAILED)
    })
  })
}

async function answer(
  state: Exchange,
  delivery: Delivery,
  request: IncomingMessage,
  response: ServerResponse,
  body: Buffer,
): Promise<void> {
  await deliver(delivery, request, response, answerExchange(state, request, body))
}

const TOO_LARGE = new ApiError(
  413,
  'REQUEST_ENTITY_TOO_LARGE',
  `The emulator reads bodies of at most ${REQUEST_BYTES_MAX} bytes`,
)
const FAILED = new ApiError(500, 'UNKNOWN_EXCEPTION', 'An unexpected error occurred; the log of the emulator has it')

/** Answers what never became a call; a connection whose answer has begun is broken. */
function refuse(response: ServerResponse, error: ApiError): void {
  if (response.headersSent) return void response.destroy()
  const { status, body } = answerError(error)
  response.writeHead(status, { 'Content-Type': 'application/json;charset=UTF-8', Connection: 'close' }).end(body)
}
