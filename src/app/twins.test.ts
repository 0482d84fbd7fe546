import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SyncConfig } from '../config/config.ts'
import type { MergeOptions } from '../validation/duplicates/merge-options.ts'
import type { DuplicatesOptions } from '../validation/duplicates/options.ts'
import { checkDuplicates } from './twins.ts'

/** What is said of the duplicates of a sync with these options: `code place: message`. */
const said = (duplicates: DuplicatesOptions & { readonly merge?: MergeOptions }): string[] => {
  const fields = { LastName: 'last_name', Email: 'email', Source__c: 'source' }
  const mapping = { object: 'Contact', key: { Ext__c: 'id' }, fields }
  const sync = { mapping, validate: { duplicates } } as unknown as SyncConfig
  return checkDuplicates(sync, '/nowhere').map(({ code, path, message }) => `${code} ${path.join('.')}: ${message}`)
}

test('right options: nothing is said', () => {
  const merge: MergeOptions = { default: 'longest', fields: { Email: { priority: ['web'], by: 'Source__c' } } }
  assert.deepEqual(said({ keys: [['Email'], ['LastName', 'Source__c']], merge }), [])
})

test('what cannot work, or would have no effect, is said with its place', () => {
  const neither = 'either `newest`, or `priority` and `by`, or `function` is needed'
  const cases: readonly (readonly [Parameters<typeof said>[0], string])[] = [
    [
      { keys: [['Ext__c']] },
      'SYNC-1029 duplicates: Ext__c is the external id, which no two records share: it is not compared',
    ],
    [
      { fields: { Ext__c: 'identifier' } },
      'SYNC-1029 duplicates: Ext__c is the external id, which no two records share: it is not compared',
    ],
    [
      { merge: { fields: { Ext__c: 'longest' } } },
      "SYNC-1029 duplicates.merge.fields.Ext__c: Ext__c is the external id: that of a merged record is always its leader's",
    ],
    [
      { merge: { fields: { Emial: 'longest' } } },
      'SYNC-1012 duplicates.merge.fields.Emial: Emial is no target field of this sync',
    ],
    [
      { merge: { fields: { Email: { newest: 'changed' } } } },
      'SYNC-1012 duplicates.merge.fields.Email: changed is no target field of this sync',
    ],
    [{ merge: { default: { priority: ['web'] } } }, `SYNC-1029 duplicates.merge.default: ${neither}`],
    [{ merge: { fields: { Email: {} } } }, `SYNC-1029 duplicates.merge.fields.Email: ${neither}`],
    [
      { merge: { fields: { Email: { newest: 'Source__c', timeout: '1s' } } } },
      'SYNC-1029 duplicates.merge.fields.Email: `timeout` has a meaning only beside `function`',
    ],
    [
      { thresholds: { merge: 0.5, review: 0.9 } },
      'SYNC-1029 duplicates: The threshold `review` is above the threshold `merge`.',
    ],
    [{ weights: './none.json' }, 'SYNC-1028 duplicates: The file of weights /nowhere/none.json is not there.'],
  ]
  for (const [options, problem] of cases) assert.deepEqual(said(options), [problem])
})
