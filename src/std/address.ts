import { lookup as systemLookup } from 'node:dns'
import { BlockList, isIP, type LookupFunction } from 'node:net'

/** All addresses of a name. */
export type Resolve = (name: string) => Promise<readonly { readonly address: string; readonly family: number }[]>

/**
 * Addresses that no connector may ever reach: link-local ones, behind which clouds keep their metadata services and
 * thereby the machine's credentials. They are refused as literals and after name resolution, at the moment of connecting,
 * so that a name cannot change its mind in between. Source: OWASP ASVS 5.0, 1.3.6.
 */
function metadataAddresses(): BlockList {
  const list = new BlockList()
  list.addSubnet('169.254.0.0', 16, 'ipv4')
  list.addSubnet('fe80::', 10, 'ipv6')
  list.addAddress('fd00:ec2::254', 'ipv6')
  list.addAddress('100.100.100.200', 'ipv4')
  list.addAddress('0.0.0.0', 'ipv4')
  list.addAddress('::', 'ipv6')
  return list
}

function loopbackAddresses(): BlockList {
  const list = new BlockList()
  list.addSubnet('127.0.0.0', 8, 'ipv4')
  list.addAddress('::1', 'ipv6')
  return list
}

/** Why this address is refused, or null. IPv4 addresses inside IPv6 ones are seen through. */
export function refusedAddress(address: string, loopbackOnly: boolean): string | null {
  const bare = address.replace(/%.*$/, '')
  const family = isIP(bare) === 6 ? 'ipv6' : 'ipv4'
  if (metadataAddresses().check(bare, family))
    return `${bare} is a link-local or metadata address; such addresses are never used`
  if (loopbackOnly && !loopbackAddresses().check(bare, family)) {
    return 'http:// is allowed to this machine only; use https://'
  }
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
