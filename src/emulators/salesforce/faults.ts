/**
 * Scripted faults: what goes wrong, for which calls, how often. They are set by the setup file, over HTTP
 * (`/emulator/faults`) or in the process, and every fault is replayable: chance comes from its own seed.
 */

import { seededRandom } from '../../std/random.ts'
import type { RowError } from './errors.ts'
import { rowError } from './errors.ts'
import { checkFault } from './faultcheck.ts'

/** Which calls a fault meets, and how often it strikes. */
interface FaultMatch {
  /** HTTP method. */
  method?: string
  /** Regular expression over path and query, such as `/composite/sobjects`. */
  path?: string
  /** Name of the object that the call addresses (of a mixed collection: any of its objects). */
  object?: string
  /** Strikes at the nth matching call only (1 is the first). */
  nth?: number
  /** Lets this many matching calls pass first. */
  after?: number
  /** Strikes at most so often. */
  count?: number
  /** Strikes with this chance, from 0 to 1. */
  probability?: number
  /** Seed of that chance; default 1. */
  seed?: number
}

/** What a fault does to the calls that it strikes. */
export type FaultAction =
  | { kind: 'latency'; latency_ms: number; jitter_ms?: number }
  /** 401 INVALID_SESSION_ID; `expireAll` ends every session too. */
  | { kind: 'session-expired'; expireAll?: boolean }
  /** 403 REQUEST_LIMIT_EXCEEDED. */
  | { kind: 'limit' }
  /** 503 SERVER_UNAVAILABLE. */
  | { kind: 'unavailable' }
  /** A page of HTML, as proxies and maintenance windows answer. */
  | { kind: 'html'; status?: number }
  /** Any status and body. */
  | { kind: 'status'; status: number; body?: unknown; contentType?: string; headers?: Record<string, string> }
  /** Refuses rows: those whose `field` equals `equals`, else all of the call (or `rows` of them, from the first). */
  | {
      kind: 'row-error'
      code: string
      message?: string
      fields?: string[]
      field?: string
      equals?: unknown
      rows?: number
    }
  /** UNABLE_TO_LOCK_ROW on all rows, or on the first `rows`. */
  | { kind: 'lock'; rows?: number }
  /** The connection breaks before anything is applied. */
  | { kind: 'lost-request' }
  /** Applied, then the connection breaks. */
  | { kind: 'lost-answer' }
  /**
   * The connection breaks at once (or no answer ever comes), and the request is applied `apply_ms` later. With
   * `stamp: 'sent'` its records carry the time at which it came, older than what others wrote meanwhile.
   */
  | { kind: 'late'; apply_ms: number; answer?: 'break' | 'never'; stamp?: 'sent' | 'landed' }
  /** Applied; half of the answer, then the connection breaks. */
  | { kind: 'half-answer' }
  /** Applied; the answer comes `bytes` at a time, `pause_ms` apart. */
  | { kind: 'slow-drip'; bytes?: number; pause_ms?: number }
  /** Results of a collection in another order (the platform promises the order of the request). */
  | { kind: 'shuffle' }
  /** No answer ever; applied only with `apply`. */
  | { kind: 'no-answer'; apply?: boolean }

/** A fault as it is set: what it does, to which calls; `id` names it, else it is given one. */
export type FaultSpec = FaultAction & FaultMatch & { id?: string }

interface FaultState {
  readonly id: string
  readonly spec: FaultSpec
  /** Calls that matched. */
  readonly matched: number
  /** Times it struck. */
  readonly struck: number
}

/** Sets and lifts faults of a running emulator. */
export interface FaultControl {
  /** Adds faults and answers their ids. Throws an Error that says what is wrong with a fault. */
  add(...specs: FaultSpec[]): string[]
  list(): FaultState[]
  remove(id: string): boolean
  clear(): void
}

/** The call as faults see it. */
interface Call {
  readonly method: string
  readonly url: string
  readonly objects: readonly string[]
}

interface Armed {
  readonly id: string
  readonly spec: FaultSpec
  readonly pattern: RegExp | null
  readonly chance: () => number
  matched: number
  struck: number
}

/** The faults of one org, with the side that calls are checked against. */
export interface Faults extends FaultControl {
  /** The faults that strike this call; counts it. */
  strike(call: Call): { action: FaultAction; chance: () => number }[]
  /** True while there is none: then nothing needs to be asked. */
  readonly quiet: boolean
}

/** An empty set of faults. */
export function makeFaults(): Faults {
  const armed: Armed[] = []
  let nextId = 1
  return {
    get quiet() {
      return armed.length === 0
    },
    add(...specs) {
      const problems: string[] = []
      for (const spec of specs) checkFault((problem) => problems.push(problem), spec)
      if (problems.length > 0) throw new Error(`The fault cannot be set: ${problems.join('; ')}`)
      return specs.map((spec) => {
        const id = spec.id ?? `fault-${nextId++}`
        const pattern = spec.path === undefined ? null : new RegExp(spec.path)
        armed.push({ id, spec, pattern, chance: seededRandom(spec.seed ?? 1).next, matched: 0, struck: 0 })
        return id
      })
    },
    list: () => armed.map(({ id, spec, matched, struck }) => ({ id, spec, matched, struck })),
    remove(id) {
      const place = armed.findIndex((each) => each.id === id)
      if (place >= 0) armed.splice(place, 1)
      return place >= 0
    },
    clear() {
      armed.length = 0
    },
    strike: (call) => armed.filter((each) => strikes(each, call)).map(({ spec, chance }) => ({ action: spec, chance })),
  }
}

function strikes(armed: Armed, call: Call): boolean {
  const { spec } = armed
  if (spec.method !== undefined && spec.method.toUpperCase() !== call.method) return false
  if (armed.pattern !== null && !armed.pattern.test(call.url)) return false
  if (spec.object !== undefined && !call.objects.some((name) => name.toLowerCase() === spec.object!.toLowerCase()))
    return false
  armed.matched++
  if (spec.nth !== undefined && armed.matched !== spec.nth) return false
  if (spec.after !== undefined && armed.matched <= spec.after) return false
  if (spec.count !== undefined && armed.struck >= spec.count) return false
  if (spec.probability !== undefined && armed.chance() >= spec.probability) return false
  armed.struck++
  return true
}

/** Judges the rows of one call: an error for a row that a fault refuses. */
export type RowFault = (body: Record<string, unknown>) => RowError | null

/** The row faults among those that struck; null when there is none. */
export function rowFault(actions: readonly FaultAction[]): RowFault | null {
  const judges = actions.flatMap((action) =>
    action.kind === 'row-error' || action.kind === 'lock' ? [rowJudge(action)] : [],
  )
  if (judges.length === 0) return null
  return (body) => {
    for (const judge of judges) {
      const error = judge(body)
      if (error !== null) return error
    }
    return null
  }
}

function rowJudge(action: FaultAction & { kind: 'row-error' | 'lock' }): RowFault {
  let left = action.rows ?? Number.POSITIVE_INFINITY
  const locked = 'unable to obtain exclusive access to this record or 1 records'
  const error =
    action.kind === 'lock'
      ? rowError('UNABLE_TO_LOCK_ROW', locked)
      : rowError(
          action.code,
          action.message ?? action.code,
          action.fields ?? (action.field === undefined ? [] : [action.field]),
        )
  return (body) => {
    if (action.kind === 'row-error' && action.field !== undefined) {
      const value = Object.hasOwn(body, action.field) ? body[action.field] : undefined
      if (value !== action.equals) return null
    }
    return left-- > 0 ? error : null
  }
}

/** Puts a list into another order, by a seeded chance. */
export function shuffle<T>(items: readonly T[], chance: () => number): T[] {
  const shuffled = [...items]
  for (let i = shuffled.length - 1; i > 0; i--) {
    const j = Math.floor(chance() * (i + 1))
    const kept = shuffled[i]!
    shuffled[i] = shuffled[j]!
    shuffled[j] = kept
  }
  return shuffled
}
