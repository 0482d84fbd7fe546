import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { mappingFunctions } from '../mapping/functions.ts'
import { failures } from '../model/failures.ts'
import { configPage, errorsPage, expressionsPage } from './reference.ts'

const page = (name: string) => readFileSync(new URL(`../../docs/reference/${name}`, import.meta.url), 'utf8')
const again = 'run: node scripts/reference.ts'

test('the reference of the configuration is the newest', () => assert.equal(page('config.md'), configPage(), again))
test('the reference of failures is the newest', () => assert.equal(page('errors.md'), errorsPage(), again))
test('the reference of expressions is the newest, and has every function as its call', () => {
  assert.equal(page('expressions.md'), expressionsPage(mappingFunctions), again)
  const listed = page('expressions.md')
    .split('## Functions')
    .slice(1)
    .join('')
    .split('\n')
    .filter((line) => /\w/.test(line))
  for (const line of listed.filter((each) => !each.startsWith(' for '))) assert.match(line, /^- `[a-z]\w*\([^`]*`: \S/i)
})

test('a page that a hint names is there', () => {
  for (const [code, { hint }] of Object.entries(failures))
    for (const [path] of hint.matchAll(/\b(?:docs|src|examples)\/[\w./-]+\.md/g))
      assert.ok(existsSync(new URL(`../../${path}`, import.meta.url)), `${code}: ${path}`)
})
