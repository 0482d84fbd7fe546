import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { runHere } from '../../src/cli/io.fake.ts'
import { SyncError } from '../../src/model/failure.ts'
import { type Postgres, startPostgres } from '../../src/testing/postgres.ts'
import { quarantine, startHere, until } from './here.ts'
import { makeLegacy } from './legacy.ts'
import { broken } from './oracles.ts'
import { makeWorld, type World } from './world.ts'

const short = { timeout_ms: 1_000, landing_ms: 500, requestRows: 200 } as const
const isBehind = (error: unknown) => error instanceof SyncError && error.failure.code === 'SYNC-6012'

describe('what is behind', { concurrency: 2 }, () => {
  let server: Postgres
  before(async () => {
    server = await startPostgres()
  })
  after(() => server.stop())

  /** The command line on a world that no engine runs on. */
  const cli = (at: World, ...words: string[]) => runHere(words, { folder: at.folder, variables: at.variables })

  test('a sync that stood for too long is given up for the journal, and a full run brings everything, deletes included', async () => {
    await using at = await makeWorld(server.url, { ...short, retention: '{ rows: 1000 }' })
    await makeLegacy(at, 100)
    const firms = async () => (await at.select('SELECT Id FROM Account WHERE Gone__c = false')).length
    {
      await using here = await startHere(at)
      await here.settle()
      await here.engine.pause('firms')
      for (let round = 0; round < 24; round++)
        await at.client.query(`UPDATE legacy.firms SET name = 'Round ${round}.' || id, v = nextval('legacy.version')`)
      await at.client.query('DELETE FROM legacy.firms WHERE id <= 5')
      await at.client.query(`UPDATE legacy.firms SET id = id + 900, v = nextval('legacy.version') WHERE id = 6`)
      await at.client.query(
        `UPDATE legacy.members SET name = 'New ' || id, v = nextval('legacy.version') WHERE id < 20`,
      )
      assert.deepEqual(await here.codes(), ['SYNC-6007'])
    }
    assert.equal((await cli(at, 'audit')).code, 0)
    {
      await using here = await startHere(at)
      const statusOf = async () => (await here.engine.report()).map(({ flow, status }) => `${flow} ${status}`)
      await until(async () => (await statusOf()).includes('firms needs-snapshot'), 'firms are given up')
      assert.ok((await statusOf()).includes('members running'), 'the other sync goes on')
      await assert.rejects(here.engine.resume('firms'), isBehind)
      await assert.rejects(here.engine.pause('firms'), isBehind)
      await at.client.query('DELETE FROM legacy.firms WHERE id = 7')
      assert.deepEqual(await here.codes(), ['SYNC-6012'])
      assert.equal(await firms(), 50, 'nothing was sent')
    }
    const status = await cli(at, 'status')
    assert.match(status.out, /firms +needs-snapshot .*\n/)
    assert.match(
      status.out,
      /SYNC-6012 firms: the journal of legacy .*12\d\d entries it had not read, the oldest committed 20/,
    )
    const resumed = await cli(at, 'resume', 'firms')
    assert.equal(resumed.code, 4)
    assert.match(resumed.err, /SYNC-6012 [\s\S]*syncline sync <sync> --full/)
    assert.equal((await cli(at, 'pause', 'firms')).code, 4)
    const audit = await cli(at, 'audit', '--output', 'json')
    assert.equal(audit.code, 0, audit.out)
    {
      await using here = await startHere(at)
      // Stopped at once: what is gone is looked for at the next start.
      await here.engine.full('firms')
    }
    {
      await using here = await startHere(at)
      await at.client.query(`UPDATE legacy.firms SET name = 'Last', v = nextval('legacy.version') WHERE id = 20`)
      await here.settle()
      assert.equal(await firms(), 44)
    }
    assert.deepEqual(await broken(at, []), [])
    const record = await cli(at, 'record', 'firms', '20')
    assert.match(record.out, /delivered/)
    assert.equal((await cli(at, 'audit')).code, 0)
  })

  test('whileParked: wait: later changes wait behind a refused record, in order, until it is released or given up', async () => {
    await using at = await makeWorld(server.url, { ...short, whileParked: 'wait' })
    await makeLegacy(at, 40)
    const no = (name: string) =>
      at.org.faults.add({ kind: 'row-error', code: 'FIELD_CUSTOM_VALIDATION_EXCEPTION', field: 'Name', equals: name })
    no('Bad 3')
    no('Bad 4')
    const set = (id: number, name: string) =>
      at.client.query(`UPDATE legacy.firms SET name = $2, v = nextval('legacy.version') WHERE id = $1`, [id, name])
    const writes = async (id: number) =>
      (await at.applied()).filter(({ object, keys }) => object === 'Account' && keys['Legacy_Id__c'] === String(id))
    await using here = await startHere(at)
    await here.settle()
    for (const id of [3, 4]) await set(id, `Bad ${id}`)
    await here.settle()
    for (const id of [3, 4]) for (const name of ['Better', 'Best']) await set(id, `${name} ${id}`)
    await at.client.query('DELETE FROM legacy.firms WHERE id = 4')
    await here.settle()
    const parked = await quarantine(at, 'firms')
    assert.deepEqual(
      parked.map(({ key, image, next }) => [key, image.row['name'], next?.image.op, next?.image.row['name']]),
      [
        ['["3"]', 'Bad 3', 'upsert', 'Best 3'],
        ['["4"]', 'Bad 4', 'delete', undefined],
      ],
    )
    const [report] = await here.engine.report(['firms'])
    assert.deepEqual([report?.quarantined, report?.pending], [2, 2])
    at.org.faults.clear()
    const query = { flow: 'firms', state: 'parked', rowsMax: 10 } as const
    assert.equal(await here.engine.release({ ...query, key: parked[0]!.key }), 1)
    assert.equal(await here.engine.discard({ ...query, key: parked[1]!.key }, 'ann', 'wrong'), 1)
    await here.settle()
    assert.deepEqual(
      (await writes(3)).map(({ set }) => set['Name']),
      ['Firm 3', 'Bad 3', 'Best 3'],
    )
    assert.deepEqual(
      (await writes(4)).map(({ set }) => [set['Name'], set['Gone__c']]),
      [
        ['Firm 4', false],
        [undefined, true],
      ],
    )
    assert.deepEqual(await broken(at, []), ['O2: firms: 1 discarded by nobody'], 'Ann did')
  })
})
