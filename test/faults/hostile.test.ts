import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { FaultSpec } from '../../src/emulators/salesforce/faults.ts'
import { startSalesforceEmulator } from '../../src/emulators/salesforce/server.ts'
import { type Clock, systemClock } from '../../src/std/clock.ts'
import type { Event } from '../../src/telemetry/event.ts'
import { type Postgres, startPostgres } from '../../src/testing/postgres.ts'
import { quarantine, startHere, until } from './here.ts'
import { makeLegacy } from './legacy.ts'
import { broken } from './oracles.ts'
import { makeWorld, orgSetup, type World } from './world.ts'

const writes = { method: 'PATCH', path: '/composite/sobjects' } as const
const isAway = (event: Event): event is Extract<Event, { kind: 'away' }> => event.kind === 'away'

describe('a target that fails in every way', { concurrency: 2 }, () => {
  let server: Postgres
  before(async () => {
    server = await startPostgres()
  })
  after(() => server.stop())

  const world = async (rows = 60, options: Parameters<typeof makeWorld>[1] = {}): Promise<World> => {
    const made = await makeWorld(server.url, { timeout_ms: 400, landing_ms: 600, requestRows: 10, ...options })
    await makeLegacy(made, rows)
    return made
  }

  /** Faults that strike now and then, in the snapshot and in 60 changes; what they must not do is the oracles' matter. */
  const nowAndThen: readonly (readonly [what: string, fault: FaultSpec, codes: readonly string[]])[] = [
    ['maintenance (503)', { kind: 'unavailable', ...writes }, ['SYNC-3021']],
    ['pages of HTML', { kind: 'html', ...writes }, ['SYNC-3004']],
    ['pages of HTML that look like success', { kind: 'html', status: 200, ...writes }, ['SYNC-3004']],
    ['lost requests', { kind: 'lost-request', ...writes }, ['SYNC-3004', 'SYNC-3001']],
    ['lost answers', { kind: 'lost-answer', ...writes }, ['SYNC-3004']],
    ['silence', { kind: 'no-answer', ...writes }, ['SYNC-3004']],
    ['silence after applying', { kind: 'no-answer', apply: true, ...writes }, ['SYNC-3004']],
    ['requests that land late', { kind: 'late', apply_ms: 450, ...writes }, ['SYNC-3004']],
    ['half an answer', { kind: 'half-answer', ...writes }, ['SYNC-3004']],
    [
      'an answer that drips beyond the deadline',
      { kind: 'slow-drip', bytes: 20, pause_ms: 50, ...writes },
      ['SYNC-3004'],
    ],
    ['locked rows', { kind: 'lock', rows: 3, ...writes }, ['SYNC-3030']],
  ]
  for (const [i, [what, fault, codes]] of nowAndThen.entries())
    test(`${what}: nothing is lost, doubled or out of order`, { timeout: 60_000 }, async () => {
      await using at = await world()
      at.org.faults.add({ ...fault, probability: 0.3, seed: i + 1 })
      await using here = await startHere(at)
      for (let change = 1; change <= 12; change++) {
        await at.client.query(
          `UPDATE legacy.members SET name = 'Change ${change} of ' || id, v = nextval('legacy.version') WHERE id % 12 = ${change % 12}`,
        )
        await at.client.query(`UPDATE legacy.firms SET phone = '${change}', v = nextval('legacy.version') WHERE id < 4`)
      }
      await here.settle()
      assert.ok(at.org.faults.list()[0]!.struck > 0, 'the fault never struck')
      const seen = here.events.flatMap((event) =>
        event.kind === 'answered' && event.failure ? [event.failure.code] : [],
      )
      for (const code of seen) assert.ok(codes.includes(code), `${code} for ${what}`)
      assert.ok(seen.length > 0)
      assert.deepEqual(await broken(at, [JSON.stringify(here.events)]), [])
      assert.deepEqual(await quarantine(at, 'members'), [])
    })

  test('many requests at once find their session ended: one new token', async () => {
    await using at = await world(200, { requestsMax: 8 })
    await using here = await startHere(at)
    await here.settle()
    const tokens = () => at.org.stats().counts['tokensGranted'] ?? 0
    const before = tokens()
    at.org.faults.add(
      { kind: 'latency', latency_ms: 60, ...writes },
      { kind: 'session-expired', expireAll: true, nth: 1, ...writes },
    )
    await at.client.query(`UPDATE legacy.members SET name = 'New ' || id, v = nextval('legacy.version')`)
    await here.settle()
    assert.equal(tokens() - before, 1)
    assert.deepEqual(await broken(at, []), [])
  })

  test('a target that refuses fresh sessions stops the sync, which says so and goes on after resume', async () => {
    await using at = await world()
    await using here = await startHere(at)
    await here.settle()
    at.org.faults.add({ kind: 'session-expired', ...writes })
    await at.client.query(`UPDATE legacy.members SET name = 'Later ' || id, v = nextval('legacy.version')`)
    assert.deepEqual(await here.codes(), ['SYNC-3013'])
    at.org.faults.clear()
    await here.engine.resume('members')
    await here.settle()
    assert.deepEqual(await broken(at, []), [])
  })

  test('the limit of calls: the stated wait is kept, nothing parks, all drains', async () => {
    await using at = await world()
    at.org.faults.add({ kind: 'limit', count: 4, ...writes })
    const asked: number[] = []
    const hasty: Clock = {
      ...systemClock,
      sleep(ms, signal) {
        asked.push(ms)
        return systemClock.sleep(Math.min(ms, 250), signal)
      },
    }
    await using here = await startHere(at, hasty)
    await here.settle()
    // The daily limit rolls: a quarter of an hour is waited, not four seconds.
    assert.ok(asked.some((ms) => ms >= 900_000))
    assert.deepEqual(await broken(at, []), [])
  })

  test('a late landing: nothing is sent for that record before it has landed, and the newest value wins', async () => {
    await using at = await world(20, { timeout_ms: 500, landing_ms: 1_500 })
    await using here = await startHere(at)
    await here.settle()
    at.org.faults.add({ kind: 'late', apply_ms: 1_000, count: 1, ...writes })
    await at.client.query(`UPDATE legacy.members SET name = 'Old', v = nextval('legacy.version') WHERE id = 7`)
    await here.tells((event): event is Extract<Event, { kind: 'landing' }> => event.kind === 'landing')
    await at.client.query(`UPDATE legacy.members SET name = 'New', v = nextval('legacy.version') WHERE id IN (7, 8)`)
    await until(async () => (await names(at)).get('8') === 'New', 'another record is not held up', 900)
    assert.equal((await names(at)).get('7'), 'Member 7', 'it has landed before its time')
    await here.settle()
    const written = (await at.applied()).filter(
      (each) => each.keys['Legacy_Id__c'] === '7' && each.object === 'Contact',
    )
    assert.deepEqual(
      written.map((each) => each.set['LastName']),
      ['Member 7', 'Old', 'New'],
    )
    assert.deepEqual(await broken(at, []), [])
  })

  test('a lost request: the record is sent again only when the old one can no longer land', async () => {
    await using at = await world(20, { timeout_ms: 400, landing_ms: 1_200 })
    await using here = await startHere(at)
    await here.settle()
    at.org.faults.add({ kind: 'lost-request', count: 1, ...writes })
    await at.client.query(`UPDATE legacy.members SET name = 'Once', v = nextval('legacy.version') WHERE id = 7`)
    const { until_ms } = await here.tells(
      (event): event is Extract<Event, { kind: 'landing' }> => event.kind === 'landing',
    )
    await at.client.query(`UPDATE legacy.members SET name = 'Twice', v = nextval('legacy.version') WHERE id = 7`)
    await until(async () => (await names(at)).get('7') !== 'Member 7', 'it is sent again')
    assert.ok(Date.now() >= until_ms, `${until_ms - Date.now()} ms too early`)
    await here.settle()
    assert.deepEqual(await broken(at, []), [])
  })

  test('a refused row parks alone, with the reason, and goes through by itself once it is mended', async () => {
    await using at = await world()
    at.org.faults.add({
      kind: 'row-error',
      code: 'FIELD_CUSTOM_VALIDATION_EXCEPTION',
      message: 'No sevens',
      field: 'LastName',
      equals: 'Member 7',
    })
    await using here = await startHere(at)
    await here.settle()
    const parked = await quarantine(at, 'members')
    assert.deepEqual(
      parked.map(({ key, stage, reasons }) => [key, stage, reasons.map(({ code }) => code)]),
      [['["7"]', 'target', ['SYNC-3031']]],
    )
    assert.match(parked[0]!.reasons[0]!.error, /FIELD_CUSTOM_VALIDATION_EXCEPTION/)
    assert.doesNotMatch(JSON.stringify(parked[0]!.reasons), /member7@|Member 7/, 'a value is shown')
    assert.equal((await names(at)).size, 59)
    await at.client.query(`UPDATE legacy.members SET name = 'Eight', v = nextval('legacy.version') WHERE id = 7`)
    await here.settle()
    assert.deepEqual(await quarantine(at, 'members'), [])
    assert.equal((await names(at)).get('7'), 'Eight')
    assert.deepEqual(await broken(at, []), [])
  })

  test('a target in maintenance for longer than all attempts parks nothing, and everything drains after', async () => {
    await using at = await world()
    await using here = await startHere(at)
    await here.settle()
    at.org.faults.add({ kind: 'unavailable', path: '/composite/sobjects' })
    await at.client.query(`UPDATE legacy.members SET name = 'Waits ' || id, v = nextval('legacy.version')`)
    await at.client.query('DELETE FROM legacy.members WHERE id = 5')
    const { failure } = await here.tells(isAway)
    assert.equal(failure.code, 'SYNC-3021')
    await new Promise((resolve) => setTimeout(resolve, 1_500))
    assert.equal(here.events.filter((event) => event.kind === 'settled' && event.parked > 0).length, 0)
    const tried = at.org.faults.list()[0]!.struck
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    const tries = at.org.faults.list()[0]!.struck - tried
    assert.ok(tries > 0 && tries < 16, `${tries} requests a second while the target is away`)
    at.org.faults.clear()
    await here.settle()
    assert.deepEqual(await broken(at, []), [])
  })

  test('a target that is switched off and on again', async () => {
    await using at = await world()
    const folder = `${at.folder}/org`
    let org = await startSalesforceEmulator({ folder, setup: orgSetup })
    at.configure({ timeout_ms: 400, landing_ms: 600, crmUrl: org.url })
    {
      await using here = await startHere(at)
      await here.settle()
      await org.close()
      await at.client.query(`UPDATE legacy.members SET name = 'Off ' || id, v = nextval('legacy.version')`)
      const { failure } = await here.tells(isAway)
      assert.ok(['SYNC-3001', 'SYNC-3012'].includes(failure.code), failure.code)
      org = await startSalesforceEmulator({ folder, setup: orgSetup, port: org.port })
      await here.settle()
    }
    assert.deepEqual(await broken({ ...at, ...at.of(org) }, []), [])
    await org.close()
  })

  test('a record that somebody deletes at the target while changes of it are under way is made again, and accounted for', async () => {
    await using at = await world(20)
    await using here = await startHere(at)
    await here.settle()
    const { id } = (await at.applied()).find((each) => each.object === 'Account' && each.keys['Legacy_Id__c'] === '4')!
    await at.remove('Account', id)
    at.org.faults.add({ kind: 'latency', latency_ms: 300, ...writes })
    // The large column is not among what the log carries: what is sent is a part of the record.
    await at.client.query(`UPDATE legacy.firms SET phone = 'first', v = nextval('legacy.version') WHERE id = 4`)
    await new Promise((resolve) => setTimeout(resolve, 150))
    await at.client.query(`UPDATE legacy.firms SET phone = 'second', v = nextval('legacy.version') WHERE id = 4`)
    await here.settle()
    assert.deepEqual(await broken(at, []), [])
  })
})

async function names(at: World): Promise<Map<string, unknown>> {
  const found = await at.select('SELECT Legacy_Id__c, LastName FROM Contact')
  return new Map(found.map((record) => [String(record['Legacy_Id__c']), record['LastName']]))
}
