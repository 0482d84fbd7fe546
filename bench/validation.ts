/**
 * `node bench/validation.ts`: what validation costs. A schema, ten rules and two reference sets over mapped members, in windows of
 * 2,000; then the same with a function of the user in its thread. Beside it the floor: a bare loop that maps the same rows and looks
 * each set up once. `SYNCLINE_BENCH_ROWS` (default 200,000).
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { userFunctions } from '../src/app/functions.ts'
import { referencesOver } from '../src/app/references.ts'
import { mappingFunctions } from '../src/mapping/functions.ts'
import { classesOf, compileMapping, inputsOf } from '../src/mapping/mapping.ts'
import type { MappingOptions } from '../src/mapping/options.ts'
import { keyOf } from '../src/model/key.ts'
import type { Source } from '../src/model/source.ts'
import { field, type Row, text } from '../src/model/value.ts'
import type { Candidate, Stage } from '../src/model/verdict.ts'
import { validate } from '../src/pipeline/validate.ts'
import { systemClock } from '../src/std/clock.ts'
import type { StageEnvironment } from '../src/validation/environment.ts'
import type { ReferenceOptions, RuleOptions } from '../src/validation/options.ts'
import { qualityStage } from '../src/validation/quality.ts'
import { referenceSets, referenceStage } from '../src/validation/reference.ts'
import { rulesStage } from '../src/validation/rules.ts'
import { schemaStage } from '../src/validation/schema.ts'

const rows = Number(process.env['SYNCLINE_BENCH_ROWS'] ?? 200_000)
const WINDOW = 2_000
const say = (line: string) => process.stdout.write(`${line}\n`)
const signal = new AbortController().signal

const options: MappingOptions = {
  object: 'Contact',
  key: { Legacy_Id__c: 'id' },
  fields: {
    FirstName: 'first_name',
    LastName: 'last_name',
    Email: 'email',
    Phone: 'phone',
    MailingCity: 'city',
    MailingCountry: 'country',
    Birthdate: 'birth_date',
    Graduation_Date__c: 'graduation_date',
    Member_Type__c: { from: 'member_type', map: { regular: 'Regular', student: 'Student', senior: 'Senior' } },
    Dues_Balance__c: 'dues_balance',
    Chapter__c: 'chapter_id',
    Member_Since__c: 'joined',
  },
}
const mapping = compileMapping(options)
const env: StageEnvironment = {
  fields: mapping.fields,
  inputs: inputsOf(options),
  classes: classesOf(options),
  joins: [],
  functions: mappingFunctions,
  now: () => Date.UTC(2026, 2, 1),
}

const rules: RuleOptions[] = [
  {
    name: 'student',
    when: "record.Member_Type__c == 'Student'",
    require: 'Graduation_Date__c',
    message: 'Required for student members',
  },
  {
    name: 'senior',
    when: "record.Member_Type__c == 'Senior'",
    assert: "record.Birthdate < '1966-03-01'",
    field: 'Birthdate',
  },
  { name: 'born-first', assert: 'record.Birthdate < record.Member_Since__c', field: 'Birthdate' },
  { name: 'not-in-the-future', assert: 'record.Member_Since__c <= today()', field: 'Member_Since__c' },
  {
    name: 'balance',
    assert: 'record.Dues_Balance__c >= -1000 && record.Dues_Balance__c <= 10000',
    field: 'Dues_Balance__c',
  },
  { name: 'reachable', assert: 'has(record.Email) || has(record.Phone)' },
  {
    name: 'no-placeholder',
    assert: "!(lower(record.LastName) in ['test', 'unknown', 'n/a', 'xxx'])",
    field: 'LastName',
  },
  { name: 'own-mail', assert: "!endsWith(lower(record.Email), '@example.invalid')", field: 'Email' },
  { name: 'postal', when: "record.MailingCountry == 'AT'", assert: "matches(row.postal_code, '^[0-9]{4}$')" },
  {
    name: 'graduation-after-birth',
    assert: 'record.Graduation_Date__c > record.Birthdate',
    field: 'Graduation_Date__c',
  },
]
const policy = { lifetime_ms: 3_600_000, staleMax_ms: 86_400_000, stale: 'wait', caseInsensitive: false } as const
const references: ReferenceOptions[] = [
  { field: 'Chapter__c', in: 'chapters.id', ...policy },
  { field: 'MailingCountry', in: { table: 'countries', column: 'code' }, ...policy },
]
const schema = {
  type: 'object',
  required: ['LastName', 'Email'],
  properties: {
    FirstName: { type: ['string', 'null'], maxLength: 40 },
    LastName: { type: 'string', minLength: 1, maxLength: 80 },
    Email: { type: 'string', format: 'email', maxLength: 80 },
    Phone: { type: ['string', 'null'], format: 'phone' },
    Dues_Balance__c: { type: 'number' },
  },
}

const countries = ['AT', 'DE', 'CH', 'US', 'GB', 'FR', 'IT']
const table: { readonly [name: string]: readonly Row[] } = {
  chapters: Array.from({ length: 500 }, (_, id) => ({ id })),
  countries: countries.map((code) => ({ code })),
}
const source = {
  describe: async () => Object.keys(table).map((name) => ({ name, columns: [], key: ['id'], rowsEstimated: null })),
  scan: async (name: string) => ({ rows: table[name] ?? [], after: null }),
  lookup: async (name: string, column: string, values: readonly (string | number)[]) =>
    (table[name] ?? []).filter((row) => values.map(String).includes(text(field(row, column) ?? null) ?? '')),
} as unknown as Source

function row(n: number): Row {
  const broken = n % 100 === 0
  return {
    id: n,
    first_name: `Given ${n % 977}`,
    last_name: `Family ${n % 7919}`,
    email: broken ? 'nobody' : `member${n}@example.org`,
    phone: '+43 660 1234567',
    postal_code: String(1000 + (n % 9000)),
    city: `City ${n % 300}`,
    country: countries[n % countries.length] as string,
    birth_date: { kind: 'date', text: `${1940 + (n % 20)}-0${1 + (n % 9)}-15` },
    graduation_date: n % 3 === 1 && !broken ? { kind: 'date', text: '2027-06-30' } : null,
    member_type: ['regular', 'student', 'senior'][n % 3] as string,
    dues_balance: { kind: 'decimal', text: `${n % 500}.50` },
    chapter_id: n % (broken ? 10_000 : 500),
    joined: { kind: 'date', text: '2015-01-31' },
  }
}

const window = (from: number): Row[] => Array.from({ length: WINDOW }, (_, i) => row(from + i))

function mapped(rowsOf: readonly Row[]): Candidate[] {
  return rowsOf.flatMap((one): Candidate[] => {
    const answer = mapping.map(one)
    return answer.kind === 'mapped' ? [{ key: keyOf([answer.key])!, link: null, row: one, set: answer.set }] : []
  })
}

const sets = referencesOver(referenceSets(references), {
  system: () => ({ kind: 'source', source }),
  readFile: () => new Uint8Array(),
  pathOf: (file) => file,
  clock: systemClock,
  onBack: () => {},
  signal,
})

async function measure(stages: readonly Stage[]): Promise<{ perSecond: number; parked: number }> {
  let [spent_ms, parked] = [0, 0]
  for (let from = 1; from <= rows; from += WINDOW) {
    const candidates = mapped(window(from))
    const started = performance.now()
    const judged = await validate(candidates, new Map(), { id: 'members', stages, references: sets }, () => {}, signal)
    spent_ms += performance.now() - started
    for (const one of judged) if (one.kind === 'park') parked += 1
  }
  return { perSecond: rows / (spent_ms / 1000), parked }
}

/** Maps the rows and asks two sets of texts: what nobody can do without. */
function floor(): number {
  const known = [new Set(table['chapters']!.map((one) => String(one['id']))), new Set(countries)]
  let [spent_ms, hits] = [0, 0]
  for (let from = 1; from <= rows; from += WINDOW) {
    const given = window(from)
    const started = performance.now()
    for (const { set } of mapped(given))
      if (known[0]!.has(String(set['Chapter__c'])) && known[1]!.has(String(set['MailingCountry']))) hits += 1
    spent_ms += performance.now() - started
  }
  if (hits === 0) throw new Error('the floor found nothing')
  return rows / (spent_ms / 1000)
}

const folder = mkdtempSync(join(tmpdir(), 'syncline-bench-'))
const thread = userFunctions({ memory_mb: 128 })
try {
  const file = join(folder, 'member.ts')
  writeFileSync(
    file,
    "export default (record: { Email: string }) => (record.Email.endsWith('.invalid') ? [{ field: 'Email', error: 'no' }] : null)\n",
  )
  const base = [
    schemaStage(schema, { inputs: env.inputs }),
    rulesStage(rules, env, thread),
    referenceStage(references, env),
  ]
  const quality = qualityStage(
    { completeness: ['Email', 'Phone', 'MailingCity'], poor: 'pass', freshness: { field: 'Member_Since__c' } },
    [],
    env,
  )
  const runs: [string, readonly Stage[]][] = [
    ['schema', base.slice(0, 1)],
    ['ten rules', base.slice(1, 2)],
    ['two reference sets', base.slice(2)],
    ['all three', base],
    ['all three and quality', [...base, quality]],
    ['a function of the user', [rulesStage([{ function: file }], env, thread)]],
  ]
  floor()
  const lowest = floor()
  say(`floor (map, two look-ups)   ${fix(lowest)} records/s`)
  for (const [name, stages] of runs) {
    await measure(stages)
    const { perSecond, parked } = await measure(stages)
    say(
      `${name.padEnd(26)}  ${fix(perSecond)} records/s   ratio ${(perSecond / lowest).toFixed(2)}   ${parked} of ${rows} parked`,
    )
  }
} finally {
  await thread.close()
  rmSync(folder, { recursive: true })
}

function fix(value: number): string {
  return Math.round(value).toLocaleString('en')
}
