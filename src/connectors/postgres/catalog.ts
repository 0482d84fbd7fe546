/** What the server's catalog says of the captured tables and their types. */
import type { Column, Table } from '../../model/source.ts'
import { type Link, quoted } from './client.ts'
import type { TypeInfo } from './values.ts'

/** A table that was asked for. */
export interface TableName {
  readonly schema: string
  readonly table: string
  /** `public.members`: how changes name it. */
  readonly full: string
}

/** `members` means `public.members`. Names are taken as written, without folding of case. */
export function tableName(name: string): TableName {
  const dot = name.indexOf('.')
  const schema = dot < 0 ? 'public' : name.slice(0, dot)
  const table = name.slice(dot + 1)
  return { schema, table, full: `${schema}.${table}` }
}

/** The quoted name, for SQL. */
export function quotedTable(name: TableName): string {
  return `${quoted(name.schema)}.${quoted(name.table)}`
}

/** A column of a table, with what decoding needs. */
export interface CatalogColumn extends Column {
  readonly oid: number
  readonly generated: boolean
  /** The type with its length, as a cast needs it. */
  readonly cast: string
  /** The schema of the type: its operators live there. */
  readonly typeSchema: string
}

/** A table as the catalog shows it. */
export interface CatalogTable extends Table {
  readonly id: TableName
  readonly oid: number
  readonly columns: readonly CatalogColumn[]
  /** pg_class.relkind: r table, p partitioned, v view, m materialised view, f foreign. */
  readonly kind: string
  /** pg_class.relpersistence: p permanent, u unlogged, t temporary. */
  readonly persistence: string
  /** pg_class.relreplident: d default, n nothing, f full, i index. */
  readonly identity: string
  readonly hasPrimaryKey: boolean
  /** The name for FROM: without the rows of inheriting tables, which the log names apart. */
  readonly from: string
}

const tablesSql = `
  SELECT n.nspname, c.relname, c.oid, c.relkind, c.relpersistence, c.relreplident,
    (SELECT sum(greatest(l.reltuples, 0)) FROM pg_class l WHERE l.relkind <> 'p' AND l.reltuples >= 0 AND
      (l.oid = c.oid OR (c.relkind = 'p' AND l.oid IN (SELECT relid FROM pg_partition_tree(c.oid)))))::bigint
  FROM unnest($1::text[], $2::text[]) w(s, t) JOIN pg_namespace n ON n.nspname = w.s
  JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = w.t AND c.relkind IN ('r', 'p', 'v', 'm', 'f')`

const columnsSql = `
  SELECT a.attrelid, a.attname, a.atttypid, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attgenerated <> '', tn.nspname
  FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid JOIN pg_namespace tn ON tn.oid = t.typnamespace
  WHERE a.attrelid = ANY($1::oid[]) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attrelid, a.attnum`

const keysSql = `
  SELECT i.indrelid, i.indisprimary, i.indisreplident, a.attname
  FROM pg_index i CROSS JOIN unnest(i.indkey::int2[]) WITH ORDINALITY k(attnum, n)
  JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
  WHERE i.indrelid = ANY($1::oid[]) AND (i.indisprimary OR i.indisreplident) AND i.indimmediate AND k.n <= i.indnkeyatts
  ORDER BY i.indrelid, k.n`

/** Reads these tables; those that do not exist are absent from the answer. */
export async function readCatalog(link: Link, names: readonly TableName[]): Promise<Map<string, CatalogTable>> {
  const tables = await link.query(tablesSql, [names.map((n) => n.schema), names.map((n) => n.table)])
  const oids = tables.map((row) => row[2] as string)
  const columns = await link.query(columnsSql, [oids])
  const keys = await link.query(keysSql, [oids])
  const found = new Map<string, CatalogTable>()
  for (const [schema, table, oid, kind, persistence, identity, estimate] of tables) {
    const id: TableName = { schema: schema!, table: table!, full: `${schema}.${table}` }
    const own = keys.filter((row) => row[0] === oid)
    const primary = own.filter((row) => row[1] === 't')
    const replica = own.filter((row) => row[2] === 't')
    // Deletes name the identity's columns only, so an index that was chosen as identity is the key.
    const key = identity === 'i' ? replica : primary
    found.set(id.full, {
      id,
      name: id.full,
      oid: Number(oid),
      kind: kind!,
      persistence: persistence!,
      identity: identity!,
      hasPrimaryKey: primary.length > 0,
      key: key.map((row) => row[3] as string),
      rowsEstimated: estimate === null || estimate === undefined ? null : Number(estimate),
      from: kind === 'p' ? quotedTable(id) : `ONLY ${quotedTable(id)}`,
      columns: columns.filter((row) => row[0] === oid).map(columnOf),
    })
  }
  return found
}

function columnOf(row: readonly (string | null)[]): CatalogColumn {
  const [, name, oid, type, notNull, generated, typeSchema] = row as [
    string,
    string,
    string,
    string,
    string,
    string,
    string,
  ]
  return {
    name,
    type,
    nullable: notNull !== 't',
    logged: generated !== 't',
    oid: Number(oid),
    generated: generated === 't',
    cast: type,
    typeSchema,
  }
}

/** Asks pg_type about these types and, for domains, the types below them. */
export async function readTypes(link: Link, oids: readonly number[], into: Map<number, TypeInfo>): Promise<void> {
  const rows = await link.query(
    `WITH RECURSIVE t(oid) AS (SELECT unnest($1::oid[]) UNION SELECT p.typbasetype FROM t JOIN pg_type p ON p.oid = t.oid WHERE p.typtype = 'd')
     SELECT p.oid, format_type(p.oid, NULL), p.typtype, p.typcategory, p.typbasetype FROM t JOIN pg_type p ON p.oid = t.oid`,
    [oids.map(String)],
  )
  for (const [oid, name, kind, category, base] of rows)
    into.set(Number(oid), { name: name!, kind: kind!, category: category!, base: Number(base) })
  // A type that was dropped since: its values still arrive in the text form that it had.
  for (const oid of oids) if (!into.has(oid)) into.set(oid, { name: `type ${oid}`, kind: 'b', category: 'U', base: 0 })
}
