import { type Cursor, take } from './cursor.ts'

const groupDigits = 9
/** Bytes of a group of so many digits. */
const groupBytes = [0, 1, 1, 2, 2, 3, 3, 4, 4, 4]

/** Bytes of a DECIMAL(precision, scale). */
export function decimalBytes(precision: number, scale: number): number {
  return half(precision - scale) + half(scale)
}

function half(digits: number): number {
  return Math.floor(digits / groupDigits) * 4 + (groupBytes[digits % groupDigits] as number)
}

/**
 * Reads a DECIMAL as the text that the server prints: big-endian groups of nine digits, the odd ones outermost; the first bit is turned
 * over, and a negative number has all its bits turned over. Source: MySQL `strings/decimal.cc`, `decimal2bin`.
 */
export function readDecimal(cursor: Cursor, precision: number, scale: number): string {
  const { bytes } = cursor
  const whole = precision - scale
  let at = take(cursor, decimalBytes(precision, scale))
  const negative = ((bytes[at] as number) & 0x80) === 0
  const mask = negative ? 0xff : 0
  let flip = 0x80

  const group = (digits: number): number => {
    let value = 0
    for (let left = groupBytes[digits] as number; left > 0; left--) {
      value = value * 256 + ((bytes[at++] as number) ^ mask ^ flip)
      flip = 0
    }
    return value
  }

  let text = ''
  const odd = whole % groupDigits
  if (odd > 0) {
    const value = group(odd)
    if (value !== 0) text = String(value)
  }
  for (let left = Math.floor(whole / groupDigits); left > 0; left--) {
    const value = group(groupDigits)
    if (text !== '') text += String(value).padStart(groupDigits, '0')
    else if (value !== 0) text = String(value)
  }
  if (text === '') text = '0'
  if (scale > 0) {
    text += '.'
    for (let left = Math.floor(scale / groupDigits); left > 0; left--)
      text += String(group(groupDigits)).padStart(groupDigits, '0')
    const last = scale % groupDigits
    if (last > 0) text += String(group(last)).padStart(last, '0')
  }
  return negative ? `-${text}` : text
}
