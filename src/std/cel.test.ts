import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { caret, compileCel, compileCelRule } from './cel.ts'
import type { Scalar } from './cel-cells.ts'
import type { CelRow } from './cel-walk.ts'

const decimal = (text: string): Scalar => ({ kind: 'decimal', text })
const unreadable: Scalar = { kind: 'invalid', type: 'date', raw: '0000-00-00', reason: 'zero date' }

const row: CelRow = {
  first: 'Ada',
  last: 'Lovelace',
  nothing: null,
  n: 5,
  big: decimal('9007199254740993'),
  amount: decimal('10.50'),
  real: 0.1,
  nan: decimal('NaN'),
  yes: true,
  no: false,
  status: { kind: 'other', type: 'member_status', text: 'A' },
  joined: { kind: 'date', text: '2024-01-31' },
  seen: { kind: 'datetime', text: '2024-01-31 02:30:00.5' },
  at: { kind: 'instant', text: '2024-01-31 02:30:00+00' },
  forever: { kind: 'date', text: 'infinity' },
  bad: unreadable,
  'membership.status': 'L',
  'odd name': 1,
}

function evaluate(text: string): Scalar | undefined {
  const compiled = compileCel(text, { joins: ['membership'] })
  assert.ok(compiled.ok, `${text}: ${compiled.ok ? '' : compiled.problems.map((p) => p.message).join('; ')}`)
  return compiled.program.evaluate(row)
}

test('gives the documented values', () => {
  const cases: [string, Scalar | undefined][] = [
    ["row.first + ' ' + row.last", 'Ada Lovelace'],
    ['row.n + 1', 6],
    ['row.n / 2', 2.5],
    ['row.n % 2', 1],
    ['-row.n', -5],
    ['row.amount + 1', decimal('11.50')],
    ['row.amount * row.amount', decimal('110.2500')],
    ['row.amount / 4', decimal('2.625')],
    ['row.amount + 0.1', decimal('10.60')],
    ['row.big + 1', decimal('9007199254740994')],
    ['9007199254740991 + 1', decimal('9007199254740992')],
    ['9007199254740993', decimal('9007199254740993')],
    ['0.1234567890123456789', decimal('0.1234567890123456789')],
    ['row.big == 9007199254740993', true],
    ['row.big == 9007199254740992', false],
    ['row.amount == 10.5', true],
    ['row.amount > 10.49', true],
    ['row.nan == row.nan', false],
    ["row.first == 'Ada'", true],
    ["row.status == 'A'", true],
    ["row.status in ['A', 'L']", true],
    ['row.n in [1, 5]', true],
    ['row.amount in [10.5]', true],
    ["row.nothing in ['A']", false],
    ["row.nothing != 'test'", true],
    ['row.nothing == null', true],
    ['row.nothing + 1', null],
    ['row.nothing > 1', null],
    ['row.nothing > 1 ? 1 : 2', 2],
    ['row.no && row.nothing', false],
    ['row.yes && row.nothing', null],
    ['row.yes || row.absent', true],
    ['row.no || row.absent', undefined],
    ['!row.nothing', null],
    ["row.absent + 'x'", undefined],
    ['row.absent == null', undefined],
    ['has(row.first) && !has(row.nothing)', true],
    ['has(row.absent)', undefined],
    ["coalesce(row.nothing, row.first, 'x')", 'Ada'],
    ["coalesce(row.nothing, row.absent, 'x')", undefined],
    ['coalesce(row.nothing, null)', null],
    ["row.joined >= '2024-01-31' && row.joined < '2024-02-01'", true],
    ['row.joined < row.seen', true],
    ['row.forever > row.joined', true],
    ["row.joined == '2024-01-31'", true],
    ["row.membership.status == 'L'", true],
    ["row['odd name']", 1],
    ["row.first.size() + size('😀')", 4],
    ["row.first.lower().replace('a', 'o')", 'odo'],
    ["'😀ab'.substring(1, 2)", 'a'],
    ["'a,b'.split(',')[1]", 'b'],
    ["'a,b'.split(',')[7]", null],
    ["[row.first, row.nothing, row.n].join('-')", 'Ada-5'],
    ["row.last.matches('^L.*e$')", true],
    ["number('12.50')", decimal('12.50')],
    ["number('007')", 7],
    ["int('-12.9')", -12],
    ['string(row.amount)', '10.50'],
    ["row.first.startsWith('A') ? row.last : null", 'Lovelace'],
  ]
  for (const [text, expected] of cases) assert.deepEqual(evaluate(text), expected, text)
})

test('carries what is invalid to the result, with a reason and without the value', () => {
  const cases: [string, RegExp][] = [
    ["row.bad + 'x'", /zero date/],
    ['row.bad > row.joined', /zero date/],
    ['row.first + row.n', /a text \+ a number has no meaning/],
    ['row.n / 0', /division by zero/],
    ['row.amount / 0', /division by zero/],
    ['row.n % 0', /division by zero/],
    ['row.first && true', /true or false/],
    ['row.seen < row.at', /without a zone/],
    ['row.first.number()', /cannot read a text/],
    ['row.n < row.first', /no order/],
    ['row.n.trim()', /needs a text, not a number/],
    ['row.nan > 1', /NaN/],
  ]
  for (const [text, reason] of cases) {
    const value = evaluate(text)
    assert.ok(
      typeof value === 'object' && value !== null && value.kind === 'invalid',
      `${text}: ${JSON.stringify(value)}`,
    )
    assert.match(value.reason, reason)
    assert.doesNotMatch(value.reason, /Ada|Lovelace/)
  }
})

test('says what is wrong and where before any row is read', () => {
  const cases: [string, number, RegExp][] = [
    ['row.first + ', 12, /[Uu]nexpected/],
    ["1 + 'a'", 0, /convert with/],
    ["'a' && true", 0, /true or false/],
    ['row.first.lowr()', 0, /no function lowr\(\).*"lower"/],
    ['trim(row.first, 2, 3)', 0, /trim\(\) takes 1 argument, here are 3/],
    ['trim(1)', 5, /needs a text/],
    ['first_name', 0, /columns are written row\.first_name/],
    ['row', 0, /name a column/],
    ['row.membershp.status', 0, /no joined table is called "membershp".*"membership"/],
    ['row.__proto__', 0, /not allowed/],
    ["row['constructor']", 0, /not allowed/],
    ['row.membership.constructor', 0, /not allowed/],
    ['row[row.first]', 4, /named by a text/],
    ['row.first.matches(row.last)', 18, /needs a literal/],
    ["row.first.matches('(a+')", 18, /character 1.*not closed/],
    ["row.first.matches('(a)\\\\1')", 18, /exponential/],
    ['[1, 2].exists(x, x > 1)', 0, /no function exists/],
    ["{'a': 1}", 0, /not supported/],
    ["b'abc'", 0, /not supported/],
    ['[1, 2]', 0, /a list is not a value/],
    ["1 == 'a'", 0, /never equal/],
    ["1 < 'a'", 0, /no order/],
    ['1'.repeat(5000), 0, /at most 4096 characters/],
    [`${'('.repeat(300)}1${')'.repeat(300)}`, 50, /depth|nest/i],
  ]
  for (const [text, start, message] of cases) {
    const compiled = compileCel(text, { joins: ['membership'] })
    assert.ok(!compiled.ok, text)
    assert.match(compiled.problems.map((p) => p.message).join('; '), message, text)
    assert.equal(compiled.problems[0]!.start, start, text)
  }
  const filter = compileCel("row.a + 'x'", { result: 'bool' })
  assert.ok(!filter.ok && /expected true or false, this gives a text/.test(filter.problems[0]!.message))
  assert.equal(caret('row.a +\nrow.b ++', 14), 'row.b ++\n      ^')
})

test('names the columns that it reads', () => {
  const compiled = compileCel("row.b + row.a + row.membership.status + row['b'] + (has(row.z) ? 'x' : row.y)", {})
  assert.ok(compiled.ok)
  assert.deepEqual(compiled.program.columns, ['a', 'b', 'membership.status', 'y', 'z'])
})

test('a name that every object has is a column like any other', () => {
  const compiled = compileCel('row.toString')
  assert.ok(compiled.ok)
  assert.equal(compiled.program.evaluate({}), undefined)
  assert.equal(compiled.program.evaluate({ toString: 'x' } as unknown as CelRow), 'x')
})

test('texts cannot grow without bound', () => {
  let expression = `'${'a'.repeat(100)}'`
  for (let i = 0; i < 5; i++) expression = `${expression}.replace('a', '${'a'.repeat(100)}')`
  const value = evaluate(expression)
  assert.ok(typeof value === 'object' && value !== null && value.kind === 'invalid' && /more than/.test(value.reason))
})

test('never throws and never blocks, whatever the text and the row', () => {
  const piece = fc.constantFrom(
    'row',
    '.',
    'first',
    'amount',
    'bad',
    'nothing',
    '(',
    ')',
    '[',
    ']',
    '+',
    '-',
    '*',
    '/',
    '%',
    '==',
    '<',
    '&&',
    '||',
    '!',
    '?',
    ':',
    ',',
    ' in ',
    '1',
    '2.5',
    "'x'",
    '"',
    'null',
    'true',
    'has',
    'size',
    'trim',
    'coalesce',
    '{',
    '}',
    '9223372036854775808',
    '1e400',
    '0x',
    'u',
    "b'",
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 14 }), (pieces) => {
      const compiled = compileCel(pieces.join(''))
      if (compiled.ok) compiled.program.evaluate(row)
      else assert.ok(compiled.problems.length > 0 && compiled.problems.every((p) => p.message.length > 0))
    }),
    { numRuns: 3_000, seed: 3 },
  )
  assert.equal(({} as { polluted?: unknown }).polluted, undefined)
})

test('calculates decimals as exactly as whole numbers of cents', () => {
  const amount = fc.integer({ min: -1_000_000_000, max: 1_000_000_000 })
  const asDecimal = (cents: number) => {
    const digits = String(Math.abs(cents)).padStart(3, '0')
    return decimal(`${cents < 0 ? '-' : ''}${digits.slice(0, -2)}.${digits.slice(-2)}`)
  }
  const sum = compileCel('row.a + row.b - row.b == row.a && (row.a < row.b) == row.less')
  assert.ok(sum.ok)
  const { program } = sum
  fc.assert(
    fc.property(amount, amount, (a, b) => {
      assert.equal(program.evaluate({ a: asDecimal(a), b: asDecimal(b), less: a < b }), true)
    }),
    { seed: 4 },
  )
})

test('a rule reads the source row and the mapped fields', () => {
  const compiled = compileCelRule("record.Type__c == 'Student' && !has(record.Chapter__r.Code__c) && row.n > 4", [
    'Type__c',
    'Chapter__r.Code__c',
  ])
  assert.ok(compiled.ok)
  const { program } = compiled
  assert.deepEqual([program.columns, program.fields, program.type], [['n'], ['Chapter__r.Code__c', 'Type__c'], 'bool'])
  assert.equal(program.evaluate({ row, record: { Type__c: 'Student', 'Chapter__r.Code__c': null } }), true)
  assert.equal(program.evaluate({ row, record: { Type__c: 'Student' } }), undefined)
  assert.equal(program.evaluate({ row, record: { Type__c: 'Regular' } }), false)
})

test('a rule names fields that the mapping writes, and no others', () => {
  const problems = (text: string) => {
    const compiled = compileCelRule(text, ['Email', 'constructor'])
    return compiled.ok ? [] : compiled.problems.map(({ message, start }) => [message.split('.')[0], start])
  }
  assert.deepEqual(problems("record.Emial == 'x'"), [['"Emial" is not a field that the mapping writes', 0]])
  assert.deepEqual(problems('record == null'), [['name a field: record', 0]])
  assert.deepEqual(problems('has(record.__proto__)'), [['the name "__proto__" is not allowed', 4]])
  // Without a record beside the row, nothing is called so.
  assert.equal(compileCel('record.Email').ok, false)
})

test('looking for a part takes no time that a row could choose', () => {
  const a = 'a'.repeat(1_000_000)
  const part = `${'a'.repeat(250_000)}b${'a'.repeat(250_000)}`
  for (const text of [
    'contains(row.a, row.b)',
    'indexOf(row.a, row.b)',
    "replace(row.a, row.b, '')",
    'split(row.a, row.b)[0]',
  ]) {
    const compiled = compileCel(text)
    assert.ok(compiled.ok)
    const value = compiled.program.evaluate({ a, b: part })
    assert.ok(typeof value === 'object' && value?.kind === 'invalid', text)
    assert.match(value.reason, /too much/)
  }
})
