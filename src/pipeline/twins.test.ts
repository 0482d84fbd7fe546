import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Key } from '../model/key.ts'
import type { FlowHead } from '../model/state.ts'
import { field, type Row, text } from '../model/value.ts'
import { direct, stateOver } from '../store/calls.ts'
import { type Database, openDatabase } from '../store/sqlite.ts'
import { stateFile } from '../store/state.ts'
import { FLOW, judged, newLink, openFlow } from '../testing/contract/commits.ts'
import type { Chosen } from '../validation/duplicates/merge-functions.ts'
import type { FieldRule } from '../validation/duplicates/merge-options.ts'
import { survive } from '../validation/duplicates/survive.ts'
import { key, spec, subject } from './fixture.ts'
import type { Comparison, Duplicates, Features } from './flow.ts'
import { type TwinStep, twinsOf } from './twins.ts'

const says = (verdict: Comparison['verdict']): Comparison => ({
  bits: verdict === 'merge' ? 10 : 0,
  probability: verdict === 'merge' ? 0.999 : 0.6,
  verdict,
  priorBits: 0,
  against: 'strangers',
  fields: [{ field: 'Name', level: verdict, bits: 1, why: verdict }],
})

/** The same name is the same record; the same first letter may be. */
const rules = (clusterMax = 3, rule: FieldRule = 'longest'): Duplicates => ({
  plan: { id: 'p', fields: [{ name: 'Name' }], clusterMax, candidatesMax: 50 },
  features: (set) => [text(field(set, 'Name') ?? null) ?? ''],
  blocks: ([name = '']) => (name === '' ? [] : [name.charCodeAt(0)]),
  names: () => null,
  compare([a = '']: Features, [b = '']: Features) {
    return says(a === b ? 'merge' : a[0] === b[0] ? 'review' : 'separate')
  },
  survive: (records) => survive(records, { default: rule, fields: new Map() }),
  target: false,
})

interface Change {
  readonly id: number
  /** Null: deleted. */
  readonly name: string | null
  readonly note?: string | null
}

/** A state with the records that it knows, over files that can be opened again. */
class Records {
  readonly #db: Database = openDatabase(':memory:', 'state')
  #state = stateOver(direct(stateFile(this.#db)))
  #head: FlowHead | null = null
  #links = new Map<number, number>()

  /** A new owner, with nothing in memory. */
  async restart(): Promise<void> {
    this.#state = stateOver(direct(stateFile(this.#db)))
    this.#head = await openFlow(this.#state)
  }

  /** One window; of several changes of a record the last one counts. */
  async window(changes: readonly Change[], duplicates = rules()): Promise<{ step: TwinStep; verdicts: string[] }> {
    if (this.#head === null) await this.restart()
    const known = await this.#state.gather(
      FLOW,
      'members',
      changes.map(({ id }) => key(id)),
    )
    const subjects = changes.map(({ id, name }, i) =>
      subject(id, { op: name === null ? 'delete' : 'upsert', row: { id, name } }, { known: known[i] ?? null }),
    )
    const step = twinsOf(subjects, spec({ duplicates }), this.#state) as TwinStep
    const places = changes.flatMap(({ name }, i) => (name === null ? [] : [i]))
    const gone = changes.flatMap(({ name }, i) => (name === null ? [i] : []))
    const [stage] = step.among([], places, gone)
    const candidates = places.map((place) => {
      const set: Row = {
        Ext__c: String(changes[place]?.id),
        Name: changes[place]?.name ?? null,
        Note__c: changes[place]?.note ?? null,
      }
      return { key: subjects[place]?.key as Key, link: known[place]?.link ?? null, row: set, set }
    })
    const verdicts = (await stage?.judge(candidates, { reference: () => 'unknown' }, () => true)) ?? []
    await stage?.after?.(candidates)
    const fresh = changes.filter(({ id }) => !this.#links.has(id))
    for (const { id } of fresh) this.#links.set(id, this.#links.size + 1)
    const links = fresh.map(({ id }) => newLink(this.#links.get(id) as number, id))
    const linkAt = changes.map(({ id }) => this.#links.get(id) as number)
    await this.#state.judge(judged(this.#head as FlowHead, { links, twins: step.commit(linkAt) }))
    return { step, verdicts: verdicts.map((verdict) => (verdict.kind === 'merge' ? verdict.reason : verdict.kind)) }
  }

  /** Who goes with whom. */
  async clusters(): Promise<string[]> {
    const merged = await this.#state.merged('members', null, 1_000)
    return merged.map((row) => `${row.key} ${row.into}`).sort()
  }
}

test('a record goes with the one that it equals, within a window and across windows, and is never its own twin', async () => {
  const records = new Records()
  const first = await records.window([
    { id: 1, name: 'ann' },
    { id: 2, name: 'ann' },
    { id: 3, name: 'bob' },
  ])
  assert.deepEqual(first.verdicts, ['accept', 'merged into ["1"]', 'accept'])
  assert.deepEqual((await records.window([{ id: 1, name: 'ann' }])).verdicts, ['accept'])
  assert.deepEqual((await records.window([{ id: 4, name: 'ann' }])).verdicts, ['merged into ["1"]'])
  assert.deepEqual((await records.window([{ id: 5, name: 'ann' }])).verdicts, ['park'], 'the cluster is full')
  assert.deepEqual((await records.window([{ id: 6, name: 'bill' }])).verdicts, ['park'], 'it may be bob')
  assert.deepEqual(await records.clusters(), ['["2"] ["1"]', '["4"] ["1"]'])
})

test('a record that changes leaves its cluster; members that only a changed one held leave with it', async () => {
  const records = new Records()
  await records.window([
    { id: 1, name: 'ann' },
    { id: 2, name: 'ann' },
    { id: 3, name: 'ann' },
  ])
  assert.deepEqual((await records.window([{ id: 2, name: 'carl' }])).verdicts, ['accept'])
  assert.deepEqual(await records.clusters(), ['["3"] ["1"]'])
  await records.window([{ id: 1, name: 'dora' }])
  assert.deepEqual(await records.clusters(), [], 'nothing joins 3 to 1 any more')
  assert.deepEqual((await records.window([{ id: 3, name: 'ann' }])).verdicts, ['accept'], 'it is judged afresh')
})

test('a deleted member is gone; a deleted leader that was never delivered lets its members go', async () => {
  const records = new Records()
  await records.window([
    { id: 1, name: 'ann' },
    { id: 2, name: 'ann' },
    { id: 3, name: 'ann' },
  ])
  await records.window([{ id: 3, name: null }])
  assert.deepEqual(await records.clusters(), ['["2"] ["1"]'])
  const { step } = await records.window([{ id: 1, name: null }])
  assert.equal(step.held(0), null)
  assert.deepEqual(await records.clusters(), [])
  assert.deepEqual((await records.window([{ id: 2, name: 'ann' }])).verdicts, ['accept'])
})

test('a leader whose merge fails by a function of the user parks alone, keeps its members, and goes once the function is mended', async () => {
  const records = new Records()
  const asked: string[][] = []
  const functions = (chosen: Chosen): Duplicates => ({
    ...rules(),
    choose: async (merges) => {
      asked.push(...merges.map((merge) => merge.map(({ key: one }) => one).sort()))
      return merges.map(() => chosen)
    },
  })
  const failing = functions({
    kind: 'failed',
    reasons: [{ stage: 'duplicates', code: 'SYNC-4065', rule: './merge.ts', field: 'Name', error: 'it threw' }],
  })
  const first = await records.window(
    [
      { id: 1, name: 'ann' },
      { id: 2, name: 'ann' },
      { id: 3, name: 'bob' },
    ],
    failing,
  )
  assert.deepEqual(first.verdicts, ['park', 'merged into ["1"]', 'accept'])
  assert.deepEqual(asked, [['["1"]', '["2"]']], 'bob is merged with nobody')
  assert.deepEqual(await records.clusters(), ['["2"] ["1"]'])
  assert.deepEqual(
    (await records.window([{ id: 1, name: 'ann' }], failing)).verdicts,
    ['park'],
    'also after it is stored',
  )
  const mended = functions({ kind: 'fields', fields: { Note__c: 'both', Ext__c: 'not its own' } })
  const { step, verdicts } = await records.window([{ id: 1, name: 'ann' }], mended)
  assert.deepEqual(verdicts, ['accept'])
  assert.deepEqual({ ...step.set(0) }, { Ext__c: '1', Name: 'ann', Note__c: 'both' }, 'its external id stays its own')
})

test('verdicts depend neither on where windows end nor on restarts', async () => {
  const change = fc.record({
    id: fc.integer({ min: 1, max: 9 }),
    name: fc.oneof(
      { weight: 1, arbitrary: fc.constant(null) },
      { weight: 6, arbitrary: fc.constantFrom('a', 'ab', 'b', 'bc', 'c') },
    ),
  })
  const cuts = fc.array(fc.tuple(fc.integer({ min: 1, max: 4 }), fc.boolean()), { minLength: 30, maxLength: 30 })
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 25 }), cuts, async (changes, sizes) => {
      const [alone, grouped] = [new Records(), new Records()]
      for (const one of changes) await alone.window([one])
      let at = 0
      for (const [size, restarts] of sizes) {
        // A record is in a window only once: its changes are folded.
        const some = changes.slice(at, at + size)
        const end = some.findIndex(({ id }, i) => some.some((other, j) => j < i && other.id === id))
        const window = end < 0 ? some : some.slice(0, end)
        if (window.length === 0) break
        await grouped.window(window)
        at += window.length
        if (restarts) await grouped.restart()
      }
      const clusters = await alone.clusters()
      assert.deepEqual(await grouped.clusters(), clusters)
      const [members, leaders] = [0, 1].map((side) => clusters.map((pair) => pair.split(' ')[side]))
      assert.equal(new Set(members).size, clusters.length, 'a record goes with one other at most')
      assert.ok(!leaders?.some((leader) => members?.includes(leader)), 'who leads goes with nobody')
    }),
    { seed: 5, numRuns: 150 },
  )
})

test('a leader gets the same fields from its cluster, in whatever order, windows and between whatever restarts its records came', async () => {
  const notes = fc.array(fc.constantFrom(null, 'x', 'y', 'zz', 'yy'), { minLength: 2, maxLength: 6 })
  const rule = fc.constantFrom<FieldRule>('complete', 'longest', 'frequent', { newest: 'Note__c' })
  const ways = fc.array(fc.record({ at: fc.nat({ max: 1_000 }), ends: fc.boolean(), restarts: fc.boolean() }), {
    minLength: 6,
    maxLength: 6,
  })
  await fc.assert(
    fc.asyncProperty(notes, rule, ways, async (given, by, way) => {
      const all = given.map((note, i): Change => ({ id: i + 1, name: 'ann', note }))
      /** The fields of the record that leads in the end, and the keys of the others. */
      const merged = async (order: readonly Change[], cuts: typeof way) => {
        const records = new Records()
        let window: Change[] = []
        for (const [i, change] of order.entries()) {
          window.push(change)
          if (!cuts[i]?.ends && i < order.length - 1) continue
          await records.window(window, rules(10, by))
          if (cuts[i]?.restarts) await records.restart()
          window = []
        }
        const { step } = await records.window([order[0] as Change], rules(10, by))
        const { Ext__c: leader, ...fields } = step.set(0) as Row
        assert.equal(leader, String(order[0]?.id), 'its external id is its own')
        assert.equal((await records.clusters()).length, all.length - 1)
        return fields
      }
      const one = await merged(all, [])
      const shuffled = all
        .map((change, i) => ({ change, at: way[i]?.at ?? 0 }))
        .sort((a, b) => a.at - b.at)
        .map(({ change }) => change)
      assert.deepEqual(await merged(shuffled, way), one)
    }),
    { seed: 6, numRuns: 80 },
  )
})
