/**
 * `node bench/pipeline.ts [known members]`: the whole of validation as a configuration says it. Mapping, ten rules, two reference sets
 * and duplicates against the index in the store's thread, and the flushed transaction of every window of 2,000 records; new records
 * that resemble nobody, and such that have about ten candidates each. Beside it two floors of the same run: mapping alone, and
 * mapping with rules and reference sets. CPU is that of both threads: on a busy machine it tells more than the rate. Default: 1,000,000 known members, measured at 10,000 and at the end.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { compile, openSystems, specOf } from '../src/app/build.ts'
import { checksOver } from '../src/app/checks.ts'
import { load } from '../src/app/load.ts'
import { type Rehearsal, rehearsalOn } from '../src/app/rehearsal.ts'
import { type Key, keyOf } from '../src/model/key.ts'
import type { Row } from '../src/model/value.ts'
import type { Duplicates, Features, FlowSpec } from '../src/pipeline/flow.ts'
import type { Subject } from '../src/pipeline/gather.ts'
import { systemClock } from '../src/std/clock.ts'
import { type Random, seededRandom, systemRandom } from '../src/std/random.ts'
import { openStore } from '../src/store/open.ts'

const KNOWN = Number(process.argv[2] ?? 1_000_000)
const WINDOW = 2_000
const MEASURED = 20_000
/** Each record of a crowd meets those before it: ten on average. */
const CROWD = 21
const never = new AbortController().signal

const yaml = `version: 1
state: ./data
systems:
  legacy: { type: postgres, url: "\${URL}" }
  crm: { type: salesforce, url: "http://127.0.0.1:1", auth: { flow: client-credentials, clientId: a, clientSecret: "\${SECRET}" } }
syncs:
  members:
    source: { system: legacy, table: members }
    target: { system: crm, object: Contact, key: { Legacy_Id__c: id } }
    fields:
      FirstName: first_name
      LastName: last_name
      Email: email
      Phone: phone
      MailingStreet: street
      MailingCity: city
      MailingPostalCode: postal_code
      MailingCountry: country
      Birthdate: birth_date
      Graduation_Date__c: graduation_date
      Member_Type__c: { from: member_type, map: { regular: Regular, student: Student, senior: Senior } }
      Dues_Balance__c: dues_balance
      Chapter__c: chapter_id
      Member_Since__c: joined
    validate:
      rules:
        - { name: student, when: "record.Member_Type__c == 'Student'", require: Graduation_Date__c }
        - { name: senior, when: "record.Member_Type__c == 'Senior'", assert: "record.Birthdate < '1966-03-01'" }
        - { name: born-first, assert: "record.Birthdate < record.Member_Since__c" }
        - { name: not-in-the-future, assert: "record.Member_Since__c <= today()" }
        - { name: balance, assert: "record.Dues_Balance__c >= -1000 && record.Dues_Balance__c <= 10000" }
        - { name: reachable, assert: "has(record.Email) || has(record.Phone)" }
        - { name: no-placeholder, assert: "!(lower(record.LastName) in ['test', 'unknown', 'n/a', 'xxx'])" }
        - { name: own-mail, assert: "!endsWith(lower(record.Email), '@example.invalid')" }
        - { name: postal, when: "record.MailingCountry == 'AT'", assert: "matches(row.postal_code, '^[0-9]{4}$')" }
        - { name: graduation-after-birth, assert: "record.Graduation_Date__c > record.Birthdate" }
      reference:
        Chapter__c: { in: { file: ./chapters.csv } }
        MailingCountry: { in: { file: ./countries.csv } }
      duplicates: { fields: { Member_Type__c: ignore, Chapter__c: ignore } }
`

const countries = ['AT', 'DE', 'CH', 'US', 'GB', 'FR', 'IT']
const letters = (random: Random, n: number) =>
  Array.from({ length: n }, () => String.fromCharCode(97 + Math.floor(random.next() * 26))).join('')
const digits = (random: Random, n: number) => Array.from({ length: n }, () => Math.floor(random.next() * 10)).join('')

/** One of 33,600 days. */
const birthDate = (random: Random) =>
  new Date(Date.UTC(1905, 0, 1 + Math.floor(random.next() * 33_600))).toISOString().slice(0, 10)

/** A good member who resembles nobody. */
function member(random: Random, id: number): Row {
  const [first, last, born] = [letters(random, 7), letters(random, 9), birthDate(random)]
  return {
    id,
    first_name: first,
    last_name: last,
    email: `${first}.${last}${digits(random, 3)}@example.org`,
    phone: `+43664${digits(random, 8)}`,
    street: `${letters(random, 8)}gasse ${digits(random, 2)}`,
    city: letters(random, 8),
    postal_code: String(1_000 + Math.floor(random.next() * 9_000)),
    country: countries[id % countries.length] as string,
    birth_date: { kind: 'date', text: born },
    graduation_date: id % 3 === 1 ? { kind: 'date', text: '2027-06-30' } : null,
    member_type: id % 3 === 1 ? 'student' : born < '1966' ? 'senior' : 'regular',
    dues_balance: { kind: 'decimal', text: `${id % 500}.50` },
    chapter_id: id % 500,
    joined: { kind: 'date', text: '2015-01-31' },
  }
}

function subjectOf(row: Row): Subject {
  const key = keyOf([row['id']]) as Key
  const none = { known: null, movedFrom: null, covers: null, first: null, committed_ms: null, lane: null, behind: null }
  return { ...none, key, image: { op: 'upsert', row } }
}

/** Pairs that were compared since the last figure. */
let compared = 0

/** One block more: that of the crowd that a record belongs to. */
function crowding(rules: Duplicates, crowds: ReadonlyMap<string, bigint>): Duplicates {
  const named = (features: Features) => crowds.get(JSON.stringify(features))
  return {
    ...rules,
    compare(...pair) {
      compared += 1
      return rules.compare(...pair)
    },
    blocks(features) {
      const crowd = named(features)
      return crowd === undefined ? rules.blocks(features) : [...rules.blocks(features), crowd]
    },
  }
}

async function judged(rehearsal: Rehearsal, rows: readonly Row[]): Promise<Map<string, number>> {
  const counts = new Map<string, number>()
  for (let at = 0; at < rows.length; at += WINDOW)
    for (const { kind } of await rehearsal.judge(rows.slice(at, at + WINDOW).map(subjectOf), never))
      counts.set(kind, (counts.get(kind) ?? 0) + 1)
  return counts
}

async function timed(name: string, floor: number | null, body: () => Promise<Map<string, number>>): Promise<number> {
  compared = 0
  const [started, before] = [performance.now(), process.cpuUsage()]
  const counts = await body()
  const { user, system } = process.cpuUsage(before)
  const rate = MEASURED / ((performance.now() - started) / 1_000)
  const ratio = floor === null ? '' : `  ratio ${(rate / floor).toFixed(2)}`
  const told = [...counts].map(([kind, n]) => `${n} ${kind}`).join(', ')
  process.stdout.write(
    `${name.padEnd(44)} ${Math.round(rate).toLocaleString('en').padStart(9)} records/s${ratio}  ${Math.round((user + system) / MEASURED)} us of CPU and ${(compared / MEASURED).toFixed(1)} compared each  ${told}\n`,
  )
  return rate
}

const folder = mkdtempSync(join(tmpdir(), 'syncline-bench-pipeline-'))
try {
  writeFileSync(join(folder, 'syncline.yaml'), yaml)
  writeFileSync(join(folder, 'chapters.csv'), ['id', ...Array(500).keys()].join('\n'))
  writeFileSync(join(folder, 'countries.csv'), ['code', ...countries].join('\n'))
  const { config } = load(join(folder, 'syncline.yaml'), { URL: 'postgres://me:x@127.0.0.1:1/db', SECRET: 'x' })
  const compiled = compile(config)[0] ?? assert.fail()
  const env = { clock: systemClock, random: systemRandom }
  const systems = await openSystems(config, [compiled], env)
  const checks = checksOver(config, systems, systemClock, never)
  const tables = [{ name: 'members', columns: [], key: ['id'], rowsEstimated: null }]
  const spec = specOf(
    compiled,
    tables,
    checks.of(compiled.sync, () => {}),
  )
  const store = await openStore(join(folder, 'data'), ['legacy'], (error) => {
    throw error
  })
  const head = await store.state.openFlow({ id: 'members', sync: 'members', journalId: 'j', from: 0 })
  const crowds = new Map<string, bigint>()
  const rules = crowding(spec.duplicates ?? assert.fail(), crowds)
  const scratch = { state: store.state, close: async () => {} }
  let stored = 0
  const rehearsal = (more: Partial<FlowSpec>) =>
    rehearsalOn(
      { ...head, nextLink: head.nextLink + stored },
      scratch,
      { ...spec, duplicates: rules, ...more },
      { normal: (_, row) => row },
    )
  const random = seededRandom(1)
  let made = 0
  const fresh = (n: number) => Array.from({ length: n }, () => member(random, ++made))
  const fill = async (until: number) => {
    const known = rehearsal({ stages: [] })
    while (made < until) await known.judge(fresh(Math.min(WINDOW, until - made)).map(subjectOf), never)
    stored = made
  }
  const measure = async () => {
    process.stdout.write(`\n${made.toLocaleString('en')} known members\n`)
    const [alone, crowd] = [fresh(MEASURED), fresh(MEASURED)]
    for (const [place, row] of crowd.entries()) {
      const mapped = spec.mapping.map(row)
      const features = rules.features(mapped.set)
      crowds.set(JSON.stringify(features), BigInt(made) * 1_000_003n + BigInt(Math.floor(place / CROWD)))
    }
    const bare = await timed('floor: mapping alone', null, () =>
      judged(rehearsal({ stages: [], duplicates: null }), alone),
    )
    await timed('floor: mapping, rules and reference sets', bare, () => judged(rehearsal({ duplicates: null }), alone))
    await timed('all, no candidate', bare, () => judged(rehearsal({}), alone))
    stored += MEASURED
    await timed('all, about ten candidates each', bare, () => judged(rehearsal({}), crowd))
    stored += MEASURED
    crowds.clear()
  }
  await fill(Math.min(10_000, KNOWN))
  await measure()
  if (KNOWN > 10_000) {
    await fill(KNOWN)
    await measure()
  }
  await store.close()
  await checks.close()
  await systems.close()
} finally {
  rmSync(folder, { recursive: true })
}
