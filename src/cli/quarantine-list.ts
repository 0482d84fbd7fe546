import type { ParkedRecord, Reader } from '../app/reader.ts'
import type { Next } from '../model/state.ts'
import { configuration } from './configuration.ts'
import { exits } from './exit.ts'
import { type Given, type Io, optionText } from './io.ts'
import { answer, type Column, counted, duration, moment, wantsJson } from './output.ts'
import { queryOf, RECORDS_MAX } from './quarantine.ts'
import { rulesText } from './rules-text.ts'
import { readState, syncsGiven } from './syncs.ts'

/** Records that are listed at most; the number of all is said with them. */
const LISTED_MAX = 1_000

interface Cause {
  readonly sync: string
  readonly stage: string
  readonly code: string
  readonly rule: string | null
  readonly field: string | null
  readonly n: number
  readonly oldest_ms: number
}

const causeColumns = (now_ms: number): readonly Column<Cause>[] => [
  { title: 'SYNC', cell: (row) => row.sync },
  { title: 'STAGE', cell: (row) => row.stage },
  { title: 'CODE', cell: (row) => row.code },
  { title: 'RULE', cell: (row) => row.rule },
  { title: 'FIELD', cell: (row) => row.field },
  { title: 'RECORDS', cell: (row) => row.n },
  { title: 'OLDEST', cell: (row) => duration(Math.max(0, now_ms - row.oldest_ms)) },
]

const recordColumns = (now_ms: number): readonly Column<ParkedRecord & { readonly sync: string }>[] => [
  { title: 'SYNC', cell: (row) => row.sync },
  { title: 'KEY', cell: (row) => row.key },
  { title: 'SINCE', cell: (row) => moment(row.since_ms) },
  { title: 'AGE', cell: (row) => duration(Math.max(0, now_ms - row.since_ms)) },
  { title: 'STAGE', cell: (row) => row.stage },
  { title: 'JUDGED BY', cell: (row) => rulesText(row.rules) },
  { title: 'BEHIND', cell: ({ next }) => (next === null ? null : behindText(next)) },
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

/** How many records that is, and what else waits for a person. */
async function totals(reader: Reader, syncs: readonly string[]): Promise<string[]> {
  const lines: string[] = []
  for (const flow of syncs) {
    const [parked, review] = await Promise.all(
      (['parked', 'review'] as const).map((state) => reader.parkedCount({ flow, state, rowsMax: RECORDS_MAX })),
    )
    if (parked)
      lines.push(`${flow}: ${counted(parked, 'record')} in quarantine; one with several causes counts in each.`)
    if (review) lines.push(`${flow}: ${counted(review, 'record')} in review: see \`syncline review list ${flow}\`.`)
  }
  return lines
}

/** What waits until the record is released or discarded: `update up to #17`. */
const behindText = ({ image, last }: Next): string =>
  `${image.op === 'delete' ? 'deletion' : 'update'}${last === null ? '' : ` up to #${last}`}`

/** `quarantine list`: by cause; with a filter the records themselves. Values are masked as they were stored. */
export async function execute(given: Given, io: Io): Promise<number> {
  const config = configuration(given, io)
  const syncs = syncsGiven(config, given)
  const reader = readState(config)
  try {
    const filters = ['key', 'code', 'stage', 'field', 'rule', 'olderThan']
    if (filters.every((name) => optionText(given, name) === null)) {
      const found = await Promise.all(
        syncs.map(async (sync) =>
          (await reader.causes(sync, { state: 'parked', rule: true })).map((cause): Cause => ({ sync, ...cause })),
        ),
      )
      const rows = found.flat()
      answer(given, io, rows, rows, causeColumns(io.clock.now()), 'The quarantine is empty.')
      if (!wantsJson(given, io)) for (const line of await totals(reader, syncs)) io.out(line)
      return exits.ok
    }
    const found = await Promise.all(
      syncs.map(async (sync) =>
        (await reader.parked(queryOf(given, io, sync, LISTED_MAX))).map((lane) => ({ sync, ...lane })),
      ),
    )
    const rows = found.flat().slice(0, LISTED_MAX)
    // The source columns of a record are personal: `record --show-values` shows them.
    const listed = rows.map(({ image: _, next, ...rest }) => ({
      ...rest,
      next: next === null ? null : { op: next.image.op, first: next.first, last: next.last },
    }))
    answer(given, io, listed, rows, recordColumns(io.clock.now()), 'No parked record fits.')
    if (rows.length === LISTED_MAX && !wantsJson(given, io))
      io.err(`Only the first ${counted(LISTED_MAX, 'record')} are listed.`)
    return exits.ok
  } finally {
    reader.close()
  }
}
