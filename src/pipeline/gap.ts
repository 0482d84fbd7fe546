import type { Sequence } from '../model/change.ts'
import type { Gap } from '../model/state.ts'
import { type FlowParts, tablesOf } from './flow.ts'

/** Numbers of entries that are counted in one question: the store answers others in between. */
const COUNT_AT_ONCE = 100_000

/** How far a flow is behind when it is given up. */
export interface Behind extends Gap {
  /** When the oldest change that it has not read was committed; null where the source does not say, or nothing is left of it. */
  readonly oldest_ms: number | null
}

type GapParts = Pick<FlowParts, 'journal' | 'spec'>

/** The gap of a flow, grown to the end of its journal: everything that it has not read by now (rule 1). */
export async function widen(parts: GapParts, judged: Sequence, gap: Gap | null): Promise<Behind> {
  const { journal, spec } = parts
  const { tail } = await journal.head()
  const from = { after: judged, tables: tablesOf(spec), flow: spec.id }
  const [oldest] = (await journal.read(from, 1, 1)).entries
  return { ...(await upTo(parts, judged, gap, tail)), oldest_ms: oldest === undefined ? null : oldest.at_ms || null }
}

/** The gap of a flow up to an entry, counted: what was counted before may be gone. */
export async function upTo(
  { journal, spec }: GapParts,
  judged: Sequence,
  gap: Gap | null,
  last: Sequence,
): Promise<Gap> {
  const counted = Math.max(judged, gap?.upTo ?? 0)
  const { forgotten } = await journal.size()
  let entries = gap?.entries ?? 0
  for (let after = Math.max(counted, forgotten); after < last; after += COUNT_AT_ONCE)
    entries += await journal.count(
      { after, tables: tablesOf(spec), flow: spec.id },
      false,
      Math.min(last, after + COUNT_AT_ONCE),
    )
  return { upTo: Math.max(counted, last), entries }
}
