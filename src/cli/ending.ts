import { openReader, type Reader } from '../app/reader.ts'
import type { Config } from '../config/config.ts'
import { type Failure, SyncError } from '../model/failure.ts'
import type { Summary } from '../server/runs.ts'
import { type Exit, exitOf, exits } from './exit.ts'
import { type Given, type Io, isSet, optionNumber } from './io.ts'
import { counted } from './output.ts'
import { Refusal } from './refusal.ts'
import { lines } from './tell.ts'

/** What was read before a run, and what was pending: to know whether there was anything to do. */
export interface Before {
  readonly read: number
  readonly pending: number
}

/**
 * Counts what the state folder holds before a run. Nothing where there is none; null where only an engine can read it, because
 * it was written by an older version.
 */
export async function before(config: Config, flows?: readonly string[]): Promise<Before | null> {
  let reader: Reader | null
  try {
    reader = openReader(config)
  } catch (error) {
    if (error instanceof SyncError && error.failure.code === 'SYNC-5006') return null
    throw error
  }
  if (reader === null) return { read: 0, pending: 0 }
  try {
    const reports = (await reader.report()).filter(({ flow }) => flows?.includes(flow) ?? true)
    const sum = (of: 'read' | 'pending') => reports.reduce((all, report) => all + report[of], 0)
    return { read: sum('read'), pending: sum('pending') }
  } finally {
    reader.close()
  }
}

/**
 * How a run to the end ends: its failures are told, its summary is the last line of stdout, its exit code says which of the
 * kinds of ending it was.
 */
export function ending(
  given: Given,
  io: Io,
  { failures, summary, was }: { failures: readonly Failure[]; summary: Summary; was: Before | null },
): Exit {
  const [first] = failures
  for (const line of lines(failures)) io.err(line)
  const max = optionNumber(given, 'maxFailed')
  const tooMany = max !== null && summary.failed > max
  if (tooMany)
    for (const line of lines([
      new Refusal('SYNC-7110', `${counted(summary.failed, 'record')} failed, ${max} are allowed.`).told,
    ]))
      io.err(line)
  io.out(JSON.stringify(summary))
  if (first !== undefined) return exitOf(first.code)
  if (tooMany) return exits.failed
  const nothing = was !== null && was.pending === 0 && summary.read === was.read
  return nothing && isSet(given, 'skipCode') ? exits.nothing : exits.ok
}
