import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { deflateSync } from 'node:zlib'
import type { Row } from '../../../model/value.ts'
import { openDecoder } from './decoder.ts'
import { type BinlogEvent, DecodeError } from './event.ts'
import * as p from './packets.fake.ts'
import { shapeOf } from './shape.ts'

const mysql = p.format('8.4.3')
const mariadb = p.format('10.11.6-MariaDB-log')
const names = (...columns: readonly string[]): Buffer => {
  const list = columns.map((name) => String.fromCharCode(name.length) + name).join('')
  return Buffer.from(`\x04${String.fromCharCode(list.length)}${list}`, 'latin1')
}
const intTable = p.tableMap([3], Buffer.alloc(0), Buffer.concat([p.hex('010100'), names('id')]))

/** The rows of an event, read with the log's own names. */
function rowsOf(event: BinlogEvent | undefined): (Row | null)[][] {
  assert.ok(event?.kind === 'rows' && event.table !== null)
  const shape = shapeOf(event.table, null, null)
  assert.ok(!('mismatch' in shape), JSON.stringify(shape))
  return [...event.images(shape)].map(({ before, after }) => [before && { ...before }, after && { ...after }])
}

const last = async (...packets: readonly Buffer[]): Promise<BinlogEvent | undefined> =>
  (await p.decoded(...packets)).at(-1)
const facts = ({ header: _, ...rest }: BinlogEvent): object => rest

test('the first rotate has a checksum or none, before anything says so', async () => {
  const events = await p.decoded(p.rotate('binlog.000007', 4), mysql)
  assert.deepEqual(events.map(facts), [
    { kind: 'rotate', file: 'binlog.000007', offset: 4n },
    { kind: 'format', server: '8.4.3', checksum: true },
  ])
  assert.equal(events[0]?.header.artificial, true)
  const plain = await p.decoded(p.rotate('binlog.000007', 4, false), p.format('8.4.3', 0))
  assert.deepEqual(plain.map(facts), [
    { kind: 'rotate', file: 'binlog.000007', offset: 4n },
    { kind: 'format', server: '8.4.3', checksum: false },
  ])
})

test('one flipped bit anywhere is an error', async () => {
  const event = p.packet({ type: 16 }, p.le(8, 77))
  for (let bit = 0; bit < event.length * 8; bit++) {
    const broken = Buffer.from(event)
    broken.writeUInt8((broken[bit >> 3] as number) ^ (1 << (bit & 7)), bit >> 3)
    await assert.rejects(p.decoded(mysql, broken), DecodeError, `bit ${bit}`)
  }
  for (const at of [0, 30, mysql.length - 3]) {
    const broken = Buffer.from(mysql)
    broken.writeUInt8((broken[at] as number) ^ 1, at)
    await assert.rejects(p.decoded(broken), /checksum|cannot be read/, `format, byte ${at}`)
  }
})

test('a format event of a file in use was checked before it was marked so', async () => {
  const marked = Buffer.from(mysql)
  marked.writeUInt16LE(1, 17)
  assert.equal((await last(marked))?.kind, 'format')
})

test('after a format without checksums the bytes are not cut', async () => {
  const query = p.packet({ type: 2, checksum: false }, p.le(8, 0), p.le(1, 1), p.le(2, 0), p.le(2, 0), 'd\0', 'COMMIT')
  assert.deepEqual(facts((await last(p.format('8.0.11', 0), query)) as BinlogEvent), {
    kind: 'query',
    schema: 'd',
    sql: 'COMMIT',
    error: 0,
    strict: false,
    databases: null,
  })
})

test('a statement is read in the character set of its client', async () => {
  const status = p.hex('00 00000000 01 0000000000000000 06 03 737464 04 0800 0800 0800 99')
  const sql = Buffer.from("INSERT INTO t VALUES ('\xfc\x80')", 'latin1')
  const query = p.packet({ type: 2 }, p.le(8, 0), p.le(1, 1), p.le(2, 1053), p.le(2, status.length), status, 'd\0', sql)
  const event = (await last(mysql, query)) as Extract<BinlogEvent, { kind: 'query' }>
  assert.deepEqual([event.sql, event.error], ["INSERT INTO t VALUES ('ü€')", 1053])
})

test('a statement brings along whether its session was strict, and which databases it used', async () => {
  const said = async (variables: string) => {
    const status = p.hex(variables)
    const query = p.packet({ type: 2 }, p.le(8, 0), p.le(1, 1), p.le(2, 0), p.le(2, status.length), status, 'd\0', 'X')
    const { strict, databases } = (await last(mysql, query)) as Extract<BinlogEvent, { kind: 'query' }>
    return [strict, databases]
  }
  // As MySQL 8.0.15 and 9.7, and MariaDB 10.11 wrote them.
  const before = '0000000000 01 2800a04500000000 06 03 737464 04 e000e000ff00 09 0100000000000000'
  assert.deepEqual(await said(`${before} 0c 02 6f7468657200 6d656d6265727300 12 ff00 15 00`), [
    true,
    ['other', 'members'],
  ])
  assert.deepEqual(await said(`${before} 0b 01 61 01 62 05 01 63 0d 000000 0c 01 6400`), [true, ['d']])
  assert.deepEqual(await said('0000000000 01 0000004000000000 06 03 737464 04 e000e0002d00'), [false, null])
  assert.deepEqual(await said('0000000000 01 0000400000000000 0c fe'), [true, null], 'more databases than are listed')
})

test("GTIDs: MySQL's with and without a tag, anonymous, MariaDB's", async () => {
  const sid = '3e11fa47-71ca-11e1-9e33-c80aa9429562'
  const plain = p.packet({ type: 33 }, p.le(1, 1), p.hex(sid.replaceAll('-', '')), p.le(8, 23), p.le(1, 2), p.le(16, 0))
  const gtid = { flavour: 'mysql', sid, tag: '', number: 23n }
  const group = { kind: 'gtid', standalone: false, ddl: false, xa: 'none' }
  assert.deepEqual(facts((await last(mysql, plain)) as BinlogEvent), { ...group, gtid })
  assert.equal((await last(mysql, p.packet({ type: 34 }, p.le(25, 0))))?.kind, 'anonymous')

  // Bytes of the UUID above 7F take two bytes; 300 is a two-byte number, shifted by sign and length.
  const uuid = [...p.hex(sid.replaceAll('-', ''))].map((byte) =>
    byte < 0x80 ? p.le(1, byte << 1) : p.le(2, (byte << 2) | 1),
  )
  const tagged = p.packet(
    { type: 42 },
    p.hex('02 50 14 00 02 02'),
    ...uuid,
    p.hex('04'),
    p.le(2, (600 << 2) | 1),
    p.hex('06 08'),
    'blue',
    p.hex('08 00'),
  )
  const taggedGtid = { ...gtid, tag: 'blue', number: 300n }
  assert.deepEqual(facts((await last(mysql, tagged)) as BinlogEvent), { ...group, gtid: taggedGtid })

  const mine = (flags: number) => p.packet({ type: 162 }, p.le(8, 5000000000), p.le(4, 3), p.le(1, flags), p.le(6, 0))
  const mariadbGtid = { flavour: 'mariadb', domain: 3, server: 7, number: 5000000000n }
  assert.deepEqual(facts((await last(mariadb, mine(0x29))) as BinlogEvent), {
    ...group,
    gtid: mariadbGtid,
    standalone: true,
    ddl: true,
  })
  assert.deepEqual(facts((await last(mariadb, mine(0x4c))) as BinlogEvent), {
    ...group,
    gtid: mariadbGtid,
    xa: 'prepared',
  })
  assert.deepEqual(facts((await last(mariadb, mine(0x8c))) as BinlogEvent), {
    ...group,
    gtid: mariadbGtid,
    xa: 'completed',
  })
})

test('what a file says was executed before it', async () => {
  const previous = p.packet(
    { type: 35 },
    p.hex('0102000000000001'),
    p.hex('3e11fa4771ca11e19e33c80aa9429562'),
    p.hex('00'),
    p.le(8, 1),
    p.le(8, 1),
    p.le(8, 6),
    p.hex('3e11fa4771ca11e19e33c80aa9429562'),
    p.hex('0a'),
    'green',
    p.le(8, 2),
    p.le(8, 1),
    p.le(8, 2),
    p.le(8, 9),
    p.le(8, 12),
  )
  assert.deepEqual(facts((await last(mysql, previous)) as BinlogEvent), {
    kind: 'executed',
    gtids: '3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5:green:1:9-11',
  })
  const list = p.packet(
    { type: 163 },
    p.le(4, 2),
    p.le(4, 0),
    p.le(4, 1),
    p.le(8, 100),
    p.le(4, 1),
    p.le(4, 3),
    p.le(8, 5),
  )
  assert.deepEqual(facts((await last(mariadb, list)) as BinlogEvent), { kind: 'executed', gtids: '0-1-100,1-3-5' })
})

test('heartbeats of both forms, and what ends or breaks a group', async () => {
  const first = p.packet({ type: 27, next: 4711 }, 'binlog.000001')
  assert.deepEqual(facts((await last(mysql, first)) as BinlogEvent), {
    kind: 'heartbeat',
    file: 'binlog.000001',
    offset: 4711n,
  })
  const second = p.packet({ type: 41, next: 0 }, p.hex('01 0d'), 'binlog.000001', p.hex('02 09 fe0000000001000000 00'))
  assert.deepEqual(facts((await last(mysql, second)) as BinlogEvent), {
    kind: 'heartbeat',
    file: 'binlog.000001',
    offset: 1n << 32n,
  })
  const prepare = p.packet({ type: 38 }, p.le(1, 0), p.le(4, -1), p.le(4, 2), p.le(4, 1), 'abc')
  assert.deepEqual(facts((await last(mysql, prepare)) as BinlogEvent), {
    kind: 'prepare',
    xid: "X'6162',X'63',-1",
    onePhase: false,
  })
  const incident = p.packet({ type: 26 }, p.le(2, 1), '\x04lost')
  assert.deepEqual(facts((await last(mysql, incident)) as BinlogEvent), { kind: 'incident', message: 'lost' })
  assert.equal((await last(mysql, p.packet({ type: 16 }, p.le(8, 1))))?.kind, 'commit')
})

test('numbers above 160 belong to MariaDB, those of GTIDs to MySQL, and nothing unknown is passed over in silence', async () => {
  const kinds = async (server: Buffer, types: readonly number[]) => {
    const found: string[] = []
    for (const type of types) {
      const event = (await last(server, p.packet({ type, flags: 0x80 }, p.le(40, 0)))) as BinlogEvent
      found.push(event.kind === 'unknown' ? `${type} unknown ${event.ignorable}` : `${type} ${event.kind}`)
    }
    return found.join(', ')
  }
  assert.equal(
    await kinds(mysql, [29, 160, 161, 166, 172, 250]),
    '29 nothing, 160 unknown true, 161 unknown true, 166 unknown true, 172 unknown true, 250 unknown true',
  )
  assert.equal(
    await kinds(mariadb, [160, 161, 164, 172, 33, 42, 200]),
    '160 nothing, 161 nothing, 164 nothing, 172 partial, 33 unknown true, 42 unknown true, 200 unknown true',
  )
  assert.equal(
    ((await last(mysql, intTable, p.packet({ type: 39 }, p.le(6, 9), p.le(40, 0)))) as { table?: object }).table !==
      null,
    true,
  )
  for (const type of [20, 21, 22]) assert.equal((await last(mysql, p.packet({ type }, p.le(9, 0))))?.kind, 'unknown')
})

test('rows of all three versions and kinds', async () => {
  const one = p.hex('00 01000000')
  const two = p.hex('00 02000000')
  const nothing = p.hex('01')
  assert.deepEqual(rowsOf(await last(mysql, intTable, p.rows(30, 1, Buffer.concat([one, nothing]), p.hex('ffee')))), [
    [null, { id: 1 }],
    [null, { id: null }],
  ])
  assert.deepEqual(rowsOf(await last(mysql, intTable, p.rows(31, 1, Buffer.concat([one, two]), Buffer.alloc(0)))), [
    [{ id: 1 }, { id: 2 }],
  ])
  assert.deepEqual(rowsOf(await last(mariadb, intTable, p.rows(25, 1, one))), [[{ id: 1 }, null]])
  const packed = Buffer.concat([p.hex('81 0a'), deflateSync(Buffer.concat([one, two]))])
  assert.deepEqual(rowsOf(await last(mariadb, intTable, p.rows(166, 1, packed))), [
    [null, { id: 1 }],
    [null, { id: 2 }],
  ])
})

test('a column that the image lacks is absent, and null is null', async () => {
  const map = p.tableMap([3, 3], Buffer.alloc(0), Buffer.concat([p.hex('010100'), names('id', '__proto__')]))
  const update = p.packet(
    { type: 31 },
    p.le(6, 9),
    p.le(2, 0),
    p.le(2, 2),
    p.le(1, 2),
    p.hex('01 02'),
    p.hex('00 05000000'),
    p.hex('01'),
  )
  const [[before, after] = []] = rowsOf(await last(mysql, map, update))
  assert.deepEqual([Object.entries(before as Row), Object.entries(after as Row)], [[['id', 5]], [['__proto__', null]]])
})

test('rows without a description of their table, and events without rows', async () => {
  const event = await last(mysql, p.rows(30, 1, p.hex('00 01000000'), Buffer.alloc(0)))
  assert.ok(event?.kind === 'rows' && event.table === null)
  assert.throws(() => event.images({ columns: [] }), DecodeError)
  assert.equal(
    (await last(mysql, p.packet({ type: 30 }, p.hex('ffffff000000'), p.le(2, 1), p.le(2, 2), p.le(1, 0))))?.kind,
    'nothing',
  )
  const rotated = await last(
    mysql,
    intTable,
    p.packet({ type: 4 }, p.le(8, 4), 'b.2'),
    p.rows(30, 1, p.hex('00 01000000'), Buffer.alloc(0)),
  )
  assert.equal((rotated as { table?: unknown }).table, null) // another file may give the number to another table
})

test('the same description is the same object, another one is not', async () => {
  const tables = (await p.decoded(mysql, intTable, intTable, p.tableMap([1], Buffer.alloc(0)), intTable)).flatMap(
    (event) => (event.kind === 'table' ? [event.table] : []),
  )
  assert.equal(tables[0], tables[1])
  assert.notEqual(tables[1], tables[2])
  assert.equal(tables[2]?.columns[0]?.type, 1)
})

const begin = p.packet({ type: 2, next: 0, checksum: false }, p.le(8, 0), p.le(1, 0), p.le(2, 0), p.le(2, 0), '\0BEGIN')
const commit = p.packet({ type: 16, next: 0, checksum: false }, p.le(8, 1))
const innerTable = p.tableMap([3], Buffer.alloc(0), Buffer.concat([p.hex('010100'), names('id')]), false)
const innerRows = (ids: readonly number[]) =>
  p.rows(30, 1, Buffer.concat(ids.map((id) => Buffer.concat([p.hex('00'), p.le(4, id)]))), Buffer.alloc(0), false)

for (const zstd of [true, false])
  test(`a transaction as a payload, ${zstd ? 'compressed' : 'as it is'}: only its last event has a place`, async () => {
    const events = await p.decoded(mysql, p.payload([begin, innerTable, innerRows([1, 2]), commit], 9000, zstd))
    assert.deepEqual(
      events.slice(1).map(({ kind, header }) => [kind, header.next]),
      [
        ['query', 0],
        ['table', 1000],
        ['rows', 1000],
        ['commit', 9000],
      ],
    )
    assert.deepEqual(rowsOf(events[3]), [
      [null, { id: 1 }],
      [null, { id: 2 }],
    ])
  })

test('a large payload is unpacked in pieces, and waits for whoever takes its events', async () => {
  const ids = Array.from({ length: 1000 }, (_, i) => i)
  const many = Array.from({ length: 600 }, () => innerRows(ids))
  let underWay = 0
  let total = 0
  let lastNext = 0
  const decoder = openDecoder(async (event) => {
    assert.equal(underWay++, 0)
    await turn()
    if (event.kind === 'rows') total += rowsOf(event).length
    lastNext = event.header.next
    underWay--
  })
  await decoder.push(mysql)
  await decoder.push(p.payload([begin, innerTable, ...many, commit], 9000))
  assert.deepEqual([total, lastNext], [600_000, 9000])
})

test('payloads that lie are errors', async () => {
  const whole = p.payload([begin, commit], 9000)
  const bodies: readonly [string, Buffer][] = [
    ['another method', p.packet({ type: 40 }, p.hex('02 01 07 03 01 05 01 01 00 00'))],
    ['no size', p.packet({ type: 40 }, p.hex('02 01 00 03 01 05 00'))],
    ['no zstd', p.packet({ type: 40 }, p.hex('02 01 00 03 01 05 01 01 03 00 616263'))],
    ['a size that is too small', p.packet({ type: 40 }, p.hex('02 01 00 03 01 05'), whole.subarray(19 + 3 + 11, -4))],
    ['an event that is cut off', p.payload([begin, commit.subarray(0, -3)], 9000)],
    ['an event of no length', p.payload([Buffer.alloc(64)], 9000)],
    ['a large one that is cut off', p.payload([Buffer.alloc(2_000_000, 0x01)], 9000)],
  ]
  for (const [what, one] of bodies) await assert.rejects(p.decoded(mysql, one), DecodeError, what)
})

test('whatever is cut off is an error that ends, never a hang or a row', async () => {
  const events: readonly Buffer[] = [
    p.rotate('binlog.000001', 4),
    intTable,
    p.rows(30, 1, p.hex('00 01000000 00 02000000'), p.hex('00')),
    p.packet({ type: 2 }, p.le(8, 0), p.le(1, 1), p.le(2, 0), p.le(2, 0), 'd\0', 'x'),
    p.packet({ type: 33 }, p.le(25, 1)),
    p.packet({ type: 35 }, p.le(8, 1), p.le(16, 1), p.le(8, 1), p.le(8, 1), p.le(8, 5)),
    p.packet({ type: 38 }, p.le(1, 0), p.le(4, 1), p.le(4, 2), p.le(4, 1), 'abc'),
    p.payload([begin, commit], 9000),
  ]
  for (const event of events)
    for (let length = 0; length < event.length - 4; length++) {
      const cut = p.packet({ type: event[4] as number }, event.subarray(19, Math.max(19, length)))
      const short = length < 19 ? event.subarray(0, length) : cut
      try {
        for (const each of await p.decoded(mysql, intTable, short)) if (each.kind === 'rows') rowsOf(each)
      } catch (error) {
        assert.ok(error instanceof DecodeError, String(error))
      }
    }
})

test('faults of whoever takes the events stay what they are', async () => {
  const mine = new RangeError('mine')
  const decoder = openDecoder((event) => {
    if (event.kind === 'commit') throw mine
  })
  decoder.push(mysql)
  assert.throws(() => decoder.push(p.packet({ type: 16 }, p.le(8, 1))), mine)
  assert.throws(() => decoder.push(p.payload([begin, commit], 9000)), mine)
  const many = Array.from({ length: 600 }, () => innerRows([1]))
  await assert.rejects(
    async () => decoder.push(p.payload([innerTable, ...many, innerRows(Array(300_000).fill(7)), commit], 9000)),
    mine,
  )
})
