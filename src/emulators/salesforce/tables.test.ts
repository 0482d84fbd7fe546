import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../../std/random.ts'
import type { Row, Value } from './schema.ts'
import { buildSchema } from './setup.ts'
import {
  beginChange,
  type Change,
  compactChanges,
  deleteRow,
  indexOf,
  insertRow,
  makeTables,
  rowsChangedSince,
  rowsWith,
  type Table,
  type Tables,
  undoChange,
  updateRow,
} from './tables.ts'

function contacts(): { tables: Tables; table: Table } {
  const schema = buildSchema({
    objects: {
      Contact: {
        fields: {
          Ext__c: { type: 'text', externalId: true },
          Case__c: { type: 'text', externalId: true, caseSensitive: true },
        },
      },
    },
  })
  const tables = makeTables(schema, '5g0')
  return { tables, table: tables.byType.get(schema.objects.get('contact')!)! }
}

/** All that can be seen of a table, written out. */
function picture(table: Table): unknown {
  const field = table.type.fieldsByName.get('Ext__c')!
  return {
    live: table.live,
    rows: [...table.rows.values()].map((row) => ({ ...row, type: null, changeNo: null, values: { ...row.values } })),
    found: ['a', 'b', 'c', 'd'].map((value) =>
      rowsWith(table, field, value)
        .map((row) => row.id)
        .sort(),
    ),
    emails: [...indexOf(table, table.type.fieldsByName.get('Email')!).keys()].sort(),
    changed: rowsChangedSince(table, 0).map((row) => row.id),
  }
}

function step(tables: Tables, table: Table, change: Change, random: () => number, at_ms: number): void {
  const rows = [...table.rows.values()].filter((row) => !row.deleted)
  const row: Row | undefined = rows[Math.floor(random() * rows.length)]
  const pick = (values: Value[]) => values[Math.floor(random() * values.length)]!
  const values = { LastName: 'x', Ext__c: pick(['a', 'B', 'c', 'D', null]), Email: pick(['p@x.de', 'q@x.de', null]) }
  const dice = random()
  if (row === undefined || dice < 0.4) insertRow(tables, table, change, values, '005', at_ms)
  else if (dice < 0.8) updateRow(table, change, row, { ...row.values, ...values }, '005', at_ms)
  else deleteRow(table, change, row, '005', at_ms, null)
}

test('undoing a change leaves no trace, in 300 random histories', () => {
  for (let seed = 1; seed <= 300; seed++) {
    const random = seededRandom(seed).next
    const { tables, table } = contacts()
    const kept = beginChange()
    for (let i = 0; i < 20; i++) step(tables, table, kept, random, i * 1000)
    const before = picture(table)
    const change = beginChange()
    for (let i = 0; i < 15; i++) step(tables, table, change, random, 50_000 + i * 1000)
    undoChange(change)
    assert.deepEqual(picture(table), before, `seed ${seed}`)
    assert.equal(change.touched.size, 0, `seed ${seed}`)
  }
})

test('undoing to a mark keeps what was before it', () => {
  const { tables, table } = contacts()
  const change = beginChange()
  const row = insertRow(tables, table, change, { Ext__c: 'a' }, '005', 0)
  const before = picture(table)
  const mark = change.undo.length
  updateRow(table, change, row, { Ext__c: 'b' }, '005', 1000)
  insertRow(tables, table, change, { Ext__c: 'a' }, '005', 1000)
  undoChange(change, mark)
  assert.deepEqual(picture(table), before)
  assert.deepEqual([...change.touched], [row])
})

test('the change order finds every row since a time, late stamps included, before and after compaction', () => {
  const { tables, table } = contacts()
  const change = beginChange()
  const rows = Array.from({ length: 100 }, (_, i) =>
    insertRow(tables, table, change, { LastName: String(i) }, '005', 10_000),
  )
  for (let round = 0; round < 100; round++)
    for (const row of rows) updateRow(table, change, row, row.values, '005', 20_000)
  updateRow(table, change, rows[3]!, rows[3]!.values, '005', 30_000)
  updateRow(table, change, rows[4]!, rows[4]!.values, '005', 25_000)
  for (const compacted of [false, true]) {
    if (compacted) compactChanges(table)
    assert.equal(table.changedRows.length, compacted ? 100 : 10_102)
    const since = (from_ms: number) => rowsChangedSince(table, from_ms).filter((row) => row.modified_ms >= from_ms)
    assert.equal(since(20_000).length, 100)
    assert.deepEqual(
      since(25_000).map((row) => row.n),
      [4, 5],
    )
    assert.deepEqual(
      since(30_000).map((row) => row.n),
      [4],
    )
  }
})

test('text keys ignore case unless the field keeps it', () => {
  const { tables, table } = contacts()
  const row = insertRow(tables, table, beginChange(), { Ext__c: 'AbC', Case__c: 'AbC' }, '005', 0)
  const find = (field: string, value: string) => rowsWith(table, table.type.fieldsByName.get(field)!, value)
  assert.deepEqual(find('Ext__c', 'aBc'), [row])
  assert.deepEqual(find('Case__c', 'aBc'), [])
  assert.deepEqual(find('Case__c', 'AbC'), [row])
})
