import type { Config } from '../config/config.ts'
import type { LaneOf, ParkedQuery } from '../model/state.ts'
import { configuration } from './configuration.ts'
import { type Given, type Io, optionText } from './io.ts'
import { figure } from './output.ts'
import { Refusal } from './refusal.ts'
import { keyFrom, readState, syncNamed } from './syncs.ts'

/** Records that one command lists, releases or discards at most. */
export const RECORDS_MAX = 1_000_000

/** Which parked records of a sync are meant. */
export function queryOf(given: Given, flow: string, rowsMax = RECORDS_MAX): ParkedQuery {
  const [key, code] = [optionText(given, 'key'), optionText(given, 'code')]
  if (code !== null && !/^SYNC-\d{4}$/.test(code))
    throw new Refusal(
      'SYNC-7101',
      `--code expects a code as \`quarantine list\` shows it, such as SYNC-4022; got ${code}.`,
    )
  return {
    flow,
    state: 'parked',
    rowsMax,
    ...(key === null ? {} : { key: keyFrom(key) }),
    ...(code === null ? {} : { code }),
  }
}

/** What `release` and `discard` have in common: the sync, what is meant, and how many records that is. */
export async function selected(
  given: Given,
  io: Io,
): Promise<{ readonly config: Config; readonly query: ParkedQuery; readonly found: readonly LaneOf[] }> {
  const config = configuration(given, io)
  const { name } = syncNamed(config, given.args['sync'] ?? '')
  const query = queryOf(given, name)
  const reader = readState(config)
  try {
    return { config, query, found: await reader.parked(query) }
  } finally {
    reader.close()
  }
}

/** Refuses without `--yes`, after saying how many records are meant. */
export function confirmed(given: Given, what: string, found: readonly LaneOf[]): void {
  if (given.options['yes'] === true) return
  throw new Refusal('SYNC-7109', `This would ${what} ${figure(found.length)} of the parked records. Nothing was done.`)
}
