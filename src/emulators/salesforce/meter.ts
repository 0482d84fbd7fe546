/** Counts API requests over a rolling day, and everything else that `/emulator/stats` shows. */

/** The org's daily limit of API requests, and named counts beside it. */
export interface Meter {
  readonly max: number
  /** Counts one API request; false when the day's limit is used up. */
  take(): boolean
  /** Requests of the last 24 hours. */
  used(): number
  /** Adds to a named count of the statistics. */
  add(name: string, n?: number): void
  counts(): Record<string, number>
  clear(): void
}

const HOUR_ms = 3_600_000
const HOURS = 24

/** A meter for at most `max` requests in any 24 hours, counted by the hour. */
export function makeMeter(max: number, clock: () => number): Meter {
  let hours = new Map<number, number>()
  let total = 0
  let checkedHour = -1
  const counts = new Map<string, number>()
  const roll = (): number => {
    const hour = Math.floor(clock() / HOUR_ms)
    if (hour !== checkedHour) {
      for (const [old, n] of hours) {
        if (old > hour - HOURS) continue
        total -= n
        hours.delete(old)
      }
      checkedHour = hour
    }
    return hour
  }
  const add = (name: string, n = 1) => void counts.set(name, (counts.get(name) ?? 0) + n)
  return {
    max,
    take() {
      const hour = roll()
      if (total >= max) return false
      hours.set(hour, (hours.get(hour) ?? 0) + 1)
      total++
      return true
    },
    used() {
      roll()
      return total
    },
    add,
    counts: () => Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1))),
    clear() {
      hours = new Map()
      total = 0
      counts.clear()
    },
  }
}
