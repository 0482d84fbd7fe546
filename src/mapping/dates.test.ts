import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Value } from '../model/value.ts'
import { compileMapping } from './mapping.ts'
import type { TransformOption } from './options.ts'

const date = (text: string): Value => ({ kind: 'date', text })

/** What a transform makes of a value; fails when it refuses it. */
function dated(transform: TransformOption, value: Value): Value | undefined {
  const mapping = compileMapping({
    object: 'x',
    key: { Id: { value: 1 } },
    fields: { F: { from: 'a', transform: [transform] } },
  })
  const mapped = mapping.map({ a: value })
  assert.ok(mapped.kind === 'mapped', JSON.stringify(mapped))
  return mapped.set['F']
}

test('dates: patterns, zones, gaps and overlaps', () => {
  const zone = 'Europe/Vienna'
  const instant = (text: string): Value => ({ kind: 'instant', text })
  const local = (text: string): Value => ({ kind: 'datetime', text })
  const cases: [object | 'date', Value, Value][] = [
    [{ date: { from: 'dd.MM.yyyy' } }, '31.01.2024', date('2024-01-31')],
    [{ date: { from: 'd.M.yyyy' } }, '1.2.2024', date('2024-02-01')],
    [{ date: { from: 'yyyyMMdd' } }, 20240229, date('2024-02-29')],
    [{ date: { from: "yyyy-MM-dd'T'HH:mm:ss.S" } }, '2024-01-31T02:30:00.120', local('2024-01-31 02:30:00.12')],
    [{ date: { from: 'dd.MM.yyyy HH:mm', zone } }, '31.01.2024 02:30', instant('2024-01-31 01:30:00+00')],
    [{ date: { zone } }, local('2024-07-01 00:00:00.123456'), instant('2024-06-30 22:00:00.123456+00')],
    [{ date: { zone, to: 'date' } }, instant('2024-06-30 22:00:00+00'), date('2024-07-01')],
    [{ date: { zone, to: 'datetime' } }, instant('2024-01-31 01:30:00+00'), local('2024-01-31 02:30:00')],
    [{ date: { to: 'date' } }, local('2024-01-31 23:59:59'), date('2024-01-31')],
    ['date', '2024-01-31T02:30:00+01:00', instant('2024-01-31 01:30:00+00')],
    ['date', date('2024-01-31'), date('2024-01-31')],
    [{ date: { from: 'unix' } }, 1_706_664_600, instant('2024-01-31 01:30:00+00')],
    [{ date: { from: 'unix_ms' } }, -1, instant('1969-12-31 23:59:59.999+00')],
    // The night of 27 October 2024 shows 02:30 twice; that of 31 March never.
    [{ date: { zone } }, local('2024-10-27 02:30:00'), instant('2024-10-27 00:30:00+00')],
    [{ date: { zone, overlap: 'later' } }, local('2024-10-27 02:30:00'), instant('2024-10-27 01:30:00+00')],
    [{ date: { zone, gap: 'later' } }, local('2024-03-31 02:30:00'), instant('2024-03-31 01:30:00+00')],
    [{ date: { zone } }, local('2024-03-31 03:00:00'), instant('2024-03-31 01:00:00+00')],
    [{ date: { zone } }, local('2024-03-31 01:59:59'), instant('2024-03-31 00:59:59+00')],
    // Before time zones were agreed on, Vienna kept its own time: 1 hour, 5 minutes, 21 seconds.
    [{ date: { zone } }, local('1890-01-01 12:00:00'), instant('1890-01-01 10:54:39+00')],
    [{ date: { zone: 'Asia/Kathmandu' } }, local('2024-01-01 05:45:00'), instant('2024-01-01 00:00:00+00')],
  ]
  for (const [transform, value, expected] of cases) {
    const got = dated(transform as TransformOption, value)
    assert.deepEqual(got, expected, `${JSON.stringify(transform)} ${JSON.stringify(value)}: ${JSON.stringify(got)}`)
  }
})

test('local times and instants are inverse to each other, in every zone and season', () => {
  const zones = [
    'Europe/Vienna',
    'America/New_York',
    'Asia/Kathmandu',
    'Australia/Lord_Howe',
    'UTC',
    'America/St_Johns',
    'Africa/Casablanca',
  ]
  const compiled = zones.map((zone) => ({
    toLocal: compileMapping({
      object: 'x',
      key: { I: { value: 1 } },
      fields: { F: { from: 'a', transform: [{ date: { zone, to: 'datetime' } }] } },
    }),
    back: ['earlier', 'later'].map((overlap) =>
      compileMapping({
        object: 'x',
        key: { I: { value: 1 } },
        fields: { F: { from: 'a', transform: [{ date: { zone, overlap: overlap as 'later' } }] } },
      }),
    ),
  }))
  fc.assert(
    fc.property(
      fc.constantFrom(...compiled),
      fc.integer({ min: -2_000_000_000, max: 4_000_000_000 }),
      ({ toLocal, back }, seconds) => {
        const text = `${new Date(seconds * 1000).toISOString().slice(0, 19).replace('T', ' ')}+00`
        const local = toLocal.map({ a: { kind: 'instant', text } })
        assert.ok(local.kind === 'mapped')
        const answers = back.map((mapping) => {
          const mapped = mapping.map({ a: local.set['F']! })
          assert.ok(mapped.kind === 'mapped')
          return (mapped.set['F'] as { text: string }).text
        })
        assert.ok(answers.includes(text), `${text} -> ${JSON.stringify(local.set['F'])} -> ${answers.join(' or ')}`)
      },
    ),
    { numRuns: 1_500, seed: 7 },
  )
})
