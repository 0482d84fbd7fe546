import type { TableReader } from '../model/source.ts'
import type { State } from '../model/state.ts'
import type { FlowSpec } from '../pipeline/flow.ts'
import type { Clock } from '../std/clock.ts'

/** Records of one question to the source. */
const ASK_MAX = 1_000

/** What a sweep works with. */
export interface SweepParts {
  readonly spec: FlowSpec
  readonly source: Pick<TableReader, 'fetch'>
  readonly state: Pick<State, 'linksAfter' | 'gather' | 'gone'>
  readonly clock: Clock
  /** Resolves when everything that was committed at the source before the call was judged. */
  readonly judged: () => Promise<void>
  /** Keeps the flow from judging meanwhile. */
  readonly exclusively: (body: () => Promise<void>) => Promise<void>
}

/**
 * Looks for records that the target may hold and the source no longer has, and makes them due to be deleted, under the guard: a
 * snapshot cannot show what is not there. What waits or is parked of them must not bring them back.
 *
 * A row may be missing because of a change that was not judged yet, which says more than its absence: whether it was deleted, or
 * has another key now. So such changes are judged first. What is missing even then, and still while nothing is judged, is gone
 * at this place of the change log: whatever happens to it later comes after.
 */
export async function sweep(parts: SweepParts, signal: AbortSignal): Promise<void> {
  const { spec, state, judged, exclusively } = parts
  for (let link = 0; ; ) {
    const links = await state.linksAfter(spec.id, spec.sync, link, ASK_MAX)
    const last = links.at(-1)
    if (last === undefined) return
    link = last.link
    const missing = await missingOf(links, parts, signal)
    if (missing.length === 0) continue
    await judged()
    await exclusively(async () => {
      const keys = missing.map(({ key }) => key)
      const now = await state.gather(spec.id, spec.sync, keys)
      const same = missing.filter((each, i) => now[i]?.link === each.link)
      const gone = (await missingOf(same, parts, signal)).map((each) => each.link)
      if (gone.length > 0) await state.gone(spec.id, gone, parts.clock.now())
    })
  }
}

type Links = Awaited<ReturnType<State['linksAfter']>>

/** Those whose row the source does not have. */
async function missingOf(links: Links, { spec, source }: SweepParts, signal: AbortSignal): Promise<Links> {
  if (links.length === 0) return []
  const keys = links.map(({ key }) => key)
  const rows = await source.fetch(spec.table, keys, signal)
  return links.filter((_, i) => rows[i] === null)
}
