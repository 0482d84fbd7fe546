/** For tests: events as servers send them, made by hand. */
import { crc32, zstdCompressSync } from 'node:zlib'
import { openDecoder } from './decoder.ts'
import type { BinlogEvent } from './event.ts'

/** What an event's header says; all but the type may be left out. */
export interface Head {
  readonly type: number
  readonly flags?: number
  readonly next?: number
  readonly checksum?: boolean
}

/** An event with its header, and a checksum unless `checksum` is false. */
export function packet(head: Head, ...parts: readonly (Buffer | string)[]): Buffer {
  const body = Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : part)))
  const bytes = Buffer.alloc(19 + body.length + (head.checksum === false ? 0 : 4))
  bytes.writeUInt32LE(1_700_000_000, 0)
  bytes.writeUInt8(head.type, 4)
  bytes.writeUInt32LE(7, 5)
  bytes.writeUInt32LE(bytes.length, 9)
  bytes.writeUInt32LE(head.next ?? 1000, 13)
  bytes.writeUInt16LE(head.flags ?? 0, 17)
  body.copy(bytes, 19)
  if (head.checksum !== false) bytes.writeUInt32LE(crc32(bytes.subarray(0, -4)), bytes.length - 4)
  return bytes
}

/** Little-endian integers: `le(2, 513)`. */
export function le(bytes: number, value: number | bigint): Buffer {
  const buffer = Buffer.alloc(8)
  buffer.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value)))
  return bytes <= 8 ? buffer.subarray(0, bytes) : Buffer.concat([buffer, Buffer.alloc(bytes - 8)])
}

/** Bytes of hexadecimal digits; blanks do not count. */
export function hex(text: string): Buffer {
  return Buffer.from(text.replace(/\s/g, ''), 'hex')
}

/** A format event. `method`: 1 for CRC32, 0 for none. */
export function format(server: string, method = 1): Buffer {
  const name = Buffer.alloc(50)
  name.write(server)
  const lengths = Buffer.alloc(41, 8)
  return packet({ type: 15 }, le(2, 4), name, le(4, 0), le(1, 19), lengths, le(1, method))
}

/** A rotate event; the first of a connection is artificial. */
export function rotate(file: string, offset: number, checksum = true): Buffer {
  return packet({ type: 4, flags: 0x20, next: 0, checksum }, le(8, offset), file)
}

/** A TABLE_MAP of `s.t` with table id 9. */
export function tableMap(
  types: readonly number[],
  metadata: Buffer,
  optional: Buffer = Buffer.alloc(0),
  checksum = true,
): Buffer {
  const nulls = Buffer.alloc((types.length + 7) >> 3, 0xff)
  return packet(
    { type: 19, checksum },
    le(6, 9),
    le(2, 1),
    '\x01s\0\x01t\0',
    le(1, types.length),
    Buffer.from(types),
    le(1, metadata.length),
    metadata,
    nulls,
    optional,
  )
}

/** Rows of table 9 that have all columns. `type`: 23 to 25, 30 to 32, or MariaDB's compressed ones. */
export function rows(
  type: number,
  columns: number,
  data: Buffer,
  extra: Buffer | null = null,
  checksum = true,
): Buffer {
  const present = Buffer.alloc((columns + 7) >> 3, 0xff)
  const second = type === 24 || type === 31 ? present : Buffer.alloc(0)
  const more = extra === null ? Buffer.alloc(0) : Buffer.concat([le(2, extra.length + 2), extra])
  return packet({ type, checksum }, le(6, 9), le(2, 1), more, le(1, columns), present, second, data)
}

/** A TRANSACTION_PAYLOAD of these events. */
export function payload(events: readonly Buffer[], next: number, zstd = true): Buffer {
  const plain = Buffer.concat(events)
  const packed = zstd ? zstdCompressSync(plain) : plain
  const field = (type: number, value: Buffer): Buffer => Buffer.concat([le(1, type), le(1, value.length), value])
  const lenenc = (value: number): Buffer => Buffer.concat([le(1, 0xfe), le(8, value)])
  return packet(
    { type: 40, next },
    field(2, zstd ? le(1, 0) : hex('fcff00')),
    ...(zstd ? [field(3, lenenc(plain.length))] : []),
    field(1, lenenc(packed.length)),
    le(1, 0),
    packed,
  )
}

/** All events of these packets. */
export async function decoded(...packets: readonly Buffer[]): Promise<BinlogEvent[]> {
  const events: BinlogEvent[] = []
  const decoder = openDecoder((event) => void events.push(event))
  for (const one of packets) await decoder.push(one)
  return events
}
