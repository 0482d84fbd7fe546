import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { doubleText, jsonText } from './json.ts'
import { hex, le } from './packets.fake.ts'

/** A JSON value as MySQL stores it, and as it prints it. */
type Tree =
  | { readonly kind: 'literal'; readonly code: 0 | 1 | 2 }
  | { readonly kind: 'integer'; readonly code: 5 | 6 | 7 | 8 | 9 | 10; readonly value: bigint }
  | { readonly kind: 'double'; readonly value: number }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'array'; readonly items: readonly Tree[] }
  | { readonly kind: 'object'; readonly members: readonly (readonly [string, Tree])[] }

const widths = { 5: 2, 6: 2, 7: 4, 8: 4, 9: 8, 10: 8 } as const

/** Type and bytes of a value; `large`: containers with offsets of four bytes. */
function encoded(tree: Tree, large: boolean): { type: number; bytes: Buffer } {
  switch (tree.kind) {
    case 'literal':
      return { type: 4, bytes: le(1, tree.code) }
    case 'integer':
      return { type: tree.code, bytes: le(widths[tree.code], tree.value) }
    case 'double': {
      const bytes = Buffer.alloc(8)
      bytes.writeDoubleLE(tree.value)
      return { type: 0x0b, bytes }
    }
    case 'string':
      return { type: 0x0c, bytes: sized(Buffer.from(tree.value)) }
    case 'array':
      return { type: large ? 3 : 2, bytes: container([], tree.items, large) }
    case 'object':
      return {
        type: large ? 1 : 0,
        bytes: container(
          tree.members.map(([key]) => Buffer.from(key)),
          tree.members.map(([, value]) => value),
          large,
        ),
      }
  }
}

function sized(bytes: Buffer): Buffer {
  const length: number[] = []
  let rest = bytes.length
  do {
    length.push((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0))
    rest >>= 7
  } while (rest > 0)
  return Buffer.concat([Buffer.from(length), bytes])
}

function container(keys: readonly Buffer[], values: readonly Tree[], large: boolean): Buffer {
  const width = large ? 4 : 2
  const head: Buffer[] = []
  const body: Buffer[] = []
  let offset = 2 * width + keys.length * (width + 2) + values.length * (width + 1)
  for (const key of keys) {
    head.push(le(width, offset), le(2, key.length))
    body.push(key)
    offset += key.length
  }
  for (const value of values) {
    const { type, bytes } = encoded(value, large)
    const inline = type >= 4 && type <= (large ? 8 : 6)
    head.push(le(1, type), inline ? Buffer.concat([bytes, Buffer.alloc(width)]).subarray(0, width) : le(width, offset))
    if (inline) continue
    body.push(bytes)
    offset += bytes.length
  }
  return Buffer.concat([le(width, values.length), le(width, offset), ...head, ...body])
}

function printed(tree: Tree): string {
  switch (tree.kind) {
    case 'literal':
      return ['null', 'true', 'false'][tree.code] as string
    case 'integer':
      return String(tree.value)
    case 'double':
      return doubleText(tree.value)
    case 'string':
      return JSON.stringify(tree.value)
    case 'array':
      return `[${tree.items.map(printed).join(', ')}]`
    case 'object':
      return `{${tree.members.map(([key, value]) => `${JSON.stringify(key)}: ${printed(value)}`).join(', ')}}`
  }
}

const whole = (tree: Tree, large = false): Buffer => {
  const { type, bytes } = encoded(tree, large)
  return Buffer.concat([le(1, type), bytes])
}

const string = fc.string({ unit: 'grapheme', maxLength: 200 })
const integer = fc.constantFrom(5, 6, 7, 8, 9, 10).chain((code) =>
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((random): Tree => {
    const bits = widths[code as 5] * 8
    const value = code % 2 === 1 ? BigInt.asIntN(bits, random) : BigInt.asUintN(bits, random)
    return { kind: 'integer', code: code as 5, value }
  }),
)
const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom(0, 1, 2).map((code): Tree => ({ kind: 'literal', code: code as 0 })),
    integer,
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((value): Tree => ({ kind: 'double', value })),
    string.map((value): Tree => ({ kind: 'string', value })),
    fc.array(tie('tree'), { maxLength: 5 }).map((items): Tree => ({ kind: 'array', items })),
    fc.array(fc.tuple(string, tie('tree')), { maxLength: 5 }).map((members): Tree => ({ kind: 'object', members })),
  ),
}))

test('any document comes back, small and large', () => {
  fc.assert(
    fc.property(tree, fc.boolean(), (value, large) => {
      assert.equal(jsonText(whole(value, large)), printed(value))
    }),
    { numRuns: 500 },
  )
})

test('doubles as MySQL prints them', () => {
  const texts: readonly (readonly [number, string])[] = [
    [1, '1.0'],
    [0, '0.0'],
    [-0, '-0.0'],
    [0.1, '0.1'],
    [-12.5, '-12.5'],
    [1e14, '100000000000000.0'],
    [1e15, '1e15'],
    [1e16, '1e16'],
    [1234567890123456.8, '1234567890123456.8'],
    [1.5e-5, '0.000015'],
    [1e-15, '0.000000000000001'],
    [1e-16, '1e-16'],
    [6.02214076e23, '6.02214076e23'],
    [5e-324, '5e-324'],
  ]
  for (const [number, expected] of texts) assert.equal(doubleText(number), expected)
})

test('nothing at all is null; keys stand as they are stored', () => {
  assert.equal(jsonText(Buffer.alloc(0)), 'null')
  const object: Tree = {
    kind: 'object',
    members: [
      ['b', { kind: 'literal', code: 1 }],
      ['__proto__', { kind: 'literal', code: 0 }],
    ],
  }
  assert.equal(jsonText(whole(object)), '{"b": true, "__proto__": null}')
})

test('values of other types', () => {
  const opaque = (type: number, bytes: Buffer): string =>
    jsonText(Buffer.concat([hex('0f'), le(1, type), sized(bytes)]))
  assert.equal(opaque(246, hex('0e04 810dfb38d204d2')), '1234567890.1234')
  const packed = (ymd: bigint, clock: bigint, micros: bigint) => le(8, (((ymd << 17n) | clock) << 24n) + micros)
  const day = (BigInt(2024 * 13 + 2) << 5n) | 29n
  const clock = (23n << 12n) | (59n << 6n) | 58n
  assert.equal(opaque(10, packed(day, 0n, 0n)), '"2024-02-29"')
  assert.equal(opaque(12, packed(day, clock, 120000n)), '"2024-02-29 23:59:58.120000"')
  assert.equal(opaque(7, packed(day, clock, 0n)), '"2024-02-29 23:59:58.000000"')
  const time = ((16n << 12n) | (8n << 6n) | 4n) << 24n
  assert.equal(opaque(11, le(8, -(time + 250000n))), '"-16:08:04.250000"')
  assert.equal(opaque(252, hex('00ff')), '"base64:type252:AP8="')
})

test('lies end in an error: depth, overlaps, lengths, unknown types', () => {
  const wrong = (bytes: Buffer, why: RegExp): void => assert.throws(() => jsonText(bytes), why)
  let deep: Tree = { kind: 'literal', code: 0 }
  for (let i = 0; i < 100; i++) deep = { kind: 'array', items: [deep] }
  wrong(whole(deep), /too deep/)
  assert.equal(jsonText(whole((deep as unknown as { items: Tree[] }).items[0] as Tree)).length, 2 * 99 + 4)
  // Both members are the array itself: without a bound, two to the power of a hundred values.
  wrong(hex('02 0200 0a00 02 0000 02 0000'), /outside|overlap/)
  const twins = whole({
    kind: 'array',
    items: [
      { kind: 'string', value: 'x'.repeat(50) },
      { kind: 'string', value: '' },
    ],
  })
  twins.writeUInt16LE(twins.readUInt16LE(6), 9)
  wrong(twins, /overlap/)
  wrong(hex('0c ffffffffffff'), /too long/)
  wrong(hex('0c 05 6162'), /too late/)
  wrong(hex('0c 01 ff'), /not UTF-8/)
  wrong(hex('0d'), /not known/)
  wrong(hex('04 07'), /literal/)
  wrong(hex('00 ff00 0400'), /longer/)
})

test('any bytes end in a text or in an error', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      try {
        jsonText(Buffer.from(bytes))
      } catch (error) {
        assert.ok(error instanceof RangeError, String(error))
      }
    }),
    { numRuns: 2000 },
  )
})
