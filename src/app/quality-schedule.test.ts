import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { ReportOptions } from '../config/config.ts'
import type { Event } from '../telemetry/event.ts'
import { sleeper } from './quality.fake.ts'
import type { QualityReport } from './quality-report.ts'
import { writeReports, writeWhole } from './quality-schedule.ts'

const HOUR_MS = 3_600_000
const at = (text: string): number => Date.parse(text)

/** Runs the schedule from one time to another, and answers what it wrote and told. */
function scheduled(t: TestContext, options: Partial<ReportOptions> = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'syncline-reports-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const events: Event[] = []
  const asked: string[] = []
  let judged = 5
  const report = async (length_ms: number, at_ms: number) => {
    asked.push(`${new Date(at_ms).toISOString().slice(0, 16)} ${length_ms / HOUR_MS}`)
    return { flows: [{ now: { judged } }] } as unknown as QualityReport
  }
  const reports = join(folder, 'deep', 'reports')
  const all: ReportOptions = {
    cron: '0 7 * * 1',
    timezone: 'UTC',
    folder: reports,
    length_ms: 168 * HOUR_MS,
    form: 'html',
    keep: 52,
    ...options,
  }
  return {
    folder: all.folder,
    events,
    asked,
    nothingJudged() {
      judged = 0
    },
    names: () => (existsSync(all.folder) ? readdirSync(all.folder).sort() : []),
    async run(from: string, to: string) {
      const stop = new AbortController()
      const clock = sleeper(at(from), at(to), stop)
      const render = (_: QualityReport, form: string) =>
        `${form} at ${new Date(clock.now_ms).toISOString().slice(0, 16)}`
      const parts = { options: all, clock, emit: (event: Event) => void events.push(event), report, render }
      await assert.rejects(writeReports(parts, stop.signal), /the test is over/)
      return clock
    },
  }
}

test('a report is written at each of its times, and told', async (t) => {
  const it = scheduled(t)
  await it.run('2026-09-05T12:00Z', '2026-09-15T00:00Z')
  // Monday the 31st was before the start: something had been judged, so it was missed.
  assert.deepEqual(it.names(), [
    'quality-2026-08-31T0700Z.html',
    'quality-2026-09-07T0700Z.html',
    'quality-2026-09-14T0700Z.html',
  ])
  assert.deepEqual(it.asked, ['2026-08-31T07:00 168', '2026-09-07T07:00 168', '2026-09-14T07:00 168'])
  assert.equal(readFileSync(join(it.folder, 'quality-2026-09-07T0700Z.html'), 'utf8'), 'html at 2026-09-07T07:00')
  assert.deepEqual(it.events.at(-1), {
    kind: 'report',
    file: join(it.folder, 'quality-2026-09-14T0700Z.html'),
    failure: null,
  })
})

test('a time that was missed is made up once, as of then, and only the last one', async (t) => {
  const it = scheduled(t)
  await it.run('2026-09-07T06:30Z', '2026-09-07T08:00Z')
  it.asked.length = 0
  await it.run('2026-10-02T12:00Z', '2026-10-02T15:00Z')
  assert.deepEqual(it.asked, ['2026-09-28T07:00 168'])
  await it.run('2026-10-02T16:00Z', '2026-10-02T20:00Z')
  assert.deepEqual(it.asked, ['2026-09-28T07:00 168'], 'the file says that it is done')
})

test('before anything was judged nothing was missed', async (t) => {
  const it = scheduled(t)
  it.nothingJudged()
  await it.run('2026-09-05T12:00Z', '2026-09-06T00:00Z')
  assert.deepEqual([it.names(), it.events], [[], []])
  assert.equal(it.asked.length, 1, 'and it is not asked for again and again')
})

test('an hour is the longest sleep: a wall clock that jumps, or a time that is far away, does no harm', async (t) => {
  const it = scheduled(t, { cron: '0 7 29 2 *' })
  it.nothingJudged()
  const clock = await it.run('2026-09-05T12:00Z', '2026-09-05T18:00Z')
  assert.deepEqual(clock.slept, [HOUR_MS, HOUR_MS, HOUR_MS, HOUR_MS, HOUR_MS, HOUR_MS])
})

test('so many are kept; other files are left alone, and drafts of a killed process go', async (t) => {
  const it = scheduled(t, { keep: 2, cron: '0 * * * *', form: 'markdown' })
  mkdirSync(it.folder, { recursive: true })
  const others = ['notes.html', 'quality-2020.html', 'quality-2026-09-07.html.part', 'xquality-2020-01-01T0000Z.html']
  for (const name of [...others, 'quality-2020-01-01T0000Z.json', 'quality-2020-01-01T0100Z.html.part'])
    writeFileSync(join(it.folder, name), 'x')
  await it.run('2026-09-07T05:30Z', '2026-09-07T09:30Z')
  assert.deepEqual(it.names(), [...others, 'quality-2026-09-07T0800Z.md', 'quality-2026-09-07T0900Z.md'].sort())
})

test('a folder that cannot be written to is told, stops nothing, and is tried again', async (t) => {
  const it = scheduled(t)
  mkdirSync(join(it.folder, '..'), { recursive: true })
  writeFileSync(it.folder, 'a file in the place of the folder')
  const looked = it.run('2026-09-07T06:30Z', '2026-09-07T10:00Z')
  await looked
  const failures = it.events.filter((event) => event.kind === 'report' && event.failure?.code === 'SYNC-6013')
  assert.equal(failures.length, it.events.length)
  assert.ok(failures.length >= 3)
  rmSync(it.folder)
  await it.run('2026-09-07T10:00Z', '2026-09-07T11:00Z')
  assert.deepEqual(it.names(), ['quality-2026-09-07T0700Z.html'])
})

test('a file is written whole or not at all', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'syncline-whole-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'new', 'report.html')
  await writeWhole(file, 'first')
  await writeWhole(file, 'second')
  assert.deepEqual([readFileSync(file, 'utf8'), readdirSync(join(folder, 'new'))], ['second', ['report.html']])
  mkdirSync(`${file}.part`)
  await assert.rejects(writeWhole(file, 'third'), { code: 'EISDIR' })
  assert.equal(readFileSync(file, 'utf8'), 'second')
})
