import assert from 'node:assert/strict'
import { test } from 'node:test'
import { failure } from '../model/failure.ts'
import type { Known, Lane, State } from '../model/state.ts'
import type { Delivery } from '../model/target.ts'
import { rowText } from '../model/value.ts'
import { choose, compose } from './compose.ts'
import {
  CARDS,
  cardJoin,
  entry,
  jumpingClock,
  key,
  MEMBERS,
  never,
  parts,
  plainTarget,
  spec,
  tables,
} from './fixture.ts'
import { gather, type Subject } from './gather.ts'
import { guard } from './guard.ts'
import { judge, type Traffic } from './judge.ts'
import { land } from './land.ts'
import { settle } from './settle.ts'
import { type Launch, launchOf } from './window.ts'

const free: Traffic = { busy: () => false, holder: () => null }
const full = (id: number, name = 'Anna') => ({ id, name, note: 'n' })

/** A state that knows these records and answers nothing else. */
const knowing = (
  known: { readonly [key: string]: Known },
  roots: { readonly [child: string]: readonly string[] } = {},
): State =>
  ({
    gather: async (_flow: string, _sync: string, keys: readonly string[]) => keys.map((each) => known[each] ?? null),
    roots: async (_sync: string, _join: string, children: readonly string[]) =>
      children.map((child) => roots[child] ?? []),
    refs: async (_sync: string, refs: readonly string[]) => refs.map((ref) => (ref === 'taken' ? 77 : null)),
    shadows: async (links: readonly number[]) =>
      links.map((link) => Object.values(known).find((each) => each.link === link)?.shadow ?? null),
    take: async () => ({
      lanes: Object.values(known).flatMap((each) => (each.lane === null ? [] : [each.lane])),
      next_ms: null,
    }),
    linked: async () => 1_000,
  }) as unknown as State

const linked = (link: number, more: Partial<Known> = {}): Known => ({
  link,
  state: 'linked',
  target: `003${link}`,
  shadow: null,
  lane: null,
  ...more,
})
const lane = (link: number, more: Partial<Lane> = {}): Lane => ({
  link,
  state: 'parked',
  first: 1,
  last: 1,
  image: { op: 'upsert', row: { id: 1, name: 'bad', note: 'kept' } },
  due_ms: null,
  attempts: 0,
  stage: 'schema',
  reasons: [],
  since_ms: 5,
  ...more,
})

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

const subject = (id: number, image: Subject['image'], more: Partial<Subject> = {}): Subject => ({
  key: key(id),
  known: null,
  movedFrom: null,
  image,
  covers: 1,
  first: 1,
  committed_ms: null,
  lane: null,
  ...more,
})

test('I6: only what the log left out is read again, and only where it is needed', async () => {
  const source = tables({ [MEMBERS]: [{ id: 1, name: 'newer', note: 'now' }] })
  const unseen = subject(1, { op: 'upsert', row: { id: 1, name: 'log' } })
  const held = subject(1, { op: 'upsert', row: { id: 1, name: 'log' } }, { known: linked(1, { shadow: '{}' }) })
  await compose([unseen], spec(), source, never)
  await compose([held], spec(), source, never)
  assert.deepEqual({ ...unseen.image.row }, { id: 1, name: 'log', note: 'now' })
  assert.deepEqual({ ...held.image.row }, { id: 1, name: 'log' }, 'the target keeps what did not change')
  assert.equal(source.asked.length, 1)
})

test('a touched record without a row is deleted', async () => {
  const gone = subject(5, { op: 'touch', row: {} })
  await compose([gone], spec(), tables({ [MEMBERS]: [] }), never)
  assert.equal(gone.image.op, 'delete')
})

test('a joined record has the chosen child, and remembers all of them', async () => {
  const wide = { ...spec().mapping, columns: ['id', 'name', 'note', 'card.level'] }
  const source = tables({
    [MEMBERS]: [full(1), full(2)],
    [CARDS]: [
      { id: 7, member_id: 1, level: 'old', expires: { kind: 'date', text: '2024-01-01' } },
      { id: 8, member_id: 1, level: 'new', expires: { kind: 'date', text: '2025-01-01' } },
      { id: 9, member_id: 1, level: 'none', expires: null },
    ],
  })
  const subjects = [subject(1, { op: 'touch', row: {} }), subject(2, { op: 'touch', row: {} })]
  const related = await compose(subjects, spec({ joins: [cardJoin], mapping: wide }), source, never)
  assert.deepEqual(
    subjects.map((each) => each.image.row['card.level']),
    ['new', null],
  )
  assert.deepEqual(
    related.map((each) => [each.root, each.children]),
    [
      ['["1"]', ['["7"]', '["8"]', '["9"]']],
      ['["2"]', []],
    ],
  )
})

test('the chosen child: numbers by size, nulls last, ties by key', () => {
  const by = (column: string, order: 'latest' | 'earliest') => ({ ...cardJoin, take: { order, column } })
  const rows = [
    { id: 1, n: 9 },
    { id: 2, n: { kind: 'decimal' as const, text: '10' } },
    { id: 3, n: null },
    { id: 4, n: 9 },
  ]
  assert.equal(choose(rows, by('n', 'latest'))?.['id'], 2)
  assert.equal(choose(rows, by('n', 'earliest'))?.['id'], 1)
  assert.equal(choose([rows[2]!], by('n', 'latest'))?.['id'], 3)
  assert.equal(choose([], by('n', 'latest')), null)
})

const decided = async (
  one: Subject,
  more: { spec?: Parameters<typeof spec>[0]; at?: Traffic; known?: { [key: string]: Known } } = {},
) => (await judge([one], more.at ?? free, parts(knowing(more.known ?? {}), { spec: spec(more.spec) }), never))[0]

test('a new record is upserted by its external id; soft deletes keep their field false', async () => {
  const decision = await decided(subject(1, { op: 'upsert', row: full(1) }))
  assert.ok(decision?.kind === 'send')
  assert.deepEqual(
    [decision.op, { ...decision.set }],
    ['upsert', { Ext__c: '1', Name: 'Anna', Note__c: 'n', Gone__c: false }],
  )
})

test('what the target holds already is not sent', async () => {
  const shadow = rowText({ Ext__c: '1', Name: 'Anna', Note__c: 'n', Gone__c: false })
  assert.deepEqual(await decided(subject(1, { op: 'upsert', row: full(1) }, { known: linked(1, { shadow }) })), {
    kind: 'skip',
    reason: 'no change',
  })
  assert.deepEqual(
    await decided(subject(1, { op: 'upsert', row: { id: 1, name: 'Anna' } }, { known: linked(1, { shadow }) })),
    { kind: 'skip', reason: 'no change' },
    'absent is not null',
  )
})

test('a changed external id is written to the same record, by its own id', async () => {
  const shadow = rowText({ Ext__c: '9', Name: 'Anna', Note__c: 'n', Gone__c: false })
  const decision = await decided(
    subject(1, { op: 'upsert', row: full(1) }, { known: linked(1, { shadow }), movedFrom: key(9) }),
  )
  assert.ok(decision?.kind === 'send')
  assert.deepEqual([decision.op, decision.target], ['update', '0031'])
})

test('I4: a record under way waits; one whose external id is still held waits or parks', async () => {
  const one = subject(1, { op: 'upsert', row: full(1) }, { known: linked(3) })
  assert.deepEqual(await decided(one, { at: { ...free, busy: () => true } }), { kind: 'wait', for: 'flight' })
  assert.deepEqual(await decided(one, { at: { busy: (link) => link === 8, holder: () => 8 } }), {
    kind: 'wait',
    for: 'external id',
  })
  const parked = await decided(one, { at: { busy: () => false, holder: () => 8 } })
  assert.ok(parked?.kind === 'park')
  assert.equal(parked.reasons[0]?.code, 'SYNC-4003')
})

test('deletes: soft marks, hard deletes, ignore and never delivered are skipped by name', async () => {
  const gone = (known: Known | null) => subject(1, { op: 'delete', row: { id: 1 } }, { known })
  const soft = await decided(gone(linked(1)))
  assert.ok(soft?.kind === 'send' && soft.deletes)
  assert.deepEqual([soft.op, { ...soft.set }], ['update', { Ext__c: '1', Gone__c: true }])
  const hard = await decided(gone(linked(1)), { spec: { deletes: { policy: 'hard', field: null, guard: null } } })
  assert.ok(hard?.kind === 'send')
  assert.equal(hard.op, 'delete')
  const ignored = await decided(gone(linked(1)), { spec: { deletes: { policy: 'ignore', field: null, guard: null } } })
  assert.match(ignored?.kind === 'skip' ? ignored.reason : '', /ignore/)
  assert.match(((await decided(gone(null))) as { reason: string }).reason, /never delivered/)
  assert.match(((await decided(gone(linked(1, { state: 'tombstone' })))) as { reason: string }).reason, /already/)
})

test('leaving the filter follows the delete policy; never having been in it is an exclusion', async () => {
  const filter = {
    columns: ['name'],
    text: "row.name != 'test'",
    keeps: (row: { readonly [name: string]: unknown }) => row['name'] !== 'test',
  }
  const left = await decided(subject(1, { op: 'upsert', row: full(1, 'test') }, { known: linked(1) }), {
    spec: { filter },
  })
  assert.ok(left?.kind === 'send' && left.deletes)
  assert.deepEqual(await decided(subject(1, { op: 'upsert', row: full(1, 'test') }), { spec: { filter } }), {
    kind: 'skip',
    reason: "filter: row.name != 'test'",
  })
})

test('D7: two rows that map to one external id: the second parks, in one window or another', async () => {
  const computed = {
    ...spec().mapping,
    map: (row: Parameters<ReturnType<typeof spec>['mapping']['map']>[0]) => ({
      kind: 'mapped' as const,
      key: String(row['name']),
      set: {},
    }),
  }
  const { keyColumn: _, ...mapping } = computed
  const subjects = [
    subject(1, { op: 'upsert', row: full(1, 'ABC') }),
    subject(2, { op: 'upsert', row: full(2, 'abc ') }),
    subject(3, { op: 'upsert', row: full(3, 'Taken') }),
  ]
  const decisions = await judge(subjects, free, parts(knowing({}), { spec: spec({ mapping }) }), never)
  assert.deepEqual(
    decisions.map((each) => (each.kind === 'park' ? each.reasons[0]?.code : each.kind)),
    ['send', 'SYNC-4002', 'SYNC-4002'],
  )
})

test('rule 8: a record parks at its first failing stage, with the errors of the later ones', async () => {
  const failing = (name: 'schema' | 'rules', error: string) => ({
    name,
    judge: () => [
      {
        kind: 'park' as const,
        to: 'quarantine' as const,
        reasons: [{ stage: name, code: 'SYNC-4001' as const, error }],
      },
    ],
  })
  const decision = await decided(subject(1, { op: 'upsert', row: full(1) }), {
    spec: { stages: [failing('schema', 'a'), failing('rules', 'b')] },
  })
  assert.ok(decision?.kind === 'park')
  assert.deepEqual([decision.stage, decision.reasons.map((reason) => reason.error)], ['schema', ['a', 'b']])
})

test('the guard stops a mass delete before it starts, counts an hour, and lets approved entries through', async () => {
  const guarded = spec({ deletes: { policy: 'soft', field: 'Gone__c', guard: { percent: 5, rows: 500 } } })
  const state = knowing({})
  const many = (n: number) =>
    Array.from({ length: n }, (_, i) => subject(i, { op: 'delete', row: {} }, { covers: 100 + i }))
  const none = { upTo: 0, at_ms: 0 }
  const run = (n: number, before = 0, approval = none, now = 1_000) =>
    guard(many(n), { deletes: before, since_ms: 0 }, approval, now, guarded, state)
  assert.equal((await run(50)).kind, 'pass')
  const stopped = await run(51)
  assert.ok(stopped.kind === 'stop')
  assert.equal(stopped.failure.code, 'SYNC-6001')
  assert.match(stopped.failure.message, /51 deletes within an hour, the limit is 50/)
  assert.equal((await run(1, 50)).kind, 'stop')
  assert.equal((await run(1, 50, none, 3_700_000)).kind, 'pass', 'an hour later it counts afresh')
  assert.equal((await run(51, 0, { upTo: 150, at_ms: 0 })).kind, 'pass')
  assert.equal((await run(10)).kind, 'pass', 'never fewer than ten')
})

const upsert = (
  link: number,
  covers: number[],
  set: object = { Ext__c: String(link), Name: 'Anna', Note__c: 'n' },
): Delivery => ({
  link,
  op: 'upsert',
  object: 'Contact',
  ref: { field: 'Ext__c', value: String(link) },
  set: { ...set },
  covers,
})

function launched(deliveries: readonly Delivery[], until = 1_010_000): Launch {
  const launch = launchOf(
    { id: 'r1', number: 7, route: 'realtime', deliveries },
    deliveries.map((each) => subject(each.link, { op: 'upsert', row: full(each.link) })),
    until,
  )
  return { ...launch, committed_ms: deliveries.map(() => 900_000) }
}

test('I3: each answer becomes its own outcome; what was lost stays in the air', async () => {
  const launch = launched([upsert(1, [11]), upsert(2, [12]), upsert(3, [13]), upsert(4, [14])])
  const outcomes = [
    { kind: 'confirmed', id: '003A' },
    { kind: 'rejected', failure: failure('SYNC-4001', 'bad') },
    { kind: 'unsent', failure: failure('SYNC-6010', 'away', {}) },
    { kind: 'unknown', failure: failure('SYNC-6006', 'lost'), mayLandUntil_ms: 5 },
  ] as const
  const settled = await settle([{ launch, outcomes }], parts(knowing({})), 1_000_000, () => false)
  assert.deepEqual(
    settled.commit.outcomes.map((row) => [row.seq, row.kind, row.request]),
    [[11, 'delivered', 7]],
  )
  assert.deepEqual(
    settled.commit.lanes.map((each) => [each.link, each.state, each.last]),
    [
      [2, 'parked', 12],
      [3, 'waiting', 13],
    ],
  )
  assert.deepEqual(
    settled.commit.flightsLeft.map((flight) => flight.request.deliveries.map((each) => each.link)),
    [[4]],
  )
  assert.deepEqual(settled.commit.flightsClosed, [])
  assert.deepEqual(settled.landed, [1, 2, 3])
  assert.deepEqual(settled.durations_ms, [100_000])
})

test('rule 9: what is rejected folds with what waits behind it', async () => {
  const waiting = lane(1, {
    state: 'waiting',
    first: 20,
    last: 20,
    image: { op: 'upsert', row: { id: 1, name: 'Newer' } },
  })
  const rejected = { kind: 'rejected', failure: failure('SYNC-4001', 'bad') } as const
  const settled = await settle(
    [{ launch: launched([upsert(1, [11])]), outcomes: [rejected] }],
    parts(knowing({ '["1"]': linked(1, { lane: waiting }) })),
    1,
    () => false,
  )
  assert.deepEqual(
    settled.commit.outcomes.map((row) => [row.seq, row.kind, row.by]),
    [[11, 'superseded', 20]],
  )
  assert.deepEqual({ ...settled.commit.lanes[0]?.image.row }, { id: 1, name: 'Newer', note: 'n' })
  assert.equal(settled.commit.lanes[0]?.state, 'waiting')
})

test('a record that somebody deleted at the target and a partial image made anew is read again whole', async () => {
  const known = { '["1"]': linked(1, { shadow: rowText({ Ext__c: '1', Name: 'Old', Note__c: 'kept' }) }) }
  const launch = launched([upsert(1, [11], { Ext__c: '1', Name: 'New' })])
  const settled = await settle(
    [{ launch, outcomes: [{ kind: 'confirmed', id: '003B', created: true }] }],
    parts(knowing(known)),
    1,
    () => false,
  )
  assert.deepEqual(
    settled.commit.lanes.map((each) => [each.link, each.image.op]),
    [[1, 'touch']],
  )
  assert.equal(settled.commit.shadows[0]?.image, rowText({ Ext__c: '1', Name: 'New', Note__c: 'kept' }))
})

/** Lands one lost upsert at a target that shows these values, one a read-back. */
async function landing(shown: readonly (object | null)[], shadow: string | null) {
  const clock = jumpingClock()
  const asked: number[] = []
  const target = plainTarget({
    fetch: async (_object, refs) => {
      asked.push(clock.now())
      const row = shown[Math.min(asked.length, shown.length) - 1]
      return refs.map(() => (row === null || row === undefined ? null : { id: '003', row: { ...row } }))
    },
  })
  const known = shadow === null ? {} : { '["1"]': linked(1, { shadow }) }
  const outcomes = await land(
    launched([upsert(1, [11])], clock.now() + 5_000),
    parts(knowing(known), { target, clock }),
    never,
  )
  return { kind: outcomes[0]?.kind, asked: asked.length, waited: clock.now() - 1_000_000 }
}

const ours = { Ext__c: '1', Name: 'Anna', Note__c: 'n' }

test('I4: a lost request is confirmed as soon as the record shows our value instead of another', async () => {
  const other = rowText({ ...ours, Name: 'Old' })
  assert.deepEqual(await landing([{ ...ours, Name: 'Old' }, ours], other), {
    kind: 'confirmed',
    asked: 2,
    waited: 1_000,
  })
})

test('I4: a value that may have been there before proves nothing until the request can no longer land', async () => {
  const result = await landing([ours], null)
  assert.equal(result.kind, 'confirmed')
  assert.ok(result.waited > 5_000, `waited ${result.waited}`)
})

test('I4: what is not there when it can no longer land was not applied', async () => {
  const result = await landing([null], null)
  assert.equal(result.kind, 'unsent')
  assert.ok(result.waited > 5_000)
})
