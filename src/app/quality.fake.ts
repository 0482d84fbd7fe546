import type { State } from '../model/state.ts'
import type { Clock } from '../std/clock.ts'
import { direct, stateOver } from '../store/calls.ts'
import { openDatabase } from '../store/sqlite.ts'
import { stateFile } from '../store/state.ts'
import type { Event } from '../telemetry/event.ts'

/** A clock that goes on only when somebody sleeps; `until_ms` ends the sleeping. */
export interface Sleeper extends Clock {
  now_ms: number
  readonly slept: number[]
}

/** Wakes at once, with the time moved on; from `until_ms` on it aborts. */
export function sleeper(start_ms: number, until_ms: number, stop: AbortController): Sleeper {
  const clock: Sleeper = {
    now_ms: start_ms,
    slept: [],
    now: () => clock.now_ms,
    mono: () => clock.now_ms,
    async sleep(ms, signal) {
      clock.slept.push(ms)
      clock.now_ms += ms
      // Others go on first, as they would while time passes.
      await new Promise(setImmediate)
      if (clock.now_ms >= until_ms) stop.abort(new Error('the test is over'))
      signal?.throwIfAborted()
    },
  }
  return clock
}

/** A state in memory. */
export const stateInMemory = (): State => stateOver(direct(stateFile(openDatabase(':memory:', 'state'))))

/** A window of validation: so many records, of which these failed one rule of the schema. */
export const validated = (
  records: number,
  failed = 0,
  more: Partial<Extract<Event, { kind: 'validated' }>> = {},
): Event => ({
  kind: 'validated',
  flow: 'members',
  records,
  valid: records - failed,
  results: [
    { stage: 'schema', rule: '', result: 'passed', n: records - failed },
    ...(failed === 0
      ? []
      : ([
          { stage: 'schema', rule: '', result: 'failed', n: failed },
          { stage: 'schema', rule: 'email', result: 'failed', n: failed },
        ] as const)),
  ],
  scores: [],
  ...more,
})

/** The flow that the figures belong to. */
export const MEMBERS_FLOW = { flow: 'members', sync: 'members', source: 'legacy', target: 'crm' } as const
