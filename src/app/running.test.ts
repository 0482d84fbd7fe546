import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Position, SnapshotRequest, SourceEvent } from '../model/change.ts'
import { failure } from '../model/failure.ts'
import type { Feed, Source } from '../model/source.ts'
import { MEMBERS, parts, spec, tables } from '../pipeline/fixture.ts'
import { Flow } from '../pipeline/sync.ts'
import { systemClock } from '../std/clock.ts'
import { direct, journalOver, stateOver } from '../store/calls.ts'
import { journalFile } from '../store/journal.ts'
import { openDatabase } from '../store/sqlite.ts'
import { stateFile } from '../store/state.ts'
import { Running } from './running.ts'

const truncated = (reason: string): SourceEvent => ({
  kind: 'table',
  table: MEMBERS,
  state: 'truncated',
  failure: failure('SYNC-6003', reason),
  position: 'p' as Position,
})

/** A source of one table without rows, whose feed yields what it is told, and its one flow. */
async function running() {
  const state = stateOver(direct(stateFile(openDatabase(':memory:', 'state'))))
  const journal = journalOver(direct(journalFile(openDatabase(':memory:', 'journal'), () => 'j'.repeat(24))))
  const stop = new AbortController()
  const queue: SourceEvent[][] = []
  const asked: SnapshotRequest[] = []
  let ring = () => {}
  const say = (...events: SourceEvent[]) => {
    queue.push(events)
    ring()
  }
  const feed: Feed = {
    events: {
      async *[Symbol.asyncIterator]() {
        while (!stop.signal.aborted) {
          const item = queue.shift()
          if (item !== undefined) yield item
          else
            await new Promise<void>((resolve) => {
              ring = resolve
              stop.signal.addEventListener('abort', () => resolve(), { once: true })
            })
        }
      },
    },
    durable: () => {},
    snapshot: (request) => void asked.push(request),
    caughtUp: async () => {},
    async [Symbol.asyncDispose]() {},
  }
  const source = { ...tables({}), open: async () => feed } as unknown as Source
  const head = await state.openFlow({ id: 'members', sync: 'members', journalId: 'j'.repeat(24), from: 0 })
  const more = { journal, source, clock: systemClock }
  const flow = new Flow(parts(state, more), head, () => 1, stop.signal)
  const bounds = { age_ms: 1e9, rows: 1e9, bytes: 1e9 }
  const flows = [{ flow, spec: spec(), sweep: false }]
  const all = new Running({ ...parts(state, more), source, system: 'legacy', flows, bounds }, stop.signal)
  const run = all.run()
  const until = async (holds: () => boolean | Promise<boolean>) => {
    for (let tries = 0; tries < 500; tries++) {
      if (await holds()) return
      await systemClock.sleep(5)
    }
    throw new Error('it never came to be')
  }
  return {
    all,
    flow,
    journal,
    state,
    asked,
    say,
    until,
    /** The snapshot that was asked for has no rows. */
    ended: () =>
      say({
        kind: 'snapshot',
        progress: { table: MEMBERS, only: 'members', after: null, done: true, rows: 0, rowsEstimated: null },
        position: 'p' as Position,
      }),
    async stop() {
      stop.abort(new Error('over'))
      await run.catch(() => {})
    },
  }
}

test('what happened to a table before a full run is covered by it; what happens after stops the flow', async () => {
  const { all, flow, journal, state, asked, say, until, ended, stop } = await running()
  try {
    await flow.giveUp(() => failure('SYNC-6012', 'too far behind'))
    say(truncated('while it needed a snapshot'))
    await until(async () => (await journal.head()).stopped.length === 1)
    assert.equal(flow.view().status, 'needs-snapshot', 'the need for a snapshot says more')
    await all.full('members')
    assert.deepEqual([flow.view().status, (await journal.head()).stopped, asked.length], ['running', [], 1])
    say(truncated('while the snapshot was read'))
    await until(() => flow.view().status === 'stopped')
    assert.match(flow.view().reason?.message ?? '', /while the snapshot was read/)
    ended()
    await until(async () => !(await state.flows())[0]?.sweep)
  } finally {
    await stop()
  }
})

test('a full run waits for the end of the one before, so that its own end is known', async () => {
  const { all, asked, until, ended, state, journal, stop } = await running()
  try {
    await all.full('members')
    let again = false
    const second = all.full('members').then(() => {
      again = true
    })
    await until(async () => (await journal.head()).snapshots.length === 1)
    assert.deepEqual([asked.length, again], [1, false])
    ended()
    await second
    assert.equal(asked.length, 2)
    ended()
    await until(async () => !(await state.flows())[0]?.sweep)
  } finally {
    await stop()
  }
})
