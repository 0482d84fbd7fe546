import type { Cause, Check, FlowQuality, QualityReport } from '../app/quality-report.ts'
import { printable } from '../telemetry/sentence.ts'
import { type Column, counted, duration, figure } from './output.ts'
import { columnChart, escapeHtml, lineChart, sparkline } from './quality-charts.ts'
import { qualityStyle } from './quality-style.ts'
import { columnsOf, more, parkedText } from './quality-text.ts'
import {
  ageOf,
  beforeText,
  comparedText,
  difference,
  headline,
  meaning,
  percent,
  periodText,
  points,
  scoreText,
  stageName,
  trendOf,
  trendText,
} from './quality-words.ts'

/** A table of so many rows is open at once. */
const ROWS_OPEN = 14

/**
 * The report as one page that needs nothing else: no script, no font, no image from anywhere. Everything that a chart shows stands
 * in a table too.
 */
export function qualityHtml(report: QualityReport): string {
  const period = periodText(report)
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="generator" content="Syncline">
<title>Data quality, ${text(period)}</title>
<style>${qualityStyle}</style>
</head>
<body>
<header>
<h1>Data quality</h1>
<p>${text(period.charAt(0).toUpperCase() + period.slice(1))} <span class="soft">compared with ${text(beforeText(report))}</span></p>
</header>
<main>
${report.flows.length > 1 ? overview(report) : ''}
${report.flows.map((flow, place) => section(flow, place, report)).join('\n')}
</main>
<footer>
<p>${text(meaning)}</p>
<p>Made by Syncline on ${text(report.made.slice(0, 16).replace('T', ' at '))} UTC. Shares are those of all records that were judged. No value of a record is in this page.</p>
</footer>
</body>
</html>
`
}

/** Text of this page: escaped, and without characters that could turn its direction. */
const text = (value: string): string => escapeHtml(printable(value))

/** All syncs at a glance, the one that needs somebody first. */
function overview(report: QualityReport): string {
  const rows = report.flows
    .map((flow, place) => ({ flow, place }))
    .sort((a, b) => (a.flow.now.validShare ?? 2) - (b.flow.now.validShare ?? 2))
    .map(
      ({ flow, place }) =>
        `<tr><th scope="row"><a href="#s${place}">${text(flow.sync)}</a></th><td class="n">${figure(flow.now.judged)}</td><td class="n">${text(percent(flow.now.validShare))}</td><td class="n">${changeText(points(flow.now.validShare, flow.before.validShare))}</td><td class="share">${sparkline(flow.series.map(({ validShare }) => validShare))}</td><td class="n">${text(scoreText(flow.now.score))}</td><td class="n">${figure(flow.parked.records)}</td></tr>`,
    )
  return `<section><h2>All syncs</h2><div class="scroll"><table><thead><tr><th scope="col">Sync</th><th scope="col" class="n">Judged</th><th scope="col" class="n">Valid</th><th scope="col" class="n">Change</th><th scope="col" class="share">By ${report.step}</th><th scope="col" class="n">Score</th><th scope="col" class="n">Held back now</th></tr></thead><tbody>${rows.join('')}</tbody></table></div></section>`
}

/** A change for the better or the worse, in colour and with its sign. */
function changeText(change: string | null, unit = ''): string {
  if (change === null) return ''
  const tone = change.startsWith('+') ? ' class="up"' : change.startsWith('−') ? ' class="down"' : ''
  return `<span${tone}>${text(change + unit)}</span>`
}

function section(flow: FlowQuality, place: number, report: QualityReport): string {
  const parts = [
    `<section id="s${place}"><h2>${text(flow.sync)}</h2><p class="route">${text(flow.source)} to ${text(flow.target)}</p>`,
    `<p class="lead">${text(headline(flow, report))}</p>`,
    tiles(flow, report),
  ]
  if (flow.now.judged > 0) parts.push(charts(flow, place, report))
  if (flow.checks.length > 0) parts.push(checks(flow))
  if (comparedText(flow) !== '') parts.push(`<p class="soft">${text(comparedText(flow))}</p>`)
  parts.push(`<h3>Held back now</h3>`, held(flow, report))
  if (flow.now.judged > 0) parts.push(series(flow, report))
  return `${parts.join('\n')}</section>`
}

function tiles({ now, before, parked }: FlowQuality, report: QualityReport): string {
  const tile = (name: string, value: string, note: string) =>
    `<div><dt>${name}</dt><dd>${text(value)}</dd><dd class="note">${note}</dd></div>`
  const was = (value: string, change = '') => `${change === '' ? '' : `${change}, `}before ${text(value)}`
  const oldest = parked.oldest === null ? 'nothing waits' : `the oldest for ${duration(ageOf(parked.oldest, report))}`
  return `<dl class="tiles">${[
    tile(
      'Valid',
      percent(now.validShare),
      was(percent(before.validShare), changeText(points(now.validShare, before.validShare), ' points')),
    ),
    tile('Records judged', figure(now.judged), was(figure(before.judged))),
    ...(now.merged + before.merged === 0
      ? []
      : [tile('Duplicates merged', figure(now.merged), was(figure(before.merged)))]),
    ...(now.score === null
      ? []
      : [
          tile(
            'Quality score',
            scoreText(now.score),
            was(scoreText(before.score), changeText(difference(now.score, before.score, 1, 2))),
          ),
        ]),
    tile('Held back now', figure(parked.records), text(oldest)),
  ].join('')}</dl>`
}

function charts(flow: FlowQuality, place: number, report: QualityReport): string {
  const { series, now, before } = flow
  const step = report.step
  const line = (id: string, title: string, of: 'validShare' | 'score', shown: (value: number) => string) =>
    figureOf(
      `${title} <span>by ${step}${before[of] === null ? '' : `<span class="part"><i class="key dash"></i>average before</span>`}</span>`,
      lineChart(
        {
          id: `${id}${place}`,
          title: `${title} by ${step}`,
          said: lineSaid(
            series.map((bucket) => bucket[of]),
            now[of],
            shown,
          ),
          values: series.map((bucket) => bucket[of]),
          before: before[of],
          shown,
        },
        report,
        series,
      ),
    )
  const values = (name: 'valid' | 'merged' | 'failed') => series.map((bucket) => bucket[name])
  const isMerged = now.merged > 0
  const parts = [
    { name: 'valid', paint: 'valid', values: values('valid') },
    ...(isMerged ? [{ name: 'merged', paint: 'merged', values: values('merged') }] : []),
    { name: 'held back', paint: 'held', values: values('failed') },
  ]
  const legend = parts
    .map(({ name, paint }) => `<span class="part"><i class="key ${paint}"></i>${name}</span>`)
    .join('')
  const said = `${counted(now.judged, 'record')}: ${parts.map((part) => `${figure(part.values.reduce((sum, one) => sum + one, 0))} ${part.name}`).join(', ')}.`
  const all = [
    line('v', 'Valid records', 'validShare', percent),
    figureOf(
      `Records judged <span>by ${step}${legend}</span>`,
      columnChart({ id: `r${place}`, title: `Records judged by ${step}`, said, parts }, report, series),
    ),
  ]
  // Few among many cannot be seen in a column of all: they have a scale of their own.
  if (now.failed > 0)
    all.push(
      figureOf(
        `Held back <span>by ${step}</span>`,
        columnChart(
          {
            id: `h${place}`,
            title: `Records held back by ${step}`,
            said: `${counted(now.failed, 'record')} in quarantine or in review.`,
            parts: parts.slice(-1),
          },
          report,
          series,
        ),
      ),
    )
  if (now.score !== null) all.push(line('q', 'Quality score', 'score', scoreText))
  return `<div class="charts">${all.join('')}</div>`
}

const figureOf = (caption: string, drawing: string): string =>
  `<figure><figcaption>${caption}</figcaption>${drawing}</figure>`

function lineSaid(values: readonly (number | null)[], all: number | null, shown: (value: number) => string): string {
  const known = values.filter((value) => value !== null)
  if (known.length === 0 || all === null) return 'Nothing was counted.'
  return `${shown(all)} on the whole, between ${shown(Math.min(...known))} and ${shown(Math.max(...known))}.`
}

function checks({ checks: all, checksMore }: FlowQuality): string {
  const largest = Math.max(...all.map(({ share }) => share ?? 0))
  const row = (check: Check) => {
    const { stage, rule, failed, review, share, shareBefore } = check
    const width = largest === 0 ? 0 : ((share ?? 0) / largest) * 8
    const bar = width === 0 ? '' : `<span class="bar" style="width:${width.toFixed(2)}rem"></span>`
    const trend = trendOf(check)
    const tone = trend === 'more' || trend === 'new' ? ' down' : trend === 'fewer' ? ' up' : ''
    const kind = `${rule === '' ? '' : 'rule '}${failed + review === 0 && shareBefore === 0 ? 'zero' : ''}`.trim()
    return `<tr${kind === '' ? '' : ` class="${kind}"`}><th scope="row">${text(rule === '' ? stageName(stage) : rule)}</th><td class="n">${figure(failed)}</td><td class="n">${figure(review)}</td><td class="share">${bar}${text(percent(share))}</td><td class="n">${text(percent(shareBefore))}</td><td class="n${tone}">${text(trendText(check))}</td></tr>`
  }
  return `<h3>What the checks said</h3><div class="scroll"><table><thead><tr><th scope="col">Check</th><th scope="col" class="n">Failed</th><th scope="col" class="n">To review</th><th scope="col" class="share">Share of records</th><th scope="col" class="n">Before</th><th scope="col" class="n">Change</th></tr></thead><tbody>${all.map(row).join('')}</tbody></table></div>${rest(checksMore, 'check')}`
}

function held(flow: FlowQuality, report: QualityReport): string {
  const said = `<p class="${flow.parked.records === 0 ? 'calm' : ''}">${text(parkedText(flow, report))}</p>`
  if (flow.causes.length === 0) return said
  const row = ({ title, code, stage, field, records, oldest }: Cause) =>
    `<tr><th scope="row">${text(title)} <span class="soft">${text(code)}</span></th><td>${text(stageName(stage))}</td><td>${field === null ? '' : text(field)}</td><td class="n">${figure(records)}</td><td class="n">${duration(ageOf(oldest, report))}</td></tr>`
  return `${said}<div class="scroll"><table><thead><tr><th scope="col">Cause</th><th scope="col">Stage</th><th scope="col">Field</th><th scope="col" class="n">Records</th><th scope="col" class="n">Oldest</th></tr></thead><tbody>${flow.causes.map(row).join('')}</tbody></table></div>${rest(flow.causesMore, 'cause')}`
}

const rest = (number: number, noun: string): string => (number === 0 ? '' : `<p class="soft">${more(number, noun)}</p>`)

/** The figures behind the charts. */
function series(flow: FlowQuality, report: QualityReport): string {
  const columns: readonly Column<FlowQuality['series'][number]>[] = columnsOf(report).series
  const head = columns.map(({ title }, place) => `<th scope="col"${place === 0 ? '' : ' class="n"'}>${title}</th>`)
  const rows = flow.series.map((bucket) => {
    const cells = columns.map(({ cell }, place) => {
      const value = cell(bucket) ?? ''
      if (place === 0) return `<th scope="row">${text(String(value))}</th>`
      return `<td class="n">${typeof value === 'number' ? figure(value) : text(value)}</td>`
    })
    return `<tr>${cells.join('')}</tr>`
  })
  const open = rows.length <= ROWS_OPEN ? ' open' : ''
  return `<details${open}><summary>Figures by ${report.step}</summary><div class="scroll"><table><thead><tr>${head.join('')}</tr></thead><tbody>${rows.join('')}</tbody></table></div></details>`
}
