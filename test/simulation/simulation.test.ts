import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describeFailure, kept, keptIds, keptMerges, keptPlain, keptTwinIds, keptTwins } from './seeds.ts'
import { simulate } from './simulate.ts'

const SEEDS = Number(process.env['SYNCLINE_SIMULATION_SEEDS'] ?? 2_000)
const FIRST = Number(process.env['SYNCLINE_SIMULATION_FIRST'] ?? 1)

test(`${SEEDS} histories with faults keep every promise`, async () => {
  const failing: string[] = []
  for (let seed = FIRST; seed < FIRST + SEEDS; seed++) {
    const verdict = await simulate(seed)
    if (verdict.problems.length > 0) failing.push(describeFailure(verdict))
  }
  assert.deepEqual(failing.slice(0, 3), [], `${failing.length} of ${SEEDS} seeds fail`)
})

test('seeds that failed once keep every promise', async () => {
  for (const seed of kept) {
    const verdict = await simulate(seed, {}, false, 'bounded')
    assert.deepEqual(verdict.problems, [], describeFailure(verdict))
  }
  for (const seed of keptIds) {
    const verdict = await simulate(seed)
    assert.deepEqual(verdict.problems, [], describeFailure(verdict))
  }
  for (const seed of keptPlain) {
    const verdict = await simulate(seed, {}, false, 'plain')
    assert.deepEqual(verdict.problems, [], describeFailure(verdict))
  }
})

test('the same seed gives the same trace', async () => {
  for (let seed = FIRST; seed < FIRST + 50; seed++)
    assert.equal((await simulate(seed)).hash, (await simulate(seed)).hash, `seed ${seed} differs from itself`)
})

test(`${SEEDS / 2} histories with duplicates keep every promise`, async () => {
  const failing: string[] = []
  for (let seed = FIRST; seed < FIRST + SEEDS / 2; seed++) {
    const verdict = await simulate(seed, {}, true)
    if (verdict.problems.length > 0) failing.push(describeFailure(verdict))
  }
  assert.deepEqual(failing.slice(0, 3), [], `${failing.length} of ${SEEDS / 2} seeds fail`)
})

test('the same seed gives the same trace, with duplicates', async () => {
  for (let seed = FIRST; seed < FIRST + 20; seed++)
    assert.equal(
      (await simulate(seed, {}, true)).hash,
      (await simulate(seed, {}, true)).hash,
      `seed ${seed} differs from itself`,
    )
})

test('seeds with duplicates that failed once keep every promise', async () => {
  for (const seed of keptTwins) {
    const verdict = await simulate(seed, {}, true, 'plain')
    assert.deepEqual(verdict.problems, [], describeFailure(verdict))
  }
  for (const seed of keptTwinIds) {
    const verdict = await simulate(seed, {}, true, 'ids')
    assert.deepEqual(verdict.problems, [], describeFailure(verdict))
  }
  for (const seed of keptMerges) {
    const verdict = await simulate(seed, {}, true)
    assert.deepEqual(verdict.problems, [], describeFailure(verdict))
  }
})
