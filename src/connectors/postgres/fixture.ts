/** For the tests of this folder: databases on one real server, and a reader that does what a journal does. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import pg from 'pg'
import type { Change, Position, SnapshotProgress, SourceEvent } from '../../model/change.ts'
import { SyncError } from '../../model/failure.ts'
import type { Key } from '../../model/key.ts'
import type { Feed, Source } from '../../model/source.ts'
import { fold, type Row, rowText } from '../../model/value.ts'
import { systemClock } from '../../std/clock.ts'
import { systemRandom } from '../../std/random.ts'
import type { PostgresOptions } from './options.ts'
import { openPostgres, type TableNeed } from './source.ts'

/** A database of its own on the server. */
export interface Database extends AsyncDisposable {
  readonly url: string
  readonly name: string
  readonly client: pg.Client
  /** Runs SQL; the rows as arrays. */
  sql(text: string, values?: unknown[]): Promise<unknown[][]>
  /** A source on it. Short intervals, so that tests need not wait. */
  source(tables: readonly (TableNeed | string)[], options?: Partial<PostgresOptions>): Source
}

/** A client that does not end the process when its server dies. */
export async function connected(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  return client
}

let count = 0

/** Makes a database; the end of its scope closes its sources and drops it with its slots. */
export async function database(serverUrl: string, more = ''): Promise<Database> {
  const name = `t${process.pid}${String(++count).padStart(4, '0')}` // files of tests may share one server
  const admin = await connected(serverUrl)
  await admin.query(`CREATE DATABASE ${name} ${more}`)
  await admin.end()
  const url = new URL(serverUrl)
  url.pathname = `/${name}`
  const client = await connected(url.href)
  const sources: Source[] = []
  return {
    url: url.href,
    name,
    client,
    async sql(text, values) {
      const answer = await client.query({ text, rowMode: 'array', ...(values ? { values } : {}) })
      const last = Array.isArray(answer) ? answer.at(-1) : answer
      return last.rows
    },
    source(tables, options = {}) {
      const needs = tables.map((table) => (typeof table === 'string' ? { name: table } : table))
      const settings = { name, url: url.href, heartbeat_ms: 200, statusInterval_ms: 500, ...options }
      const source = openPostgres(settings, { clock: systemClock, random: systemRandom }, needs)
      sources.push(source)
      return source
    },
    async [Symbol.asyncDispose]() {
      for (const source of sources) await source.close()
      await client.end().catch(() => {})
      const last = await connected(serverUrl).catch(() => null)
      if (last === null) return
      await last.query(
        `SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE database = $1 AND active_pid IS NOT NULL`,
        [name],
      )
      for (let tries = 0; tries < 50; tries++) {
        const left = await last
          .query(`SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = $1`, [name])
          .catch(() => null)
        if (left !== null) break
        await systemClock.sleep(20)
      }
      await last.query(`DROP DATABASE ${name} WITH (FORCE)`)
      await last.end()
    },
  }
}

/** What a journal would hold. */
export interface Journal {
  /** Complete transactions only. */
  readonly changes: Change[]
  readonly events: SourceEvent[]
  position: Position | null
  readonly progress: Map<string, SnapshotProgress>
}

/** A journal before its first item. */
export function emptyJournal(): Journal {
  return { changes: [], events: [], position: null, progress: new Map() }
}

/** Stores items as a journal does: pieces become visible at the commit, together with the position. */
export function store(journal: Journal, pieces: Change[], item: readonly SourceEvent[]): void {
  for (const event of item) {
    journal.events.push(event)
    if (event.kind === 'rows') {
      pieces.push(...event.changes)
      continue
    }
    if (event.kind === 'commit') {
      journal.changes.push(...pieces)
      pieces.length = 0
    }
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
  /** Resolves when all that was committed so far is in the journal. */
  caughtUp(): Promise<void>
  /** How the feed ended; pending while it runs. */
  readonly ended: Promise<unknown>
}

/** Opens the source and reads it. `confirm: false` stores, but never tells the source so. */
export async function reading(
  source: Source,
  journal: Journal = emptyJournal(),
  options: { readonly confirm?: boolean } = {},
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
    caughtUp: () => feed.caughtUp(new AbortController().signal),
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

/** Reads a little and closes: a journal with a position, and a slot that nobody holds. */
export async function begun(db: Database, tables: string[]): Promise<Journal> {
  const journal = await readOnce(db, tables)
  // The server takes a moment to notice that the connection is gone.
  for (let tries = 0; tries < 200; tries++) {
    const held = await db.sql('SELECT 1 FROM pg_replication_slots WHERE database = current_database() AND active')
    if (held.length === 0) return journal
    await systemClock.sleep(25)
  }
  throw new Error('the server holds the slot of a reader that closed five seconds ago')
}

async function readOnce(db: Database, tables: string[]): Promise<Journal> {
  await using read = await reading(db.source(tables))
  await read.caughtUp()
  return read.journal
}

/** Every id in [1, last] was created exactly once. */
export function assertAll(journal: Journal, last: number): void {
  const ids = journal.changes.map((change) => change.row?.['id'] as number).sort((a, b) => a - b)
  assert.deepEqual(
    ids,
    Array.from({ length: last }, (_, i) => i + 1),
  )
}
