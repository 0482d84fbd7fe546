import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type FailureCode, failure, SyncError } from '../model/failure.ts'
import { systemClock } from '../std/clock.ts'
import { seededRandom } from '../std/random.ts'
import { whenThere } from './patience.ts'

/** Starts that fail so, one after another, and then one that works. */
async function started(starts: readonly (readonly FailureCode[])[], stopAfter = Number.POSITIVE_INFINITY) {
  const stop = new AbortController()
  const waits: number[] = []
  const told: FailureCode[][] = []
  let n = 0
  const clock = {
    ...systemClock,
    async sleep(ms: number, signal?: AbortSignal) {
      waits.push(ms)
      if (waits.length === stopAfter) stop.abort(143)
      signal?.throwIfAborted()
    },
  }
  const start = async () => {
    const [first, ...others] = (starts[n++] ?? []).map((code) => failure(code, `${code} of db`))
    if (first !== undefined) throw new SyncError(first, others)
    return n
  }
  const answer = await whenThere(
    start,
    { clock, random: seededRandom(1) },
    (failures) => told.push(failures.map(({ code }) => code)),
    stop.signal,
  ).catch((error: unknown) => error)
  return { answer, waits, told, starts: n }
}

test('systems that are away are waited for, longer each time, and told with what is done about it', async () => {
  const away = Array.from({ length: 9 }, () => ['SYNC-2002', 'SYNC-3001'] as const)
  const { answer, waits, told } = await started(away)
  assert.equal(answer, 10)
  for (const [i, wait_ms] of [1, 2, 4, 8, 16, 32, 60, 60, 60].entries())
    assert.ok((waits[i] ?? 0) >= wait_ms * 1_000 && (waits[i] ?? 0) <= wait_ms * 1_250, `${i}: ${waits[i]} ms`)
  assert.deepEqual(told, away)
})

test('what a person must mend ends the start, also beside a system that is away, and later', async () => {
  for (const starts of [[['SYNC-2003']], [['SYNC-2002', 'SYNC-3050']], [['SYNC-5001']]] as FailureCode[][][]) {
    const { answer, waits } = await started(starts)
    assert.ok(answer instanceof SyncError)
    assert.equal(answer.failure.code, starts[0]?.[0])
    assert.deepEqual(waits, [])
  }
  const later = await started([['SYNC-2002'], ['SYNC-2003']])
  assert.equal((later.answer as SyncError).failure.code, 'SYNC-2003')
  assert.equal(later.waits.length, 1)
})

test('a signal ends the waiting', async () => {
  const { answer, starts } = await started([['SYNC-2002'], ['SYNC-2002'], ['SYNC-2002']], 2)
  assert.deepEqual([answer, starts], [143, 2])
})
