import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Key, keyOf } from '../../model/key.ts'
import { type Row, rowText, type Value } from '../../model/value.ts'
import { type Chosen, choiceFrom, chosenBy, type MergeCall, type MergeFunctions } from './merge-functions.ts'
import type { FieldRule } from './merge-options.ts'
import type { Contender } from './survive.ts'

const record = (n: number, set: Row): Contender => ({ key: keyOf([n]) as Key, set })
const rules = (fields: { readonly [name: string]: FieldRule }, all: FieldRule = 'complete') => ({
  default: all,
  fields: new Map(Object.entries(fields)),
})
const second = () => 1_000
const decimal = (text: string): Value => ({ kind: 'decimal', text })

/** Functions in this process, by the name of their file, with every call that came. */
function here(functions: { readonly [file: string]: (records: MergeCall['records'], field: string) => unknown }) {
  const calls: (MergeCall & { readonly file: string })[] = []
  const runs: MergeFunctions = {
    choose: async (file, asked) =>
      asked.map((call) => {
        calls.push({ ...call, file })
        return choiceFrom(functions[file]?.(call.records, call.field), call.records.length)
      }),
  }
  return { runs, calls }
}

const fieldsOf = (chosen: Chosen | undefined) => {
  assert.equal(chosen?.kind, 'fields')
  return chosen?.kind === 'fields' ? { ...chosen.fields } : {}
}

test('a function chooses a record by its place, whose exact value survives, or makes a value; others keep their rule', async () => {
  const { runs, calls } = here({
    'dues.ts': (records) => records.findIndex((one) => (one as { Verified__c: boolean }).Verified__c),
    'note.ts': (records) => ({ value: records.map((one) => (one as { Note__c: string }).Note__c).join(' / ') }),
  })
  const merge = [
    record(1, { Dues__c: decimal('10.10'), Verified__c: false, Note__c: 'a', LastName: 'X' }),
    record(2, { Dues__c: decimal('20.200'), Verified__c: true, Note__c: 'b' }),
    record(3, { Dues__c: null, Verified__c: true, Note__c: '' }),
  ]
  const by = rules({ Dues__c: { function: 'dues.ts' }, Note__c: { function: 'note.ts' } })
  const [chosen] = await chosenBy([merge], by, runs, second)
  assert.deepEqual(fieldsOf(chosen), { Dues__c: decimal('20.200'), Note__c: 'a / b' })
  const dues = calls.find(({ file }) => file === 'dues.ts')
  assert.equal(dues?.field, 'Dues__c')
  assert.equal(dues?.records.length, 2, 'a record without a value never wins')
  assert.deepEqual(
    { ...(dues?.records[0] as object) },
    { Dues__c: 10.1, Verified__c: false, Note__c: 'a', LastName: 'X' },
  )
})

test('a function is not asked where one record has a value at most, and once for all merges of a window', async () => {
  const batches: number[] = []
  const runs: MergeFunctions = {
    choose: async (_, calls) => {
      batches.push(calls.length)
      return calls.map(() => ({ kind: 'place', place: 0 }))
    },
  }
  const pair = (n: number) => [record(n, { A: 'x', B: null }), record(n + 1, { A: 'y', B: 'b' })]
  const chosen = await chosenBy([pair(1), pair(3), pair(5)], rules({}, { function: 'all.ts' }), runs, second)
  assert.deepEqual(batches, [3], 'field A of three merges; B has one value')
  assert.deepEqual(
    chosen.map((one) => Object.keys(fieldsOf(one))),
    [['A'], ['A'], ['A']],
  )
})

test('nothing said is the first record; everything else that is no choice fails that merge alone, with its field and file', async () => {
  const answers: [unknown, RegExp | 'first'][] = [
    [null, 'first'],
    [undefined, 'first'],
    [-1, 'first'],
    [2, /it answered 2, and there are records 0 to 1/],
    [0.5, /it answered 0\.5/],
    [Number.NaN, /it answered NaN/],
    ['0', /neither the place of a record, nor \{ value: … \}/],
    [{ values: 1 }, /neither the place/],
    [JSON.parse('{"__proto__":{"value":1}}'), /neither the place/],
    [{ value: { deep: 1 } }, /no text, number, boolean or null/],
    [{ value: Number.POSITIVE_INFINITY }, /no text, number/],
    [{ value: 'x'.repeat(131_073) }, /has 131073 characters, at most 131072/],
  ]
  for (const [answer, expected] of answers) {
    const { runs } = here({ 'f.ts': (records) => (JSON.stringify(records).includes('"good"') ? 1 : answer) })
    const merges = [
      [record(1, { A: 'a', C: 1 }), record(2, { A: 'b' })],
      [record(3, { A: 'good', C: 1 }), record(4, { A: 'z' })],
    ]
    const [one, other] = await chosenBy(merges, rules({ A: { function: 'f.ts' } }), runs, second)
    assert.deepEqual(fieldsOf(other), { A: 'z' }, 'the other merge is made')
    if (expected === 'first') assert.deepEqual(fieldsOf(one), { A: 'a' })
    else {
      assert.equal(one?.kind, 'failed')
      const [reason] = one?.kind === 'failed' ? one.reasons : []
      assert.match(reason?.error ?? '', expected)
      assert.deepEqual(
        [reason?.code, reason?.rule, reason?.field, reason?.stage],
        ['SYNC-4065', 'f.ts', 'A', 'duplicates'],
      )
    }
  }
  assert.deepEqual(choiceFrom({ value: 'a\ud800b' }, 1), { kind: 'value', value: 'a\ufffdb' }, 'no lone surrogate')
})

test('what functions choose is a function of the set of records: the same in any order and however often one is named', async () => {
  const value = fc.oneof(fc.constant(null), fc.constantFrom('', 'a', 'b', 'bb'), fc.integer({ min: -3, max: 3 }))
  const set = fc.dictionary(fc.constantFrom('A', 'B', 'C'), value, { maxKeys: 3 })
  // Both look at the place alone: they are as sensitive to the order as a function can be.
  const { runs } = here({
    'last.ts': (records) => records.length - 1,
    'text.ts': (records) => ({ value: JSON.stringify(records) }),
  })
  const by = rules({ A: { function: 'text.ts' } }, { function: 'last.ts' })
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(fc.tuple(fc.integer({ min: 1, max: 50 }), set), {
        selector: ([n]) => n,
        minLength: 1,
        maxLength: 5,
      }),
      fc.array(fc.nat({ max: 100 }), { minLength: 5, maxLength: 5 }),
      async (given, picks) => {
        const records = given.map(([n, row]) => record(n, row))
        const shuffled = records
          .map((one, i) => ({ one, at: picks[i] ?? 0 }))
          .sort((x, y) => x.at - y.at)
          .map(({ one }) => one)
        const answers = await chosenBy([records, shuffled, [...records, ...shuffled]], by, runs, second)
        const texts = new Set(answers.map((answer) => rowText(fieldsOf(answer) as Row)))
        assert.equal(texts.size, 1)
      },
    ),
    { seed: 12, numRuns: 200 },
  )
})
