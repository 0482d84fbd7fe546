import assert from 'node:assert/strict'
import { test } from 'node:test'
import { watch } from './figures.ts'
import { readOptions } from './options.ts'
import { cut, openScreen, paintFor } from './screen.ts'
import { memoryTerminal } from './terminal.ts'
import { catchingUpText, type Live, liveLines, liveText, progressLine } from './views.ts'

const shown = (terminal: ReturnType<typeof memoryTerminal>): string[] =>
  terminal.lines().map((spans) => spans.reduce((line, { text, column }) => line.padEnd(column) + text, '').trimEnd())

test('a block is redrawn in place, lines that stay stand above it, and a shorter block leaves nothing behind', () => {
  const terminal = memoryTerminal(40, 20)
  const screen = openScreen(terminal, {})
  screen.show(['one', 'two', 'three'])
  screen.print('stays')
  screen.show(['four', 'five'])
  assert.deepEqual(shown(terminal), ['stays', 'four', 'five', ''])
  screen.keep()
  screen.print('below')
  assert.deepEqual(shown(terminal), ['stays', 'four', 'five', 'below', ''])
})

test('a block that is higher than the window is cut, so that it can be taken back', () => {
  const terminal = memoryTerminal(40, 4)
  const screen = openScreen(terminal, {})
  for (const text of ['a', 'b']) screen.show([1, 2, 3, 4, 5, 6].map((n) => `${text}${n}`))
  assert.deepEqual(shown(terminal), ['b1', 'b2', 'b3', ''])
})

test('without a terminal nothing is redrawn and nothing is coloured', () => {
  let written = ''
  const write = (text: string) => {
    written += text
  }
  const screen = openScreen({ write, on: () => {} }, {})
  screen.show(['progress'])
  screen.print(screen.paint.bold('a line'))
  screen.close()
  assert.equal(written, 'a line\n')
})

test('NO_COLOR takes the emphasis away', () => {
  const terminal = memoryTerminal(40, 20)
  assert.equal(openScreen(terminal, { NO_COLOR: '1' }).paint.bold('x'), 'x')
  assert.notEqual(openScreen(terminal, { NO_COLOR: '' }).paint.bold('x'), 'x')
})

test('a line is cut at the width that is seen', () => {
  const { bold, dim } = paintFor(true)
  assert.equal(cut(`${bold('abc')}${dim('def')}`, 6), `${bold('abc')}${dim('def')}`)
  assert.equal(cut(`${bold('abc')}${dim('def')}`, 5), `${bold('abc')}${dim('d…')}`)
  assert.equal(cut('日本語', 2), '日…')
})

test('progress has a share, a rate and the time that is left', () => {
  const line = progressLine('Snapshot', { done: 2_500, total: 10_000, elapsed_ms: 1_000 }, paintFor(false))
  assert.match(line, /^ {2}Snapshot {4}━{7}─{21} {2}25% {3}2,500 of 10,000 {2}2,500\/s {2}ETA 3 s$/)
  assert.match(progressLine('Empty', { done: 0, total: 0, elapsed_ms: 0 }, paintFor(false)), /100%/)
})

test('a record with two causes is one record in quarantine, and stands in both lines', () => {
  const cause = (field: string, records: number) => ({ field, text: 'A reason', stage: 'schema', records })
  const live: Live = {
    ...{ figures: watch().figures, p95_ms: null, waiting: 0, parked: 3, causes: [cause('A', 3), cause('B', 2)] },
    ...{ edits: 0, editsPerSecond: 0, elapsed_ms: 0, config: 'syncline.yaml' },
  }
  const lines = liveLines(live, paintFor(false), 30)
  assert.ok(
    lines.some((line) => /^ {2}Quarantine +3 {2}records by cause/.test(line)),
    lines.join('\n'),
  )
  assert.ok(lines.some((line) => /^ +2 {2}B {2}A reason$/.test(line)))
  assert.match(liveText(live), /; 3 in quarantine;/)
})

test('a start after a stop says what it waits for', () => {
  assert.equal(catchingUpText(2, 0), '2 commits')
  assert.match(catchingUpText(0, 1), /^1 change to settle; .* tried again within a minute$/)
})

test('options are read, and mistakes are told in a sentence', () => {
  const { fresh, once, edits, members } = Object(readOptions(['--once', '--members', '500']))
  assert.deepEqual({ fresh, once, edits, members }, { fresh: false, once: true, edits: 0, members: 500 })
  assert.equal(Object(readOptions([])).edits, Number.POSITIVE_INFINITY)
  assert.equal(Object(readOptions(['--no-edits'])).edits, 0)
  for (const wrong of [
    ['--members', '0'],
    ['--members', '1.5'],
    ['--edits', 'x'],
    ['--edits', '3', '--no-edits'],
    ['--membres'],
    ['x'],
  ])
    assert.match(String(readOptions(wrong)), /^[A-Z-].*\.$/)
})
