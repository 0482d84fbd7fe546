import { noIdChanges } from '../../model/ids.ts'
import type { Key } from '../../model/key.ts'
import type { Flight, FlowHead, JudgeCommit, Lane, OutcomeRow, SettleCommit, State } from '../../model/state.ts'

/** The flow whose state the cases use. */
export const FLOW = 'members'
const JOURNAL = 'journal-1'
/** The key of record `n`. */
export const key = (n: number): Key => JSON.stringify([String(n)]) as Key

/** Opens the flow and answers its head. */
export const openFlow = (state: State, from = 0): Promise<FlowHead> =>
  state.openFlow({ id: FLOW, sync: 'members', journalId: JOURNAL, from })

/** T2+T3 with what a case does not say. */
export const judged = ({ epoch }: FlowHead, more: Partial<JudgeCommit>): JudgeCommit => ({
  flow: FLOW,
  epoch,
  at_ms: 1_000,
  judged: 0,
  readMore: 0,
  deletes: 0,
  deletesSince_ms: 0,
  rules: 'rules-1',
  judgedAnew: [],
  links: [],
  ids: noIdChanges,
  outcomes: [],
  lanes: [],
  lanesGone: [],
  flights: [],
  related: [],
  ...more,
})

/** T4 with what a case does not say. */
export const settled = ({ epoch }: FlowHead, more: Partial<SettleCommit>): SettleCommit => ({
  flow: FLOW,
  epoch,
  at_ms: 2_000,
  outcomes: [],
  links: [],
  shadows: [],
  lanes: [],
  released: [],
  flightsClosed: [],
  flightsLeft: [],
  status: null,
  ...more,
})

/** A link of its first commit. */
export const newLink = (
  id: number,
  n: number,
  more: Partial<JudgeCommit['links'][0]> = {},
): JudgeCommit['links'][0] => ({
  id,
  key: key(n),
  ref: null,
  isNew: true,
  ...more,
})

/** An audit row. */
export const outcome = (seq: number, kind: OutcomeRow['kind'], more: Partial<OutcomeRow> = {}): OutcomeRow => ({
  seq,
  link: null,
  kind,
  by: null,
  request: null,
  note: null,
  ...more,
})

/** A waiting lane. */
export const lane = (link: number, seq: number | null, more: Partial<Lane> = {}): Lane => ({
  link,
  state: 'waiting',
  first: seq,
  last: seq,
  image: { op: 'upsert', row: { id: link } },
  due_ms: null,
  attempts: 0,
  stage: null,
  reasons: [],
  since_ms: 1_000,
  next: null,
  ...more,
})

/** A lane in quarantine. */
export const parked = (
  link: number,
  seq: number,
  code: 'SYNC-4001' | 'SYNC-4002' = 'SYNC-4001',
  since_ms = 1_000,
): Lane =>
  lane(link, seq, {
    state: 'parked',
    stage: 'schema',
    since_ms,
    reasons: [{ stage: 'schema', code, field: 'Email', error: 'not an e-mail' }],
  })

/** A request that covers these entries, one a link of the same number. */
export const flight = (number: number, ...seqs: number[]): Flight => ({
  request: {
    id: String(number).padStart(24, '0'),
    number,
    route: 'realtime',
    deliveries: seqs.map((seq) => ({
      link: seq,
      op: 'upsert' as const,
      object: 'Contact',
      ref: { field: 'Ext__c', value: String(seq) },
      set: { Ext__c: String(seq) },
      covers: [seq],
    })),
  },
  ticket: null,
  mayLandUntil_ms: 5_000,
  images: seqs.map((seq) => ({ op: 'upsert' as const, row: { id: seq } })),
})
