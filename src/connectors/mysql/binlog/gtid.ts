/**
 * Sets of global transaction ids. MySQL: intervals by server (and tag, 8.3 and later). MariaDB: one id a replication domain.
 * Sources: dev.mysql.com "GTID Format and Storage", "COM_BINLOG_DUMP_GTID"; MySQL `sql/rpl_gtid_set.cc`; mariadb.com/kb "GTID".
 */
import { uuidText } from './addresses.ts'
import { type Cursor, part, u8, u64 } from './cursor.ts'
import type { Gtid } from './event.ts'

/** An id of MySQL. */
export type MysqlGtid = Extract<Gtid, { flavour: 'mysql' }>

/** An id of MariaDB. */
export type MariadbGtid = Extract<Gtid, { flavour: 'mariadb' }>

/** `from` to `to`, both in it. */
interface Interval {
  from: bigint
  to: bigint
}

/** MySQL's set: sorted intervals that do not touch, by `sid:tag` (the tag may be empty). */
export type GtidSet = Map<string, Interval[]>

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const tagPattern = /^[a-z_][a-z0-9_]{0,31}$/
const intervalPattern = /^([1-9]\d{0,18})(?:-([1-9]\d{0,18}))?$/

/** Reads `uuid:1-5:7:tag:1-3,uuid:…`, as the server prints it; `null` for anything else. An empty text is the empty set. */
export function gtidSetFrom(text: string): GtidSet | null {
  const set: GtidSet = new Map()
  const compact = text.replace(/\s+/g, '').toLowerCase()
  if (compact === '') return set
  for (const one of compact.split(',')) {
    const [sid = '', ...parts] = one.split(':')
    if (!uuidPattern.test(sid) || parts.length === 0) return null
    let tag = ''
    for (const part of parts) {
      const match = intervalPattern.exec(part)
      if (match === null && !tagPattern.test(part)) return null
      if (match === null) tag = part
      else {
        const from = BigInt(match[1] as string)
        const to = match[2] === undefined ? from : BigInt(match[2])
        if (to < from) return null
        insert(intervalsOf(set, `${sid}:${tag}`), from, to)
      }
    }
    if (intervalPattern.exec(parts.at(-1) as string) === null) return null
  }
  return set
}

function intervalsOf(set: GtidSet, key: string): Interval[] {
  const known = set.get(key)
  if (known !== undefined) return known
  const intervals: Interval[] = []
  set.set(key, intervals)
  return intervals
}

function insert(intervals: Interval[], from: bigint, to: bigint): void {
  const last = intervals.at(-1)
  // Ids mostly come one after the other.
  if (last === undefined || from > last.to + 1n) {
    intervals.push({ from, to })
    return
  }
  if (from === last.to + 1n) {
    last.to = to
    return
  }
  let start = 0
  while ((intervals[start] as Interval).to + 1n < from) start++
  let end = start
  while (end < intervals.length && (intervals[end] as Interval).from <= to + 1n) {
    const { from: otherFrom, to: otherTo } = intervals[end++] as Interval
    if (otherFrom < from) from = otherFrom
    if (otherTo > to) to = otherTo
  }
  intervals.splice(start, end - start, { from, to })
}

/** The set as the server prints it, sorted: `uuid:1-5:7:tag:1-3,uuid:…`, without line breaks. */
export function gtidSetText(set: GtidSet): string {
  let text = ''
  let lastSid = ''
  for (const key of [...set.keys()].sort()) {
    const intervals = set.get(key) as Interval[]
    if (intervals.length === 0) continue
    const [sid = '', tag = ''] = key.split(':')
    if (sid !== lastSid) text += `${text === '' ? '' : ','}${sid}`
    lastSid = sid
    if (tag !== '') text += `:${tag}`
    for (const { from, to } of intervals) text += from === to ? `:${from}` : `:${from}-${to}`
  }
  return text
}

/** Adds an id in place. */
export function addGtid(set: GtidSet, gtid: MysqlGtid): void {
  insert(intervalsOf(set, `${gtid.sid}:${gtid.tag}`), gtid.number, gtid.number)
}

/** Whether an id is in the set. */
export function hasGtid(set: GtidSet, gtid: MysqlGtid): boolean {
  const intervals = set.get(`${gtid.sid}:${gtid.tag}`) ?? []
  return intervals.some(({ from, to }) => from <= gtid.number && gtid.number <= to)
}

/** Whether all of `part` is in `whole`. */
export function containsGtids(whole: GtidSet, part: GtidSet): boolean {
  return subtractGtids(part, whole).size === 0
}

/** What is in `set` and not in `other`: a new set. */
export function subtractGtids(set: GtidSet, other: GtidSet): GtidSet {
  const rest: GtidSet = new Map()
  for (const [key, intervals] of set) {
    const left: Interval[] = []
    const holes = other.get(key) ?? []
    let next = 0
    for (let { from, to } of intervals) {
      while (next < holes.length && (holes[next] as Interval).to < from) next++
      for (let at = next; at < holes.length && (holes[at] as Interval).from <= to; at++) {
        const hole = holes[at] as Interval
        if (hole.from > from) left.push({ from, to: hole.from - 1n })
        from = hole.to + 1n
      }
      if (from <= to) left.push({ from, to })
    }
    if (left.length > 0) rest.set(key, left)
  }
  return rest
}

/** All that is in either: a new set. */
export function uniteGtids(a: GtidSet, b: GtidSet): GtidSet {
  const sum: GtidSet = new Map()
  for (const set of [a, b])
    for (const [key, intervals] of set) for (const { from, to } of intervals) insert(intervalsOf(sum, key), from, to)
  return sum
}

/** The set in the binary form of COM_BINLOG_DUMP_GTID and PREVIOUS_GTIDS: with tags (8.3 and later) only where it has some. */
export function encodeGtidSet(set: GtidSet): Buffer {
  const keys = [...set.keys()].filter((key) => (set.get(key) as Interval[]).length > 0).sort()
  const tagged = keys.some((key) => !key.endsWith(':'))
  const count = BigInt(keys.length)
  const chunks = [u64Bytes(tagged ? (1n << 56n) | (count << 8n) | 1n : count)]
  for (const key of keys) {
    const [sid = '', tag = ''] = key.split(':')
    chunks.push(Buffer.from(sid.replaceAll('-', ''), 'hex'))
    if (tagged) chunks.push(Buffer.from([tag.length << 1]), Buffer.from(tag, 'latin1'))
    const intervals = set.get(key) as Interval[]
    chunks.push(u64Bytes(BigInt(intervals.length)))
    for (const { from, to } of intervals) chunks.push(u64Bytes(from), u64Bytes(to + 1n))
  }
  return Buffer.concat(chunks)
}

function u64Bytes(value: bigint): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(value)
  return bytes
}

/** Reads the binary form, with tags and without. Throws a `RangeError`. */
export function decodeGtidSet(cursor: Cursor): GtidSet {
  const set: GtidSet = new Map()
  const first = u64(cursor)
  const tagged = first >> 56n === 1n
  const count = tagged ? (first >> 8n) & 0xffff_ffff_ffffn : first
  for (let left = count; left > 0n; left--) {
    const sid = uuidText(part(cursor, 16))
    const tag = tagged ? part(cursor, u8(cursor) >> 1).toString('latin1') : ''
    if (tag !== '' && !tagPattern.test(tag)) throw new RangeError('a tag of a GTID is not a tag')
    const intervals = intervalsOf(set, `${sid}:${tag}`)
    for (let intervalsLeft = u64(cursor); intervalsLeft > 0n; intervalsLeft--) {
      const from = u64(cursor)
      const end = u64(cursor)
      if (from < 1n || end <= from) throw new RangeError('an interval of GTIDs is empty')
      insert(intervals, from, end - 1n)
    }
  }
  return set
}

/** MariaDB's position: the last id of each domain. A later id replaces an earlier one even if its number is lower (another server's). */
export type GtidList = Map<number, MariadbGtid>

/** Reads `0-1-100,1-3-5`; `null` for anything else. */
export function gtidListFrom(text: string): GtidList | null {
  const list: GtidList = new Map()
  const compact = text.replace(/\s+/g, '')
  if (compact === '') return list
  for (const one of compact.split(',')) {
    const match = /^(\d{1,10})-(\d{1,10})-(\d{1,20})$/.exec(one)
    if (match === null) return null
    const domain = Number(match[1])
    list.set(domain, { flavour: 'mariadb', domain, server: Number(match[2]), number: BigInt(match[3] as string) })
  }
  return list
}

/** `0-1-100,1-3-5`, by domain. */
export function gtidListText(list: GtidList): string {
  return [...list.values()]
    .sort((a, b) => a.domain - b.domain)
    .map(gtidText)
    .join(',')
}

/** One id as its server writes it: `uuid:7`, `uuid:tag:7`, `0-1-100`. */
export function gtidText(gtid: Gtid): string {
  if (gtid.flavour === 'mariadb') return `${gtid.domain}-${gtid.server}-${gtid.number}`
  return gtid.tag === '' ? `${gtid.sid}:${gtid.number}` : `${gtid.sid}:${gtid.tag}:${gtid.number}`
}
