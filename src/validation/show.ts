import { text, type Value } from '../model/value.ts'
import { type Classification, mask } from '../std/mask.ts'

/** How the values of each field may be shown; fields that are not in it are personal. */
export type Classes = ReadonlyMap<string, Classification>

/** A value as a reason shows it, by its field's classification; nothing for what is absent or null. */
export function shown(field: string, value: Value | undefined, classes: Classes): { value?: string } {
  if (value === undefined || value === null) return {}
  const type = typeof value === 'object' ? value.kind : typeof value === 'string' ? 'text' : typeof value
  return { value: mask(type, text(value) ?? '', classes.get(field)) }
}
