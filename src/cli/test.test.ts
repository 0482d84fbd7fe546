import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { systemsYaml } from '../config/systems.fake.ts'
import { runHere } from './io.fake.ts'

const variables = {
  LEGACY_URL: 'postgres://me:x@127.0.0.1:1/db',
  SF_URL: 'http://127.0.0.1:1',
  SF_SECRET: 'x',
  LEGACY_TYPE: 'postgres',
}

const config = `${systemsYaml('http://127.0.0.1:1')}syncs:
  members:
    source: { system: legacy, table: members, where: "row.status != 'test'" }
    target: { system: crm, object: Contact, key: { Legacy_Id__c: id } }
    fields:
      Email: email
      Type__c: { from: member_type, classification: public }
      Graduation_Date__c: graduation_date
      Chapter__c: chapter_id
      Score__c: { from: score }
    validate:
      rules:
        - { name: student, when: "record.Type__c == 'student'", require: Graduation_Date__c, message: Required for student members }
        - { function: ./rules/member.ts, timeout: 2s }
      reference: { Chapter__c: chapters.id, Type__c: { in: { file: ./types.csv } } }
      quality: { completeness: [Email], threshold: 0.5, weights: { completeness: 1 } }
`
const rule = `export default (record: { Score__c: number; Email: string | null }) =>
  record.Score__c > 100 ? [{ field: 'Score__c', error: 'Too many points' }] : null
`
const tests = (body: string) => `sync: members
references: { chapters.id: [7] }
tests:
${body}`

async function run(files: { readonly [name: string]: string }, ...words: readonly string[]) {
  const folder = mkdtempSync(join(tmpdir(), 'syncline-test-'))
  try {
    for (const inner of ['tests', 'rules']) mkdirSync(join(folder, inner))
    const all = { 'syncline.yaml': config, 'rules/member.ts': rule, 'types.csv': 'type\nregular\nstudent\n', ...files }
    for (const [name, text] of Object.entries(all)) writeFileSync(join(folder, name), text)
    return await runHere(['test', ...words], { folder, variables })
  } finally {
    rmSync(folder, { recursive: true })
  }
}

test('rows go through filter, mapping and all stages; every class may be expected', async () => {
  const body = `  - { name: good, row: { id: 1, email: a@b.org, member_type: regular, chapter_id: 7, score: { decimal: "10.50" } }, expect: { record: { Score__c: 10.5, Email: a@b.org } } }
  - { name: student, row: { id: 1, email: a@b.org, member_type: student }, expect: { quarantine: [SYNC-4040, { field: Graduation_Date__c }] } }
  - { name: chapter, row: { id: 1, email: a@b.org, chapter_id: 8 }, expect: { quarantine: [{ stage: reference, error: does not occur in chapters.id }] } }
  - { name: type, row: { id: 1, email: a@b.org, member_type: other }, expect: { quarantine: [{ rule: ./types.csv }] } }
  - { name: function, row: { id: 1, email: a@b.org, score: 101 }, expect: { quarantine: [{ rule: member, field: Score__c, error: Too many }] } }
  - { name: poor, row: { id: 1 }, expect: { review: [SYNC-4046] } }
  - { name: filtered, row: { id: 1, status: test }, expect: skip }
`
  const ended = await run({ 'tests/members.yaml': tests(body) })
  assert.equal(ended.err, '')
  assert.match(ended.out, /7 tests: 7 as expected, 0 not\.$/)
  assert.equal(ended.code, 0)
})

test('rows are compared with the rows of their file that were accepted before them', async () => {
  const names = '      FirstName: first\n      LastName: last\n      Birthdate: born\n'
  const twins = config
    .replace('      Email: email\n', `      Email: email\n${names}`)
    .replace('    validate:\n', '    validate:\n      duplicates: { target: true }\n')
  const test = (name: string, row: string, expected: string) =>
    `  - { name: ${name}, row: { ${row}, member_type: regular }, expect: ${expected} }\n`
  const ada = 'email: ada@example.org, first: Ada, last: Lovelace, born: { date: 1975-12-10 }'
  const body = [
    test('first', `id: 1, ${ada}`, 'record'),
    test('again', `id: 1, ${ada}, score: 2`, '{ record: { Score__c: 2 } }'),
    test('twin', `id: 2, ${ada}`, '{ merge: 1 }'),
    test('any', `id: 3, ${ada}`, 'merge'),
    test('unsure', 'id: 4, email: a.l@example.net, first: Ada, last: Lovelace', '{ review: [{ stage: duplicates }] }'),
    test('other', `id: 5, ${ada}`, '{ merge: 2 }'),
    test('stranger', 'id: 6, email: z@example.com, first: Zoltan, last: Nagy, born: { date: 1950-01-01 }', 'merge'),
  ].join('')
  const files = { 'syncline.yaml': twins, 'tests/members.yaml': tests(body) }
  const ended = await run(files)
  assert.equal(ended.err, '')
  assert.equal(
    ended.out,
    `tests/members.yaml
  ok    first
  ok    again
  ok    twin
  ok    any
  ok    unsure
  FAIL  other  (line 9)
          expected the record to be merged into 2
          got: merged into ["1"]
  FAIL  stranger  (line 10)
          expected the record to be merged
          got a record that is sent
7 tests: 5 as expected, 2 not.
members: records that only the target holds are not compared in tests.`,
  )
})

test('what is not as expected is told in full, and ends with 1', async () => {
  const body = `  - { name: fields, row: { id: 1, email: a@b.org }, expect: { record: { Email: x@b.org, Nothing: 1 } } }
  - name: passes
    row: { id: 1, email: a@b.org }
    expect: { quarantine: [{ code: SYNC-4040, field: Type__c }] }
  - { name: parks, row: { id: 1, email: a@b.org, member_type: student }, expect: record }
  - { name: reason, row: { id: 1, email: a@b.org, member_type: student }, expect: { quarantine: [SYNC-4041] } }
`
  const ended = await run({ 'tests/members.yaml': tests(body) })
  assert.equal(ended.code, 1)
  assert.equal(
    ended.out,
    `tests/members.yaml
  FAIL  fields  (line 4)
          Email: expected "x@b.org", got "a@b.org"
          Nothing: expected 1, got no such field
  FAIL  passes  (line 5)
          expected quarantine, SYNC-4040 Type__c
          got a record that is sent
  FAIL  parks  (line 8)
          expected the record to be sent
          got quarantine: rules SYNC-4040 student Graduation_Date__c: Required for student members
  FAIL  reason  (line 9)
          expected the reason SYNC-4041
          got quarantine: rules SYNC-4040 student Graduation_Date__c: Required for student members
4 tests: 0 as expected, 4 not.`,
  )
  const json = await run({ 'tests/members.yaml': tests(body) }, '--output', 'json')
  const answer = JSON.parse(json.out) as { ok: boolean; failed: number; tests: { ok: boolean; line: number }[] }
  assert.deepEqual([json.code, answer.ok, answer.failed, answer.tests[0]?.line], [1, false, 4, 4])
})

test('tests that cannot be run are named with file and line', async () => {
  const of = async (text: string, ...words: readonly string[]) =>
    (await run({ 'tests/a.yaml': text }, ...words)).err.split('\n')[0]
  assert.match((await of('sync: members\n'))!, /tests\/a\.yaml:1:1: `tests` is missing/)
  assert.match(
    (await of(tests('  - { name: a, row: { id: 1 }, expct: skip }')))!,
    /a\.yaml:4:39: the key expct is not known/,
  )
  assert.match(
    (await of(tests('  - { name: a, row: { id: { dat: 1 } }, expect: maybe }')))!,
    /expected record, quarantine, review, merge or skip/,
  )
  assert.match(
    (await of('sync: nobody\ntests: [{ name: a, row: { id: 1 }, expect: skip }]\n'))!,
    /a\.yaml: there is no sync nobody; there are: members/,
  )
  assert.match(
    (await of('sync: members\ntests:\n  - { name: a, row: { id: 1, chapter_id: 7 }, expect: record }\n'))!,
    /no values for chapters\.id/,
  )
  assert.match(
    (await of(tests('  - { name: a, row: { id: 1 }, expect: skip }'), 'other'))!,
    /no test other; there are: a/,
  )
})

test('values of a kind have its form, and are what a source would give', async () => {
  const of = async (column: string, now = '2026-03-01T12:00:00Z') => {
    const text = `sync: members\nnow: ${now}\nreferences: { chapters.id: [] }\ntests:\n  - { name: a, row: { id: 1, email: x@b.org, score: ${column} }, expect: { record: { Score__c: told } } }`
    const { out, err } = await run({ 'tests/a.yaml': text, 'rules/member.ts': 'export default () => null' })
    return /got (.*)/.exec(out)?.[1] ?? err.split('\n')[0]
  }
  assert.equal(await of('{ instant: 2024-02-29T01:30:00.5+02:00 }'), '"2024-02-28T23:30:00.5Z"')
  assert.equal(await of('{ instant: 2024-02-29 01:30:00Z }'), '"2024-02-29T01:30:00Z"')
  assert.equal(await of('{ datetime: 2024-02-29T01:30:00 }'), '"2024-02-29T01:30:00"')
  assert.match((await of('{ instant: 2024-02-29T01:30:00 }'))!, /a\.yaml:5:\d+: a time with its zone is expected/)
  assert.match((await of('{ decimal: abc }'))!, /a\.yaml:5:\d+: a decimal number is expected/)
  assert.match((await of('{ date: 31.1.2024 }'))!, /a\.yaml:5:\d+: a date is expected/)
  assert.match((await of("{ json: '{' }"))!, /a\.yaml:5:\d+: JSON is expected/)
  assert.match((await of('1', '2026-03-01 12:00'))!, /a\.yaml:2:6: `now` needs a time with its zone/)
})

test('a column that nothing reads is named: it was mistyped, mostly', async () => {
  const body = `  - { name: a, row: { id: 1, emial: a@b.org, emial2: 1, chapter: { cod: 1 } }, expect: review }
  - { name: b, row: { id: 2, emial: b@b.org }, expect: review }`
  const { out, code } = await run({ 'tests/a.yaml': tests(body) })
  assert.equal(code, 0)
  assert.deepEqual(out.split('\n').slice(-3), [
    'tests/a.yaml:4:30: nothing reads the column emial. Did you mean "email"?',
    'tests/a.yaml:4:46: nothing reads the column emial2. Did you mean "email"?',
    'tests/a.yaml:4:68: nothing reads the column chapter.cod. Did you mean "chapter_id"?',
  ])
})

test('no tests are no success', async () => {
  const { err, code } = await run({ 'tests/a.yaml': 'sync: members\ntests: []\n' })
  assert.equal(code, 2)
  assert.match(err, /a\.yaml:2:8: `tests` is empty/)
})

test('the tests of the member example pass', async () => {
  const folder = fileURLToPath(new URL('../../examples/members/', import.meta.url))
  const ended = await runHere(['test', '--config', join(folder, 'syncline.yaml')], { folder, variables })
  assert.equal(ended.code, 0, ended.out + ended.err)
})

test('what a function makes of merged records is told by the row that leads them, looked at once more', async () => {
  const merge = '{ merge: { fields: { Score__c: { function: ./rules/most.ts } } } }'
  const twins = config
    .replace(
      '      Email: email\n',
      '      Email: email\n      FirstName: first\n      LastName: last\n      Birthdate: born\n',
    )
    .replace('    validate:\n', `    validate:\n      duplicates: ${merge}\n`)
  const most = `export default (records: { Score__c: number }[]) => {
  const scores = records.map((one) => one.Score__c)
  if (scores.includes(13)) throw new Error('unlucky')
  return scores.indexOf(Math.max(...scores))
}
`
  const test = (name: string, id: number, score: number, expected: string) =>
    `  - { name: ${name}, row: { id: ${id}, score: ${score}, email: ada@example.org, first: Ada, last: Lovelace, born: { date: 1975-12-10 }, member_type: regular }, expect: ${expected} }\n`
  const body = [
    test('first', 1, 5, '{ record: { Score__c: 5 } }'),
    test('twin', 2, 9, '{ merge: 1 }'),
    test('together', 1, 5, '{ record: { Score__c: 9 } }'),
    test(
      'failing',
      1,
      13,
      '{ quarantine: [{ code: SYNC-4065, rule: ./rules/most.ts, field: Score__c, error: unlucky }] }',
    ),
  ].join('')
  const files = { 'syncline.yaml': twins, 'tests/members.yaml': tests(body), 'rules/most.ts': most }
  const ended = await run(files)
  assert.match(ended.out, /4 tests: 4 as expected, 0 not\.$/, ended.out)
})
