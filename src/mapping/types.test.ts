import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MappingOptions } from './options.ts'
import { fieldTypes, typeNamed } from './types.ts'

test('the type of a field is known as far as its rule and its column say it', () => {
  const columns: { readonly [name: string]: 'string' | 'number' | 'time' | 'bool' } = {
    name: 'string',
    dues: 'number',
    joined: 'time',
    'chapter.code': 'string',
  }
  const fields: MappingOptions['fields'] = {
    Name: 'name',
    Code: 'chapter.code',
    Other: 'nothing_known',
    Lower: { from: 'nothing_known', transform: ['trim', 'lower', 'emptyToNull'] },
    Dues: { from: 'name', transform: ['trim', { number: { decimal: ',' } }] },
    Joined: { from: 'name', transform: [{ date: { from: 'dd.MM.yyyy' } }] },
    Fixed: { value: true },
    Sum: { expr: 'row.dues + 1' },
    Text: { expr: 'string(row.nothing_known)' },
    Broken: { expr: 'row.' },
    Status: { from: 'name', map: { A: 'Active', L: null } },
    Rank: { from: 'name', map: { A: 1, B: 'two' } },
    Kept: { from: 'dues', map: { '1': 'one' }, unmapped: 'keep' },
    Filled: { from: 'dues', default: 'none' },
    Zero: { from: 'dues', default: 0 },
  }
  const options: MappingOptions = { object: 'Contact', key: { Id: 'dues' }, fields, joins: ['chapter'] }
  assert.deepEqual(Object.fromEntries(fieldTypes(options, (column) => columns[column] ?? 'dyn')), {
    ...{ Id: 'number', Name: 'string', Code: 'string', Other: 'dyn', Lower: 'string', Dues: 'number', Joined: 'time' },
    ...{ Fixed: 'bool', Sum: 'number', Text: 'string', Broken: 'dyn', Status: 'string', Rank: 'dyn', Kept: 'dyn' },
    ...{ Filled: 'dyn', Zero: 'number' },
  })
})

test('types of columns by the names of the servers; what is not certain is not known', () => {
  const cases: [string, string][] = [
    ['character varying(80)', 'string'],
    ['varchar(80)', 'string'],
    ['TEXT', 'string'],
    ['numeric(10,2)', 'number'],
    ['bigint(20) unsigned', 'number'],
    ['int unsigned zerofill', 'number'],
    ['timestamp(3) with time zone', 'time'],
    ['datetime(6)', 'time'],
    ['boolean', 'bool'],
    ['tinyint(1)', 'dyn'],
    ['integer[]', 'dyn'],
    ['jsonb', 'dyn'],
    ['interval', 'dyn'],
    ["enum('a','b')", 'dyn'],
    ['my_domain', 'dyn'],
  ]
  for (const [name, type] of cases) assert.equal(typeNamed(name), type, name)
})
