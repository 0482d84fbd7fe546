import { failure } from '../model/failure.ts'
import type { Journal } from '../model/journal.ts'
import type { FlowHead, State } from '../model/state.ts'
import type { Flow } from '../pipeline/sync.ts'
import type { Clock } from '../std/clock.ts'

/** How often, and how many entries in one transaction. */
const EVERY_MS = 60_000
const ROWS_MAX = 20_000
/** How long the figures of validation are kept: a year can be compared with the one before, month by month. */
const FIGURES_MS = 400 * 86_400_000

/** A journal with the flows that read it. */
export interface Kept {
  readonly system: string
  readonly journal: Journal
  readonly flows: readonly Flow[]
}

/** How much of a journal is kept: entries that every flow has settled, by age; all entries, by their number and their bytes. */
export interface Bounds {
  readonly age_ms: number
  readonly rows: number
  readonly bytes: number
}

/** Keeps the journals, and the figures of validation, within their bounds until the signal is aborted. */
export async function keepHouse(
  kept: readonly Kept[],
  state: State,
  bounds: Bounds,
  clock: Clock,
  signal: AbortSignal,
  every_ms = EVERY_MS,
): Promise<void> {
  while (!signal.aborted) {
    for (const each of kept) await tidy(each, state, bounds, clock, signal)
    await state.trimFigures(clock.now() - FIGURES_MS)
    await clock.sleep(every_ms, signal)
  }
}

/**
 * Forgets entries that every flow has settled and that are older than the retention time. Above the bounds, whatever every flow has
 * judged goes, whatever its age: lanes and flights have images of their own. Where that is not enough, the flow that has read least
 * is given up (rule 1), and so on: a journal never grows for ever because nobody resumes a sync.
 */
async function tidy(
  { system, journal, flows }: Kept,
  state: State,
  bounds: Bounds,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  const { age_ms, rows, bytes } = bounds
  const isFull = async () => {
    const size = await journal.size()
    return size.rows > rows || size.bytes > bytes
  }
  const trim = async (upTo: number, before_ms: number, goesOn: () => Promise<boolean>) => {
    while (await goesOn()) {
      const gone = await journal.trim(upTo, before_ms, ROWS_MAX)
      if (gone === 0) return
      signal.throwIfAborted()
    }
  }
  // What is given up already holds nothing back, nor does what came since.
  for (const flow of flows)
    if (flow.view().status === 'needs-snapshot') await flow.giveUp(tooFar(system, bounds, flow.id))
  const settled = await Promise.all(flows.map((flow) => state.settled(flow.id)))
  await trim(Math.min(...settled), clock.now() - age_ms, async () => true)
  for (;;) {
    const heads = (await state.flows()).filter((head) => flows.some((flow) => flow.id === head.id))
    await trim(Math.min(...heads.map(neededAfter)), Number.MAX_SAFE_INTEGER, isFull)
    if (!(await isFull())) return
    const { tail } = await journal.head()
    const behind = heads.filter((head) => head.status !== 'needs-snapshot' && head.judged < tail)
    const [last] = behind.sort((a, b) => a.judged - b.judged)
    const flow = flows.find((each) => each.id === last?.id)
    if (flow === undefined) return
    await flow.giveUp(tooFar(system, bounds, flow.id))
  }
}

/** Nothing up to there is ever read again by the flow. */
export const neededAfter = ({ judged, gap }: Pick<FlowHead, 'judged' | 'gap'>): number =>
  Math.max(judged, gap?.upTo ?? 0)

const tooFar =
  (system: string, { rows, bytes }: Bounds, flow: string) =>
  ({ entries, oldest_ms }: { entries: number; oldest_ms: number | null }) =>
    failure(
      'SYNC-6012',
      `${flow}: the journal of ${system} has reached its bound (retention.bytes: ${bytes}, retention.rows: ${rows}), and this sync was furthest behind: ${unread(entries, oldest_ms)}. They are not kept for it any more.`,
    )

/**
 * A flow whose unread entries are not in the journal any more, although nobody gave it up: it was out of the configuration for a
 * while, or the state is older than the journal. It must not go on as if nothing were missing (promise 6).
 */
export async function refuseGap(flow: Flow, head: FlowHead, system: string, journal: Journal): Promise<void> {
  const { forgotten } = await journal.size()
  if (head.status === 'needs-snapshot' || neededAfter(head) >= forgotten) return
  await flow.giveUp(({ entries, oldest_ms }) =>
    failure(
      'SYNC-6012',
      `${flow.id} has read the journal of ${system} up to entry ${head.judged}; it begins at entry ${forgotten + 1}. Of what it still holds, ${unread(entries, oldest_ms)}.`,
    ),
  )
}

const unread = (entries: number, oldest_ms: number | null): string =>
  `${entries} ${entries === 1 ? 'entry' : 'entries'} it had not read${oldest_ms === null ? '' : `, the oldest committed ${new Date(oldest_ms).toISOString()}`}`
