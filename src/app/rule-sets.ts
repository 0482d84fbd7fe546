import type { JudgedCount, RuleSet } from '../model/rule-set.ts'

/** The rules that judged something, as people are told. */
export interface Rules {
  /** Equal rules have equal hashes: `ruleHash` says what it covers. */
  readonly hash: string
  /** ISO 8601, UTC: when they began to judge. Null: before this was kept. */
  readonly since: string | null
}

/** Rules of some time ago, or of now. */
export interface RulesThen extends Rules {
  /** The newest rules that judged are the same: nothing has changed since. */
  readonly current: boolean
}

/** A rule set as people are told. */
export const rulesOf = ({ hash, since_ms }: RuleSet): Rules => ({
  hash,
  since: since_ms === null ? null : new Date(since_ms).toISOString(),
})

/** What a number of a rule set stands for. Null: nothing has judged, or before this was kept. */
export function rulesThen(sets: readonly RuleSet[]): (ruleSet: number | null) => RulesThen | null {
  const byId = new Map(sets.map((set) => [set.id, set]))
  const newest = sets.at(-1)?.hash
  return (ruleSet) => {
    const set = byId.get(ruleSet ?? 0)
    return set === undefined ? null : { ...rulesOf(set), current: set.hash === newest }
  }
}

/** Records that are not deleted, by who judged them last. */
export interface RecordsByRules {
  /** The newest rules. */
  readonly current: number
  /** Others before them. */
  readonly others: number
  /** It was not kept then. */
  readonly unknown: number
}

/** Records of a flow by the rules that judged them last. */
export function recordsByRules(sets: readonly RuleSet[], counts: readonly JudgedCount[]): RecordsByRules {
  const then = rulesThen(sets)
  const records = { current: 0, others: 0, unknown: 0 }
  for (const { ruleSet, records: n } of counts) {
    const rules = then(ruleSet)
    records[rules === null ? 'unknown' : rules.current ? 'current' : 'others'] += n
  }
  return records
}
