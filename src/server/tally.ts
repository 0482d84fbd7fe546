import type { Emit } from '../telemetry/event.ts'

/** A view of the events that counts records which went to quarantine since the start, by flow. */
export interface Tally {
  readonly emit: Emit
  /** Of one flow, or of all. */
  failed(flow?: string): number
}

/** Counts what the checks refused and what the target refused for its data. */
export function tally(): Tally {
  const counts = new Map<string, number>()
  return {
    emit(event) {
      if ((event.kind !== 'judged' && event.kind !== 'settled') || event.parked === 0) return
      counts.set(event.flow, (counts.get(event.flow) ?? 0) + event.parked)
    },
    failed(flow) {
      if (flow !== undefined) return counts.get(flow) ?? 0
      let all = 0
      for (const n of counts.values()) all += n
      return all
    },
  }
}
