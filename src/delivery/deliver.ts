import type { Outcome, Request, Target } from '../model/target.ts'
import type { Clock } from '../std/clock.ts'
import type { Random } from '../std/random.ts'
import type { Emit } from '../telemetry/event.ts'
import { type RetryPolicy, waitAfter } from './retry.ts'

/** What delivering needs from its surroundings. */
export interface Sender {
  readonly flow: string
  readonly target: Target
  readonly clock: Clock
  readonly random: Random
  readonly retry: RetryPolicy
  readonly emit: Emit
  /** Stores the new latest landing time, and the ticket if there is one, before anything is sent (I9). */
  readonly extend: (request: Request, mayLandUntil_ms: number, ticket: string | null) => Promise<void>
}

/**
 * Sends a request and repeats what certainly was not applied, up to the policy's attempts (rule 11). One outcome a delivery,
 * same order; `unsent` means that the attempts are used up, or that repeating does not help. Never rejects except when the
 * store does.
 * @param storedUntil_ms the latest landing time that is stored for the request already
 */
export async function deliver(
  sender: Sender,
  request: Request,
  storedUntil_ms: number,
  signal: AbortSignal,
): Promise<Outcome[]> {
  const { target, clock } = sender
  const outcomes: Outcome[] = []
  let open = request.deliveries.map((_, index) => index)
  for (let attempt = 1; ; attempt++) {
    const until = clock.now() + target.traits.landing_ms
    if (until > storedUntil_ms) {
      // I9: a wait in our queue, or a repeat, moves the last moment at which the request can take effect.
      storedUntil_ms = until + target.traits.landing_ms
      await sender.extend(request, storedUntil_ms, null)
    }
    const part: Request =
      open.length === request.deliveries.length
        ? request
        : { ...request, deliveries: open.map((index) => request.deliveries[index]!) }
    const started = clock.mono()
    const save = (ticket: string) => sender.extend(request, storedUntil_ms, ticket)
    const answers = await target.submit(part, save, signal)
    if (answers.length !== open.length)
      throw new Error(`the target answered ${answers.length} of ${open.length} deliveries`)
    open.forEach((index, at) => {
      outcomes[index] = answers[at]!
    })
    report(sender, request, answers, attempt, clock.mono() - started)
    open = open.filter((index) => repeatable(outcomes[index]!))
    if (open.length === 0 || attempt >= sender.retry.attempts) return outcomes
    const asked = Math.max(0, ...open.map((index) => retryAfter(outcomes[index]!)))
    try {
      await clock.sleep(waitAfter(attempt, sender.retry, sender.random, asked), signal)
    } catch {
      return outcomes
    }
  }
}

const repeatable = (outcome: Outcome): boolean => outcome.kind === 'unsent' && outcome.failure.retry === 'timed'
const retryAfter = (outcome: Outcome): number => (outcome.kind === 'unsent' ? (outcome.failure.retryAfter_ms ?? 0) : 0)

function report(sender: Sender, { route }: Request, answers: readonly Outcome[], attempt: number, ms: number): void {
  const count = (kind: Outcome['kind']) => answers.filter((answer) => answer.kind === kind).length
  const failed = answers.find((answer) => answer.kind === 'unsent' || answer.kind === 'unknown')
  sender.emit({
    kind: 'answered',
    flow: sender.flow,
    route,
    records: answers.length,
    confirmed: count('confirmed'),
    rejected: count('rejected'),
    unsent: count('unsent'),
    unknown: count('unknown'),
    attempt,
    ms,
    failure: failed?.failure ?? null,
  })
}
