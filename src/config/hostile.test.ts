import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { failuresOf, good } from './load.fake.ts'

test('whatever the file, loading is typed, quick and leaves no trace', () => {
  const token = fc.constantFrom(
    'version',
    'systems',
    'syncs',
    'a',
    '__proto__',
    'constructor',
    ': ',
    ':',
    '\n',
    '\n  ',
    '\n    ',
    '- ',
    '[',
    ']',
    '{',
    '}',
    ',',
    '"',
    "'",
    '&a ',
    '*a',
    '!!x ',
    '|',
    '>',
    '${',
    '}',
    '${A}',
    '${file:/x}',
    '1',
    'true',
    'null',
    '#',
    '---\n',
    '\t',
    '? ',
    '%YAML',
    'type: postgres',
    'url: ',
    '\u0000',
    '<<: ',
  )
  const started = performance.now()
  fc.assert(
    fc.property(fc.array(token, { maxLength: 40 }), fc.nat(good.length), (tokens, at) => {
      failuresOf(tokens.join(''))
      failuresOf(good.slice(0, at) + tokens.slice(0, 3).join('') + good.slice(at))
      assert.equal(({} as { polluted?: unknown }).polluted, undefined)
      assert.deepEqual(Object.keys(Object.prototype), [])
    }),
    { numRuns: 300, seed: 5 },
  )
  assert.ok(performance.now() - started < 60_000)
})

test('the worst files take about a second at most', () => {
  const worst = [
    'a:\n'.repeat(300_000),
    '- '.repeat(490_000),
    `${'? '.repeat(400_000)}`,
    `a: "${'x'.repeat(900_000)}"`,
    `a: [${'1,'.repeat(400_000)}]`,
    `${'{'.repeat(500_000)}`,
    Array.from({ length: 60_000 }, (_, i) => `k${i}: 1`).join('\n'),
    `a: "${'${A}'.repeat(200_000)}"`,
    '&a '.repeat(300_000),
  ]
  for (const text of worst) {
    const started = performance.now()
    assert.ok(failuresOf(text).length > 0)
    const took = performance.now() - started
    assert.ok(took < 2_000, `${text.slice(0, 10)} took ${Math.round(took)} ms`)
  }
})
