import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Entry, Op } from './change.ts'
import { type DebeziumSource, toDebezium } from './debezium.ts'
import type { Key } from './key.ts'
import { newRow, type Row, type Value } from './value.ts'

const source: DebeziumSource = { connector: 'postgresql', name: 'legacy', db: 'members_db', version: '0.1.0' }

const entry = (op: Op, more: Partial<Entry> = {}): Entry => ({
  seq: 7,
  table: 'public.members',
  op,
  key: '["42"]' as Key,
  id: '0/16B3748/0',
  at_ms: 1_700_000_000_000,
  ...more,
})

/** As a consumer reads it, with the exact digits of every number. */
const written = (envelope: unknown): string => JSON.stringify(envelope)
const after = (value: Value): string => {
  const text = written(toDebezium(entry('create', { row: { v: value } }), source, 1)?.after)
  return text.slice('{"v":'.length, -1)
}

test('the envelope of an insert, whole', () => {
  assert.deepEqual(
    JSON.parse(written(toDebezium(entry('create', { row: { id: 42, name: 'Ada' } }), source, 1_700_000_000_500))),
    {
      before: null,
      after: { id: 42, name: 'Ada' },
      source: {
        version: '0.1.0',
        connector: 'postgresql',
        name: 'legacy',
        ts_ms: 1_700_000_000_000,
        snapshot: 'false',
        db: 'members_db',
        schema: 'public',
        table: 'members',
        sequence: '["7"]',
      },
      transaction: null,
      op: 'c',
      ts_ms: 1_700_000_000_500,
    },
  )
})

test('operations, and which side of the change they carry', () => {
  const row = { id: 42, name: 'Ada' }
  const old = { id: 42, name: 'Eve' }
  const table: [Op, Partial<Entry>, string, Row | null, Row | null, 'true' | 'false'][] = [
    ['create', { row }, 'c', null, row, 'false'],
    ['update', { row }, 'u', null, row, 'false'],
    ['update', { row, before: old }, 'u', old, row, 'false'],
    ['delete', { row: old }, 'd', old, null, 'false'],
    ['delete', { row: { id: 42 }, before: old }, 'd', old, null, 'false'],
    ['delete', {}, 'd', null, null, 'false'],
    ['read', { row }, 'r', null, row, 'true'],
  ]
  for (const [op, more, letter, before, expected, snapshot] of table) {
    const envelope = toDebezium(entry(op, more), source, 1)
    assert.equal(envelope?.op, letter)
    assert.deepEqual(JSON.parse(written([envelope.before, envelope.after])), [before, expected], op)
    assert.equal(envelope.source.snapshot, snapshot)
  }
  for (const more of [{}, { synthetic: 'cascade' as const }])
    assert.equal(toDebezium(entry('touch', more), source, 1), null, 'a touch has no envelope')
})

test('values, as the JSON converter writes them', () => {
  const table: [Value, string][] = [
    [null, 'null'],
    [true, 'true'],
    [42, '42'],
    [0.1, '0.1'],
    ['', '""'],
    ['é\n', '"é\\n"'],
    [{ kind: 'decimal', text: '12.50' }, '"12.50"'],
    [{ kind: 'decimal', text: '9223372036854775807' }, '"9223372036854775807"'],
    [{ kind: 'decimal', text: 'NaN' }, '"NaN"'],
    [{ kind: 'decimal', text: '-0' }, '"-0"'],
    [{ kind: 'bytes', text: 'AP8=' }, '"AP8="'],
    [{ kind: 'json', text: '{"a": 1.0}' }, '"{\\"a\\": 1.0}"'],
    [{ kind: 'other', type: 'interval', text: '1 mon' }, '"1 mon"'],
    [{ kind: 'date', text: '1970-01-01' }, '0'],
    [{ kind: 'date', text: '1969-12-31' }, '-1'],
    [{ kind: 'date', text: '2000-02-29' }, '11016'],
    [{ kind: 'date', text: '2024-01-31' }, '19753'],
    [{ kind: 'date', text: '0001-01-01' }, '-719162'],
    [{ kind: 'date', text: '0001-12-31 BC' }, '-719163'],
    [{ kind: 'date', text: '4713-01-01 BC' }, '-2440550'],
    // PostgreSQL's last date: Julian day 2147483493 (src/include/datatype/timestamp.h), of which 1970 is 2440588.
    [{ kind: 'date', text: '5874897-12-31' }, String(2_147_483_493 - 2_440_588)],
    [{ kind: 'date', text: 'infinity' }, '"infinity"'],
    [{ kind: 'date', text: '-infinity' }, '"-infinity"'],
    [{ kind: 'time', text: '00:00:00' }, '0'],
    [{ kind: 'time', text: '25:00:00.5' }, '90000500000'],
    [{ kind: 'time', text: '-838:59:59' }, '-3020399000000'],
    [{ kind: 'time', text: '23:59:59.999999' }, '86399999999'],
    [{ kind: 'datetime', text: '1970-01-01 00:00:00.000001' }, '1'],
    [{ kind: 'datetime', text: '1969-12-31 23:59:59.5' }, '-500000'],
    [{ kind: 'datetime', text: '2024-01-31 02:30:00.123456' }, '1706668200123456'],
    [{ kind: 'datetime', text: '9999-12-31 23:59:59.999999' }, '253402300799999999'],
    [
      { kind: 'datetime', text: '0044-03-15 12:00:00 BC' },
      String(BigInt(Date.parse('-000043-03-15T12:00:00Z')) * 1_000n),
    ],
    [{ kind: 'datetime', text: 'infinity' }, '"infinity"'],
    [{ kind: 'instant', text: '2024-01-31 02:30:00.123456+00' }, '"2024-01-31T02:30:00.123456Z"'],
    [{ kind: 'instant', text: '2024-01-31 02:30:00+00' }, '"2024-01-31T02:30:00Z"'],
    [{ kind: 'instant', text: '2024-01-31 02:30:00+05:30' }, '"2024-01-31T02:30:00+05:30"'],
    [{ kind: 'instant', text: '0044-03-15 12:00:00+00 BC' }, '"-0043-03-15T12:00:00Z"'],
    [{ kind: 'instant', text: '12024-01-31 02:30:00+00' }, '"+12024-01-31T02:30:00Z"'],
    [{ kind: 'instant', text: '-infinity' }, '"-infinity"'],
  ]
  for (const [value, expected] of table) assert.equal(after(value), expected, JSON.stringify(value))
})

test('DATETIME of MySQL and MariaDB: milliseconds up to three digits of a second, microseconds beyond', () => {
  for (const connector of ['mysql', 'mariadb'] as const) {
    const text = (value: string) => {
      const row: Row = { v: { kind: 'datetime', text: value } }
      return written(toDebezium(entry('create', { row }), { ...source, connector }, 1)?.after)
    }
    assert.equal(text('2018-06-20 06:37:03'), '{"v":1529476623000}')
    assert.equal(text('2018-06-20 06:37:03.120'), '{"v":1529476623120}')
    assert.equal(text('1969-12-31 23:59:59.5'), '{"v":-500}')
    assert.equal(text('2018-06-20 06:37:03.0000'), '{"v":1529476623000000}')
    assert.equal(text('9999-12-31 23:59:59.999999'), '{"v":253402300799999999}')
  }
})

test('days and microseconds agree with Date over its years', () => {
  for (let year = 1; year <= 9_999; year += 7)
    for (const monthDay of ['01-01', '02-28', '03-01', '12-31']) {
      const text = `${String(year).padStart(4, '0')}-${monthDay}`
      const ms = Date.parse(`${text}T00:00:00Z`)
      assert.equal(after({ kind: 'date', text }), String(ms / 86_400_000), text)
      assert.equal(after({ kind: 'datetime', text: `${text} 00:00:00` }), String(BigInt(ms) * 1_000n), text)
    }
})

test('what is absent or unreadable is left out, never null; the unreadable is named', () => {
  const invalid: Value = { kind: 'invalid', type: 'date', raw: '0000-00-00', reason: 'a zero date' }
  const envelope = toDebezium(
    entry('update', { row: { id: 42, born: invalid, gone: null }, before: { born: invalid } }),
    source,
    1,
  )
  assert.equal(written(envelope?.after), '{"id":42,"gone":null}')
  assert.equal(written(envelope?.before), '{}')
  assert.deepEqual(envelope?.invalid, [{ column: 'born', type: 'date', reason: 'a zero date' }])
})

test('columns may have the names of an object', () => {
  const row = newRow()
  // biome-ignore lint/suspicious/noProto: the column is really called so
  row['__proto__'] = 'p'
  row['constructor'] = 'c'
  row['toJSON'] = 't'
  const envelope = toDebezium(entry('create', { row }), source, 1)
  assert.equal(written(envelope?.after), '{"__proto__":"p","constructor":"c","toJSON":"t"}')
})

test('where the table is', () => {
  const at = (table: string, connector: DebeziumSource['connector']) => {
    const {
      db,
      schema,
      table: name,
    } = toDebezium(entry('create', { table }), { ...source, connector }, 1)?.source ?? {}
    return [db, schema, name]
  }
  assert.deepEqual(at('public.members', 'postgresql'), ['members_db', 'public', 'members'])
  assert.deepEqual(at('shop.members', 'mysql'), ['shop', undefined, 'members'])
  assert.deepEqual(at('members', 'mysql'), ['members_db', undefined, 'members'])
})

test('MySQL and MariaDB: database and table, and the place in the log as far as the id tells it', () => {
  const place = (id: string, connector: 'mysql' | 'mariadb') => {
    const envelope = toDebezium(entry('update', { table: 'shop.orders', id }), { ...source, connector }, 1)
    const { version: _, connector: __, name: ___, ts_ms: ____, snapshot: _____, ...where } = envelope!.source
    return where
  }
  const rest = { db: 'shop', table: 'orders', sequence: null, thread: null, query: null }
  const sid = '3e11fa47-71ca-11e1-9e33-c80aa9429562'
  const cases: [string, 'mysql' | 'mariadb', object][] = [
    [`${sid}:23@towx46/7.4`, 'mysql', { server_id: null, gtid: `${sid}:23`, file: null, pos: null, row: 4 }],
    [`${sid}:tagged:23/0`, 'mysql', { server_id: null, gtid: `${sid}:tagged:23`, file: null, pos: null, row: 0 }],
    ['0-1-23@towx46/0.4', 'mariadb', { server_id: 1, gtid: '0-1-23', file: null, pos: null, row: 4 }],
    [
      'binlog.000007:1234@towx46~/1.2',
      'mysql',
      { server_id: null, gtid: null, file: 'binlog.000007', pos: 1234, row: 2 },
    ],
    ['snapshot-abc/5', 'mysql', { server_id: null, gtid: null, file: null, pos: null, row: null }],
  ]
  for (const [id, connector, expected] of cases) assert.deepEqual(place(id, connector), { ...expected, ...rest }, id)
})
