import { SKETCH_WORDS } from '../model/candidates.ts'
import type { FlowId } from '../model/change.ts'
import type { Key } from '../model/key.ts'
import type { Known } from '../model/state.ts'
import type {
  EditRow,
  Lead,
  MemberKnown,
  MemberRow,
  OwnTwin,
  TwinAsk,
  TwinCommit,
  TwinFound,
  TwinRow,
  TwinsFound,
  TwinTexts,
} from '../model/twins.ts'
import { touchLane } from './commits.ts'
import { lookAtMentions } from './mentions.ts'
import type { Cells, Database } from './sqlite.ts'
import { blocksFrom, indexedBytes, type TwinIndex } from './twin-index.ts'
import { hasOf, isDeleted, ownerOf } from './twin-owner.ts'
import { endWords } from './words.ts'

/** Index, members and decisions, as statements. Writing runs inside a transaction of the caller. */

/** The number of a sync in the index. */
export function syncNo(db: Database, sync: string): number {
  const found = db.get('SELECT no FROM twin_sync WHERE sync = ?', sync)?.['no']
  if (found !== undefined) return Number(found)
  db.run('INSERT INTO twin_sync (sync) VALUES (?)', sync)
  return Number(db.get('SELECT no FROM twin_sync WHERE sync = ?', sync)?.['no'])
}

/** What a window changes in index and clusters. */
export function storeTwins(db: Database, index: TwinIndex, flow: FlowId, twins: TwinCommit, at_ms: number): void {
  const no = syncNo(db, String(db.get('SELECT sync FROM flow WHERE id = ?', flow)?.['sync']))
  endWords(db, twins.deleted ?? [])
  for (const link of twins.gone) dropTwin(db, index, no, link)
  const changed = putTwins(db, index, no, twins.rows, flow, at_ms)
  for (const link of twins.left) db.run('DELETE FROM member WHERE link = ?', link)
  for (const member of twins.members) putMember(db, member, at_ms)
  for (const link of changed) dropWritten(db, index, no, link)
  for (const link of twins.touched) composeAgain(db, flow, link, at_ms)
  lookAtMentions(db, flow, [...changed, ...twins.gone], at_ms)
}

/**
 * The record is read and composed whole once more. What waits or is parked of it keeps what it says, and is judged again: what its
 * cluster lends it has changed. Columns that it does not carry are read again, because the target's image of them is not its own.
 */
function composeAgain(db: Database, flow: FlowId, link: number, at_ms: number): void {
  touchLane(db, flow, link, at_ms)
  // It is read ahead of the change log: what the log still says of it must not bring older values back.
  db.run('INSERT OR IGNORE INTO whole VALUES (?)', link)
  db.run(
    `UPDATE lane SET image = json_set(image, '$.op', 'touch') WHERE flow = ? AND link = ? AND json_extract(image, '$.op') = 'upsert'`,
    flow,
    link,
  )
  db.run(
    `UPDATE lane SET state = 'waiting', due_ms = 0, attempts = 0 WHERE flow = ? AND link = ? AND state <> 'waiting'`,
    flow,
    link,
  )
}

/** Answers the links of which something else is compared now, by the same rules. */
function putTwins(
  db: Database,
  index: TwinIndex,
  no: number,
  rows: readonly TwinRow[],
  flow: FlowId,
  at_ms: number,
): number[] {
  index.ready()
  const newest = Number(db.get('SELECT max(id) AS id FROM twin')?.['id'] ?? 0)
  const words = hasRows(db, 'decision')
  const changed: number[] = []
  let fresh = 0
  for (const row of rows) {
    // Most rows are of new records: their links are higher than all before.
    const known =
      row.link > newest ? undefined : db.get('SELECT plan, features, blocks FROM twin WHERE id = ?', row.link)
    const before = known?.['blocks'] as Uint8Array | undefined
    if (known?.['plan'] === row.plan && known['features'] !== row.features) changed.push(row.link)
    const bytes = indexedBytes(row)
    db.run(
      `INSERT INTO twin (id, sync, plan, again, target, features, blocks) VALUES (?,?,?,0,?,?,?)
       ON CONFLICT (id) DO UPDATE SET plan = excluded.plan, again = 0, target = excluded.target, features = excluded.features, blocks = excluded.blocks`,
      row.link,
      no,
      row.plan,
      row.target,
      row.features,
      bytes,
    )
    if (before === undefined || !equal(before, bytes))
      index.put(no, { ...row, id: row.link }, before === undefined ? null : blocksFrom(before))
    if (before !== undefined) continue
    fresh += 1
    // Those that a person merged into this record, when it was not there yet.
    if (words)
      for (const each of db.all(`SELECT a FROM decision WHERE kind = 'same' AND b = ?`, row.link))
        lookAgain(db, flow, Number(each['a']), at_ms)
  }
  if (fresh > 0) counted(db, no, fresh)
  return changed
}

/** What the target shows of a record is overwritten by what it says now: it is out of the index, and the feed tells the new image. */
function dropWritten(db: Database, index: TwinIndex, no: number, link: number): void {
  const row = db.get(
    `SELECT twin.id FROM link JOIN twin ON twin.target = link.b_key AND twin.id < 0 AND twin.sync = ?2
     WHERE link.id = ?1 AND link.state = 'linked' AND NOT EXISTS (SELECT 1 FROM member WHERE member.link = ?1)`,
    link,
    no,
  )
  if (row !== undefined) dropTarget(db, index, no, Number(row['id']))
}

const equal = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && a.every((byte, i) => byte === b[i])

/** A record is out of the index. */
export function dropTwin(db: Database, index: TwinIndex, no: number, id: number): void {
  const row = db.get('SELECT blocks FROM twin WHERE id = ?', id)
  if (row === undefined) return
  index.take(no, { id, blocks: blocksFrom(row['blocks'] as Uint8Array) })
  db.run('DELETE FROM twin WHERE id = ?', id)
  counted(db, no, -1)
}

/** A record of the target is out of the index. */
export function dropTarget(db: Database, index: TwinIndex, no: number, id: number): void {
  dropTwin(db, index, no, id)
  db.run('UPDATE twin_sync SET scanned = max(0, scanned - 1) WHERE no = ?', no)
}

/** What we deleted at the target is out of the index at once: its feed tells it later. */
export function dropDeleted(
  db: Database,
  index: TwinIndex,
  flow: FlowId,
  links: readonly { readonly target: string | null; readonly state: string }[],
): void {
  for (const { target, state } of links) {
    if (state !== 'tombstone' || target === null) continue
    const row = db.get(
      `SELECT twin.id, twin.sync FROM twin JOIN twin_sync ON twin_sync.no = twin.sync
       WHERE twin.target = ? AND twin.id < 0 AND twin_sync.sync = (SELECT sync FROM flow WHERE id = ?)`,
      target,
      flow,
    )
    if (row !== undefined) dropTarget(db, index, Number(row['sync']), Number(row['id']))
  }
}

/** The index has more rows, or fewer: counting a million of them takes too long. */
export const counted = (db: Database, no: number, rows: number): number =>
  db.run('UPDATE twin_sync SET records = records + ? WHERE no = ?', rows, no)

/** A merged record and those that it led itself: clusters stay one level deep. */
function putMember(db: Database, { link, into, set, how }: MemberRow, at_ms: number): void {
  db.run('UPDATE member SET into_link = ? WHERE into_link = ? AND link <> ?', into, link, into)
  db.run('DELETE FROM member WHERE link = ? AND into_link = ?', into, link)
  db.run('INSERT OR REPLACE INTO member VALUES (?,?,?,?,?)', link, into, set, how, at_ms)
  // From now on both are read as they are, ahead of the change log, also when they part.
  for (const each of [link, into]) db.run('INSERT OR IGNORE INTO whole VALUES (?)', each)
}

/** The record is composed and compared again, whatever its features say. */
export function lookAgain(db: Database, flow: FlowId, link: number, at_ms: number): void {
  db.run('UPDATE twin SET again = 1 WHERE id = ?', link)
  composeAgain(db, flow, link, at_ms)
}

/** What is known of each of these records. */
export function ownTwins(db: Database, links: readonly number[]): OwnTwin[] {
  const [merges, words] = [hasRows(db, 'member'), hasRows(db, 'decision')]
  return links.map((link) => {
    const row = db.get('SELECT plan, again, features, target FROM twin WHERE id = ?', link)
    const into = merges ? db.get('SELECT into_link, body, how FROM member WHERE link = ?', link) : undefined
    return {
      row:
        row === undefined || row['again'] === 1
          ? null
          : { plan: String(row['plan']), features: String(row['features']), target: row['target'] as string | null },
      into:
        into === undefined
          ? null
          : { lead: leadOf(db, Number(into['into_link'])), set: String(into['body']), how: String(into['how']) },
      leads: merges
        ? db.all('SELECT link FROM member WHERE into_link = ? ORDER BY link', link).map((each) => Number(each['link']))
        : [],
      there: thereOf(db, link),
      ...(words ? wordsOf(db, link) : noWords),
    }
  })
}

/** The target's record that a link is to take over, in the index. One that it has already shows what was sent. */
function thereOf(db: Database, link: number): OwnTwin['there'] {
  const row = db.get(
    `SELECT there.plan, there.features FROM twin AS own JOIN twin AS there ON there.target = own.target AND there.id < 0
     JOIN link ON link.id = own.id WHERE own.id = ? AND link.state <> 'linked'`,
    link,
  )
  return row === undefined ? null : { plan: String(row['plan']), features: String(row['features']) }
}

const noWords: Pick<OwnTwin, 'apart' | 'same'> = { apart: { leads: [], targets: [] }, same: null }

const hasRows = (db: Database, table: 'member' | 'decision' | 'edit' | 'whole'): boolean =>
  db.get(`SELECT 1 AS one FROM ${table} LIMIT 1`) !== undefined

/** What persons said of a record, from its side and from the other one's. */
function wordsOf(db: Database, link: number): Pick<OwnTwin, 'apart' | 'same'> {
  const leads: number[] = []
  const targets: string[] = []
  for (const row of db.all(
    `SELECT a AS own, b AS other, target FROM decision WHERE kind = 'different' AND a = ?
     UNION ALL SELECT b, a, NULL FROM decision WHERE kind = 'different' AND b = ?`,
    link,
    link,
  )) {
    const target = row['target'] === null ? null : String(row['target'])
    if (target !== null) targets.push(target)
    // Who has that record by now is another one, too.
    const other = target === null ? Number(row['other']) : hasOf(db, link, target)
    if (other !== null && other !== link) leads.push(leadLink(db, other))
  }
  const said = db.get(`SELECT b, target FROM decision WHERE kind = 'same' AND a = ? ORDER BY id DESC LIMIT 1`, link)
  return { apart: { leads, targets }, same: said === undefined ? null : sameAs(db, link, said) }
}

/** The record that a person named, if it is still there. */
function sameAs(db: Database, link: number, said: Cells): OwnTwin['same'] {
  if (said['target'] !== null) {
    const target = String(said['target'])
    const owner = hasOf(db, link, target)
    if (owner !== null && owner !== link) return { lead: leadOf(db, leadLink(db, owner)) }
    // What we deleted there is nobody's record; its own may come back to it.
    if (isDeleted(db, link, target)) return null
    return db.get('SELECT 1 AS one FROM twin WHERE target = ? AND id < 0', target) === undefined ? null : { target }
  }
  const other = Number(said['b'])
  const there = db.get('SELECT 1 AS one FROM twin WHERE id = ?', other) !== undefined
  return there ? { lead: leadOf(db, leadLink(db, other)) } : null
}

const leadLink = (db: Database, link: number): number =>
  Number(db.get('SELECT into_link FROM member WHERE link = ?', link)?.['into_link'] ?? link)

function leadOf(db: Database, link: number): Lead {
  const row = db.get('SELECT a_key, state FROM link WHERE id = ?', link)
  const n = db.get('SELECT count(*) AS n FROM member WHERE into_link = ?', link)?.['n']
  return { link, key: String(row?.['a_key']) as Key, delivered: row?.['state'] === 'linked', members: Number(n) }
}

/** Records that share blocks with the asked ones, with their sketches. */
export function foundTwins(
  db: Database,
  index: TwinIndex,
  sync: string,
  asked: readonly TwinAsk[],
  candidatesMax: number,
): TwinsFound {
  const row = db.get('SELECT no, records FROM twin_sync WHERE sync = ?', sync)
  const no = Number(row?.['no'] ?? 0)
  const of = asked.map((one) => index.find(no, one, candidatesMax))
  const sketches = new Int32Array(SKETCH_WORDS * of.reduce((sum, answer) => sum + (answer?.ids.length ?? 0), 0))
  let at = 0
  for (const answer of of)
    for (const id of answer?.ids ?? []) {
      index.sketch(id, sketches, at)
      at += SKETCH_WORDS
    }
  return { of, sketches, size: Number(row?.['records'] ?? 0) }
}

/** What is compared of records of a plan. One statement: each of its own would take and give back the file's lock, which costs more than the row. */
export function twinTexts(db: Database, plan: string, ids: readonly number[]): TwinTexts {
  // In the order of the table: neighbours are read once.
  const asked = JSON.stringify([...ids].sort((a, b) => a - b))
  const rows = db.all(
    'SELECT twin.id, features FROM json_each(?) AS asked CROSS JOIN twin ON twin.id = asked.value WHERE plan = ?',
    asked,
    plan,
  )
  return { ids: rows.map((row) => row['id'] as number), features: rows.map((row) => row['features'] as string) }
}

/** Who these records are. */
export function twinsAt(db: Database, sync: string, ids: readonly number[]): TwinFound[] {
  const leads = new Map<number, Lead>()
  return ids.flatMap((id) => {
    const found = id > 0 ? sourceTwin(db, id, leads) : targetTwin(db, id, sync, leads)
    return found === null ? [] : [found]
  })
}

function leadIn(db: Database, link: number, leads: Map<number, Lead>): Lead {
  const known = leads.get(link) ?? leadOf(db, link)
  leads.set(link, known)
  return known
}

function sourceTwin(db: Database, id: number, leads: Map<number, Lead>): TwinFound | null {
  const row = db.get('SELECT a_key FROM link WHERE id = ?', id)
  if (row === undefined) return null
  const key = String(row['a_key']) as Key
  return { id, link: id, key, target: null, ref: null, lead: leadIn(db, leadLink(db, id), leads) }
}

function targetTwin(db: Database, id: number, sync: string, leads: Map<number, Lead>): TwinFound | null {
  const row = db.get('SELECT target, ref FROM twin WHERE id = ?', id)
  if (row === undefined) return null
  const target = String(row['target'])
  const link = db.get('SELECT id, state FROM link WHERE sync = ? AND b_key = ?', sync, target)
  // What we deleted there is nobody's record.
  if (link?.['state'] === 'tombstone') return null
  const owner = link?.['state'] === 'linked' ? Number(link['id']) : ownerOf(db, sync, target)
  return {
    id,
    link: null,
    key: null,
    target,
    ref: row['ref'] as string | null,
    lead: owner === null ? null : leadIn(db, leadLink(db, owner), leads),
  }
}

/** All members of these leaders, with what is compared of them. */
export function membersOf(db: Database, leads: readonly number[]): MemberKnown[] {
  return leads.flatMap((into) =>
    db
      .all(
        `SELECT member.link, member.body, member.how, link.a_key, twin.plan, twin.features FROM member
         JOIN link ON link.id = member.link LEFT JOIN twin ON twin.id = member.link WHERE into_link = ? ORDER BY member.link`,
        into,
      )
      .map((row) => ({
        link: Number(row['link']),
        into,
        set: String(row['body']),
        how: String(row['how']),
        key: String(row['a_key']) as Key,
        plan: row['plan'] as string | null,
        features: row['features'] as string | null,
        there: thereOf(db, Number(row['link'])),
        same: db
          .all(`SELECT b FROM decision WHERE kind = 'same' AND a = ? AND b IS NOT NULL`, row['link'] as number)
          .map((each) => Number(each['b'])),
      }))
      .map((member) => (isSaid(db, member.link) ? { ...member, same: [...member.same, into] } : member)),
  )
}

/** Whether a person joined it to a record of the target: that one belongs to the leader by now. */
const isSaid = (db: Database, link: number): boolean =>
  db.get(`SELECT 1 AS one FROM decision WHERE kind = 'same' AND a = ? AND target IS NOT NULL`, link) !== undefined

/** Marks those that lead others, are merged into one, or were read again for that reason: they are always composed whole. */
export function withClusters(db: Database, found: (Known | null)[]): (Known | null)[] {
  if (!hasRows(db, 'whole')) return found
  return found.map((one) => {
    const clustered = one !== null && db.get('SELECT 1 AS one FROM whole WHERE link = ?', one.link) !== undefined
    return clustered ? { ...one, clustered } : one
  })
}

/** Values that persons put in the place of the source's. */
export function editsOf(db: Database, links: readonly number[]): EditRow[] {
  if (!hasRows(db, 'edit')) return []
  return links.flatMap((link) =>
    db.all('SELECT name, was, value FROM edit WHERE link = ?', link).map((row) => ({
      link,
      column: String(row['name']),
      was: String(row['was']),
      value: String(row['value']),
    })),
  )
}
