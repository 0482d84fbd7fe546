import assert from 'node:assert/strict'
import type { Change, Entry, Position, SourceEvent } from '../../model/change.ts'
import { failure } from '../../model/failure.ts'
import type { Journal } from '../../model/journal.ts'
import type { Key } from '../../model/key.ts'
import { newRow } from '../../model/value.ts'
import { systemClock } from '../../std/clock.ts'
import type { StoreCase } from './store.ts'

const TABLE = 'public.members'
const FLOW = 'members'

/** A change of record `n`. */
export const change = (id: string, n: number, more: Partial<Change> = {}): Change => ({
  table: TABLE,
  op: 'update',
  key: JSON.stringify([String(n)]) as Key,
  row: { id: n },
  id,
  at_ms: 1_000,
  ...more,
})

/** A piece of a transaction. */
export const rows = (tx: string, ...changes: Change[]): SourceEvent => ({ kind: 'rows', tx, changes })
/** The end of a transaction. */
export const commit = (tx: string, position = `after-${tx}`): SourceEvent => ({
  kind: 'commit',
  tx,
  position: position as Position,
})

/** A whole transaction with one change a number. */
export const transaction = (tx: string, ...numbers: number[]): SourceEvent[] => [
  rows(tx, ...numbers.map((n, i) => change(`${tx}/${i}`, n))),
  commit(tx),
]

/** Entries of a flow after a cursor, as `seq:id`. */
async function read(journal: Journal, after = 0, flow = FLOW, tables = [TABLE]): Promise<string[]> {
  const { entries } = await journal.read({ after, tables, flow }, 1_000, 1e9)
  return entries.map((entry) => `${entry.seq}:${entry.id}`)
}

/** What `Journal` promises. */
export const journalCases: Readonly<Record<string, StoreCase>> = {
  async 'a new journal is empty and keeps its identity'({ store, reopen }) {
    const head = await store.journal('legacy').head()
    assert.deepEqual({ ...head, id: '' }, { id: '', tail: 0, position: null, snapshots: [], stopped: [] })
    assert.match(head.id, /^[0-9a-f]{24}$/)
    assert.equal((await (await reopen()).journal('legacy').head()).id, head.id)
  },

  async 'rows, tail and position become visible together'({ store, reopen }) {
    const journal = store.journal('legacy')
    assert.deepEqual(await journal.append([rows('a', change('a/0', 1))]), { tail: 0, position: null })
    assert.deepEqual(await read(journal), [], 'pieces are above the tail')
    assert.equal(await journal.count({ after: 0, tables: [TABLE], flow: FLOW }), 0)
    assert.deepEqual(await journal.story(TABLE, '["1"]', 9), [])
    const answer = await journal.append([rows('a', change('a/1', 2)), commit('a')])
    assert.deepEqual(answer, { tail: 2, position: 'after-a' })
    const again = (await reopen()).journal('legacy')
    assert.deepEqual(await read(again), ['1:a/0', '2:a/1'])
    assert.equal((await again.head()).position, 'after-a')
  },

  async 'pieces without their commit are gone at the next start, and their numbers are free'({ store, reopen }) {
    await store.journal('legacy').append([...transaction('a', 1), rows('b', change('b/0', 2))])
    const journal = (await reopen()).journal('legacy')
    assert.deepEqual(await journal.head().then(({ tail, position }) => [tail, position]), [1, 'after-a'])
    await journal.append(transaction('b', 3))
    assert.deepEqual(await read(journal), ['1:a/0', '2:b/0'])
  },

  async 'pieces that a broken connection left do not become visible with the next transaction'({ store }) {
    const journal = store.journal('legacy')
    await journal.append([rows('a', change('a/0', 1), change('a/1', 2))])
    await journal.append(transaction('b', 3))
    assert.deepEqual(await read(journal), ['1:b/0'])
    await journal.append([rows('c', change('c/0', 4))])
    await journal.append([commit('d')])
    assert.deepEqual(await read(journal), ['1:b/0'])
    await journal.append([rows('c', change('c/0', 4)), commit('c')])
    assert.deepEqual(await read(journal), ['1:b/0', '2:c/0'])
  },

  async 'a change that is stored already is dropped, and leaves no gap'({ store }) {
    const journal = store.journal('legacy')
    await journal.append(transaction('a', 1, 2))
    await journal.append([rows('a', change('a/1', 2), change('a/2', 3)), commit('a', 'later')])
    assert.deepEqual(await read(journal), ['1:a/0', '2:a/1', '3:a/2'])
    assert.deepEqual(await journal.head().then(({ tail, position }) => [tail, position]), [3, 'later'])
  },

  async 'an entry comes back as it was written'({ store, reopen }) {
    const row = newRow()
    // biome-ignore lint/suspicious/noProto: a column may really be called so
    row['__proto__'] = 'p'
    row['constructor'] = { kind: 'decimal', text: '12.50' }
    row['empty'] = null
    row['bad'] = { kind: 'invalid', type: 'date', raw: '0000-00-00', reason: 'zero' }
    const written = change('a/0', 1, {
      op: 'delete',
      row,
      before: { id: 1, text: '\u0000é\u{1f600}"' },
      oldKey: '["0"]' as Key,
      mark: 'ours',
      only: FLOW,
      at_ms: 1_700_000_000_123,
    })
    const journal = store.journal('legacy')
    await journal.append([rows('a', written), commit('a')])
    for (const from of [journal, (await reopen()).journal('legacy')]) {
      const [entry] = (await from.read({ after: 0, tables: [TABLE], flow: FLOW }, 1, 1)).entries as [Entry]
      assert.equal(JSON.stringify(entry.row), JSON.stringify(row))
      assert.deepEqual({ ...entry, row: null }, { ...written, row: null, seq: 1 })
    }
  },

  async 'addressed entries are read by their flow alone; other tables are passed'({ store }) {
    const journal = store.journal('legacy')
    await journal.append([
      rows('a', change('a/0', 1), change('a/1', 2, { only: FLOW }), change('a/2', 3, { only: 'chapters' })),
      rows('a', change('a/3', 4, { table: 'public.chapters' })),
      commit('a'),
    ])
    assert.deepEqual(await read(journal), ['1:a/0', '2:a/1'])
    assert.deepEqual(await read(journal, 0, 'chapters'), ['1:a/0', '3:a/2'])
    assert.deepEqual(await read(journal, 0, FLOW, ['public.chapters']), ['4:a/3'])
    assert.equal(await journal.count({ after: 1, tables: [TABLE], flow: FLOW }), 1)
    const { scanned } = await journal.read({ after: 2, tables: [TABLE], flow: FLOW }, 10, 1e6)
    assert.equal(scanned, 4, 'the cursor passes what does not concern the flow')
  },

  async 'a window is bounded in rows and bytes, with at least one entry'({ store, reopen }) {
    const journal = store.journal('legacy')
    const large = (n: number) => change(`a/${n}`, n, { row: { text: 'é'.repeat(500) } })
    await journal.append([rows('a', large(1), large(2), large(3), change('a/4', 4)), commit('a')])
    const check = async (from: Journal) => {
      const window = async (after: number, rowsMax: number, bytesMax: number) => {
        const { entries, scanned } = await from.read({ after, tables: [TABLE], flow: FLOW }, rowsMax, bytesMax)
        return [entries.map((entry) => entry.seq), scanned]
      }
      assert.deepEqual(await window(0, 2, 1e9), [[1, 2], 2])
      assert.deepEqual(await window(0, 10, 10), [[1], 1], 'one, however large')
      assert.deepEqual(await window(0, 10, 2_200), [[1, 2], 2], 'two letters of a thousand bytes each')
      assert.deepEqual(await window(0, 10, 1_500), [[1], 1], 'bytes, not characters')
      assert.deepEqual(await window(3, 10, 1e9), [[4], 4])
      assert.deepEqual(await window(4, 10, 1e9), [[], 4])
      assert.deepEqual(await window(9, 10, 1e9), [[], 9], 'a cursor never goes back')
    }
    await check(journal)
    await check((await reopen()).journal('legacy'))
  },

  async 'trimming forgets what is old and settled, and numbering goes on'({ store, reopen }) {
    const journal = store.journal('legacy')
    const began_ms = systemClock.now()
    // The second entry is a row of a snapshot: it has no time of its own.
    await journal.append([rows('a', change('a/0', 1), change('a/1', 2, { at_ms: 0 }), change('a/2', 3)), commit('a')])
    await journal.append(transaction('b', 4))
    const later_ms = systemClock.now() + 1_000
    assert.equal(await journal.trim(3, began_ms, 100), 0, 'not what was stored since, whatever its own time')
    assert.equal(await journal.trim(3, later_ms, 1), 1, 'at most so many a call')
    assert.equal(await journal.trim(2, later_ms, 100), 1, 'not what is not settled')
    assert.deepEqual(await read(journal), ['3:a/2', '4:b/0'])
    assert.equal(await journal.trim(4, later_ms, 100), 2)
    assert.equal(await journal.trim(4, later_ms, 100), 0)
    const again = (await reopen()).journal('legacy')
    assert.equal((await again.head()).tail, 4)
    await again.append(transaction('c', 5))
    assert.deepEqual(await read(again), ['5:c/0'])
  },

  async 'it knows its size without looking at its entries, and counts a part of them'({ store, reopen }) {
    const journal = store.journal('legacy')
    const empty = await journal.size()
    assert.deepEqual([empty.rows, empty.forgotten], [0, 0])
    const wide = (n: number) => change(`a/${n}`, n, { row: { text: 'x'.repeat(5_000) } })
    await journal.append([rows('a', ...Array.from({ length: 40 }, (_, n) => wide(n))), commit('a')])
    await journal.append([rows('b', change('b/0', 1), change('b/1', 2, { table: 'public.chapters' }))])
    const full = await journal.size()
    assert.deepEqual([full.rows, full.forgotten], [40, 0], 'pieces above the tail do not count')
    assert.ok(full.bytes - empty.bytes >= 200_000, `${full.bytes} after ${empty.bytes}`)
    await journal.append([rows('b', change('b/2', 1)), commit('b')])
    const from = { after: 38, tables: [TABLE], flow: FLOW }
    assert.deepEqual(
      [await journal.count(from, false, 39), await journal.count(from, false, 42), await journal.count(from)],
      [1, 3, 4],
    )
    await journal.trim(35, systemClock.now() + 1_000, 100)
    const again = (await reopen()).journal('legacy')
    const less = await again.size()
    assert.deepEqual([less.rows, less.forgotten], [8, 35])
    assert.ok(less.bytes < full.bytes - 100_000, `${less.bytes} of ${full.bytes}`)
    await again.trim(43, systemClock.now() + 1_000, 100)
    const none = await again.size()
    assert.deepEqual([none.rows, none.forgotten], [0, 43])
  },

  async 'a prepared transaction is held aside until it is released or discarded'({ store, reopen }) {
    const held = (kind: 'hold' | 'release' | 'discard', tx: string): SourceEvent => ({
      kind,
      tx,
      position: `${kind}-${tx}` as Position,
    })
    const journal = store.journal('legacy')
    await journal.append([rows('x', change('x/0', 1), change('x/1', 2)), held('hold', 'x')])
    await journal.append([rows('y', change('y/0', 3)), held('hold', 'y'), ...transaction('a', 4)])
    assert.deepEqual(await read(journal), ['1:a/0'])
    // The same prepare, read again after a connection broke.
    await journal.append([rows('x', change('x/0', 1), change('x/1', 2)), held('hold', 'x')])
    const again = (await reopen()).journal('legacy')
    assert.deepEqual(await again.append([held('release', 'x'), held('discard', 'y')]), {
      tail: 3,
      position: 'discard-y',
    })
    assert.deepEqual(await read(again), ['1:a/0', '2:x/0', '3:x/1'])
    await again.append([held('release', 'x'), held('release', 'y'), ...transaction('b', 5)])
    assert.deepEqual(await read(again), ['1:a/0', '2:x/0', '3:x/1', '4:b/0'])
    // As many rows come as go.
    await again.append([rows('z', change('z/0', 6)), held('hold', 'z')])
    await again.append([rows('w', change('w/0', 7)), held('hold', 'w'), held('release', 'z')])
    assert.deepEqual(await read(again, 4), ['5:z/0'])
  },

  async 'tables stop with a reason and go on'({ store, reopen }) {
    const journal = store.journal('legacy')
    const stopped = (table: string, state: 'truncated' | 'gap'): SourceEvent => ({
      kind: 'table',
      table,
      state,
      failure: failure('SYNC-6003', `${table} was truncated`),
      position: 'here' as Position,
    })
    await journal.append([stopped(TABLE, 'truncated'), stopped('public.chapters', 'gap')])
    const again = (await reopen()).journal('legacy')
    assert.deepEqual((await again.head()).stopped.map(({ table, failure }) => [table, failure.code]).sort(), [
      ['public.chapters', 'SYNC-6003'],
      [TABLE, 'SYNC-6003'],
    ])
    await again.clear(TABLE)
    assert.deepEqual(
      (await again.head()).stopped.map(({ table }) => table),
      ['public.chapters'],
    )
    await again.restart()
    assert.deepEqual(await again.head().then(({ stopped, position }) => [stopped, position]), [[], null])
  },

  async 'snapshot progress is stored with the rows that it speaks of'({ store, reopen }) {
    const journal = store.journal('legacy')
    await journal.request({ table: TABLE })
    await journal.request({ table: TABLE, only: FLOW })
    const asked = { table: TABLE, after: null, done: false, rows: 0, rowsEstimated: null }
    assert.deepEqual((await journal.head()).snapshots, [asked, { ...asked, only: FLOW }])
    const progress = { table: TABLE, after: '["2"]', done: false, rows: 2, rowsEstimated: 10 }
    await journal.append([
      ...transaction('chunk', 1, 2),
      { kind: 'snapshot', progress, position: 'after-chunk' as Position },
    ])
    const again = (await reopen()).journal('legacy')
    assert.deepEqual((await again.head()).snapshots, [progress, { ...asked, only: FLOW }])
    await again.request({ table: TABLE })
    assert.deepEqual((await again.head()).snapshots[0], asked, 'asked for again: from the start')
  },

  async 'the story of a record, newest first'({ store }) {
    const journal = store.journal('legacy')
    for (const tx of ['a', 'b', 'c']) await journal.append(transaction(tx, 1, 2))
    assert.deepEqual(
      (await journal.story(TABLE, '["2"]', 2)).map(({ id }) => id),
      ['c/1', 'b/1'],
    )
    assert.deepEqual(await journal.story('public.chapters', '["2"]', 2), [])
  },
}
