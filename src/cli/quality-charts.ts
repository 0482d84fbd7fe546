import type { Bucket, QualityReport } from '../app/quality-report.ts'
import { figure } from './output.ts'
import { isPartial, shortLabel } from './quality-words.ts'

/** Small charts as inline SVG: no script, no font, no colour of their own; the page's style sheet paints them. */

/** The drawing and the place of its axes, in units of the view box. */
const WIDTH = 440
const HEIGHT = 170
const LEFT = 52
const RIGHT = 12
const TOP = 14
const BOTTOM = 24
const PLOT_WIDTH = WIDTH - LEFT - RIGHT
const PLOT_HEIGHT = HEIGHT - TOP - BOTTOM
/** Labels below that fit beside each other. */
const LABELS_MAX = 8

/** Text that cannot be taken for markup. */
export const escapeHtml = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)

/** What a chart is called, for those who see it and those who hear it. */
interface Titled {
  /** Unique in the page. */
  readonly id: string
  readonly title: string
  /** What the drawing shows, in a sentence. */
  readonly said: string
}

/** A value of each bucket as a line; where there is none, the line has a gap. `before` is drawn across. */
export interface Line extends Titled {
  readonly values: readonly (number | null)[]
  readonly before: number | null
  readonly shown: (value: number) => string
}

/** Parts of each bucket as a column, the first at the bottom. */
export interface Columns extends Titled {
  readonly parts: readonly { readonly name: string; readonly paint: string; readonly values: readonly number[] }[]
}

/** Draws shares or scores, 0 to 1, over the buckets of a report. */
export function lineChart(
  { id, title, said, values, before, shown }: Line,
  report: QualityReport,
  series: readonly Bucket[],
): string {
  const known = [...values, before].filter((value) => value !== null)
  const low = lowest(Math.min(...known))
  const y = (value: number) => TOP + PLOT_HEIGHT * (1 - (value - low) / (1 - low))
  const x = centres(series.length)
  const ticks = [low, (low + 1) / 2, 1]
  const dots = values.flatMap((value, i) =>
    value === null
      ? []
      : [
          `<circle class="dot${isPartial(series[i] as Bucket, report) ? ' partial' : ''}" cx="${n(x(i))}" cy="${n(y(value))}" r="${series.length > 40 ? 1.6 : 3}"><title>${escapeHtml(`${series[i]?.label}: ${shown(value)}`)}</title></circle>`,
        ],
  )
  const reference =
    before === null
      ? ''
      : `<line class="before" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${n(y(before))}" y2="${n(y(before))}"/>`
  return svg({ id, title, said }, [
    axes(ticks.map((tick) => ({ at: y(tick), text: shown(tick).replace('.0 %', ' %') }))),
    reference,
    ...runs(values).map((run) => `<path class="line" d="${path(run.map(([i, value]) => [x(i), y(value)]))}"/>`),
    ...dots,
    below(series, x),
  ])
}

/** Draws numbers over the buckets of a report. */
export function columnChart(
  { id, title, said, parts }: Columns,
  report: QualityReport,
  series: readonly Bucket[],
): string {
  const totals = series.map((_, i) => parts.reduce((sum, part) => sum + (part.values[i] ?? 0), 0))
  const high = roundUp(Math.max(...totals))
  const y = (value: number) => TOP + PLOT_HEIGHT * (1 - value / high)
  const x = centres(series.length)
  const width = Math.min(34, (PLOT_WIDTH / series.length) * 0.72)
  const columns = series.map((bucket, i) => {
    let under = 0
    const boxes = parts.map(({ name, paint, values }) => {
      const value = values[i] ?? 0
      const top = y(under + value)
      const box =
        value === 0
          ? ''
          : `<rect class="${paint}" x="${n(x(i) - width / 2)}" y="${n(top)}" width="${n(width)}" height="${n(y(under) - top)}"><title>${escapeHtml(`${bucket.label}: ${figure(value)} ${name}`)}</title></rect>`
      under += value
      return box
    })
    return `<g${isPartial(bucket, report) ? ' class="partial"' : ''}>${boxes.join('')}</g>`
  })
  // Half a record is no tick.
  const ticks = Number.isInteger(high / 2) ? [0, high / 2, high] : [0, high]
  return svg({ id, title, said }, [
    axes(ticks.map((tick) => ({ at: y(tick), text: short(tick) }))),
    ...columns,
    below(series, x),
  ])
}

/** A line without axes, for a table; its text stands beside it. */
export function sparkline(values: readonly (number | null)[]): string {
  const known = values.filter((value) => value !== null)
  if (known.length < 2) return ''
  const low = Math.min(lowest(Math.min(...known)), 0.9)
  const drawn = runs(values).map((run) => {
    const points = run.map(([i, value]): [number, number] => [
      2 + (i * 96) / Math.max(1, values.length - 1),
      2 + 20 * (1 - (value - low) / (1 - low)),
    ])
    return `<path class="line" d="${path(points)}"/>`
  })
  return `<svg class="spark" viewBox="0 0 100 24" aria-hidden="true">${drawn.join('')}</svg>`
}

function svg({ id, title, said }: Titled, inner: readonly string[]): string {
  const label = `<title id="${id}-t">${escapeHtml(title)}</title><desc id="${id}-d">${escapeHtml(said)}</desc>`
  return `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-labelledby="${id}-t ${id}-d">${label}${inner.join('')}</svg>`
}

const axes = (ticks: readonly { readonly at: number; readonly text: string }[]): string =>
  ticks
    .map(
      ({ at, text }) =>
        `<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${n(at)}" y2="${n(at)}"/><text class="tick" x="${LEFT - 8}" y="${n(at + 3.5)}" text-anchor="end">${escapeHtml(text)}</text>`,
    )
    .join('')

/** Labels below: as many as fit, the last one always among them. */
function below(series: readonly Bucket[], x: (i: number) => number): string {
  const every = Math.ceil(series.length / LABELS_MAX)
  return series
    .flatMap((bucket, i) =>
      (series.length - 1 - i) % every !== 0
        ? []
        : [
            `<text class="tick" x="${n(x(i))}" y="${HEIGHT - 7}" text-anchor="middle">${escapeHtml(shortLabel(bucket))}</text>`,
          ],
    )
    .join('')
}

const centres =
  (length: number) =>
  (i: number): number =>
    LEFT + (PLOT_WIDTH * (i + 0.5)) / length

/** Neighbours that have a value, with their places. */
function runs(values: readonly (number | null)[]): [number, number][][] {
  const found: [number, number][][] = []
  let open: [number, number][] = []
  for (const [i, value] of values.entries()) {
    if (value !== null) open.push([i, value])
    if ((value === null || i === values.length - 1) && open.length > 0) {
      found.push(open)
      open = []
    }
  }
  return found
}

const path = (points: readonly (readonly [number, number])[]): string =>
  points.map(([x, y], i) => `${i === 0 ? 'M' : 'L'}${n(x)} ${n(y)}`).join('')

/** Where an axis to 1 begins: not at 0 when everything is near 1, or nothing could be told apart. */
const lowest = (least: number): number => [0.99, 0.98, 0.95, 0.9, 0.8, 0.5].find((low) => least >= low) ?? 0

/** The next number with one digit, or 15, 25: `1400` is drawn up to `1500`. */
function roundUp(value: number): number {
  if (value <= 4) return Math.max(1, value)
  const unit = 10 ** Math.floor(Math.log10(value))
  return ([1, 1.5, 2, 2.5, 3, 4, 5, 6, 8].find((step) => step * unit >= value) ?? 10) * unit
}

/** `1,500`, `12k`, `1.5M` */
function short(value: number): string {
  if (value >= 1e6) return `${+(value / 1e6).toFixed(2)}M`
  if (value >= 1e4) return `${+(value / 1e3).toFixed(1)}k`
  return Number.isInteger(value) ? figure(value) : String(value)
}

const n = (value: number): string => String(Math.round(value * 10) / 10)
