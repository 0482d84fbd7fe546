/**
 * Reads whole tables beside the stream, without locks and without writing to them.
 *
 * A chunk is read in a transaction of its own. From before it begins, the keys that the stream touches are noted. After it
 * a message is written to the log, the high-water mark; once the stream delivers it, all that the chunk can have seen has
 * passed. Then the rows whose keys were not touched in between are passed on, at that place of the stream.
 * The idea is DBLog's (Andreakis and Papapanagiotou, https://arxiv.org/abs/2010.12597).
 */
import type { Position, SnapshotProgress, SnapshotRequest, SourceEvent } from '../../model/change.ts'
import { type FailureCode, failure, SyncError } from '../../model/failure.ts'
import { type Key, keyOf } from '../../model/key.ts'
import { fold, type Row } from '../../model/value.ts'
import type { Clock } from '../../std/clock.ts'
import type { Random } from '../../std/random.ts'
import { bell, orAborted } from '../../std/signal.ts'
import { type CatalogTable, readCatalog, readTypes } from './catalog.ts'
import { type Link, stateOf } from './client.ts'
import { cellsOf, rowReader } from './copy.ts'
import type { Settings } from './options.ts'
import { chunkSql } from './snapshot-sql.ts'
import { type Chunk, type Job, newJob, noteChange, readAfter, type Window } from './snapshot-state.ts'
import { type Captured, chunkEvents, highWaterPrefix, messagePrefix, type StreamWatcher } from './transactions.ts'
import { missingTypes, type TypeInfo } from './values.ts'
import { readVisibility, type XidRing } from './visibility.ts'

const againMax = 10_000
const keysAtOnce = 1_000
const firstLimit = 500
const rereadAfter_ms = 100

/** What the reader of snapshots works with. */
export interface SnapshotsOptions {
  readonly settings: Settings
  readonly clock: Clock
  readonly random: Random
  readonly tables: ReadonlyMap<string, Captured>
  readonly types: Map<number, TypeInfo>
  /** The transactions that were streamed last; this adds to it. */
  readonly streamed: XidRing
  /** Transactions that may have been streamed before this feed began and may still be invisible to queries. */
  readonly suspects: ReadonlySet<string>
  readonly connect: (signal: AbortSignal) => Promise<Link>
  readonly emit: (event: SourceEvent) => void
  readonly position: () => Position
  /** Runs the function between two transactions of the stream: now, or after the open one. */
  readonly between: (work: () => void) => void
}

/** The reader of snapshots, one table after the other. */
export interface Snapshots {
  readonly watch: StreamWatcher
  request(request: SnapshotRequest): void
  resume(progress: SnapshotProgress): void
  /** Resolves when all that was asked for so far has been passed on, or given up. */
  finished(): Promise<unknown>
  /** Works on requests until the signal ends it; rejects when a read fails. */
  run(signal: AbortSignal): Promise<void>
}

/** Makes the reader; it does nothing before `run`. */
export function readSnapshots(options: SnapshotsOptions): Snapshots {
  const { clock, emit, settings, streamed } = options
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

  const watch: StreamWatcher = {
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
    committed(xid, highWater) {
      streamed.add(xid)
      if (current?.dirty) tell(current, false)
      for (const mark of highWater) {
        const chunk = waiting.get(mark)
        if (chunk === undefined) continue
        waiting.delete(mark)
        pass(mark.slice(highWaterPrefix.length), chunk)
      }
    },
  }

  /** Passes a chunk on, at the place of its high-water mark. */
  const pass = (id: string, chunk: Chunk) => {
    const { job, window } = chunk
    windows.delete(window)
    const rows: [Key, Row][] = []
    for (const [key, row] of window.truncated ? [] : chunk.rows) {
      const image = window.images.get(key)
      if (image === undefined) rows.push([key, row])
      // Columns that no change in the window sent are the same before and after it.
      else if (typeof image === 'object') rows.push([key, fold(row, image.row)])
    }
    for (const key of chunk.asked ?? [])
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
    let link: Link | null = null
    try {
      for (;;) {
        const job = jobs.shift()
        if (job === undefined) {
          await wake.wait(signal)
          continue
        }
        link ??= await options.connect(signal)
        current = job
        const abandoned = await runJob(link, job, signal).catch((error) => refusal(error, job))
        current = null
        if (abandoned !== undefined) options.between(() => emit({ ...abandoned, position: options.position() }))
        unfinished.delete(job)
        job.over.resolve()
      }
    } finally {
      windows.clear()
      await link?.close()
    }
  }

  const runJob = async (link: Link, job: Job, signal: AbortSignal): Promise<undefined> => {
    const table = await describe(link, options, job.name)
    job.rowsEstimated = table.rowsEstimated
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
      const chunk = await readChunk(link, job, table, asked, signal)
      // One chunk waits for its mark while the next is read, never two.
      await orAborted(previous, signal)
      const mark = highWaterPrefix + options.random.id()
      waiting.set(mark, chunk)
      previous = chunk.emitted.promise
      await link.query('SELECT pg_logical_emit_message(true, $1, $2)', [messagePrefix, mark])
      if (asked !== null) continue
      job.after = chunk.after
      job.ranOut = chunk.last
    }
  }

  const readChunk = async (
    link: Link,
    job: Job,
    table: CatalogTable,
    asked: readonly Key[] | null,
    signal: AbortSignal,
  ): Promise<Chunk> => {
    for (;;) {
      signal.throwIfAborted()
      const window: Window = { table: job.name, images: new Map(), keys: null, truncated: false, overflow: false }
      const before = streamed.total()
      windows.add(window) // before BEGIN is sent: nothing may fall between the two
      try {
        const sql = chunkSql(table, job.after, asked, limit, options.types)
        await link.query(`BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; ${sql.searchPath}`)
        const answer = await link.query('SELECT pg_current_snapshot()::text')
        const visibility = readVisibility(String(answer[0]?.[0]))
        if (streamed.mayBeInvisible(visibility, before, options.suspects)) {
          // A commit is decoded a moment before queries see it, and long before under synchronous replication.
          await link.query('ROLLBACK')
          windows.delete(window)
          await clock.sleep(rereadAfter_ms, signal)
          continue
        }
        const read = await readRows(link, sql.copy, table, options)
        await link.query('COMMIT')
        if (window.overflow) {
          windows.delete(window)
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
      job.rowsEstimated = options.tables.get(request.table)?.table.rowsEstimated ?? null
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

interface Read {
  readonly rows: Map<Key, Row>
  readonly after: readonly string[] | null
  readonly lines: number
  readonly bytes: number
  readonly full: boolean
}

async function readRows(link: Link, sql: string, table: CatalogTable, options: SnapshotsOptions): Promise<Read> {
  const columns = table.columns.filter((column) => !column.generated)
  const at = table.key.map((name) => columns.findIndex((column) => column.name === name))
  const toRow = rowReader(columns, options.types)
  const rows = new Map<Key, Row>()
  let after: readonly string[] | null = null
  let lines = 0
  let bytes = 0
  let full = false
  await link.copy(sql, (line) => {
    lines++
    full ||= bytes > options.settings.chunkBytes
    if (full) return // I7: the rest comes with the next chunk
    bytes += line.length
    const cells = cellsOf(line)
    const row = toRow(cells)
    const key = keyOf(table.key.map((name) => row[name]))
    if (key === null) throw unreadableKey(table)
    after = at.map((index) => cells[index] as string)
    rows.set(key, row)
  })
  return { rows, after, lines, bytes, full }
}

function unreadableKey(table: CatalogTable): SyncError {
  return new SyncError(failure('SYNC-4001', `A row of ${table.name} has a key that cannot be read.`))
}

function nextLimit(limit: number, read: Read, settings: Settings): number {
  if (read.full) return Math.max(1, read.rows.size)
  const rowBytes = read.bytes / Math.max(1, read.rows.size)
  return Math.max(1, Math.min(settings.chunkRows, limit * 4, Math.floor(settings.chunkBytes / Math.max(1, rowBytes))))
}

async function describe(link: Link, options: SnapshotsOptions, name: string): Promise<CatalogTable> {
  const known = options.tables.get(name)
  if (known === undefined) throw new SyncError(failure('SYNC-2009', `Table ${name} is not captured by this source.`))
  // Columns may have come since the feed was opened.
  const table = (await readCatalog(link, [known.table.id])).get(name)
  if (table === undefined) throw new SyncError(failure('SYNC-2009', `Table ${name} does not exist any more.`))
  const missing = missingTypes(
    table.columns.map((column) => column.oid),
    options.types,
  )
  if (missing.length > 0) await readTypes(link, missing, options.types)
  return table
}

const ofTheTable: ReadonlySet<FailureCode> = new Set(['SYNC-2008', 'SYNC-2009', 'SYNC-4001'])

/** An error that concerns this table alone stops its snapshot and its flows, not the stream of all others. */
function refusal(error: unknown, job: Job): Omit<SourceEvent & { kind: 'table' }, 'position'> {
  const concerned =
    error instanceof SyncError && (ofTheTable.has(error.failure.code) || stateOf(error).startsWith('42'))
  if (!concerned) throw error
  const message = `The snapshot of ${job.name} cannot go on: ${error.failure.message}`
  return { kind: 'table', table: job.name, state: 'changed', failure: failure('SYNC-6004', message) }
}
