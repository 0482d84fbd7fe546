import type { Config } from '../config/config.ts'
import type { FlowId } from '../model/change.ts'
import type { FigureName, FigureRow, FigureState } from '../model/figures.ts'
import type { State } from '../model/state.ts'
import type { StageName } from '../model/verdict.ts'
import type { Clock } from '../std/clock.ts'
import type { Emit, Event, FlowName } from '../telemetry/event.ts'
import { type QualityReport, qualityReport } from './quality-report.ts'
import { type ReportForm, writeReports } from './quality-schedule.ts'

const HOUR_MS = 3_600_000
/** How often the figures are written. */
const EVERY_MS = 60_000
/** Figures that wait to be written at most; more rules (a schema with thousands of keywords) count as `other` of their stage. */
const FIGURES_MAX = 20_000

/**
 * A view of the events that keeps what validation said of records, by flow and hour. Figures are summed in memory and written
 * every minute and at a clean stop: a kill loses up to a minute of these statistics. What became of each record is not a
 * statistic; the audit has it exactly.
 */
export interface QualityView {
  readonly emit: Emit
  /** Writes what was counted since the last writing. */
  write(state: FigureState): Promise<void>
  /** Writes every minute until the signal is aborted. */
  run(state: FigureState, signal: AbortSignal): Promise<void>
}

/** Counts from now on. */
export function qualityView(clock: Clock, figuresMax: number = FIGURES_MAX): QualityView {
  let waiting = new Map<string, FigureRow>()

  function add(flow: FlowId, name: FigureName, n: number, stage: StageName | '' = '', rule = ''): void {
    if (n === 0) return
    const hour_ms = Math.floor(clock.now() / HOUR_MS) * HOUR_MS
    const id = [hour_ms, flow, name, stage, rule].join('\0')
    const before = waiting.get(id)
    if (before === undefined && rule !== '' && rule !== 'other' && waiting.size >= figuresMax)
      add(flow, name, n, stage, 'other')
    else waiting.set(id, { hour_ms, flow, name, stage, rule, n: n + (before?.n ?? 0) })
  }

  function count({ flow, records, valid, results, scores }: Extract<Event, { kind: 'validated' }>): void {
    add(flow, 'judged', records)
    add(flow, 'valid', valid)
    add(flow, 'scored', scores.length)
    let sum = 0
    for (const score of scores) sum += score
    add(flow, 'score', sum)
    for (const { stage, rule, result, n } of results)
      if (result === 'merged') add(flow, 'merged', n)
      else add(flow, result, n, stage, rule)
  }

  async function write(state: FigureState): Promise<void> {
    if (waiting.size === 0) return
    const rows = [...waiting.values()]
    waiting = new Map()
    await state.addFigures(rows)
  }

  return {
    emit(event) {
      if (event.kind === 'validated') count(event)
      else if (event.kind === 'duplicates') {
        add(event.flow, 'compared', event.compared)
        add(event.flow, 'cut', event.cut)
      }
      // Refused by the target for their data: valid here, and still not good enough.
      else if (event.kind === 'settled') add(event.flow, 'failed', event.parked, 'target')
    },
    write,
    async run(state, signal) {
      while (!signal.aborted) {
        await clock.sleep(EVERY_MS, signal)
        await write(state)
      }
    },
  }
}

/** The quality of an engine's data: figures that are kept, reports over them, and those of the schedule. */
export interface QualityOver {
  /** Up to now; of one flow or of all. */
  report(flow: FlowId | null, length_ms: number): Promise<QualityReport>
  /** Keeps figures and writes reports until the signal is aborted. */
  run(signal: AbortSignal): Promise<void>
  /** Writes what is not written yet. */
  close(): Promise<void>
}

/** Ties figures, state and configuration together. */
export function qualityOver(
  config: Config,
  flows: readonly FlowName[],
  state: State,
  view: QualityView,
  parts: {
    readonly clock: Clock
    readonly emit: Emit
    readonly render?: (report: QualityReport, form: ReportForm) => string
  },
): QualityOver {
  const { clock, emit, render } = parts
  const { report: options } = config.quality
  const timezone = options?.timezone ?? 'UTC'
  return {
    async report(flow, length_ms) {
      await view.write(state)
      const asked = flows.filter((each) => flow === null || each.flow === flow)
      return qualityReport(state, asked, { length_ms, now_ms: clock.now(), timezone, upTo: 'so far' })
    },
    async run(signal) {
      const writing =
        options === null || render === undefined
          ? []
          : [writeReports({ options, clock, emit, render, report: past }, signal)]
      await Promise.all([view.run(state, signal), ...writing]).catch((error: unknown) => {
        if (!signal.aborted) throw error
      })
    },
    // A state that cannot be written has ended the engine already.
    close: () => view.write(state).catch(() => {}),
  }

  async function past(length_ms: number, now_ms: number): Promise<QualityReport> {
    await view.write(state)
    return qualityReport(state, flows, { length_ms, now_ms, timezone, upTo: 'past' })
  }
}
