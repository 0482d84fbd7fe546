/** The address of a server: the `url:` of a system, taken apart. */
import { failure, SyncError } from '../../model/failure.ts'
import { forbiddenHost } from '../../std/address.ts'
import { decoded, type Tls, type TlsOptions, tlsOf } from '../sql/address.ts'
import type { Settings } from './options.ts'

/** Where the server is, who we are, and how the connection is encrypted. */
export type Address = {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
  readonly database: string
  readonly ssl: (Tls & { readonly verifyIdentity: boolean }) | null
}

/** MySQL's own words for `ssl-mode`, where the URL carries one. */
const sslModes: { readonly [mode: string]: TlsOptions['mode'] } = {
  DISABLED: 'off',
  PREFERRED: undefined,
  REQUIRED: 'no-verify',
  VERIFY_CA: 'verify',
  VERIFY_IDENTITY: 'verify',
}

/**
 * Takes the URL apart ourselves: mysql2 would let its parameters override what was decided here. Throws a `SyncError` (SYNC-2001), and
 * never shows the URL: it carries the password.
 */
export function addressOf(settings: Settings): Address {
  const wrong = (what: string) =>
    new SyncError(
      failure('SYNC-2001', `The \`url:\` of a MySQL system ${what}.`, {
        hint: 'Write it as mysql://user:password@host:3306/database, with special characters of the password as %XX.',
      }),
    )
  const text = typeof settings.url === 'string' ? settings.url : settings.url.reveal()
  const url = URL.parse(text)
  if (url === null) throw wrong('cannot be read')
  if (url.protocol !== 'mysql:' && url.protocol !== 'mariadb:') throw wrong('does not begin with mysql://')
  const unknown = [...url.searchParams.keys()].find((name) => name !== 'ssl-mode')
  if (unknown !== undefined) throw wrong(`has the parameter "${unknown}", which is not known`)
  const host = decoded(url.hostname).replace(/^\[(.*)\]$/, '$1') || 'localhost'
  // Again here: a rotated secret may hold another address than the one that was checked when the configuration was read.
  const forbidden = forbiddenHost(host)
  if (forbidden !== null) throw wrong(`names a host that is not allowed: ${forbidden}`)
  const user = decoded(url.username)
  if (user === '') throw wrong('names no user')
  const mode = url.searchParams.get('ssl-mode')?.toUpperCase()
  if (mode !== undefined && !Object.hasOwn(sslModes, mode))
    throw wrong(`has the ssl-mode "${mode}", which is not known`)
  const tls = tlsOf(settings.tls, host, mode === undefined ? undefined : sslModes[mode])
  return {
    host,
    port: Number(url.port || 3306),
    user,
    password: decoded(url.password),
    database: decoded(url.pathname.slice(1)),
    // mysql2 looks at the name only where it is told so.
    ssl: tls === null ? null : { ...tls, verifyIdentity: tls.rejectUnauthorized },
  }
}
