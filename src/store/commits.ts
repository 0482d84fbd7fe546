import type { FlowId } from '../model/change.ts'
import { failure, SyncError } from '../model/failure.ts'
import type { Released } from '../model/ids.ts'
import type { RuleSet } from '../model/rule-set.ts'
import type { Flight, Image, JudgeCommit, Lane, SettleCommit } from '../model/state.ts'
import { appendOutcomes } from './chain.ts'
import { wake, wakeBehind } from './lanes.ts'
import { putMentions } from './mentions.ts'
import type { Database } from './sqlite.ts'

/** The two commits of a window, as statements. Both run inside one transaction of the caller. */

/** Status events kept for `stream tail sync.status`. */
const STATUS_ROWS_MAX = 100_000

/** A flight as it is stored: serialised by whoever sends it, because its text costs less between threads than its objects. */
export interface StoredFlight {
  readonly id: string
  readonly number: number
  readonly ticket: string | null
  readonly mayLandUntil_ms: number
  /** JSON: the request and the source image behind each delivery. */
  readonly body: string
}

/** A commit with its flights as they are stored. */
export type Stored<C> = { readonly [K in keyof C]: C[K] extends readonly Flight[] ? readonly StoredFlight[] : C[K] }

/** A flight as text, for its way between threads. */
export const packFlight = ({ request, images, ticket, mayLandUntil_ms }: Flight): StoredFlight => ({
  id: request.id,
  number: request.number,
  ticket,
  mayLandUntil_ms,
  body: JSON.stringify({ request, images }),
})

/** T2+T3: links, lanes, flights, what belongs to which root, audit rows, and the cursor that says that all this is so (I2, I9). */
export function storeJudged(db: Database, commit: Stored<JudgeCommit>): void {
  const { sync, ruleSet: last } = fence(db, commit.flow, commit.epoch)
  const ruleSet = last?.hash === commit.rules ? last.id : newRuleSet(db, commit)
  // Keys and external ids may change places within one window: none of them stands in the way of another.
  for (const link of commit.links)
    if (!link.isNew) db.run(`UPDATE link SET a_key = 'moving:' || id, ref = NULL WHERE id = ?`, link.id)
  const taken = commit.ids.givers.map(({ link, to, withTarget }) => {
    const target = withTarget ? db.get('SELECT b_key FROM link WHERE id = ?', link)?.['b_key'] : null
    db.run('UPDATE link SET ref = NULL, b_key = iif(?, NULL, b_key) WHERE id = ?', withTarget ? 1 : 0, link)
    return { to, target }
  })
  for (const { link } of commit.ids.evicted) {
    db.run('UPDATE link SET ref = NULL WHERE id = ?', link)
    touchLane(db, commit.flow, link, commit.at_ms)
  }
  for (const link of commit.links)
    db.run(
      `INSERT INTO link (id, sync, a_key, ref, state, rule_set) VALUES (?,?,?,?,'open',?) ON CONFLICT (id) DO UPDATE SET a_key = excluded.a_key, ref = excluded.ref`,
      link.id,
      sync,
      link.key,
      link.ref,
      ruleSet,
    )
  for (const link of commit.judgedAnew) db.run('UPDATE link SET rule_set = ? WHERE id = ?', ruleSet, link)
  for (const { to, target } of taken)
    if (typeof target === 'string') db.run(`UPDATE link SET b_key = ?, state = 'tombstone' WHERE id = ?`, target, to)
  release(db, commit.flow, sync, commit.ids.released)
  for (const { link, ext, since } of [...commit.ids.held, ...commit.ids.evicted])
    db.run(`INSERT OR REPLACE INTO alias VALUES (?,'a',?,?,?)`, sync, ext, link, since)
  for (const ext of commit.ids.freed) wake(db, commit.flow, ext)
  for (const lane of commit.lanes) putLane(db, commit.flow, lane)
  for (const link of commit.lanesGone) db.run('DELETE FROM lane WHERE flow = ? AND link = ?', commit.flow, link)
  putMentions(db, sync, commit.lanes, commit.lanesGone)
  // I9: what is about to be written is stored before it is sent.
  for (const flight of commit.flights)
    db.run(
      'INSERT INTO flight VALUES (?,?,?,?,?,?,?)',
      flight.id,
      commit.flow,
      flight.number,
      commit.epoch,
      flight.ticket,
      flight.mayLandUntil_ms,
      flight.body,
    )
  for (const { join, root, children } of commit.related) {
    db.run('DELETE FROM related WHERE sync = ? AND alias = ? AND root = ?', sync, join, root)
    for (const child of children) db.run('INSERT OR REPLACE INTO related VALUES (?,?,?,?)', sync, join, child, root)
  }
  appendOutcomes(db, commit.flow, commit.outcomes, commit.at_ms, ruleSet)
  db.run(
    'UPDATE flow SET judged = ?, read = read + ?, deletes = ?, deletes_since_ms = ?, rule_set = ?, next_request = max(next_request, ?) WHERE id = ?',
    commit.judged,
    commit.readMore,
    commit.deletes,
    commit.deletesSince_ms,
    ruleSet,
    (commit.flights.at(-1)?.number ?? 0) + 1,
    commit.flow,
  )
}

/** T4: what the target said, link by link (I3), and that its requests are over. */
export function storeSettled(db: Database, commit: Stored<SettleCommit>): void {
  const { sync, ruleSet } = fence(db, commit.flow, commit.epoch)
  const by = isOwn(db, commit) ? (ruleSet?.id ?? null) : 'as its record'
  // Sorted keys: neighbouring pages are written once.
  for (const link of [...commit.links].sort((a, b) => a.id - b.id)) {
    const set = () =>
      db.run('UPDATE OR IGNORE link SET b_key = ?, state = ? WHERE id = ?', link.target, link.state, link.id)
    if (set() > 0 || link.target === null) continue
    dispossess(db, commit.flow, link.id, link.target, commit.at_ms)
    set()
  }
  release(db, commit.flow, sync, commit.released)
  for (const { id, state } of commit.links) if (state === 'tombstone') wakeBehind(db, commit.flow, id)
  for (const shadow of [...commit.shadows].sort((a, b) => a.link - b.link))
    if (shadow.image === null) db.run('DELETE FROM shadow WHERE link = ?', shadow.link)
    else
      db.run(
        'INSERT INTO shadow (link, b) VALUES (?,?) ON CONFLICT (link) DO UPDATE SET b = excluded.b',
        shadow.link,
        shadow.image,
      )
  for (const lane of commit.lanes) putLane(db, commit.flow, lane)
  for (const flight of commit.flightsLeft)
    db.run(
      'UPDATE flight SET body = ?, ticket = ?, may_land_until_ms = ? WHERE request = ?',
      flight.body,
      flight.ticket,
      flight.mayLandUntil_ms,
      flight.id,
    )
  for (const request of commit.flightsClosed) db.run('DELETE FROM flight WHERE request = ?', request)
  appendOutcomes(db, commit.flow, commit.outcomes, commit.at_ms, by)
  if (commit.status !== null) {
    db.run('INSERT INTO status (at_ms, body) VALUES (?,?)', commit.at_ms, commit.status)
    db.run('DELETE FROM status WHERE seq <= (SELECT max(seq) FROM status) - ?', STATUS_ROWS_MAX)
  }
}

/** W8: a commit of an owner that was replaced must not land. Answers the flow's sync, and the rules that judged last. */
export function fence(
  db: Database,
  flow: FlowId,
  epoch: number,
): { readonly sync: string; readonly ruleSet: Pick<RuleSet, 'id' | 'hash'> | null } {
  const row = db.get(
    'SELECT epoch, sync, rule_set.id, hash FROM flow LEFT JOIN rule_set ON rule_set.id = flow.rule_set WHERE flow.id = ?',
    flow,
  )
  if (row?.['epoch'] !== epoch)
    throw new SyncError(
      failure('SYNC-6008', `Flow ${flow} is owned by epoch ${row?.['epoch']}, this process has ${epoch}.`),
    )
  const ruleSet = row['id'] === null ? null : { id: Number(row['id']), hash: String(row['hash']) }
  return { sync: String(row['sync']), ruleSet }
}

/** These rules judge from now on. */
const newRuleSet = (db: Database, { flow, rules, at_ms }: Pick<JudgeCommit, 'flow' | 'rules' | 'at_ms'>): number =>
  Number(db.get('INSERT INTO rule_set (flow, hash, since_ms) VALUES (?,?,?) RETURNING id', flow, rules, at_ms)?.['id'])

/** Whether this owner has sent all that is under way, so that its rules judged it. The oldest request tells. */
const isOwn = (db: Database, { flow, epoch }: Pick<SettleCommit, 'flow' | 'epoch'>): boolean =>
  (db.get('SELECT epoch FROM flight WHERE flow = ? ORDER BY number LIMIT 1', flow)?.['epoch'] ?? epoch) === epoch

function putLane(db: Database, flow: FlowId, lane: Lane): void {
  db.run(
    `INSERT OR REPLACE INTO lane (flow, link, state, first, last, image, due_ms, attempts, stage, reasons, since_ms, next_first, next_last, next_image, wants)
     VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)`,
    flow,
    lane.link,
    lane.state,
    lane.first,
    lane.last,
    JSON.stringify(lane.image),
    lane.due_ms,
    lane.attempts,
    lane.stage,
    JSON.stringify(lane.reasons),
    lane.since_ms,
    lane.next?.first ?? null,
    lane.next?.last ?? null,
    lane.next === null ? null : JSON.stringify(lane.next.image),
    lane.wants ?? null,
  )
}

/**
 * A target record belongs to one link. Where the target says that it is ours, another link that held it has lost it: a deleted
 * one gives it up, a live one is read again and makes a record of its own.
 */
function dispossess(db: Database, flow: FlowId, link: number, target: string, at_ms: number): void {
  const other = db.get(
    'SELECT id, state FROM link WHERE sync = (SELECT sync FROM link WHERE id = ?) AND b_key = ? AND id <> ?',
    link,
    target,
    link,
  )
  if (other === undefined) return
  db.run(
    `UPDATE link SET b_key = NULL, state = iif(state = 'linked', 'open', state) WHERE id = ?`,
    other['id'] as number,
  )
  db.run('DELETE FROM shadow WHERE link = ?', other['id'] as number)
  if (other['state'] === 'linked') touchLane(db, flow, other['id'] as number, at_ms)
}

/** These links do not hold these old external ids any more. */
function release(db: Database, flow: FlowId, sync: string, released: readonly Released[]): void {
  for (const { link, ext } of released) {
    db.run(`DELETE FROM alias WHERE sync = ? AND side = 'a' AND key = ? AND link = ?`, sync, ext, link)
    wake(db, flow, ext)
  }
}

/** Makes a record due to be read again, unless it waits or is parked already. */
export function touchLane(db: Database, flow: FlowId, link: number, at_ms: number): void {
  const image = JSON.stringify({ op: 'touch', row: {} } satisfies Image)
  db.run(
    `INSERT OR IGNORE INTO lane (flow, link, state, image, due_ms, since_ms) VALUES (?,?,'waiting',?,0,?)`,
    flow,
    link,
    image,
    at_ms,
  )
}
