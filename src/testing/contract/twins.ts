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
  blocks,
  target: null,
})

const twins = (more: Partial<TwinCommit>): Partial<JudgeCommit> => ({
  twins: { rows: [], gone: [], members: [], left: [], touched: [], ...more },
})

const found = async (state: State, link: number | null, ...blocks: number[]) => {
  const { of } = await state.twins(SYNC, [{ link, blocks, names: null }], 50)
  return [...(await state.twinTexts('p1', of[0]?.ids ?? [])).features].sort()
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

  async 'a block of many tells only together with another one, that of very many tells nothing, and what is cut is told'({
    store,
    reopen,
  }) {
    const head = await openFlow(store.state)
    // Everybody shares block 1, thirty of them block 2, and one block 3.
    const many = Array.from({ length: 130 }, (_, n) => n + 1)
    const blocksOf = (n: number) => [1, ...(n > 100 ? [2] : []), ...(n === 130 ? [3] : []), 1000 + n]
    const rows = many.map((n) => row(n, `f${n}`, ...blocksOf(n)))
    await store.state.judge(judged(head, { links: many.map((n) => newLink(n, n)), ...twins({ rows }) }))
    const { state } = await reopen()
    const ask = async (link: number | null, idsMax: number, ...blocks: number[]) => {
      const { of, size } = await state.twins(SYNC, [{ link, blocks, names: 1 }], idsMax)
      assert.equal(size, 130)
      return of[0]
    }
    const own = [-1, -2, -3, -4]
    assert.deepEqual(await ask(null, 50, 1, 2, 3, ...own), {
      ids: [130],
      shared: [6],
      sizes: [130, 30, 1, 0, 0, 0, 0],
      cut: true,
      namesakes: 130,
    })
    assert.deepEqual((await ask(130, 50, 2, 3, ...own))?.sizes, [29, 0, 0, 0, 0, 0], 'others than itself')
    assert.equal((await ask(null, 50, 2))?.ids.length, 30, 'one that has no more blocks is compared by what it has')
    assert.deepEqual((await ask(null, 1, 2, 3))?.ids, [130], 'who shares most')
    assert.equal(await ask(null, 50, ...own), null)
  },

  async 'where the rules of comparison are other ones, all records of that sync are compared once more'({ store }) {
    const { state } = store
    const head = await openFlow(state)
    await state.judge(judged(head, { links: [newLink(1, 1)], ...twins({ rows: [row(1, 'a', 7)] }) }))
    assert.equal(await state.twinPlan(SYNC), null)
    const known = async () => (await state.twinsOf([1]))[0]?.row?.features ?? null
    await state.setTwinPlan(SYNC, 'p1 strict', false)
    assert.deepEqual([await state.twinPlan(SYNC), await known()], ['p1 strict', 'a'])
    await state.setTwinPlan('donors', 'p1 lax', true)
    assert.equal(await known(), 'a', 'another sync has its own')
    await state.setTwinPlan(SYNC, 'p1 lax', true)
    assert.deepEqual([await state.twinPlan(SYNC), await known()], ['p1 lax', null])
    assert.deepEqual(await found(state, null, 7), ['a'], 'the index stays as it is')
    await state.judge(judged(head, twins({ rows: [row(1, 'a', 7)] })))
    assert.equal(await known(), 'a')
  },

  async 'sketches are answered beside who shares a block, after a restart too, and zeros of rows that have none'({
    store,
    reopen,
  }) {
    const head = await openFlow(store.state)
    const sketch = (n: number) => [n, -n, 1, 0, 2 ** 31 - 1, -(2 ** 31)]
    const rows = [
      row(1, 'a', 7),
      { ...row(2, 'b', 7, 8), sketch: sketch(2) },
      { ...row(5_000, 'c', 8), sketch: sketch(3) },
    ]
    const links = [1, 2, 5_000].map((n) => newLink(n, n))
    await store.state.judge(judged(head, { links, ...twins({ rows }) }))
    const there = { target: 'x', ref: null, features: '["x"]', blocks: [8], sketch: sketch(4) }
    await store.state.scanned({ sync: SYNC, plan: 'p1', at_ms: 1, cursor: 'c', filled: true, rows: [there], gone: [] })
    const ask = async (state: State) => {
      const asked = [7, 9, 8].map((block) => ({ link: null, blocks: [block], names: null }))
      const { of, sketches } = await state.twins(SYNC, asked, 50)
      return { ids: of.map((answer) => answer?.ids ?? []), sketches: [...sketches] }
    }
    const none = [0, 0, 0, 0, 0, 0]
    const all = {
      ids: [[1, 2], [], [-1, 2, 5_000]],
      sketches: [none, sketch(2), sketch(4), sketch(2), sketch(3)].flat(),
    }
    assert.deepEqual(await ask(store.state), all)
    const { state } = await reopen()
    assert.deepEqual(await ask(state), all)
    const again = await openFlow(state)
    await state.judge(judged(again, twins({ rows: [row(2, 'b2', 7, 8)], gone: [5_000] })))
    assert.deepEqual(await ask(state), { ids: [[1, 2], [], [-1, 2]], sketches: [none, none, sketch(4), none].flat() })
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
    const there = (target: string) => ({ target, ref: null, features: `["${target}"]`, blocks: [7] })
    await store.state.scanned({ ...page, rows: [there('x'), there('y')], gone: [] })
    await store.state.judge(judged(head, { links: [newLink(1, 1)] }))
    await store.state.settle(settled(head, { links: [{ id: 1, target: 'x', state: 'linked' }] }))
    const { state } = await reopen()
    const ask = [{ link: null, blocks: [7], names: null }]
    const leads = async () => {
      const { of } = await state.twins(SYNC, ask, 50)
      return (await state.twinsAt(SYNC, of[0]?.ids ?? [])).map(({ target, lead }) => [target, lead?.key ?? null]).sort()
    }
    assert.deepEqual(await leads(), [
      ['x', key(1)],
      ['y', null],
    ])
    assert.deepEqual(await state.scanHead(SYNC, 'p1'), { cursor: 'c1', filled: true, records: 2 })
    assert.deepEqual(await state.scanHead(SYNC, 'p2'), { cursor: null, filled: false, records: 0 })
    await state.scanned({ ...page, cursor: 'c2', rows: [], gone: ['y'] })
    assert.deepEqual(await leads(), [['x', key(1)]])
  },

  async 'what the target shows of a record leaves the index when the record says something else, and comes back with the feed'({
    store,
  }) {
    const { state } = store
    const head = await openFlow(state)
    const page = { sync: SYNC, plan: 'p1', at_ms: 1, cursor: 'c1', filled: true, gone: [] }
    const there = (target: string) => ({ target, ref: null, features: `["${target}"]`, blocks: [7] })
    await state.scanned({ ...page, rows: ['w', 'x', 'y', 'z'].map(there) })
    const rows = [1, 2, 3].map((n) => row(n, `f${n}`, 8))
    await state.judge(judged(head, { links: [1, 2, 3].map((n) => newLink(n, n)), ...twins({ rows }) }))
    const linked = ['w', 'x', 'y'].map((target, i) => ({ id: i + 1, target, state: 'linked' as const }))
    await state.settle(settled(head, { links: linked }))
    const shown = async () => (await found(state, null, 7)).map((features) => features?.[2])
    await state.judge(judged(head, twins({ rows: rows.map((one) => ({ ...one })) })))
    assert.deepEqual(await shown(), ['w', 'x', 'y', 'z'], 'nothing else is said')
    const merged = { link: 2, into: 1, set: '{}', how: 'a person said so' }
    await state.judge(
      judged(
        head,
        twins({ rows: [row(1, 'new', 8), row(2, 'new', 8), { ...row(3, 'new', 8), plan: 'p2' }], members: [merged] }),
      ),
    )
    assert.deepEqual(
      await shown(),
      ['x', 'y', 'z'],
      'a merged record is not written, and another plan says nothing of values',
    )
    assert.equal((await state.scanHead(SYNC, 'p1')).records, 3)
    await state.scanned({ ...page, cursor: 'c2', rows: [there('w')] })
    assert.deepEqual(await shown(), ['w', 'x', 'y', 'z'])
    assert.equal((await state.scanHead(SYNC, 'p1')).records, 4)
    await state.settle(settled(head, { links: [{ id: 3, target: 'y', state: 'tombstone' }] }))
    assert.equal((await state.scanHead(SYNC, 'p1')).records, 3, 'what was deleted is not counted any more')
  },

  async 'a record of the target that one sync takes over belongs to nobody in another sync'({ store }) {
    const { state } = store
    const head = await openFlow(state)
    const page = { plan: 'p1', at_ms: 1, cursor: 'c1', filled: true, gone: [] }
    const there = { target: 'x', ref: null, features: '["x"]', blocks: [7] }
    await state.scanned({ ...page, sync: SYNC, rows: [there] })
    await state.scanned({ ...page, sync: 'donors', rows: [there] })
    await state.judge(
      judged(head, { links: [newLink(1, 1)], ...twins({ rows: [{ ...row(1, 'a', 7), target: 'x' }] }) }),
    )
    const leads = async (sync: string) => {
      const { of } = await state.twins(sync, [{ link: null, blocks: [7], names: null }], 50)
      const ids = of[0]?.ids ?? []
      return (
        await state.twinsAt(
          sync,
          ids.filter((id) => id < 0),
        )
      ).map(({ lead }) => lead?.key ?? null)
    }
    assert.deepEqual(await leads(SYNC), [key(1)])
    assert.deepEqual(await leads('donors'), [null])
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
