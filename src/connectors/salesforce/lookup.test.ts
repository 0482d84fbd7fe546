import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startSalesforceEmulator } from '../../emulators/salesforce/server.ts'
import type { Value } from '../../model/value.ts'
import { systemClock } from '../../std/clock.ts'
import { systemRandom } from '../../std/random.ts'
import { Secret } from '../../std/secret.ts'
import { openSalesforce } from './target.ts'

const never = new AbortController().signal

test('values that thousands of records share hide no others; dates and ids are asked for as SOQL writes them', async () => {
  const emulator = await startSalesforceEmulator({
    setup: {
      clients: [{ clientId: 'app', clientSecret: 'secret' }],
      objects: { Contact: { fields: { Ext__c: { type: 'text', length: 40, externalId: true, unique: true } } } },
    },
  })
  const auth = { flow: 'client-credentials', clientId: 'app', clientSecret: new Secret('S', () => 'secret') } as const
  const target = openSalesforce({ url: emulator.url, auth }, { clock: systemClock, random: systemRandom })
  const lookup = (name: string, ...values: Value[]) => target.lookup?.('Contact', name, values, never)
  try {
    const sets = [
      ...Array(2_100).fill({ LastName: 'Many' }),
      { LastName: 'Few', Birthdate: { kind: 'date', text: '1990-02-28' } },
    ]
    const outcomes = await target.submit(
      {
        id: 'a'.repeat(24),
        number: 1,
        route: 'queue',
        deliveries: sets.map((set, link) => ({
          link,
          op: 'upsert',
          object: 'Contact',
          ref: { field: 'Ext__c', value: String(link) },
          set,
          covers: [],
        })),
      },
      async () => {},
      never,
    )
    const last = outcomes.at(-1)
    assert.ok(last?.kind === 'confirmed', JSON.stringify(last))
    await lookup('LastName')
    const before = emulator.stats().requests
    assert.deepEqual(await lookup('LastName', 'Few', 'Many', 'many', 'None'), ['Many', 'Few'])
    assert.equal(emulator.stats().requests - before, 3, 'twice more for what full pages hid')
    assert.deepEqual(await lookup('LastName', 'MANY', 'none'), [])
    assert.deepEqual(await lookup('Birthdate', { kind: 'date', text: '1990-02-28' }, 'no date'), [
      { kind: 'date', text: '1990-02-28' },
    ])
    assert.deepEqual(await lookup('Id', last.id.slice(0, 15), 'none'), [last.id.slice(0, 15)])
    const many = Array.from({ length: 1_000 }, (_, n) => `name ${n}`)
    assert.deepEqual(await lookup('LastName', ...many), [])
    await assert.rejects(async () => lookup('LastNam'), /SYNC-3052.*LastName/)
  } finally {
    await target.close()
    await emulator.close()
  }
})
