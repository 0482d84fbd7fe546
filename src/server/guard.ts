import type { IncomingHttpHeaders } from 'node:http'
import { ApiProblem } from './problem.ts'

/** Headers of every answer: nothing is stored, sniffed, framed or run. */
export const answerHeaders: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'content-security-policy':
    "default-src 'none'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
}

/** The names under which a loopback server may be addressed, each with its port. */
export const hostsOf = (port: number): ReadonlySet<string> =>
  new Set([`127.0.0.1:${port}`, `localhost:${port}`, `[::1]:${port}`])

/**
 * Refuses what a page of another site could send: a foreign host name (DNS rebinding), a foreign origin, a form. Browsers state
 * `Sec-Fetch-Site` and `Origin` themselves; programs send neither. Source: OWASP ASVS 5.0, 3.5.1 to 3.5.3.
 */
export function guard(method: string, headers: IncomingHttpHeaders, hosts: ReadonlySet<string>): void {
  const { host, origin } = headers
  if (host === undefined || !hosts.has(host.toLowerCase()))
    throw new ApiProblem(421, 'SYNC-8007', 'The header Host does not name this server.')
  if (method === 'GET' || method === 'HEAD') return
  const site = headers['sec-fetch-site']
  if (site !== undefined && site !== 'same-origin' && site !== 'none')
    throw new ApiProblem(403, 'SYNC-8006', 'The header Sec-Fetch-Site names another site.')
  if (origin !== undefined && !isOwn(origin, hosts))
    throw new ApiProblem(403, 'SYNC-8006', 'The header Origin names another site.')
  if (method !== 'POST') return
  // A form cannot send this type, and a script of another site must ask first: there is no CORS here.
  const type = (headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase()
  if (type !== 'application/json')
    throw new ApiProblem(415, 'SYNC-8004', 'The header Content-Type must be application/json.')
}

const isOwn = (origin: string, hosts: ReadonlySet<string>): boolean =>
  origin.startsWith('http://') && hosts.has(origin.slice('http://'.length).toLowerCase())
