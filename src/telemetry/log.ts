import { pino } from 'pino'
import type { Clock } from '../std/clock.ts'
import type { Emit, Event, FlowName } from './event.ts'
import { type Level, type Line, lineOf, printable } from './sentence.ts'

/** Where lines go: `process.stderr`, or `pino.destination(file)`. One call a line. */
export interface Destination {
  write(text: string): unknown
  readonly isTTY?: boolean | undefined
}

/** What a log needs to know. */
export interface LogOptions {
  readonly clock: Clock
  readonly flows: readonly FlowName[]
  /** Lines for people instead of JSON; by default when the destination is a terminal. */
  readonly human?: boolean
}

/** A warning that says the same again is shown once in this time. */
const REPEAT_MS = 60_000
/** Snapshots without an estimate are told every so many rows. */
const STEP_ROWS = 100_000
/** Bounds of what the log remembers (I7): warnings, and snapshots under way. */
const WARNINGS_MAX = 256
const SNAPSHOTS_MAX = 1_024

/**
 * A view of the events as a log: pino's JSON lines, or one readable line each on a terminal. A line a batch at `debug`, at
 * `info` what a person should see; never a line a row. A warning that repeats itself is shown once a minute, with how often it
 * was not shown; the repeats are there at `debug`.
 */
export function logTo(destination: Destination, level: Level, options: LogOptions): Emit {
  const flows = new Map(options.flows.map((flow): [string, FlowName] => [flow.flow, named(flow)]))
  const write = (options.human ?? destination.isTTY === true) ? human : json
  const put = write(destination, level, options.clock)
  const isNews = snapshotSteps()
  const repeated = throttle(options.clock)
  const backAgain = returns(options.clock)
  return (event) => {
    if (event.kind === 'snapshot' && !isNews(event)) return
    const back = backAgain(event)
    const line = lineOf(event, flows)
    if (back !== null)
      put({
        level: 'info',
        sentence: `${printable(back.flow)}: ${flows.get(back.flow)?.target ?? 'the target'} is back after ${Math.round(back.ms / 1000)} s`,
        fields: { event: 'back', flow: printable(back.flow), away_ms: Math.round(back.ms) },
        repeats: null,
      })
    if (line === null || (line.repeats !== null && !rank(line.level, level))) return
    const hidden = line.repeats === null ? 0 : repeated(line.repeats)
    if (hidden === null) put({ ...line, level: 'debug' })
    else put(hidden === 0 ? line : withRepeats(line, hidden))
  }
}

const levels: readonly Level[] = ['debug', 'info', 'warn', 'error', 'fatal']

const rank = (level: Level, least: Level): boolean => levels.indexOf(level) >= levels.indexOf(least)

const named = (flow: FlowName): FlowName => ({
  flow: flow.flow,
  sync: printable(flow.sync),
  source: printable(flow.source),
  target: printable(flow.target),
})

const withRepeats = (line: Line, hidden: number): Line => ({
  ...line,
  sentence: `${line.sentence} (and ${hidden} times more since it was last shown)`,
  fields: { ...line.fields, repeated: hidden },
})

type Put = (line: Line) => void

function json(destination: Destination, level: Level, clock: Clock): Put {
  const log = pino(
    {
      level,
      base: null,
      timestamp: () => `,"time":"${new Date(clock.now()).toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write: (text) => void destination.write(text) },
  )
  return (line) => log[line.level](line.fields, line.sentence)
}

function human(destination: Destination, level: Level, clock: Clock): Put {
  return (line) => {
    if (!rank(line.level, level)) return
    const time = new Date(clock.now()).toISOString().slice(11, 19)
    destination.write(`${time}Z ${line.level.padEnd(5)} ${line.sentence}\n`)
  }
}

/** Whether a snapshot event is the first, the last, or one that passed the next tenth of the table. */
function snapshotSteps(): (event: Extract<Event, { kind: 'snapshot' }>) => boolean {
  const told = new Map<string, number>()
  return ({ system, table, flow, rows, rowsEstimated, done }) => {
    const key = JSON.stringify([system, table, flow])
    const step = Math.floor(
      rowsEstimated === null || rowsEstimated === 0 ? rows / STEP_ROWS : (rows * 10) / rowsEstimated,
    )
    const before = told.get(key)
    if (done) told.delete(key)
    // A smaller step: the table is read from the start again.
    else if (step !== before) remember(told, key, step, SNAPSHOTS_MAX)
    return done || step !== before
  }
}

/** How often a repeated line was hidden since it was last shown; null: hide it now. */
function throttle(clock: Clock): (key: string) => number | null {
  const shown = new Map<string, { at: number; hidden: number }>()
  return (key) => {
    const now = clock.mono()
    const last = shown.get(key)
    if (last !== undefined && now - last.at < REPEAT_MS) {
      last.hidden += 1
      return null
    }
    remember(shown, key, { at: now, hidden: 0 }, WARNINGS_MAX)
    return last?.hidden ?? 0
  }
}

/** Notices that a target takes records again: how long it was away. */
function returns(clock: Clock): (event: Event) => { flow: string; ms: number } | null {
  const away = new Map<string, number>()
  return (event) => {
    if (event.kind === 'away' && !away.has(event.flow)) away.set(event.flow, clock.mono())
    if (event.kind !== 'settled' || event.delivered + event.parked === 0) return null
    const since = away.get(event.flow)
    away.delete(event.flow)
    return since === undefined ? null : { flow: event.flow, ms: clock.mono() - since }
  }
}

/** Sets an entry of a bounded map; the one that was set longest ago goes. */
function remember<V>(map: Map<string, V>, key: string, value: V, entriesMax: number): void {
  map.delete(key)
  map.set(key, value)
  for (const oldest of map.keys()) {
    if (map.size <= entriesMax) break
    map.delete(oldest)
  }
}
