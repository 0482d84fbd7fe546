import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { systemsYaml } from '../config/systems.fake.ts'
import { compile } from './build.ts'
import { load } from './load.ts'

const head = `${systemsYaml('http://127.0.0.1:1')}syncs:
  members:
    source: { system: legacy, table: members }
    target: { system: crm, object: Contact, key: { Legacy_Id__c: id } }
    fields: { Email: email, LastName: name }
`
const rules = (
  validate: string,
  more = '',
) => `${head}${more}    validate: { rules: [{ function: ./rule.ts }], ${validate} }
`

test('the hash of the rules covers everything that judges, and nothing else', () => {
  const folder = mkdtempSync(join(tmpdir(), 'syncline-rules-'))
  try {
    const hashOf = (yaml: string, rule = 'export default () => null\n') => {
      writeFileSync(join(folder, 'rule.ts'), rule)
      writeFileSync(join(folder, 'syncline.yaml'), yaml)
      const variables = { LEGACY_URL: 'postgres://me:x@127.0.0.1:1/db', SF_SECRET: 'x' }
      return compile(load(join(folder, 'syncline.yaml'), variables).config)[0]?.rules ?? ''
    }
    const base = 'quality: { completeness: [Email, LastName], threshold: 0.5 }'
    const before = hashOf(rules(base))
    assert.match(before, /^[0-9a-f]{32}$/)
    assert.equal(hashOf(rules('quality: { threshold: 0.5, completeness: [Email, LastName] }')), before)
    assert.equal(hashOf(rules(base, '    batch: { rows: 7 }\n')), before)
    const merging = `${base}, duplicates: { merge: { fields: { Email: { function: ./merge.ts } } } }`
    const mergedBy = (text: string) => {
      writeFileSync(join(folder, 'merge.ts'), text)
      return hashOf(rules(merging))
    }
    const joined = (take: string) =>
      rules(base).replace(
        'table: members }',
        `table: members, join: { dues: { table: dues, on: { member_id: id }, take: { ${take}: paid } } } }`,
      )
    const others = [
      mergedBy('export default () => 0\n'),
      mergedBy('export default () => null\n'),
      hashOf(rules(base), 'export default () => []\n'),
      hashOf(rules('quality: { completeness: [Email, LastName], threshold: 0.6 }')),
      hashOf(rules(`${base}, reference: { Email: { in: [a, b] } }`)),
      hashOf(rules(`${base}, schema: { type: object, maxProperties: 9 }`)),
      hashOf(rules(`${base}, duplicates: {}`)),
      hashOf(rules(`${base}, duplicates: { thresholds: { merge: 0.9 } }`)),
      hashOf(rules(`${base}, duplicates: { clusterMax: 3 }`)),
      hashOf(rules(`${base}, duplicates: { fields: { LastName: ignore } }`)),
      hashOf(rules(`${base}, duplicates: { merge: { default: longest } }`)),
      hashOf(rules(base).replace('table: members', 'table: members, where: "row.id > 1"')),
      hashOf(joined('latest')),
      hashOf(joined('earliest')),
      hashOf(rules(base).replace('Email: email', 'Email: mail')),
      hashOf(rules(base, '    deletes: { policy: hard }\n')),
    ]
    assert.equal(new Set([before, ...others]).size, others.length + 1)
  } finally {
    rmSync(folder, { recursive: true })
  }
})
