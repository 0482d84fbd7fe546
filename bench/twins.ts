import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Key, keyOf } from '../src/model/key.ts'
import type { FlowHead, JudgeCommit, State } from '../src/model/state.ts'
import type { Row } from '../src/model/value.ts'
import type { Duplicates, FlowSpec } from '../src/pipeline/flow.ts'
import type { Subject } from '../src/pipeline/gather.ts'
import { twinsOf } from '../src/pipeline/twins.ts'
import { type Random, seededRandom } from '../src/std/random.ts'
import { openStore } from '../src/store/open.ts'
import { blocksOf, namesBlockOf } from '../src/validation/duplicates/blocks.ts'
import { compare } from '../src/validation/duplicates/compare.ts'
import { featuresOf } from '../src/validation/duplicates/features.ts'
import { forPopulation, planOf } from '../src/validation/duplicates/plan.ts'

/**
 * Duplicates against a stored index: features, blocks, the look-up in the store's thread, the comparison, and the flushed
 * transaction of every window of 2,000 records. Beside it two floors of the same run: features and blocks alone (no index), and the
 * same transaction without an index (no duplicates). `node bench/twins.ts [known members]`.
 */

const WINDOW = 2_000
const KNOWN = Number(process.argv[2] ?? 1_000_000)
const MEASURED = 20_000

const fields = [
  'Ext__c',
  'FirstName',
  'LastName',
  'Email',
  'Phone',
  'Birthdate',
  'MailingStreet',
  'MailingCity',
  'MailingPostalCode',
]
const plan = planOf({}, fields.slice(1))
const sized = forPopulation(plan, KNOWN)

const letters = (random: Random, n: number) =>
  Array.from({ length: n }, () => String.fromCharCode(97 + Math.floor(random.next() * 26))).join('')
const digits = (random: Random, n: number) => Array.from({ length: n }, () => Math.floor(random.next() * 10)).join('')

/** A member who resembles nobody. */
function person(random: Random, id: number): Row {
  const [first, last] = [letters(random, 7), letters(random, 9)]
  return {
    Ext__c: String(id),
    FirstName: first,
    LastName: last,
    Email: `${first}.${last}${digits(random, 3)}@example.org`,
    Phone: `+43664${digits(random, 8)}`,
    Birthdate: new Date(-2_000_000_000_000 + Math.floor(random.next() * 36_000) * 86_400_000)
      .toISOString()
      .slice(0, 10),
    MailingStreet: `${letters(random, 8)}gasse ${digits(random, 2)}`,
    MailingCity: letters(random, 8),
    MailingPostalCode: digits(random, 5),
  }
}

/** Rules with one more block, that of the group: each of its records is a candidate for the others, and different from them. */
const rulesWith = (groupOf: (features: readonly string[]) => bigint | null): Duplicates => ({
  plan,
  features: (set) => featuresOf(set, plan),
  blocks: (features) => {
    const group = groupOf(features)
    const blocks = blocksOf(features, plan)
    return group === null ? blocks : [...blocks, group]
  },
  names: (features) => namesBlockOf(features, plan) ?? null,
  compare: (a, b, { namesakes }) => compare(a, b, sized, namesakes),
  survive: (records) => records[0]?.set ?? {},
  target: false,
})

const specOf = (duplicates: Duplicates | null) =>
  ({ id: 'members', sync: 'members', duplicates, mapping: { key: 'Ext__c', fields } }) as unknown as FlowSpec

const commitOf = ({ epoch }: FlowHead, more: Partial<JudgeCommit>): JudgeCommit => ({
  ...{ flow: 'members', epoch, at_ms: 1, judged: 0, readMore: 0, deletes: 0, deletesSince_ms: 0, rules: 'r' },
  ...{ links: [], released: [], outcomes: [], lanes: [], lanesGone: [], flights: [], related: [], ...more },
})

let next = 1

/** One window of new records, from mapped fields to the flushed transaction. Answers the pairs that were compared. */
async function window(state: State, head: FlowHead, sets: readonly Row[], rules: Duplicates | null): Promise<number> {
  const spec = specOf(rules)
  const subjects = sets.map((row): Subject => {
    const key = keyOf([row['Ext__c']]) as Key
    return {
      ...({ known: null, movedFrom: null, covers: null, first: null, committed_ms: null, lane: null } as Subject),
      key,
      image: { op: 'upsert', row },
    }
  })
  const linkAt = sets.map(() => next++)
  const links = linkAt.map((id, i) => ({
    id,
    key: (subjects[i] as Subject).key,
    ref: null,
    moved: false,
    heldSince: null,
  }))
  const step = twinsOf(subjects, spec, state)
  let compared = 0
  if (step !== null) {
    const [stage] = step.among(
      [],
      sets.map((_, i) => i),
      [],
    )
    const candidates = sets.map((set, i) => ({ key: (subjects[i] as Subject).key, link: null, row: set, set }))
    await stage?.judge(candidates, { reference: () => 'unknown' }, () => true)
    step.tell((event) => {
      if (event.kind === 'duplicates') compared += event.compared
    })
  }
  await state.judge(commitOf(head, { links, ...(step === null ? {} : { twins: step.commit(linkAt) }) }))
  return compared
}

async function rate(name: string, n: number, body: () => Promise<number>): Promise<number> {
  const started = performance.now()
  const compared = await body()
  const rate = Math.round((n / (performance.now() - started)) * 1_000)
  const pairs = compared === 0 ? '' : `, ${(compared / n).toFixed(1)} compared each`
  process.stdout.write(`${name.padEnd(58)} ${rate.toLocaleString('en').padStart(9)} records/s${pairs}\n`)
  return rate
}

async function measure(state: State, head: FlowHead, known: number): Promise<void> {
  const random = seededRandom(known + 7)
  const make = (n: number) => Array.from({ length: n }, () => person(random, next + n))
  const windows = async (sets: readonly Row[], rules: Duplicates | null) => {
    let compared = 0
    for (let at = 0; at < sets.length; at += WINDOW)
      compared += await window(state, head, sets.slice(at, at + WINDOW), rules)
    return compared
  }
  let batch = 0
  const numbered = (sets: Row[]) => {
    batch += 1
    return sets.map((set, i) => ({ ...set, Ext__c: `${known}-${batch}-${i}` }))
  }
  process.stdout.write(`\n${known.toLocaleString('en')} known members\n`)
  const alone = numbered(make(MEASURED))
  await rate('floor: features and blocks alone', MEASURED, async () => {
    for (const set of alone) blocksOf(featuresOf(set, plan), plan)
    return 0
  })
  const bare = numbered(make(MEASURED))
  await rate('floor: the same transactions without duplicates', MEASURED, () => windows(bare, null))
  await rate('no candidate', MEASURED, () =>
    windows(
      alone,
      rulesWith(() => null),
    ),
  )
  const crowd = numbered(make(MEASURED))
  const groups = new Map(
    crowd.map((set, i) => [featuresOf(set, plan).join('|'), BigInt(known) * 1_000_003n + BigInt(Math.floor(i / 21))]),
  )
  await rate('about ten candidates each', MEASURED, () =>
    windows(
      crowd,
      rulesWith((features) => groups.get(features.join('|')) ?? null),
    ),
  )
}

const folder = mkdtempSync(join(tmpdir(), 'syncline-bench-twins-'))
try {
  const store = await openStore(folder, ['legacy'], (error) => {
    throw error
  })
  const head = await store.state.openFlow({ id: 'members', sync: 'members', journalId: 'j', from: 0 })
  const random = seededRandom(1)
  const rules = rulesWith(() => null)
  const fill = async (until: number) => {
    while (next <= until) {
      const n = Math.min(WINDOW, until - next + 1)
      await window(
        store.state,
        head,
        Array.from({ length: n }, (_, i) => person(random, next + i)),
        rules,
      )
    }
  }
  await fill(Math.min(10_000, KNOWN))
  await measure(store.state, head, Math.min(10_000, KNOWN))
  const started = performance.now()
  const from = next
  await fill(KNOWN)
  if (next > from) {
    const seconds = (performance.now() - started) / 1_000
    process.stdout.write(
      `\nfilling ${from.toLocaleString('en')} to ${KNOWN.toLocaleString('en')}: ${Math.round((next - from) / seconds).toLocaleString('en')} records/s\n`,
    )
    await measure(store.state, head, KNOWN)
  }
  await store.close()
} finally {
  rmSync(folder, { recursive: true, force: true })
}
