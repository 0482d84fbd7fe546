/** For the tests of SQL sources: a reader that does what a journal does, and comparisons. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import type { Change, Position, SnapshotProgress, SourceEvent } from '../../model/change.ts'
import { SyncError } from '../../model/failure.ts'
import type { Key } from '../../model/key.ts'
import type { Feed, Source } from '../../model/source.ts'
import { fold, type Row, rowText } from '../../model/value.ts'

/** What a journal would hold. */
export interface Journal {
  /** Complete transactions only. */
  readonly changes: Change[]
  readonly events: SourceEvent[]
  position: Position | null
  readonly progress: Map<string, SnapshotProgress>
  /** Whose pieces wait for their commit. */
  tx: string | null
  /** XA: by transaction, what waits for its release. */
  readonly held: Map<string, readonly Change[]>
}

/** A journal before its first item. */
export function emptyJournal(): Journal {
  return { changes: [], events: [], position: null, progress: new Map(), tx: null, held: new Map() }
}

/** Stores items as a journal does: pieces become visible at the commit, together with the position. */
export function store(journal: Journal, pieces: Change[], item: readonly SourceEvent[]): void {
  for (const event of item) {
    journal.events.push(event)
    if (event.kind === 'rows' || event.kind === 'commit' || event.kind === 'hold') {
      // What another transaction left there never had its commit.
      if (journal.tx !== event.tx) pieces.length = 0
      journal.tx = event.tx
    }
    if (event.kind === 'rows') {
      pieces.push(...event.changes)
      continue
    }
    if (event.kind === 'commit') journal.changes.push(...pieces.splice(0))
    if (event.kind === 'hold') journal.held.set(event.tx, pieces.splice(0))
    if (event.kind === 'release') journal.changes.push(...(journal.held.get(event.tx) ?? []))
    if (event.kind === 'release' || event.kind === 'discard') journal.held.delete(event.tx)
    if (event.kind === 'snapshot') {
      const { table, only = '' } = event.progress
      journal.progress.set(`${table}/${only}`, event.progress)
    }
    journal.position = event.position
  }
}

/** A feed that is read into a journal in the background. */
export interface Reading extends AsyncDisposable {
  readonly feed: Feed
  readonly journal: Journal
  /** Resolves when all that was committed so far is in the journal; rejects with its reason when the feed ends before. */
  caughtUp(): Promise<void>
  /** How the feed ended; pending while it runs. */
  readonly ended: Promise<unknown>
}

/** Opens the source and reads it. `confirm: false` stores, but never tells the source so. `hold`: after each item, takes the next only then. */
export async function reading(
  source: Source,
  journal: Journal = emptyJournal(),
  options: { readonly confirm?: boolean; readonly hold?: (journal: Journal) => Promise<void> | undefined } = {},
): Promise<Reading> {
  const stop = new AbortController()
  const unfinished = [...journal.progress.values()].filter((progress) => !progress.done)
  const feed = await source.open(journal.position, unfinished, stop.signal)
  const pieces: Change[] = []
  const ended = (async () => {
    try {
      for await (const item of feed.events) {
        store(journal, pieces, item)
        if (options.confirm !== false && journal.position !== null) feed.durable(journal.position)
        await options.hold?.(journal)
      }
      return undefined
    } catch (error) {
      return error
    }
  })()
  return {
    feed,
    journal,
    ended,
    caughtUp: () =>
      Promise.race([
        feed.caughtUp(new AbortController().signal),
        ended.then((reason) => Promise.reject(reason ?? new Error('the feed has ended'))),
      ]),
    async [Symbol.asyncDispose]() {
      await feed[Symbol.asyncDispose]()
      await ended
    },
  }
}

/** The table that a journal's changes make, column by column. */
export function folded(changes: readonly Change[], table: string): Map<Key, Row> {
  const rows = new Map<Key, Row>()
  for (const change of changes) {
    if (change.table !== table) continue
    const from = change.oldKey ?? change.key
    const before = rows.get(from)
    if (change.oldKey !== undefined || change.op === 'delete') rows.delete(from)
    if (change.op === 'delete') continue
    const row = change.row as Row
    rows.set(change.key, before === undefined || change.op === 'create' ? row : fold(before, row))
  }
  return rows
}

/** Rows by key for comparisons that tell what differs; long values are shortened to a digest. */
export function plain(rows: ReadonlyMap<Key, Row>): { [key: string]: string } {
  const short = (row: Row) => rowText(row).replaceAll(/"([^"]{40,})"/g, (_, text: string) => `"${digest(text)}"`)
  return Object.fromEntries([...rows].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, row]) => [key, short(row)]))
}

function digest(text: string): string {
  return `${text.length}:${createHash('sha256').update(text).digest('hex').slice(0, 8)}`
}

/** All rows of the table as the source reads them. */
export async function wholeTable(source: Source, table: string, keyOf: (row: Row) => Key): Promise<Map<Key, Row>> {
  const rows = new Map<Key, Row>()
  let after: string | null = null
  do {
    const page: { rows: Row[]; after: string | null } = await source.scan(
      table,
      after,
      1_000,
      new AbortController().signal,
    )
    for (const row of page.rows) rows.set(keyOf(row), row)
    after = page.after
  } while (after !== null)
  return rows
}

/** The failure that the work ends with; any other end of it fails the test. */
export async function failing(work: Promise<unknown>, code: string): Promise<SyncError> {
  const error = await work.then(
    () => undefined,
    (reason) => reason,
  )
  assert.ok(error instanceof SyncError, `expected ${code}, got ${error}`)
  assert.equal(error.failure.code, code, error.message)
  return error
}

/** Every id in [1, last] was created exactly once. */
export function assertAll(journal: Journal, last: number): void {
  const ids = journal.changes.map((change) => change.row?.['id'] as number).sort((a, b) => a - b)
  assert.deepEqual(
    ids,
    Array.from({ length: last }, (_, i) => i + 1),
  )
}
