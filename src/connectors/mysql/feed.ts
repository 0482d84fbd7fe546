/** The open reader of the log: buffers with bounds, high-water marks, and what is read beside the stream. */
import { createHash } from 'node:crypto'
import type { Position, SnapshotProgress, SourceEvent } from '../../model/change.ts'
import { failure, SyncError } from '../../model/failure.ts'
import type { Feed } from '../../model/source.ts'
import type { Clock } from '../../std/clock.ts'
import type { Random } from '../../std/random.ts'
import { orAborted } from '../../std/signal.ts'
import { newOutbox } from '../sql/outbox.ts'
import { ownLinks } from '../sql/reads.ts'
import { readSnapshots } from '../sql/snapshot.ts'
import { DecodeError } from './binlog/event.ts'
import { shapeOf } from './binlog/shape.ts'
import type { Captured } from './capture.ts'
import type { Cascades } from './cascade.ts'
import type { CatalogTable } from './catalog.ts'
import type { Link } from './client.ts'
import type { Names } from './ddl.ts'
import { type Opening, readFrom, readPlace } from './identity.ts'
import type { Settings } from './options.ts'
import { comparePlaces, type Place, readPosition } from './position.ts'
import { concernsTable, readChunks } from './snapshot.ts'
import { readLog, type Start } from './stream.ts'
import { readTransactions } from './transactions.ts'
import type { Visibility } from './visibility.ts'

/** What a feed is made of. */
export interface FeedOptions {
  readonly settings: Settings
  readonly clock: Clock
  readonly random: Random
  /** The connection that the log comes over; the feed owns it. */
  readonly link: Link
  readonly serverId: number
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
  let room: PromiseWithResolvers<void> | null = null
  const betweens: (() => void)[] = []
  const marks = newMarks()
  let yielded: Position | null = null
  const { connect, cut } = ownLinks(options.connect, over)

  const outbox = newOutbox({
    clock,
    settings,
    signal,
    over,
    flush: () => {}, // small transactions are passed on whole, large ones in pieces of their own
    pause() {
      room = Promise.withResolvers<void>()
    },
    resume() {
      room?.resolve()
      room = null
    },
    given(item) {
      const last = item.findLast((event) => event.kind !== 'rows')
      if (last !== undefined) yielded = last.position
    },
  })
  const emit = (event: SourceEvent) => {
    for (const each of cascades.spread(event)) outbox.emit(each)
  }

  const fail = (error: unknown) => {
    outbox.fail(error instanceof DecodeError ? unreadable(error) : error)
    ended.abort(error)
  }
  const between = (work: () => void) => {
    if (transactions.inside()) betweens.push(work)
    else work()
  }
  const markHere = async (asked: Link, done: () => void) => {
    const place = await readPlace(asked)
    between(() => {
      if (comparePlaces(transactions.place(), place) >= 0) done()
      else marks.add(place, done)
    })
  }

  const snapshots = readSnapshots({
    ...options,
    open: async (until) =>
      readChunks(await connect(until), {
        settings,
        visibility,
        learned: (table, asking) => learn(table, asking, until),
        mark: (mark, asking) => markHere(asking, () => snapshots.watch.passed(mark)),
      }),
    rowsEstimated: (table) => tables.get(table)?.table.rowsEstimated ?? null,
    ofTable: concernsTable,
    emit(event) {
      if (event.kind !== 'rows') return emit(event)
      outbox.count(event.changes.length, 0)
      emit({ ...event, changes: event.changes.map((change) => cascades.tie(change, () => {})) })
    },
    position: () => transactions.position(),
    between,
  })

  /** The stream reads a table as the catalog has it from where the catalog was asked. */
  const learn = async (table: CatalogTable, asking: Link, until: AbortSignal) => {
    const known = tables.get(table.full)
    if (known === undefined)
      throw new SyncError(failure('SYNC-2009', `Table ${table.full} is not captured by this source.`))
    if (fingerprint(known.table) !== fingerprint(table)) {
      const reached = Promise.withResolvers<void>()
      await markHere(asking, reached.resolve)
      await orAborted(reached.promise, until)
    }
    tables.set(table.full, { ...known, table })
    transactions.relearn(table.full)
  }

  const transactions = readTransactions({
    tables,
    names,
    shape: (map, captured) => shapeOf(map, captured.table, null),
    from: { ...opening.from, edges: cascades.known },
    proof: opening.proof,
    proofIsFirst: opening.start.kind === 'file',
    gtids: opening.gtids,
    adopt: (executed) => (names.hasGtids ? readFrom(opening.from.flavour, executed) : null),
    shapes: () => (names.named ? null : fingerprints(tables)),
    openedAt: options.openedAt,
    pieceRows: settings.bufferRows,
    pieceBytes: settings.bufferBytes,
    tie: cascades.tie,
    emit,
    watch: {
      rows: (count, bytes) => outbox.count(count, bytes),
      row: snapshots.watch.row,
      truncated: snapshots.watch.truncated,
      unseen: snapshots.watch.unseen,
      committed(place, isOurs, row) {
        if (isOurs) visibility.streamed(place, row)
        for (const work of betweens.splice(0)) work()
        snapshots.watch.committed()
        outbox.ring()
      },
      reached: (place) => marks.reached(place),
    },
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

  const tick = async () => {
    for (;;) {
      await clock.sleep(settings.heartbeat_ms, over)
      outbox.quietIsDue()
    }
  }
  const read = (through: Link, start: Start) =>
    readLog(
      {
        link: through,
        clock,
        heartbeat_ms: settings.heartbeat_ms,
        serverId: options.serverId,
        uuid: uuidOf(options.random),
        start,
        take(event) {
          transactions.push(event)
          if (room !== null) return room.promise
        },
      },
      over,
    )
  const follow = async () => {
    const { start, otherwise } = opening
    return read(link, start).catch(async (error) => {
      const isDeleted = error instanceof SyncError && error.failure.code === 'SYNC-2032'
      if (!isDeleted || otherwise === null || !transactions.withoutProof()) throw error
      return read(await connect(over), otherwise)
    })
  }
  const works = [follow(), tick(), snapshots.run(over)]
  for (const work of works) work.catch((error) => over.aborted || fail(error))
  over.addEventListener('abort', () => {
    room?.resolve()
    outbox.ring()
    cut()
    link.destroy()
  })
  for (const event of options.found) {
    if (event.kind === 'table') transactions.blind(event.table)
    emit(event)
  }
  // Asked for before any position says that it was.
  for (const request of cascades.unread(opening.from.edges)) snapshots.request(request)
  emit({ kind: 'progress', position: transactions.position() })
  for (const progress of options.snapshots) if (!progress.done) snapshots.resume(progress)

  return {
    events: { [Symbol.asyncIterator]: outbox.events },
    durable(position) {
      // The server keeps its log whatever we say; a position that was never given out is a fault of ours all the same (I1).
      if (position === yielded) return
      if (yielded === null || comparePlaces(readPosition(position), readPosition(yielded)) > 0)
        throw new Error('this position was never read from this feed')
    },
    snapshot: (request) => snapshots.request(request),
    caughtUp,
    async [Symbol.asyncDispose]() {
      ended.abort(new Error('the feed was closed'))
      link.destroy()
      await Promise.allSettled(works)
    },
  }
}

/** Places of the log that somebody waits for. */
function newMarks(): { add(place: Place, done: () => void): void; reached(place: Place): void } {
  let waiting: { readonly place: Place; readonly done: () => void }[] = []
  return {
    add: (place, done) => void waiting.push({ place, done }),
    reached(place) {
      if (waiting.length === 0) return
      const due = waiting.filter((each) => comparePlaces(place, each.place) >= 0)
      waiting = waiting.filter((each) => !due.includes(each))
      for (const each of due) each.done()
    },
  }
}

/** What a table looks like: two tables of one look are read alike. */
export function fingerprint({ columns, key }: CatalogTable): string {
  const look = columns.map(({ name, columnType, charset, nullable }) => [name, columnType, charset, nullable])
  return createHash('sha256')
    .update(JSON.stringify([look, key]))
    .digest('hex')
    .slice(0, 16)
}

/** By table. */
export function fingerprints(tables: ReadonlyMap<string, Captured>): { [table: string]: string } {
  return Object.fromEntries([...tables].map(([name, { table }]) => [name, fingerprint(table)]))
}

function uuidOf(random: Random): string {
  const hex = `${random.id()}${random.id()}`
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

function unreadable(error: DecodeError): SyncError {
  return new SyncError(failure('SYNC-2013', `The log cannot be followed: ${error.message}`), [], { cause: error })
}
