/** How addresses of a kind of system look. */
export interface AddressRules {
  /** Schemes, the first being the one to advise: `https`. */
  readonly schemes: readonly string[]
  /** Whether user and password stand in the address, as databases have it. */
  readonly user: boolean
}

/** Databases by their schemes; everything else is HTTP. */
export function addressRules(type: string): AddressRules {
  return type === 'postgres'
    ? { schemes: ['postgres', 'postgresql'], user: true }
    : { schemes: ['https', 'http'], user: false }
}

/**
 * Why an address must not be connected to; `undefined` if it may. Link-local addresses are where clouds keep their credentials
 * (169.254.169.254); they are refused in every notation, also as a number or in IPv6. The sentence shows host and scheme only.
 * What a name resolves to is checked at connecting, not here.
 */
export function addressProblem(text: string, rules: AddressRules): string | undefined {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1]?.toLowerCase()
  const example = `${rules.schemes[0]}://host`
  if (scheme === undefined) return `an address begins with its scheme: ${example}`
  if (!rules.schemes.includes(scheme)) return `${scheme}:// is not allowed here, expected ${example}`
  let url: URL
  try {
    url = new URL(text)
  } catch {
    return `the address cannot be read, expected ${example}`
  }
  if (url.hostname === '') return `the address has no host, expected ${example}`
  if (!rules.user && (url.username !== '' || url.password !== ''))
    return 'the address must hold no user and no password'
  const host = plainHost(url.hostname)
  if (host === undefined) return 'the host name cannot be read'
  if (isLinkLocal(host)) return `address not allowed: ${host} is a link-local address`
  if (metadataNames.has(host)) return `address not allowed: ${host} serves the credentials of the machine`
  if (host === '0.0.0.0' || host === '[::]') return `address not allowed: ${host} is no host`
  return undefined
}

const metadataNames = new Set(['metadata.google.internal', 'metadata', 'instance-data'])

/** The host as HTTP reads it: `0xA9FEA9FE`, `2852039166` and `169.254.43518` all are 169.254.169.254. */
function plainHost(hostname: string): string | undefined {
  try {
    return new URL(`http://${hostname}`).hostname.toLowerCase().replace(/\.$/, '')
  } catch {
    return undefined
  }
}

function isLinkLocal(host: string): boolean {
  if (/^169\.254\./.test(host)) return true
  if (!host.startsWith('[')) return false
  // fe80::/10, and the IPv4 range mapped into IPv6: ::ffff:a9fe:….
  return (
    /^\[fe[89ab][0-9a-f]:/.test(host) ||
    /^\[(?:0{0,4}:)*:?(?:ffff:(?:0{1,4}:)?)?a9fe:[0-9a-f]{1,4}\]$/.test(host) ||
    /^\[64:ff9b::a9fe:/.test(host)
  )
}

/** Whether an address carries a password, as `user:password@` or as a parameter. */
export function hasPassword(text: string): boolean {
  try {
    const url = new URL(text)
    return (
      url.password !== '' || [...url.searchParams.keys()].some((name) => /password|passwd|secret|token/i.test(name))
    )
  } catch {
    return /:\/\/[^/@\s]*:[^/@\s]+@/.test(text)
  }
}
