import assert from 'node:assert/strict'
import { test } from 'node:test'
import { keyOf } from '../model/key.ts'
import { FLOW, judged, lane, newLink, openFlow } from '../testing/contract/commits.ts'
import { direct, stateOver } from './calls.ts'
import { known, knownAll } from './rows.ts'
import { openDatabase } from './sqlite.ts'
import { stateFile } from './state.ts'

const key = (...parts: string[]) => {
  const made = keyOf(parts)
  assert.ok(made !== null)
  return made
}

test('many records are known as each is known alone: in order, with their lanes, whatever is in their keys', async () => {
  const db = openDatabase(':memory:', 'state')
  const state = stateOver(direct(stateFile(db)))
  const head = await openFlow(state)
  const plain = [key('1'), key('2'), key('it"s', 'a\\b'), key('Österreich 🙂')]
  const strange = [key('a\u0000b'), key('a'), key('\ud800'), key('tab\tand\u0001')]
  const links = [...plain, ...strange].map((each, i) => newLink(i + 1, i + 1, { key: each }))
  await state.judge(judged(head, { links, lanes: [lane(2, 1, { state: 'parked' }), lane(5, 2)] }))
  for (const asked of [
    plain,
    [key('3'), ...plain.toReversed(), key('4')],
    strange,
    [...plain, ...strange],
    [],
    [key('3')],
  ]) {
    const alone = asked.map((each) => known(db, FLOW, 'members', each))
    assert.deepEqual(knownAll(db, FLOW, 'members', asked), alone)
  }
  assert.deepEqual(
    knownAll(db, FLOW, 'members', plain).map((one) => [one?.link, one?.lane?.state]),
    [
      [1, undefined],
      [2, 'parked'],
      [3, undefined],
      [4, undefined],
    ],
  )
  assert.equal(knownAll(db, FLOW, 'members', strange).filter((one) => one === null).length, 0)
})
