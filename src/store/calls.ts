import type { Journal } from '../model/journal.ts'
import type { State } from '../model/state.ts'
import { type JournalFile, type PackedEntry, packEvent, unpack } from './journal.ts'
import type { StateFile } from './state.ts'

/** Carries one call to a file and its answer back: into the store's thread, or straight to the file. */
export type Call = (method: string, args: readonly unknown[]) => Promise<unknown>

/** Calls a file in this thread. What it throws rejects. */
export const direct =
  (file: JournalFile | StateFile): Call =>
  async (method, args) =>
    (file as unknown as Record<string, (...args: readonly unknown[]) => unknown>)[method]?.(...args)

/** The model's `Journal` over calls: changes are serialised on this side, so that only flat tuples travel. */
export function journalOver(call: Call): Journal {
  return {
    head: () => call('head', []) as ReturnType<Journal['head']>,
    append: (events) => call('append', [events.map(packEvent)]) as ReturnType<Journal['append']>,
    async read(from, rowsMax, bytesMax) {
      const { entries, scanned } = (await call('read', [from, rowsMax, bytesMax])) as {
        entries: PackedEntry[]
        scanned: number
      }
      return { entries: entries.map(unpack), scanned }
    },
    count: (from) => call('count', [from]) as Promise<number>,
    async story(table, key, rowsMax) {
      return ((await call('story', [table, key, rowsMax])) as PackedEntry[]).map(unpack)
    },
    request: (snapshot) => call('request', [snapshot]) as Promise<void>,
    restart: () => call('restart', []) as Promise<void>,
    clear: (table) => call('clear', [table]) as Promise<void>,
    trim: (seq, before_ms, rowsMax) => call('trim', [seq, before_ms, rowsMax]) as Promise<number>,
  }
}

/** The model's `State` over calls: every method travels as it is. */
export function stateOver(call: Call): State {
  return new Proxy({} as State, {
    // A promise asks for `then`: the state is not one.
    get: (_, method) =>
      method === 'then' || typeof method === 'symbol' ? undefined : (...args: unknown[]) => call(method, args),
  })
}
