import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Row } from '../model/value.ts'
import type { UserFunctions } from './functions.ts'
import type { RuleOptions } from './options.ts'
import { checkRules, rulesStage } from './rules.ts'
import { candidate, environment, noFunctions, reasonsOf, verdicts } from './stage.fake.ts'

/** The rule of the specification's MemberValidator. */
const student: RuleOptions = {
  name: 'student-graduation',
  when: "record.memberType == 'student'",
  require: 'graduationDate',
  message: 'Required for student members',
}

const stage = (rules: readonly RuleOptions[], more = {}) => rulesStage(rules, environment(more), noFunctions)

test('the rule of the specification: students need a graduation date', async () => {
  const of = (set: Row) => reasonsOf(stage([student]), set)
  assert.deepEqual(await of({ memberType: 'student', graduationDate: null }), [
    {
      stage: 'rules',
      code: 'SYNC-4040',
      rule: 'student-graduation',
      field: 'graduationDate',
      error: 'Required for student members',
    },
  ])
  assert.equal((await of({ memberType: 'student', graduationDate: '  ' })).length, 1)
  assert.deepEqual(await of({ memberType: 'student', graduationDate: { kind: 'date', text: '2027-06-30' } }), [])
  assert.deepEqual(await of({ memberType: 'regular', graduationDate: null }), [])
  assert.deepEqual(await of({ memberType: null, graduationDate: null }), [])
})

test('what a change did not carry has not changed: nothing is guessed of it (I6)', async () => {
  const partial = stage([student])
  assert.deepEqual(partial.together, [['memberType', 'graduationDate']])
  // The column of the field, or of the condition, is absent.
  assert.deepEqual(await reasonsOf(partial, { memberType: 'student' }), [])
  assert.deepEqual(await reasonsOf(partial, { graduationDate: null }), [])
  // The column is there and the mapping leaves the field out (nulls: skip): it is empty.
  assert.equal(
    (await reasonsOf(partial, { memberType: 'student' }, { memberType: 'student', graduationDate: null })).length,
    1,
  )
})

test('an assertion that is false parks; null passes, as in a CHECK of SQL; what cannot be evaluated parks with its reason', async () => {
  const rule: RuleOptions = { name: 'joined', assert: 'row.joined <= today()', field: 'joined' }
  const of = (row: Row) => reasonsOf(stage([rule]), row)
  assert.deepEqual(await of({ joined: { kind: 'date', text: '2026-03-01' } }), [])
  assert.deepEqual(await of({ joined: null }), [])
  assert.deepEqual(await of({}), [])
  assert.deepEqual(await of({ joined: { kind: 'date', text: '2026-03-02' } }), [
    {
      stage: 'rules',
      code: 'SYNC-4041',
      rule: 'joined',
      field: 'joined',
      error: 'The rule joined does not hold: row.joined <= today().',
      value: 'date, 10 characters, begins "202"',
    },
  ])
  const [unclear] = await of({ joined: true })
  assert.equal(unclear?.code, 'SYNC-4042')
  assert.match(unclear?.error ?? '', /cannot be evaluated .* in `assert`/)
  const unreadable = { kind: 'invalid', type: 'date', raw: '0000-00-00', reason: 'a zero date' } as const
  assert.match((await of({ joined: unreadable }))[0]?.error ?? '', /a zero date/)
})

test('a record that is parked already is told what is certainly wrong with it, and no more', async () => {
  const rules: RuleOptions[] = [student, { name: 'number', assert: 'row.joined > 5' }]
  const record = candidate({ memberType: 'student', graduationDate: null, joined: 'x' })
  const codes = async (stands: boolean) => {
    const [verdict] = await verdicts(stage(rules), [record], undefined, () => stands)
    return verdict?.kind === 'park' ? verdict.reasons.map(({ code }) => code) : []
  }
  assert.deepEqual(await codes(true), ['SYNC-4040', 'SYNC-4042'])
  assert.deepEqual(await codes(false), ['SYNC-4040'])
})

test('a function is asked once a window; its errors and its failures are reasons', async () => {
  const asked: unknown[] = []
  const functions: UserFunctions = {
    async call(file, calls, timeout_ms) {
      asked.push([file, calls, timeout_ms])
      return [
        { kind: 'errors', errors: [] },
        { kind: 'errors', errors: [{ field: 'email', error: 'Not ours', value: 'ada@example.org' }] },
        { kind: 'failed', why: 'it threw TypeError: x' },
        { kind: 'errors', errors: [{ field: 'email', error: 'Blocked', value: null }] },
      ]
    },
  }
  const rule: RuleOptions = { function: './rules/member.ts', timeout: '250ms', columns: ['seat'] }
  const made = rulesStage([rule], environment({ classes: new Map([['email', 'sensitive']]) }), functions)
  assert.deepEqual(made.columns, ['seat'])
  assert.deepEqual(made.together, [['email', 'memberType', 'graduationDate', 'chapterId', 'joined', 'seat']])
  const amount = { kind: 'decimal', text: '10.50' } as const
  const answers = await verdicts(
    made,
    [1, 2, 3, 4].map((n) => candidate({ email: `${n}@x.org` }, { amount, 'm.status': n })),
  )
  assert.equal(asked.length, 1)
  const [[file, calls, timeout_ms]] = asked as [[string, { record: object; row: object }[], number]]
  assert.deepEqual([file, calls.length, timeout_ms], ['./rules/member.ts', 4, 250])
  assert.equal(JSON.stringify(calls[1]), '{"record":{"email":"2@x.org"},"row":{"amount":10.5,"m":{"status":2}}}')
  assert.deepEqual(
    answers.map((one) =>
      one.kind === 'park' ? one.reasons.map(({ code, error, value }) => [code, error, value]) : one.kind,
    ),
    [
      'accept',
      [['SYNC-4041', 'Not ours', 'text, 15 characters']],
      [['SYNC-4043', 'The function of the rule member failed for this record: it threw TypeError: x.', undefined]],
      [['SYNC-4041', 'Blocked', 'text, 7 characters']],
    ],
  )
})

test('everything that is wrong with rules is found at once, at its place', () => {
  const rules: RuleOptions[] = [
    { name: 'a', when: 'row.x +', assert: 'record.emial == null && row.y', require: ['email', 'phone'] },
    { name: 'a', assert: 'row.n + 1' },
    { assert: 'true' },
    { name: 'empty' },
    { name: 'both', function: './x.ts', assert: 'true' },
    { name: 'slow', assert: 'true', timeout: '1s' },
    { name: 'about', assert: "matches(row.x, '(a+)\\\\1')", field: 'nothing' },
  ]
  assert.deepEqual(
    checkRules(rules, environment()).map(
      ({ code, path, message }) => `${path.join('.')} ${code} ${message.slice(0, 40)}`,
    ),
    [
      'rules.0.require.1 SYNC-1026 "phone" is not a field that the mapping ',
      'rules.0.when SYNC-1017 Unexpected token: EOF, at character 8:\nr',
      'rules.0.assert SYNC-1017 "emial" is not a field that the mapping ',
      'rules.1.name SYNC-1026 two rules are called "a"',
      'rules.1.assert SYNC-1017 expected true or false, this gives a num',
      'rules.2 SYNC-1026 a rule needs a `name`: reasons and figur',
      'rules.3 SYNC-1026 a rule needs `require`, `assert` or `fun',
      'rules.4.assert SYNC-1026 `assert` has no meaning beside `function',
      'rules.5.timeout SYNC-1026 `timeout` has a meaning only beside `fun',
      'rules.6.field SYNC-1026 "nothing" is not a field that the mappin',
      'rules.6.assert SYNC-1015 matches(): in the pattern at character 5',
    ],
  )
})

test('I7: a function has a bound of its own, whatever the configuration says', () => {
  const of = (timeout: string) => checkRules([{ function: './a.ts', timeout }], environment())
  assert.deepEqual(of('1m'), [])
  assert.deepEqual(of('61s'), [
    { code: 'SYNC-1026', path: ['rules', '0', 'timeout'], message: 'a function may run for at most 1m, here are 61s' },
  ])
})
