import { forbiddenHost, plainHost } from '../std/address.ts'

/** How addresses of a kind of system look. */
export interface AddressRules {
  /** Schemes, the first being the one to advise: `https`. */
  readonly schemes: readonly string[]
  /** Whether user and password stand in the address, as databases have it. */
  readonly user: boolean
}

/** Databases by their schemes; everything else is HTTP. */
export function addressRules(type: string): AddressRules {
  switch (type) {
    case 'postgres':
      return { schemes: ['postgres', 'postgresql'], user: true }
    case 'mysql':
    case 'mariadb':
      return { schemes: ['mysql', 'mariadb'], user: true }
    default:
      return { schemes: ['https', 'http'], user: false }
  }
}

/**
 * Why an address must not be connected to; `undefined` if it may. Hosts where clouds keep their credentials (169.254.169.254)
 * are refused in every notation, also as a number, in IPv6, and as the parameter `host` of a database. The sentence shows host
 * and scheme only. What a name resolves to cannot be said here: HTTP clients check it at the moment of connecting.
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
  for (const written of [url.hostname, ...url.searchParams.getAll('host')]) {
    if (written.startsWith('/')) continue // the folder of a socket
    if (plainHost(written) === undefined) return 'the host name cannot be read'
    const forbidden = forbiddenHost(written)
    if (forbidden !== null) return `address not allowed: ${forbidden}`
  }
  return undefined
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
