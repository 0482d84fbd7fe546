import { waitAfter } from '../delivery/retry.ts'
import { type Failure, SyncError } from '../model/failure.ts'
import type { Clock } from '../std/clock.ts'
import type { Random } from '../std/random.ts'

/** Pauses before a system that is away is asked again: as long as those of a running engine, and longer at the end. */
const AGAIN = { attempts: Number.POSITIVE_INFINITY, wait_ms: 1_000, waitMax_ms: 60_000 }

/**
 * Starts when every system is there. After a power cut, or in a group of containers, the database or the network may come a minute
 * later than we do: that is told, and tried again, as in an engine that runs. What a person must mend is thrown.
 * @param tell what is away, and after which pause that is asked again
 */
export async function whenThere<T>(
  start: () => Promise<T>,
  { clock, random }: { readonly clock: Clock; readonly random: Random },
  tell: (failures: readonly Failure[], wait_ms: number) => void,
  stop: AbortSignal,
): Promise<T> {
  for (let attempt = 1; ; attempt++)
    try {
      return await start()
    } catch (error) {
      if (!(error instanceof SyncError) || stop.aborted) throw error
      const failures = [error.failure, ...error.others]
      if (!failures.every(isAway)) throw error
      const wait_ms = waitAfter(attempt, AGAIN, random, Math.max(0, ...failures.map((each) => each.retryAfter_ms ?? 0)))
      tell(failures, wait_ms)
      await clock.sleep(wait_ms, stop)
    }
}

/** A source or a target, and nothing that a person must mend. */
const isAway = ({ code, retry }: Failure): boolean => retry === 'timed' && /^SYNC-[23]/.test(code)
