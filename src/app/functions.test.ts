import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { SyncError } from '../model/failure.ts'
import type { FunctionAnswer } from '../validation/functions.ts'
import { userFunctions } from './functions.ts'

const folder = mkdtempSync(join(tmpdir(), 'syncline-functions-'))
const thread = userFunctions({ memory_mb: 32 })
after(async () => {
  await thread.close()
  rmSync(folder, { recursive: true })
})

function file(name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

const calls = (...names: string[]) => names.map((name) => ({ record: { name }, row: { name, id: 1 } }))

const words = (answers: readonly FunctionAnswer[]): string[] =>
  answers.map((answer) =>
    answer.kind === 'failed'
      ? answer.why
      : answer.errors.map(({ field, error }) => `${field}: ${error}`).join('; ') || 'good',
  )

test('a function in TypeScript judges record and row, at once or later', async () => {
  const path = file(
    'member rule.ts',
    `interface Found { field: string; error: string; value?: unknown }
     export default async (record: { name: string }, row: { id: number }): Promise<Found[] | null> => {
       if (record.name === 'later') await new Promise((resolve) => setTimeout(resolve, 5))
       return record.name === 'good' ? null : [{ field: 'name', error: 'row ' + row.id + ' is ' + record.name, value: record.name }]
     }`,
  )
  assert.equal(await thread.check(path), null)
  const answers = await thread.call(path, calls('good', 'bad', 'later'), 1_000)
  assert.deepEqual(words(answers), ['good', 'name: row 1 is bad', 'name: row 1 is later'])
  assert.deepEqual(answers[1], { kind: 'errors', errors: [{ field: 'name', error: 'row 1 is bad', value: 'bad' }] })
})

test('a file that cannot be used is named with its reason', async () => {
  assert.match(
    (await thread.check(file('syntax.ts', 'export default (record) => {\n  return [\n}')))!,
    /SyntaxError|Error/,
  )
  assert.match(
    (await thread.check(file('none.ts', 'export const rule = () => null')))!,
    /no default export that is a function/,
  )
  assert.match((await thread.check(file('value.ts', 'export default 5')))!, /no default export that is a function/)
  assert.match(
    (await thread.check(file('throws.ts', '\nthrow new Error("at the top")')))!,
    /Error at line 2.*at the top/,
  )
  assert.match((await thread.check(join(folder, 'missing.ts')))!, /missing\.ts|Cannot find/)
  assert.match((await thread.check(file('exits.ts', 'process.exit(3)')))!, /ended its process/)
  await assert.rejects(thread.call(join(folder, 'none.ts'), calls('a'), 100), (error: unknown) => {
    assert.ok(error instanceof SyncError)
    assert.equal(error.failure.code, 'SYNC-2031')
    return true
  })
})

test('a record whose function throws, whatever it throws, fails alone', async () => {
  const path = file(
    'throw.ts',
    `export default (record) => {
  if (record.name === 'type') return record.nothing.at.all
  if (record.name === 'text') throw 'a text'
  if (record.name === 'null') throw null
  if (record.name === 'trap') throw new Proxy(new Error('x'), { get() { throw new Error('trap') } })
  if (record.name === 'answer') return 'wrong'
  if (record.name === 'textless') return [{ field: 'name' }]
  if (record.name === 'loop') { const a = []; a.push(a); return [{ error: 'a circle', value: a }] }
  if (record.name === 'many') return Array.from({ length: 30 }, () => ({ error: 'e' }))
  if (record.name === 'proto') return [JSON.parse('{"error":"own","__proto__":{"polluted":1}}')]
  return null
}`,
  )
  const names = ['type', 'text', 'good', 'null', 'trap', 'answer', 'textless', 'loop', 'many', 'proto']
  const answers = words(await thread.call(path, calls(...names), 1_000))
  assert.match(answers[0]!, /^it threw TypeError at line 2, column \d+: Cannot read properties of undefined/)
  assert.deepEqual(answers.slice(1, 8), [
    'it threw something that is no Error: a text',
    'good',
    'it threw something that is no Error: object',
    'it threw something that cannot be read',
    'it answered something else than a list of errors, or null',
    'an error that it answered has no text: { field, error: "…" }',
    'null: a circle',
  ])
  assert.match(answers[8]!, /10 more errors are not listed/)
  assert.equal(answers[9], 'null: own')
  assert.equal(({} as { polluted?: unknown }).polluted, undefined)
})

test('a record that ends the thread fails alone: the others are judged', async () => {
  const path = file(
    'ends.ts',
    `export default (record) => {
  if (record.name === 'loop') for (;;);
  if (record.name === 'never') return new Promise(() => {})
  if (record.name === 'exit') process.exit(1)
  if (record.name === 'memory') { const all = []; for (;;) all.push(new Array(1_000_000).fill(all.length)) }
  if (record.name === 'later') { setTimeout(() => { throw new Error('outside') }, 1); return new Promise(() => {}) }
  return record.name === 'bad' ? [{ field: 'name', error: 'bad' }] : null
}`,
  )
  const names = ['good', 'bad', 'loop', 'bad', 'never', 'exit', 'good', 'memory', 'later', 'bad']
  assert.deepEqual(words(await thread.call(path, calls(...names), 300)), [
    'good',
    'name: bad',
    'it ran longer than 300 ms',
    'name: bad',
    'it ran longer than 300 ms',
    'it ended its process',
    'good',
    'it used more than 32 MB',
    'it ended its thread by an error',
    'name: bad',
  ])
})

test('what ends the process of functions, as an array larger than its memory does, costs its record and nobody else', async () => {
  const path = file(
    'aborts.ts',
    `export default (record) => {
  if (record.name === 'array') return [{ error: String(new Array(6_000_000).fill(Math.random()).length) }]
  if (record.name === 'kill') process.kill(process.pid, 'SIGKILL')
  return record.name === 'bad' ? [{ field: 'name', error: 'bad' }] : null
}`,
  )
  const names = ['bad', 'array', 'good', 'kill']
  assert.deepEqual(words(await thread.call(path, calls(...names), 5_000)), [
    'name: bad',
    'it used more than 32 MB',
    'good',
    'its process was ended by SIGKILL',
  ])
  assert.equal(await thread.check(path), null)
})

test('a function that ends its thread for record after record stops the sync', async () => {
  const path = file('always.ts', 'export default () => process.exit(0)')
  const many = calls(...Array.from({ length: 40 }, () => 'x'))
  await assert.rejects(
    thread.call(path, many, 1_000),
    /SYNC-2031 .*always\.ts: for 20 records of one window it ended its process/,
  )
})

test('windows are answered in order and whole, whatever their size', async () => {
  const path = file(
    'big.ts',
    'export default (record) => record.name % 7 === 0 ? [{ error: String(record.name) }] : null',
  )
  const many = Array.from({ length: 1_500 }, (_, n) => ({ record: { name: n }, row: {} }))
  const answers = words(await thread.call(path, many, 1_000))
  assert.deepEqual(
    answers,
    many.map((_, n) => (n % 7 === 0 ? `null: ${n}` : 'good')),
  )
  assert.deepEqual(await thread.call(path, [], 1_000), [])
})

test('functions see no secrets and print nowhere', async () => {
  process.env['SYNCLINE_TEST_SECRET'] = 'hunter2'
  try {
    const path = file(
      'env.ts',
      `export default () => { console.log('printed'); return [{ error: String(process.env.SYNCLINE_TEST_SECRET) }] }`,
    )
    assert.deepEqual(words(await thread.call(path, calls('a'), 1_000)), ['null: undefined'])
  } finally {
    delete process.env['SYNCLINE_TEST_SECRET']
  }
})

test('a function that merges is asked with the records and the field; what it does wrong fails that merge alone', async () => {
  const path = file(
    'merge.ts',
    `export default (records: { name: string }[], field: string) => {
  const [first] = records
  if (first.name === 'throw') throw new Error('no way')
  if (first.name === 'loop') for (;;);
  if (first.name === 'chance') return { value: Math.random() }
  if (first.name === 'change') { first.name = 'changed'; return { value: records.map((one) => one.name).join() } }
  if (first.name === 'empty') { records.length = 0; return 1 }
  if (first.name === 'later') return Promise.resolve({ value: field })
  return records.length - 1
}`,
  )
  assert.equal(await thread.check(path), null)
  const merges = ['good', 'throw', 'chance', 'loop', 'change', 'empty', 'later', 'good'].map((name) => ({
    records: [{ name }, { name: 'other' }],
    field: 'Phone',
  }))
  const answers = await thread.choose(path, merges, 300)
  assert.deepEqual(
    answers.map((answer) =>
      answer.kind === 'failed' ? answer.why : answer.kind === 'place' ? answer.place : answer.value,
    ),
    [
      1,
      'it threw Error at line 3, column 37: no way',
      'it answered something else when it was asked the same again',
      'it ran longer than 300 ms',
      'changed,other',
      1,
      'Phone',
      1,
    ],
  )
  await assert.rejects(thread.choose(join(folder, 'none.ts'), merges, 100), /SYNC-2031/)
})

test('calls with large records go in several messages, in order', async () => {
  const path = file('large.ts', 'export default (record) => [{ error: String(record.n) + record.text.length }]')
  const many = Array.from({ length: 5 }, (_, n) => ({ record: { n, text: 'x'.repeat(9_000_000) }, row: {} }))
  assert.deepEqual(
    words(await thread.call(path, many, 5_000)),
    many.map((_, n) => `null: ${n}9000000`),
  )
})
