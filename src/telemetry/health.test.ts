import assert from 'node:assert/strict'
import { test } from 'node:test'
import { failure } from '../model/failure.ts'
import type { Clock } from '../std/clock.ts'
import type { Event } from './event.ts'
import { health } from './health.ts'

const flows = [
  { flow: 'members', sync: 'members', source: 'legacy', target: 'salesforce' },
  { flow: 'chapters', sync: 'chapters', source: 'legacy', target: 'salesforce' },
]

function watched() {
  let at_ms = 1_000
  const clock: Clock = { now: () => at_ms + 5e9, mono: () => at_ms, sleep: () => Promise.reject(new Error('none')) }
  const view = health(clock, flows, { feedAgeMax_ms: 10_000, stallMax_ms: 60_000 })
  return {
    view,
    emit: (...events: Event[]) => events.forEach(view.emit),
    pass: (ms: number) => {
      at_ms += ms
    },
    reasons: () => view.ready().reasons.map(({ part, code, reason }) => `${part} ${code} ${reason}`),
  }
}

const open: Event = { kind: 'capture', system: 'legacy', status: 'open', failure: null }
const sign: Event = { kind: 'captured', system: 'legacy', changes: 0, commits: 0, lag_ms: null }
const rows: Event = { kind: 'captured', system: 'legacy', changes: 5, commits: 1, lag_ms: 3 }
const judged = (sent: number, flow = 'members'): Event => ({
  kind: 'judged',
  flow,
  entries: sent,
  sent,
  parked: 0,
  review: 0,
  excluded: 0,
  superseded: 0,
  waiting: 0,
  ms: 1,
})
const settled = (delivered: number, returned = 0): Event => ({
  kind: 'settled',
  flow: 'members',
  delivered,
  superseded: 0,
  parked: 0,
  returned,
  durations_ms: [],
})
const gone = failure('SYNC-2001', 'legacy cannot be reached.')

test('not ready before the source is open, ready once it is', () => {
  const it = watched()
  assert.deepEqual(it.reasons(), ['source:legacy null the source is starting'])
  it.emit(open)
  assert.equal(it.view.ready().ready, true)
  it.emit({ kind: 'capture', system: 'legacy', status: 'reopening', failure: gone })
  assert.deepEqual(it.reasons(), ['source:legacy SYNC-2001 legacy cannot be reached.'])
  it.emit(open)
  assert.deepEqual(it.reasons(), [])
})

test('a silent source is not ready, one that says that nothing is new is', () => {
  const it = watched()
  it.emit(open)
  it.pass(10_001)
  assert.deepEqual(it.reasons(), ['source:legacy null no sign of the source for 10 s'])
  it.emit(sign)
  assert.deepEqual(it.reasons(), [])
  assert.equal(it.view.ready().sources[0]?.feedAge_ms, 0)
  assert.equal(it.view.ready().sources[0]?.lastRow_ms, null)
})

test('the proof: when the last row was read and the last record confirmed', () => {
  const it = watched()
  it.emit(open, rows)
  it.pass(500)
  it.emit(judged(5), settled(5))
  const { sources, flows } = it.view.ready()
  assert.equal(sources[0]?.lastRow_ms, 5e9 + 1_000)
  assert.equal(flows[0]?.lastConfirmed_ms, 5e9 + 1_500)
  assert.equal(flows[1]?.lastConfirmed_ms, null)
})

test('a flow that is stopped is not ready, with its reason; one that a person paused is no reason', () => {
  const it = watched()
  it.emit(open, { kind: 'flow', flow: 'members', status: 'stopped', failure: failure('SYNC-6001', 'too many deletes') })
  it.emit({ kind: 'flow', flow: 'chapters', status: 'paused', failure: null })
  assert.deepEqual(it.reasons(), ['flow:members SYNC-6001 too many deletes'])
  it.emit({ kind: 'flow', flow: 'members', status: 'running', failure: null })
  assert.deepEqual(it.reasons(), [])
  it.emit({ kind: 'flow', flow: 'members', status: 'needs-snapshot', failure: failure('SYNC-6012', 'too far behind') })
  assert.deepEqual(it.reasons(), ['flow:members SYNC-6012 too far behind'])
})

test('a target that takes nothing is not ready until it takes something', () => {
  const it = watched()
  const away: Event = { kind: 'away', flow: 'members', failure: failure('SYNC-3001', 'unreachable'), retryIn_ms: 1 }
  it.emit(open, rows, judged(5), away)
  assert.deepEqual(it.reasons(), ['flow:members SYNC-3001 unreachable'])
  it.emit(settled(0, 5))
  assert.deepEqual(it.reasons(), ['flow:members SYNC-3001 unreachable'])
  it.emit(judged(5), settled(5))
  assert.deepEqual(it.reasons(), [])
})

test('rows that nobody judges, and records that nobody answers, are a stall', () => {
  const it = watched()
  it.emit(open, rows)
  it.pass(60_001)
  it.emit(sign)
  const stalled = (flow: string) => `flow:${flow} null there is work and nothing has moved for 60 s`
  assert.deepEqual(it.reasons(), [stalled('members'), stalled('chapters')])
  it.emit(judged(5), judged(0, 'chapters'))
  assert.deepEqual(it.reasons(), [])
  it.pass(60_001)
  it.emit(sign)
  assert.deepEqual(it.reasons(), [stalled('members')])
  it.emit(settled(5))
  it.pass(600_000)
  it.emit(sign)
  assert.deepEqual(it.reasons(), [], 'nothing to do is no stall')
})

test('alive until the state cannot be written', () => {
  const it = watched()
  assert.deepEqual(it.view.live(), { live: true, reason: null })
  it.emit(open, { kind: 'fatal', failure: failure('SYNC-5004', 'The disk is full.') })
  assert.deepEqual(it.view.live(), { live: false, reason: 'SYNC-5004 The disk is full.' })
  assert.deepEqual(it.reasons(), ['engine SYNC-5004 The disk is full.'])
})
