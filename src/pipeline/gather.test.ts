import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Lane, State } from '../model/state.ts'
import { CARDS, cardJoin, entry, full, key, knowing, lane, linked, MEMBERS, never, spec, tables } from './fixture.ts'
import { gather } from './gather.ts'

const gathered = async (
  entries: Parameters<typeof gather>[0],
  state: State,
  more: Parameters<typeof spec>[0] = {},
  source = tables({}),
) => {
  const { subjects, outcomes } = await gather(entries, [], spec(more), state, source, never)
  return {
    subjects,
    folded: subjects.map((each) => [each.key, each.image.op, each.image.row, each.covers]),
    outcomes: outcomes.map((each) => [each.seq, each.kind, each.by]),
  }
}

test('rule 6: changes of one record fold into one image, and the newest supersedes the others', async () => {
  const { folded, outcomes } = await gathered(
    [
      entry(1, 'create', 1, full(1)),
      entry(2, 'update', 1, { id: 1, name: 'Eva' }),
      entry(3, 'update', 2, { id: 2, name: 'Bob' }),
    ],
    knowing({}),
  )
  assert.deepEqual(
    folded.map(([a, b, row, d]) => [a, b, { ...(row as object) }, d]),
    [
      ['["1"]', 'upsert', { id: 1, name: 'Eva', note: 'n' }, 2],
      ['["2"]', 'upsert', { id: 2, name: 'Bob' }, 3],
    ],
  )
  assert.deepEqual(outcomes, [[1, 'superseded', 2]])
})

test('rule 6: a later partial change is judged on the parked image plus itself, and supersedes it', async () => {
  const { subjects, outcomes } = await gathered(
    [entry(9, 'update', 1, { id: 1, name: 'good' })],
    knowing({ '["1"]': linked(4, { lane: lane(4) }) }),
  )
  assert.deepEqual({ ...subjects[0]?.image.row }, { id: 1, name: 'good', note: 'kept' })
  assert.equal(subjects[0]?.first, 1)
  assert.deepEqual(outcomes, [[1, 'superseded', 9]])
})

test('a delete and a new row of the same key in one window are one upsert of the new row', async () => {
  const { folded } = await gathered(
    [entry(1, 'delete', 1, { id: 1 }), entry(2, 'create', 1, full(1, 'New'))],
    knowing({}),
  )
  assert.deepEqual(
    folded.map(([, op, row]) => [op, (row as { name: string }).name]),
    [['upsert', 'New']],
  )
})

test('a key change takes the link along; the freed key is a stranger', async () => {
  const moved = entry(1, 'update', 2, full(2), { oldKey: key(1) })
  const { subjects } = await gathered([moved, entry(2, 'create', 1, full(1, 'Next'))], knowing({ '["1"]': linked(4) }))
  assert.deepEqual(
    subjects.map((each) => [each.key, each.known?.link ?? null, each.movedFrom]),
    [
      ['["2"]', 4, '["1"]'],
      ['["1"]', null, null],
    ],
  )
})

test('a key change onto a key that has a record deletes the one and reads the other, whose columns are its own', async () => {
  const { subjects } = await gathered(
    [entry(1, 'update', 2, full(2), { oldKey: key(1) })],
    knowing({ '["1"]': linked(4), '["2"]': linked(5) }),
  )
  assert.deepEqual(
    subjects.map((each) => [each.key, each.known?.link, each.image.op, each.covers]),
    [
      ['["1"]', 4, 'delete', null],
      ['["2"]', 5, 'touch', 1],
    ],
  )
})

test('rule 20: a moved child re-reads the record that it belongs to and the one that it used to belong to', async () => {
  const child = entry(1, 'update', 7, { id: 7, member_id: 2 }, { table: CARDS })
  const { subjects } = await gathered([child], knowing({}, { '["7"]': ['["1"]'] }), { joins: [cardJoin] })
  assert.deepEqual(
    subjects.map((each) => [each.key, each.image.op, each.covers]),
    [
      ['["2"]', 'touch', 1],
      ['["1"]', 'touch', null],
    ],
  )
})

test('rule 20: a deleted child that names nobody is found by what was stored, also within its own window', async () => {
  const gone = entry(2, 'delete', 7, { id: 7 }, { table: CARDS })
  const stored = await gathered([gone], knowing({}, { '["7"]': ['["1"]'] }), { joins: [cardJoin] })
  assert.deepEqual(
    stored.subjects.map((each) => each.key),
    ['["1"]'],
  )
  const within = await gathered([entry(1, 'create', 7, { id: 7, member_id: 3 }, { table: CARDS }), gone], knowing({}), {
    joins: [cardJoin],
  })
  assert.deepEqual(
    within.subjects.map((each) => [each.key, each.covers]),
    [['["3"]', 2]],
  )
})

test('a child that belongs to no record is excluded, by name', async () => {
  const { outcomes, subjects } = await gathered([entry(1, 'delete', 7, { id: 7 }, { table: CARDS })], knowing({}), {
    joins: [cardJoin],
  })
  assert.equal(subjects.length, 0)
  assert.deepEqual(outcomes, [[1, 'excluded', null]])
})

test('a row of another table that many records share touches all of them', async () => {
  const chapters = {
    alias: 'chapter',
    table: 'public.chapters',
    key: ['id'],
    on: [{ child: 'id', root: 'chapter_id' }],
    take: null,
  }
  const source = tables({
    [MEMBERS]: [
      { id: 1, chapter_id: 9 },
      { id: 2, chapter_id: 9 },
      { id: 3, chapter_id: 8 },
    ],
  })
  const { subjects } = await gathered(
    [entry(1, 'update', 9, { id: 9, name: 'Vienna' }, { table: 'public.chapters' })],
    knowing({}),
    { joins: [chapters] },
    source,
  )
  assert.deepEqual(
    subjects.map((each) => [each.key, each.covers]),
    [
      ['["1"]', 1],
      ['["2"]', null],
    ],
  )
})

/** A record that is parked, with what waits behind it. */
const waitingBehind = (next: Lane['next'] = null) => knowing({ '["1"]': linked(4, { lane: lane(4, { next }) }) })

const held = async (entries: Parameters<typeof gather>[0], state: State) => {
  const { subjects, held, outcomes } = await gather(
    entries,
    [],
    spec({ whileParked: 'wait' }),
    state,
    tables({}),
    never,
  )
  return {
    subjects: subjects.map((each) => [each.key, each.image.op, { ...each.image.row }, each.first, each.covers]),
    held: held.map(({ link, state, last, image, next }) => [
      [link, state, last, image.row['name']],
      next && [next.first, next.last, next.image.op, { ...next.image.row }],
    ]),
    outcomes: outcomes.map((each) => [each.seq, each.kind, each.by]),
  }
}

test('whileParked: wait: later changes fold among themselves and leave the parked one as it is', async () => {
  const first = await held([entry(9, 'update', 1, { id: 1, name: 'good' })], waitingBehind())
  assert.deepEqual(first, {
    subjects: [],
    held: [
      [
        [4, 'parked', 1, 'bad'],
        [9, 9, 'upsert', { id: 1, name: 'good' }],
      ],
    ],
    outcomes: [],
  })
  const next = { first: 9, last: 9, image: { op: 'upsert', row: { id: 1, name: 'good' } } } as const
  const second = await held([entry(12, 'update', 1, { id: 1, note: 'later' })], waitingBehind(next))
  assert.deepEqual(second.held, [
    [
      [4, 'parked', 1, 'bad'],
      [9, 12, 'upsert', { id: 1, name: 'good', note: 'later' }],
    ],
  ])
  assert.deepEqual(second.outcomes, [[9, 'superseded', 12]])
})

test('whileParked: wait: a delete waits too, and what comes after it is not laid over what it deleted', async () => {
  const deleted = await held([entry(9, 'delete', 1, { id: 1 })], waitingBehind())
  assert.deepEqual(
    deleted.held.map(([, next]) => next),
    [[9, 9, 'delete', { id: 1 }]],
  )
  const again = await held([entry(9, 'delete', 1, { id: 1 }), entry(10, 'create', 1, full(1, 'New'))], waitingBehind())
  assert.deepEqual(
    again.held.map(([, next]) => next),
    [[9, 10, 'upsert', full(1, 'New')]],
  )
})

test('whileParked: wait: a change of its key takes the parked record with it, and ends the waiting', async () => {
  const next = { first: 9, last: 9, image: { op: 'upsert', row: { id: 1, name: 'good' } } } as const
  const moved = await held([entry(12, 'update', 7, { id: 7 }, { oldKey: key(1) })], waitingBehind(next))
  assert.deepEqual(moved, {
    subjects: [['["7"]', 'upsert', { id: 7, name: 'good', note: 'kept' }, 1, 12]],
    held: [],
    outcomes: [
      [1, 'superseded', 9],
      [9, 'superseded', 12],
    ],
  })
})

test('whileParked: wait: a snapshot that was asked for tells everything anew; one of the whole table waits', async () => {
  const asked = await held([entry(12, 'read', 1, full(1), { only: 'members' })], waitingBehind())
  assert.deepEqual(
    [asked.subjects, asked.held, asked.outcomes],
    [[['["1"]', 'upsert', full(1), 1, 12]], [], [[1, 'superseded', 12]]],
  )
  assert.equal((await held([entry(12, 'read', 1, full(1))], waitingBehind())).held.length, 1)
})

test('whileParked: wait: when its turn comes the released image is judged alone, and changes go on waiting', async () => {
  const next = { first: 9, last: 9, image: { op: 'upsert', row: { id: 1, name: 'good' } } } as const
  const released = lane(4, { state: 'waiting', next })
  const state = knowing({ '["1"]': linked(4, { lane: released }) })
  const of = spec({ whileParked: 'wait' })
  const turn = await gather([], [{ ...released, key: key(1) }], of, state, tables({}), never)
  assert.deepEqual(
    turn.subjects.map((each) => [each.image.row['name'], each.covers, each.lane?.next]),
    [['bad', 1, next]],
  )
  const more = await held([entry(12, 'update', 1, { id: 1, name: 'newest' })], state)
  assert.deepEqual(more.held, [
    [
      [4, 'waiting', 1, 'bad'],
      [9, 12, 'upsert', { id: 1, name: 'newest' }],
    ],
  ])
})

test('what waited under whileParked: wait is folded once the configuration says otherwise', async () => {
  const next = { first: 9, last: 9, image: { op: 'upsert', row: { id: 1, name: 'good' } } } as const
  const { folded, outcomes } = await gathered([entry(12, 'update', 1, { id: 1, note: 'x' })], waitingBehind(next))
  assert.deepEqual(
    folded.map(([, op, row, covers]) => [op, { ...(row as object) }, covers]),
    [['upsert', { id: 1, name: 'good', note: 'x' }, 12]],
  )
  assert.deepEqual(outcomes, [
    [1, 'superseded', 9],
    [9, 'superseded', 12],
  ])
})
