/** Shows that nothing is missing between the stored position and now, or refuses (promise 6): by identity, never by file names. */
import { type FailureCode, failure, SyncError } from '../../model/failure.ts'
import type { Clock } from '../../std/clock.ts'
import type { Gtid } from './binlog/event.ts'
import {
  addGtid,
  containsGtids,
  type GtidList,
  type GtidSet,
  gtidListFrom,
  gtidListText,
  gtidSetFrom,
  gtidSetText,
  hasGtid,
  subtractGtids,
} from './binlog/gtid.ts'
import { isAtLeast, type Link } from './client.ts'
import { comparePlaces, type LastGroup, type LogPosition, type Place } from './position.ts'
import type { Start } from './stream.ts'
import type { GtidsRead } from './transactions.ts'

/** What a server says of itself and of its log. */
export interface ServerFacts {
  readonly flavour: 'mysql' | 'mariadb'
  /** MySQL's `server_uuid`, MariaDB's `server_uid`, or its `server_id` where it has none. */
  readonly identity: string
  /** Every transaction has a GTID. */
  readonly hasGtids: boolean
  /** MySQL: `gtid_executed`. MariaDB: `gtid_binlog_pos`. */
  readonly executed: string
  /** MySQL: `gtid_purged`. */
  readonly purged: string
  /** MariaDB: `gtid_binlog_state`, the last number of each server in each domain. */
  readonly state: string
  /** The end of the log, read after the GTIDs. */
  readonly place: Place
  /** Row events carry the names of columns. */
  readonly named: boolean
  readonly foldsCase: boolean
}

/** Asks the server. Throws a `SyncError` where it keeps no log, or one that we cannot read. */
export async function readFacts(link: Link): Promise<ServerFacts> {
  const wanted =
    "'server_uuid','server_uid','server_id','gtid_mode','gtid_executed','gtid_purged','gtid_binlog_pos','gtid_binlog_state','lower_case_table_names','binlog_row_metadata','binlog_storage_engine'"
  const rows = await link.texts(`SHOW GLOBAL VARIABLES WHERE Variable_name IN (${wanted})`)
  const variables = new Map(rows.map(([name, value]) => [String(name).toLowerCase(), value ?? '']))
  const say = (name: string) => variables.get(name) ?? ''
  const { flavour } = link.server
  if (say('binlog_storage_engine') !== '')
    throw new SyncError(
      failure(
        'SYNC-2006',
        `The server at ${link.place} keeps its log inside InnoDB (binlog_storage_engine), which cannot be read yet.`,
        {
          hint: 'Start the server without binlog_storage_engine.',
        },
      ),
    )
  return {
    flavour,
    identity: say('server_uuid') || say('server_uid') || `server_id ${say('server_id')}`,
    hasGtids: flavour === 'mariadb' || say('gtid_mode') === 'ON',
    executed: (flavour === 'mariadb' ? say('gtid_binlog_pos') : say('gtid_executed')).replace(/\s+/g, ''),
    purged: say('gtid_purged').replace(/\s+/g, ''),
    state: say('gtid_binlog_state'),
    place: await readPlace(link),
    named: say('binlog_row_metadata').toUpperCase() === 'FULL',
    foldsCase: say('lower_case_table_names') !== '0',
  }
}

/** The end of the server's log. Needs REPLICATION CLIENT (MariaDB: BINLOG MONITOR). */
export async function readPlace(link: Link): Promise<Place> {
  const isNew = isAtLeast(link.server, { mysql: [8, 2, 0], mariadb: null })
  const row = (await link.texts(isNew ? 'SHOW BINARY LOG STATUS' : 'SHOW MASTER STATUS'))[0]
  const [file, offset] = row ?? []
  if (file == null || offset == null)
    throw new SyncError(
      failure('SYNC-2007', `The server at ${link.place} keeps no binary log.`, {
        hint: 'Set `log_bin` and `server_id` under [mysqld] in my.cnf, then restart the server.',
      }),
    )
  return { file, offset: BigInt(offset) }
}

/** Where reading begins, and how that is shown to be right. */
export interface Opening {
  readonly from: LogPosition
  readonly start: Start
  /** The transaction that is sent again; null: none is. */
  readonly proof: LastGroup | null
  readonly gtids: GtidsRead | null
  /** To begin with where `start` asks for a transaction that is not there any more; null: nothing else can be tried. */
  readonly otherwise: Start | null
}

/**
 * From now on. MySQL counts a transaction as executed only after it is in the log: what lies between the two would be missed by one who
 * began at the end of the log, and would come later, out of its order, to one who then asks by GTIDs.
 */
export function openNow(facts: ServerFacts, reader: string): Opening {
  const { flavour, identity, executed, place } = facts
  const gtids = facts.hasGtids ? readFrom(flavour, executed) : null
  const start: Start =
    facts.hasGtids && flavour === 'mysql' ? { kind: 'set', gtids: setOf(executed) } : { kind: 'file', ...place }
  const from = {
    flavour,
    server: identity,
    gtids: gtids?.text() ?? null,
    ...place,
    last: null,
    held: {},
    shapes: null,
    edges: [],
    reader,
    row: null,
  }
  return { from, start, proof: null, gtids, otherwise: null }
}

/** How often it is looked, and how long at most, whether transactions still wait for a replica's answer. */
const settle = { every_ms: 10, within_ms: 30_000 }

/**
 * MySQL without GTIDs says nowhere which transactions of its log its engines have committed. Those that semi-synchronous replication holds
 * between the two, it counts: once none waits, all that was in the log before can be seen. A first start from the end of the log would
 * otherwise miss them: behind the log that is read, and not yet in the tables.
 */
export async function untilCommitted(
  { flavour, hasGtids }: ServerFacts,
  link: Link,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  if (flavour === 'mariadb' || hasGtids) return
  const began_ms = clock.mono()
  for (;;) {
    const rows = await link.texts("SHOW GLOBAL STATUS LIKE 'Rpl_semi_sync_%_wait_sessions'")
    if (rows.every(([, count]) => count === '0')) return
    if (clock.mono() - began_ms > settle.within_ms)
      throw refuse(
        'SYNC-2005',
        `The server at ${link.place} holds transactions that wait for a replica's answer, and without GTIDs nobody can tell which.`,
        'Let the replicas of semi-synchronous replication catch up, or switch GTIDs on (gtid_mode = ON).',
      )
    await clock.sleep(settle.every_ms, signal)
  }
}

/** From a stored position on. Throws a `SyncError` where it cannot be shown that nothing is missing. */
export async function openFrom(stored: LogPosition, facts: ServerFacts, link: Link): Promise<Opening> {
  if (stored.flavour !== facts.flavour)
    throw refuse(
      'SYNC-2014',
      `The state was read from ${nameOf(stored.flavour)}, but the server at ${link.place} is ${nameOf(facts.flavour)}.`,
    )
  if (stored.gtids === null || stored.gtids === '') return byFile(stored, facts, link)
  // Its transactions may be anonymous now, which no set of GTIDs can name; its own files go on all the same.
  if (!facts.hasGtids && stored.server === facts.identity) return byFile({ ...stored, gtids: null }, facts, link)
  if (!facts.hasGtids)
    throw refuse(
      'SYNC-2015',
      `The log was read by GTIDs from another server, and at ${link.place} gtid_mode is not ON.`,
      'Switch it on: SET GLOBAL gtid_mode = ON; (step by step, see the manual).',
    )
  return stored.flavour === 'mysql' ? bySet(stored, facts, link) : byList(stored, facts, link)
}

const nameOf = (flavour: 'mysql' | 'mariadb') => (flavour === 'mysql' ? 'MySQL' : 'MariaDB')
const fullRead =
  'To go on with this server nevertheless, start with a new `state:` folder and a full read; `syncline plan` shows what would change at the target before anything is sent.'

function refuse(code: FailureCode, message: string, hint?: string): SyncError {
  return new SyncError(failure(code, message, hint === undefined ? {} : { hint }))
}

/** How long a transaction may be in the log, and sent, before the server counts it as executed: that of semi-synchronous replication. */
const executedWithin_s = 10

/** MySQL. The ids name the server that made them, so that a replica that has them all may take its place. */
async function bySet(stored: LogPosition, facts: ServerFacts, link: Link): Promise<Opening> {
  const read = setOf(stored.gtids as string)
  let executed = setOf(facts.executed)
  if (!containsGtids(executed, read)) {
    const late = gtidSetText(subtractGtids(read, executed))
    const [row] = await link.texts('SELECT WAIT_FOR_EXECUTED_GTID_SET(?, ?)', [late, executedWithin_s])
    if (row?.[0] === '0') executed = read
  }
  if (!containsGtids(executed, read)) throw behind(stored, facts, link, gtidSetText(subtractGtids(read, executed)))
  const purged = setOf(facts.purged)
  const gone = subtractGtids(purged, read)
  if (gone.size > 0)
    throw refuse(
      'SYNC-2032',
      `The server at ${link.place} has deleted its log of transactions that were not read yet: ${shortened(gtidSetText(gone))}.`,
    )
  const all: Start = { kind: 'set', gtids: read }
  const last = stored.last === null ? null : mysqlGtid(stored.last.id)
  const gtids = readFrom('mysql', stored.gtids as string)
  const from = { ...stored, server: facts.identity }
  if (last === null || hasGtid(purged, last)) return { from, start: all, proof: null, gtids, otherwise: null }
  const one: GtidSet = new Map()
  addGtid(one, last)
  const start: Start = { kind: 'set', gtids: subtractGtids(read, one) }
  return { from, start, proof: stored.last, gtids, otherwise: null }
}

/**
 * MariaDB. Anyone's first transaction is 0-1-1, so the ids alone prove nothing: the last transaction is asked for again, and has to carry
 * the time that it had.
 */
async function byList(stored: LogPosition, facts: ServerFacts, link: Link): Promise<Opening> {
  const read = listOf(stored.gtids as string)
  const known = new Map<string, bigint>()
  for (const one of facts.state.split(',').filter((each) => each !== '')) {
    const [domain, server, number] = one.trim().split('-') as [string, string, string]
    known.set(`${domain}-${server}`, BigInt(number))
  }
  const missing = [...read.values()].filter(
    ({ domain, server, number }) => (known.get(`${domain}-${server}`) ?? -1n) < number,
  )
  if (missing.length > 0)
    throw behind(stored, facts, link, gtidListText(new Map(missing.map((each) => [each.domain, each]))))
  const all: Start = { kind: 'list', gtids: gtidListText(read) }
  const isSame = stored.server === facts.identity
  const last = stored.last === null ? undefined : [...listOf(stored.last.id).values()][0]
  const gtids = readFrom('mariadb', stored.gtids as string)
  const from = { ...stored, server: facts.identity }
  if (last === undefined) {
    if (!isSame) throw otherServer(stored, facts, link)
    // Where nothing was logged since, the server would say so, and where its log ends, at the first heartbeat only.
    const [now] = await link.texts('SELECT @@global.gtid_binlog_pos')
    const isAll = gtidListText(listOf((now?.[0] ?? '').replace(/\s+/g, ''))) === gtidListText(read)
    if (isAll) return { from, start: { kind: 'file', ...facts.place }, proof: null, gtids, otherwise: null }
    return { from, start: all, proof: null, gtids, otherwise: null }
  }
  const before = new Map(read)
  if (last.number > 1n) before.set(last.domain, { ...last, number: last.number - 1n })
  else before.delete(last.domain)
  const start: Start = { kind: 'list', gtids: gtidListText(before) }
  // The server itself may have deleted the file whose last transaction that was; another server cannot prove itself without it.
  return { from, start, proof: stored.last, gtids, otherwise: isSame ? all : null }
}

/** Without GTIDs: only the same server's files, as far as they were read. */
async function byFile(stored: LogPosition, facts: ServerFacts, link: Link): Promise<Opening> {
  if (stored.server !== facts.identity) throw otherServer(stored, facts, link)
  const files = await link.texts('SHOW BINARY LOGS')
  const found = files.find(([name]) => name === stored.file)
  const { file, offset } = stored
  if (found === undefined) {
    const isOlder = files.every(([name]) => comparePlaces({ file: String(name), offset: 0n }, { file, offset: 0n }) > 0)
    throw isOlder
      ? refuse('SYNC-2032', `The server at ${link.place} has deleted ${file}, which was read up to ${offset}.`)
      : refuse(
          'SYNC-2015',
          `The log was read up to ${file}:${offset}, but the log of the server at ${link.place} ends in ${facts.place.file}: it was reset, or restored from an older copy.`,
        )
  }
  if (BigInt(found[1] ?? 0) < offset)
    throw refuse(
      'SYNC-2015',
      `The log was read up to ${file}:${offset}, but at ${link.place} this file has ${found[1]} bytes: the server was restored from an older copy.`,
    )
  const begin = stored.last?.at
  const isThere = begin !== undefined && files.some(([name]) => name === begin.file)
  const gtids = stored.gtids === null ? null : readFrom(stored.flavour, stored.gtids)
  if (!isThere) return { from: stored, start: { kind: 'file', file, offset }, proof: null, gtids, otherwise: null }
  // A GTID may have come since: the last transaction is known by where it begins.
  const proof = stored.last
  return {
    from: { ...stored, ...begin },
    start: { kind: 'file', ...begin },
    proof,
    gtids,
    otherwise: null,
  }
}

function behind(stored: LogPosition, facts: ServerFacts, link: Link, missing: string): SyncError {
  const what = `transactions were read that the server at ${link.place} never had (${shortened(missing)})`
  return stored.server === facts.identity
    ? refuse('SYNC-2015', `The server was reset, or restored from an older copy: ${what}.`, fullRead)
    : refuse(
        'SYNC-2014',
        `This is another server than before, and it does not have all that was read: ${what}.`,
        `Point the configuration at the server that this state belongs to, or at a replica that has applied everything. ${fullRead}`,
      )
}

function otherServer(stored: LogPosition, facts: ServerFacts, link: Link): SyncError {
  return refuse(
    'SYNC-2014',
    `The state was read from server ${stored.server}, and the one at ${link.place} is ${facts.identity}; it cannot be shown to hold the same history.`,
    `Point the configuration at the server that this state belongs to. ${fullRead}`,
  )
}

const shortened = (gtids: string) => (gtids.length > 200 ? `${gtids.slice(0, 200)}…` : gtids)

function unreadable(text: string): SyncError {
  return refuse('SYNC-2013', `"${shortened(text)}" is not a set of GTIDs.`)
}

function setOf(text: string): GtidSet {
  const set = gtidSetFrom(text)
  if (set === null) throw unreadable(text)
  return set
}

function listOf(text: string): GtidList {
  const list = gtidListFrom(text)
  if (list === null) throw unreadable(text)
  return list
}

function mysqlGtid(text: string): Extract<Gtid, { flavour: 'mysql' }> | null {
  const [, sid, tag = '', number] = /^([0-9a-f-]{36}):(?:([a-z_]\w*):)?(\d+)$/.exec(text) ?? []
  return sid === undefined || number === undefined ? null : { flavour: 'mysql', sid, tag, number: BigInt(number) }
}

/** The GTIDs read so far, begun with these. */
export function readFrom(flavour: 'mysql' | 'mariadb', text: string): GtidsRead {
  if (flavour === 'mariadb') {
    const list = listOf(text)
    return {
      add(gtid) {
        if (gtid.flavour === 'mariadb') list.set(gtid.domain, gtid)
      },
      text: () => gtidListText(list),
    }
  }
  const set = setOf(text)
  return {
    add(gtid) {
      if (gtid.flavour === 'mysql') addGtid(set, gtid)
    },
    text: () => gtidSetText(set),
  }
}
