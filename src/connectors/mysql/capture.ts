/** How row events of captured tables become changes. */
import type { Change, Op } from '../../model/change.ts'
import { failure, type Problem, SyncError } from '../../model/failure.ts'
import { type Key, keyOf } from '../../model/key.ts'
import type { Table } from '../../model/source.ts'
import { fold, type Row, type Value } from '../../model/value.ts'
import { jsonBytes, textBytes } from '../sql/json-bytes.ts'
import type { RowImages, RowShape, ShapeColumn, TableMap } from './binlog/event.ts'
import { types } from './binlog/types.ts'
import type { CatalogTable, TableName } from './catalog.ts'

/** A table as it is captured. */
export interface Captured {
  /** As the catalog showed it last. */
  readonly table: CatalogTable
  /** Columns that must not disappear or change their type. */
  readonly needed: (column: string) => boolean
}

/** How the rows of one TABLE_MAP are read. */
export interface Reading {
  readonly captured: Captured
  readonly shape: RowShape
  /** How many columns an image has that lacks none. */
  readonly columns: number
  /** Bytes of each `"name":` with the comma or brace before it. */
  readonly nameBytes: ReadonlyMap<string, number>
  /** Columns that are needed and that the server computes. */
  readonly computed: readonly string[]
}

/** Makes the reading of a TABLE_MAP. */
export function readingOf(captured: Captured, shape: RowShape): Reading {
  const wanted = shape.columns.filter((column) => column.wanted)
  return {
    captured,
    shape,
    columns: wanted.length,
    nameBytes: new Map(wanted.map(({ name }) => [name, textBytes(name) + 2])),
    computed: captured.table.columns
      .filter(({ name, generated }) => generated !== 'no' && captured.needed(name))
      .map(({ name }) => name)
      .filter((name) => wanted.some((column) => column.name === name)),
  }
}

/** Integers of any width hold each other's values as numbers; so do texts of any length. */
const families: readonly ReadonlySet<number>[] = [
  new Set([types.tiny, types.short, types.int24, types.long, types.longlong]),
  new Set([types.varchar, types.string, types.varString, types.blob, types.varcharCompressed, types.blobCompressed]),
]

/**
 * What a new shape of the table breaks, in words. `before`: the shape until now. An integer that was made wider, or a text that was made
 * longer, breaks nothing.
 */
export function shapeProblems(
  captured: Captured,
  before: readonly ShapeColumn[],
  now: RowShape,
  map: TableMap,
): string[] {
  const problems: string[] = []
  const added = now.columns.filter(({ name }) => !before.some((column) => column.name === name))
  for (const column of before) {
    if (!captured.needed(column.name)) continue
    const today = now.columns.find(({ name }) => name === column.name)
    if (today === undefined) {
      const others = added.map(({ name }) => name).join(', ')
      problems.push(`column ${column.name} is gone${others === '' ? '' : ` (new: ${others}; renamed?)`}`)
    } else if (!holdsTheSame(column, today)) problems.push(`column ${column.name} has another type`)
  }
  return [...problems, ...keyProblems(captured, now, map)]
}

function holdsTheSame(a: ShapeColumn, b: ShapeColumn): boolean {
  if (a.unsigned !== b.unsigned || (a.charset === null) !== (b.charset === null)) return false
  return a.type === b.type || families.some((family) => family.has(a.type) && family.has(b.type))
}

function keyProblems({ table }: Captured, now: RowShape, map: TableMap): string[] {
  const key = table.key.join(', ')
  const missing = table.key.filter((name) => !now.columns.some((column) => column.name === name))
  if (missing.length > 0) return [`its key was (${key}), and ${missing.join(', ')} is gone`]
  const logged = map.key?.map((at) => now.columns[at]?.name ?? '')
  // The log names primary keys only; another unique key may be the one that we use.
  if (logged === undefined || logged.length === 0 || logged.join() === table.key.join()) return []
  return [`its key was (${key}) and is (${logged.join(', ')})`]
}

/** What a row event says of one row: a change without its id, or why it is none. */
export type RowRead =
  | { readonly change: Omit<Change, 'id' | 'at_ms'>; readonly complete: boolean; readonly bytes: number }
  | { readonly change: null; readonly problem: string }

/**
 * One row's change. Columns that the images lack stay absent (I6). An update's missing columns have not changed, so those of the image
 * before it stand for them. An insert's missing columns have their defaults, which nobody sent: such a record is read again (`touch`).
 * So is one whose computed columns are missing: MariaDB 11.8 never logs them with an update, changed or not.
 */
export function changeOf(reading: Reading, op: 'insert' | 'update' | 'delete', { before, after }: RowImages): RowRead {
  const { table } = reading.captured
  const image = (after ?? before) as Row
  const row = op === 'update' && before !== null && lacks(image, reading) ? fold(before, image) : image
  const complete = !lacks(row, reading)
  const key = keyIn(row, table)
  const oldKey = op === 'update' && before !== null ? keyIn(before, table, row) : key
  if (key === null || oldKey === null) return { change: null, problem: 'has a key that cannot be read' }
  const again = op === 'insert' ? !complete : op === 'update' && reading.computed.some((name) => !(name in image))
  const told: Op = again ? 'touch' : op === 'insert' ? 'create' : op
  return {
    change: {
      table: table.full,
      op: told,
      key,
      ...(oldKey === key ? {} : { oldKey }),
      row,
      ...(op === 'update' && before !== null ? { before } : {}),
    },
    complete: complete || again,
    bytes: rowBytes(row, reading.nameBytes),
  }
}

function lacks(row: Row, { columns }: Reading): boolean {
  let count = 0
  for (const _ in row) count++
  return count < columns
}

function keyIn(row: Row, table: CatalogTable, otherwise: Row = row): Key | null {
  if (table.key.length === 1) {
    const name = table.key[0] as string
    return keyOf([row[name] ?? otherwise[name]])
  }
  return keyOf(table.key.map((name) => row[name] ?? otherwise[name]))
}

function rowBytes(row: Row, nameBytes: ReadonlyMap<string, number>): number {
  let bytes = 1
  for (const name in row) bytes += (nameBytes.get(name) ?? 0) + jsonBytes(row[name] as Value)
  return bytes
}

/** Every wanted table or column that does not exist. */
export function missingTables(
  found: ReadonlyMap<string, CatalogTable>,
  names: readonly TableName[],
  needs: readonly { readonly name?: string; readonly columns?: readonly string[] }[],
): Problem[] {
  return names.flatMap(({ full }, i): Problem[] => {
    const table = found.get(full)
    const about = { kind: 'table', table: needs[i]?.name ?? full } as const
    if (table === undefined) {
      const what = failure('SYNC-2009', `Table ${full} does not exist, or the user may not see it.`)
      return [{ level: 'error', failure: what, about }]
    }
    const columns = (needs[i]?.columns ?? []).filter((column) => !table.columns.some(({ name }) => name === column))
    return columns.map((column) => ({
      level: 'error',
      failure: failure('SYNC-2009', `Table ${full} has no column "${column}".`),
      about: { ...about, column },
    }))
  })
}

/** The tables to capture, by name. Throws a `SyncError` that names all that do not exist. */
export function capture(
  found: ReadonlyMap<string, CatalogTable>,
  names: readonly TableName[],
  needs: readonly { readonly columns?: readonly string[] }[],
): Map<string, Captured> {
  const [first, ...others] = missingTables(found, names, needs).map((problem) => problem.failure)
  if (first !== undefined) throw new SyncError(first, others)
  return new Map(
    names.map(({ full }, i) => {
      const table = found.get(full) as CatalogTable
      const columns = needs[i]?.columns
      const list = columns === undefined ? null : new Set(columns)
      return [full, { table, needed: (column) => list === null || list.has(column) || table.key.includes(column) }]
    }),
  )
}

/** A table as it is described to the rest of the engine. All its columns stand in the log, virtual ones too. */
export function describeTable({ full, columns, key, rowsEstimated }: CatalogTable): Table {
  return {
    name: full,
    key,
    rowsEstimated,
    columns: columns.map(({ name, columnType, nullable }) => ({ name, type: columnType, nullable, logged: true })),
  }
}
