import { type Failure, failure, SyncError } from '../model/failure.ts'
import type { Source } from '../model/source.ts'
import type { Target } from '../model/target.ts'
import { field, text, type Value } from '../model/value.ts'
import type { ReferenceAnswer, References } from '../pipeline/flow.ts'
import type { Clock } from '../std/clock.ts'
import { folded, type ReferenceSet } from '../validation/reference.ts'
import { type ReadFile, valuesIn } from './reference-file.ts'

/** Values that are held of one set; a set with more is asked value by value. */
const WHOLE_VALUES_MAX = 50_000
/** Values that are remembered of a set that is asked value by value. */
const REMEMBERED_MAX = 100_000
const PAGE_ROWS = 1_000
const ASK_MAX = 1_000
/** How often a set is asked that is away while records are parked for it. */
const AGAIN_MS = 10_000
/** A file is read again for an unknown value, but not more often than this. */
const FILE_AGAIN_MS = 1_000

/** What references are looked up with. */
export interface ReferenceParts {
  /** Where the set of a table is; null names the sync's own source. */
  readonly system: (system: string | null) => Asked
  readonly readFile: ReadFile
  /** The absolute path of a file that the configuration names. */
  readonly pathOf: (file: string) => string
  readonly clock: Clock
  /** A set can be asked again: records that parked because it could not may be judged anew. */
  readonly onBack: () => void
  /** Ends refreshing in the background. */
  readonly signal: AbortSignal
}

/** A system that is asked for reference data: a source, whose tables can be read whole, or a target, which is asked value by value. */
export type Asked =
  | { readonly kind: 'source'; readonly source: Pick<Source, 'describe' | 'scan' | 'lookup'> }
  | { readonly kind: 'target'; readonly lookup: NonNullable<Target['lookup']> }

/** What is remembered of a set. */
interface Memory {
  /** `whole`: all values are there. `some`: those that were asked for. */
  kind: 'whole' | 'some'
  /** Since when each value is known to occur. Monotonic. */
  readonly values: Map<string, number>
  /** When all values were read; null before. */
  read_ms: number | null
  refreshing: Promise<void> | null
  /** Why the last question had no answer. */
  away: Failure | null
  /** Somebody looks whether it is back. */
  watched: boolean
  /** A value that was asked for: asking for it again shows whether a set that is not held can be asked. */
  probe: Value | null
}

/**
 * Reference sets of one sync, from tables and files. A set of up to 50,000 values is held whole: read at the first question, then
 * refreshed in the background when its lifetime is over, so that no window waits for it. A larger one is asked value by value, all
 * values of a window in one query, and what it said is remembered. A value that is not known is looked up afresh before it fails.
 *
 * While a set cannot be asked, what was known within `staleMax` still counts. For other values its policy holds: `wait` throws
 * SYNC-2030, which lets the window wait as for any source; `park` and `accept` are the stage's matter.
 */
export function referencesOver(sets: readonly ReferenceSet[], parts: ReferenceParts): References {
  const memories = new Map(
    sets.map((set): [string, { set: ReferenceSet; memory: Memory }] => [set.id, { set, memory: empty() }]),
  )
  return {
    async known(id, values, signal) {
      const one = memories.get(id)
      if (one === undefined) throw new Error(`there is no reference set ${id}`)
      const answer = await answerFrom(one.set, one.memory, values, parts, signal)
      if (answer.away !== null && one.set.stale === 'park') untilBack(one.set, one.memory, parts)
      if (answer.away !== null && one.set.stale === 'wait' && answer.known.size < new Set(values.map(exact)).size)
        throw new SyncError(failure('SYNC-2030', `${nameOf(one.set)}: ${answer.away.code} ${answer.away.message}`))
      return answer
    },
  }
}

const empty = (): Memory => ({
  kind: 'whole',
  values: new Map(),
  read_ms: null,
  refreshing: null,
  away: null,
  watched: false,
  probe: null,
})

/** Asks again from time to time, so that parked records need no new change to be released. */
function untilBack(set: ReferenceSet, memory: Memory, parts: ReferenceParts): void {
  if (memory.watched) return
  memory.watched = true
  const look = async (): Promise<void> => {
    while (memory.away !== null) {
      await parts.clock.sleep(AGAIN_MS, parts.signal)
      await refresh(set, memory, parts)
      if (memory.away === null && memory.kind === 'some') await probe(set, memory, parts)
    }
    parts.onBack()
  }
  look()
    .catch(() => {})
    .finally(() => {
      memory.watched = false
    })
}

/** A set that is asked value by value is back when it answers for one. */
async function probe({ place }: ReferenceSet, memory: Memory, parts: ReferenceParts): Promise<void> {
  const value = memory.probe
  if (place.kind === 'file' || value === null) return
  await guarded(memory, parts.signal, async () => {
    await occurring(parts.system(place.system), place, [value], parts.signal)
  })
}

const exact = (value: Value): string => text(value) ?? ''

const nameOf = ({ place }: ReferenceSet): string =>
  place.kind === 'file' ? place.path : `${place.table}.${place.column}`

async function answerFrom(
  set: ReferenceSet,
  memory: Memory,
  values: readonly Value[],
  parts: ReferenceParts,
  signal: AbortSignal,
): Promise<ReferenceAnswer> {
  const now_ms = parts.clock.mono()
  const age_ms = memory.read_ms === null ? Number.POSITIVE_INFINITY : now_ms - memory.read_ms
  if (memory.kind === 'whole' && age_ms > set.lifetime_ms) {
    memory.refreshing ??= refresh(set, memory, parts).finally(() => {
      memory.refreshing = null
    })
    // Whoever does not wait for it has no use for its error: the next question meets the same.
    memory.refreshing.catch(() => {})
    if (age_ms > set.staleMax_ms) await memory.refreshing
  }
  const fold = set.caseInsensitive ? folded : (one: string) => one
  const unsure = values.filter((value) => !isFresh(fold(exact(value)), set, memory, parts.clock.mono()))
  if (unsure.length > 0) await askAfresh(set, memory, unsure, fold, parts, signal)
  const counted_ms = parts.clock.mono()
  const known = values.map(exact).filter((one) => {
    const since_ms = memory.values.get(fold(one))
    return since_ms !== undefined && counted_ms - since_ms <= set.staleMax_ms
  })
  return { known: new Set(known), away: memory.away }
}

/** Whether a value need not be asked for. One of a whole set is as fresh as the set, which is refreshed elsewhere. */
function isFresh(one: string, set: ReferenceSet, memory: Memory, now_ms: number): boolean {
  const since_ms = memory.values.get(one)
  if (since_ms === undefined) return false
  return now_ms - since_ms <= (memory.kind === 'whole' ? set.staleMax_ms : set.lifetime_ms)
}

/** Reads the whole set anew. What fails is remembered, and what is held stays. */
async function refresh(set: ReferenceSet, memory: Memory, parts: ReferenceParts): Promise<void> {
  await guarded(memory, parts.signal, async () => {
    const { place } = set
    const all = place.kind === 'file' ? readFile(place, parts) : await readTable(set, place, parts)
    if (all === null) {
      memory.kind = 'some'
      return
    }
    const at_ms = parts.clock.mono()
    memory.values.clear()
    const fold = set.caseInsensitive ? folded : (one: string) => one
    for (const one of all) memory.values.set(fold(one), at_ms)
    memory.read_ms = at_ms
  })
}

function readFile(place: Extract<ReferenceSet['place'], { kind: 'file' }>, parts: ReferenceParts): Iterable<string> {
  return valuesIn(parts.pathOf(place.path), place.column, parts.readFile)
}

/** All values of the column; null where there are too many, or the table has no key to read it by. */
async function readTable(
  set: ReferenceSet,
  place: Extract<ReferenceSet['place'], { kind: 'table' }>,
  parts: ReferenceParts,
): Promise<Iterable<string> | null> {
  const system = parts.system(place.system)
  if (system.kind === 'target') return null
  const { source } = system
  const tables = await source.describe(parts.signal)
  const table = tables.find(({ name }) => name === place.table || name.endsWith(`.${place.table}`))
  // Away, and not merely without a key to read it by.
  if (table === undefined)
    throw new SyncError(failure('SYNC-2009', `Table ${place.table} of ${place.system} does not exist.`))
  const values = new Set<string>()
  for (let after: string | null = null; table.key.length > 0; ) {
    const page: Awaited<ReturnType<Source['scan']>> = await source.scan(place.table, after, PAGE_ROWS, parts.signal)
    for (const row of page.rows) {
      const value = text(field(row, place.column) ?? null)
      if (value !== null) values.add(value)
    }
    after = page.after
    if (after === null) return values
    if (values.size > WHOLE_VALUES_MAX) break
  }
  if (set.caseInsensitive)
    throw new SyncError(
      failure(
        'SYNC-1027',
        `${nameOf(set)}: \`caseInsensitive\` needs a set that can be held: a table with a key and at most ${WHOLE_VALUES_MAX} values.`,
      ),
    )
  return null
}

/** Asks for values that are not known, or were known too long ago; those that occur are remembered. */
async function askAfresh(
  set: ReferenceSet,
  memory: Memory,
  values: readonly Value[],
  fold: (one: string) => string,
  parts: ReferenceParts,
  signal: AbortSignal,
): Promise<void> {
  const { place } = set
  if (place.kind === 'file' || set.caseInsensitive) {
    const recently = memory.read_ms !== null && parts.clock.mono() - memory.read_ms < FILE_AGAIN_MS
    if (!recently) await refresh(set, memory, parts)
    return
  }
  memory.probe = values[0] ?? memory.probe
  await guarded(memory, signal, async () => {
    const system = parts.system(place.system)
    for (let at = 0; at < values.length; at += ASK_MAX) {
      const some = values.slice(at, at + ASK_MAX)
      const there = new Set((await occurring(system, place, some, signal)).map(exact))
      const now_ms = parts.clock.mono()
      for (const value of some) {
        const one = fold(exact(value))
        memory.values.delete(one)
        if (there.has(one)) memory.values.set(one, now_ms)
      }
    }
    if (memory.kind === 'some') forget(memory)
  })
}

async function occurring(
  system: Asked,
  { table, column }: Extract<ReferenceSet['place'], { kind: 'table' }>,
  values: readonly Value[],
  signal: AbortSignal,
): Promise<readonly Value[]> {
  if (system.kind === 'target') return system.lookup(table, column, values, signal)
  const rows = await system.source.lookup(table, column, values, signal)
  return rows.map((row) => field(row, column) ?? null)
}

/** The oldest values go first. */
function forget({ values }: Memory): void {
  for (const one of values.keys()) {
    if (values.size <= REMEMBERED_MAX) return
    values.delete(one)
  }
}

/** Failures that a person or time mends are remembered; whatever else is thrown is a fault of ours. */
async function guarded(memory: Memory, signal: AbortSignal, ask: () => Promise<void>): Promise<void> {
  try {
    await ask()
    memory.away = null
  } catch (error) {
    signal.throwIfAborted()
    if (!(error instanceof SyncError)) throw error
    memory.away = error.failure
  }
}
