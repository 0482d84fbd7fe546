import type { Value } from '../schema.ts'
import type { OrderItem } from './parser.ts'

/** Orders two values as ORDER BY does; text without regard to case. */
export function compareValues(a: Value, b: Value, item: Pick<OrderItem, 'descending' | 'nullsFirst'>): number {
  if (a === null || b === null) return a === b ? 0 : (a === null) === item.nullsFirst ? -1 : 1
  const left = typeof a === 'string' ? a.toLowerCase() : a
  const right = typeof b === 'string' ? b.toLowerCase() : b
  const order = left < right ? -1 : left > right ? 1 : 0
  return item.descending ? -order : order
}
