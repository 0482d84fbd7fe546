/** Where reading stands in a piece of the log. Reading past the end throws a `RangeError`. */
export interface Cursor {
  readonly bytes: Buffer
  at: number
}

/** Moves on by so many bytes, and says where they begin. */
export function take(cursor: Cursor, bytes: number): number {
  const start = cursor.at
  const end = start + bytes
  if (end > cursor.bytes.length) throw new RangeError('it ends too early')
  cursor.at = end
  return start
}

/** An unsigned byte. */
export function u8(cursor: Cursor): number {
  return cursor.bytes[take(cursor, 1)] as number
}

/** Two bytes, little-endian. */
export function u16(cursor: Cursor): number {
  return cursor.bytes.readUInt16LE(take(cursor, 2))
}

/** Four bytes, little-endian. */
export function u32(cursor: Cursor): number {
  return cursor.bytes.readUInt32LE(take(cursor, 4))
}

/** Eight bytes, little-endian. */
export function u64(cursor: Cursor): bigint {
  return cursor.bytes.readBigUInt64LE(take(cursor, 8))
}

/** A length of 1 to 4 bytes, little-endian. */
export function lengthOf(cursor: Cursor, bytes: number): number {
  return cursor.bytes.readUIntLE(take(cursor, bytes), bytes)
}

/** A length-encoded integer of the protocol; refused above 2^53, which no length can be. */
export function lenenc(cursor: Cursor): number {
  const first = u8(cursor)
  if (first < 0xfb) return first
  if (first === 0xfc) return u16(cursor)
  if (first === 0xfd) return lengthOf(cursor, 3)
  if (first !== 0xfe) throw new RangeError('a length is not a length')
  const value = u64(cursor)
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new RangeError('a length is too large')
  return Number(value)
}

/** The next bytes, not copied. */
export function part(cursor: Cursor, bytes: number): Buffer {
  const start = take(cursor, bytes)
  return cursor.bytes.subarray(start, cursor.at)
}

/** The next bytes as UTF-8. */
export function utf8(cursor: Cursor, bytes: number): string {
  const start = take(cursor, bytes)
  return cursor.bytes.toString('utf8', start, cursor.at)
}

/** What is left as UTF-8. */
export function utf8Rest(cursor: Cursor): string {
  return utf8(cursor, cursor.bytes.length - cursor.at)
}
