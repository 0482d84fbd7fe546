import assert from 'node:assert/strict'
import { test } from 'node:test'
import { judged, lane, newLink, openFlow, outcome, settled } from '../testing/contract/commits.ts'
import { direct, stateOver } from './calls.ts'
import { type Database, openDatabase } from './sqlite.ts'
import { stateFile } from './state.ts'

// What every store promises is in src/testing/contract/state.ts; here is what only the file can show.

/** A state with three commits of audit rows: seqs 1 to 3, 4, and 5 to 6. */
async function audited(): Promise<{ db: Database; verify: () => number | null }> {
  const db = openDatabase(':memory:', 'state')
  const file = stateFile(db)
  const state = stateOver(direct(file))
  const head = await openFlow(state)
  await state.judge(
    judged(head, {
      judged: 3,
      outcomes: [
        outcome(2, 'superseded', { by: 3 }),
        outcome(1, 'excluded', { note: 'filter' }),
        outcome(3, 'excluded'),
      ],
    }),
  )
  await state.settle(settled(head, { outcomes: [outcome(4, 'delivered', { link: 1, request: 1 })] }))
  await state.judge(judged(head, { judged: 6, outcomes: [outcome(5, 'excluded'), outcome(6, 'excluded')] }))
  return { db, verify: () => file.verifyChain() }
}

/** A row for somebody to slip in. */
const forged = (flow: string, seq: number, commit: number) =>
  `INSERT INTO outcome (flow, seq, link, kind, by_seq, request, note, commit_no) VALUES ('${flow}', ${seq}, NULL, 'excluded', NULL, NULL, NULL, ${commit})`

const tampered: readonly [title: string, sql: string, commit: number][] = [
  ['a kind that was changed', `UPDATE outcome SET kind = 'delivered' WHERE seq = 2`, 1],
  ['a reason that was changed', `UPDATE outcome SET note = 'echo' WHERE seq = 1`, 1],
  ['no reason made the word null', `UPDATE outcome SET note = 'null' WHERE seq = 3`, 1],
  ['a successor that was changed', `UPDATE outcome SET by_seq = 4 WHERE seq = 2`, 1],
  ['a request that was changed', 'UPDATE outcome SET request = 2 WHERE seq = 4', 2],
  ['a link that was taken away', 'UPDATE outcome SET link = NULL WHERE seq = 4', 2],
  ['a row given to another flow', `UPDATE outcome SET flow = 'zzz' WHERE seq = 6`, 3],
  ['a number that was changed', 'UPDATE outcome SET seq = 99 WHERE seq = 6', 3],
  ['a row that was removed', 'DELETE FROM outcome WHERE seq = 5', 3],
  ['the only row of a commit that was removed', 'DELETE FROM outcome WHERE seq = 4', 2],
  ['a row moved into another commit', 'UPDATE outcome SET commit_no = 1 WHERE seq = 4', 1],
  ['a row that was added to a commit', forged('members', 9, 2), 2],
  ['a row that was added after the last commit', forged('members', 9, 4), 4],
  ['a row that was added before the first commit', forged('members', 9, 0), 0],
  ['a row with an impossible commit', forged('members', 9, -5), -5],
  ['rules that were changed', `UPDATE rule_set SET hash = 'x'`, 1],
  ['a beginning of rules that was changed', 'UPDATE rule_set SET since_ms = 1', 1],
  ['rules that were removed', 'DELETE FROM rule_set', 1],
  ['an entry judged by nobody', 'UPDATE outcome SET rule_set = NULL WHERE seq = 5', 3],
  ['an entry judged by others', 'UPDATE outcome SET rule_set = 2 WHERE seq = 5', 3],
  ['a time that was changed', 'UPDATE chain SET at_ms = 0 WHERE commit_no = 2', 2],
  ['a hash that was changed', `UPDATE chain SET hash = 'x' WHERE commit_no = 3`, 3],
  ['a whole commit that was removed', 'DELETE FROM outcome WHERE seq = 4; DELETE FROM chain WHERE commit_no = 2', 2],
  ['the first commit that was removed', 'DELETE FROM outcome WHERE seq < 4; DELETE FROM chain WHERE commit_no = 1', 1],
]

for (const [title, sql, commit] of tampered)
  test(`the chain shows ${title}`, async () => {
    const { db, verify } = await audited()
    assert.equal(verify(), null)
    db.exec(sql)
    assert.equal(verify(), commit)
  })

test('the text of one audit row cannot stand for another row', async () => {
  const { db, verify } = await audited()
  // Both rows folded into the reason of one, in any plain way to write rows as text.
  db.exec(
    `UPDATE outcome SET note = 'filter' || char(10) || '["members",2,null,"superseded",3,null,null]' WHERE seq = 1`,
  )
  db.exec('DELETE FROM outcome WHERE seq = 2')
  assert.equal(verify(), 1)
})

test('an empty chain is whole', () => {
  assert.equal(stateFile(openDatabase(':memory:', 'state')).verifyChain(), null)
})

test('a commit that fails half-way leaves nothing of itself', async () => {
  const db = openDatabase(':memory:', 'state')
  const state = stateOver(direct(stateFile(db)))
  const head = await openFlow(state)
  await state.judge(judged(head, { judged: 1, links: [newLink(1, 1)], outcomes: [outcome(1, 'excluded')] }))
  const broken = judged(head, {
    judged: 5,
    readMore: 4,
    links: [newLink(2, 2)],
    lanes: [lane(2, 2)],
    outcomes: [outcome(3, 'excluded'), outcome(1, 'excluded')],
  })
  await assert.rejects(state.judge(broken), /UNIQUE/)
  const [flow] = await state.flows()
  assert.deepEqual([flow?.judged, flow?.read, flow?.nextLink], [1, 0, 2])
  assert.deepEqual(await state.gather('members', 'members', ['["2"]' as never]), [null])
  assert.equal((await state.counts('members')).waiting, 0)
  assert.equal(await state.verifyChain(), null)
})
