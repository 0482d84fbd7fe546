import type { FlowId, Sequence } from '../model/change.ts'
import { type Failure, failure, SyncError } from '../model/failure.ts'
import type { Key } from '../model/key.ts'
import type {
  Counts,
  Flight,
  FlowHead,
  FlowStatus,
  Image,
  JudgeCommit,
  Known,
  Lane,
  LaneOf,
  LinkState,
  OutcomeRow,
  ParkedQuery,
  Released,
  SettleCommit,
  StatusEntry,
} from '../model/state.ts'
import type { Reason, StageName } from '../model/verdict.ts'
import { appendOutcomes, verifyOutcomes } from './chain.ts'
import { backlogOf, byCause, countByClass, recordStory } from './reports.ts'
import type { Cells, Database } from './sqlite.ts'

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
type Stored<C> = { readonly [K in keyof C]: C[K] extends readonly Flight[] ? readonly StoredFlight[] : C[K] }

export const packFlight = ({ request, images, ticket, mayLandUntil_ms }: Flight): StoredFlight => ({
  id: request.id,
  number: request.number,
  ticket,
  mayLandUntil_ms,
  body: JSON.stringify({ request, images }),
})

/** One state file. Synchronous; the store's worker, or the simulation, runs it. The contract is `State` in the model. */
export function stateFile(db: Database) {
  /** W8: a commit of an owner that was replaced must not land. */
  function fence(flow: FlowId, epoch: number): void {
    const now = db.get('SELECT epoch FROM flow WHERE id = ?', flow)?.['epoch']
    if (now !== epoch)
      throw new SyncError(failure('SYNC-6008', `Flow ${flow} is owned by epoch ${now}, this process has ${epoch}.`))
  }

  const audit = (flow: FlowId, rows: readonly OutcomeRow[], at_ms: number) => appendOutcomes(db, flow, rows, at_ms)

  function putLane(flow: FlowId, lane: Lane): void {
    db.run(
      `INSERT OR REPLACE INTO lane (flow, link, state, first, last, image, due_ms, attempts, stage, reasons, since_ms) VALUES (?,?,?,?,?,?,?,?,?,?,?)`,
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
    )
  }

  /**
   * A target record belongs to one link. Where the target says that it is ours, another link that held it has lost it: a deleted
   * one gives it up, a live one is read again and makes a record of its own.
   */
  function dispossess(flow: FlowId, link: number, target: string, at_ms: number): void {
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
    if (other['state'] === 'linked') touchLane(flow, other['id'] as number, at_ms)
  }

  /** These links hold no old external id at the target any more: records that were parked for one are judged again (SYNC-4003). */
  function release(flow: FlowId, links: readonly Released[]): void {
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

  function touchLane(flow: FlowId, link: number, at_ms: number): void {
    const image = JSON.stringify({ op: 'touch', row: {} } satisfies Image)
    db.run(
      `INSERT OR IGNORE INTO lane (flow, link, state, image, due_ms, since_ms) VALUES (?,?,'waiting',?,0,?)`,
      flow,
      link,
      image,
      at_ms,
    )
  }

  /** Lanes that a parked query speaks of. */
  function findParked(query: ParkedQuery): LaneOf[] {
    const rows = db.all(
      `SELECT lane.*, link.a_key FROM lane JOIN link ON link.id = lane.link WHERE lane.flow = ? AND lane.state = ?
       AND (? IS NULL OR link.a_key = ?)
       AND (? IS NULL OR EXISTS (SELECT 1 FROM json_each(lane.reasons) WHERE json_extract(value, '$.code') = ?))
       ORDER BY lane.since_ms, lane.link LIMIT ?`,
      query.flow,
      query.state,
      query.key ?? null,
      query.key ?? null,
      query.code ?? null,
      query.code ?? null,
      query.rowsMax,
    )
    return rows.map(laneOf)
  }

  return {
    openFlow({ id, sync, journalId, from }: { id: FlowId; sync: string; journalId: string; from: Sequence }): FlowHead {
      return db.write(() => {
        const stored = db.get('SELECT journal_id FROM flow WHERE id = ?', id)?.['journal_id']
        if (stored !== undefined && stored !== journalId)
          throw new SyncError(
            failure('SYNC-5005', `Flow ${id} has read journal ${stored}; the journal in this folder is ${journalId}.`),
          )
        if (stored === undefined)
          db.run('INSERT INTO flow (id, sync, journal_id, judged) VALUES (?,?,?,?)', id, sync, journalId, from)
        db.run('UPDATE flow SET epoch = epoch + 1 WHERE id = ?', id)
        // The flight that these stood behind may be gone; those whose flight is still open are put back when they are judged.
        db.run(`UPDATE lane SET due_ms = 0 WHERE flow = ? AND state = 'waiting' AND due_ms IS NULL`, id)
        return flowHead(db, db.get('SELECT * FROM flow WHERE id = ?', id) as Cells)
      })
    },

    flows: (): FlowHead[] => db.all('SELECT * FROM flow ORDER BY id').map((row) => flowHead(db, row)),

    setStatus(flow: FlowId, status: FlowStatus, reason: Failure | null): void {
      db.write(() =>
        db.run(
          'UPDATE flow SET status = ?, reason = ? WHERE id = ?',
          status,
          reason === null ? null : JSON.stringify(reason),
          flow,
        ),
      )
    },

    approveDeletes(flow: FlowId, upTo: Sequence, at_ms: number): void {
      db.write(() =>
        db.run('UPDATE flow SET deletes_approved = ?, deletes_approved_ms = ? WHERE id = ?', upTo, at_ms, flow),
      )
    },

    identity(system: string, found: string): string {
      return db.write(() => {
        db.run('INSERT OR IGNORE INTO identity VALUES (?,?)', system, found)
        return String(db.get('SELECT identity FROM identity WHERE system = ?', system)?.['identity'])
      })
    },

    gather(flow: FlowId, sync: string, keys: readonly Key[]): (Known | null)[] {
      return keys.map((key) => known(db, flow, sync, key))
    },

    refs(sync: string, refs: readonly string[]): (number | null)[] {
      return refs.map(
        (ref) =>
          (db.get('SELECT id FROM link WHERE sync = ? AND ref = ?', sync, ref)?.['id'] as number | undefined) ?? null,
      )
    },

    roots: (sync: string, join: string, children: readonly Key[]): Key[][] =>
      children.map((child) =>
        db
          .all('SELECT root FROM related WHERE sync = ? AND alias = ? AND child = ?', sync, join, child)
          .map((row) => row['root'] as Key),
      ),

    shadows: (links: readonly number[]): (string | null)[] =>
      links.map(
        (link) => (db.get('SELECT b FROM shadow WHERE link = ?', link)?.['b'] as string | null | undefined) ?? null,
      ),

    linkedAfter: (sync: string, link: number, rowsMax: number): { link: number; key: Key }[] =>
      db
        .all(
          `SELECT id, a_key FROM link WHERE sync = ? AND state = 'linked' AND id > ? ORDER BY id LIMIT ?`,
          sync,
          link,
          rowsMax,
        )
        .map((row) => ({ link: Number(row['id']), key: row['a_key'] as Key })),

    touch(flow: FlowId, links: readonly number[], at_ms: number): void {
      db.write(() => {
        for (const link of links) touchLane(flow, link, at_ms)
      })
    },

    moving: (sync: string): { key: Key; link: number; since: number }[] =>
      db
        .all(`SELECT key, link, since_request FROM alias WHERE sync = ? AND side = 'a'`, sync)
        .map((row) => ({ key: row['key'] as Key, link: Number(row['link']), since: Number(row['since_request']) })),

    take(
      flow: FlowId,
      now_ms: number,
      links: readonly number[],
      rowsMax: number,
    ): { lanes: LaneOf[]; next_ms: number | null } {
      const select = 'SELECT lane.*, link.a_key FROM lane JOIN link ON link.id = lane.link WHERE lane.flow = ?'
      const woken = links
        .map((link) => db.get(`${select} AND lane.link = ? AND lane.state = 'waiting'`, flow, link))
        .filter((row) => row !== undefined)
      const due = db.all(
        `${select} AND lane.state = 'waiting' AND lane.due_ms <= ? ORDER BY lane.due_ms, lane.link LIMIT ?`,
        flow,
        now_ms,
        rowsMax,
      )
      const lanes = new Map([...woken, ...due].map((row) => [Number(row['link']), laneOf(row)]))
      const next = db.get(
        `SELECT min(due_ms) AS next FROM lane WHERE flow = ? AND state = 'waiting' AND due_ms > ?`,
        flow,
        now_ms,
      )?.['next']
      return { lanes: [...lanes.values()], next_ms: (next as number | null) ?? null }
    },

    judge(commit: Stored<JudgeCommit>): void {
      db.write(() => {
        fence(commit.flow, commit.epoch)
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
        release(commit.flow, commit.released)
        for (const lane of commit.lanes) putLane(commit.flow, lane)
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
          for (const child of children)
            db.run('INSERT OR REPLACE INTO related VALUES (?,?,?,?)', sync, join, child, root)
        }
        audit(commit.flow, commit.outcomes, commit.at_ms)
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
      })
    },

    extend(flow: FlowId, epoch: number, request: string, mayLandUntil_ms: number, ticket: string | null): void {
      db.write(() => {
        fence(flow, epoch)
        db.run(
          'UPDATE flight SET may_land_until_ms = max(may_land_until_ms, ?), ticket = coalesce(?, ticket) WHERE request = ?',
          mayLandUntil_ms,
          ticket,
          request,
        )
      })
    },

    settle(commit: Stored<SettleCommit>): void {
      db.write(() => {
        fence(commit.flow, commit.epoch)
        // Sorted keys: neighbouring pages are written once.
        for (const link of [...commit.links].sort((a, b) => a.id - b.id)) {
          const set = () =>
            db.run('UPDATE OR IGNORE link SET b_key = ?, state = ? WHERE id = ?', link.target, link.state, link.id)
          if (set() > 0 || link.target === null) continue
          dispossess(commit.flow, link.id, link.target, commit.at_ms)
          set()
        }
        release(commit.flow, commit.released)
        for (const shadow of [...commit.shadows].sort((a, b) => a.link - b.link))
          if (shadow.image === null) db.run('DELETE FROM shadow WHERE link = ?', shadow.link)
          else
            db.run(
              'INSERT INTO shadow (link, b) VALUES (?,?) ON CONFLICT (link) DO UPDATE SET b = excluded.b',
              shadow.link,
              shadow.image,
            )
        for (const lane of commit.lanes) putLane(commit.flow, lane)
        for (const flight of commit.flightsLeft)
          db.run(
            'UPDATE flight SET body = ?, ticket = ?, may_land_until_ms = ? WHERE request = ?',
            flight.body,
            flight.ticket,
            flight.mayLandUntil_ms,
            flight.id,
          )
        for (const request of commit.flightsClosed) db.run('DELETE FROM flight WHERE request = ?', request)
        audit(commit.flow, commit.outcomes, commit.at_ms)
        if (commit.status !== null) {
          db.run('INSERT INTO status (at_ms, body) VALUES (?,?)', commit.at_ms, commit.status)
          db.run('DELETE FROM status WHERE seq <= (SELECT max(seq) FROM status) - ?', STATUS_ROWS_MAX)
        }
      })
    },

    flights: (flow: FlowId): Flight[] =>
      db.all('SELECT ticket, may_land_until_ms, body FROM flight WHERE flow = ? ORDER BY number', flow).map((row) => ({
        ...(JSON.parse(String(row['body'])) as Pick<Flight, 'request' | 'images'>),
        ticket: row['ticket'] as string | null,
        mayLandUntil_ms: Number(row['may_land_until_ms']),
      })),

    settled(flow: FlowId): Sequence {
      const judged = Number(db.get('SELECT judged FROM flow WHERE id = ?', flow)?.['judged'] ?? 0)
      const lane = db.get(`SELECT min(first) AS n FROM lane WHERE flow = ? AND state = 'waiting'`, flow)?.['n']
      const flight = db.get(
        `SELECT min(covers.value) AS n FROM flight, json_each(body, '$.request.deliveries') AS delivery, json_each(delivery.value, '$.covers') AS covers WHERE flow = ?`,
        flow,
      )?.['n']
      return Math.min(judged, ...[lane, flight].filter((n) => typeof n === 'number').map((n) => n - 1))
    },

    counts: (flow: FlowId): Counts => countByClass(db, flow),
    backlog: (flow: FlowId) => backlogOf(db, flow),
    causes: (flow: FlowId) => byCause(db, flow),
    parked: (query: ParkedQuery): LaneOf[] => findParked(query),

    release(query: ParkedQuery): number {
      return db.write(() => {
        const lanes = findParked(query)
        for (const { link } of lanes)
          db.run(
            `UPDATE lane SET state = 'waiting', due_ms = 0, attempts = 0 WHERE flow = ? AND link = ?`,
            query.flow,
            link,
          )
        return lanes.length
      })
    },

    discard(query: ParkedQuery, by: string, why: string, at_ms: number): number {
      return db.write(() => {
        const lanes = findParked(query)
        const rows = lanes.flatMap(({ link, last }): OutcomeRow[] =>
          last === null ? [] : [{ seq: last, link, kind: 'discarded', by: null, request: null, note: `${by}: ${why}` }],
        )
        audit(query.flow, rows, at_ms)
        for (const { link } of lanes) db.run('DELETE FROM lane WHERE flow = ? AND link = ?', query.flow, link)
        return lanes.length
      })
    },

    story: (flow: FlowId, sync: string, key: Key, rowsMax: number) =>
      recordStory(db, known(db, flow, sync, key), flow, rowsMax),

    linked: (sync: string): number =>
      Number(db.get(`SELECT count(*) AS n FROM link WHERE sync = ? AND state = 'linked'`, sync)?.['n']),

    verifyChain: (): number | null => verifyOutcomes(db),

    statusAfter: (seq: number, rowsMax: number): StatusEntry[] =>
      db.all('SELECT seq, at_ms, body FROM status WHERE seq > ? ORDER BY seq LIMIT ?', seq, rowsMax).map((row) => ({
        seq: Number(row['seq']),
        at_ms: Number(row['at_ms']),
        body: String(row['body']),
      })),

    close: () => db.close(),
  }
}

/** An open state file, for the thread that owns it. */
export type StateFile = ReturnType<typeof stateFile>

function known(db: Database, flow: FlowId, sync: string, key: Key): Known | null {
  const row = db.get(
    'SELECT link.id, link.state, link.b_key, shadow.b FROM link LEFT JOIN shadow ON shadow.link = link.id WHERE link.sync = ? AND link.a_key = ?',
    sync,
    key,
  )
  if (row === undefined) return null
  const link = Number(row['id'])
  const lane = db.get('SELECT * FROM lane WHERE flow = ? AND link = ?', flow, link)
  return {
    link,
    state: row['state'] as LinkState,
    target: row['b_key'] as string | null,
    shadow: row['b'] as string | null,
    lane: lane === undefined ? null : laneRow(lane),
  }
}

function flowHead(db: Database, row: Cells): FlowHead {
  return {
    id: String(row['id']),
    sync: String(row['sync']),
    journalId: String(row['journal_id']),
    judged: Number(row['judged']),
    read: Number(row['read']),
    epoch: Number(row['epoch']),
    status: row['status'] as FlowStatus,
    reason: row['reason'] === null ? null : (JSON.parse(String(row['reason'])) as Failure),
    rules: row['rules'] as string | null,
    deletesApproved: Number(row['deletes_approved']),
    deletesApproved_ms: Number(row['deletes_approved_ms']),
    deletes: Number(row['deletes']),
    deletesSince_ms: Number(row['deletes_since_ms']),
    nextLink: Number(db.get('SELECT max(id) AS n FROM link')?.['n'] ?? 0) + 1,
    nextRequest: Number(row['next_request']),
  }
}

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
})

const laneOf = (row: Cells): LaneOf => ({ ...laneRow(row), key: row['a_key'] as Key })
