import { compile } from '../app/build.ts'
import { openReader, type Reader } from '../app/reader.ts'
import type { Config, SyncConfig } from '../config/config.ts'
import type { Key } from '../model/key.ts'
import type { Given } from './io.ts'
import { Refusal } from './refusal.ts'

/** A sync by its name. Throws `SyncError` SYNC-7002 naming those that there are. */
export function syncNamed(config: Config, name: string): SyncConfig {
  const [found] = compile(config, [name])
  if (found === undefined) throw new Error(`sync ${name} was not compiled`)
  return found.sync
}

/** Names of the syncs that a command is about: the one that was given, or all. Throws like `syncNamed`. */
export function syncsGiven(config: Config, { args }: Given): string[] {
  const { sync: named } = args
  return named === undefined ? Object.keys(config.syncs) : [syncNamed(config, named).name]
}

/** The state folder for reading. Throws a Refusal where no engine ever ran. */
export function readState(config: Config): Reader {
  const reader = openReader(config)
  if (reader !== null) return reader
  throw noState(config)
}

/** What is said where no engine ever ran. */
export const noState = ({ state }: Config): Refusal =>
  new Refusal('SYNC-7103', `There is no state in ${state}: no engine ran on it yet.`)

/** A source key as people write it: one value as it is, several as a JSON array of texts. */
export function keyFrom(text: string): Key {
  if (text.startsWith('[')) {
    let parts: unknown
    try {
      parts = JSON.parse(text)
    } catch {
      parts = null
    }
    const isKey = Array.isArray(parts) && parts.length > 0
    if (isKey)
      return JSON.stringify((parts as unknown[]).map((part) => (typeof part === 'string' ? part : String(part)))) as Key
  }
  return JSON.stringify([text]) as Key
}
