/**
 * TRANSACTION_PAYLOAD (MySQL 8.0.20 and later): a whole transaction, compressed. Source: MySQL
 * `libs/mysql/binlog/event/codecs/binary.cpp`; the field types are those of `Transaction_payload_event`.
 */
import { once } from 'node:events'
import { createZstdDecompress, zstdDecompressSync } from 'node:zlib'
import { type Cursor, lenenc, part } from './cursor.ts'
import { explained } from './faults.ts'

/** A payload before it is unpacked. */
export interface Payload {
  readonly packed: Buffer
  readonly zstd: boolean
  readonly unpackedBytes: number
}

/** An event of the transaction; the last one ends it. */
export interface InnerEvent {
  readonly bytes: Buffer
  readonly last: boolean
}

/** Up to here a transaction is unpacked at once; larger ones in pieces. */
export const smallPayloadBytes = 1024 * 1024

/** Bytes that are given to the decompressor at once. */
const pieceBytes = 64 * 1024

/** Reads the fields before the payload: 1 its size, 2 the method, 3 the size unpacked, 0 the end. Throws a `RangeError`. */
export function readPayload(cursor: Cursor): Payload {
  let packedBytes = -1
  let method = -1
  let unpackedBytes = -1
  for (let field = lenenc(cursor); field !== 0; field = lenenc(cursor)) {
    const value: Cursor = { bytes: part(cursor, lenenc(cursor)), at: 0 }
    if (field === 1) packedBytes = lenenc(value)
    if (field === 2) method = lenenc(value)
    if (field === 3) unpackedBytes = lenenc(value)
  }
  if (method !== 0 && method !== 255) throw new RangeError(`it is compressed with method ${method}, which is not known`)
  if (packedBytes < 0) throw new RangeError('it does not say how long its payload is')
  const packed = part(cursor, packedBytes)
  if (method === 255) return { packed, zstd: false, unpackedBytes: packedBytes }
  if (unpackedBytes < 0) throw new RangeError('it does not say how long its events are')
  return { packed, zstd: true, unpackedBytes }
}

/** The events of a small payload. Throws a `RangeError`, or an error of zlib. */
export function unpackAll({ packed, zstd, unpackedBytes }: Payload): InnerEvent[] {
  const bytes = zstd ? zstdDecompressSync(packed, { maxOutputLength: unpackedBytes || 1 }) : packed
  if (bytes.length !== unpackedBytes) throw new RangeError('it has another length than it says')
  return [...eventsIn(bytes)]
}

function* eventsIn(bytes: Buffer): Generator<InnerEvent, void, undefined> {
  for (let at = 0; at < bytes.length; ) {
    const end = at + eventBytes(bytes, at)
    if (end > bytes.length) throw new RangeError('its last event is cut off')
    yield { bytes: bytes.subarray(at, end), last: end === bytes.length }
    at = end
  }
}

function eventBytes(bytes: Buffer, at: number): number {
  const size = bytes.readUInt32LE(at + 9)
  if (size < 19) throw new RangeError('an event in it is too short')
  return size
}

/** The events of a large payload: no more than one event and some pieces are in memory at a time (I7). Throws a `DecodeError`. */
export async function* unpackPieces(payload: Payload): AsyncGenerator<InnerEvent, void, undefined> {
  try {
    if (payload.zstd) yield* unpackStream(payload)
    else yield* eventsIn(payload.packed)
  } catch (error) {
    throw explained(error, `A compressed transaction (${payload.packed.length} bytes)`, null)
  }
}

async function* unpackStream({ packed, unpackedBytes }: Payload): AsyncGenerator<InnerEvent, void, undefined> {
  const stream = createZstdDecompress()
  const fed = feed(stream, packed)
  // The reader below sees the failure of the stream; this one only must not be left alone.
  fed.catch(() => {})
  const queue: Buffer[] = []
  let queuedBytes = 0
  let doneBytes = 0
  for await (const piece of stream as AsyncIterable<Buffer>) {
    queue.push(piece)
    queuedBytes += piece.length
    while (queuedBytes >= 13) {
      const size = eventBytes(joined(queue, 13), 0)
      if (size > unpackedBytes - doneBytes) throw new RangeError('an event in it is longer than it')
      if (queuedBytes < size) break
      const bytes = joined(queue, size).subarray(0, size)
      queue[0] = (queue[0] as Buffer).subarray(size)
      queuedBytes -= size
      doneBytes += size
      yield { bytes, last: doneBytes === unpackedBytes }
    }
  }
  await fed
  if (queuedBytes > 0 || doneBytes !== unpackedBytes) throw new RangeError('it has another length than it says')
}

/** Makes the first buffer of the queue hold at least so many bytes. */
function joined(queue: Buffer[], bytes: number): Buffer {
  let have = 0
  let count = 0
  while (have < bytes) have += (queue[count++] as Buffer).length
  if (count > 1) queue.splice(0, count, Buffer.concat(queue.slice(0, count)))
  return queue[0] as Buffer
}

async function feed(stream: ReturnType<typeof createZstdDecompress>, packed: Buffer): Promise<void> {
  for (let at = 0; at < packed.length; at += pieceBytes)
    if (!stream.write(packed.subarray(at, at + pieceBytes))) await once(stream, 'drain')
  stream.end()
}
