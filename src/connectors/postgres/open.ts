/** Opening the log: shows that nothing is missing between the stored position and now, or refuses (promise 6). */
import type { Position, SourceEvent } from '../../model/change.ts'
import { type FailureCode, failure, SyncError } from '../../model/failure.ts'
import type { Clock } from '../../std/clock.ts'
import { type CatalogTable, quotedTable } from './catalog.ts'
import { type Link, literal, quoted, stateOf } from './client.ts'
import type { Lost } from './feed.ts'
import type { Settings } from './options.ts'
import { lsnFrom, lsnText } from './pgoutput.ts'
import { type LogPosition, positionWriter, readPosition } from './position.ts'

const inUseWithin_ms = 2_000
const inUsePoll_ms = 100

/** Where the stream starts, and what was found on the way. */
export interface Start {
  readonly from: bigint
  readonly write: (lsn: bigint) => Position
  readonly found: readonly SourceEvent[]
  /** The tables as the position will describe them. */
  readonly tables: LogPosition['tables']
}

/** Checks server, slot and publication against the stored position; makes publication and slot at the very first open. */
export async function prepare(
  settings: Settings,
  clock: Clock,
  link: Link,
  replication: Link,
  tables: readonly CatalogTable[],
  position: Position | null,
  signal: AbortSignal,
): Promise<Start> {
  const stored = position === null ? null : readPosition(position)
  const [system = '', timelineText = '', current = ''] = ((await replication.query('IDENTIFY_SYSTEM'))[0] ??
    []) as string[]
  const server = { system, timeline: Number(timelineText), current: lsnOf(current) }
  if (stored !== null) await compareServer(stored, server, settings, replication)
  const slot = await readSlot(link, settings.slot)
  if (slot !== null) checkSlot(slot, settings.slot, stored)
  else if (stored !== null) throw missingSlot(settings.slot, stored)
  // Publication first: the log is decoded with the catalog of its time, in which the publication must exist.
  await mendPublication(settings, link, tables)
  const confirmed = await readySlot(settings, clock, link, stored, signal)
  const covered = await coverage(settings, link, tables)
  const write = positionWriter({ system, timeline: server.timeline, slot: settings.slot, tables: covered })
  const from = stored?.lsn ?? confirmed
  const found = lostTables(stored?.tables ?? {}, covered).map(
    ({ table, message }): SourceEvent => ({
      kind: 'table',
      table,
      state: 'gap',
      failure: failure('SYNC-6005', message),
      position: write(from),
    }),
  )
  return { from, write, found, tables: covered }
}

function refuse(code: FailureCode, message: string, hint?: string): SyncError {
  return new SyncError(failure(code, message, hint === undefined ? {} : { hint }))
}

function lsnOf(text: string): bigint {
  const lsn = lsnFrom(text)
  if (lsn === null) throw refuse('SYNC-2013', `PostgreSQL gave "${text}" where a place in its log was expected.`)
  return lsn
}

/** Where the log is now. */
export async function currentLsn(link: Link): Promise<bigint> {
  return lsnOf((await link.query('SELECT pg_current_wal_insert_lsn()'))[0]?.[0] ?? '')
}

/** How often to report: what is asked for, but in time for `wal_sender_timeout` (0 switches that off). */
export async function statusInterval(settings: Settings, link: Link): Promise<number> {
  const row = (await link.query(`SELECT setting FROM pg_settings WHERE name = 'wal_sender_timeout'`))[0]
  const timeout_ms = Number(row?.[0] ?? 0)
  return timeout_ms > 0
    ? Math.max(50, Math.min(settings.statusInterval_ms, Math.floor(timeout_ms / 2)))
    : settings.statusInterval_ms
}

interface Server {
  readonly system: string
  readonly timeline: number
  readonly current: bigint
}

async function compareServer(
  stored: LogPosition,
  server: Server,
  settings: Settings,
  replication: Link,
): Promise<void> {
  if (stored.system !== server.system)
    throw refuse(
      'SYNC-2014',
      `The state belongs to the PostgreSQL cluster ${stored.system}, but this is ${server.system}.`,
    )
  if (stored.slot !== settings.slot)
    throw refuse(
      'SYNC-2014',
      `The state was read from slot "${stored.slot}", but the configuration names "${settings.slot}".`,
    )
  if (server.timeline < stored.timeline)
    throw refuse(
      'SYNC-2015',
      `The server is on timeline ${server.timeline}; the state was read from timeline ${stored.timeline}.`,
    )
  if (server.timeline > stored.timeline) {
    // A standby was promoted, or a backup restored. What we read is part of its history only up to the branch.
    const history = (await replication.query(`TIMELINE_HISTORY ${server.timeline}`))[0]?.[1] ?? ''
    const branch = branchOf(history, stored.timeline)
    if (branch === null || stored.lsn > branch)
      throw refuse(
        'SYNC-2015',
        `The server went over to timeline ${server.timeline} ${branch === null ? '' : `at ${lsnText(branch)}`}, and we have read timeline ${stored.timeline} up to ${lsnText(stored.lsn)}: changes were read that this server never had.`,
      )
  }
  if (server.current < stored.lsn)
    throw refuse(
      'SYNC-2015',
      `The log was read up to ${lsnText(stored.lsn)}, but the server is only at ${lsnText(server.current)}: it was restored from an older copy.`,
    )
}

/** Where this timeline ended, from a timeline history file: lines of `<timeline> <lsn> <reason>`. */
export function branchOf(history: string, timeline: number): bigint | null {
  // walsender sends the file as bytea: `\x…` in text form.
  const text = history.startsWith('\\x') ? Buffer.from(history.slice(2), 'hex').toString('utf8') : history
  for (const line of text.split('\n')) {
    const [id, at] = line.trim().split(/\s+/)
    if (id === String(timeline) && at !== undefined) return lsnFrom(at)
  }
  return null
}

/** The slot's confirmed place. Makes the slot only when nothing was ever read through it. */
async function readySlot(
  settings: Settings,
  clock: Clock,
  link: Link,
  stored: LogPosition | null,
  signal: AbortSignal,
): Promise<bigint> {
  const name = settings.slot
  const since = clock.mono()
  for (;;) {
    const slot = await readSlot(link, name)
    if (slot === null) {
      if (stored === null) return createSlot(settings, link)
      throw missingSlot(name, stored)
    }
    checkSlot(slot, name, stored)
    if (slot.holder === null) return slot.confirmed
    if (clock.mono() - since > inUseWithin_ms)
      throw refuse('SYNC-2019', `The replication slot "${name}" is in use by the server process ${slot.holder}.`)
    await clock.sleep(inUsePoll_ms, signal) // the server takes a moment to notice that our last connection is gone
  }
}

function missingSlot(name: string, stored: LogPosition): SyncError {
  return refuse(
    'SYNC-2016',
    `The replication slot "${name}" does not exist, but the log was read up to ${lsnText(stored.lsn)} through it.`,
  )
}

/** A replication slot as pg_replication_slots shows it. */
export interface Slot {
  readonly plugin: string
  readonly database: string
  readonly isOurDatabase: boolean
  readonly holder: string | null
  readonly confirmed: bigint
  /** Why it can no longer be used; null: it can. */
  readonly invalid: string | null
  readonly walStatus: string
  readonly safeBytes: number | null
  readonly retainedBytes: number
  readonly failover: boolean
}

/** The slot of this name; null where there is none. */
export async function readSlot(link: Link, name: string): Promise<Slot | null> {
  const later = link.version >= 17 ? 'invalidation_reason, failover' : `NULL, 'f'`
  const row = (
    await link.query(
      `SELECT plugin, database, database = current_database(), active_pid, confirmed_flush_lsn, wal_status, safe_wal_size,
        CASE WHEN pg_is_in_recovery() THEN 0 ELSE pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn) END, ${later}
       FROM pg_replication_slots WHERE slot_name = $1`,
      [name],
    )
  )[0]
  if (row === undefined) return null
  const [plugin, database, isOurs, holder, confirmed, status, safe, retained, reason, failover] = row
  return {
    plugin: plugin ?? '(physical)',
    database: database ?? '',
    isOurDatabase: isOurs === 't',
    holder: holder ?? null,
    confirmed: lsnFrom(confirmed ?? '') ?? 0n,
    invalid: reason ?? (status === 'lost' ? 'wal_removed' : null),
    walStatus: status ?? '',
    safeBytes: safe == null ? null : Number(safe),
    retainedBytes: Number(retained ?? 0),
    failover: failover === 't',
  }
}

function checkSlot(slot: Slot, name: string, stored: LogPosition | null): void {
  if (slot.plugin !== 'pgoutput' || !slot.isOurDatabase)
    throw refuse(
      'SYNC-2020',
      `The replication slot "${name}" exists already, for plugin ${slot.plugin} and database "${slot.database}".`,
    )
  if (slot.invalid !== null)
    throw refuse(
      'SYNC-2018',
      `The server invalidated the replication slot "${name}" (${slot.invalid}): log that was not read yet is gone.`,
      `SELECT pg_drop_replication_slot(${literal(name)}); then start with a new \`state:\` folder and a full read. To keep it from happening again, raise max_slot_wal_keep_size.`,
    )
  // PostgreSQL 15 and newer would start at the slot's place without a word.
  if (stored !== null && slot.confirmed > stored.lsn)
    throw refuse(
      'SYNC-2017',
      `The replication slot "${name}" is at ${lsnText(slot.confirmed)}, but we have stored changes up to ${lsnText(stored.lsn)} only: those between are lost.`,
      `SELECT pg_drop_replication_slot(${literal(name)}); then start with a new \`state:\` folder and a full read.`,
    )
}

async function createSlot(settings: Settings, link: Link): Promise<bigint> {
  const failover = settings.failover && link.version >= 17 ? ', false, false, true' : ''
  await link.query('SET lock_timeout = 0') // it waits for every transaction that runs now, however long they take
  const row = (
    await link.query(`SELECT lsn FROM pg_create_logical_replication_slot($1, 'pgoutput'${failover})`, [settings.slot])
  )[0]
  return lsnOf(row?.[0] ?? '')
}

/** What a publication leaves out. */
export interface Publication {
  readonly exists: boolean
  readonly all: boolean
  /** What is wrong with it as a whole, as the SET that mends it. */
  readonly wrong: readonly string[]
  /** Our tables that it does not hold. */
  readonly missing: readonly CatalogTable[]
  /** Tables of which it leaves out rows or columns. */
  readonly filtered: readonly { readonly table: CatalogTable; readonly what: string }[]
}

/** Compares the publication with the tables that it has to hold. */
export async function readPublication(
  settings: Settings,
  link: Link,
  tables: readonly CatalogTable[],
): Promise<Publication> {
  const row = (
    await link.query(
      'SELECT puballtables, pubinsert AND pubupdate AND pubdelete AND pubtruncate, pubviaroot FROM pg_publication WHERE pubname = $1',
      [settings.publication],
    )
  )[0]
  if (row === undefined) return { exists: false, all: false, wrong: [], missing: tables, filtered: [] }
  const filters = link.version >= 15 ? 'p.rowfilter IS NOT NULL, p.attnames::text[]' : 'false, NULL'
  const held = await link.query(
    `SELECT p.schemaname, p.tablename, ${filters} FROM pg_publication_tables p WHERE p.pubname = $1`,
    [settings.publication],
  )
  const wrong: string[] = []
  if (row[1] !== 't') wrong.push(`publish = 'insert, update, delete, truncate'`)
  if (row[2] !== 't' && tables.some((table) => table.kind === 'p')) wrong.push('publish_via_partition_root = true')
  const missing: CatalogTable[] = []
  const filtered: { table: CatalogTable; what: string }[] = []
  for (const table of tables) {
    const entry = held.find((candidate) => candidate[0] === table.id.schema && candidate[1] === table.id.table)
    // Without publish_via_partition_root only the partitions are listed.
    if (entry === undefined && (row[2] === 't' || table.kind !== 'p')) missing.push(table)
    if (entry?.[2] === 't') filtered.push({ table, what: 'rows (WHERE)' })
    const columns = entry?.[3]
    if (columns != null) {
      const listed = new Set(
        columns
          .slice(1, -1)
          .split(',')
          .map((name) => name.replace(/^"(.*)"$/, '$1').replaceAll('\\', '')),
      )
      const left = table.columns.filter((column) => !column.generated && !listed.has(column.name))
      if (left.length > 0) filtered.push({ table, what: `columns (${left.map((column) => column.name).join(', ')})` })
    }
  }
  return { exists: true, all: row[0] === 't', wrong, missing, filtered }
}

/** The statements that make the publication right. */
export function publicationSql(settings: Settings, publication: Publication): string[] {
  const name = quoted(settings.publication)
  const list = (tables: readonly CatalogTable[]) => tables.map(forPublication).join(', ')
  if (!publication.exists)
    return [
      `CREATE PUBLICATION ${name} FOR TABLE ${list(publication.missing)} WITH (publish_via_partition_root = true)`,
    ]
  return [
    ...(publication.wrong.length > 0 ? [`ALTER PUBLICATION ${name} SET (${publication.wrong.join(', ')})`] : []),
    ...(publication.missing.length > 0 ? [`ALTER PUBLICATION ${name} ADD TABLE ${list(publication.missing)}`] : []),
  ]
}

/** The statements that publish a table without filters: a filter goes with the table's entry. */
export function unfilterSql(settings: Settings, table: CatalogTable): string {
  const name = quoted(settings.publication)
  return `ALTER PUBLICATION ${name} DROP TABLE ${quotedTable(table.id)}; ALTER PUBLICATION ${name} ADD TABLE ${forPublication(table)};`
}

/** Tables that inherit are other tables to us; partitions come with their root. */
function forPublication(table: CatalogTable): string {
  return table.kind === 'p' ? quotedTable(table.id) : `ONLY ${quotedTable(table.id)}`
}

async function mendPublication(settings: Settings, link: Link, tables: readonly CatalogTable[]): Promise<void> {
  const publication = await readPublication(settings, link, tables)
  const [filtered] = publication.filtered
  if (filtered !== undefined)
    throw refuse(
      'SYNC-2021',
      `The publication "${settings.publication}" leaves out ${filtered.what} of ${filtered.table.name}.`,
      unfilterSql(settings, filtered.table),
    )
  for (const sql of publicationSql(settings, publication)) {
    try {
      await link.query(sql)
    } catch (error) {
      if (!stateOf(error).startsWith('42')) throw error
      const what = publication.exists ? 'does not publish all that is needed' : 'does not exist'
      const why = error instanceof Error ? error.message : String(error)
      throw refuse(
        'SYNC-2021',
        `The publication "${settings.publication}" ${what}, and we may not mend it: ${why}`,
        `${sql};`,
      )
    }
  }
}

/** By table, what a position remembers of it: OIDs of table, publication, and of the table's entry in it. */
export async function coverage(
  settings: Settings,
  link: Link,
  tables: readonly CatalogTable[],
): Promise<LogPosition['tables']> {
  const rows = await link.query(
    `SELECT n.nspname || '.' || c.relname, c.oid || '.' || p.oid || '.' || coalesce(r.oid, 0)
     FROM pg_publication p JOIN pg_publication_tables t ON t.pubname = p.pubname
     JOIN pg_namespace n ON n.nspname = t.schemaname JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = t.tablename
     LEFT JOIN pg_publication_rel r ON r.prpubid = p.oid AND r.prrelid = c.oid WHERE p.pubname = $1`,
    [settings.publication],
  )
  const found = new Map(rows.map(([name, oids]) => [name, oids]))
  const covered: { [table: string]: string } = {}
  for (const { name } of tables) {
    const oids = found.get(name)
    if (oids != null) covered[name] = oids
  }
  return covered
}

/** Tables of which changes were lost between two looks at the publication. */
export function lostTables(before: LogPosition['tables'], now: LogPosition['tables']): Lost[] {
  const lost: Lost[] = []
  for (const [table, oids] of Object.entries(before)) {
    const today = Object.hasOwn(now, table) ? now[table] : undefined
    if (today === oids) continue
    const what =
      today === undefined
        ? 'is no longer in the publication'
        : today.split('.')[0] !== oids.split('.')[0]
          ? 'was dropped and made again'
          : 'was out of the publication for a while'
    lost.push({ table, message: `Table ${table} ${what}: its changes since are not in the log.` })
  }
  return lost
}
