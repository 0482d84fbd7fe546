import { text, type Value } from './value.ts'

/**
 * The identity of a record at its source: a JSON array with the exact text of each key column, in key order: `["42"]`,
 * `["AT","0815"]`. Two keys are equal if their texts are; they are never ordered.
 */
export type Key = string & { readonly brand: 'Key' }

/** The key made of these values. A null, or a value that nobody can read, makes no key: `null`. */
export function keyOf(values: readonly (Value | undefined)[]): Key | null {
  const parts: string[] = []
  for (const value of values) {
    if (value === undefined || value === null) return null
    if (typeof value === 'object' && value.kind === 'invalid') return null
    parts.push(text(value) as string)
  }
  return parts.length === 0 ? null : (JSON.stringify(parts) as Key)
}

/** The texts of a key's columns, in key order. */
export function keyParts(key: Key): string[] {
  return JSON.parse(key) as string[]
}
