/** The size of a row as JSON, without writing it: a change set is measured so (rule 10). */
import type { Value } from '../../model/value.ts'

/** Bytes of `JSON.stringify(value)` in UTF-8, without writing it. */
export function jsonBytes(value: Value): number {
  if (value === null || value === true) return 4
  if (value === false) return 5
  if (typeof value === 'number') return String(value).length
  if (typeof value === 'string') return textBytes(value)
  switch (value.kind) {
    case 'other': // {"kind":"other","type":…,"text":…}
      return 32 + textBytes(value.type) + textBytes(value.text)
    case 'invalid': // {"kind":"invalid","type":…,"raw":…,"reason":…}
      return 43 + textBytes(value.type) + textBytes(value.raw) + textBytes(value.reason)
    default: // {"kind":"…","text":…}
      return 19 + value.kind.length + textBytes(value.text)
  }
}

/** Bytes of `JSON.stringify(text)` in UTF-8. */
export function textBytes(text: string): number {
  let bytes = 2
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit < 0x20 || unit === 0x22 || unit === 0x5c) return Buffer.byteLength(JSON.stringify(text))
    // A surrogate pair takes four bytes, two for each half; decoded text has no lone halves.
    bytes += unit < 0x80 ? 1 : unit < 0x800 || (unit >= 0xd800 && unit <= 0xdfff) ? 2 : 3
  }
  return bytes
}
