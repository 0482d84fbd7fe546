/** Hostile rows through the whole pipeline, with every stage of validation: PostgreSQL, the engine, the Salesforce emulator. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type pg from 'pg'
import type { Ended } from './io.fake.ts'
import { contactWith, type Scenario, startScenario } from './scenario.fake.ts'

let scenario: Scenario
let db: pg.Client
let folder: string

const here = (...words: string[]): Promise<Ended> => scenario.here(...words)

const members = `  members:
    source: { system: legacy, table: hostile }
    target: { system: crm, object: Contact, key: { Legacy_Id__c: id } }
    fields:
      LastName: name
      Email: email
      Description: note
      Bio__c: bio
      Doc__c: doc
      Kind__c: kind
    validate:
      schema: ./member.schema.json
      rules:
        - { name: no-digits, assert: "!matches(record.LastName, '^(a|aa)+[0-9]$')", field: LastName }
        - { function: ./slow.ts, timeout: 300ms }
      reference: { Kind__c: { in: [plain] } }
      duplicates: { merge: { default: { function: ./first.ts } } }
      quality: { completeness: [LastName], consistency: [{ name: calm, assert: "!matches(record.LastName, '(x+x+)+y')" }] }
`

const deep = `${'['.repeat(3_000)}${']'.repeat(3_000)}`
const large = 1_000_000
/** What the row is, its columns, and where it ends: delivered, or parked at which stage. */
const rows: readonly [what: string, row: Record<string, string | null>, end: string][] = [
  ['an ordinary one', { name: 'Novak', email: 'novak@example.org', kind: 'plain' }, 'delivered'],
  ['a catastrophe for a backtracking pattern of the schema and of rules', { name: `${'a'.repeat(50_000)}!` }, 'schema'],
  ['a catastrophe for the pattern of a function', { name: `slow${'a'.repeat(60)}!` }, 'rules'],
  ['10 MB', { name: 'Weber', note: 'n'.repeat(10_000_000) }, 'mapping'],
  ['10 MB in a name that is compared, without any blank', { name: 'z'.repeat(10_000_000) }, 'mapping'],
  ['1 MB where the schema says less', { name: 'Huber', note: 'n'.repeat(large) }, 'schema'],
  ['1 MB that only the target refuses', { name: 'Maier', bio: 'b'.repeat(large) }, 'target'],
  ['1 MB in a name that is compared, and looked at by every pattern', { name: 'a'.repeat(large) }, 'schema'],
  ['a control character', { name: 'Steuer\u0001' }, 'mapping'],
  ['deep JSON', { name: 'Tief', doc: deep }, 'delivered'],
  [
    'JSON that means to pollute',
    { name: 'Proto', doc: '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}' },
    'delivered',
  ],
  ['half a surrogate in JSON', { name: 'Halb', doc: '{"name":"\\ud800","\\udfff":1}' }, 'delivered'],
  ['what no list knows, called like what all objects have', { name: 'Fremd', kind: '__proto__' }, 'reference'],
  ['another one of these', { name: 'Bau', kind: 'constructor' }, 'reference'],
  [
    'marks, directions and what is no text of one line',
    { name: `\u202e${'e\u0301'.repeat(30)}\u2028<b>`, email: null },
    'delivered',
  ],
  ['an empty one', { name: '' }, 'quality'],
]

before(async () => {
  scenario = await startScenario(
    contactWith({
      Bio__c: { type: 'textarea', length: 131_072 },
      Doc__c: { type: 'textarea', length: 131_072 },
      Kind__c: { type: 'text', length: 80 },
    }),
  )
  ;({ db, folder } = scenario)
  await db.query(
    'CREATE TABLE hostile (id bigint PRIMARY KEY, name text, email text, note text, bio text, doc json, kind text, "__proto__" text DEFAULT \'{"polluted": 1}\', "constructor" text DEFAULT \'x\')',
  )
  scenario.configure(members)
  writeFileSync(
    join(folder, 'member.schema.json'),
    JSON.stringify({
      type: 'object',
      properties: {
        LastName: { type: 'string', maxLength: 80, not: { pattern: '^(a+)+!$' } },
        Email: { anyOf: [{ type: 'null' }, { type: 'string', format: 'email' }] },
        Description: { type: ['string', 'null'], maxLength: 32_000 },
      },
    }),
  )
  // What nobody should write: the engine has to live with it.
  writeFileSync(
    join(folder, 'slow.ts'),
    `export default (record: { LastName: string }) =>
  record.LastName.startsWith('slow') && /^slow(a+)+$/.test(record.LastName) ? [{ error: 'slow' }] : null\n`,
  )
  writeFileSync(join(folder, 'first.ts'), 'export default () => 0\n')
})

after(() => scenario?.stop())

const insert = (id: number, row: Record<string, string | null>) =>
  db.query('INSERT INTO hostile VALUES ($1, $2, $3, $4, $5, $6, $7)', [
    id,
    ...['name', 'email', 'note', 'bio', 'doc', 'kind'].map((column) =>
      Object.hasOwn(row, column) ? row[column] : null,
    ),
  ])

/** Where each record is: `delivered`, or the stage at which it is parked. */
async function ends(): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  for (const list of ['quarantine', 'review'])
    for (const stage of ['key', 'mapping', 'schema', 'rules', 'reference', 'duplicates', 'quality', 'target']) {
      const { out } = await here(list, 'list', 'members', '--stage', stage, '--output', 'json')
      assert.ok(out.length < 100_000, 'no value is told whole')
      for (const { key } of JSON.parse(out) as { key: string }[]) {
        assert.ok(!found.has(key), `${key} is in one place`)
        found.set(key, stage)
      }
    }
  for (const [n] of rows.entries()) {
    const { out } = await here('record', 'members', String(n + 1))
    const key = `["${n + 1}"]`
    if (!/linked, target id/.test(out)) continue
    assert.ok(!found.has(key), `${key} is in one place`)
    found.set(key, 'delivered')
  }
  return found
}

test('hostile rows end each in one place, by the snapshot and by the log; ordinary ones beside them go their way', async () => {
  for (const [n, [, row]] of rows.entries()) if (n % 2 === 0) await insert(n + 1, row)
  const first = await here('run', '--once')
  assert.equal(first.code, 0, first.err.slice(0, 2_000))
  for (const [n, [, row]] of rows.entries()) if (n % 2 === 1) await insert(n + 1, row)
  const second = await here('run', '--once')
  assert.equal(second.code, 0, second.err.slice(0, 2_000))
  const found = await ends()
  assert.deepEqual(
    rows.map(([what], n) => [what, found.get(`["${n + 1}"]`)]),
    rows.map(([what, , end]) => [what, end]),
  )
  assert.equal((await here('audit')).code, 0)
  assert.equal(({} as { polluted?: unknown }).polluted, undefined)
  const said = (await here('quarantine', 'list', '--stage', 'rules')).out
  assert.match(said, /SYNC-4043 .*it ran longer than 300 ms/)
  assert.ok(said.length < 2_000)
})
