/**
 * Which transactions queries can see. Both servers write a transaction to the log, and send it, before they commit it in the storage
 * engine: under semi-synchronous replication (AFTER_SYNC) long before. Only then do queries see it.
 *
 * - MariaDB: START TRANSACTION WITH CONSISTENT SNAPSHOT makes a read view whose place in the log `binlog_snapshot_file` and
 *   `binlog_snapshot_position` name exactly: they are moved under the lock under which engines commit (LOCK_commit_ordered).
 * - MySQL with GTIDs: a transaction enters `gtid_executed` after its engines have committed it.
 * - MySQL without GTIDs says neither. A transaction holds the locks of its rows until its engines have committed it, so that a
 *   locking read of one row that it changed waits for it. Transactions commit in the order of the log (binlog_order_commits).
 */
import type { Clock } from '../../std/clock.ts'
import type { Link } from './client.ts'
import { comparePlaces, type Place, type RowName } from './position.ts'

/** Pause before it is looked again. */
const lookAgain_ms = 5

/** What queries must see before they are asked. */
export interface Visibility {
  /** The stream has yielded a transaction with rows of ours; it ends here, and this is one of them, where one is known. */
  streamed(place: Place, change: RowName | null): void
  /** Resolves when queries see all that was yielded before the call. */
  untilVisible(link: Link, signal: AbortSignal): Promise<void>
  /** Begins a transaction that reads a view in which all of that is visible. False: it is not yet, and none is begun. */
  begin(link: Link): Promise<boolean>
}

/** What decides it on this server. */
export type Way =
  | { readonly kind: 'snapshot' }
  | { readonly kind: 'gtids'; readonly text: () => string }
  /** Locks this row's, shared, and lets it go at once. */
  | { readonly kind: 'lock'; readonly lock: (link: Link, row: RowName) => Promise<void> }

/**
 * `from`: queries must see the log at least up to here. `row`: one that the last transaction of ours before it changed; without GTIDs
 * MySQL can be asked about nothing else.
 */
export function newVisibility(way: Way, from: Place, row: RowName | null, clock: Clock): Visibility {
  // With GTIDs what was read before counts as executed since the opening.
  let wanted = way.kind === 'snapshot' || (way.kind === 'lock' && row !== null) ? from : null
  let last = row
  let seen: Place | null = null

  const isSeen = (place: Place | null) => place === null || (seen !== null && comparePlaces(seen, place) >= 0)

  const look = async (link: Link): Promise<boolean> => {
    const place = wanted
    if (isSeen(place)) return true
    if (way.kind === 'gtids') {
      const [row] = await link.texts('SELECT GTID_SUBSET(?, @@global.gtid_executed)', [way.text()])
      if (row?.[0] !== '1') return false
    } else if (way.kind === 'lock') {
      if (last !== null) await way.lock(link, last)
    } else {
      if (await beginSnapshot(link, place)) await link.query('COMMIT')
      else return false
    }
    seen = place
    return true
  }

  return {
    streamed(place, change) {
      wanted = place
      last = change
    },
    async untilVisible(link, signal) {
      while (!(await look(link))) await clock.sleep(lookAgain_ms, signal)
    },
    async begin(link) {
      if (way.kind === 'snapshot') return beginSnapshot(link, wanted)
      if (!(await look(link))) return false
      await link.query('START TRANSACTION READ ONLY')
      return true
    },
  }
}

/** False: the view does not reach the place, and the transaction is closed again. */
async function beginSnapshot(link: Link, place: Place | null): Promise<boolean> {
  await link.query('START TRANSACTION WITH CONSISTENT SNAPSHOT')
  const rows = await link.texts("SHOW STATUS LIKE 'binlog_snapshot_%'")
  const status = new Map(rows.map(([name, value]) => [String(name).toLowerCase(), value ?? '']))
  const file = status.get('binlog_snapshot_file') ?? ''
  const offset = BigInt(status.get('binlog_snapshot_position') || 0)
  if (place === null || comparePlaces({ file, offset }, place) >= 0) return true
  await link.query('ROLLBACK')
  return false
}
