import assert from 'node:assert/strict'
import type { JudgeCommit, State } from '../../model/state.ts'
import { FLOW, flight, judged, key, lane, newLink, openFlow, outcome, parked, settled } from './commits.ts'
import type { StoreCase } from './store.ts'

/** By which rules entries and records were judged. */
export const ruleCases: Readonly<Record<string, StoreCase>> = {
  async 'rules are kept from the commit on that they judged first; rules that come back have a row of their own'({
    store: { state },
  }) {
    const head = await openFlow(state)
    assert.deepEqual([head.rules, await state.ruleSets(FLOW)], [null, []])
    for (const [at_ms, rules] of [
      [5, 'a'],
      [6, 'a'],
      [7, 'b'],
      [8, 'a'],
    ] as const)
      await state.judge(judged(head, { at_ms, rules }))
    assert.deepEqual(await state.ruleSets(FLOW), [
      { id: 1, hash: 'a', since_ms: 5 },
      { id: 2, hash: 'b', since_ms: 7 },
      { id: 3, hash: 'a', since_ms: 8 },
    ])
    assert.equal((await state.flows())[0]?.rules?.id, 3)
    assert.deepEqual(await state.ruleSets('others'), [])
  },

  async 'an entry keeps the rules that judged it, whoever hears of its end'({ store, reopen }) {
    const first = store.state
    const head = await openFlow(first)
    const links = [1, 2, 3, 4].map((n) => newLink(n, n))
    const lanes = [parked(3, 3), parked(4, 4)]
    await first.judge(judged(head, { rules: 'a', links, lanes, flights: [flight(1, 1), flight(2, 2)] }))
    await first.settle(settled(head, delivered(1)))

    const { state } = await reopen()
    const next = await openFlow(state)
    // Record 4 is judged again, and record 5 for the first time, while the request of an earlier owner is still open.
    const more: Partial<JudgeCommit> = {
      rules: 'b',
      judgedAnew: [4],
      links: [newLink(5, 5)],
      lanes: [parked(4, 6)],
      outcomes: [outcome(4, 'superseded', { link: 4, by: 6 }), outcome(7, 'excluded')],
      flights: [flight(3, 5)],
    }
    await state.judge(judged(next, { ...more, at_ms: 9 }))
    await state.settle(settled(next, delivered(2)))
    await state.settle(settled(next, delivered(3, 5)))
    await state.discard({ flow: FLOW, state: 'parked', rowsMax: 9 }, 'ann', 'left', 10)

    const by = async (n: number, seqs: number[] = []) =>
      (await state.story(FLOW, 'members', key(n), seqs, 9)).outcomes.map(({ seq, kind, ruleSet }) => [
        seq,
        kind,
        ruleSet,
      ])
    assert.deepEqual(await by(1), [[1, 'delivered', 1]])
    assert.deepEqual(await by(2), [[2, 'delivered', 1]])
    assert.deepEqual(await by(3), [[3, 'discarded', 1]])
    assert.deepEqual(await by(4), [
      [6, 'discarded', 2],
      [4, 'superseded', 2],
    ])
    assert.deepEqual(await by(5), [[5, 'delivered', 2]])
    assert.deepEqual(await by(77, [7]), [[7, 'excluded', 2]])
    assert.equal(await state.verifyChain(), null)
  },

  async 'a record tells by which rules it was judged last, also while it is parked; deleted ones are not counted'({
    store: { state },
  }) {
    const head = await openFlow(state)
    const links = [1, 2, 3, 4].map((n) => newLink(n, n))
    await state.judge(judged(head, { rules: 'a', links, lanes: [parked(1, 1), parked(2, 2), lane(3, 3)] }))
    await state.settle(settled(head, { links: [{ id: 4, target: null, state: 'tombstone' }] }))
    await state.judge(judged(head, { rules: 'b', judgedAnew: [2], lanes: [parked(2, 5)] }))
    assert.deepEqual(await parkedBy(state), [
      [1, 1],
      [2, 2],
    ])
    const known = await state.gather(FLOW, 'members', [key(1), key(2), key(3), key(9)])
    assert.deepEqual(
      known.map((each) => each?.ruleSet),
      [1, 2, 1, undefined],
    )
    assert.deepEqual(await state.judgedBy('members'), [
      { ruleSet: 1, records: 2 },
      { ruleSet: 2, records: 1 },
    ])
  },

  async 'what no rules judged says so'({ store: { state } }) {
    const head = await openFlow(state)
    await state.judge(judged(head, { judged: 3, readMore: 3 }))
    await state.giveUp(FLOW, head.epoch, { upTo: 8, entries: 5 }, null)
    await state.reread(FLOW, head.epoch, 8, 5, 1_000)
    const { outcomes } = await state.story(FLOW, 'members', key(1), [6], 9)
    assert.deepEqual(
      outcomes.map(({ seq, kind, ruleSet }) => [seq, kind, ruleSet]),
      [[8, 'superseded', null]],
    )
    assert.equal(await state.verifyChain(), null)
  },
}

/** The target has it: request `number` with the entry of this number, and closes. */
const delivered = (number: number, seq = number) => ({
  outcomes: [outcome(seq, 'delivered', { link: seq, request: number })],
  links: [{ id: seq, target: `003${seq}`, state: 'linked' as const }],
  flightsClosed: [flight(number).request.id],
})

const parkedBy = async (state: State) =>
  (await state.parked({ flow: FLOW, state: 'parked', rowsMax: 9 })).map(({ link, ruleSet }) => [link, ruleSet])
