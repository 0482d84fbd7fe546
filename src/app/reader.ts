import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Config, SyncConfig } from '../config/config.ts'
import { editorSchema } from '../config/describe.ts'
import { namesOf, tablesOf } from '../config/tables.ts'
import { connectors } from '../connectors/index.ts'
import type { Entry, FlowId, Sequence } from '../model/change.ts'
import type { Journal, JournalHead } from '../model/journal.ts'
import type { Key } from '../model/key.ts'
import type {
  Flight,
  FlowHead,
  Known,
  LaneOf,
  OutcomeRow,
  ParkedQuery,
  State,
  StatusEntry,
  Store,
} from '../model/state.ts'
import { direct, journalOver, stateOver } from '../store/calls.ts'
import { journalFile } from '../store/journal.ts'
import { isLocked, type Owner, readOwner } from '../store/lock.ts'
import { journalPath, openStore, statePath } from '../store/open.ts'
import { type Database, hasDatabase, openDatabase, soundSqlite } from '../store/sqlite.ts'
import { stateFile } from '../store/state.ts'
import type { FlowName } from '../telemetry/event.ts'
import { type QualityReport, qualityReport, type ReportAsk } from './quality-report.ts'
import { type Audit, auditFlow, type FlowReport, reportFlow } from './report.ts'
import { type RulesThen, rulesThen } from './rule-sets.ts'

/** The JSON Schema of syncline.yaml, for editors. */
export const schemaForEditors = (): { readonly [keyword: string]: unknown } => editorSchema(connectors)

/** The process that has the state folder now; null when nobody has. */
export function ownerOf(config: Config): Owner | null {
  if (!existsSync(join(config.state, 'lock.db')) || !isLocked(config.state)) return null
  return readOwner(config.state) ?? { pid: 0, host: 'unknown', since: 'unknown' }
}

/** A flow of the state folder with the sync of the configuration that it belongs to. */
export interface KnownFlow {
  readonly head: FlowHead
  /** Null: the configuration has no such sync any more. */
  readonly sync: SyncConfig | null
}

/** A parked record with the rules that judged it. */
export type ParkedRecord = LaneOf & { readonly rules: RulesThen | null }

/** Everything that is known of one record. */
export interface Story {
  readonly flow: FlowId
  /** Journal entries, newest first. Those older than the retention are gone. */
  readonly entries: readonly Entry[]
  readonly known: Known | null
  /** The rules that judged it last: also what is parked or under way of it. Null: before this was kept. */
  readonly rules: RulesThen | null
  /** Audit rows, newest first, each with the rules that judged it. */
  readonly outcomes: readonly (OutcomeRow & { readonly at_ms: number; readonly rules: RulesThen | null })[]
  /** Requests with this record that may be at the target, or on their way. */
  readonly flights: readonly Flight[]
}

/**
 * A look at the state folder, also beside a running engine: nothing is written. Every answer belongs to one moment, the one of
 * `openReader` or of the last `refresh`, so that what is counted adds up while the engine works.
 */
export interface Reader {
  flows(): Promise<readonly KnownFlow[]>
  report(): Promise<FlowReport[]>
  /** The classes of every flow, and the audit trail (checked once for all flows). */
  audit(): Promise<Audit[]>
  causes: State['causes']
  /** How good the data was, as far as it is written: a running engine does so every minute. */
  quality(flows: readonly FlowName[], ask: ReportAsk): Promise<QualityReport>
  /** Parked records, each with the rules that judged it; null: before this was kept. */
  parked(query: ParkedQuery): Promise<readonly ParkedRecord[]>
  parkedCount: State['parkedCount']
  /** Merged records of a sync, and what persons said of its records; newest first. */
  merged: State['merged']
  decisions: State['decisions']
  /** Pairs that may be merged inside the target, and merges that persons asked for. */
  mergeable: State['mergeable']
  merges: State['merges']
  /** How far the target's records are known for comparison. */
  scanHead: State['scanHead']
  /** Values that very many records share. */
  sharedValues: State['sharedValues']
  story(flow: FlowId, sync: SyncConfig, key: Key, rowsMax: number): Promise<Story>
  /** Source keys of records by the target's id or the external id. */
  keysOf: State['keysOf']
  /** Published status after a number, oldest first. */
  statusAfter(seq: number, rowsMax: number): Promise<readonly StatusEntry[]>
  /** Null for a system whose journal does not exist. */
  journalHead(system: string): Promise<JournalHead | null>
  /** Entries of these tables after a sequence, oldest first. Rows that were read again for one flow alone are left out. */
  entries(
    system: string,
    tables: readonly string[],
    after: Sequence,
    rowsMax: number,
  ): Promise<{ readonly entries: readonly Entry[]; readonly scanned: Sequence }>
  /** Moves on to the present. */
  refresh(): void
  close(): void
}

/** Bytes of entries in one answer. */
const READ_BYTES_MAX = 8_388_608

/** Whether an engine ever ran on the state folder of a configuration; it may have been an older version. */
export const hasState = (config: Config): boolean => hasDatabase(statePath(config.state))

/**
 * Opens the state folder of a configuration for reading. Null when no engine ever ran on it.
 * @throws SyncError what `openDatabase` throws
 */
export function openReader(config: Config): Reader | null {
  if (!hasState(config)) return null
  const stateDb = openDatabase(statePath(config.state), 'state', { readOnly: true })
  const journalDbs = new Map<string, Database>()
  try {
    for (const system of Object.keys(config.systems)) {
      const path = journalPath(config.state, system)
      if (hasDatabase(path)) journalDbs.set(system, openDatabase(path, 'journal', { readOnly: true }))
    }
  } catch (error) {
    stateDb.close()
    for (const db of journalDbs.values()) db.close()
    throw error
  }
  const databases = [stateDb, ...journalDbs.values()]
  // The state first: a cursor must never lie behind the end of the journal that it points into.
  const begin = () => {
    for (const db of databases) {
      db.exec('BEGIN')
      db.get('SELECT count(*) FROM sqlite_schema')
    }
  }
  begin()
  const journals = new Map(
    [...journalDbs].map(([system, db]): [string, Journal] => [
      system,
      journalOver(direct(journalFile(db, () => '', { readOnly: true }))),
    ]),
  )
  return {
    ...answers(config, stateOver(direct(stateFile(stateDb))), journals),
    refresh() {
      for (const db of databases) db.exec('COMMIT')
      begin()
    },
    close() {
      for (const db of databases) db.close()
    },
  }
}

function answers(
  config: Config,
  state: State,
  journals: ReadonlyMap<string, Journal>,
): Omit<Reader, 'refresh' | 'close'> {
  const flows = async () =>
    (await state.flows()).map((head): KnownFlow => ({ head, sync: config.syncs[head.sync] ?? null }))
  const counted = async <T>(count: (head: FlowHead, tables: string[], state: State, journal: Journal) => Promise<T>) =>
    Promise.all(
      (await flows()).map(({ head, sync }) => {
        const journal = sync === null ? undefined : journals.get(sync.source.system)
        return count(head, sync === null ? [] : tablesOf(sync, config), state, journal ?? nothingUnread)
      }),
    )
  return {
    flows,
    report: () => counted(reportFlow),
    async audit() {
      const broken = await state.verifyChain()
      return counted((head, tables, _, journal) => auditFlow(head, tables, checkedOnce(state, broken), journal))
    },
    causes: (flow, by) => state.causes(flow, by),
    quality: (flows, ask) => qualityReport(state, flows, ask),
    async parked(query) {
      const then = rulesThen(await state.ruleSets(query.flow))
      return (await state.parked(query)).map(({ ruleSet, ...lane }) => ({ ...lane, rules: then(ruleSet) }))
    },
    parkedCount: (query) => state.parkedCount(query),
    merged: (sync, key, rowsMax) => state.merged(sync, key, rowsMax),
    mergeable: (...asked) => state.mergeable(...asked),
    merges: (...asked) => state.merges(...asked),
    decisions: (sync, rowsMax) => state.decisions(sync, rowsMax),
    scanHead: (sync, plan) => state.scanHead(sync, plan),
    sharedValues: (...asked) => state.sharedValues(...asked),
    async story(flow, sync, key, rowsMax) {
      const journal = journals.get(sync.source.system)
      const found = await Promise.all(
        namesOf(config.systems[sync.source.system], sync.source.table).map(
          (table) => journal?.story(table, key, rowsMax) ?? [],
        ),
      )
      const { known, outcomes } = await state.story(
        flow,
        sync.name,
        key,
        found.flat().map((entry) => entry.seq),
        rowsMax,
      )
      const flights = known === null ? [] : await state.flights(flow)
      const mine = flights.filter(({ request }) => request.deliveries.some(({ link }) => link === known?.link))
      const then = rulesThen(await state.ruleSets(flow))
      return {
        flow,
        entries: found.flat(),
        known,
        rules: then(known?.ruleSet ?? null),
        outcomes: outcomes.map(({ ruleSet, ...outcome }) => ({ ...outcome, rules: then(ruleSet) })),
        flights: mine,
      }
    },
    keysOf: (sync, id) => state.keysOf(sync, id),
    statusAfter: (seq, rowsMax) => state.statusAfter(seq, rowsMax),
    journalHead: async (system) => (await journals.get(system)?.head()) ?? null,
    async entries(system, tables, after, rowsMax) {
      const journal = journals.get(system)
      if (journal === undefined) return { entries: [], scanned: after }
      return journal.read(
        { after, tables: tables.flatMap((table) => namesOf(config.systems[system], table)), flow: '' },
        rowsMax,
        READ_BYTES_MAX,
      )
    },
  }
}

/** The journal of a flow that the configuration does not name any more: what it would still read cannot be known. */
const nothingUnread = { count: async () => 0 } as unknown as Journal

/** A state whose audit trail is known already. */
const checkedOnce = (state: State, broken: number | null): State =>
  Object.create(state, { verifyChain: { value: async () => broken } }) as State

/**
 * Opens the state for a command that changes it while no engine runs; takes the folder's lock for that time.
 * @throws SyncError SYNC-5001 when an engine has the folder
 */
export async function changeState<T>(config: Config, body: (store: Store) => Promise<T>): Promise<T> {
  const broken = Promise.withResolvers<never>()
  broken.promise.catch(() => {})
  const sources = new Set(Object.values(config.syncs).map(({ source }) => source.system))
  const store = await openStore(config.state, [...sources], broken.reject)
  try {
    return await Promise.race([body(store), broken.promise])
  } finally {
    await store.close()
  }
}

/** The SQLite that Node brings, and whether its write-ahead log can be trusted. */
export const sqliteOf = (): { readonly version: string; readonly isSound: boolean } => {
  const version = process.versions['sqlite'] ?? '0.0.0'
  return { version, isSound: soundSqlite(version) }
}
