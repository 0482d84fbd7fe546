import { type Key, keyOf, keyParts } from '../../src/model/key.ts'
import type { LaneOf } from '../../src/model/state.ts'
import { field, fold, type Row, rowText, text } from '../../src/model/value.ts'
import type { Reason } from '../../src/model/verdict.ts'
import { choose } from '../../src/pipeline/compose.ts'
import type { FlowSpec } from '../../src/pipeline/flow.ts'
import type { Crm } from './crm.ts'
import type { Files } from './files.ts'
import type { Legacy } from './legacy.ts'
import { clusterOracle } from './twins.ts'

interface After {
  readonly files: Files
  readonly legacy: Legacy
  readonly crm: Crm
  readonly spec: FlowSpec
  readonly joined: boolean
  readonly quiet: boolean
  /** No name is bad any more. */
  readonly isMended: boolean
  readonly error: unknown
}

/** Every promise that can be checked from outside once it is calm; a sentence for each that is broken. */
export function oracles(after: After): string[] {
  if (after.error !== undefined) return [`the engine stopped: ${(after.error as Error).stack ?? after.error}`]
  if (!after.quiet) return ['O8: not quiet after the faults stopped']
  return [
    ...finalState(after),
    ...accounted(after),
    ...captured(after),
    ...ordered(after),
    ...chained(after),
    ...after.crm.violations,
    ...after.files.violations,
  ]
}

/** Good records whose external id is held by a record that is parked for its data, or marked as deleted under a key that it left. */
const isBehind = (reason: Reason): boolean => reason.code === 'SYNC-4003' || reason.code === 'SYNC-4002'

/**
 * Whether the record at the target that has this one's external id belongs to one that is parked for its data, or waits in turn.
 * @param still records of the target whose own are in review, merged into others, or kept by a person: they are not sent either
 */
function isBlocked(
  lane: LaneOf,
  parked: readonly LaneOf[],
  still: ReadonlySet<string>,
  { legacy, crm, files, spec }: After,
): boolean {
  const seen = new Set<Key>()
  for (let at: LaneOf | undefined = lane; at?.reasons.some(isBehind); ) {
    // A circle: they exchange their external ids.
    if (seen.has(at.key)) return true
    seen.add(at.key)
    const row = legacy.members.get(Number(keyParts(at.key)[0]))
    const there = row === undefined ? undefined : crm.byExt(extOf(row, legacy))
    if (there !== undefined && still.has(there[0])) return true
    const owners = files.state.gather(
      spec.id,
      spec.sync,
      parked.map(({ key }) => key),
    )
    at = parked[owners.findIndex((known) => there !== undefined && known?.target === there[0])]
    if (at === undefined) return false
  }
  return true
}

/** Whether a record is parked that would go on if it were released. */
export const hasReleasable = (files: Files, spec: FlowSpec): boolean =>
  files.state.parked({ flow: spec.id, state: 'parked', rowsMax: 10_000 }).some((lane) => !lane.reasons.some(isBehind))

/** No member has a larger id. */
const IDS_MAX = 20

/** Records whose newest change was given up by a person: what the target holds of them is that person's will. */
function givenUp({ files, spec }: After): ReadonlyMap<Key, string | null> {
  const found = new Map<Key, string | null>()
  for (let id = 1; id <= IDS_MAX; id++) {
    const key = keyOf([id]) as Key
    const { known, outcomes } = files.state.story(spec.id, spec.sync, key, [], 1)
    if (outcomes[0]?.kind === 'discarded') found.set(key, known?.target ?? null)
    // It was to be sent again for reasons of ours: no entry stands behind it, but somebody's word.
    const [last] = outcomes
    const word = files.state.decisions(spec.sync, 10_000).find((said) => said.key === key && said.kind === 'refuse')
    if (word !== undefined && word.at_ms >= (last?.at_ms ?? 0)) found.set(key, known?.target ?? null)
  }
  return found
}

/** O1, O3: the target holds what the source's rows map to, and nothing else. */
function finalState(after: After): string[] {
  const { legacy, crm, spec, joined, files, isMended } = after
  const discarded = givenUp(after)
  const clusters =
    spec.duplicates === null
      ? null
      : clusterOracle(
          { files, legacy, crm, clusterMax: spec.duplicates.plan.clusterMax },
          (row) => mapped(row, legacy, spec, joined),
          discarded,
        )
  const problems: string[] = [...(clusters?.problems ?? [])]
  const lanes = files.state.parked({ flow: spec.id, state: 'parked', rowsMax: 10_000 })
  const parked = new Set(lanes.map((lane) => lane.key))
  const still = clusters?.held ?? new Set<string>()
  const behind = new Set(lanes.filter((lane) => isBlocked(lane, lanes, still, after)).map((lane) => lane.key))
  // A parked record may still hold its old external id.
  const held = new Set(files.state.gather(spec.id, spec.sync, [...parked]).map((known) => known?.target))
  for (const id of clusters?.held ?? []) held.add(id)
  for (const target of discarded.values()) if (target !== null) held.add(target)
  const seen = new Set<string>()
  for (const [id, row] of legacy.members) {
    const key = keyOf([id]) as Key
    const found = crm.byExt(extOf(row, legacy))
    if (found !== undefined) seen.add(found[0])
    if (discarded.has(key)) continue
    const lent = clusters?.leaders.get(key)
    // What the target refuses is what it is sent: of a leader, what survived.
    const own = field(row, 'name')
    const name = own === 'bad' || own === 'test' || lent === undefined ? own : field(lent, 'Name')
    if (name === 'refused' && (clusters?.merged.has(key) || clusters?.review.has(key))) continue
    if (!isMended && (name === 'bad' || name === 'refused')) {
      if (!parked.has(key)) problems.push(`O2: ${key} is ${name} and not parked`)
      continue
    }
    if (behind.has(key) || clusters?.review.has(key) || clusters?.merged.has(key)) continue
    if (parked.has(key)) problems.push(`O1: ${key} is good and parked`)
    if (name === 'test') {
      if (found !== undefined && !isGone(found[1], spec) && !held.has(found[0]))
        problems.push(`O1: ${key} left the filter and is still there`)
      continue
    }
    const image = lent ?? mapped(row, legacy, spec, joined)
    const wanted = spec.deletes.policy === 'soft' ? fold(image, { Gone__c: false }) : image
    if (found === undefined) problems.push(`O1: ${key} is missing at the target`)
    else if (rowText(found[1]) !== rowText(wanted))
      problems.push(`O1: ${key} is ${rowText(found[1])}, wanted ${rowText(wanted)}`)
  }
  const wantedIds = new Set([...legacy.members.values()].map((row) => extOf(row, legacy)))
  for (const [crmId, row] of crm.records) {
    const ext = text(field(row, 'Ext__c') ?? null)
    // Made by hand at the target, and of nobody.
    if (held.has(crmId) || ext === null) continue
    if (!wantedIds.has(ext) && !isGone(row, spec))
      problems.push(`O3: ${crmId} (${ext}) is at the target and not at the source`)
    else if (wantedIds.has(ext) && !seen.has(crmId)) problems.push(`O3: ${ext} is at the target twice`)
  }
  return problems
}

/** The external id that a member is to have. */
const extOf = (row: Row, legacy: Legacy): string =>
  text(field(row, legacy.numbers === null ? 'id' : 'no') ?? null) ?? ''

const isGone = (row: Row, spec: FlowSpec): boolean => spec.deletes.policy === 'soft' && field(row, 'Gone__c') === true

function mapped(row: Row, legacy: Legacy, spec: FlowSpec, joined: boolean): Row {
  const id = field(row, 'id') ?? null
  const own = [...legacy.cards.values()].filter((card) => field(card, 'member_id') === id)
  const card = joined ? choose(own, spec.joins[0]!) : null
  return {
    Ext__c: extOf(row, legacy),
    Name: field(row, 'name') ?? null,
    V__c: field(row, 'v') ?? null,
    Note__c: field(row, 'note') ?? null,
    ...(joined ? { Level__c: card === null ? null : (field(card, 'level') ?? null) } : {}),
    ...(spec.duplicates === null ? {} : { Mail__c: field(row, 'mail') ?? null }),
  }
}

/** O2, O5: every entry is in exactly one class and the classes add up to what was read. */
function accounted({ files, spec, joined }: After): string[] {
  const counts = files.state.counts(spec.id)
  const { tail } = files.journal.head()
  const read = files.state.flows()[0]?.read ?? 0
  const sum =
    counts.delivered +
    counts.superseded +
    counts.excluded +
    counts.discarded +
    counts.quarantined +
    counts.review +
    counts.waiting +
    counts.held +
    counts.inFlight
  const problems: string[] = []
  if (sum !== read) problems.push(`O2: ${sum} accounted for, ${read} read: ${JSON.stringify(counts)}`)
  // In a sync without joins the cards are no concern of the flow, and the simulation has none.
  if (read !== tail) problems.push(`O2: ${read} read, ${tail} in the journal (joined: ${joined})`)
  if (counts.waiting + counts.inFlight > 0)
    problems.push(`O8: ${counts.waiting} waiting, ${counts.inFlight} in flight when quiet`)
  return problems
}

/** O2, I1: the journal has every change that was committed since the start, once. */
function captured({ files, legacy }: After): string[] {
  const wanted = legacy.log.slice(legacy.start).flatMap((commit) => commit.changes.map((change) => change.id))
  const have = new Set(
    files.journal
      .read({ after: 0, tables: ['public.members', 'public.cards'], flow: 'members' }, 1e6, 1e9)
      .entries.map((entry) => entry[5]),
  )
  const missing = wanted.filter((id) => !have.has(id) && !files.forgotten.has(id))
  return missing.length === 0
    ? []
    : [`O2: ${missing.length} committed changes never reached the journal: ${missing.slice(0, 3).join(' ')}`]
}

/**
 * O4: at the target no record ever goes back to an older version. Where records are read as they are now and keys come back, a record
 * may show the row that has taken its key before it hears that its own row has moved on: there no external id goes back.
 */
function ordered({ crm, legacy, joined }: After): string[] {
  const newest = new Map<string, number>()
  for (const { id, ext, v } of crm.applied) {
    if (v === null) continue
    const who = joined && legacy.comeBack ? `${ext}` : id
    if (v < (newest.get(who) ?? 0)) return [`O4: record ${who} went back from version ${newest.get(who)} to ${v}`]
    newest.set(who, v)
  }
  return []
}

/** O6: the audit chain verifies. */
function chained({ files }: After): string[] {
  const broken = files.state.verifyChain()
  return broken === null ? [] : [`O6: the chain breaks at commit ${broken}`]
}
