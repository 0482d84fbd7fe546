import type { FlowId } from '../model/change.ts'
import { failure, SyncError } from '../model/failure.ts'
import type { Flight, Image, JudgeCommit, Lane, Released, SettleCommit } from '../model/state.ts'
import { appendOutcomes } from './chain.ts'
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
  fence(db, commit.flow, commit.epoch)
  const sync = String(db.get('SELECT sync FROM flow WHERE id = ?', commit.flow)?.['sync'])
  // Keys may change places within one window: none of them stands in the way of another.
  for (const link of commit.links) {
    if (!link.moved) continue
    if (link.heldSince !== null)
      db.run(
        `INSERT OR IGNORE INTO alias SELECT sync, 'a', a_key, id, ? FROM link WHERE id = ?`,
        link.heldSince,
        link.id,
      )
    db.run(`UPDATE link SET a_key = 'moving:' || id, ref = NULL WHERE id = ?`, link.id)
  }
  for (const link of commit.links)
    db.run(
      `INSERT INTO link (id, sync, a_key, ref, state) VALUES (?,?,?,?,'open') ON CONFLICT (id) DO UPDATE SET a_key = excluded.a_key, ref = excluded.ref`,
      link.id,
      sync,
      link.key,
      link.ref,
    )
  release(db, commit.flow, commit.released)
  for (const lane of commit.lanes) putLane(db, commit.flow, lane)
  for (const link of commit.lanesGone) db.run('DELETE FROM lane WHERE flow = ? AND link = ?', commit.flow, link)
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
  appendOutcomes(db, commit.flow, commit.outcomes, commit.at_ms)
  db.run(
    'UPDATE flow SET judged = ?, read = read + ?, deletes = ?, deletes_since_ms = ?, rules = ?, next_request = max(next_request, ?) WHERE id = ?',
    commit.judged,
    commit.readMore,
    commit.deletes,
    commit.deletesSince_ms,
    commit.rules,
    (commit.flights.at(-1)?.number ?? 0) + 1,
    commit.flow,
  )
}

/** T4: what the target said, link by link (I3), and that its requests are over. */
export function storeSettled(db: Database, commit: Stored<SettleCommit>): void {
  fence(db, commit.flow, commit.epoch)
  // Sorted keys: neighbouring pages are written once.
  for (const link of [...commit.links].sort((a, b) => a.id - b.id)) {
    const set = () =>
      db.run('UPDATE OR IGNORE link SET b_key = ?, state = ? WHERE id = ?', link.target, link.state, link.id)
    if (set() > 0 || link.target === null) continue
    dispossess(db, commit.flow, link.id, link.target, commit.at_ms)
    set()
  }
  release(db, commit.flow, commit.released)
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
  appendOutcomes(db, commit.flow, commit.outcomes, commit.at_ms)
  if (commit.status !== null) {
    db.run('INSERT INTO status (at_ms, body) VALUES (?,?)', commit.at_ms, commit.status)
    db.run('DELETE FROM status WHERE seq <= (SELECT max(seq) FROM status) - ?', STATUS_ROWS_MAX)
  }
}

/** W8: a commit of an owner that was replaced must not land. */
export function fence(db: Database, flow: FlowId, epoch: number): void {
  const now = db.get('SELECT epoch FROM flow WHERE id = ?', flow)?.['epoch']
  if (now !== epoch)
    throw new SyncError(failure('SYNC-6008', `Flow ${flow} is owned by epoch ${now}, this process has ${epoch}.`))
}

function putLane(db: Database, flow: FlowId, lane: Lane): void {
  db.run(
    `INSERT OR REPLACE INTO lane (flow, link, state, first, last, image, due_ms, attempts, stage, reasons, since_ms, next_first, next_last, next_image)
     VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)`,
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

/** These links hold no old external id at the target any more: records that were parked for one are judged again (SYNC-4003). */
function release(db: Database, flow: FlowId, links: readonly Released[]): void {
  let freed = 0
  for (const { link, request } of links)
    freed += db.run(`DELETE FROM alias WHERE side = 'a' AND link = ? AND since_request <= ?`, link, request)
  if (freed > 0)
    db.run(
      `UPDATE lane SET state = 'waiting', due_ms = 0 WHERE flow = ? AND state = 'parked'
       AND EXISTS (SELECT 1 FROM json_each(reasons) WHERE json_extract(value, '$.code') = 'SYNC-4003')`,
      flow,
    )
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
