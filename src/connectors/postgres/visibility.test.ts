import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newXidRing, readVisibility } from './visibility.ts'

const nobody = new Set<string>()

test('a streamed transaction that a query cannot see yet is noticed, across the wrap-around of transaction ids', () => {
  const epoch = 4_294_967_296n
  const ring = newXidRing()
  ring.add(4_294_967_290)
  ring.add(3) // after the wrap-around
  const at = (xmax: bigint, running: bigint[] = []) =>
    readVisibility(`${running[0] ?? xmax}:${xmax}:${running.join(',')}`)
  assert.equal(ring.mayBeInvisible(at(epoch + 4n), 2, nobody), false)
  assert.equal(ring.mayBeInvisible(at(epoch + 3n), 2, nobody), true)
  assert.equal(ring.mayBeInvisible(at(epoch + 3n), 1, nobody), false)
  assert.equal(ring.mayBeInvisible(at(epoch + 9n, [4_294_967_290n, epoch + 5n]), 2, nobody), true)
  assert.equal(ring.mayBeInvisible(at(epoch + 9n, [epoch + 5n]), 2, nobody), false)
})

test('transactions that ran when the feed was opened are waited for where commits become visible late', () => {
  const ring = newXidRing()
  const visibility = readVisibility('700:710:700,705')
  assert.equal(ring.mayBeInvisible(visibility, 0, new Set(['705'])), true)
  assert.equal(ring.mayBeInvisible(visibility, 0, new Set(['699'])), false)
})

test('only the last 65,536 are remembered, in constant memory', () => {
  const ring = newXidRing()
  for (let xid = 1; xid <= 70_000; xid++) ring.add(xid)
  assert.equal(ring.total(), 70_000)
  assert.equal(ring.mayBeInvisible(readVisibility('1:80000:1'), 70_000, nobody), false)
  assert.equal(ring.mayBeInvisible(readVisibility('69999:80000:69999'), 70_000, nobody), true)
})
