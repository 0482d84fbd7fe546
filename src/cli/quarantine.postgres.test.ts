/** Quarantine as a person meets it: a real PostgreSQL, the Salesforce emulator, and the commands, with and without an engine. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type pg from 'pg'
import { type Ended, runHere } from './io.fake.ts'
import { type Scenario, startScenario } from './scenario.fake.ts'

let scenario: Scenario
let db: pg.Client
let folder: string

const here = (...words: string[]): Promise<Ended> => scenario.here(...words)

const members = (shortest: number) => `  members:
    source: { system: legacy, table: members }
    target: { system: crm, object: Contact, key: { Legacy_Id__c: id } }
    fields: { LastName: name, Email: email, Department: unit }
    whileParked: wait
    validate:
      rules:
        - { name: long-name, assert: "size(record.LastName) >= ${shortest}", field: LastName, message: Too short }
        - { name: known-name, assert: "record.LastName != 'x'", field: LastName, message: Nobody is called so }
      quality: { completeness: [Email], threshold: 0.5 }
`

before(async () => {
  scenario = await startScenario()
  ;({ db, folder } = scenario)
  await db.query('CREATE TABLE members (id bigint PRIMARY KEY, name text, email text, unit text)')
  await db.query(
    `INSERT INTO members VALUES (1, 'x', 'x@example.org', 'secret unit'), (2, 'yz', 'yz@example.org', null), (3, 'Weber', null, null), (4, 'Novak', 'n@example.org', null)`,
  )
  scenario.configure(members(3))
})

after(() => scenario?.stop())

const json = async (...words: string[]) => JSON.parse((await here(...words, '--output', 'json')).out)

test('causes by rule, each record once in each; what is in review stands apart; a rule is a filter', async () => {
  assert.equal((await here('run', '--once')).code, 0)
  const list = await here('quarantine', 'list')
  assert.match(list.out, /members +rules +SYNC-4041 +long-name +LastName +2 /)
  assert.match(list.out, /members +rules +SYNC-4041 +known-name +LastName +1 /)
  assert.match(list.out, /members: 2 records in quarantine; one with several causes counts in each\./)
  assert.match(list.out, /members: 1 record in review: see `syncline review list members`\./)
  assert.doesNotMatch(list.out, /SYNC-4046/, 'who is in review is not in quarantine')
  const keys = ((await json('quarantine', 'list', '--rule', 'known-name')) as { key: string }[]).map(({ key }) => key)
  assert.deepEqual(keys, ['["1"]'])
})

test('what waits behind a parked record is listed, without its values', async () => {
  await db.query(`UPDATE members SET unit = 'another secret unit' WHERE id = 1`)
  await db.query(`DELETE FROM members WHERE id = 2`)
  assert.equal((await here('run', '--once')).code, 0)
  const list = await here('quarantine', 'list', '--stage', 'rules')
  assert.match(list.out, /KEY +SINCE +AGE +STAGE +JUDGED BY +BEHIND +REASONS/)
  assert.match(list.out, /\["1"\] .* rules +[0-9a-f]{8} since [-\d]+ [:\d]+Z +update up to #5 /)
  assert.match(list.out, /\["2"\] .* rules +[0-9a-f]{8} since .* deletion up to #6 /)
  const told = await here('quarantine', 'list', '--stage', 'rules', '--output', 'json')
  assert.deepEqual(
    (JSON.parse(told.out) as { next: unknown }[]).map(({ next }) => next),
    [
      { op: 'upsert', first: 5, last: 5 },
      { op: 'delete', first: 6, last: 6 },
    ],
  )
  assert.doesNotMatch(told.out + list.out, /secret unit/)
})

test('nothing is done where nothing fits, and it is said; the count comes before the deed', async () => {
  const words = ['--by', 'ann', '--why', 'left', '--yes']
  const none = await here('quarantine', 'discard', 'members', '--key', '77', ...words)
  assert.equal(none.code, 0)
  assert.match(none.out, /^No parked record of members fits: nothing was done\. `syncline quarantine list members`/)
  assert.deepEqual(await json('quarantine', 'discard', 'members', '--key', '77', ...words), { discarded: 0 })
  assert.match(
    (await here('quarantine', 'release', 'members', '--rule', 'none')).out,
    /^No parked record of members fits/,
  )
  assert.match((await here('review', 'reject', 'members', '--key', '77')).out, /^No record of members in review fits/)
  const mistyped = await here('review', 'approve', 'members', '--stage', 'duplicate', '--yes')
  assert.match(mistyped.err, /SYNC-7101 --stage expects key, .*target; got duplicate\. Did you mean "duplicates"\?/)
  const asked = await here('quarantine', 'discard', 'members', '--code', 'SYNC-4041', '--by', 'ann', '--why', 'left')
  assert.match(asked.err, /SYNC-7109 This would discard, for ever, 2 of the parked records\. Nothing was done\./)
  const approve = await here('review', 'approve', 'members')
  assert.match(approve.err, /SYNC-7109 This would approve 1 record: let 1 go as it is\. Nothing was done\./)
})

test('released without an engine: judged at the next start, and it is said so; plan tells how many a rule lets through', async () => {
  scenario.configure(members(2))
  const [plan] = (await json('plan', 'members')) as { parked: object; unsaid: string[] }[]
  // Record 1 still breaks the other rule, 2 is gone at the source, 3 waits in review.
  assert.deepEqual(plan?.parked, { now: 3, released: 0, newly: 0 })
  assert.deepEqual(plan?.unsaid, ['Parked records without a row at the source, which no rule releases: 1.'])
  scenario.configure(members(2).replace(`'x'"`, `'y'"`).replace('>= 2', '>= 1'))
  const [again] = (await json('plan', 'members')) as { parked: object }[]
  assert.deepEqual(again?.parked, { now: 3, released: 1, newly: 0 })
  const released = await here('quarantine', 'release', 'members', '--rule', 'known-name', '--yes')
  assert.equal(released.out, '1 record released: judged again at the next start; no engine runs on this state now.')
  const approved = await here('review', 'approve', 'members', '--key', '3', '--yes')
  assert.equal(approved.out, '1 record approved: judged again at the next start; no engine runs on this state now.')
  assert.match((await here('status')).out, /members +ready .*\nNo engine runs/)
  assert.equal((await here('run', '--once')).code, 0)
  assert.match((await here('record', 'members', '1')).out, /linked, target id/)
  assert.match((await here('record', 'members', '3')).out, /linked, target id/)
  assert.equal((await here('audit')).code, 0)
})

test('released while an engine runs: judged by it', async () => {
  const stop = new AbortController()
  const running = runHere(['run', '--no-progress', '--log-format', 'json'], {
    folder,
    variables: scenario.variables,
    stop: stop.signal,
  })
  try {
    while (!existsSync(join(folder, 'data', 'api.json'))) await new Promise((resolve) => setTimeout(resolve, 20))
    const released = await here('quarantine', 'release', 'members', '--key', '2', '--yes')
    assert.equal(released.out, '1 record released: judged again by the running engine.', released.err)
    await db.query(`INSERT INTO members VALUES (9, '', null, null)`)
    while (!(await here('quarantine', 'list')).out.includes('long-name'))
      await new Promise((resolve) => setTimeout(resolve, 20))
    await here('pause', 'members')
    const paused = await here('quarantine', 'release', 'members', '--key', '9', '--yes')
    assert.equal(
      paused.out,
      '1 record released: judged again by the running engine, when the sync goes on: it is paused (`syncline resume members`).',
    )
    await here('resume', 'members')
    while (!(await here('quarantine', 'list')).out.includes('long-name'))
      await new Promise((resolve) => setTimeout(resolve, 20))
    const discard = ['--key', '9', '--by', 'ann', '--why', 'left', '--yes']
    assert.match((await here('quarantine', 'discard', 'members', ...discard)).out, /^1 record discarded by ann/)
  } finally {
    stop.abort()
    await running
  }
  assert.match((await here('quarantine', 'list')).out, /The quarantine is empty/)
  assert.equal((await here('audit')).code, 0)
})

test('of very many in review the first ones are listed, and it is said how many more there are', async () => {
  await db.query(`INSERT INTO members SELECT i, 'Name ' || i, null, null FROM generate_series(1000, 1202) i`)
  assert.equal((await here('run', '--once')).code, 0)
  const some = await here('review', 'list', 'members')
  assert.equal(some.out.match(/^members \["/gm)?.length, 200)
  assert.match(some.err, /^3 further records in review are not listed: /)
  const one = await here('review', 'list', 'members', '--key', '1200')
  assert.match(one.out, /^members \["1200"\] {2}in review \(quality\)/)
  assert.equal(one.err, '')
})
