/** Text of UUIDs, and of MariaDB's INET4 and INET6, of which the log holds the bytes. */

/** `123e4567-e89b-12d3-a456-426655440000`. */
export function uuidText(bytes: Buffer): string {
  const hex = bytes.toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

/** `192.0.2.1`. */
export function inet4Text(bytes: Buffer): string {
  return bytes.join('.')
}

/**
 * As the server prints it: the first of the longest runs of zero words becomes `::`, also a run of one word; six zero words, or five
 * and `ffff`, stand before an IPv4 address.
 */
export function inet6Text(bytes: Buffer): string {
  const words: number[] = []
  for (let at = 0; at < 16; at += 2) words.push(bytes.readUInt16BE(at))
  let start = -1
  let length = 0
  for (let from = 0; from < 8; from++) {
    let to = from
    while (to < 8 && words[to] === 0) to++
    if (to - from > length) {
      start = from
      length = to - from
    }
  }
  const hex = (from: number, to: number): string =>
    words
      .slice(from, to)
      .map((word) => word.toString(16))
      .join(':')
  if (start === 0 && length === 6) return `::${inet4Text(bytes.subarray(12))}`
  if (start === 0 && length === 5 && words[5] === 0xffff) return `::ffff:${inet4Text(bytes.subarray(12))}`
  return start < 0 ? hex(0, 8) : `${hex(0, start)}::${hex(start + length, 8)}`
}
