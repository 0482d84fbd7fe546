import assert from 'node:assert/strict'
import { test } from 'node:test'
import { failure, SyncError } from '../model/failure.ts'
import { noIdChanges } from '../model/ids.ts'
import type { Journal } from '../model/journal.ts'
import { MEMBERS, parts, spec } from '../pipeline/fixture.ts'
import { Flow } from '../pipeline/sync.ts'
import type { Clock } from '../std/clock.ts'
import { direct, journalOver, stateOver } from '../store/calls.ts'
import { journalFile } from '../store/journal.ts'
import { openDatabase } from '../store/sqlite.ts'
import { stateFile } from '../store/state.ts'
import { change, commit, rows } from '../testing/contract/journal.ts'
import { auditFlow } from './report.ts'
import { type Bounds, keepHouse, refuseGap } from './retention.ts'

const DAY_MS = 86_400_000
const unbounded: Bounds = { age_ms: 7 * DAY_MS, rows: Number.POSITIVE_INFINITY, bytes: Number.POSITIVE_INFINITY }

/** Two syncs of one journal of ten entries: one has read it all, the other one stands after the second entry. */
async function household() {
  let now_ms = 10 * DAY_MS
  const state = stateOver(direct(stateFile(openDatabase(':memory:', 'state'))))
  const file = journalFile(openDatabase(':memory:', 'journal'), () => 'j'.repeat(24), { now: () => now_ms })
  const journal = journalOver(direct(file))
  const stop = new AbortController()
  const clock: Clock = {
    now: () => now_ms,
    mono: () => now_ms,
    sleep: async () => stop.abort(new Error('looked after once')),
  }
  const flows: Flow[] = []
  for (const [id, judged] of [
    ['quick', 10],
    ['slow', 2],
  ] as const) {
    const head = await state.openFlow({ id, sync: id, journalId: 'j'.repeat(24), from: 0 })
    const more = { flow: id, epoch: head.epoch, at_ms: 1, judged, readMore: judged, deletes: 0, deletesSince_ms: 0 }
    const none = { links: [], ids: noIdChanges, lanes: [], lanesGone: [], flights: [], related: [], judgedAnew: [] }
    const seqs = Array.from({ length: judged }, (_, n) => n + 1)
    const outcomes = seqs.map((seq) => ({
      seq,
      link: null,
      kind: 'excluded' as const,
      by: null,
      request: null,
      note: 'x',
    }))
    await state.judge({ ...more, ...none, rules: 'r', outcomes })
    const opened = (await state.flows()).find((each) => each.id === id) ?? head
    flows.push(new Flow(parts(state, { spec: spec({ id, sync: id }), journal, clock }), opened, () => 1, stop.signal))
  }
  const wide = (n: number) =>
    change(`a/${n}`, n, { table: MEMBERS, at_ms: 1_000_000 + n, row: { text: 'x'.repeat(9_000) } })
  await journal.append([rows('a', ...Array.from({ length: 10 }, (_, n) => wide(n + 1))), commit('a')])
  const [quick, slow] = flows as [Flow, Flow]
  return {
    state,
    journal,
    quick,
    slow,
    later: (ms: number) => {
      now_ms += ms
    },
    tidy: (bounds: Partial<Bounds>) =>
      keepHouse([{ system: 'legacy', journal, flows }], state, { ...unbounded, ...bounds }, clock, stop.signal),
    audit: async (flow: Flow) => {
      const head = (await state.flows()).find(({ id }) => id === flow.id)
      if (head === undefined) throw new Error('no such flow')
      return auditFlow(head, [MEMBERS], state, journal)
    },
  }
}

const kept = async (journal: Journal) => (await journal.size()).rows

test('within the bounds only what is old and settled goes', async () => {
  const house = await household()
  await house.tidy({})
  assert.equal(await kept(house.journal), 10)
  const old = await household()
  old.later(8 * DAY_MS)
  await old.tidy({})
  assert.deepEqual([await kept(old.journal), old.slow.view().status], [8, 'running'], 'the slowest needs the rest')
})

test('above the bounds what everybody has judged goes before its time, and no more than is needed', async () => {
  const house = await household()
  await house.tidy({ rows: 8 })
  assert.deepEqual([await kept(house.journal), house.slow.view().status], [8, 'running'])
})

for (const [name, bound] of [
  ['rows', { rows: 5 }],
  ['bytes', { bytes: 60_000 }],
] as const)
  test(`above the bound of ${name} the sync that is furthest behind is given up, and counted`, async () => {
    const { tidy, journal, quick, slow, audit } = await household()
    await tidy(bound)
    assert.deepEqual([slow.view().status, quick.view().status], ['needs-snapshot', 'running'])
    const size = await journal.size()
    assert.ok(size.rows <= 5 && size.bytes <= 60_000, JSON.stringify(size))
    const { reason } = slow.view()
    assert.equal(reason?.code, 'SYNC-6012')
    assert.match(
      reason?.message ?? '',
      /journal of legacy .*8 entries it had not read, the oldest committed 1970-01-01T00:16/,
    )
    const { read, pending, unjudged, difference } = await audit(slow)
    assert.deepEqual([read, pending, unjudged, difference], [10, 8, 8, 0], 'what it never read is pending')
  })

test('a sync that needs a snapshot holds nothing back, is opened by nothing else, and goes on after what it never read', async () => {
  const { tidy, journal, slow, state, audit } = await household()
  await tidy({ rows: 5 })
  const refused = (error: unknown) => error instanceof SyncError && error.failure.code === 'SYNC-6012'
  await assert.rejects(slow.resume(), refused)
  await assert.rejects(slow.pause(), refused)
  await slow.stop(failure('SYNC-6003', 'truncated'))
  assert.equal(slow.view().status, 'needs-snapshot')
  await journal.append([
    rows('b', change('b/1', 11, { table: MEMBERS }), change('b/2', 12, { table: 'other' })),
    commit('b'),
  ])
  const { read, pending, difference } = await audit(slow)
  assert.deepEqual([read, pending, difference], [11, 9, 0])
  let asked = 0
  await slow.readAgain(async () => {
    asked += 1
  })
  assert.deepEqual([asked, slow.view().status, slow.view().judged], [1, 'running', 12])
  const after = await audit(slow)
  assert.deepEqual([after.read, after.superseded, after.pending, after.difference, after.brokenAt], [11, 9, 0, 0, null])
  assert.equal((await state.flows()).find(({ id }) => id === 'slow')?.sweep, true)
})

test('a sync whose entries are gone without anybody having given it up does not go on', async () => {
  const { journal, quick, slow, state } = await household()
  await journal.trim(6, Number.MAX_SAFE_INTEGER, 100)
  const head = (await state.flows()).find(({ id }) => id === 'slow')
  if (head === undefined) throw new Error('no such flow')
  await refuseGap(slow, head, 'legacy', journal)
  const { status, reason, gap } = slow.view()
  assert.deepEqual([status, reason?.code, gap], ['needs-snapshot', 'SYNC-6012', { upTo: 10, entries: 4 }])
  assert.match(reason?.message ?? '', /up to entry 2; it begins at entry 7/)
  const read = (await state.flows()).find(({ id }) => id === 'quick')
  if (read === undefined) throw new Error('no such flow')
  await refuseGap(quick, read, 'legacy', journal)
  assert.equal(quick.view().status, 'running')
})

test('figures of validation stay for 400 days', async () => {
  const house = await household()
  house.later(500 * DAY_MS)
  const figure = (day: number) => ({
    flow: 'quick',
    hour_ms: day * DAY_MS,
    name: 'judged' as const,
    stage: '' as const,
    rule: '',
    n: 1,
  })
  await house.state.addFigures([figure(109), figure(110), figure(500)])
  await house.tidy({})
  const { hours } = await house.state.figures('quick', 0, Number.MAX_SAFE_INTEGER)
  assert.deepEqual(
    hours.map(({ hour_ms }) => hour_ms / DAY_MS),
    [110, 500],
  )
})
