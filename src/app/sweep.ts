import type { TableReader } from '../model/source.ts'
import type { State } from '../model/state.ts'
import type { FlowSpec } from '../pipeline/flow.ts'
import type { Clock } from '../std/clock.ts'

/** Records of one question to the source. */
const ASK_MAX = 1_000

/**
 * Looks for records that the target holds and the source no longer has, and makes them due: they are read again, found gone, and
 * treated as deleted, under the guard. A snapshot cannot show what is not there. Answers how many were found.
 */
export async function sweep(
  spec: FlowSpec,
  source: TableReader,
  state: State,
  clock: Clock,
  signal: AbortSignal,
): Promise<number> {
  let found = 0
  for (let link = 0; ; ) {
    const linked = await state.linksAfter(spec.sync, link, ASK_MAX)
    const last = linked.at(-1)
    if (last === undefined) return found
    link = last.link
    const rows = await source.fetch(
      spec.table,
      linked.map((each) => each.key),
      signal,
    )
    const gone = linked.filter((_, i) => rows[i] === null).map((each) => each.link)
    if (gone.length > 0) await state.touch(spec.id, gone, clock.now())
    found += gone.length
  }
}
