import type { Position, SnapshotProgress, SnapshotRequest, SourceEvent } from './change.ts'
import type { Problem } from './failure.ts'
import type { Key } from './key.ts'
import type { Row, Value } from './value.ts'

/** A column as the source describes it. */
export interface Column {
  readonly name: string
  /** The source's own name of the type: `numeric(10,2)`. */
  readonly type: string
  readonly nullable: boolean
  /** True for columns that the change log does not carry (generated columns); they are read from the table. */
  readonly logged: boolean
}

/** A table as the source describes it. */
export interface Table {
  /** With its schema: `public.members`. */
  readonly name: string
  readonly columns: readonly Column[]
  /** Key columns in key order. Empty: the table has no usable key and cannot be synced. */
  readonly key: readonly string[]
  readonly rowsEstimated: number | null
}

/** A record as one system holds it now. */
export interface Stored {
  /** The system's own id of it; for a SQL table the key's text. */
  readonly id: string
  readonly row: Row
  /** For conditional writes, where the system has them. */
  readonly version?: string
  /** The last write of it was ours, where the system can tell. */
  readonly byUs?: boolean
}

/**
 * Reading rows outside the change log. `fetch` and `lookup` answer what the system holds now, and at least as new as everything
 * that its feed has yielded before the call: a change that was read is never answered with the row from before it.
 */
export interface TableReader {
  /** One answer a key, same order; null where no such row exists. At most 1,000 keys a call. */
  fetch(table: string, keys: readonly Key[], signal: AbortSignal): Promise<(Row | null)[]>
  /** All rows whose `column` has one of these values. At most 1,000 values a call. */
  lookup(table: string, column: string, values: readonly Value[], signal: AbortSignal): Promise<Row[]>
  /** The next rows in key order after an opaque resume key (null: from the start); `after` is null when the table ends. */
  scan(
    table: string,
    after: string | null,
    rowsMax: number,
    signal: AbortSignal,
  ): Promise<{ rows: Row[]; after: string | null }>
}

/**
 * A system that changes are captured from. `open` may be called again after a feed ended; two feeds of one source never
 * live at the same time.
 */
export interface Source extends TableReader {
  readonly traits: {
    /** `every-change`: a change log. `latest-state`: polling, intermediate states are not seen. */
    readonly feed: 'every-change' | 'latest-state'
    /** The source can show which changes we wrote ourselves. */
    readonly marks: boolean
  }
  /** Everything that would keep this source from working for these tables, with the exact statement that mends it. */
  check(signal: AbortSignal): Promise<Problem[]>
  /** The tables that it was built for, as the system describes them now. */
  describe(signal: AbortSignal): Promise<Table[]>
  /**
   * Starts reading after `from` and takes unfinished snapshots up where they stopped. Null: from now on, or from where an earlier
   * opening has reserved the log: a crash before the first position was stored loses nothing.
   * Throws a `SyncError` when it cannot be shown that nothing is missing between `from` and now (promise 6).
   */
  open(from: Position | null, snapshots: readonly SnapshotProgress[], signal: AbortSignal): Promise<Feed>
  close(): Promise<void>
}

/** An open reader of the change log. */
export interface Feed extends AsyncDisposable {
  /**
   * All that was decoded since the last item, in one item, so that one flush stores it (rule 3). Bounded in rows and bytes;
   * the reader slows the source down when nobody asks. Ends by throwing: a `SyncError` with `retry: timed` may be reopened.
   */
  readonly events: AsyncIterable<SourceEvent[]>
  /** Everything up to here is in our journal, flushed: the source may forget it (I1). */
  durable(position: Position): void
  /** Reads a table (again) beside the stream, stitched to it. */
  snapshot(request: SnapshotRequest): void
  /**
   * Resolves once everything that was committed before the call, and every snapshot asked for before it, was yielded and the
   * consumer has asked for the next item, that is, has stored it. For runs that end when nothing is pending.
   */
  caughtUp(signal: AbortSignal): Promise<void>
}
