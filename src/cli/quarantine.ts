import type { Config } from '../config/config.ts'
import type { ParkedQuery } from '../model/state.ts'
import type { StageName } from '../model/verdict.ts'
import { duration_ms } from '../std/duration.ts'
import { didYouMean } from '../std/suggest.ts'
import { configuration } from './configuration.ts'
import { type Given, type Io, optionText } from './io.ts'
import { figure } from './output.ts'
import { Refusal } from './refusal.ts'
import { keyFrom, readState, syncNamed } from './syncs.ts'

/** Records that one command lists, releases or discards at most. */
export const RECORDS_MAX = 1_000_000

/** Where a record may be parked, in the order of the road. */
const stages: readonly StageName[] = [
  'key',
  'mapping',
  'schema',
  'rules',
  'reference',
  'duplicates',
  'quality',
  'target',
]
const isStage = (text: string): text is StageName => (stages as readonly string[]).includes(text)

/** Which parked records of a sync are meant. */
export function queryOf(given: Given, io: Pick<Io, 'clock'>, flow: string, rowsMax = RECORDS_MAX): ParkedQuery {
  const [key, code] = [optionText(given, 'key'), optionText(given, 'code')]
  if (code !== null && !/^SYNC-\d{4}$/.test(code))
    throw new Refusal(
      'SYNC-7101',
      `--code expects a code as \`quarantine list\` shows it, such as SYNC-4022; got ${code}.`,
    )
  const [stage, field, rule] = [optionText(given, 'stage'), optionText(given, 'field'), optionText(given, 'rule')]
  if (stage !== null && !isStage(stage))
    throw new Refusal('SYNC-7101', `--stage expects ${stages.join(', ')}; got ${stage}.${didYouMean(stage, stages)}`)
  const age_ms = ageOf(given)
  return {
    flow,
    state: 'parked',
    rowsMax,
    ...(key === null ? {} : { key: keyFrom(key) }),
    ...(code === null ? {} : { code }),
    ...(stage === null ? {} : { stage }),
    ...(field === null ? {} : { field }),
    ...(rule === null ? {} : { rule }),
    ...(age_ms === null ? {} : { before_ms: io.clock.now() - age_ms }),
  }
}

/** `--older-than 2d`, in milliseconds. */
function ageOf(given: Given): number | null {
  const text = optionText(given, 'olderThan')
  if (text === null) return null
  const ms = duration_ms(text)
  if (ms === undefined)
    throw new Refusal('SYNC-7101', `--older-than expects a time such as 30m, 12h or 7d; got ${text}.`)
  return ms
}

/** What `release` and `discard` have in common: the sync, what is meant, and how many records that is. */
export async function selected(
  given: Given,
  io: Io,
): Promise<{ readonly config: Config; readonly query: ParkedQuery; readonly found: number }> {
  const config = configuration(given, io)
  const { name } = syncNamed(config, given.args['sync'] ?? '')
  const query = queryOf(given, io, name)
  const reader = readState(config)
  try {
    return { config, query, found: await reader.parkedCount(query) }
  } finally {
    reader.close()
  }
}

/** Asks at a terminal, after saying how many records are meant; refuses elsewhere without `--yes`. */
export const confirmed = (given: Given, io: Io, what: string, found: number): Promise<void> =>
  agreed(given, io, `${what} ${figure(found)} of the parked records`)

/** What is said where nothing fits. */
export const nothingFits = (sync: string): string =>
  `No parked record of ${sync} fits: nothing was done. \`syncline quarantine list ${sync}\` shows what is parked.`

/** Asks whether this shall be done. */
export async function agreed(given: Given, io: Io, what: string): Promise<void> {
  if (given.options['yes'] === true) return
  if (io.ask !== undefined && (await io.ask(`This will ${what}. Go on? [y/N] `))) return
  throw new Refusal('SYNC-7109', `This would ${what}. Nothing was done.`)
}
