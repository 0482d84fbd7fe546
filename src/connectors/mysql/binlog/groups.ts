/** Events that begin, end and name transactions. Sources: as in `decoder.ts`; MySQL `libs/mysql/serialization/readme.md` for GTID_TAGGED. */
import { uuidText } from './addresses.ts'
import { type Cursor, part, take, u8, u32, u64 } from './cursor.ts'
import type { BinlogEvent, EventHeader } from './event.ts'
import { decodeGtidSet, gtidSetText } from './gtid.ts'

/** MySQL's GTID: flags, the server's UUID, the number; what follows says nothing to us. */
export function readGtid(cursor: Cursor, header: EventHeader): BinlogEvent {
  take(cursor, 1)
  const sid = uuidText(part(cursor, 16))
  return mysqlGtid(header, sid, '', u64(cursor))
}

function mysqlGtid(header: EventHeader, sid: string, tag: string, number: bigint): BinlogEvent {
  const gtid = { flavour: 'mysql', sid, tag, number } as const
  return { kind: 'gtid', header, gtid, standalone: false, ddl: false, xa: 'none' }
}

/**
 * GTID_TAGGED (8.3 and later): a message of numbered fields, of which those after the tag are not needed: 0 flags, 1 the UUID (each byte
 * a variable-length integer), 2 the number, 3 the tag.
 */
export function readTaggedGtid(cursor: Cursor, header: EventHeader): BinlogEvent {
  if (variable(cursor) !== 0n && cursor.at === 0) throw new RangeError('a tagged GTID has no version')
  variable(cursor) // size of the message
  variable(cursor) // last field that may not be ignored
  expectField(cursor, 0n)
  variable(cursor)
  expectField(cursor, 1n)
  const sid = Buffer.alloc(16)
  for (let i = 0; i < 16; i++) sid[i] = Number(variable(cursor))
  expectField(cursor, 2n)
  const zigzag = variable(cursor)
  if ((zigzag & 1n) === 1n) throw new RangeError('a GTID has a negative number')
  expectField(cursor, 3n)
  const length = variable(cursor)
  if (length > 32n) throw new RangeError('a tag of a GTID is too long')
  return mysqlGtid(header, uuidText(sid), part(cursor, Number(length)).toString('latin1'), zigzag >> 1n)
}

function expectField(cursor: Cursor, id: bigint): void {
  if (variable(cursor) !== id) throw new RangeError(`a tagged GTID lacks its field ${id}`)
}

/** An integer of 1 to 9 bytes: as many ones at the low end of the first byte as bytes follow, then a zero, then the number. */
function variable(cursor: Cursor): bigint {
  const first = u8(cursor)
  let more = 0
  while (more < 8 && ((first >> more) & 1) === 1) more++
  if (more === 8) return u64(cursor)
  let value = BigInt(first >> (more + 1))
  const start = take(cursor, more)
  for (let i = 0; i < more; i++) value |= BigInt(cursor.bytes[start + i] as number) << BigInt(8 * i + 7 - more)
  return value
}

/** MariaDB's GTID: number, domain, flags. The server's id is the header's. */
export function readMariadbGtid(cursor: Cursor, header: EventHeader): BinlogEvent {
  const number = u64(cursor)
  const domain = u32(cursor)
  const flags = u8(cursor)
  const gtid = { flavour: 'mariadb', domain, server: header.serverId, number } as const
  const xa = (flags & 0x40) !== 0 ? 'prepared' : (flags & 0x80) !== 0 ? 'completed' : 'none'
  return { kind: 'gtid', header, gtid, standalone: (flags & 0x01) !== 0, ddl: (flags & 0x20) !== 0, xa }
}

/** PREVIOUS_GTIDS of MySQL. */
export function readPreviousGtids(cursor: Cursor, header: EventHeader): BinlogEvent {
  return { kind: 'executed', header, gtids: gtidSetText(decodeGtidSet(cursor)) }
}

/** GTID_LIST of MariaDB: the last ids of each domain and server, in the order in which they came. */
export function readGtidList(cursor: Cursor, header: EventHeader): BinlogEvent {
  const gtids: string[] = []
  for (let left = u32(cursor) & 0x0fff_ffff; left > 0; left--) {
    const domain = u32(cursor)
    const server = u32(cursor)
    gtids.push(`${domain}-${server}-${u64(cursor)}`)
  }
  return { kind: 'executed', header, gtids: gtids.join(',') }
}

/** XA_PREPARE: the xid in the form of `XA COMMIT`'s argument. */
export function readPrepare(cursor: Cursor, header: EventHeader): BinlogEvent {
  const onePhase = u8(cursor) !== 0
  const format = cursor.bytes.readInt32LE(take(cursor, 4))
  const gtridBytes = u32(cursor)
  const bqualBytes = u32(cursor)
  if (gtridBytes > 64 || bqualBytes > 64) throw new RangeError('an xid is too long')
  const gtrid = part(cursor, gtridBytes).toString('hex')
  const bqual = part(cursor, bqualBytes).toString('hex')
  return { kind: 'prepare', header, xid: `X'${gtrid}',X'${bqual}',${format}`, onePhase }
}
