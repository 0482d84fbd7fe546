import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addDecimals, compareDecimals, decimalFrom, decimalText, divideDecimals } from './decimal.ts'
import { mask } from './mask.ts'
import { didYouMean, nearest, suggest } from './suggest.ts'

test('suggests what was probably meant, and nothing else', () => {
  const keys = ['retry', 'fields', 'source', 'target']
  assert.equal(suggest('rerty', keys), 'retry')
  assert.equal(suggest('Feilds', keys), 'fields')
  assert.equal(suggest('sourc', keys), 'source')
  assert.equal(suggest('zebra', keys), undefined)
  assert.equal(suggest('x', ['y', 'z']), undefined)
  assert.equal(didYouMean('taget', keys), ' Did you mean "target"?')
  assert.deepEqual(nearest('Activ', ['Active', 'Inactive', 'Lapsed', 'Activ1'], 2), ['Activ1', 'Active'])
  assert.equal(suggest('x'.repeat(100_000), keys), undefined)
})

test('a mask shows type, length and at most three characters', () => {
  assert.equal(mask('text', 'ada@example.org'), 'text, 15 characters, begins "ada"')
  assert.equal(mask('text', 'Ada'), 'text, 3 characters, begins "A"')
  assert.equal(mask('text', 'ab'), 'text, 2 characters')
  assert.equal(mask('text', ''), 'text, 0 characters')
  assert.equal(mask('text', '\n\u001b[31m red'), 'text, 10 characters, begins "\\n\\u001b["')
  assert.equal(mask('text', `\ud800${'x'.repeat(20)}`), 'text, 21 characters, begins "\ufffdxx"')
})

test('a mask shows what the classification of the field allows', () => {
  assert.equal(mask('text', 'Lapsed', 'public'), 'text "Lapsed"')
  assert.equal(mask('text', '\u001b[31mL', 'internal'), 'text "\\u001b[31mL"')
  assert.equal(mask('text', 'x'.repeat(61), 'public'), `text, 61 characters, begins "${'x'.repeat(60)}"`)
  assert.equal(mask('text', 'ada@example.org', 'sensitive'), 'text, 15 characters')
})

test('decimals are exact', () => {
  const of = (text: string) => decimalFrom(text)!
  assert.equal(decimalText(addDecimals(of('0.1'), of('0.2'))), '0.3')
  assert.equal(decimalText(of('-0.50')), '-0.50')
  assert.equal(decimalText(of('1e3')), '1000')
  assert.equal(decimalText(of('12e-4')), '0.0012')
  assert.equal(compareDecimals(of('1.50'), of('1.5')), 0)
  assert.equal(compareDecimals(of('-2'), of('1e-900')), -1)
  assert.equal(decimalText(divideDecimals(of('1'), of('3'))!), '0.33333333333333333333')
  assert.equal(decimalText(divideDecimals(of('-5'), of('2'))!), '-2.5')
  assert.equal(divideDecimals(of('1'), of('0.0')), undefined)
  for (const text of ['', '.', 'NaN', 'Infinity', '1e9999', '0x10', '1 ', `${'9'.repeat(3_000)}`])
    assert.equal(decimalFrom(text), undefined)
})
