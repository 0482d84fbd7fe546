/**
 * Character sets of MySQL and MariaDB, as the servers themselves convert them. Two-byte sets are read by the runtime's decoders, with
 * the places corrected where these differ from the servers; `charsets.fake.ts` compares every code with real servers.
 */
import { isUtf8 } from 'node:buffer'
import { upperHalves } from './charset-tables.ts'
import { wideDecoder } from './charsets-wide.ts'

/** Text of the bytes from `start` to `end`, or null where they are not valid in the character set. */
export type DecodeText = (bytes: Buffer, start: number, end: number) => string | null

/** The decoder of a character set (`latin1`, `utf8mb4`); null where nobody can read it. */
export function textDecoder(charset: string): DecodeText | null {
  switch (charset) {
    case 'utf8mb4':
    case 'utf8mb3':
    case 'utf8':
      return decodeUtf8
    case 'ascii':
      return decodeAscii
    case 'ucs2':
    case 'utf16':
      return decodeUtf16
    case 'utf16le':
      return decodeUtf16le
    case 'utf32':
      return decodeUtf32
    case 'swe7':
      return decodeSwe7
    default: {
      const upper = Object.hasOwn(upperHalves, charset) ? upperHalves[charset] : undefined
      return upper === undefined ? wideDecoder(charset) : (bytes, start, end) => decodeSingle(bytes, start, end, upper)
    }
  }
}

function decodeUtf8(bytes: Buffer, start: number, end: number): string | null {
  const text = bytes.toString('utf8', start, end)
  // U+FFFD stands for what could not be read, but it may as well have been written by the user.
  return !text.includes('\ufffd') || isUtf8(bytes.subarray(start, end)) ? text : null
}

function decodeAscii(bytes: Buffer, start: number, end: number): string | null {
  for (let at = start; at < end; at++) if ((bytes[at] as number) > 0x7f) return null
  return bytes.toString('latin1', start, end)
}

function decodeSingle(bytes: Buffer, start: number, end: number, upper: string): string | null {
  let at = start
  while (at < end && (bytes[at] as number) < 0x80) at++
  let text = bytes.toString('latin1', start, at)
  for (; at < end; at++) {
    const byte = bytes[at] as number
    const char = byte < 0x80 ? String.fromCharCode(byte) : (upper[byte - 0x80] as string)
    if (char === '\ufffd') return null
    text += char
  }
  return text
}

const swedish: ReadonlyMap<number, string> = new Map([
  [0x40, 'É'],
  [0x5b, 'Ä'],
  [0x5c, 'Ö'],
  [0x5d, 'Å'],
  [0x5e, 'Ü'],
  [0x60, 'é'],
  [0x7b, 'ä'],
  [0x7c, 'ö'],
  [0x7d, 'å'],
  [0x7e, 'ü'],
])

function decodeSwe7(bytes: Buffer, start: number, end: number): string | null {
  let text = ''
  for (let at = start; at < end; at++) {
    const byte = bytes[at] as number
    if (byte > 0x7e) return null
    text += swedish.get(byte) ?? String.fromCharCode(byte)
  }
  return text
}

function decodeUtf16le(bytes: Buffer, start: number, end: number): string | null {
  if ((end - start) % 2 !== 0) return null
  const text = bytes.toString('utf16le', start, end)
  return text.isWellFormed() ? text : null
}

function decodeUtf16(bytes: Buffer, start: number, end: number): string | null {
  if ((end - start) % 2 !== 0) return null
  return decodeUtf16le(Buffer.from(bytes.subarray(start, end)).swap16(), 0, end - start)
}

function decodeUtf32(bytes: Buffer, start: number, end: number): string | null {
  if ((end - start) % 4 !== 0) return null
  let text = ''
  for (let at = start; at < end; at += 4) {
    const point = bytes.readUInt32BE(at)
    if (point > 0x10ffff || (point >= 0xd800 && point < 0xe000)) return null
    text += String.fromCodePoint(point)
  }
  return text
}
