import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SKETCH_WORDS } from '../model/candidates.ts'
import type { Key } from '../model/key.ts'
import type { TwinAsk } from '../model/twins.ts'
import { field, text } from '../model/value.ts'
import { key } from './fixture.ts'
import type { Comparison, Duplicates, Features } from './flow.ts'
import { findTwins } from './twin-found.ts'
import { TwinWindow } from './twin-window.ts'

const says = (verdict: Comparison['verdict']): Comparison => ({
  bits: verdict === 'merge' ? 10 : -10,
  probability: 0.5,
  verdict,
  priorBits: 0,
  against: 'strangers',
  fields: [],
})

/** The index: id and name. A sketch has the length of the name in its last word; 0: nothing is known. */
const index: readonly (readonly [id: number, name: string, sketch: number])[] = [
  [1, 'ann', 3],
  [2, 'anna', 4],
  [3, 'alf', 3],
  [4, 'bob', 3],
  [5, 'ann', 0],
  [-6, 'ann', 3],
]

/** The same name is the same record; who shares the first letter is a candidate. */
const rules = (sketches: boolean): Duplicates => ({
  plan: { id: 'p', fields: [{ name: 'Name' }], clusterMax: 9, candidatesMax: 50 },
  features: (set) => [text(field(set, 'Name') ?? null) ?? ''],
  blocks: ([name = '']) => (name === '' ? [] : [name.charCodeAt(0)]),
  names: () => null,
  compare: ([a]: Features, [b]: Features) => says(a === b ? 'merge' : 'separate'),
  survive: () => ({}),
  target: true,
  ...(sketches
    ? {
        sketches: {
          sketch: ([name = '']) => [0, 0, 0, 0, 0, name.length],
          probe: ([name = ''], records) => {
            assert.equal(records, index.length)
            return (words, at) => [0, name.length].includes(words[at + SKETCH_WORDS - 1] as number)
          },
        },
      }
    : {}),
})

async function found(names: readonly string[], duplicates: Duplicates) {
  const read: number[][] = []
  const window = new TwinWindow(duplicates)
  const own = { row: null, into: null, leads: [], there: null, apart: { leads: [], targets: [] }, same: null }
  const asking = names.map((name, i) => ({
    id: -1 - i,
    key: key(i) as Key,
    ref: '',
    delivered: false,
    set: { Name: name },
    own,
  }))
  const standing = await findTwins(asking, {
    spec: { sync: 'members' },
    rules: duplicates,
    window,
    state: {
      async twins(_: string, asked: readonly TwinAsk[]) {
        const near = asked.map(({ blocks }) => index.filter(([, name]) => blocks.includes(name.charCodeAt(0))))
        const words = near.flat().flatMap(([, , sketch]) => [0, 0, 0, 0, 0, sketch])
        const of = near.map((some) =>
          some.length === 0
            ? null
            : {
                ids: some.map(([id]) => id),
                shared: some.map(() => 1),
                sizes: [some.length],
                cut: false,
                namesakes: 0,
              },
        )
        return { of, sketches: Int32Array.from(words), size: index.length }
      },
      async twinTexts(plan: string, ids: readonly number[]) {
        assert.equal(plan, 'p')
        read.push([...ids].sort((a, b) => a - b))
        // One is gone meanwhile.
        const rows = index.filter(([id]) => ids.includes(id) && id !== 1)
        return { ids: rows.map(([id]) => id), features: rows.map(([, name]) => JSON.stringify([name])) }
      },
      twinsAt: async (_: string, ids: readonly number[]) =>
        ids.map((id) => ({ id, link: id, key: key(id) as Key, target: null, ref: null, lead: null })),
    },
  })
  return { read, compared: window.compared, found: standing.map(({ found }) => found.map(({ who }) => who.id)) }
}

test('who is a stranger by its sketch is not read; who has none is compared, and what is found is the same', async () => {
  const names = ['zoe', 'ann', 'bob', '']
  const told = await found(names, rules(true))
  assert.deepEqual(told, { read: [[-6, 1, 3, 4, 5]], compared: 4, found: [[], [5, -6], [4], []] })
  const all = await found(names, rules(false))
  assert.deepEqual(all, { ...told, read: [[-6, 1, 2, 3, 4, 5]], compared: 5 })
})

test('where all are strangers, no row is asked for', async () => {
  const { read } = await found(['bernhard', 'zoe'], { ...rules(true), compare: () => assert.fail() })
  assert.deepEqual(read, [])
})
