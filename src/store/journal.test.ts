import assert from 'node:assert/strict'
import { test } from 'node:test'
import { change, commit, rows, transaction } from '../testing/contract/journal.ts'
import { journalFile, pack, packEvent, unpack } from './journal.ts'
import { type Database, openDatabase } from './sqlite.ts'

// What every store promises is in src/testing/contract/journal.ts; here is what only the file can show.

function opened(): { db: Database; journal: ReturnType<typeof journalFile> } {
  const db = openDatabase(':memory:', 'journal')
  return { db, journal: journalFile(db, () => 'journal-1') }
}

const packed = (...events: Parameters<typeof packEvent>[0][]) => events.map(packEvent)
const seqs = (db: Database) =>
  db.all('SELECT seq, id FROM entry ORDER BY seq').map((row) => `${row['seq']}:${row['id']}`)

test('recovering removes what lies above the tail, and nothing else', () => {
  const { db, journal } = opened()
  journal.append(packed(...transaction('a', 1, 2), rows('b', change('b/0', 3))))
  assert.deepEqual(seqs(db), ['1:a/0', '2:a/1', '3:b/0'])
  journal.recover()
  assert.deepEqual(seqs(db), ['1:a/0', '2:a/1'])
  assert.deepEqual([db.get('SELECT next_seq FROM meta')?.['next_seq'], journal.head().position], [3, 'after-a'])
})

test('an item is stored whole or not at all', () => {
  const { db, journal } = opened()
  journal.append(packed(...transaction('a', 1)))
  const broken = packed(...transaction('b', 2), ...transaction('c', 3))
  const { changes } = broken[2] as unknown as { changes: [unknown[]] }
  changes[0][5] = null // at_ms is NOT NULL
  assert.throws(() => journal.append(broken), /NOT NULL/)
  assert.deepEqual(seqs(db), ['1:a/0'])
  assert.deepEqual([journal.head().tail, journal.head().position], [1, 'after-a'])
  journal.append(packed(...transaction('b', 2)))
  assert.deepEqual(seqs(db), ['1:a/0', '2:b/0'])
})

test('a change set covers the entries of its transaction and goes with them', () => {
  const { db, journal } = opened()
  const set = (tx: string) => ({ ...commit(tx), set: { id: `set-${tx}`, bytes: 1_000_000 } })
  journal.append(
    packed(rows('a', change('a/0', 1)), rows('a', change('a/1', 2)), set('a') as ReturnType<typeof commit>),
  )
  journal.append(packed(set('empty') as ReturnType<typeof commit>, ...transaction('b', 3)))
  const sets = () => db.all('SELECT first, last, bytes, id FROM change_set').map((row) => Object.values(row).join(' '))
  assert.deepEqual(sets(), ['1 2 1000000 set-a'])
  journal.trim(2, 9e15, 1)
  assert.deepEqual(sets(), ['1 2 1000000 set-a'], 'an entry of it is still there')
  journal.trim(2, 9e15, 10)
  assert.deepEqual(sets(), [])
})

test('a window does not read more than it may hold', () => {
  const { journal } = opened()
  const text = 'x'.repeat(1_000_000)
  for (let i = 0; i < 40; i++)
    journal.append(packed(rows(`t${i}`, change(`${i}`, i, { row: { text } })), commit(`t${i}`)))
  const before = process.memoryUsage()
  const { entries } = journal.read({ after: 0, tables: ['public.members'], flow: 'members' }, 1_000, 2_100_000)
  const after = process.memoryUsage()
  assert.equal(entries.length, 2)
  const grown = after.heapUsed + after.external - before.heapUsed - before.external
  assert.ok(grown < 20e6, `${grown} bytes for 2 MB of entries`)
})

test('changes survive the way through a tuple', () => {
  const whole = change('a/0', 1, { before: { id: 0 }, mark: 'm', only: 'f' })
  assert.deepEqual(unpack([9, ...pack(whole)]), { ...whole, seq: 9 })
  const bare = change('a/0', 1)
  const { row: _, ...without } = bare
  assert.deepEqual(unpack([9, ...pack(without)]), { ...without, seq: 9 })
})
