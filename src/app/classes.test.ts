import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SyncConfig } from '../config/config.ts'
import { classesOfSync } from './classes.ts'

test('a column is shown as carefully as the most careful field that is made of it', () => {
  const fields = {
    City: { from: 'town', classification: 'public' },
    Tax_Id__c: { from: 'tax', classification: 'sensitive' },
    Tax_Country__c: { expr: 'substring(row.tax, 0, 2)', classification: 'public' },
    Greeting__c: { expr: "row.name + ' of ' + row.town", classification: 'internal' },
    LastName: 'name',
  }
  const mapping = { object: 'Contact', key: { Ext__c: 'id' }, fields }
  const { columns, fields: shown } = classesOfSync({ mapping, source: { joins: [] } } as unknown as SyncConfig)
  assert.deepEqual(Object.fromEntries(columns), {
    id: 'personal',
    town: 'internal',
    tax: 'sensitive',
    name: 'personal',
  })
  assert.deepEqual([shown.get('City'), shown.get('LastName')], ['public', undefined])
})
