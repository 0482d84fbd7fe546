import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Postings } from './postings.ts'

const into = new Int32Array(1_000)
const found = (postings: Postings, key: number): number[] => [
  ...into.subarray(0, postings.find(key, into.length, into)),
]

test('a multimap: what was added and not removed is found, under its key alone, whatever the order', () => {
  // Few keys, so that some are common; keys that are near each other and far apart; ids of both signs.
  const key = fc.oneof(fc.constantFrom(0, 1, -1, 7), fc.integer())
  const step = fc.record({ key, id: fc.integer({ min: -60, max: 60 }).filter((id) => id !== 0), goes: fc.boolean() })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
      const postings = new Postings()
      const truth = new Map<number, Set<number>>()
      for (const { key, id, goes } of steps) {
        const ids = truth.get(key) ?? new Set()
        truth.set(key, ids)
        if (goes && ids.delete(id)) postings.remove(key, id)
        else if (!goes && !ids.has(id)) {
          ids.add(id)
          postings.add(key, id)
        }
      }
      for (const [key, ids] of truth) assert.deepEqual(new Set(found(postings, key)), ids)
      assert.equal(postings.find(123_456_789, 0, into), truth.get(123_456_789)?.size ?? 0)
    }),
    { seed: 3, numRuns: 300 },
  )
})

test('many keys and one that very many share', () => {
  const postings = new Postings()
  for (let id = 1; id <= 20_000; id++) {
    postings.add(id, id)
    postings.add(-1, -id)
  }
  for (let id = 1; id <= 20_000; id += 500) assert.deepEqual(found(postings, id), [id])
  assert.equal(postings.find(-1, 100, into), 20_000, 'counted, not read')
  for (let id = 1; id <= 19_990; id++) postings.remove(-1, -id)
  assert.deepEqual(
    found(postings, -1).sort((a, b) => a - b),
    [-20_000, -19_999, -19_998, -19_997, -19_996, -19_995, -19_994, -19_993, -19_992, -19_991],
  )
})
