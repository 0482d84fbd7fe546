/** The open reader of the log: buffers with bounds, acknowledges what is durable, and watches over the connection. */
import type { Position, SnapshotProgress, SourceEvent } from '../../model/change.ts'
import { failure, SyncError } from '../../model/failure.ts'
import type { Feed } from '../../model/source.ts'
import type { Clock } from '../../std/clock.ts'
import type { Random } from '../../std/random.ts'
import { orAborted } from '../../std/signal.ts'
import { newOutbox } from '../sql/outbox.ts'
import { ownLinks } from '../sql/reads.ts'
import { readSnapshots } from '../sql/snapshot.ts'
import { readTypes } from './catalog.ts'
import type { Link } from './client.ts'
import { literal, quoted } from './client.ts'
import type { Settings } from './options.ts'
import { lsnText, readMessage } from './pgoutput.ts'
import { readPosition } from './position.ts'
import { concernsTable, readChunks } from './snapshot.ts'
import { type Captured, highWaterPrefix, messagePrefix, readTransactions } from './transactions.ts'
import { missingTypes, type TypeInfo } from './values.ts'
import type { XidRing } from './visibility.ts'

/** What a feed is made of. */
export interface FeedOptions {
  readonly settings: Settings
  readonly clock: Clock
  readonly random: Random
  /** The replication connection; the feed owns it. */
  readonly link: Link
  readonly connect: (signal: AbortSignal) => Promise<Link>
  readonly tables: ReadonlyMap<string, Captured>
  readonly types: Map<number, TypeInfo>
  readonly from: bigint
  /** Where the log was when the tables were read from the catalog. */
  readonly openedAt: bigint
  readonly write: (lsn: bigint) => Position
  readonly suspects: ReadonlySet<string>
  readonly streamed: XidRing
  /** What was found while opening: it comes first. */
  readonly found: readonly SourceEvent[]
  readonly snapshots: readonly SnapshotProgress[]
  /** Asked every heartbeat: tables that are no longer covered. Throws when it cannot tell. */
  readonly audit: (link: Link) => Promise<readonly Lost[]>
}

/** A table whose changes no longer reach us. */
export interface Lost {
  readonly table: string
  readonly message: string
}

const unixOfPostgresEpoch_us = 946_684_800_000_000n

/** Starts the stream and gives the feed. */
export function startFeed(options: FeedOptions, signal: AbortSignal): Feed {
  const { clock, link, settings, types, tables } = options
  const ended = new AbortController()
  const over = AbortSignal.any([signal, ended.signal])
  let failed: unknown
  let flushed = options.from
  let yielded = options.from
  let heard_ms = clock.mono()
  /** Messages that wait for an answer about a type; null while none is asked. */
  let backlog: Buffer[] | null = null
  const betweens: (() => void)[] = []
  const marks = new Map<string, () => void>()
  const { connect, cut } = ownLinks(options.connect, over)

  const outbox = newOutbox({
    clock,
    settings,
    signal,
    over,
    flush: () => transactions.flush(),
    pause: () => link.pause(),
    resume() {
      if (backlog === null) link.resume()
    },
    given(item) {
      for (const event of item) if (event.kind !== 'rows') yielded = maxOf(yielded, readPosition(event.position).lsn)
    },
  })
  const { emit } = outbox

  const fail = (error: unknown) => {
    failed ??= error instanceof RangeError ? unreadable(error) : error
    outbox.fail(failed)
    ended.abort(error)
  }
  const between = (work: () => void) => {
    if (transactions.inside()) betweens.push(work)
    else work()
  }
  const snapshots = readSnapshots({
    ...options,
    open: async (until) => readChunks(await connect(until), options),
    rowsEstimated: (table) => tables.get(table)?.table.rowsEstimated ?? null,
    ofTable: concernsTable,
    emit(event) {
      if (event.kind === 'rows') outbox.count(event.changes.length, 0)
      emit(event)
    },
    position: () => transactions.position(),
    between,
  })
  const transactions = readTransactions({
    ...options,
    emit,
    watch: {
      row: (change, complete) => {
        outbox.count(1, 0)
        snapshots.watch.row(change, complete)
      },
      truncated: snapshots.watch.truncated,
      committed: (xid, highWater) => {
        for (const work of betweens.splice(0)) work()
        for (const mark of highWater) marks.get(mark)?.()
        options.streamed.add(xid)
        snapshots.watch.committed()
        for (const mark of highWater) snapshots.watch.passed(mark.slice(highWaterPrefix.length))
      },
    },
  })

  const push = (bytes: Buffer): void => {
    const message = readMessage(bytes, transactions.wanted)
    if (message.kind === 'relation' && tables.has(`${message.schema}.${message.name}`)) {
      const missing = missingTypes(
        message.columns.map((column) => column.type),
        types,
      )
      if (missing.length > 0) {
        backlog = []
        link.pause()
        ask(missing, Buffer.from(bytes)).catch(fail)
        return
      }
    }
    if (message.kind === 'insert' || message.kind === 'update' || message.kind === 'delete')
      outbox.count(0, bytes.length)
    transactions.push(message)
    if (message.kind === 'commit') outbox.ring()
  }

  /** Learns types that came up in the stream, then goes on with the message that named them and all after it. */
  const ask = async (missing: readonly number[], first: Buffer) => {
    const asking = await connect(over)
    try {
      await readTypes(asking, missing, types)
    } finally {
      await asking.close()
    }
    const waiting = backlog ?? []
    backlog = null
    push(first)
    for (let bytes = waiting.shift(); bytes !== undefined; bytes = waiting.shift()) {
      if (backlog === null) receive(bytes)
      else (backlog as Buffer[]).push(bytes)
    }
    if (backlog === null && !outbox.isPaused()) link.resume()
  }

  const receive = (bytes: Buffer): void => {
    heard_ms = clock.mono()
    if (failed !== undefined) return
    if (backlog !== null) {
      backlog.push(Buffer.from(bytes)) // the buffer is used again
      return
    }
    if (bytes[0] === 0x77 && bytes.length > 25) {
      push(bytes.subarray(25)) // w: data
      return
    }
    if (bytes[0] !== 0x6b || bytes.length < 18) throw new RangeError('a replication message of an unknown kind') // k: keepalive
    // Everything before it was sent, so between two transactions it is a place to go on from.
    transactions.advance(bytes.readBigUInt64BE(1))
    if (bytes[17] !== 1) return
    report(false)
    // A server that shuts down waits until we have it all.
    outbox.quietIsDue()
  }

  /** Standby status update. All three places are what is durable: nothing else may be forgotten (I1). */
  const report = (answer: boolean) => {
    if (!link.alive()) return
    const bytes = Buffer.alloc(34)
    bytes[0] = 0x72 // r
    for (const at of [1, 9, 17]) bytes.writeBigUInt64BE(flushed, at)
    bytes.writeBigInt64BE(BigInt(clock.now()) * 1000n - unixOfPostgresEpoch_us, 25)
    bytes[33] = answer ? 1 : 0
    link.send(bytes)
  }

  /** Tells the server that we live, also while it has to wait for us, and takes note when it does not. */
  const beat = async () => {
    for (;;) {
      await clock.sleep(settings.statusInterval_ms, over)
      const now_ms = clock.mono()
      if (outbox.isPaused() || backlog !== null) heard_ms = now_ms
      if (now_ms - heard_ms > 2 * settings.statusInterval_ms) {
        const silent_s = Math.round((now_ms - heard_ms) / 1000)
        throw new SyncError(failure('SYNC-2005', `PostgreSQL has been silent for ${silent_s} s.`))
      }
      report(true)
    }
  }

  const watchQuiet = async () => {
    let auditing: Link | null = null
    const lost = new Set<string>()
    try {
      for (;;) {
        await clock.sleep(settings.heartbeat_ms, over)
        outbox.quietIsDue()
        auditing ??= await connect(over)
        for (const { table, message } of await options.audit(auditing)) {
          if (lost.has(table)) continue
          lost.add(table)
          between(() =>
            emit({
              kind: 'table',
              table,
              state: 'gap',
              failure: failure('SYNC-6005', message),
              position: transactions.position(),
            }),
          )
        }
      }
    } finally {
      await auditing?.close()
    }
  }

  const caughtUp = async (asking: AbortSignal) => {
    const until = AbortSignal.any([asking, over])
    const mark = highWaterPrefix + options.random.id()
    const read = snapshots.finished()
    const seen = new Promise<void>((resolve) => marks.set(mark, resolve))
    const sender = await connect(until)
    try {
      await sender.query('SELECT pg_logical_emit_message(true, $1, $2)', [messagePrefix, mark])
      await orAborted(Promise.all([seen, read]), until)
    } finally {
      marks.delete(mark)
      await sender.close()
    }
    await outbox.untilStored(until)
  }

  const works = [link.stream(startSql(settings, options.from), receive), beat(), watchQuiet(), snapshots.run(over)]
  for (const work of works) work.catch((error) => over.aborted || fail(error))
  over.addEventListener('abort', () => {
    outbox.ring()
    report(false)
    cut()
    link.close().catch(() => {})
  })
  for (const event of options.found) emit(event)
  emit({ kind: 'progress', position: transactions.position() })
  for (const progress of options.snapshots) if (!progress.done) snapshots.resume(progress)

  return {
    events: { [Symbol.asyncIterator]: outbox.events },
    durable(position) {
      const { lsn } = readPosition(position)
      // I1: what was never given out cannot be durable; to confirm it would lose it.
      if (lsn > yielded) throw new Error(`position ${lsnText(lsn)} was never read from this feed`)
      if (lsn <= flushed) return
      flushed = lsn
      report(false)
    },
    snapshot: (request) => snapshots.request(request),
    caughtUp,
    async [Symbol.asyncDispose]() {
      ended.abort(new Error('the feed was closed'))
      await link.close()
      await Promise.allSettled(works)
    },
  }
}

function startSql(settings: Settings, from: bigint): string {
  const publications = literal(quoted(settings.publication))
  return `START_REPLICATION SLOT ${quoted(settings.slot)} LOGICAL ${lsnText(from)} (proto_version '1', publication_names ${publications}, messages 'true')`
}

function unreadable(error: RangeError): SyncError {
  return new SyncError(failure('SYNC-2013', `PostgreSQL's change log cannot be followed: ${error.message}.`), [], {
    cause: error,
  })
}

function maxOf(a: bigint, b: bigint): bigint {
  return a > b ? a : b
}
