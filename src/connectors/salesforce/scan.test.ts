import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startSalesforceEmulator } from '../../emulators/salesforce/server.ts'
import type { Delivery } from '../../model/target.ts'
import { systemClock } from '../../std/clock.ts'
import { systemRandom } from '../../std/random.ts'
import { Secret } from '../../std/secret.ts'
import { openSalesforce, type SalesforceTarget } from './target.ts'

const never = new AbortController().signal
const key = 'Ext__c'
const fields = [key, 'LastName', 'Email']

async function emulated(work: (target: SalesforceTarget) => Promise<void>): Promise<void> {
  const emulator = await startSalesforceEmulator({
    port: 0,
    setup: {
      clients: [{ clientId: 'app', clientSecret: 'secret' }],
      objects: { Contact: { fields: { Ext__c: { type: 'text', length: 40, externalId: true, unique: true } } } },
    },
  })
  const auth = { flow: 'client-credentials', clientId: 'app', clientSecret: new Secret('S', () => 'secret') } as const
  const target = openSalesforce({ url: emulator.url, auth }, { clock: systemClock, random: systemRandom })
  try {
    await target.check({ object: 'Contact', key, fields, deletes: true }, never)
    await work(target)
  } finally {
    await target.close()
    await emulator.close()
  }
}

let requests = 0
async function write(target: SalesforceTarget, deliveries: readonly Partial<Delivery>[]): Promise<string[]> {
  requests += 1
  const full = deliveries.map(
    (delivery, link): Delivery => ({
      link,
      op: 'upsert',
      object: 'Contact',
      ref: { field: key, value: String(link) },
      set: {},
      covers: [],
      ...delivery,
    }),
  )
  const id = String(requests).padStart(24, '0')
  const outcomes = await target.submit(
    { id, number: requests, route: 'realtime', deliveries: full },
    async () => {},
    never,
  )
  return outcomes.map((outcome) => (outcome.kind === 'confirmed' ? outcome.id : assert.fail(JSON.stringify(outcome))))
}

const scanOf = (target: SalesforceTarget, after: string | null, rows: number) =>
  (target.scan as NonNullable<SalesforceTarget['scan']>)('Contact', fields, after, rows, never)

test('all records come once, however many share a time stamp; then what changed, and what was deleted', async () => {
  await emulated(async (target) => {
    const ids = await write(
      target,
      Array.from({ length: 7 }, (_, n) => ({
        set: { Ext__c: String(n), LastName: `N${n}`, Email: `n${n}@example.org` },
      })),
    )
    const seen: string[] = []
    let after: string | null = null
    for (let pages = 0; ; pages++) {
      assert.ok(pages < 10, 'it comes to an end')
      const page = await scanOf(target, after, 3)
      seen.push(...page.rows.map(({ id }) => id))
      after = page.after
      if (page.isAll) break
    }
    assert.deepEqual([...new Set(seen)].sort(), [...ids].sort())
    assert.equal(seen.length, 7, 'none twice while it is read for the first time')

    await write(target, [{ op: 'update', ref: { id: ids[2] as string }, set: { LastName: 'Changed' } }])
    await write(target, [{ op: 'delete', ref: { id: ids[5] as string } }])
    const next = await scanOf(target, after, 2_000)
    const changed = next.rows.find(({ id }) => id === ids[2])
    assert.equal(changed?.row['LastName'], 'Changed')
    assert.deepEqual(next.gone, [ids[5]])
    assert.ok(next.isAll)
  })
})

test('a scan of an empty object ends at once and goes on from there', async () => {
  await emulated(async (target) => {
    const first = await scanOf(target, null, 100)
    assert.deepEqual([first.rows, first.gone, first.isAll], [[], [], true])
    const [id] = await write(target, [{ set: { Ext__c: '1', LastName: 'A' } }])
    const next = await scanOf(target, first.after, 100)
    assert.deepEqual(
      next.rows.map((row) => [row.id, row.row['Email']]),
      [[id, null]],
    )
  })
})
