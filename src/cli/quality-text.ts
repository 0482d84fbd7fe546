import type { Bucket, Cause, Check, FlowQuality, QualityReport } from '../app/quality-report.ts'
import { printable } from '../telemetry/sentence.ts'
import { type Column, counted, duration, table } from './output.ts'
import {
  ageOf,
  beforeText,
  comparedText,
  headline,
  isPartial,
  meaning,
  NONE,
  percent,
  periodText,
  scoreText,
  stageName,
  trendText,
} from './quality-words.ts'

/** What stands in the tables of a report, in every form that has tables of text. */
export interface QualityTables {
  readonly checks: readonly Column<Check>[]
  readonly causes: readonly Column<Cause>[]
  readonly series: readonly Column<Bucket>[]
}

/** The columns of a report. */
export const columnsOf = (report: QualityReport): QualityTables => ({
  checks: [
    { title: 'Check', cell: ({ stage, rule }) => (rule === '' ? stageName(stage) : `  ${rule}`) },
    { title: 'Failed', cell: ({ failed }) => failed },
    { title: 'To review', cell: ({ review }) => review },
    { title: 'Share', cell: ({ share }) => percent(share) },
    { title: 'Before', cell: ({ shareBefore }) => percent(shareBefore) },
    { title: 'Change', cell: trendText },
  ],
  causes: [
    { title: 'Cause', cell: ({ title, code }) => `${title} (${code})` },
    { title: 'Stage', cell: ({ stage }) => stageName(stage) },
    { title: 'Field', cell: ({ field }) => field ?? NONE },
    { title: 'Records', cell: ({ records }) => records },
    { title: 'Oldest', cell: ({ oldest }) => duration(ageOf(oldest, report)) },
  ],
  series: [
    {
      title: report.step === 'day' ? 'Day' : 'Hour',
      cell: (bucket) => `${bucket.label}${isPartial(bucket, report) ? ' so far' : ''}`,
    },
    { title: 'Judged', cell: ({ judged }) => judged },
    { title: 'Valid', cell: ({ valid }) => valid },
    { title: 'Held back', cell: ({ failed }) => failed },
    { title: 'Merged', cell: ({ merged }) => merged },
    { title: 'Valid share', cell: ({ validShare }) => percent(validShare) },
    { title: 'Score', cell: ({ score }) => scoreText(score) },
  ],
})

/** The report for a terminal. */
export function qualityText(report: QualityReport): string {
  const head = `Data quality, ${periodText(report)}, compared with ${beforeText(report)}`
  return [head, ...report.flows.map((flow) => section(flow, report)), meaning].join('\n\n')
}

function section(flow: FlowQuality, report: QualityReport): string {
  const { checks, causes, series } = columnsOf(report)
  const parts = [
    `${printable(`${flow.sync} (${flow.source} to ${flow.target})`)}\n${headline(flow, report)} ${summary(flow)}`.trimEnd(),
  ]
  if (flow.now.judged > 0) parts.push(table(flow.series, series))
  if (flow.checks.length > 0) parts.push(table(flow.checks, checks) + more(flow.checksMore, 'check'))
  parts.push(parkedText(flow, report))
  if (flow.causes.length > 0) parts.push(table(flow.causes, causes) + more(flow.causesMore, 'cause'))
  return parts.join('\n\n')
}

/** Quality score and merged duplicates, where there are any. */
export function summary(flow: FlowQuality): string {
  const { now, before } = flow
  const score =
    now.score === null ? [] : [`Quality score ${scoreText(now.score)} (before: ${scoreText(before.score)}).`]
  const merged = now.merged === 0 ? [] : [`${counted(now.merged, 'duplicate')} merged.`]
  return [...score, ...merged, comparedText(flow)].filter((text) => text !== '').join(' ')
}

/** What waits for a person when the report is made. */
export function parkedText({ parked: { records, review, oldest } }: FlowQuality, report: QualityReport): string {
  if (records === 0) return 'Nothing is in quarantine or in review.'
  const age = oldest === null ? '' : `, the oldest for ${duration(ageOf(oldest, report))}`
  return `${counted(records, 'record')} held back now, ${review} of them in review${age}.`
}

/** That there is more than is listed. */
export const more = (n: number, noun: string): string => (n === 0 ? '' : `\nand ${counted(n, `more ${noun}`)}`)
