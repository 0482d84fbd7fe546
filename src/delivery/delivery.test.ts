import assert from 'node:assert/strict'
import { test } from 'node:test'
import { failure } from '../model/failure.ts'
import type { Delivery, Outcome, Request, Target } from '../model/target.ts'
import type { Clock } from '../std/clock.ts'
import { seededRandom } from '../std/random.ts'
import { deliver, type Sender } from './deliver.ts'
import { plan } from './plan.ts'
import { type RetryPolicy, waitAfter } from './retry.ts'

const delivery = (link: number, op: Delivery['op'] = 'upsert'): Delivery => ({
  link,
  op,
  object: 'Contact',
  ref: { field: 'Ext__c', value: String(link) },
  set: {},
  covers: [link],
})
const sized = (link: number, bytes = 10, op?: Delivery['op']) => ({ delivery: delivery(link, op), bytes, with: link })
const numbers = () => {
  let n = 0
  return () => ({ id: `r${++n}`, number: n })
}

test('requests hold at most so many rows and bytes, in order, each of one kind', () => {
  const planned = plan(
    [sized(1), sized(2, 10, 'delete'), sized(3), sized(4), sized(5, 95), sized(6)],
    { rowsMax: 2, bytesMax: 100 },
    numbers(),
  )
  assert.deepEqual(
    planned.map(({ request, with: links }) => [request.deliveries[0]?.op, links]),
    [
      ['delete', [2]],
      ['upsert', [1, 3]],
      ['upsert', [4]],
      ['upsert', [5]],
      ['upsert', [6]],
    ],
  )
})

test('a delivery larger than a request travels alone', () => {
  assert.deepEqual(
    plan([sized(1, 500), sized(2)], { rowsMax: 9, bytesMax: 100 }, numbers()).map((each) => each.with),
    [[1], [2]],
  )
})

/** The defaults of the specification. */
const specRetry: RetryPolicy = { attempts: 3, wait_ms: 4_000, waitMax_ms: 60_000 }

test('waits double from 4 s to 60 s, jitter only lengthens, Retry-After is honoured up to a quarter of an hour', () => {
  const none = { next: () => 0, id: () => '' }
  assert.deepEqual(
    [1, 2, 3, 4, 5, 6].map((attempt) => waitAfter(attempt, specRetry, none)),
    [4_000, 8_000, 16_000, 32_000, 60_000, 60_000],
  )
  const random = seededRandom(1)
  for (let i = 0; i < 200; i++) {
    const wait = waitAfter(1, specRetry, random)
    assert.ok(wait >= 4_000 && wait <= 5_000, String(wait))
  }
  assert.equal(waitAfter(1, specRetry, none, 30_000), 30_000)
  assert.equal(waitAfter(1, specRetry, none, 86_400_000), 900_000)
})

/** A target that answers from a script, one list of outcomes a call, and notes what it was asked. */
function scripted(script: readonly (readonly Outcome['kind'][])[], landing_ms = 1_000) {
  const calls: number[][] = []
  const stored: number[] = []
  const slept: number[] = []
  let now = 0
  const clock: Clock = {
    now: () => now,
    mono: () => now,
    async sleep(ms, signal) {
      signal?.throwIfAborted()
      slept.push(ms)
      now += ms
    },
  }
  const outcome = (kind: Outcome['kind']): Outcome => {
    if (kind === 'confirmed') return { kind, id: '003' }
    if (kind === 'unknown') return { kind, failure: failure('SYNC-6006', 'lost'), mayLandUntil_ms: now + landing_ms }
    if (kind === 'rejected') return { kind, failure: failure('SYNC-4001', 'bad') }
    return { kind: 'unsent', failure: failure('SYNC-6006', 'away') }
  }
  const target = {
    traits: { landing_ms },
    async submit(request: Request) {
      calls.push(request.deliveries.map((each) => each.link))
      return (script[calls.length - 1] ?? []).map(outcome)
    },
  } as unknown as Target
  const sender: Sender = {
    flow: 'members',
    target,
    clock,
    random: { next: () => 0, id: () => '' },
    retry: specRetry,
    emit: () => {},
    extend: async (_request, until_ms) => {
      stored.push(until_ms)
    },
  }
  return { sender, calls, slept, stored }
}

const request: Request = { id: 'r', number: 1, route: 'realtime', deliveries: [delivery(1), delivery(2), delivery(3)] }
const kinds = (outcomes: readonly Outcome[]) => outcomes.map((each) => each.kind)

test('only what certainly was not applied is sent again, and only that', async () => {
  const { sender, calls, slept } = scripted([['confirmed', 'unsent', 'unknown'], ['confirmed']])
  assert.deepEqual(kinds(await deliver(sender, request, 9e15, new AbortController().signal)), [
    'confirmed',
    'confirmed',
    'unknown',
  ])
  assert.deepEqual(calls, [[1, 2, 3], [2]])
  assert.deepEqual(slept, [4_000])
})

test('after three attempts it is given back', async () => {
  const away = ['unsent', 'unsent', 'unsent'] as const
  const { sender, calls, slept } = scripted([away, away, away])
  assert.deepEqual(kinds(await deliver(sender, request, 9e15, new AbortController().signal)), [...away])
  assert.equal(calls.length, 3)
  assert.deepEqual(slept, [4_000, 8_000])
})

test('a rejection is not repeated', async () => {
  const { sender, calls } = scripted([['rejected', 'confirmed', 'confirmed']])
  await deliver(sender, request, 9e15, new AbortController().signal)
  assert.equal(calls.length, 1)
})

test('I9: the latest landing time is stored before a sending that passes it', async () => {
  const { sender, stored } = scripted([['unsent', 'confirmed', 'confirmed'], ['confirmed']])
  await deliver(sender, request, 500, new AbortController().signal)
  assert.deepEqual(stored, [2_000, 6_000])
})

test('an abort while waiting gives back what there is', async () => {
  const { sender } = scripted([['unsent', 'confirmed', 'confirmed']])
  const abort = new AbortController()
  abort.abort(new Error('stop'))
  assert.deepEqual(kinds(await deliver(sender, request, 9e15, abort.signal)), ['unsent', 'confirmed', 'confirmed'])
})

test('a target that does not answer for each delivery breaks the engine', async () => {
  const { sender } = scripted([['confirmed']])
  await assert.rejects(deliver(sender, request, 9e15, new AbortController().signal), /answered 1 of 3/)
})
