import { text as exactText, field, type Row, type Value } from '../model/value.ts'
import { kindOf } from '../std/cel-cells.ts'
import { type Fault, fault, typeWord } from './transform.ts'

/** What a value must hold to leave the mapping. */
export interface Bounds {
  /** Bytes of UTF-8. */
  readonly bytes: number
  /** Characters (code points) of a text. */
  readonly maxLength: number | undefined
  readonly controls: 'park' | 'strip'
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const controls = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
const controlsAll = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/g

/** The value, if it can be written as it is (I6); else why not. */
export function checked(value: Value, bounds: Bounds): Value | Fault {
  if (value === null || typeof value === 'boolean') return value
  if (typeof value === 'string') return checkedText(value, bounds)
  if (typeof value === 'number') return Number.isFinite(value) ? value : fault('SYNC-4011', `the number is ${value}`)
  if (value.kind === 'invalid')
    return value.type === 'expression'
      ? fault('SYNC-4023', value.reason)
      : fault('SYNC-4010', `the source's value of type ${value.type} cannot be read: ${value.reason}`)
  if (value.kind === 'decimal')
    return /\d/.test(value.text) ? value : fault('SYNC-4011', `the number is ${value.text.slice(0, 10)}`)
  if (kindOf(value) === 'time' && !/^(?!0000)\d{4}-[^B]*$/.test(value.text)) return outside(value.text)
  const size = Buffer.byteLength(value.text)
  if (size > bounds.bytes) return tooLarge(size, bounds.bytes)
  return value
}

function checkedText(value: string, bounds: Bounds): string | Fault {
  if (!value.isWellFormed()) return fault('SYNC-4013', 'half of a surrogate pair stands alone')
  let text = value
  if (controls.test(text)) {
    if (bounds.controls === 'park') {
      const at = text.search(controls)
      const code = text.charCodeAt(at).toString(16).toUpperCase().padStart(4, '0')
      return fault('SYNC-4014', `the control character U+${code} stands at character ${at + 1}`)
    }
    text = text.replace(controlsAll, '')
  }
  if (text.length * 3 > bounds.bytes) {
    const size = Buffer.byteLength(text)
    if (size > bounds.bytes) return tooLarge(size, bounds.bytes)
  }
  if (bounds.maxLength !== undefined && text.length > bounds.maxLength) {
    const characters = [...text].length
    if (characters > bounds.maxLength)
      return fault('SYNC-4016', `the text has ${characters} characters, the field allows ${bounds.maxLength}`)
  }
  return text
}

function outside(text: string): Fault {
  const what = text.includes('infinity')
    ? text.slice(0, 9)
    : text.endsWith('BC')
      ? 'before the year 1'
      : 'outside of the years 1 to 9999'
  return fault('SYNC-4012', `the date is ${what}; the policy is to park it`)
}

function tooLarge(size: number, limit: number): Fault {
  return fault('SYNC-4015', `size ${grouped(size)} > limit ${grouped(limit)} bytes`)
}

function grouped(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ' ')
}

/** Type and exact text of a value for a masked message. */
export function maskable(value: Value): { readonly type: string; readonly text: string } {
  return { type: typeWord(value), text: exactText(value) ?? '' }
}

/** The first column among these whose value in the row is this very object; for naming the cause of a failure. */
export function culprit(row: Row, columns: readonly string[], value: Value | undefined): string | undefined {
  return columns.find((column) => field(row, column) === value)
}
