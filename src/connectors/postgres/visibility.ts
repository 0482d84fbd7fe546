/**
 * Which transactions a query could not see yet, although the stream had already delivered them. The log is decoded as soon
 * as a commit is written; queries see it a moment later, under synchronous replication much later.
 */

import type { Clock } from '../../std/clock.ts'

const ringSize = 65_536

/** `pg_current_snapshot()`: `xmin:xmax:xip,…`. Transactions from xmax on, and those in the list, are not visible. */
export interface Visibility {
  /** The low 32 bits, as the log writes transaction ids. */
  readonly xmax: number
  readonly running: ReadonlySet<string>
  readonly runningLow: ReadonlySet<number>
}

/** Reads the text of `pg_current_snapshot()`. */
export function readVisibility(text: string): Visibility {
  const [, xmax = '0', list = ''] = text.split(':')
  const running = new Set(list.split(',').filter((xid) => xid !== ''))
  return { xmax: low(xmax), running, runningLow: new Set([...running].map(low)) }
}

function low(xid: string): number {
  return Number(BigInt.asUintN(32, BigInt(xid)))
}

/** The transactions that were streamed last. */
export interface XidRing {
  add(xid: number): void
  /** How many were added so far. */
  total(): number
  /** Whether one of the first `before` is not visible, as far as they are remembered, or one of `suspects` is running. */
  mayBeInvisible(visibility: Visibility, before: number, suspects: ReadonlySet<string>): boolean
}

/** Pause before it is looked again whether queries see what was streamed. */
const lookAgain_ms = 5

/**
 * Resolves when queries see every transaction that was streamed before the call. Without this, a row that a change asks for
 * could be read as it was before that very change, or be taken for deleted.
 */
export async function untilVisible(
  link: { query(sql: string): Promise<readonly (readonly (string | null)[])[]> },
  streamed: XidRing,
  suspects: ReadonlySet<string>,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  const before = streamed.total()
  for (;;) {
    const answer = await link.query('SELECT pg_current_snapshot()::text')
    if (!streamed.mayBeInvisible(readVisibility(String(answer[0]?.[0])), before, suspects)) return
    await clock.sleep(lookAgain_ms, signal)
  }
}

/** An empty ring. */
export function newXidRing(): XidRing {
  const ring = new Uint32Array(ringSize)
  let total = 0
  return {
    add(xid) {
      ring[total++ % ringSize] = xid
    },
    total: () => total,
    mayBeInvisible({ xmax, running, runningLow }, before, suspects) {
      for (const xid of running) if (suspects.has(xid)) return true
      for (let n = Math.max(0, total - ringSize); n < before; n++) {
        const xid = ring[n % ringSize] as number
        // Transaction ids are a circle: the signed difference tells which comes later.
        if (((xid - xmax) | 0) >= 0 || runningLow.has(xid)) return true
      }
      return false
    },
  }
}
