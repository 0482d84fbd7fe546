import { Cron } from 'croner'

/** Times that come again and again: a cron expression of five fields, read in a time zone (IANA name). */
export interface Schedule {
  readonly cron: string
  readonly timezone: string
}

/** Why this is no schedule, and which half of it is wrong; null where it is one. */
export function scheduleProblem(
  schedule: Schedule,
): { readonly field: 'cron' | 'timezone'; readonly why: string } | null {
  const { cron, timezone } = schedule
  if (!isTimezone(timezone))
    return { field: 'timezone', why: `"${timezone}" is no time zone; expected one like Europe/Vienna or UTC` }
  try {
    // Without a year in it, what comes at all comes within some years of any moment.
    if (nextTime(schedule, 0) !== null) return null
    return { field: 'cron', why: `"${cron}" never comes: there is no such day` }
  } catch (error) {
    const why = (error as Error).message.replace(/^CronPattern: /, '')
    return { field: 'cron', why: `expected five fields (minute hour day month weekday), "${cron}" is not: ${why}` }
  }
}

function isTimezone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }) !== null
  } catch {
    return false
  }
}

/** The first time after a moment; null where none ever comes. Throws for what `scheduleProblem` names. */
export function nextTime(schedule: Schedule, after_ms: number): number | null {
  return cronOf(schedule).nextRun(new Date(after_ms))?.getTime() ?? null
}

/** The last time that is not after a moment; null where there was none. */
export function lastTime(schedule: Schedule, now_ms: number): number | null {
  // A time of this very second counts: the search begins a second later, and what is to come is left out.
  const found = cronOf(schedule).previousRuns(2, new Date(now_ms + 1_000))
  return found.map((time) => time.getTime()).find((time_ms) => time_ms <= now_ms) ?? null
}

const cronOf = ({ cron, timezone }: Schedule): Cron => new Cron(cron, { mode: '5-part', timezone, paused: true })
