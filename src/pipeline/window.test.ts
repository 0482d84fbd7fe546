import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Lane } from '../model/state.ts'
import { noTraffic } from './claims.ts'
import { full, lane, linked, spec, subject } from './fixture.ts'
import type { Decision } from './judge.ts'
import { decide, judgedAnew } from './window.ts'

const next = { first: 9, last: 12, image: { op: 'upsert', row: { id: 1, name: 'good' } } } as const

/** What becomes of a released record behind which changes wait. */
function decided(decision: Decision, own: Lane = lane(4, { state: 'waiting', next })) {
  const { lanes, lanesGone, outcomes, deliveries } = decide(
    [subject(1, { op: 'upsert', row: full(1) }, { known: linked(4, { lane: own }), lane: own })],
    [decision],
    spec({ whileParked: 'wait' }),
    { ...noTraffic, now_ms: 7_000 },
    1,
    () => 99,
  )
  return {
    lanes: lanes.map((each) => [each.link, each.state, each.first, each.last, each.due_ms, each.next]),
    lanesGone,
    outcomes: outcomes.map((each) => [each.seq, each.kind]),
    sent: deliveries.length,
  }
}

const send = {
  kind: 'send',
  op: 'upsert',
  set: {},
  key: '1',
  ext: '1',
  from: null,
  target: null,
  deletes: false,
} as const

test('I4: what waited behind a parked record goes next, once that one is settled', () => {
  assert.deepEqual(decided(send), {
    lanes: [[4, 'waiting', 9, 12, null, null]],
    lanesGone: [],
    outcomes: [],
    sent: 1,
  })
  assert.deepEqual(
    decided(send, lane(4, { state: 'waiting' })).lanesGone,
    [4],
    'with nothing behind it the lane is empty',
  )
})

test('what waited behind a parked record that needs nothing is due at once', () => {
  assert.deepEqual(decided({ kind: 'skip', reason: 'no change' }), {
    lanes: [[4, 'waiting', 9, 12, 0, null]],
    lanesGone: [],
    outcomes: [[1, 'excluded']],
    sent: 0,
  })
})

test('what parks or waits again keeps what waits behind it', () => {
  const park = { kind: 'park', to: 'quarantine', stage: 'schema', reasons: [] } as const
  assert.deepEqual(decided(park).lanes, [[4, 'parked', 1, 1, null, next]])
  assert.deepEqual(decided({ kind: 'wait', for: 'flight' }).lanes, [[4, 'waiting', 1, 1, null, next]])
})

test('a record is judged anew when other rules judged it last, or nobody knows which; who waits is not judged', () => {
  const by = (link: number, ruleSet: number | null) =>
    subject(link, { op: 'upsert', row: full(link) }, { known: linked(link, { ruleSet }) })
  const subjects = [by(1, 4), by(2, 5), by(3, null), by(4, 4), subject(5, { op: 'upsert', row: full(5) }), by(6, 4)]
  const skip = { kind: 'skip', reason: 'no change' } as const
  const parked = { kind: 'park', to: 'quarantine', stage: 'rules', reasons: [] } as const
  const decisions: Decision[] = [send, send, skip, { kind: 'wait', for: 'flight' }, send, parked]
  assert.deepEqual(judgedAnew(subjects, decisions, 5), [1, 3, 6])
})
