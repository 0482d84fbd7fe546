/**
 * Date literals as half-open ranges of days, in UTC (the emulated users live in GMT; weeks begin on Sunday).
 * Source: https://developer.salesforce.com/docs/atlas.en-us.soql_sosl.meta/soql_sosl/sforce_api_calls_soql_select_dateformats.htm.
 */

/** A range of time: from `from_ms`, up to but without `to_ms`. */
export interface Period {
  readonly from_ms: number
  readonly to_ms: number
}

const DAY_ms = 86_400_000

type Unit = 'DAY' | 'WEEK' | 'MONTH' | 'QUARTER' | 'YEAR'

/** The range that a date literal means at `now_ms`; null when there is no such literal. */
export function periodOf(name: string, n: number, now_ms: number): Period | null {
  const today = startOf('DAY', now_ms)
  switch (name) {
    case 'TODAY':
      return { from_ms: today, to_ms: today + DAY_ms }
    case 'YESTERDAY':
      return { from_ms: today - DAY_ms, to_ms: today }
    case 'TOMORROW':
      return { from_ms: today + DAY_ms, to_ms: today + 2 * DAY_ms }
    case 'LAST_90_DAYS':
      return { from_ms: today - 90 * DAY_ms, to_ms: today + DAY_ms }
    case 'NEXT_90_DAYS':
      return { from_ms: today + DAY_ms, to_ms: today + 91 * DAY_ms }
  }
  const counted = /^(LAST_N|NEXT_N|N)_(DAY|WEEK|MONTH|QUARTER|YEAR)S(_AGO)?$/.exec(name)
  if (counted !== null) return countedPeriod(counted[1]!, counted[2] as Unit, counted[3] !== undefined, n, now_ms)
  const near = /^(LAST|THIS|NEXT)_(WEEK|MONTH|QUARTER|YEAR)$/.exec(name)
  if (near === null) return null
  const step = near[1] === 'LAST' ? -1 : near[1] === 'NEXT' ? 1 : 0
  return unitFrom(near[2] as Unit, now_ms, step, step + 1)
}

function countedPeriod(which: string, unit: Unit, ago: boolean, n: number, now_ms: number): Period | null {
  if (which === 'N') return ago ? unitFrom(unit, now_ms, -n, -n + 1) : null
  if (ago) return null
  if (which === 'NEXT_N') return unitFrom(unit, now_ms, 1, n + 1)
  // LAST_N_DAYS:n reaches to the end of today; the longer units end before the current one.
  return unitFrom(unit, now_ms, -n, unit === 'DAY' ? 1 : 0)
}

function unitFrom(unit: Unit, now_ms: number, from: number, to: number): Period {
  const start = startOf(unit, now_ms)
  return { from_ms: add(unit, start, from), to_ms: add(unit, start, to) }
}

function startOf(unit: Unit, at_ms: number): number {
  const date = new Date(at_ms)
  const year = date.getUTCFullYear()
  const month = date.getUTCMonth()
  const day = Date.UTC(year, month, date.getUTCDate())
  switch (unit) {
    case 'DAY':
      return day
    case 'WEEK':
      return day - date.getUTCDay() * DAY_ms
    case 'MONTH':
      return Date.UTC(year, month)
    case 'QUARTER':
      return Date.UTC(year, month - (month % 3))
    case 'YEAR':
      return Date.UTC(year, 0)
  }
}

function add(unit: Unit, start_ms: number, n: number): number {
  const date = new Date(start_ms)
  switch (unit) {
    case 'DAY':
      return start_ms + n * DAY_ms
    case 'WEEK':
      return start_ms + n * 7 * DAY_ms
    case 'MONTH':
      return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + n)
    case 'QUARTER':
      return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 3 * n)
    case 'YEAR':
      return Date.UTC(date.getUTCFullYear() + n, 0)
  }
}
