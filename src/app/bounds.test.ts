import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { systemsYaml } from '../config/systems.fake.ts'
import { boundsOf } from './bounds.ts'
import { load } from './load.ts'

const yaml = `${systemsYaml('http://127.0.0.1:1')}syncs:
  members:
    source: { system: legacy, table: members }
    target: { system: crm, object: Contact, key: { Id__c: id } }
    fields:
      plain: a
      cut: { from: a, transform: [{ truncate: 5 }], default: longer }
      cutFirst: { from: a, transform: [{ truncate: 5 }, { replace: { from: x, to: yyy } }] }
      short: { from: a, maxLength: 7 }
      both: { from: a, maxLength: 9 }
      constant: { value: always }
      mapped: { from: a, map: { A: Active, L: null }, default: None }
      kept: { from: a, map: { A: Active }, unmapped: keep }
      narrowed: { from: a, map: { A: Active, L: Lapsed } }
      listed: a
      one: a
    validate:
      schema:
        properties:
          Id__c: { maxLength: 20 }
          both: { maxLength: 4 }
          narrowed: { enum: [Active, Other, null] }
          listed: { enum: [Gold, Silver, null], maxLength: 30 }
          one: { const: x }
`

test('bounds are what mapping and schema let through, and no more is claimed', () => {
  const folder = mkdtempSync(join(tmpdir(), 'syncline-bounds-'))
  try {
    writeFileSync(join(folder, 'syncline.yaml'), yaml)
    const variables = { LEGACY_URL: 'postgres://me:x@127.0.0.1:1/db', SF_SECRET: 'x' }
    const { members } = load(join(folder, 'syncline.yaml'), variables).config.syncs
    assert.deepEqual(
      { ...boundsOf(members ?? assert.fail()) },
      {
        Id__c: { length: 20 },
        plain: {},
        cut: { length: 6 },
        cutFirst: {},
        short: { length: 7 },
        both: { length: 4 },
        constant: { values: ['always'], length: 6 },
        mapped: { values: ['Active', 'None'], length: 6 },
        kept: {},
        narrowed: { values: ['Active'], length: 6 },
        listed: { values: ['Gold', 'Silver'], length: 6 },
        one: { values: ['x'], length: 1 },
      },
    )
  } finally {
    rmSync(folder, { recursive: true })
  }
})
