import { Secret } from '../std/secret.ts'
import type { Config, SyncConfig, SystemConfig } from './config.ts'

/** The database that a system's address names; empty where it names none. */
export function databaseOf(system: SystemConfig | undefined): string {
  const url = system?.options['url']
  const address = url instanceof Secret ? url.reveal() : String(url)
  return URL.canParse(address) ? decodeURIComponent(new URL(address).pathname.slice(1)) : ''
}

/** Names under which the journal may know a table: one without a schema is in the default one of its system. */
export function namesOf(system: SystemConfig | undefined, table: string): string[] {
  if (table.includes('.')) return [table]
  const outer = system?.type === 'postgres' ? 'public' : databaseOf(system)
  return outer === '' ? [table] : [table, `${outer}.${table}`]
}

/** Every table that a sync reads, under each name that the journal may know it by. */
export const tablesOf = ({ source }: SyncConfig, config: Config): string[] =>
  [source.table, ...source.joins.map((join) => join.table)].flatMap((table) =>
    namesOf(config.systems[source.system], table),
  )
