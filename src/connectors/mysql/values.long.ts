import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Mysql, startMysql, withoutMysql } from '../../testing/mysql.ts'
import * as v from './values.fake.ts'

const point = '0101000000000000000000F03F0000000000000040'

const blob = `["base64:type15:${Buffer.from('ab'.repeat(50))
  .toString('base64')
  .replace(/.{76}(?=.)/g, '$&\\n')}"]`

/** JSON as MySQL prints what it stored: its own order of keys, spaces, and numbers. */
const documents: readonly (readonly [sql: string, text: string])[] = [
  [`'{"bb": 1, "a": [1.0, 2.50, -0.0]}'`, '{"a": [1.0, 2.5, -0.0], "bb": 1}'],
  [
    `'[1e14, 1e15, 1e16, 1.5e-5, 1e-14, 1e-15, 1e-16, 6.02214076e23, 5e-324]'`,
    '[100000000000000.0, 1e15, 1e16, 0.000015, 0.00000000000001, 0.000000000000001, 1e-16, 6.02214076e23, 5e-324]',
  ],
  [`'[1234567890123456.7, 0.1, 1.7976931348623157e308]'`, '[1234567890123456.8, 0.1, 1.7976931348623157e308]'],
  [
    `'[9223372036854775807, 18446744073709551615, -9223372036854775808, 65536, -32769]'`,
    '[9223372036854775807, 18446744073709551615, -9223372036854775808, 65536, -32769]',
  ],
  [
    `'["\\\\u0001\\\\b\\\\f\\\\n\\\\r\\\\t\\\\"\\\\\\\\ü😀\\u007f"]'`.replaceAll('\\\\', '\\'),
    '["\\u0001\\b\\f\\n\\r\\t\\"\\\\ü😀\u007f"]',
  ],
  ["'null'", 'null'],
  [`'"x"'`, '"x"'],
  ["JSON_ARRAY(CAST('1.10' AS DECIMAL(10,2)), CAST(-0.000001 AS DECIMAL(12,6)))", '[1.10, -0.000001]'],
  [
    "JSON_OBJECT('d', DATE'2024-02-29', 't', TIME'-16:08:04.25', 'at', TIMESTAMP'2024-02-29 23:59:58.12')",
    '{"d": "2024-02-29", "t": "-16:08:04.250000", "at": "2024-02-29 23:59:58.120000"}',
  ],
  ["JSON_ARRAY(CAST(REPEAT('ab', 50) AS BINARY))", blob],
  [`JSON_ARRAY(REPEAT('x', 70000), 1, 2147483648)`, `["${'x'.repeat(70000)}", 1, 2147483648]`],
]

/** The same documents before 8.0, where doubles had no point and bytes another type. */
function printed(version: number, text: string): string {
  return version >= 80000 ? text : text.replaceAll(/\.0(?=[,\]])/g, '').replace('type15', 'type253')
}

/** What only MySQL has. */
const own: readonly v.Case[] = [
  ['float', '-1e-60', v.decimal('-0')],
  ['double', '-1e-300 / 1e300', v.decimal('-0')],
  ['int AS (id + 1) VIRTUAL', 'DEFAULT', 1],
  ['int AS (id + 2) STORED', 'DEFAULT', 2],
  ['varchar(10) CHARACTER SET gb18030', "'汉字😀'", '汉字😀'],
]

/** Which came with this version. */
const later: readonly (readonly [version: number, cases: readonly v.Case[]])[] = [
  [80003, [['geometry SRID 4326', "ST_GeomFromText('POINT(2 1)', 4326)", v.other('geometry', `SRID=4326;${point}`)]]],
  [80023, [['int INVISIBLE', '7', 7]]],
  [90000, [['vector(3)', "STRING_TO_VECTOR('[0.1, 1, -10]')", v.other('vector', '[0.1,1,-10]')]]],
]

async function threeWays(server: Mysql, setting: v.Setting): Promise<void> {
  const version = await v.versionOf(server)
  const json = documents.map(([sql, text]): v.Case => ['json', sql, v.json(printed(version, text))])
  const all = [...v.cases, ...own, ...json, ...later.flatMap(([from, cases]) => (version >= from ? cases : []))]
  for (const seen of await v.compare(server, all, setting)) {
    const named = (values: readonly unknown[]) => ({ type: seen.type, sql: seen.sql, values })
    assert.deepEqual(named(seen.selected), named(seen.expected), 'SELECT')
    assert.deepEqual(named(seen.inserted), named(seen.expected), 'insert')
    assert.deepEqual(named(seen.updated), named(seen.expected), 'update')
    assert.deepEqual(named(seen.deleted), named(seen.expected), 'delete')
  }
}

for (const release of ['5.7', '8.0', '9'] as const)
  test(`log, SELECT and literal are the same on MySQL ${release}`, { skip: await withoutMysql(release) }, async (t) => {
    await using server = await startMysql({ release })
    const version = await v.versionOf(server)
    await t.test('with the names of the catalog', () => threeWays(server, {}))
    await t.test('with the names of the log', { skip: version < 80001 && 'this server has none' }, () =>
      threeWays(server, { after: ['SET GLOBAL binlog_row_metadata = FULL'] }),
    )
    await t.test('in compressed transactions', { skip: version < 80020 && 'this server has none' }, () =>
      threeWays(server, { after: ['SET SESSION binlog_transaction_compression = ON'] }),
    )
  })
