import type { FlowId } from '../model/change.ts'
import type { Failure } from '../model/failure.ts'
import type { FlowStatus } from '../model/state.ts'
import type { Route } from '../model/target.ts'
import type { StageName } from '../model/verdict.ts'

/**
 * Everything that can happen, said once. Logs, metrics, health and the console are views of this union; nothing on the data
 * path writes a log line of its own. Events speak of batches, never of one row, and carry no value of a row.
 */
export type Event =
  /**
   * One item of a feed is in the journal. `changes: 0`: the source said that nothing new is there, which proves that the feed
   * is alive. `lag_ms`: from the newest commit at the source to its storing; null without one.
   */
  | {
      readonly kind: 'captured'
      readonly system: string
      readonly changes: number
      readonly commits: number
      readonly lag_ms: number | null
    }
  | {
      readonly kind: 'capture'
      readonly system: string
      readonly status: 'open' | 'reopening' | 'stopped'
      readonly failure: Failure | null
    }
  | {
      readonly kind: 'snapshot'
      readonly system: string
      readonly table: string
      readonly flow: FlowId | null
      readonly rows: number
      readonly rowsEstimated: number | null
      readonly done: boolean
    }
  /** One window was judged: entries by what became of them. */
  | {
      readonly kind: 'judged'
      readonly flow: FlowId
      readonly entries: number
      readonly sent: number
      readonly parked: number
      /** Of those parked: wait for a person's yes or no. */
      readonly review: number
      readonly excluded: number
      readonly superseded: number
      readonly waiting: number
      readonly ms: number
    }
  /**
   * Records of one window went through validation: how many of them are valid, and what each stage said. A record that is judged
   * again counts again. `scores`: the quality of each record that was measured, 0 to 1.
   */
  | {
      readonly kind: 'validated'
      readonly flow: FlowId
      readonly records: number
      readonly valid: number
      readonly results: readonly ValidationResult[]
      readonly scores: readonly number[]
    }
  /** One request has its answer. */
  | {
      readonly kind: 'answered'
      readonly flow: FlowId
      readonly route: Route
      readonly records: number
      readonly confirmed: number
      readonly rejected: number
      readonly unsent: number
      readonly unknown: number
      readonly attempt: number
      readonly ms: number
      readonly failure: Failure | null
    }
  /** Outcomes are stored. `durations_ms`: source commit to confirmed, live changes only. */
  | {
      readonly kind: 'settled'
      readonly flow: FlowId
      readonly delivered: number
      readonly superseded: number
      readonly parked: number
      readonly returned: number
      readonly durations_ms: readonly number[]
    }
  /**
   * Duplicates of one window. `merged`: records that go with another one from now on, or still; `unmerged`: those that go alone
   * again; `cut`: records that share a trait with more others than are compared.
   */
  | {
      readonly kind: 'duplicates'
      readonly flow: FlowId
      readonly compared: number
      readonly merged: number
      readonly unmerged: number
      readonly review: number
      readonly cut: number
    }
  /**
   * A page of the target's records was read for comparison, or could not be. `filled`: all that were there are known, and from now on
   * what changes; `following`: they were known before this reading already.
   */
  | {
      readonly kind: 'scan'
      readonly flow: FlowId
      readonly records: number
      readonly calls: number
      readonly filled: boolean
      readonly following: boolean
      readonly failure: Failure | null
    }
  /** Two records were to be merged inside the target, as a person asked for. `again`: certainly not applied, tried again later. */
  | {
      readonly kind: 'merge'
      readonly flow: FlowId
      readonly end: 'merged' | 'gone' | 'refused' | 'again'
      readonly failure: Failure | null
    }
  /** Records are read back after an answer was lost. */
  | { readonly kind: 'landing'; readonly flow: FlowId; readonly records: number; readonly until_ms: number }
  /** The target does not take anything at present. */
  | { readonly kind: 'away'; readonly flow: FlowId; readonly failure: Failure; readonly retryIn_ms: number }
  | { readonly kind: 'flow'; readonly flow: FlowId; readonly status: FlowStatus; readonly failure: Failure | null }
  /** A quality report was written, or could not be. */
  | { readonly kind: 'report'; readonly file: string | null; readonly failure: Failure | null }
  /** The state cannot be written: the engine stops. */
  | { readonly kind: 'fatal'; readonly failure: Failure }

/** Records of a window by what a stage, or one rule of it, said of them. */
export interface ValidationResult {
  readonly stage: StageName
  /** As the configuration names it; '' for the stage as a whole. */
  readonly rule: string
  readonly result: 'passed' | 'failed' | 'review' | 'merged'
  readonly n: number
}

/** Where events go. It never throws and never waits: telling what happened cannot hold up what happens. */
export type Emit = (event: Event) => void

/** One flow in people's words, for the views: what the labels of logs and metrics say. */
export interface FlowName {
  readonly flow: FlowId
  readonly sync: string
  /** The systems' names in the configuration. */
  readonly source: string
  readonly target: string
}
