import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, describe, test } from 'node:test'
import { startSalesforceEmulator } from '../../src/emulators/salesforce/server.ts'
import { SyncError } from '../../src/model/failure.ts'
import { type Postgres, startPostgres } from '../../src/testing/postgres.ts'
import { startChild } from './child.ts'
import { startHere } from './here.ts'
import { makeLegacy } from './legacy.ts'
import { broken } from './oracles.ts'
import { makeWorld, orgSetup, type World, type WorldOptions } from './world.ts'

const short: WorldOptions = { timeout_ms: 1_000, landing_ms: 500, requestRows: 200 }

describe('what stops for safety', { concurrency: 2 }, () => {
  let server: Postgres
  before(async () => {
    server = await startPostgres()
  })
  after(() => server.stop())

  const world = async (rows = 40, options: WorldOptions = {}): Promise<World> => {
    const made = await makeWorld(server.url, { ...short, ...options })
    await makeLegacy(made, rows)
    return made
  }
  /** A world that was synced once. */
  const synced = async (rows = 40, options: WorldOptions = {}): Promise<World> => {
    const made = await world(rows, options)
    await using here = await startHere(made)
    await here.settle()
    return made
  }

  test('501 of 1,000 deletes trip the guard: none is sent, a restart changes nothing, an approval lets them through', async () => {
    await using at = await world(2_000, { guard: '{ percent: 100, rows: 500 }', chunkRows: 1_000 })
    const gone = async () => (await at.select('SELECT Id FROM Account WHERE Gone__c = true')).length
    {
      await using here = await startHere(at)
      await here.settle()
      await at.client.query('DELETE FROM legacy.firms WHERE id <= 501')
      const [failure, ...others] = await here.engine.settled()
      assert.equal(failure?.code, 'SYNC-6001')
      assert.match(failure.message, /firms: 501 deletes within an hour, the limit is 500/)
      assert.match(failure.hint, /--approve-deletes/)
      assert.deepEqual(others, [])
      assert.equal(await gone(), 0)
    }
    await using here = await startHere(at)
    assert.deepEqual(await here.codes(), ['SYNC-6001'])
    await here.engine.resume('firms')
    assert.deepEqual(await here.codes(), ['SYNC-6001'], 'resuming alone is no approval')
    assert.equal(await gone(), 0)
    await here.engine.resume('firms', { approveDeletes: true })
    await here.settle()
    assert.equal(await gone(), 501)
    assert.deepEqual(await broken(at, []), [])
  })

  test('a second process on the same folder is refused with the pid of the first, which goes on', async () => {
    await using at = await world()
    const first = startChild(at)
    try {
      await first.hears((line) => line.kind === 'started')
      const second = startChild(at)
      const { failures } = await second.hears((line) => line.kind === 'failed')
      assert.deepEqual(await second.ended, { code: 4, signal: null })
      assert.deepEqual(
        failures?.map(({ code }) => code),
        ['SYNC-5001'],
      )
      assert.match(failures?.[0]?.message ?? '', new RegExp(`process ${first.pid} on `))
      await assert.rejects(startHere(at), (error) => error instanceof SyncError && error.failure.code === 'SYNC-5001')
    } finally {
      await first.kill()
    }
    // A killed process holds nothing: no lock file has to be removed by hand.
    await using here = await startHere(at)
    await here.settle()
    assert.deepEqual(await broken(at, [first.output()]), [])
  })

  for (const file of ['state.db', 'journal-legacy.db'])
    test(`a newer schema of ${file} is refused, and nothing is changed`, async () => {
      await using at = await synced()
      const path = join(at.state, file)
      const db = new DatabaseSync(path)
      db.exec('PRAGMA wal_checkpoint(TRUNCATE); PRAGMA user_version = 99')
      db.close()
      const before = contents(at.state)
      await refused(at, 'SYNC-5002', /has schema 99; this version of Syncline knows schemas up to \d+/)
      assert.deepEqual(contents(at.state), before)
    })

  test('another organisation is refused before anything is read or sent', async () => {
    await using at = await synced()
    const other = await startSalesforceEmulator({ setup: { ...orgSetup, organization: { id: '00D5g0000009999' } } })
    try {
      at.configure({ ...short, crmUrl: other.url })
      await at.client.query(`UPDATE legacy.members SET name = 'Lost?', v = nextval('legacy.version') WHERE id = 1`)
      await refused(at, 'SYNC-6002', /System crm is 00D5g0000009999\w{0,3}; this state belongs to 00D/)
      assert.deepEqual(other.stats().records['Contact'], 0)
    } finally {
      await other.close()
    }
    at.configure(short)
    await using here = await startHere(at)
    await here.settle()
    assert.deepEqual(await broken(at, []), [])
  })

  test('C18: another key for the same records is refused; with the old one it goes on', async () => {
    await using at = await synced()
    const text = readFileSync(at.config, 'utf8')
    const configured = (from: string, to: string) => {
      assert.ok(text.includes(from))
      at.write(text.replace(from, to))
    }
    configured(
      'key: { Legacy_Id__c: { from: id, transform: [string] } } }\n    fields: { V__c: v, Name',
      'key: { Legacy_Id__c: { from: phone, transform: [string] } } }\n    fields: { V__c: v, Name',
    )
    await refused(at, 'SYNC-6009', /Sync firms has identified its records by .*phone/)
    configured('table: legacy.firms', 'table: legacy.cards')
    await assert.rejects(startHere(at), SyncError)
    at.write(text)
    await using here = await startHere(at)
    await here.settle()
    assert.deepEqual(await broken(at, []), [])
  })

  test('a state beside a journal of another origin is refused', async () => {
    await using at = await synced()
    const db = new DatabaseSync(join(at.state, 'journal-legacy.db'))
    db.exec(`UPDATE meta SET journal_id = 'another'`)
    db.close()
    await refused(at, 'SYNC-5005', /has read journal \w+; the journal in this folder is another/)
  })
})

async function refused(at: World, code: string, message: RegExp): Promise<void> {
  const written = (await at.applied()).length
  await assert.rejects(startHere(at), (error) => {
    assert.ok(error instanceof SyncError, String(error))
    assert.equal(error.failure.code, code)
    assert.match(error.failure.message, message)
    return true
  })
  assert.equal((await at.applied()).length, written, 'something was sent')
}

/** The databases of a folder, without the lock and the owner's note. */
function contents(folder: string): { [name: string]: string } {
  const files = readdirSync(folder).filter((name) => /^(state|journal-).*\.db$/.test(name))
  return Object.fromEntries(files.map((name) => [name, readFileSync(join(folder, name)).toString('base64')]))
}
