/** Turns the messages of the log into source events: relations, rows with their keys, transactions in bounded pieces. */
import type { Change, Position, SourceEvent } from '../../model/change.ts'
import { failure } from '../../model/failure.ts'
import { keyOf } from '../../model/key.ts'
import { type MutableRow, newRow, type Row } from '../../model/value.ts'
import { jsonBytes, textBytes } from '../sql/json-bytes.ts'
import type { CatalogTable } from './catalog.ts'
import type { LogMessage, Old } from './pgoutput.ts'
import { type Cell, cellValue, type Type, type TypeInfo, typeOf } from './values.ts'

/** The prefix of our messages in the log: marks of our own writes, and the high-water marks of snapshots. */
export const messagePrefix = 'syncline'
/** What the content of a high-water mark begins with; any other content is the mark of a write of ours. */
export const highWaterPrefix = 'hw:'

/** A table as it is captured. */
export interface Captured {
  readonly table: CatalogTable
  /** Columns that must not disappear or change their type. */
  readonly needed: (column: string) => boolean
}

/** What a snapshot has to know of the stream. Called in stream order. */
export interface StreamWatcher {
  /** A row changed. `complete`: the image has every column of the table. */
  row(change: Change, complete: boolean): void
  truncated(table: string): void
  /** A transaction was passed on completely; its events are out. */
  committed(xid: number, highWater: readonly string[]): void
}

/** The columns of a relation at some time. */
interface Shape {
  readonly names: readonly string[]
  readonly types: readonly Type[]
  readonly oids: readonly number[]
}

interface Relation extends Shape {
  readonly captured: Captured
  /** Bytes of each `"name":` with the comma or brace before it. */
  readonly nameBytes: readonly number[]
  /** Where the key's columns are, in key order. */
  readonly key: readonly number[]
  readonly identity: readonly boolean[]
}

interface Open {
  readonly lsn: bigint
  readonly tx: string
  readonly xid: number
  readonly at_ms: number
  /** Read before and stored: its rows are passed over. */
  readonly old: boolean
  /** Row events so far, ours or not: the index must not depend on which tables we want. */
  index: number
  bytes: number
  rows: number
  mark: string | undefined
  readonly highWater: string[]
}

/** The reader of the log's transactions. */
export interface Transactions {
  /** Whether rows of this relation are decoded. */
  wanted(relation: number): boolean
  push(message: LogMessage): void
  /** Passes on what is decoded of the open transaction. */
  flush(): void
  inside(): boolean
  /** The position after the last complete transaction. */
  position(): Position
  /** The log has been read to here without anything for us. */
  advance(lsn: bigint): void
}

/** What the reader of transactions works with. */
export interface TransactionsOptions {
  readonly tables: ReadonlyMap<string, Captured>
  readonly types: ReadonlyMap<number, TypeInfo>
  readonly from: bigint
  /** Where the log was when the tables' catalog entries were read. */
  readonly openedAt: bigint
  readonly write: (lsn: bigint) => Position
  readonly emit: (event: SourceEvent) => void
  readonly watch: StreamWatcher
}

/** Makes the reader; messages are pushed into it in the order of the log. */
export function readTransactions(options: TransactionsOptions): Transactions {
  const { tables, types, write, emit, watch } = options
  const relations = new Map<number, Relation | null>()
  let lsn = options.from
  let position = write(lsn)
  let open: Open | null = null
  let piece: Change[] = []

  const flush = () => {
    if (open === null || piece.length === 0) return
    emit({ kind: 'rows', tx: open.tx, changes: piece })
    piece = []
  }

  const tell = (table: string, state: 'truncated' | 'changed' | 'gap', message: string) => {
    flush() // what came before it stays before it
    const code = state === 'truncated' ? 'SYNC-6003' : state === 'changed' ? 'SYNC-6004' : 'SYNC-6005'
    // The transaction is not complete, so the position must not pass it.
    emit({ kind: 'table', table, state, failure: failure(code, message), position })
  }

  const learn = (message: LogMessage & { kind: 'relation' }) => {
    const captured = tables.get(`${message.schema}.${message.name}`)
    if (captured === undefined) {
      relations.set(message.oid, null)
      return
    }
    const name = captured.table.name
    const isOld = open?.old === true
    if (message.oid !== captured.table.oid && !relations.has(message.oid) && !isOld)
      tell(name, 'gap', `Table ${name} was dropped and made again; what became of its old rows is not in the log.`)
    // The catalog was read when the feed was opened: for older transactions it is the future, and says nothing.
    const known = open !== null && open.lsn >= options.openedAt ? shapeOf(captured.table, types) : null
    const before = relations.get(message.oid) ?? known
    const { relation, problems } = understand(captured, message, before, types)
    relations.set(message.oid, relation)
    if (problems.length > 0 && !isOld) tell(name, 'changed', `Table ${name} changed: ${problems.join('; ')}.`)
  }

  const add = (relation: Relation, op: 'create' | 'update' | 'delete', cells: readonly Cell[], old: Old | null) => {
    const tx = inside(open)
    if (cells.length !== relation.names.length) throw new RangeError('a row with another number of columns')
    const index = tx.index++
    if (tx.old) return
    const table = relation.captured.table.name
    const row = newRow()
    let complete = true
    let bytes = 1
    for (let i = 0; i < cells.length; i++) {
      let cell = cells[i]
      if (op === 'delete' && old?.kind === 'key' && !relation.identity[i]) continue // sent as null, but not known
      if (cell === undefined && old !== null && (old.kind === 'full' || relation.identity[i])) cell = old.row[i]
      if (cell === undefined) {
        complete = false // I6: an unchanged TOAST value is absent, not null
        continue
      }
      const value = cellValue(cell, relation.types[i] as Type)
      row[relation.names[i] as string] = value
      bytes += (relation.nameBytes[i] as number) + jsonBytes(value)
    }
    const key = keyOf(relation.key.map((at) => row[relation.names[at] as string]))
    const before = op === 'update' && old !== null ? beforeOf(relation, old) : undefined
    const oldKey = before === undefined ? key : keyOf(relation.key.map((at) => before[relation.names[at] as string]))
    if (key === null || oldKey === null) {
      tell(table, 'gap', `A row of ${table} in transaction ${tx.xid} has a key that cannot be read.`)
      return
    }
    const change: MutableChange = { table, op, key, row, id: `${tx.tx}/${index}`, at_ms: tx.at_ms }
    if (before !== undefined) change.before = before
    if (oldKey !== key) change.oldKey = oldKey
    if (tx.mark !== undefined) change.mark = tx.mark
    tx.bytes += bytes
    tx.rows++
    piece.push(change)
    watch.row(change, complete)
  }

  const push = (message: LogMessage): void => {
    switch (message.kind) {
      case 'begin':
        open = {
          lsn: message.lsn,
          tx: message.lsn.toString(16).padStart(16, '0'),
          xid: message.xid,
          at_ms: message.at_ms,
          // The commit record lies before the stored end of a transaction: the server sends again what we have.
          old: message.lsn < options.from,
          index: 0,
          bytes: 0,
          rows: 0,
          mark: undefined,
          highWater: [],
        }
        return
      case 'commit': {
        const done = inside(open)
        flush()
        open = null
        if (done.old) return
        lsn = message.end
        position = write(lsn)
        if (done.rows > 0)
          emit({ kind: 'commit', tx: done.tx, position, set: { id: String(done.xid), bytes: done.bytes } })
        else emit({ kind: 'progress', position })
        watch.committed(done.xid, done.highWater)
        return
      }
      case 'relation':
        learn(message)
        return
      case 'insert':
        add(relationOf(relations, message.relation), 'create', message.row, null)
        return
      case 'update':
        add(relationOf(relations, message.relation), 'update', message.row, message.old)
        return
      case 'delete':
        add(relationOf(relations, message.relation), 'delete', message.old.row, message.old)
        return
      case 'truncate':
        for (const oid of message.relations) {
          const name = relations.get(oid)?.captured.table.name
          if (name === undefined || inside(open).old) continue
          tell(name, 'truncated', `Table ${name} was truncated at the source (transaction ${inside(open).xid}).`)
          watch.truncated(name)
        }
        return
      case 'message':
        if (message.prefix !== messagePrefix || !message.transactional || open === null) return
        if (message.content.startsWith(highWaterPrefix)) open.highWater.push(message.content)
        else open.mark = message.content
        return
      case 'row':
        inside(open).index++
        return
      case 'other':
        return
    }
  }

  return {
    wanted: (relation) => open?.old !== true && relations.get(relation) != null,
    push,
    flush,
    inside: () => open !== null,
    position: () => position,
    advance(to) {
      if (open !== null || to <= lsn) return
      lsn = to
      position = write(lsn)
      emit({ kind: 'progress', position })
    },
  }
}

type MutableChange = { -readonly [Name in keyof Change]: Change[Name] }

function inside(open: Open | null): Open {
  if (open === null) throw new RangeError('a row outside of a transaction')
  return open
}

function relationOf(relations: ReadonlyMap<number, Relation | null>, oid: number): Relation {
  const relation = relations.get(oid)
  if (relation == null) throw new RangeError('a row of a relation that was not described')
  return relation
}

function beforeOf(relation: Relation, old: Old): Row {
  const row: MutableRow = newRow()
  for (let i = 0; i < old.row.length; i++) {
    const cell = old.row[i]
    if (cell === undefined || (old.kind === 'key' && !relation.identity[i])) continue
    row[relation.names[i] as string] = cellValue(cell, relation.types[i] as Type)
  }
  return row
}

function shapeOf(table: CatalogTable, types: ReadonlyMap<number, TypeInfo>): Shape {
  const columns = table.columns.filter((column) => !column.generated)
  return {
    names: columns.map((column) => column.name),
    types: columns.map((column) => typeOf(column.oid, types) ?? unknownType(column.oid)),
    oids: columns.map((column) => column.oid),
  }
}

/** The relation as we read it from now on, and what its change breaks. */
function understand(
  captured: Captured,
  message: LogMessage & { kind: 'relation' },
  before: Shape | null,
  types: ReadonlyMap<number, TypeInfo>,
): { relation: Relation; problems: string[] } {
  const { table } = captured
  const names = message.columns.map((column) => column.name)
  const relation: Relation = {
    captured,
    names,
    types: message.columns.map((column) => typeOf(column.type, types) ?? unknownType(column.type)),
    oids: message.columns.map((column) => column.type),
    nameBytes: names.map((name) => textBytes(name) + 2),
    key: table.key.map((name) => names.indexOf(name)),
    identity: message.columns.map((column) => column.identity),
  }
  const problems: string[] = before === null ? [] : columnProblems(captured, before, relation)
  const identity = names.filter((_, i) => relation.identity[i])
  if (message.identity === 'n')
    problems.push('its replica identity is NOTHING, so that updates and deletes name no row')
  else if (message.identity !== 'f' && identity.toSorted().join() !== table.key.toSorted().join())
    problems.push(`its key was (${table.key.join(', ')}) and is (${identity.join(', ')})`)
  return { relation, problems }
}

function columnProblems(captured: Captured, before: Shape, now: Shape): string[] {
  const problems: string[] = []
  const added = now.names.filter((name) => !before.names.includes(name))
  for (const [i, name] of before.names.entries()) {
    if (!captured.needed(name)) continue
    const at = now.names.indexOf(name)
    if (at < 0)
      problems.push(`column ${name} is gone${added.length > 0 ? ` (new: ${added.join(', ')}; renamed?)` : ''}`)
    else if (now.oids[at] !== before.oids[i])
      problems.push(`column ${name} was ${before.types[i]?.name} and is ${now.types[at]?.name}`)
  }
  return problems
}

function unknownType(oid: number): Type {
  return { name: `type ${oid}`, decode: (text) => ({ kind: 'other', type: `type ${oid}`, text }) }
}
