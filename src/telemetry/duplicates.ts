import type { Clock } from '../std/clock.ts'
import type { Event } from './event.ts'
import type { Family, Sample } from './family.ts'

const RESULTS = ['merged', 'unmerged', 'review'] as const
const ENDS = ['merged', 'gone', 'refused', 'again'] as const

/** What was found of duplicates in one flow: numbers alone, nothing of a record. */
export class DuplicateFigures {
  /** Null: duplicates are not looked for. */
  found: { compared: number; cut: number; results: Record<(typeof RESULTS)[number], number> } | null
  /** How far the target's records are known; null where they are not read, or were not yet. */
  scan: { records: number; filled: boolean; read_ms: number | null; failures: number } | null = null

  /** Merges inside the target that persons asked for. */
  readonly merges: Record<(typeof ENDS)[number], number> = { merged: 0, gone: 0, refused: 0, again: 0 }

  constructor(isLooking: boolean) {
    this.found = isLooking ? nothing() : null
  }

  add(event: Extract<Event, { kind: 'duplicates' | 'scan' | 'merge' }>, clock: Pick<Clock, 'mono'>): void {
    if (event.kind === 'merge') {
      this.merges[event.end] += 1
      return
    }
    if (event.kind === 'scan') {
      const before = this.scan
      this.scan = {
        records: event.records,
        filled: event.filled,
        read_ms: event.failure === null ? clock.mono() : (before?.read_ms ?? null),
        failures: (before?.failures ?? 0) + (event.failure === null ? 0 : 1),
      }
      return
    }
    this.found ??= nothing()
    this.found.compared += event.compared
    this.found.cut += event.cut
    for (const result of RESULTS) this.found.results[result] += event[result]
  }
}

const nothing = () => ({ compared: 0, cut: 0, results: { merged: 0, unmerged: 0, review: 0 } })

interface FlowDuplicates {
  readonly labels: { readonly sync: string; readonly source: string; readonly target: string }
  readonly duplicates: DuplicateFigures
}

/** What operators see of duplicates; flows that do not look for them have no series. */
export function duplicateFamilies(flows: readonly FlowDuplicates[], clock: Pick<Clock, 'mono'>): Family[] {
  const found = (value: (of: NonNullable<DuplicateFigures['found']>) => number) => () =>
    flows.flatMap(({ labels, duplicates }): Sample[] =>
      duplicates.found === null ? [] : [{ labels, value: value(duplicates.found) }],
    )
  const scan = (value: (of: NonNullable<DuplicateFigures['scan']>) => number | null) => () =>
    flows.flatMap(({ labels, duplicates }): Sample[] => {
      const known = duplicates.scan === null ? null : value(duplicates.scan)
      return known === null ? [] : [{ labels, value: known }]
    })
  return [
    {
      name: 'sync_duplicates_total',
      help: 'Records by what was found of them: merged with another one, going alone again, to review. One that is judged again counts again.',
      type: 'counter',
      samples: () =>
        flows.flatMap(({ labels, duplicates: { found: of } }) =>
          of === null
            ? []
            : RESULTS.map((result): Sample => ({ labels: { ...labels, result }, value: of.results[result] })),
        ),
    },
    {
      name: 'sync_target_merges_total',
      help: 'Merges inside the target that persons asked for: merged, gone already, refused, to be tried again.',
      type: 'counter',
      samples: () =>
        flows.flatMap(({ labels, duplicates: { found: of, merges } }) =>
          of === null ? [] : ENDS.map((result): Sample => ({ labels: { ...labels, result }, value: merges[result] })),
        ),
    },
    {
      name: 'sync_duplicate_comparisons_total',
      help: 'Pairs of records that were compared.',
      type: 'counter',
      samples: found(({ compared }) => compared),
    },
    {
      name: 'sync_duplicate_searches_cut_total',
      help: 'Searches that left records out because too many share a trait.',
      type: 'counter',
      samples: found(({ cut }) => cut),
    },
    {
      name: 'sync_target_scan_records',
      help: 'Records of the target that are known for comparison.',
      type: 'gauge',
      samples: scan(({ records }) => records),
    },
    {
      name: 'sync_target_scan_complete',
      help: '1 when all records of the target are known; nothing is sent before.',
      type: 'gauge',
      samples: scan(({ filled }) => (filled ? 1 : 0)),
    },
    {
      name: 'sync_target_scan_age_seconds',
      help: 'Since records of the target were last read for comparison; absent before the first reading.',
      type: 'gauge',
      samples: scan(({ read_ms }) => (read_ms === null ? null : Math.max(0, clock.mono() - read_ms) / 1_000)),
    },
    {
      name: 'sync_target_scan_failures_total',
      help: 'Readings of the target for comparison that failed.',
      type: 'counter',
      samples: scan(({ failures }) => failures),
    },
  ]
}
