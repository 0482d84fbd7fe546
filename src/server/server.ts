import type { AddressInfo } from 'node:net'
import Fastify, { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { SyncError } from '../model/failure.ts'
import type { Clock } from '../std/clock.ts'
import type { Random } from '../std/random.ts'
import { answerHeaders, guard, hostsOf } from './guard.ts'
import { openApi } from './openapi.ts'
import { ApiProblem, problemBody } from './problem.ts'
import type { Answers, Route } from './route.ts'
import { routes } from './routes.ts'
import { runs } from './runs.ts'
import { noQuery } from './schemas.ts'

/** Bounds of one request (I7); OWASP ASVS 5.0, 15.2.2. */
export interface ServerLimits {
  readonly bodyBytes: number
  readonly headerBytes: number
  readonly headers_ms: number
  readonly request_ms: number
  readonly connections: number
}

/** What the server has unless a test says otherwise. */
export const SERVER_LIMITS: ServerLimits = {
  bodyBytes: 1_000_000,
  headerBytes: 16_384,
  headers_ms: 10_000,
  request_ms: 30_000,
  connections: 256,
}

/** What a server is started with. */
export interface ServerOptions extends Omit<Answers, 'runs' | 'pid' | 'started_ms'> {
  /** A loopback address; the configuration allows no other. */
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
  readonly clock: Clock
  readonly random: Random
  /** Records that went to quarantine since the start. */
  readonly failed: (flow?: string) => number
  /** Where the details of an internal fault go: one line. */
  readonly log: (line: string) => void
  readonly limits?: ServerLimits
}

/** A server that answers. */
export interface Server {
  readonly url: string
  readonly close: () => Promise<void>
}

const loopback: ReadonlySet<string> = new Set(['127.0.0.1', '::1', 'localhost'])

/** Starts the HTTP API. Rejects with what listening rejects with: `EADDRINUSE` when the port is taken. */
export async function startServer(options: ServerOptions): Promise<Server> {
  if (!loopback.has(options.host)) throw new Error(`the API listens on loopback only, not on ${options.host}`)
  const app = build(options)
  const answers: Answers = {
    ...options,
    runs: runs(options),
    pid: process.pid,
    started_ms: options.clock.now(),
    clock: options.clock,
  }
  let hosts = hostsOf(options.port)
  app.addHook('onRequest', async (request) => guard(request.method, request.headers, hosts))
  app.addHook('onSend', async (_, reply) => {
    reply.headers(answerHeaders)
  })
  for (const route of routes) declare(app, route, answers)
  const document = openApi(routes, options.version)
  app.get('/api/v1/openapi.json', { schema: { querystring: noQuery } }, async () => document)
  try {
    await app.listen({ host: options.host, port: options.port })
  } catch (error) {
    await app.close()
    throw error
  }
  const { port } = app.server.address() as AddressInfo
  hosts = hostsOf(port)
  const host = options.host.includes(':') ? `[${options.host}]` : options.host
  return { url: `http://${host}:${port}`, close: () => app.close() }
}

function build({ limits = SERVER_LIMITS, random, log }: ServerOptions): FastifyInstance {
  const app = Fastify({
    logger: false,
    bodyLimit: limits.bodyBytes,
    requestTimeout: limits.request_ms,
    forceCloseConnections: true,
    return503OnClosing: true,
    genReqId: () => random.id(),
    // As long as a header may be: what is too long is refused by its schema, as a problem like all others.
    routerOptions: { maxParamLength: limits.headerBytes },
    frameworkErrors(_, request, reply) {
      // The hooks do not run for a path that cannot be read.
      reply.headers(answerHeaders)
      send(reply, request, new ApiProblem(400, 'SYNC-8003', 'The path cannot be read.'))
    },
    http: {
      maxHeaderSize: limits.headerBytes,
      headersTimeout: limits.headers_ms,
      connectionsCheckingInterval: Math.min(1_000, limits.headers_ms / 2),
    },
    // Nothing is converted or dropped in silence: what does not fit is refused.
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: true, allErrors: false } },
    clientErrorHandler(error, socket) {
      const status = error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? '408 Request Timeout' : '400 Bad Request'
      if (socket.writable) socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
    },
  })
  app.server.maxConnections = limits.connections
  app.removeContentTypeParser('text/plain')
  app.setErrorHandler((error: FastifyError, request, reply) => send(reply, request, problemOf(error, request, log)))
  app.setNotFoundHandler((request, reply) => {
    const allowed = methodsFor(request.url)
    if (allowed.length === 0) return send(reply, request, new ApiProblem(404, 'SYNC-8001', 'There is nothing here.'))
    reply.header('allow', allowed.join(', '))
    return send(reply, request, new ApiProblem(405, 'SYNC-8002', `Only ${allowed.join(', ')} is allowed here.`))
  })
  return app
}

function declare(app: FastifyInstance, route: Route, answers: Answers): void {
  app.route({
    method: route.method,
    url: route.path,
    schema: {
      querystring: route.query ?? noQuery,
      ...(route.params === undefined ? {} : { params: route.params }),
      ...(route.body === undefined ? {} : { body: route.body }),
    },
    async handler(request, reply) {
      const params = (request.params ?? {}) as Readonly<Record<string, string>>
      const query = (request.query ?? {}) as Readonly<Record<string, string>>
      const body = (request.body ?? {}) as Readonly<Record<string, unknown>>
      const answered = await route.answer({ params, query, body }, answers)
      reply.code(answered.status)
      if (answered.text === undefined) return reply.send(answered.body)
      return reply.type(answered.text.type).send(answered.text.body)
    },
  })
}

const send = (reply: FastifyReply, request: FastifyRequest, problem: ApiProblem): FastifyReply =>
  reply
    .code(problem.status)
    .type('application/problem+json')
    .send(problemBody(problem, `urn:syncline:request:${request.id}`))

/** The methods that a path knows. */
function methodsFor(url: string): string[] {
  const path = url.split('?')[0] ?? ''
  const fits = (pattern: string) =>
    new RegExp(`^${pattern.replace(/:\w+/g, '[^/]+').replaceAll('.', '\\.')}$`).test(path)
  const found = routes.filter((route) => fits(route.path)).map((route) => route.method as string)
  if (path === '/api/v1/openapi.json') found.push('GET')
  return [...new Set(found.includes('GET') ? [...found, 'HEAD'] : found)]
}

/** Faults of the client are told exactly; of ours the client learns only the number. */
function problemOf(error: FastifyError, request: FastifyRequest, log: (line: string) => void): ApiProblem {
  if (error instanceof ApiProblem) return error
  if (error instanceof SyncError) {
    const { code, message, hint } = error.failure
    return new ApiProblem(409, code, message, hint)
  }
  if (error.validation !== undefined) return new ApiProblem(400, 'SYNC-8003', error.message)
  switch (error.statusCode) {
    case 413:
      return new ApiProblem(413, 'SYNC-8005', 'The body has more than 1,000,000 bytes.')
    case 415:
      return new ApiProblem(415, 'SYNC-8004', 'The header Content-Type must be application/json.')
    case 400:
      return new ApiProblem(400, 'SYNC-8003', error.message)
    case 408:
      return new ApiProblem(408, 'SYNC-8011', 'The request did not arrive in time.')
    default:
      log(`request ${request.id} ${request.method} ${request.url.split('?')[0]}: ${error.stack ?? error.message}`)
      return new ApiProblem(500, 'SYNC-8009', 'Something went wrong here.')
  }
}
