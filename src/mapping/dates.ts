/** Parts of a date or local time. `fraction`: digits after the second, as many as were written. */
export interface DateParts {
  readonly year: number
  readonly month: number
  readonly day: number
  readonly hour: number
  readonly minute: number
  readonly second: number
  readonly fraction: string
}

/** A way of writing dates. */
export interface DatePattern {
  readonly hasTime: boolean
  /** The parts; `undefined` where the text is not written so, or there is no such day (31 February). */
  parse(text: string): DateParts | undefined
  format(parts: DateParts): string
}

interface Token {
  readonly part: keyof DateParts
  readonly match: string
  readonly width: number
}

const tokens: { readonly [token: string]: Token } = {
  yyyy: { part: 'year', match: '\\d{4}', width: 4 },
  MM: { part: 'month', match: '\\d{2}', width: 2 },
  M: { part: 'month', match: '\\d{1,2}', width: 1 },
  dd: { part: 'day', match: '\\d{2}', width: 2 },
  d: { part: 'day', match: '\\d{1,2}', width: 1 },
  HH: { part: 'hour', match: '\\d{2}', width: 2 },
  H: { part: 'hour', match: '\\d{1,2}', width: 1 },
  mm: { part: 'minute', match: '\\d{2}', width: 2 },
  m: { part: 'minute', match: '\\d{1,2}', width: 1 },
  ss: { part: 'second', match: '\\d{2}', width: 2 },
  s: { part: 'second', match: '\\d{1,2}', width: 1 },
}

/**
 * Compiles a pattern in the letters of Unicode TR35 (https://unicode.org/reports/tr35/tr35-dates.html): yyyy MM M dd d HH H mm m
 * ss s, and S for any fraction; other letters stand in '…'. Two-digit years are refused, as nobody can say which century is
 * meant. A string in return says what is wrong.
 */
export function datePattern(pattern: string): DatePattern | string {
  const pieces: (Token | string)[] = []
  for (const piece of pattern.matchAll(/'([^']*)'|([A-Za-z])\2*|[^A-Za-z']+|'/g)) {
    const [text, quoted, letter] = piece
    if (text === "'") return 'a quote is not closed'
    if (quoted !== undefined) pieces.push(quoted === '' ? "'" : quoted)
    else if (letter === undefined) pieces.push(text)
    else if (letter === 'S') pieces.push({ part: 'fraction', match: '\\d{1,9}', width: text.length })
    else if (text === 'yy') return 'two-digit years (yy) are ambiguous and not supported'
    else if (!Object.hasOwn(tokens, text))
      return `"${text}" has no meaning; letters that stand for themselves are written '${text}'`
    else pieces.push(tokens[text]!)
  }
  const parts = pieces.filter((piece) => typeof piece !== 'string').map((piece) => piece.part)
  const twice = parts.find((part, index) => parts.indexOf(part) !== index)
  if (twice !== undefined) return `the ${twice} occurs twice`
  for (const part of ['year', 'month', 'day'] as const) if (!parts.includes(part)) return `the ${part} is missing`
  const source = pieces.map((piece) =>
    typeof piece === 'string' ? piece.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&') : `(?<${piece.part}>${piece.match})`,
  )
  // Digits and fixed texts only: this cannot backtrack further than a few characters.
  const grammar = new RegExp(`^${source.join('')}$`)
  return {
    hasTime: parts.includes('hour'),
    parse(text) {
      if (text.length > 100) return undefined
      const groups = grammar.exec(text)?.groups
      return groups === undefined ? undefined : partsOf(groups)
    },
    format: (value) => pieces.map((piece) => (typeof piece === 'string' ? piece : written(piece, value))).join(''),
  }
}

function written(token: Token, value: DateParts): string {
  if (token.part === 'fraction') return value.fraction.slice(0, token.width).padEnd(token.width, '0')
  return String(value[token.part]).padStart(token.width, '0')
}

function partsOf(groups: { readonly [part: string]: string | undefined }): DateParts | undefined {
  const number = (part: string) => Number(groups[part] ?? 0)
  const parts: DateParts = {
    year: number('year'),
    month: number('month'),
    day: number('day'),
    hour: number('hour'),
    minute: number('minute'),
    second: number('second'),
    fraction: groups['fraction'] ?? '',
  }
  return isReal(parts) ? parts : undefined
}

/** Whether there is such a day and time, in the years 1 to 9999. Second 60 is refused: no target stores it. */
function isReal({ year, month, day, hour, minute, second }: DateParts): boolean {
  if (year < 1 || year > 9999 || month < 1 || month > 12 || day < 1) return false
  const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0
  const days = month === 2 ? (leap ? 29 : 28) : [4, 6, 9, 11].includes(month) ? 30 : 31
  return day <= days && hour < 24 && minute < 60 && second < 60
}

const isoGrammar =
  /^(?<year>\d{4})-(?<month>\d\d)-(?<day>\d\d)(?:[T ](?<hour>\d\d):(?<minute>\d\d)(?::(?<second>\d\d)(?:\.(?<fraction>\d{1,9}))?)?(?<zone>Z|[+-]\d\d(?::?\d\d(?::?\d\d)?)?)?)?$/

/** An ISO 8601 date or time, also with a space for the T, with its offset in seconds where it has one. */
export function parseIso(text: string): { parts: DateParts; hasTime: boolean; offset_s?: number } | undefined {
  if (text.length > 100) return undefined
  const groups = isoGrammar.exec(text)?.groups
  const parts = groups === undefined ? undefined : partsOf(groups)
  if (groups === undefined || parts === undefined) return undefined
  const zone = groups['zone']
  const hasTime = groups['hour'] !== undefined
  if (zone === undefined) return { parts, hasTime }
  if (zone === 'Z') return { parts, hasTime, offset_s: 0 }
  const [hours = 0, minutes = 0, seconds = 0] = (zone.slice(1).replaceAll(':', '').match(/\d\d/g) ?? []).map(Number)
  if (hours > 18 || minutes > 59 || seconds > 59) return undefined
  const size = hours * 3600 + minutes * 60 + seconds
  return { parts, hasTime, offset_s: zone.startsWith('-') ? -size : size }
}

/** Seconds since 1970 of these parts, read as UTC (the proleptic Gregorian calendar). */
export function epochSeconds({ year, month, day, hour, minute, second }: DateParts): number {
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  return date.getTime() / 1000 + hour * 3600 + minute * 60 + second
}

/** The parts, in UTC, of seconds since 1970; `undefined` outside of the years 1 to 9999. */
export function partsFromEpoch(seconds: number, fraction: string): DateParts | undefined {
  const date = new Date(seconds * 1000)
  const year = date.getUTCFullYear()
  if (!(year >= 1 && year <= 9999)) return undefined
  return {
    year,
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
    second: date.getUTCSeconds(),
    fraction,
  }
}

/** `2024-02-29`. */
export function dateText({ year, month, day }: DateParts): string {
  return `${String(year).padStart(4, '0')}-${two(month)}-${two(day)}`
}

/** `2024-02-29 13:45:00.5`, without a zone; zeros at the end of the fraction are dropped. */
export function datetimeText(parts: DateParts): string {
  const fraction = parts.fraction.replace(/0+$/, '')
  return `${dateText(parts)} ${two(parts.hour)}:${two(parts.minute)}:${two(parts.second)}${fraction === '' ? '' : `.${fraction}`}`
}

const two = (value: number) => String(value).padStart(2, '0')

/** A time zone of the IANA database, by ICU's copy of it. */
export interface Zone {
  readonly name: string
  /** Seconds to add to UTC at this time (seconds since 1970) to get the local time. */
  offset(utc_s: number): number
  /** The possible UTC times of a local time: one; two in an overlap, in order; none in a gap, then with what is about it. */
  resolve(local_s: number): { readonly times: readonly number[]; readonly before_s: number }
}

/** The zone of this name; `undefined` where there is none. Its caches are its own, and bounded. */
export function zoneNamed(name: string): Zone | undefined {
  let formatter: Intl.DateTimeFormat
  try {
    formatter = new Intl.DateTimeFormat('en-US', {
      timeZone: name,
      calendar: 'iso8601',
      numberingSystem: 'latn',
      hourCycle: 'h23',
      era: 'short',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
    })
  } catch {
    return undefined
  }
  const offset = (utc_s: number) => offsetBy(formatter, utc_s)
  // Nearly every day has one offset all along; asking ICU costs microseconds, so whole days are remembered.
  const days = new Map<number, { before: number; after: number }>()
  const around = (day: number) => {
    const known = days.get(day)
    if (known !== undefined) return known
    if (days.size >= 4_096) days.clear()
    const found = { before: offset((day - 1) * 86_400), after: offset((day + 2) * 86_400) }
    days.set(day, found)
    return found
  }
  return {
    name,
    offset(utc_s) {
      const { before, after } = around(Math.floor(utc_s / 86_400))
      return before === after ? before : offset(utc_s)
    },
    resolve(local_s) {
      const { before, after } = around(Math.floor(local_s / 86_400))
      if (before === after) return { times: [local_s - before], before_s: before }
      const times = [...new Set([local_s - before, local_s - after])].filter((utc) => utc + offset(utc) === local_s)
      return { times: times.sort((a, b) => a - b), before_s: before }
    },
  }
}

function offsetBy(formatter: Intl.DateTimeFormat, utc_s: number): number {
  const found: { [type: string]: string } = Object.create(null)
  for (const { type, value } of formatter.formatToParts(utc_s * 1000)) found[type] = value
  const year = Number(found['year'])
  const local = epochSeconds({
    year: found['era']?.startsWith('B') ? 1 - year : year,
    month: Number(found['month']),
    day: Number(found['day']),
    hour: Number(found['hour']),
    minute: Number(found['minute']),
    second: Number(found['second']),
    fraction: '',
  })
  return local - Math.floor(utc_s)
}
