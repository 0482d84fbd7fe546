import assert from 'node:assert/strict'
import type { Reason } from '../../model/verdict.ts'
import { FLOW, judged, newLink, openFlow, parked } from './commits.ts'
import type { StoreCase } from './store.ts'

/** Why records are parked, as a person looks at them. */
export const causeCases: Readonly<Record<string, StoreCase>> = {
  async 'a record counts once in each of its causes, which are told by rule and by state where that is asked for'({
    store,
  }) {
    const { state } = store
    const head = await openFlow(state)
    const broken = (rule: string): Reason => ({ stage: 'rules', code: 'SYNC-4041', rule, field: 'Email', error: 'no' })
    const twoRules = { ...parked(1, 1), reasons: [broken('a'), broken('b')] }
    await state.judge(
      judged(head, {
        links: [1, 2, 3].map((n) => newLink(n, n)),
        lanes: [
          twoRules,
          { ...parked(2, 2, 'SYNC-4001', 2_000), reasons: [broken('b')] },
          { ...parked(3, 3, 'SYNC-4001', 3_000), state: 'review', reasons: [broken('c')] },
        ],
      }),
    )
    assert.deepEqual(
      (await state.causes(FLOW)).map(({ rule, n }) => [rule, n]),
      [[null, 3]],
    )
    assert.deepEqual(
      (await state.causes(FLOW, { state: 'parked', rule: true })).map(({ rule, n, oldest_ms }) => [rule, n, oldest_ms]),
      [
        ['b', 2, 1_000],
        ['a', 1, 1_000],
      ],
    )
    const { parkedSince_ms, reviewSince_ms, records } = await state.backlog(FLOW)
    assert.deepEqual([parkedSince_ms, reviewSince_ms, records], [1_000, 3_000, { parked: 2, review: 1 }])
    const found = await state.parked({ flow: FLOW, state: 'parked', rule: 'a', rowsMax: 9 })
    assert.deepEqual(
      found.map(({ link }) => link),
      [1],
    )
  },
}
