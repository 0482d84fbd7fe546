import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { CatalogColumn, CatalogTable } from '../catalog.ts'
import { DecodeError, type TableMap } from './event.ts'
import * as p from './packets.fake.ts'
import { shapeOf } from './shape.ts'

const column = (name: string, dataType: string, facts: Partial<CatalogColumn> = {}): CatalogColumn => ({
  name,
  dataType,
  columnType: dataType,
  unsigned: false,
  nullable: true,
  charset: null,
  collation: null,
  members: null,
  fraction: null,
  length: null,
  json: false,
  generated: 'no',
  visible: true,
  ...facts,
})

const table = (...columns: readonly CatalogColumn[]): CatalogTable => ({
  schema: 's',
  name: 't',
  full: 's.t',
  columns,
  key: ['id'],
  engine: 'InnoDB',
  rowsEstimated: null,
  partitioned: false,
})

async function mapOf(
  types: readonly number[],
  metadata: Buffer,
  optional: Buffer = Buffer.alloc(0),
): Promise<TableMap> {
  const [, event] = await p.decoded(p.format('8.0.36'), p.tableMap(types, metadata, optional))
  assert.ok(event?.kind === 'table')
  return event.table
}

const mismatch = (map: TableMap, now: CatalogTable | null): string => {
  const shape = shapeOf(map, now, null)
  return 'mismatch' in shape ? shape.mismatch : 'none'
}

test('all that FULL metadata says', async () => {
  // id bigint unsigned, v int, e enum('x','y') utf8mb4, s set('a') latin1, c char(10) latin1, b varbinary(4), g geometry; key (id, c)
  const metadata = p.hex('f701 f801 fe0a 0400 04')
  const optional = p.hex(`
    01 01 80
    02 03 08 01 3f
    04 0f 02 6964 01 76 01 65 01 73 01 63 01 62 01 67
    05 03 01 01 61
    06 05 02 01 78 01 79
    07 01 01
    09 04 00 00 04 05
    0b 02 2d 08
    0c 01 fc
    63 02 0000`)
  const map = await mapOf([8, 3, 254, 254, 254, 15, 255], metadata, optional)
  assert.deepEqual(
    map.columns.map(({ name, type, meta, unsigned, collation, members, visible }) => [
      name,
      type,
      meta,
      unsigned,
      collation,
      members,
      visible,
    ]),
    [
      ['id', 8, 0, true, undefined, undefined, true],
      ['v', 3, 0, false, undefined, undefined, true],
      ['e', 247, 1, undefined, 45, ['x', 'y'], true],
      ['s', 248, 1, undefined, 8, ['a'], true],
      ['c', 254, 10, undefined, 8, undefined, true],
      ['b', 15, 4, undefined, 63, undefined, true],
      ['g', 255, 4, undefined, undefined, undefined, false],
    ],
  )
  assert.deepEqual(map.key, [0, 4])
  const shape = shapeOf(map, null, new Set(['id', 'c']))
  assert.ok(!('mismatch' in shape))
  assert.deepEqual(
    shape.columns.map(({ name, wanted, charset }) => [name, wanted, charset]),
    [
      ['id', true, null],
      ['v', false, null],
      ['e', false, null],
      ['s', false, null],
      ['c', true, 'latin1'],
      ['b', false, null],
      ['g', false, null],
    ],
  )
})

test('a CHAR longer than 255 bytes says so in two bits of its type', async () => {
  const map = await mapOf([254, 254], p.hex('eefc fe28'))
  assert.deepEqual(
    map.columns.map(({ type, meta }) => [type, meta]),
    [
      [254, 0x1fc],
      [254, 40],
    ],
  )
})

test('without names the catalog must fit, in number, type, size and nulls', async () => {
  const map = await mapOf([3, 246, 15, 18, 16, 252], p.hex('0a02 2800 03 0201 02'))
  const now = [
    column('id', 'int'),
    column('amount', 'decimal', { columnType: 'decimal(10,2)' }),
    column('name', 'varchar', { columnType: 'varchar(10)', charset: 'utf8mb4' }),
    column('at', 'datetime', { fraction: 3 }),
    column('bits', 'bit', { length: 10 }),
    column('note', 'text', { charset: 'utf8mb4' }),
  ]
  assert.equal(mismatch(map, table(...now)), 'none')
  assert.match(mismatch(map, null), /does not name the columns/)
  assert.match(mismatch(map, table(...now.slice(1))), /has 6 columns of s\.t, the table has 5 now/)
  const changes: readonly [number, CatalogColumn, RegExp][] = [
    [0, column('id', 'bigint'), /Column 1 of s\.t is long in the log, and bigint now/],
    [0, column('id', 'int', { nullable: false }), /is NULL in the log/],
    [1, column('amount', 'decimal', { columnType: 'decimal(10,3)' }), /another size/],
    [2, column('name', 'varchar', { columnType: 'varchar(20)', charset: 'utf8mb4' }), /another size/],
    [2, column('name', 'varbinary', { columnType: 'varbinary(10)' }), /another size/],
    [3, column('at', 'datetime', { fraction: 6 }), /another size/],
    [4, column('bits', 'bit', { length: 11 }), /another size/],
    [5, column('note', 'longtext', { charset: 'utf8mb4' }), /another size/],
    [5, column('note', 'constructor'), /blob in the log/],
  ]
  for (const [place, changed, why] of changes) assert.match(mismatch(map, table(...now.with(place, changed))), why)
})

test('what a table cannot be read for is said of that table', async () => {
  assert.match(
    mismatch(await mapOf([3, 99], Buffer.alloc(0)), null),
    /In s\.t, column 2 has type 99, which is not known/,
  )
  const old = await mapOf([12], Buffer.alloc(0), p.hex('04 02 01 63'))
  assert.match(mismatch(old, null), /old temporal type/)
  assert.equal(mismatch(old, table(column('c', 'datetime', { fraction: 3 }))), 'none')
  const strange = await mapOf([15], p.hex('0a00'), p.hex('03 03 fc fe00 04 02 01 63'))
  assert.match(mismatch(strange, null), /collation 254/)
})

test('metadata that lies is an error', async () => {
  const lies = ['01 ff', '04 02 05 61', '02 03 08 09 08', '08 01 fb', '0c 00']
  for (const lie of lies) await assert.rejects(mapOf([15, 3], p.hex('0a00'), p.hex(lie)), DecodeError, lie)
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ maxLength: 30 }),
      fc.uint8Array({ maxLength: 8 }),
      fc.uint8Array({ maxLength: 20 }),
      async (types, metadata, optional) => {
        try {
          const map = await mapOf([...types], Buffer.from(metadata), Buffer.from(optional))
          shapeOf(map, null, null)
        } catch (error) {
          assert.ok(error instanceof DecodeError, String(error))
        }
      },
    ),
    { numRuns: 500 },
  )
})
