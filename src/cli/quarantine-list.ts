import type { LaneOf } from '../model/state.ts'
import { configuration } from './configuration.ts'
import { exits } from './exit.ts'
import { type Given, type Io, optionText } from './io.ts'
import { answer, type Column, counted, duration, moment, wantsJson } from './output.ts'
import { queryOf } from './quarantine.ts'
import { readState, syncNamed } from './syncs.ts'

/** Records that are listed at most; the number of all is said with them. */
const LISTED_MAX = 1_000

interface Cause {
  readonly sync: string
  readonly stage: string
  readonly code: string
  readonly field: string | null
  readonly n: number
  readonly oldest_ms: number
}

const causeColumns = (now_ms: number): readonly Column<Cause>[] => [
  { title: 'SYNC', cell: (row) => row.sync },
  { title: 'STAGE', cell: (row) => row.stage },
  { title: 'CODE', cell: (row) => row.code },
  { title: 'FIELD', cell: (row) => row.field },
  { title: 'RECORDS', cell: (row) => row.n },
  { title: 'OLDEST', cell: (row) => duration(Math.max(0, now_ms - row.oldest_ms)) },
]

const recordColumns: readonly Column<LaneOf & { readonly sync: string }>[] = [
  { title: 'SYNC', cell: (row) => row.sync },
  { title: 'KEY', cell: (row) => row.key },
  { title: 'SINCE', cell: (row) => moment(row.since_ms) },
  { title: 'STAGE', cell: (row) => row.stage },
  {
    title: 'REASONS',
    cell: (row) =>
      row.reasons
        .map(
          ({ code, field, error, value }) =>
            `${code} ${field ?? ''}: ${error}${value === undefined ? '' : ` (${value})`}`,
        )
        .join(' | '),
  },
]

/** `quarantine list`: by cause; with a filter the records themselves. Values are masked as they were stored. */
export async function execute(given: Given, io: Io): Promise<number> {
  const config = configuration(given, io)
  const named = given.args['sync']
  const syncs = named === undefined ? Object.keys(config.syncs) : [syncNamed(config, named).name]
  const reader = readState(config)
  try {
    const filters = ['key', 'code', 'stage', 'field', 'olderThan']
    if (filters.every((name) => optionText(given, name) === null)) {
      const found = await Promise.all(
        syncs.map(async (sync) => (await reader.causes(sync)).map((cause): Cause => ({ sync, ...cause }))),
      )
      const rows = found.flat()
      answer(given, io, rows, rows, causeColumns(io.clock.now()), 'The quarantine is empty.')
      return exits.ok
    }
    const found = await Promise.all(
      syncs.map(async (sync) =>
        (await reader.parked(queryOf(given, io, sync, LISTED_MAX))).map((lane) => ({ sync, ...lane })),
      ),
    )
    const rows = found.flat().slice(0, LISTED_MAX)
    // The source columns of a record are personal: `record --show-values` shows them.
    const listed = rows.map(({ image: _, ...rest }) => rest)
    answer(given, io, listed, rows, recordColumns, 'No parked record fits.')
    if (rows.length === LISTED_MAX && !wantsJson(given, io))
      io.err(`Only the first ${counted(LISTED_MAX, 'record')} are listed.`)
    return exits.ok
  } finally {
    reader.close()
  }
}
