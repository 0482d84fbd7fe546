import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compareValues, levelsOf } from './levels.ts'
import type { ComparedKind } from './types.ts'

const pairs: readonly (readonly [ComparedKind, string, string, string])[] = [
  ['given-name', 'kai', 'hai', 'alike'],
  ['given-name', 'bo', 'jo', 'different'],
  ['given-name', 'ella', 'isabella', 'alike'],
  ['given-name', 'j p', 'jean pierre', 'initial'],
  ['given-name', 'jp', 'jean pierre', 'initial'],
  ['given-name', 'j r', 'john', 'initial'],
  ['given-name', 'k p', 'jean pierre', 'different'],
  ['given-name', 'david marion', 'david', 'part'],
  ['given-name', 'david marion', 'david m', 'part'],
  ['given-name', 'david marion', 'david joseph', 'alike'],
  ['given-name', 'david marion', 'david j', 'alike'],
  ['given-name', 'xiao ming', 'xiaoming', 'near'],
  ['family-name', 'vandenberg', 'berg', 'form'],
  ['family-name', 'alhassan', 'hassan', 'form'],
  ['family-name', 'delacruz', 'cruz', 'form'],
  ['family-name', 'steinberg', 'berg', 'different'],
  ['family-name', 'garcia lopez', 'garcia', 'part'],
]

for (const [kind, a, b, level] of pairs)
  test(`${kind}: ${a} and ${b} are ${level}`, () => {
    assert.equal(levelsOf[kind][compareValues(kind, a, b)]?.name, level)
    assert.equal(levelsOf[kind][compareValues(kind, b, a)]?.name, level)
  })
