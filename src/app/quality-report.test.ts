import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FigureRow } from '../model/figures.ts'
import type { State } from '../model/state.ts'
import { MEMBERS_FLOW, stateInMemory } from './quality.fake.ts'
import { lengthOf, qualityReport, type ReportAsk } from './quality-report.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const at = (text: string): number => Date.parse(text)
const short = (iso: string): string => iso.slice(0, 16)

/** Figures of one hour. */
function hour(time: string, figures: { readonly [name: string]: number }): FigureRow[] {
  return Object.entries(figures).map(([id, n]) => {
    const [name, stage = '', rule = ''] = id.split(' ')
    return { flow: 'members', hour_ms: at(time), name, stage, rule, n } as FigureRow
  })
}

const nothing = {
  causes: [],
  backlog: {
    ...{ waiting: 0, held: 0, inFlight: 0, parked: 0, review: 0, parkedSince_ms: null, reviewSince_ms: null },
    records: { parked: 0, review: 0 },
  },
}

async function reportOver(rows: readonly FigureRow[], ask: Partial<ReportAsk>, parked: object = nothing) {
  const state = stateInMemory()
  await state.addFigures(rows)
  const { causes, backlog } = parked as typeof nothing
  const looked: Pick<State, 'figures' | 'causes' | 'backlog'> = {
    figures: state.figures,
    causes: async () => causes,
    backlog: async () => backlog,
  }
  const whole = {
    length_ms: 7 * DAY_MS,
    now_ms: at('2026-09-07T05:00Z'),
    timezone: 'UTC',
    upTo: 'past',
    ...ask,
  } as const
  return qualityReport(looked, [MEMBERS_FLOW], whole)
}

const periods: readonly (readonly [
  title: string,
  ask: Partial<ReportAsk>,
  step: string,
  period: readonly [string, string],
  before: readonly [string, string],
  labels: readonly [number, string, string],
])[] = [
  [
    'a week that is over',
    {},
    'day',
    ['2026-08-31T00:00', '2026-09-07T00:00'],
    ['2026-08-24T00:00', '2026-08-31T00:00'],
    [7, '2026-08-31', '2026-09-06'],
  ],
  [
    'a week of a place',
    { timezone: 'Europe/Vienna' },
    'day',
    ['2026-08-30T22:00', '2026-09-06T22:00'],
    ['2026-08-23T22:00', '2026-08-30T22:00'],
    [7, '2026-08-31', '2026-09-06'],
  ],
  [
    'a week in which the clock is put back',
    { timezone: 'Europe/Vienna', now_ms: at('2026-10-26T06:00Z') },
    'day',
    ['2026-10-18T22:00', '2026-10-25T23:00'],
    ['2026-10-11T22:00', '2026-10-18T22:00'],
    [7, '2026-10-19', '2026-10-25'],
  ],
  [
    'a week so far is compared with as much of the one before',
    { upTo: 'so far', now_ms: at('2026-09-07T05:20Z') },
    'day',
    ['2026-09-01T00:00', '2026-09-07T05:20'],
    ['2026-08-25T00:00', '2026-08-31T05:20'],
    [7, '2026-09-01', '2026-09-07'],
  ],
  [
    'a day that is over',
    { length_ms: DAY_MS },
    'hour',
    ['2026-09-06T00:00', '2026-09-07T00:00'],
    ['2026-09-05T00:00', '2026-09-06T00:00'],
    [24, '2026-09-06 00:00', '2026-09-06 23:00'],
  ],
  [
    'a day of 25 hours',
    { length_ms: DAY_MS, timezone: 'Europe/Vienna', now_ms: at('2026-10-26T06:00Z') },
    'hour',
    ['2026-10-24T22:00', '2026-10-25T23:00'],
    ['2026-10-23T22:00', '2026-10-24T22:00'],
    [25, '2026-10-25 00:00', '2026-10-25 23:00'],
  ],
  [
    'the last 24 hours',
    { length_ms: DAY_MS, upTo: 'so far', now_ms: at('2026-09-07T05:20Z') },
    'hour',
    ['2026-09-06T06:00', '2026-09-07T05:20'],
    ['2026-09-05T06:00', '2026-09-06T05:20'],
    [24, '2026-09-06 06:00', '2026-09-07 05:00'],
  ],
  [
    'hours that are over',
    { length_ms: 6 * HOUR_MS, now_ms: at('2026-09-07T05:20Z') },
    'hour',
    ['2026-09-06T23:00', '2026-09-07T05:00'],
    ['2026-09-06T17:00', '2026-09-06T23:00'],
    [6, '2026-09-06 23:00', '2026-09-07 04:00'],
  ],
]
for (const [title, ask, step, period, before, [n, first, last]] of periods)
  test(`the period of a report: ${title}`, async () => {
    const report = await reportOver([], ask)
    const series = report.flows[0]?.series ?? []
    assert.equal(report.step, step)
    assert.deepEqual([short(report.period.from), short(report.period.to)], period)
    assert.deepEqual([short(report.before.from), short(report.before.to)], before)
    assert.deepEqual([series.length, series[0]?.label, series.at(-1)?.label], [n, first, last])
    for (const [place, bucket] of series.entries()) assert.equal(bucket.to, series[place + 1]?.from ?? report.period.to)
  })

test('totals, shares and scores of both periods; every hour is in one day', async () => {
  const rows = [
    ...hour('2026-08-30T23:00Z', { judged: 50, valid: 40, scored: 50, score: 25 }),
    ...hour('2026-08-31T00:00Z', { judged: 10, valid: 9, scored: 4, score: 3 }),
    ...hour('2026-09-02T13:00Z', { judged: 60, valid: 40, merged: 5, scored: 6, score: 5 }),
    ...hour('2026-09-03T00:00Z', { judged: 20, valid: 20 }),
    ...hour('2026-09-06T23:00Z', { judged: 10, valid: 10 }),
    ...hour('2026-09-07T00:00Z', { judged: 1_000, valid: 1 }),
    ...hour('2026-08-23T23:00Z', { judged: 1_000, valid: 1 }),
  ]
  const report = await reportOver(rows, {})
  const [flow] = report.flows
  assert.deepEqual(flow?.now, { judged: 100, valid: 79, merged: 5, failed: 16, validShare: 0.79, score: 0.8 })
  assert.deepEqual(flow?.before, { judged: 50, valid: 40, merged: 0, failed: 10, validShare: 0.8, score: 0.5 })
  assert.deepEqual(
    flow?.series.map(({ judged, validShare, score }) => [judged, validShare, score]),
    [
      [10, 0.9, 0.75],
      [0, null, null],
      [60, 40 / 60, 5 / 6],
      [20, 1, null],
      [0, null, null],
      [0, null, null],
      [10, 1, null],
    ],
  )
})

test('checks in the order of the stages, worst rule first, with what they said before', async () => {
  const rows = [
    ...hour('2026-08-25T00:00Z', { judged: 10, 'failed schema email': 1, 'failed schema old': 2, 'failed schema': 3 }),
    ...hour('2026-09-01T00:00Z', {
      judged: 200,
      'review quality': 4,
      'failed schema phone': 8,
      'failed schema email': 10,
      'failed schema': 12,
      'passed schema': 188,
      'passed mapping': 200,
      'failed target': 1,
    }),
  ]
  const checks = (await reportOver(rows, {})).flows[0]?.checks
  assert.deepEqual(
    checks?.map(({ stage, rule, failed, review, share, shareBefore }) => [
      stage,
      rule,
      failed,
      review,
      share,
      shareBefore,
    ]),
    [
      ['mapping', '', 0, 0, 0, 0],
      ['schema', '', 12, 0, 0.06, 0.3],
      ['schema', 'email', 10, 0, 0.05, 0.1],
      ['schema', 'phone', 8, 0, 0.04, 0],
      ['schema', 'old', 0, 0, 0, 0.2],
      ['quality', '', 0, 4, 0.02, 0],
      ['target', '', 1, 0, 0.005, 0],
    ],
  )
})

test('what is listed of checks and causes has a bound, and the rest is counted', async () => {
  const many = Object.fromEntries(Array.from({ length: 150 }, (_, i) => [`failed schema r${i}`, 1]))
  const causes = Array.from({ length: 30 }, (_, i) => ({
    stage: 'schema',
    code: 'SYNC-4022',
    field: `F${i}`,
    n: 30 - i,
    oldest_ms: at('2026-09-01T00:00Z') - i,
  }))
  const parked = {
    causes,
    backlog: { ...nothing.backlog, records: { parked: 400, review: 3 }, parkedSince_ms: at('2026-09-01T00:00Z') },
  }
  const [flow] = (await reportOver(hour('2026-09-01T00:00Z', { judged: 9, ...many }), {}, parked)).flows
  assert.deepEqual([flow?.checks.length, flow?.checksMore, flow?.causes.length, flow?.causesMore], [100, 50, 20, 10])
  assert.deepEqual(flow?.parked, { records: 403, review: 3, oldest: '2026-08-31T23:59:59.971Z' })
  assert.deepEqual(flow?.causes[0], {
    stage: 'schema',
    code: 'SYNC-4022',
    title: 'A text is not an e-mail address',
    field: 'F0',
    records: 30,
    oldest: '2026-09-01T00:00:00.000Z',
  })
})

test('lengths of a report as people write them', () => {
  assert.deepEqual(['24h', '168h', '7d', '190d'].map(lengthOf), [
    { length_ms: DAY_MS },
    { length_ms: 7 * DAY_MS },
    { length_ms: 7 * DAY_MS },
    { length_ms: 190 * DAY_MS },
  ])
  for (const text of ['', '7', '90m', '169h', '191d', '999999999d', '0d', '-1d', '7 d'])
    assert.match((lengthOf(text) as { problem: string }).problem, /whole hours/, text)
})
