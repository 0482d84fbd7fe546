import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { SyncError } from '../../model/failure.ts'
import { lsnFrom, lsnText, readMessage } from './pgoutput.ts'

const all = () => true

function bytes(...parts: (string | number[] | Buffer)[]): Buffer {
  return Buffer.concat(
    parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : Buffer.from(part))),
  )
}

const u16 = (value: number) => [value >> 8, value & 255]
const u32 = (value: number) => [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255]
const u64 = (value: bigint) => {
  const buffer = Buffer.alloc(8)
  buffer.writeBigInt64BE(value)
  return buffer
}
const cell = (text: string) => bytes('t', u32(text.length), text)

const relation = bytes(
  'R',
  u32(3_000_000_000),
  'public\0',
  'members\0',
  'd',
  u16(2),
  [1],
  'id\0',
  u32(23),
  u32(0xffffffff),
  [0],
  'note\0',
  u32(4_000_000_000),
  u32(0xffffffff),
)
const samples: { readonly [name: string]: Buffer } = {
  begin: bytes('B', u64(0x1_0000_00ffn), u64(1_000n), u32(0xfffffff0)),
  commit: bytes('C', [0], u64(255n), u64(511n), u64(0n)),
  relation,
  insert: bytes('I', u32(3_000_000_000), 'N', u16(2), cell('7'), 'n'),
  updateKey: bytes('U', u32(1), 'K', u16(2), cell('7'), 'n', 'N', u16(2), cell('8'), 'u'),
  updateFull: bytes('U', u32(1), 'O', u16(1), cell('7'), 'N', u16(1), cell('8')),
  delete: bytes('D', u32(1), 'K', u16(1), cell('7')),
  truncate: bytes('T', u32(2), [1], u32(1), u32(2)),
  message: bytes('M', [1], u64(1n), 'syncline\0', u32(3), 'abc'),
}

test('every message is read to the last byte', () => {
  assert.deepEqual(readMessage(samples['begin']!, all), {
    kind: 'begin',
    lsn: 0x1_0000_00ffn,
    at_ms: 946_684_800_001,
    xid: 0xfffffff0,
  })
  assert.deepEqual(readMessage(samples['commit']!, all), { kind: 'commit', lsn: 255n, end: 511n })
  assert.deepEqual(readMessage(relation, all), {
    kind: 'relation',
    oid: 3_000_000_000,
    schema: 'public',
    name: 'members',
    identity: 'd',
    columns: [
      { name: 'id', identity: true, type: 23 },
      { name: 'note', identity: false, type: 4_000_000_000 },
    ],
  })
  assert.deepEqual(readMessage(samples['insert']!, all), { kind: 'insert', relation: 3_000_000_000, row: ['7', null] })
  assert.deepEqual(readMessage(samples['updateKey']!, all), {
    kind: 'update',
    relation: 1,
    row: ['8', undefined],
    old: { kind: 'key', row: ['7', null] },
  })
  assert.deepEqual(readMessage(samples['updateFull']!, all), {
    kind: 'update',
    relation: 1,
    row: ['8'],
    old: { kind: 'full', row: ['7'] },
  })
  assert.deepEqual(readMessage(samples['delete']!, all), {
    kind: 'delete',
    relation: 1,
    old: { kind: 'key', row: ['7'] },
  })
  assert.deepEqual(readMessage(samples['truncate']!, all), { kind: 'truncate', relations: [1, 2] })
  assert.deepEqual(readMessage(samples['message']!, all), {
    kind: 'message',
    transactional: true,
    prefix: 'syncline',
    content: 'abc',
  })
  assert.deepEqual(
    readMessage(samples['insert']!, () => false),
    { kind: 'row' },
  )
})

test('a message that is cut short anywhere, or has a byte too many, is refused', () => {
  for (const [name, whole] of Object.entries(samples)) {
    for (let length = 0; length < whole.length; length++)
      assert.throws(() => readMessage(whole.subarray(0, length), all), SyncError, `${name} cut at ${length}`)
    assert.throws(() => readMessage(Buffer.concat([whole, Buffer.of(0)]), all), SyncError, `${name} with one more`)
  }
})

test('messages of newer protocol versions and binary columns are refused by name', () => {
  for (const code of ['S', 'E', 'c', 'A', 'b', 'P', 'K', 'r', 'p', 'X'])
    assert.throws(() => readMessage(bytes(code, u64(0n), u64(0n)), all), /SYNC-2013/, code)
  assert.throws(() => readMessage(bytes('I', u32(1), 'N', u16(1), 'b', u32(1), '7'), all), /SYNC-2013/)
})

test('any bytes give a message or a SyncError, never another error, and never take long', () => {
  const codes = fc.constantFrom(...[...'BCRIUDTMOYX'].map((letter) => letter.charCodeAt(0)))
  fc.assert(
    fc.property(codes, fc.uint8Array({ maxLength: 64 }), (code, rest) => {
      try {
        readMessage(Buffer.from([code, ...rest]), all)
      } catch (error) {
        assert.ok(error instanceof SyncError, String(error))
      }
    }),
    { numRuns: 5_000 },
  )
  fc.assert(
    fc.property(fc.constantFrom(...Object.values(samples)), fc.nat(), fc.nat(255), (sample, at, byte) => {
      const changed = Buffer.from(sample)
      changed[at % changed.length] = byte
      try {
        readMessage(changed, all)
      } catch (error) {
        assert.ok(error instanceof SyncError, String(error))
      }
    }),
    { numRuns: 5_000 },
  )
})

test('an LSN is written as PostgreSQL writes it, and read back', () => {
  assert.equal(lsnText(0x16b3748n), '0/16B3748')
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }), (lsn) => assert.equal(lsnFrom(lsnText(lsn)), lsn)),
  )
  for (const text of ['', '1', '/', '0/G', '123456789/0']) assert.equal(lsnFrom(text), null, text)
})
