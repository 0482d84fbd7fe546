/** Tables and foreign keys as information_schema describes them. */
import { createHash } from 'node:crypto'
import type { Link } from './client.ts'
import { quoted } from './client.ts'

/** A table that was asked for. */
export interface TableName {
  readonly schema: string
  readonly table: string
  /** `members_db.members`: how changes name it. */
  readonly full: string
}

/** `members` means the table of that name in `database`, the one that the `url:` names. Names are taken as written. */
export function tableName(name: string, database: string): TableName {
  const dot = name.indexOf('.')
  const schema = dot < 0 ? database : name.slice(0, dot)
  const table = name.slice(dot + 1)
  return { schema, table, full: `${schema}.${table}` }
}

/** The quoted name, for SQL. */
export function quotedTable({ schema, table }: Pick<TableName, 'schema' | 'table'>): string {
  return `${quoted(schema)}.${quoted(table)}`
}

/** A column of a captured table. */
export interface CatalogColumn {
  readonly name: string
  /** `DATA_TYPE`: `bigint`, `varchar`, `uuid`. */
  readonly dataType: string
  /** `COLUMN_TYPE`: `bigint(20) unsigned`, `enum('a','b')`. */
  readonly columnType: string
  readonly unsigned: boolean
  readonly nullable: boolean
  /** Character set (`latin1`); null for columns without one. */
  readonly charset: string | null
  /** Collation name; null for columns without one. */
  readonly collation: string | null
  /** Labels of ENUM and SET, in order. */
  readonly members: readonly string[] | null
  /** Digits after the second; null for other types. */
  readonly fraction: number | null
  /** Bytes of BINARY(n), bits of BIT(n); null for other types. */
  readonly length: number | null
  /** `JSON`, or MariaDB's LONGTEXT whose check constraint is `json_valid`. */
  readonly json: boolean
  /** VIRTUAL columns are not in the log; STORED (PERSISTENT) ones are. */
  readonly generated: 'no' | 'stored' | 'virtual'
  readonly visible: boolean
}

/** A captured table. `columns` are in the table's order, as in the log. */
export interface CatalogTable {
  readonly schema: string
  readonly name: string
  /** `members_db.members`. */
  readonly full: string
  readonly columns: readonly CatalogColumn[]
  /** The primary key, or the only unique key without nullable columns; empty: none. */
  readonly key: readonly string[]
  readonly engine: string
  readonly rowsEstimated: number | null
  readonly partitioned: boolean
  /** `BASE TABLE`, `VIEW`, `SYSTEM VERSIONED`, `SEQUENCE`; absent: `BASE TABLE`. */
  readonly type?: string
  /** Unique keys without nullable columns, where there are several and none is primary. */
  readonly rivals?: readonly string[]
}

/**
 * Reads these tables; those that do not exist, or that the user may not see, are absent. One table at a time: MariaDB and MySQL 5.7
 * open every table of the server unless schema and table are given as constants.
 */
export async function readCatalog(link: Link, names: readonly TableName[]): Promise<Map<string, CatalogTable>> {
  const found = new Map<string, CatalogTable>()
  for (const name of names) {
    const table = await readTable(link, name)
    if (table !== null) found.set(name.full, table)
  }
  return found
}

const here = 'TABLE_SCHEMA = ? AND TABLE_NAME = ?'

async function readTable(link: Link, { schema, table, full }: TableName): Promise<CatalogTable | null> {
  const place = [schema, table]
  const rows = await link.texts(
    `SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_TYPE, ENGINE, TABLE_ROWS, CREATE_OPTIONS FROM information_schema.TABLES WHERE ${here}`,
    place,
  )
  // Collations of the catalog ignore case; names do so only where the server was set up that way.
  const row = rows.find((each) => each[0] === schema && each[1] === table)
  if (row === undefined) return null
  const [, , type, engine, estimate, createOptions] = row
  const columns = await link.texts(
    `SELECT COLUMN_NAME, DATA_TYPE, COLUMN_TYPE, IS_NULLABLE, CHARACTER_SET_NAME, COLLATION_NAME, DATETIME_PRECISION,
       CHARACTER_MAXIMUM_LENGTH, NUMERIC_PRECISION, EXTRA FROM information_schema.COLUMNS WHERE ${here} ORDER BY ORDINAL_POSITION`,
    place,
  )
  const json = await jsonColumns(link, place)
  return {
    schema,
    name: table,
    full,
    columns: columns.map((column) => columnOf(column, json)),
    ...keyOf(await uniqueKeys(link, place)),
    engine: engine ?? '',
    rowsEstimated: estimate === null || estimate === undefined ? null : Number(estimate),
    partitioned: /\bpartitioned\b/i.test(createOptions ?? ''),
    type: type ?? 'BASE TABLE',
  }
}

function columnOf(row: readonly (string | null)[], json: ReadonlySet<string>): CatalogColumn {
  const [name, dataType, columnType, nullable, charset, collation, fraction, bytes, precision, extra] = row
  const type = (dataType as string).toLowerCase()
  const more = (extra ?? '').toUpperCase()
  return {
    name: name as string,
    dataType: type,
    columnType: columnType as string,
    unsigned: /\bunsigned\b/.test(withoutLabels(columnType as string)),
    nullable: nullable === 'YES',
    charset: charset ?? null,
    collation: collation ?? null,
    members: type === 'enum' || type === 'set' ? labelsOf(columnType as string) : null,
    fraction: fraction === null || fraction === undefined ? null : Number(fraction),
    length: type === 'bit' ? Number(precision) : type === 'binary' ? Number(bytes) : null,
    json: type === 'json' || (type === 'longtext' && json.has(name as string)),
    generated: more.includes('VIRTUAL GENERATED')
      ? 'virtual'
      : /(STORED|PERSISTENT) GENERATED|PERSISTENT/.test(more)
        ? 'stored'
        : 'no',
    visible: !more.includes('INVISIBLE'),
  }
}

const withoutLabels = (columnType: string): string => columnType.replaceAll(/'[^']*'/g, '')

const escapes: { readonly [letter: string]: string } = { '0': '\0', n: '\n', r: '\r' }

/** The labels in `enum('a','b,c','it''s')`. The server doubles quotes and writes `\\`, `\n`, `\r` and `\0`, in any sql_mode. */
export function labelsOf(columnType: string): string[] {
  const labels = columnType.matchAll(/'((?:[^'\\]|''|\\.)*)'/gs)
  return [...labels].map(([, label]) =>
    (label as string).replaceAll(/''|\\(.)/gs, (_, letter?: string) =>
      letter === undefined ? "'" : (escapes[letter] ?? letter),
    ),
  )
}

/** MariaDB's JSON is a LONGTEXT with a check, which the alias makes itself. */
async function jsonColumns(link: Link, place: readonly string[]): Promise<Set<string>> {
  if (link.server.flavour !== 'mariadb') return new Set()
  const rows = await link.texts(
    'SELECT CHECK_CLAUSE FROM information_schema.CHECK_CONSTRAINTS WHERE CONSTRAINT_SCHEMA = ? AND TABLE_NAME = ?',
    place,
  )
  const names = rows.map((row) => /^json_valid\(`((?:[^`]|``)+)`\)$/i.exec(row[0] ?? '')?.[1])
  return new Set(names.filter((name) => name !== undefined).map((name) => name.replaceAll('``', '`')))
}

/** Unique keys that hold for every row, by name: no column of theirs is nullable, none is an expression. */
async function uniqueKeys(link: Link, place: readonly string[]): Promise<Map<string, string[]>> {
  const rows = await link.texts(
    `SELECT INDEX_NAME, COLUMN_NAME, NULLABLE FROM information_schema.STATISTICS WHERE ${here} AND NON_UNIQUE = 0 ORDER BY INDEX_NAME, SEQ_IN_INDEX`,
    place,
  )
  const keys = new Map<string, string[]>()
  const unfit = new Set<string>()
  for (const [index, column, nullable] of rows) {
    if (column === null || column === undefined || nullable === 'YES') unfit.add(index as string)
    else keys.set(index as string, [...(keys.get(index as string) ?? []), column])
  }
  for (const index of unfit) keys.delete(index)
  return keys
}

function keyOf(keys: ReadonlyMap<string, string[]>): Pick<CatalogTable, 'key' | 'rivals'> {
  const primary = keys.get('PRIMARY')
  if (primary !== undefined) return { key: primary }
  const all = [...keys.values()]
  return all.length > 1 ? { key: [], rivals: [...keys.keys()] } : { key: all[0] ?? [] }
}

/** What a table looks like: two tables of one look are read alike. */
export function fingerprint({ columns, key }: CatalogTable): string {
  const look = columns.map(({ name, columnType, charset, nullable }) => [name, columnType, charset, nullable])
  return createHash('sha256')
    .update(JSON.stringify([look, key]))
    .digest('hex')
    .slice(0, 16)
}
