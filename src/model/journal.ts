import type { Entry, FlowId, Position, Sequence, SnapshotProgress, SnapshotRequest, SourceEvent } from './change.ts'
import type { Failure } from './failure.ts'

/** Where a journal stands. */
export interface JournalHead {
  /** Made once, when the journal was; a state that knows another id does not belong to it. */
  readonly id: string
  /** The newest visible entry; 0 while there is none. */
  readonly tail: Sequence
  /** Where the source resumes; null before the first commit. */
  readonly position: Position | null
  readonly snapshots: readonly SnapshotProgress[]
  /** Tables that stopped, with the reason. */
  readonly stopped: readonly { readonly table: string; readonly failure: Failure }[]
}

/** Which entries a flow reads: these tables, and of addressed entries only its own. */
export interface Selection {
  readonly after: Sequence
  readonly tables: readonly string[]
  readonly flow: FlowId
}

/**
 * The durable record of everything that one source committed. One writer. When `append` has resolved, its commits are flushed
 * to disk and visible, together with the position (I1, I5).
 */
export interface Journal {
  head(): Promise<JournalHead>
  /**
   * Appends one item of a feed with one flush. Pieces without their commit are stored above `tail`, unseen; what an
   * interrupted run left there is gone at the next start. A change whose id is stored already is dropped.
   */
  append(events: readonly SourceEvent[]): Promise<{ readonly tail: Sequence; readonly position: Position | null }>
  /**
   * The next entries of a flow in order, bounded in rows and bytes (at least one, however large). `scanned`: everything up to
   * there was looked at, so that a cursor also passes what does not concern the flow.
   */
  read(
    from: Selection,
    rowsMax: number,
    bytesMax: number,
  ): Promise<{ readonly entries: readonly Entry[]; readonly scanned: Sequence }>
  /** How many visible entries of a flow lie after the cursor, up to `upTo`; `live`: without rows of snapshots. */
  count(from: Selection, live?: boolean, upTo?: Sequence): Promise<number>
  /**
   * What it holds, without looking at it: visible entries, bytes of the disk that are in use, and up to which number it has
   * forgotten everything.
   */
  size(): Promise<{ readonly rows: number; readonly bytes: number; readonly forgotten: Sequence }>
  /** Entries of one record, newest first, for `syncline record`. */
  story(table: string, key: string, rowsMax: number): Promise<readonly Entry[]>
  /** Remembers that a table is to be read (again), so that the next `open` of the source does; replaces what was known of it. */
  request(snapshot: SnapshotRequest): Promise<void>
  /** Forgets the source position: the next `open` starts from now. Only together with snapshots of every table. */
  restart(): Promise<void>
  /** A stopped table goes on. */
  clear(table: string): Promise<void>
  /** Forgets entries up to `seq` that were stored before `before_ms`; at most `rowsMax` a call. Answers how many went. */
  trim(seq: Sequence, before_ms: number, rowsMax: number): Promise<number>
}
