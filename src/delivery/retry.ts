import type { Random } from '../std/random.ts'

/** How often a delivery is attempted, and how long is waited between. The defaults are those of the configuration. */
export interface RetryPolicy {
  readonly attempts: number
  readonly wait_ms: number
  readonly waitMax_ms: number
}

/** Longest time that a Retry-After is obeyed. */
const RETRY_AFTER_MAX_MS = 15 * 60_000

/**
 * How long to wait after the attempt with this number (from 1). It doubles from `wait_ms` to `waitMax_ms`; jitter only
 * lengthens, by at most a quarter, so that a stated wait is never cut short; what the other side asked for is honoured.
 */
export function waitAfter(attempt: number, policy: RetryPolicy, random: Random, retryAfter_ms = 0): number {
  const wait = Math.min(policy.wait_ms * 2 ** (attempt - 1), policy.waitMax_ms)
  return Math.round(Math.max(Math.min(retryAfter_ms, RETRY_AFTER_MAX_MS), wait) * (1 + random.next() / 4))
}
