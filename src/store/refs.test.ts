import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Change, RowRef, SourceEvent } from '../model/change.ts'
import { change, commit, rows } from '../testing/contract/journal.ts'
import { journalFile, packEvent, unpack } from './journal.ts'
import { openDatabase } from './sqlite.ts'

const keyOf = (n: number): RowRef['key'] => JSON.stringify([String(n)]) as RowRef['key']
const ref = (table: string, n: number): RowRef => ({ table, key: keyOf(n) })

let id = 0
/** A row of `table` that points at others. */
const pointing = (table: string, n: number, ...refs: RowRef[]): Change =>
  change(`r/${++id}`, n, { table, op: 'create', refs })
const gone = (table: string, n: number): Change =>
  change(`r/${++id}`, n, { table, op: 'delete', cascades: [{ from: ref(table, n), to: null }] })

function opened() {
  const db = openDatabase(':memory:', 'journal')
  const journal = journalFile(db, () => 'journal-1')
  const tables = ['p', 'c', 'd']
  return {
    db,
    journal,
    append: (...events: SourceEvent[]) => journal.append(events.map(packEvent)),
    told: () =>
      journal
        .read({ after: 0, tables, flow: 'f' }, 1_000, 1e9)
        .entries.map(unpack)
        .map(
          ({ seq, table, op, key, synthetic }) =>
            `${seq} ${table} ${op} ${JSON.parse(key)[0]}${synthetic === undefined ? '' : '*'}`,
        ),
    refs: () => db.get('SELECT count(*) AS n FROM ref')?.['n'],
  }
}

test('a deleted row touches all that point at it, through any depth, once, in the same transaction', () => {
  const { append, told } = opened()
  append(
    rows('a', pointing('c', 1, ref('p', 1)), pointing('c', 2, ref('p', 2)), pointing('d', 5, ref('c', 1), ref('p', 1))),
    commit('a'),
  )
  append(rows('b', gone('p', 1)))
  assert.equal(told().length, 3, 'not visible before the commit')
  append(commit('b'))
  assert.deepEqual(told().slice(3), ['4 p delete 1', '5 c touch 1*', '6 d touch 5*'])
})

test('rows that point at each other in a circle, or at themselves, are touched once', () => {
  const { append, told } = opened()
  append(
    rows('a', pointing('p', 1, ref('p', 2)), pointing('p', 2, ref('p', 1)), pointing('p', 3, ref('p', 3))),
    commit('a'),
  )
  append(rows('b', gone('p', 1), gone('p', 3)), commit('b'))
  assert.deepEqual(told().slice(3), ['4 p delete 1', '5 p touch 1*', '6 p touch 2*', '7 p delete 3', '8 p touch 3*'])
})

test('children and parents of one transaction, in whatever order its pieces come', () => {
  const { append, told } = opened()
  append(rows('a', pointing('c', 1, ref('p', 1)), gone('p', 1)), commit('a'))
  assert.deepEqual(told(), ['1 c create 1', '2 p delete 1', '3 c touch 1*'])
})

test('a key that changed is pointed at from then on', () => {
  const { append, told } = opened()
  const moved = change('m', 9, { table: 'p', cascades: [{ from: ref('p', 1), to: ref('p', 9) }] })
  append(rows('a', pointing('c', 1, ref('p', 1)), moved, gone('p', 9)), commit('a'))
  assert.deepEqual(told(), ['1 c create 1', '2 p update 9', '3 c touch 1*', '4 p delete 9', '5 c touch 1*'])
})

test('what a transaction that never ended said does no harm, and read again it is the same', () => {
  const { append, told, journal } = opened()
  append(rows('a', pointing('c', 1, ref('p', 1))), commit('a'))
  const piece = rows('b', gone('p', 1))
  append(piece)
  append(piece)
  append(commit('b'))
  assert.deepEqual(told(), ['1 c create 1', '2 p delete 1', '3 c touch 1*'])
  append(rows('x', pointing('c', 2, ref('p', 2)), gone('c', 2)))
  journal.recover()
  append(rows('y', pointing('c', 3, ref('p', 3))), commit('y'))
  append(rows('z', gone('p', 2)), commit('z'))
  assert.deepEqual(told().slice(3), ['4 c create 3', '5 p delete 2', '6 c touch 2*'], 'a touch too many')
})

test('rows that are deleted are forgotten', () => {
  const { append, refs } = opened()
  append(
    rows('a', pointing('c', 1, ref('p', 1)), pointing('c', 2, ref('p', 1)), pointing('c', 3, ref('p', 2))),
    commit('a'),
  )
  assert.equal(refs(), 3)
  append(rows('b', gone('c', 3)), commit('b'))
  assert.equal(refs(), 2)
  append(rows('c', gone('p', 1)), commit('c'))
  assert.equal(refs(), 0)
})

test('touches of a prepared transaction wait with it', () => {
  const { append, told } = opened()
  const at = commit('x')
  const position = at.kind === 'commit' ? at.position : ('' as never)
  append(rows('a', pointing('c', 1, ref('p', 1))), commit('a'))
  append(rows('x', gone('p', 1)), { kind: 'hold', tx: 'x', position })
  assert.equal(told().length, 1)
  append({ kind: 'release', tx: 'x', position })
  assert.deepEqual(told().slice(1), ['2 p delete 1', '3 c touch 1*'])
})
