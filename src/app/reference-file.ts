import { extname } from 'node:path'
import { parseTree, type Tree } from '../config/tree.ts'
import { failure, SyncError } from '../model/failure.ts'

/** Bounds of a file of reference data. */
const bytesMax = 10_000_000
const valuesMax = 1_000_000

/** Reads a whole file; throws as node:fs does. */
export type ReadFile = (path: string) => Uint8Array

/**
 * The values of a reference file, as texts: a column of a CSV file (RFC 4180, with a header), or a list in JSON or YAML, of texts
 * and numbers or of objects with that key. Numbers in YAML are taken as they are written.
 * @throws SyncError SYNC-1027 with what is wrong, and where
 */
export function valuesIn(path: string, column: string | null, readFile: ReadFile): ReadonlySet<string> {
  const text = textOf(path, readFile)
  const values = extname(path).toLowerCase() === '.csv' ? fromCsv(path, text, column) : fromList(path, text, column)
  if (values.size === 0) throw unusable(path, 'it has no value')
  return values
}

function unusable(path: string, why: string): SyncError {
  return new SyncError(failure('SYNC-1027', `${path}: ${why}.`))
}

function textOf(path: string, readFile: ReadFile): string {
  let bytes: Uint8Array
  try {
    bytes = readFile(path)
  } catch (error) {
    throw unusable(path, `it cannot be read (${(error as { code?: string }).code ?? 'unknown error'})`)
  }
  if (bytes.byteLength > bytesMax)
    throw unusable(path, `it has ${bytes.byteLength} bytes, at most ${bytesMax} are allowed`)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw unusable(path, 'it is not UTF-8')
  }
}

function fromCsv(path: string, text: string, column: string | null): ReadonlySet<string> {
  const rows = csvRows(text)
  const first = rows.next()
  if (first.done === true) throw unusable(path, 'it is empty')
  if (typeof first.value === 'string') throw unusable(path, first.value)
  const header = first.value.cells
  const at = column === null && header.length === 1 ? 0 : header.indexOf(column ?? '')
  if (at < 0)
    throw unusable(
      path,
      `${column === null ? '`column` is needed' : `it has no column "${column}"`}; it has ${header.join(', ')}`,
    )
  const values = new Set<string>()
  for (const row of rows) {
    if (typeof row === 'string') throw unusable(path, row)
    if (row.cells.length === 1 && row.cells[0] === '') continue
    if (row.cells.length !== header.length)
      throw unusable(path, `line ${row.line} has ${row.cells.length} cells, the header ${header.length}`)
    values.add(row.cells[at] as string)
    if (values.size > valuesMax) throw unusable(path, `it has more than ${valuesMax} values`)
  }
  return values
}

/** Rows with the line that they begin at; a text says why there are no more. Quotes are doubled inside of quotes. */
function* csvRows(
  text: string,
): Generator<{ readonly line: number; readonly cells: readonly string[] } | string, void> {
  let line = 1
  let start = 1
  let cells: string[] = []
  let at = 0
  while (at < text.length) {
    if (text[at] === '"') {
      const end = closing(text, at)
      if (end < 0) return yield `the quote that opens in line ${line} is not closed`
      const cell = text.slice(at + 1, end)
      cells.push(cell.replaceAll('""', '"'))
      line += cell.split('\n').length - 1
      at = end + 1
    } else {
      const next = nextOf(text, at)
      cells.push(text.slice(at, next))
      at = next
    }
    if (text[at] === ',') {
      at += 1
      if (at < text.length) continue
      cells.push('')
    } else if (text.startsWith('\r\n', at)) at += 2
    else if (text[at] === '\n') at += 1
    else if (at < text.length) return yield `line ${line} goes on after a quoted cell`
    yield { line: start, cells }
    cells = []
    line += 1
    start = line
  }
}

function closing(text: string, open: number): number {
  for (let at = open + 1; ; at += 2) {
    at = text.indexOf('"', at)
    if (at < 0 || text[at + 1] !== '"') return at
  }
}

function nextOf(text: string, from: number): number {
  for (let at = from; at < text.length; at++) {
    const one = text[at]
    if (one === ',' || one === '\n' || (one === '\r' && text[at + 1] === '\n')) return at
  }
  return text.length
}

function fromList(path: string, text: string, column: string | null): ReadonlySet<string> {
  const parsed = parseTree(text)
  if ('problems' in parsed) {
    const [first] = parsed.problems
    throw unusable(path, first === undefined ? 'it cannot be read' : `line ${first.at.line}: ${first.message}`)
  }
  const { tree } = parsed
  if (tree.kind !== 'list') throw unusable(path, 'a list is expected')
  const values = new Set<string>()
  for (const item of tree.items) {
    const value = column === null ? item : inner(item, column)
    if (value?.kind !== 'scalar' || value.value === null)
      throw unusable(
        path,
        `line ${item.at.line}: expected ${column === null ? 'a text or a number' : `an object with "${column}"`}`,
      )
    values.add(typeof value.value === 'string' ? value.value : value.source)
  }
  return values
}

function inner(item: Tree, column: string): Tree | undefined {
  return item.kind === 'map' ? item.entries.find(({ key }) => key === column)?.value : undefined
}
