import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formats, formatsOf } from './formats.ts'

test('formats accept what people write, and nothing near it', () => {
  const cases: { readonly [format: string]: readonly [good: readonly string[], bad: readonly string[]] } = {
    email: [
      ['ada@example.org', "o'neil+x@sub.example.co.uk"],
      ['ada', 'ada@', '@example.org', 'ada@example', 'ada@@example.org', ' ada@example.org', 'a b@example.org', ''],
    ],
    phone: [
      [
        '+436601234567',
        '+43 660 123-45-67',
        '0660 1234567',
        '(212) 555-0123',
        '212.555.0123 x77',
        '+1 212 555 0123 ext. 5',
      ],
      ['n/a', '12', '+0660123456', '+43', 'call me', '1-800-FLOWERS', '+43660123456789012345', ''],
    ],
    'phone-AT': [
      ['0660 1234567', '+43 1 5880', '0043 1 58801'],
      ['5880', '+43', 'x'],
    ],
    e164: [['+436601234567'], ['+43 660 1234567', '0660', '+0123456789', '+1234567890123456']],
    date: [
      ['2024-02-29', '1900-01-01'],
      ['2023-02-29', '2024-13-01', '2024-1-1', '31.01.2024', '2024-01-31T00:00:00Z', ''],
    ],
    uri: [
      ['https://example.org/a?b#c', 'mailto:ada@example.org', 'urn:isbn:0451450523'],
      ['example.org', 'https://', 'http://a b', '//example.org', 'https://example.org/\n', ''],
    ],
  }
  for (const [name, [good, bad]] of Object.entries(cases)) {
    const format = formats.get(name)
    assert.ok(format, name)
    for (const text of good) assert.equal(format.test(text), true, `${name} ${text}`)
    for (const text of bad) assert.equal(format.test(text), false, `${name} ${JSON.stringify(text)}`)
  }
})

test('no format takes long, whatever the text', () => {
  const hostile = [
    'a'.repeat(8_000),
    '1-'.repeat(4_000),
    '@'.repeat(8_000),
    'a.'.repeat(4_000),
    '\ud800'.repeat(50),
    ':'.repeat(8_000),
  ]
  const started = performance.now()
  for (const { test: check } of formats.values())
    for (const text of [...hostile, 'x'.repeat(10_000_000)]) assert.equal(check(text), false)
  // Far above what is needed, far below what a pattern that backtracks takes.
  assert.ok(performance.now() - started < 5_000)
})

test('the formats of a schema are found by field', () => {
  const schema = {
    format: 'no field',
    properties: { Email: { format: 'email' }, Name: {}, custom: { properties: { born: { format: 'date' } } } },
  }
  assert.deepEqual(formatsOf(schema), [
    ['Email', 'email'],
    ['custom.born', 'date'],
  ])
  assert.deepEqual(formatsOf(true), [])
})
