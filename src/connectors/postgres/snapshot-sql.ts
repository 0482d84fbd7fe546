import { type Key, keyParts } from '../../model/key.ts'
import type { CatalogColumn, CatalogTable } from './catalog.ts'
import { literal, quoted } from './client.ts'
import { columnList } from './copy.ts'
import { literalText, type TypeInfo } from './values.ts'

/** The key's columns in key order. */
export function keyColumns(table: CatalogTable): CatalogColumn[] {
  return table.key.map((name) => table.columns.find((column) => column.name === name) as CatalogColumn)
}

/**
 * Operators are looked up by search path, ORDER BY is not: with a type such as citext outside of the path, `>` would compare
 * as text while the index orders without case, and rows would be skipped.
 */
export function searchPath(columns: readonly CatalogColumn[]): string {
  const schemas = new Set(['pg_catalog', ...columns.map((column) => column.typeSchema), 'public'])
  return `SET LOCAL search_path = ${[...schemas].map(quoted).join(', ')}`
}

/** `ARRAY['…', …]::text[]`; each element is cast by itself, since an array of arrays would be one flat array. */
export function textArray(texts: readonly string[]): string {
  return `ARRAY[${texts.map(literal).join(',')}]::text[]`
}

/** A join with the rows of these keys. */
export function keyJoin(table: CatalogTable, keys: readonly Key[], known: ReadonlyMap<number, TypeInfo>): string {
  const parts = keys.map(keyParts)
  const columns = keyColumns(table)
  const arrays = columns.map((column, i) =>
    textArray(parts.map((part) => literalText(part[i] ?? '', column.oid, known))),
  )
  const names = columns.map((_, i) => `k${i}`).join(', ')
  const cast = columns.map((column, i) => `k${i}::${column.cast} AS k${i}`).join(', ')
  const on = columns.map((column, i) => `t.${quoted(column.name)} = k.k${i}`).join(' AND ')
  // OFFSET 0: cast once, before the join.
  return `(SELECT ${cast} FROM unnest(${arrays.join(', ')}) u(${names}) OFFSET 0) k JOIN ${table.from} t ON ${on}`
}

/** The next rows after a key, given as the texts of its columns. */
export function rangeSql(
  table: CatalogTable,
  columns: readonly CatalogColumn[],
  after: readonly string[] | null,
  rowsMax: number,
): string {
  const key = keyColumns(table)
  const names = columnList(key)
  const values = after?.map((text, i) => `${literal(text)}::text::${key[i]?.cast}`).join(', ')
  const where =
    values === undefined ? '' : key.length === 1 ? `WHERE ${names} > ${values}` : `WHERE (${names}) > (${values})`
  return `SELECT ${columnList(columns)} FROM ${table.from} ${where} ORDER BY ${names} LIMIT ${rowsMax}`
}

/** The statements that read one chunk: the next range after `after`, or the rows of the keys `asked`. */
export function chunkSql(
  table: CatalogTable,
  after: readonly string[] | null,
  asked: readonly Key[] | null,
  rowsMax: number,
  known: ReadonlyMap<number, TypeInfo>,
): { searchPath: string; copy: string } {
  // Generated columns are not in the log; a copy of them would go stale unseen.
  const columns = table.columns.filter((column) => !column.generated)
  const select =
    asked === null
      ? rangeSql(table, columns, after, rowsMax)
      : `SELECT ${columnList(columns, 't.')} FROM ${keyJoin(table, asked, known)}`
  return { searchPath: searchPath(keyColumns(table)), copy: `COPY (${select}) TO STDOUT` }
}
