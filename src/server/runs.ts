import type { Engine } from '../app/engine.ts'
import { total } from '../app/report.ts'
import { type Failure, SyncError } from '../model/failure.ts'
import type { Clock } from '../std/clock.ts'
import type { Random } from '../std/random.ts'

/** What a run to the end came to: the classes add up to `read`; counts are those of the whole life of the state. */
export type Summary = ReturnType<typeof total> & {
  /** The sync, or all of them by commas. */
  readonly sync: string
  /** Records that went to quarantine during this run. */
  readonly failed: number
  readonly durationSeconds: number
}

/** A run to the end that somebody asked for. */
export interface Run {
  readonly run: string
  readonly flow: string
  readonly full: boolean
  readonly state: 'running' | 'done' | 'failed'
  readonly failures: readonly Failure[]
  readonly summary: Summary | null
}

/** What runs need. */
export interface RunsParts {
  readonly engine: Engine
  readonly failed: (flow?: string) => number
  readonly clock: Clock
  readonly random: Random
}

/** Runs to the end, beside the live work of the engine. */
export interface Runs {
  start(flow: string, full: boolean): Run
  get(run: string): Run | null
}

const RUNS_MAX = 100

/** Starts runs and remembers the newest. */
export function runs(parts: RunsParts): Runs {
  const known = new Map<string, Run>()
  const put = (run: Run): Run => {
    known.set(run.run, run)
    for (const oldest of known.keys()) {
      if (known.size <= RUNS_MAX) break
      known.delete(oldest)
    }
    return run
  }
  return {
    start(flow, full) {
      const run = put({ run: parts.random.id(), flow, full, state: 'running', failures: [], summary: null })
      toTheEnd(parts, [flow], full).then(
        ({ failures, summary }) => put({ ...run, state: failures.length === 0 ? 'done' : 'failed', failures, summary }),
        (error: unknown) => {
          const failures = error instanceof SyncError ? [error.failure, ...error.others] : []
          put({ ...run, state: 'failed', failures })
        },
      )
      return run
    },
    get: (run) => known.get(run) ?? null,
  }
}

/**
 * Waits until everything that was committed before is in a class of its own, after reading everything again where `full` says
 * so. Failures of other flows than these are not answered.
 */
export async function toTheEnd(
  { engine, failed, clock }: Omit<RunsParts, 'random'>,
  flows: readonly string[],
  full: boolean,
): Promise<{ readonly failures: readonly Failure[]; readonly summary: Summary }> {
  const started_ms = clock.mono()
  const sum = () => flows.reduce((all, flow) => all + failed(flow), 0)
  const failedBefore = sum()
  if (full) for (const flow of flows) await engine.full(flow)
  const failures = await engine.settled()
  const reports = await engine.report(flows)
  const own = reports.flatMap(({ status, reason, pending }) =>
    status !== 'running' && reason !== null ? [reason] : status !== 'running' || pending > 0 ? failures : [],
  )
  return {
    failures: [...new Set(flows.length === engine.flows.length ? failures : own)],
    summary: {
      sync: [...new Set(reports.map(({ sync }) => sync))].join(','),
      ...total(reports),
      failed: sum() - failedBefore,
      durationSeconds: Math.round(clock.mono() - started_ms) / 1_000,
    },
  }
}
