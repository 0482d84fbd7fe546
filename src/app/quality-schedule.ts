import { mkdir, open, readdir, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { ReportOptions } from '../config/config.ts'
import { failure } from '../model/failure.ts'
import type { Clock } from '../std/clock.ts'
import { lastTime, nextTime } from '../std/schedule.ts'
import type { Emit } from '../telemetry/event.ts'
import type { QualityReport } from './quality-report.ts'

/**
 * Longest sleep. The wall clock may jump, a timer holds 24 days at most, and a report that could not be written is tried again
 * after it.
 */
const SLEEP_MAX_MS = 3_600_000

/** How a report is written down. */
export type ReportForm = ReportOptions['form']

const endings: Readonly<Record<ReportForm, string>> = { html: 'html', markdown: 'md', json: 'json', text: 'txt' }

/** `quality-2026-09-07T0500Z.html`: sorted by name is sorted by time. Drafts end in `.part`. */
const written = /^quality-(\d{4}-\d\d-\d\d)T(\d\d)(\d\d)Z\.(?:html|md|json|txt)(\.part)?$/

/** What the writing of reports needs. */
export interface ReportParts {
  readonly options: ReportOptions
  readonly clock: Clock
  readonly emit: Emit
  /** Makes the report of a moment, over whole days or hours that are over then. */
  readonly report: (length_ms: number, at_ms: number) => Promise<QualityReport>
  readonly render: (report: QualityReport, form: ReportForm) => string
}

/**
 * Writes a report at every time of the schedule until the signal is aborted. One that was missed, because nothing ran or it could
 * not be written, is made up once, as of its time: the newest file says which was the last. Nothing here stops the engine.
 */
export async function writeReports(parts: ReportParts, signal: AbortSignal): Promise<void> {
  const { options, clock } = parts
  let done_ms = Number.NEGATIVE_INFINITY
  while (!signal.aborted) {
    const now_ms = clock.now()
    const due_ms = lastTime(options, now_ms)
    if (due_ms !== null && due_ms > done_ms && (await tryReport(parts, due_ms))) done_ms = due_ms
    const next_ms = nextTime(options, now_ms) ?? Number.POSITIVE_INFINITY
    await clock.sleep(Math.max(1, Math.min(SLEEP_MAX_MS, next_ms - clock.now())), signal)
  }
}

/** Whether nothing is left to be done for this time. */
async function tryReport(parts: ReportParts, due_ms: number): Promise<boolean> {
  const { options, emit } = parts
  try {
    const file = await reportOnce(parts, due_ms)
    if (file !== null) emit({ kind: 'report', file, failure: null })
    return true
  } catch (error) {
    emit({
      kind: 'report',
      file: null,
      failure: failure('SYNC-6013', `The quality report for ${options.folder}: ${(error as Error).message}.`),
    })
    return false
  }
}

/** Writes the report of a time, unless it is there; null where nothing was to be done. */
async function reportOnce({ options, report, render }: ReportParts, due_ms: number): Promise<string | null> {
  const { folder, form, keep, length_ms } = options
  await mkdir(folder, { recursive: true })
  const newest = (await reportsIn(folder)).at(-1)
  if (newest !== undefined && newest.at_ms >= due_ms) return null
  const made = await report(length_ms, due_ms)
  // The first time of a schedule was not missed when nothing had been judged before it.
  if (newest === undefined && made.flows.every(({ now }) => now.judged === 0)) return null
  const file = join(folder, nameOf(due_ms, form))
  await writeWhole(file, render(made, form))
  const all = await reportsIn(folder)
  for (const { name } of all.slice(0, Math.max(0, all.length - keep))) await rm(join(folder, name), { force: true })
  return file
}

interface Written {
  readonly name: string
  readonly at_ms: number
}

/** The reports of a folder, oldest first. Drafts that a killed process left are removed. */
async function reportsIn(folder: string): Promise<Written[]> {
  const found: Written[] = []
  for (const name of (await readdir(folder)).sort()) {
    const [, day, hour, minute, draft] = written.exec(name) ?? []
    if (day === undefined) continue
    if (draft === undefined) found.push({ name, at_ms: Date.parse(`${day}T${hour}:${minute}:00Z`) })
    else await rm(join(folder, name), { force: true })
  }
  return found
}

function nameOf(at_ms: number, form: ReportForm): string {
  const time = new Date(at_ms).toISOString()
  return `quality-${time.slice(0, 13)}${time.slice(14, 16)}Z.${endings[form]}`
}

/** Writes a file whole or not at all: under another name first, flushed, then put in its place. */
export async function writeWhole(path: string, text: string): Promise<void> {
  const draft = `${path}.part`
  await mkdir(dirname(path), { recursive: true })
  const file = await open(draft, 'w', 0o644)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(draft, path)
}
