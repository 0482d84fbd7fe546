import { waitAfter } from '../delivery/retry.ts'
import type { SnapshotRequest, SourceEvent } from '../model/change.ts'
import { type Failure, SyncError } from '../model/failure.ts'
import type { Journal } from '../model/journal.ts'
import type { Feed, Source } from '../model/source.ts'
import type { Clock } from '../std/clock.ts'
import type { Random } from '../std/random.ts'
import type { Emit } from '../telemetry/event.ts'

/** What capturing works with. */
export interface CaptureParts {
  readonly system: string
  readonly source: Source
  readonly journal: Journal
  readonly clock: Clock
  readonly random: Random
  readonly emit: Emit
  /** Resolves when the flows have room for more rows of a snapshot, or after a while. Changes never wait for it. */
  readonly room: () => Promise<void>
  /** New entries are visible. */
  readonly onAppended: () => void
  /** Something happened to a table that its flows must stop for. */
  readonly onTable: (table: string, failure: Failure) => Promise<void>
}

/** Pauses between two tries to reach the source. */
const REOPEN = { attempts: Number.POSITIVE_INFINITY, wait_ms: 500, waitMax_ms: 30_000 }

/** One source's change log on its way into its journal. Knows nothing of targets. */
export class Capture {
  readonly #parts: CaptureParts
  readonly #signal: AbortSignal
  #feed: Feed | null = null
  #opened = Promise.withResolvers<void>()
  /** Asked for while the log was being opened: too late for what the opening was given, too early for the feed. */
  #missed: SnapshotRequest[] = []

  constructor(parts: CaptureParts, signal: AbortSignal) {
    this.#parts = parts
    this.#signal = signal
  }

  /**
   * Captures until the signal is aborted. A source that is away is tried again for ever; a failure that a person must mend
   * rejects (promise 6).
   */
  async run(): Promise<void> {
    const { clock, random, emit, system } = this.#parts
    for (let attempt = 1; !this.#signal.aborted; attempt++) {
      try {
        await this.#follow(() => {
          attempt = 0
        })
      } catch (error) {
        if (this.#signal.aborted) return
        if (!(error instanceof SyncError) || error.failure.retry !== 'timed') throw error
        emit({ kind: 'capture', system, status: 'reopening', failure: error.failure })
        await clock
          .sleep(
            waitAfter(Math.max(1, Math.min(attempt, 8)), REOPEN, random, error.failure.retryAfter_ms),
            this.#signal,
          )
          .catch(() => {})
      }
    }
  }

  /** Reads a table again beside the stream. */
  async snapshot(request: SnapshotRequest): Promise<void> {
    await this.#parts.journal.request(request)
    if (this.#feed === null) this.#missed.push(request)
    else this.#feed.snapshot(request)
  }

  /** Resolves when everything committed before the call is in the journal, snapshots included. */
  async caughtUp(): Promise<void> {
    await this.#opened.promise
    await this.#feed?.caughtUp(this.#signal)
  }

  /** One connection, from opening to its end. */
  async #follow(onProgress: () => void): Promise<void> {
    const { source, journal, emit, system } = this.#parts
    const head = await journal.head()
    // The journal answers in order: what was asked for before is in its head.
    this.#missed = []
    await using feed = await source.open(
      head.position,
      head.snapshots.filter((snapshot) => !snapshot.done),
      this.#signal,
    )
    this.#feed = feed
    for (const request of this.#missed.splice(0)) feed.snapshot(request)
    this.#opened.resolve()
    emit({ kind: 'capture', system, status: 'open', failure: null })
    try {
      for await (const item of feed.events) {
        const { position } = await journal.append(item)
        onProgress()
        // I1: only what is flushed may be forgotten by the source.
        if (position !== null) feed.durable(position)
        await this.#tell(item)
        if (item.some((event) => event.kind === 'snapshot')) await this.#parts.room()
      }
    } finally {
      this.#feed = null
      this.#opened = Promise.withResolvers<void>()
    }
  }

  async #tell(item: readonly SourceEvent[]): Promise<void> {
    const { emit, system, clock, onAppended, onTable } = this.#parts
    let changes = 0
    let commits = 0
    let newest_ms = 0
    for (const event of item) {
      if (event.kind === 'rows') {
        changes += event.changes.length
        for (const change of event.changes)
          if (change.op !== 'read' && change.at_ms > newest_ms) newest_ms = change.at_ms
      } else if (event.kind === 'commit') commits += 1
      else if (event.kind === 'table') await onTable(event.table, event.failure)
      else if (event.kind === 'snapshot') {
        const { table, only, rows, rowsEstimated, done } = event.progress
        emit({ kind: 'snapshot', system, table, flow: only ?? null, rows, rowsEstimated, done })
      }
    }
    const lag_ms = newest_ms === 0 ? null : Math.max(0, clock.now() - newest_ms)
    // Also when nothing changed: a quiet source is alive.
    emit({ kind: 'captured', system, changes, commits, lag_ms })
    onAppended()
  }
}
