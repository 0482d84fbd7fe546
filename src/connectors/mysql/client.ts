/** Connections to MySQL and MariaDB: sign-in, session settings, queries with values as bytes, and what an error means for us. */
import { connect as connectSocket, type Socket } from 'node:net'
import mysql from 'mysql2'
import { failure, SyncError } from '../../model/failure.ts'
import { guardedLookup } from '../../std/address.ts'
import type { Clock } from '../../std/clock.ts'
import { addressOf } from './address.ts'
import { errorOf, numberOf } from './errors.ts'
import type { Settings } from './options.ts'
import { type Cells, exchange, ProtocolError, type RawConnection, runQuery } from './wire.ts'

/** What runs at the other end. */
export interface Server {
  readonly flavour: 'mysql' | 'mariadb'
  /** `@@version`: `10.11.6-MariaDB-log`. */
  readonly text: string
  /** Major, minor, patch. */
  readonly version: readonly [number, number, number]
}

/** One row of an answer as text. */
export type TextRow = readonly (string | null)[]

/** One connection. Commands run one after the other. */
export interface Link {
  readonly server: Server
  /** `host:port`, for messages. */
  readonly place: string
  /** The connection's number at the server: `KILL <id>`. */
  readonly id: number
  /** Runs one statement; each `?` stands for the next of `values`, quoted. Cells are the bytes of their text in UTF-8. Throws `SyncError`. */
  query(sql: string, values?: readonly (string | number | null)[]): Promise<Cells[]>
  /** The same as text, for what is text: catalog, variables, status. */
  texts(sql: string, values?: readonly (string | number | null)[]): Promise<TextRow[]>
  /**
   * The same, row by row. While a promise that `onRow` returned is pending, nothing is read from the socket and the server has to
   * wait, up to `netWriteTimeout_ms`. What `onRow` throws cuts the connection and is passed on. Before the first row `onColumn` gets what
   * the answer says of each column; its bytes are valid only until it returns.
   */
  stream(
    sql: string,
    onRow: (cells: Cells) => void | Promise<void>,
    onColumn?: (definition: Buffer) => void,
  ): Promise<void>
  /**
   * Sends one command, its first byte the command's number, and gives each packet of the answer to `onPacket`, which returns true
   * at the last: COM_REGISTER_SLAVE, COM_BINLOG_DUMP. Its bytes are valid only until it returns. There is no limit to its silence.
   */
  exchange(payload: Buffer, onPacket: (bytes: Buffer) => boolean): Promise<void>
  /** Stops reading from the socket, so that the server has to wait. At most one read of the socket (64 KiB) is still kept. */
  pause(): void
  resume(): void
  /** mysql2's own connection. */
  readonly raw: RawConnection
  /** Whether it can still be used. */
  alive(): boolean
  /** Ends the session politely, by force after a second. */
  close(): Promise<void>
  /** Cuts the connection now. */
  destroy(): void
}

/** A quoted identifier. */
export function quoted(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``
}

/** A quoted text; NO_BACKSLASH_ESCAPES is on in our sessions. */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

/** Whether the server is at least this version of its flavour; `null`: that flavour never is. */
export function isAtLeast(
  { flavour, version }: Server,
  least: Readonly<Record<Server['flavour'], readonly number[] | null>>,
): boolean {
  const wanted = least[flavour]
  if (wanted === null) return false
  for (let i = 0; i < 3; i++) {
    const difference = (version[i] as number) - (wanted[i] ?? 0)
    if (difference !== 0) return difference > 0
  }
  return true
}

const closeWithin_ms = 1_000
const keepAliveDelay_ms = 10_000
/** Of these, MariaDB 10.3 is the first with check constraints in its catalog, which tell JSON columns. */
const oldest = { mysql: [5, 7], mariadb: [10, 3] } as const

/** Opens a connection. Throws `SyncError` (SYNC-2001 to 2006), or the signal's reason. */
export async function connect(settings: Settings, clock: Clock, signal: AbortSignal): Promise<Link> {
  signal.throwIfAborted()
  const { host, port, user, password, database, ssl } = addressOf(settings)
  const place = `${host}:${port}`
  const socket = socketTo(host, port)
  const raw = mysql.createConnection({
    host,
    port,
    user,
    password,
    ...(database === '' ? {} : { database }),
    stream: socket,
    ...(ssl === null ? {} : { ssl }),
    charset: 'utf8mb4_bin',
    connectTimeout: 0, // the clock's
    // LOCAL_FILES would let the server ask for our files; the others change what packets look like.
    flags: ['-LOCAL_FILES', '-CLIENT_QUERY_ATTRIBUTES', '-SESSION_TRACK', '-ODBC', '-IGNORE_SPACE', '-FOUND_ROWS'],
    connectAttributes: { program_name: 'syncline' },
    trace: false,
  } as mysql.ConnectionOptions) as unknown as RawConnection
  let lost: Error | null = null
  const lose = (error: Error) => {
    lost ??= error
  }
  raw.on('error', lose)
  raw.on('end', () => lose(new Error('the connection ended')))
  const destroy = () => {
    lose(new Error('the connection was closed'))
    raw.stream.destroy()
    socket.destroy()
  }
  const late = new AbortController()
  signal.addEventListener('abort', destroy, { once: true })
  try {
    await Promise.race([
      signedIn(raw, socket),
      clock.sleep(settings.connectTimeout_ms, late.signal).then(() => {
        throw Object.assign(new Error(`no answer for ${settings.connectTimeout_ms} ms`), { code: 'ETIMEDOUT' })
      }),
    ])
    const link = linkOf(raw, clock, settings, place, destroy, () => lost === null)
    const server = await setUp(link, settings)
    return { ...link, server }
  } catch (error) {
    destroy()
    signal.throwIfAborted()
    throw errorOf(error, place)
  } finally {
    late.abort()
    signal.removeEventListener('abort', destroy)
  }
}

function signedIn(raw: RawConnection, socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    raw.once('connect', resolve)
    raw.on('error', reject)
    socket.once('close', () => reject(new Error('the server closed the connection')))
  })
}

function socketTo(host: string, port: number): Socket {
  const lookup = guardedLookup({ loopbackOnly: false, resolve: undefined })
  const socket = connectSocket({
    host,
    port,
    lookup,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: keepAliveDelay_ms,
  })
  // node:tls compares the certificate with this name; it knows none itself where `host` is an address.
  return Object.assign(socket, { _host: host })
}

function linkOf(
  raw: RawConnection,
  clock: Clock,
  settings: Settings,
  place: string,
  destroy: () => void,
  alive: () => boolean,
): Omit<Link, 'server'> {
  let isPaused = false
  const pause = () => {
    isPaused = true
    raw.pause()
  }
  const resume = () => {
    isPaused = false
    raw.resume()
  }
  /** After an error that is not the server's answer nobody knows what the next packet belongs to. */
  const broken = (error: unknown): Error => {
    if (numberOf(error) === 0) destroy()
    return errorOf(error, place)
  }
  /** Runs a command that must not be silent for long while we listen. */
  const watched = async (work: (heard: () => void) => Promise<void>): Promise<void> => {
    const over = new AbortController()
    let heard_ms = clock.mono()
    const listen = () => {
      heard_ms = clock.mono()
    }
    const silence = async () => {
      for (;;) {
        if (isPaused) listen()
        const left_ms = heard_ms + settings.queryTimeout_ms - clock.mono()
        if (left_ms <= 0) throw new ProtocolError(`no answer for ${settings.queryTimeout_ms} ms`)
        await clock.sleep(left_ms, over.signal)
      }
    }
    try {
      await Promise.race([work(listen), silence()])
    } catch (error) {
      throw broken(error)
    } finally {
      over.abort()
    }
  }
  const query: Link['query'] = async (sql, values) => {
    const text = values === undefined ? sql : filled(sql, values)
    const rows: Cells[] = []
    await watched((heard) =>
      runQuery(raw, text, (cells) => {
        heard()
        rows.push(cells)
      }),
    )
    return rows
  }
  return {
    place,
    id: raw.threadId,
    raw,
    query,
    texts: async (sql, values) =>
      (await query(sql, values)).map((cells) => cells.map((cell) => cell?.toString() ?? null)),
    stream: (sql, onRow, onColumn) =>
      watched((heard) => streamed(raw, sql, { onRow, onColumn }, heard, { pause, resume, destroy })),
    async exchange(payload, onPacket) {
      try {
        await exchange(raw, payload, onPacket)
      } catch (error) {
        throw broken(error)
      }
    },
    pause,
    resume,
    alive,
    async close() {
      if (!alive()) return destroy()
      const late = new AbortController()
      const ended = new Promise<void>((done) => raw.end(() => done()))
      await Promise.race([ended, clock.sleep(closeWithin_ms, late.signal).catch(() => {})])
      late.abort()
      destroy()
    },
    destroy,
  }
}

async function streamed(
  raw: RawConnection,
  sql: string,
  to: { readonly onRow: Parameters<Link['stream']>[1]; readonly onColumn: Parameters<Link['stream']>[2] },
  heard: () => void,
  flow: Pick<Link, 'pause' | 'resume' | 'destroy'>,
): Promise<void> {
  let failed: unknown
  let waiting: Promise<void> | null = null
  const take = (cells: Cells) => {
    heard()
    const pending = to.onRow(cells)
    if (pending === undefined) return
    flow.pause()
    waiting = pending.then(flow.resume, (error) => {
      failed = error
      flow.destroy()
    })
  }
  await runQuery(raw, sql, take, to.onColumn).catch((error) => {
    throw failed ?? error
  })
  await waiting // the last row may still be on its way
  if (failed !== undefined) throw failed
}

function filled(sql: string, values: readonly (string | number | null)[]): string {
  let next = 0
  const text = sql.replaceAll('?', () => {
    const value = values[next++]
    if (value === undefined) throw new RangeError('fewer values than question marks in a query')
    return value === null ? 'NULL' : typeof value === 'number' ? String(value) : literal(value)
  })
  if (next !== values.length) throw new RangeError('more values than question marks in a query')
  return text
}

/** Makes values exact and the same on every connection, whatever the server's own settings are. */
async function setUp(link: Omit<Link, 'server'>, settings: Settings): Promise<Server> {
  const server = serverOf((await link.texts('SELECT VERSION()'))[0]?.[0] ?? '')
  if (!isAtLeast(server, oldest))
    throw new SyncError(
      failure(
        'SYNC-2006',
        `The server at ${link.place} is ${server.text}, which is too old to be captured; MySQL 5.7 or MariaDB 10.3 is needed.`,
      ),
    )
  const netWriteTimeout_s = Math.ceil(settings.netWriteTimeout_ms / 1_000)
  await link.query('SET NAMES utf8mb4 COLLATE utf8mb4_bin')
  await link.query('SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ')
  const variables = [
    "sql_mode = 'NO_BACKSLASH_ESCAPES'", // quoting by '' alone; zero dates may be compared; blanks of CHAR are not shown
    "time_zone = '+00:00'",
    'autocommit = 1',
    'sql_quote_show_create = 1',
    'sql_select_limit = 18446744073709551615',
    'sql_big_selects = 1',
    'sql_safe_updates = 0',
    `net_write_timeout = ${netWriteTimeout_s}`,
    'net_read_timeout = 600',
    'wait_timeout = 86400',
    'lock_wait_timeout = 10',
    server.flavour === 'mariadb' ? 'max_statement_time = 0' : 'max_execution_time = 0',
    // The log carries generated invisible keys, and so must the catalog.
    ...(isAtLeast(server, { mysql: [8, 0, 30], mariadb: null })
      ? ['show_gipk_in_create_table_and_information_schema = 1']
      : []),
  ]
  await link.query(`SET ${variables.map((each) => `SESSION ${each}`).join(', ')}`)
  return server
}

/** What `VERSION()` says. Servers of others that speak this protocol carry their name in it. */
export function serverOf(text: string): Server {
  const [, major, minor, patch] = /^(?:5\.5\.5-)?(\d+)\.(\d+)(?:\.(\d+))?/.exec(text) ?? []
  const other = /tidb|vitess|oceanbase|singlestore|memsql|clickhouse|doris|starrocks/i.exec(text)?.[0]
  if (major === undefined || other !== undefined)
    throw new SyncError(
      failure('SYNC-2006', `The server calls itself "${text.slice(0, 100)}"; MySQL or MariaDB is needed.`),
    )
  return {
    flavour: /mariadb/i.test(text) ? 'mariadb' : 'mysql',
    text,
    version: [Number(major), Number(minor), Number(patch ?? 0)],
  }
}

/** The database that the `url:` names; empty where it names none. Throws `SyncError` (SYNC-2001). */
export function databaseOf(settings: Settings): string {
  return addressOf(settings).database
}
