import assert from 'node:assert/strict'
import { failure } from '../../model/failure.ts'
import type { Next, State } from '../../model/state.ts'
import { FLOW, flight, judged, key, lane, newLink, openFlow, outcome, parked, settled } from './commits.ts'
import type { StoreCase } from './store.ts'

const takeAll = (state: State, now_ms: number, links: readonly number[] = [], rowsMax = 100) =>
  state
    .take(FLOW, now_ms, links, rowsMax)
    .then(({ lanes, next_ms }) => ({ links: lanes.map((each) => each.link), next_ms }))

/** What waits behind a parked record. */
const behind = (first: number, last: number): Next => ({ first, last, image: { op: 'upsert', row: { id: last } } })

const refuses = (code: string) => (error: unknown) => (error as { failure?: { code: string } }).failure?.code === code

/** What `State` promises. */
export const stateCases: Readonly<Record<string, StoreCase>> = {
  async 'a flow starts where it is told and goes on where it was'({ store, reopen }) {
    const first = await openFlow(store.state, 7)
    assert.deepEqual([first.judged, first.epoch, first.nextLink, first.nextRequest], [7, 1, 1, 1])
    await store.state.judge(judged(first, { judged: 9, readMore: 2, links: [newLink(1, 1)], flights: [flight(4, 8)] }))
    const { state } = await reopen()
    const again = await openFlow(state, 0)
    assert.deepEqual([again.judged, again.read, again.epoch, again.nextLink, again.nextRequest], [9, 2, 2, 2, 5])
    assert.deepEqual(await state.flights(FLOW), [flight(4, 8)])
  },

  async 'commits of an owner that was replaced are refused, and leave nothing'({ store }) {
    const { state } = store
    const old = await openFlow(state)
    await state.judge(judged(old, { judged: 1, links: [newLink(1, 1)], flights: [flight(1, 1)] }))
    const now = await openFlow(state)
    const late = judged(old, { judged: 9, outcomes: [outcome(2, 'excluded')], lanes: [lane(1, 2)] })
    await assert.rejects(state.judge(late), refuses('SYNC-6008'))
    await assert.rejects(state.settle(settled(old, { outcomes: [outcome(1, 'delivered')] })), refuses('SYNC-6008'))
    await assert.rejects(state.extend(FLOW, old.epoch, flight(1).request.id, 9_000, null), refuses('SYNC-6008'))
    const counts = await state.counts(FLOW)
    assert.deepEqual([counts.delivered, counts.excluded, counts.waiting, counts.inFlight], [0, 0, 0, 1])
    await state.settle(settled(now, { outcomes: [outcome(1, 'delivered')], flightsClosed: [flight(1).request.id] }))
    assert.equal((await state.counts(FLOW)).delivered, 1)
  },

  async 'a flow refuses the journal of another installation'({ store }) {
    await openFlow(store.state)
    const other = store.state.openFlow({ id: FLOW, sync: 'members', journalId: 'journal-2', from: 0 })
    await assert.rejects(other, refuses('SYNC-5005'))
  },

  async 'the classes add up to what was read'({ store }) {
    const { state } = store
    const head = await openFlow(state)
    await state.judge(
      judged(head, {
        judged: 10,
        readMore: 10,
        links: [1, 2, 3, 4, 6, 7].map((n) => newLink(n, n)),
        outcomes: [outcome(5, 'excluded', { note: 'filter' }), outcome(8, 'superseded', { by: 9 })],
        lanes: [lane(2, 2), parked(3, 3), lane(4, 4, { state: 'review' }), lane(9, null)],
        flights: [flight(1, 1, 6), flight(2, 7)],
      }),
    )
    await state.judge(judged(head, { judged: 10, outcomes: [outcome(9, 'excluded'), outcome(10, 'excluded')] }))
    await state.settle(settled(head, { outcomes: [outcome(7, 'delivered')], flightsClosed: [flight(2).request.id] }))
    const counts = await state.counts(FLOW)
    assert.deepEqual(counts, {
      delivered: 1,
      superseded: 1,
      excluded: 3,
      discarded: 0,
      quarantined: 1,
      review: 1,
      waiting: 1,
      held: 0,
      inFlight: 2,
    })
    const [flow] = await state.flows()
    assert.equal(
      Object.values(counts).reduce((sum, n) => sum + n),
      flow?.read,
    )
    const { reviewSince_ms: _, ...backlog } = await state.backlog(FLOW)
    const records = { parked: 1, review: 1 }
    assert.deepEqual(backlog, { waiting: 1, held: 0, inFlight: 2, ...records, parkedSince_ms: 1_000, records })
  },

  async 'an entry has one outcome for ever'({ store }) {
    const head = await openFlow(store.state)
    await store.state.judge(judged(head, { judged: 1, outcomes: [outcome(1, 'excluded')] }))
    await assert.rejects(store.state.judge(judged(head, { judged: 2, outcomes: [outcome(1, 'discarded')] })))
  },

  async 'links that change their keys with each other within one window'({ store }) {
    const { state } = store
    const head = await openFlow(state)
    await state.judge(judged(head, { links: [newLink(1, 1, { ref: 'a' }), newLink(2, 2, { ref: 'b' })] }))
    await state.settle(
      settled(head, {
        links: [1, 2].map((id) => ({ id, target: `003-${id}`, state: 'linked' as const })),
        shadows: [{ link: 1, image: '{"n":1}' }],
      }),
    )
    await state.judge(
      judged(head, {
        links: [newLink(1, 2, { ref: 'b', isNew: false }), newLink(2, 1, { ref: 'a', isNew: false })],
      }),
    )
    const known = await state.gather(FLOW, 'members', [key(1), key(2), key(3)])
    assert.deepEqual(
      known.map((each) => each && [each.link, each.target, each.state, each.shadow]),
      [[2, '003-2', 'linked', null], [1, '003-1', 'linked', '{"n":1}'], null],
    )
  },

  async 'a record is found by what the target calls it'({ store }) {
    const { state } = store
    const head = await openFlow(state)
    await state.judge(judged(head, { links: [newLink(1, 1, { ref: 'ext-a' }), newLink(2, 2)] }))
    const target = '0035g00000AbCdEAAV'
    await state.settle(settled(head, { links: [{ id: 1, target, state: 'linked' }] }))
    for (const id of [target, target.slice(0, 15), 'Ext-A'])
      assert.deepEqual(await state.keysOf('members', id), [key(1)])
    for (const id of ['ext', target.slice(0, 14), '0035g00000AbCdF', '%'])
      assert.deepEqual(await state.keysOf('members', id), [], id)
    assert.deepEqual(await state.keysOf('others', target), [])
  },

  async 'a target record belongs to one link: the one that the target named last'({ store }) {
    const { state } = store
    const head = await openFlow(state)
    const links = (...ids: number[]) => ids.map((id) => ({ id, target: '003-1', state: 'linked' as const }))
    await state.judge(judged(head, { links: [newLink(1, 1), newLink(2, 2)] }))
    await state.settle(settled(head, { links: links(1), shadows: [{ link: 1, image: '{}' }] }))
    await state.settle(settled(head, { links: links(2) }))
    const [one, two] = await state.gather(FLOW, 'members', [key(1), key(2)])
    assert.deepEqual([one?.target, one?.state, one?.shadow, two?.target], [null, 'open', null, '003-1'])
    assert.equal(one?.lane?.image.op, 'touch', 'the one that lost it is read again')
    assert.equal(await state.linked('members'), 1)
  },

  async 'lanes are taken when they are due, the oldest first, or when they are asked for'({ store, reopen }) {
    const head = await openFlow(store.state)
    await store.state.judge(
      judged(head, {
        links: [1, 2, 3, 4, 5].map((n) => newLink(n, n)),
        lanes: [
          lane(1, 1, { due_ms: 3_000 }),
          lane(2, 2, { due_ms: 1_000 }),
          lane(3, 3, { due_ms: 1_000 }),
          lane(4, 4),
          parked(5, 5),
        ],
      }),
    )
    const { state } = store
    assert.deepEqual(await takeAll(state, 999), { links: [], next_ms: 1_000 })
    assert.deepEqual(await takeAll(state, 1_000), { links: [2, 3], next_ms: 3_000 })
    assert.deepEqual(await takeAll(state, 9_000), { links: [2, 3, 1], next_ms: null })
    assert.deepEqual(await takeAll(state, 9_000, [], 2), { links: [2, 3], next_ms: null }, 'bounded')
    assert.deepEqual(await takeAll(state, 0, [4, 1, 5, 99]), { links: [4, 1], next_ms: 1_000 }, 'never a parked one')
    assert.deepEqual(await takeAll(state, 1_000, [3]), { links: [3, 2], next_ms: 3_000 }, 'each once')
    const [first] = (await state.take(FLOW, 0, [1], 1)).lanes
    assert.deepEqual(first, { ...lane(1, 1, { due_ms: 3_000 }), key: key(1) })
    await state.hasten(FLOW)
    assert.deepEqual((await takeAll(state, 0)).links, [1, 2, 3], 'all but what stands behind a flight')
    const again = (await reopen()).state
    await openFlow(again)
    assert.deepEqual((await takeAll(again, 0)).links, [1, 2, 3, 4], 'a start waits for nobody')
  },

  async 'settled is before the oldest entry that is waiting or in flight; parked ones pin nothing'({ store }) {
    const { state } = store
    const head = await openFlow(state)
    assert.equal(await state.settled(FLOW), 0)
    const links = [3, 5, 7].map((n) => newLink(n, n))
    await state.judge(judged(head, { judged: 9, links, lanes: [parked(3, 3)] }))
    assert.equal(await state.settled(FLOW), 9)
    await state.judge(judged(head, { judged: 9, lanes: [lane(5, 6, { first: 5 })], flights: [flight(1, 7)] }))
    assert.equal(await state.settled(FLOW), 4)
    await state.judge(judged(head, { judged: 9, lanesGone: [5] }))
    assert.equal(await state.settled(FLOW), 6)
    await state.settle(settled(head, { flightsClosed: [flight(1).request.id] }))
    assert.equal(await state.settled(FLOW), 9)
  },

  async 'a flight keeps its latest landing time and its ticket, and shrinks to what is left of it'({ store }) {
    const { state } = store
    const head = await openFlow(state)
    const { id } = flight(1).request
    await state.judge(judged(head, { flights: [flight(2, 3), flight(1, 1, 2)] }))
    await state.extend(FLOW, head.epoch, id, 9_000, 'job-1')
    await state.extend(FLOW, head.epoch, id, 8_000, null)
    const [first, second] = await state.flights(FLOW)
    assert.deepEqual(first, { ...flight(1, 1, 2), ticket: 'job-1', mayLandUntil_ms: 9_000 })
    assert.equal(second?.request.number, 2, 'in the order of their numbers')
    const left = { ...flight(1, 2), ticket: 'job-1', mayLandUntil_ms: 12_000 }
    await state.settle(settled(head, { flightsLeft: [left], flightsClosed: [flight(2).request.id] }))
    assert.deepEqual(await state.flights(FLOW), [left])
  },

  async 'parked records are found by cause and key, released, and given up by a named person'({ store }) {
    const { state } = store
    const head = await openFlow(state)
    await state.judge(
      judged(head, {
        judged: 4,
        readMore: 4,
        links: [1, 2, 3, 4].map((n) => newLink(n, n)),
        lanes: [
          parked(1, 1, 'SYNC-4001', 3_000),
          parked(2, 2, 'SYNC-4002', 2_000),
          parked(3, 3, 'SYNC-4001', 1_000),
          lane(4, 4, { state: 'review' }),
        ],
      }),
    )
    const all = { flow: FLOW, state: 'parked', rowsMax: 10 } as const
    const found = async (more: object) => (await state.parked({ ...all, ...more })).map((each) => each.link)
    assert.deepEqual(await found({}), [3, 2, 1], 'oldest first')
    assert.deepEqual(await found({ code: 'SYNC-4001' }), [3, 1])
    assert.deepEqual(await found({ key: key(2) }), [2])
    assert.deepEqual(await found({ rowsMax: 1 }), [3])
    const causes = await state.causes(FLOW)
    assert.deepEqual(
      causes.map(({ stage, code, field, n, oldest_ms }) => [stage, code, field, n, oldest_ms]),
      [
        ['schema', 'SYNC-4001', 'Email', 2, 1_000],
        ['schema', 'SYNC-4002', 'Email', 1, 2_000],
      ],
    )
    assert.equal(await state.parkedCount(all), 3)
    assert.equal(await state.parkedCount({ ...all, code: 'SYNC-4001', before_ms: 2_000 }), 1)
    assert.equal(await state.parkedCount({ ...all, rowsMax: 2 }), 2)
    assert.equal(await state.release({ ...all, code: 'SYNC-4002' }), 1)
    assert.deepEqual((await takeAll(state, 0)).links, [2])
    assert.equal(await state.discard({ ...all, key: key(1) }, 'ada', 'a test record', 5_000), 1)
    assert.deepEqual(await found({}), [3])
    const { outcomes } = await state.story(FLOW, 'members', key(1), [], 9)
    const told = { ...outcome(1, 'discarded', { link: 1, note: 'ada: a test record' }), at_ms: 5_000, ruleSet: 1 }
    assert.deepEqual(outcomes, [told])
    const counts = await state.counts(FLOW)
    assert.deepEqual([counts.quarantined, counts.waiting, counts.discarded, counts.review], [1, 1, 1, 1])
    assert.equal(await state.verifyChain(), null)
  },

  async 'records that are gone are due to be deleted, whatever waits or is parked of them'({ store }) {
    const { state } = store
    const head = await openFlow(state)
    const linked = [1, 2, 3].map((id) => ({ id, target: `003-${id}`, state: 'linked' as const }))
    const links = [1, 2, 3, 4, 5, 6, 7].map((n) => newLink(n, n))
    await state.judge(
      judged(head, { links, lanes: [lane(2, 2, { due_ms: 7 }), { ...parked(4, 4), next: behind(6, 8) }] }),
    )
    const deleted = [5, 6, 7].map((id) => ({ id, target: null, state: 'tombstone' as const }))
    await state.settle(settled(head, { links: [...linked, ...deleted] }))
    await state.judge(judged(head, { lanes: [lane(6, 9)], flights: [flight(1, 7)] }))
    assert.deepEqual(
      (await state.linksAfter(FLOW, 'members', 1, 3)).map((each) => [each.link, each.key, each.state]),
      [
        [2, key(2), 'linked'],
        [3, key(3), 'linked'],
        [4, key(4), 'open'],
      ],
    )
    const rest = (await state.linksAfter(FLOW, 'members', 4, 9)).map((each) => each.link)
    assert.deepEqual(rest, [6, 7], 'of the deleted ones those that may come back')
    await state.gone(FLOW, [1, 2, 4, 1], 4_000)
    const { lanes } = await state.take(FLOW, 10, [], 9)
    assert.deepEqual(
      lanes.map((each) => [each.link, each.image.op, each.first, each.last, each.next]),
      [
        [1, 'delete', null, null, null],
        [4, 'delete', 4, 8, null],
        [2, 'delete', 2, 2, null],
      ],
    )
    const { waiting, held, superseded, quarantined } = await state.counts(FLOW)
    assert.deepEqual([waiting, held, superseded, quarantined], [3, 0, 1, 0], 'a repeat of ours stands for no entry')
  },

  async 'what waits behind a parked record is pending, and goes next when it is given up'({ store, reopen }) {
    const head = await openFlow(store.state)
    const links = [1, 2, 3].map((n) => newLink(n, n))
    const gone = { ...behind(7, 7), image: { op: 'delete' as const, row: {} } }
    const lanes = [{ ...parked(1, 1), next: behind(4, 5) }, { ...parked(2, 2), next: gone }, parked(3, 3)]
    await store.state.judge(judged(head, { judged: 7, readMore: 7, links, lanes }))
    const { state } = await reopen()
    const all = { flow: FLOW, state: 'parked', rowsMax: 10 } as const
    assert.deepEqual(
      (await state.parked(all)).map((each) => each.next),
      [behind(4, 5), gone, null],
    )
    const { quarantined, held, waiting } = await state.counts(FLOW)
    assert.deepEqual([quarantined, held, waiting], [3, 2, 0])
    assert.equal((await state.backlog(FLOW)).held, 2)
    assert.equal(await state.settled(FLOW), 7, 'it has an image of its own and pins nothing')
    await state.release({ ...all, key: key(1) })
    const [released] = (await state.take(FLOW, 0, [], 9)).lanes
    assert.deepEqual([released?.last, released?.next], [1, behind(4, 5)], 'it goes first')
    assert.equal(await state.discard(all, 'ada', 'wrong', 5_000), 2)
    const taken = (await state.take(FLOW, 0, [2], 9)).lanes.find((each) => each.link === 2)
    assert.deepEqual(
      [taken?.first, taken?.last, taken?.image.op, taken?.next, taken?.stage],
      [7, 7, 'delete', null, null],
    )
    await state.judge(judged(head, { judged: 7, lanes: [{ ...parked(1, 1), next: behind(4, 5) }] }))
    await state.discard(all, 'ada', 'wrong', 5_000)
    const [first] = (await state.take(FLOW, 0, [1], 9)).lanes.filter((each) => each.link === 1)
    assert.deepEqual(
      [first?.image, first?.last],
      [{ op: 'touch', row: { id: 5 } }, 5],
      'what it does not carry is read',
    )
  },

  async 'a flow that needs a snapshot is opened by one alone, and its gap is one audit row'({ store, reopen }) {
    const head = await openFlow(store.state)
    await store.state.judge(
      judged(head, { judged: 3, readMore: 3, outcomes: [1, 2, 3].map((n) => outcome(n, 'excluded')) }),
    )
    assert.deepEqual([head.gap, head.sweep], [null, false])
    const why = failure('SYNC-6012', 'too far behind')
    await store.state.giveUp(FLOW, head.epoch, { upTo: 10, entries: 5 }, why)
    await store.state.setStatus(FLOW, 'running', null)
    await store.state.giveUp(FLOW, head.epoch, { upTo: 12, entries: 6 }, null)
    const { state } = await reopen()
    const again = await openFlow(state)
    assert.deepEqual(
      [again.status, again.reason?.code, again.gap, again.judged, again.read],
      ['needs-snapshot', 'SYNC-6012', { upTo: 12, entries: 6 }, 3, 3],
    )
    assert.equal(await state.settled(FLOW), 12, 'it holds nothing back')
    await assert.rejects(state.reread(FLOW, head.epoch, 20, 9, 4_000), refuses('SYNC-6008'))
    await assert.rejects(state.giveUp(FLOW, head.epoch, { upTo: 30, entries: 9 }, null), refuses('SYNC-6008'))
    await state.reread(FLOW, again.epoch, 20, 9, 4_000)
    const [flow] = await state.flows()
    assert.deepEqual(
      [flow?.status, flow?.reason, flow?.gap, flow?.judged, flow?.read, flow?.sweep],
      ['running', null, null, 20, 12, true],
    )
    const counts = await state.counts(FLOW)
    assert.deepEqual([counts.superseded, counts.excluded], [9, 3])
    const { outcomes } = await state.story(FLOW, 'members', key(1), [7], 9)
    const [row] = outcomes
    assert.deepEqual([row?.seq, row?.kind, row?.range], [20, 'superseded', { first: 4, entries: 9 }])
    assert.equal(await state.verifyChain(), null)
    await state.reread(FLOW, again.epoch, 99, 1, 5_000)
    assert.equal((await state.flows())[0]?.judged, 20, 'one that needs none stays where it is')
    await state.setSweep(FLOW, false)
    assert.equal((await state.flows())[0]?.sweep, false)
  },

  async 'a status and its reason, approvals, identities'({ store, reopen }) {
    await openFlow(store.state)
    await store.state.setStatus(FLOW, 'stopped', failure('SYNC-6001', 'too many'))
    await store.state.approveDeletes(FLOW, 12, 3_000)
    assert.equal(await store.state.identity('salesforce', '00D1'), '00D1')
    const { state } = await reopen()
    const head = await openFlow(state)
    assert.deepEqual(
      [head.status, head.reason?.code, head.deletesApproved, head.deletesApproved_ms],
      ['stopped', 'SYNC-6001', 12, 3_000],
    )
    assert.equal(await state.identity('salesforce', '00D2'), '00D1', 'who it was at the first run')
    await state.setStatus(FLOW, 'running', null)
    assert.deepEqual(await state.flows().then(([flow]) => [flow?.status, flow?.reason]), ['running', null])
  },

  async 'children and the roots that they belonged to'({ store }) {
    const { state } = store
    const head = await openFlow(state)
    const related = (root: number, ...children: number[]) => ({
      join: 'card',
      root: key(root),
      children: children.map(key),
    })
    await state.judge(judged(head, { related: [related(1, 10, 11), related(2, 11)] }))
    const roots = async (...children: number[]) =>
      (await state.roots('members', 'card', children.map(key))).map((found) => [...found].sort())
    assert.deepEqual(await roots(10, 11, 12), [[key(1)], [key(1), key(2)], []])
    await state.judge(judged(head, { related: [related(1, 12)] }))
    assert.deepEqual(await roots(10, 11, 12), [[], [key(2)], [key(1)]])
  },

  async 'status events are appended in order'({ store }) {
    const { state } = store
    const head = await openFlow(state)
    for (const status of ['one', 'two', 'three']) await state.settle(settled(head, { status }))
    assert.deepEqual(
      (await state.statusAfter(1, 9)).map(({ seq, at_ms, body }) => [seq, at_ms, body]),
      [
        [2, 2_000, 'two'],
        [3, 2_000, 'three'],
      ],
    )
  },
}
