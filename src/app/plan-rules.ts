import type { Key } from '../model/key.ts'
import type { RuleSet } from '../model/rule-set.ts'
import type { Known, Lane } from '../model/state.ts'
import type { Reason } from '../model/verdict.ts'
import type { Decision } from '../pipeline/judge.ts'

/** What changed rules have to do with the records of a plan. */
export interface RulesPlan {
  /** Of the present rules. */
  readonly hash: string
  /** Records that were judged last by other rules than the present ones. */
  readonly others: number
  /** Of those: judged before it was kept by which rules. */
  readonly unknown: number
  /** Of `others`: those of which the present rules decide otherwise than what is there now. A full run sends them. */
  readonly touched: number
}

/** Counts records by the rules that judged them last. `present`: the rules of the plan; `sets`: those that ever judged. */
export function rulesTally(present: string, sets: readonly RuleSet[]) {
  const same = new Set(sets.flatMap(({ id, hash }) => (hash === present ? [id] : [])))
  const count = { others: 0, unknown: 0, touched: 0 }
  return {
    /** @param into the record that it is merged into now */
    add(known: Known | null, decision: Decision, into: Key | null): void {
      if (known === null || (known.ruleSet !== null && same.has(known.ruleSet))) return
      count.others += 1
      if (known.ruleSet === null) count.unknown += 1
      if (isOther(known, decision, into)) count.touched += 1
    },
    plan: (): RulesPlan => ({ hash: present, ...count }),
  }
}

/** Whether a decision is another one than that which was taken of the record. */
function isOther({ lane }: Known, decision: Decision, into: Key | null): boolean {
  const isParked = lane?.state === 'parked' || lane?.state === 'review'
  if (decision.kind === 'park') return !isParked || decision.to !== placeOf(lane) || !sameCauses(decision, lane)
  // What the target says of its data cannot be told beforehand.
  if (isParked) return lane.stage !== 'target'
  if (decision.kind === 'merge') return into === null || decision.reason !== `merged into ${into}`
  return decision.kind === 'send'
}

const placeOf = ({ state }: Lane) => (state === 'review' ? 'review' : 'quarantine')

type Causes = { readonly reasons: readonly Reason[] }

const sameCauses = (a: Causes, b: Causes): boolean => causes(a) === causes(b)

const causes = ({ reasons }: Causes): string =>
  JSON.stringify(reasons.map(({ stage, code, rule, field }) => JSON.stringify([stage, code, rule, field])).sort())
