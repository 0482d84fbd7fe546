/** How the rows of each TABLE_MAP are read, and which tables cannot be read at all. */
import { DecodeError, type RowShape, type ShapeColumn, type TableMap } from './binlog/event.ts'
import { typesLogged } from './binlog/fit.ts'
import { type Captured, type Reading, readingOf, shapeProblems } from './capture.ts'
import type { Effect } from './ddl.ts'
import { fullName } from './group.ts'
import { comparePlaces, type Place } from './position.ts'

/** What readings are made with. */
export interface ReadingsOptions {
  readonly tables: ReadonlyMap<string, Captured>
  readonly shape: (map: TableMap, captured: Captured) => RowShape | { mismatch: string }
  /** Where the log was when the tables were read from the catalog. */
  readonly openedAt: Place
  /** Tells what became of a table. */
  readonly tell: (effect: Effect) => void
}

/** The readings of one feed. */
export interface Readings {
  /** Null: the rows are not ours, or nobody can read them. `at`: where in the log, for messages. */
  of(map: TableMap, place: Place, at: string): Reading | null
  /** The table's rows are passed over until it is read from the catalog again. */
  blind(table: string): void
  /** That these columns are gone was told. */
  gone(table: string, columns: readonly string[]): void
  /** It was read from the catalog again. */
  relearn(table: string): void
  /** The server forgot its table ids. */
  forget(): void
}

const again = 'Read the table again: `syncline sync <sync> --full`.'

/** A row, or a shape, that cannot be read: the table stops, all others go on. */
export function unreadable(table: string, at: string, problem: string): Effect {
  return {
    table,
    state: 'gap',
    message: `Table ${table} cannot be followed from ${at} on: ${problem}`,
    hint: `Mend what the message names (SET GLOBAL binlog_row_metadata = FULL; lets the log describe its own rows). ${again}`,
  }
}

/** No readings yet. */
export function newReadings(options: ReadingsOptions): Readings {
  const { tables, tell } = options
  let known = new Map<TableMap, Reading | null>()
  const shapes = new Map<string, readonly ShapeColumn[]>()
  const blind = new Set<string>()
  const gone = new Map<string, readonly string[]>()

  const learn = (map: TableMap, place: Place, at: string): Reading | null => {
    const name = fullName(map)
    const captured = tables.get(name)
    if (captured === undefined || blind.has(name)) return null
    const shape = options.shape(map, captured)
    if ('mismatch' in shape) {
      blind.add(name)
      tell(unreadable(name, at, shape.mismatch))
      return null
    }
    // The catalog was read when the feed was opened: for older transactions it is the future, and says nothing.
    const isFresh = comparePlaces(place, options.openedAt) >= 0
    const left = gone.get(name) ?? []
    const before = (shapes.get(name) ?? (isFresh ? catalogShape(captured, shape) : [])).filter(
      (column) => !left.includes(column.name),
    )
    shapes.set(name, shape.columns)
    gone.delete(name)
    const problems = shapeProblems(captured, before, shape, isFresh || before.length > 0 ? map : { ...map, key: [] })
    if (problems.length > 0)
      tell({ table: name, state: 'changed', message: `Table ${name} changed, at ${at}: ${problems.join('; ')}.` })
    return readingOf(captured, shape)
  }

  return {
    of(map, place, at) {
      let reading = known.get(map)
      if (reading === undefined) {
        reading = learn(map, place, at)
        known.set(map, reading)
      }
      return reading
    },
    blind(table) {
      blind.add(table)
      for (const map of known.keys()) if (fullName(map) === table) known.set(map, null)
    },
    gone(table, columns) {
      if (columns.length > 0) gone.set(table, [...(gone.get(table) ?? []), ...columns])
    },
    relearn(table) {
      blind.delete(table)
      gone.delete(table)
      for (const map of known.keys()) if (fullName(map) === table) known.delete(map)
    },
    forget() {
      known = new Map()
    },
  }
}

/** What the catalog says of names and types: a column of it that the log does not have is gone, or has become another. */
function catalogShape({ table }: Captured, shape: RowShape): ShapeColumn[] {
  const [some] = shape.columns
  if (some === undefined) return []
  return table.columns.map(({ name, dataType }) => {
    const today = shape.columns.find((column) => column.name === name)
    const logged = typesLogged(dataType)
    if (today !== undefined && logged.includes(today.type)) return today
    return { ...(today ?? some), name, type: logged[0] as number }
  })
}

/** Whether an error is about rows of one table; what it says then. */
export function decodeProblem(error: unknown): string | null {
  return error instanceof DecodeError ? error.message : null
}
