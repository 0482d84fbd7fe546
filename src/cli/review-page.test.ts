import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Key } from '../model/key.ts'
import type { LaneOf } from '../model/state.ts'
import type { Alike, Reason } from '../model/verdict.ts'
import { deedsOf, reviewHints, reviewPage } from './review-page.ts'

const field = (name: string, level: string, bits: number, own: string, other: string): Alike['fields'][number] => ({
  field: name,
  level,
  bits,
  why: level === 'exact' ? 'the same' : level === 'missing' ? 'not known of both' : 'the dates have nothing in common',
  own,
  other,
})

const alike: Alike = {
  key: '["10"]' as Key,
  target: null,
  lead: '["10"]' as Key,
  probability: 0.99,
  fields: [
    field('FirstName', 'exact', 7.87, 'text, 3 characters, begins "m"', 'text, 3 characters, begins "m"'),
    field('Birthdate', 'different', -5.18, 'text, 8 characters, begins "19"', 'text, 8 characters, begins "20"'),
    field('MailingCity', 'exact', -0.01, 'text "wien"', 'text "wien"'),
    field('Phone', 'missing', 0, 'text, 9 characters, begins "432"', ''),
    field('Tax_Id__c', 'missing', 0, '', ''),
  ],
}

const lane = (reason: Partial<Reason>, key = '["11"]'): LaneOf =>
  ({
    key,
    state: 'review',
    stage: reason.stage ?? 'duplicates',
    since_ms: 0,
    reasons: [{ stage: 'duplicates', code: 'SYNC-4060', error: 'It resembles ["10"].', ...reason }],
  }) as unknown as LaneOf

test('each field says in words what it says; what one of the two lacks is told in one line', () => {
  assert.deepEqual(reviewPage('members', lane({ alike }), 60_000, 0), [
    'members ["11"]  in review (duplicates) for 1 min 0 s, since 1970-01-01 00:00:00Z',
    '  SYNC-4060 It resembles ["10"].',
    '    FIELD        SAYS                              BITS  THIS RECORD                      THE OTHER ONE',
    '    FirstName    the same                          +7.9  text, 3 characters, begins "m"   the same',
    '    Birthdate    the dates have nothing in common  −5.2  text, 8 characters, begins "19"  text, 8 characters, begins "20"',
    '    MailingCity  the same                          0     text "wien"                      the same',
    '    not known of both, so it says nothing: Phone, Tax_Id__c',
  ])
})

test('where the terminal is too narrow for the table, each field has its own lines', () => {
  const lines = reviewPage('members', lane({ alike }), 0, 80)
  assert.deepEqual(lines.slice(2), [
    '    FirstName: the same (+7.9); text, 3 characters, begins "m"',
    '    Birthdate: the dates have nothing in common (−5.2)',
    '      this one   text, 8 characters, begins "19"',
    '      the other  text, 8 characters, begins "20"',
    '    MailingCity: the same (0); text "wien"',
    '    not known of both, so it says nothing: Phone, Tax_Id__c',
  ])
  assert.equal(reviewPage('members', lane({ alike }), 0, 130).length, 7, 'a table again')
})

test('a reason of another stage shows the value that it is about; nothing can forge a line', () => {
  const quality = {
    stage: 'quality',
    code: 'SYNC-4046',
    field: 'Email',
    error: 'empty\nmembers ["1"]',
    value: 'text, 0 characters',
  }
  assert.deepEqual(reviewPage('members', lane(quality as Reason), 0, 0).slice(1), [
    '  SYNC-4046 Email: empty\\u000amembers ["1"] (text, 0 characters)',
  ])
})

test('the list ends with what to do, in words that can be copied to the command line', () => {
  const hints = (key: string) => reviewHints([{ sync: 'members', lane: lane({ alike }, key) }]).join('\n')
  assert.match(hints('["11"]'), /BITS: .*`syncline record members 11 --show-values`.*approve members --key 11`/s)
  assert.match(hints('["AT","it\'s"]'), /reject members --key '\["AT","it'\\''s"\]'`/)
  assert.match(hints('["-5"]'), /--key '\["-5"\]'/, 'not taken for an option')
  assert.deepEqual(reviewHints([]), [])
})

test('a yes or a no to many says beforehand what it does, each kind with its number', () => {
  const found = [
    lane({ alike }),
    lane({ alike }),
    lane({ code: 'SYNC-4064' }),
    lane({ stage: 'quality', code: 'SYNC-4046' }),
  ]
  assert.equal(
    deedsOf(found, 'yes'),
    'take 2 for the same as what they resemble, delete 1 that leads others, let 1 go as it is',
  )
  assert.equal(
    deedsOf(found, 'no'),
    'keep 2 apart from what they resemble, for ever, keep 1 that is deleted at the source, give 1 up',
  )
})
