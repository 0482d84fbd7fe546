/** Rows by key or by value, as the tables hold them now. */
import { failure, SyncError } from '../../model/failure.ts'
import { type Key, keyOf, keyParts } from '../../model/key.ts'
import { type MutableRow, newRow, type Row, text, type Value } from '../../model/value.ts'
import { DecodeError } from './binlog/event.ts'
import { type CatalogColumn, type CatalogTable, quotedTable } from './catalog.ts'
import { type Link, quoted } from './client.ts'
import { numberOf } from './errors.ts'
import { literalOf, resumeTextOf } from './literal.ts'
import { selectExpression, textReader } from './values.ts'
import type { Cells } from './wire.ts'

/** Keys or values of one call at most. */
const callMax = 1_000
/** Of one statement: MariaDB turns lists of 1,000 into joins, and MySQL gives up ranges that need more than 8 MB of memory. */
const statementMax = 250
const statementChars = 1_000_000

/** One answer a key, in the same order. The key's text has to be the stored one: `ABC` is not `abc`, whatever the collation says. */
export async function fetchRows(link: Link, table: CatalogTable, keys: readonly Key[]): Promise<(Row | null)[]> {
  bounded(keys.length, 'keys')
  const columns = keyColumns(table)
  const found = new Map<Key, Row>()
  const conditions = [...new Set(keys)].flatMap((key) => {
    const parts = keyParts(key)
    const literals = columns.map((column, i) => literalOf(column, parts[i] ?? ''))
    return parts.length === columns.length && literals.every((each) => each !== null) ? [literals as string[]] : []
  })
  await inParts(conditions, async (part) => {
    for (const row of await rowsOf(link, table, equalSql(columns, part))) {
      const key = keyOf(table.key.map((name) => row[name]))
      if (key !== null) found.set(key, row)
    }
  })
  return keys.map((key) => found.get(key) ?? null)
}

/** All rows whose column has one of these values, as the column's collation compares. Null equals nothing. */
export async function lookupRows(
  link: Link,
  table: CatalogTable,
  name: string,
  values: readonly Value[],
): Promise<Row[]> {
  bounded(values.length, 'values')
  const column = table.columns.find((candidate) => candidate.name === name)
  if (column === undefined) throw new SyncError(failure('SYNC-2009', `Table ${table.full} has no column "${name}".`))
  const texts = [...new Set(values.map(text))].filter((value) => value !== null)
  const literals = texts.map((value) => literalOf(column, value)).filter((each) => each !== null)
  const found = new Map<string, Row>()
  const rows: Row[] = []
  await inParts(
    literals.map((each) => [each]),
    async (part) => {
      for (const row of await rowsOf(link, table, equalSql([column], part))) {
        // Two values that the collation holds equal, in two statements, find the same row.
        const key = keyOf(table.key.map((each) => row[each]))
        if (key === null) rows.push(row)
        else found.set(key, row)
      }
    },
  )
  return [...found.values(), ...rows]
}

/** The next rows in key order; the resume key is the text of the last row's key columns. */
export async function scanRows(
  link: Link,
  table: CatalogTable,
  after: string | null,
  rowsMax: number,
): Promise<{ rows: Row[]; after: string | null }> {
  const rows = await rowsOf(link, table, rangeSql(table, after, rowsMax))
  const last = rows.at(-1)
  return { rows, after: last === undefined || rows.length < rowsMax ? null : resumeKey(table, last) }
}

/** The resume key after this row, for `rangeSql`. Throws a `SyncError` (SYNC-2010) where a key column cannot be read. */
export function resumeKey(table: CatalogTable, row: Row): string {
  const parts = keyColumns(table).map((column) => {
    const part = resumeTextOf(column, row[column.name])
    if (part === null)
      throw new SyncError(
        failure('SYNC-2010', `Table ${table.full} has a row whose key column "${column.name}" cannot be read.`),
      )
    return part
  })
  return JSON.stringify(parts)
}

/**
 * WHERE, ORDER BY and LIMIT for the next rows in key order. `until`: a resume key; rows after it are left out. The order is the one of
 * the index, and so are the comparisons: those of text are the collation's, those of ENUM by number.
 */
export function rangeSql(
  table: CatalogTable,
  after: string | null,
  rowsMax: number,
  until: string | null = null,
): string {
  const columns = keyColumns(table)
  const bounds = [
    ...(after === null ? [] : [beyond(columns, partsOf(columns, after))]),
    ...(until === null ? [] : [`NOT ${beyond(columns, partsOf(columns, until))}`]),
  ]
  const where = bounds.length === 0 ? '' : ` WHERE ${bounds.join(' AND ')}`
  const order = columns.map((column) => quoted(column.name)).join(', ')
  return `${where} ORDER BY ${order} LIMIT ${rowsMax}`
}

function partsOf(columns: readonly CatalogColumn[], resume: string): string[] {
  const parts = JSON.parse(resume) as string[]
  return columns.map((column, i) => literalOf(column, parts[i] as string) ?? "''")
}

/** `a > x OR (a = x AND b > y)`: MySQL does not use an index for `(a, b) > (x, y)`. */
function beyond(columns: readonly CatalogColumn[], parts: readonly string[]): string {
  const alternatives = columns.map((column, i) => {
    const equal = columns.slice(0, i).map((before, at) => `${quoted(before.name)} = ${parts[at]}`)
    return [...equal, `${quoted(column.name)} > ${parts[i]}`].join(' AND ')
  })
  return `(${alternatives.map((each) => `(${each})`).join(' OR ')})`
}

function equalSql(columns: readonly CatalogColumn[], rows: readonly (readonly string[])[]): string {
  const [only] = columns
  if (columns.length === 1 && only !== undefined)
    return ` WHERE ${quoted(only.name)} IN (${rows.map(([value]) => value).join(', ')})`
  const alternatives = rows.map(
    (parts) => `(${columns.map((column, i) => `${quoted(column.name)} = ${parts[i]}`).join(' AND ')})`,
  )
  return ` WHERE ${alternatives.join(' OR ')}`
}

async function rowsOf(link: Link, table: CatalogTable, tail: string): Promise<Row[]> {
  const toRow = rowReader(table.columns)
  return (await link.query(`SELECT ${columnList(table.columns)} FROM ${fromTable(table)}${tail}`)).map(toRow)
}

/** The quoted name of a table of the catalog. */
export function fromTable({ schema, name }: CatalogTable): string {
  return quotedTable({ schema, table: name })
}

/** What to select, so that `rowReader` can read it. */
export function columnList(columns: readonly CatalogColumn[]): string {
  return columns.map(selectExpression).join(', ')
}

/** Makes rows of the cells that `columnList` selected. Throws a `SyncError` (SYNC-2013) for a type that is not known. */
export function rowReader(columns: readonly CatalogColumn[]): (cells: Cells) => Row {
  const readers = columns.map((column) => {
    try {
      return textReader(column)
    } catch (error) {
      if (error instanceof DecodeError) throw new SyncError(failure('SYNC-2013', error.message), [], { cause: error })
      throw error
    }
  })
  return (cells) => {
    const row: MutableRow = newRow()
    for (let i = 0; i < columns.length; i++) {
      const cell = cells[i] as Buffer | null
      row[(columns[i] as CatalogColumn).name] = cell === null ? null : (readers[i] as (bytes: Buffer) => Value)(cell)
    }
    return row
  }
}

/** The key's columns in key order. */
export function keyColumns(table: CatalogTable): CatalogColumn[] {
  return table.key.map((name) => table.columns.find((column) => column.name === name) as CatalogColumn)
}

/**
 * A text that is no date or number (1292, 1411, 1525), or that the column's character set lacks (1267, 1270, 1271, MySQL 3854, 3988).
 * It matches nothing; it must not fail the others.
 */
const notOfType: ReadonlySet<number> = new Set([1292, 1411, 1525, 1267, 1270, 1271, 3854, 3988])

async function inParts<T extends readonly string[]>(
  all: readonly T[],
  read: (part: readonly T[]) => Promise<void>,
): Promise<void> {
  for (const part of statements(all)) await whole(part, read)
}

async function whole<T>(part: readonly T[], read: (part: readonly T[]) => Promise<void>): Promise<void> {
  try {
    await read(part)
  } catch (error) {
    if (!notOfType.has(numberOf(error))) throw error
    if (part.length === 1) return
    const half = part.length >> 1
    await whole(part.slice(0, half), read)
    await whole(part.slice(half), read)
  }
}

/** At most so many rows and characters each. */
function* statements<T extends readonly string[]>(all: readonly T[]): Iterable<T[]> {
  let part: T[] = []
  let chars = 0
  for (const each of all) {
    const more = each.reduce((sum, literal) => sum + literal.length + 20, 0)
    if (part.length > 0 && (part.length === statementMax || chars + more > statementChars)) {
      yield part
      part = []
      chars = 0
    }
    part.push(each)
    chars += more
  }
  if (part.length > 0) yield part
}

function bounded(count: number, what: string): void {
  if (count > callMax) throw new RangeError(`${count} ${what} in one call; at most ${callMax} are allowed`)
}
