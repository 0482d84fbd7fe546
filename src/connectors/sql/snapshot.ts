/**
 * Reads whole tables beside the stream, without locks and without writing to them; the same for every SQL system.
 *
 * A chunk is read in a statement of its own. From before it begins, the keys that the stream touches are noted. After it a
 * high-water mark is set; once the stream has come to it, all that the chunk can have seen has passed. Then the rows whose keys
 * were not touched in between are passed on, at that place of the stream.
 * The idea is DBLog's (Andreakis and Papapanagiotou, https://arxiv.org/abs/2010.12597).
 */
import type { Change, Position, SnapshotProgress, SnapshotRequest, SourceEvent } from '../../model/change.ts'
import { failure, SyncError } from '../../model/failure.ts'
import type { Key } from '../../model/key.ts'
import { fold, type Row } from '../../model/value.ts'
import type { Clock } from '../../std/clock.ts'
import type { Random } from '../../std/random.ts'
import { bell, orAborted } from '../../std/signal.ts'
import { type Chunk, type Job, newJob, noteChange, readAfter, type Window } from './snapshot-state.ts'

const againMax = 10_000
const keysAtOnce = 1_000
const firstLimit = 500
const rereadAfter_ms = 100

/** What one chunk gave. */
export interface ChunkRead {
  readonly rows: ReadonlyMap<Key, Row>
  /** The key texts of its last row; null when it has none. */
  readonly after: readonly string[] | null
  readonly lines: number
  readonly bytes: number
  /** It was cut because of its bytes; the rest comes with the next chunk. */
  readonly full: boolean
}

/** Reads the chunks of one table over a connection of its own. */
export interface ChunkReader extends AsyncDisposable {
  /** Looks at the table as it is now; answers its estimated rows. Throws where it is gone. */
  describe(table: string): Promise<number | null>
  /**
   * The next rows after `after`, or those of the keys `asked`, of the table that was described last. Null: queries do not see
   * everything yet that was streamed before the call; it is asked again a moment later.
   */
  read(after: readonly string[] | null, asked: readonly Key[] | null, rowsMax: number): Promise<ChunkRead | null>
  /** Sets a high-water mark; the stream calls `passed` with it when all that a query could see before has passed. */
  mark(mark: string): Promise<void>
}

/** What the reader of snapshots works with. */
export interface SnapshotsOptions {
  readonly settings: { readonly chunkRows: number; readonly chunkBytes: number; readonly bufferRows: number }
  readonly clock: Clock
  readonly random: Random
  readonly open: (signal: AbortSignal) => Promise<ChunkReader>
  readonly rowsEstimated: (table: string) => number | null
  /** Whether an error concerns this table alone: it stops this snapshot, not the stream. */
  readonly ofTable: (error: SyncError) => boolean
  readonly emit: (event: SourceEvent) => void
  readonly position: () => Position
  /** Runs the function between two transactions of the stream: now, or after the open one. */
  readonly between: (work: () => void) => void
}

/** What a snapshot has to know of the stream. Called in stream order. */
export interface SnapshotWatcher {
  /** A row changed. `complete`: the image has every column of the table. */
  row(change: Change, complete: boolean): void
  truncated(table: string): void
  /** Rows changed of which nobody says which: what is being read has to be read again. */
  unseen(): void
  /** A transaction was passed on completely; its events are out. */
  committed(): void
  /** The stream has come to a high-water mark; called between two transactions. */
  passed(mark: string): void
}

/** The reader of snapshots, one table after the other. */
export interface Snapshots {
  readonly watch: SnapshotWatcher
  request(request: SnapshotRequest): void
  resume(progress: SnapshotProgress): void
  /** Resolves when all that was asked for so far has been passed on, or given up. */
  finished(): Promise<unknown>
  /** Works on requests until the signal ends it; rejects when a read fails. */
  run(signal: AbortSignal): Promise<void>
}

/** Makes the reader; it does nothing before `run`. */
export function readSnapshots(options: SnapshotsOptions): Snapshots {
  const { clock, emit, settings } = options
  const jobs: Job[] = []
  const unfinished = new Set<Job>()
  let current: Job | null = null
  const windows = new Set<Window>()
  const waiting = new Map<string, Chunk>()
  const wake = bell()
  let limit = Math.min(settings.chunkRows, firstLimit)

  const tell = (job: Job, done: boolean) => {
    job.dirty = false
    job.emittedAfter = job.restart ? null : job.emittedAfter
    job.emittedRanOut = job.emittedRanOut && !job.restart
    const after = JSON.stringify({ after: job.emittedAfter, ranOut: job.emittedRanOut, again: [...job.again] })
    const { name: table, only, rows, rowsEstimated } = job
    const progress: SnapshotProgress = {
      table,
      after,
      done,
      rows,
      rowsEstimated,
      ...(only === undefined ? {} : { only }),
    }
    emit({ kind: 'snapshot', progress, position: options.position() })
  }

  const watch: SnapshotWatcher = {
    row(change, complete) {
      const { table, key, oldKey } = change
      if (oldKey !== undefined && !complete && current?.name === table) {
        current.again.add(key)
        current.dirty = true
        if (current.again.size > againMax) {
          current.again.clear()
          current.restart = true
        }
      }
      for (const window of windows) if (window.table === table) noteChange(window, change, complete)
    },
    truncated(table) {
      for (const window of windows) if (window.table === table) window.truncated = true
    },
    unseen() {
      for (const window of windows) {
        window.overflow = true
        window.images.clear()
      }
    },
    committed() {
      if (current?.dirty) tell(current, false)
    },
    passed(mark) {
      const chunk = waiting.get(mark)
      if (chunk === undefined) return
      waiting.delete(mark)
      pass(mark, chunk)
    },
  }

  /** Passes a chunk on, at the place of its high-water mark. */
  const pass = (id: string, chunk: Chunk) => {
    const { job, window } = chunk
    windows.delete(window)
    const rows: [Key, Row][] = []
    if (window.overflow) for (const key of [...chunk.rows.keys(), ...(chunk.asked ?? [])]) job.again.add(key)
    for (const [key, row] of window.truncated || window.overflow ? [] : chunk.rows) {
      const image = window.images.get(key)
      if (image === undefined) rows.push([key, row])
      // Columns that no change in the window sent are the same before and after it.
      else if (typeof image === 'object') rows.push([key, fold(row, image.row)])
    }
    for (const key of window.overflow ? [] : (chunk.asked ?? []))
      if (typeof window.images.get(key) !== 'object' || chunk.rows.has(key)) job.again.delete(key)
    const tx = `snapshot-${id}`
    const { events, count } = chunkEvents(tx, job.name, rows, job.only, settings.bufferRows)
    for (const event of events) emit(event)
    if (count > 0) emit({ kind: 'commit', tx, position: options.position() })
    job.rows += count
    if (chunk.asked === null) {
      job.emittedAfter = chunk.after
      job.emittedRanOut = chunk.last
    }
    tell(job, job.emittedRanOut && job.again.size === 0)
    chunk.emitted.resolve()
  }

  const begin = (job: Job) => {
    jobs.push(job)
    unfinished.add(job)
    wake.ring()
  }

  const run = async (signal: AbortSignal): Promise<void> => {
    let reader: ChunkReader | null = null
    try {
      for (;;) {
        const job = jobs.shift()
        if (job === undefined) {
          await wake.wait(signal)
          continue
        }
        reader ??= await options.open(signal)
        current = job
        const abandoned = await runJob(reader, job, signal).catch((error) => refusal(error, job, options.ofTable))
        current = null
        if (abandoned !== undefined) options.between(() => emit({ ...abandoned, position: options.position() }))
        unfinished.delete(job)
        job.over.resolve()
      }
    } finally {
      windows.clear()
      await reader?.[Symbol.asyncDispose]()
    }
  }

  const runJob = async (reader: ChunkReader, job: Job, signal: AbortSignal): Promise<undefined> => {
    job.rowsEstimated = await reader.describe(job.name)
    let previous: Promise<void> = Promise.resolve()
    for (;;) {
      if (job.ranOut || job.restart || job.again.size >= keysAtOnce) {
        await orAborted(previous, signal)
        if (job.restart) {
          job.after = null
          job.ranOut = false
          job.restart = false
          job.emittedRanOut = false
        }
        if (job.ranOut && job.again.size === 0) return
      }
      const asked = job.ranOut || job.again.size >= keysAtOnce ? [...job.again].slice(0, keysAtOnce) : null
      const chunk = await readChunk(reader, job, asked, signal)
      // One chunk waits for its mark while the next is read, never two.
      await orAborted(previous, signal)
      const mark = options.random.id()
      waiting.set(mark, chunk)
      previous = chunk.emitted.promise
      await reader.mark(mark)
      if (asked !== null) continue
      job.after = chunk.after
      job.ranOut = chunk.last
    }
  }

  const readChunk = async (
    reader: ChunkReader,
    job: Job,
    asked: readonly Key[] | null,
    signal: AbortSignal,
  ): Promise<Chunk> => {
    for (;;) {
      signal.throwIfAborted()
      const window: Window = { table: job.name, images: new Map(), keys: null, truncated: false, overflow: false }
      windows.add(window) // before the read begins: nothing may fall between the two
      try {
        const read = await reader.read(job.after, asked, limit)
        if (read === null || window.overflow) {
          windows.delete(window)
          if (read === null) await clock.sleep(rereadAfter_ms, signal)
          continue
        }
        window.keys = read.rows
        for (const key of window.images.keys())
          if (!read.rows.has(key) && !asked?.includes(key)) window.images.delete(key)
        if (asked !== null) window.keys = new Set([...read.rows.keys(), ...asked])
        const last = !read.full && read.lines < limit
        if (asked === null) limit = nextLimit(limit, read, settings)
        const after = asked === null ? (read.after ?? job.after) : job.after
        return { job, window, rows: read.rows, asked, after, last, emitted: Promise.withResolvers<void>() }
      } catch (error) {
        windows.delete(window)
        throw error
      }
    }
  }

  return {
    watch,
    run,
    finished: () => Promise.all([...unfinished].map((job) => job.over.promise)),
    request(request) {
      const job = newJob(request.table, request.only)
      job.rowsEstimated = options.rowsEstimated(request.table)
      begin(job)
      options.between(() => tell(job, false))
    },
    resume(progress) {
      const job = newJob(progress.table, progress.only)
      const at = readAfter(progress.after)
      job.after = at.after
      job.emittedAfter = at.after
      job.ranOut = at.ranOut
      job.emittedRanOut = at.ranOut
      for (const key of at.again) job.again.add(key)
      job.rows = progress.rows
      job.rowsEstimated = progress.rowsEstimated
      begin(job)
    },
  }
}

function nextLimit(limit: number, read: ChunkRead, settings: SnapshotsOptions['settings']): number {
  if (read.full) return Math.max(1, read.rows.size)
  const rowBytes = read.bytes / Math.max(1, read.rows.size)
  return Math.max(1, Math.min(settings.chunkRows, limit * 4, Math.floor(settings.chunkBytes / Math.max(1, rowBytes))))
}

/** An error that concerns this table alone stops its snapshot and its flows, not the stream of all others. */
function refusal(
  error: unknown,
  job: Job,
  ofTable: SnapshotsOptions['ofTable'],
): Omit<SourceEvent & { kind: 'table' }, 'position'> {
  if (!(error instanceof SyncError) || !ofTable(error)) throw error
  const message = `The snapshot of ${job.name} cannot go on: ${error.failure.message}`
  return { kind: 'table', table: job.name, state: 'changed', failure: failure('SYNC-6004', message) }
}

/** A chunk's rows as source events: a transaction of its own. */
function chunkEvents(
  tx: string,
  table: string,
  rows: Iterable<readonly [Key, Row]>,
  only: string | undefined,
  pieceRows: number,
): { events: SourceEvent[]; count: number } {
  const events: SourceEvent[] = []
  let changes: Change[] = []
  let count = 0
  for (const [key, row] of rows) {
    const change: Change = { table, op: 'read', key, row, id: `${tx}/${count++}`, at_ms: 0 }
    changes.push(only === undefined ? change : { ...change, only })
    if (changes.length < pieceRows) continue
    events.push({ kind: 'rows', tx, changes })
    changes = []
  }
  if (changes.length > 0) events.push({ kind: 'rows', tx, changes })
  return { events, count }
}
