/**
 * `node bench/pipeline.ts [known members]`: the whole of validation as a configuration says it. Mapping, ten rules, two reference sets
 * and duplicates against the index in the store's thread, and the flushed transaction of every window of 2,000 records. Of the known
 * members nine in ten are people with names as they occur, and one in ten belongs to a family that shares name, house and town; they
 * go the same road, only uncompared. Measured are new records for which blocking finds nobody, members of families with about ten
 * candidates each (those that blocking finds; how many are compared after a look at their sketches is told too), and people as they come,
 * duplicates among them. Beside them two floors of the same run: mapping alone, and mapping
 * with rules and reference sets. CPU is that of both threads: on a busy machine it tells more than the rate. Default: 1,000,000 known
 * members, measured at 10,000 and at the end.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { compile, openSystems, specOf } from '../src/app/build.ts'
import { checksOver } from '../src/app/checks.ts'
import { load } from '../src/app/load.ts'
import { type Rehearsal, rehearsalOn, subjectOf } from '../src/app/rehearsal.ts'
import { systemsYaml } from '../src/config/systems.fake.ts'
import { type Key, keyOf } from '../src/model/key.ts'
import type { Row } from '../src/model/value.ts'
import type { Duplicates, FlowSpec, Sketches } from '../src/pipeline/flow.ts'
import type { Subject } from '../src/pipeline/gather.ts'
import { systemClock } from '../src/std/clock.ts'
import { boundHeap } from '../src/std/memory.ts'
import { type Random, seededRandom, systemRandom } from '../src/std/random.ts'
import { openStore } from '../src/store/open.ts'
import { generate } from './people.ts'

boundHeap()

const KNOWN = Number(process.argv[2] ?? 1_000_000)
const WINDOW = 2_000
const MEASURED = 20_000
/** One known member in so many belongs to a family; families have so many members in the end. */
const FAMILY_SHARE = 10
const FAMILY = 10
const never = new AbortController().signal
const megabytes = (bytes: number) => `${Math.round(bytes / 1_000_000)} MB`

const yaml = `${systemsYaml('http://127.0.0.1:1')}syncs:
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

/** A name of many sounds. */
const name = (random: Random, syllables: number) =>
  Array.from({ length: syllables }, () => `${pick(random, 'ptkfslrn')}${pick(random, 'aeiou')}`).join('')
const pick = (random: Random, letters: string) => letters[Math.floor(random.next() * letters.length)] as string

/** What the members of a family have in common. */
interface Family {
  readonly last: string
  readonly street: string
  readonly city: string
  readonly postal: string
}

const family = (random: Random): Family => ({
  last: name(random, 6),
  street: `${name(random, 5)}gasse ${digits(random, 2)}`,
  city: letters(random, 8),
  postal: String(1_000 + Math.floor(random.next() * 9_000)),
})

/** Columns that are not compared, all as the rules want them. */
const rest = (id: number, born: string): Row => ({
  id,
  country: countries[id % countries.length] as string,
  graduation_date: id % 3 === 1 ? { kind: 'date', text: '2027-06-30' } : null,
  member_type: id % 3 === 1 ? 'student' : born < '1966' ? 'senior' : 'regular',
  dues_balance: { kind: 'decimal', text: `${id % 500}.50` },
  chapter_id: id % 500,
  joined: { kind: 'date', text: '2015-01-31' },
})

/** A good member. */
function member(random: Random, id: number, { last, street, city, postal }: Family): Row {
  const [first, born] = [name(random, 6), birthDate(random)]
  return {
    ...rest(id, born),
    first_name: first,
    last_name: last,
    email: `${first}.${digits(random, 4)}@example.org`,
    phone: `+43664${digits(random, 8)}`,
    street,
    city,
    postal_code: postal,
    birth_date: { kind: 'date', text: born },
  }
}

/** People with names as they occur, some of them twice, with errors. */
function people(ids: readonly number[], seed: number): Row[] {
  return generate('people', ids.length, seed).map(({ row }, i) => {
    return {
      ...rest(ids[i] as number, '2000-01-01'),
      member_type: 'regular',
      graduation_date: null,
      country: 'DE',
      first_name: row['FirstName'] ?? null,
      last_name: row['LastName'] ?? null,
      email: row['Email'] ?? null,
      phone: row['Phone'] ?? null,
      street: row['MailingStreet'] ?? null,
      city: row['MailingCity'] ?? null,
      postal_code: row['MailingPostalCode'] ?? null,
      birth_date: row['Birthdate'] ?? null,
    }
  })
}

const memberSubject = (row: Row): Subject => subjectOf(keyOf([row['id']]) as Key, row, null)

/** Candidates since the last figure, and those of them that were compared. */
let [candidates, compared] = [0, 0]

/** Counts candidates and comparisons. */
const counting = (rules: Duplicates): Duplicates => ({
  ...rules,
  sketches: {
    sketch: (features) => (rules.sketches as Sketches).sketch(features),
    probe(features, records) {
      const mayResemble = (rules.sketches as Sketches).probe(features, records)
      return (sketches, at) => {
        candidates += 1
        return mayResemble(sketches, at)
      }
    },
  },
  compare(...pair) {
    compared += 1
    return rules.compare(...pair)
  },
})

/** Judges new records, window after window without a rest; what it takes to make them is not counted. */
async function timed(
  name: string,
  floor: number | null,
  rehearsal: Rehearsal,
  rows: (n: number) => readonly Row[] | Promise<readonly Row[]>,
): Promise<number> {
  candidates = 0
  compared = 0
  const counts = new Map<string, number>()
  const windows: Subject[][] = []
  for (let at = 0; at < MEASURED; at += WINDOW) windows.push((await rows(WINDOW)).map(memberSubject))
  const [started, before] = [performance.now(), process.cpuUsage()]
  for (const subjects of windows)
    for (const { kind } of await rehearsal.judge(subjects, never)) counts.set(kind, (counts.get(kind) ?? 0) + 1)
  const spent_ms = performance.now() - started
  const { user, system } = process.cpuUsage(before)
  const cpu_us = user + system
  const rate = MEASURED / (spent_ms / 1_000)
  const ratio = floor === null ? '' : `  ratio ${(rate / floor).toFixed(2)}`
  const told = [...counts].map(([kind, n]) => `${n} ${kind}`).join(', ')
  process.stdout.write(
    `${name.padEnd(44)} ${Math.round(rate).toLocaleString('en').padStart(9)} records/s${ratio}  ${Math.round(cpu_us / MEASURED)} us of CPU ${(candidates / MEASURED).toFixed(1)} candidates and ${(compared / MEASURED).toFixed(1)} comparisons each  ${told}\n`,
  )
  return rate
}

const folder = mkdtempSync(join(tmpdir(), 'syncline-bench-pipeline-'))
try {
  writeFileSync(join(folder, 'syncline.yaml'), yaml)
  writeFileSync(join(folder, 'chapters.csv'), ['id', ...Array(500).keys()].join('\n'))
  writeFileSync(join(folder, 'countries.csv'), ['code', ...countries].join('\n'))
  const { config } = load(join(folder, 'syncline.yaml'), {
    LEGACY_URL: 'postgres://me:x@127.0.0.1:1/db',
    SF_SECRET: 'x',
  })
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
  const rules = counting(spec.duplicates ?? assert.fail())
  const scratch = { state: store.state, close: async () => {} }
  /** Members that are known; each took a link. */
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
  /** Families that were begun before the last filling, and all. */
  const families = { from: 0, to: 0 }
  const relative = (): Row => {
    const { from, to } = families
    return member(random, ++made, family(seededRandom(1_000 + from + Math.floor(random.next() * (to - from)))))
  }
  const known = (n: number): Row[] => {
    const some = Array.from({ length: Math.ceil(n / FAMILY_SHARE) }, relative)
    const ids = Array.from({ length: n - some.length }, () => ++made)
    return [...people(ids, made), ...some]
  }
  /** The road of all, but nobody is compared. */
  const fill = async (until: number, begun: number) => {
    families.from = families.to
    families.to += begun
    const uncompared = rehearsal({
      stages: [],
      duplicates: { ...rules, plan: { ...rules.plan, candidatesMax: 0 } } as Duplicates,
    })
    while (stored < until) {
      const rows = known(Math.min(WINDOW, until - stored))
      await uncompared.judge(rows.map(memberSubject), never)
      stored += rows.length
    }
  }
  /** New members for whom the index holds nobody. */
  const alone = async (n: number): Promise<Row[]> => {
    const rows: Row[] = []
    while (rows.length < n) {
      const some = Array.from({ length: WINDOW }, () => member(random, ++made, family(random)))
      const asked = some.map((row) => {
        const blocks = rules.blocks(rules.features(spec.mapping.map(row).set))
        return { link: null, blocks, names: null }
      })
      const { of } = await store.state.twins('members', asked, 1)
      rows.push(...some.filter((_, i) => (of[i]?.ids ?? []).length === 0))
    }
    return rows.slice(0, n)
  }
  const relatives = (n: number) => Array.from({ length: n }, relative)
  const asTheyCome = (n: number) =>
    people(
      Array.from({ length: n }, () => ++made),
      made,
    )
  const measure = async () => {
    process.stdout.write(`\n${stored.toLocaleString('en')} known members\n`)
    const bare = await timed('floor: mapping alone', null, rehearsal({ stages: [], duplicates: null }), alone)
    await timed('floor: mapping, rules and reference sets', bare, rehearsal({ duplicates: null }), alone)
    for (const [name, rows, more] of [
      ['duplicates alone, no candidate', alone, { stages: [] }],
      ['all, no candidate', alone, {}],
      ['all, about ten candidates each', relatives, {}],
      ['all, people as they come', asTheyCome, {}],
    ] as const) {
      await timed(name, bare, rehearsal(more), rows)
      stored += MEASURED
    }
    const { rss, heapUsed } = process.memoryUsage()
    process.stdout.write(
      `resident ${megabytes(rss)}, at most ${megabytes(process.resourceUsage().maxRSS * 1_024)}; of this thread's heap ${megabytes(heapUsed)}\n`,
    )
  }
  // A relative meets nine others of the same run here, and ten that were known before below.
  await fill(Math.min(10_000, KNOWN), 1_050)
  await measure()
  if (KNOWN > 10_000) {
    await fill(KNOWN, Math.ceil((KNOWN - stored) / FAMILY_SHARE / FAMILY))
    await measure()
  }
  await store.close()
  await checks.close()
  await systems.close()
} finally {
  rmSync(folder, { recursive: true })
}
