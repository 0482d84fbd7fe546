/** By which rules entries and records were judged, as a person is told it: a real PostgreSQL, the Salesforce emulator, and the commands. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, test } from 'node:test'
import type { Plan } from '../app/plan.ts'
import type { Audit } from '../app/report.ts'
import type { RulesThen } from '../app/rule-sets.ts'
import { type Scenario, startScenario } from './scenario.fake.ts'

let scenario: Scenario

/** The department is written in another way; a longer name is asked for; who is old stays out. */
const members = (department = 'unit', length = 2, where = '') => `  members:
    source: { system: legacy, table: members${where} }
    target: { system: crm, object: Contact, key: { Legacy_Id__c: id } }
    fields: { LastName: name, Department: ${department} }
    deletes: { policy: hard }
    validate:
      rules: [{ name: long-name, assert: "size(record.LastName) >= ${length}", field: LastName, message: Too short }]
`
const upper = '{ expr: "upper(row.unit)" }'

const run = async (): Promise<void> => {
  const { code, err } = await scenario.here('run', '--once')
  assert.equal(code, 0, err)
}
const json = async (...words: string[]) => {
  const { out, err } = await scenario.here(...words, '--output', 'json')
  assert.notEqual(out, '', err)
  return JSON.parse(out)
}
const planned = async (): Promise<Plan['rules']> => ((await json('plan', 'members')) as Plan[])[0]!.rules
const audited = async (): Promise<Audit> => (await json('audit')).flows[0]

before(async () => {
  scenario = await startScenario()
  await scenario.db.query('CREATE TABLE members (id bigint PRIMARY KEY, name text, unit text)')
  await scenario.db.query(
    `INSERT INTO members VALUES (1, 'Ada', 'a'), (2, 'Bo', 'B'), (3, 'C', 'c'), (4, 'Dan', 'd'), (5, 'E', 'e')`,
  )
  scenario.configure(members())
  await run()
})

after(() => scenario?.stop())

test('nothing is said of rules that have not changed', async () => {
  const { hash, ...figures } = await planned()
  assert.match(hash, /^[0-9a-f]{32}$/)
  assert.deepEqual(figures, { others: 0, unknown: 0, touched: 0 })
  assert.doesNotMatch((await scenario.here('plan', 'members')).out, /other rules/)
  assert.deepEqual((await audited()).records, { current: 5, others: 0, unknown: 0 })
  assert.doesNotMatch((await scenario.here('audit')).out, /other rules/)
  const [parked] = (await json('quarantine', 'list', '--key', '3')) as { rules: RulesThen }[]
  assert.deepEqual([parked?.rules.hash, parked?.rules.current], [hash, true])
})

test('plan counts the records that other rules judged, and those that the present ones would change', async () => {
  const before = await planned()
  // Of the five two are written otherwise as they are (1 and 4); 5 parks no more, 3 does, and 2 looks the same either way.
  scenario.configure(members(upper, 1))
  await scenario.db.query(`UPDATE members SET name = '' WHERE id = 3`)
  const plan = await planned()
  assert.notEqual(plan.hash, before.hash)
  assert.deepEqual({ ...plan, hash: '' }, { hash: '', others: 5, unknown: 0, touched: 3 })
  const said = await scenario.here('plan', 'members')
  const line = `members: 5 records judged last by other rules than the present ${plan.hash.slice(0, 8)}; these would change 3, which \`syncline sync members --full\` sends`
  assert.ok(said.out.includes(line), said.out)
  // Nothing runs by them yet: what is parked is judged by the newest rules there are.
  const [parked] = (await json('quarantine', 'list', '--key', '5')) as { rules: RulesThen }[]
  assert.deepEqual([parked?.rules.hash, parked?.rules.current], [before.hash, true])
})

test('what is judged anew goes by the new rules; what is not says that they have changed', async () => {
  await scenario.db.query(`UPDATE members SET unit = 'x' WHERE id = 4`)
  const { hash: old } = (await audited()).rules!
  await run()
  const { hash } = await planned()
  assert.deepEqual({ ...(await planned()), hash: '' }, { hash: '', others: 3, unknown: 0, touched: 2 })
  const { rules, records } = await audited()
  assert.deepEqual([rules?.hash, records], [hash, { current: 2, others: 3, unknown: 0 }])
  assert.match(
    (await scenario.here('audit')).out,
    new RegExp(
      `members: 3 of 5 records were judged last by other rules than ${hash.slice(0, 8)}: \`syncline plan members\``,
    ),
  )
  assert.equal((await json('status')).flows[0].rules.hash, hash)

  const [five, three] = [
    await json('quarantine', 'list', '--key', '5'),
    await json('quarantine', 'list', '--key', '3'),
  ] as { rules: RulesThen }[][]
  assert.deepEqual([five?.[0]?.rules.hash, five?.[0]?.rules.current], [old, false])
  assert.deepEqual([three?.[0]?.rules.hash, three?.[0]?.rules.current], [hash, true])
  assert.match((await scenario.here('quarantine', 'list', '--key', '5')).out, /since [-\d]+ [:\d]+Z, changed meanwhile/)

  const [story] = await json('record', 'members', '4')
  const by = (story.entries as { op: string; outcome: { rules: RulesThen } }[]).map(({ op, outcome }) => [
    op,
    outcome.rules.hash,
    outcome.rules.current,
  ])
  assert.deepEqual(by, [
    ['read', old, false],
    ['update', hash, true],
  ])
  const page = (await scenario.here('record', 'members', '4')).out
  assert.match(page, new RegExp(`judged last by the rules ${hash.slice(0, 8)} since [-\\d]+ [:\\d]+Z\n`))
  assert.match(page, new RegExp(`read.*: delivered .*; judged by ${old.slice(0, 8)} since .*Z, changed meanwhile\n`))
  assert.match(page, new RegExp(`update.*: delivered .*; judged by ${hash.slice(0, 8)} since [^,]*Z\n`))
})

test('a full run judges all by the present rules, also what does not change', async () => {
  assert.equal((await scenario.here('sync', 'members', '--full')).code, 0)
  assert.deepEqual((await audited()).records, { current: 5, others: 0, unknown: 0 })
  assert.equal((await planned()).others, 0)
})

test('a filter that leaves records out touches them; rules that come back are the same rules', async () => {
  const now = await planned()
  scenario.configure(members(upper, 1, `, where: "row.id != 1"`))
  assert.deepEqual({ ...(await planned()), hash: '' }, { hash: '', others: 5, unknown: 0, touched: 1 })
  await scenario.db.query(`UPDATE members SET unit = 'y' WHERE id = 2`)
  await run()
  scenario.configure(members(upper, 1))
  assert.deepEqual(await planned(), { hash: now.hash, others: 1, unknown: 0, touched: 0 })
  const db = new DatabaseSync(join(scenario.folder, 'data', 'state.db'), { readOnly: true })
  const sets = db
    .prepare(`SELECT rule_set.hash, count(outcome.seq) AS entries FROM rule_set LEFT JOIN outcome ON outcome.rule_set = rule_set.id
    GROUP BY rule_set.id ORDER BY rule_set.id`)
    .all()
  db.close()
  assert.deepEqual(
    sets.map(({ entries }) => Number(entries) > 0),
    [true, true, true],
    'plain SQL tells it',
  )
})
