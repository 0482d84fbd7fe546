import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ALONE_RECORDS_MAX, BLOCK_RECORDS_MAX, candidatesOf, isCandidate } from './candidates.ts'

test('a block of few tells by itself, one of more together with another, one of very many not at all', () => {
  const sizes = [ALONE_RECORDS_MAX, ALONE_RECORDS_MAX + 1, BLOCK_RECORDS_MAX, BLOCK_RECORDS_MAX + 1]
  const counts = (shared: number, blocks = 10) => isCandidate(shared, sizes, blocks)
  assert.deepEqual([counts(1), counts(2), counts(4), counts(8), counts(0)], [true, false, false, false, false])
  assert.deepEqual([counts(2 + 4), counts(4 + 8), counts(1 + 8)], [true, false, true])
  assert.deepEqual([counts(4, 5), counts(8, 5)], [true, false], 'a record of few blocks is compared by what it has')
  assert.equal(counts(1 << 9), true, 'a block of which nothing is said has nobody else')
})

test('where there are too many, those are compared who share most; what is left out is told', () => {
  const shared = new Map([
    [9, 1],
    [7, 3],
    [5, 7],
    [3, 1],
  ])
  assert.deepEqual(candidatesOf(shared, [4, 4, 4], 10, 50), { ids: [3, 5, 7, 9], cut: false })
  assert.deepEqual(candidatesOf(shared, [4, 4, 4], 10, 3), { ids: [3, 5, 7], cut: true })
  assert.deepEqual(candidatesOf(shared, [40, 4, 4], 10, 50), { ids: [5, 7], cut: false })
  assert.deepEqual(candidatesOf(shared, [4, 4, 4, 101], 10, 50).cut, true)
})
