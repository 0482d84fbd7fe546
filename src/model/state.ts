import type { FlowId, Sequence } from './change.ts'
import type { Failure } from './failure.ts'
import type { FigureState } from './figures.ts'
import type { Held, IdChanges, Owner, Released } from './ids.ts'
import type { Journal } from './journal.ts'
import type { Key } from './key.ts'
import type { MergesState } from './merges.ts'
import type { JudgedCount, JudgedOutcome, ParkedLane, RuleSet } from './rule-set.ts'
import type { Request } from './target.ts'
import type { TwinCommit, TwinState } from './twins.ts'
import type { Row } from './value.ts'
import type { Reason, StageName } from './verdict.ts'

/** The six classes of promise 2; `pending` is what has no stored outcome yet. */
export type EntryClass = 'delivered' | 'superseded' | 'excluded' | 'discarded' | 'parked' | 'pending'

/** The classes that are stored as outcomes and never change again. */
export type OutcomeKind = 'delivered' | 'superseded' | 'excluded' | 'discarded'

/**
 * `running`; `paused` by a person; `stopped` by a safety stop, with the failure. `needs-snapshot`: the journal no longer keeps what
 * it has not read; only a snapshot that covers it opens the flow again (rule 1).
 */
export type FlowStatus = 'running' | 'paused' | 'stopped' | 'needs-snapshot'

/** What a flow in need of a snapshot will never read: the entries after `judged` up to `upTo`, of which `entries` concern it. */
export interface Gap {
  readonly upTo: Sequence
  readonly entries: number
}

/** Where a flow stands. */
export interface FlowHead {
  readonly id: FlowId
  readonly sync: string
  readonly journalId: string
  readonly judged: Sequence
  /** Entries that it has taken from the journal, and those that a snapshot took the place of. */
  readonly read: number
  /** Null unless it needs a snapshot. */
  readonly gap: Gap | null
  /** A full run has not yet looked for records that are gone at the source. */
  readonly sweep: boolean
  /** Raised at every opening; every commit of an earlier owner is refused (fencing). */
  readonly epoch: number
  readonly status: FlowStatus
  readonly reason: Failure | null
  /** The rules that judged last; null: nothing was judged yet. */
  readonly rules: RuleSet | null
  /** Deletes with a sequence up to this one were approved by a person. */
  readonly deletesApproved: Sequence
  /** When they were. */
  readonly deletesApproved_ms: number
  /** Deletes sent since `deletesSince_ms`, for the mass-delete guard. */
  readonly deletes: number
  readonly deletesSince_ms: number
  /** Next free numbers; only the owner hands them out. */
  readonly nextLink: number
  readonly nextRequest: number
}

/** `open`: not known at the target yet. `linked`: confirmed there. `tombstone`: deleted there, kept for the look-back of feeds. */
export type LinkState = 'open' | 'linked' | 'tombstone'

/** What waits or is parked of one record: its folded source columns and what became of them. */
export interface Image {
  /** `touch`: the source row must be read again before anything can be said. */
  readonly op: 'upsert' | 'delete' | 'touch'
  /** Folded source columns; for a delete, what is known of the row. */
  readonly row: Row
}

/**
 * The state of a record that is neither idle nor in flight.
 * `waiting`: judged and not under way, because an earlier request of it is, or the target is away.
 * `parked` (quarantine) and `review` wait for new data or for a person.
 */
export interface Lane {
  readonly link: number
  readonly state: 'waiting' | 'parked' | 'review'
  /** Oldest and newest entry that it stands for; null for a repeat of our own that no entry asked for. */
  readonly first: Sequence | null
  readonly last: Sequence | null
  readonly image: Image
  /** When it is due, wall time; null: when its flight is settled. */
  readonly due_ms: number | null
  readonly attempts: number
  readonly stage: StageName | null
  readonly reasons: readonly Reason[]
  readonly since_ms: number
  /** Later changes that wait until this image is delivered or discarded (`whileParked: wait`). */
  readonly next: Next | null
  /** The external id that it is to have, where that is known: with stage `key` it waits for it. */
  readonly wants?: string | null
}

/** Changes of a parked record, folded, that wait behind it. Its entries are pending. */
export interface Next {
  readonly first: Sequence | null
  readonly last: Sequence | null
  readonly image: Image
}

/** A lane with the record that it belongs to. */
export interface LaneOf extends Lane {
  readonly key: Key
}

/** What the state knows of a record before it is judged. */
export interface Known {
  readonly link: number
  readonly state: LinkState
  /** The target's id. */
  readonly target: string | null
  /** The external id that it was sent with last, in lower case; null: none, or the source key as it stands. */
  readonly ref: string | null
  /** Number of the rule set that judged it last, also what is parked or under way of it; null: before this was kept. */
  readonly ruleSet: number | null
  /** The target's last agreed image, in its normal form, as `rowText` wrote it. */
  readonly shadow: string | null
  readonly lane: Lane | null
  /** It is merged into another record, or leads others: it is composed whole. */
  readonly clustered?: true
}

/** A request that may be at the target, or on its way. */
export interface Flight {
  readonly request: Request
  readonly ticket: string | null
  readonly mayLandUntil_ms: number
  /** The source image behind each delivery, for when it is rejected. Same order. */
  readonly images: readonly Image[]
}

/** One audit row: what became of an entry. */
export interface OutcomeRow {
  readonly seq: Sequence
  readonly link: number | null
  readonly kind: OutcomeKind
  /** superseded: by which entry. */
  readonly by: Sequence | null
  /** delivered: by which request. */
  readonly request: number | null
  /** excluded: by which rule. discarded: by whom and why. */
  readonly note: string | null
  /** It stands for this many entries from `first` to `seq`, which the flow never read one by one. */
  readonly range?: { readonly first: Sequence; readonly entries: number }
}

/** T2+T3 in one transaction: cursor, verdicts, lanes, one flight a request (I2, I5, I9). */
export interface JudgeCommit {
  readonly flow: FlowId
  readonly epoch: number
  readonly at_ms: number
  readonly judged: Sequence
  readonly readMore: number
  readonly deletes: number
  readonly deletesSince_ms: number
  /** Hash of the rules that judged. */
  readonly rules: string
  /** Links that these rules judged, and others before them. */
  readonly judgedAnew: readonly number[]
  /** New links, new external ids (`Known.ref`), and links that moved to another source key. */
  readonly links: readonly {
    readonly id: number
    readonly key: Key
    readonly ref: string | null
    readonly isNew: boolean
  }[]
  readonly ids: IdChanges
  readonly outcomes: readonly OutcomeRow[]
  readonly lanes: readonly Lane[]
  readonly lanesGone: readonly number[]
  readonly flights: readonly Flight[]
  readonly related: readonly Related[]
  /** Index and clusters of duplicates; absent where they are not looked for. */
  readonly twins?: TwinCommit
}

/** The child rows that belong to a root record, replacing what was known of that root (rule 20). */
export interface Related {
  readonly join: string
  readonly root: Key
  readonly children: readonly Key[]
}

/** T4 in one transaction: outcomes, links, shadows, lanes, closed flights (I5). */
export interface SettleCommit {
  readonly flow: FlowId
  readonly epoch: number
  readonly at_ms: number
  readonly outcomes: readonly OutcomeRow[]
  readonly links: readonly { readonly id: number; readonly target: string | null; readonly state: LinkState }[]
  readonly shadows: readonly { readonly link: number; readonly image: string | null }[]
  readonly lanes: readonly Lane[]
  readonly released: readonly Released[]
  readonly flightsClosed: readonly string[]
  /** Flights that stay open for a part of their deliveries only. */
  readonly flightsLeft: readonly Flight[]
  /** Appended to the stream `sync.status`: JSON text. */
  readonly status: string | null
}

/** How many entries of a flow are in each class, counted row by row, never from a counter. */
export interface Counts {
  readonly delivered: number
  readonly superseded: number
  readonly excluded: number
  readonly discarded: number
  readonly quarantined: number
  readonly review: number
  readonly waiting: number
  /** Waiting behind a parked record. */
  readonly held: number
  readonly inFlight: number
}

/** What of a flow is not settled. */
export interface Backlog {
  readonly waiting: number
  /** Waiting behind a parked record: not due before somebody releases or discards it. */
  readonly held: number
  readonly inFlight: number
  readonly parked: number
  readonly review: number
  /** Since when the oldest record is parked; null where none is. */
  readonly parkedSince_ms: number | null
  /** The same of records in review. */
  readonly reviewSince_ms: number | null
  /** Records, also those behind which no entry stands: what was judged again for a merge, or by a person's wish. */
  readonly records: { readonly parked: number; readonly review: number }
}

/** One event of the stream `sync.status`; `body` is JSON. */
export interface StatusEntry {
  readonly seq: number
  readonly at_ms: number
  readonly body: string
}

/** Filter of `quarantine` and `review` commands. */
export interface ParkedQuery {
  readonly flow: FlowId
  readonly state: 'parked' | 'review'
  readonly key?: Key
  readonly code?: string
  readonly stage?: StageName
  readonly field?: string
  /** The rule that said so, as reasons name it. */
  readonly rule?: string
  /** Parked before this time. */
  readonly before_ms?: number
  /** Waiting for this external id. */
  readonly wants?: string
  readonly rowsMax: number
}

/** Why records are parked. A record with two causes counts in both. */
export interface CauseRow {
  readonly stage: string
  readonly code: string
  /** Null where none said so, and where nobody asked for rules. */
  readonly rule: string | null
  readonly field: string | null
  /** Records. */
  readonly n: number
  readonly oldest_ms: number
}

/** The delivery state of all flows. One owner; each method is one transaction, flushed when it resolves. */
export interface State extends TwinState, MergesState, FigureState {
  /**
   * Opens or creates a flow and raises its epoch. A new flow starts after `from`. Lanes that waited for a flight which no
   * longer exists become due, and so do those that wait for their time. Throws SYNC-5005 when the flow belongs to another journal.
   */
  openFlow(flow: { id: FlowId; sync: string; journalId: string; from: Sequence }): Promise<FlowHead>
  flows(): Promise<readonly FlowHead[]>
  /** A flow that needs a snapshot stays as it is: only `reread` opens it. */
  setStatus(flow: FlowId, status: Exclude<FlowStatus, 'needs-snapshot'>, reason: Failure | null): Promise<void>
  /** The flow needs a snapshot from now on, or still: what lies in the gap is not waited for. `reason` null: as it was. */
  giveUp(flow: FlowId, epoch: number, gap: Gap, reason: Failure | null): Promise<void>
  /**
   * A snapshot of everything after `upTo` was asked for: a flow that needs one goes on from there. The entries that it never read are
   * superseded, with one audit row for all of them; the sweep is due.
   */
  reread(flow: FlowId, epoch: number, upTo: Sequence, entries: number, at_ms: number): Promise<void>
  /** What waits for its time is due now; what waits behind a flight is not. */
  hasten(flow: FlowId): Promise<void>
  /** Whether records that are gone at the source are still to be looked for; survives the process. */
  setSweep(flow: FlowId, due: boolean): Promise<void>
  approveDeletes(flow: FlowId, upTo: Sequence, at_ms: number): Promise<void>

  /** Who a system was at the first run; stores `found` when nothing is stored. Answers what is stored. */
  identity(system: string, found: string): Promise<string>

  /** One answer a key, same order; null for records that were never seen. */
  gather(flow: FlowId, sync: string, keys: readonly Key[]): Promise<readonly (Known | null)[]>
  /** Who has these external ids, as links store them (`Known.ref`). One answer each. */
  refs(flow: FlowId, sync: string, refs: readonly string[]): Promise<readonly (Owner | null)[]>
  /** Roots that a child row belonged to when they were last composed. One answer a child. */
  roots(sync: string, join: string, children: readonly Key[]): Promise<readonly (readonly Key[])[]>
  /** The target's last agreed images. One answer a link. */
  shadows(links: readonly number[]): Promise<readonly (string | null)[]>
  /** Waiting lanes that are due, and those of `links` whatever their time; at most `rowsMax`. `next_ms`: when the next one is due. */
  take(
    flow: FlowId,
    now_ms: number,
    links: readonly number[],
    rowsMax: number,
  ): Promise<{ readonly lanes: readonly LaneOf[]; readonly next_ms: number | null }>
  judge(commit: JudgeCommit): Promise<void>
  /** Before a repeated sending: the new latest landing time (I9). */
  extend(flow: FlowId, epoch: number, request: string, mayLandUntil_ms: number, ticket: string | null): Promise<void>
  settle(commit: SettleCommit): Promise<void>
  flights(flow: FlowId): Promise<readonly Flight[]>
  /** The oldest sequence that a flow still needs from its journal (rule 4). */
  settled(flow: FlowId): Promise<Sequence>

  counts(flow: FlowId): Promise<Counts>
  /** What is not settled, without looking at settled entries: cheap, for metrics. */
  backlog(flow: FlowId): Promise<Backlog>
  parked(query: ParkedQuery): Promise<readonly ParkedLane[]>
  /** How many there are, at most `rowsMax`. */
  parkedCount(query: ParkedQuery): Promise<number>
  /** Parked by stage, code and field, and by rule where that is asked for, most first; those of one state, or of both. */
  causes(
    flow: FlowId,
    by?: { readonly state?: ParkedQuery['state']; readonly rule?: true },
  ): Promise<readonly CauseRow[]>
  /** Parked records become due again; what waits behind them goes on waiting. Answers how many. */
  release(query: ParkedQuery): Promise<number>
  /**
   * Parked records are given up by a named person; what waited behind them becomes due, and columns that it does not carry are read
   * again. Answers how many.
   */
  discard(query: ParkedQuery, by: string, why: string, at_ms: number): Promise<number>
  /** What is known of one record: its link, its lane, its newest outcomes, and those of the entries `seqs`. */
  story(
    flow: FlowId,
    sync: string,
    key: Key,
    seqs: readonly Sequence[],
    rowsMax: number,
  ): Promise<{ known: Known | null; outcomes: readonly JudgedOutcome[] }>
  /** Every rule set of a flow, oldest first. */
  ruleSets(flow: FlowId): Promise<readonly RuleSet[]>
  /** Records that are not deleted, by the rule set that judged them last. */
  judgedBy(sync: string): Promise<readonly JudgedCount[]>
  /** Source keys of records by what the target calls them: its id, or the external id. For people: a few at most. */
  keysOf(sync: string, id: string): Promise<readonly Key[]>
  /** Old external ids that the target may still show. */
  held(sync: string): Promise<readonly Held[]>
  /** Linked records, for the mass-delete guard. */
  linked(sync: string): Promise<number>
  /** Records after a link, in order of their links: all that the target may hold, or is about to, in their own right or merged. */
  linksAfter(
    flow: FlowId,
    sync: string,
    link: number,
    rowsMax: number,
  ): Promise<readonly { readonly link: number; readonly key: Key; readonly state: LinkState }[]>
  /** These records are gone at the source: due to be deleted, whatever waits or is parked of them. */
  gone(flow: FlowId, links: readonly number[], at_ms: number): Promise<void>
  /** Stored outcomes and their hash chain agree; answers the first commit that does not, or null. */
  verifyChain(): Promise<number | null>
  statusAfter(seq: number, rowsMax: number): Promise<readonly StatusEntry[]>
}

/** Everything durable of one installation. */
export interface Store {
  readonly state: State
  /** The journal of a source system; the same object at every call. */
  journal(system: string): Journal
  close(): Promise<void>
}
