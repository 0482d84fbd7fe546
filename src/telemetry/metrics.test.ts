import assert from 'node:assert/strict'
import { test } from 'node:test'
import { failure } from '../model/failure.ts'
import type { Clock } from '../std/clock.ts'
import type { Event } from './event.ts'
import { type MetricsOptions, metrics, processFigures } from './metrics.ts'

const flows = [{ flow: 'members', sync: 'members', source: 'legacy', target: 'salesforce' }]
const labels = 'sync="members",source="legacy",target="salesforce"'

function measured(more: Partial<MetricsOptions> = {}) {
  let at_ms = 1_000_000
  const clock: Clock = { now: () => at_ms, mono: () => at_ms, sleep: () => Promise.reject(new Error('no sleep here')) }
  const view = metrics(clock, {
    flows,
    queueSize: async () => 7,
    journalBytes: async () => 12_345,
    quarantine: async () => ({ size: 2, oldest_ms: 400_000 }),
    review: async () => ({ size: 3, oldest_ms: 700_000 }),
    duplicates: new Set(),
    build: { version: '0.1.0', node: 'v24.21.0' },
    process: () => ({ residentBytes: 1e8, heapBytes: 5e7, cpu_s: 12.5, started_s: 900 }),
    ...more,
  })
  return {
    emit: (...events: Event[]) => events.forEach(view.emit),
    text: () => view.text(),
    pass: (ms: number) => {
      at_ms += ms
    },
  }
}

const answered = {
  kind: 'answered',
  flow: 'members',
  route: 'realtime',
  records: 100,
  confirmed: 90,
  rejected: 4,
  unsent: 3,
  unknown: 2,
  attempt: 1,
  ms: 20,
  failure: null,
} satisfies Event
const settled = {
  kind: 'settled',
  flow: 'members',
  delivered: 90,
  superseded: 1,
  parked: 4,
  returned: 3,
  durations_ms: [9, 10, 11, 99_000, 4_000_000],
} satisfies Event
const judged = {
  kind: 'judged',
  flow: 'members',
  entries: 110,
  sent: 100,
  parked: 5,
  review: 0,
  excluded: 2,
  superseded: 3,
  waiting: 0,
  ms: 5,
} satisfies Event

/** The text of one family, without help. */
const family = (text: string, name: string): string[] =>
  text.split('\n').filter((line) => new RegExp(`^${name}(_bucket|_sum|_count)?[{ ]`).test(line))

test('the whole exposition after a little traffic', async () => {
  const view = measured()
  view.emit({ kind: 'captured', system: 'legacy', changes: 110, commits: 3, lag_ms: 250 })
  view.emit(judged, answered, settled)
  view.pass(5_000)
  const text = await view.text()
  const bucket = (le: string, n: number) => `sync_duration_seconds_bucket{${labels},le="${le}"} ${n}`
  const bounds = ['0.025', '0.05', '0.1', '0.25', '0.5', '1', '2.5', '5', '10', '30', '60']
  assert.deepEqual(family(text, 'sync_duration_seconds'), [
    bucket('0.01', 2),
    ...bounds.map((le) => bucket(le, 3)),
    bucket('300', 4),
    bucket('900', 4),
    bucket('3600', 4),
    bucket('+Inf', 5),
    `sync_duration_seconds_sum{${labels}} 4099.03`,
    `sync_duration_seconds_count{${labels}} 5`,
  ])
  assert.deepEqual(
    text.split('\n').filter((line) => /^sync(line)?_/.test(line) && !line.startsWith('sync_duration')),
    [
      `sync_attempts_total{${labels},kind="realtime"} 100`,
      `sync_attempts_total{${labels},kind="queue"} 0`,
      `sync_attempts_total{${labels},kind="batch"} 0`,
      `sync_errors_total{${labels},kind="realtime"} 9`,
      `sync_errors_total{${labels},kind="queue"} 0`,
      `sync_errors_total{${labels},kind="batch"} 0`,
      `sync_queue_size{${labels}} 7`,
      `sync_records_total{${labels},outcome="delivered"} 90`,
      `sync_records_total{${labels},outcome="superseded"} 4`,
      `sync_records_total{${labels},outcome="excluded"} 2`,
      `sync_records_total{${labels},outcome="parked"} 9`,
      'sync_source_lag_seconds{source="legacy"} 0.25',
      `sync_last_success_timestamp_seconds{${labels}} 1000`,
      'sync_poll_age_seconds{source="legacy"} 5',
      'sync_journal_bytes{source="legacy"} 12345',
      `sync_quarantine_size{${labels}} 2`,
      `sync_quarantine_oldest_age_seconds{${labels}} 605`,
      `sync_review_queue_size{${labels}} 3`,
      `sync_review_oldest_age_seconds{${labels}} 305`,
      'syncline_build_info{version="0.1.0",node="v24.21.0"} 1',
    ],
  )
  assert.deepEqual(family(text, 'process_cpu_seconds_total'), ['process_cpu_seconds_total 12.5'])
})

test('every series has its help and its type, once', async () => {
  const text = await measured().text()
  const named = (word: string) => [...text.matchAll(new RegExp(`^# ${word} (\\S+)`, 'gm'))].map((match) => match[1])
  assert.deepEqual(named('HELP'), named('TYPE'))
  assert.equal(new Set(named('HELP')).size, named('HELP').length)
  assert.match(text, /^# TYPE sync_duration_seconds histogram$/m)
  assert.match(text, /^# TYPE sync_attempts_total counter$/m)
  assert.match(text, /^# TYPE sync_queue_size gauge$/m)
})

test("the specification's rules resolve from the first scrape, before any event", async () => {
  const rules = [
    'histogram_quantile(0.95, sync_duration_seconds_bucket)',
    'rate(sync_errors_total[5m]) / rate(sync_attempts_total[5m])',
    'delta(sync_queue_size[10m]) > 1000',
  ]
  const text = await measured().text()
  const names = rules.flatMap((rule) => rule.match(/sync_\w+/g) ?? [])
  assert.equal(names.length, 4)
  for (const name of names)
    assert.ok(family(text, name).length > 0 || text.includes(`\n${name}{`), `${name} has no series`)
})

test('attempts and errors have identical label sets, at 0 from the start, so that their ratio matches', async () => {
  const text = await measured().text()
  const sets = (name: string) => family(text, name).map((line) => line.replace(name, ''))
  assert.equal(sets('sync_errors_total').length, 3)
  assert.deepEqual(sets('sync_errors_total'), sets('sync_attempts_total'))
  for (const set of sets('sync_errors_total')) assert.match(set, / 0$/)
})

test('what is not known yet is absent, never 0', async () => {
  const text = await measured({ quarantine: async () => ({ size: 0, oldest_ms: null }) }).text()
  for (const name of ['sync_source_lag_seconds', 'sync_last_success_timestamp_seconds', 'sync_poll_age_seconds'])
    assert.deepEqual(family(text, name), [], name)
  assert.deepEqual(family(text, 'sync_quarantine_oldest_age_seconds'), [
    `sync_quarantine_oldest_age_seconds{${labels}} 0`,
  ])
})

test('a source that says that nothing is new has no lag, and its age starts again', async () => {
  const view = measured()
  view.emit({ kind: 'captured', system: 'legacy', changes: 1, commits: 1, lag_ms: 90_000 })
  view.pass(60_000)
  view.emit({ kind: 'captured', system: 'legacy', changes: 0, commits: 0, lag_ms: null })
  view.pass(1_000)
  const text = await view.text()
  assert.deepEqual(family(text, 'sync_source_lag_seconds'), ['sync_source_lag_seconds{source="legacy"} 0'])
  assert.deepEqual(family(text, 'sync_poll_age_seconds'), ['sync_poll_age_seconds{source="legacy"} 1'])
})

test('no value, key or message of an event gets into the exposition, and no event of an unknown flow', async () => {
  const canary = 'ada.lovelace@example.org'
  const before = (await measured().text()).split('\n').length
  const view = measured()
  const lost = failure('SYNC-6006', canary)
  view.emit({ ...answered, failure: lost, row: { email: canary } } as Event)
  view.emit({ kind: 'away', flow: 'members', failure: lost, retryIn_ms: 1 }, { ...settled, flow: canary })
  view.emit({ kind: 'captured', system: canary, changes: 1, commits: 1, lag_ms: 1 })
  view.emit({ kind: 'fatal', failure: lost })
  const text = await view.text()
  assert.ok(!text.includes(canary))
  assert.equal(text.split('\n').length, before, 'the number of series does not depend on traffic')
})

test('a name with quotes and line breaks cannot forge a series', async () => {
  const forged = 'x"} 1\nsync_errors_total{a="'
  const view = measured({ flows: [{ flow: 'f', sync: forged, source: 's', target: 't' }] })
  const text = await view.text()
  assert.equal(family(text, 'sync_errors_total').length, 3)
  assert.ok(text.includes('sync="x\\"} 1\\nsync_errors_total{a=\\""'))
})

test('the figures of this process are plausible and in base units', () => {
  const figures = processFigures()
  assert.ok(figures.residentBytes > 1e7 && figures.residentBytes < 1e11)
  assert.ok(figures.heapBytes > 1e6 && figures.heapBytes < figures.residentBytes * 2)
  assert.ok(figures.cpu_s > 0 && figures.cpu_s < 3_600)
  assert.ok(Math.abs(figures.started_s - Date.now() / 1_000) < 3_600)
})

test('what validation said is counted by stage and rule; scores have a mean and a distribution', async () => {
  const view = measured()
  const validated = (scores: readonly number[], rule = 'student'): Event => ({
    kind: 'validated',
    flow: 'members',
    records: 10,
    valid: 8,
    results: [
      { stage: 'rules', rule: '', result: 'passed', n: 8 },
      { stage: 'rules', rule: '', result: 'failed', n: 2 },
      { stage: 'rules', rule, result: 'failed', n: 2 },
    ],
    scores,
  })
  assert.deepEqual(family(await view.text(), 'sync_quality_score'), [])
  view.emit(validated([1, 0.5]), validated([]))
  const text = await view.text()
  assert.deepEqual(family(text, 'sync_validation_total'), [
    'sync_validation_total{sync="members",stage="rules",rule="",result="passed"} 16',
    'sync_validation_total{sync="members",stage="rules",rule="",result="failed"} 4',
    'sync_validation_total{sync="members",stage="rules",rule="student",result="failed"} 4',
  ])
  assert.deepEqual(family(text, 'sync_quality_score'), [`sync_quality_score{${labels}} 0.75`])
  const distribution = family(text, 'sync_quality_score_distribution')
  assert.ok(distribution.includes(`sync_quality_score_distribution_bucket{${labels},le="0.5"} 1`))
  assert.ok(distribution.includes(`sync_quality_score_distribution_bucket{${labels},le="+Inf"} 2`))
  assert.ok(distribution.includes(`sync_quality_score_distribution_sum{${labels}} 1.5`))
})

test('the series of one flow are bounded, and the mean follows what is new', async () => {
  const view = measured()
  for (let n = 0; n < 1_500; n++)
    view.emit({
      kind: 'validated',
      flow: 'members',
      records: 1,
      valid: 0,
      results: [{ stage: 'schema', rule: `properties.f${n}.type`, result: 'failed', n: 1 }],
      scores: [],
    })
  const lines = family(await view.text(), 'sync_validation_total')
  assert.equal(lines.length, 1_001)
  assert.ok(lines.includes('sync_validation_total{sync="members",stage="schema",rule="other",result="failed"} 500'))
  const scored = (score: number) =>
    view.emit({
      kind: 'validated',
      flow: 'members',
      records: 1,
      valid: 1,
      results: [],
      scores: Array(20_000).fill(score),
    })
  scored(0)
  scored(1)
  const [mean] = family(await view.text(), 'sync_quality_score')
  assert.ok(Number(mean?.split(' ').at(-1)) > 0.99, mean)
})

test('merges inside the target are counted by how they ended, from 0 on, where duplicates are looked for', async () => {
  const view = measured({ duplicates: new Set(['members']) })
  const of = async () => family(await view.text(), 'sync_target_merges_total')
  const counts = (merged: number, gone: number, refused: number, again: number) => [
    `sync_target_merges_total{${labels},result="merged"} ${merged}`,
    `sync_target_merges_total{${labels},result="gone"} ${gone}`,
    `sync_target_merges_total{${labels},result="refused"} ${refused}`,
    `sync_target_merges_total{${labels},result="again"} ${again}`,
  ]
  assert.deepEqual(await of(), counts(0, 0, 0, 0))
  const merge = { kind: 'merge', flow: 'members', failure: null } as const
  const locked = failure('SYNC-3030', 'locked')
  view.emit({ ...merge, end: 'again', failure: locked }, { ...merge, end: 'merged' }, { ...merge, end: 'gone' })
  view.emit({ ...merge, end: 'refused', failure: locked }, { ...merge, end: 'merged' })
  assert.deepEqual(await of(), counts(2, 1, 1, 1))
  assert.deepEqual(await family(await measured().text(), 'sync_target_merges_total'), [])
})

test('duplicates: pairs, results and cut searches are counted from 0 on; the reading of the target has progress, age and failures', async () => {
  const view = measured({ duplicates: new Set(['members']) })
  const found = {
    kind: 'duplicates',
    flow: 'members',
    compared: 40,
    merged: 3,
    unmerged: 1,
    review: 2,
    cut: 1,
  } as const
  const of = async () => {
    const text = await view.text()
    return text.split('\n').filter((line) => /^sync_(duplicate|target_scan)/.test(line))
  }
  const counts = (compared: number, merged: number, unmerged: number, review: number, cut: number) => [
    `sync_duplicates_total{${labels},result="merged"} ${merged}`,
    `sync_duplicates_total{${labels},result="unmerged"} ${unmerged}`,
    `sync_duplicates_total{${labels},result="review"} ${review}`,
    `sync_duplicate_comparisons_total{${labels}} ${compared}`,
    `sync_duplicate_searches_cut_total{${labels}} ${cut}`,
  ]
  assert.deepEqual(await of(), counts(0, 0, 0, 0, 0))
  view.emit(found, found, { ...found, flow: 'unknown' })
  assert.deepEqual(await of(), counts(80, 6, 2, 4, 2))
  const lost = failure('SYNC-6006', 'ada.lovelace@example.org')
  const scan = { kind: 'scan', flow: 'members', calls: 1, failure: null } as const
  view.emit({ ...scan, records: 0, filled: false, following: false, failure: lost })
  assert.equal(
    (await of()).some((line) => line.startsWith('sync_target_scan_age')),
    false,
    'nothing was read yet',
  )
  view.emit({ ...scan, records: 2_000, filled: false, following: false })
  view.pass(4_000)
  view.emit({ ...scan, records: 2_500, filled: true, following: false })
  view.pass(3_000)
  view.emit({ ...scan, records: 2_500, filled: true, following: true, failure: lost })
  assert.deepEqual((await of()).slice(5), [
    `sync_target_scan_records{${labels}} 2500`,
    `sync_target_scan_complete{${labels}} 1`,
    `sync_target_scan_age_seconds{${labels}} 3`,
    `sync_target_scan_failures_total{${labels}} 2`,
  ])
  view.emit({ ...scan, records: 2_501, filled: true, following: true })
  assert.ok((await of()).includes(`sync_target_scan_age_seconds{${labels}} 0`))
  assert.ok(!(await view.text()).includes('ada.lovelace'))
})
