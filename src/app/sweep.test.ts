import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Known } from '../model/state.ts'
import { jumpingClock, key, linked, spec, tables } from '../pipeline/fixture.ts'
import { sweep } from './sweep.ts'

/** Sweeps over records 1 to 3; what happens while changes are judged may alter rows and links. */
async function swept(
  rows: { id: number }[],
  meanwhile: (known: Record<string, Known | null>, table: { id: number }[]) => void = () => {},
) {
  const table: { id: number }[] = [...rows]
  const known: Record<string, Known | null> = { '["1"]': linked(1), '["2"]': linked(2), '["3"]': linked(3) }
  const gone: number[] = []
  const done: string[] = []
  await sweep(
    {
      spec: spec(),
      source: { fetch: (...asked) => tables({ 'public.members': table }).fetch(...asked) },
      state: {
        linksAfter: async (_flow, _sync, link) =>
          [1, 2, 3].filter((n) => n > link).map((n) => ({ link: n, key: key(n), state: 'linked' as const })),
        gather: async (_flow, _sync, keys) => keys.map((each) => known[each] ?? null),
        gone: async (_flow, links) => void gone.push(...links),
      },
      clock: jumpingClock(),
      judged: async () => {
        done.push('judged')
        meanwhile(known, table)
      },
      async exclusively(body) {
        done.push('alone')
        await body()
      },
    },
    new AbortController().signal,
  )
  return { gone, done }
}

test('what is missing is gone only after everything that was committed before was judged', async () => {
  assert.deepEqual(await swept([{ id: 1 }, { id: 3 }]).then(({ gone, done }) => [gone, done]), [
    [2],
    ['judged', 'alone'],
  ])
  assert.deepEqual((await swept([{ id: 1 }, { id: 2 }, { id: 3 }])).done, [], 'nothing is missing')
})

test('a record that a change took to another key is not gone', async () => {
  const { gone } = await swept([{ id: 3 }], (known) => {
    known['["1"]'] = null
  })
  assert.deepEqual(gone, [2])
})

test('a row that came back in between is left to its own change', async () => {
  const { gone } = await swept([{ id: 3 }], (_, table) => void table.push({ id: 2 }))
  assert.deepEqual(gone, [1])
})
