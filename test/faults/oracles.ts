/** What must hold after every fault (research: O1 to O7, O9), checked on the real database, the org and the state's own files. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { auditFlow } from '../../src/app/report.ts'
import { type Key, keyOf } from '../../src/model/key.ts'
import type { Store } from '../../src/model/state.ts'
import { field } from '../../src/model/value.ts'
import { openReader } from '../../src/store/open.ts'
import type { Session } from './database.ts'
import { type Expected, expectedFirms, expectedMembers } from './legacy.ts'
import { type Applied, clientSecret, type World } from './world.ts'

/** A sync of the world and where its records are. */
interface Sync {
  readonly flow: string
  readonly tables: readonly string[]
  readonly object: string
  readonly fields: readonly string[]
  readonly expected: (session: Session) => Promise<Expected>
}

const syncsOf = (schema: string): readonly Sync[] => [
  {
    flow: 'members',
    tables: [`${schema}.members`, `${schema}.cards`],
    object: 'Contact',
    fields: ['V__c', 'LastName', 'Email', 'Notes__c', 'Level__c', 'Gone__c'],
    expected: expectedMembers,
  },
  {
    flow: 'firms',
    tables: [`${schema}.firms`],
    object: 'Account',
    fields: ['V__c', 'Name', 'Phone', 'About__c', 'Gone__c'],
    expected: expectedFirms,
  },
]

/**
 * Every promise that can be checked from outside once all is settled and no process has the folder; a sentence for each that
 * is broken.
 * @param committed versions that must have reached the journal, each by its own entry
 */
export async function broken(
  world: World,
  outputs: readonly string[],
  committed: Iterable<number> = [],
): Promise<string[]> {
  const store = openReader(world.state, ['legacy'])
  if (store === null) return ['there is no state']
  const syncs = syncsOf(world.schema)
  const session = await world.connect()
  try {
    const applied = await world.applied()
    const { tail } = await store.journal('legacy').head()
    const problems = [
      ...ordered(applied),
      ...sound(world.state),
      ...covered(world.state, tail),
      ...secretsIn(world, outputs),
    ]
    for (const sync of syncs)
      problems.push(...(await accounted(store, sync)), ...(await finalState(world, session, store, sync)))
    problems.push(...(await captured(store, syncs, committed)))
    return problems
  } finally {
    await store.close()
    await session.end()
  }
}

/** The same sums for one flow of any world, seen beside a running engine. */
export async function audited(world: Pick<World, 'state'>, flow: string, tables: readonly string[]): Promise<string[]> {
  const store = openReader(world.state, ['legacy'])
  if (store === null) return ['there is no state']
  try {
    const { tail } = await store.journal('legacy').head()
    return [...(await accounted(store, { flow, tables })), ...covered(world.state, tail)]
  } finally {
    await store.close()
  }
}

/** O2, O5, O6: every entry that the journal has of a flow is in one class, nothing is pending, and the chain is whole. */
async function accounted(store: Store, { flow, tables }: Pick<Sync, 'flow' | 'tables'>): Promise<string[]> {
  const head = (await store.state.flows()).find((each) => each.id === flow)
  if (head === undefined) return [`O2: flow ${flow} is not in the state`]
  const audit = await auditFlow(head, tables, store.state, store.journal('legacy'))
  const problems: string[] = []
  if (audit.difference !== 0)
    problems.push(`O2: ${flow}: the classes differ by ${audit.difference}: ${JSON.stringify(audit)}`)
  if (audit.pending !== 0) problems.push(`O8: ${flow}: ${audit.pending} pending when settled`)
  if (audit.brokenAt !== null) problems.push(`O6: ${flow}: the chain breaks at ${audit.brokenAt}`)
  if (audit.discarded !== 0) problems.push(`O2: ${flow}: ${audit.discarded} discarded by nobody`)
  return problems
}

/** O2, O5: every entry up to the tail, each of one flow alone, has exactly one audit row or lane; nothing else has any. */
function covered(folder: string, tail: number): string[] {
  const db = new DatabaseSync(join(folder, 'state.db'), { readOnly: true })
  const all = db
    .prepare(
      `SELECT seq FROM outcome WHERE first IS NULL UNION ALL SELECT last FROM lane WHERE last IS NOT NULL
       UNION ALL SELECT next_last FROM lane WHERE next_last IS NOT NULL`,
    )
    .all()
  const ranges = db.prepare('SELECT first, seq, entries FROM outcome WHERE first IS NOT NULL').all()
  db.close()
  const journal = new DatabaseSync(join(folder, 'journal-legacy.db'), { readOnly: true })
  // What a source reads to know which row points at which is no flow's.
  all.push(...journal.prepare("SELECT seq FROM entry WHERE only = '#refs'").all())
  journal.close()
  const times = new Map<number, number>()
  for (const row of all) times.set(Number(row['seq']), (times.get(Number(row['seq'])) ?? 0) + 1)
  const problems: string[] = []
  // A range stands for as many entries as nobody else accounts for between its ends.
  for (const { first, seq: last, entries } of ranges) {
    let found = 0
    for (let seq = Number(first); seq <= Number(last); seq++)
      if (!times.has(seq)) {
        times.set(seq, 1)
        found += 1
      }
    if (found !== entries) problems.push(`O2: a range to ${last} stands for ${entries} entries, ${found} are missing`)
  }
  for (let seq = 1; seq <= tail; seq++) {
    if (times.get(seq) !== 1) problems.push(`O2: entry ${seq} of ${tail} is accounted for ${times.get(seq) ?? 0} times`)
    times.delete(seq)
  }
  for (const seq of times.keys()) problems.push(`O2: entry ${seq} is accounted for, but the journal ends at ${tail}`)
  return problems.slice(0, 10)
}

/** O1, O3: the org shows what the source's rows map to, and nothing else; exactly the faulty rows are parked. */
async function finalState(world: World, session: Session, store: Store, sync: Sync): Promise<string[]> {
  const { flow, object, fields } = sync
  const expected = await sync.expected(session)
  const lanes = await store.state.parked({ flow, state: 'parked', rowsMax: 100_000 })
  const parked = new Set(lanes.map((lane) => (JSON.parse(lane.key) as string[])[0] as string))
  const known = await store.state.gather(
    flow,
    flow,
    lanes.map((lane) => lane.key),
  )
  // The record of a parked row keeps what was agreed last: also its old external id.
  const kept = new Set(known.map((each) => each?.target))
  // Good rows whose external id a parked record still holds (SYNC-4003).
  const behind = new Set(
    lanes.flatMap((lane, i) =>
      lane.reasons.some(({ code }) => code === 'SYNC-4003') ? [[...parked][i] as string] : [],
    ),
  )
  const why = new Map([...parked].map((key, i) => [key, lanes[i]?.reasons.map(({ code }) => code).join(' ')]))
  const problems: string[] = []
  for (const key of expected.parked)
    if (!parked.has(key)) problems.push(`O2: ${flow} ${key} cannot pass and is not parked`)
  for (const key of parked)
    if (!expected.parked.has(key) && !(behind.has(key) && expected.live.has(key)))
      problems.push(`O2: ${flow} ${key} is good, or gone, and parked: ${why.get(key)}`)
  const records = await world.select(`SELECT Id, Legacy_Id__c, ${fields.join(', ')} FROM ${object}`)
  const found = new Map<string, { [field: string]: unknown }>()
  for (const record of records) {
    const key = String(record['Legacy_Id__c'])
    if (found.has(key)) problems.push(`O3: ${flow} ${key} is at the target twice`)
    found.set(key, record)
    if (kept.has(String(record['Id']))) continue
    if (!expected.live.has(key) && !expected.parked.has(key) && record['Gone__c'] !== true)
      problems.push(`O3: ${flow} ${key} is at the target and not at the source`)
  }
  for (const [key, wanted] of expected.live) {
    if (behind.has(key)) continue
    const record = found.get(key)
    if (record === undefined) problems.push(`O1: ${flow} ${key} is missing at the target`)
    else
      for (const name of fields)
        if (record[name] !== wanted[name])
          problems.push(`O1: ${flow} ${key}.${name} is ${brief(record[name])}, wanted ${brief(wanted[name])}`)
  }
  return problems.slice(0, 20)
}

const brief = (value: unknown): string => String(JSON.stringify(value)).slice(0, 60)

/**
 * O4: no external id ever shows an older version after a newer one. Nor does any record of the plain sync. (In a joined sync rows
 * are read as they are now: a record may show the row that has taken its key, before it hears that its own row has moved on.)
 */
function ordered(applied: readonly Applied[]): string[] {
  const newest = new Map<string, number>()
  const problems: string[] = []
  for (const { object, id, keys, set, request, at } of applied) {
    const v = set['V__c']
    if (typeof v !== 'number') continue
    for (const who of [`${object} ${keys['Legacy_Id__c']}`, ...(object === 'Account' ? [id] : [])]) {
      const before = newest.get(who) ?? 0
      if (v < before) problems.push(`O4: request ${request} at ${at} took ${who} from version ${before} back to ${v}`)
      newest.set(who, Math.max(v, before))
    }
  }
  return problems.slice(0, 5)
}

/** O2, I1: every version that was committed while the log was read is in the journal, in an entry of its own. */
async function captured(store: Store, syncs: readonly Sync[], committed: Iterable<number>): Promise<string[]> {
  const have = new Set<number>()
  for (const { flow, tables } of syncs) {
    for (let after = 0; ; ) {
      const { entries, scanned } = await store.journal('legacy').read({ after, tables, flow }, 10_000, 1e8)
      for (const { row } of entries) have.add(Number(row === undefined ? 0 : field(row, 'v')))
      if (scanned <= after) break
      after = scanned
    }
  }
  const missing = [...committed].filter((v) => !have.has(v))
  return missing.length === 0
    ? []
    : [`O2: ${missing.length} committed versions never reached the journal: ${missing.slice(0, 5)}`]
}

/** O7: the state's files are whole. */
export function sound(folder: string): string[] {
  const problems: string[] = []
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.db') && name !== 'lock.db')) {
    const db = new DatabaseSync(join(folder, file), { readOnly: true })
    for (const pragma of ['integrity_check', 'foreign_key_check'])
      for (const row of db.prepare(`PRAGMA ${pragma}`).all())
        if (Object.values(row)[0] !== 'ok') problems.push(`O7: ${file}: ${pragma}: ${JSON.stringify(row)}`)
    db.close()
  }
  return problems
}

/** O9: no secret, and no session, in what was printed or stored. */
export function secretsIn(world: Pick<World, 'url' | 'state'>, outputs: readonly string[]): string[] {
  const password = decodeURIComponent(new URL(world.url).password)
  const problems: string[] = []
  const look = (where: string, text: string) => {
    for (const [what, secret] of Object.entries({ 'client secret': clientSecret, password }))
      if (text.includes(secret)) problems.push(`O9: the ${what} is in ${where}`)
    if (/\b00D\w{12,15}!/.test(text)) problems.push(`O9: a session is in ${where}`)
  }
  for (const [i, text] of outputs.entries()) look(`the output of process ${i + 1}`, text)
  for (const file of readdirSync(world.state)) look(file, readFileSync(join(world.state, file), 'latin1'))
  return problems
}

/** The key of a row with one key column. */
export const oneKey = (id: string): Key => keyOf([id]) as Key
