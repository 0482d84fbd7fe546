/** What MariaDB compresses: events (`log_bin_compress`), and columns with COMPRESSED. Sources: MariaDB `sql/log_event.cc`, `sql/field_comp.cc`. */
import { inflateRawSync, inflateSync } from 'node:zlib'

/** The largest event that the servers can make. */
export const eventBytesMax = 1024 ** 3

/**
 * A byte with the method, raw deflate or not, and the width of the length; the length, big-endian; then what was packed. Throws a
 * `RangeError`, or an error of zlib.
 */
export function unpacked(bytes: Buffer, bytesMax: number): Buffer {
  const first = bytes.readUInt8(0)
  const width = first & 0x07
  if ((first & 0xf0) !== 0x80 || width < 1 || width > 4)
    throw new RangeError('it is compressed in a form that is not known')
  const length = bytes.readUIntBE(1, width)
  if (length > bytesMax) throw new RangeError('it is too large when it is unpacked')
  const packed = bytes.subarray(1 + width)
  const limit = { maxOutputLength: length || 1 }
  const plain = (first & 0x08) !== 0 ? inflateRawSync(packed, limit) : inflateSync(packed, limit)
  if (plain.length !== length) throw new RangeError('it has another length than it says')
  return plain
}

/** A column's: a zero byte stands before what was not worth packing. */
export function unpackedColumn(bytes: Buffer, bytesMax: number): Buffer {
  return bytes.length === 0 || bytes[0] === 0 ? bytes.subarray(1) : unpacked(bytes, bytesMax)
}
