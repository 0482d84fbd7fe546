import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { startMariadb, withoutMariadb } from '../../testing/mariadb.ts'
import * as v from './values.fake.ts'

const skip = await withoutMariadb()
const server = skip === false ? await startMariadb() : null
after(() => server?.stop())

/** What only MariaDB has. */
const own: readonly v.Case[] = [
  ['float', '-1e-60', 0], // stored, and logged, as -0, which this server never shows
  ['json', `'{"b": 1.0,  "a": [1]}'`, v.json('{"b": 1.0,  "a": [1]}')],
  ['uuid', "'123E4567-e89b-12d3-a456-426655440000'", '123e4567-e89b-12d3-a456-426655440000'],
  ['uuid', "'01234567-89ab-7cde-8f01-234567890000'", '01234567-89ab-7cde-8f01-234567890000'],
  ['inet4', "'192.0.2.0'", '192.0.2.0'],
  ...[
    '::',
    '::1',
    '1:0:0:2::',
    '::ffff:1.2.3.4',
    '::1.2.3.4',
    '2001:db8::1:0:0:1',
    '1::2:0:3:0:4:0',
    '::1:2:3:4:5:6',
    '1:2:3:4:5:6:7:8',
    '::0.2.0.3',
    'ff::',
  ].map((text): v.Case => ['inet6', `'${text}'`, text]),
  ['varchar(500) COMPRESSED', "repeat('aä', 200)", 'aä'.repeat(200)],
  ['varchar(500) COMPRESSED', "'short'", 'short'],
  ['varchar(500) COMPRESSED', "''", ''],
  ['varbinary(500) COMPRESSED', 'repeat(0x00ff, 200)', v.bytes('00ff'.repeat(200))],
  ['text COMPRESSED CHARACTER SET latin1', "repeat('aü', 200)", 'aü'.repeat(200)],
  ['longblob COMPRESSED', 'repeat(0x00ff, 40000)', v.bytes('00ff'.repeat(40000))],
  ['int INVISIBLE', '7', 7],
]

/** What the server computes; from 11 on its log has them at an insert alone. */
const computed: readonly v.Case[] = [
  ['int AS (id + 1) VIRTUAL', 'DEFAULT', 1],
  ['int AS (id + 2) PERSISTENT', 'DEFAULT', 2],
]

/** Types that came with this version. */
const later: readonly (readonly [version: number, cases: readonly v.Case[]])[] = [
  [
    110500,
    [
      ['timestamp NULL', "'2038-01-19 03:14:08'", v.instant('2038-01-19 03:14:08+00')],
      ['timestamp(6) NULL', "'2106-02-07 06:28:15.999999'", v.instant('2106-02-07 06:28:15.999999+00')],
    ],
  ],
  [110700, [['vector(3)', "VEC_FromText('[0.1, 1, -10]')", v.other('vector', '[0.1,1,-10]')]]],
]

/** What only FULL metadata can tell: a hidden column's name, labels beyond the catalog's character set. */
const named: readonly v.Case[] = [
  ['text UNIQUE', "'with a hidden hash'", 'with a hidden hash'],
  ["enum('ä','😀') CHARACTER SET utf32", "'😀'", '😀'],
]

/** Temporal types as MariaDB 5.3 stored them. */
const hires: readonly v.Case[] = [
  ['time', "'-00:01:00'", v.time('-00:01:00')],
  ['time', "'838:59:59'", v.time('838:59:59')],
  ...[1, 2, 3, 4, 5, 6].flatMap((digits): v.Case[] => {
    const fraction = '.987654'.slice(0, digits + 1)
    return [
      [`time(${digits})`, `'-16:08:04${fraction}'`, v.time(`-16:08:04${fraction}`)],
      [`datetime(${digits})`, `'2024-02-29 23:59:59${fraction}'`, v.datetime(`2024-02-29 23:59:59${fraction}`)],
      [`timestamp(${digits}) NULL`, `'2024-02-29 23:59:59${fraction}'`, v.instant(`2024-02-29 23:59:59${fraction}+00`)],
    ]
  }),
  ['datetime', "'2024-03-31 02:30:00'", v.datetime('2024-03-31 02:30:00')],
  ['datetime', "'0000-00-00'", v.invalid('datetime', '0000-00-00 00:00:00', 'a zero date')],
  ['datetime(6)', "'0000-00-00'", v.invalid('datetime', '0000-00-00 00:00:00.000000', 'a zero date')],
  ['timestamp NULL', "'2024-03-31 02:30:00'", v.instant('2024-03-31 02:30:00+00')],
  ['timestamp(3) NULL', "'0000-00-00'", v.invalid('timestamp', '0000-00-00 00:00:00.000', 'a zero date')],
]

async function threeWays(cases: readonly v.Case[], setting: v.Setting): Promise<void> {
  for (const seen of await v.compare(server as { url: string }, cases, setting)) {
    const named = (values: readonly unknown[]) => ({ type: seen.type, sql: seen.sql, values })
    assert.deepEqual(named(seen.selected), named(seen.expected), 'SELECT')
    assert.deepEqual(named(seen.inserted), named(seen.expected), 'insert')
    assert.deepEqual(named(seen.updated), named(seen.expected), 'update')
    assert.deepEqual(named(seen.deleted), named(seen.expected), 'delete')
  }
}

for (const metadata of ['FULL', 'MINIMAL', 'NO_LOG'])
  test(`log, SELECT and literal are the same; binlog_row_metadata=${metadata}`, { skip }, async () => {
    const version = await v.versionOf(server as { url: string })
    const whole = metadata === 'FULL' ? named : []
    const newer = later.flatMap(([from, cases]) => (version >= from ? cases : []))
    const setting = { after: [`SET GLOBAL binlog_row_metadata = ${metadata}`] }
    await threeWays([...v.cases, ...own, ...whole, ...newer, ...(version < 110000 ? computed : [])], setting)
    for (const seen of await v.compare(server as { url: string }, computed, setting)) {
      assert.deepEqual([seen.selected, seen.inserted], [seen.expected, seen.expected])
      if (version >= 110000) assert.deepEqual([seen.updated, seen.deleted], [[undefined], [undefined]])
    }
  })

test('without FULL metadata, what the catalog cannot tell stops the table', { skip }, async () => {
  const setting = { after: ['SET GLOBAL binlog_row_metadata = NO_LOG'] }
  const why = [/the log has 4 columns of .*, the table has 3 now/i, /a label with a question mark/]
  for (const [i, one] of named.entries())
    await assert.rejects(v.compare(server as { url: string }, [one], setting), why[i] as RegExp)
})

for (const metadata of ['FULL', 'NO_LOG'])
  test(`the temporal types of MariaDB 5.3; binlog_row_metadata=${metadata}`, { skip }, async () => {
    const before = ['SET GLOBAL mysql56_temporal_format = OFF']
    const after = ['SET GLOBAL mysql56_temporal_format = ON', `SET GLOBAL binlog_row_metadata = ${metadata}`]
    await threeWays(hires, { before, after })
  })

test('compressed events hold the same', { skip }, async () => {
  await threeWays(v.cases, {
    after: [
      'SET GLOBAL binlog_row_metadata = FULL',
      'SET GLOBAL log_bin_compress = ON',
      'SET GLOBAL log_bin_compress_min_len = 10',
    ],
  })
})
