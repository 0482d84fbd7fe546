const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

/** Days of a time zone, made of whole hours (UTC). Where midnight is within an hour, that hour belongs to the day before. */
export interface Calendar {
  /** `2026-09-07`: the day in which the hour begins. */
  day(hour_ms: number): string
  /** `07:00` */
  time(ms: number): string
  /** The first hour of the day to which a moment belongs. */
  dayStart(ms: number): number
  /** The first hour of the day that is so many days before the one that begins here. */
  daysBefore(start_ms: number, days: number): number
}

/** The calendar of a time zone (IANA name). Throws RangeError for a name that is none. */
export function calendarOf(timezone: string): Calendar {
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone: timezone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
  })
  const parts = (ms: number): { readonly [type: string]: string } =>
    Object.fromEntries(format.formatToParts(new Date(ms)).map(({ type, value }) => [type, value]))
  const day = (ms: number): string => {
    const { year, month, day } = parts(ms)
    return `${year}-${month}-${day}`
  }
  const dayStart = (ms: number): number => {
    let hour_ms = Math.floor(ms / HOUR_MS) * HOUR_MS
    const today = day(hour_ms)
    while (day(hour_ms - HOUR_MS) === today) hour_ms -= HOUR_MS
    return hour_ms
  }
  return {
    day,
    time(ms) {
      const { hour, minute } = parts(ms)
      return `${hour}:${minute}`
    },
    dayStart,
    // From noon to noon: a day of 23 or 25 hours does not lead into its neighbour.
    daysBefore: (start_ms, days) => dayStart(start_ms + DAY_MS / 2 - days * DAY_MS),
  }
}
