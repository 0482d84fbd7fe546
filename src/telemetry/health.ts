import type { Failure, FailureCode } from '../model/failure.ts'
import type { FlowStatus } from '../model/state.ts'
import type { Clock } from '../std/clock.ts'
import type { Emit, Event, FlowName } from './event.ts'

/** Longest silence of a source, and longest standstill of work that is there, before the engine is not ready. */
export interface HealthLimits {
  readonly feedAgeMax_ms: number
  readonly stallMax_ms: number
}

const DEFAULT_HEALTH: HealthLimits = { feedAgeMax_ms: 120_000, stallMax_ms: 600_000 }

/** Why the engine is not ready: which part, and what is the matter. */
export interface Unready {
  /** `flow:members`, `source:legacy`, `engine`. */
  readonly part: string
  readonly code: FailureCode | null
  readonly reason: string
}

/** One source as a proof of work. Wall times in milliseconds since 1970; null: not yet. */
export interface SourceHealth {
  readonly system: string
  readonly status: 'starting' | 'open' | 'reopening' | 'stopped'
  readonly lastRow_ms: number | null
  /** Since the last sign of life of the feed. */
  readonly feedAge_ms: number | null
}

/** One flow as a proof of work. */
export interface FlowHealth {
  readonly flow: string
  readonly sync: string
  readonly status: FlowStatus
  readonly lastConfirmed_ms: number | null
  readonly away: boolean
}

/** The proof, or what it fails for. */
export interface Readiness {
  readonly ready: boolean
  readonly reasons: readonly Unready[]
  readonly sources: readonly SourceHealth[]
  readonly flows: readonly FlowHealth[]
}

/** A view of the events as health: liveness, and readiness as an end-to-end proof. */
export interface Health {
  readonly emit: Emit
  /** False once the state can no longer be written: only a restart helps. */
  live(): { readonly live: boolean; readonly reason: string | null }
  /** Whether rows are read, sent and confirmed; with every reason why not. A sync that a person paused is no reason. */
  ready(): Readiness
}

interface SourceState {
  status: SourceHealth['status']
  failure: Failure | null
  lastRow_ms: number | null
  /** Monotonic. */
  signOfLife_ms: number
  seen: boolean
}

interface FlowState {
  readonly name: FlowName
  status: FlowStatus
  failure: Failure | null
  away: Failure | null
  lastConfirmed_ms: number | null
  /** Records that were sent and not settled. */
  inAir: number
  /** There is work: rows that were read and not judged, or records in the air. */
  busy: boolean
  /** When it last moved, monotonic. */
  moved_ms: number
}

/** Follows the events of these flows. Ages are measured on the monotonic clock. */
export function health(clock: Clock, flows: readonly FlowName[], limits: HealthLimits = DEFAULT_HEALTH): Health {
  const started_ms = clock.mono()
  const sourceStates = new Map(
    flows.map(({ source }): [string, SourceState] => [
      source,
      { status: 'starting', failure: null, lastRow_ms: null, signOfLife_ms: started_ms, seen: false },
    ]),
  )
  const flowStates = new Map(flows.map((name): [string, FlowState] => [name.flow, newFlow(name, started_ms)]))
  let fatal: Failure | null = null
  return {
    emit(event) {
      if (event.kind === 'fatal') fatal = event.failure
      else if (event.kind === 'captured' || event.kind === 'capture') {
        const source = sourceStates.get(event.system)
        if (source !== undefined) onSource(source, event, clock)
        if (event.kind === 'captured' && event.changes > 0) wakeFlows(flowStates, event.system, clock)
      } else if (isOfFlow(event)) {
        const flow = flowStates.get(event.flow)
        if (flow !== undefined) onFlow(flow, event, clock)
      }
    },
    live: () => ({ live: fatal === null, reason: fatal === null ? null : `${fatal.code} ${fatal.message}` }),
    ready() {
      const now_ms = clock.mono()
      const reasons = [
        ...(fatal === null ? [] : [because('engine', fatal)]),
        ...[...sourceStates].flatMap(([system, source]) => sourceReasons(system, source, now_ms, limits)),
        ...[...flowStates.values()].flatMap((flow) => flowReasons(flow, now_ms, limits)),
      ]
      return {
        ready: reasons.length === 0,
        reasons,
        sources: [...sourceStates].map(([system, { status, lastRow_ms, seen, signOfLife_ms }]) => ({
          system,
          status,
          lastRow_ms,
          feedAge_ms: seen ? now_ms - signOfLife_ms : null,
        })),
        flows: [...flowStates.values()].map(({ name, status, lastConfirmed_ms, away }) => ({
          flow: name.flow,
          sync: name.sync,
          status,
          lastConfirmed_ms,
          away: away !== null,
        })),
      }
    },
  }
}

const newFlow = (name: FlowName, now_ms: number): FlowState => ({
  name,
  status: 'running',
  failure: null,
  away: null,
  lastConfirmed_ms: null,
  inAir: 0,
  busy: false,
  moved_ms: now_ms,
})

function onSource(source: SourceState, event: Extract<Event, { kind: 'captured' | 'capture' }>, clock: Clock): void {
  if (event.kind === 'capture') {
    source.status = event.status
    source.failure = event.failure
    if (event.status !== 'open') return
  } else if (event.changes > 0) source.lastRow_ms = clock.now()
  source.signOfLife_ms = clock.mono()
  source.seen = true
}

/** New rows are there: from now on the flows of the source have to move. */
function wakeFlows(flows: ReadonlyMap<string, FlowState>, system: string, clock: Clock): void {
  for (const flow of flows.values()) {
    if (flow.name.source !== system || flow.busy) continue
    flow.busy = true
    flow.moved_ms = clock.mono()
  }
}

/** Snapshots, and what validation and duplicates count, say nothing of how a flow is. */
const isOfFlow = (event: Event): event is FlowEvent =>
  !['captured', 'capture', 'snapshot', 'validated', 'duplicates', 'scan', 'report', 'fatal'].includes(event.kind)

type FlowEvent = Extract<Event, { kind: 'judged' | 'answered' | 'settled' | 'landing' | 'away' | 'flow' }>

function onFlow(flow: FlowState, event: FlowEvent, clock: Clock): void {
  switch (event.kind) {
    case 'judged':
      flow.inAir += event.sent
      break
    case 'settled':
      // What an earlier run sent is settled here too, without having been counted.
      flow.inAir = Math.max(0, flow.inAir - event.delivered - event.parked - event.returned)
      if (event.delivered > 0) flow.lastConfirmed_ms = clock.now()
      if (event.delivered + event.parked > 0) flow.away = null
      break
    case 'away':
      flow.away = event.failure
      return
    case 'flow':
      flow.status = event.status
      flow.failure = event.failure
      break
    case 'answered':
    case 'landing':
      return
  }
  flow.busy = flow.inAir > 0
  flow.moved_ms = clock.mono()
}

function sourceReasons(system: string, source: SourceState, now_ms: number, limits: HealthLimits): Unready[] {
  const part = `source:${system}`
  if (source.status !== 'open') {
    if (source.failure !== null) return [because(part, source.failure)]
    return [{ part, code: null, reason: `the source is ${source.status}` }]
  }
  const age_ms = now_ms - source.signOfLife_ms
  if (age_ms <= limits.feedAgeMax_ms) return []
  return [{ part, code: null, reason: `no sign of the source for ${seconds(age_ms)}` }]
}

function flowReasons(flow: FlowState, now_ms: number, limits: HealthLimits): Unready[] {
  const part = `flow:${flow.name.flow}`
  if (flow.status === 'paused') return []
  if (flow.status === 'stopped' || flow.status === 'needs-snapshot') {
    if (flow.failure !== null) return [because(part, flow.failure)]
    return [{ part, code: null, reason: 'the flow is stopped' }]
  }
  if (flow.away !== null) return [because(part, flow.away)]
  const still_ms = now_ms - flow.moved_ms
  if (!flow.busy || still_ms <= limits.stallMax_ms) return []
  return [{ part, code: null, reason: `there is work and nothing has moved for ${seconds(still_ms)}` }]
}

const because = (part: string, { code, message }: Failure): Unready => ({ part, code, reason: message })
const seconds = (ms: number): string => `${Math.round(ms / 1_000)} s`
