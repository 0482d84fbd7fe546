import type { Failure } from '../../src/model/failure.ts'
import type { Emit } from '../../src/telemetry/event.ts'

/** What the events since the start say: the numbers that a person watches. */
export type Figures = {
  /** Transactions of the platform that were stored. */
  commits: number
  /** Entries that the checks let through and Salesforce confirmed. */
  delivered: number
  superseded: number
  excluded: number
  parked: number
  /** The first snapshot; null when there is none, as after a restart. */
  snapshot: { rows: number; done: boolean } | null
  /** Why nothing moves at present; null while everything does. */
  trouble: Failure | null
  /** A sentence about the newest trouble that has passed or that needs nobody; null when there was none. */
  note: string | null
}

/** A view of the events. */
export type Watch = {
  readonly emit: Emit
  readonly figures: Readonly<Figures>
  /** Of the newest live changes: milliseconds from commit to confirmed, below which 95 of 100 lie; null without any. */
  p95_ms(): number | null
}

/** So many of the newest durations count. */
const durationsMax = 1_000

/** Begins to count. */
export function watch(): Watch {
  const durations: number[] = []
  const figures: Figures = {
    commits: 0,
    delivered: 0,
    superseded: 0,
    excluded: 0,
    parked: 0,
    snapshot: null,
    trouble: null,
    note: null,
  }
  const emit: Emit = (event) => {
    switch (event.kind) {
      case 'captured':
        figures.commits += event.commits
        return
      case 'snapshot':
        figures.snapshot = { rows: event.rows, done: event.done }
        return
      case 'judged':
        figures.excluded += event.excluded
        figures.superseded += event.superseded
        figures.parked += event.parked
        return
      case 'settled':
        figures.delivered += event.delivered
        figures.superseded += event.superseded
        figures.parked += event.parked
        if (event.delivered > 0) figures.trouble = null
        durations.push(...event.durations_ms)
        durations.splice(0, durations.length - durationsMax)
        return
      case 'landing':
        figures.note = `The answer for ${event.records} records was lost: they are read back first.`
        return
      case 'away':
        figures.trouble = event.failure
        return
      case 'capture':
      case 'flow':
        figures.trouble = event.failure
        return
      case 'fatal':
        figures.trouble = event.failure
        return
      case 'answered':
      case 'validated':
      case 'duplicates':
      case 'scan':
      case 'merge':
      case 'report':
        return
      default:
        event satisfies never
    }
  }
  return { emit, figures, p95_ms: () => p95(durations) }
}

function p95(values: readonly number[]): number | null {
  if (values.length === 0) return null
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.ceil(sorted.length * 0.95) - 1]!
}
