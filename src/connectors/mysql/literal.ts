/** A value's text as an SQL literal that its column compares by its index, and exactly. */
import { failure, SyncError } from '../../model/failure.ts'
import { text, type Value } from '../../model/value.ts'
import type { CatalogColumn } from './catalog.ts'
import { literal } from './client.ts'

/**
 * The literal to compare a column with, made of the text of one of its values. Null: the column cannot hold it, so that no row has
 * it; sent to the server, `'abc'` would equal 0 in a column of numbers. Throws a `SyncError` for types that cannot be compared.
 */
export function literalOf(column: CatalogColumn, value: string): string | null {
  switch (column.dataType) {
    case 'tinyint':
    case 'smallint':
    case 'mediumint':
    case 'int':
    case 'bigint':
    case 'year':
      return /^-?\d{1,20}$/.test(value) ? value : null
    case 'decimal':
      return /^-?\d{1,65}(\.\d{1,38})?$/.test(value) ? value : null
    case 'float':
      // The column's value is compared as a double: 0.1 is 0.10000000149011612 there.
      return isNumber(value) ? `${Math.fround(Number(value))}e0`.replace(/(e[+-]\d+)e0$/, '$1') : null
    case 'double':
      return isNumber(value) ? `${value}e0`.replace(/(e[+-]?\d+)e0$/i, '$1') : null
    case 'bit':
      return value === 'true' ? '1' : value === 'false' ? '0' : /^\d{1,20}$/.test(value) ? value : null
    case 'date':
    case 'datetime':
    case 'timestamp':
      return temporal(value)
    case 'time':
      return /^-?\d{2,3}:\d\d:\d\d(\.\d{1,6})?$/.test(value) ? literal(value) : null
    case 'enum':
      return enumNumber(column, value)
    case 'set':
      return setNumber(column, value)
    case 'binary':
    case 'varbinary':
    case 'tinyblob':
    case 'blob':
    case 'mediumblob':
    case 'longblob':
      return `X'${Buffer.from(value, 'base64').toString('hex')}'`
    case 'uuid':
      return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value) ? literal(value) : null
    case 'inet4':
      return /^\d+(\.\d+){3}$/.test(value) ? literal(value) : null
    case 'inet6':
      return /^[0-9a-f:.]+$/i.test(value) ? literal(value) : null
    case 'char':
    case 'varchar':
    case 'tinytext':
    case 'text':
    case 'mediumtext':
    case 'longtext':
      return literal(value)
    default:
      throw new SyncError(
        failure(
          'SYNC-2001',
          `Rows cannot be found by column "${column.name}": its type is ${column.columnType}, which has no order.`,
          { hint: 'Join or look up by another column.' },
        ),
      )
  }
}

/** The text that `literalOf` reads, of any value that a key column may hold; null where there is none. */
export function resumeTextOf(column: CatalogColumn, value: Value | undefined): string | null {
  if (value === undefined || value === null) return null
  // A zero date has its place in the order too. Bytes that are no text have none that could be named.
  if (typeof value === 'object' && value.kind === 'invalid')
    return ['date', 'datetime', 'timestamp'].includes(column.dataType) ? value.raw : null
  return text(value)
}

function isNumber(value: string): boolean {
  return /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(value)
}

/** Without the zone that instants carry: our sessions are in UTC. */
function temporal(value: string): string | null {
  const plain = value.replace(/\+00$/, '')
  return /^\d{4}-\d\d-\d\d( \d\d:\d\d:\d\d(\.\d{1,6})?)?$/.test(plain) ? literal(plain) : null
}

/** By number, as the index holds them: `enum > 'b'` would compare letters. */
function enumNumber({ members }: CatalogColumn, value: string): string | null {
  const index = (members ?? []).indexOf(value)
  return index < 0 ? null : String(index + 1)
}

function setNumber({ members }: CatalogColumn, value: string): string | null {
  let bits = 0n
  for (const label of value === '' ? [] : value.split(',')) {
    const index = (members ?? []).indexOf(label)
    if (index < 0) return null
    bits |= 1n << BigInt(index)
  }
  return String(bits)
}
