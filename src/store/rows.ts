import type { FlowId } from '../model/change.ts'
import type { Failure } from '../model/failure.ts'
import type { Owner } from '../model/ids.ts'
import type { Key } from '../model/key.ts'
import type { RuleSet } from '../model/rule-set.ts'
import type { FlowHead, FlowStatus, Image, Known, Lane, LaneOf, LinkState, Next } from '../model/state.ts'
import type { Reason, StageName } from '../model/verdict.ts'
import type { Cells, Database } from './sqlite.ts'

/** What the state knows of a record; null for one that was never seen. */
export function known(db: Database, flow: FlowId, sync: string, key: Key): Known | null {
  const row = db.get(
    'SELECT link.id, link.state, link.b_key, link.ref, link.rule_set, shadow.b FROM link LEFT JOIN shadow ON shadow.link = link.id WHERE link.sync = ? AND link.a_key = ?',
    sync,
    key,
  )
  if (row === undefined) return null
  return knownRow(row, db.get('SELECT * FROM lane WHERE flow = ? AND link = ?', flow, Number(row['id'])))
}

const knownRow = (row: Cells, lane: Cells | undefined): Known => ({
  link: Number(row['id']),
  state: row['state'] as LinkState,
  target: row['b_key'] as string | null,
  ref: row['ref'] as string | null,
  ruleSet: row['rule_set'] as number | null,
  shadow: row['b'] as string | null,
  lane: lane === undefined ? null : laneRow(lane),
})

/** The same of many records: one question for all, because most of a question's cost is the asking. Same order. */
export function knownAll(db: Database, flow: FlowId, sync: string, keys: readonly Key[]): (Known | null)[] {
  const list = listOf(keys)
  if (list === null) return keys.map((key) => known(db, flow, sync, key))
  const rows = db.all(
    `SELECT asked.key AS place, link.id, link.state, link.b_key, link.ref, link.rule_set, shadow.b FROM json_each(?) AS asked
     CROSS JOIN link ON link.sync = ? AND link.a_key = asked.value LEFT JOIN shadow ON shadow.link = link.id`,
    list,
    sync,
  )
  const found: (Known | null)[] = keys.map(() => null)
  if (rows.length === 0) return found
  const lanes = db.all(
    'SELECT lane.* FROM json_each(?) AS asked CROSS JOIN lane ON lane.flow = ? AND lane.link = asked.value',
    JSON.stringify(rows.map((row) => row['id'])),
    flow,
  )
  const laneAt = new Map(lanes.map((lane) => [lane['link'], lane]))
  for (const row of rows) found[Number(row['place'])] = knownRow(row, laneAt.get(row['id'] as number))
  return found
}

/** Texts as JSON for `json_each`; null where SQLite would not read one back as it was bound: it ends texts at an escaped NUL. */
function listOf(texts: readonly string[]): string | null {
  const list = JSON.stringify(texts)
  return list.includes('\\u') ? null : list
}

const FOUND_MAX = 10

/** Source keys of the records that an id of the target, or an external id, names. */
export function keysOf(db: Database, sync: string, id: string): Key[] {
  // Salesforce's pages show ids of 15 characters; 3 that carry their letter case follow in the API.
  const before = id.length === 15 ? `${id}~` : id
  return db
    .all(
      `SELECT a_key FROM link WHERE sync = ?1 AND b_key >= ?2 AND b_key <= ?3
       UNION SELECT a_key FROM link WHERE sync = ?1 AND ref = ?4 LIMIT ?5`,
      sync,
      id,
      before,
      id.toLowerCase(),
      FOUND_MAX,
    )
    .map((row) => row['a_key'] as Key)
}

/** A flow as its row says. */
export function flowHead(db: Database, row: Cells): FlowHead {
  return {
    id: String(row['id']),
    sync: String(row['sync']),
    journalId: String(row['journal_id']),
    judged: Number(row['judged']),
    read: Number(row['read']),
    gap:
      row['status'] === 'needs-snapshot' ? { upTo: Number(row['gap_to']), entries: Number(row['gap_entries']) } : null,
    sweep: row['sweep'] === 1,
    epoch: Number(row['epoch']),
    status: row['status'] as FlowStatus,
    reason: row['reason'] === null ? null : (JSON.parse(String(row['reason'])) as Failure),
    rules: row['rule_set'] === null ? null : ruleSet(db, Number(row['rule_set'])),
    deletesApproved: Number(row['deletes_approved']),
    deletesApproved_ms: Number(row['deletes_approved_ms']),
    deletes: Number(row['deletes']),
    deletesSince_ms: Number(row['deletes_since_ms']),
    nextLink: Number(db.get('SELECT max(id) AS n FROM link')?.['n'] ?? 0) + 1,
    nextRequest: Number(row['next_request']),
  }
}

const ruleSet = (db: Database, id: number): RuleSet =>
  ruleSetRow(db.get('SELECT * FROM rule_set WHERE id = ?', id) as Cells)

/** A rule set as its row says. */
export const ruleSetRow = (row: Cells): RuleSet => ({
  id: Number(row['id']),
  hash: String(row['hash']),
  since_ms: row['since_ms'] as number | null,
})

const laneRow = (row: Cells): Lane => ({
  link: Number(row['link']),
  state: row['state'] as Lane['state'],
  first: row['first'] as number | null,
  last: row['last'] as number | null,
  image: JSON.parse(String(row['image'])) as Image,
  due_ms: row['due_ms'] as number | null,
  attempts: Number(row['attempts']),
  stage: row['stage'] as StageName | null,
  reasons: JSON.parse(String(row['reasons'])) as Reason[],
  since_ms: Number(row['since_ms']),
  next: nextOf(row),
  ...(row['wants'] === null ? {} : { wants: String(row['wants']) }),
})

/** Who has these external ids. Same order. */
export function ownersOf(db: Database, flow: FlowId, sync: string, refs: readonly string[]): (Owner | null)[] {
  const found: (Owner | null)[] = refs.map(() => null)
  const list = listOf(refs)
  const select = 'SELECT link.id, link.state, link.b_key, lane.state AS lane, lane.wants'
  const lane = 'LEFT JOIN lane ON lane.flow = ? AND lane.link = link.id'
  if (list === null)
    for (const [i, ref] of refs.entries()) {
      const row = db.get(`${select} FROM link ${lane} WHERE link.sync = ? AND link.ref = ?`, flow, sync, ref)
      if (row !== undefined) found[i] = ownerRow(row)
    }
  else
    for (const row of db.all(
      `${select}, asked.key AS place FROM json_each(?) AS asked CROSS JOIN link ON link.sync = ? AND link.ref = asked.value ${lane}`,
      list,
      sync,
      flow,
    ))
      found[Number(row['place'])] = ownerRow(row)
  return found
}

const ownerRow = (row: Cells): Owner => ({
  link: Number(row['id']),
  state: row['state'] as LinkState,
  target: row['b_key'] as string | null,
  lane: row['lane'] === null ? null : { state: row['lane'] as Lane['state'], wants: row['wants'] as string | null },
})

const nextOf = (row: Cells): Next | null =>
  row['next_image'] === null
    ? null
    : {
        first: row['next_first'] as number | null,
        last: row['next_last'] as number | null,
        image: JSON.parse(String(row['next_image'])) as Image,
      }

/** A lane with the record that it belongs to. */
export const laneOf = (row: Cells): LaneOf => ({ ...laneRow(row), key: row['a_key'] as Key })
