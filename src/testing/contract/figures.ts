import assert from 'node:assert/strict'
import type { FigureRow } from '../../model/figures.ts'
import type { StoreCase } from './store.ts'

const HOUR_MS = 3_600_000

const figure = (hour: number, n: number, more: Partial<FigureRow> = {}): FigureRow => ({
  flow: 'members',
  hour_ms: hour * HOUR_MS,
  name: 'judged',
  stage: '',
  rule: '',
  n,
  ...more,
})
const failed = (hour: number, n: number, rule: string) => figure(hour, n, { name: 'failed', stage: 'schema', rule })

/** What `FigureState` promises. */
export const figureCases: Readonly<Record<string, StoreCase>> = {
  async 'figures add up, whatever they were written with, and outlive their owner'({ store, reopen }) {
    await store.state.addFigures([figure(5, 10), figure(6, 1), figure(5, 4), failed(5, 2, 'email'), failed(6, 1, '')])
    const { state } = await reopen()
    await state.addFigures([figure(5, 0.5), failed(6, 3, 'email'), figure(5, 99, { flow: 'chapters' })])
    await state.addFigures([])
    assert.deepEqual(await state.figures('members', 5 * HOUR_MS, 7 * HOUR_MS), {
      sums: [
        { name: 'failed', stage: 'schema', rule: '', n: 1 },
        { name: 'failed', stage: 'schema', rule: 'email', n: 5 },
        { name: 'judged', stage: '', rule: '', n: 15.5 },
      ],
      hours: [
        { hour_ms: 5 * HOUR_MS, name: 'judged', n: 14.5 },
        { hour_ms: 6 * HOUR_MS, name: 'judged', n: 1 },
      ],
    })
  },

  async 'figures of a period begin with its first hour and end before its last moment'({ store: { state } }) {
    await state.addFigures([4, 5, 6, 7].map((hour) => figure(hour, 1)))
    const hours = async (from_ms: number, to_ms: number) =>
      (await state.figures('members', from_ms, to_ms)).hours.map(({ hour_ms }) => hour_ms / HOUR_MS)
    assert.deepEqual(await hours(5 * HOUR_MS, 7 * HOUR_MS), [5, 6])
    assert.deepEqual(await hours(5 * HOUR_MS, 7 * HOUR_MS + 1), [5, 6, 7])
    assert.deepEqual(await state.figures('unheard-of', 0, 99 * HOUR_MS), { sums: [], hours: [] })
  },

  async 'figures that are old are forgotten, those of all flows'({ store: { state } }) {
    await state.addFigures([figure(4, 1), figure(5, 1), figure(4, 1, { flow: 'chapters' })])
    await state.trimFigures(5 * HOUR_MS)
    assert.deepEqual((await state.figures('members', 0, 99 * HOUR_MS)).hours.length, 1)
    assert.deepEqual((await state.figures('chapters', 0, 99 * HOUR_MS)).hours.length, 0)
  },
}
