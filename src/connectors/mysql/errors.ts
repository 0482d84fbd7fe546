/** What an error of the server, of mysql2, TLS or the socket means for us. */
import { type FailureCode, failure, SyncError } from '../../model/failure.ts'
import { ProtocolError } from './wire.ts'

/**
 * The server's error numbers to the failure they mean.
 * Sources: dev.mysql.com "Server Error Message Reference", mariadb.com/kb "MariaDB Error Codes".
 */
const codes: ReadonlyMap<number, FailureCode> = new Map<number, FailureCode>([
  [1040, 'SYNC-2002'], // too many connections
  [1203, 'SYNC-2002'], // too many connections of this user
  [1226, 'SYNC-2002'], // a limit of this user is reached
  [1053, 'SYNC-2002'], // the server shuts down
  [1045, 'SYNC-2003'], // access denied (password)
  [1698, 'SYNC-2003'], // access denied (plugin)
  [1130, 'SYNC-2003'], // this host may not connect
  [1129, 'SYNC-2003'], // this host is blocked after many errors
  [1049, 'SYNC-2003'], // unknown database
  [1251, 'SYNC-2003'], // the server wants a way to sign in that is too old
  [1524, 'SYNC-2003'], // an authentication plugin is not loaded
  [1820, 'SYNC-2003'], // the password has to be changed first
  [1862, 'SYNC-2003'], // the password has expired
  [3118, 'SYNC-2003'], // the account is locked
  [4151, 'SYNC-2003'], // the account is locked (MariaDB)
  [3159, 'SYNC-2004'], // require_secure_transport
  [1152, 'SYNC-2005'], // aborted connection
  [1927, 'SYNC-2005'], // the connection was killed (MariaDB)
  [3169, 'SYNC-2005'], // the session was killed
  [4031, 'SYNC-2005'], // disconnected because of inactivity
  [1044, 'SYNC-2008'], // access to the database denied
  [1142, 'SYNC-2008'], // a statement on a table denied
  [1143, 'SYNC-2008'], // a statement on a column denied
  [1227, 'SYNC-2008'], // a global privilege is missing
  [1054, 'SYNC-2009'], // unknown column
  [1146, 'SYNC-2009'], // no such table
])

const unreachable = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'ETIMEDOUT'])

/**
 * The `SyncError` that an error means. The server's own words are kept; passwords and statements never are. Errors of our own
 * code pass unchanged.
 */
export function errorOf(error: unknown, place: string): Error {
  if (error instanceof SyncError) return error
  if (!(error instanceof Error)) return new Error(String(error))
  const { code = '', errno = 0, message } = error as { code?: string; errno?: number; message: string }
  const said = message.length > 500 ? `${message.slice(0, 500)}…` : message.replace(/\.$/, '')
  const make = (kind: FailureCode, text: string) => new SyncError(failure(kind, text), [], { cause: error })
  const kind = codes.get(errno)
  if (kind !== undefined) return make(kind, `The server at ${place}: ${said} (${errno}).`)
  if (code === 'ADDRESS_REFUSED') return make('SYNC-2001', `The server at ${place}: ${said}.`)
  if (code.startsWith('HANDSHAKE_') || /^ERR_TLS|^ERR_SSL|CERT|SELF_SIGNED|UNABLE_TO/.test(code))
    return make('SYNC-2004', `The server at ${place}: ${said}.`)
  if (code.startsWith('AUTH_')) return make('SYNC-2003', `The server at ${place}: ${said}.`)
  if (unreachable.has(code)) return make('SYNC-2002', `The server at ${place}: ${said}.`)
  if (errno >= 1000) return make('SYNC-2028', `The server at ${place}: ${said} (${errno}).`)
  if (error instanceof ProtocolError || isOfConnection(error, code))
    return make('SYNC-2005', `The connection to the server at ${place} was lost: ${said}.`)
  return error
}

/** Errors of sockets have a code and a system call; mysql2 marks its own as fatal, and with them whatever a callback threw. */
function isOfConnection(error: Error, code: string): boolean {
  if (code.startsWith('PROTOCOL_') || code.startsWith('E')) return true
  return /connection (was closed|ended)|closed the connection|closed state|Connection lost/i.test(error.message)
}

/** The server's error number behind a failure, where it gave one; else 0. */
export function numberOf(error: unknown): number {
  const cause = error instanceof SyncError ? error.cause : error
  const errno = (cause as { errno?: unknown } | null | undefined)?.errno
  return typeof errno === 'number' && errno >= 1000 ? errno : 0
}
