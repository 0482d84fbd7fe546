import assert from 'node:assert/strict'
import { test } from 'node:test'
import { calendarOf } from './calendar.ts'
import { lastTime, nextTime, type Schedule, scheduleProblem } from './schedule.ts'

const at = (text: string): number => Date.parse(text)
const said = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString().slice(0, 16))

const times: readonly (readonly [
  title: string,
  schedule: Schedule,
  now: string,
  last: string | null,
  next: string | null,
])[] = [
  [
    'between two times',
    { cron: '0 7 * * 1', timezone: 'UTC' },
    '2026-09-09T12:00Z',
    '2026-09-07T07:00',
    '2026-09-14T07:00',
  ],
  [
    'a time of this very moment is the last one',
    { cron: '0 7 * * 1', timezone: 'UTC' },
    '2026-09-07T07:00Z',
    '2026-09-07T07:00',
    '2026-09-14T07:00',
  ],
  [
    'and the next one a moment before',
    { cron: '0 7 * * 1', timezone: 'UTC' },
    '2026-09-07T06:59:59.999Z',
    '2026-08-31T07:00',
    '2026-09-07T07:00',
  ],
  [
    'the clock of the wall, before and after it is put back',
    { cron: '0 7 * * 1', timezone: 'Europe/Vienna' },
    '2026-10-25T12:00Z',
    '2026-10-19T05:00',
    '2026-10-26T06:00',
  ],
  [
    'a time that the night leaves out comes when the clock is put forward',
    { cron: '30 2 * * *', timezone: 'Europe/Vienna' },
    '2026-03-28T12:00Z',
    '2026-03-28T01:30',
    '2026-03-29T01:00',
  ],
  [
    'a day of some years only',
    { cron: '0 7 29 2 *', timezone: 'UTC' },
    '2026-01-01T00:00Z',
    '2024-02-29T07:00',
    '2028-02-29T07:00',
  ],
]
for (const [title, schedule, now, last, next] of times)
  test(`times of a schedule: ${title}`, () => {
    assert.deepEqual([said(lastTime(schedule, at(now))), said(nextTime(schedule, at(now)))], [last, next])
  })

test('the last time before the next one is the present one, from minute to minute', () => {
  const schedule = { cron: '*/7 3-5 * * *', timezone: 'Europe/Vienna' }
  let time = nextTime(schedule, at('2026-10-24T00:00Z')) as number
  for (let i = 0; i < 120; i++) {
    const next = nextTime(schedule, time) as number
    assert.ok(next > time)
    assert.equal(lastTime(schedule, next - 1), time)
    assert.equal(lastTime(schedule, next), next)
    time = next
  }
})

const refused: readonly (readonly [cron: string, timezone: string, field: string, why: RegExp])[] = [
  ['0 7 * *', 'UTC', 'cron', /five fields/],
  ['0 0 7 * * 1', 'UTC', 'cron', /five fields/],
  ['61 * * * *', 'UTC', 'cron', /Invalid value for minute: 61/],
  ['weekly', 'UTC', 'cron', /five fields/],
  ['0 7 30 2 *', 'UTC', 'cron', /never comes/],
  ['0 7 * * 1', 'Mars/Olympus', 'timezone', /"Mars\/Olympus" is no time zone/],
  ['0 7 * * 1', '', 'timezone', /no time zone/],
]
for (const [cron, timezone, field, why] of refused)
  test(`no schedule: ${JSON.stringify(cron)} in ${JSON.stringify(timezone)}`, () => {
    const problem = scheduleProblem({ cron, timezone })
    assert.equal(problem?.field, field)
    assert.match(problem?.why ?? '', why)
  })

test('what is a schedule has no problem', () => {
  for (const cron of ['0 7 * * 1', '*/5 * * * *', '0 2 1,15 JAN-JUN MON-FRI', '@daily'])
    assert.equal(scheduleProblem({ cron, timezone: 'Asia/Kolkata' }), null, cron)
})

const days: readonly (readonly [zone: string, now: string, start: string, before: string, hours: number])[] = [
  ['UTC', '2026-09-07T05:20Z', '2026-09-07T00:00', '2026-08-31T00:00', 24],
  ['Europe/Vienna', '2026-09-07T05:20Z', '2026-09-06T22:00', '2026-08-30T22:00', 24],
  ['Europe/Vienna', '2026-10-25T12:00Z', '2026-10-24T22:00', '2026-10-17T22:00', 25],
  ['Europe/Vienna', '2026-03-29T12:00Z', '2026-03-28T23:00', '2026-03-21T23:00', 23],
  // Midnight is at 18:30: the hour that begins at 18:00 is the last one of the day before.
  ['Asia/Kolkata', '2026-09-07T05:20Z', '2026-09-06T19:00', '2026-08-30T19:00', 24],
  ['Pacific/Kiritimati', '2026-09-07T05:20Z', '2026-09-06T10:00', '2026-08-30T10:00', 24],
]
for (const [zone, now, start, before, hours] of days)
  test(`days of ${zone} at ${now}`, () => {
    const calendar = calendarOf(zone)
    const start_ms = calendar.dayStart(at(now))
    assert.equal(said(start_ms), start)
    assert.equal(said(calendar.daysBefore(start_ms, 7)), before)
    assert.equal(calendar.daysBefore(start_ms, 0), start_ms)
    assert.equal((calendar.daysBefore(start_ms, -1) - start_ms) / 3_600_000, hours)
  })

test('a moment as a calendar has it', () => {
  const calendar = calendarOf('Asia/Kolkata')
  assert.deepEqual(
    [calendar.day(at('2026-09-06T19:00Z')), calendar.time(at('2026-09-06T19:00Z'))],
    ['2026-09-07', '00:30'],
  )
  assert.equal(calendarOf('UTC').time(at('2026-09-06T00:00Z')), '00:00')
  assert.throws(() => calendarOf('Mars/Olympus'), RangeError)
})
