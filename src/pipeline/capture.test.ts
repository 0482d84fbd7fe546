import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Position, SnapshotProgress, SnapshotRequest } from '../model/change.ts'
import type { Journal } from '../model/journal.ts'
import type { Feed, Source } from '../model/source.ts'
import { systemClock } from '../std/clock.ts'
import { seededRandom } from '../std/random.ts'
import { Capture } from './capture.ts'

/** A capture over a journal that keeps requests, and a source whose opening waits until it is let. */
function opening() {
  const stored: SnapshotProgress[] = []
  const given: string[] = []
  const told: string[] = []
  const asked = Promise.withResolvers<void>()
  const let_in = Promise.withResolvers<void>()
  const stop = new AbortController()
  const journal: Pick<Journal, 'head' | 'request'> = {
    async head() {
      return { id: 'j', tail: 0, position: 'p' as Position, snapshots: [...stored], stopped: [] }
    },
    async request(request) {
      stored.push({ ...request, after: null, done: false, rows: 0, rowsEstimated: null })
    },
  }
  const feed: Pick<Feed, 'snapshot' | 'events'> = {
    snapshot: (request: SnapshotRequest) => void told.push(request.table),
    events: {
      async *[Symbol.asyncIterator]() {
        await new Promise((resolve) => stop.signal.addEventListener('abort', resolve))
      },
    },
  }
  const source = {
    async open(_: Position | null, snapshots: readonly SnapshotProgress[]) {
      given.push(...snapshots.map(({ table }) => table))
      asked.resolve()
      await let_in.promise
      return { ...feed, async [Symbol.asyncDispose]() {} }
    },
  }
  const capture = new Capture(
    {
      system: 'legacy',
      source: source as unknown as Source,
      journal: journal as Journal,
      clock: systemClock,
      random: seededRandom(1),
      emit: () => {},
      room: async () => {},
      onAppended: () => {},
      onTable: async () => {},
    },
    stop.signal,
  )
  return { capture, given, told, asked: asked.promise, open: () => let_in.resolve(), stop: () => stop.abort() }
}

test('a table that is asked for before, while and after the log is opened is read once each', async () => {
  const { capture, given, told, asked, open, stop } = opening()
  await capture.snapshot({ table: 'before' })
  const running = capture.run()
  await asked
  await capture.snapshot({ table: 'while' })
  assert.deepEqual([given, told], [['before'], []])
  open()
  await new Promise((resolve) => setImmediate(resolve))
  await capture.snapshot({ table: 'after' })
  assert.deepEqual([given, told], [['before'], ['while', 'after']])
  stop()
  await running
})
