import type { TSchema } from 'typebox'
import type { Engine } from '../app/engine.ts'
import type { Key } from '../model/key.ts'
import type { ParkedQuery } from '../model/state.ts'
import type { StageName } from '../model/verdict.ts'
import type { Clock } from '../std/clock.ts'
import type { Health } from '../telemetry/health.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import { ApiProblem } from './problem.ts'
import type { Runs } from './runs.ts'

/** What the routes answer from. */
export interface Answers {
  readonly engine: Engine
  readonly metrics: Metrics
  readonly health: Health
  readonly runs: Runs
  readonly version: string
  readonly pid: number
  readonly started_ms: number
  readonly clock: Clock
}

/** A request whose parts have passed their schemas. */
export interface Asked {
  readonly params: Readonly<Record<string, string>>
  readonly query: Readonly<Record<string, string>>
  readonly body: Readonly<Record<string, unknown>>
}

/** What a route answers. `text` is sent as it is, everything else as JSON. */
export interface Answered {
  readonly status: number
  readonly body?: unknown
  readonly text?: { readonly type: string; readonly body: string }
}

/** One resource of the API: the only place where it is declared. GET changes nothing. */
export interface Route {
  readonly method: 'GET' | 'POST'
  /** With its parameters as `:name`. */
  readonly path: string
  readonly summary: string
  readonly params?: TSchema
  /** Texts after the question mark; none are allowed without it. */
  readonly query?: TSchema
  readonly body?: TSchema
  /** The answer by status. */
  readonly answers: Readonly<Record<number, { readonly text: string; readonly schema?: TSchema }>>
  readonly answer: (asked: Asked, from: Answers) => Promise<Answered>
}

/** A flow that there is. */
export function known(flow: string, engine: Engine): string {
  if (engine.flows.includes(flow)) return flow
  throw new ApiProblem(404, 'SYNC-8008', `There is no flow ${flow}; there are: ${engine.flows.join(', ') || 'none'}.`)
}

/** The records that a body speaks of. */
export function queryOf({ body }: Asked, { engine }: Answers): ParkedQuery {
  const { key, code } = body
  return {
    flow: known(String(body['flow']), engine),
    state: 'parked',
    rowsMax: Number(body['rowsMax']),
    ...(typeof key === 'string' ? { key: key as Key } : {}),
    ...(typeof code === 'string' ? { code } : {}),
    ...selectionOf(body),
  }
}

const selectionOf = ({ stage, field, rule, before_ms }: Asked['body']): Partial<ParkedQuery> => ({
  ...(typeof stage === 'string' ? { stage: stage as StageName } : {}),
  ...(typeof field === 'string' ? { field } : {}),
  ...(typeof rule === 'string' ? { rule } : {}),
  ...(typeof before_ms === 'number' ? { before_ms } : {}),
})
