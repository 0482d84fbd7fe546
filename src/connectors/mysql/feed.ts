/** The open reader of the log: buffers with bounds, high-water marks, and what is read beside the stream. */
import type { Change, Position, SnapshotProgress, SourceEvent } from '../../model/change.ts'
import { failure, SyncError } from '../../model/failure.ts'
import type { Feed } from '../../model/source.ts'
import type { Clock } from '../../std/clock.ts'
import type { Random } from '../../std/random.ts'
import { orAborted } from '../../std/signal.ts'
import { newOutbox, type Outbox } from '../sql/outbox.ts'
import { ownLinks } from '../sql/reads.ts'
import { readSnapshots, type Snapshots } from '../sql/snapshot.ts'
import { type BinlogEvent, DecodeError, type TableMap } from './binlog/event.ts'
import { shapeOf } from './binlog/shape.ts'
import type { Captured } from './capture.ts'
import type { Cascades } from './cascade.ts'
import { type CatalogTable, fingerprint } from './catalog.ts'
import type { Link } from './client.ts'
import type { Names } from './ddl.ts'
import { type Opening, readFrom, readPlace } from './identity.ts'
import type { Reader, Settings } from './options.ts'
import { comparePlaces, type Place, readPosition } from './position.ts'
import { changeProblems, refuseErrors } from './preflight.ts'
import { concernsTable, readChunks } from './snapshot.ts'
import { readLog, type Start } from './stream.ts'
import { readTransactions, type StreamWatcher, type Transactions } from './transactions.ts'
import type { Visibility } from './visibility.ts'

/** What a feed is made of. */
export interface FeedOptions {
  readonly settings: Settings
  readonly clock: Clock
  readonly random: Random
  /** The connection that the log comes over; the feed owns it. */
  readonly link: Link
  /** As whom. */
  readonly reader: Reader
  readonly connect: (signal: AbortSignal) => Promise<Link>
  /** The captured tables; this keeps them as the catalog shows them. */
  readonly tables: Map<string, Captured>
  readonly names: Names
  readonly opening: Opening
  /** Where the log was when the tables were read from the catalog. */
  readonly openedAt: Place
  readonly visibility: Visibility
  readonly cascades: Cascades
  /** What was found while opening: it comes first. */
  readonly found: readonly SourceEvent[]
  readonly snapshots: readonly SnapshotProgress[]
}

/** Starts the stream and gives the feed. */
export function startFeed(options: FeedOptions, signal: AbortSignal): Feed {
  const { clock, link, settings, tables, names, opening, visibility, cascades } = options
  const ended = new AbortController()
  const over = AbortSignal.any([signal, ended.signal])
  const room = newRoom()
  let yielded: Position | null = null
  const looks = newLooks(names, tables)
  const { connect, cut } = ownLinks(options.connect, over)

  const outbox = newOutbox({
    clock,
    settings,
    signal,
    over,
    flush: () => {}, // small transactions are passed on whole, large ones in pieces of their own
    pause: room.close,
    resume: room.open,
    given(item) {
      const last = item.findLast((event) => event.kind !== 'rows')
      if (last !== undefined) yielded = last.position
    },
  })
  const isNews = newNews()
  const emit = (event: SourceEvent) => {
    for (const each of cascades.spread(event)) if (isNews(each, each !== event)) outbox.emit(each)
  }

  const emitChunk = (event: SourceEvent) => {
    if (event.kind !== 'rows') return emit(event)
    outbox.count(event.changes.length, textLength(event.changes))
    emit({ ...event, changes: event.changes.map((change) => cascades.tie(change, () => {})) })
  }

  const fail = (error: unknown) => {
    outbox.fail(error instanceof DecodeError ? unreadable(error) : error)
    ended.abort(error)
  }
  const gaps = newGaps({ inside: () => transactions.inside(), place: () => transactions.place() })
  const markHere = async (asked: Link, done: () => void) => gaps.mark(await readPlace(asked), done)

  const startSnapshots = (): Snapshots => {
    return readSnapshots({
      ...options,
      open: async (until) =>
        readChunks(await connect(until), {
          settings,
          visibility,
          learned: (table, asking) => learn(table, asking, until),
          async mark(mark, asking) {
            await orAborted(room.wait() ?? Promise.resolve(), until) // I7: where nothing happens the mark is reached at once
            await markHere(asking, () => snapshots.watch.passed(mark))
          },
        }),
      rowsEstimated: (table) => tables.get(table)?.table.rowsEstimated ?? null,
      ofTable: concernsTable,
      emit: emitChunk,
      position: () => transactions.position(),
      between: gaps.between,
    })
  }
  const snapshots = startSnapshots()

  /** The stream reads a table as the catalog has it from where the catalog was asked. */
  const learn = async (table: CatalogTable, asking: Link, until: AbortSignal) => {
    const known = tables.get(table.full)
    if (known === undefined)
      throw new SyncError(failure('SYNC-2009', `Table ${table.full} is not captured by this source.`))
    refuseErrors(changeProblems(known, table))
    if (fingerprint(known.table) !== fingerprint(table)) {
      const reached = Promise.withResolvers<void>()
      await markHere(asking, reached.resolve)
      await orAborted(reached.promise, until)
    }
    tables.set(table.full, { ...known, table })
    looks.changed()
    transactions.relearn(table.full)
  }

  const transactions: Transactions = readTransactions({
    tables,
    names,
    shape: looks.shape,
    from: { ...opening.from, edges: cascades.known },
    proof: opening.proof,
    proofIsFirst: opening.start.kind === 'file',
    gtids: opening.gtids,
    adopt: (executed) => (names.hasGtids ? readFrom(opening.from.flavour, executed) : null),
    shapes: looks.now,
    openedAt: options.openedAt,
    pieceRows: settings.bufferRows,
    pieceBytes: settings.bufferBytes,
    tie: cascades.tie,
    emit,
    watch: watcher(outbox, snapshots, visibility, gaps),
  })

  const caughtUp = async (asking: AbortSignal) => {
    const until = AbortSignal.any([asking, over])
    const isRead = snapshots.finished()
    const asked = await connect(until)
    const reached = Promise.withResolvers<void>()
    try {
      await markHere(asked, reached.resolve)
      await orAborted(Promise.all([reached.promise, isRead]), until)
    } finally {
      await asked.close()
    }
    await outbox.untilStored(until)
  }

  const durable = (position: Position) => {
    // The server keeps its log whatever we say; a position that was never given out is a fault of ours all the same (I1).
    if (position === yielded) return
    if (yielded === null || comparePlaces(readPosition(position), readPosition(yielded)) > 0)
      throw new Error('this position was never read from this feed')
  }

  const works = [
    followLog(options, { transactions, room, connect }, over),
    beat(options, outbox, over),
    snapshots.run(over),
  ]
  for (const work of works) work.catch((error) => over.aborted || fail(error))
  over.addEventListener('abort', () => {
    room.open()
    outbox.ring()
    cut()
    link.destroy()
  })
  begin(options, transactions, snapshots, emit)

  return {
    events: { [Symbol.asyncIterator]: outbox.events },
    durable,
    snapshot: (request) => snapshots.request(request),
    caughtUp,
    async [Symbol.asyncDispose]() {
      ended.abort(new Error('the feed was closed'))
      link.destroy()
      await Promise.allSettled(works)
    },
  }
}

/** What stops several tables above a synced one, or that one too, stops it once. `isSpread`: it is about a table above. */
function newNews(): (event: SourceEvent, isSpread: boolean) => boolean {
  let at: Position | null = null
  let told = new Set<string>()
  return (event, isSpread) => {
    if (event.kind !== 'table') return true
    if (at !== event.position) told = new Set()
    at = event.position
    const isNew = !told.has(event.table)
    told.add(event.table)
    return isNew || !isSpread
  }
}

/** About how many bytes rows take, without looking at their letters. */
function textLength(changes: readonly Change[]): number {
  let length = 0
  for (const { row = {} } of changes)
    for (const value of Object.values(row)) {
      if (typeof value === 'string') length += value.length
      else if (typeof value === 'object' && value !== null && 'text' in value) length += value.text.length
    }
  return length
}

/** Who hears what of the stream. */
function watcher(outbox: Outbox, { watch }: Snapshots, visibility: Visibility, gaps: Gaps): StreamWatcher {
  return {
    ...watch,
    rows: outbox.count,
    committed(place, isOurs, row) {
      if (isOurs) visibility.streamed(place, row)
      gaps.passed()
      watch.committed()
      outbox.ring()
    },
    reached: gaps.reached,
  }
}

/** What was found while opening comes first; then snapshots that were asked for. */
function begin(
  { found, cascades, opening, snapshots: unfinished }: FeedOptions,
  transactions: Transactions,
  snapshots: Snapshots,
  emit: (event: SourceEvent) => void,
): void {
  for (const event of found) {
    if (event.kind === 'table') transactions.blind(event.table)
    emit(event)
  }
  // Asked for before any position says that it was.
  for (const request of cascades.unread(opening.from.edges)) snapshots.request(request)
  emit({ kind: 'progress', position: transactions.position() })
  for (const progress of unfinished) if (!progress.done) snapshots.resume(progress)
}

/** Whether there is room for more. */
interface Room {
  close(): void
  open(): void
  /** Undefined: there is. */
  wait(): Promise<void> | undefined
}

function newRoom(): Room {
  let closed: PromiseWithResolvers<void> | null = null
  return {
    close() {
      closed ??= Promise.withResolvers<void>()
    },
    open() {
      closed?.resolve()
      closed = null
    },
    wait: () => closed?.promise,
  }
}

/** Work that has to be done between two transactions of the stream, or once it has come to a place. */
interface Gaps {
  /** Now, or after the open transaction. */
  readonly between: (work: () => void) => void
  mark(place: Place, done: () => void): void
  /** A transaction is over. */
  passed(): void
  readonly reached: (place: Place) => void
}

function newGaps(stream: { inside(): boolean; place(): Place }): Gaps {
  const waiting: (() => void)[] = []
  let marks: { readonly place: Place; readonly done: () => void }[] = []
  const passed = () => {
    for (const work of waiting.splice(0)) work()
  }
  const between = (work: () => void) => {
    if (stream.inside()) waiting.push(work)
    else work()
  }
  return {
    between,
    passed,
    mark(place, done) {
      between(() => {
        if (comparePlaces(stream.place(), place) >= 0) done()
        else marks.push({ place, done })
      })
    },
    reached(place) {
      passed()
      if (marks.length === 0) return
      const due = marks.filter((each) => comparePlaces(place, each.place) >= 0)
      marks = marks.filter((each) => !due.includes(each))
      for (const each of due) each.done()
    },
  }
}

/** Reads the log into the transactions, until the signal ends it. */
function followLog(
  { link, opening, clock, settings, reader }: FeedOptions,
  to: { transactions: Transactions; room: Room; connect: (signal: AbortSignal) => Promise<Link> },
  over: AbortSignal,
): Promise<never> {
  const { transactions, room } = to
  const { heartbeat_ms } = settings
  const read = (through: Link, start: Start) => {
    const take = (event: BinlogEvent) => {
      transactions.push(event)
      return room.wait()
    }
    return readLog({ link: through, clock, heartbeat_ms, reader, start, take }, over)
  }
  return read(link, opening.start).catch(async (error) => {
    const isDeleted = error instanceof SyncError && error.failure.code === 'SYNC-2032'
    if (!isDeleted || opening.otherwise === null || !transactions.withoutProof()) throw error
    return read(await to.connect(over), opening.otherwise)
  })
}

/** Passes on, now and then, that nothing happened. */
async function beat({ clock, settings }: FeedOptions, outbox: Outbox, over: AbortSignal): Promise<never> {
  for (;;) {
    await clock.sleep(settings.heartbeat_ms, over)
    outbox.quietIsDue()
  }
}

/** What the tables look like, where the log does not say it; and how their rows are read. */
function newLooks(names: Names, tables: ReadonlyMap<string, Captured>) {
  let looks = names.named ? null : fingerprints(tables)
  return {
    now: () => looks,
    changed() {
      if (!names.named) looks = fingerprints(tables)
    },
    shape(map: TableMap, { table }: Captured) {
      // The setting may change while the server runs.
      if (names.named && map.columns.some(({ name }) => name === undefined)) {
        names.named = false
        looks = fingerprints(tables)
      }
      return shapeOf(map, table, null)
    },
  }
}

/** By table. */
export function fingerprints(tables: ReadonlyMap<string, Captured>): { [table: string]: string } {
  return Object.fromEntries([...tables].map(([name, { table }]) => [name, fingerprint(table)]))
}

function unreadable(error: DecodeError): SyncError {
  return new SyncError(failure('SYNC-2013', `The log cannot be followed: ${error.message}`), [], { cause: error })
}
