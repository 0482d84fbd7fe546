import type { Lane, LinkState } from './state.ts'

/** The record that has an external id. */
export interface Owner {
  readonly link: number
  readonly state: LinkState
  readonly target: string | null
  readonly lane: { readonly state: Lane['state']; readonly wants: string | null } | null
}

/**
 * An old external id that the target may still show of a link, until a request from `since` on is confirmed; empty: its record there
 * may still show none.
 */
export interface Held {
  readonly link: number
  readonly ext: string
  readonly since: number
}

/** A link that does not hold an old external id any more. */
export interface Released {
  readonly link: number
  readonly ext: string
}

/** What becomes of external ids in a window, beside what `links` say. */
export interface IdChanges {
  /**
   * Links that lose their external id to the link `to`; `withTarget`: and with it the target's record, marked as deleted, that shows
   * it. What is sent then brings that record back.
   */
  readonly givers: readonly { readonly link: number; readonly to: number; readonly withTarget: boolean }[]
  /** Deleted records that have to give up the external id which the target still shows of them: they become due. */
  readonly evicted: readonly Held[]
  readonly held: readonly Held[]
  readonly released: readonly Released[]
  /** External ids that nobody has any more: whoever waits for one is judged again. */
  readonly freed: readonly string[]
}

/** Nothing becomes of them. */
export const noIdChanges: IdChanges = { givers: [], evicted: [], held: [], released: [], freed: [] }
