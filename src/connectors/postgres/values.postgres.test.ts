import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Key } from '../../model/key.ts'
import type { Row, Value } from '../../model/value.ts'
import { type Postgres, startPostgres } from '../../testing/postgres.ts'
import { reading } from '../sql/reading.fake.ts'
import { database } from './fixture.ts'

let server: Postgres
before(async () => {
  server = await startPostgres()
})
after(() => server.stop())

const decimal = (text: string): Value => ({ kind: 'decimal', text })
const date = (text: string): Value => ({ kind: 'date', text })
const time = (text: string): Value => ({ kind: 'time', text })
const datetime = (text: string): Value => ({ kind: 'datetime', text })
const instant = (text: string): Value => ({ kind: 'instant', text })
const bytes = (text: string): Value => ({ kind: 'bytes', text })
const json = (text: string): Value => ({ kind: 'json', text })
const other = (type: string, text: string): Value => ({ kind: 'other', type, text })
const digits = '1234567890'.repeat(100)

/** Type, literal as SQL, and the value that it must become by log, snapshot and look-up. */
const cases: readonly (readonly [type: string, sql: string, value: Value])[] = [
  ['boolean', 'true', true],
  ['boolean', 'false', false],
  ['boolean', 'NULL', null],
  ['smallint', '-32768', -32768],
  ['integer', '2147483647', 2147483647],
  ['bigint', '9007199254740991', 9007199254740991],
  ['bigint', '9007199254740992', decimal('9007199254740992')],
  ['bigint', '-9223372036854775808', decimal('-9223372036854775808')],
  ['oid', '4294967295', 4294967295],
  ['real', '0.1', 0.1],
  ['real', '3.4028235e+38', 3.4028235e38],
  ['real', `'NaN'`, decimal('NaN')],
  ['double precision', '0.1', 0.1],
  ['double precision', '0.30000000000000004', 0.30000000000000004],
  ['double precision', '5e-324', 5e-324],
  ['double precision', `'-0'`, decimal('-0')],
  ['double precision', `'Infinity'`, decimal('Infinity')],
  ['double precision', `'-Infinity'`, decimal('-Infinity')],
  ['numeric', '0.000001', decimal('0.000001')],
  ['numeric', `'NaN'`, decimal('NaN')],
  ['numeric', `'-Infinity'`, decimal('-Infinity')],
  ['numeric', digits, decimal(digits)],
  ['numeric', `0.${digits}`, decimal(`0.${digits}`)],
  ['numeric(10,2)', '-0.5', decimal('-0.50')],
  ['numeric(5,0)', '12345', decimal('12345')],
  ['money', '1234.5', other('money', '$1,234.50')],
  ['text', `''`, ''],
  ['text', `E'tab\\tnewline\\nback\\\\slash \\\\N'`, 'tab\tnewline\nback\\slash \\N'],
  ['text', `'\\N'`, '\\N'],
  ['text', `'Grüße, 東京 😀'`, 'Grüße, 東京 😀'],
  ['text', `U&'\\FEFF\\FFFD'`, '\ufeff\ufffd'],
  ['text', `'{"a": "b"}, it''s'`, `{"a": "b"}, it's`],
  ['text', `repeat('ab', 100000)`, 'ab'.repeat(100000)],
  ['varchar(10)', `'  pad  '`, '  pad  '],
  ['char(5)', `'ab'`, 'ab   '],
  ['"char"', `'x'`, 'x'],
  ['name', `'Name'`, 'Name'],
  ['uuid', `'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'`, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'],
  ['bytea', `'\\x00ff5c'`, bytes('AP9c')],
  ['bytea', `''`, bytes('')],
  ['date', `'2024-01-31'`, date('2024-01-31')],
  ['date', `'infinity'`, date('infinity')],
  ['date', `'-infinity'`, date('-infinity')],
  ['date', `'0044-03-15 BC'`, date('0044-03-15 BC')],
  ['date', `'5874897-12-31'`, date('5874897-12-31')],
  ['time', `'24:00:00'`, time('24:00:00')],
  ['time(3)', `'23:59:59.1239'`, time('23:59:59.124')],
  ['time with time zone', `'02:30:00.5+05:30'`, other('time with time zone', '02:30:00.5+05:30')],
  ['timestamp', `'2024-03-31 02:30:00.123456'`, datetime('2024-03-31 02:30:00.123456')],
  ['timestamp', `'infinity'`, datetime('infinity')],
  ['timestamp', `'4713-01-01 00:00:00 BC'`, datetime('4713-01-01 00:00:00 BC')],
  ['timestamp', `'294276-12-31 23:59:59.999999'`, datetime('294276-12-31 23:59:59.999999')],
  ['timestamp(0)', `'2024-01-01 00:00:00.5'`, datetime('2024-01-01 00:00:01')],
  ['timestamptz', `'2024-07-01 12:00:00.000001+02'`, instant('2024-07-01 10:00:00.000001+00')],
  ['timestamptz', `'-infinity'`, instant('-infinity')],
  ['timestamptz', `'0044-03-15 12:00:00+00 BC'`, instant('0044-03-15 12:00:00+00 BC')],
  ['timestamptz', `'1890-01-01 00:00:00 Europe/Vienna'`, instant('1889-12-31 22:54:39+00')],
  ['interval', `'1 year 2 mons -3 days 04:05:06.789'`, other('interval', '1 year 2 mons -3 days +04:05:06.789')],
  ['interval', `'-1 mon +1 day'`, other('interval', '-1 mons +1 day')],
  ['bit(10)', `B'1010101010'`, other('bit', '1010101010')],
  ['bit varying', `B'1'`, other('bit varying', '1')],
  ['inet', `'192.168.0.1/24'`, '192.168.0.1/24'],
  ['inet', `'::1'`, '::1'],
  ['cidr', `'10.0.0.0/8'`, '10.0.0.0/8'],
  ['macaddr', `'08:00:2b:01:02:03'`, '08:00:2b:01:02:03'],
  ['macaddr8', `'08:00:2b:01:02:03:04:05'`, '08:00:2b:01:02:03:04:05'],
  ['json', `'{"b": 1.0,  "a": 10000000000000000000001}'`, json('{"b": 1.0,  "a": 10000000000000000000001}')],
  ['jsonb', `'{"b": 1.0,  "a": 1e3}'`, json('{"a": 1000, "b": 1.0}')],
  ['jsonb', `'null'`, json('null')],
  ['xml', `'<a>b</a>'`, '<a>b</a>'],
  ['point', `'(1.5,-2)'`, other('point', '(1.5,-2)')],
  ['box', `'(1,1),(0,0)'`, other('box', '(1,1),(0,0)')],
  ['tsvector', `'fat:2 cat:3'`, other('tsvector', `'cat':3 'fat':2`)],
  ['tsquery', `'fat & cat'`, other('tsquery', `'fat' & 'cat'`)],
  ['pg_lsn', `'0/16B3748'`, other('pg_lsn', '0/16B3748')],
  ['int4range', `'[1,5]'`, other('int4range', '[1,6)')],
  ['tstzrange', `'[2024-01-01 00:00+00,)'`, other('tstzrange', '["2024-01-01 00:00:00+00",)')],
  ['nummultirange', `'{[1.5,2),(3,]}'`, other('nummultirange', '{[1.5,2),(3,)}')],
  ['integer[]', `'{1,NULL,3}'`, other('integer[]', '{1,NULL,3}')],
  ['text[]', `ARRAY['a,b', 'c"d', NULL, 'NULL', '']`, other('text[]', '{"a,b","c\\"d",NULL,"NULL",""}')],
  ['integer[][]', `'{{1,2},{3,4}}'`, other('integer[]', '{{1,2},{3,4}}')],
  ['timestamptz[]', `'{2024-07-01 12:00+02}'`, other('timestamp with time zone[]', '{"2024-07-01 10:00:00+00"}')],
  ['public.mood', `'so, so'`, 'so, so'],
  ['public.mood[]', `'{happy,"so, so"}'`, other('mood[]', '{happy,"so, so"}')],
  ['public.posint', '7', 7],
  ['public.bigmoney', '12345678901234567890.12', decimal('12345678901234567890.12')],
  ['public.address', `ROW('Main St "1"', 5, NULL)`, other('address', '("Main St ""1""",5,)')],
  ['"Odd Schema"."Odd.Type"', `'x'`, 'x'],
  ['public.citext', `'MiXed'`, 'MiXed'],
  ['public.hstore', `'a=>1, b=>NULL'`, other('hstore', '"a"=>"1", "b"=>NULL')],
  ['public.ltree', `'Top.Science'`, other('ltree', 'Top.Science')],
]

const schemaSql = `
  CREATE EXTENSION citext SCHEMA public; CREATE EXTENSION hstore SCHEMA public; CREATE EXTENSION ltree SCHEMA public;
  CREATE TYPE public.mood AS ENUM ('happy', 'so, so'); CREATE TYPE public.address AS (street text, number int, zip text);
  CREATE DOMAIN public.anyint AS int; CREATE DOMAIN public.posint AS public.anyint CHECK (VALUE > 0);
  CREATE DOMAIN public.bigmoney AS numeric(22,2); CREATE SCHEMA "Odd Schema"; CREATE TYPE "Odd Schema"."Odd.Type" AS ENUM ('x');`

test(`${cases.length} literals are the same by log, snapshot, look-up and as written, whatever the session of the role`, async () => {
  await using db = await database(server.url)
  await db.sql(schemaSql)
  // Settings that would change the text of values if our sessions did not set their own.
  for (const setting of [
    `datestyle = 'SQL, DMY'`,
    `timezone = 'Europe/Vienna'`,
    'extra_float_digits = -3',
    `intervalstyle = 'iso_8601'`,
    `bytea_output = 'escape'`,
  ])
    await db.sql(`ALTER DATABASE ${db.name} SET ${setting}`)
  const columns = cases.map(([type], i) => `c${i} ${type}`).join(', ')
  await db.sql(`CREATE TABLE v (id int PRIMARY KEY, ${columns}); ALTER TABLE v REPLICA IDENTITY FULL`)
  const insert = (id: number) =>
    db.sql(`INSERT INTO v VALUES (${id}, ${cases.map(([type, sql]) => `(${sql})::${type}`).join(', ')})`)
  await insert(1)
  const source = db.source(['v'])
  await using read = await reading(source)
  await insert(2)
  await db.sql('UPDATE v SET id = 3 WHERE id = 2')
  // A change that arrives while the chunk is read takes its row out of it: here both are to be told.
  await read.caughtUp()
  read.feed.snapshot({ table: 'v' })
  await read.caughtUp()
  const [created, updated, ...snapshot] = read.journal.changes
  const fetched = await source.fetch('v', ['["1"]', '["3"]'] as Key[], AbortSignal.timeout(10_000))
  assert.equal(created?.op, 'create')
  assert.equal(updated?.op, 'update')
  assert.equal(snapshot.length, 2)
  const readings: { readonly [from: string]: Row | undefined | null } = {
    log: created.row,
    'log, after an update': updated.row,
    'log, before an update': updated.before,
    snapshot: snapshot.find((change) => change.key === '["1"]')?.row,
    'look-up': fetched[1],
  }
  for (const [from, row] of Object.entries(readings))
    for (const [i, [type, sql, value]] of cases.entries())
      assert.deepEqual(row?.[`c${i}`], value, `${from}: ${type} ${sql.slice(0, 60)}`)
})

test('keys of many types: fetch finds each row by the key that the log gave it', async () => {
  await using db = await database(server.url)
  await db.sql(schemaSql)
  const keyed = cases.filter(([type, sql]) => sql !== 'NULL' && !/^(json|xml|point|box|numeric$|text$)/.test(type))
  const source = db.source(keyed.map((_, i) => `k${i}`))
  for (const [i, [type]] of keyed.entries()) await db.sql(`CREATE TABLE k${i} (id ${type} PRIMARY KEY, n int)`)
  await using read = await reading(source)
  for (const [i, [type, sql]] of keyed.entries()) await db.sql(`INSERT INTO k${i} VALUES ((${sql})::${type}, ${i})`)
  await read.caughtUp()
  assert.equal(read.journal.changes.length, keyed.length)
  for (const [i, [type, sql]] of keyed.entries()) {
    const change = read.journal.changes[i]!
    const [row] = await source.fetch(`k${i}`, [change.key], AbortSignal.timeout(10_000))
    assert.equal(row?.['n'], i, `${type} ${sql}`)
    const found = await source.lookup(`k${i}`, 'id', [change.row!['id']!], AbortSignal.timeout(10_000))
    assert.equal(found.length, 1, `${type} ${sql}`)
  }
})

test('an SQL_ASCII database: bytes that are not UTF-8 are invalid in their column, all else is read', async () => {
  await using db = await database(server.url, `TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE_PROVIDER libc LOCALE 'C'`)
  await db.sql(`CREATE TABLE v (id int PRIMARY KEY, a text, b text)`)
  const bad = `convert_from('\\x63e9'::bytea, 'SQL_ASCII')`
  await db.sql(`INSERT INTO v SELECT 1, ${bad}, 'Grüße'`)
  const source = db.source(['v'])
  await using read = await reading(source)
  read.feed.snapshot({ table: 'v' })
  await db.sql(`INSERT INTO v SELECT 2, ${bad}, 'Grüße'`)
  await read.caughtUp()
  const [row] = await source.fetch('v', ['["1"]'] as Key[], AbortSignal.timeout(10_000))
  const rows = [...read.journal.changes.map((change) => change.row), row]
  assert.ok(rows.length >= 3)
  for (const each of rows) {
    assert.equal(each?.['b'], 'Grüße')
    assert.deepEqual(each?.['a'], { kind: 'invalid', type: 'text', raw: '\\x63e9', reason: 'the bytes are not UTF-8' })
  }
})

test('a LATIN1 database arrives as UTF-8', async () => {
  await using db = await database(server.url, `TEMPLATE template0 ENCODING 'LATIN1' LOCALE_PROVIDER libc LOCALE 'C'`)
  await db.sql('CREATE TABLE v (id int PRIMARY KEY, "größe" text)')
  const source = db.source(['v'])
  await using read = await reading(source)
  await db.sql(`INSERT INTO v VALUES (1, 'naïve ÄÖÜ')`)
  await read.caughtUp()
  assert.deepEqual({ ...read.journal.changes[0]?.row }, { id: 1, größe: 'naïve ÄÖÜ' })
  assert.deepEqual(
    (await source.fetch('v', ['["1"]'] as Key[], AbortSignal.timeout(10_000)))[0]?.['größe'],
    'naïve ÄÖÜ',
  )
})
