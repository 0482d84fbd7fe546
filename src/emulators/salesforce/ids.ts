/**
 * Salesforce record ids: 15 case-sensitive characters (3 of object prefix, 12 of number), plus 3 characters that carry
 * the letter case, so that the 18-character form survives systems that ignore case.
 * Source: https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference/field_types.htm (ID field type).
 */

const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const CASE_DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ012345'
const NUMBER_CHARS = 9
const ID_SHAPE = /^[0-9A-Za-z]{15}(?:[0-9A-Za-z]{3})?$/

/** The 3 characters that follow a 15-character id: one bit a letter, set where the letter is upper case. */
export function caseSuffix(id15: string): string {
  let suffix = ''
  for (let block = 0; block < 15; block += 5) {
    let bits = 0
    for (let i = 0; i < 5; i++) {
      const code = id15.charCodeAt(block + i)
      if (code >= 65 && code <= 90) bits |= 1 << i
    }
    suffix += CASE_DIGITS[bits]
  }
  return suffix
}

/** Makes the 18-character id of record number `n` of the object with this `prefix` in the org marked by `pod` (3 characters). */
export function makeId(prefix: string, pod: string, n: number): string {
  let number = ''
  let rest = n
  for (let i = 0; i < NUMBER_CHARS; i++) {
    number = DIGITS[rest % 62] + number
    rest = Math.floor(rest / 62)
  }
  const id15 = prefix + pod + number
  return id15 + caseSuffix(id15)
}

/** The 18-character form of an id of 15 or 18 characters; null when the text is no id, or its suffix is wrong. */
export function toId18(text: string): string | null {
  if (!ID_SHAPE.test(text)) return null
  if (text.length === 15) return text + caseSuffix(text)
  const suffix = caseSuffix(text.slice(0, 15))
  if (text.endsWith(suffix)) return text
  return restoreCase(text)
}

/** An 18-character id whose letters lost their case is restored from its suffix, as the platform does. */
function restoreCase(text: string): string | null {
  let id15 = ''
  for (let i = 0; i < 15; i++) {
    const bits = CASE_DIGITS.indexOf(text[15 + Math.floor(i / 5)]!.toUpperCase())
    if (bits < 0) return null
    const char = text[i]!
    id15 += bits & (1 << (i % 5)) ? char.toUpperCase() : char.toLowerCase()
  }
  return text.slice(0, 15).toLowerCase() === id15.toLowerCase() ? id15 + caseSuffix(id15) : null
}
