import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Value } from '../../model/value.ts'
import { jsonBytes, textBytes } from '../sql/json-bytes.ts'
import { cellsOf } from './copy.ts'
import { cellValue, missingTypes, type TypeInfo, textOf, typeOf } from './values.ts'

const none = new Map<number, TypeInfo>()

test('numbers stay exact: what a double cannot hold stays text', () => {
  const decode = (oid: number, text: string) => typeOf(oid, none)?.decode(text)
  assert.equal(decode(20, '9007199254740991'), 9007199254740991)
  assert.deepEqual(decode(20, '9007199254740992'), { kind: 'decimal', text: '9007199254740992' })
  assert.deepEqual(decode(20, '-9223372036854775808'), { kind: 'decimal', text: '-9223372036854775808' })
  assert.equal(decode(701, '1e-07'), 1e-7)
  for (const text of ['-0', 'NaN', 'Infinity', '-Infinity'])
    assert.deepEqual(decode(701, text), { kind: 'decimal', text }, text)
  assert.deepEqual(decode(1700, '1'), { kind: 'decimal', text: '1' })
})

test('an OID above 2^31, a domain over a domain, an enum, a type of an extension', () => {
  const known = new Map<number, TypeInfo>([
    [4_000_000_001, { name: 'posint', kind: 'd', category: 'N', base: 4_000_000_002 }],
    [4_000_000_002, { name: 'anyint', kind: 'd', category: 'N', base: 20 }],
    [70_000, { name: 'mood', kind: 'e', category: 'E', base: 0 }],
    [70_001, { name: 'citext', kind: 'b', category: 'S', base: 0 }],
    [70_002, { name: 'geometry', kind: 'b', category: 'U', base: 0 }],
  ])
  assert.equal(typeOf(4_000_000_001, known)?.decode('7'), 7)
  assert.equal(typeOf(4_000_000_001, known)?.name, 'posint')
  assert.equal(typeOf(70_000, known)?.decode('happy'), 'happy')
  assert.equal(typeOf(70_001, known)?.decode('Abc'), 'Abc')
  assert.deepEqual(typeOf(70_002, known)?.decode('0101'), { kind: 'other', type: 'geometry', text: '0101' })
  assert.equal(typeOf(99_999, known), undefined)
  assert.deepEqual(missingTypes([23, 99_999, 70_000], known), [99_999])
  known.delete(4_000_000_002)
  assert.deepEqual(missingTypes([4_000_000_001], known), [4_000_000_002])
})

test('bytes that are not UTF-8 are invalid, a replacement character that was written is text', () => {
  const text = typeOf(25, none)!
  const read = (bytes: Buffer) => cellValue(textOf(bytes, 0, bytes.length), text)
  assert.equal(read(Buffer.from('caf\ufffd')), 'caf\ufffd')
  assert.equal(read(Buffer.from('\ufeffbom')), '\ufeffbom')
  assert.deepEqual(read(Buffer.from([0x63, 0xe9])), {
    kind: 'invalid',
    type: 'text',
    raw: '\\x63e9',
    reason: 'the bytes are not UTF-8',
  })
})

test('textOf agrees with a fatal TextDecoder on any bytes', () => {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 12 }), (bytes) => {
      const buffer = Buffer.from(bytes)
      let expected: string | null = null
      try {
        expected = decoder.decode(bytes)
      } catch {}
      const got = textOf(buffer, 0, buffer.length)
      if (expected === null) assert.deepEqual(got, bytes)
      else assert.equal(got, expected)
    }),
    { numRuns: 2_000 },
  )
})

test('jsonBytes counts what JSON.stringify writes', () => {
  const text = fc.string({ unit: 'grapheme', maxLength: 20 })
  const value: fc.Arbitrary<Value> = fc.oneof(
    fc.constantFrom(null, true, false),
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }).filter((number) => !Object.is(number, -0)),
    text,
    fc.record({ kind: fc.constantFrom('decimal', 'date', 'time', 'datetime', 'instant', 'bytes', 'json'), text }),
    fc.record({ kind: fc.constant('other' as const), type: text, text }),
    fc.record({ kind: fc.constant('invalid' as const), type: text, raw: text, reason: text }),
  ) as fc.Arbitrary<Value>
  fc.assert(
    fc.property(value, (each) => assert.equal(jsonBytes(each), Buffer.byteLength(JSON.stringify(each)))),
    { numRuns: 2_000 },
  )
  assert.equal(textBytes('\u0001"\\ü€😀'), Buffer.byteLength(JSON.stringify('\u0001"\\ü€😀')))
})

test('a line of COPY: null, the escapes, and bytes that are not UTF-8 in one column only', () => {
  assert.deepEqual(cellsOf(Buffer.from('1\t\\N\ta\\tb\\nc\\\\d\\be\\ff\\rg\\vh\t\n')), [
    '1',
    null,
    'a\tb\nc\\d\be\ff\rg\vh',
    '',
  ])
  assert.deepEqual(cellsOf(Buffer.from('\\\\N\t\\\\x00ff\n')), ['\\N', '\\x00ff'])
  const cells = cellsOf(Buffer.concat([Buffer.from('é\t'), Buffer.from([0xff]), Buffer.from('\\t\t\\N\n')]))
  assert.deepEqual(cells, ['é', Uint8Array.of(0xff, 0x09), null])
})
