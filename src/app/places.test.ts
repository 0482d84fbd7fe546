import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { systemsYaml } from '../config/systems.fake.ts'
import { type About, failure } from '../model/failure.ts'
import { compile } from './build.ts'
import { load } from './load.ts'
import { placed } from './places.ts'

const yaml = `${systemsYaml('http://127.0.0.1:1')}syncs:
  members:
    source:
      system: legacy
      table: members
      where: "row.status != 'test'"
      join:
        card: { table: cards, on: { member_id: id }, take: { latest: until } }
    target: { system: crm, object: Contact, key: { Legacy_Id__c: id } }
    fields:
      LastName: last_name
      Email:
        from: email
      Level__c: card.level
      Name__c: { expr: "row.first_name + row.last_name" }
    validate:
      rules: [{ name: short, assert: "size(row.nick) < 9" }]
      reference:
        row.place: places.code
        Level__c: { in: { system: crm, table: Level__c, column: Code__c } }
      quality: { freshness: { field: row.seen, fresh: 1d, stale: 9d } }
    deletes: { policy: soft, field: Gone__c }
`

const table = (name: string, column?: string): About => ({
  kind: 'table',
  table: name,
  ...(column === undefined ? {} : { column }),
})
const field = (name?: string): About => ({ kind: 'object', ...(name === undefined ? {} : { field: name }) })

/** What is missing in which system, and where the configuration asks for it: the text that stands there. */
const cases: readonly (readonly [system: string, about: About, text: string])[] = [
  ['legacy', table('members'), 'members'],
  ['legacy', table('members', 'status'), '"row.status'],
  ['legacy', table('members', 'last_name'), 'last_name'],
  ['legacy', table('members', 'email'), 'email'],
  ['legacy', table('members', 'first_name'), '"row.first_name'],
  ['legacy', table('members', 'nick'), '{ name: short'],
  ['legacy', table('members', 'place'), 'row.place'],
  ['legacy', table('members', 'seen'), '{ freshness'],
  ['legacy', table('cards'), 'cards'],
  ['legacy', table('cards', 'member_id'), 'member_id'],
  ['legacy', table('cards', 'until'), 'until'],
  ['legacy', table('cards', 'level'), 'card.level'],
  ['legacy', table('places'), 'row.place'],
  ['legacy', table('places', 'code'), 'row.place'],
  ['crm', table('Level__c', 'Code__c'), 'Code__c'],
  ['crm', field(), 'Contact'],
  ['crm', field('Legacy_Id__c'), 'Legacy_Id__c'],
  ['crm', field('LastName'), 'LastName'],
  ['crm', field('Gone__c'), 'Gone__c'],
]

test('what a system has not is told with the place that asks for it', () => {
  const folder = mkdtempSync(join(tmpdir(), 'syncline-places-'))
  try {
    writeFileSync(join(folder, 'syncline.yaml'), yaml)
    const variables = { LEGACY_URL: 'postgres://me:x@127.0.0.1:1/db', SF_SECRET: 'x' }
    const { config } = load(join(folder, 'syncline.yaml'), variables)
    const compiled = compile(config)
    const said = (system: string, about?: About) => {
      const problem = {
        level: 'error',
        failure: failure('SYNC-2009', 'It is not there.'),
        ...(about && { about }),
      } as const
      return placed(problem, system, compiled, config).failure.message
    }
    const lines = yaml.split('\n')
    for (const [system, about, text] of cases) {
      const what = `${system} ${JSON.stringify(about)}`
      const [, line, column, rest] = /^syncline\.yaml:(\d+):(\d+): (.*)$/.exec(said(system, about)) ?? []
      assert.equal(rest, `${system}: It is not there.`, what)
      assert.ok(lines[Number(line) - 1]?.slice(Number(column) - 1).startsWith(text), `${what}: ${line}:${column}`)
    }
    assert.equal(said('legacy'), 'legacy: It is not there.')
    assert.equal(said('legacy', table('other')), 'legacy: It is not there.', 'no sync asks for it')
  } finally {
    rmSync(folder, { recursive: true })
  }
})
