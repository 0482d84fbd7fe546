import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SyncError } from '../model/failure.ts'
import { connectors, failuresOf, with_ } from './load.fake.ts'
import { loadConfig } from './load.ts'

test('reference data is refused from systems that cannot be asked for it', () => {
  const asking = (more = '') =>
    with_(
      'schema: { type: object, required: [FirstName] }',
      `reference: { FirstName: { in: { system: crm, table: Chapter__c, column: Code__c }${more} } }`,
    )
  assert.deepEqual(failuresOf(asking()), [])
  const [folded] = failuresOf(asking(', caseInsensitive: true'))
  assert.match(folded?.message ?? '', /reference\.FirstName\.in\.system: .* asked value by value: `caseInsensitive`/)
  const mute = { ...connectors, salesforce: { ...connectors.salesforce, lookup: false } }
  const around = {
    variables: { LEGACY_URL: 'postgres://h/db', SF_SECRET: 'x' },
    readFile: () => new TextEncoder().encode(asking()),
    mode: () => 0o600,
  }
  assert.throws(
    () => loadConfig('c.yaml', { around, connectors: mute }),
    (error: unknown) =>
      error instanceof SyncError &&
      error.failure.code === 'SYNC-1020' &&
      /salesforce cannot be asked for reference data/.test(error.failure.message),
  )
})
