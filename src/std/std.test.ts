import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { systemClock } from './clock.ts'
import { mutex } from './mutex.ts'
import { seededRandom, systemRandom } from './random.ts'
import { Secret } from './secret.ts'
import { bell, orAborted } from './signal.ts'

test('a ring while nobody waits is not lost, and lets one wait through', async () => {
  const it = bell()
  it.ring()
  it.ring()
  await it.wait()
  const waiting = it.wait()
  let done = false
  waiting.then(() => {
    done = true
  })
  await new Promise(setImmediate)
  assert.equal(done, false)
  it.ring()
  await waiting
})

test('an aborted wait rejects, and the next one works', async () => {
  const it = bell()
  const abort = new AbortController()
  const waiting = it.wait(abort.signal)
  abort.abort(new Error('enough'))
  await assert.rejects(waiting, /enough/)
  const again = it.wait()
  it.ring()
  await again
  assert.throws(() => {
    it.wait()
    it.wait()
  }, /one listener/)
})

test('a mutex runs bodies one after another, also after one failed', async () => {
  const lock = mutex()
  const order: string[] = []
  const body =
    (name: string, fails = false) =>
    async () => {
      order.push(`${name} in`)
      await new Promise(setImmediate)
      order.push(`${name} out`)
      if (fails) throw new Error(name)
      return name
    }
  const [first, second, third] = [lock(body('a')), lock(body('b', true)), lock(body('c'))]
  assert.equal(await first, 'a')
  await assert.rejects(second, /b/)
  assert.equal(await third, 'c')
  assert.deepEqual(order, ['a in', 'a out', 'b in', 'b out', 'c in', 'c out'])
})

test('a seed gives the same numbers and identifiers for ever', () => {
  const numbers = (seed: number) => {
    const random = seededRandom(seed)
    return [random.next(), random.next(), random.id()]
  }
  assert.deepEqual(numbers(7), numbers(7))
  assert.notDeepEqual(numbers(7), numbers(8))
  assert.deepEqual(numbers(1).slice(0, 2), [0.6270739405881613, 0.002735721180215478])
  const values = Array.from({ length: 10_000 }, seededRandom(3).next)
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  assert.ok(values.every((value) => value >= 0 && value < 1) && Math.abs(mean - 0.5) < 0.02, `mean ${mean}`)
  assert.match(systemRandom.id(), /^[0-9a-f]{24}$/)
})

test('a secret shows itself only when it is asked, and afresh each time', () => {
  let value = 'one'
  const secret = new Secret('env:TOKEN', () => value)
  for (const shown of [String(secret), JSON.stringify({ secret }), inspect({ secret }), `${secret}`])
    assert.doesNotMatch(shown, /one/)
  assert.equal(secret.reveal(), 'one')
  value = 'two'
  assert.equal(secret.reveal(), 'two')
  assert.equal(secret.reference, 'env:TOKEN')
})

test('waiting for a promise ends with it, or with the signal', async () => {
  const abort = new AbortController()
  assert.equal(await orAborted(Promise.resolve('done'), abort.signal), 'done')
  await assert.rejects(orAborted(Promise.reject(new Error('failed')), abort.signal), /failed/)
  const { promise, reject } = Promise.withResolvers<void>()
  const waiting = orAborted(promise, abort.signal)
  abort.abort(new Error('enough'))
  await assert.rejects(waiting, /enough/)
  reject(new Error('too late, and nobody is troubled by it'))
  await assert.rejects(orAborted(Promise.resolve(), abort.signal), /enough/)
})

test('a sleep ends with its time or with its signal', async () => {
  const before = systemClock.mono()
  await systemClock.sleep(5)
  assert.ok(systemClock.mono() - before >= 4)
  const abort = new AbortController()
  const sleeping = systemClock.sleep(60_000, abort.signal)
  abort.abort(new Error('wake up'))
  await assert.rejects(sleeping, /wake up/)
  await assert.rejects(systemClock.sleep(1, abort.signal), /wake up/)
})
