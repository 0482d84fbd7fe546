import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { OwnTwin, TwinFound } from '../model/twins.ts'
import { key } from './fixture.ts'
import type { Comparison, Duplicates, Features } from './flow.ts'
import { howOf, resembles } from './twin-reasons.ts'
import { type Alike, type Standing, TwinWindow } from './twin-window.ts'

const comparison = (verdict: Comparison['verdict'], more: Partial<Comparison> = {}): Comparison => ({
  bits: verdict === 'merge' ? 10 : 0,
  probability: verdict === 'merge' ? 0.999 : 0.6,
  verdict,
  priorBits: 0,
  against: 'strangers',
  fields: [],
  ...more,
})

const rules: Duplicates = {
  plan: {
    id: 'p',
    fields: [
      { name: 'Name', classification: 'public' },
      { name: 'Tax__c', classification: 'sensitive' },
      { name: 'Mail' },
    ],
    clusterMax: 5,
    candidatesMax: 50,
  },
  features: () => [],
  blocks: () => [],
  names: () => null,
  compare: ([a = '']: Features, [b = '']: Features) => comparison(a === b ? 'merge' : 'separate'),
  survive: ([first]) => first?.set ?? {},
  target: true,
}

const own: OwnTwin = {
  row: null,
  into: null,
  there: null,
  leads: [],
  apart: { leads: [], targets: [] },
  same: null,
}

/** The place-th record of a window, which bears the name `ann`. */
const ann = (place: number, more: Partial<Standing> = {}): Standing => ({
  id: -place - 1,
  key: key(place + 1),
  ref: String(place + 1),
  delivered: false,
  compared: ['ann'],
  features: '["ann"]',
  blocks: [7],
  names: null,
  own,
  looks: true,
  found: [],
  sizes: [1],
  cut: false,
  namesakes: 0,
  ...more,
})

/** A record of the target that is called the same and belongs to nobody. */
const stray: Alike = {
  who: { id: -9, link: null, key: null, target: 'crm1', ref: null, lead: null } satisfies TwinFound,
  shared: 1,
  features: '["ann"]',
  theirs: ['ann'],
  comparison: comparison('merge'),
}

test('who is not the same as a record of the target is not merged with whom takes it over in the same window', () => {
  const window = new TwinWindow(rules)
  const first = ann(0, { found: [stray] })
  const say = window.judge(first)
  assert.deepEqual(say, { kind: 'accept', adopt: 'crm1' })
  window.apply(first, say)
  assert.equal(window.judge(ann(1)).kind, 'merge')
  const other = ann(1, { own: { ...own, apart: { leads: [], targets: ['crm1'] } } })
  assert.deepEqual(window.judge(other), { kind: 'accept', adopt: null })
})

test('a record that takes over none of the target’s any more shows none to its cluster', () => {
  const window = new TwinWindow(rules)
  window.apply(ann(0, { id: 4, found: [stray] }), { kind: 'accept', adopt: 'crm1' })
  assert.equal(window.there(4), '["ann"]')
  window.apply(ann(0, { id: 4 }), { kind: 'accept', adopt: null })
  assert.equal(window.there(4), null)
  window.apply(ann(0, { id: 5, delivered: true }), { kind: 'accept', adopt: null })
  assert.equal(window.there(5), undefined, 'what it has at the target it keeps')
})

const alike = (more: Partial<Comparison>) => ({
  key: key(1),
  target: null,
  ref: null,
  leadId: 1,
  lead: key(1),
  theirs: ['ann', 'AT-4711', 'ann.lee@example.org'],
  comparison: comparison('merge', more),
})

test('a reason says whom a record resembles, how sure that is and what speaks against it; values by their classification', () => {
  const fields = ['Name', 'Tax__c', 'Mail'].map((name) => ({ field: name, level: 'exact', bits: 3, why: 'the same' }))
  const found = alike({ probability: 0.99999, veto: 'the dates of birth differ', fields })
  const [reason] = resembles('SYNC-4060', 'Look.', ['ann', 'AT-4711', ''], [found], rules)
  assert.equal(reason?.error, 'It resembles ["1"], 99.99 % sure, but the dates of birth differ. Look.')
  assert.deepEqual(
    reason?.alike?.fields.map(({ own: mine, other }) => [mine, other]),
    [
      ['text "ann"', 'text "ann"'],
      ['text, 7 characters', 'text, 7 characters'],
      ['', 'text, 19 characters, begins "ann"'],
    ],
  )
})

test('why a record was merged names the fields that agree, the most telling first, and not those that differ', () => {
  const says = (field: string, bits: number, why: string) => ({ field, level: 'near', bits, why })
  const fields = [says('Name', 2, 'alike'), says('City', -3, 'different'), says('Mail', 9, 'the same')]
  assert.equal(howOf(alike({ probability: 0.98, fields })), '["1"]: 98 % sure (Mail: the same; Name: alike)')
  assert.equal(howOf(alike({ key: ['Member_No__c'], fields })), '["1"]: equal Member_No__c')
})
