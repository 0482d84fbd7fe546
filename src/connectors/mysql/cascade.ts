/**
 * Rows that foreign keys change and the log does not show. Each change says which rows it points at (`refs`); one of a parent says whose
 * children were changed with it (`cascades`). The journal keeps the first and answers the second with a touch for every child that it
 * knows, through any depth: docs/decisions/2026-11-22-mysql-cascades.md.
 */
import type { Change, RowRef, SnapshotRequest, SourceEvent } from '../../model/change.ts'
import { failure } from '../../model/failure.ts'
import { type Key, keyOf } from '../../model/key.ts'
import { field, type Row, type Value } from '../../model/value.ts'
import type { CatalogTable } from './catalog.ts'
import type { Effect } from './ddl.ts'
import type { CascadeEdge } from './foreign-keys.ts'

/** The flow to which rows are addressed that are read for what they point at alone: nobody. */
export const refsOnly = '#refs'

/** What is known of the foreign keys around the captured tables. */
export interface Cascades {
  /** The foreign keys, for the position. */
  readonly known: readonly string[]
  /** The change with what it points at, and whose children it changed. Of tables that nobody syncs only the key is left. */
  tie(change: Change, tell: (effect: Effect) => void): Change
  /** An event that is about a table which nobody syncs becomes one for each synced table below it. */
  spread(event: SourceEvent): SourceEvent[]
  /** Tables to read for what their rows point at. `before`: what was `known` when the position was written. */
  unread(before: readonly string[]): SnapshotRequest[]
}

/** A child's columns, and how the journal names the row that they point at. */
interface Pointing {
  readonly columns: readonly string[]
  readonly to: string
  readonly fold: (key: Key) => Key
}

interface PointedAt {
  readonly edge: CascadeEdge
  /** The table's name where its key is pointed at: then the journal finds the way on to grandchildren. */
  readonly name: string
  readonly isKey: boolean
  readonly columns: readonly string[]
  readonly fold: (key: Key) => Key
  /** Captured tables below the child that the journal cannot find by itself, or whose keys change with the parent's. */
  readonly unfound: readonly string[]
  readonly rekeyed: readonly string[]
}

/**
 * `tables`: those of the configuration and all above them. `captured`: those of the configuration alone.
 */
export function newCascades(
  edges: readonly CascadeEdge[],
  tables: ReadonlyMap<string, CatalogTable>,
  captured: ReadonlySet<string>,
): Cascades {
  const pointing = new Map<string, Pointing[]>()
  const pointedAt = new Map<string, PointedAt[]>()
  const below = (table: string) => captured_(descendants(edges, table), captured)
  for (const edge of edges) {
    const { parent, child, childColumns } = edge
    const way = wayOf(edge, tables.get(parent.full))
    const columns = way.columns.map((column) => childColumns[edge.parentColumns.indexOf(column)] as string)
    push(pointing, child.full, { columns, to: way.name, fold: way.fold })
    const childKey = tables.get(child.full)?.key ?? []
    const beyond = edges.filter((next) => next.parent.full === child.full)
    push(pointedAt, parent.full, {
      edge,
      ...way,
      unfound: beyond
        .filter((next) => !wayOf(next, tables.get(child.full)).isKey)
        .flatMap((next) => [next.child.full, ...below(next.child.full)])
        .filter((table) => captured.has(table)),
      rekeyed: childColumns.some((column) => childKey.includes(column))
        ? captured_(new Set([child.full, ...below(child.full)]), captured)
        : [],
    })
  }

  const cascadesOf = (change: Change, tell: (effect: Effect) => void) =>
    (pointedAt.get(change.table) ?? []).flatMap((way) => {
      const found = cascadeOf(change, way)
      if (found === 'nothing') return []
      const { edge, rekeyed, unfound } = way
      const lost =
        found === 'unknown' ? below(edge.parent.full) : found.to === null ? unfound : [...unfound, ...rekeyed]
      for (const table of lost) tell(lostRows(table, edge, change.id))
      return found === 'unknown' ? [] : [found]
    })

  return {
    known: edges.map(nameOf),
    tie(change, tell) {
      const ways = pointing.get(change.table)
      if (ways === undefined && !pointedAt.has(change.table)) return change
      const refs = (ways ?? []).flatMap(({ columns, to, fold }) => {
        const key = change.row === undefined ? undefined : keyAt(columns, change.row)
        return key == null ? [] : [{ table: to, key: fold(key) }]
      })
      const cascades = cascadesOf(change, tell)
      const { row: _, before: __, ...bare } = change
      return {
        ...(captured.has(change.table) && change.only !== refsOnly ? change : bare),
        ...(refs.length === 0 ? {} : { refs }),
        ...(cascades.length === 0 ? {} : { cascades }),
      }
    },
    spread(event) {
      if (event.kind !== 'table' || captured.has(event.table)) return [event]
      return below(event.table).map((table) => ({
        ...event,
        table,
        state: 'gap',
        failure: failure(
          'SYNC-6005',
          `${event.failure.message} Rows of ${table} point at it, and what became of them cannot be told.`,
        ),
      }))
    },
    unread(before) {
      const fresh = edges.filter((edge) => !before.includes(nameOf(edge))).map(({ child }) => child.full)
      return [...new Set(fresh)].filter((table) => tables.has(table)).map((table) => ({ table, only: refsOnly }))
    },
  }
}

const nameOf = ({ name, child }: CascadeEdge) => `${child.full}.${name}`
const captured_ = (tables: ReadonlySet<string>, captured: ReadonlySet<string>) =>
  [...tables].filter((each) => captured.has(each))

function push<T>(map: Map<string, T[]>, key: string, value: T): void {
  const list = map.get(key)
  if (list === undefined) map.set(key, [value])
  else list.push(value)
}

function descendants(edges: readonly CascadeEdge[], table: string): Set<string> {
  const found = new Set<string>()
  const waiting = [table]
  for (let parent = waiting.pop(); parent !== undefined; parent = waiting.pop())
    for (const { parent: from, child } of edges) {
      if (from.full !== parent || found.has(child.full)) continue
      found.add(child.full)
      waiting.push(child.full)
    }
  return found
}

const asIs = (key: Key) => key
/** Texts that a collation holds equal point at each other, whatever their letters. */
const folded = (key: Key) =>
  JSON.stringify(
    (JSON.parse(key) as string[]).map((part) => part.normalize('NFKD').replace(/\p{M}/gu, '').trimEnd().toLowerCase()),
  ) as Key

function wayOf(
  edge: CascadeEdge,
  parent: CatalogTable | undefined,
): Pick<PointedAt, 'name' | 'isKey' | 'columns' | 'fold'> {
  const key = parent?.key ?? []
  const isWhole = key.length === edge.parentColumns.length && key.every((column) => edge.parentColumns.includes(column))
  const columns = isWhole ? key : edge.parentColumns
  const isExact = columns.every((name) => {
    const collation = parent?.columns.find((column) => column.name === name)?.collation ?? null
    return collation === null || /_bin$|^binary$/.test(collation)
  })
  const isKey = isWhole && isExact
  return {
    name: isKey ? edge.parent.full : `${edge.parent.full}(${columns.join(',')})`,
    isKey,
    columns,
    fold: isExact ? asIs : folded,
  }
}

/** Null: a column is null, so that the row points at nothing. Undefined: a column is absent. */
function keyAt(columns: readonly string[], row: Row): Key | null | undefined {
  const values: Value[] = []
  for (const column of columns) {
    const value = field(row, column)
    if (value === undefined) return undefined
    values.push(value)
  }
  return keyOf(values)
}

/** Whose children a change of a parent changed. `unknown`: the image does not say. */
function cascadeOf(
  change: Change,
  { edge, name, columns, fold }: PointedAt,
): { from: RowRef; to: RowRef | null } | 'nothing' | 'unknown' {
  const isGone = change.op === 'delete'
  // An update whose computed columns were not logged is a touch, with the row before it.
  const isUpdate = change.op === 'update' || (change.op === 'touch' && change.before !== undefined)
  if (!isGone && !isUpdate) return 'nothing'
  if ((isGone ? edge.onDelete : edge.onUpdate) === 'NO ACTION') return 'nothing'
  const before = isGone ? change.row : change.before
  const old = before === undefined ? undefined : keyAt(columns, before)
  if (old === null) return 'nothing'
  const now = isGone || change.row === undefined ? undefined : keyAt(columns, change.row)
  // A column that an update does not carry has not changed.
  if (!isGone && now === undefined) return 'nothing'
  if (old === undefined) return 'unknown'
  if (old === now) return 'nothing'
  const follows = !isGone && edge.onUpdate === 'CASCADE' && now != null
  return { from: { table: name, key: fold(old) }, to: follows ? { table: name, key: fold(now) } : null }
}

function lostRows(table: string, { parent, name }: CascadeEdge, id: string): Effect {
  return {
    table,
    state: 'gap',
    message: `The foreign key ${name} changed rows below ${parent.full}, at ${id}, in a way that cannot be followed to ${table}: the server does not log it.`,
  }
}
