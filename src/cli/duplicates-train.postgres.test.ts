/** Training as a person meets it: a real PostgreSQL, and the commands. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type pg from 'pg'
import type { Ended } from './io.fake.ts'
import { type Scenario, startScenario } from './scenario.fake.ts'

let scenario: Scenario
let db: pg.Client
let folder: string

const here = (...words: string[]): Promise<Ended> => scenario.here(...words)

const members = `  members:
    source: { system: legacy, table: members }
    target: { system: crm, object: Contact, key: { Legacy_Id__c: id } }
    fields: { FirstName: first_name, LastName: last_name, Email: email, Phone: phone, Birthdate: born }
    validate:
      duplicates:
        target: true
`

before(async () => {
  scenario = await startScenario()
  ;({ db, folder } = scenario)
  await db.query(
    'CREATE TABLE members (id bigint PRIMARY KEY, first_name text, last_name text, email text, phone text, born date)',
  )
  scenario.configure(members)
})

after(() => scenario?.stop())

test('weights are trained from the own table, and the file is one that the configuration can name', async () => {
  await db.query(
    `INSERT INTO members SELECT i, 'First' || (i % 97), 'Last' || i, 'm' || i || '@example.org', '+43 1 ' || (1000000 + i * 37),
     date '1950-01-01' + (i * 53) % 18000 FROM generate_series(1000, 1400) i`,
  )
  const trained = await here('duplicates', 'train', 'members', '--out', 'own.json')
  assert.equal(trained.code, 0, trained.err)
  assert.match(trained.out, /Weights from 401 records/)
  assert.equal((JSON.parse(readFileSync(join(folder, 'own.json'), 'utf8')) as { version: number }).version, 1)
  scenario.configure(members.replace('target: true', 'target: true\n        weights: own.json'))
  const lint = await here('lint')
  assert.equal(lint.code, 0, lint.err)

  scenario.configure(
    members.replace('target: true', 'target: true\n        weights: own.json\n        fields: { Phone: text }'),
  )
  assert.match((await here('lint')).err, /SYNC-1028 .*trained on other fields/)
  const again = await here('duplicates', 'train', 'members', '--out', 'own.json')
  assert.equal(again.code, 0, `weights that do not fit do not stand in the way of new ones: ${again.err}`)
  assert.equal((await here('lint')).code, 0)
  const nowhere = await here('duplicates', 'train', 'members', '--out', 'none/own.json')
  assert.match(nowhere.err, /SYNC-7112 .*none\/own\.json cannot be written: its folder is not there\./)
})
