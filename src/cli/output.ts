import { printable } from '../telemetry/sentence.ts'
import { type Given, type Io, optionText } from './io.ts'
import { Refusal } from './refusal.ts'

/** A column of a table: its title and what it shows of a row. Numbers stand right. */
export interface Column<Row> {
  readonly title: string
  readonly cell: (row: Row) => string | number | null
}

/**
 * Whether the command shall answer in JSON: `--output json`, or the variable SYNCLINE_OUTPUT.
 * @throws Refusal SYNC-7101 for another word in the variable; the option was checked by the table of commands
 */
export function wantsJson(given: Given, io: Io): boolean {
  const form = optionText(given, 'output') ?? io.variables['SYNCLINE_OUTPUT'] ?? ''
  if (!['', 'table', 'json'].includes(form))
    throw new Refusal('SYNC-7101', `SYNCLINE_OUTPUT is ${form}; expected table or json.`)
  return form === 'json'
}

/** Answers with a value as JSON, or with rows as a table for people. */
export function answer<Row>(
  given: Given,
  io: Io,
  value: unknown,
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  empty: string,
): void {
  if (wantsJson(given, io)) io.out(JSON.stringify(value, null, 2))
  else if (rows.length === 0) io.out(empty)
  else io.out(table(rows, columns))
}

/** Rows as aligned text. Control characters in cells are made visible. */
export function table<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): string {
  const cells = rows.map((row) => columns.map(({ cell }) => cell(row)))
  const isNumber = columns.map(
    (_, c) =>
      cells.some((line) => typeof line[c] === 'number') &&
      cells.every((line) => typeof line[c] === 'number' || line[c] === null),
  )
  const texts = [columns.map(({ title }) => title), ...cells.map((line) => line.map(shown))]
  const widths = columns.map((_, c) => Math.max(...texts.map((line) => [...(line[c] as string)].length)))
  return texts
    .map((line) =>
      line
        .map((text, c) => {
          const gap = ' '.repeat((widths[c] as number) - [...text].length)
          return isNumber[c] === true ? gap + text : text + gap
        })
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

const shown = (cell: string | number | null): string =>
  cell === null ? '-' : typeof cell === 'number' ? figure(cell) : printable(cell)

/** `10,000` */
export const figure = (n: number): string => String(Math.round(n)).replace(/\B(?=(\d{3})+$)/g, ',')

/** `1 record`, `2,000 records` */
export const counted = (n: number, noun: string): string => `${figure(n)} ${noun}${n === 1 ? '' : 's'}`

/** `2026-11-22 14:00:25Z` */
export const moment = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')}Z`

/** `850 ms`, `12 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h` */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`
  const s = Math.round(ms / 1_000)
  if (s < 60) return `${s} s`
  if (s < 3_600) return `${Math.floor(s / 60)} min ${s % 60} s`
  if (s < 86_400) return `${Math.floor(s / 3_600)} h ${Math.floor((s % 3_600) / 60)} min`
  return `${Math.floor(s / 86_400)} d ${Math.floor((s % 86_400) / 3_600)} h`
}
