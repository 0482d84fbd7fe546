import type { FlowId } from './change.ts'
import type { Failure } from './failure.ts'
import type { Key } from './key.ts'
import type { Word } from './twins.ts'

/**
 * Merging inside the target: two source records are one since a person said so, and both have a record there. Nothing is merged there
 * before a person asks for that, too. The one that goes with the other *loses*, its leader *survives*.
 */

/** Two records that a person may ask to be merged inside the target. */
export interface Mergeable {
  readonly key: Key
  readonly into: Key
  /** The target's ids. */
  readonly loser: string
  readonly survivor: string
}

/**
 * What became of a wish. `asked`: it waits for its turn. `sent`: it may be at the target, or on its way. `merged`. `gone`: the loser was
 * deleted at the target already. `refused`: by the target, with the failure. `void`: the two were not as they had been asked for.
 */
export type MergeState = 'asked' | 'sent' | 'merged' | 'gone' | 'refused' | 'void'

/** A wish and what became of it: kept for ever. */
export interface MergeRow extends Mergeable {
  readonly state: MergeState
  readonly by: string
  readonly why: string
  readonly asked_ms: number
  /** When it came into its present state. */
  readonly at_ms: number
  /** The last failure: why it was refused, or why it is still asked for. */
  readonly failure: Failure | null
}

/** A wish with the links that it is about. */
export interface Merge {
  readonly id: number
  readonly link: number
  readonly into: number
  readonly loser: string
  readonly survivor: string
  /** Sendings that were certainly not applied. */
  readonly attempts: number
  readonly mayLandUntil_ms: number
}

/** How a sent wish goes on. `again`: certainly not applied. `open`: its answer was lost. */
export type MergeEnd =
  | { readonly kind: 'merged' | 'gone' }
  | { readonly kind: 'refused'; readonly failure: Failure }
  | { readonly kind: 'again'; readonly failure: Failure; readonly due_ms: number }
  | { readonly kind: 'open'; readonly failure: Failure; readonly mayLandUntil_ms: number }

/** The part of the state that knows merges inside the target. Each method is one transaction. */
export interface MergesState {
  /** Pairs that are one, have both a record at the target, and are not asked for yet; of one record or of all. */
  mergeable(sync: string, key: Key | null, rowsMax: number): Promise<readonly Mergeable[]>
  /** A person asks for them. Answers how many. */
  askMerges(flow: FlowId, key: Key | null, rowsMax: number, word: Word): Promise<number>
  /** Wishes whose turn has come, oldest first. `next_ms`: when the next one is due. */
  dueMerges(
    flow: FlowId,
    now_ms: number,
    rowsMax: number,
  ): Promise<{ readonly due: readonly Merge[]; readonly next_ms: number | null }>
  /**
   * These are about to be sent (I9). Those whose records are not as they were asked for any more become `void`; answers the others.
   */
  beginMerges(
    flow: FlowId,
    epoch: number,
    ids: readonly number[],
    at_ms: number,
    mayLandUntil_ms: number,
  ): Promise<readonly Merge[]>
  /** Wishes that an earlier process had sent, or was about to. */
  sentMerges(flow: FlowId): Promise<readonly Merge[]>
  /** What the target said. A loser that is deleted there belongs to no record from then on. */
  settleMerge(flow: FlowId, epoch: number, id: number, end: MergeEnd, at_ms: number): Promise<void>
  /** Wishes of a sync, or of one of its records; newest first. */
  merges(sync: string, key: Key | null, rowsMax: number): Promise<readonly MergeRow[]>
}
