import { counted, duration, figure } from '../../src/cli/output.ts'
import type { Figures } from './figures.ts'
import type { Paint } from './screen.ts'
import type { Cause } from './syncline.ts'

/** How far a piece of work is. */
export type Progress = { readonly done: number; readonly total: number; readonly elapsed_ms: number }

/** What is shown while edits flow. */
export type Live = {
  readonly figures: Readonly<Figures>
  readonly p95_ms: number | null
  readonly waiting: number
  /** Records in quarantine; one may have several causes. */
  readonly parked: number
  readonly causes: readonly Cause[]
  readonly edits: number
  readonly editsPerSecond: number
  readonly elapsed_ms: number
  /** The configuration, as it is written in another terminal. */
  readonly config: string
}

const barCells = 28
const labelWidth = 12
const causesMax = 9

/** `  PostgreSQL  127.0.0.1:…` */
export const row = (label: string, text: string, paint: Paint): string =>
  `  ${paint.dim(label.padEnd(labelWidth))}${text}`

/** One line with a bar, the rate and the time that is left. */
export function progressLine(label: string, { done, total, elapsed_ms }: Progress, paint: Paint): string {
  const share = total === 0 ? 1 : Math.min(1, done / total)
  const rate = elapsed_ms > 0 ? (done * 1_000) / elapsed_ms : 0
  const filled = Math.round(share * barCells)
  const bar = `${'━'.repeat(filled)}${paint.dim('─'.repeat(barCells - filled))}`
  const left_ms = rate > 0 ? ((total - done) / rate) * 1_000 : null
  const eta = left_ms === null ? 'ETA –' : `ETA ${duration(Math.max(1_000, left_ms))}`
  const percent = `${Math.floor(share * 100)}%`.padStart(4)
  const width = figure(total).length
  return row(
    label,
    `${bar} ${percent}  ${figure(done).padStart(width)} of ${figure(total)}  ${figure(rate)}/s  ${paint.dim(eta)}`,
    paint,
  )
}

/** A piece of work that is done: the whole bar, and what came of it. */
export const doneLine = (label: string, text: string, paint: Paint): string =>
  row(label, `${'━'.repeat(barCells)}  ${text}`, paint)

/** The same without a terminal. */
export function progressText(label: string, { done, total, elapsed_ms }: Progress): string {
  const rate = elapsed_ms > 0 ? (done * 1_000) / elapsed_ms : 0
  const eta = rate > 0 ? `, ETA ${duration(Math.max(1_000, ((total - done) / rate) * 1_000))}` : ''
  return `${label}: ${figure(done)} of ${figure(total)}, ${figure(rate)}/s${eta}`
}

/** The block of live figures. */
export function liveLines(live: Live, paint: Paint, rowsMax: number): string[] {
  const { figures, p95_ms, waiting, causes, edits, editsPerSecond, elapsed_ms, config } = live
  const number = (value: string) => paint.bold(value.padStart(9))
  const pair = (left: [string, string], right: [string, string]) =>
    `  ${paint.dim(left[0].padEnd(labelWidth))}${number(left[1])}      ${paint.dim(right[0].padEnd(24))}${number(right[1])}`
  const speed = editsPerSecond > 0 ? `${editsPerSecond} edits a second` : 'no edits'
  return [
    `  ${paint.bold('Live')}${' '.repeat(labelWidth - 4)}${paint.dim(`for ${duration(elapsed_ms)}, ${speed}`)}`,
    '',
    pair(['edits', figure(edits)], ['commits seen', figure(figures.commits)]),
    pair(['delivered', figure(figures.delivered)], ['waiting', figure(waiting)]),
    pair(
      ['excluded', figure(figures.excluded)],
      ['p95 commit to confirmed', p95_ms === null ? '–' : `${Math.round(p95_ms)} ms`],
    ),
    '',
    ...(figures.trouble === null
      ? []
      : [
          row('Attention', paint.warn(`${figures.trouble.code} ${figures.trouble.message}`), paint),
          row('', paint.warn(figures.trouble.hint), paint),
          '',
        ]),
    row('Quarantine', `${number(figure(live.parked))}  ${paint.dim(byCause)}`, paint),
    ...causeLines(causes, paint, rowsMax - 15),
    '',
    row('In another', `export SYNCLINE_CONFIG=${config}`, paint),
    row('terminal', 'npm run syncline -- status', paint),
    row('', 'npm run syncline -- quarantine list', paint),
    row('', 'npm run syncline -- record members 42', paint),
    row('Ctrl-C', 'stops; the next start goes on from there', paint),
  ]
}

/** How the lines below the number of records in quarantine are to be read. */
export const byCause = 'records by cause, of which one may have several'

/** Causes as aligned lines. */
export function causeLines(causes: readonly Cause[], paint: Paint, rowsMax = causesMax + 1): string[] {
  const most = Math.max(0, Math.min(causesMax, rowsMax - 1))
  const shown = causes.slice(0, most)
  const fieldWidth = Math.max(0, ...shown.map(({ field }) => field.length))
  const rest = causes.slice(most).reduce((sum, { records }) => sum + records, 0)
  const lines = shown.map(({ field, text, records }) =>
    row('', `${figure(records).padStart(9)}  ${field.padEnd(fieldWidth)}  ${paint.dim(text)}`, paint),
  )
  return rest === 0 ? lines : [...lines, row('', `${figure(rest).padStart(9)}  others`, paint)]
}

/** What a start after a stop waits for before it shows live figures. */
export function catchingUpText(commits: number, waiting: number): string {
  if (waiting === 0) return counted(commits, 'commit')
  return `${counted(waiting, 'change')} to settle; what Salesforce did not take before is tried again within a minute`
}

/** The live figures in one line, without a terminal. */
export function liveText({ figures, p95_ms, waiting, parked, edits }: Live): string {
  return [
    `${counted(edits, 'edit')}, ${counted(figures.commits, 'commit')} seen`,
    `${figure(figures.delivered)} delivered`,
    `${figure(waiting)} waiting`,
    `${figure(parked)} in quarantine`,
    p95_ms === null ? 'no live change confirmed yet' : `p95 commit to confirmed ${Math.round(p95_ms)} ms`,
    ...(figures.trouble === null ? [] : [`${figures.trouble.code} ${figures.trouble.message}`]),
  ].join('; ')
}
