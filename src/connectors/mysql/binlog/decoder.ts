/**
 * From network packets to events. Sources: dev.mysql.com "Replication Protocol" and the pages of its events; mariadb.com/kb
 * "Replication Protocol"; MySQL `libs/mysql/binlog/event`; MariaDB `sql/log_event.h`.
 */
import { crc32 } from 'node:zlib'
import { type Cursor, lenenc, part, take, u8, u16, u64, utf8, utf8Rest } from './cursor.ts'
import { type BinlogEvent, DecodeError, type EventHeader, type Prints, type TableMap } from './event.ts'
import { guarded } from './faults.ts'
import { readGtid, readGtidList, readMariadbGtid, readPrepare, readPreviousGtids, readTaggedGtid } from './groups.ts'
import { type InnerEvent, type Payload, readPayload, smallPayloadBytes, unpackAll, unpackPieces } from './payload.ts'
import { type RowsOp, readPresent, readRows } from './rows.ts'
import { readQuery } from './statement.ts'
import { readTableMap } from './table-map.ts'
import { eventBytesMax, unpacked } from './unpack.ts'

const headerBytes = 19
const checksumBytes = 4
/** Table ids whose map is kept; each statement sends its maps again. */
const tablesMax = 10_000

/** The decoder of one connection. */
export interface Decoder {
  /**
   * Decodes a packet (without the OK byte before the event) and emits its events. A promise comes back where `emit` returned one, and
   * from large compressed transactions; the next packet may come when it is resolved. Throws, or rejects with, a `DecodeError`.
   */
  push(packet: Buffer): void | Promise<void>
}

interface State {
  readonly emit: (event: BinlogEvent) => void | Promise<void>
  /** Null before the first format event. */
  flavour: 'mysql' | 'mariadb' | null
  prints: Prints
  checksum: boolean
  /** Bytes of a table id: 4 before MySQL 5.1.4. */
  tableIdBytes: 4 | 6
  /** By table id, with the bytes that it was made of. */
  readonly tables: Map<number, { readonly bytes: Buffer; readonly table: TableMap }>
}

/** A decoder. `emit` gets each event; if it returns a promise, the next event waits for it. */
export function openDecoder(emit: (event: BinlogEvent) => void | Promise<void>): Decoder {
  const state: State = { emit, flavour: null, prints: 'mysql-8.0', checksum: false, tableIdBytes: 6, tables: new Map() }
  return {
    push(packet) {
      const event = guarded(packet, () => {
        const header = readHeader(packet)
        const bytes = checked(state, packet, header)
        if (header.type === 40 && state.flavour === 'mysql')
          return { header, payload: readPayload({ bytes, at: headerBytes }) }
        return readBody(state, header, bytes)
      })
      return 'payload' in event ? pushPayload(state, event.header, event.payload, packet) : emit(event)
    },
  }
}

function readHeader(packet: Buffer): EventHeader {
  const size = packet.readUInt32LE(9)
  if (size !== packet.length) throw new RangeError(`it says that it has ${size} bytes`)
  return {
    at_s: packet.readUInt32LE(0),
    type: packet.readUInt8(4),
    serverId: packet.readUInt32LE(5),
    next: packet.readUInt32LE(13),
    artificial: (packet.readUInt16LE(17) & 0x20) !== 0,
    bytes: size,
  }
}

/** The event without its checksum, which is verified. */
function checked(state: State, packet: Buffer, header: EventHeader): Buffer {
  // The format event says itself whether it has one; the first rotate comes before anything says so: it is right, or it is none.
  const isFirst = header.type === 4 && state.flavour === null
  if (header.type !== 15 && !isFirst && !state.checksum) return packet
  if (packet.length < headerBytes + checksumBytes) throw new RangeError('it is too short')
  const event = packet.subarray(0, packet.length - checksumBytes)
  if (header.type === 15 || isIntact(packet, event)) return event
  if (isFirst) return packet
  throw new RangeError('its checksum is wrong')
}

function isIntact(packet: Buffer, event: Buffer): boolean {
  return crc32(event) === packet.readUInt32LE(event.length)
}

/** An event's body; `packet` ends before the checksum. */
function readBody(state: State, header: EventHeader, packet: Buffer): BinlogEvent {
  const cursor: Cursor = { bytes: packet, at: headerBytes }
  const { type } = header
  switch (type) {
    case 2:
      return readQuery(cursor, header, false)
    case 4:
      return readRotate(state, cursor, header)
    case 15:
      return readFormat(state, cursor, header)
    case 16:
      return { kind: 'commit', header }
    case 18: // EXECUTE_LOAD_QUERY: LOAD DATA logged as a statement
      return readQuery(cursor, header, false, 13)
    case 19:
      return readTable(state, cursor, header)
    case 23:
    case 24:
    case 25:
      return rowsEvent(state, cursor, header, type - 23, 1, false)
    case 26:
      take(cursor, 2)
      return { kind: 'incident', header, message: utf8(cursor, u8(cursor)) }
    case 27:
      return { kind: 'heartbeat', header, file: utf8Rest(cursor), offset: BigInt(header.next) }
    case 30:
    case 31:
    case 32:
      return rowsEvent(state, cursor, header, type - 30, 2, false)
    case 38:
      return readPrepare(cursor, header)
    case 41:
      return readHeartbeat(cursor, header)
    default:
      return state.flavour === 'mariadb' ? readMariadb(state, cursor, header) : readMysql(state, cursor, header)
  }
}

function readMysql(state: State, cursor: Cursor, header: EventHeader): BinlogEvent {
  switch (header.type) {
    case 33:
      return readGtid(cursor, header)
    case 34:
      return { kind: 'anonymous', header }
    case 35:
      return readPreviousGtids(cursor, header)
    case 39:
      return { kind: 'partial', header, table: tableOf(state, tableId(state, cursor)), name: 'PARTIAL_UPDATE_ROWS' }
    case 42:
      return readTaggedGtid(cursor, header)
    default:
      return otherwise(cursor, header)
  }
}

function readMariadb(state: State, cursor: Cursor, header: EventHeader): BinlogEvent {
  const { type } = header
  switch (type) {
    case 160: // ANNOTATE_ROWS
    case 161: // BINLOG_CHECKPOINT
    case 164: // START_ENCRYPTION: what follows comes decrypted
      return { kind: 'nothing', header }
    case 162:
      return readMariadbGtid(cursor, header)
    case 163:
      return readGtidList(cursor, header)
    case 165:
      return readQuery(cursor, header, true)
    case 166:
    case 167:
    case 168:
      return rowsEvent(state, cursor, header, type - 166, 1, true)
    case 169:
    case 170:
    case 171:
      return rowsEvent(state, cursor, header, type - 169, 2, true)
    case 172: // fragments of a rows event that is larger than a replica's packets
      return { kind: 'partial', header, table: null, name: 'PARTIAL_ROW_DATA' }
    default:
      return otherwise(cursor, header)
  }
}

/** Events without meaning for us, and those that are not known. */
function otherwise({ bytes }: Cursor, header: EventHeader): BinlogEvent {
  switch (header.type) {
    case 3: // STOP
    case 5: // INTVAR, RAND and USER_VAR belong to a statement that follows
    case 13:
    case 14:
    case 9: // APPEND_BLOCK, DELETE_FILE and BEGIN_LOAD_QUERY: data of a LOAD DATA that follows as a statement
    case 11:
    case 17:
    case 28: // IGNORABLE
    case 29: // ROWS_QUERY
    case 36: // TRANSACTION_CONTEXT and VIEW_CHANGE of group replication
    case 37:
      return { kind: 'nothing', header }
    default:
      return { kind: 'unknown', header, ignorable: (bytes.readUInt16LE(17) & 0x80) !== 0 }
  }
}

function readRotate(state: State, cursor: Cursor, header: EventHeader): BinlogEvent {
  const offset = u64(cursor)
  const file = utf8Rest(cursor)
  if (!/^[\P{C}]+$/u.test(file) || file.includes('\ufffd')) throw new RangeError('it names no file')
  state.tables.clear()
  return { kind: 'rotate', header, file, offset }
}

/** FORMAT_DESCRIPTION: since MySQL 5.6.1 and MariaDB 5.3 it ends in the checksum's method and a checksum. */
function readFormat(state: State, cursor: Cursor, header: EventHeader): BinlogEvent {
  const { bytes } = cursor
  if (u16(cursor) !== 4) throw new RangeError('the log is of a version before MySQL 5.0')
  const server = part(cursor, 50).toString('latin1').replace(/\0.*$/s, '')
  take(cursor, 4)
  if (u8(cursor) !== headerBytes) throw new RangeError('its events have headers of another length')
  const mapHeaderBytes = bytes.readUInt8(cursor.at + 18)
  state.flavour = /mariadb/i.test(server) ? 'mariadb' : 'mysql'
  state.prints = state.flavour === 'mariadb' ? 'mariadb' : /^[1-5]\./.test(server) ? 'mysql-5.7' : 'mysql-8.0'
  state.tableIdBytes = mapHeaderBytes === 6 ? 4 : 6
  state.tables.clear()
  const method = hasChecksumMethod(server, state.flavour) ? bytes.readUInt8(bytes.length - 1) : 0
  if (method > 1) throw new RangeError(`checksums are made with method ${method}, which is not known`)
  state.checksum = method === 1
  if (state.checksum) verifyFormat(bytes)
  return { kind: 'format', header, server, checksum: state.checksum }
}

/** The mark that a file is in use is set after the checksum was made; a server may send it so. */
function verifyFormat(bytes: Buffer): void {
  const whole = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length + checksumBytes)
  if (isIntact(whole, bytes)) return
  const copy = Buffer.from(whole)
  copy.writeUInt16LE(copy.readUInt16LE(17) & ~1, 17)
  if (!isIntact(copy, copy.subarray(0, bytes.length))) throw new RangeError('its checksum is wrong')
}

function hasChecksumMethod(server: string, flavour: 'mysql' | 'mariadb'): boolean {
  if (flavour === 'mariadb') return true
  const [major = 0, minor = 0, patch = 0] = server.split(/[.-]/).map(Number)
  return major > 5 || (major === 5 && (minor > 6 || (minor === 6 && patch >= 1)))
}

function readHeartbeat(cursor: Cursor, header: EventHeader): BinlogEvent {
  let file = ''
  let offset = BigInt(header.next)
  while (cursor.at < cursor.bytes.length) {
    const field = lenenc(cursor)
    if (field === 0) break
    const value: Cursor = { bytes: part(cursor, lenenc(cursor)), at: 0 }
    if (field === 1) file = utf8Rest(value)
    if (field === 2) offset = BigInt(lenenc(value))
  }
  return { kind: 'heartbeat', header, file, offset }
}

function tableId(state: State, cursor: Cursor): number {
  const start = take(cursor, state.tableIdBytes)
  return cursor.bytes.readUIntLE(start, state.tableIdBytes)
}

function tableOf(state: State, id: number): TableMap | null {
  return state.tables.get(id)?.table ?? null
}

/** Each statement describes its tables again: the same bytes are the same object, and are not read again. */
function readTable(state: State, cursor: Cursor, header: EventHeader): BinlogEvent {
  const bytes = cursor.bytes.subarray(cursor.at)
  const id = tableId(state, cursor)
  const known = state.tables.get(id)
  if (known?.bytes.equals(bytes)) return { kind: 'table', header, table: known.table }
  const table = readTableMap(cursor, id, state.prints)
  state.tables.delete(id)
  state.tables.set(id, { bytes: Buffer.from(bytes), table })
  if (state.tables.size > tablesMax) state.tables.delete(state.tables.keys().next().value as number)
  return { kind: 'table', header, table }
}

const rowsOps: readonly RowsOp[] = ['insert', 'update', 'delete']

function rowsEvent(
  state: State,
  cursor: Cursor,
  header: EventHeader,
  place: number,
  version: 1 | 2,
  compressed: boolean,
): BinlogEvent {
  const id = tableId(state, cursor)
  const flags = u16(cursor)
  if (version === 2) take(cursor, u16(cursor) - 2) // extra data; the length counts itself
  const op = rowsOps[place] as RowsOp
  const width = lenenc(cursor)
  // A statement that changed nothing may end in an event without table and columns.
  if (width === 0) return { kind: 'nothing', header }
  const present = readPresent(cursor, width, op)
  const packed = part(cursor, cursor.bytes.length - cursor.at)
  const table = tableOf(state, id)
  return {
    kind: 'rows',
    header,
    op,
    table,
    bytes: cursor.bytes.length,
    last: (flags & 1) !== 0,
    images(shape) {
      if (table === null) throw new DecodeError('Rows came without a description of their table.', null)
      return readRows(
        { op, table, width, ...present, rows: () => (compressed ? unpacked(packed, eventBytesMax) : packed) },
        shape,
      )
    },
  }
}

/** A compressed transaction: its events have no checksum, and no place of their own in the file. */
function pushPayload(state: State, header: EventHeader, payload: Payload, packet: Buffer): void | Promise<void> {
  const emitOne = ({ bytes, last }: InnerEvent): void | Promise<void> =>
    state.emit(
      guarded(bytes, () => {
        const own = readHeader(bytes)
        // The last one ends the transaction: only its place may be gone on from.
        return readBody(state, last ? { ...own, next: header.next } : own, bytes)
      }),
    )
  if (payload.unpackedBytes > smallPayloadBytes) return emitEach(unpackPieces(payload), emitOne)
  const events = guarded(packet, () => unpackAll(payload))
  for (const [i, event] of events.entries()) {
    const taken = emitOne(event)
    if (taken !== undefined) return taken.then(() => emitEach(events.slice(i + 1), emitOne))
  }
}

async function emitEach(
  events: AsyncIterable<InnerEvent> | Iterable<InnerEvent>,
  emitOne: (event: InnerEvent) => void | Promise<void>,
): Promise<void> {
  for await (const event of events) {
    const taken = emitOne(event)
    if (taken !== undefined) await taken
  }
}
