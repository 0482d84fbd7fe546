import type { FlowQuality, QualityReport } from '../app/quality-report.ts'
import { printable } from '../telemetry/sentence.ts'
import { type Column, figure } from './output.ts'
import { columnsOf, more, parkedText, summary } from './quality-text.ts'
import { beforeText, headline, meaning, periodText } from './quality-words.ts'

/** The report as Markdown (GitHub's tables). */
export function qualityMarkdown(report: QualityReport): string {
  return [
    '# Data quality',
    `${capital(periodText(report))}, compared with ${beforeText(report)}. Made ${report.made.slice(0, 16).replace('T', ' ')} UTC.`,
    ...report.flows.map((flow) => section(flow, report)),
    '---',
    meaning,
    '',
  ].join('\n\n')
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)

function section(flow: FlowQuality, report: QualityReport): string {
  const { checks, causes, series } = columnsOf(report)
  const parts = [
    `## ${cellText(flow.sync)}`,
    `From ${cellText(flow.source)} to ${cellText(flow.target)}. **${headline(flow, report)}** ${summary(flow)}`.trimEnd(),
  ]
  if (flow.now.judged > 0) parts.push(`### By ${report.step}`, grid(flow.series, series))
  if (flow.checks.length > 0)
    parts.push('### By check', grid(flow.checks, checks) + below(more(flow.checksMore, 'check')))
  parts.push('### Held back now', parkedText(flow, report))
  if (flow.causes.length > 0) parts.push(grid(flow.causes, causes) + below(more(flow.causesMore, 'cause')))
  return parts.join('\n\n')
}

const below = (text: string): string => (text === '' ? '' : `\n${text}`)

function grid<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): string {
  const isNumber = columns.map(({ cell }) => rows.every((row) => typeof cell(row) === 'number'))
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [
    line(columns.map(({ title }) => title)),
    line(isNumber.map((is) => (is ? '---:' : '---'))),
    ...rows.map((row) =>
      line(
        columns.map(({ cell }) => {
          const value = cell(row)
          return typeof value === 'number' ? figure(value) : cellText(value ?? '')
        }),
      ),
    ),
  ].join('\n')
}

/** Names from the configuration and the target's fields: nothing in them is taken for Markdown or HTML. */
const cellText = (text: string): string => {
  const indent = text.startsWith('  ') ? '&nbsp;&nbsp;' : ''
  return indent + printable(text.trim()).replace(/[\\`*_{}[\]<>()#|!~&]/g, (character) => `\\${character}`)
}
