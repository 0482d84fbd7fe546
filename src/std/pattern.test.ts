import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { compilePattern, patternTextMax } from './pattern.ts'
import { PatternError } from './pattern-parse.ts'

test('agrees with the engine of the language on what both support', () => {
  const patterns = [
    '',
    'a',
    '^a$',
    'a|b',
    '(a|b)*c',
    '^(ab|a)(c|bcd)$',
    '[a-c]+',
    '[^a-c]',
    'a{2,3}b',
    'a{0,2}$',
    '(?:a?){3}b',
    '\\d+',
    '\\bab\\b',
    '\\Ba',
    '^$',
    '.',
    'a.c',
    '[\\w-]+@',
    '^[^@\\s]+@[^@\\s]+\\.[a-z]{2,}$',
    'a*?b',
    '\\x61\\u0062',
    '\\.',
    '(a*)*',
    '(a|)+c',
    'ä',
    '[ä-ü]',
  ]
  fc.assert(
    fc.property(
      fc.constantFrom(...patterns),
      fc.string({ unit: fc.constantFrom('a', 'b', 'c', 'd', '1', ' ', '@', '.', '-', '\n', 'ä', '😀'), maxLength: 12 }),
      (pattern, text) => {
        assert.equal(
          compilePattern(pattern).test(text),
          new RegExp(pattern, 'u').test(text),
          `${pattern} on ${JSON.stringify(text)}`,
        )
      },
    ),
    { numRuns: 4_000, seed: 1 },
  )
})

test('ignores letter case when asked to', () => {
  assert.equal(compilePattern('(?i)^straße$').test('STRAßE'), true)
  assert.equal(compilePattern('^[a-z]+$', true).test('ABC'), true)
  assert.equal(compilePattern('^[a-z]+$').test('ABC'), false)
})

test('takes no exponential time', () => {
  const evil = ['(a+)+$', '(a|a)*$', '(a|aa)+$', '(.*a){20}$', '^(([a-z])+.)+[A-Z]([a-z])+$']
  for (const pattern of evil) {
    const compiled = compilePattern(pattern)
    const started = performance.now()
    compiled.test(`${'a'.repeat(20_000)}!`)
    assert.ok(performance.now() - started < 2_000, pattern)
  }
})

test('refuses what it cannot do, with the position', () => {
  const cases: [string, number, RegExp][] = [
    ['a(?=b)', 1, /look-around/],
    ['(a)\\1', 3, /back references/],
    ['a(b', 1, /not closed/],
    ['a)', 1, /not opened/],
    ['[a', 0, /not closed/],
    ['*a', 0, /nothing to repeat/],
    ['a**', 2, /repeated/],
    ['a{2,1}', 1, /backwards/],
    ['[b-a]', 0, /backwards/],
    ['\\q', 0, /not supported/],
    ['a\\', 1, /backslash/],
    ['(a{900}){900}', 0, /too often/],
    ['((){9999}){9999}', 0, /too often/],
    [`${'('.repeat(60)}${')'.repeat(60)}`, 50, /nested/],
  ]
  for (const [pattern, position, message] of cases) {
    assert.throws(
      () => compilePattern(pattern),
      (error: unknown) => {
        assert.ok(error instanceof PatternError, pattern)
        assert.match(error.message, message)
        assert.ok(Math.abs(error.position - position) <= 1, `${pattern}: ${error.position}`)
        return true
      },
    )
  }
  assert.throws(() => compilePattern('a').test('b'.repeat(patternTextMax + 1)), RangeError)
})

test('never throws anything else, whatever the pattern', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom(...'ab()[]{}|*+?^$\\-,19:=!<'), maxLength: 20 }),
      fc.string({ maxLength: 10 }),
      (pattern, text) => {
        try {
          compilePattern(pattern).test(text)
        } catch (error) {
          assert.ok(error instanceof PatternError, `${pattern}: ${error}`)
          assert.ok(error.position >= 0 && error.position <= pattern.length)
        }
      },
    ),
    { numRuns: 3_000, seed: 2 },
  )
})
