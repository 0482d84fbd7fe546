/** How a table's rows are read: the log's own description of it, completed by the catalog. */
import type { CatalogColumn, CatalogTable } from '../catalog.ts'
import { cellOf } from './cells.ts'
import { charsetOf } from './collations.ts'
import { DecodeError, type MapColumn, type RowShape, type ShapeColumn, type TableMap } from './event.ts'
import { misfit } from './fit.ts'
import { isCharacter, types } from './types.ts'

/**
 * The shape of a table's rows. With FULL metadata the log's own names, signs, character sets and labels count, so that rows from before a
 * change of the table are read as they were written. Without it the catalog's count, but only where number and types of the columns fit;
 * all columns stand in the log, virtual ones too (MySQL 5.7 and later; MariaDB, seen on 10.11). `wanted`: columns to decode, null for all.
 *
 * `mismatch` says why the rows cannot be read. What the log cannot say is taken from the catalog's column of the same name: JSON, UUID
 * and INET of MariaDB, and the fraction of its 5.3 temporal types.
 */
export function shapeOf(
  map: TableMap,
  table: CatalogTable | null,
  wanted: ReadonlySet<string> | null,
): RowShape | { mismatch: string } {
  const name = `${map.schema}.${map.table}`
  if (map.unreadable !== undefined) return { mismatch: `In ${name}, ${map.unreadable}.` }
  const named = map.columns.every((column) => column.name !== undefined)
  if (!named && table === null)
    return { mismatch: `The log does not name the columns of ${name}, and there is no such table now.` }
  if (!named && table !== null && table.columns.length !== map.columns.length)
    return {
      mismatch: `The log has ${map.columns.length} columns of ${name}, the table has ${table.columns.length} now.`,
    }
  const columns: ShapeColumn[] = []
  try {
    for (const [place, column] of map.columns.entries()) {
      const twin = named ? table?.columns.find(({ name }) => name === column.name) : table?.columns[place]
      const wrong = named ? null : misfit(column, twin as CatalogColumn)
      if (wrong !== null) return { mismatch: `Column ${place + 1} of ${name} ${wrong}.` }
      columns.push(shapeColumn(map, column, twin, wanted))
    }
    return { columns }
  } catch (error) {
    if (error instanceof DecodeError) return { mismatch: error.message }
    throw error
  }
}

function shapeColumn(
  map: TableMap,
  column: MapColumn,
  twin: CatalogColumn | undefined,
  wanted: ReadonlySet<string> | null,
): ShapeColumn {
  const table = `${map.schema}.${map.table}`
  const name = column.name ?? (twin as CatalogColumn).name
  const members = column.name === undefined ? catalogMembers(twin as CatalogColumn, table) : column.members
  const unsigned = column.unsigned ?? twin?.unsigned ?? false
  const facts = {
    type: column.type,
    meta: column.meta,
    nullable: column.nullable,
    unsigned,
    ...(members === undefined ? {} : { members }),
    name,
    json: twin?.json === true && (isCharacter(column.type) || column.type === types.json),
    charset: charset(column, twin, table),
    special: special(column, twin),
    prints: map.prints ?? 'mysql-8.0',
    fraction: fraction(column, twin, table),
  }
  return { ...facts, wanted: (wanted === null || wanted.has(name)) && !isHidden(name), cell: cellOf(facts, table) }
}

/** The catalog is written in three-byte UTF-8: a label's character beyond that is a question mark there, which nobody may take for one. */
function catalogMembers({ members, charset, name }: CatalogColumn, table: string): readonly string[] | undefined {
  if (members === null) return undefined
  if (
    charset !== null &&
    /^(utf8mb4|utf16|utf16le|utf32|gb18030)$/.test(charset) &&
    members.some((label) => label.includes('?'))
  )
    throw new DecodeError(
      `Column ${name} of ${table} has a label with a question mark, which may stand for another character; ` +
        'only binlog_row_metadata=FULL tells.',
      table,
    )
  return members
}

/** MariaDB keeps the hash of a long UNIQUE key in a column that only the log shows. */
function isHidden(name: string): boolean {
  return /^DB_ROW_HASH_\d+$/.test(name)
}

function charset(column: MapColumn, twin: CatalogColumn | undefined, table: string): string | null {
  if (!isCharacter(column.type)) return null
  if (column.collation === undefined) return twin?.charset ?? null
  const charset = charsetOf(column.collation)
  if (charset === null)
    throw new DecodeError(
      `Column ${column.name} of ${table} has collation ${column.collation}, which is not known.`,
      table,
    )
  return charset === 'binary' ? null : charset
}

function special(column: MapColumn, twin: CatalogColumn | undefined): ShapeColumn['special'] {
  const { type, meta } = column
  switch (twin?.dataType) {
    case 'uuid':
    case 'inet6':
      return type === types.string && meta === 16 ? twin.dataType : null
    case 'inet4':
      return type === types.string && meta === 4 ? 'inet4' : null
    case 'vector':
      return type === types.varchar ? 'vector' : null
    default:
      return null
  }
}

/** Old temporal types do not say their fraction in the log. */
function fraction({ type }: MapColumn, twin: CatalogColumn | undefined, table: string): number {
  if (type !== types.time && type !== types.datetime && type !== types.timestamp) return 0
  if (twin === undefined)
    throw new DecodeError(
      `A column of ${table} is of an old temporal type, whose digits only the catalog knows.`,
      table,
    )
  return twin.fraction ?? 0
}
