import assert from 'node:assert/strict'
import { test } from 'node:test'
import { failuresOf, load, plain } from './load.fake.ts'

const DAY_MS = 86_400_000
const reportIn = (more: string) => load(plain + more).config.quality.report

test('a report is asked for with what is said of it, and the defaults for all else', () => {
  assert.deepEqual(reportIn(''), null)
  assert.deepEqual(reportIn('quality: {}\n'), null)
  const standard = {
    cron: '0 7 * * 1',
    timezone: 'UTC',
    folder: '/etc/reports',
    length_ms: 7 * DAY_MS,
    form: 'html',
    keep: 52,
  }
  assert.deepEqual(reportIn('quality: { report: {} }\n'), standard)
  assert.deepEqual(
    reportIn(
      'quality: { report: { schedule: "30 6 1 * *", timezone: Europe/Vienna, folder: /srv/www, period: 30d, format: markdown, keep: 12 } }\n',
    ),
    {
      cron: '30 6 1 * *',
      timezone: 'Europe/Vienna',
      folder: '/srv/www',
      length_ms: 30 * DAY_MS,
      form: 'markdown',
      keep: 12,
    },
  )
})

const refused: readonly (readonly [report: string, code: string, message: RegExp])[] = [
  ['schedule: "0 7 * *"', 'SYNC-1030', /:\d+:\d+: quality\.report\.schedule: expected five fields/],
  ['schedule: "0 7 30 2 *"', 'SYNC-1030', /quality\.report\.schedule: "0 7 30 2 \*" never comes/],
  ['timezone: Vienna', 'SYNC-1030', /quality\.report\.timezone: "Vienna" is no time zone/],
  ['period: 90m', 'SYNC-1006', /quality\.report\.period: expected 1 to 168 whole hours, or up to 190 whole days/],
  ['period: 365d', 'SYNC-1006', /quality\.report\.period/],
  ['period: weekly', 'SYNC-1005', /quality\.report\.period: expected a length of time/],
  ['format: pdf', 'SYNC-1005', /quality\.report\.format.*html/],
  ['keep: 0', 'SYNC-1006', /quality\.report\.keep: 0 is out of range/],
  ['shedule: x', 'SYNC-1003', /Did you mean "schedule"/],
]
for (const [report, code, message] of refused)
  test(`refused: ${report}`, () => {
    const [first, ...others] = failuresOf(`${plain}quality: { report: { ${report} } }\n`)
    assert.deepEqual([first?.code, others], [code, []])
    assert.match(first?.message ?? '', message)
  })
