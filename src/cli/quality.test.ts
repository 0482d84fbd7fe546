import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { Bucket, FlowQuality, QualityReport } from '../app/quality-report.ts'
import { plain, variables } from '../config/load.fake.ts'
import type { FigureRow } from '../model/figures.ts'
import type { Clock } from '../std/clock.ts'
import { openStore } from '../store/open.ts'
import { type Ended, runHere } from './io.fake.ts'
import { renderQuality } from './quality-forms.ts'
import { difference, headline, percent, periodText, shortLabel, trendText } from './quality-words.ts'

const HOSTILE = `<script>alert('1')</script>|**x** & "q" ${'\u202e\u0007'}`
/** Without characters that ring a bell or turn the reading direction. */
const isCalm = (text: string): boolean => !text.includes('\u202e') && !text.includes('\u0007')

const totals = { judged: 100, valid: 98, merged: 0, failed: 2, validShare: 0.98, score: 0.91 }

const bucket = (day: number, more: Partial<Bucket> = {}): Bucket => {
  const date = (n: number) => `2026-09-${String(n).padStart(2, '0')}`
  const times = { from: `${date(day)}T00:00:00.000Z`, to: `${date(day + 1)}T00:00:00.000Z` }
  return { label: date(day), ...times, ...totals, ...more }
}

const flowWith = (more: Partial<FlowQuality> = {}): FlowQuality => ({
  flow: 'members',
  sync: 'members',
  source: 'legacy',
  target: 'crm',
  now: { ...totals, judged: 1_234, valid: 1_200, failed: 30, merged: 4, validShare: 1_200 / 1_234 },
  before: { ...totals, judged: 900, valid: 890, failed: 10, validShare: 890 / 900, score: 0.93 },
  checks: [
    { stage: 'schema', rule: '', failed: 25, review: 0, share: 0.02, shareBefore: 0.01 },
    { stage: 'schema', rule: HOSTILE, failed: 25, review: 0, share: 0.02, shareBefore: 0 },
    { stage: 'quality', rule: '', failed: 0, review: 5, share: 0.004, shareBefore: 0.04 },
  ],
  checksMore: 3,
  series: [
    bucket(1),
    bucket(2, { judged: 0, valid: 0, failed: 0, validShare: null, score: null }),
    bucket(3),
    bucket(4, { judged: 8_888, failed: 777 }),
  ],
  duplicates: { compared: 4_120, cut: 37 },
  parked: { records: 12, review: 5, oldest: '2026-09-01T06:00:00.000Z' },
  causes: [
    {
      stage: 'schema',
      code: 'SYNC-4022',
      title: 'A text is not an e-mail address',
      field: HOSTILE,
      records: 7,
      oldest: '2026-09-01T06:00:00.000Z',
    },
  ],
  causesMore: 1,
  ...more,
})

const reportWith = (...flows: FlowQuality[]): QualityReport => ({
  made: '2026-09-05T06:00:00.000Z',
  timezone: 'UTC',
  step: 'day',
  period: { from: '2026-09-01T00:00:00.000Z', to: '2026-09-05T00:00:00.000Z' },
  before: { from: '2026-08-28T00:00:00.000Z', to: '2026-09-01T00:00:00.000Z' },
  flows,
})

const empty = flowWith({
  now: { judged: 0, valid: 0, merged: 0, failed: 0, validShare: null, score: null },
  before: { judged: 0, valid: 0, merged: 0, failed: 0, validShare: null, score: null },
  checks: [],
  series: [1, 2].map((day) => bucket(day, { judged: 0, valid: 0, failed: 0, validShare: null, score: null })),
  duplicates: { compared: 0, cut: 0 },
  parked: { records: 0, review: 0, oldest: null },
  causes: [],
})

/** Every element that is opened is closed, in order; answers the names of all. */
function elements(page: string): string[] {
  const open: string[] = []
  const names: string[] = []
  const found = page
    .replace(/<style>[\s\S]*?<\/style>/, '')
    .matchAll(/<(\/?)([a-z0-9]+)((?:\s+[\w:-]+(?:="[^"<]*")?)*)\s*(\/?)>|<|>/gi)
  for (const [whole, closing, name, , alone] of found) {
    if (whole === '<' || whole === '>' || name === undefined) assert.fail(`a stray ${whole}`)
    names.push(name)
    if (closing === '/') assert.equal(open.pop(), name)
    else if (alone !== '/' && !['meta', 'html', 'head', 'body'].includes(name)) open.push(name)
    else if (['html', 'head', 'body'].includes(name)) open.push(name)
  }
  assert.deepEqual(open, [])
  return names
}

test('the page stands alone: nothing is fetched, nothing runs, every element is closed', () => {
  const page = renderQuality(reportWith(flowWith(), flowWith({ flow: 'x', sync: HOSTILE })), 'html').replace(
    '<!doctype html>',
    '',
  )
  const names = new Set(elements(page))
  for (const name of ['script', 'link', 'img', 'iframe', 'form', 'object']) assert.ok(!names.has(name), name)
  assert.doesNotMatch(page, /https?:|url\(|@import|@font-face|\ssrc=|\son\w+=/)
  assert.match(page, /default-src 'none'/)
  assert.match(page, /prefers-color-scheme: dark/)
  assert.match(page, /@media print/)
  assert.doesNotMatch(page, /NaN|undefined|null|Infinity|\[object/)
})

test('names of the configuration cannot become markup, and cannot turn the text', () => {
  const report = reportWith(flowWith({ sync: HOSTILE, source: HOSTILE }))
  const page = renderQuality(report, 'html')
  assert.doesNotMatch(page, /<script/)
  assert.ok(isCalm(page))
  assert.match(page, /&#60;script&#62;alert\(&#39;1&#39;\)/)
  const markdown = renderQuality(report, 'markdown')
  assert.doesNotMatch(markdown, /(?<!\\)<script|(?<!\\)\*\*x/)
  assert.ok(isCalm(markdown))
  for (const line of markdown.split('\n').filter((text) => text.includes('script') && text.startsWith('|')))
    assert.ok([7, 6].includes(line.split(/(?<!\\)\|/).length - 1), line)
  assert.ok(isCalm(renderQuality(report, 'text')))
})

test('every chart has a name and a text, and its figures stand in a table', () => {
  const page = renderQuality(reportWith(flowWith(), flowWith({ sync: 'others' })), 'html')
  const charts = [
    ...page.matchAll(/<svg viewBox="0 0 440 170" role="img" aria-labelledby="([^"]+)">([\s\S]*?)<\/svg>/g),
  ]
  assert.equal(charts.length, 8)
  const ids = charts.flatMap(([, labels = '']) => labels.split(' '))
  assert.equal(new Set(ids).size, 16)
  for (const [, labels = '', inner = ''] of charts)
    for (const id of labels.split(' ')) assert.match(inner, new RegExp(`id="${id}">[^<]{10,}<`))
  const table = /<details open>[\s\S]*?<\/details>/.exec(page)?.[0] ?? ''
  for (const { label } of flowWith().series) assert.ok(table.includes(label), label)
  assert.match(table, /8,888/)
  assert.match(table, />777</)
})

test('a sync of which nothing was judged, and a report of no sync', () => {
  const page = renderQuality(reportWith(empty), 'html')
  elements(page.replace('<!doctype html>', ''))
  assert.match(page, /No record was judged\./)
  assert.match(page, /Nothing is in quarantine or in review\./)
  assert.doesNotMatch(page, /<svg|NaN|Infinity/)
  for (const form of ['html', 'markdown', 'text', 'json'] as const)
    assert.doesNotMatch(renderQuality(reportWith(), form), /NaN|undefined|Infinity/)
})

test('a page of one figure, of one column, and of very many', () => {
  const cases = [
    [bucket(1)],
    [bucket(1, { judged: 1, valid: 0, failed: 1, validShare: 0, score: 0 })],
    Array.from({ length: 190 }, () => bucket(1, { judged: 5e9, valid: 4e9, failed: 1e9 })),
  ]
  for (const series of cases) {
    const page = renderQuality(reportWith(flowWith({ series })), 'html')
    elements(page.replace('<!doctype html>', ''))
    assert.doesNotMatch(page, /NaN|Infinity|="-\d/)
    const labels = [...page.matchAll(/text-anchor="middle"/g)].length / 4
    assert.ok(labels >= 1 && labels <= 8, `${labels} labels`)
  }
})

test('the report as text and as Markdown', () => {
  const report = reportWith(flowWith({ checks: flowWith().checks.filter(({ rule }) => rule === ''), causes: [] }))
  const text = renderQuality(report, 'text')
  assert.match(
    text,
    /^Data quality, 1 to 4 September 2026 \(UTC\), compared with the 4 days before\n\nmembers \(legacy to crm\)\n/,
  )
  assert.match(
    text,
    /97\.2 % of 1,234 records were valid, 1\.6 percentage points less than in the 4 days before\. Quality score 0\.91 \(before: 0\.93\)\. 4 duplicates merged\. 4,120 pairs compared for duplicates\. 37 searches .*\n/,
  )
  assert.match(text, /\n2026-09-02 +0 +0 +0 +0 +– +–\n/)
  assert.match(
    text,
    /\nSchema +25 +0 +2\.0 % +1\.0 % +\+1\.0 points\nQuality score +0 +5 +0\.4 % +4\.0 % +−3\.6 points\nand 3 more checks\n/,
  )
  assert.match(text, /12 records held back now, 5 of them in review, the oldest for 4 d 0 h\./)
  const markdown = renderQuality(report, 'markdown')
  assert.match(markdown, /^# Data quality\n\n1 to 4 September 2026 \(UTC\), compared/)
  assert.match(markdown, /\| Day \| Judged \| [^\n]*\n\| --- \| ---: \|[^\n]*\n\| 2026-09-01 \| 100 \| 98 \|/)
  assert.deepEqual(JSON.parse(renderQuality(report, 'json')), report)
})

test('figures in words', () => {
  assert.deepEqual([null, 0, 0.0001, 0.0012, 0.987, 0.99951, 0.99999, 1].map(percent), [
    '–',
    '0 %',
    '<0.1 %',
    '0.1 %',
    '98.7 %',
    '>99.9 %',
    '>99.9 %',
    '100 %',
  ])
  assert.deepEqual(
    [
      difference(0.5, 0.4, 100, 1),
      difference(0.4, 0.5, 100, 1),
      difference(0.4, 0.4004, 100, 1),
      difference(null, 0.4, 100, 1),
    ],
    ['+10.0', '−10.0', '±0', null],
  )
  const check = (share: number | null, shareBefore: number | null) =>
    trendText({ stage: 'schema', rule: '', failed: 1, review: 0, share, shareBefore })
  assert.deepEqual(
    [check(0.2, 0.1), check(0.1, 0.2), check(0.1, 0), check(0.1, 0.1), check(0.1, null)],
    ['+10.0 points', '−10.0 points', 'new', 'as before', '–'],
  )
  const said = (validShare: number | null, before: number | null) =>
    headline(
      flowWith({ now: { ...totals, judged: 1, validShare }, before: { ...totals, validShare: before } }),
      reportWith(flowWith()),
    )
  assert.match(said(0.5, null), /^50\.0 % of 1 record was valid; in the 4 days before none was judged\.$/)
  assert.match(said(0.5, 0.5), /valid, as in the 4 days before\.$/)
  assert.match(said(0.6, 0.5), /10\.0 percentage points more than in the 4 days before\.$/)
  const over = (first: string, last: string) =>
    periodText(reportWith(flowWith({ series: [bucket(1, { label: first }), bucket(2, { label: last })] })))
  assert.equal(over('2026-08-31', '2026-09-06'), '31 August to 6 September 2026 (UTC)')
  assert.equal(over('2025-12-29', '2026-01-04'), '29 December 2025 to 4 January 2026 (UTC)')
  const partial = bucket(4, { to: '2026-09-04T05:00:00.000Z' })
  assert.equal(periodText(reportWith(flowWith({ series: [bucket(1), partial] }))), '1 to 4 September 2026 so far (UTC)')
  assert.deepEqual([shortLabel(bucket(7)), shortLabel(bucket(7, { label: '2026-09-07 13:00' }))], ['7 Sep', '13:00'])
})

const now_ms = Date.parse('2026-09-07T05:20:00Z')
const clock: Clock = { now: () => now_ms, mono: () => 0, sleep: () => Promise.reject(new Error('no sleep here')) }
let folder: string
const here = (...words: string[]): Promise<Ended> => runHere(words, { folder, variables, clock })

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'syncline-quality-'))
  writeFileSync(join(folder, 'syncline.yaml'), `${plain}quality: { report: { timezone: Europe/Vienna } }\n`)
  const store = await openStore(join(folder, 'data'), ['legacy'], () => {})
  const row = (time: string, name: FigureRow['name'], n: number): FigureRow => ({
    flow: 'members',
    hour_ms: Date.parse(time),
    name,
    stage: '',
    rule: '',
    n,
  })
  await store.state.addFigures([
    row('2026-09-06T23:00Z', 'judged', 10),
    row('2026-09-06T23:00Z', 'valid', 9),
    row('2026-08-30T20:00Z', 'judged', 4),
    row('2026-08-30T20:00Z', 'valid', 4),
  ])
  await store.close()
})
after(() => rmSync(folder, { recursive: true }))

test('quality: the last week up to now, in the days of the configured place', async () => {
  const { code, out, err } = await here('quality', '--output', 'json')
  assert.equal(code, 0, err)
  const report = JSON.parse(out) as QualityReport
  assert.deepEqual(
    [report.timezone, report.step, report.period],
    ['Europe/Vienna', 'day', { from: '2026-08-31T22:00:00.000Z', to: '2026-09-07T05:20:00.000Z' }],
  )
  assert.deepEqual(report.flows[0]?.series.map(({ label, judged }) => [label, judged]).at(-1), ['2026-09-07', 10])
  assert.deepEqual([report.flows[0]?.now.judged, report.flows[0]?.before.judged], [10, 4])
  assert.match((await here('quality')).out, /^Data quality, 1 to 7 September 2026 so far \(Europe\/Vienna\)/)
  assert.match((await here('quality', 'members', '--since', '24h')).out, /the 24 hours from 6 September 2026 08:00/)
})

test('quality --to: a file in the form that its name says, or that was asked for', async () => {
  const { code, out, err } = await here('quality', '--to', 'out/report.html')
  assert.deepEqual([code, out], [0, ''])
  assert.match(err, /Written: .*report\.html/)
  assert.match(readFileSync(join(folder, 'out', 'report.html'), 'utf8'), /^<!doctype html>/)
  for (const [name, start] of [
    ['report.md', '# Data quality'],
    ['report.json', '{\n'],
    ['report', 'Data quality,'],
  ] as const) {
    await here('quality', '--to', `out/${name}`)
    assert.ok(readFileSync(join(folder, 'out', name), 'utf8').startsWith(start), name)
  }
  await here('quality', '--to', 'out/report.html', '--format', 'json')
  assert.ok(JSON.parse(readFileSync(join(folder, 'out', 'report.html'), 'utf8')))
  assert.deepEqual(readdirSync(join(folder, 'out')).sort(), ['report', 'report.html', 'report.json', 'report.md'])
  mkdirSync(join(folder, 'taken'))
  const unknown = await here('quality', '--to', 'out/report.docx')
  assert.equal(unknown.code, 2)
  assert.match(unknown.err, /no form is known by the ending \.docx; known are \.html.*or --format/)
  const refused = await here('quality', '--to', 'taken')
  assert.equal(refused.code, 2)
  assert.match(refused.err, /SYNC-6013 .*taken/)
})

test('quality: what cannot be asked for', async () => {
  const wrong = await here('quality', '--since', 'yesterday')
  assert.equal(wrong.code, 2)
  assert.match(
    wrong.err,
    /SYNC-7101 --since "yesterday" will not do, expected 1 to 168 whole hours, or up to 190 whole days/,
  )
  assert.match((await here('quality', 'membres')).err, /SYNC-7002 .*members/)
  assert.match(
    (await here('quality', '--format', 'pdf')).err,
    /SYNC-7101 .*Allowed choices are text, json, markdown, html/,
  )
  const fresh = mkdtempSync(join(tmpdir(), 'syncline-fresh-'))
  writeFileSync(join(fresh, 'syncline.yaml'), plain)
  assert.match((await runHere(['quality'], { folder: fresh, variables })).err, /SYNC-7103/)
  rmSync(fresh, { recursive: true })
})

test('how much was compared for duplicates is told in every form, and what that left out', () => {
  for (const form of ['text', 'markdown', 'html'] as const) {
    const page = renderQuality(reportWith(flowWith()), form)
    assert.match(
      page,
      /4,120 pairs compared for duplicates\. 37 searches left records out, because more than 100 share/,
      form,
    )
    assert.doesNotMatch(renderQuality(reportWith(empty), form), /compared for duplicates/)
  }
  const one = renderQuality(reportWith(flowWith({ duplicates: { compared: 1, cut: 1 } })), 'text')
  assert.match(one, /1 pair compared for duplicates\. 1 search left records out/)
})
