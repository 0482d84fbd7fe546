import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Event } from '../../src/telemetry/event.ts'
import { type Postgres, startPostgres } from '../../src/testing/postgres.ts'
import { startChild } from './child.ts'
import { connected } from './database.ts'
import { startHere, until } from './here.ts'
import { makeLegacy, startWriter } from './legacy.ts'
import { broken } from './oracles.ts'
import { makeWorld, type World } from './world.ts'

const rename = (text: string, where: string) =>
  `UPDATE legacy.members SET name = '${text} ' || id, v = nextval('legacy.version') WHERE ${where}`
const isStop = (event: Event): event is Extract<Event, { kind: 'flow' }> =>
  event.kind === 'flow' && event.status === 'stopped'
const isReopening = (event: Event): event is Extract<Event, { kind: 'capture' }> =>
  event.kind === 'capture' && event.status === 'reopening'

/** One after the other: some stop the server under everybody. */
describe('a source that fails', { concurrency: 1 }, () => {
  let server: Postgres
  before(async () => {
    server = await startPostgres({ existing: null })
  })
  after(() => server.stop())

  const world = async (rows = 100): Promise<World> => {
    const made = await makeWorld(server.url, { timeout_ms: 1_000, landing_ms: 500 })
    await makeLegacy(made, rows)
    return made
  }
  const gone = async (at: World, object: string) =>
    (await at.select(`SELECT Id FROM ${object} WHERE Gone__c = true`)).length

  test('a slot that was dropped while we were down is named; a full run finds changes and deletes of that time', async () => {
    await using at = await world()
    {
      await using here = await startHere(at)
      await here.settle()
    }
    await at.client.query(rename('Unseen', 'id < 20'))
    await at.client.query('DELETE FROM legacy.members WHERE id IN (50, 51, 52)')
    await at.client.query('DELETE FROM legacy.firms WHERE id = 7')
    await at.client.query('SELECT pg_drop_replication_slot($1)', [at.slot])
    await using here = await startHere(at)
    const [failure, ...others] = await here.engine.settled()
    assert.equal(failure?.code, 'SYNC-2016')
    assert.match(failure.message, new RegExp(at.slot))
    assert.deepEqual(others, [])
    assert.equal(await gone(at, 'Contact'), 0)
    assert.deepEqual(
      (await here.engine.report()).map(({ status, reason }) => [status, reason?.code]),
      [
        ['stopped', 'SYNC-2016'],
        ['stopped', 'SYNC-2016'],
      ],
    )
    // The slot is the source's: the other sync of this source is read again with it.
    await here.engine.full('members')
    await here.settle()
    assert.equal(await gone(at, 'Contact'), 3)
    assert.equal(await gone(at, 'Account'), 1)
    assert.deepEqual(await broken(at, []), [])
    await at.client.query(rename('Seen', 'id < 10'))
    await here.settle()
    assert.deepEqual(await broken(at, []), [])
  })

  test('TRUNCATE stops the sync before anything is deleted; the other one goes on; a full run reads the table again', async () => {
    await using at = await world()
    at.configure({ timeout_ms: 1_000, landing_ms: 500, guard: '{ percent: 100, rows: 500 }' })
    await using here = await startHere(at)
    await here.settle()
    await at.client.query('TRUNCATE legacy.firms')
    const stop = await here.tells(isStop)
    assert.deepEqual([stop.flow, stop.failure?.code], ['firms', 'SYNC-6003'])
    await at.client.query(rename('After', 'id < 20'))
    assert.deepEqual(await here.codes(), ['SYNC-6003'])
    assert.equal(await gone(at, 'Account'), 0)
    assert.equal((await at.select(`SELECT Id FROM Contact WHERE LastName LIKE 'After%'`)).length, 19)
    await at.client.query(
      `INSERT INTO legacy.firms SELECT n, nextval('legacy.version'), 'Again ' || n FROM generate_series(1, 30) n`,
    )
    await here.engine.full('firms')
    await here.settle()
    assert.equal(await gone(at, 'Account'), 20)
    assert.deepEqual(await broken(at, []), [])
  })

  test('the stop outlives a restart', async () => {
    await using at = await world(20)
    {
      await using here = await startHere(at)
      await here.settle()
      await at.client.query('TRUNCATE legacy.firms')
      await here.tells(isStop)
    }
    await using here = await startHere(at)
    assert.deepEqual(await here.codes(), ['SYNC-6003'])
    assert.equal(await gone(at, 'Account'), 0)
  })

  test('SIGTERM in the middle of live writes ends the process in time and leaves nothing broken', async () => {
    await using at = await world(300)
    const writer = await startWriter(at, { seed: 3, rows: 300, perSecond: 60 })
    const child = startChild(at)
    await child.hears((line) => line.kind === 'capture')
    await new Promise((resolve) => setTimeout(resolve, 600))
    const asked_ms = performance.now()
    const ending = await child.kill('SIGTERM')
    assert.deepEqual(ending, { code: 0, signal: null }, child.output().slice(-2_000))
    assert.ok(performance.now() - asked_ms < 3_000)
    await writer.stop()
    await using here = await startHere(at)
    await here.settle()
    assert.deepEqual(await broken(at, [child.output()]), [])
  })

  test('a connection that breaks while a record is composed: it is composed again, and nothing stops', async () => {
    await using at = await world(40)
    await using here = await startHere(at)
    await here.settle()
    const locker = await connected(at.url)
    try {
      await locker.query('BEGIN; LOCK TABLE legacy.cards IN ACCESS EXCLUSIVE MODE')
      await at.client.query(rename('Blocked', 'id = 4'))
      const blocked = `FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%cards%'`
      await until(
        // Not by the locker: within one transaction a session sees one picture of the others.
        async () => (await at.client.query(`SELECT pg_terminate_backend(pid) ${blocked}`)).rowCount !== 0,
        'the reading of the joined rows is blocked',
      )
      await locker.query('ROLLBACK')
      await here.settle()
    } finally {
      await locker.end()
    }
    assert.deepEqual(await broken(at, []), [])
  })

  /** How the server goes away and comes back. */
  const restarts: readonly (readonly [how: string, away: () => Promise<void>])[] = [
    ['restarted', () => server.restart()],
    [
      'killed with SIGKILL and recovered',
      async () => {
        await server.kill()
        await server.restart()
      },
    ],
  ]
  for (const [how, away] of restarts)
    test(`a server that is ${how} in mid-stream: no gap, nothing twice`, { timeout: 90_000 }, async () => {
      await using at = await world(300)
      await using here = await startHere(at)
      await here.tells((event): event is Extract<Event, { kind: 'captured' }> => event.kind === 'captured')
      const writer = await startWriter(at, { seed: 4, rows: 300, perSecond: 80 })
      await new Promise((resolve) => setTimeout(resolve, 700))
      // What was on its way when the server died is not known to be committed; the writer ends with its connection.
      const ended = writer.stop().catch(() => {})
      await away()
      await ended
      await here.tells(isReopening)
      const again = await startWriter(at, { seed: 5, rows: 300, perSecond: 80 })
      await new Promise((resolve) => setTimeout(resolve, 700))
      await again.stop()
      await here.settle()
      assert.deepEqual(await broken(at, [JSON.stringify(here.events)], again.committed), [])
    })
})
