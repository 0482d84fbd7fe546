import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deflateRawSync, deflateSync } from 'node:zlib'
import { hex } from './packets.fake.ts'
import { unpacked, unpackedColumn } from './unpack.ts'

const plain = Buffer.from('abc'.repeat(100))
const zlib = Buffer.concat([hex('82 012c'), deflateSync(plain)])

test('zlib, raw deflate, and what was not worth packing', () => {
  assert.deepEqual(unpacked(zlib, 300), plain)
  assert.deepEqual(unpacked(Buffer.concat([hex('8a 012c'), deflateRawSync(plain)]), 300), plain)
  assert.deepEqual(unpackedColumn(hex('00 616263'), 10), Buffer.from('abc'))
  assert.equal(unpackedColumn(Buffer.alloc(0), 10).length, 0)
})

test('lies are errors, and no more is unpacked than was said', () => {
  assert.throws(() => unpacked(zlib, 299), /too large/)
  assert.throws(() => unpacked(Buffer.concat([hex('81 05'), deflateSync(plain)]), 300), /larger|buffer/i)
  assert.throws(() => unpacked(Buffer.concat([hex('82 012d'), deflateSync(plain)]), 301), /another length/)
  assert.throws(() => unpacked(zlib.subarray(0, -9), 300), /unexpected end/)
  for (const form of ['90', '80', '87', '02'])
    assert.throws(() => unpacked(Buffer.concat([hex(form), plain]), 300), /form/)
  assert.throws(() => unpacked(Buffer.alloc(0), 300), RangeError)
})
