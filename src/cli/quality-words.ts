import type { Bucket, Check, FlowQuality, QualityReport } from '../app/quality-report.ts'
import { BLOCK_RECORDS_MAX } from '../model/candidates.ts'
import { counted, figure } from './output.ts'

/** The words of a quality report, the same in every form. */

const HOUR_MS = 3_600_000

/** Where nothing was counted. */
export const NONE = '–'

/** `98.7 %`; what is not quite all or nothing never looks like it. */
export function percent(share: number | null): string {
  if (share === null) return NONE
  const text = (share * 100).toFixed(1)
  if (text === '100.0') return share < 1 ? '>99.9 %' : '100 %'
  if (text === '0.0') return share > 0 ? '<0.1 %' : '0 %'
  return `${text} %`
}

/** `0.87` */
export const scoreText = (score: number | null): string => (score === null ? NONE : score.toFixed(2))

/** `+0.4`, `−0.4` or `±0`; null where one of the two is not known. */
export function difference(now: number | null, before: number | null, scale: number, digits: number): string | null {
  if (now === null || before === null) return null
  const text = Math.abs((now - before) * scale).toFixed(digits)
  if (Number(text) === 0) return '±0'
  return `${now > before ? '+' : '−'}${text}`
}

/** Percentage points between two shares. */
export const points = (now: number | null, before: number | null): string | null => difference(now, before, 100, 1)

/** Whether a check failed more often than before: of as many records, not in numbers. */
export function trendOf({ share, shareBefore }: Check): 'more' | 'fewer' | 'same' | 'new' | null {
  if (share === null || shareBefore === null) return null
  if (share > 0 && shareBefore === 0) return 'new'
  const change = points(share, shareBefore)
  if (change === '±0') return 'same'
  return share > shareBefore ? 'more' : 'fewer'
}

/** `+0.4 points`, `new`, `as before` */
export function trendText(check: Check): string {
  switch (trendOf(check)) {
    case 'more':
    case 'fewer':
      return `${points(check.share, check.shareBefore)} points`
    case 'same':
      return 'as before'
    case 'new':
      return 'new'
    case null:
      return NONE
  }
}

const stageNames: { readonly [stage: string]: string } = {
  key: 'Key',
  mapping: 'Mapping',
  schema: 'Schema',
  rules: 'Business rules',
  reference: 'Reference data',
  duplicates: 'Duplicates',
  quality: 'Quality score',
  target: 'Refused by the target',
}

/** What people call a stage. */
export const stageName = (stage: string): string =>
  (Object.hasOwn(stageNames, stage) ? stageNames[stage] : undefined) ?? stage

const months = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
]

/** `7 September 2026` for `2026-09-07`. */
export function dayText(day: string): string {
  const [year, month, date] = day.split('-')
  return `${Number(date)} ${months[Number(month) - 1]} ${year}`
}

/** `7 Sep` for `2026-09-07`, `13:00` for `2026-09-07 13:00`. */
export function shortLabel({ label }: Bucket): string {
  const [day = '', time] = label.split(' ')
  if (time !== undefined) return time
  const [, month, date] = day.split('-')
  return `${Number(date)} ${months[Number(month) - 1]?.slice(0, 3)}`
}

/** A day or hour that is not over. */
export const isPartial = ({ from, to }: Bucket, { step }: Pick<QualityReport, 'step'>): boolean =>
  // The shortest day of a year has 23 hours.
  Date.parse(to) - Date.parse(from) < (step === 'day' ? 23 * HOUR_MS : HOUR_MS)

/** `31 August to 6 September 2026`, with the time where it is told by the hour. */
export function periodText(report: QualityReport): string {
  const labels = report.flows[0]?.series.map(({ label }) => label) ?? []
  const [first = '', last = ''] = [labels[0], labels.at(-1)]
  const zone = report.timezone
  // Without a sync there is nothing that was cut into days.
  if (labels.length === 0) return `${dayText(report.period.from.slice(0, 10))} on`
  if (report.step === 'hour') {
    const said = (label: string) => `${dayText(label.slice(0, 10))} ${label.slice(11)}`
    return `the ${labels.length} hours from ${said(first)} (${zone})`
  }
  const [a, b] = [dayText(first).split(' '), dayText(last).split(' ')]
  // What both have in common is said once.
  const from = a[2] !== b[2] ? a.join(' ') : a[1] !== b[1] ? `${a[0]} ${a[1]}` : String(a[0])
  return `${from} to ${b.join(' ')}${isLastPartial(report) ? ' so far' : ''} (${zone})`
}

const isLastPartial = (report: QualityReport): boolean => {
  const last = report.flows[0]?.series.at(-1)
  return last !== undefined && isPartial(last, report)
}

/** `the 7 days before` */
export function beforeText(report: QualityReport): string {
  const n = report.flows[0]?.series.length
  return n === undefined ? 'the time before' : `the ${n} ${report.step}s before`
}

/** What is to be said first of a sync. */
export function headline(flow: FlowQuality, report: QualityReport): string {
  const { now, before } = flow
  if (now.judged === 0) return 'No record was judged.'
  const records = now.judged === 1 ? 'record was' : 'records were'
  const said = `${percent(now.validShare)} of ${figure(now.judged)} ${records} valid`
  const change = points(now.validShare, before.validShare)
  if (change === null) return `${said}; in ${beforeText(report)} none was judged.`
  if (change === '±0') return `${said}, as in ${beforeText(report)}.`
  const word = change.startsWith('+') ? 'more' : 'less'
  return `${said}, ${change.slice(1)} percentage points ${word} than in ${beforeText(report)}.`
}

/** How long ago a time of the report was when it was made, in milliseconds. */
export const ageOf = (time: string, { made }: QualityReport): number => Math.max(0, Date.parse(made) - Date.parse(time))

/** What the figures mean, below every report. */
export const meaning =
  'Records are counted as often as they were judged: one that changed again, or was released, counts again. ' +
  'Held back: in quarantine or in review. A record that fails several checks counts at each of them; what the target refused had passed them all.'

/** How much was compared for duplicates, and what that left out; '' where nothing was compared. */
export function comparedText({ duplicates: { compared, cut } }: Pick<FlowQuality, 'duplicates'>): string {
  if (compared + cut === 0) return ''
  return `${counted(compared, 'pair')} compared for duplicates.${cut === 0 ? '' : ` ${cutText(cut)}`}`
}

/** That searches left records out, and where it says what to do. */
export const cutText = (cut: number): string =>
  `${figure(cut)} ${cut === 1 ? 'search' : 'searches'} left records out, because more than ${BLOCK_RECORDS_MAX} share a trait (a common name, a switchboard): see syncline duplicates common.`
