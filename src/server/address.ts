import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Where a running engine can be asked; only its own user can read it. */
export interface ApiAddress {
  readonly url: string
  readonly pid: number
}

const fileOf = (folder: string): string => join(folder, 'api.json')

/** Says in the state folder where the API of this process is. Written whole or not at all. */
export function writeAddress(folder: string, address: ApiAddress): void {
  const draft = `${fileOf(folder)}.${address.pid}`
  writeFileSync(draft, `${JSON.stringify(address)}\n`, { mode: 0o600 })
  renameSync(draft, fileOf(folder))
}

/** Takes the address away again, if it is still the one of this process. */
export function removeAddress(folder: string, pid: number): void {
  if (readAddress(folder)?.pid === pid) rmSync(fileOf(folder), { force: true })
}

/**
 * The address that a process left; null where there is none. A killed process leaves a stale one: it counts only together with
 * the folder's lock and its owner's pid.
 */
export function readAddress(folder: string): ApiAddress | null {
  let read: unknown
  try {
    read = JSON.parse(readFileSync(fileOf(folder), 'utf8'))
  } catch {
    return null
  }
  const { url, pid } = (read ?? {}) as { url?: unknown; pid?: unknown }
  return typeof url === 'string' && typeof pid === 'number' ? { url, pid } : null
}
