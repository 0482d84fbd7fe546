/** Rows out of `COPY … TO STDOUT` in text form: the fastest way to read rows, and their bytes as the server has them. */
import { newRow, type Row } from '../../model/value.ts'
import type { CatalogColumn } from './catalog.ts'
import { quoted } from './client.ts'
import { type Cell, cellValue, type Type, type TypeInfo, textOf, typeOf } from './values.ts'

/** The list of columns for SELECT. */
export function columnList(columns: readonly CatalogColumn[], of = ''): string {
  return columns.map((column) => of + quoted(column.name)).join(', ')
}

/** The cells of one line. https://www.postgresql.org/docs/current/sql-copy.html, "Text Format" */
export function cellsOf(line: Buffer): Cell[] {
  const end = line[line.length - 1] === 0x0a ? line.length - 1 : line.length
  const text = textOf(line, 0, end)
  if (typeof text === 'string') {
    const cells: Cell[] = text.split('\t')
    if (text.includes('\\')) for (let i = 0; i < cells.length; i++) cells[i] = unescaped(cells[i] as string)
    return cells
  }
  // Bytes that are not UTF-8: take the line apart as bytes, then judge each column alone.
  return line
    .toString('latin1', 0, end)
    .split('\t')
    .map((part) => {
      const cell = unescaped(part)
      if (cell === null) return null
      const bytes = Buffer.from(cell, 'latin1')
      return textOf(bytes, 0, bytes.length)
    })
}

const escapes: { readonly [letter: string]: string } = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' }

function unescaped(part: string): string | null {
  if (part === '\\N') return null
  return part.includes('\\') ? part.replace(/\\(.)/gs, (_, letter: string) => escapes[letter] ?? letter) : part
}

/** Makes rows of cells in the order of these columns. */
export function rowReader(
  columns: readonly CatalogColumn[],
  known: ReadonlyMap<number, TypeInfo>,
): (cells: readonly Cell[]) => Row {
  const names = columns.map((column) => column.name)
  const types = columns.map((column) => typeOf(column.oid, known)) as Type[]
  return (cells) => {
    const row = newRow()
    for (let i = 0; i < names.length; i++) row[names[i] as string] = cellValue(cells[i] ?? null, types[i] as Type)
    return row
  }
}
