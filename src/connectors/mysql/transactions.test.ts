import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Change, SourceEvent } from '../../model/change.ts'
import { DecodeError } from './binlog/event.ts'
import { mapOf, mariadb, mysql, reader } from './log.fake.ts'

const members = mapOf('shop.members')
const log = mapOf('shop.log')
const other = mapOf('shop.other')
const a = { id: 1, name: 'a', team: null }
const b = { id: 2, name: 'b', team: 'x' }
const changes = (events: readonly SourceEvent[]): Change[] =>
  events.flatMap((event) => (event.kind === 'rows' ? event.changes : []))

test('MariaDB: a transaction begins with its GTID and ends with XID or COMMIT; the position passes it there', () => {
  const { write, told, position, events } = reader()
  write.gtid(mariadb(2))
  write.rows('insert', members, { after: a }, { after: b })
  assert.deepEqual(told(), [], 'nothing before the end: it is small')
  write.commit()
  assert.deepEqual(told(), ['0-1-2@rs: create ["1"], create ["2"]', 'commit 0-1-2@rs'])
  const { gtids, file, offset, last } = position()
  assert.deepEqual([gtids, file, offset], ['0-1-2', 'binlog.000001', 304n])
  assert.deepEqual(last, { id: '0-1-2', stamp: 1_000, at: { file: 'binlog.000001', offset: 4n } })
  assert.deepEqual(
    changes(events).map(({ id }) => id),
    ['0-1-2@rs/0.0', '0-1-2@rs/0.1'],
  )
  write.gtid(mariadb(3))
  write.rows('insert', other, { after: a })
  write.rows('delete', log, { before: a })
  write.query('COMMIT')
  assert.equal(
    changes(events).at(-1)?.id,
    '0-1-3@rs/1.0',
    'rows of others count: ids do not depend on what is captured',
  )
})

test('MySQL: BEGIN comes after the GTID; a statement alone is a transaction', () => {
  const { write, told, position } = reader({ start: { flavour: 'mysql', gtids: '' } })
  write.gtid(mysql(1))
  write.query('BEGIN')
  write.rows('insert', members, { after: a })
  write.commit()
  write.gtid(mysql(2))
  write.query('CREATE TABLE x (id int)')
  assert.deepEqual(told().slice(1), [`commit ${'3e11fa47-71ca-11e1-9e33-c80aa9429562'}:1@rs`, 'progress'])
  assert.equal(position().gtids, '3e11fa47-71ca-11e1-9e33-c80aa9429562:1-2')
})

test('without GTIDs the place of its begin names a transaction', () => {
  const { write, told, position } = reader({ start: { flavour: 'mysql', gtids: null } })
  write.anonymous()
  write.query('BEGIN')
  write.rows('insert', members, { after: a })
  write.commit()
  write.query('BEGIN') // before 5.6 nothing stands before it
  write.rows('delete', members, { before: a })
  write.query('COMMIT')
  assert.deepEqual(told(), [
    'binlog.000001:4@rs: create ["1"]',
    'commit binlog.000001:4@rs',
    'binlog.000001:404@rs: delete ["1"]',
    'commit binlog.000001:404@rs',
  ])
  assert.deepEqual([position().gtids, position().offset], [null, 704n])
})

test('a later transaction of the same number has another name: the numbers begin anew after RESET MASTER', () => {
  const [first, second] = [reader(), reader()]
  for (const [i, { write }] of [first, second].entries()) {
    write.gtid(mariadb(2))
    write.push({
      kind: 'rows',
      header: write.header({ at_s: 1_000 + i }),
      op: 'insert',
      table: members,
      bytes: 1,
      last: true,
      images: () => [{ before: null, after: { ...a } }],
    })
    write.commit()
  }
  assert.notEqual(changes(first.events)[0]?.id, changes(second.events)[0]?.id)
})

test('rows carry what the images have: absent stays absent, a changed key is one update', () => {
  const { write, events, heard } = reader()
  write.gtid(mariadb(2))
  write.rows('update', members, { before: { id: 1 }, after: { name: 'c' } })
  write.rows('update', members, { before: { id: 1 }, after: { id: 5 } })
  write.rows('update', members, { before: a, after: { ...a, name: 'n' } })
  write.rows('delete', members, { before: { id: 5 } })
  write.rows('insert', members, { after: { id: 7 } })
  write.commit()
  const [partial, moved, whole, gone, touched] = changes(events)
  assert.deepEqual({ ...partial?.row }, { id: 1, name: 'c' })
  assert.deepEqual([moved?.op, moved?.oldKey, moved?.key, { ...moved?.row }], ['update', '["1"]', '["5"]', { id: 5 }])
  assert.deepEqual({ ...whole?.before }, a)
  assert.deepEqual([gone?.op, { ...gone?.row }], ['delete', { id: 5 }])
  assert.equal(touched?.op, 'touch', 'defaults that nobody sent are read, not guessed')
  assert.deepEqual(heard.slice(0, 3), ['row update ["1"] false', 'row update ["5"] false', 'row update ["1"] true'])
})

test('a large transaction comes in pieces and is visible at its end; one that never ends is forgotten', () => {
  const { write, told, position } = reader({ pieceRows: 2 })
  write.gtid(mariadb(2))
  for (const id of [1, 2, 3]) write.rows('insert', members, { after: { ...a, id } })
  const piece = '0-1-2@rs: create ["1"], create ["2"]'
  assert.deepEqual(told(), [piece])
  assert.equal(position().gtids, '0-1-1', 'the position does not move inside')
  write.push({ kind: 'format', header: write.header({ artificial: false }), server: '', checksum: true })
  assert.deepEqual(told(), [piece, 'discard 0-1-2@rs'], 'the server died in the middle of it')
  write.gtid(mariadb(2))
  write.rows('insert', members, { after: b })
  write.commit()
  assert.deepEqual(told().slice(2), ['0-1-2@rs: create ["2"]', 'commit 0-1-2@rs'])
})

test('bytes bound a piece as well', () => {
  const { write, told } = reader({ pieceBytes: 100 })
  write.gtid(mariadb(2))
  write.rows('insert', members, { after: { ...a, name: 'x'.repeat(200) } })
  assert.equal(told().length, 1)
})

test('ROLLBACK takes back what can be taken back; what was passed on is forgotten', () => {
  const { write, told, position } = reader()
  write.gtid(mariadb(2))
  write.rows('insert', members, { after: a })
  write.rows('insert', log, { after: b })
  write.query('ROLLBACK')
  assert.deepEqual(told(), ['0-1-2@rs: create ["2"]', 'commit 0-1-2@rs'])
  assert.equal(position().gtids, '0-1-2')
  const large = reader({ pieceRows: 2 })
  large.write.gtid(mariadb(2))
  for (const table of [members, log, members, log]) large.write.rows('insert', table, { after: a })
  large.write.rows('insert', log, { after: b })
  large.write.query('ROLLBACK')
  assert.deepEqual(large.told().slice(2), [
    'discard 0-1-2@rs',
    '0-1-2@rs~: create ["2"]',
    'shop.log gap SYNC-6005',
    'commit 0-1-2@rs~',
  ])
  assert.ok(large.heard.includes('unseen'))
})

test('SAVEPOINT and ROLLBACK TO', () => {
  const { write, told } = reader()
  write.gtid(mariadb(2))
  write.rows('insert', members, { after: a })
  write.query('SAVEPOINT `s`')
  write.rows('insert', members, { after: b })
  write.query('ROLLBACK TO `s`')
  write.rows('insert', members, { after: { ...b, id: 3 } })
  write.commit()
  assert.equal(told()[0], '0-1-2@rs: create ["1"], create ["3"]')
})

test('XA: prepared rows are held until COMMIT or ROLLBACK, also across a restart', () => {
  const { write, told, position, heard } = reader()
  write.gtid(mariadb(2), { xa: 'prepared' })
  write.rows('insert', members, { after: a })
  write.query("XA END X'61',X'62',3")
  write.prepare("X'61',X'62',3")
  write.gtid(mariadb(3), { xa: 'prepared' })
  write.rows('insert', other, { after: a })
  write.prepare("X'6f',X'',1")
  assert.deepEqual(told(), ['0-1-2@rs: create ["1"]', 'hold 0-1-2@rs', 'progress'])
  assert.deepEqual(position().held, { '61,62,3': '0-1-2@rs', '6f,,1': '' })
  assert.ok(heard.includes('unseen'), 'a chunk that is being read must not lose the row')
  const again = reader({ start: position() })
  again.write.gtid(mariadb(4), { xa: 'completed', standalone: true })
  again.write.query("XA COMMIT X'61',X'62',3")
  again.write.gtid(mariadb(5), { xa: 'completed', standalone: true })
  again.write.query("XA COMMIT X'6f',X'',1")
  assert.deepEqual(again.told(), ['release 0-1-2@rs', 'progress'])
  assert.deepEqual(again.position().held, {})
  const third = reader({ start: position() })
  third.write.gtid(mariadb(4), { xa: 'completed', standalone: true })
  third.write.query("XA ROLLBACK X'61',X'62',3")
  assert.deepEqual(third.told(), ['discard 0-1-2@rs'])
})

test('XA: one phase is a commit; a COMMIT whose PREPARE nobody saw is a gap, its ROLLBACK is nothing', () => {
  const { write, told } = reader({ start: { flavour: 'mysql', gtids: '' } })
  write.gtid(mysql(1))
  write.query("XA START X'61',X'',1")
  write.rows('insert', members, { after: a })
  write.query("XA END X'61',X'',1")
  write.prepare("X'61',X'',1", true)
  write.gtid(mysql(2))
  write.query("XA ROLLBACK X'99',X'',1")
  write.gtid(mysql(3))
  write.query("XA COMMIT X'98',X'',1")
  assert.deepEqual(
    told()
      .slice(1)
      .map((each) => each.replace(/3e.*:/, '')),
    ['commit 1@rs', 'progress', 'shop.members gap SYNC-6005', 'shop.log gap SYNC-6005', 'progress'],
  )
})

test('statements: DDL of others disturbs nothing, TRUNCATE and statement DML are told at their place', () => {
  const { write, told, heard } = reader()
  for (const [number, sql] of [
    [2, 'ALTER TABLE other ADD x int'],
    [3, 'TRUNCATE members'],
    [4, 'DROP TABLE other'],
  ] as const) {
    write.gtid(mariadb(number), { standalone: true })
    write.query(sql)
  }
  write.gtid(mariadb(5))
  write.rows('insert', members, { after: a })
  write.query('UPDATE members SET name = 1')
  write.query('UPDATE members SET name = 2')
  write.commit()
  assert.deepEqual(told(), [
    'progress',
    'shop.members truncated SYNC-6003',
    'progress',
    'progress',
    '0-1-5@rs: create ["1"]',
    'shop.members gap SYNC-6005',
    'shop.log gap SYNC-6005',
    'commit 0-1-5@rs',
  ])
  assert.ok(heard.includes('truncated shop.members'))
})

test('a row that cannot be decoded stops its table alone, until it is read from the catalog again', () => {
  const { write, told, transactions } = reader()
  write.gtid(mariadb(2))
  write.push({
    kind: 'rows',
    header: write.header(),
    op: 'insert',
    table: members,
    bytes: 1,
    last: true,
    images() {
      throw new DecodeError('no such type', 'shop.members')
    },
  })
  write.rows('insert', members, { after: a })
  write.rows('insert', log, { after: b })
  write.commit()
  assert.deepEqual(told(), ['shop.members gap SYNC-6005', '0-1-2@rs: create ["2"]', 'commit 0-1-2@rs'])
  transactions.relearn('shop.members')
  write.gtid(mariadb(3))
  write.rows('insert', members, { after: a })
  write.commit()
  assert.equal(told().at(-1), 'commit 0-1-3@rs')
})

test('columns that go, or become another type, are told; added and moved ones are not', () => {
  const run = (columns: string[], key?: number[]) => {
    const { write, told } = reader()
    write.gtid(mariadb(2))
    write.rows('insert', mapOf('shop.members', columns, key), {
      after: Object.fromEntries(columns.map((each) => [each, 1])),
    })
    write.commit()
    return told()[0]
  }
  assert.match(run(['team', 'fresh', 'id', 'name'], [2]) ?? '', /create/)
  assert.equal(run(['id', 'name']), 'shop.members changed SYNC-6004')
  assert.equal(run(['id', 'name', 'team'], [1]), 'shop.members changed SYNC-6004', 'another key')
})

test('what is not understood is never passed', () => {
  const { write, told } = reader()
  write.push({ kind: 'partial', header: write.header(), table: members, name: 'PARTIAL_UPDATE_ROWS' })
  write.push({ kind: 'partial', header: write.header(), table: other, name: 'PARTIAL_UPDATE_ROWS' })
  write.push({ kind: 'unknown', header: write.header({ type: 99 }), ignorable: true })
  assert.deepEqual(told(), ['shop.members gap SYNC-6005'])
  assert.throws(
    () => write.push({ kind: 'unknown', header: write.header({ type: 99 }), ignorable: false }),
    /SYNC-2013/,
  )
  assert.throws(() => write.push({ kind: 'partial', header: write.header(), table: null, name: 'X' }), /SYNC-2013/)
  write.gtid(mariadb(2))
  assert.throws(
    () =>
      write.push({
        kind: 'rows',
        header: write.header(),
        op: 'insert',
        table: null,
        bytes: 1,
        last: true,
        images: () => [],
      }),
    /SYNC-2013/,
  )
  write.push({ kind: 'incident', header: write.header(), message: 'LOST_EVENTS' })
  assert.deepEqual(told().slice(1), ['shop.members gap SYNC-6005', 'shop.log gap SYNC-6005'])
})

test('rotate and heartbeats move the position between transactions, never inside one', () => {
  const { write, told, position, heard } = reader()
  write.push({ kind: 'rotate', header: write.header(), file: 'binlog.000002', offset: 4n })
  write.push({ kind: 'heartbeat', header: write.header(), file: 'binlog.000002', offset: 500n })
  assert.deepEqual([position().file, position().offset], ['binlog.000002', 500n])
  write.push({ kind: 'heartbeat', header: write.header(), file: 'binlog.000002', offset: 300n })
  assert.deepEqual([told(), position().offset], [['progress', 'progress'], 500n])
  assert.deepEqual(heard, ['reached binlog.000002:4', 'reached binlog.000002:500'])
  write.gtid(mariadb(2))
  write.push({ kind: 'heartbeat', header: write.header(), file: 'binlog.000002', offset: 9_000n })
  assert.equal(position().offset, 500n)
})

test('MariaDB 11.4 says no offsets inside a transaction: they are added up', () => {
  const { write, position } = reader()
  write.gtid(mariadb(2))
  write.push({ kind: 'nothing', header: write.header({ next: 0, bytes: 30 }) })
  write.push({ kind: 'commit', header: write.header({ next: 0, bytes: 31 }) })
  assert.equal(position().offset, 104n + 61n)
})

test('MariaDB describes a file that it sends from its middle on by an event that is not there: no offset counts it', () => {
  const { write, transactions, position } = reader()
  const facts = { server: '11.8.0-MariaDB', checksum: true }
  write.push({
    kind: 'rotate',
    header: write.header({ next: 0, artificial: true }),
    file: 'binlog.000002',
    offset: 299n,
  })
  write.push({ kind: 'format', header: write.header({ next: 0, bytes: 252 }), ...facts })
  write.push({ kind: 'executed', header: write.header({ next: 299, artificial: true }), gtids: '0-1-4' })
  write.push({ kind: 'nothing', header: write.header({ next: 339, bytes: 40 }) })
  assert.deepEqual(transactions.place(), { file: 'binlog.000002', offset: 339n })
  write.push({
    kind: 'gtid',
    header: write.header({ next: 381, bytes: 42 }),
    gtid: mariadb(5),
    standalone: true,
    ddl: true,
    xa: 'none',
  })
  const statement = {
    kind: 'query',
    sql: 'OPTIMIZE TABLE x',
    schema: 'shop',
    error: 0,
    strict: true,
    databases: null,
  } as const
  write.push({ ...statement, header: write.header({ next: 514, bytes: 93 }) })
  assert.deepEqual([position().offset, position().last?.at.offset], [514n, 339n])
})

test('the last transaction comes again as the proof of one history, and is passed over', () => {
  const last = { id: '0-1-1', stamp: 1_000, at: { file: 'binlog.000001', offset: 4n } }
  const { write, told } = reader({ proof: last, start: { last } })
  write.gtid(mariadb(7, 5))
  write.commit()
  write.gtid(mariadb(1))
  write.rows('insert', members, { after: a })
  write.commit()
  write.gtid(mariadb(2))
  write.rows('insert', members, { after: b })
  write.commit()
  assert.deepEqual(told(), ['progress', 'progress', '0-1-2@rs: create ["2"]', 'commit 0-1-2@rs'])
  const reset = reader({ proof: { ...last, stamp: 900 }, start: { last } })
  reset.write.gtid(mariadb(1))
  reset.write.rows('insert', members, { after: a })
  assert.throws(() => reset.write.commit(), /SYNC-2015.*another one of that number/)
  const skipped = reader({ proof: last, start: { last } })
  assert.throws(() => skipped.write.gtid(mariadb(2)), /SYNC-2015/, 'in one domain nothing may come before it')
  const file = reader({ proof: { ...last, id: 'binlog.000001:4' }, proofIsFirst: true, start: { gtids: null, last } })
  assert.throws(() => file.write.gtid(mariadb(2)), /SYNC-2015/)
})
