import { lookup as systemLookup } from 'node:dns'
import { BlockList, isIP, type LookupFunction } from 'node:net'

/** All addresses of a name. */
export type Resolve = (name: string) => Promise<readonly { readonly address: string; readonly family: number }[]>

/** Link-local addresses, also where IPv6 carries an IPv4 one: compatible, translated, NAT64 (RFC 4291, 2765, 6052); mapped ones are seen through. */
function linkLocalAddresses(): BlockList {
  const list = new BlockList()
  list.addSubnet('169.254.0.0', 16, 'ipv4')
  list.addSubnet('fe80::', 10, 'ipv6')
  for (const prefix of ['::a9fe:0', '::ffff:0:a9fe:0', '64:ff9b::a9fe:0']) list.addSubnet(prefix, 112, 'ipv6')
  return list
}

/** Metadata services that are not link-local: Amazon's over IPv6, Alibaba's. */
function metadataAddresses(): BlockList {
  const list = new BlockList()
  list.addAddress('fd00:ec2::254', 'ipv6')
  list.addAddress('100.100.100.200', 'ipv4')
  return list
}

const metadataNames: ReadonlySet<string> = new Set(['metadata.google.internal', 'metadata', 'instance-data'])

/**
 * The host as HTTP reads it, without brackets and the zone of IPv6: `0xA9FEA9FE`, `2852039166` and `169.254.43518` all are
 * 169.254.169.254. `undefined` where it is none.
 */
export function plainHost(host: string): string | undefined {
  const bare = host.replace(/^\[(.*)\]$/, '$1').replace(/^([\da-f.]*:[\da-f:.]*)%.*$/i, '$1')
  const read = URL.parse(`http://${isIP(bare) === 6 ? `[${bare}]` : bare}`)
  return read === null || read.host !== read.hostname ? undefined : read.hostname.replace(/^\[(.*)\]$|\.$/, '$1')
}

/**
 * Why no connector may ever reach this host (a name, or an address in any notation), or null. Behind link-local addresses clouds
 * keep their metadata services, and thereby the machine's credentials. Addresses are refused as literals and, by
 * `guardedLookup`, after name resolution at the moment of connecting, so that a name cannot change its mind in between.
 * Source: OWASP ASVS 5.0, 1.3.6.
 */
export function forbiddenHost(host: string): string | null {
  const plain = plainHost(host)
  if (plain === undefined) return null
  if (metadataNames.has(plain)) return `${plain} serves the credentials of the machine`
  if (isIP(plain) === 0) return null
  const family = isIP(plain) === 6 ? 'ipv6' : 'ipv4'
  if (linkLocalAddresses().check(plain, family)) return `${plain} is a link-local address`
  if (metadataAddresses().check(plain, family)) return `${plain} serves the credentials of the machine`
  return plain === '0.0.0.0' || plain === '::' ? `${plain} is no host` : null
}

function loopbackAddresses(): BlockList {
  const list = new BlockList()
  list.addSubnet('127.0.0.0', 8, 'ipv4')
  list.addAddress('::1', 'ipv6')
  return list
}

/** Why this address is refused, or null. */
function refusedAddress(address: string, loopbackOnly: boolean): string | null {
  const forbidden = forbiddenHost(address)
  if (forbidden !== null) return forbidden
  const bare = address.replace(/%.*$/, '')
  if (loopbackOnly && !loopbackAddresses().check(bare, isIP(bare) === 6 ? 'ipv6' : 'ipv4'))
    return 'http:// is allowed to this machine only; use https://'
  return null
}

/** Why this URL is refused before anything is resolved, or null. */
export function forbiddenUrl(text: string, insecureHttp: boolean): string | null {
  if (!URL.canParse(text)) return 'the address is not a URL'
  const url = new URL(text)
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return 'the address must begin with https://'
  if (url.username !== '' || url.password !== '') return 'the address must not contain a user or a password'
  const loopbackOnly = url.protocol === 'http:' && !insecureHttp
  // The URL parser has already turned octal, hexadecimal and short forms into plain ones.
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  if (isIP(host) !== 0) return refusedAddress(host, loopbackOnly)
  const forbidden = forbiddenHost(host)
  if (forbidden !== null) return forbidden
  const local = host === 'localhost' || host.endsWith('.localhost')
  return loopbackOnly && !local ? 'http:// is allowed to this machine only; use https://' : null
}

const resolveBySystem: Resolve = (name) =>
  new Promise((resolve, reject) => {
    systemLookup(name, { all: true }, (error, found) => (error === null ? resolve(found) : reject(error)))
  })

/** A `lookup` for sockets that fails when any address of the name is refused; the socket then uses the very addresses that were checked. */
export function guardedLookup(options: { loopbackOnly: boolean; resolve: Resolve | undefined }): LookupFunction {
  const resolve = options.resolve ?? resolveBySystem
  return (name, how, done) => {
    resolve(name).then(
      (found) => {
        for (const { address } of found) {
          const reason = refusedAddress(address, options.loopbackOnly)
          if (reason !== null) {
            done(Object.assign(new Error(`${name}: ${reason}`), { code: 'ADDRESS_REFUSED' }), '', 0)
            return
          }
        }
        const wanted = found.filter(
          ({ family }) => how.family === undefined || how.family === 0 || how.family === family,
        )
        const first = wanted[0]
        if (first === undefined) done(Object.assign(new Error(`${name} has no address`), { code: 'ENOTFOUND' }), '', 0)
        else if (how.all === true)
          done(
            null,
            wanted.map(({ address, family }) => ({ address, family })),
          )
        else done(null, first.address, first.family)
      },
      (error: NodeJS.ErrnoException) => done(error, '', 0),
    )
  }
}
