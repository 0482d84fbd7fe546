/** Values of both servers, and their three-way comparison: by the log, by SELECT, and as the literal says. */
import assert from 'node:assert/strict'
import type { Row, Value } from '../../model/value.ts'
import { openDecoder } from './binlog/decoder.ts'
import type { BinlogEvent } from './binlog/event.ts'
import { shapeOf } from './binlog/shape.ts'
import { type CatalogTable, quotedTable, readCatalog, tableName } from './catalog.ts'
import type { Link } from './client.ts'
import { type Scratch, scratch } from './server.fake.ts'
import { selectExpression, textReader } from './values.ts'

/** Type, literal as SQL, and the value that it must become. */
export type Case = readonly [type: string, sql: string, value: Value]

export const decimal = (text: string): Value => ({ kind: 'decimal', text })
export const date = (text: string): Value => ({ kind: 'date', text })
export const time = (text: string): Value => ({ kind: 'time', text })
export const datetime = (text: string): Value => ({ kind: 'datetime', text })
export const instant = (text: string): Value => ({ kind: 'instant', text })
export const bytes = (hex: string): Value => ({ kind: 'bytes', text: Buffer.from(hex, 'hex').toString('base64') })
export const json = (text: string): Value => ({ kind: 'json', text })
export const other = (type: string, text: string): Value => ({ kind: 'other', type, text })
export const invalid = (type: string, raw: string, reason: string): Value => ({ kind: 'invalid', type, raw, reason })

const nines = '9'.repeat(35)
const labels = Array.from({ length: 64 }, (_, i) => `m${i}`)
const setOf64 = `set(${labels.map((label) => `'${label}'`).join(',')})`
const manyLabels = `enum(${Array.from({ length: 300 }, (_, i) => `'e${i}'`).join(',')})`
const point = '0101000000000000000000F03F0000000000000040'

/** What both servers have. */
export const cases: readonly Case[] = [
  ['tinyint', '-128', -128],
  ['tinyint unsigned', '255', 255],
  ['tinyint(1)', '1', 1],
  ['smallint', '-32768', -32768],
  ['smallint unsigned', '65535', 65535],
  ['mediumint', '-8388608', -8388608],
  ['mediumint unsigned', '16777215', 16777215],
  ['int', '-2147483648', -2147483648],
  ['int unsigned', '4294967295', 4294967295],
  ['int(8) zerofill', '42', 42],
  ['bigint', '9007199254740991', 9007199254740991],
  ['bigint', '9007199254740992', decimal('9007199254740992')],
  ['bigint', '-9007199254740991', -9007199254740991],
  ['bigint', '-9007199254740992', decimal('-9007199254740992')],
  ['bigint', '-9223372036854775808', decimal('-9223372036854775808')],
  ['bigint', '-1', -1],
  ['bigint unsigned', '9223372036854775808', decimal('9223372036854775808')],
  ['bigint unsigned', '18446744073709551615', decimal('18446744073709551615')],
  ['bigint unsigned', '0', 0],
  ['decimal(10,2)', '0.1', decimal('0.10')],
  ['decimal(10,2)', '-99999999.99', decimal('-99999999.99')],
  ['decimal(12,6)', '-0.000001', decimal('-0.000001')],
  ['decimal(5,5)', '-0.12345', decimal('-0.12345')],
  ['decimal(65,30)', `${nines}.${'9'.repeat(30)}`, decimal(`${nines}.${'9'.repeat(30)}`)],
  ['decimal(65,30)', '1e-30', decimal(`0.${'0'.repeat(29)}1`)],
  ['decimal(65,0)', '-1000000000', decimal('-1000000000')],
  ['decimal(9,0) unsigned', '123456789', decimal('123456789')],
  ['decimal(8,2) zerofill', '1.5', decimal('1.50')],
  ['decimal(10,2)', '-0.00', decimal('0.00')],
  ['float', '0.1', 0.1],
  ['float', '3.4e38', 3.4e38],
  ['float', '-1.17549435e-38', -1.1754944e-38],
  ['float', '1e-45', 1e-45],
  ['float', '16777217', 16777216],
  ['float', '123456789', 123456790],
  ['float(7,3)', '1234.5678', 1234.568],
  ['float unsigned', '8.5', 8.5],
  ['double', '0.30000000000000004', 0.30000000000000004],
  ['double', '5e-324', 5e-324],
  ['double', '1.7976931348623157e308', 1.7976931348623157e308],
  ['double', '123456789012345680000', 123456789012345680000],
  ['double(10,2)', '0.1', 0.1],
  ['double(20,3)', '12345678901234567.891', 12345678901234568],
  ['bit(1)', "b'1'", true],
  ['bit(1)', "b'0'", false],
  ['bit(10)', "b'1000000001'", 513],
  ['bit(53)', '9007199254740991', 9007199254740991],
  ['bit(64)', '18446744073709551615', decimal('18446744073709551615')],
  ['year', '2155', 2155],
  ['year', '1901', 1901],
  ['year', '0', 0],
  ['date', "'2024-02-29'", date('2024-02-29')],
  ['date', "'9999-12-31'", date('9999-12-31')],
  ['date', "'0000-00-00'", invalid('date', '0000-00-00', 'a zero date')],
  ['date', "'2024-00-10'", invalid('date', '2024-00-10', 'a date without month or day')],
  ['date NOT NULL', "'0000-00-00'", invalid('date', '0000-00-00', 'a zero date')],
  ['time', "'-00:01:00'", time('-00:01:00')],
  ['time', "'-16:08:04'", time('-16:08:04')],
  ['time', "'-10:00:00'", time('-10:00:00')],
  ['time', "'838:59:59'", time('838:59:59')],
  ['time', "'25:00:00'", time('25:00:00')],
  ['time(1)', "'-00:00:00.1'", time('-00:00:00.1')],
  ['time(2)', "'-16:08:04.25'", time('-16:08:04.25')],
  ['time(3)', "'-16:08:04.250'", time('-16:08:04.250')],
  ['time(4)', "'-00:00:59.9999'", time('-00:00:59.9999')],
  ['time(5)', "'12:34:56.78901'", time('12:34:56.78901')],
  ['time(6)', "'-838:59:58.999999'", time('-838:59:58.999999')],
  ['time(6)', "'-00:00:00.000001'", time('-00:00:00.000001')],
  ['datetime', "'2024-03-31 02:30:00'", datetime('2024-03-31 02:30:00')],
  ['datetime', "'9999-12-31 23:59:59'", datetime('9999-12-31 23:59:59')],
  ['datetime(1)', "'2024-01-31 00:00:00.9'", datetime('2024-01-31 00:00:00.9')],
  ['datetime(3)', "'2024-01-31 00:00:00.120'", datetime('2024-01-31 00:00:00.120')],
  ['datetime(6)', "'1000-01-01 00:00:00.000001'", datetime('1000-01-01 00:00:00.000001')],
  ['datetime', "'0000-00-00'", invalid('datetime', '0000-00-00 00:00:00', 'a zero date')],
  [
    'datetime(3)',
    "'2024-05-00 01:02:03.5'",
    invalid('datetime', '2024-05-00 01:02:03.500', 'a date without month or day'),
  ],
  ['timestamp NULL', "'2024-03-31 02:30:00'", instant('2024-03-31 02:30:00+00')],
  ['timestamp NULL', "'1970-01-01 00:00:01'", instant('1970-01-01 00:00:01+00')],
  ['timestamp NULL', "'2038-01-19 03:14:07'", instant('2038-01-19 03:14:07+00')],
  ['timestamp(2) NULL', "'2000-02-29 23:59:59.99'", instant('2000-02-29 23:59:59.99+00')],
  ['timestamp(6) NULL', "'2024-12-31 23:59:59.000001'", instant('2024-12-31 23:59:59.000001+00')],
  ['timestamp NULL', "'0000-00-00'", invalid('timestamp', '0000-00-00 00:00:00', 'a zero date')],
  ['timestamp(6) NULL', "'0000-00-00'", invalid('timestamp', '0000-00-00 00:00:00.000000', 'a zero date')],
  ['char(5)', "'ab'", 'ab'],
  ['char(5)', "''", ''],
  ['char(255)', "repeat('ä', 255)", 'ä'.repeat(255)],
  ['varchar(10)', "'  pad  '", '  pad  '],
  ['varchar(300)', "repeat('😀', 300)", '😀'.repeat(300)],
  ['varchar(100)', "'\ufeff\ufffd__proto__'", '\ufeff\ufffd__proto__'],
  ['tinytext', "'Grüße'", 'Grüße'],
  ['text', "'tab\tnew\nline'", 'tab\tnew\nline'],
  ['mediumtext', "repeat('xyz', 30000)", 'xyz'.repeat(30000)],
  ['longtext', "'東京'", '東京'],
  ['varchar(10) CHARACTER SET latin1', "'€üÿ'", '€üÿ'],
  ['varchar(10) CHARACTER SET latin1', '0x81', '\u0081'],
  ['varchar(10) CHARACTER SET utf8mb3', "'€ü'", '€ü'],
  ['varchar(10) CHARACTER SET ucs2', "'€ü'", '€ü'],
  ['char(10) CHARACTER SET utf16', "'😀'", '😀'],
  ['varchar(10) CHARACTER SET utf16le', "'😀a'", '😀a'],
  ['text CHARACTER SET utf32', "'😀'", '😀'],
  ['varchar(10) CHARACTER SET cp1251', "'Привет'", 'Привет'],
  ['varchar(10) CHARACTER SET koi8r', "'Привет'", 'Привет'],
  ['varchar(10) CHARACTER SET sjis', "'日本語ｱ'", '日本語ｱ'],
  ['varchar(10) CHARACTER SET ujis', "'日本語ｱ'", '日本語ｱ'],
  ['varchar(10) CHARACTER SET gbk', "'汉字'", '汉字'],
  ['varchar(10) CHARACTER SET big5', "'漢字'", '漢字'],
  ['varchar(10) CHARACTER SET euckr', "'한국똠'", '한국똠'],
  ['varchar(10) CHARACTER SET greek', "'Αθήνα'", 'Αθήνα'],
  ['varchar(10) CHARACTER SET swe7', "'Åå'", 'Åå'],
  ['varchar(10) CHARACTER SET ascii', "'abc'", 'abc'],
  ['varchar(10) CHARACTER SET dec8', '0xc4', 'Ä'],
  ['binary(4)', '0x0100', bytes('01000000')],
  ['binary(4)', '0x00', bytes('00000000')],
  ['varbinary(4)', '0x0100', bytes('0100')],
  ['varbinary(300)', "''", bytes('')],
  ['tinyblob', '0x00ff', bytes('00ff')],
  ['blob', '0x5c00', bytes('5c00')],
  ['longblob', 'repeat(0x00ff, 40000)', bytes('00ff'.repeat(40000))],
  ["enum('a','b,c','it''s')", "'b,c'", 'b,c'],
  ["enum('a','b,c','it''s')", "'it''s'", "it's"],
  ["enum('a','b,c','it''s')", "'nonsense'", invalid('enum', '', 'it is none of the labels')],
  ["enum('','x')", "'nonsense'", ''],
  [manyLabels, "'e299'", 'e299'],
  ["enum('ä','€') CHARACTER SET latin1", "'€'", '€'],
  ["set('a','b','ü')", "'ü,a'", 'a,ü'],
  ["set('a','b','ü')", "''", ''],
  [setOf64, "'m63,m0,m32'", 'm0,m32,m63'],
  ['geometry', "ST_GeomFromText('POINT(1 2)')", other('geometry', `SRID=0;${point}`)],
  ['point', "ST_GeomFromText('POINT(1 2)', 3857)", other('geometry', `SRID=3857;${point}`)],
  ['geometrycollection', 'ST_GeomFromWKB(0x010700000000000000)', other('geometry', 'SRID=0;010700000000000000')],
  ['linestring', 'NULL', null],
  ['int', 'NULL', null],
  ['varchar(10)', 'NULL', null],
  ['bit(1)', 'NULL', null],
]

/** All events from the start of a log file to its end, over the wire. `rows` are decoded while their packet is there. */
export async function readLog(
  link: Link,
  file: string,
  onEvent: (event: BinlogEvent) => void | Promise<void>,
): Promise<void> {
  await link.query(
    'SET @master_binlog_checksum = @@global.binlog_checksum, @source_binlog_checksum = @@global.binlog_checksum',
  )
  if (link.server.flavour === 'mariadb') await link.query('SET @mariadb_slave_capability = 4')
  const command = Buffer.alloc(11 + Buffer.byteLength(file))
  command[0] = 0x12
  command.writeUInt32LE(4, 1)
  command.writeUInt16LE(1, 5) // do not wait for more
  command.writeUInt32LE(4_000_000 + (process.pid % 100_000), 7)
  command.write(file, 11)
  const decoder = openDecoder(onEvent)
  let pending: Promise<void> = Promise.resolve()
  await link.exchange(command, (packet) => {
    if (packet[0] === 0xfe) return true
    const event = Buffer.from(packet.subarray(1))
    pending = pending.then(() => decoder.push(event))
    return false
  })
  await pending
}

/** The server's version as one number: 80023 is 8.0.23. */
export async function versionOf(server: { url: string }): Promise<number> {
  await using db = await scratch(server)
  const [major, minor, patch] = db.link.server.version
  return major * 10_000 + minor * 100 + patch
}

/** The tables of the cases: one a type, a row a case. */
interface Group {
  readonly table: string
  readonly type: string
  readonly cases: readonly Case[]
}

function groupsOf(all: readonly Case[]): Group[] {
  const types = [...new Set(all.map(([type]) => type))]
  return types.map((type, i) => ({ table: `t${i}`, type, cases: all.filter((each) => each[0] === type) }))
}

/** One table of a comparison, with what each way says of its rows. */
export interface Seen {
  readonly type: string
  readonly sql: readonly string[]
  readonly expected: readonly Value[]
  readonly selected: readonly Value[]
  readonly inserted: readonly Value[]
  readonly updated: readonly Value[]
  readonly deleted: readonly Value[]
}

/** What is set before the tables are made. */
export interface Setting {
  /** Statements as root, before and after the tables are made. */
  readonly before?: readonly string[]
  readonly after?: readonly string[]
}

/** Writes the cases, reads them back both ways, and compares. */
export async function compare(server: { url: string }, all: readonly Case[], setting: Setting): Promise<Seen[]> {
  await using db = await scratch(server)
  const groups = groupsOf(all)
  await db.sql("SET sql_mode = 'NO_BACKSLASH_ESCAPES'", ...(setting.before ?? []))
  for (const { table, type } of groups)
    await db.sql(`CREATE TABLE ${table} (id int PRIMARY KEY, touched int, v ${type}) ENGINE=InnoDB`)
  await db.sql(...(setting.after ?? []), 'FLUSH BINARY LOGS')
  const file = await logFile(db.link)
  for (const { table, cases } of groups)
    await db.sql(...cases.map(([, sql], i) => `INSERT INTO ${table} (id, touched, v) VALUES (${i}, 0, ${sql})`))
  const catalog = await readCatalog(
    db.link,
    groups.map(({ table }) => tableName(table, db.name)),
  )
  const tableOf = (table: string) => catalog.get(`${db.name}.${table}`) as CatalogTable
  const selected = new Map<string, Value[]>()
  for (const { table } of groups) selected.set(table, await selectAll(db, tableOf(table)))
  for (const { table } of groups) await db.sql(`UPDATE ${table} SET touched = 1`, `DELETE FROM ${table}`)
  const logged = await loggedRows(db, file, tableOf)
  return groups.map(({ table, type, cases }) => {
    const take = (op: string): Value[] => logged.get(`${table} ${op}`) ?? []
    return {
      type,
      sql: cases.map(([, sql]) => sql),
      expected: cases.map(([, , value]) => value),
      selected: selected.get(table) ?? [],
      inserted: take('insert'),
      updated: take('update'),
      deleted: take('delete'),
    }
  })
}

async function logFile(link: Link): Promise<string> {
  const rows = await link.texts('SHOW BINARY LOGS')
  return rows.at(-1)?.[0] as string
}

async function selectAll({ link }: Scratch, table: CatalogTable): Promise<Value[]> {
  const column = table.columns[2] as CatalogTable['columns'][number]
  const read = textReader(column)
  const rows = await link.query(
    `SELECT ${selectExpression(column)} FROM ${quotedTable({ schema: table.schema, table: table.name })} ORDER BY id`,
  )
  return rows.map(([cell]) => (cell === null || cell === undefined ? null : read(cell)))
}

async function loggedRows(
  db: Scratch,
  file: string,
  tableOf: (table: string) => CatalogTable,
): Promise<Map<string, Value[]>> {
  const found = new Map<string, Value[]>()
  const link = await db.connect()
  await readLog(link, file, (event) => {
    if (event.kind !== 'rows' || event.table?.schema !== db.name) return
    const shape = shapeOf(event.table, tableOf(event.table.table), null)
    if ('mismatch' in shape) throw new Error(shape.mismatch)
    const key = `${event.table.table} ${event.op}`
    const values = found.get(key) ?? []
    found.set(key, values)
    for (const { before, after } of event.images(shape)) {
      values.push((after ?? (before as Row))['v'] as Value)
      if (event.op === 'update') assert.deepEqual(before?.['v'], after?.['v'])
    }
  })
  return found
}
