import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Value } from '../model/value.ts'
import type { Candidate, Stage } from '../model/verdict.ts'
import { noTraffic } from './claims.ts'
import { entry, knowing, never, parts, spec, subject } from './fixture.ts'
import { judge } from './judge.ts'
import { answerNeeds } from './needs.ts'

/** A stage that wants to know whether the chapter of each record exists. */
const chapters: Stage = {
  name: 'reference',
  needs: (candidates) =>
    candidates.map(({ row }) => ({ kind: 'reference', set: 'chapters.id', value: row['chapter'] ?? null })),
  judge: (candidates, found) =>
    candidates.map(({ row }) =>
      found.reference('chapters.id', row['chapter'] ?? null) === 'known'
        ? { kind: 'accept' }
        : {
            kind: 'park',
            to: 'quarantine',
            reasons: [{ stage: 'reference', code: 'SYNC-4001', error: 'Invalid chapter reference' }],
          },
    ),
}

test('rule 7: the needs of a window are one question a set, each value once', async () => {
  const asked: [string, readonly Value[]][] = []
  const references = {
    async known(set: string, values: readonly Value[]) {
      asked.push([set, values])
      return { known: new Set(['7']), away: null }
    },
  }
  const candidates = [7, 8, 7].map(
    (chapter): Candidate => ({ key: entry(1, 'read', 1).key, link: null, row: { chapter }, set: {} }),
  )
  const found = await answerNeeds([chapters, chapters], candidates, references, never)
  assert.deepEqual(asked, [['chapters.id', [7, 8]]])
  assert.deepEqual(
    [found.reference('chapters.id', 7), found.reference('chapters.id', 8), found.reference('other', 7)],
    ['known', 'unknown', 'unknown'],
  )
})

test('a record whose need is answered with no parks at that stage, the others go on', async () => {
  const references = { known: async () => ({ known: new Set(['7']), away: null }) }
  const rows = [7, 8].map((chapter, i) =>
    subject(i + 1, { op: 'upsert', row: { id: i + 1, name: 'Anna', note: null, chapter } }),
  )
  const decisions = await judge(
    rows,
    noTraffic,
    parts(knowing({}), { spec: spec({ stages: [chapters], references }) }),
    never,
  )
  assert.deepEqual(
    decisions.map((each) => (each.kind === 'park' ? each.stage : each.kind)),
    ['send', 'reference'],
  )
})
