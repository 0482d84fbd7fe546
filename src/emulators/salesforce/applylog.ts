/** A bounded record of what was written, in order, so that a test can check the order of writes per record. */

import type { Row, Value } from './schema.ts'
import type { Change, WriteOp } from './tables.ts'
import { formatMoment } from './values.ts'

interface ApplyEntry {
  readonly seq: number
  readonly at: string
  readonly object: string
  readonly id: string
  /** Values of the object's external-id fields, by field. */
  readonly keys: Record<string, Value>
  readonly op: WriteOp
  /** The fields of this write. */
  readonly set: Record<string, Value>
  /** Number of the HTTP request that wrote. */
  readonly request: number
}

/** What was written, newest last; the oldest entries fall out when it is full. */
export interface ApplyLog {
  append(change: Change, at_ms: number, request: number): void
  /** Entries after `since`, oldest first, at most `rows`; of one object when it is named. */
  read(options: { object?: string | null; since?: number; rows?: number }): {
    entries: ApplyEntry[]
    last: number
    kept: number
  }
  /** Changes how many entries are kept; 0 switches the log off. */
  resize(rows: number): void
  clear(): void
}

interface Kept {
  readonly seq: number
  readonly at_ms: number
  readonly row: Row
  readonly keys: readonly Value[]
  readonly op: WriteOp
  readonly set: Row['values']
  readonly request: number
}

/** A log of at most `capacityRows` entries. */
export function makeApplyLog(capacityRows: number): ApplyLog {
  let capacity = capacityRows
  let ring: (Kept | undefined)[] = new Array(capacity)
  let last = 0
  let first = 1
  const clear = () => {
    ring = new Array(capacity)
    first = last + 1
  }
  return {
    append(change, at_ms, request) {
      if (capacity === 0) return
      for (const { row, op, set } of change.writes) {
        last++
        const keys = row.type.keys.map((field) => row.values[field.name] ?? null)
        ring[last % capacity] = { seq: last, at_ms, row, keys, op, set, request }
      }
      if (last - first + 1 > capacity) first = last - capacity + 1
    },
    read({ object, since = 0, rows = 10_000 }) {
      const entries: ApplyEntry[] = []
      for (let seq = Math.max(first, since + 1); seq <= last && entries.length < rows; seq++) {
        const kept = ring[seq % capacity]!
        if (object == null || kept.row.type.name === object) entries.push(show(kept))
      }
      return { entries, last, kept: last - first + 1 }
    },
    resize(rows) {
      capacity = rows
      clear()
    },
    clear,
  }
}

function show(kept: Kept): ApplyEntry {
  const { seq, row, op, set, request } = kept
  const keys: Record<string, Value> = {}
  for (const [i, field] of row.type.keys.entries()) keys[field.name] = kept.keys[i]!
  return { seq, at: formatMoment(kept.at_ms), object: row.type.name, id: row.id, keys, op, set, request }
}
