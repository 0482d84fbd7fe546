/** What the addresses of SQL servers have in common: parts that are written with %XX, and when a connection is encrypted. */
import { isIP } from 'node:net'
import { type Static, Type } from 'typebox'

/** The option `tls:` of a system. */
export const tlsSchema = Type.Object(
  {
    mode: Type.Optional(
      Type.Union([Type.Literal('verify'), Type.Literal('no-verify'), Type.Literal('off')], {
        description:
          'verify: the certificate and the host name are checked. no-verify: encrypted, but anybody can pose as the server. off: in clear. Default: verify, except on this very machine: off.',
      }),
    ),
    ca: Type.Optional(
      Type.String({
        description:
          'Certificates of the authorities to trust, as PEM text. Name a file with the file: form of a reference.',
      }),
    ),
  },
  { additionalProperties: false },
)

/** How a connection is to be encrypted, as far as it was said. */
export type TlsOptions = Readonly<Static<typeof tlsSchema>>

/** How it is encrypted. */
export type Tls = {
  /** Whether the certificate has to be one of a known authority, for this host. */
  readonly rejectUnauthorized: boolean
  readonly ca?: string
}

/**
 * How a connection to this host is encrypted; null: not at all, which without a word is so on this very machine alone.
 * @param host A name, an address, or the path of a socket.
 * @param fromUrl What the URL says; the option stands above it.
 */
export function tlsOf(tls: TlsOptions, host: string, fromUrl: TlsOptions['mode']): Tls | null {
  const isLocal =
    host.startsWith('/') || host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
  const mode = tls.mode ?? fromUrl ?? (isLocal && tls.ca === undefined ? 'off' : 'verify')
  if (mode === 'off') return null
  return { rejectUnauthorized: mode === 'verify', ...(tls.ca === undefined ? {} : { ca: tls.ca }) }
}

/** A part of a URL as it was meant; one that is no valid %XX stands as it is. */
export function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}
