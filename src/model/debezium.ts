import type { Entry } from './change.ts'
import { newRow, type Row, type Value } from './value.ts'

/** What the envelope says of the source; the same for all its entries. */
export interface DebeziumSource {
  readonly connector: 'postgresql' | 'mysql' | 'mariadb'
  /** The logical name, in Debezium `topic.prefix`: here the system's name in the configuration. */
  readonly name: string
  /** The database; for MySQL only where the table's name does not carry it. */
  readonly db: string
  /** Of this program. */
  readonly version: string
}

/** A column as Debezium's JSON converter writes it: a number beyond 2^53 is written digit by digit (`JSON.rawJSON`). */
type Json = null | boolean | number | string | { readonly rawJSON: string }
type JsonRow = { readonly [column: string]: Json }

/** One change in Debezium's envelope, schemaless: for `JSON.stringify`. */
export interface DebeziumEnvelope {
  readonly before: JsonRow | null
  readonly after: JsonRow | null
  readonly source: {
    readonly version: string
    readonly connector: string
    readonly name: string
    readonly ts_ms: number
    readonly snapshot: 'true' | 'false'
    readonly db: string
    readonly sequence: string | null
    readonly schema?: string
    readonly table: string
    /** MySQL and MariaDB: who wrote the transaction, and where it is in the log, as far as the entry tells. */
    readonly server_id?: number | null
    readonly gtid?: string | null
    readonly file?: string | null
    readonly pos?: number | null
    /** The change's place in its transaction, from 0. */
    readonly row?: number | null
    /** MySQL and MariaDB: the session and the words of the statement, which an entry does not keep. */
    readonly thread?: null
    readonly query?: null
  }
  readonly transaction: null
  readonly op: 'c' | 'u' | 'd' | 'r'
  /** When the envelope was made; `source.ts_ms` is when the source committed. */
  readonly ts_ms: number
  /** Columns that nobody can read; not part of Debezium's envelope, and only there where a row has some. */
  readonly invalid?: readonly { readonly column: string; readonly type: string; readonly reason: string }[]
}

const ops = { create: 'c', update: 'u', delete: 'd', read: 'r' } as const

/**
 * An entry as Debezium would write it with its JSON converter, `schemas.enable=false`
 * (https://debezium.io/documentation/reference/stable/connectors/postgresql.html, "Data change events" and "Data type
 * mappings"). A touch has no envelope: `null`. It says that a row has to be read again, also where a foreign key of MySQL changed it
 * below the log: neither side of that change is known here, and Debezium, which reads the same log, writes nothing either.
 *
 * Values follow Debezium's settings below, which are its defaults where no setting is named:
 * - exact numbers as text (`decimal.handling.mode=string`), also integers beyond 2^53, `NaN` and `-0`
 * - dates as days, times as microseconds, timestamps as microseconds since 1970; MySQL's and MariaDB's DATETIME with up to three digits of a
 *   second as milliseconds (`time.precision.mode=adaptive_time_microseconds`)
 * - times with a zone as ISO 8601 text in UTC; bytes as base64; JSON as text
 *
 * It differs where Debezium would change a value in silence (I6):
 * - `infinity` stays text; Debezium writes 9223372036825200000
 * - intervals, ranges, arrays and other types are the source's own text
 * - an absent column is left out; Debezium writes `__debezium_unavailable_value`
 * - an invalid value is left out and named under `invalid`; Debezium writes null or 1970-01-01
 * - a changed key is one `u` whose `before` has what is known of the old row; Debezium writes `d` and `c`
 *
 * @param processed_ms when this envelope is made, wall time
 */
export function toDebezium(entry: Entry, source: DebeziumSource, processed_ms: number): DebeziumEnvelope | null {
  if (entry.op === 'touch') return null
  const gone = entry.op === 'delete'
  const before = entry.before ?? (gone ? entry.row : undefined)
  const after = gone ? undefined : entry.row
  const invalid = invalidOf([before, after])
  const unit = source.connector === 'postgresql' ? microsAlways : adaptive
  return {
    before: before === undefined ? null : jsonRow(before, unit),
    after: after === undefined ? null : jsonRow(after, unit),
    source: {
      version: source.version,
      connector: source.connector,
      name: source.name,
      ts_ms: entry.at_ms,
      snapshot: entry.op === 'read' ? 'true' : 'false',
      ...place(entry, source),
    },
    transaction: null,
    op: ops[entry.op],
    ts_ms: processed_ms,
    ...(invalid.length === 0 ? {} : { invalid }),
  }
}

/** `public.members` is schema and table in PostgreSQL; `shop.members` is database and table in MySQL. */
function place(
  { table, id, seq }: Entry,
  { connector, db }: DebeziumSource,
): Omit<DebeziumEnvelope['source'], 'version' | 'connector' | 'name' | 'ts_ms' | 'snapshot'> {
  const dot = table.indexOf('.')
  const [first, name] = dot === -1 ? [null, table] : [table.slice(0, dot), table.slice(dot + 1)]
  if (connector !== 'postgresql') return { db: first ?? db, sequence: null, table: name, ...logPlace(id) }
  const sequence = JSON.stringify([String(seq)])
  return { db, sequence, ...(first === null ? {} : { schema: first }), table: name }
}

const gtidPattern = /^([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}:(\w+:)?\d+|\d+-\d+-\d+)$/

/**
 * What the id of a change of MySQL's or MariaDB's log says of its place: `<gtid>@<time>/<event>.<row>`, or `<file>:<offset>@…`. `row` is, as
 * in Debezium, the row's number within its event.
 */
function logPlace(
  id: string,
): Pick<DebeziumEnvelope['source'], 'server_id' | 'gtid' | 'file' | 'pos' | 'row' | 'thread' | 'query'> {
  const [, group = '', row] = /^(.*?)(?:@\w+~?)?\/(?:\d+\.)?(\d+)$/.exec(id) ?? []
  const [, file, offset] = /^(.+):(\d+)$/.exec(group) ?? []
  const isGtid = gtidPattern.test(group)
  const isFile = !isGtid && file !== undefined
  const [, server] = /^\d+-(\d+)-\d+$/.exec(group) ?? []
  return {
    server_id: server === undefined ? null : Number(server),
    gtid: isGtid ? group : null,
    file: isFile ? file : null,
    pos: isFile ? Number(offset) : null,
    row: (isGtid || isFile) && row !== undefined ? Number(row) : null,
    thread: null,
    query: null,
  }
}

/** Microseconds in the unit of a timestamp with so many digits of a second. */
type Unit = (digits: number) => bigint
const microsAlways: Unit = () => 1n
/** MySQL and MariaDB print as many digits as the column has. */
const adaptive: Unit = (digits) => (digits <= 3 ? 1_000n : 1n)

function jsonRow(row: Row, unit: Unit): JsonRow {
  const json = newRow() as unknown as Record<string, Json>
  for (const column of Object.keys(row)) {
    const value = row[column] as Value
    if (!isInvalid(value)) json[column] = jsonValue(value, unit)
  }
  return json
}

type Invalid = Extract<Value, { kind: 'invalid' }>
const isInvalid = (value: Value): value is Invalid =>
  typeof value === 'object' && value !== null && value.kind === 'invalid'

type Unread = NonNullable<DebeziumEnvelope['invalid']>[0]

/** The columns that are invalid in one of the rows, each once. */
function invalidOf(rows: readonly (Row | undefined)[]): Unread[] {
  const found = new Map<string, Unread>()
  for (const row of rows)
    for (const column of Object.keys(row ?? {})) {
      const value = row?.[column] as Value
      if (isInvalid(value)) found.set(column, { column, type: value.type, reason: value.reason })
    }
  return [...found.values()]
}

function jsonValue(value: Exclude<Value, Invalid>, unit: Unit): Json {
  if (typeof value !== 'object' || value === null) return value
  switch (value.kind) {
    case 'date':
      return days(value.text) ?? value.text
    case 'time':
      return micros(value.text) ?? value.text
    case 'datetime':
      return timestamp(value.text, unit) ?? value.text
    case 'instant':
      return zoned(value.text) ?? value.text
    case 'decimal':
    case 'bytes':
    case 'json':
    case 'other':
      return value.text
  }
}

const datePattern = /^(\d{1,7})-(\d\d)-(\d\d)( BC)?$/
const timePattern = /^(-?)(\d{1,3}):(\d\d):(\d\d)(?:\.(\d{1,6}))?$/
const momentPattern = /^(\d{1,7}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d{1,6})?)([+-]\d\d(?::?\d\d)?|Z)?( BC)?$/

/** Days since 1970-01-01 in the proleptic Gregorian calendar, as io.debezium.time.Date counts; far beyond the years of `Date`. */
function days(text: string): number | undefined {
  const match = datePattern.exec(text)
  if (match === null) return undefined
  const [, y, month, day, bc] = match
  // Years are counted from March, so that the leap day is the last of its year.
  const m = (Number(month) + 9) % 12
  const year = (bc === undefined ? Number(y) : 1 - Number(y)) - (m >= 10 ? 1 : 0)
  const leaps = Math.floor(year / 4) - Math.floor(year / 100) + Math.floor(year / 400)
  return year * 365 + leaps + Math.floor((153 * m + 2) / 5) + Number(day) - 1 - 719_468
}

/** Microseconds of a time or duration, as io.debezium.time.MicroTime counts. */
function micros(text: string): number | undefined {
  const match = timePattern.exec(text)
  if (match === null) return undefined
  const [, sign, hours, minutes, seconds, fraction = ''] = match
  const whole = (Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)
  const all = whole * 1e6 + Number(fraction.padEnd(6, '0'))
  return sign === '-' && all !== 0 ? -all : all
}

/**
 * Micro- or milliseconds since 1970, as io.debezium.time.MicroTimestamp and Timestamp count. From the year 2255 on microseconds are more
 * than a double can hold.
 */
function timestamp(text: string, unit: Unit): Json | undefined {
  const match = momentPattern.exec(text)
  if (match === null || match[3] !== undefined) return undefined
  const day = days(`${match[1]}${match[4] ?? ''}`)
  const time = micros(match[2] as string)
  if (day === undefined || time === undefined) return undefined
  const digits = /\.(\d+)$/.exec(match[2] as string)?.[1]?.length ?? 0
  const exact = (BigInt(day) * 86_400_000_000n + BigInt(time)) / unit(digits)
  const number = Number(exact)
  return Number.isSafeInteger(number) ? number : rawJson(String(exact))
}

/** ISO 8601 as io.debezium.time.ZonedTimestamp writes it: years beyond 9999 and before 1 have a sign. */
function zoned(text: string): string | undefined {
  const match = momentPattern.exec(text)
  const [, date, time, zone, bc] = match ?? []
  if (date === undefined || time === undefined || zone === undefined) return undefined
  const cut = date.length - 6
  const year = bc === undefined ? Number(date.slice(0, cut)) : 1 - Number(date.slice(0, cut))
  const digits = String(Math.abs(year)).padStart(4, '0')
  const sign = year < 0 ? '-' : year > 9_999 ? '+' : ''
  return `${sign}${digits}${date.slice(cut)}T${time}${offset(zone)}`
}

function offset(zone: string): string {
  const digits = zone.replace(/[^\d]/g, '').padEnd(4, '0')
  return /^0*$/.test(digits) ? 'Z' : `${zone[0]}${digits.slice(0, 2)}:${digits.slice(2)}`
}

/** Part of ECMAScript 2025; the compiler's library does not know it yet. */
const rawJson = (digits: string): { readonly rawJSON: string } =>
  (JSON as unknown as { rawJSON(text: string): { readonly rawJSON: string } }).rawJSON(digits)
