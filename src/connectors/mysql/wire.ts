/**
 * Commands of the client/server protocol over a connection of mysql2, which signs in, encrypts and joins packets. Values pass
 * as bytes; mysql2's own commands would convert them. Source: dev.mysql.com, "Client/Server Protocol", "Text Resultset".
 */
import type { Socket } from 'node:net'

/** One row of an answer: the text of each column as bytes, in the session's character set (utf8mb4). */
export type Cells = readonly (Buffer | null)[]

/** What a command sees of mysql2's packet: the body is `buffer` from `offset` to `end`. */
export interface RawPacket {
  readonly buffer: Buffer
  readonly offset: number
  readonly end: number
  isError(): boolean
  asError(encoding: string): Error
}

/** A command in mysql2's queue. `execute` is called without a packet to start it, then with each; true ends it. */
export interface RawCommand {
  execute(packet: RawPacket | undefined, connection: RawConnection): boolean
  /** The connection failed. */
  onResult(error: Error): void
}

/** What is used of mysql2's connection beyond its types: the same that @vlasky/zongji relies on across its versions. */
export interface RawConnection {
  readonly stream: Socket
  readonly threadId: number
  addCommand(command: RawCommand): void
  writePacket(packet: { buffer: Buffer; length(): number; writeHeader(sequence: number): void }): void
  _resetSequenceId(): void
  pause(): void
  resume(): void
  end(done: (error: Error | null) => void): void
  on(event: 'error', listener: (error: Error) => void): void
  on(event: 'end', listener: () => void): void
  once(event: 'connect', listener: () => void): void
}

/** An answer that breaks the protocol. */
export class ProtocolError extends Error {}

const eofHeader = 0xfe
const okHeader = 0x00
const localFile = 0xfb
const moreResults = 0x0008
/** A command longer than this would have to be split over packets. */
const commandBytesMax = 16_000_000

/**
 * Sends one command and gives each packet of the answer to `onPacket`, which says whether it was the last. The bytes are valid
 * only until it returns. Rejects with the error packet of the server, the error of the connection, or what `onPacket` threw,
 * after which the connection must not be used any more.
 */
export function exchange(
  connection: RawConnection,
  payload: Buffer,
  onPacket: (bytes: Buffer) => boolean,
): Promise<void> {
  if (payload.length > commandBytesMax) throw new RangeError(`a command of ${payload.length} bytes`)
  return new Promise((resolve, reject) => {
    let isSent = false
    connection.addCommand({
      execute(packet) {
        if (!isSent) {
          isSent = true
          connection._resetSequenceId()
          connection.writePacket(framed(payload))
          return false
        }
        if (packet === undefined) return false
        if (packet.isError()) {
          reject(packet.asError('utf8'))
          return true
        }
        // mysql2 takes what is thrown here for an error of the connection, cuts it and calls `onResult`.
        const isOver = onPacket(packet.buffer.subarray(packet.offset, packet.end))
        if (isOver) resolve()
        return isOver
      },
      onResult: reject,
    })
  })
}

function framed(payload: Buffer): Parameters<RawConnection['writePacket']>[0] {
  const buffer = Buffer.allocUnsafe(4 + payload.length)
  payload.copy(buffer, 4)
  return {
    buffer,
    length: () => buffer.length,
    writeHeader(sequence) {
      buffer.writeUIntLE(payload.length, 0, 3)
      buffer.writeUInt8(sequence, 3)
    },
  }
}

/** COM_QUERY: runs one statement; rows of the answer go to `onRow`, what it says of each column before them to `onColumn`. */
export function runQuery(
  connection: RawConnection,
  sql: string,
  onRow: (cells: Cells) => void,
  onColumn: (definition: Buffer) => void = () => {},
): Promise<void> {
  const text = Buffer.from(sql)
  const payload = Buffer.allocUnsafe(1 + text.length)
  payload[0] = 0x03
  text.copy(payload, 1)
  let columns = 0
  let expects: 'header' | 'columns' | 'columns-end' | 'rows' = 'header'
  let columnsSeen = 0
  return exchange(connection, payload, (bytes) => {
    switch (expects) {
      case 'header': {
        if (bytes[0] === okHeader) {
          if ((okStatus(bytes) & moreResults) !== 0) throw new ProtocolError('several answers to one query')
          return true
        }
        // A server that asks for one of our files: we never offered to send any.
        if (bytes[0] === localFile) throw new ProtocolError('the server asks for a local file')
        columns = lengthAt(bytes, 0).value
        columnsSeen = 0
        expects = 'columns'
        return false
      }
      case 'columns':
        columnsSeen += 1
        onColumn(bytes)
        if (columnsSeen === columns) expects = 'columns-end'
        return false
      case 'columns-end':
        expects = 'rows'
        return false
      case 'rows':
        if (bytes[0] === eofHeader && bytes.length < 9) {
          if ((bytes.readUInt16LE(3) & moreResults) !== 0) throw new ProtocolError('several answers to one query')
          return true
        }
        onRow(cellsOf(bytes, columns))
        return false
    }
  })
}

/** OK packet: affected rows, last insert id, status flags. */
function okStatus(bytes: Buffer): number {
  const rows = lengthAt(bytes, 1)
  const id = lengthAt(bytes, rows.next)
  return bytes.readUInt16LE(id.next)
}

function cellsOf(bytes: Buffer, columns: number): Cells {
  const cells = new Array<Buffer | null>(columns)
  let at = 0
  for (let i = 0; i < columns; i++) {
    const first = bytes[at] as number
    if (first === localFile) {
      cells[i] = null
      at += 1
      continue
    }
    let start = at + 1
    let length = first
    if (first > 0xfb) ({ value: length, next: start } = lengthAt(bytes, at))
    at = start + length
    if (at > bytes.length) throw new ProtocolError('a row that ends too early')
    cells[i] = bytes.subarray(start, at)
  }
  return cells
}

/** A length-encoded integer. */
function lengthAt(bytes: Buffer, at: number): { value: number; next: number } {
  const first = bytes.readUInt8(at)
  switch (first) {
    case 0xfc:
      return { value: bytes.readUInt16LE(at + 1), next: at + 3 }
    case 0xfd:
      return { value: bytes.readUIntLE(at + 1, 3), next: at + 4 }
    case 0xfe:
      return { value: Number(bytes.readBigUInt64LE(at + 1)), next: at + 9 }
    default:
      return { value: first, next: at + 1 }
  }
}
