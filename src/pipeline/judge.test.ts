import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Known } from '../model/state.ts'
import { rowText } from '../model/value.ts'
import { noTraffic, type Traffic } from './claims.ts'
import { choose, compose } from './compose.ts'
import { CARDS, cardJoin, full, key, knowing, linked, MEMBERS, never, parts, spec, subject, tables } from './fixture.ts'
import type { Subject } from './gather.ts'
import { guard } from './guard.ts'
import { judge } from './judge.ts'

test('I6: only what the log left out is read again, and only where it is needed', async () => {
  const source = tables({ [MEMBERS]: [{ id: 1, name: 'newer', note: 'now' }] })
  const unseen = subject(1, { op: 'upsert', row: { id: 1, name: 'log' } })
  const held = subject(1, { op: 'upsert', row: { id: 1, name: 'log' } }, { known: linked(1, { shadow: '{}' }) })
  await compose([unseen], spec(), source, never)
  await compose([held], spec(), source, never)
  assert.deepEqual({ ...unseen.image.row }, { id: 1, name: 'log', note: 'now' })
  assert.deepEqual({ ...held.image.row }, { id: 1, name: 'log' }, 'the target keeps what did not change')
  assert.equal(source.asked.length, 1)
})

test('a touched record without a row is deleted', async () => {
  const gone = subject(5, { op: 'touch', row: {} })
  await compose([gone], spec(), tables({ [MEMBERS]: [] }), never)
  assert.equal(gone.image.op, 'delete')
})

test('a joined record has the chosen child, and remembers all of them', async () => {
  const wide = { ...spec().mapping, columns: ['id', 'name', 'note', 'card.level'] }
  const source = tables({
    [MEMBERS]: [full(1), full(2)],
    [CARDS]: [
      { id: 7, member_id: 1, level: 'old', expires: { kind: 'date', text: '2024-01-01' } },
      { id: 8, member_id: 1, level: 'new', expires: { kind: 'date', text: '2025-01-01' } },
      { id: 9, member_id: 1, level: 'none', expires: null },
    ],
  })
  const subjects = [subject(1, { op: 'touch', row: {} }), subject(2, { op: 'touch', row: {} })]
  const related = await compose(subjects, spec({ joins: [cardJoin], mapping: wide }), source, never)
  assert.deepEqual(
    subjects.map((each) => each.image.row['card.level']),
    ['new', null],
  )
  assert.deepEqual(
    related.map((each) => [each.root, each.children]),
    [
      ['["1"]', ['["7"]', '["8"]', '["9"]']],
      ['["2"]', []],
    ],
  )
})

test('the chosen child: numbers by size, nulls last, ties by key', () => {
  const by = (column: string, order: 'latest' | 'earliest') => ({ ...cardJoin, take: { order, column } })
  const rows = [
    { id: 1, n: 9 },
    { id: 2, n: { kind: 'decimal' as const, text: '10' } },
    { id: 3, n: null },
    { id: 4, n: 9 },
  ]
  assert.equal(choose(rows, by('n', 'latest'))?.['id'], 2)
  assert.equal(choose(rows, by('n', 'earliest'))?.['id'], 1)
  assert.equal(choose([rows[2]!], by('n', 'latest'))?.['id'], 3)
  assert.equal(choose([], by('n', 'latest')), null)
})

const decided = async (
  one: Subject,
  more: { spec?: Parameters<typeof spec>[0]; at?: Traffic; known?: { [key: string]: Known } } = {},
) => (await judge([one], more.at ?? noTraffic, parts(knowing(more.known ?? {}), { spec: spec(more.spec) }), never))[0]

test('a new record is upserted by its external id; soft deletes keep their field false', async () => {
  const decision = await decided(subject(1, { op: 'upsert', row: full(1) }))
  assert.ok(decision?.kind === 'send')
  assert.deepEqual(
    [decision.op, { ...decision.set }],
    ['upsert', { Ext__c: '1', Name: 'Anna', Note__c: 'n', Gone__c: false }],
  )
})

test('what the target holds already is not sent', async () => {
  const shadow = rowText({ Ext__c: '1', Name: 'Anna', Note__c: 'n', Gone__c: false })
  assert.deepEqual(await decided(subject(1, { op: 'upsert', row: full(1) }, { known: linked(1, { shadow }) })), {
    kind: 'skip',
    reason: 'no change',
  })
  assert.deepEqual(
    await decided(subject(1, { op: 'upsert', row: { id: 1, name: 'Anna' } }, { known: linked(1, { shadow }) })),
    { kind: 'skip', reason: 'no change' },
    'absent is not null',
  )
})

test('a changed external id is written to the same record, by its own id', async () => {
  const shadow = rowText({ Ext__c: '9', Name: 'Anna', Note__c: 'n', Gone__c: false })
  const decision = await decided(
    subject(1, { op: 'upsert', row: full(1) }, { known: linked(1, { shadow }), movedFrom: key(9) }),
  )
  assert.ok(decision?.kind === 'send')
  assert.deepEqual([decision.op, decision.target], ['update', '0031'])
})

test('I4: a record under way waits; one whose external id is still held waits or parks', async () => {
  const one = subject(1, { op: 'upsert', row: full(1) }, { known: linked(3) })
  assert.deepEqual(await decided(one, { at: { ...noTraffic, busy: () => true } }), { kind: 'wait', for: 'flight' })
  assert.deepEqual(await decided(one, { at: { ...noTraffic, busy: (link) => link === 8, holder: () => 8 } }), {
    kind: 'wait',
    for: 'external id',
    wants: '1',
    evicts: null,
  })
  const parked = await decided(one, { at: { ...noTraffic, holder: () => 8 } })
  assert.ok(parked?.kind === 'park')
  assert.equal(parked.reasons[0]?.code, 'SYNC-4003')
})

test('deletes: soft marks, hard deletes, ignore and never delivered are skipped by name', async () => {
  const gone = (known: Known | null) => subject(1, { op: 'delete', row: { id: 1 } }, { known })
  const soft = await decided(gone(linked(1)))
  assert.ok(soft?.kind === 'send' && soft.deletes)
  assert.deepEqual([soft.op, { ...soft.set }], ['update', { Gone__c: true }])
  const hard = await decided(gone(linked(1)), { spec: { deletes: { policy: 'hard', field: null, guard: null } } })
  assert.ok(hard?.kind === 'send')
  assert.equal(hard.op, 'delete')
  const ignored = await decided(gone(linked(1)), { spec: { deletes: { policy: 'ignore', field: null, guard: null } } })
  assert.match(ignored?.kind === 'skip' ? ignored.reason : '', /ignore/)
  assert.match(((await decided(gone(null))) as { reason: string }).reason, /never delivered/)
  assert.match(((await decided(gone(linked(1, { state: 'tombstone' })))) as { reason: string }).reason, /already/)
})

test('leaving the filter follows the delete policy; never having been in it is an exclusion', async () => {
  const filter = {
    columns: ['name'],
    text: "row.name != 'test'",
    keeps: (row: { readonly [name: string]: unknown }) => row['name'] !== 'test',
  }
  const left = await decided(subject(1, { op: 'upsert', row: full(1, 'test') }, { known: linked(1) }), {
    spec: { filter },
  })
  assert.ok(left?.kind === 'send' && left.deletes)
  assert.deepEqual(await decided(subject(1, { op: 'upsert', row: full(1, 'test') }), { spec: { filter } }), {
    kind: 'skip',
    reason: "filter: row.name != 'test'",
  })
})

test('D7: two rows that map to one external id: the second parks, in one window or another', async () => {
  const computed = {
    ...spec().mapping,
    map: (row: Parameters<ReturnType<typeof spec>['mapping']['map']>[0]) => ({
      kind: 'mapped' as const,
      key: String(row['name']),
      set: {},
    }),
  }
  const { keyColumn: _, ...mapping } = computed
  const subjects = [
    subject(1, { op: 'upsert', row: full(1, 'ABC') }),
    subject(2, { op: 'upsert', row: full(2, 'abc ') }),
    subject(3, { op: 'upsert', row: full(3, 'Taken') }),
  ]
  const decisions = await judge(subjects, noTraffic, parts(knowing({}), { spec: spec({ mapping }) }), never)
  assert.deepEqual(
    decisions.map((each) => (each.kind === 'park' ? each.reasons[0]?.code : each.kind)),
    ['send', 'SYNC-4002', 'SYNC-4002'],
  )
})

test('rule 8: a record parks at its first failing stage, with the errors of the later ones', async () => {
  const failing = (name: 'schema' | 'rules', error: string) => ({
    name,
    judge: () => [
      {
        kind: 'park' as const,
        to: 'quarantine' as const,
        reasons: [{ stage: name, code: 'SYNC-4001' as const, error }],
      },
    ],
  })
  const decision = await decided(subject(1, { op: 'upsert', row: full(1) }), {
    spec: { stages: [failing('schema', 'a'), failing('rules', 'b')] },
  })
  assert.ok(decision?.kind === 'park')
  assert.deepEqual([decision.stage, decision.reasons.map((reason) => reason.error)], ['schema', ['a', 'b']])
})

test('the guard stops a mass delete before it starts, counts an hour, and lets approved entries through', async () => {
  const guarded = spec({ deletes: { policy: 'soft', field: 'Gone__c', guard: { percent: 5, rows: 500 } } })
  const state = knowing({})
  const many = (n: number) =>
    Array.from({ length: n }, (_, i) => subject(i, { op: 'delete', row: {} }, { covers: 100 + i }))
  const none = { upTo: 0, at_ms: 0 }
  const run = (n: number, before = 0, approval = none, now = 1_000) =>
    guard(many(n), { deletes: before, since_ms: 0 }, approval, now, guarded, state)
  assert.equal((await run(50)).kind, 'pass')
  const stopped = await run(51)
  assert.ok(stopped.kind === 'stop')
  assert.equal(stopped.failure.code, 'SYNC-6001')
  assert.match(stopped.failure.message, /51 deletes within an hour, the limit is 50/)
  assert.equal((await run(1, 50)).kind, 'stop')
  assert.equal((await run(1, 50, none, 3_700_000)).kind, 'pass', 'an hour later it counts afresh')
  assert.equal((await run(51, 0, { upTo: 150, at_ms: 0 })).kind, 'pass')
  assert.equal((await run(10)).kind, 'pass', 'never fewer than ten')
})
