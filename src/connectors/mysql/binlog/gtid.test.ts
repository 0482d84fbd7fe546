import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import * as g from './gtid.ts'

const a = '3e11fa47-71ca-11e1-9e33-c80aa9429562'
const b = 'ffffffff-71ca-11e1-9e33-c80aa9429562'
const set = (text: string): g.GtidSet => {
  const found = g.gtidSetFrom(text)
  assert.ok(found !== null, text)
  return found
}
const mine = (number: bigint, sid = a, tag = ''): g.MysqlGtid => ({ flavour: 'mysql', sid, tag, number })

test('sets are printed as the server prints them', () => {
  const pairs: readonly (readonly [string, string])[] = [
    ['', ''],
    [`${a.toUpperCase()}:1-5:7`, `${a}:1-5:7`],
    [`${a}:5,\n${a}:1-3:4`, `${a}:1-5`],
    [`${b}:1,${a}:2`, `${a}:2,${b}:1`],
    [`${a}:blue:3:1-2:1`, `${a}:blue:1-3`],
    [`${a}:1:Green:1-2:blue:5,${b}:tag_1:9`, `${a}:1:blue:5:green:1-2,${b}:tag_1:9`],
  ]
  for (const [text, expected] of pairs) assert.equal(g.gtidSetText(set(text)), expected)
  for (const text of [
    'x',
    a,
    `${a}:`,
    `${a}:0`,
    `${a}:5-3`,
    `${a}:tag`,
    `${a}:1:tag`,
    `${a}:1-`,
    `${a}:1,`,
    `${a}:9bad:1`,
    '0-1-5',
  ])
    assert.equal(g.gtidSetFrom(text), null, text)
})

test('ids join intervals, from either side, in any order', () => {
  const numbers = fc.array(fc.bigInt({ min: 1n, max: 60n }), { maxLength: 60 })
  fc.assert(
    fc.property(numbers, numbers, (left, right) => {
      const [x, y]: [g.GtidSet, g.GtidSet] = [new Map(), new Map()]
      for (const number of left) g.addGtid(x, mine(number))
      for (const number of right) g.addGtid(y, mine(number))
      const within = (sum: g.GtidSet) => Array.from({ length: 61 }, (_, i) => g.hasGtid(sum, mine(BigInt(i))))
      const of = (test: (number: bigint) => boolean) => Array.from({ length: 61 }, (_, i) => test(BigInt(i)))
      assert.deepEqual(
        within(x),
        of((number) => left.includes(number)),
      )
      assert.deepEqual(
        within(g.subtractGtids(x, y)),
        of((number) => left.includes(number) && !right.includes(number)),
      )
      const both = g.uniteGtids(x, y)
      assert.deepEqual(
        within(both),
        of((number) => left.includes(number) || right.includes(number)),
      )
      assert.equal(
        g.containsGtids(x, y),
        right.every((number) => left.includes(number)),
      )
      assert.equal(g.gtidSetText(g.decodeGtidSet({ bytes: g.encodeGtidSet(both), at: 0 })), g.gtidSetText(both))
      assert.equal(g.gtidSetText(set(g.gtidSetText(both))), g.gtidSetText(both))
    }),
    { numRuns: 300 },
  )
})

test('a tag is another series', () => {
  const tagged = set(`${a}:1-5:blue:1-2`)
  assert.equal(g.hasGtid(tagged, mine(3n)), true)
  assert.equal(g.hasGtid(tagged, mine(3n, a, 'blue')), false)
  assert.equal(g.gtidSetText(g.subtractGtids(tagged, set(`${a}:1-5`))), `${a}:blue:1-2`)
  assert.equal(g.containsGtids(set(`${a}:1-9`), tagged), false)
  assert.equal(g.containsGtids(new Map(), new Map()), true)
})

test('the binary form, byte for byte', () => {
  const sid = '3e11fa4771ca11e19e33c80aa9429562'
  const plain = g.encodeGtidSet(set(`${a}:1-5:9`)).toString('hex')
  assert.equal(
    plain,
    `0100000000000000${sid}020000000000000001000000000000000600000000000000 09000000000000000a00000000000000`.replace(
      ' ',
      '',
    ),
  )
  const tagged = g.encodeGtidSet(set(`${a}:1:blue:2`)).toString('hex')
  const interval = (from: number) =>
    `0100000000000000${Buffer.from([from]).toString('hex')}00000000000000${Buffer.from([from + 1]).toString('hex')}00000000000000`
  assert.equal(tagged, `0102000000000001${sid}00${interval(1)}${sid}08626c7565${interval(2)}`)
  assert.equal(g.encodeGtidSet(new Map()).toString('hex'), '0000000000000000')
})

test('binary forms that lie are errors', () => {
  const whole = g.encodeGtidSet(set(`${a}:1:blue:2`))
  for (let length = 0; length < whole.length; length++)
    assert.throws(() => g.decodeGtidSet({ bytes: whole.subarray(0, length), at: 0 }), RangeError)
  const backwards = g.encodeGtidSet(set(`${a}:7`))
  backwards.writeBigUInt64LE(3n, backwards.length - 8)
  assert.throws(() => g.decodeGtidSet({ bytes: backwards, at: 0 }), RangeError)
  assert.throws(() => g.decodeGtidSet({ bytes: Buffer.alloc(8, 0xff), at: 0 }), RangeError)
})

test("MariaDB's list keeps one id a domain, the later one", () => {
  const list = g.gtidListFrom('1-3-5, 0-1-100')
  assert.ok(list !== null)
  assert.equal(g.gtidListText(list), '0-1-100,1-3-5')
  list.set(0, { flavour: 'mariadb', domain: 0, server: 2, number: 7n }) // after a failover numbers may go back
  assert.equal(g.gtidListText(list), '0-2-7,1-3-5')
  assert.equal(g.gtidListText(g.gtidListFrom('0-1-5,0-2-4') as g.GtidList), '0-2-4')
  assert.equal(g.gtidListFrom('')?.size, 0)
  for (const text of ['0-1', 'x', '0-1-2-3', `${a}:1`]) assert.equal(g.gtidListFrom(text), null)
})

test('one id as its server writes it', () => {
  assert.equal(g.gtidText(mine(7n)), `${a}:7`)
  assert.equal(g.gtidText(mine(7n, a, 'blue')), `${a}:blue:7`)
  assert.equal(g.gtidText({ flavour: 'mariadb', domain: 0, server: 1, number: 100n }), '0-1-100')
})
