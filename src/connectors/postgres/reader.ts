/** Rows by key or by value, as the tables hold them now. */
import { failure, SyncError } from '../../model/failure.ts'
import { type Key, keyOf } from '../../model/key.ts'
import { type Row, text, type Value } from '../../model/value.ts'
import type { CatalogColumn, CatalogTable } from './catalog.ts'
import { type Link, quoted, stateOf } from './client.ts'
import { cellsOf, columnList, rowReader } from './copy.ts'
import { keyColumns, keyJoin, rangeSql, searchPath, textArray } from './snapshot-sql.ts'
import { type Cell, literalText, type TypeInfo } from './values.ts'

/** Rows of one call at most. */
const fetchMax = 1_000

type Known = ReadonlyMap<number, TypeInfo>

/** One answer a key, in the same order. */
export async function fetchRows(
  link: Link,
  table: CatalogTable,
  keys: readonly Key[],
  known: Known,
): Promise<(Row | null)[]> {
  bounded(keys.length, 'keys')
  const toRow = rowReader(table.columns, known)
  const found = new Map<Key, Row>()
  await inParts(keys, async (part) => {
    const sql = `SELECT ${columnList(table.columns, 't.')} FROM ${keyJoin(table, part, known)}`
    await readAll(
      link,
      sql,
      keyColumns(table),
      (row) => {
        const key = keyOf(table.key.map((name) => row[name]))
        if (key !== null) found.set(key, row)
      },
      toRow,
    )
  })
  return keys.map((key) => found.get(key) ?? null)
}

/** All rows whose column has one of these values. Null equals nothing. */
export async function lookupRows(
  link: Link,
  table: CatalogTable,
  name: string,
  values: readonly Value[],
  known: Known,
): Promise<Row[]> {
  bounded(values.length, 'values')
  const column = table.columns.find((candidate) => candidate.name === name)
  if (column === undefined) throw new SyncError(failure('SYNC-2009', `Table ${table.name} has no column "${name}".`))
  const texts = [...new Set(values.map(text))].filter((value) => value !== null)
  const toRow = rowReader(table.columns, known)
  const rows: Row[] = []
  await inParts(texts, async (part) => {
    const array = textArray(part.map((value) => literalText(value, column.oid, known)))
    const wanted = `SELECT v::${column.cast} FROM unnest(${array}) v`
    const sql = `SELECT ${columnList(table.columns)} FROM ${table.from} WHERE ${quoted(name)} IN (${wanted})`
    await readAll(link, sql, [column], (row) => rows.push(row), toRow)
  })
  return rows
}

/** The next rows in key order; the resume key is the text of the last row's key columns. */
export async function scanRows(
  link: Link,
  table: CatalogTable,
  after: string | null,
  rowsMax: number,
  known: Known,
): Promise<{ rows: Row[]; after: string | null }> {
  const from = after === null ? null : (JSON.parse(after) as string[])
  const at = table.key.map((name) => table.columns.findIndex((column) => column.name === name))
  const toRow = rowReader(table.columns, known)
  const rows: Row[] = []
  let last: (string | null)[] = []
  await readAll(
    link,
    rangeSql(table, table.columns, from, rowsMax),
    keyColumns(table),
    (row, cells) => {
      rows.push(row)
      last = at.map((index) => cells[index] as string | null)
    },
    toRow,
  )
  return { rows, after: rows.length < rowsMax ? null : JSON.stringify(last) }
}

async function readAll(
  link: Link,
  sql: string,
  typed: readonly CatalogColumn[],
  onRow: (row: Row, cells: readonly Cell[]) => void,
  toRow: (cells: readonly Cell[]) => Row,
): Promise<void> {
  await link.query(`BEGIN READ ONLY; ${searchPath(typed)}`)
  try {
    await link.copy(`COPY (${sql}) TO STDOUT`, (line) => {
      const cells = cellsOf(line)
      onRow(toRow(cells), cells)
    })
  } finally {
    if (link.alive()) await link.query('ROLLBACK')
  }
}

/** A value that is none of the column's type ("abc" for a number) matches nothing; it must not fail the others. */
async function inParts<T>(all: readonly T[], read: (part: readonly T[]) => Promise<void>): Promise<void> {
  if (all.length === 0) return
  try {
    await read(all)
  } catch (error) {
    if (!stateOf(error).startsWith('22')) throw error
    if (all.length === 1) return
    const half = all.length >> 1
    await inParts(all.slice(0, half), read)
    await inParts(all.slice(half), read)
  }
}

function bounded(count: number, what: string): void {
  if (count > fetchMax) throw new RangeError(`${count} ${what} in one call; at most ${fetchMax} are allowed`)
}
