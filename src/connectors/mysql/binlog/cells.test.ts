import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Value } from '../../../model/value.ts'
import { cellOf } from './cells.ts'
import { DecodeError, type ShapeColumn } from './event.ts'
import { hex, le } from './packets.fake.ts'
import { types } from './types.ts'

type Facts = Partial<ShapeColumn> & { readonly type: number }

const plain = {
  nullable: true,
  name: 'c',
  json: false,
  charset: null,
  special: null,
  fraction: 0,
  prints: 'mysql-8.0' as const,
}

/** The value of a cell; whatever follows it is left alone, and passing over it ends at the same place. */
function read(facts: Facts, bytes: Buffer): Value {
  const cell = cellOf({ meta: 0, ...plain, ...facts }, 's.t')
  const followed = Buffer.concat([hex('ff'), bytes, hex('aabb')])
  const [reading, skipping] = [
    { bytes: followed, at: 1 },
    { bytes: followed, at: 1 },
  ]
  const value = cell.read(reading)
  cell.skip(skipping)
  assert.deepEqual([reading.at, skipping.at], [1 + bytes.length, 1 + bytes.length])
  for (let length = 0; length < bytes.length; length++) {
    const cut = { bytes: followed.subarray(1, 1 + length), at: 0 }
    assert.throws(() => cell.read(cut), RangeError, `${length} of ${bytes.length} bytes`)
  }
  return value
}

const text = (value: Value): string => (value as { text: string }).text

/** Bytes that MySQL and MariaDB sent: reports of readers that took the fraction of a negative time for itself. */
const times: readonly (readonly [digits: number, bytes: string, text: string])[] = [
  [0, '7efdfc', '-16:08:04'],
  [3, '7efdfbf63c', '-16:08:04.250'],
  [6, '7efdfbfc2f70', '-16:08:04.250000'],
  [6, '7efdfbffd875', '-16:08:04.010123'],
  [0, '7fffc0', '-00:01:00'],
  [0, '800000', '00:00:00'],
  [1, '7ffffff6', '-00:00:00.1'],
]

test('negative times, byte for byte', () => {
  for (const [meta, bytes, expected] of times)
    assert.deepEqual(read({ type: types.time2, meta }, hex(bytes)), { kind: 'time', text: expected })
})

const two = (number: number): string => String(number).padStart(2, '0')

/** TIME as the server packs it, and as it prints it. */
function timeOf(negative: boolean, seconds: number, digits: number, micros: number): { bytes: Buffer; text: string } {
  const [hour, minute, second] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60]
  const even = 2 * Math.ceil(digits / 2)
  const shown = Math.floor(micros / 10 ** (6 - digits))
  const stored = shown * 10 ** (even - digits)
  const fractionBytes = even / 2
  const clock = BigInt((hour << 12) | (minute << 6) | second)
  const magnitude = (clock << BigInt(8 * fractionBytes)) + BigInt(stored)
  const isNegative = negative && magnitude > 0n
  const bias = 0x80_0000n << BigInt(8 * fractionBytes)
  const packed = isNegative ? bias - magnitude : bias + magnitude
  const bytes = hex(packed.toString(16).padStart(2 * (3 + fractionBytes), '0'))
  const fraction = digits === 0 ? '' : `.${String(shown).padStart(digits, '0')}`
  return { bytes, text: `${isNegative ? '-' : ''}${two(hour)}:${two(minute)}:${two(second)}${fraction}` }
}

test('every second of negative TIME', () => {
  const cell = cellOf({ meta: 0, ...plain, type: types.time2 }, 's.t')
  const bytes = Buffer.alloc(3)
  for (let seconds = 1; seconds < 839 * 3600; seconds++) {
    const [hour, minute, second] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60]
    bytes.writeUIntBE(0x800000 - ((hour << 12) | (minute << 6) | second), 0, 3)
    const value = text(cell.read({ bytes, at: 0 }))
    if (value !== `-${two(hour)}:${two(minute)}:${two(second)}`) assert.fail(`${value} for ${seconds} seconds`)
  }
})

test('times with any fraction come back', () => {
  const seconds = fc.integer({ min: 0, max: 838 * 3600 + 3599 })
  const micros = fc.integer({ min: 0, max: 999_999 })
  fc.assert(
    fc.property(fc.boolean(), seconds, fc.integer({ min: 0, max: 6 }), micros, (negative, at, digits, fraction) => {
      const { bytes, text: expected } = timeOf(negative, at, digits, fraction)
      assert.equal(text(read({ type: types.time2, meta: digits }, bytes)), expected)
    }),
    { numRuns: 300 },
  )
})

/** DECIMAL as `decimal2bin` packs it. */
function decimalBytes(negative: boolean, whole: string, fraction: string): Buffer {
  const sizes = [0, 1, 1, 2, 2, 3, 3, 4, 4, 4]
  const group = (digits: string): Buffer =>
    digits === ''
      ? Buffer.alloc(0)
      : hex(
          BigInt(digits)
            .toString(16)
            .padStart(2 * (sizes[digits.length] as number), '0'),
        )
  const parts: Buffer[] = [group(whole.slice(0, whole.length % 9))]
  for (let at = whole.length % 9; at < whole.length; at += 9) parts.push(group(whole.slice(at, at + 9)))
  for (let at = 0; at < fraction.length; at += 9) parts.push(group(fraction.slice(at, at + 9)))
  const bytes = Buffer.concat(parts)
  if (negative) for (let i = 0; i < bytes.length; i++) bytes[i] = ~(bytes[i] as number)
  bytes[0] = (bytes[0] as number) ^ 0x80
  return bytes
}

test('decimals: the documented bytes, and any digits', () => {
  const documented = hex('810dfb38d204d2') // MySQL strings/decimal.cc: 1234567890.1234, DECIMAL(14,4)
  assert.deepEqual(read({ type: types.newdecimal, meta: (14 << 8) | 4 }, documented), {
    kind: 'decimal',
    text: '1234567890.1234',
  })
  const negative = hex('7ef204c72dfb2d')
  assert.equal(text(read({ type: types.newdecimal, meta: (14 << 8) | 4 }, negative)), '-1234567890.1234')
  const digits = fc.array(fc.constantFrom('0', '0', '1', '9', '5'), { maxLength: 30 }).map((list) => list.join(''))
  fc.assert(
    fc.property(fc.boolean(), digits, digits, (minus, whole, fraction) => {
      fc.pre(whole.length + fraction.length > 0)
      const isNegative = minus && /[1-9]/.test(whole + fraction)
      const meta = ((whole.length + fraction.length) << 8) | fraction.length
      const expected = `${isNegative ? '-' : ''}${whole.replace(/^0+/, '') || '0'}${fraction === '' ? '' : `.${fraction}`}`
      assert.equal(text(read({ type: types.newdecimal, meta }, decimalBytes(isNegative, whole, fraction))), expected)
    }),
    { numRuns: 300 },
  )
})

test('integers of every width and sign', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(1, 2, 3, 4, 8),
      fc.boolean(),
      fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      (width, unsigned, random) => {
        const type = { 1: types.tiny, 2: types.short, 3: types.int24, 4: types.long, 8: types.longlong }[
          width
        ] as number
        const value = unsigned ? BigInt.asUintN(width * 8, random) : BigInt.asIntN(width * 8, random)
        const expected = Number.isSafeInteger(Number(value)) ? Number(value) : { kind: 'decimal', text: String(value) }
        assert.deepEqual(read({ type, unsigned }, le(width, value)), expected)
      },
    ),
    { numRuns: 300 },
  )
})

test('floats are the shortest decimals that come back', () => {
  fc.assert(
    fc.property(fc.float({ noNaN: true, noDefaultInfinity: true }), (single) => {
      const bytes = Buffer.alloc(4)
      bytes.writeFloatLE(single)
      const value = read({ type: types.float, meta: 4 }, bytes)
      if (Object.is(single, -0)) return assert.deepEqual(value, { kind: 'decimal', text: '-0' })
      assert.equal(Math.fround(value as number), single)
      for (let digits = 1; digits <= 9; digits++) {
        const shorter = Number(single.toPrecision(digits))
        if (Math.fround(shorter) !== single) continue
        assert.ok(digitsOf(value as number) <= digits, `${value} for ${single}`)
        break
      }
    }),
    { numRuns: 300 },
  )
})

const digitsOf = (number: number): number =>
  String(number)
    .replace(/e.*|[-.]/g, '')
    .replace(/^0+|0+$/g, '').length

test('-0 is shown where the server shows it', () => {
  assert.deepEqual(read({ type: types.double, meta: 8 }, hex('0000000000000080')), { kind: 'decimal', text: '-0' })
  assert.equal(read({ type: types.double, meta: 8, prints: 'mariadb' }, hex('0000000000000080')), 0)
})

test('days of the calendar, in UTC, up to 2106', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 0xffff_ffff }), (at_s) => {
      const bytes = Buffer.alloc(4)
      bytes.writeUInt32BE(at_s)
      const expected = new Date(at_s * 1000).toISOString().slice(0, 19).replace('T', ' ')
      assert.deepEqual(read({ type: types.timestamp2 }, bytes), { kind: 'instant', text: `${expected}+00` })
      assert.deepEqual(read({ type: types.timestamp }, le(4, at_s)), { kind: 'instant', text: `${expected}+00` })
    }),
    { numRuns: 300 },
  )
})

test('dates and times of before 5.6', () => {
  assert.deepEqual(read({ type: types.time }, le(3, -100)), { kind: 'time', text: '-00:01:00' })
  assert.deepEqual(read({ type: types.time }, le(3, 8385959)), { kind: 'time', text: '838:59:59' })
  assert.deepEqual(read({ type: types.datetime }, le(8, 20240331023000)), {
    kind: 'datetime',
    text: '2024-03-31 02:30:00',
  })
  assert.deepEqual(read({ type: types.datetime }, le(8, 0)), {
    kind: 'invalid',
    type: 'datetime',
    raw: '0000-00-00 00:00:00',
    reason: 'a zero date',
  })
})

test('days that are none stay what they are', () => {
  const day = (year: number, month: number, at: number) =>
    read({ type: types.date }, le(3, (year << 9) | (month << 5) | at))
  assert.deepEqual(day(2024, 2, 29), { kind: 'date', text: '2024-02-29' })
  assert.deepEqual(day(2023, 2, 29), {
    kind: 'invalid',
    type: 'date',
    raw: '2023-02-29',
    reason: 'there is no such day',
  })
  assert.deepEqual(day(2024, 0, 10), {
    kind: 'invalid',
    type: 'date',
    raw: '2024-00-10',
    reason: 'a date without month or day',
  })
})

test('bits, years, members', () => {
  assert.equal(read({ type: types.bit, meta: 1 }, hex('01')), true)
  assert.equal(read({ type: types.bit, meta: (1 << 8) | 2 }, hex('0201')), 513)
  assert.deepEqual(read({ type: types.bit, meta: 8 << 8 }, hex('ffffffffffffffff')), {
    kind: 'decimal',
    text: '18446744073709551615',
  })
  assert.equal(read({ type: types.year }, hex('00')), 0)
  assert.equal(read({ type: types.year }, hex('ff')), 2155)
  const members = ['a', 'b,c']
  assert.equal(read({ type: types.enum, meta: 1, members }, hex('02')), 'b,c')
  assert.equal((read({ type: types.enum, meta: 1, members }, hex('00')) as { kind: string }).kind, 'invalid')
  assert.equal(read({ type: types.enum, meta: 1, members: ['x', ''] }, hex('00')), '')
  assert.equal(read({ type: types.set, meta: 1, members }, hex('03')), 'a,b,c')
  const wrong = (type: number, bytes: string) => () =>
    cellOf({ meta: 1, ...plain, type, members }, 's.t').read({ bytes: hex(bytes), at: 0 })
  assert.throws(wrong(types.enum, '03'), DecodeError)
  assert.throws(wrong(types.set, '04'), DecodeError)
})

test('strings, bytes, geometry, vectors', () => {
  assert.equal(read({ type: types.varchar, meta: 10, charset: 'latin1' }, hex('02 fc80')), 'ü€')
  assert.equal(read({ type: types.varchar, meta: 256, charset: 'utf8mb4' }, hex('0200 c3bc')), 'ü')
  assert.deepEqual(read({ type: types.blob, meta: 2, charset: 'utf8mb4', json: true }, hex('0200 5b5d')), {
    kind: 'json',
    text: '[]',
  })
  assert.deepEqual(read({ type: types.varchar, meta: 10, charset: 'utf8mb4' }, hex('01 fc')), {
    kind: 'invalid',
    type: 'text',
    raw: '0xfc',
    reason: 'the bytes are not valid in their character set',
  })
  assert.deepEqual(read({ type: types.string, meta: 4 }, hex('01 01')), { kind: 'bytes', text: 'AQAAAA==' })
  assert.deepEqual(read({ type: types.varchar, meta: 4 }, hex('01 01')), { kind: 'bytes', text: 'AQ==' })
  const point = hex('e6100000 0101000000000000000000f03f0000000000000040')
  assert.deepEqual(read({ type: types.geometry, meta: 4 }, Buffer.concat([le(4, point.length), point])), {
    kind: 'other',
    type: 'geometry',
    text: 'SRID=4326;0101000000000000000000F03F0000000000000040',
  })
  assert.deepEqual(read({ type: types.vector, meta: 4 }, hex('0c000000 cdcccc3d 0000803f 000020c1')), {
    kind: 'other',
    type: 'vector',
    text: '[0.1,1,-10]',
  })
})

test('a type or a character set that is not known is an error before any row', () => {
  const column = { ...plain, meta: 0 }
  assert.throws(() => cellOf({ ...column, type: 99 }, 's.t'), /Column c of s\.t has type 99/)
  assert.throws(() => cellOf({ ...column, type: types.decimal }, 's.t'), DecodeError)
  assert.throws(
    () => cellOf({ ...column, type: types.varchar, meta: 10, charset: 'klingon' }, 's.t'),
    /character set klingon/,
  )
  assert.throws(() => cellOf({ ...column, type: types.newdecimal, meta: (5 << 8) | 9 }, 's.t'), DecodeError)
})
