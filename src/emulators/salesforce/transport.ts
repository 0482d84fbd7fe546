/** Puts an answer on the wire, or fails to, as the faults that met the request demand. */

import type { IncomingMessage, ServerResponse } from 'node:http'
import { constants, gzipSync } from 'node:zlib'
import type { Answer } from './call.ts'
import { ApiError } from './errors.ts'
import type { Plan } from './exchange.ts'
import type { FaultAction } from './faults.ts'

/** What sending answers needs of the running server. */
export interface Delivery {
  /** Running timers of latencies, late landings and slow answers; cleared when the server closes. */
  readonly timers: Set<NodeJS.Timeout>
  readonly log: (line: string) => void
}

const GZIP_FROM_BYTES = 1_000
const DRIP_BYTES = 64
const DRIP_PAUSE_ms = 20

/** Applies a planned request and answers it. */
export async function deliver(
  delivery: Delivery,
  request: IncomingMessage,
  response: ServerResponse,
  plan: Plan,
): Promise<void> {
  if (plan.actions.length === 0) return send(request, response, plan, plan.apply())
  for (const action of plan.actions) if (action.kind === 'latency') await pause(delivery, latency(action, plan))
  const refusal = refusalOf(plan)
  if (refusal !== null) return send(request, response, plan, refusal)
  const find = <K extends FaultAction['kind']>(kind: K) =>
    plan.actions.find((action): action is FaultAction & { kind: K } => action.kind === kind)
  if (find('lost-request')) return void request.socket.destroy()
  const late = find('late')
  if (late !== undefined) return land(delivery, request, plan, late)
  const silent = find('no-answer')
  if (silent !== undefined) return void (silent.apply === true && plan.apply())
  const answer = plan.apply()
  if (find('lost-answer')) return void request.socket.destroy()
  if (find('half-answer')) return sendHalf(request, response, plan, answer)
  const drip = find('slow-drip')
  if (drip !== undefined) return sendSlowly(delivery, request, response, plan, answer, drip)
  send(request, response, plan, answer)
}

function latency(action: FaultAction & { kind: 'latency' }, plan: Plan): number {
  return action.latency_ms + (action.jitter_ms === undefined ? 0 : action.jitter_ms * plan.chance())
}

function pause(delivery: Delivery, pause_ms: number): Promise<void> {
  return new Promise((resolve) => {
    later(delivery, pause_ms, resolve)
  })
}

function later(delivery: Delivery, pause_ms: number, run: () => void): void {
  const timer = setTimeout(() => {
    delivery.timers.delete(timer)
    run()
  }, pause_ms)
  delivery.timers.add(timer)
}

/** The answer of a fault that refuses the request without applying it. */
function refusalOf(plan: Plan): Answer | null {
  for (const action of plan.actions) {
    switch (action.kind) {
      case 'session-expired':
        if (action.expireAll === true) plan.expireAll()
        return plan.refuse(new ApiError(401, 'INVALID_SESSION_ID', 'Session expired or invalid'))
      case 'limit':
        return plan.refuse(new ApiError(403, 'REQUEST_LIMIT_EXCEEDED', 'TotalRequests Limit exceeded.'))
      case 'unavailable':
        return plan.refuse(new ApiError(503, 'SERVER_UNAVAILABLE', 'The server is temporarily unavailable'))
      case 'html':
        return { status: action.status ?? 503, body: MAINTENANCE_PAGE, headers: { 'Content-Type': 'text/html' } }
      case 'status':
        return statusAnswer(action)
      default:
    }
  }
  return null
}

const MAINTENANCE_PAGE =
  '<!DOCTYPE html><html><head><title>Maintenance</title></head><body><h1>We are down for maintenance.</h1></body></html>'

function statusAnswer(action: FaultAction & { kind: 'status' }): Answer {
  const body =
    typeof action.body === 'string' ? action.body : action.body === undefined ? '' : JSON.stringify(action.body)
  const headers = {
    ...action.headers,
    ...(action.contentType === undefined ? {} : { 'Content-Type': action.contentType }),
  }
  return { status: action.status, body, headers }
}

/** The client is told nothing (or its connection breaks), and the request is applied after all, later. */
function land(delivery: Delivery, request: IncomingMessage, plan: Plan, action: FaultAction & { kind: 'late' }): void {
  later(delivery, action.apply_ms, () => {
    try {
      plan.apply(action.stamp === 'sent' ? plan.came_ms : undefined)
    } catch (error) {
      delivery.log(`a late request failed: ${error instanceof Error ? error.stack : String(error)}`)
    }
  })
  if (action.answer !== 'never') request.socket.destroy()
}

interface Packed {
  readonly bytes: Buffer
  readonly headers: Record<string, string | number>
}

function pack(request: IncomingMessage, plan: Plan, answer: Answer): Packed {
  const plain = Buffer.from(answer.body, 'utf8')
  const limit = plan.limitInfo()
  const headers: Record<string, string | number> = {
    'Content-Type': 'application/json;charset=UTF-8',
    ...(limit === '' ? {} : { 'Sforce-Limit-Info': limit }),
    Vary: 'Accept-Encoding',
    ...answer.headers,
  }
  if (plain.length <= GZIP_FROM_BYTES || !/\bgzip\b/.test(String(request.headers['accept-encoding'] ?? '')))
    return { bytes: plain, headers: { ...headers, 'Content-Length': plain.length } }
  const bytes = gzipSync(plain, { level: constants.Z_BEST_SPEED })
  return { bytes, headers: { ...headers, 'Content-Encoding': 'gzip', 'Content-Length': bytes.length } }
}

function send(request: IncomingMessage, response: ServerResponse, plan: Plan, answer: Answer): void {
  const { bytes, headers } = pack(request, plan, answer)
  if (answer.status === 204 || answer.status === 304) {
    delete headers['Content-Type']
    delete headers['Content-Length']
    response.writeHead(answer.status, headers).end()
    return
  }
  response.writeHead(answer.status, headers).end(request.method === 'HEAD' ? undefined : bytes)
}

/** The headers promise the whole body; half of it comes, then the connection breaks. */
function sendHalf(request: IncomingMessage, response: ServerResponse, plan: Plan, answer: Answer): void {
  const { bytes, headers } = pack(request, plan, answer)
  response.writeHead(answer.status, headers)
  response.write(bytes.subarray(0, Math.floor(bytes.length / 2)), () => request.socket.destroy())
}

function sendSlowly(
  delivery: Delivery,
  request: IncomingMessage,
  response: ServerResponse,
  plan: Plan,
  answer: Answer,
  action: FaultAction & { kind: 'slow-drip' },
): void {
  const { bytes, headers } = pack(request, plan, answer)
  const step = Math.max(1, action.bytes ?? DRIP_BYTES)
  response.writeHead(answer.status, headers)
  const drip = (from: number): void => {
    if (response.destroyed) return
    if (from >= bytes.length) return void response.end()
    response.write(bytes.subarray(from, from + step))
    later(delivery, action.pause_ms ?? DRIP_PAUSE_ms, () => drip(from + step))
  }
  drip(0)
}
