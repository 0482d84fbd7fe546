import { dirname, resolve } from 'node:path'
import { duration_ms } from '../std/duration.ts'
import { scheduleProblem } from '../std/schedule.ts'
import type { ReportOptions } from './config.ts'
import { add, type Loaded, type Reading } from './reading.ts'
import { placeOf } from './rules.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
/** Longest period of a quality report: figures are kept for 400 days, and the period before it is told too. */
const DAYS_MAX = 190
/** So many hours a period may have that is not made of whole days; then so many bars. */
const HOURS_MAX = 168

/** Why a quality report cannot cover such a length, in a sentence; null where it can. */
export function lengthProblem(length_ms: number | undefined): string | null {
  const isDays = length_ms !== undefined && length_ms % DAY_MS === 0 && length_ms <= DAYS_MAX * DAY_MS
  const isHours = length_ms !== undefined && length_ms % HOUR_MS === 0 && length_ms <= HOURS_MAX * HOUR_MS
  return isDays || isHours
    ? null
    : `expected 1 to ${HOURS_MAX} whole hours, or up to ${DAYS_MAX} whole days: 24h, 7d, 30d`
}

/** `quality.report` with its defaults; null where no report is asked for. */
export function reportOf(given: { readonly [name: string]: Loaded } | null, reading: Reading): ReportOptions | null {
  if (given === null) return null
  const text = (name: string): string => (typeof given[name] === 'string' ? given[name] : '')
  const refuse = (name: string, code: 'SYNC-1006' | 'SYNC-1030', why: string) =>
    add(reading, placeOf(['quality', 'report', name], reading), code, `quality.report.${name}: ${why}`)
  const schedule = { cron: text('schedule'), timezone: text('timezone') }
  const problem = scheduleProblem(schedule)
  if (problem !== null) refuse(problem.field === 'cron' ? 'schedule' : 'timezone', 'SYNC-1030', problem.why)
  const length_ms = duration_ms(text('period'))
  const tooLong = lengthProblem(length_ms)
  if (tooLong !== null) refuse('period', 'SYNC-1006', tooLong)
  return {
    ...schedule,
    folder: resolve(dirname(reading.file), text('folder')),
    length_ms: length_ms ?? 7 * DAY_MS,
    form: text('format') as ReportOptions['form'],
    keep: Number(given['keep']),
  }
}
