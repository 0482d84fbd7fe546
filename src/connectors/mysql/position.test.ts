import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Position } from '../../model/change.ts'
import type { Key } from '../../model/key.ts'
import { widened } from './group.ts'
import { comparePlaces, type LogPosition, readPosition, writePosition } from './position.ts'

test('a position comes back as it was written', () => {
  const position: LogPosition = {
    flavour: 'mysql',
    server: 'a"b',
    gtids: '3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5',
    file: 'bin"log.000009',
    offset: 5_000_000_000n,
    last: {
      id: '3e11fa47-71ca-11e1-9e33-c80aa9429562:5',
      stamp: 1_700_000_000,
      at: { file: 'binlog.000009', offset: 4n },
    },
    held: { '61,62,3': 'x@1' },
    shapes: { 'shop.members': 'abc' },
    edges: ['shop.members.fk'],
    reader: '3e11fa47-71ca-41e1-ae33-c80aa9429562',
    row: { table: 'shop."members', key: '["1"]' as Key },
  }
  assert.deepEqual(readPosition(writePosition(position)), position)
  const plain = { ...position, gtids: null, last: null, held: {}, shapes: null, row: null }
  assert.deepEqual(readPosition(writePosition(plain)), plain)
})

test('what is no position of this log is refused by its code', () => {
  for (const text of [
    '',
    '{}',
    '[]',
    'null',
    '{"lsn":"0/0","system":"1"}',
    '{"flavour":"mysql","server":"a","file":"b","offset":"x"}',
  ])
    assert.throws(() => readPosition(text as Position), /SYNC-2029/)
})

test('places are ordered by the number of the file, not by its letters', () => {
  const at = (file: string, offset = 4n) => ({ file, offset })
  assert.equal(comparePlaces(at('binlog.999999'), at('binlog.1000000')), -1)
  assert.equal(comparePlaces(at('binlog.000002', 4n), at('binlog.000001', 900n)), 1)
  assert.equal(comparePlaces(at('binlog.000002', 900n), at('binlog.000002', 900n)), 0)
  assert.equal(comparePlaces(at('binlog.000002', 900n), at('binlog.000002', 1_000n)), -1)
})

test('an offset beyond 4 GiB is found by its low 32 bits', () => {
  assert.equal(widened(500, 400n), 500n)
  assert.equal(widened(400, 500n), 400n, 'no event is so large that this could be 4 GiB later')
  assert.equal(widened(100, 4_294_967_000n), 4_294_967_396n)
  assert.equal(widened(100, 8_589_934_500n), 8_589_934_692n)
})
