import { lengthProblem } from '../config/report.ts'
import { failures } from '../model/failures.ts'
import type { FigureName, Figures } from '../model/figures.ts'
import type { State } from '../model/state.ts'
import type { StageName } from '../model/verdict.ts'
import { type Calendar, calendarOf } from '../std/calendar.ts'
import { duration_ms } from '../std/duration.ts'
import type { FlowName } from '../telemetry/event.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
/** Checks and causes that are told of a flow, most first; the rest is counted. */
const CHECKS_MAX = 100
const CAUSES_MAX = 20

/**
 * Quality of the data over a period and the one before it. Times are ISO 8601, UTC; shares and scores go from 0 to 1, and are null
 * where nothing was counted. Records are counted as often as they were judged: one that came again, or was released, counts again.
 */
export interface QualityReport {
  /** When it was made. */
  readonly made: string
  /** Days are those of this time zone. */
  readonly timezone: string
  readonly step: 'hour' | 'day'
  readonly period: Span
  readonly before: Span
  readonly flows: readonly FlowQuality[]
}

/** From the first moment to before the last. */
export interface Span {
  readonly from: string
  readonly to: string
}

/** What became of the records of a time. */
export interface QualityTotals {
  readonly judged: number
  /** Accepted by every stage. */
  readonly valid: number
  /** Another record stands for them. */
  readonly merged: number
  /** Neither: in quarantine or in review. */
  readonly failed: number
  readonly validShare: number | null
  /** Average quality of those that were scored. */
  readonly score: number | null
}

/** One sync's records. */
export interface FlowQuality extends FlowName {
  readonly now: QualityTotals
  readonly before: QualityTotals
  /** What failed, by stage and rule, in the order of the stages; a stage as a whole has the rule ''. */
  readonly checks: readonly Check[]
  readonly checksMore: number
  readonly series: readonly Bucket[]
  /** Pairs that were compared, and searches that left records out, because more share a trait than are compared by it. */
  readonly duplicates: { readonly compared: number; readonly cut: number }
  /** Records that are in quarantine or in review now. */
  readonly parked: { readonly records: number; readonly review: number; readonly oldest: string | null }
  readonly causes: readonly Cause[]
  readonly causesMore: number
}

/** What one stage, or one rule of it, said. A record may fail at several. */
export interface Check {
  readonly stage: StageName
  readonly rule: string
  readonly failed: number
  readonly review: number
  /** Of all records that were judged. */
  readonly share: number | null
  readonly shareBefore: number | null
}

/** One day or hour of the period. */
export interface Bucket extends QualityTotals, Span {
  /** `2026-09-07` or `2026-09-07 13:00`, in the time zone of the report. */
  readonly label: string
}

/** Why records are parked now. A record with two causes counts in both. */
export interface Cause {
  readonly stage: string
  readonly code: string
  /** What the code means. */
  readonly title: string
  readonly field: string | null
  readonly records: number
  readonly oldest: string
}

/** What a report is about. */
export interface ReportAsk {
  readonly length_ms: number
  readonly now_ms: number
  readonly timezone: string
  /** `past`: whole days or hours that are over; `so far`: the present one too. */
  readonly upTo: 'past' | 'so far'
}

/** A length as people write it: `24h`, `7d`; or why no report can cover it, in a sentence. */
export function lengthOf(text: string): { readonly length_ms: number } | { readonly problem: string } {
  const length_ms = duration_ms(text)
  const problem = lengthProblem(length_ms)
  return length_ms === undefined || problem !== null
    ? { problem: `"${text.slice(0, 20)}" will not do, ${problem}` }
    : { length_ms }
}

/** Builds the report of these flows. */
export async function qualityReport(
  state: Pick<State, 'figures' | 'causes' | 'backlog'>,
  flows: readonly FlowName[],
  ask: ReportAsk,
): Promise<QualityReport> {
  const calendar = calendarOf(ask.timezone)
  const times = timesOf(ask, calendar)
  return {
    made: iso(ask.now_ms),
    timezone: ask.timezone,
    step: times.step,
    period: { from: iso(times.from_ms), to: iso(times.to_ms) },
    before: { from: iso(times.beforeFrom_ms), to: iso(times.beforeTo_ms) },
    flows: await Promise.all(flows.map((flow) => flowQuality(state, flow, times, calendar))),
  }
}

interface Times {
  readonly step: 'hour' | 'day'
  readonly from_ms: number
  readonly to_ms: number
  readonly beforeFrom_ms: number
  readonly beforeTo_ms: number
}

/** A length of days begins at midnight, one of hours at a full hour; what came before is cut off at the same time of the day. */
function timesOf({ length_ms, now_ms, upTo }: ReportAsk, calendar: Calendar): Times {
  const days = length_ms / DAY_MS
  const step = Number.isInteger(days) && days > 1 ? 'day' : 'hour'
  const isAligned = step === 'day' || (days === 1 && upTo === 'past')
  const back = (from_ms: number) => (isAligned ? calendar.daysBefore(from_ms, days) : from_ms - length_ms)
  const start_ms = isAligned ? calendar.dayStart(now_ms) : Math.floor(now_ms / HOUR_MS) * HOUR_MS
  if (upTo === 'past') {
    const from_ms = back(start_ms)
    return { step, from_ms, to_ms: start_ms, beforeFrom_ms: back(from_ms), beforeTo_ms: from_ms }
  }
  // The present day or hour is the last of them.
  const from_ms = isAligned ? calendar.daysBefore(start_ms, days - 1) : start_ms + HOUR_MS - length_ms
  return {
    step,
    from_ms,
    to_ms: now_ms,
    beforeFrom_ms: back(from_ms),
    beforeTo_ms: back(start_ms) + (now_ms - start_ms),
  }
}

async function flowQuality(
  state: Pick<State, 'figures' | 'causes' | 'backlog'>,
  name: FlowName,
  times: Times,
  calendar: Calendar,
): Promise<FlowQuality> {
  const figures = await state.figures(name.flow, times.from_ms, times.to_ms)
  const past = await state.figures(name.flow, times.beforeFrom_ms, times.beforeTo_ms)
  const { compared = 0, cut = 0, ...totals } = wholes(figures)
  const [now, before] = [totalsOf(totals), totalsOf(wholes(past))]
  const checks = checksOf(figures, past, now.judged, before.judged)
  const causes = await state.causes(name.flow)
  const { records, parkedSince_ms, reviewSince_ms } = await state.backlog(name.flow)
  const { parked, review } = records
  const since = [parkedSince_ms, reviewSince_ms, ...causes.map((cause) => cause.oldest_ms)].filter((ms) => ms !== null)
  return {
    ...name,
    now,
    before,
    checks: checks.slice(0, CHECKS_MAX),
    checksMore: Math.max(0, checks.length - CHECKS_MAX),
    series: seriesOf(figures, times, calendar),
    duplicates: { compared, cut },
    parked: { records: parked + review, review, oldest: since.length === 0 ? null : iso(Math.min(...since)) },
    causes: causes.slice(0, CAUSES_MAX).map(({ stage, code, field, n, oldest_ms }) => ({
      stage,
      code,
      title: titleOf(code),
      field,
      records: n,
      oldest: iso(oldest_ms),
    })),
    causesMore: Math.max(0, causes.length - CAUSES_MAX),
  }
}

type Wholes = { readonly [name in FigureName]?: number }

const wholes = ({ sums }: Figures): Wholes =>
  Object.fromEntries(sums.filter(({ stage }) => stage === '').map(({ name, n }) => [name, n]))

function totalsOf({ judged = 0, valid = 0, merged = 0, scored = 0, score = 0 }: Wholes): QualityTotals {
  return {
    judged,
    valid,
    merged,
    failed: Math.max(0, judged - valid - merged),
    validShare: judged === 0 ? null : valid / judged,
    score: scored === 0 ? null : score / scored,
  }
}

const stages: readonly StageName[] = [
  'key',
  'mapping',
  'schema',
  'rules',
  'reference',
  'duplicates',
  'quality',
  'target',
]

/** Every stage that judged anything in one of the two periods, and every rule that failed in one of them. */
function checksOf(figures: Figures, past: Figures, judged: number, judgedBefore: number): Check[] {
  const found = new Map<string, { stage: StageName; rule: string; failed: number; review: number; before: number }>()
  const count = ({ sums }: Figures, isNow: boolean) => {
    for (const { name, stage, rule, n } of sums) {
      if (stage === '') continue
      const id = `${stage}\0${rule}`
      const one = found.get(id) ?? { stage, rule, failed: 0, review: 0, before: 0 }
      found.set(id, one)
      if (name !== 'failed' && name !== 'review') continue
      if (isNow) one[name] += n
      else one.before += n
    }
  }
  count(figures, true)
  count(past, false)
  return [...found.values()]
    .map(({ stage, rule, failed, review, before }) => ({
      stage,
      rule,
      failed,
      review,
      share: judged === 0 ? null : (failed + review) / judged,
      shareBefore: judgedBefore === 0 ? null : before / judgedBefore,
    }))
    .sort(
      (a, b) =>
        stages.indexOf(a.stage) - stages.indexOf(b.stage) ||
        Number(a.rule !== '') - Number(b.rule !== '') ||
        b.failed + b.review - a.failed - a.review ||
        (a.rule < b.rule ? -1 : 1),
    )
}

/** The period step by step, also where nothing was counted. */
function seriesOf({ hours }: Figures, { step, from_ms, to_ms }: Times, calendar: Calendar): Bucket[] {
  const starts: number[] = []
  for (let at_ms = from_ms; at_ms < to_ms; ) {
    starts.push(at_ms)
    at_ms = step === 'hour' ? at_ms + HOUR_MS : calendar.daysBefore(at_ms, -1)
  }
  let next = 0
  return starts.map((start_ms, place) => {
    const end_ms = starts[place + 1] ?? to_ms
    const sums: { [name in FigureName]?: number } = {}
    for (; next < hours.length && (hours[next]?.hour_ms as number) < end_ms; next++) {
      const { name, n } = hours[next] as Figures['hours'][number]
      sums[name] = (sums[name] ?? 0) + n
    }
    const day = calendar.day(start_ms)
    return {
      label: step === 'day' ? day : `${day} ${calendar.time(start_ms)}`,
      from: iso(start_ms),
      to: iso(end_ms),
      ...totalsOf(sums),
    }
  })
}

const titleOf = (code: string): string =>
  Object.hasOwn(failures, code) ? failures[code as keyof typeof failures].title : 'A cause of another version'

const iso = (ms: number): string => new Date(ms).toISOString()
