import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Config } from '../config/config.ts'
import type { FigureRow, FigureState } from '../model/figures.ts'
import { MEMBERS_FLOW, sleeper, stateInMemory, validated } from './quality.fake.ts'
import { qualityOver, qualityView } from './quality.ts'

const HOUR_MS = 3_600_000
const start_ms = Date.parse('2026-09-07T05:59:00Z')
const brief = (rows: readonly FigureRow[]) =>
  rows.map(({ hour_ms, name, stage, rule, n }) =>
    `${new Date(hour_ms).getUTCHours()} ${name} ${stage} ${rule} ${n}`.replace(/ +/g, ' '),
  )

function writer() {
  const written: FigureRow[][] = []
  const state = { addFigures: async (rows: readonly FigureRow[]) => void written.push([...rows]) }
  return { written, state: state as unknown as FigureState }
}

test('windows are summed by hour, and written once', async () => {
  const { written, state } = writer()
  const clock = sleeper(start_ms, Number.POSITIVE_INFINITY, new AbortController())
  const view = qualityView(clock)
  view.emit(validated(10, 2, { scores: [0.5, 0.75] }))
  view.emit(validated(5))
  view.emit({ kind: 'settled', flow: 'members', delivered: 9, superseded: 0, parked: 3, returned: 0, durations_ms: [] })
  view.emit({ kind: 'settled', flow: 'members', delivered: 9, superseded: 0, parked: 0, returned: 0, durations_ms: [] })
  clock.now_ms += 60_000
  const merged = { stage: 'duplicates', rule: '', result: 'merged', n: 1 } as const
  const review = { stage: 'quality', rule: 'completeness', result: 'review', n: 2 } as const
  view.emit(validated(4, 3, { results: [merged, review] }))
  view.emit({ kind: 'duplicates', flow: 'members', compared: 40, merged: 1, unmerged: 0, review: 0, cut: 2 })
  await view.write(state)
  await view.write(state)
  assert.equal(written.length, 1)
  assert.deepEqual(brief(written[0] ?? []), [
    '5 judged 15',
    '5 valid 13',
    '5 scored 2',
    '5 score 1.25',
    '5 passed schema 13',
    '5 failed schema 2',
    '5 failed schema email 2',
    '5 failed target 3',
    '6 judged 4',
    '6 valid 1',
    '6 merged 1',
    '6 review quality completeness 2',
    '6 compared 40',
    '6 cut 2',
  ])
})

test('what waits to be written has a bound: rules above it count as one of their stage', async () => {
  const { written, state } = writer()
  const view = qualityView(sleeper(start_ms, Number.POSITIVE_INFINITY, new AbortController()), 3)
  const failed = (rule: string, n: number) => ({ stage: 'schema', rule, result: 'failed', n }) as const
  const results = [failed('a', 1), ...Array.from({ length: 1_000 }, (_, i) => failed(`b${i}`, 1)), failed('a', 1)]
  view.emit(validated(1_000, 500, { results }))
  await view.write(state)
  assert.deepEqual(brief(written[0] ?? []), [
    '5 judged 1000',
    '5 valid 500',
    '5 failed schema a 2',
    '5 failed schema other 1000',
  ])
})

test('figures are written every minute, and the rest at the stop', async () => {
  const stop = new AbortController()
  const clock = sleeper(start_ms, start_ms + 150_000, stop)
  const { written, state } = writer()
  const view = qualityView(clock)
  view.emit(validated(1))
  const over = qualityOver({ quality: { report: null } } as unknown as Config, [MEMBERS_FLOW], state as never, view, {
    clock,
    emit: () => {},
  })
  const running = over.run(stop.signal)
  await running
  assert.deepEqual(clock.slept, [60_000, 60_000, 60_000])
  assert.equal(written.length, 1, 'nothing is written where nothing was counted')
  view.emit(validated(2))
  await over.close()
  assert.deepEqual(
    written.map((rows) => rows.find(({ name }) => name === 'judged')?.n),
    [1, 2],
  )
})

test('a report has what was counted up to this moment', async () => {
  const state = stateInMemory()
  const clock = sleeper(start_ms, Number.POSITIVE_INFINITY, new AbortController())
  const view = qualityView(clock)
  const others = { ...MEMBERS_FLOW, flow: 'chapters', sync: 'chapters' }
  const config = { quality: { report: null } } as unknown as Config
  const over = qualityOver(config, [MEMBERS_FLOW, others], state, view, { clock, emit: () => {} })
  view.emit(validated(8, 2))
  const report = await over.report('members', 24 * HOUR_MS)
  assert.deepEqual(
    report.flows.map(({ flow, now }) => [flow, now.judged, now.validShare]),
    [['members', 8, 0.75]],
  )
  assert.deepEqual((await over.report(null, 24 * HOUR_MS)).flows.length, 2)
})

test('a failed writing ends what runs, unless it was to end anyway', async () => {
  const stop = new AbortController()
  const clock = sleeper(start_ms, Number.POSITIVE_INFINITY, stop)
  const view = qualityView(clock)
  const broken = { addFigures: () => Promise.reject(new Error('disk full')) }
  const config = { quality: { report: null } } as unknown as Config
  const over = qualityOver(config, [MEMBERS_FLOW], broken as never, view, { clock, emit: () => {} })
  view.emit(validated(1))
  await assert.rejects(over.run(stop.signal), /disk full/)
  view.emit(validated(1))
  await over.close()
})
