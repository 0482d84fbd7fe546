import type { Change, Entry, FlowId, Sequence, SourceEvent } from '../model/change.ts'
import type { Selection } from '../model/journal.ts'

/** Bounds of what is kept (I7): entries, and bytes of their serialised bodies. */
const ROWS_MAX = 12_000
const BYTES_MAX = 12_000_000

/**
 * The newest entries of a journal, kept as they were decoded. A flow that keeps up reads them here and not from the file, which
 * saves a query, a copy between threads and a JSON text for each entry. Only entries that the file has stored are kept, and only
 * until all flows that read here have read them.
 */
export interface Recent {
  /** The changes of this item were stored under ascending numbers from `first` on; none was dropped. */
  add(events: readonly SourceEvent[], bytes: readonly number[], first: Sequence): void
  /** Forgets everything: what is stored is not known to be what was appended. */
  clear(): void
  /** The next entries of a flow up to `tail`, or null when the oldest of them are not here any more. */
  read(
    from: Selection,
    tail: Sequence,
    rowsMax: number,
    bytesMax: number,
  ): { entries: Entry[]; scanned: Sequence } | null
}

/** Nothing kept yet. */
export function recent(): Recent {
  let entries: Entry[] = []
  let sizes: number[] = []
  /** Entries before this index are forgotten; the array is cut when half of it is. */
  let start = 0
  let bytesKept = 0
  /** What each flow has read last. */
  const readUpTo = new Map<FlowId, Sequence>()

  function clear(): void {
    entries = []
    sizes = []
    start = 0
    bytesKept = 0
  }

  function shrink(): void {
    const read = readUpTo.size === 0 ? 0 : Math.min(...readUpTo.values())
    const isOver = () => entries.length - start > ROWS_MAX || bytesKept > BYTES_MAX
    while (start < entries.length && (isOver() || (entries[start] as Entry).seq <= read)) {
      bytesKept -= sizes[start] ?? 0
      start += 1
    }
    if (start < entries.length / 2) return
    entries = entries.slice(start)
    sizes = sizes.slice(start)
    start = 0
  }

  return {
    clear,
    add(events, bytes, first) {
      const last = entries.at(-1)
      if (last !== undefined && first !== last.seq + 1) clear()
      let seq = first
      for (const event of events) {
        if (event.kind !== 'rows') continue
        for (const change of event.changes) {
          const size = bytes[seq - first] ?? 0
          entries.push(entryOf(change, seq))
          sizes.push(size)
          bytesKept += size
          seq += 1
        }
      }
      shrink()
    },
    read(from, tail, rowsMax, bytesMax) {
      readUpTo.set(from.flow, from.after)
      shrink()
      const oldest = entries[start]
      if (oldest === undefined || from.after + 1 < oldest.seq || from.after >= tail) return null
      const found: Entry[] = []
      let bytes = 0
      let at = start + (from.after + 1 - oldest.seq)
      let scanned = from.after
      for (; at < entries.length; at++) {
        const entry = entries[at] as Entry
        if (entry.seq > tail) break
        if (from.tables.includes(entry.table) && (entry.only === undefined || entry.only === from.flow)) {
          bytes += sizes[at] ?? 0
          if (found.length >= rowsMax || (bytes > bytesMax && found.length > 0)) break
          found.push(entry)
        }
        scanned = entry.seq
      }
      return { entries: found, scanned }
    },
  }
}

const entryOf = (change: Change, seq: Sequence): Entry => ({ ...change, seq })
