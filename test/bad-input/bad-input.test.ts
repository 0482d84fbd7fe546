import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { load } from '../../src/app/load.ts'
import { type Failure, SyncError } from '../../src/model/failure.ts'
import { type Postgres, startPostgres } from '../../src/testing/postgres.ts'
import { quarantine, startHere } from '../faults/here.ts'
import { audited } from '../faults/oracles.ts'
import { makeWorld, type World } from '../faults/world.ts'
import { type ConfigCase, configCases, goodConfig, secrets } from './configurations.ts'
import { extraFields, goodRow, peopleTable, type RowCase, rowCases, syncOfPeople } from './rows.ts'

/** C1 to C17, each from a file on disk as a user has it; C18 needs a state and stands in test/faults/safety.test.ts. */
describe('a bad configuration is refused where it is wrong, before anything is opened', () => {
  for (const { name, text, code, says, files = {} } of configCases)
    test(name, () => {
      const folder = mkdtempSync(join(tmpdir(), 'syncline-bad-'))
      try {
        const path = join(folder, 'syncline.yaml')
        if (text !== null) writeFileSync(path, text(folder))
        for (const [file, { body, mode }] of Object.entries(files)) {
          writeFileSync(join(folder, file), body)
          chmodSync(join(folder, file), mode)
        }
        const before = readdirSync(folder)
        const failures = refusal(path)
        const found = failures.find((failure) => failure.code === code)
        assert.ok(found, `expected ${code}, got ${failures.map((each) => `${each.code} ${each.message}`).join('; ')}`)
        assert.match(found.message, says)
        assert.ok(found.hint.length > 0, 'what to do')
        for (const secret of Object.values(secrets))
          assert.ok(!JSON.stringify(failures).includes(secret), 'a secret is shown')
        assert.deepEqual(readdirSync(folder), before, 'something was made')
        assert.equal(({} as { polluted?: unknown }).polluted, undefined)
      } finally {
        rmSync(folder, { recursive: true })
      }
    })

  test('the configuration that the cases spoil is a good one', () => {
    const folder = mkdtempSync(join(tmpdir(), 'syncline-good-'))
    try {
      writeFileSync(join(folder, 'syncline.yaml'), goodConfig)
      assert.deepEqual(refusal(join(folder, 'syncline.yaml')), [])
      assert.equal(existsSync(join(folder, 'data')), false)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})

function refusal(path: string): readonly Failure[] {
  try {
    load(path, secrets)
  } catch (error) {
    assert.ok(error instanceof SyncError, `untyped: ${error instanceof Error ? error.stack : error}`)
    return [error.failure, ...error.others]
  }
  return []
}

/** D1 to D16, each as a row of a real table among good ones. */
describe('a bad row is quarantined alone, with the reason, and the others flow', { concurrency: 2 }, () => {
  let server: Postgres
  before(async () => {
    server = await startPostgres()
  })
  after(() => server.stop())

  const world = async (): Promise<World> => {
    const made = await makeWorld(server.url, {
      syncs: syncOfPeople,
      setup: { objects: { Contact: { fields: extraFields } } },
    })
    await made.client.query(peopleTable)
    return made
  }
  const insert = (at: World, columns: { readonly [column: string]: string }) => {
    const row = { ...goodRow, ...columns }
    return at.client.query(
      `INSERT INTO legacy.people (${Object.keys(row).join(', ')}) VALUES (${Object.values(row).join(', ')})`,
    )
  }

  /** Rows in the first snapshot, or as live changes: the same judgement. */
  for (const when of ['in the snapshot', 'as live changes'] as const)
    test(`all rows of the table, ${when}`, { timeout: 60_000 }, async (t) => {
      await using at = await world()
      const fill = async () => {
        for (const { id, columns } of rowCases)
          if (columns !== null) await insert(at, { id, ref: `'r${id}'`, ...columns })
      }
      if (when === 'in the snapshot') await fill()
      await using here = await startHere(at)
      if (when === 'as live changes') {
        await here.settle()
        await fill()
      }
      await here.settle()
      const parked = new Map((await quarantine(at, 'people')).map((lane) => [JSON.parse(lane.key)[0] as string, lane]))
      const records = await at.select(
        'SELECT Legacy_Id__c, LastName, Exact__c, Amount__c, Memo__c, Place__c FROM Contact',
      )
      const delivered = new Map(records.map((record) => [record['Legacy_Id__c'], record]))
      for (const each of rowCases)
        await t.test(each.name, { skip: each.skip ?? false }, () => judged(each, parked.get(each.id), delivered))
      assert.equal(parked.size, rowCases.filter((each) => each.code !== null && each.columns !== null).length)
      assert.deepEqual(await audited(at, 'people', ['legacy.people']), [])
      // What was bad is mended at the source: every record goes through by itself.
      const mend = Object.entries(goodRow).map(([column, value]) => `${column} = ${value}`)
      await at.client.query(`UPDATE legacy.people SET ref = 'mended ' || id, ${mend.join(', ')}`)
      await here.settle()
      assert.deepEqual(await quarantine(at, 'people'), [])
      assert.equal(
        (await at.select('SELECT Id FROM Contact')).length,
        rowCases.filter(({ columns }) => columns !== null).length,
      )
      assert.deepEqual(await audited(at, 'people', ['legacy.people']), [])
    })

  test('D15 a table whose log does not name its updated rows is refused with the statement that mends it', async () => {
    await using at = await world()
    await at.client.query('ALTER TABLE legacy.people REPLICA IDENTITY NOTHING')
    await assert.rejects(startHere(at), (error) => {
      assert.ok(error instanceof SyncError)
      assert.equal(error.failure.code, 'SYNC-2011')
      assert.match(`${error.failure.message} ${error.failure.hint}`, /ALTER TABLE .*people.* REPLICA IDENTITY/)
      return true
    })
    assert.deepEqual(await at.applied(), [])
  })
})

function judged(
  { id, code, says, ref, shows }: RowCase,
  lane: Awaited<ReturnType<typeof quarantine>>[0] | undefined,
  delivered: ReadonlyMap<unknown, { readonly [field: string]: unknown }>,
): void {
  const record = delivered.get(ref ?? `r${id}`)
  if (code === null) {
    assert.equal(lane, undefined, JSON.stringify(lane?.reasons))
    assert.ok(record, 'it is not at the target')
    for (const [field, value] of Object.entries(shows ?? {})) assert.equal(record[field], value)
    return
  }
  assert.ok(lane, 'it is not in quarantine')
  assert.deepEqual(
    lane.reasons.map((reason) => reason.code),
    [code],
    JSON.stringify(lane.reasons),
  )
  assert.match(JSON.stringify(lane.reasons[0]), says ?? /./)
  assert.equal(record, undefined, 'it is at the target all the same')
}

/** A case that is skipped says why. */
test('every case of the catalogue is there, or says why it is not', () => {
  const ids = (cases: readonly (ConfigCase | RowCase)[]) => new Set(cases.map(({ name }) => name.split(' ')[0]))
  for (let n = 1; n <= 17; n++) assert.ok(ids(configCases).has(`C${n}`), `C${n}`)
  for (let n = 1; n <= 16; n++) assert.ok(ids(rowCases).has(`D${n}`), `D${n}`)
})
