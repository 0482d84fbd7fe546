import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { FLOW, flight, judged, key, openFlow, outcome, parked, settled } from '../testing/contract/commits.ts'
import { direct, stateOver } from './calls.ts'
import { openDatabase } from './sqlite.ts'
import { stateFile } from './state.ts'

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

/** A state as the version before rule sets wrote it: a record that was delivered, one that is parked, one that is under way. */
function stateOf005(path: string): void {
  const db = new DatabaseSync(path)
  for (const step of ['001', '002', '003', '004', '005'])
    db.exec(readFileSync(new URL(`./migrations/state-${step}.sql`, import.meta.url), 'utf8'))
  db.exec('PRAGMA user_version=5')
  db.exec(`INSERT INTO flow (id, sync, journal_id, judged, read, epoch, rules) VALUES ('members','members','journal-1',5,5,1,'a'),
    ('new','new','journal-1',0,0,1,NULL)`)
  for (const [id, target, state] of [
    [1, "'0031'", 'linked'],
    [2, 'NULL', 'open'],
    [3, 'NULL', 'open'],
  ])
    db.exec(
      `INSERT INTO link (id, sync, a_key, b_key, state) VALUES (${id},'members','${key(Number(id))}',${target},'${state}')`,
    )
  const { state, first, last, image, stage, reasons, since_ms } = parked(2, 2)
  db.prepare(
    'INSERT INTO lane (flow, link, state, first, last, image, stage, reasons, since_ms) VALUES (?,?,?,?,?,?,?,?,?)',
  ).run(FLOW, 2, state, first, last, JSON.stringify(image), stage, JSON.stringify(reasons), since_ms)
  const { request, images, mayLandUntil_ms } = flight(7, 3)
  db.prepare('INSERT INTO flight VALUES (?,?,?,?,?,?,?)').run(
    request.id,
    FLOW,
    7,
    1,
    null,
    mayLandUntil_ms,
    JSON.stringify({ request, images }),
  )
  // The second stands for four entries that were never read one by one.
  db.exec(`INSERT INTO outcome (flow, seq, link, kind, by_seq, request, note, commit_no, first, entries) VALUES
    ('members',1,1,'delivered',NULL,6,NULL,1,NULL,NULL), ('members',5,NULL,'superseded',NULL,NULL,'gap',2,4,2)`)
  const one = sha256(' 1000\n["members",1,1,"delivered",null,6,null]')
  db.prepare('INSERT INTO chain VALUES (1,1000,?), (2,2000,?)').run(
    one,
    sha256(`${one} 2000\n["members",5,null,"superseded",null,null,"gap",4,2]`),
  )
  db.close()
}

test('a state of the version before rule sets goes on: its trail is whole, and what was judged then says that it is not known', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'syncline-upgrade-'))
  try {
    const path = join(folder, 'state.db')
    stateOf005(path)
    const db = openDatabase(path, 'state')
    const state = stateOver(direct(stateFile(db)))
    assert.equal(await state.verifyChain(), null)
    const before = await state.flows()
    assert.deepEqual(
      before.map(({ rules }) => rules),
      [{ id: 1, hash: 'a', since_ms: null }, null],
    )
    assert.deepEqual(await state.judgedBy('members'), [{ ruleSet: null, records: 3 }])
    const head = await openFlow(state)

    // The rules are the same: they go on under their number. A request of the version before ends.
    await state.judge(
      judged(head, { rules: 'a', judged: 6, outcomes: [outcome(6, 'excluded', { link: 1 })], judgedAnew: [1] }),
    )
    await state.settle(
      settled(head, {
        outcomes: [outcome(3, 'delivered', { link: 3, request: 7 })],
        links: [{ id: 3, target: '0033', state: 'linked' }],
        flightsClosed: [flight(7).request.id],
      }),
    )
    await state.judge(judged(head, { rules: 'b', at_ms: 3_000, judged: 7 }))
    assert.deepEqual(await state.ruleSets(FLOW), [
      { id: 1, hash: 'a', since_ms: null },
      { id: 2, hash: 'b', since_ms: 3_000 },
    ])
    const of = async (n: number) =>
      (await state.story(FLOW, 'members', key(n), [], 9)).outcomes.map(({ seq, ruleSet }) => [seq, ruleSet])
    assert.deepEqual(
      [await of(1), await of(3)],
      [
        [
          [6, 1],
          [1, null],
        ],
        [[3, null]],
      ],
    )
    const [waits] = await state.parked({ flow: FLOW, state: 'parked', rowsMax: 9 })
    assert.deepEqual([waits?.key, waits?.ruleSet], [key(2), null])
    assert.deepEqual(await state.judgedBy('members'), [
      { ruleSet: null, records: 2 },
      { ruleSet: 1, records: 1 },
    ])
    assert.equal(await state.verifyChain(), null)
    db.close()
  } finally {
    rmSync(folder, { recursive: true })
  }
})
