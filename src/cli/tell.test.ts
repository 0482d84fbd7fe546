import assert from 'node:assert/strict'
import { test } from 'node:test'
import { failure, SyncError } from '../model/failure.ts'
import { systemClock } from '../std/clock.ts'
import { Secret } from '../std/secret.ts'
import { duration, figure, moment, table } from './output.ts'
import { progress } from './progress.ts'
import { Refusal } from './refusal.ts'
import { screenOf } from './screen.ts'
import { keyFrom } from './syncs.ts'
import { tell } from './tell.ts'

function told(error: unknown, debug = false): { code: number; text: string } {
  const lines: string[] = []
  const code = tell(error, { err: (text) => void lines.push(text) }, debug)
  return { code, text: lines.join('\n') }
}

test('every problem is told with its code, and what to do once for those that share it', () => {
  const several = new SyncError(failure('SYNC-1003', 'a.yaml:1:1: first'), [
    failure('SYNC-1003', 'a.yaml:2:1: second'),
    failure('SYNC-1008', 'a.yaml:3:1: third'),
  ])
  const { code, text } = told(several)
  assert.equal(code, 2)
  assert.deepEqual(text.split('\n'), [
    'SYNC-1003 a.yaml:1:1: first',
    'SYNC-1003 a.yaml:2:1: second',
    '          Correct or remove the key; docs/reference/config.md lists all of them.',
    'SYNC-1008 a.yaml:3:1: third',
    '          Set the variable, or give a default: ${NAME:default}.',
    '3 problems.',
  ])
})

test('a fault of ours has a code, an exit code of its own, and a stack only with --debug', () => {
  const fault = new TypeError('x is undefined', { cause: new Error('below') })
  assert.equal(told(fault).code, 70)
  assert.match(told(fault).text, /^SYNC-7199 TypeError: x is undefined\n {10}.*--debug/)
  assert.doesNotMatch(told(fault).text, / {4}at |below/)
  assert.match(told(fault, true).text, / {4}at .*tell\.test\.ts/)
  assert.match(told(fault, true).text, /caused by below/)
  assert.equal(told('just a text').code, 70)
})

test('a message cannot move the cursor, forge a line or show a secret', () => {
  const secret = new Secret('${SF_SECRET}', () => 'hunter2')
  const { text } = told(new Refusal('SYNC-7108', `no record \u001b[2J\n SYNC-1001 forged \u202e ${secret}`))
  assert.equal(text.split('\n').length, 2)
  for (const bad of ['\u001b', '\u202e', 'hunter2']) assert.ok(!text.includes(bad))
  assert.match(text, /\[secret\]/)
})

test('tables align, numbers right, control characters visible', () => {
  const rows = [
    { name: 'a\u001b[1m', n: 5 },
    { name: 'members', n: 10_000 },
    { name: 'none', n: null },
  ]
  const text = table(rows, [
    { title: 'NAME', cell: (row) => row.name },
    { title: 'N', cell: (row) => row.n },
  ])
  assert.deepEqual(text.split('\n'), [
    'NAME             N',
    'a\\u001b[1m       5',
    'members     10,000',
    'none             -',
  ])
})

test('figures for people', () => {
  assert.deepEqual([0, 999, 1_000, 1_234_567].map(figure), ['0', '999', '1,000', '1,234,567'])
  assert.deepEqual([850, 12_000, 200_000, 7_500_000, 273_600_000].map(duration), [
    '850 ms',
    '12 s',
    '3 min 20 s',
    '2 h 5 min',
    '3 d 4 h',
  ])
  assert.equal(moment(0), '1970-01-01 00:00:00Z')
})

test('keys are taken as people write them', () => {
  assert.equal(keyFrom('42'), '["42"]')
  assert.equal(keyFrom('["AT","0815"]'), '["AT","0815"]')
  assert.equal(keyFrom('["AT", 815]'), '["AT","815"]')
  assert.equal(keyFrom('[not json'), '["[not json"]')
  assert.equal(keyFrom('[]'), '["[]"]')
})

test('on a terminal lines and progress do not mix, and no line is longer than the terminal', () => {
  const written: string[] = []
  const all = () => written.join('')
  const screen = screenOf({
    err: () => {},
    screen: {
      write: (text) => void written.push(text),
      columns: () => 10,
    },
  })
  screen.below('progress that is long')
  assert.equal(all(), 'progress ')
  screen.line('a line')
  assert.equal(all(), 'progress \r\u001b[Ka line\nprogress ')
  screen.below(null)
  assert.ok(all().endsWith('\r\u001b[K'))
})

/** A clock that stands still until it is told to go on; sleeping takes the time that it is asked for. */
function stepClock() {
  let now = 1_000_000
  return {
    now: () => now,
    mono: () => now,
    async sleep(ms: number, signal?: AbortSignal) {
      now += ms
      await systemClock.sleep(0, signal)
    },
  }
}

test('progress shows a snapshot with rate and time left, then live figures', async () => {
  const lines: string[] = []
  const clock = stepClock()
  const screen = { isTerminal: false, line: (text: string) => void lines.push(text), below: () => {} }
  const view = progress(screen, clock, 'text')
  const snapshot = (rows: number, done = false) =>
    view.emit({
      kind: 'snapshot',
      system: 'legacy',
      table: 'public.members',
      flow: null,
      rows,
      rowsEstimated: 10_000,
      done,
    })
  const wait = async (n: number) => {
    for (let tries = 0; lines.length < n && tries < 1_000; tries++) await systemClock.sleep(1)
  }
  snapshot(0)
  view.start(async () => ({ waiting: 7, quarantine: 14 }))
  snapshot(2_500)
  view.emit({
    kind: 'settled',
    flow: 'members',
    delivered: 2_000,
    superseded: 0,
    parked: 1,
    returned: 0,
    durations_ms: [],
  })
  await wait(1)
  assert.match(
    lines[0] ?? '',
    /^reading public\.members {2}█{6}░{18} 25 % · 2,500 of about 10,000 rows · \d+\/s · ETA \d+ s · delivered 2,000$/,
  )
  snapshot(10_000, true)
  view.emit({ kind: 'captured', system: 'legacy', changes: 50, commits: 1, lag_ms: 1 })
  view.emit({
    kind: 'settled',
    flow: 'members',
    delivered: 50,
    superseded: 0,
    parked: 0,
    returned: 0,
    durations_ms: [10, 20, 85],
  })
  await wait(2)
  assert.match(lines[1] ?? '', /^read \d+\/s · delivered [\d,]+\/s · waiting 7 · quarantine 14 · p95 85 ms$/)
  await view.stop()
})

test('progress in JSON is a line of the log', async () => {
  const lines: string[] = []
  const view = progress(
    { isTerminal: false, line: (text) => void lines.push(text), below: () => {} },
    stepClock(),
    'json',
  )
  view.start(async () => ({ waiting: 0, quarantine: 3 }))
  for (let tries = 0; lines.length === 0 && tries < 1_000; tries++) await systemClock.sleep(1)
  await view.stop()
  const line = JSON.parse(lines[0] ?? '') as { event: string; quarantine: number; level: string }
  assert.deepEqual([line.event, line.quarantine, line.level], ['progress', 3, 'info'])
})
