import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Change, Op } from '../../model/change.ts'
import type { Key } from '../../model/key.ts'
import { newPiece, type Piece } from './piece.ts'

let count = 0
const change = (op: Op, id: number, more: Partial<Change> = {}): Change => ({
  table: 'shop.members',
  op,
  key: JSON.stringify([String(id)]) as Key,
  row: { id, name: `${op}${id}` },
  id: String(++count),
  at_ms: 0,
  ...more,
})
const add = (piece: Piece, ...changes: Change[]) => {
  for (const each of changes) piece.add(each, true)
}
const told = (piece: Piece, all = true) =>
  piece.take(all).map(({ change: { op, key } }) => `${op} ${JSON.parse(key)[0]}`)
const never = () => false

test('a delete and an insert of one key are an update with the row before', () => {
  const piece = newPiece()
  add(piece, change('delete', 1), change('create', 2), change('create', 1))
  assert.equal(piece.size(), 2)
  const [, second] = piece.take(true)
  assert.deepEqual([second?.change.op, second?.change.before], ['update', { id: 1, name: 'delete1' }])
})

test('a row that takes the key of one that was deleted is the update of that record, and the end of its own', () => {
  const piece = newPiece()
  const moved = { oldKey: '["3"]' as Key, before: { id: 3, name: 'c' } }
  add(piece, change('delete', 2), change('update', 3), change('update', 2, moved))
  const [, gone, kept] = piece.take(true).map((each) => each.change)
  assert.deepEqual([gone?.op, gone?.key, gone?.row], ['delete', '["3"]', { id: 3, name: 'c' }])
  assert.deepEqual(
    [kept?.op, kept?.key, kept?.oldKey, kept?.before],
    ['update', '["2"]', undefined, { id: 2, name: 'delete2' }],
  )
  add(piece, change('delete', 2))
  piece.add(change('update', 2, moved), false)
  assert.deepEqual(
    told(piece),
    ['delete 3', 'touch 2'],
    'its other columns are not those of the record that had the key',
  )
})

test('only where nothing of that key came between', () => {
  const piece = newPiece()
  const moved = change('update', 5, { oldKey: '["1"]' as Key })
  add(piece, change('delete', 1), moved, change('create', 1), change('create', 3), change('delete', 3))
  assert.deepEqual(told(piece), ['delete 1', 'update 5', 'create 1', 'create 3', 'delete 3'])
  add(piece, change('delete', 1), change('create', 1, { table: 'shop.other' }))
  assert.deepEqual(told(piece), ['delete 1', 'create 1'])
})

test('an insert whose columns are not all known is read again, and nothing stays of the delete', () => {
  const piece = newPiece()
  add(piece, change('delete', 1), change('touch', 1))
  assert.deepEqual(told(piece), ['touch 1'])
})

test('deletes at the end of a piece wait for the next; at the end of the transaction they do not', () => {
  const piece = newPiece()
  add(piece, change('create', 1), change('delete', 2), change('delete', 3))
  assert.deepEqual(told(piece, false), ['create 1'])
  add(piece, change('create', 3))
  assert.deepEqual(told(piece, false), ['delete 2', 'update 3'])
  add(piece, change('delete', 4))
  assert.deepEqual(told(piece, false), ['delete 4'], 'nothing but deletes: they do not wait for ever')
  add(piece, change('create', 4), change('delete', 5))
  assert.deepEqual(told(piece), ['create 4', 'delete 5'])
  assert.deepEqual(told(piece), [])
})

test('a savepoint takes back what came after it, also through the boundary of a coalesced pair', () => {
  const piece = newPiece()
  add(piece, change('delete', 1))
  piece.mark('a')
  add(piece, change('create', 1), change('create', 2))
  assert.deepEqual(piece.rollBack('a', never), [])
  add(piece, change('create', 3))
  assert.deepEqual(told(piece), ['delete 1', 'create 3'])
})

test('tables that cannot be rolled back keep their rows; what was passed on is named', () => {
  const piece = newPiece()
  add(piece, change('create', 1))
  piece.mark('a')
  add(piece, change('create', 2), change('create', 3, { table: 'shop.log' }))
  piece.mark('b')
  assert.deepEqual(
    piece.rollBack('a', (table) => table === 'shop.log'),
    [],
  )
  assert.deepEqual(told(piece, false), ['create 1', 'create 3'])
  assert.deepEqual(piece.rollBack('a', never), ['shop.log'], 'passed on after the savepoint')
  assert.deepEqual([...piece.rollBack('b', never)].sort(), ['shop.log', 'shop.members'], 'b is unknown by now')
})
