import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Change, SourceEvent } from '../model/change.ts'
import type { Key } from '../model/key.ts'
import { type Recent, recent } from './recent.ts'

const change = (n: number): Change => ({ table: 't', op: 'read', key: `["${n}"]` as Key, id: `r${n}`, at_ms: 0 })

/** Entries 1 to `count`, each of so many bytes. */
function filled(count: number, bytes = 10): Recent {
  const kept = recent()
  const changes = Array.from({ length: count }, (_, i) => change(i + 1))
  const events: SourceEvent[] = [{ kind: 'rows', tx: 'x', changes }]
  kept.add(events, new Array<number>(count).fill(bytes), 1)
  return kept
}

/** The numbers that a flow reads after `after`; null: it has to look into the file. */
function read(kept: Recent, flow: string, after: number, rowsMax = 3): readonly number[] | null {
  const found = kept.read({ after, tables: ['t'], flow }, 10, rowsMax, 1_000)
  return found?.entries.map(({ seq }) => seq) ?? null
}

test('a flow that keeps up reads what was appended, again and again until it has moved on', () => {
  const kept = filled(10)
  assert.deepEqual(read(kept, 'a', 0), [1, 2, 3])
  assert.deepEqual(read(kept, 'a', 0), [1, 2, 3])
  assert.deepEqual(read(kept, 'a', 3), [4, 5, 6])
  assert.deepEqual(read(kept, 'a', 9), [10])
  assert.equal(read(kept, 'a', 10), null)
})

test('what every flow has read is forgotten; what the slowest one has not, stays', () => {
  const kept = filled(10)
  read(kept, 'slow', 2)
  read(kept, 'fast', 8)
  assert.deepEqual(read(kept, 'slow', 2), [3, 4, 5])
  assert.equal(read(kept, 'late', 1), null)
  read(kept, 'late', 8)
  read(kept, 'slow', 7)
  assert.equal(read(kept, 'slow', 6), null)
  assert.deepEqual(read(kept, 'fast', 8), [9, 10])
})

test('a flow that does not read on holds no more than the bound', () => {
  const kept = filled(20, 1_000_000)
  assert.equal(read(kept, 'a', 0), null)
  assert.deepEqual(read(kept, 'a', 8, 1), [9])
})
