/** MariaDB's compressed events (`log_bin_compress`). Source: MariaDB `sql/log_event.cc`, `binlog_buf_uncompress`. */
import { inflateSync } from 'node:zlib'

/** Most that is unpacked at once: the largest event that the servers can make. */
const unpackedBytesMax = 1024 ** 3

/** A byte with the method and the width of the length, the length (big-endian), then zlib. Throws a `RangeError`. */
export function unpacked(bytes: Buffer): Buffer {
  const first = bytes.readUInt8(0)
  const width = first & 0x07
  if ((first & 0xf0) !== 0x80 || width < 1 || width > 4)
    throw new RangeError('a compressed event is in a form that is not known')
  const length = bytes.readUIntBE(1, width)
  if (length > unpackedBytesMax) throw new RangeError('a compressed event is too large')
  const plain = inflateSync(bytes.subarray(1 + width), { maxOutputLength: length || 1 })
  if (plain.length !== length) throw new RangeError('a compressed event has another length than it says')
  return plain
}
