import type { Journal } from '../model/journal.ts'
import type { State } from '../model/state.ts'
import { packFlight } from './commits.ts'
import { type JournalFile, type PackedEntry, packEvent, unpack } from './journal.ts'
import { recent } from './recent.ts'
import type { StateFile } from './state.ts'

/** Carries one call to a file and its answer back: into the store's thread, or straight to the file. */
export type Call = (method: string, args: readonly unknown[]) => Promise<unknown>

/** Calls a file in this thread. What it throws rejects. */
export const direct =
  (file: JournalFile | StateFile): Call =>
  async (method, args) =>
    (file as unknown as Record<string, (...args: readonly unknown[]) => unknown>)[method]?.(...args)

/**
 * The model's `Journal` over calls: changes are serialised on this side, so that only flat tuples travel, and the newest entries
 * are kept for flows that keep up.
 */
export function journalOver(call: Call): Journal {
  const kept = recent()
  let tail = 0
  return {
    head: () => call('head', []) as ReturnType<Journal['head']>,
    async append(events) {
      const packed = events.map(packEvent)
      const stored = (await call('append', [packed])) as ReturnType<JournalFile['append']>
      tail = stored.tail
      if (stored.first === null) kept.clear()
      else
        kept.add(
          events,
          packed.flatMap((event) =>
            event.kind === 'rows' ? event.changes.map((change) => Buffer.byteLength(change[6])) : [],
          ),
          stored.first,
        )
      return { tail: stored.tail, position: stored.position }
    },
    async read(from, rowsMax, bytesMax) {
      const here = kept.read(from, tail, rowsMax, bytesMax)
      if (here !== null) return here
      const { entries, scanned } = (await call('read', [from, rowsMax, bytesMax])) as {
        entries: PackedEntry[]
        scanned: number
      }
      return { entries: entries.map(unpack), scanned }
    },
    count: (from, live = false, upTo) => call('count', [from, live, upTo]) as Promise<number>,
    size: () => call('size', []) as ReturnType<Journal['size']>,
    async story(table, key, rowsMax) {
      return ((await call('story', [table, key, rowsMax])) as PackedEntry[]).map(unpack)
    },
    request: (snapshot) => call('request', [snapshot]) as Promise<void>,
    restart: () => call('restart', []) as Promise<void>,
    clear: (table) => call('clear', [table]) as Promise<void>,
    async trim(seq, before_ms, rowsMax) {
      const gone = (await call('trim', [seq, before_ms, rowsMax])) as number
      if (gone > 0) kept.clear()
      return gone
    },
  }
}

/** The model's `State` over calls. Flights travel with their bodies serialised; all else travels as it is. */
export function stateOver(call: Call): State {
  const judge: State['judge'] = (commit) =>
    call('judge', [{ ...commit, flights: commit.flights.map(packFlight) }]) as Promise<void>
  const settle: State['settle'] = (commit) =>
    call('settle', [{ ...commit, flightsLeft: commit.flightsLeft.map(packFlight) }]) as Promise<void>
  return new Proxy({ judge, settle } as State, {
    get(own, method) {
      // A promise asks for `then`: the state is not one.
      if (method === 'then' || typeof method === 'symbol') return undefined
      return Object.hasOwn(own, method) ? own[method as 'judge' | 'settle'] : (...args: unknown[]) => call(method, args)
    },
  })
}
