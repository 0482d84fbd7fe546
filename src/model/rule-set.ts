import type { LaneOf, OutcomeRow } from './state.ts'

/** The rules of a flow, from the first window that they judged until others did. Equal rules have equal hashes. */
export interface RuleSet {
  readonly id: number
  /** Of everything that judges (`ruleHash`). */
  readonly hash: string
  /** Null: they judged before this was kept. */
  readonly since_ms: number | null
}

/** A parked lane as it is told. */
export interface ParkedLane extends LaneOf {
  /** Number of the rule set that judged it; null: before this was kept. */
  readonly ruleSet: number | null
}

/** An audit row as it is told. */
export interface JudgedOutcome extends OutcomeRow {
  readonly at_ms: number
  /** Number of the rule set that judged the entry, or what it was folded into; null: none did, or before this was kept. */
  readonly ruleSet: number | null
}

/** Records by the rule set that judged them last. */
export interface JudgedCount {
  /** Null: before this was kept. */
  readonly ruleSet: number | null
  readonly records: number
}
