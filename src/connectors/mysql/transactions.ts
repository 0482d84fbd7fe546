/**
 * Turns events of the log into source events: transactions of both servers in bounded pieces, XA, savepoints, what statements did to
 * tables, and the position after each.
 */
import type { Change, Position, SourceEvent } from '../../model/change.ts'
import { type FailureCode, failure } from '../../model/failure.ts'
import type { BinlogEvent, Gtid, RowShape, TableMap } from './binlog/event.ts'
import { gtidText } from './binlog/gtid.ts'
import { type Captured, changeOf } from './capture.ts'
import { type Effect, effectsOf, type Names } from './ddl.ts'
import { endOf, fullName, type Group, groupName, groupPlace, isLasting, newGroup } from './group.ts'
import { comparePlaces, type LastGroup, type LogPosition, type Place, writePosition } from './position.ts'
import { decodeProblem, newReadings, unreadable } from './readings.ts'
import { type Statement, statementOf, xidOf } from './statement.ts'
import { domainOf, incident, inPart, lostInRollback, otherHistory, unknown, unknownXa } from './trouble.ts'

/** What must be known of the stream beside it. Called in stream order. */
export interface StreamWatcher {
  /** Rows were passed on, so many bytes as JSON. */
  rows(count: number, bytes: number): void
  /** One of them. `complete`: the image has every column of the table. */
  row(change: Change, complete: boolean): void
  truncated(table: string): void
  /** Changes appeared or went away without rows that say which: an XA transaction, a rollback. */
  unseen(): void
  /** A transaction ended here. `isOurs`: it changed rows of ours; `row`: one of them, where one is known. */
  committed(place: Place, isOurs: boolean, row: Change | null): void
  /** The log was read to here, between two transactions. */
  reached(place: Place): void
}

/** The GTIDs that were read so far. */
export interface GtidsRead {
  add(gtid: Gtid): void
  text(): string
}

/** What the reader of transactions works with. */
export interface TransactionsOptions {
  readonly tables: ReadonlyMap<string, Captured>
  readonly names: Names
  readonly shape: (map: TableMap, captured: Captured) => RowShape | { mismatch: string }
  readonly from: LogPosition
  /** The transaction that is sent again, to show that the history is the same; null: none is. */
  readonly proof: LastGroup | null
  /** It has to be the very first: the log is read from its begin on. */
  readonly proofIsFirst: boolean
  /** Null where the position is a file and an offset. */
  readonly gtids: GtidsRead | null
  /** All that was logged before the file that begins now; null where GTIDs cannot be relied on. */
  readonly adopt: (executed: string) => GtidsRead | null
  /** Without column names in the log: what the tables look like. */
  readonly shapes: () => LogPosition['shapes']
  /** Adds what foreign keys make of a change. */
  readonly tie: (change: Change, tell: (effect: Effect) => void) => Change
  /** Where the log was when the tables were read from the catalog. */
  readonly openedAt: Place
  readonly pieceRows: number
  readonly pieceBytes: number
  readonly emit: (event: SourceEvent) => void
  readonly watch: StreamWatcher
}

/** The reader of the log's transactions. */
export interface Transactions {
  push(event: BinlogEvent): void
  inside(): boolean
  /** The position after the last complete transaction. */
  position(): Position
  /** Where that is. */
  place(): Place
  /** The proof is not there any more; nothing waits for it from now on. False: it has come already, or none was asked for. */
  withoutProof(): boolean
  /** The table's rows cannot be read until it is read from the catalog again. */
  blind(table: string): void
  /** It was. */
  relearn(table: string): void
}

type Rows = Extract<BinlogEvent, { kind: 'rows' }>
type Query = Extract<BinlogEvent, { kind: 'query' }>

/** Makes the reader; events are pushed into it in the order of the log. */
export function readTransactions(options: TransactionsOptions): Transactions {
  const { tables, names, emit, watch } = options
  let { gtids } = options
  let { file, offset, last, row: named } = options.from
  let proof = options.proof
  const held = new Map(Object.entries(options.from.held))
  /** The last row that was passed on of the open transaction, and of those that are held. */
  let row: Change | null = null
  const heldRows = new Map<string, Change>()
  let group: Group | null = null
  let gtid: Gtid | null = null
  /** Where the event that is being read ends. */
  let ended = offset
  const place = (): Place => ({ file, offset })
  const stays = (table: string): boolean => isLasting(tables.get(table)?.table.engine ?? '')

  const write = (): Position => {
    const { from, shapes } = options
    const open = held.size === 0 ? {} : Object.fromEntries(held)
    const row = gtids === null && from.flavour === 'mysql' ? named : null
    return writePosition({
      ...from,
      gtids: gtids?.text() ?? null,
      file,
      offset,
      last,
      held: open,
      shapes: shapes(),
      row,
    })
  }
  let position = write()

  const tell = (effect: Effect) => {
    if (group?.old === true) return
    const { table, state, message, hint, blinds, gone = [] } = effect
    const said = `${table} ${state}`
    if (group?.told.has(said) === true) return
    group?.told.add(said)
    if (group !== null) pass(group, false) // what came before it stays before it
    const code: FailureCode = state === 'truncated' ? 'SYNC-6003' : state === 'changed' ? 'SYNC-6004' : 'SYNC-6005'
    // The transaction is not complete, so the position must not pass it.
    emit({ kind: 'table', table, state, failure: failure(code, message, hint === undefined ? {} : { hint }), position })
    if (state === 'truncated') watch.truncated(table)
    // Without names in the log the catalog says what a column is, and it has changed.
    if (blinds === true || (state === 'changed' && !names.named)) readings.blind(table)
    readings.gone(table, gone)
  }
  const readings = newReadings({ ...options, tell })

  /** Passes on what is decoded of the transaction. */
  const pass = (from: Group, all: boolean): void => {
    const noted = from.piece.take(all)
    if (noted.length === 0) return
    watch.rows(noted.length, from.waitingBytes)
    from.waitingBytes = 0
    from.isPassed = true
    const changes = noted.map(({ change }) => change)
    emit({ kind: 'rows', tx: groupName(from), changes })
    // Of tables that are read for their foreign keys alone no row is kept, and none can be told too often.
    for (const { change, complete } of noted) if (change.row !== undefined) watch.row(change, complete)
    row = changes.at(-1) ?? row
  }

  /** Begins a transaction. One whose end never came was rolled back: the server stopped in the middle of it. */
  const begin = (id: string, domain: number, at_s: number): Group => {
    if (group !== null) forget(group)
    const isProof = id === proof?.id
    if (proof !== null && !isProof && (options.proofIsFirst || domain === domainOf(proof)))
      throw otherHistory(proof, id)
    row = null
    group = newGroup(id, domain, place(), at_s * 1_000, isProof)
    return group
  }

  const beginHere = (at_s: number): Group => group ?? begin(`${file}:${offset}`, 0, at_s)

  const forget = (done: Group) => {
    if (done.isPassed) {
      emit({ kind: 'discard', tx: groupName(done), position })
      watch.unseen()
    }
    group = null
    gtid = null
  }

  /** The transaction is over: the position passes it, and `how` tells so; null: nothing of it is ours. */
  const end = (done: Group, changed: Change | null, how: () => SourceEvent | null) => {
    if (done.old) {
      if (proof !== null && (done.stamp ?? 0) !== proof.stamp) throw otherHistory(proof, done.id)
      proof = null
    }
    offset = ended
    if (gtid !== null) gtids?.add(gtid)
    last = { id: done.id, stamp: done.stamp ?? 0, at: done.begin }
    gtid = null
    group = null
    if (changed !== null) named = changed
    position = write()
    const event = done.old ? null : how()
    emit(event ?? { kind: 'progress', position })
    watch.committed(place(), event !== null, changed)
    watch.reached(place())
  }

  const commit = (done: Group) => {
    pass(done, true)
    const set = { id: done.id, bytes: done.bytes }
    end(done, row, () => (done.isPassed ? { kind: 'commit', tx: groupName(done), position, set } : null))
  }

  const rollBack = (done: Group) => {
    const passed = done.piece.rollBack(null, stays)
    if (done.isPassed) {
      emit({ kind: 'discard', tx: groupName(done), position })
      watch.unseen()
      done.isPassed = false
      done.isAgain = true
      // What was passed on is forgotten as a whole; rows of tables that cannot be rolled back were among it.
      for (const table of passed.filter(stays)) tell(lostInRollback(table, groupPlace(done)))
    }
    commit(done)
  }

  const rollBackTo = (done: Group, name: string) => {
    for (const table of done.piece.rollBack(name, stays))
      if (!stays(table)) tell(lostInRollback(table, groupPlace(done)))
  }

  const prepare = (done: Group, xid: string) => {
    pass(done, true)
    if (!done.old) held.set(xid, done.isPassed ? groupName(done) : '')
    if (row !== null) heldRows.set(xid, row)
    if (done.isPassed) watch.unseen()
    end(done, null, () => (done.isPassed ? { kind: 'hold', tx: groupName(done), position } : null))
  }

  const finish = (done: Group, verb: string, xid: string) => {
    const tx = held.get(xid)
    if (!done.old) {
      held.delete(xid)
      if (tx === undefined && verb === 'commit')
        for (const table of names.captured) tell(unknownXa(table, xid, groupPlace(done)))
    }
    if (tx) watch.unseen()
    const kind = verb === 'commit' ? 'release' : 'discard'
    end(done, heldRows.get(xid) ?? null, () => (tx ? { kind, tx, position } : null))
    heldRows.delete(xid)
  }

  const rows = (event: Rows) => {
    if (group === null) throw unknown('rows outside of a transaction', place())
    const open = group
    const index = open.events++
    open.stamp ??= event.header.at_s
    if (open.old) return
    if (event.table === null) throw unknown('rows of a table that was not described', place())
    const reading = readings.of(event.table, place(), groupPlace(open))
    if (reading === null) return
    const table = reading.captured.table.full
    const prefix = `${groupName(open)}/${index}.`
    let n = 0
    try {
      for (const images of event.images(reading.shape)) {
        const id = prefix + n++
        const read = changeOf(reading, event.op, images)
        if (read.change === null) {
          tell(unreadable(table, groupPlace(open), `a row ${read.problem}.`))
          continue
        }
        open.piece.add(options.tie({ ...read.change, id, at_ms: open.at_ms }, tell), read.complete)
        open.rows++
        open.bytes += read.bytes
        open.waitingBytes += read.bytes
        if (open.piece.size() >= options.pieceRows || open.waitingBytes >= options.pieceBytes) pass(open, false)
      }
    } catch (error) {
      const problem = decodeProblem(error)
      if (problem === null) throw error
      readings.blind(table)
      tell(unreadable(table, groupPlace(open), problem))
    }
  }

  const query = ({ sql, schema, header, strict, databases }: Query) => {
    const meaning: Statement = statementOf(sql, schema)
    switch (meaning.kind) {
      case 'begin':
        beginHere(header.at_s).explicit = true
        return
      case 'commit':
        if (group !== null) commit(group)
        return
      case 'rollback':
        if (group !== null) rollBack(group)
        return
      case 'savepoint':
        group?.piece.mark(meaning.name)
        return
      case 'rollback-to':
        if (group !== null) rollBackTo(group, meaning.name)
        return
      case 'xa':
        if (meaning.verb === 'commit' || meaning.verb === 'rollback')
          finish(beginHere(header.at_s), meaning.verb, meaning.xid)
        else if (meaning.verb === 'start' || meaning.verb === 'begin') beginHere(header.at_s).explicit = true
        return
      default: {
        const open = beginHere(header.at_s)
        open.stamp ??= header.at_s
        effectsOf(meaning, names, { at: groupPlace(open), from: place(), strict, databases }).forEach(tell)
        if (!open.explicit) commit(open)
      }
    }
  }

  /** Moves between two transactions. */
  const move = (to: Place) => {
    if (group !== null) return
    ;({ file, offset } = to)
    ended = offset
    position = write()
    emit({ kind: 'progress', position })
    watch.reached(place())
  }

  /** Something that belongs to no transaction has passed. */
  const between = () => {
    if (group !== null || ended === offset) return
    offset = ended
    watch.reached(place())
  }

  const push = (event: BinlogEvent): void => {
    const { header } = event
    ended = endOf(header, { offset, ended, inside: group !== null })
    switch (event.kind) {
      case 'gtid': {
        const id = gtidText(event.gtid)
        const open = begin(id, event.gtid.flavour === 'mariadb' ? event.gtid.domain : 0, header.at_s)
        gtid = event.gtid
        open.explicit = event.gtid.flavour === 'mariadb' && !event.standalone
        return
      }
      case 'anonymous':
        gtids = null // a set of GTIDs cannot say that this one was read
        begin(`${file}:${offset}`, 0, header.at_s)
        return
      case 'query':
        query(event)
        return
      case 'rows':
        rows(event)
        return
      case 'commit':
        if (group !== null) commit(group)
        return
      case 'prepare':
        if (group === null) return
        if (event.onePhase) commit(group)
        else prepare(group, xidOf(event.xid))
        return
      case 'partial':
        partial(event.table, event.name)
        return
      case 'incident':
        for (const table of names.captured) tell(incident(table, event.message, place()))
        return
      case 'unknown':
        if (!event.ignorable) throw unknown(`an event of type ${header.type}`, place())
        between()
        return
      case 'format':
        // A new file; the one before may have ended in the middle of a transaction.
        if (!header.artificial) {
          if (group !== null) forget(group)
          readings.forget()
        }
        return
      case 'rotate':
        if (group !== null) forget(group)
        move({ file: event.file, offset: event.offset })
        return
      case 'heartbeat':
        if (comparePlaces(event, place()) > 0) move({ file: event.file, offset: event.offset })
        return
      case 'executed':
        if (gtids === null && !header.artificial) gtids = options.adopt(event.gtids)
        between()
        return
      case 'table':
      case 'nothing':
        between()
        return
    }
  }

  const partial = (table: TableMap | null, name: string) => {
    if (table === null) throw unknown(`an event ${name}`, place())
    if (group !== null) group.events++
    if (tables.has(fullName(table))) tell(inPart(fullName(table), name, place()))
  }

  const withoutProof = () => {
    const wasMissing = proof !== null
    proof = null
    return wasMissing
  }

  return { ...readings, push, inside: () => group !== null, position: () => position, place, withoutProof }
}
