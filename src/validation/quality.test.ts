import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Row, Value } from '../model/value.ts'
import type { QualityOptions } from './options.ts'
import { checkQuality, qualityStage } from './quality.ts'
import { candidate, environment, verdicts } from './stage.fake.ts'

const options: QualityOptions = {
  threshold: 0.6,
  completeness: { email: 3, memberType: 1 },
  validity: { email: 'email' },
  consistency: [{ name: 'joined-past', assert: 'record.joined <= today()' }],
  freshness: { field: 'joined', fresh: '30d', stale: '130d' },
}

async function judged(quality: QualityOptions, set: Row, formats: readonly [string, string][] = []) {
  const [verdict] = await verdicts(qualityStage(quality, formats, environment()), [candidate(set)])
  assert.ok(verdict !== undefined && 'score' in verdict)
  return verdict
}

const date = (text: string): Value => ({ kind: 'date', text })

test('a good record scores 1; the score is the weighted mean of its parts', async () => {
  const good = { email: 'ada@example.org', memberType: 'x', joined: date('2026-02-20') }
  assert.deepEqual(await judged(options, good), { kind: 'accept', score: 1 })
  // Completeness 3/4 at weight 4, validity 1 at 3, consistency 1 at 2, freshness 1 at 1.
  assert.equal((await judged(options, { ...good, memberType: ' ' })).score, (0.75 * 4 + 3 + 2 + 1) / 10)
  // 80 days: half way from 30 to 130, of a day that is half over.
  const older = await judged(options, { ...good, joined: date('2025-12-11') })
  assert.ok(Math.abs((older.score ?? 0) - (4 + 3 + 2 + 0.495) / 10) < 1e-9)
})

test('a poor record goes to review, with score and reasons', async () => {
  const poor = await judged(options, { email: 'nobody', memberType: null, joined: date('2027-01-01') })
  assert.equal(poor.kind, 'park')
  if (poor.kind !== 'park') return
  assert.equal(poor.to, 'review')
  assert.deepEqual(
    poor.reasons.map(({ rule, field, error, value }) => [rule, field, error, value]),
    [
      [
        undefined,
        undefined,
        'The quality score is 0.40, below 0.6: completeness 0.75, validity 0.00, consistency 0.00, freshness 1.00.',
        undefined,
      ],
      ['completeness', 'memberType', 'memberType is empty.', undefined],
      ['validity', 'email', 'email is not a valid e-mail address.', 'text, 6 characters, begins "no"'],
      ['consistency', undefined, 'joined-past does not hold: record.joined <= today().', undefined],
    ],
  )
  assert.deepEqual((await judged({ ...options, poor: 'pass' }, { email: null, memberType: null })).kind, 'accept')
})

test('what says nothing of a record does not count', async () => {
  // No date: neither consistency nor freshness. No e-mail: nothing to be valid, but incomplete.
  assert.equal((await judged(options, { email: null, memberType: 'x', joined: null })).score, 0.25)
  assert.equal((await judged(options, { email: 'a@b.org', memberType: 'x', joined: null })).score, 1)
  // Formats of the schema where `validity` says nothing.
  const byschema = { completeness: ['email'] }
  assert.equal(
    (
      await judged(byschema, { email: 'x' }, [
        ['email', 'email'],
        ['Other', 'date'],
      ])
    ).score,
    4 / 7,
  )
})

test('a score is between 0 and 1, whatever the record', async () => {
  const value = fc.oneof(
    fc.constant(null),
    fc.string(),
    fc.boolean(),
    fc.integer(),
    fc.string().map((text): Value => ({ kind: 'instant', text })),
    fc.date({ noInvalidDate: true }).map((one): Value => ({ kind: 'instant', text: one.toISOString() })),
  )
  const stage = qualityStage(options, [], environment())
  await fc.assert(
    fc.asyncProperty(
      fc.record({ email: value, memberType: value, joined: value }, { requiredKeys: [] }),
      async (set) => {
        const [verdict] = await verdicts(stage, [candidate(set)])
        const score = verdict !== undefined && 'score' in verdict ? verdict.score : undefined
        assert.ok(score !== undefined && score >= 0 && score <= 1, String(score))
        assert.equal(verdict?.kind, score < 0.6 ? 'park' : 'accept')
      },
    ),
    { numRuns: 300, seed: 7 },
  )
})

test('everything that is wrong with the quality stage is found at once', () => {
  const problems = (quality: QualityOptions) =>
    checkQuality(quality, [], environment()).map(({ path, message }) => `${path.join('.')} ${message.split('\n')[0]}`)
  assert.deepEqual(
    problems({
      completeness: { emial: 1 },
      validity: { email: 'emial' },
      consistency: [
        { name: 'a', assert: 'row.x' },
        { name: 'a', assert: '1 +' },
      ],
      freshness: { field: 'seen', fresh: '90d', stale: '30d' },
      weights: { completeness: 0, validity: 0, consistency: 0, freshness: 0 },
    }),
    [
      'quality.completeness.emial "emial" is not a field that the mapping writes. Did you mean "email"?',
      'quality.validity.email the format "emial" is not known. Did you mean "email"?',
      'quality.consistency.1.name two conditions are called "a"',
      'quality.consistency.1.assert Unexpected token: EOF, at character 4:',
      'quality.freshness.field "seen" is not a field that the mapping writes.',
      'quality.freshness.fresh `fresh` must be shorter than `stale` (30d)',
      'quality.weights at least one weight must be more than 0',
    ],
  )
  assert.match(problems({})[0] ?? '', /nothing is measured/)
})
