import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { startSalesforceEmulator } from './server.ts'
import type { SalesforceSetup } from './setup.ts'
import { startTestClient } from './testclient.ts'

const setup: SalesforceSetup = {
  objects: { Contact: { fields: { Ext__c: { type: 'text', externalId: true, unique: true } } } },
  records: { Contact: [{ LastName: 'Loaded', Ext__c: 'loaded' }] },
}

function temporary(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'salesforce-emulator-'))
  context.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

test('what was answered survives kill -9, ids, stamps, recycle bin and sessions included', async (context) => {
  const folder = temporary(context)
  const program = `
    import { startSalesforceEmulator } from ${JSON.stringify(join(import.meta.dirname, 'server.ts'))}
    const emulator = await startSalesforceEmulator({ folder: ${JSON.stringify(folder)}, setup: ${JSON.stringify(setup)} })
    process.send({ url: emulator.url, organizationId: emulator.organizationId })`
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  context.after(() => child.kill('SIGKILL'))
  const [{ url, organizationId }] = (await once(child, 'message')) as [{ url: string; organizationId: string }]
  const form = new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: 'syncline',
    client_secret: 'syncline-secret',
  })
  const { access_token } = (await (
    await fetch(`${url}/services/oauth2/token`, { method: 'POST', body: form })
  ).json()) as { access_token: string }
  const ask = async (base: string, method: string, path: string, body?: unknown) => {
    const answer = await fetch(`${base}/services/data/v60.0/${path}`, {
      method,
      headers: { Authorization: `Bearer ${access_token}`, 'Content-Type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    return { status: answer.status, json: (answer.status === 204 ? null : await answer.json()) as unknown }
  }
  const upsert = (base: string, names: string[], LastName: string) =>
    ask(base, 'PATCH', 'composite/sobjects/Contact/Ext__c', {
      records: names.map((Ext__c) => ({ attributes: { type: 'Contact' }, Ext__c, LastName })),
    })
  const names = Array.from({ length: 150 }, (_, i) => `n${i}`)
  const first = (await upsert(url, names, 'first')).json as { id: string }[]
  await upsert(url, names.slice(0, 50), 'second')
  await ask(url, 'DELETE', `sobjects/Contact/${first[149]!.id}`)
  child.kill('SIGKILL')
  await once(child, 'exit')

  const again = await startSalesforceEmulator({ folder, setup })
  context.after(() => again.close())
  assert.equal(again.organizationId, organizationId)
  assert.equal(again.stats().records['Contact'], 150)
  const query = `query?q=${encodeURIComponent('SELECT COUNT(Id) n, LastName FROM Contact GROUP BY LastName ORDER BY LastName')}`
  const counted = (await ask(again.url, 'GET', query)).json as { records: { n: number; LastName: string }[] }
  assert.deepEqual(
    counted.records.map((each) => [each.LastName, each.n]),
    [
      ['first', 99],
      ['Loaded', 1],
      ['second', 50],
    ],
  )
  const later = (await upsert(again.url, ['n0', 'brand-new'], 'third')).json as { id: string; created: boolean }[]
  assert.deepEqual([later[0]!.id, later[0]!.created, later[1]!.created], [first[0]!.id, false, true])
  assert.ok(!first.some((each) => each.id === later[1]!.id), 'a new record takes no old id')
  assert.equal((await ask(again.url, 'GET', `sobjects/Contact/${first[149]!.id}`)).status, 404)
})

test('a state folder serves one process, one organisation and any order of objects', async (context) => {
  const folder = temporary(context)
  const objects = { One__c: {}, Two__c: {} }
  const first = await startTestClient({ folder, setup: { objects } })
  const id = (await first.send('POST', 'sobjects/Two__c', { Name: 'kept' })).record()['id']
  await assert.rejects(startSalesforceEmulator({ folder }), /is in use by another process/)
  await assert.rejects(startSalesforceEmulator({ port: first.emulator.port }), /Port \d+ on 127\.0\.0\.1 is in use/)
  await first.emulator.close()
  const second = await startTestClient({ folder, setup: { objects: { New__c: {}, ...{ Two__c: {}, One__c: {} } } } })
  assert.equal((await second.send('GET', `sobjects/Two__c/${id}`)).record()['Name'], 'kept')
  const { sobjects } = (await second.send('GET', 'sobjects')).json as {
    sobjects: { name: string; keyPrefix: string }[]
  }
  assert.equal(new Set(sobjects.map((each) => each.keyPrefix)).size, sobjects.length)
  await second.emulator.close()
  const other = { organization: { id: '00D5g0000001234EAA' } }
  await assert.rejects(startSalesforceEmulator({ folder, setup: other }), /belongs to organisation 00D/)
})

test('records that were rolled back are not on disk either', async (context) => {
  const folder = temporary(context)
  const first = await startTestClient({ folder, setup })
  await first.upsert('Contact', 'Ext__c', [{ Ext__c: 'loaded', LastName: 'changed' }, { Ext__c: 'bad' }], true)
  await first.emulator.close()
  const second = await startTestClient({ folder, setup })
  context.after(() => second.emulator.close())
  assert.deepEqual(await second.select('SELECT LastName FROM Contact'), [{ LastName: 'Loaded' }])
})
