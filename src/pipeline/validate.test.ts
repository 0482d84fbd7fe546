import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileMapping, inputsOf } from '../mapping/mapping.ts'
import type { MappingOptions } from '../mapping/options.ts'
import type { Row } from '../model/value.ts'
import type { Reason, Stage } from '../model/verdict.ts'
import type { Event } from '../telemetry/event.ts'
import type { FunctionCall, UserFunctions } from '../validation/functions.ts'
import { qualityStage } from '../validation/quality.ts'
import { referenceStage } from '../validation/reference.ts'
import { rulesStage } from '../validation/rules.ts'
import { schemaStage } from '../validation/schema.ts'
import { candidate, environment, memberFields, noFunctions } from '../validation/stage.fake.ts'
import { key, never } from './fixture.ts'
import { candidateOf } from './judge.ts'
import { type Judged, validate } from './validate.ts'

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
    new Map(),
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

/** The same member, as a mapping makes it of a row. */
const mapping: MappingOptions = {
  object: 'Contact',
  key: { id: 'id' },
  fields: {
    email: { from: 'email', transform: ['email'] },
    memberType: 'member_type',
    graduationDate: 'graduation_date',
    chapterId: 'chapter_id',
    joined: 'joined',
  },
}

/** One row on its way from mapping through all stages. */
async function parked(row: Row, ...among: readonly Stage[]): Promise<Extract<Judged, { kind: 'park' }>> {
  const rules = compileMapping(mapping)
  const { candidate: one, reasons } = candidateOf(
    { key: key(1), known: null, image: { op: 'upsert', row } },
    rules.map(row),
    rules,
  )
  const refused = new Map(reasons === null ? [] : [[0, reasons]])
  const judges = { id: 'members', stages: among, references }
  const [judged] = await validate([one], refused, judges, undefined, never)
  assert.ok(judged?.kind === 'park')
  return judged
}

const told = ({ stage, reasons }: { readonly stage: string; readonly reasons: readonly Reason[] }) => [
  stage,
  ...reasons.map((reason) => `${reason.stage} ${reason.rule ?? ''} ${reason.field ?? ''}`),
]

const member = { id: 1, member_type: 'student', graduation_date: null, chapter_id: 9, joined: null }

test('rule 8: what mapping refuses is told with what the stages say of the other fields', async () => {
  const judged = await parked({ ...member, email: 'ada.example.org' }, ...stages)
  assert.equal(judged.to, 'quarantine')
  assert.deepEqual(told(judged), [
    'mapping',
    'mapping fields.email email',
    'rules student-graduation graduationDate',
    'reference chapters.id chapterId',
  ])
})

test('rule 8: so is what has no external id', async () => {
  const judged = await parked({ ...member, id: '  ', email: 'ada@example.org' }, ...stages)
  assert.deepEqual(told(judged).slice(0, 3), ['key', 'key  id', 'rules student-graduation graduationDate'])
})

test('I6: nothing is said of a field that could not be mapped, nor of what depends on it', async () => {
  const inputs = inputsOf(mapping)
  const called: FunctionCall[] = []
  const functions: UserFunctions = {
    async call(_file, calls) {
      called.push(...calls)
      return calls.map(() => ({ kind: 'errors', errors: [{ field: null, error: 'no', value: null }] }))
    },
  }
  const env = environment({ fields: ['id', ...memberFields], inputs })
  const judged = await parked(
    { ...member, email: 'ada.example.org', member_type: 'x' },
    schemaStage(
      {
        type: 'object',
        required: ['email', 'memberType'],
        // Without an e-mail address the condition holds for nothing that anybody knows.
        if: { properties: { email: { pattern: 'example' } } },
        // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
        then: { properties: { graduationDate: { type: 'string' } } },
        minProperties: 9,
        properties: { memberType: { anyOf: [{ const: 'student' }, { const: 'regular' }] } },
      },
      { inputs },
    ),
    rulesStage(
      [
        { name: 'reachable', require: 'email' },
        { name: 'mail', when: '!has(record.email)', require: 'joined' },
        { name: 'own', assert: "record.email == 'x' || record.memberType == 'student'" },
        { name: 'known', assert: "record.email == 'x' && record.memberType == 'student'" },
        { function: './rules.ts' },
      ],
      env,
      functions,
    ),
    qualityStage({ completeness: ['email', 'graduationDate'], threshold: 0.9 }, [], env),
    qualityStage({ completeness: ['graduationDate'], threshold: 0.9 }, [], env),
  )
  assert.deepEqual(told(judged), [
    'mapping',
    'mapping fields.email email',
    'schema properties.memberType.anyOf memberType',
    // False whatever the e-mail address is.
    'rules known ',
    'quality  ',
    'quality completeness graduationDate',
  ])
  assert.equal(called.length, 0)
})

test('what each stage and rule said is told once a window', async () => {
  const events: Event[] = []
  const good = { email: 'a@b.org', memberType: 'student', graduationDate: '2027-06-30', chapterId: 7 }
  const judged = await validate(
    [
      good,
      { ...good, email: 'x', graduationDate: null },
      { ...good, email: null, memberType: 'x', graduationDate: null },
      good,
    ].map((set) => candidate(set)),
    new Map([[3, [{ stage: 'mapping', code: 'SYNC-4017', rule: 'fields.Status', error: 'not in the map' }]]]),
    { id: 'members', stages, references },
    (event) => events.push(event),
    never,
  )
  assert.deepEqual(
    judged.map((one) => (one.kind === 'park' ? one.stage : one.kind)),
    ['accept', 'schema', 'schema', 'mapping'],
  )
  const [told] = events
  assert.ok(told?.kind === 'validated' && events.length === 1)
  assert.deepEqual([told.records, told.valid, told.scores], [4, 1, [1, 0.5, 0, 1]])
  assert.deepEqual(
    told.results.map(({ stage, rule, result, n }) => `${stage} ${rule} ${result} ${n}`),
    [
      'mapping  passed 3',
      'mapping  failed 1',
      'mapping fields.Status failed 1',
      'schema  passed 2',
      'schema  failed 2',
      'schema properties.email.format failed 1',
      'schema properties.email.type failed 1',
      'rules  passed 3',
      'rules  failed 1',
      'rules student-graduation failed 1',
      'reference  passed 4',
      'quality  passed 3',
      'quality  review 1',
      'quality completeness review 1',
    ],
  )
})
