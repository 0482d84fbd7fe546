import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { soundOf } from './phonetic.ts'
import { jaroWinkler, typos } from './similarity.ts'
import { setSimilarity } from './wordsets.ts'

test('Jaro-Winkler as published (Winkler 1990)', () => {
  const near = (a: string, b: string, value: number) =>
    assert.ok(Math.abs(jaroWinkler(a, b) - value) < 0.001, `${a} ${b}: ${jaroWinkler(a, b)}`)
  near('martha', 'marhta', 0.9611)
  near('dixon', 'dicksonx', 0.8133)
  near('dwayne', 'duane', 0.84)
  near('abc', 'xyz', 0)
})

test('typing errors are counted: one edit, one swap, two, more', () => {
  assert.equal(typos('smith', 'smith', 2), 0)
  assert.equal(typos('smith', 'smyth', 2), 1)
  assert.equal(typos('smith', 'smiht', 2), 1)
  assert.equal(typos('smith', 'smit', 2), 1)
  assert.equal(typos('smith', 'mit', 2), 2)
  assert.equal(typos('smith', 'jones', 2), 3)
  assert.equal(typos('smith', 'jones', 1), 2)
  assert.equal(typos('', 'a', 1), 1)
})

const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c', 'd'), maxLength: 12 })

test('typing errors agree with the full matrix of optimal string alignment', () => {
  fc.assert(
    fc.property(word, word, (a, b) => {
      assert.equal(typos(a, b, 2), Math.min(3, alignment(a, b)))
    }),
    { numRuns: 3000, seed: 1 },
  )
})

/** The textbook matrix. */
function alignment(a: string, b: string): number {
  const d = Array.from({ length: a.length + 1 }, (_, i) =>
    Array.from({ length: b.length + 1 }, (_, j) => (i === 0 ? j : i)),
  )
  for (let i = 1; i <= a.length; i++)
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1
      let least = Math.min(d[i - 1]![j]! + 1, d[i]![j - 1]! + 1, d[i - 1]![j - 1]! + cost)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        least = Math.min(least, d[i - 2]![j - 2]! + 1)
      d[i]![j] = least
    }
  return d[a.length]![b.length]!
}

test('every similarity is symmetric and bounded', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', 'ä', ' ', '1', '\ud83d\ude00'), maxLength: 90 })
  fc.assert(
    fc.property(text, text, (a, b) => {
      for (const similarity of [jaroWinkler, setSimilarity]) {
        assert.equal(similarity(a, b), similarity(b, a))
        assert.ok(similarity(a, b) >= 0 && similarity(a, b) <= 1)
      }
      assert.equal(typos(a, b, 2), typos(b, a, 2))
    }),
    { numRuns: 1000, seed: 3 },
  )
})

test('names that sound alike have one sound', () => {
  for (const [a, b] of [
    ['schmidt', 'schmitt'],
    ['meyer', 'maier'],
    ['philip', 'filip'],
    ['catherine', 'katherine'],
    ['stephen', 'steven'],
    ['wright', 'rite'],
    ['hathaway', 'hataway'],
  ] as const)
    assert.equal(soundOf(a), soundOf(b), `${a} ${b}`)
  assert.notEqual(soundOf('miller'), soundOf('smith'))
  assert.equal(soundOf('鈴木'), '鈴木')
})
