/** Another decoder of the log, written by others, runs beside ours: the same rows, the same values, but for those that it reads wrongly. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import ZongJi from '@vlasky/zongji'
import { text, type Value } from '../../model/value.ts'
import { startMariadb, withoutMariadb } from '../../testing/mariadb.ts'
import { shapeOf } from './binlog/shape.ts'
import { scratch } from './server.fake.ts'
import { readLog } from './values.fake.ts'

const skip = await withoutMariadb()
const server = skip === false ? await startMariadb() : null
after(() => server?.stop())

/** Column type and literals. */
const agreed: readonly (readonly [type: string, ...literals: string[]])[] = [
  ['tinyint', '-128', '127'],
  ['smallint unsigned', '65535', '0'],
  ['mediumint', '-8388608', '8388607'],
  ['int unsigned', '4294967295', '1'],
  ['bigint', '-9223372036854775808', '9007199254740993'],
  ['bigint unsigned', '18446744073709551615', '0'],
  ['decimal(30,10)', '-12345678901234567890.0123456789', '0.1'],
  ['double', '0.1', '-1.5e300'],
  ['varchar(200)', "'Grüße 😀'", "''"],
  ['varchar(20) CHARACTER SET latin1', "'€ü'", "'x'"],
  ['text', "repeat('y', 300)", 'NULL'],
  ['datetime(6)', "'2024-03-31 02:30:00.123456'", "'1000-01-01'"],
  ['time(3)', "'-16:08:04.250'", "'838:59:59'"],
  ['year', '2024', '1901'],
  ["enum('a','b')", "'b'", "'a'"],
  ["set('a','b','c')", "'a,c'", "''"],
  ['varbinary(10)', '0x00ff', '0x61'],
]

/** What it reads wrongly, and what is right. */
const wrong: readonly (readonly [type: string, literal: string, right: string])[] = [
  ['time', "'-00:01:00'", '-00:01:00'],
  ['year', '0', '0'],
  ['float', '0.1', '0.1'],
  ["enum('a,b','c')", "'nonsense'", ''],
  ['geometry', "ST_GeomFromText('POINT(1 2)', 4326)", 'SRID=4326;0101000000000000000000F03F0000000000000040'],
]

/** Its values, written as ours. */
function asText(value: unknown): string | null {
  if (value === null || value === undefined) return null
  if (Buffer.isBuffer(value)) return value.toString('base64')
  if (Array.isArray(value)) return value.join(',')
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

/** A decimal or a fraction may end in zeros or not. */
const plain = (value: string | null): string | null =>
  value !== null && /^-?[\d: -]+\.\d+$/.test(value) ? value.replace(/\.?0+$/, '') : value

async function theirs(url: string, schema: string, rows: number): Promise<unknown[][]> {
  const { hostname, port, username, password } = new URL(url)
  const zongji = new ZongJi({
    host: hostname,
    port: Number(port),
    user: username,
    password: decodeURIComponent(password),
    dateStrings: true,
  } as never)
  const found: unknown[][] = []
  try {
    await new Promise<void>((resolve, reject) => {
      zongji.on('error', reject)
      zongji.on('binlog', (event) => {
        if (event.getEventName() !== 'writerows') return
        for (const row of (event as unknown as { rows: Record<string, unknown>[] }).rows) found.push(Object.values(row))
        if (found.length >= rows) resolve()
      })
      void zongji.start({
        serverId: 3_000_000 + (process.pid % 100_000),
        filename: 'binlog.000001',
        position: 4,
        includeSchema: { [schema]: true },
        includeEvents: ['tablemap', 'writerows', 'rotate'],
      })
    })
  } finally {
    zongji.stop()
  }
  return found
}

async function both(types: readonly string[], rows: readonly (readonly string[])[]) {
  await using db = await scratch(server as { url: string })
  const columns = types.map((type, i) => `c${i} ${type}`)
  await db.sql("SET sql_mode = 'NO_BACKSLASH_ESCAPES'", `CREATE TABLE t (${columns.join(', ')})`)
  for (const row of rows) await db.sql(`INSERT INTO t VALUES (${row.join(', ')})`)
  const mine: Value[][] = []
  await readLog(await db.connect(), 'binlog.000001', (event) => {
    if (event.kind !== 'rows' || event.table?.schema !== db.name) return
    const shape = shapeOf(event.table, null, null)
    assert.ok(!('mismatch' in shape))
    for (const { after: row } of event.images(shape)) mine.push(Object.values(row ?? {}))
  })
  return { mine, other: await theirs(db.url, db.name, rows.length) }
}

test('values that both read', { skip, timeout: 30_000 }, async () => {
  const rows = [0, 1].map((at) => agreed.map(([, ...literals]) => literals[at] as string))
  const { mine, other } = await both(
    agreed.map(([type]) => type),
    rows,
  )
  assert.deepEqual(
    mine.map((row) => row.map((value) => plain(text(value)))),
    other.map((row) => row.map((value) => plain(asText(value)))),
  )
})

test('values that the other one reads wrongly', { skip, timeout: 30_000 }, async () => {
  const { mine, other } = await both(
    wrong.map(([type]) => type),
    [wrong.map(([, literal]) => literal)],
  )
  for (const [i, [type, , right]] of wrong.entries()) {
    assert.equal(text(mine[0]?.[i] as Value), right, type)
    assert.notEqual(plain(asText(other[0]?.[i])), plain(right), `${type} is read rightly now: it belongs above`)
  }
})
