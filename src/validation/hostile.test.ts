import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newRow, type Row, type Value } from '../model/value.ts'
import type { Reason } from '../model/verdict.ts'
import { qualityStage } from './quality.ts'
import { referenceStage } from './reference.ts'
import { rulesStage } from './rules.ts'
import { schemaStage } from './schema.ts'
import { candidate, environment, knowing, noFunctions, verdicts } from './stage.fake.ts'

/** Every stage over five fields that hold anything. */
const env = environment()
const policy = { lifetime_ms: 1, staleMax_ms: 1, stale: 'wait', caseInsensitive: false } as const
const stages = [
  schemaStage({
    type: 'object',
    properties: {
      email: { type: ['string', 'null'], format: 'email', pattern: '(a+)+$', maxLength: 100 },
      joined: { type: ['string', 'null'], format: 'date' },
    },
  }),
  rulesStage(
    [
      { name: 'pattern', assert: "matches(record.email, '^(a|a)*(b+)+$') || true" },
      { name: 'search', assert: '!contains(row.email, row.memberType)' },
      { name: 'split', assert: "size(split(row.email, ',')) < 5" },
      { name: 'text', assert: "lower(trim(row.email)) != 'x' && row.joined <= today()" },
      { name: 'number', assert: 'number(row.chapterId) * number(row.chapterId) >= 0' },
      { name: 'need', when: 'has(record.memberType)', require: ['email', 'graduationDate'] },
    ],
    env,
    noFunctions,
  ),
  referenceStage(
    [
      { field: 'chapterId', in: ['a', 'b'], ...policy },
      { field: 'memberType', in: 'types.name', ...policy },
    ],
    env,
  ),
  qualityStage(
    {
      completeness: ['email', 'joined'],
      validity: { email: 'email', memberType: 'phone', chapterId: 'uri', graduationDate: 'date' },
      consistency: [{ name: 'c', assert: 'record.joined <= now() || true' }],
      freshness: { field: 'joined' },
    },
    [],
    env,
  ),
]

const deep = (open: string, close: string, depth: number): Value => ({
  kind: 'json',
  text: open.repeat(depth) + close.repeat(depth),
})

const hostile: readonly (readonly [string, Value])[] = [
  ['10 MB', 'x'.repeat(10_000_000)],
  ['10 MB of commas', ','.repeat(10_000_000)],
  ['10 MB of blanks', ' '.repeat(10_000_000)],
  ['10 MB of half surrogates', '\ud800'.repeat(5_000_000)],
  ['what a backtracking engine dies of', `${'a'.repeat(60_000)}!`],
  ['a part that is looked for for ever', `${'a'.repeat(250_000)}b${'a'.repeat(250_000)}`],
  ['deep JSON', deep('[', ']', 100_000)],
  ['deep objects', deep('{"a":', '}', 50_000)],
  [
    'JSON with a prototype',
    { kind: 'json', text: '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}' },
  ],
  ['a lone surrogate', 'abc\ud800'],
  ['NUL and escapes', 'a\u0000b\u001b[31m\u202e'],
  ['a number of a million digits', { kind: 'decimal', text: '9'.repeat(1_000_000) }],
  ['an exponent', { kind: 'decimal', text: '1e999999999' }],
  ['NaN', { kind: 'decimal', text: 'NaN' }],
  ['a date before Christ', { kind: 'date', text: '0044-03-15 BC' }],
  ['infinity', { kind: 'instant', text: 'infinity' }],
  ['a date that is none', { kind: 'date', text: '2024-02-3x' }],
  ['a zero date', { kind: 'invalid', type: 'date', raw: '0000-00-00', reason: 'a zero date' }],
  ['bytes', { kind: 'bytes', text: 'AAAA' }],
  ['another type', { kind: 'other', type: 'geometry', text: 'POINT(1 2)' }],
]

test('hostile values: every stage answers for each record, soon, and shows no value', async () => {
  const names = ['email', 'memberType', 'graduationDate', 'chapterId', 'joined']
  const rows = hostile.map(([, value]): Row => Object.fromEntries(names.map((name) => [name, value])))
  // One record of ordinary values among them is judged as ever.
  rows.push({ email: 'ada@example.org', memberType: 'x', graduationDate: '2027-06-30', chapterId: 'a', joined: null })
  const started = performance.now()
  for (const stage of stages) {
    const said = await verdicts(
      stage,
      rows.map((row) => candidate(row)),
      knowing(['x']),
    )
    assert.equal(said.length, rows.length)
    for (const [place, verdict] of said.entries()) {
      const reasons: readonly Reason[] = verdict.kind === 'park' ? verdict.reasons : []
      for (const reason of reasons) {
        assert.ok(
          JSON.stringify(reason).length < 1_500,
          `${stage.name} of ${hostile[place]?.[0]}: ${reason.error.slice(0, 200)}`,
        )
        assert.ok(reason.error.isWellFormed() && (reason.value ?? '').isWellFormed())
        // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
        assert.doesNotMatch(reason.error + (reason.value ?? ''), /[\u0000-\u001f\u007f]/)
      }
    }
    if (stage.name !== 'quality')
      assert.ok(
        said.some(({ kind }) => kind === 'park'),
        stage.name,
      )
  }
  // A backtracking pattern takes minutes on one of these.
  assert.ok(performance.now() - started < 20_000)
  assert.equal(({} as { polluted?: unknown }).polluted, undefined)
})

test('fields and columns that are called like what all objects have', async () => {
  const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty']
  const row = newRow()
  for (const name of names) row[name] = name
  const own = environment({ fields: names, inputs: Object.fromEntries(names.map((name) => [name, [name]])) })
  const stage = referenceStage(
    names.map((field) => ({ field, in: ['nothing'], ...policy })),
    own,
  )
  const [verdict] = await verdicts(stage, [candidate(row)])
  assert.deepEqual(verdict?.kind === 'park' ? verdict.reasons.map(({ field }) => field) : [], names)
  // What a row does not have is absent, whatever its prototype has.
  assert.deepEqual(await verdicts(stage, [candidate({}, {})]), [{ kind: 'accept' }])
  const rules = rulesStage([{ name: 'r', assert: "record.toString == 'x'" }], own, noFunctions)
  assert.deepEqual(await verdicts(rules, [candidate({}, {})]), [{ kind: 'accept' }])
})
