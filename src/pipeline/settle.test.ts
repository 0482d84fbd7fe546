import assert from 'node:assert/strict'
import { test } from 'node:test'
import { failure } from '../model/failure.ts'
import type { Delivery } from '../model/target.ts'
import { rowText } from '../model/value.ts'
import { full, jumpingClock, knowing, lane, linked, never, parts, plainTarget, spec, subject } from './fixture.ts'
import { land } from './land.ts'
import { settle } from './settle.ts'
import { type Launch, launchOf } from './window.ts'

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
  const settled = await settle([{ launch, outcomes }], parts(knowing({})), 1_000_000, () => null)
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

test('a record that only gives up its external id is read again where that does not arrive: it may be merged, not deleted', async () => {
  const clear: Delivery = { ...upsert(1, [], { Ext__c: null }), op: 'update', ref: { id: '003A' } }
  const marked: Delivery = { ...upsert(2, [], { Gone__c: true }), op: 'update', ref: { id: '003B' } }
  const request = { id: 'r1', number: 7, route: 'realtime', deliveries: [clear, marked] } as const
  const gone = [clear, marked].map((each) => subject(each.link, { op: 'delete', row: { id: each.link } }))
  const launch = launchOf(request, gone, 1_010_000)
  const unsent = { kind: 'unsent', failure: failure('SYNC-6010', 'away', {}) } as const
  const settled = await settle([{ launch, outcomes: [unsent, unsent] }], parts(knowing({})), 1_000_000, () => null)
  assert.deepEqual(
    settled.commit.lanes.map((each) => [each.link, each.image.op]),
    [
      [1, 'touch'],
      [2, 'delete'],
    ],
  )
  const confirmed = { kind: 'confirmed', id: '003A' } as const
  const done = await settle([{ launch, outcomes: [confirmed, confirmed] }], parts(knowing({})), 1_000_000, () => null)
  assert.deepEqual(
    done.commit.links.map(({ state }) => state),
    ['tombstone', 'tombstone'],
  )
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
    () => null,
  )
  assert.deepEqual(
    settled.commit.outcomes.map((row) => [row.seq, row.kind, row.by]),
    [[11, 'superseded', 20]],
  )
  assert.deepEqual({ ...settled.commit.lanes[0]?.image.row }, { id: 1, name: 'Newer', note: 'n' })
  assert.equal(settled.commit.lanes[0]?.state, 'waiting')
})

test('whileParked: wait: what is rejected parks with its image, and what waits behind it goes on waiting', async () => {
  const image = { op: 'upsert', row: { id: 1, name: 'Newer' } } as const
  const rejected = { kind: 'rejected', failure: failure('SYNC-4001', 'bad') } as const
  const settled = async (last: number | null) => {
    const behind = lane(1, { state: 'waiting', first: last, last, image })
    const { commit } = await settle(
      [{ launch: launched([upsert(1, [11])]), outcomes: [rejected] }],
      parts(knowing({ '["1"]': linked(1, { lane: behind }) }), { spec: spec({ whileParked: 'wait' }) }),
      1,
      () => null,
    )
    return [commit.outcomes.length, commit.lanes.map((each) => [each.state, each.stage, each.last, each.next])]
  }
  assert.deepEqual(await settled(20), [0, [['parked', 'target', 11, { first: 20, last: 20, image }]]])
  assert.deepEqual(await settled(null), [0, [['waiting', 'schema', 11, null]]], 'a repeat of ours is no later change')
})

test('a record that somebody deleted at the target and a partial image made anew is read again whole', async () => {
  const known = { '["1"]': linked(1, { shadow: rowText({ Ext__c: '1', Name: 'Old', Note__c: 'kept' }) }) }
  const launch = launched([upsert(1, [11], { Ext__c: '1', Name: 'New' })])
  const settled = await settle(
    [{ launch, outcomes: [{ kind: 'confirmed', id: '003B', created: true }] }],
    parts(knowing(known)),
    1,
    () => null,
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
