import assert from 'node:assert/strict'
import { test } from 'node:test'
import { failure } from '../model/failure.ts'
import type { Clock } from '../std/clock.ts'
import type { Event } from './event.ts'
import { type LogOptions, logTo } from './log.ts'
import type { Level } from './sentence.ts'

const flows = [{ flow: 'members', sync: 'members', source: 'legacy', target: 'salesforce' }]
const answered = {
  kind: 'answered',
  flow: 'members',
  route: 'realtime',
  records: 100,
  confirmed: 100,
  rejected: 0,
  unsent: 0,
  unknown: 0,
  attempt: 1,
  ms: 20.4,
  failure: null,
} satisfies Event
const settled = {
  kind: 'settled',
  flow: 'members',
  delivered: 100,
  superseded: 0,
  parked: 0,
  returned: 0,
  durations_ms: [12],
} satisfies Event
const judged = {
  kind: 'judged',
  flow: 'members',
  entries: 100,
  sent: 100,
  parked: 0,
  review: 0,
  excluded: 0,
  superseded: 0,
  waiting: 0,
  ms: 5,
} satisfies Event
const lost = failure('SYNC-6006', 'The answer of salesforce was cut off.')
const away = { kind: 'away', flow: 'members', failure: lost, retryIn_ms: 60_000 } satisfies Event
const snapshot = (rows: number, done = false, rowsEstimated: number | null = 1_000): Event => ({
  kind: 'snapshot',
  system: 'legacy',
  table: 'public.members',
  flow: null,
  rows,
  rowsEstimated,
  done,
})

function logged(level: Level, more: Partial<LogOptions> = {}) {
  const lines: string[] = []
  let at_ms = Date.UTC(2026, 0, 2, 3, 4, 5)
  const clock: Clock = { now: () => at_ms, mono: () => at_ms, sleep: () => Promise.reject(new Error('no sleep here')) }
  const emit = logTo({ write: (text) => lines.push(text) }, level, { clock, flows, ...more })
  return {
    lines,
    emit: (...events: Event[]) => events.forEach(emit),
    pass: (ms: number) => {
      at_ms += ms
    },
    json: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>),
  }
}

test('a line a batch at debug, none of them at info', () => {
  const captured = { kind: 'captured', system: 'legacy', changes: 2_000, commits: 7, lag_ms: 30 } satisfies Event
  const debug = logged('debug')
  debug.emit(captured, judged, answered, settled)
  assert.deepEqual(
    debug.json().map((line) => line['event']),
    ['captured', 'judged', 'answered', 'settled'],
  )
  assert.deepEqual(debug.json()[2], {
    level: 'debug',
    time: '2026-01-02T03:04:05.000Z',
    event: 'answered',
    flow: 'members',
    sync: 'members',
    source: 'legacy',
    target: 'salesforce',
    route: 'realtime',
    records: 100,
    confirmed: 100,
    rejected: 0,
    unsent: 0,
    unknown: 0,
    attempt: 1,
    ms: 20,
    msg: 'members: salesforce confirmed 100 of 100 records.',
  })
  const info = logged('info')
  info.emit(captured, judged, answered, settled)
  assert.deepEqual(info.lines, [])
})

test('a sign of life of a source is not worth a line', () => {
  const log = logged('debug')
  log.emit({ kind: 'captured', system: 'legacy', changes: 0, commits: 0, lag_ms: null })
  assert.deepEqual(log.lines, [])
})

test('info has what a person should see, each with its level', () => {
  const log = logged('info')
  const gone = failure('SYNC-2001', 'legacy cannot be reached.')
  log.emit(
    { kind: 'capture', system: 'legacy', status: 'open', failure: null },
    { kind: 'capture', system: 'legacy', status: 'reopening', failure: gone },
    { kind: 'capture', system: 'legacy', status: 'stopped', failure: gone },
    { kind: 'flow', flow: 'members', status: 'paused', failure: null },
    { kind: 'flow', flow: 'members', status: 'stopped', failure: failure('SYNC-6001', '900 of 1,000 would go.') },
    { kind: 'landing', flow: 'members', records: 200, until_ms: 1 },
    { ...judged, parked: 3 },
    { ...settled, parked: 2 },
    { kind: 'report', file: '/reports/quality\u001b[31m.html', failure: null },
    { kind: 'report', file: null, failure: failure('SYNC-6013', 'The folder is full.') },
    { kind: 'fatal', failure: failure('SYNC-5004', 'The disk is full.') },
  )
  assert.deepEqual(
    log.json().map((line) => [line['level'], line['event'], line['code'] ?? null]),
    [
      ['info', 'capture', null],
      ['warn', 'capture', 'SYNC-2001'],
      ['error', 'capture', 'SYNC-2001'],
      ['info', 'flow', null],
      ['error', 'flow', 'SYNC-6001'],
      ['warn', 'landing', null],
      ['warn', 'judged', null],
      ['warn', 'settled', null],
      ['info', 'report', null],
      ['warn', 'report', 'SYNC-6013'],
      ['fatal', 'fatal', 'SYNC-5004'],
    ],
  )
  assert.match(
    String(log.json()[4]?.['msg']),
    /^members: stopped\. SYNC-6001 900 of 1,000 would go\. Look at `syncline plan`/,
  )
})

test('of records that are parked it is said where they went, and where to see them', () => {
  const told = (parked: number, review: number) => {
    const log = logged('info')
    log.emit({ ...judged, parked, review })
    return log.json()[0]?.['msg']
  }
  assert.equal(told(3, 0), 'members: 3 records went to quarantine: see syncline quarantine list')
  assert.equal(told(1, 1), 'members: 1 record went to review: see syncline review list')
  assert.equal(
    told(3, 2),
    'members: 1 record went to quarantine, 2 to review: see syncline quarantine list and syncline review list',
  )
})

test('a snapshot is told at its start, at every tenth and at its end', () => {
  const log = logged('info')
  for (let rows = 0; rows <= 1_000; rows += 20) log.emit(snapshot(rows))
  log.emit(snapshot(1_003, true))
  assert.deepEqual(
    log.json().map((line) => line['rows']),
    [0, 100, 200, 300, 400, 500, 600, 700, 800, 900, 1_000, 1_003],
  )
  assert.equal(log.json()[3]?.['msg'], 'legacy: snapshot of public.members: 300 of about 1,000 rows')
  assert.equal(log.json()[11]?.['msg'], 'legacy: snapshot of public.members is complete: 1,003 rows')
})

test('a snapshot without an estimate is told every 100,000 rows', () => {
  const log = logged('info')
  for (let rows = 0; rows <= 250_000; rows += 10_000) log.emit(snapshot(rows, false, null))
  assert.deepEqual(
    log.json().map((line) => line['rows']),
    [0, 100_000, 200_000],
  )
})

test('a warning that repeats itself is shown once a minute, with a count; each is there at debug', () => {
  const log = logged('info')
  const warning = { ...answered, confirmed: 0, unknown: 100, failure: lost } satisfies Event
  for (let second = 0; second < 60; second++) {
    log.emit(warning)
    log.pass(1_000)
  }
  assert.equal(log.lines.length, 1)
  log.emit(warning)
  assert.equal(log.json()[1]?.['repeated'], 59)
  assert.match(String(log.json()[1]?.['msg']), /and 59 times more/)
  log.emit({ ...warning, failure: failure('SYNC-3001', 'another one') })
  assert.equal(log.lines.length, 3, 'another code is another warning')

  const debug = logged('debug')
  debug.emit(warning, warning)
  assert.deepEqual(
    debug.json().map((line) => line['level']),
    ['warn', 'debug'],
  )
})

test('a sync whose source is away says so as a warning, not once a second, and as sentences', () => {
  const log = logged('info')
  const gone = failure('SYNC-2002', 'PostgreSQL at db:5432: connect ECONNREFUSED')
  for (let second = 0; second < 50; second++) {
    log.emit({ kind: 'flow', flow: 'members', status: 'running', failure: gone })
    log.pass(1_000)
  }
  assert.equal(log.lines.length, 1)
  assert.equal(log.json()[0]?.['level'], 'warn')
  assert.match(String(log.json()[0]?.['msg']), /^members: it goes on .*SYNC-2002 .*connect ECONNREFUSED\. Check host/)
})

test('what repeats is remembered for 256 warnings only', () => {
  const log = logged('info')
  for (let i = 0; i < 300; i++) log.emit({ ...away, flow: `flow-${i}` })
  assert.equal(log.lines.length, 300)
  log.emit({ ...away, flow: 'flow-299' })
  assert.equal(log.lines.length, 300, 'a recent one is still known')
  log.emit({ ...away, flow: 'flow-0' })
  assert.equal(log.lines.length, 301, 'the oldest was forgotten')
})

test('a target that is back is told once, with how long it was away', () => {
  const log = logged('info')
  log.emit(away)
  log.pass(32_000)
  log.emit({ ...settled, delivered: 0, returned: 100 }, settled, settled)
  assert.deepEqual(
    log.json().map((line) => line['event']),
    ['away', 'back'],
  )
  assert.equal(log.json()[1]?.['msg'], 'members: salesforce is back after 32 s')
})

test('on a terminal a line is time, level and sentence', () => {
  const lines: string[] = []
  const clock: Clock = { now: () => 0, mono: () => 0, sleep: () => Promise.reject(new Error('no sleep here')) }
  const emit = logTo({ isTTY: true, write: (text) => lines.push(text) }, 'info', { clock, flows })
  emit({ kind: 'capture', system: 'legacy', status: 'open', failure: null })
  emit(settled)
  assert.deepEqual(lines, ['00:00:00Z info  legacy: changes are being read\n'])
})

test('control characters cannot forge a line or steer a terminal', () => {
  const nasty = 'a\nb\r\u001b[2Jc\u009b\u202ed\u2028e\ud800'
  for (const human of [true, false]) {
    const log = logged('info', { human })
    log.emit(
      { ...away, failure: failure('SYNC-6006', nasty) },
      { kind: 'flow', flow: nasty, status: 'paused', failure: null },
    )
    log.emit({ kind: 'capture', system: nasty, status: 'open', failure: null })
    assert.equal(log.lines.length, 3)
    for (const line of log.lines) {
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters that must not be there
      assert.doesNotMatch(line, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028-\u202e\ud800]/)
      assert.equal(line.indexOf('\n'), line.length - 1)
      assert.match(line, /\\u001b\[2J/)
    }
  }
})

test('nothing but counts, names and failures gets into a line, whatever an event carries', () => {
  const canary = 'ada.lovelace@example.org'
  const stowaway = { row: { email: canary }, key: canary, set: [canary] }
  for (const human of [true, false]) {
    const log = logged('debug', { human })
    for (const event of [
      { kind: 'captured', system: 'legacy', changes: 1, commits: 1, lag_ms: 1 },
      { kind: 'capture', system: 'legacy', status: 'reopening', failure: { ...lost, ...stowaway } },
      snapshot(1),
      judged,
      { ...answered, failure: { ...lost, ...stowaway } },
      settled,
      { kind: 'landing', flow: 'members', records: 1, until_ms: 1 },
      away,
      { kind: 'flow', flow: 'members', status: 'running', failure: null },
      { kind: 'report', file: null, failure: { ...lost, ...stowaway } },
      { kind: 'fatal', failure: { ...lost, ...stowaway } },
    ] as const)
      log.emit({ ...event, ...stowaway } as Event)
    assert.ok(log.lines.length >= 11)
    assert.ok(!log.lines.join('').includes(canary))
  }
})
