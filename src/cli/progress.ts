import type { Clock } from '../std/clock.ts'
import type { Emit, Event } from '../telemetry/event.ts'
import { duration, figure } from './output.ts'
import type { Screen } from './screen.ts'

/** What is not settled, as the engine counts it. */
export interface Standing {
  readonly waiting: number
  readonly quarantine: number
}

/** A view of the events as progress for people: snapshots with rate and time left, then live figures. */
export interface Progress {
  readonly emit: Emit
  /** Shows until `stop`. `standing` is asked for at most a twentieth of the time. */
  readonly start: (standing: () => Promise<Standing>) => void
  readonly stop: () => Promise<void>
}

/** How often something is shown: snapshots on a terminal, live figures there, and where lines pile up. */
const SNAPSHOT_MS = 250
const LIVE_MS = 1_000
const LINES_MS = 5_000
/** Rates are those of this time. */
const RATE_MS = 5_000
/** Durations kept for the percentile. */
const DURATIONS_MAX = 10_000
const BAR_CELLS = 24

interface Snapshot {
  readonly table: string
  rows: number
  estimated: number | null
}

/** A duration with the time at which it was told. */
interface Timed {
  readonly at_ms: number
  readonly ms: number
}

interface Sample {
  readonly at_ms: number
  readonly read: number
  readonly delivered: number
  readonly snapshotRows: number
}

/** Figures from events alone: additions on the hot path, everything else once a second. */
export function progress(screen: Screen, clock: Clock, form: 'text' | 'json'): Progress {
  const snapshots = new Map<string, Snapshot>()
  const figures = { read: 0, delivered: 0, snapshotRows: 0 }
  const durations: Timed[] = []
  const samples: Sample[] = []
  const end = new AbortController()
  let told = ''
  let work: Promise<void> = Promise.resolve()

  function show(standing: Standing): void {
    const rates = rate(samples, { at_ms: clock.mono(), ...figures })
    const p95_ms = percentile(durations, 0.95, clock.mono())
    const running = [...snapshots.values()]
    const text =
      running.length > 0 ? snapshotText(running, rates, figures.delivered) : liveText(rates, standing, p95_ms)
    if (screen.isTerminal) {
      screen.below(text)
      return
    }
    // Nothing is said twice in a row: an idle engine is silent.
    if (text === told) return
    told = text
    if (form === 'text') {
      screen.line(text)
      return
    }
    const rows = running.map(({ table, rows, estimated }) => ({ table, rows, rowsEstimated: estimated }))
    const time = new Date(clock.now()).toISOString()
    screen.line(
      JSON.stringify({
        level: 'info',
        time,
        event: 'progress',
        snapshots: rows,
        ...rates,
        ...standing,
        p95_ms,
        msg: text,
      }),
    )
  }

  async function showAlways(standing: () => Promise<Standing>): Promise<void> {
    let known: Standing = { waiting: 0, quarantine: 0 }
    let next_ms = 0
    let shown_ms = clock.mono()
    samples.push({ at_ms: shown_ms, ...figures })
    for (;;) {
      await clock.sleep(SNAPSHOT_MS, end.signal)
      const started_ms = clock.mono()
      const every_ms = !screen.isTerminal ? LINES_MS : snapshots.size > 0 ? SNAPSHOT_MS : LIVE_MS
      if (started_ms - shown_ms < every_ms) continue
      shown_ms = started_ms
      if (started_ms >= next_ms) {
        known = await standing()
        next_ms = clock.mono() + 19 * (clock.mono() - started_ms)
      }
      show(known)
    }
  }

  return {
    emit: (event) => take(event, snapshots, figures, durations, clock.mono()),
    start(standing) {
      // Progress is never a reason to stop: whatever ends the engine is told by the engine.
      work = showAlways(standing).catch(() => {})
    },
    async stop() {
      end.abort(new Error('stopped'))
      await work
      screen.below(null)
    },
  }
}

function take(
  event: Event,
  snapshots: Map<string, Snapshot>,
  figures: { read: number; delivered: number; snapshotRows: number },
  durations: Timed[],
  now_ms: number,
): void {
  if (event.kind === 'captured') figures.read += event.changes
  else if (event.kind === 'settled') {
    figures.delivered += event.delivered
    for (const ms of event.durations_ms) if (durations.length < DURATIONS_MAX) durations.push({ at_ms: now_ms, ms })
  } else if (event.kind === 'snapshot') {
    const key = JSON.stringify([event.system, event.table, event.flow])
    const known = snapshots.get(key)
    // The first word of a snapshot that goes on tells what earlier runs read.
    if (known !== undefined) figures.snapshotRows += Math.max(0, event.rows - known.rows)
    if (event.done) snapshots.delete(key)
    else snapshots.set(key, { table: event.table, rows: event.rows, estimated: event.rowsEstimated })
  }
}

interface Rates {
  readonly read_s: number
  readonly delivered_s: number
  readonly snapshotRows_s: number
}

/** What came a second, over the last few seconds; drops samples that are older. */
function rate(samples: Sample[], now: Sample): Rates {
  samples.push(now)
  while (samples.length > 2 && now.at_ms - (samples[0] as Sample).at_ms > RATE_MS) samples.shift()
  const first = samples[0] as Sample
  const s = Math.max(0.001, (now.at_ms - first.at_ms) / 1_000)
  const of = (figure: 'read' | 'delivered' | 'snapshotRows') => Math.round((now[figure] - first[figure]) / s)
  return { read_s: of('read'), delivered_s: of('delivered'), snapshotRows_s: of('snapshotRows') }
}

/** Over the last few seconds; drops what is older. */
function percentile(durations: Timed[], part: number, now_ms: number): number | null {
  const young = durations.findIndex(({ at_ms }) => now_ms - at_ms <= RATE_MS)
  durations.splice(0, young === -1 ? durations.length : young)
  if (durations.length === 0) return null
  const sorted = durations.map(({ ms }) => ms).sort((a, b) => a - b)
  return Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] as number)
}

function snapshotText(running: readonly Snapshot[], rates: Rates, delivered: number): string {
  const rows = running.reduce((all, one) => all + one.rows, 0)
  const known = running.every(({ estimated }) => estimated !== null)
  // An estimate may be too low: then the bar waits at its end.
  const of = known
    ? Math.max(
        rows,
        running.reduce((all, one) => all + (one.estimated ?? 0), 0),
      )
    : null
  const names = running.map(({ table }) => table).join(', ')
  const rest = of === null || rates.snapshotRows_s === 0 ? null : ((of - rows) / rates.snapshotRows_s) * 1_000
  return [
    `reading ${names}${of === null || of === 0 ? '' : `  ${bar(rows / of)} ${Math.floor((rows / of) * 100)} %`}`,
    `${figure(rows)}${of === null ? '' : ` of about ${figure(of)}`} rows`,
    `${figure(rates.snapshotRows_s)}/s`,
    ...(rest === null ? [] : [`ETA ${duration(Math.max(1_000, rest))}`]),
    `delivered ${figure(delivered)}`,
  ].join(' · ')
}

function liveText({ read_s, delivered_s }: Rates, { waiting, quarantine }: Standing, p95_ms: number | null): string {
  return [
    `read ${figure(read_s)}/s`,
    `delivered ${figure(delivered_s)}/s`,
    `waiting ${figure(waiting)}`,
    `quarantine ${figure(quarantine)}`,
    `p95 ${p95_ms === null ? '-' : duration(p95_ms)}`,
  ].join(' · ')
}

function bar(part: number): string {
  const full = Math.min(BAR_CELLS, Math.floor(part * BAR_CELLS))
  return `${'█'.repeat(full)}${'░'.repeat(BAR_CELLS - full)}`
}
