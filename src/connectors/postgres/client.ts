/** Connections to PostgreSQL: sign-in, session settings, plain queries, COPY, and what an error of the server means for us. */
import pg from 'pg'
import { type FailureCode, failure, SyncError } from '../../model/failure.ts'
import { forbiddenHost } from '../../std/address.ts'
import type { Clock } from '../../std/clock.ts'
import { decoded, type TlsOptions, tlsOf } from '../sql/address.ts'
import type { Settings } from './options.ts'

/** One row of an answer, every column as text. */
export type TextRow = readonly (string | null)[]

/** One connection. Statements run one after the other. */
export interface Link {
  /** The major version of the server: 14, 15, … */
  readonly version: number
  /** Runs one statement with `$1` parameters, or several without; the rows of the last one. Throws `SyncError`. */
  query(sql: string, values?: readonly (string | null | readonly string[])[]): Promise<TextRow[]>
  /** Runs `COPY … TO STDOUT`; `onRow` gets the bytes of one line, valid only until it returns. */
  copy(sql: string, onRow: (line: Buffer) => void): Promise<void>
  /** Starts `START_REPLICATION`; `onMessage` gets each message, valid only until it returns. Rejects when the stream ends. */
  stream(command: string, onMessage: (bytes: Buffer) => void): Promise<never>
  /** Sends a message up the replication stream. */
  send(bytes: Buffer): void
  /** Stops reading from the socket, so that the server has to wait. */
  pause(): void
  resume(): void
  /** Whether it can still be used. */
  alive(): boolean
  /** Ends the session politely, by force after a second. */
  close(): Promise<void>
  /** Cuts the connection now. */
  destroy(): void
}

/** A quoted identifier. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** A quoted literal; `standard_conforming_strings` is on in our sessions. */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

/**
 * What makes values exact and the same on every connection. SQL_ASCII databases know no encoding: their bytes come as they
 * are and are judged by us, where the server itself would fail the whole query.
 */
const sessionSql = `
  SET datestyle = 'ISO, YMD'; SET intervalstyle = postgres; SET timezone = 'UTC'; SET extra_float_digits = 3;
  SET bytea_output = hex; SET standard_conforming_strings = on; SET search_path = pg_catalog, public;
  SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0; SET lock_timeout = '10s';
  SET default_transaction_read_only = off; SET synchronous_commit = local; SET row_security = off;
  SELECT set_config('client_encoding', CASE current_setting('server_encoding') WHEN 'SQL_ASCII' THEN 'SQL_ASCII' ELSE 'UTF8' END, false),
    current_setting('server_version_num')`

const versionMin = 14
const closeWithin_ms = 1_000
const textParser = { getTypeParser: () => (text: string) => text } as unknown as pg.CustomTypesConfig

/** Opens a connection. Throws `SyncError` (SYNC-2002 to 2006), or the signal's reason. */
export async function connect(
  settings: Settings,
  clock: Clock,
  replication: boolean,
  signal: AbortSignal,
): Promise<Link> {
  signal.throwIfAborted()
  const config = connectionConfig(settings)
  const place = `${config.host}:${config.port}`
  // `replication` is read by pg but missing in its types.
  const client = new pg.Client({
    ...config,
    types: textParser,
    ...(replication ? { replication: 'database' } : {}),
  } as pg.ClientConfig)
  let lost: Error | null = null
  client.on('error', (error) => {
    lost ??= error
  })
  client.on('end', () => {
    lost ??= new Error('the connection ended')
  })
  const destroy = () => {
    lost ??= new Error('the connection was closed')
    client.connection.stream.destroy()
  }
  signal.addEventListener('abort', destroy, { once: true })
  try {
    await client.connect()
    const link = linkOf(client, clock, place, destroy, () => lost === null)
    const answer = (await link.query(sessionSql))[0]
    const version = Math.floor(Number(answer?.[1]) / 10_000)
    if (version < versionMin) {
      throw new SyncError(
        failure('SYNC-2006', `PostgreSQL ${version} at ${place} is too old to be captured; 14 or newer is needed.`),
      )
    }
    return { ...link, version }
  } catch (error) {
    destroy()
    signal.throwIfAborted()
    throw errorOf(error, place)
  } finally {
    signal.removeEventListener('abort', destroy)
  }
}

function linkOf(
  client: pg.Client,
  clock: Clock,
  place: string,
  destroy: () => void,
  alive: () => boolean,
): Omit<Link, 'version'> {
  const socket = client.connection.stream
  return {
    async query(sql, values) {
      try {
        const answer = await client.query({ text: sql, rowMode: 'array', ...(values ? { values: [...values] } : {}) })
        // Several statements in one text give one answer each.
        const last = Array.isArray(answer) ? answer.at(-1) : answer
        return last.rows as TextRow[]
      } catch (error) {
        throw errorOf(error, place)
      }
    },
    copy: (sql, onRow) => exchange(client, place, sql, onRow, destroy),
    async stream(command, onMessage) {
      await exchange(client, place, command, onMessage, destroy)
      throw new SyncError(failure('SYNC-2005', `The server at ${place} ended the replication stream.`))
    },
    // Connection.sendCopyFromChunk is public in pg but missing in its types.
    send: (bytes) => (client.connection as unknown as { sendCopyFromChunk(b: Buffer): void }).sendCopyFromChunk(bytes),
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    alive,
    async close() {
      if (!alive()) return destroy()
      const late = new AbortController()
      await Promise.race([client.end().catch(() => {}), clock.sleep(closeWithin_ms, late.signal).catch(() => {})])
      late.abort()
      destroy()
    },
    destroy,
  }
}

/** Runs a statement that answers with COPY data. An error thrown by `onData` cuts the connection and is passed on. */
function exchange(
  client: pg.Client,
  place: string,
  sql: string,
  onData: (bytes: Buffer) => void,
  destroy: () => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let failed: unknown
    const ignore = () => {}
    client.query({
      callback: ignore,
      submit: (connection: pg.Connection) => connection.query(sql),
      handleCopyData(message: { chunk: Buffer }) {
        if (failed !== undefined) return
        try {
          onData(message.chunk)
        } catch (error) {
          failed = error
          reject(error)
          destroy()
        }
      },
      handleError(error: unknown) {
        failed ??= error
        reject(errorOf(error, place))
      },
      handleCommandComplete: ignore,
      handleRowDescription: ignore,
      handleDataRow: ignore,
      handleEmptyQuery: ignore,
      handleReadyForQuery: () => resolve(),
    } as unknown as pg.Submittable)
  })
}

type ConnectionConfig = pg.ClientConfig & { readonly host: string; readonly port: number }

const urlParameters = new Set(['sslmode', 'application_name', 'host'])

/** Takes the URL apart ourselves: pg lets parameters of the URL override the TLS rules that were decided here. */
function connectionConfig(settings: Settings): ConnectionConfig {
  const wrong = (what: string) =>
    new SyncError(
      failure('SYNC-2001', `The \`url:\` of a PostgreSQL system ${what}.`, {
        hint: 'Write it as postgres://user:password@host:5432/database, with special characters of the password as %XX.',
      }),
    )
  const text = typeof settings.url === 'string' ? settings.url : settings.url.reveal()
  const url = URL.parse(text)
  if (url === null) throw wrong('cannot be read')
  if (url.protocol !== 'postgres:' && url.protocol !== 'postgresql:') throw wrong('does not begin with postgres://')
  const unknown = [...url.searchParams.keys()].find((name) => !urlParameters.has(name))
  if (unknown !== undefined) throw wrong(`has the parameter "${unknown}", which is not known`)
  const host = url.searchParams.get('host') ?? (decoded(url.hostname).replace(/^\[(.*)\]$/, '$1') || 'localhost')
  // Again here: a rotated secret may hold another address than the one that was checked when the configuration was read.
  const forbidden = forbiddenHost(host)
  if (forbidden !== null) throw wrong(`names a host that is not allowed: ${forbidden}`)
  const user = decoded(url.username)
  const database = decoded(url.pathname.slice(1))
  if (user === '' || database === '') throw wrong(user === '' ? 'names no user' : 'names no database')
  return {
    host,
    port: Number(url.port || 5432),
    user,
    password: decoded(url.password),
    database,
    application_name: url.searchParams.get('application_name') ?? 'syncline',
    ssl: tlsOf(settings.tls, host, modeOf(url.searchParams.get('sslmode'))) ?? false,
    connectionTimeoutMillis: settings.connectTimeout_ms,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
  }
}

/** libpq's own words for `sslmode`, as far as they differ here: whoever asks for encryption gets it verified. */
function modeOf(sslmode: string | null): TlsOptions['mode'] {
  if (sslmode === null) return undefined
  return sslmode === 'disable' ? 'off' : sslmode === 'no-verify' ? 'no-verify' : 'verify'
}

/** SQLSTATE, or its class, to the failure it means. https://www.postgresql.org/docs/current/errcodes-appendix.html */
const codes: { readonly [state: string]: FailureCode } = {
  '28': 'SYNC-2003',
  '3D000': 'SYNC-2003',
  '42501': 'SYNC-2008',
  '42P01': 'SYNC-2009',
  '53300': 'SYNC-2024',
  '53400': 'SYNC-2024',
  '55006': 'SYNC-2019',
  '57P01': 'SYNC-2005',
  '57P02': 'SYNC-2005',
  '57P03': 'SYNC-2002',
  '08': 'SYNC-2005',
}

const unreachable = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ETIMEDOUT',
  'ENOENT',
])

/** The `SyncError` that an error of pg, TLS or the socket means. The server's own words are kept; parameters never are. */
function errorOf(error: unknown, place: string): SyncError {
  if (error instanceof SyncError) return error
  const { code = '', message = String(error) } = error as { code?: string; message?: string }
  const said = message.length > 500 ? `${message.slice(0, 500)}…` : message
  const cause = { cause: error }
  const make = (kind: FailureCode, text: string) => new SyncError(failure(kind, text), [], cause)
  // The words are the only sign of a slot that is gone for good: 14 to 16, 17, 18.
  if (/can no longer (get|access)|has been invalidated|cannot copy invalidated/.test(said))
    return make('SYNC-2018', `PostgreSQL at ${place}: ${said}.`)
  const kind = codes[code] ?? codes[code.slice(0, 2)]
  if (kind !== undefined && code.length === 5) return make(kind, `PostgreSQL at ${place}: ${said} (${code}).`)
  if (unreachable.has(code) || said === 'timeout expired') return make('SYNC-2002', `PostgreSQL at ${place}: ${said}.`)
  if (/^ERR_TLS|CERT|SELF_SIGNED|UNABLE_TO/.test(code) || /SSL connection|SSL alert|does not support SSL/.test(said))
    return make('SYNC-2004', `PostgreSQL at ${place}: ${said}.`)
  if (/^[0-9A-Z]{5}$/.test(code)) return make('SYNC-2028', `PostgreSQL at ${place}: ${said} (${code}).`)
  return make('SYNC-2005', `The connection to PostgreSQL at ${place} was lost: ${said}.`)
}

/** The SQLSTATE behind a failure, where the server gave one. */
export function stateOf(error: unknown): string {
  const cause = error instanceof SyncError ? error.cause : error
  const code = (cause as { code?: unknown } | null | undefined)?.code
  return typeof code === 'string' ? code : ''
}
