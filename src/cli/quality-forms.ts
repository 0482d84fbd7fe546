import type { QualityReport } from '../app/quality-report.ts'
import type { ReportForm } from '../app/quality-schedule.ts'
import { qualityHtml } from './quality-html.ts'
import { qualityMarkdown } from './quality-markdown.ts'
import { qualityText } from './quality-text.ts'

/** A report as a file of this form, its last line ended. */
export function renderQuality(report: QualityReport, form: ReportForm): string {
  switch (form) {
    case 'html':
      return qualityHtml(report)
    case 'markdown':
      return qualityMarkdown(report)
    case 'json':
      return `${JSON.stringify(report, null, 2)}\n`
    case 'text':
      return `${qualityText(report)}\n`
  }
}
