import type { Row, Value } from '../model/value.ts'

/** A value as JSON Schema sees it. */
export type Plain = null | boolean | number | string | { readonly [name: string]: Plain } | readonly Plain[]

/**
 * The target fields as JSON, for the schema; what is delivered stays the exact value.
 *
 * - A decimal is a number where a double holds exactly these digits (10.50 is 10.5), else a *string* of its digits: it never
 *   passes through a rounded double (I6), and `type: number` then refuses it with a sentence that says why.
 * - Dates and times are strings: date `2024-01-31`, time `25:00:00.5`, datetime `2024-01-31T02:30:00.123`, instant the same with
 *   `Z`, so that the formats `date` and `date-time` fit.
 * - JSON is what it says, if it can be read, else its text; bytes are base64; other types are their source's text.
 * - Dotted field names are nested objects.
 */
export function plainRow(set: Row): { readonly [name: string]: Plain } {
  const root: { [name: string]: Plain } = Object.create(null)
  for (const name of Object.keys(set)) {
    const value = plainValue(set[name] as Value)
    if (!name.includes('.')) root[name] = value
    else place(root, name.split('.'), value)
  }
  return root
}

function place(root: { [name: string]: Plain }, path: readonly string[], value: Plain): void {
  let at = root
  for (const name of path.slice(0, -1)) {
    const inner = at[name]
    if (typeof inner === 'object' && inner !== null && !Array.isArray(inner)) at = inner as { [name: string]: Plain }
    else {
      const made: { [name: string]: Plain } = Object.create(null)
      at[name] = made
      at = made
    }
  }
  at[path.at(-1)!] = value
}

/** One value as JSON. */
export function plainValue(value: Value): Plain {
  if (value === null || typeof value !== 'object') return value
  switch (value.kind) {
    case 'decimal':
      return plainDecimal(value.text)
    case 'datetime':
      return value.text.replace(' ', 'T')
    case 'instant':
      return value.text.replace(' ', 'T').replace(/\+00$/, 'Z')
    case 'json':
      return plainJson(value.text)
    case 'invalid':
      return value.raw
    default:
      return value.text
  }
}

/** `1.50` and `1.5` have the same digits; `0.1234567890123456789` has more than a double. */
function plainDecimal(text: string): number | string {
  const value = Number(text)
  if (!Number.isFinite(value)) return text
  // A double holds every decimal of 15 digits.
  if (text.length <= 15) return value
  return digits(String(value)) === digits(text) ? value : text
}

function digits(text: string): string {
  const match = /^([+-]?)(\d*)\.?(\d*)(?:e([+-]?\d+))?$/i.exec(text)
  if (match === null) return text
  const [, sign, whole = '', fraction = '', exponent = '0'] = match
  const all = `${whole}${fraction}`.replace(/^0+/, '')
  const significant = all.replace(/0+$/, '')
  // The place of the last digit that counts tells 1 from 10.
  const place = Number(exponent) - fraction.length + (all.length - significant.length)
  return significant === '' ? '0' : `${sign === '-' ? '-' : ''}${significant}e${place}`
}

/** As deep as a schema of people goes; deeper JSON is its text. */
const depthMax = 64

function plainJson(text: string): Plain {
  try {
    const value = JSON.parse(text) as Plain
    return depth(value) > depthMax ? text : value
  } catch {
    return text
  }
}

function depth(value: Plain): number {
  let deepest = 0
  const open: [Plain, number][] = [[value, 0]]
  while (open.length > 0 && deepest <= depthMax) {
    const [one, level] = open.pop()!
    deepest = Math.max(deepest, level)
    if (typeof one === 'object' && one !== null)
      for (const inner of Object.values(one)) open.push([inner as Plain, level + 1])
  }
  return deepest
}
