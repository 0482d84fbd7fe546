import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Value } from '../../model/value.ts'
import { fold, valueUnitsMax, words } from './fold.ts'
import { normalise } from './normalise.ts'
import type { ComparedKind } from './types.ts'

const table: readonly (readonly [ComparedKind, Value, string])[] = [
  ['given-name', 'Dr. Hans-Peter', 'hans peter'],
  ['given-name', 'ÉLODIE', 'elodie'],
  ['given-name', 'John Jr.', 'john+jr'],
  ['given-name', 'Ｊｏｈｎ', 'john'],
  ['given-name', 'Mrs.', ''],
  ['family-name', "O'Connor", 'oconnor'],
  ['family-name', 'O Connor', 'oconnor'],
  ['family-name', 'Mc Donald', 'mcdonald'],
  ['family-name', 'van der Berg', 'berg'],
  ['family-name', 'Le', 'le'],
  ['family-name', 'Großmann', 'grossmann'],
  ['family-name', 'Wójcik', 'wojcik'],
  ['family-name', '鈴木', '鈴木'],
  ['full-name', 'Smith, Bob', 'bob smith'],
  ['full-name', 'Prof. Dr. Ada Lovelace PhD', 'ada lovelace'],
  ['email', ' Ada.Lovelace@Example.COM ', 'ada.lovelace@example.com'],
  ['email', 'Ada <ada@example.com>', 'ada@example.com'],
  ['email', 'mailto:ada@example.com', 'ada@example.com'],
  ['email', 'info@example.com', '+info@example.com'],
  ['email', 'noemail@example.com', ''],
  ['email', '@', ''],
  ['phone', '+43 (0) 660 / 123-45-67', '436601234567'],
  ['phone', '0660 1234567 ext. 12', '6601234567'],
  ['phone', '000-000', ''],
  ['phone', '123', ''],
  ['date-of-birth', { kind: 'date', text: '1980-02-03' }, '19800203'],
  ['date-of-birth', { kind: 'datetime', text: '1980-02-03 00:00:00' }, '19800203'],
  ['date-of-birth', '3.2.1980', '19800203'],
  ['date-of-birth', '2/3/1980', '19800203'],
  ['date-of-birth', '25/3/1980', '19800325'],
  ['date-of-birth', '3 Feb 1980', '19800203'],
  ['date-of-birth', '1980', '19800000'],
  ['date-of-birth', 19800203, '19800203'],
  ['date-of-birth', '1900-01-01', ''],
  ['date-of-birth', '9999-12-31', ''],
  ['date-of-birth', '1742-08-01', '17420801'],
  ['date-of-birth', '0000-03-09', '00000309'],
  ['date-of-birth', '0000-03-00', ''],
  ['date-of-birth', '0001-01-01', ''],
  ['street', 'Hauptstraße 12a', 'hauptstr 12a'],
  ['street', 'HAUPTSTR. 12A', 'hauptstr 12a'],
  ['street', '12 North Oak Avenue, Apartment 4', '12 n oak av apt 4'],
  ['city', 'St. Paul', 'st paul'],
  ['city', 'Saint Paul', 'st paul'],
  ['postcode', 'sw1a 1aa', 'sw1a1aa'],
  ['postcode', '00000', ''],
  ['postcode', '80201-1234', '80201'],
  ['region', 'California', 'ca'],
  ['region', 'Steiermark', 'steiermark'],
  ['country', 'U.S.A.', 'us'],
  ['country', 'Österreich', 'at'],
  ['country', 'Great Britain', 'gb'],
  ['country', 'Atlantis', 'atlantis'],
  ['organisation', 'Müller & Söhne G.m.b.H. & Co. KG', 'muller sohne'],
  ['organisation', 'I.B.M. Corp.', 'ibm'],
  ['organisation', 'The Acme International Company, Inc.', 'acme intl'],
  ['organisation', 'AG', 'ag'],
  ['website', 'https://www.Example.com/about?x=1', 'example.com'],
  ['identifier', 'ab-12 34', 'ab1234'],
  ['identifier', '0000000', ''],
  ['identifier', '0', ''],
  ['identifier', '007', '007'],
  ['text', 'The  WASA2 object-oriented system', 'the wasa2 object oriented system'],
  ['number', '1999.0', '1999'],
  ['number', { kind: 'decimal', text: '10.50' }, '10.5'],
  ['number', 3, '3'],
]

for (const [kind, value, normal] of table)
  test(`${kind}: ${JSON.stringify(value)} is compared as ${JSON.stringify(normal)}`, () => {
    assert.equal(normalise(kind, value), normal)
  })

const kinds = [...new Set(table.map(([kind]) => kind))]

test('what stands for nothing is nothing, in every kind', () => {
  for (const kind of kinds)
    for (const nothing of [
      '',
      '   ',
      'N/A',
      'n.a.',
      'unknown',
      'UNBEKANNT',
      '---',
      '?',
      'null',
      'not available',
      'xxx',
    ])
      assert.equal(normalise(kind, nothing), '', `${kind} ${nothing}`)
})

test('absent, null, invalid and bytes are missing', () => {
  for (const kind of kinds) {
    assert.equal(normalise(kind, undefined), '')
    assert.equal(normalise(kind, null), '')
    assert.equal(normalise(kind, { kind: 'invalid', type: 'date', raw: '2024-00-00', reason: 'zero' }), '')
    assert.equal(normalise(kind, { kind: 'bytes', text: 'AAAA' }), '')
  }
})

const hostile: readonly string[] = [
  'a'.repeat(10_000_000),
  ' '.repeat(10_000_000),
  '\ud800',
  'x\udfffy',
  '\ufdfa'.repeat(100_000),
  'é'.repeat(1_000_000),
  'a '.repeat(1_000_000),
  '-'.repeat(1_000_000),
  '@'.repeat(1_000_000),
  '<'.repeat(100_000),
  '1'.repeat(1_000_000),
  '('.repeat(100_000),
  '__proto__',
  'constructor',
  '\0\u0001',
  `1${'/'.repeat(100_000)}2`,
]

test('hostile values are bounded and never throw', () => {
  for (const kind of kinds)
    for (const value of hostile) {
      const normal = normalise(kind, value)
      assert.ok(normal.length <= valueUnitsMax, kind)
      assert.equal(normal, normal.toWellFormed(), kind)
    }
})

test('folding is idempotent, and words hold letters and digits only', () => {
  for (const value of ['Ünïcödé', 'ẞtraße', 'ﬁne', 'İstanbul', 'ÅÅ', '鈴木 ｶﾅ', 'Ἀθῆναι'])
    assert.equal(fold(fold(value)), fold(value), value)
  assert.deepEqual(words(fold("L'Été—à  la/mer")), ['lete', 'a', 'la', 'mer'])
})
