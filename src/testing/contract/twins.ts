import assert from 'node:assert/strict'
import type { JudgeCommit, State } from '../../model/state.ts'
import type { TwinCommit, TwinRow } from '../../model/twins.ts'
import { FLOW, judged, key, lane, newLink, openFlow, settled } from './commits.ts'
import type { StoreCase } from './store.ts'

const SYNC = 'members'
const word = { by: 'Ann', why: 'looked', at_ms: 5_000 }

const row = (link: number, features: string, ...blocks: number[]): TwinRow => ({
  link,
  plan: 'p1',
  features,
  blocks: blocks.map(BigInt),
  target: null,
})

const twins = (more: Partial<TwinCommit>): Partial<JudgeCommit> => ({
  twins: { rows: [], gone: [], members: [], left: [], touched: [], ...more },
})

const found = async (state: State, link: number | null, ...blocks: number[]) => {
  const { records, of } = await state.twins(SYNC, [{ link, blocks: blocks.map(BigInt), names: null }], 50)
  return (of[0]?.ids ?? []).map((id) => records.find((each) => each.id === id)?.features).sort()
}

/** What the part of `State` that knows duplicates promises. */
export const twinCases: Readonly<Record<string, StoreCase>> = {
  async 'records are found by the blocks that they share, and not by themselves, also after a restart'({
    store,
    reopen,
  }) {
    const head = await openFlow(store.state)
    const rows = [row(1, 'a', 7, 8), row(2, 'b', 8, -9), row(3, 'c', 10)]
    const links = [1, 2, 3].map((n) => newLink(n, n))
    await store.state.judge(judged(head, { links, ...twins({ rows }) }))
    const { state } = await reopen()
    assert.deepEqual(await found(state, null, 8), ['a', 'b'])
    assert.deepEqual(await found(state, 1, 7, 8), ['b'])
    assert.deepEqual(await found(state, null, -9, 10), ['b', 'c'])
    assert.deepEqual(await found(state, null, 11), [])
    const again = await openFlow(state)
    await state.judge(judged(again, twins({ rows: [row(2, 'b2', 11)], gone: [3] })))
    assert.deepEqual(await found(state, null, 8, 10), ['a'])
    assert.deepEqual(await found(state, null, 11), ['b2'])
  },

  async 'the rarest blocks come first, and what is cut is told'({ store }) {
    const head = await openFlow(store.state)
    const many = Array.from({ length: 30 }, (_, n) => n + 1)
    await store.state.judge(
      judged(head, {
        links: many.map((n) => newLink(n, n)),
        ...twins({ rows: many.map((n) => row(n, `f${n}`, 1, ...(n === 30 ? [2] : []))) }),
      }),
    )
    const { of, size } = await store.state.twins(SYNC, [{ link: null, blocks: [1n, 2n], names: 1n }], 5)
    assert.equal(size, 30)
    assert.equal(of[0]?.ids.length, 5)
    assert.equal(of[0]?.ids[0], 30, 'the one that shares the rare block')
    assert.deepEqual([of[0]?.cut, of[0]?.namesakes], [1, 30])
  },

  async 'a commit that is refused leaves nothing in the index'({ store }) {
    const old = await openFlow(store.state)
    await openFlow(store.state)
    const late = judged(old, { links: [newLink(1, 1)], ...twins({ rows: [row(1, 'a', 7)] }) })
    await assert.rejects(store.state.judge(late))
    assert.deepEqual(await found(store.state, null, 7), [])
  },

  async 'members go with their leader, who is composed again; clusters are one level deep'({ store }) {
    const { state } = store
    const head = await openFlow(state)
    const links = [1, 2, 3].map((n) => newLink(n, n))
    const member = (link: number, into: number) => ({ link, into, set: `{"n":${link}}`, how: 'equal' })
    await state.judge(
      judged(head, { links, ...twins({ rows: [row(1, 'a', 7)], members: [member(3, 2)], touched: [2] }) }),
    )
    await state.judge(judged(head, twins({ members: [member(2, 1)], touched: [1] })))
    assert.deepEqual(
      (await state.members([1])).map(({ link, set }) => [link, set]),
      [
        [2, '{"n":2}'],
        [3, '{"n":3}'],
      ],
    )
    const [one, two] = await state.twinsOf([1, 2])
    assert.deepEqual([one?.leads, one?.into, two?.into?.lead.link], [[2, 3], null, 1])
    const [known] = await state.gather(FLOW, SYNC, [key(1)])
    assert.deepEqual([known?.clustered, known?.lane?.image.op, known?.lane?.last], [true, 'touch', null])
    assert.equal(await state.unmerge(FLOW, key(2), word), key(1))
    assert.equal(await state.unmerge(FLOW, key(2), word), null)
    const [again] = await state.twinsOf([2])
    assert.deepEqual([again?.into, again?.apart.leads], [null, [1]])
  },

  async 'what waits or is parked of a leader keeps what it says and is judged again, read whole'({ store }) {
    const { state } = store
    const head = await openFlow(state)
    const part = lane(1, 4, { state: 'parked', image: { op: 'upsert', row: { id: 1 } } })
    await state.judge(judged(head, { links: [newLink(1, 1)], lanes: [part] }))
    await state.judge(judged(head, twins({ touched: [1] })))
    const [known] = await state.gather(FLOW, SYNC, [key(1)])
    assert.deepEqual(
      [known?.lane?.state, known?.lane?.last, known?.lane?.image],
      ['waiting', 4, { op: 'touch', row: { id: 1 } }],
    )
  },

  async 'a person says yes or no, and it is remembered by both records'({ store }) {
    const { state } = store
    const head = await openFlow(state)
    const alike = { key: key(1), target: null, lead: key(1), probability: 0.7, fields: [] }
    const review = (link: number) =>
      lane(link, link, {
        state: 'review',
        stage: 'duplicates',
        reasons: [{ stage: 'duplicates', code: 'SYNC-4060', error: 'alike', alike }],
      })
    const links = [1, 2, 3].map((n) => newLink(n, n))
    await state.judge(judged(head, { links, lanes: [review(2), review(3)], ...twins({ rows: [row(1, 'a', 7)] }) }))
    const query = { flow: FLOW, state: 'review', rowsMax: 10 } as const
    assert.deepEqual(await state.approve({ ...query, key: key(2) }, null, word), { approved: 1, refused: [] })
    assert.equal(await state.reject({ ...query, key: key(3) }, word), 1)
    const [one, two, three] = await state.twinsOf([1, 2, 3])
    const same = two?.same
    assert.equal(same !== null && same !== undefined && 'lead' in same ? same.lead.link : null, 1)
    assert.deepEqual([one?.apart.leads, three?.apart.leads], [[3], [1]])
    assert.deepEqual(await state.parked(query), [], 'both are judged again')
    assert.deepEqual(
      (await state.decisions(SYNC, 10)).map((said) => [said.kind, said.key, said.other, said.by]),
      [
        ['different', key(3), key(1), 'Ann'],
        ['same', key(2), key(1), 'Ann'],
      ],
    )
  },

  async 'records of the target are found like others, belong to the record that they are linked to, and go when they are gone'({
    store,
    reopen,
  }) {
    const head = await openFlow(store.state)
    const page = { sync: SYNC, plan: 'p1', at_ms: 1, cursor: 'c1', filled: true }
    const there = (target: string) => ({ target, ref: null, features: `["${target}"]`, blocks: [7n] })
    await store.state.scanned({ ...page, rows: [there('x'), there('y')], gone: [] })
    await store.state.judge(judged(head, { links: [newLink(1, 1)] }))
    await store.state.settle(settled(head, { links: [{ id: 1, target: 'x', state: 'linked' }] }))
    const { state } = await reopen()
    const ask = [{ link: null, blocks: [7n], names: null }]
    const leads = async () =>
      (await state.twins(SYNC, ask, 50)).records.map(({ target, lead }) => [target, lead?.key ?? null]).sort()
    assert.deepEqual(await leads(), [
      ['x', key(1)],
      ['y', null],
    ])
    assert.deepEqual(await state.scanHead(SYNC, 'p1'), { cursor: 'c1', filled: true, records: 2 })
    assert.deepEqual(await state.scanHead(SYNC, 'p2'), { cursor: null, filled: false, records: 0 })
    await state.scanned({ ...page, cursor: 'c2', rows: [], gone: ['y'] })
    assert.deepEqual(await leads(), [['x', key(1)]])
  },

  async 'a value of a person stands for one value of the source'({ store }) {
    const { state } = store
    const head = await openFlow(state)
    const parked = lane(1, 4, { state: 'parked', image: { op: 'upsert', row: { id: 1, age: 7, mail: 'x' } } })
    await state.judge(judged(head, { links: [newLink(1, 1)], lanes: [parked] }))
    const query = { flow: FLOW, state: 'parked', rowsMax: 10 } as const
    await assert.rejects(state.edit(query, { nothing: 'x' }, word), /source column/)
    await assert.rejects(state.edit(query, { age: 'old' }, word), /age/)
    assert.equal(await state.edit(query, { age: '8', mail: null }, word), 1)
    assert.deepEqual(await state.edits([1]), [
      { link: 1, column: 'age', was: '7', value: '8' },
      { link: 1, column: 'mail', was: '"x"', value: 'null' },
    ])
    assert.deepEqual(await state.parked(query), [])
  },
}
