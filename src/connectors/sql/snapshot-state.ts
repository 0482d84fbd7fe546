/** The state of a snapshot: how far a table is, and what the stream said while a chunk was read. */
import type { Change, FlowId } from '../../model/change.ts'
import { type Key, keyParts } from '../../model/key.ts'
import { fold, type Row } from '../../model/value.ts'

const imagesMax = 100_000

/** One table that is being read. */
export interface Job {
  readonly name: string
  readonly only: FlowId | undefined
  /** The key texts after which the next chunk begins; null at the start of the table. */
  after: readonly string[] | null
  /** The table was read to its end; only `again` is left. */
  ranOut: boolean
  /** Keys that a row moved to while its large columns were not sent: they have to be read once more. */
  readonly again: Set<Key>
  /** Too many of them: the table is read from its start again. */
  restart: boolean
  /** `again` or `restart` changed since the last progress event. */
  dirty: boolean
  /** What the last progress event said. */
  emittedAfter: readonly string[] | null
  emittedRanOut: boolean
  rows: number
  rowsEstimated: number | null
  /** Resolves when the table was read, or given up. */
  readonly over: PromiseWithResolvers<void>
}

/** What the stream said of a key since the window opened. */
export type Image = 'gone' | 'complete' | { readonly row: Row }

/** The time from before a chunk is read until its high-water mark. */
export interface Window {
  readonly table: string
  readonly images: Map<Key, Image>
  /** Once the chunk is read, only its own keys matter. */
  keys: { has(key: Key): boolean } | null
  truncated: boolean
  overflow: boolean
}

/** A chunk that waits for its mark. */
export interface Chunk {
  readonly job: Job
  readonly window: Window
  readonly rows: ReadonlyMap<Key, Row>
  /** The keys that were asked for, where it is not the next range. */
  readonly asked: readonly Key[] | null
  readonly after: readonly string[] | null
  readonly last: boolean
  readonly emitted: PromiseWithResolvers<void>
}

/** A table that nothing was read of yet. */
export function newJob(name: string, only: FlowId | undefined): Job {
  return {
    name,
    only,
    after: null,
    ranOut: false,
    again: new Set(),
    restart: false,
    dirty: false,
    emittedAfter: null,
    emittedRanOut: false,
    rows: 0,
    rowsEstimated: null,
    over: Promise.withResolvers<void>(),
  }
}

/** Notes what a change of the stream says of its keys. */
export function noteChange(window: Window, change: Change, complete: boolean): void {
  const { key, oldKey } = change
  if (oldKey !== undefined) note(window, oldKey, 'gone')
  if (change.op === 'delete') note(window, key, 'gone')
  else if (complete) note(window, key, 'complete')
  else {
    const before = window.images.get(key)
    if (before === 'complete') return
    const row = change.row as Row
    note(window, key, { row: typeof before === 'object' ? fold(before.row, row) : row })
  }
}

function note(window: Window, key: Key, image: Image): void {
  if (window.keys !== null && !window.keys.has(key)) return
  window.images.set(key, image)
  if (window.images.size > imagesMax) {
    window.images.clear()
    window.overflow = true
  }
}

/** Reads the resume key of a progress event. */
export function readAfter(text: string | null): { after: string[] | null; ranOut: boolean; again: Key[] } {
  if (text === null) return { after: null, ranOut: false, again: [] }
  const {
    after = null,
    ranOut = false,
    again = [],
  } = JSON.parse(text) as {
    after?: string[] | null
    ranOut?: boolean
    again?: Key[]
  }
  return { after, ranOut, again: again.filter((key) => keyParts(key).length > 0) }
}
