import type { Journal } from '../model/journal.ts'
import type { State } from '../model/state.ts'
import type { Clock } from '../std/clock.ts'

/** How often, and how many entries in one transaction. */
const EVERY_MS = 60_000
const ROWS_MAX = 20_000

/** A journal with the flows that read it. */
export interface Kept {
  readonly journal: Journal
  readonly flows: readonly string[]
}

/** Forgets journal entries that every flow has settled and that are older than the retention time, until the signal is aborted. */
export async function keepHouse(
  kept: readonly Kept[],
  state: State,
  retention_ms: number,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    for (const { journal, flows } of kept) {
      const settled = await Promise.all(flows.map((flow) => state.settled(flow)))
      while ((await journal.trim(Math.min(...settled), clock.now() - retention_ms, ROWS_MAX)) === ROWS_MAX)
        signal.throwIfAborted()
    }
    await clock.sleep(EVERY_MS, signal)
  }
}
