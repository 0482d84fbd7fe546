import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Row } from '../model/value.ts'
import type { ReferenceOptions } from './options.ts'
import { checkReferences, referenceSets, referenceStage } from './reference.ts'
import { candidate, environment, knowing, reasonsOf } from './stage.fake.ts'

const check = (more: Partial<ReferenceOptions>): ReferenceOptions => ({
  field: 'chapterId',
  in: 'chapters.id',
  lifetime_ms: 600_000,
  staleMax_ms: 86_400_000,
  stale: 'wait',
  caseInsensitive: false,
  ...more,
})

const of = (checks: readonly ReferenceOptions[], set: Row, found = knowing(['VIE'], ['GRZ'])) =>
  reasonsOf(referenceStage(checks, environment()), set, set, found)

test('the check of the specification: a chapter that does not exist', async () => {
  assert.deepEqual(await of([check({})], { chapterId: 'nowhere' }), [
    {
      stage: 'reference',
      code: 'SYNC-4044',
      rule: 'chapters.id',
      field: 'chapterId',
      error: 'chapterId does not occur in chapters.id.',
      value: 'text, 7 characters, begins "no"',
    },
  ])
  assert.deepEqual(await of([check({})], { chapterId: 'VIE' }), [])
  const [said] = await of([check({ message: 'Invalid chapter reference' })], { chapterId: 'nowhere' })
  assert.equal(said?.error, 'Invalid chapter reference', 'in the words of the configuration')
  assert.deepEqual(referenceSets([check({ message: 'x' })]), referenceSets([check({})]), 'and it is the same set')
})

test('null and absent pass: whether a field must be there is the matter of the schema', async () => {
  assert.deepEqual(await of([check({})], { chapterId: null }), [])
  assert.deepEqual(await of([check({})], {}), [])
  const stage = referenceStage([check({})], environment())
  assert.deepEqual(
    stage.needs?.([candidate({ chapterId: null }), candidate({}), candidate({ chapterId: 7 })]).length,
    1,
  )
})

test('a set that cannot be asked parks for another reason, or lets the value pass', async () => {
  const codes = async (stale: ReferenceOptions['stale']) =>
    (await of([check({ stale })], { chapterId: 'GRZ' })).map(({ code }) => code)
  assert.deepEqual(await codes('park'), ['SYNC-4045'])
  assert.deepEqual(await codes('accept'), [])
})

test('a list is known without asking; near words are named', async () => {
  const list = check({ field: 'memberType', in: ['regular', 'student', 5] })
  assert.deepEqual(await of([list], { memberType: 'student' }), [])
  assert.deepEqual(await of([list], { memberType: 5 }), [])
  const [reason] = await of([list], { memberType: 'Student' })
  assert.equal(reason?.error, 'memberType does not occur in the list of allowed values: regular, student, 5.')
  assert.deepEqual(await of([{ ...list, caseInsensitive: true }], { memberType: 'STUDENT' }), [])
  const codes = Array.from({ length: 300 }, (_, n) => `code-${n}`)
  const [many] = await of([check({ in: codes })], { chapterId: 'code_17' })
  assert.match(many?.error ?? '', /list of allowed values: code-17, .*…\.$/)
  // The same set asked with two policies is two sets; asked twice alike it is one.
  assert.equal(referenceSets([check({}), check({ field: 'email' }), check({ stale: 'park' }), list]).length, 2)
})

test('a column of the source row is checked by row.<column>', async () => {
  const stage = referenceStage([check({ field: 'row.chapter' })], environment())
  assert.deepEqual(stage.columns, ['chapter'])
  const reasons = await reasonsOf(stage, {}, { chapter: 'x' }, knowing([]))
  assert.equal(reasons[0]?.field, 'row.chapter')
})

test('everything that is wrong with reference checks is found at once', () => {
  const checks = [
    check({ field: 'chapter' }),
    check({ in: 'chapters' }),
    check({ in: { table: 'chapters' } }),
    check({ in: { file: './a.csv', table: 'b', column: 'c' } }),
    check({ in: {} }),
  ]
  assert.deepEqual(
    checkReferences(checks, environment()).map(({ path, message }) => `${path.join('.')} ${message}`),
    [
      'reference.0.field "chapter" is not a field that the mapping writes; a source column is row.<column>. Did you mean "chapterId"?',
      'reference.1.in "chapters" is not <table>.<column>',
      'reference.2.in the table chapters needs `column`',
      'reference.3.in a set is either in a table or in a file',
      'reference.4.in exactly one of `table` and `file` is needed',
    ],
  )
})
