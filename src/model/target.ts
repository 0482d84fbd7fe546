import type { Sequence } from './change.ts'
import type { Failure, Problem } from './failure.ts'
import type { Stored } from './source.ts'
import type { Row, Value } from './value.ts'

/** How urgently a request travels (rule 10). */
export type Route = 'realtime' | 'queue' | 'batch'

/** What a sync writes: given to the target before the first row, so that it can say what would not work. */
export interface TargetShape {
  /** The target's name of the entity: `Contact`. */
  readonly object: string
  /** The external id field. */
  readonly key: string
  /** Every field that may be written, the key included. */
  readonly fields: readonly string[]
  /** What is known of a field's values before the first of them. */
  readonly bounds?: { readonly [field: string]: FieldBound }
  /** Whether records may be deleted for good (deletes: hard). */
  readonly deletes: boolean
}

/** What is not null of a field, as far as mapping and schema bound it. */
export interface FieldBound {
  /** Every value that there can be, as text. */
  readonly values?: readonly string[]
  /** The greatest length of a text, in characters. */
  readonly length?: number
}

/** Which record a delivery is about: by external id, or by the target's own id. */
export type Ref = { readonly field: string; readonly value: Value } | { readonly id: string }

/** One record to write. */
export interface Delivery {
  /** The link's number: unique within its request. */
  readonly link: number
  readonly op: 'upsert' | 'create' | 'update' | 'delete'
  readonly object: string
  readonly ref: Ref
  /** Fields to write; dotted names build objects. Absent fields stay as they are. */
  readonly set: Row
  readonly expect?: { readonly version?: string; readonly row?: Row }
  /** The entries that it settles: none (a repeat of ours) or one; what it superseded has its outcome already. */
  readonly covers: readonly Sequence[]
}

/** One call to the target, stored as a flight before it is sent (I9). */
export interface Request {
  /** Unique for ever: 24 hexadecimal characters. */
  readonly id: string
  /** Ascending within a flow, so that a lake can drop a repeated request. */
  readonly number: number
  readonly route: Route
  readonly deliveries: readonly Delivery[]
}

/** What became of one delivery. Only the target's own word makes `confirmed` (I3). */
export type Outcome =
  /** The target said so for this very record. `created`: it did not exist before. `stored`: its image, where the answer has it. */
  | {
      readonly kind: 'confirmed'
      readonly id: string
      readonly created?: boolean
      readonly version?: string
      readonly stored?: Row
    }
  /** The expected version was not there. */
  | { readonly kind: 'stale'; readonly now: Stored | null }
  /** The target refused this record for its data. */
  | { readonly kind: 'rejected'; readonly failure: Failure }
  /** Certainly not applied: it may be sent again. */
  | { readonly kind: 'unsent'; readonly failure: Failure }
  /** May have been applied, or may be until then; wall time (I4). */
  | { readonly kind: 'unknown'; readonly failure: Failure; readonly mayLandUntil_ms: number }

/** One page of all records of a target. */
export interface Scanned {
  readonly rows: readonly Stored[]
  /** Ids of records that were deleted. */
  readonly gone: readonly string[]
  /** Where to go on, also after a restart. Only the target reads it. */
  readonly after: string
  /** Nothing more is there at present. */
  readonly isAll: boolean
}

/** Two records of one object, by the target's ids, that are to be one: `loser` goes into `survivor`. */
export interface MergePair {
  readonly object: string
  readonly survivor: string
  readonly loser: string
}

/**
 * How two records stand. `apart`: both are there. `merged`: the loser is deleted, merged into the survivor. `gone`: the loser is deleted,
 * and not by that. `lost`: one of them cannot be found, and nothing more is known.
 */
export type MergeStanding = 'apart' | 'merged' | 'gone' | 'lost'

/** Merging inside the target: done for no reason but a person's explicit wish. */
export interface Merging {
  /** Reads how they stand. Throws a SyncError while the target cannot be asked. */
  look(pair: MergePair, signal: AbortSignal): Promise<MergeStanding>
  /**
   * Merges them, once: the loser is deleted, what referred to it refers to the survivor, no value of the survivor changes. Like `submit`
   * it never rejects for what the target or the network did, and repeats nothing but one token refresh. Never `stale`.
   */
  send(pair: MergePair, signal: AbortSignal): Promise<Outcome>
}

/** A system that records are written to. */
export interface Target {
  readonly traits: {
    /** `state`: the newest image counts. `changes`: every version is wanted and nothing is folded. */
    readonly wants: 'state' | 'changes'
    /** What a repeated upsert does: `unique` cannot duplicate. */
    readonly upsert: 'unique' | 'lookup' | 'none'
    readonly conditional: boolean
    /** The longest time from sending a request to the last moment at which it can still take effect. */
    readonly landing_ms: number
    readonly requestRowsMax: number
    readonly requestBytesMax: number
    /** Requests that may be under way at once. */
    readonly requestsMax: number
  }
  /** Who this is, for ever (organisation, portal, server id): stored at the first run, compared at every later one (rule 12). */
  identity(signal: AbortSignal): Promise<string>
  /** Object, fields, writability, external id marked and unique: everything that would fail later is said before the first row. */
  check(shape: TargetShape, signal: AbortSignal): Promise<Problem[]>
  /**
   * Sends one request and resolves with one outcome a delivery, in the same order, whatever the target's order was. It never
   * rejects for what the target or the network did; it does not retry except one token refresh. `save` is awaited before a
   * step that cannot be taken back and that `resume` needs (a bulk job's id).
   */
  submit(request: Request, save: (ticket: string) => Promise<void>, signal: AbortSignal): Promise<Outcome[]>
  /** Takes a request up again whose ticket was saved. Targets without tickets never get this call. */
  resume(request: Request, ticket: string, signal: AbortSignal): Promise<Outcome[]>
  /** Reads records back: one answer a ref, same order, null where there is none; only these fields. At most `requestRowsMax`. */
  fetch(
    object: string,
    refs: readonly Ref[],
    fields: readonly string[],
    signal: AbortSignal,
  ): Promise<(Stored | null)[]>
  /**
   * All records, in the order of their last change; after the last one, what changed since. A record may come twice, none is left
   * out. Targets that cannot tell their changes lack it. Throws a SyncError while the target cannot be asked.
   */
  scan?(
    object: string,
    fields: readonly string[],
    after: string | null,
    rowsMax: number,
    signal: AbortSignal,
  ): Promise<Scanned>
  /**
   * Those of these values that the field has in some record, letter case included; values that it cannot hold occur nowhere. At most
   * 1,000; with none it only makes sure that the field can be asked. Targets that cannot be asked by value lack it. Throws a SyncError
   * while the target cannot be asked, or has no such field.
   */
  lookup?(object: string, field: string, values: readonly Value[], signal: AbortSignal): Promise<readonly Value[]>
  /** Targets that cannot merge records, or have no proof of a merge, lack it. Which objects it merges: `Connector.merges`. */
  readonly merging?: Merging
  /**
   * A row in the target's own normal form, so that images can be compared by their text: trimmed, empty as null, 15-digit
   * doubles, times in UTC, as this target stores them.
   */
  normal(object: string, row: Row): Row
  close(): Promise<void>
}
