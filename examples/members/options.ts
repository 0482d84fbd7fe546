import { parseArgs } from 'node:util'
import type { Kind } from './legacy.ts'

/** How `npm start` was asked to run. */
export type Options = {
  /** Members of a legacy platform that is made anew. */
  readonly members: number
  /** Forgets everything that earlier starts left. */
  readonly fresh: boolean
  /** Ends when nothing is pending. */
  readonly once: boolean
  /** Live edits: at most so many; Infinity until the end. */
  readonly edits: number
  /** The database of the legacy platform. */
  readonly source: Kind
  /** The configuration; null: the one beside this file. */
  readonly config: string | null
  readonly help: boolean
}

export const help = `npm start [-- options]      the member scenario: a legacy database, kept in step with Salesforce

  --source NAME   the legacy database: postgres (default), or mariadb
  --members N     how many members a new legacy platform gets (default 10000)
  --fresh         forgets what earlier starts left in .cache/ and begins anew
  --once          ends when nothing is pending; the last line on stdout is one line of JSON
  --edits N       so many edits of members, then none (default: 20 a second until the end; with --once none)
  --no-edits      no edits
  --config FILE   another copy of examples/members/syncline.yaml, with its own folder
  --help

  LEGACY_URL      a database that already runs (PostgreSQL with wal_level=logical, MariaDB with log_bin) in place of our own
  SF_URL          a Salesforce organisation in place of the emulator, with SF_ID and SF_SECRET
  NO_COLOR        no colours

Ctrl-C stops; the next start goes on where this one stopped.
`

const membersMax = 10_000_000

/** Reads the arguments; a text says what is wrong with them. */
export function readOptions(given: readonly string[]): Options | string {
  let values: ReturnType<typeof parse>
  try {
    values = parse(given)
  } catch (error) {
    return `${(error as Error).message.split('. To specify')[0]!.replace(/\.$/, '')}.`
  }
  const { fresh = false, once = false, help = false, config = null } = values
  const members = wholeNumber(values.members ?? '10000', membersMax)
  if (members === null || members === 0)
    return `--members needs a whole number from 1 to ${membersMax}, not ${values.members}.`
  const source = values.source ?? 'postgres'
  if (source !== 'postgres' && source !== 'mariadb') return `--source is postgres or mariadb, not ${source}.`
  if (values['no-edits'] === true && values.edits !== undefined) return 'Either --edits or --no-edits, not both.'
  const wanted = values['no-edits'] === true || (once && values.edits === undefined) ? '0' : values.edits
  const edits = wanted === undefined ? Number.POSITIVE_INFINITY : wholeNumber(wanted, Number.MAX_SAFE_INTEGER)
  if (edits === null) return `--edits needs a whole number, not ${values.edits}.`
  return { members, fresh, once, edits, source, config, help }
}

function parse(given: readonly string[]) {
  const { values } = parseArgs({
    args: [...given],
    strict: true,
    allowPositionals: false,
    options: {
      members: { type: 'string' },
      edits: { type: 'string' },
      source: { type: 'string' },
      config: { type: 'string' },
      'no-edits': { type: 'boolean' },
      fresh: { type: 'boolean' },
      once: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  })
  return values
}

function wholeNumber(text: string, max: number): number | null {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN
  return value <= max ? value : null
}
