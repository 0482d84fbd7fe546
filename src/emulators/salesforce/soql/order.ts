import type { Value } from '../schema.ts'
import type { OrderItem } from './parser.ts'

/**
 * Orders two values as ORDER BY does. They come folded (`fold` of check.ts), as conditions compare them: a client that
 * pages by `WHERE Id > last ORDER BY Id` must meet every record once.
 */
export function compareValues(a: Value, b: Value, item: Pick<OrderItem, 'descending' | 'nullsFirst'>): number {
  if (a === null || b === null) return a === b ? 0 : (a === null) === item.nullsFirst ? -1 : 1
  const order = a < b ? -1 : a > b ? 1 : 0
  return item.descending ? -order : order
}
