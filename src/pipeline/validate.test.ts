import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Event } from '../telemetry/event.ts'
import { qualityStage } from '../validation/quality.ts'
import { referenceStage } from '../validation/reference.ts'
import { rulesStage } from '../validation/rules.ts'
import { schemaStage } from '../validation/schema.ts'
import { candidate, environment, noFunctions } from '../validation/stage.fake.ts'
import { never } from './fixture.ts'
import { validate } from './validate.ts'

/** The specification's MemberValidator: schema, business and reference errors of one member, together. */
const stages = [
  schemaStage({ type: 'object', properties: { email: { type: 'string', format: 'email' } } }),
  rulesStage(
    [
      {
        name: 'student-graduation',
        when: "record.memberType == 'student'",
        require: 'graduationDate',
        message: 'Required for student members',
      },
    ],
    environment(),
    noFunctions,
  ),
  referenceStage(
    [
      {
        field: 'chapterId',
        in: 'chapters.id',
        lifetime_ms: 1,
        staleMax_ms: 1,
        stale: 'park',
        caseInsensitive: false,
      },
    ],
    environment(),
  ),
  qualityStage(
    { completeness: ['email', 'graduationDate'], weights: { completeness: 1 }, threshold: 0.4 },
    [],
    environment(),
  ),
]

const references = { known: async () => ({ known: new Set(['7']), away: null }) }

test('rule 8: a record parks at its first failing stage, with the errors of all later ones', async () => {
  const [judged] = await validate(
    [candidate({ email: 'ada.example.org', memberType: 'student', graduationDate: null, chapterId: 9 })],
    [],
    { id: 'members', stages, references },
    undefined,
    never,
  )
  assert.ok(judged?.kind === 'park')
  assert.deepEqual([judged.to, judged.stage], ['quarantine', 'schema'])
  assert.deepEqual(
    judged.reasons.map(({ stage, field, error, value }) => ({ stage, field, error, value })),
    [
      {
        stage: 'schema',
        field: 'email',
        error: 'email is not a valid e-mail address.',
        value: 'text, 15 characters, begins "ada"',
      },
      { stage: 'rules', field: 'graduationDate', error: 'Required for student members', value: undefined },
      {
        stage: 'reference',
        field: 'chapterId',
        error: 'chapterId does not occur in chapters.id.',
        value: 'number, 1 character',
      },
    ],
  )
})

test('what each stage and rule said is told once a window', async () => {
  const events: Event[] = []
  const good = { email: 'a@b.org', memberType: 'student', graduationDate: '2027-06-30', chapterId: 7 }
  const judged = await validate(
    [
      good,
      { ...good, email: 'x', graduationDate: null },
      { ...good, email: null, memberType: 'x', graduationDate: null },
    ].map((set) => candidate(set)),
    [[{ stage: 'mapping', code: 'SYNC-4017', rule: 'fields.Status', error: 'not in the map' }]],
    { id: 'members', stages, references },
    (event) => events.push(event),
    never,
  )
  assert.deepEqual(
    judged.map((one) => (one.kind === 'park' ? one.stage : one.kind)),
    ['accept', 'schema', 'schema'],
  )
  const [told] = events
  assert.ok(told?.kind === 'validated' && events.length === 1)
  assert.deepEqual([told.records, told.valid, told.scores], [4, 1, [1, 0.5, 0]])
  assert.deepEqual(
    told.results.map(({ stage, rule, result, n }) => `${stage} ${rule} ${result} ${n}`),
    [
      'mapping  passed 3',
      'mapping  failed 1',
      'mapping fields.Status failed 1',
      'schema  passed 1',
      'schema  failed 2',
      'schema properties.email.format failed 1',
      'schema properties.email.type failed 1',
      'rules  passed 2',
      'rules  failed 1',
      'rules student-graduation failed 1',
      'reference  passed 3',
      'quality  passed 2',
      'quality  review 1',
      'quality completeness review 1',
    ],
  )
})
