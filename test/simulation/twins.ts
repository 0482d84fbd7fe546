import { type Key, keyOf } from '../../src/model/key.ts'
import type { State } from '../../src/model/state.ts'
import { field, fold, type Row, rowFrom, rowText, text } from '../../src/model/value.ts'
import type { Comparison, Duplicates, Features } from '../../src/pipeline/flow.ts'
import type { Random } from '../../src/std/random.ts'
import { survive } from '../../src/validation/duplicates/survive.ts'
import type { Crm } from './crm.ts'
import type { Files } from './files.ts'
import type { Legacy } from './legacy.ts'

/** An address of the simulated members: the same address is the same person, the same house (the digit) may be. */
export const mailOf = (random: Random): string =>
  `${Math.floor(random.next() * 4)}${'ab'[Math.floor(random.next() * 2)]}`

const says = (verdict: Comparison['verdict'], bits: number): Comparison => ({
  bits,
  probability: bits > 0 ? 0.999 : bits === 0 ? 0.7 : 0.01,
  verdict,
  priorBits: -10,
  against: 'strangers',
  fields: [{ field: 'Mail__c', level: verdict, bits, why: verdict }],
})

/** Rules that are easy to foretell. A house without a letter is unknown: it is compared with nobody. */
export const twinRules = (clusterMax: number, target: boolean): Duplicates => ({
  plan: { id: 'plan-1', fields: [{ name: 'Mail__c' }], clusterMax, candidatesMax: 50 },
  features: (set) => [text(field(set, 'Mail__c') ?? null) ?? ''],
  blocks: ([mail = '']) => (mail === '' ? [] : [mail.charCodeAt(0) * 1_000_003]),
  names: () => null,
  compare([a = '']: Features, [b = '']: Features) {
    if (a === '' || b === '' || a[0] !== b[0]) return says('separate', -5)
    return a === b ? says('merge', 10) : says('review', 0)
  },
  survive: (records) =>
    // The version stays the leader's own, so that an old value over a new one is evident.
    fold(survive(records, { default: 'complete', fields: new Map([['Note__c', 'longest']]) }), {
      V__c: field(records[0]?.set ?? {}, 'V__c') ?? null,
    }),
  target,
})

/** A person at work: says yes or no to everything in review, or takes a merged record out again. */
export async function interfere(state: State, random: Random, at_ms: number): Promise<void> {
  const word = { by: 'a person', why: 'looked', at_ms }
  const kind = random.next()
  const query = { flow: 'members', state: 'review', rowsMax: 1 + Math.floor(random.next() * 3) } as const
  if (kind < 0.4) await state.approve(query, null, word)
  else if (kind < 0.7) await state.reject(query, word)
  else {
    const merged = await state.merged('members', null, 10)
    const one = merged[Math.floor(random.next() * merged.length)]
    if (one !== undefined) await state.unmerge('members', one.key, word)
  }
}

/**
 * What clusters must be like once it is calm; answers for each merged or leading record what the target must hold of it.
 * @param discarded records whose newest change was given up by a person
 */
export function clusterOracle(
  { files, legacy, crm, clusterMax }: { files: Files; legacy: Legacy; crm: Crm; clusterMax: number },
  wanted: (row: Row) => Row,
  discarded: ReadonlyMap<Key, unknown>,
): { problems: string[]; merged: Set<Key>; leaders: Map<Key, Row>; review: Set<Key>; held: Set<string> } {
  const { state } = files
  const problems: string[] = []
  const rows = new Map([...legacy.members].map(([id, row]) => [keyOf([id]) as Key, row]))
  const review = new Set(state.parked({ flow: 'members', state: 'review', rowsMax: 10_000 }).map(({ key }) => key))
  const held = new Set(
    state.gather('members', 'members', [...review]).flatMap((known) => (known?.target == null ? [] : [known.target])),
  )
  // Somebody said no to the deletion of a record that leads others: it stays at the target.
  const isKept = (key: Key) =>
    state.decisions('members', 10_000).some((said) => said.key === key && said.kind === 'refuse')
  for (const { key } of state.linksAfter('members', 'members', 0, 10_000)) {
    const [known] = state.gather('members', 'members', [key])
    const isGone = !rows.has(key) || field(rows.get(key) as Row, 'name') === 'test'
    if (isGone && known?.target != null && isKept(key)) held.add(known.target)
    // Two that were at the target already, and that a person called one: the record of the other is left alone.
    if (known?.target != null && state.merged('members', key, 1).some((row) => row.key === key)) held.add(known.target)
  }
  const merged = new Set<Key>()
  const clusters = new Map<Key, Key[]>()
  for (const { key, into } of state.merged('members', null, 10_000)) {
    merged.add(key)
    clusters.set(into, [...(clusters.get(into) ?? []), key])
    if (key === into) problems.push(`O9: ${key} is merged into itself`)
    // What waits behind a review waits for a person.
    if (!rows.has(key) && !review.has(key)) problems.push(`O9: ${key} is merged into ${into} and gone at the source`)
  }
  for (const into of clusters.keys()) {
    if (merged.has(into)) problems.push(`O9: ${into} leads others and is merged itself`)
    if (!rows.has(into) && !review.has(into) && !isKept(into))
      problems.push(`O9: ${into} leads others and is gone at the source`)
  }
  const isParked = (key: Key) =>
    review.has(key) || state.parked({ flow: 'members', state: 'parked', key, rowsMax: 1 }).length > 0
  const leaders = new Map<Key, Row>()
  for (const [into, keys] of clusters) {
    const lead = rows.get(into)
    const [link] = state.gather('members', 'members', [into])
    if (lead === undefined || link === null || link === undefined) continue
    const others = state.members([link.link])
    for (const { key, set } of others) {
      const row = rows.get(key)
      // A change of a merged record that is parked, or was given up, is not sent, as everywhere.
      const isSent = row !== undefined && !isParked(key) && !discarded.has(key)
      if (isSent && rowText(fold(wanted(row), rowFrom(set))) !== rowText(wanted(row)))
        problems.push(`O9: ${into} is sent with an old image of ${key}: ${set}, now ${rowText(row)}`)
    }
    const all = [
      { key: into, set: wanted(lead) },
      ...others.map(({ key, set }) => ({ key, set: fold(wanted(lead), rowFrom(set)) })),
    ]
    leaders.set(into, survivors(all))
    problems.push(...strangers(into, keys, rows, (key) => isParked(key) || discarded.has(key), files))
    if (keys.length + 1 > clusterMax && problems.length === 0) problems.push(...tooMany(into, keys, files))
  }
  problems.push(...twice(rows, merged, (key) => isParked(key) || discarded.has(key), files))
  for (const key of merged) {
    const found = crm.byExt(text((JSON.parse(key) as string[])[0] ?? null) ?? '')
    const [known] = state.gather('members', 'members', [key])
    const isGone = found !== undefined && field(found[1], 'Gone__c') === true
    if (found !== undefined && !isGone && known?.target !== found[0] && !held.has(found[0]))
      problems.push(`O9: ${key} is merged and has a record of its own`)
  }
  return { problems, merged, leaders, review, held }
}

/** The fields of a cluster, with the identity of its leader. */
function survivors(all: readonly { key: Key; set: Row }[]): Row {
  const [first] = all
  const merged = twinRules(4, false).survive([...all]) as Row
  return fold(merged, { Ext__c: field(first?.set as Row, 'Ext__c') ?? null })
}

/** Who is merged has the address of the leader, or of another member that has it, or a person said so. */
function strangers(
  into: Key,
  keys: readonly Key[],
  rows: ReadonlyMap<Key, Row>,
  isLeft: (key: Key) => boolean,
  { state }: Files,
): string[] {
  const said = new Set(state.decisions('members', 10_000).flatMap(({ key, other }) => [key, other]))
  const mailAt = (key: Key) => text(field(rows.get(key) ?? {}, 'mail') ?? null)
  // What waits for a person has another address than the one that it was merged by, perhaps.
  if ([into, ...keys].some((key) => isLeft(key) || said.has(key))) return []
  return keys.flatMap((key) =>
    mailAt(key) === mailAt(into) ? [] : [`O9: ${key} is merged into ${into}, and nothing joins them`],
  )
}

/** Only a person may exceed the bound. */
function tooMany(into: Key, keys: readonly Key[], { state }: Files): string[] {
  const said = new Set(state.decisions('members', 10_000).map(({ key }) => key))
  return keys.some((key) => said.has(key)) ? [] : [`O9: ${into} leads ${keys.length} records, more than allowed`]
}

/** Two records that are certainly the same are in one cluster, or in review, or a person said otherwise, or left one as it is. */
function twice(
  rows: ReadonlyMap<Key, Row>,
  merged: ReadonlySet<Key>,
  isLeft: (key: Key) => boolean,
  { state }: Files,
): string[] {
  const said = new Set(state.decisions('members', 10_000).flatMap(({ key, other }) => [key, other]))
  const alone = new Map<string, Key>()
  const problems: string[] = []
  for (const [key, row] of rows) {
    const mail = text(field(row, 'mail') ?? null) ?? ''
    if (mail === '' || field(row, 'name') === 'test' || merged.has(key) || said.has(key) || isLeft(key)) continue
    const other = alone.get(mail)
    if (other !== undefined) problems.push(`O9: ${key} and ${other} are the same and stand apart`)
    alone.set(mail, key)
  }
  return problems
}
