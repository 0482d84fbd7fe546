import type { Failure } from './failure.ts'
import type { Key } from './key.ts'
import type { Row } from './value.ts'

/** `read`: a row of a snapshot or batch. `touch`: this root record must be read again (joined records, rule 20). */
export type Op = 'create' | 'update' | 'delete' | 'read' | 'touch'

/** A flow: one direction of a sync, from one source's journal to one target. `members` or, two-way, `members:back`. */
export type FlowId = string

/** A row of a table. */
export interface RowRef {
  readonly table: string
  readonly key: Key
}

/** One row event. */
export interface Change {
  /** As the source names it, with its schema: `public.members`. */
  readonly table: string
  readonly op: Op
  readonly key: Key
  /** The key before the change, where it changed. */
  readonly oldKey?: Key
  /** The row after the change; for `delete` what is known of the deleted row. Columns that the source did not send are absent. */
  readonly row?: Row
  /** The row before the change, as far as the source sends it. */
  readonly before?: Row
  /** Stable across re-reads: the same change read twice has the same id (`<commit position>/<index>`). */
  readonly id: string
  /** Our own mark, where this change was written by us (rule 17). */
  readonly mark?: string
  /** Addressed to this flow alone (a snapshot that it asked for). */
  readonly only?: FlowId
  /** Made by us: a foreign key changed this row, and the source does not log what foreign keys do. The row has to be read again. */
  readonly synthetic?: 'cascade'
  /**
   * Which rows this one points at by foreign keys whose actions the source does not log. The journal remembers it, entries do not show
   * it. It may remember too much: a row that is read again although nothing changed is harmless.
   */
  readonly refs?: readonly RowRef[]
  /**
   * By this change the source changed all rows that point at `from`, in turn too, without logging it: the journal adds a `touch` for each
   * that it knows. `to`: what they point at from now on, where that is known.
   */
  readonly cascades?: readonly { readonly from: RowRef; readonly to: RowRef | null }[]
  /** When the source committed it, milliseconds since 1970; 0 where the source does not say. */
  readonly at_ms: number
}

/** Resume token of one source. Opaque: only its source reads it, and nobody compares two of them. */
export type Position = string & { readonly brand: 'Position' }

/** Number of an entry in one journal, from 1, without gaps: the engine's only order. */
export type Sequence = number

/** A change with its place in the journal. */
export interface Entry extends Change {
  readonly seq: Sequence
}

/** How far the snapshot of one table has come. Stored with the rows that it speaks of, in one transaction (I5). */
export interface SnapshotProgress {
  readonly table: string
  readonly only?: FlowId
  /** Resume key after the last chunk; null before the first. Only the source reads it. */
  readonly after: string | null
  readonly done: boolean
  /** Rows emitted so far. */
  readonly rows: number
  /** The source's own estimate of the table's rows, for progress bars; null where it has none. */
  readonly rowsEstimated: number | null
}

/** A request to read a whole table again. */
export interface SnapshotRequest {
  readonly table: string
  readonly only?: FlowId
}

/**
 * What a feed yields. Between the first `rows` of a transaction and its `commit` nothing of another transaction comes,
 * so that a journal can append pieces and make them visible at the commit.
 */
export type SourceEvent =
  /** A bounded piece of a transaction, not visible yet. */
  | { readonly kind: 'rows'; readonly tx: string; readonly changes: readonly Change[] }
  /** The transaction is complete; `position` resumes after it. `set`: the change set that it forms, with its size. */
  | {
      readonly kind: 'commit'
      readonly tx: string
      readonly position: Position
      readonly set?: { readonly id: string; readonly bytes: number }
    }
  /** XA: keep what came under this tx aside, release it, forget it. */
  | { readonly kind: 'hold' | 'release' | 'discard'; readonly tx: string; readonly position: Position }
  /** Nothing for us up to here. */
  | { readonly kind: 'progress'; readonly position: Position }
  /** The rows of a chunk came as an ordinary transaction just before; this says how far the snapshot is. */
  | { readonly kind: 'snapshot'; readonly progress: SnapshotProgress; readonly position: Position }
  /** Something happened to a table that rows cannot tell. Flows that read it stop and say why (promise 6). */
  | {
      readonly kind: 'table'
      readonly table: string
      readonly state: 'truncated' | 'changed' | 'gap'
      readonly failure: Failure
      readonly position: Position
    }
