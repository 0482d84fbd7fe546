import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Key } from '../model/key.ts'
import type { State } from '../model/state.ts'
import { FLOW, judged, key, newLink, openFlow, parked, settled } from '../testing/contract/commits.ts'
import { direct, stateOver } from './calls.ts'
import { openDatabase } from './sqlite.ts'
import { stateFile } from './state.ts'

const word = { by: 'ann', why: 'one person', at_ms: 5_000 }
const lost = { code: 'SYNC-3004', message: 'lost', retry: 'timed', hint: '' } as const

/** Five linked records: 2 and 3 go with 1, 5 with 4. The target's records 2 and 4 are in the index. */
async function five() {
  const db = openDatabase(':memory:', 'state')
  const state: State = stateOver(direct(stateFile(db)))
  const head = await openFlow(state)
  const ids = [1, 2, 3, 4, 5]
  const member = (link: number, into: number) => ({ link, into, set: '{}', how: 'a person said so' })
  const row = (link: number) => ({ link, plan: 'p', features: '{}', blocks: [link], target: null })
  await state.judge(
    judged(head, {
      links: ids.map((id) => newLink(id, id)),
      twins: {
        rows: ids.map(row),
        gone: [],
        members: [member(2, 1), member(3, 1), member(5, 4)],
        left: [],
        touched: [],
      },
    }),
  )
  await state.settle(
    settled(head, {
      links: ids.map((id) => ({ id, target: `T${id}`, state: 'linked' as const })),
      shadows: ids.map((link) => ({ link, image: '{}' })),
    }),
  )
  const rows = [2, 4].map((n) => ({ target: `T${n}`, ref: String(n), features: '{}', blocks: [n] }))
  await state.scanned({ sync: FLOW, plan: 'p', rows, gone: [], cursor: 'c', filled: true, at_ms: 1 })
  return { db, state, head }
}

const known = async (state: State, n: number) => (await state.story(FLOW, FLOW, key(n), [], 1)).known
const begun = async ({ state, head }: Awaited<ReturnType<typeof five>>, epoch = head.epoch) => {
  const { due } = await state.dueMerges(FLOW, 10_000, 10)
  return state.beginMerges(
    FLOW,
    epoch,
    due.map(({ id }) => id),
    10_000,
    90_000,
  )
}

test('what is one and has two records at the target may be asked for, once; the wish keeps who asked, and when', async () => {
  const { state } = await five()
  const pairs = (of: Key | null = null) =>
    state
      .mergeable(FLOW, of, 10)
      .then((found) => found.map(({ key: own, into, loser, survivor }) => [own, into, loser, survivor]))
  const all = [
    [key(2), key(1), 'T2', 'T1'],
    [key(3), key(1), 'T3', 'T1'],
    [key(5), key(4), 'T5', 'T4'],
  ]
  assert.deepEqual(await pairs(), all)
  assert.deepEqual(await pairs(key(1)), all.slice(0, 2), 'of a leader those that go with it')
  assert.deepEqual(await pairs(key(5)), all.slice(2))
  assert.deepEqual(await pairs(key(9)), [])
  assert.deepEqual((await state.mergeable('others', null, 10)).length, 0)
  assert.equal(await state.askMerges(FLOW, key(2), 10, word), 1)
  assert.deepEqual(await pairs(), all.slice(1))
  assert.equal(await state.askMerges(FLOW, null, 1, word), 1, 'not more than that')
  const [last] = await state.merges(FLOW, null, 10)
  assert.deepEqual(last, {
    key: key(3),
    into: key(1),
    loser: 'T3',
    survivor: 'T1',
    state: 'asked',
    by: 'ann',
    why: 'one person',
    asked_ms: 5_000,
    at_ms: 5_000,
    failure: null,
  })
  assert.deepEqual((await state.merges(FLOW, key(1), 10)).length, 2)
  assert.deepEqual((await state.merges(FLOW, key(4), 10)).length, 0)
})

test('a merge that is done leaves the loser as one that never was there; the survivor stays as it is', async () => {
  const made = await five()
  const { db, state, head } = made
  db.run(`INSERT INTO alias VALUES ('members', 'a', 'old', 2, 7)`)
  db.run(
    `INSERT INTO decision (kind, a, target, who, why, at_ms) VALUES ('same', 5, 'T2', 'x', '-', 1), ('different', 4, 'T2', 'x', '-', 1), ('refuse', 4, 'T2', 'x', '-', 1)`,
  )
  db.run(`UPDATE twin SET target = 'T2' WHERE id = 2`)
  await state.judge(judged(head, { lanes: [{ ...parked(3, 1), stage: 'key', wants: 'old' }] }))
  await state.askMerges(FLOW, key(2), 10, word)
  const [merge] = await begun(made)
  assert.deepEqual(
    { ...merge, id: 0 },
    { id: 0, link: 2, into: 1, loser: 'T2', survivor: 'T1', attempts: 0, mayLandUntil_ms: 90_000 },
  )
  assert.deepEqual(await state.sentMerges(FLOW), [merge])
  assert.deepEqual((await begun(made)).length, 0, 'nothing is begun twice')
  await state.settleMerge(FLOW, head.epoch, merge?.id ?? 0, { kind: 'merged' }, 11_000)

  const [loser, survivor] = [await known(state, 2), await known(state, 1)]
  assert.deepEqual([loser?.state, loser?.target, loser?.shadow], ['open', null, null])
  assert.deepEqual([survivor?.state, survivor?.target, survivor?.shadow], ['linked', 'T1', '{}'])
  assert.deepEqual(
    (await state.merged(FLOW, key(2), 10)).map(({ into }) => into),
    [key(1)],
  )
  assert.deepEqual(await state.held(FLOW), [])
  assert.equal((await known(state, 3))?.lane?.state, 'waiting', 'who waits for what it held is judged again')
  assert.deepEqual(
    db.all('SELECT kind, target FROM decision ORDER BY id').map((row) => [row['kind'], row['target']]),
    [
      ['same', 'T1'],
      ['different', 'T1'],
      ['refuse', 'T2'],
    ],
  )
  assert.deepEqual(
    db.all('SELECT id, target FROM twin WHERE target IS NOT NULL').map((row) => row['target']),
    ['T4'],
    'the index does not see it any more',
  )
  assert.equal((await state.scanHead(FLOW, 'p')).records, 1)
  const [row] = await state.merges(FLOW, null, 10)
  assert.deepEqual([row?.state, row?.at_ms, row?.by], ['merged', 11_000, 'ann'])
  assert.deepEqual((await state.mergeable(FLOW, key(2), 10)).length, 0)
  assert.deepEqual(await state.unmerge(FLOW, key(2), word), key(1))
})

test('only the very same two records are merged: whatever happened since makes a wish void', async () => {
  const changes: readonly [string, (made: Awaited<ReturnType<typeof five>>) => Promise<unknown> | unknown][] = [
    ['taken out again', ({ state }) => state.unmerge(FLOW, key(2), word)],
    ['another leader', ({ db }) => db.run('UPDATE member SET into_link = 4 WHERE link = 2')],
    ['another record', ({ db }) => db.run(`UPDATE link SET b_key = 'T9' WHERE id = 2`)],
    ['another survivor', ({ db }) => db.run(`UPDATE link SET b_key = 'T9' WHERE id = 1`)],
    ['the loser is deleted', ({ db }) => db.run(`UPDATE link SET state = 'tombstone' WHERE id = 2`)],
    ['the leader is deleted', ({ db }) => db.run(`UPDATE link SET state = 'tombstone' WHERE id = 1`)],
    ['the leader is about to go', ({ state }) => state.gone(FLOW, [1], 1)],
  ]
  for (const [what, change] of changes) {
    const made = await five()
    await made.state.askMerges(FLOW, key(2), 10, word)
    await change(made)
    assert.deepEqual(await begun(made), [], what)
    assert.equal((await made.state.merges(FLOW, null, 10))[0]?.state, 'void', what)
  }
})

test('what was certainly not applied waits for its time; what was lost stays open, as long as it may land', async () => {
  const made = await five()
  const { state, head } = made
  await state.askMerges(FLOW, key(5), 10, word)
  const id = (await begun(made))[0]?.id ?? 0
  const settle = (end: Parameters<State['settleMerge']>[3]) => state.settleMerge(FLOW, head.epoch, id, end, 12_000)
  await settle({ kind: 'open', failure: lost, mayLandUntil_ms: 50 })
  assert.equal((await state.sentMerges(FLOW))[0]?.mayLandUntil_ms, 90_000, 'never less than before')
  await settle({ kind: 'open', failure: lost, mayLandUntil_ms: 95_000 })
  assert.equal((await state.sentMerges(FLOW))[0]?.mayLandUntil_ms, 95_000)
  await settle({ kind: 'again', failure: lost, due_ms: 20_000 })
  assert.deepEqual(await state.dueMerges(FLOW, 19_999, 10), { due: [], next_ms: 20_000 })
  const { due } = await state.dueMerges(FLOW, 20_000, 10)
  assert.deepEqual(
    due.map(({ attempts }) => attempts),
    [1],
  )
  await settle({ kind: 'merged' })
  assert.equal((await known(state, 5))?.state, 'linked', 'an answer of what is not sent changes nothing')
  await state.beginMerges(FLOW, head.epoch, [id], 21_000, 99_000)
  await settle({ kind: 'refused', failure: lost })
  assert.equal((await known(state, 5))?.target, 'T5')
  const [row] = await state.merges(FLOW, null, 10)
  assert.deepEqual([row?.state, row?.failure?.code], ['refused', 'SYNC-3004'])
  assert.equal(await state.askMerges(FLOW, null, 10, word), 3, 'it may be asked for again')
})

test('W8: an owner that was replaced neither begins nor settles a merge', async () => {
  const made = await five()
  const { state, head } = made
  await state.askMerges(FLOW, key(5), 10, word)
  const id = (await begun(made))[0]?.id ?? 0
  await openFlow(state)
  await assert.rejects(() => begun(made), /SYNC-6008/)
  await assert.rejects(() => state.settleMerge(FLOW, head.epoch, id, { kind: 'merged' }, 1), /SYNC-6008/)
  assert.equal((await known(state, 5))?.state, 'linked')
})
