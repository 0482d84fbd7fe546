import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Change, Position, SnapshotProgress, SourceEvent } from '../../model/change.ts'
import { SyncError } from '../../model/failure.ts'
import type { Key } from '../../model/key.ts'
import type { Feed, Source } from '../../model/source.ts'
import { field, type Row, text } from '../../model/value.ts'
import { systemClock } from '../../std/clock.ts'

/** One row written at the source. The table has the columns `id` (whole numbers, the key), `name` and `team` (texts, nullable). */
export type SourceWrite =
  | { readonly op: 'insert'; readonly id: number; readonly name: string | null; readonly team: string }
  | { readonly op: 'rename'; readonly id: number; readonly name: string | null }
  | { readonly op: 'rekey'; readonly id: number; readonly to: number }
  | { readonly op: 'delete'; readonly id: number }

/** A system with one empty table, and a way to write to it that has nothing to do with the connector. */
export interface SourceUnderTest {
  /** The table as the source names it, with its schema. */
  readonly table: string
  /** A table that the system does not have. */
  readonly missing: string
  /** Opens the source by the connector table. Chunks of a snapshot have at most 5 rows where they can be set. */
  open(tables: readonly string[]): Promise<Source>
  /** Commits these in one transaction. */
  write(writes: readonly SourceWrite[]): Promise<void>
  /** Writes these in one transaction and leaves it open: the answer commits it. */
  begin(writes: readonly SourceWrite[]): Promise<() => Promise<void>>
  /** Removes the table with all that the source left in the system. Its sources are closed. */
  clean(): Promise<void>
}

/** What a case works with. */
export interface SourceTrial {
  readonly system: SourceUnderTest
  readonly source: Source
  /** Closes the source and opens it again, as a new process does. */
  restart(): Promise<Source>
}

/** One thing that every source does. It throws when this one does not. */
export type SourceCase = (trial: SourceTrial) => Promise<void>

const CASE_MAX_ms = 120_000

/** Runs every case against a fresh system each: what `Source` and `Feed` in the model promise. `skips`: a written reason by title. */
export function sourceContract(
  name: string,
  make: () => Promise<SourceUnderTest>,
  skips: Readonly<Record<string, string>> = {},
): void {
  for (const title of Object.keys(skips))
    assert.ok(Object.hasOwn(sourceCases, title), `${name} skips no case: ${title}`)
  for (const [title, run] of Object.entries(sourceCases))
    test(`${name}: ${title}`, { timeout: CASE_MAX_ms, skip: skips[title] ?? false }, async () => {
      const system = await make()
      try {
        let source = await system.open([system.table])
        try {
          await run({
            system,
            source,
            async restart() {
              await source.close()
              source = await system.open([system.table])
              return source
            },
          })
        } finally {
          await source.close()
        }
      } finally {
        await system.clean()
      }
    })
}

const never = new AbortController().signal
const key = (id: number): Key => JSON.stringify([String(id)]) as Key
const insert = (id: number, team = 'red'): SourceWrite => ({ op: 'insert', id, name: `n${id}`, team })
const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i)
const told = ({ op, key, row }: Change): string => `${op} ${key} ${row === undefined ? '-' : textOf(row, 'name')}`
const textOf = (row: Row, column: string): string | null => text(field(row, column) ?? null)
const idsOf = (changes: readonly Change[]): string[] => changes.map(({ id }) => id)
const keysOf = (changes: readonly Change[]): Key[] => changes.map((change) => change.key)
const isTold = (kept: Kept, ...lines: string[]): void => assert.deepEqual(kept.changes.map(told), lines)
const numbers = (rows: readonly (Row | null)[]) => rows.map((row) => row && Number(textOf(row, 'id')))

/** What a journal holds: changes are visible from their commit on, with the position (I5). */
interface Kept {
  readonly changes: Change[]
  readonly pieces: Change[]
  tx: string | null
  position: Position | null
  readonly snapshots: SnapshotProgress[]
}

const nothing = (position: Position | null = null): Kept => ({
  changes: [],
  pieces: [],
  tx: null,
  position,
  snapshots: [],
})

/** Stores one event, and holds the feed to the order that `SourceEvent` states. */
function keep(kept: Kept, event: SourceEvent): void {
  if (event.kind === 'rows') {
    assert.ok(kept.tx === null || kept.tx === event.tx, `rows of ${event.tx} before the commit of ${kept.tx}`)
    kept.tx = event.tx
    kept.pieces.push(...event.changes)
    return
  }
  if (event.kind === 'commit') {
    assert.ok(kept.tx === null || kept.tx === event.tx, `commit of ${event.tx} within ${kept.tx}`)
    kept.changes.push(...kept.pieces.splice(0))
    kept.tx = null
  }
  if (event.kind === 'snapshot') {
    assert.equal(kept.tx, null, 'progress is told before the rows that it speaks of are committed')
    kept.snapshots.push(event.progress)
  }
  assert.ok(event.kind !== 'table', `${event.kind === 'table' && event.failure.message}`)
  kept.position = event.position
}

/** Opens the feed; a source may need a moment to notice that the reader before is gone, and says so by `timed`. */
async function opened(source: Source, kept: Kept, signal: AbortSignal = never): Promise<Feed> {
  kept.pieces.length = 0
  kept.tx = null
  const last = kept.snapshots.at(-1)
  for (let tries = 0; ; tries++) {
    try {
      return await source.open(kept.position, last === undefined || last.done ? [] : [last], signal)
    } catch (error) {
      if (!(error instanceof SyncError) || error.failure.retry !== 'timed' || tries === 200) throw error
      await systemClock.sleep(50)
    }
  }
}

/** Keeps what the feed yields while `work` runs. */
async function reading(source: Source, kept: Kept, work: (feed: Feed) => Promise<void>): Promise<void> {
  const feed = await opened(source, kept)
  let isOver = false
  const pumped = (async () => {
    for await (const item of feed.events) for (const event of item) keep(kept, event)
  })()
  const ended = pumped.then(
    () => assert.ok(isOver, 'the feed ended while it was read'),
    (error) => {
      if (!isOver) throw error
    },
  )
  try {
    await Promise.race([work(feed), ended])
  } finally {
    isOver = true
    await feed[Symbol.asyncDispose]()
    await ended
  }
}

/** Keeps events up to the first that `isLast` accepts, and goes away there: what came after it was never stored. */
async function readUntil(
  source: Source,
  kept: Kept,
  begin: (feed: Feed) => void | Promise<void>,
  isLast: (event: SourceEvent) => boolean,
): Promise<void> {
  await using feed = await opened(source, kept)
  await begin(feed)
  for await (const item of feed.events)
    for (const event of item) {
      keep(kept, event)
      if (isLast(event)) return
    }
  assert.fail('the feed ended before what was waited for')
}

const errorsOf = async (source: Source): Promise<string[]> =>
  (await source.check(never)).filter(({ level }) => level === 'error').map(({ failure }) => failure.message)

/** Opens the feed, commits each of these as a transaction of its own, and keeps all that comes of it. */
const follow = (source: Source, kept: Kept, system: SourceUnderTest, ...writes: SourceWrite[]): Promise<void> =>
  reading(source, kept, async (feed) => {
    for (const write of writes) await system.write([write])
    await feed.caughtUp(never)
  })

/** What a feed promises of changes and positions. */
const feedCases: Readonly<Record<string, SourceCase>> = {
  async 'from now on, a committed change has its key, row, id and position'({ system, source }) {
    await system.write([insert(1)])
    const kept = nothing()
    await follow(source, kept, system, insert(2, 'blue'), { op: 'rename', id: 2, name: null })
    isTold(kept, 'create ["2"] n2', 'update ["2"] null')
    for (const { table } of kept.changes) assert.equal(table, system.table)
    const row = kept.changes[0]?.row as Row
    assert.deepEqual([textOf(row, 'id'), row['team'], row['name']], ['2', 'blue', 'n2'])
    assert.equal(field(kept.changes[1]?.row as Row, 'name'), null, 'I6: null is a value, not an absent column')
    assert.equal(new Set(idsOf(kept.changes)).size, 2)
    assert.equal(typeof kept.position, 'string')
  },

  async 'opened again without a stored position, it may repeat, and loses nothing'({ system, source }) {
    await follow(source, nothing(), system, insert(1))
    const kept = nothing()
    await follow(source, kept, system, insert(2))
    assert.match(kept.changes.map(({ key }) => key).join(' '), /^(\["1"\] )?\["2"\]$/)
  },

  async 'nothing is visible before its commit'({ system, source }) {
    const kept = nothing()
    await reading(source, kept, async (feed) => {
      const commit = await system.begin([insert(1), insert(2), insert(3)])
      await system.write([insert(4)])
      await feed.caughtUp(never)
      isTold(kept, 'create ["4"] n4')
      await commit()
      await feed.caughtUp(never)
    })
    isTold(kept, ...[4, 1, 2, 3].map((id) => `create ["${id}"] n${id}`))
  },

  async 're-opened from a stored position it misses nothing, repeats nothing, and ids are stable'(trial) {
    const { system, source } = trial
    const kept = nothing()
    await follow(source, kept, system, insert(1))
    const between = kept.position
    await follow(source, kept, system, insert(2))
    await system.write([insert(3)])
    const again = nothing(between)
    await follow(source, again, system)
    isTold(again, 'create ["2"] n2', 'create ["3"] n3')
    assert.equal(again.changes[0]?.id, kept.changes[1]?.id, 'a change that is read twice has one id')
    const next = nothing(again.position)
    await follow(await trial.restart(), next, system, insert(4))
    isTold(next, 'create ["4"] n4')
  },

  async 'a position that was never yielded is not durable'({ system, source }) {
    const kept = nothing()
    await follow(source, kept, system, insert(1))
    const between = kept.position
    await follow(source, kept, system, insert(2))
    {
      await using feed = await opened(source, nothing(between))
      assert.throws(() => feed.durable(kept.position as Position), Error, 'I1: forgotten without having been read')
    }
    const again = nothing(between)
    await reading(source, again, async (second) => {
      await second.caughtUp(never)
      second.durable(again.position as Position)
    })
    isTold(again, 'create ["2"] n2')
  },

  async 'caughtUp waits until what was committed is stored'({ system, source }) {
    await using feed = await opened(source, nothing())
    await system.write([insert(1)])
    let isResolved = false
    const caughtUp = feed.caughtUp(never).then(() => {
      isResolved = true
    })
    const kept = nothing()
    const items = feed.events[Symbol.asyncIterator]()
    while (kept.changes.length === 0) for (const event of (await items.next()).value ?? []) keep(kept, event)
    await systemClock.sleep(200) // a source that does not wait for its consumer has time to show it
    assert.equal(isResolved, false, 'the next item was not asked for: this one is not stored')
    const read = async () => {
      while (!isResolved) await items.next()
    }
    await Promise.all([caughtUp.finally(() => feed[Symbol.asyncDispose]()), read().catch(() => {})])
  },

  async 'an abort ends the feed, and it can be opened again'({ system, source }) {
    const reason = new Error('stopped by the test')
    await assert.rejects(source.open(null, [], AbortSignal.abort(reason)), reason)
    const stop = new AbortController()
    const kept = nothing()
    const feed = await opened(source, kept, stop.signal)
    await system.write([insert(1)])
    const read = async () => {
      for await (const item of feed.events) {
        for (const event of item) keep(kept, event)
        if (kept.changes.length > 0) stop.abort(reason)
      }
    }
    await read().catch((error) => assert.equal(error, reason))
    await feed[Symbol.asyncDispose]()
    await follow(source, kept, system, insert(2))
    isTold(kept, 'create ["1"] n1', 'create ["2"] n2')
  },

  async 'a delete carries the key, a change of the key the one before'({ system, source }) {
    const kept = nothing()
    await system.write([insert(1)])
    const rename: SourceWrite = { op: 'rename', id: 9, name: 'later' }
    await follow(source, kept, system, { op: 'rekey', id: 1, to: 9 }, rename, { op: 'delete', id: 9 })
    const told = kept.changes.map(({ op, key, oldKey }) => `${op} ${oldKey ?? '-'} ${key}`)
    assert.deepEqual(told, ['update ["1"] ["9"]', 'update - ["9"]', 'delete - ["9"]'])
  },
}

/** What a source says of its tables, and how they are read beside the change log. */
const tableCases: Readonly<Record<string, SourceCase>> = {
  async 'describe gives the tables with their columns and key'({ system, source }) {
    const [table, ...others] = await source.describe(never)
    assert.deepEqual([table?.name, table?.key, others], [system.table, ['id'], []])
    const columns = table?.columns.map(({ name, nullable, logged }) => `${name} ${nullable} ${logged}`)
    assert.deepEqual(columns?.sort(), ['id false true', 'name true true', 'team true true'])
    for (const { type } of table?.columns ?? []) assert.ok(type !== '')
  },

  async 'check finds nothing where all is well, and names a table that is missing'({ system, source }) {
    assert.deepEqual(await errorsOf(source), [])
    const other = await system.open([system.table, system.missing])
    try {
      const errors = (await errorsOf(other)).join(' | ')
      assert.ok(errors.includes(system.missing), `no error names ${system.missing}: ${errors}`)
    } finally {
      await other.close()
    }
  },

  async 'a snapshot reads every row once and tells its progress to the end; `only` marks both'({ system, source }) {
    const all = range(1, 23)
    await system.write(all.map((id) => insert(id)))
    let position: Position | null = null
    for (const only of [undefined, 'members:back']) {
      const kept = nothing(position)
      await reading(source, kept, async (feed) => {
        feed.snapshot({ table: system.table, ...(only === undefined ? {} : { only }) })
        await feed.caughtUp(never)
      })
      assert.deepEqual(keysOf(kept.changes).sort(), all.map(key).sort())
      assert.equal(new Set(idsOf(kept.changes)).size, 23)
      for (const change of kept.changes)
        assert.deepEqual([change.op, change.only, change.row?.['team']], ['read', only, 'red'])
      for (const progress of kept.snapshots) assert.deepEqual([progress.table, progress.only], [system.table, only])
      const last = kept.snapshots.at(-1)
      assert.deepEqual([last?.done, last?.rows], [true, 23])
      await follow(source, kept, system, { op: 'rename', id: 1, name: `live ${only}` })
      assert.equal(kept.changes.at(-1)?.only, undefined, 'changes of the log are for everyone')
      position = kept.position
    }
  },

  async 'a snapshot that was cut goes on where it was stored'({ system, source, restart }) {
    const all = range(1, 23)
    await system.write(all.map((id) => insert(id)))
    const kept = nothing()
    const begin = (feed: Feed) => feed.snapshot({ table: system.table })
    await readUntil(source, kept, begin, ({ kind }) => kind === 'snapshot' && kept.changes.length > 0)
    const cut = kept.snapshots.at(-1)
    assert.deepEqual([cut?.rows, cut?.done], [kept.changes.length, false], 'it speaks of what was committed')
    await follow(await restart(), kept, system)
    assert.deepEqual(keysOf(kept.changes), all.map(key), 'no row is missing, none is read again')
    assert.deepEqual([kept.snapshots.at(-1)?.rows, kept.snapshots.at(-1)?.done], [23, true])
  },

  async 'fetch answers one row a key in order, null where there is none, as new as the feed'({ system, source }) {
    await system.write(range(1, 5).map((id) => insert(id)))
    const rows = await source.fetch(system.table, [4, 77, 1, 4].map(key), never)
    assert.deepEqual(numbers(rows), [4, null, 1, 4])
    assert.deepEqual([rows[0]?.['name'], rows[0]?.['team']], ['n4', 'red'])
    assert.deepEqual(await source.fetch(system.table, [], never), [])
    await assert.rejects(source.fetch(system.table, range(1, 1_001).map(key), never), RangeError) // I7
    await follow(source, nothing(), system, { op: 'rename', id: 4, name: 'newest' })
    assert.equal((await source.fetch(system.table, [key(4)], never))[0]?.['name'], 'newest')
  },

  async 'lookup answers all rows with one of the values'({ system, source }) {
    await system.write([insert(1), insert(2, 'blue'), insert(3), insert(4, 'green')])
    const found = async (...teams: string[]) => numbers(await source.lookup(system.table, 'team', teams, never)).sort()
    assert.deepEqual(await found('red', 'green'), [1, 3, 4])
    assert.deepEqual(await found('white'), [])
    assert.deepEqual(await found("red' OR '1'='1"), [])
  },

  async 'scan pages in key order to the end'({ system, source }) {
    assert.deepEqual(await source.scan(system.table, null, 4, never), { rows: [], after: null })
    await system.write(range(1, 10).map((id) => insert(11 - id)))
    const seen: (number | null)[] = []
    let after: string | null = null
    do {
      const page: { rows: Row[]; after: string | null } = await source.scan(system.table, after, 4, never)
      assert.ok(page.rows.length <= 4 && seen.length <= 10)
      seen.push(...numbers(page.rows))
      after = page.after
    } while (after !== null)
    assert.deepEqual(seen, range(1, 10))
  },
}

const sourceCases: Readonly<Record<string, SourceCase>> = { ...tableCases, ...feedCases }
