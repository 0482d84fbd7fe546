import assert from 'node:assert/strict'
import type { Key } from '../../model/key.ts'
import type { JudgeCommit } from '../../model/state.ts'
import type { TwinCommit } from '../../model/twins.ts'
import { FLOW, judged, key, lane, newLink, openFlow, settled } from './commits.ts'
import type { StoreCase } from './store.ts'

const SYNC = 'members'
const word = { by: 'Ann', why: 'looked', at_ms: 5_000 }
const twins = (more: Partial<TwinCommit>): Partial<JudgeCommit> => ({
  twins: { rows: [], gone: [], members: [], left: [], touched: [], ...more },
})
const row = (link: number) => ({ link, plan: 'p1', features: `["${link}"]`, blocks: [link], target: null })

/** What becomes of a person's word when its record is deleted. */
export const wordCases: Readonly<Record<string, StoreCase>> = {
  async 'who is in review because of another record is judged afresh once that one changes or is gone'({ store }) {
    const { state } = store
    const head = await openFlow(state)
    const review = (link: number, other: { key: Key | null; target: string | null }) =>
      lane(link, link, {
        state: 'review',
        stage: 'duplicates',
        reasons: [
          {
            stage: 'duplicates',
            code: 'SYNC-4060',
            error: 'alike',
            alike: { ...other, lead: other.key, probability: 0.7, fields: [] },
          },
        ],
      })
    const page = { sync: SYNC, plan: 'p1', at_ms: 1, cursor: 'c', filled: true }
    const there = (mail: string) => ({ target: '003X', ref: null, features: `["${mail}"]`, blocks: [9] })
    await state.scanned({ ...page, rows: [there('x')], gone: [] })
    await state.judge(
      judged(head, {
        links: [1, 2, 3, 4].map((n) => newLink(n, n)),
        lanes: [
          review(2, { key: key(1), target: null }),
          review(3, { key: null, target: '003X' }),
          review(4, { key: key(9), target: null }),
        ],
        ...twins({ rows: [row(1)] }),
      }),
    )
    const due = async () => (await state.take(FLOW, 9_000, [], 9)).lanes.map(({ link }) => link)
    await state.judge(judged(head, twins({ rows: [{ ...row(1), blocks: [7] }] })))
    await state.scanned({ ...page, rows: [there('x')], gone: [] })
    assert.deepEqual(await due(), [], 'nothing that is compared has changed')
    await state.judge(judged(head, twins({ rows: [{ ...row(1), features: '["other"]' }] })))
    assert.deepEqual(await due(), [2])
    await state.judge(judged(head, { lanes: [review(2, { key: key(1), target: null })] }))
    await state.scanned({ ...page, rows: [there('y')], gone: [] })
    assert.deepEqual(await due(), [3])
    await state.judge(judged(head, { lanesGone: [3] }))
    await state.judge(judged(head, twins({ gone: [1] })))
    assert.deepEqual(await due(), [2])
    await state.judge(judged(head, { lanesGone: [2] }))
    await state.scanned({ ...page, rows: [], gone: ['003X'] })
    assert.deepEqual(await due(), [], 'nobody waits because of them any more')
  },

  async 'who gave up a record that no entry stands behind, and why, is kept with the decisions'({ store }) {
    const { state } = store
    const head = await openFlow(state)
    const refused = (link: number, last: number | null) =>
      lane(link, last ?? 0, {
        first: last,
        last,
        state: 'parked',
        stage: 'target',
        reasons: [{ stage: 'target', code: 'SYNC-3032', error: 'refused' }],
      })
    const links = [1, 2].map((n) => newLink(n, n))
    await state.judge(judged(head, { links, lanes: [refused(1, null), refused(2, 2)] }))
    assert.equal(await state.discard({ flow: FLOW, state: 'parked', rowsMax: 9 }, 'Ann', 'left', 5_000), 2)
    assert.deepEqual(
      (await state.decisions(SYNC, 9)).map(({ kind, key: of, target, by, why }) => [kind, of, target, by, why]),
      [['refuse', key(1), 'SYNC-3032', 'Ann', 'left']],
    )
    const [told] = (await state.story(FLOW, SYNC, key(2), [], 9)).outcomes
    assert.equal(told?.note, 'Ann: left', 'the other one has an entry that tells it')
  },

  async 'a word about a deleted record counts no more, for its key may name another one; of others it is about the cluster'({
    store,
  }) {
    const { state } = store
    const head = await openFlow(state)
    const review = (link: number, other: number) =>
      lane(link, link, {
        state: 'review',
        stage: 'duplicates',
        image: { op: 'upsert', row: { id: link, mail: 'x' } },
        reasons: [
          {
            stage: 'duplicates',
            code: 'SYNC-4060',
            error: 'alike',
            alike: { key: key(other), target: null, lead: key(1), probability: 0.7, fields: [] },
          },
        ],
      })
    await state.judge(
      judged(head, {
        links: [1, 2, 3, 4].map((n) => newLink(n, n)),
        lanes: [review(2, 1), review(3, 2), review(4, 2)],
        ...twins({ rows: [row(1), row(2)], members: [{ link: 2, into: 1, set: '{}', how: 'a person said so' }] }),
      }),
    )
    const query = { flow: FLOW, state: 'review', rowsMax: 10 } as const
    assert.equal(await state.edit({ ...query, key: key(2) }, { mail: 'y' }, word), 1)
    await state.judge(judged(head, { lanes: [review(2, 1)] }))
    await state.approve({ ...query, key: key(2) }, null, word)
    await state.approve({ ...query, key: key(3) }, null, word)
    await state.reject({ ...query, key: key(4) }, word)
    const said = async (link: number) => {
      const [own] = await state.twinsOf([link])
      const same = own?.same ?? null
      return [same !== null && 'lead' in same ? same.lead.link : null, own?.apart.leads]
    }
    assert.deepEqual(
      [await said(2), await said(3), await said(4)],
      [
        [1, [4]],
        [1, []],
        [null, [1]],
      ],
    )
    await state.judge(judged(head, { lanesGone: [1, 2, 3, 4], ...twins({ gone: [2], deleted: [2], left: [2] }) }))
    assert.deepEqual(
      [await said(2), await said(3), await said(4)],
      [
        [null, []],
        [1, []],
        [null, [1]],
      ],
    )
    assert.deepEqual(await state.edits([2]), [], 'a value that was put in for one person is not for the next one')
    // The key comes back with another person behind it: nobody is judged again for her.
    await state.judge(judged(head, twins({ rows: [row(2)] })))
    assert.deepEqual((await state.take(FLOW, 9_000, [], 10)).lanes, [])
    assert.deepEqual(
      (await state.decisions(SYNC, 10)).map(({ kind, key: of, other }) => [kind, of, other]),
      [
        ['different', key(4), key(1)],
        ['same', key(3), key(1)],
        ['ended same', key(2), key(1)],
      ],
    )
  },
  async 'whoever is not the same as a record of the target is not the one that it belongs to, or comes to belong to, either'({
    store,
  }) {
    const { state } = store
    const head = await openFlow(state)
    const like = (link: number, target: string) =>
      lane(link, link, {
        state: 'review',
        stage: 'duplicates',
        reasons: [
          {
            stage: 'duplicates',
            code: 'SYNC-4061',
            error: 'alike',
            alike: { key: null, target, lead: null, probability: 0.9, fields: [] },
          },
        ],
      })
    const links = [1, 2, 3, 4].map((n) => newLink(n, n))
    await state.judge(judged(head, { links, lanes: [like(2, 'x'), like(3, 'y')] }))
    assert.equal(await state.reject({ flow: FLOW, state: 'review', rowsMax: 10 }, word), 2)
    const apart = async () => (await state.twinsOf([2, 3])).map((own) => own.apart)
    assert.deepEqual(await apart(), [
      { leads: [], targets: ['x'] },
      { leads: [], targets: ['y'] },
    ])
    // One that is sent later has it; another one is to take it over, and leads a record that has it in its turn.
    await state.settle(settled(head, { links: [{ id: 1, target: 'x', state: 'linked' }] }))
    const takes = { ...row(4), target: 'y' }
    await state.judge(judged(head, twins({ rows: [takes], members: [{ link: 4, into: 1, set: '{}', how: 'equal' }] })))
    assert.deepEqual(await apart(), [
      { leads: [1], targets: ['x'] },
      { leads: [1], targets: ['y'] },
    ])
  },
  async 'a value that a person put in ends with the deletion of its record'({ store }) {
    const { state } = store
    const head = await openFlow(state)
    const parked = (link: number) =>
      lane(link, link, { state: 'parked', image: { op: 'upsert', row: { id: link, mail: 'x' } } })
    await state.judge(judged(head, { links: [newLink(1, 1), newLink(2, 2)], lanes: [parked(1), parked(2)] }))
    assert.equal(await state.edit({ flow: FLOW, state: 'parked', rowsMax: 10 }, { mail: 'y' }, word), 2)
    await state.settle(
      settled(head, {
        links: [
          { id: 1, target: 'a', state: 'linked' },
          { id: 2, target: 'b', state: 'tombstone' },
        ],
      }),
    )
    assert.deepEqual(
      (await state.edits([1, 2])).map(({ link }) => link),
      [1],
    )
  },
}
