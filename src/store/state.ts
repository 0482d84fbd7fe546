import type { FlowId, Sequence } from '../model/change.ts'
import { type Failure, failure, SyncError } from '../model/failure.ts'
import type { Held, Owner } from '../model/ids.ts'
import type { Key } from '../model/key.ts'
import type { ParkedLane } from '../model/rule-set.ts'
import type {
  Counts,
  Flight,
  FlowHead,
  FlowStatus,
  Gap,
  JudgeCommit,
  Known,
  LinkState,
  ParkedQuery,
  SettleCommit,
  State,
  StatusEntry,
} from '../model/state.ts'
import { verifyOutcomes } from './chain.ts'
import { fence, type Stored, storeJudged, storeSettled } from './commits.ts'
import { figureState } from './figures.ts'
import { closeGap, storeGap } from './gap.ts'
import { discardLanes, parkedCount, parkedLanes, releaseLanes, removeLanes, settledUpTo, takeLanes } from './lanes.ts'
import { backlogOf, byCause, countByClass, recordStory, ruleState } from './reports.ts'
import { flowHead, keysOf, known, knownAll, ownersOf } from './rows.ts'
import type { Cells, Database } from './sqlite.ts'
import { twinIndex } from './twin-index.ts'
import { twinState } from './twin-state.ts'
import { dropDeleted, storeTwins, withClusters } from './twins.ts'
import { endEdits } from './words.ts'

/** One state file. Synchronous; the store's worker, or the simulation, runs it. The contract is `State` in the model. */
export function stateFile(db: Database) {
  const index = twinIndex(db)
  const write = <T>(body: () => T): T => {
    try {
      return db.write(body)
    } catch (error) {
      index.reset()
      throw error
    }
  }
  return {
    openFlow: (flow: Opening): FlowHead => db.write(() => openFlow(db, flow)),

    flows: (): FlowHead[] => db.all('SELECT * FROM flow ORDER BY id').map((row) => flowHead(db, row)),

    setStatus(flow: FlowId, status: FlowStatus, reason: Failure | null): void {
      db.write(() =>
        db.run(
          // Rule 1: nothing but a snapshot leads out of the need for one.
          `UPDATE flow SET status = ?, reason = ? WHERE id = ? AND status <> 'needs-snapshot'`,
          status,
          reason === null ? null : JSON.stringify(reason),
          flow,
        ),
      )
    },

    giveUp: (flow: FlowId, epoch: number, gap: Gap, reason: Failure | null): void =>
      db.write(() => storeGap(db, flow, epoch, gap, reason)),

    reread: (flow: FlowId, epoch: number, upTo: Sequence, entries: number, at_ms: number): void =>
      db.write(() => closeGap(db, flow, epoch, upTo, entries, at_ms)),

    hasten(flow: FlowId): void {
      db.write(() =>
        db.run(`UPDATE lane SET due_ms = 0 WHERE flow = ? AND state = 'waiting' AND due_ms IS NOT NULL`, flow),
      )
    },

    setSweep(flow: FlowId, due: boolean): void {
      db.write(() => db.run('UPDATE flow SET sweep = ? WHERE id = ?', due ? 1 : 0, flow))
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
      return withClusters(db, knownAll(db, flow, sync, keys))
    },

    refs: (flow: FlowId, sync: string, refs: readonly string[]): (Owner | null)[] => ownersOf(db, flow, sync, refs),

    roots(sync: string, join: string, children: readonly Key[]): Key[][] {
      return children.map((child) =>
        db
          .all('SELECT root FROM related WHERE sync = ? AND alias = ? AND child = ?', sync, join, child)
          .map((row) => row['root'] as Key),
      )
    },

    shadows(links: readonly number[]): (string | null)[] {
      return links.map(
        (link) => (db.get('SELECT b FROM shadow WHERE link = ?', link)?.['b'] as string | null | undefined) ?? null,
      )
    },

    linksAfter(
      flow: FlowId,
      sync: string,
      link: number,
      rowsMax: number,
    ): { link: number; key: Key; state: LinkState }[] {
      return db
        .all(
          `SELECT id, a_key, state FROM link WHERE sync = ? AND id > ? AND (state <> 'tombstone'
             OR EXISTS (SELECT 1 FROM lane WHERE lane.flow = ? AND lane.link = link.id)
             OR EXISTS (SELECT 1 FROM member WHERE member.link = link.id)
             OR id IN (SELECT json_extract(delivery.value, '$.link') FROM flight, json_each(body, '$.request.deliveries') AS delivery
                WHERE flight.flow = ?))
           ORDER BY id LIMIT ?`,
          sync,
          link,
          flow,
          flow,
          rowsMax,
        )
        .map((row) => ({ link: Number(row['id']), key: row['a_key'] as Key, state: row['state'] as LinkState }))
    },

    gone: (flow: FlowId, links: readonly number[], at_ms: number): void =>
      db.write(() => removeLanes(db, flow, links, at_ms)),

    held(sync: string): Held[] {
      return db
        .all(`SELECT key, link, since_request FROM alias WHERE sync = ? AND side = 'a'`, sync)
        .map((row) => ({ ext: String(row['key']), link: Number(row['link']), since: Number(row['since_request']) }))
    },

    take(flow: FlowId, now_ms: number, links: readonly number[], rowsMax: number) {
      return takeLanes(db, flow, now_ms, links, rowsMax)
    },

    judge: (commit: Stored<JudgeCommit>): void =>
      write(() => {
        storeJudged(db, commit)
        if (commit.twins !== undefined) storeTwins(db, index, commit.flow, commit.twins, commit.at_ms)
      }),

    ...twinState(db, index, write),
    /** What can be done when the answer is given already: not a part of the contract. */
    afterwards: (): void => index.catchUp(),
    ...figureState(db),
    ...ruleState(db),

    extend(flow: FlowId, epoch: number, request: string, mayLandUntil_ms: number, ticket: string | null): void {
      db.write(() => {
        fence(db, flow, epoch)
        db.run(
          'UPDATE flight SET may_land_until_ms = max(may_land_until_ms, ?), ticket = coalesce(?, ticket) WHERE request = ?',
          mayLandUntil_ms,
          ticket,
          request,
        )
      })
    },

    settle: (commit: Stored<SettleCommit>): void =>
      write(() => {
        storeSettled(db, commit)
        dropDeleted(db, index, commit.flow, commit.links)
        endEdits(db, commit.links)
      }),

    flights(flow: FlowId): Flight[] {
      return db
        .all('SELECT ticket, may_land_until_ms, body FROM flight WHERE flow = ? ORDER BY number', flow)
        .map((row) => ({
          ...(JSON.parse(String(row['body'])) as Pick<Flight, 'request' | 'images'>),
          ticket: row['ticket'] as string | null,
          mayLandUntil_ms: Number(row['may_land_until_ms']),
        }))
    },

    settled: (flow: FlowId): Sequence => settledUpTo(db, flow),

    counts: (flow: FlowId): Counts => countByClass(db, flow),
    backlog: (flow: FlowId) => backlogOf(db, flow),
    causes: (flow: FlowId, by?: Parameters<State['causes']>[1]) => byCause(db, flow, by),
    parked: (query: ParkedQuery): ParkedLane[] => parkedLanes(db, query),
    parkedCount: (query: ParkedQuery): number => parkedCount(db, query),

    release: (query: ParkedQuery): number => db.write(() => releaseLanes(db, query)),
    discard(query: ParkedQuery, by: string, why: string, at_ms: number): number {
      return db.write(() => discardLanes(db, query, by, why, at_ms))
    },

    story(flow: FlowId, sync: string, key: Key, seqs: readonly Sequence[], rowsMax: number) {
      return recordStory(db, known(db, flow, sync, key), flow, seqs, rowsMax)
    },

    keysOf: (sync: string, id: string): Key[] => keysOf(db, sync, id),

    linked(sync: string): number {
      return Number(db.get(`SELECT count(*) AS n FROM link WHERE sync = ? AND state = 'linked'`, sync)?.['n'])
    },

    verifyChain: (): number | null => verifyOutcomes(db),

    statusAfter(seq: number, rowsMax: number): StatusEntry[] {
      return db
        .all('SELECT seq, at_ms, body FROM status WHERE seq > ? ORDER BY seq LIMIT ?', seq, rowsMax)
        .map((row) => ({
          seq: Number(row['seq']),
          at_ms: Number(row['at_ms']),
          body: String(row['body']),
        }))
    },

    close: () => db.close(),
  }
}

/** A flow to be opened; a new one starts after `from`. */
interface Opening {
  readonly id: FlowId
  readonly sync: string
  readonly journalId: string
  readonly from: Sequence
}

function openFlow(db: Database, { id, sync, journalId, from }: Opening): FlowHead {
  const stored = db.get('SELECT journal_id FROM flow WHERE id = ?', id)?.['journal_id']
  if (stored !== undefined && stored !== journalId)
    throw new SyncError(
      failure('SYNC-5005', `Flow ${id} has read journal ${stored}; the journal in this folder is ${journalId}.`),
    )
  if (stored === undefined)
    db.run('INSERT INTO flow (id, sync, journal_id, judged) VALUES (?,?,?,?)', id, sync, journalId, from)
  db.run('UPDATE flow SET epoch = epoch + 1 WHERE id = ?', id)
  // The flight that these stood behind may be gone; those whose flight is still open are put back when they are judged. What waits
  // for its time has been away from the target for as long as the engine was.
  db.run(`UPDATE lane SET due_ms = 0 WHERE flow = ? AND state = 'waiting'`, id)
  return flowHead(db, db.get('SELECT * FROM flow WHERE id = ?', id) as Cells)
}

/** An open state file, for the thread that owns it. */
export type StateFile = ReturnType<typeof stateFile>
