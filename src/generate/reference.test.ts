import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { configPage, errorsPage } from './reference.ts'

const page = (name: string) => readFileSync(new URL(`../../docs/reference/${name}`, import.meta.url), 'utf8')
const again = 'run: node scripts/reference.ts'

test('the reference of the configuration is the newest', () => assert.equal(page('config.md'), configPage(), again))
test('the reference of failures is the newest', () => assert.equal(page('errors.md'), errorsPage(), again))
