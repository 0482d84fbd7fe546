import type { FlowId } from '../model/change.ts'
import type { Candidate, Reason, StageName, Verdict } from '../model/verdict.ts'
import type { Emit, ValidationResult } from '../telemetry/event.ts'
import type { FlowSpec } from './flow.ts'
import { answerNeeds } from './needs.ts'

/** What all stages together said of a record; a parked one with the stage that parked it. */
export type Judged =
  | { readonly kind: 'accept' }
  | { readonly kind: 'skip' | 'merge'; readonly reason: string }
  | {
      readonly kind: 'park'
      readonly to: 'quarantine' | 'review'
      readonly stage: StageName
      readonly reasons: readonly Reason[]
    }

/**
 * Runs all stages over mapped records: one answer each, same order. A record parks at its first failing stage, with the errors of
 * the later ones (rule 8). The stages' needs are answered once, before the first of them judges (rule 7).
 *
 * @param refused what mapping and key said against a candidate, by its place: it is parked already, and the stages say what else
 *   is wrong with it
 * @param emit where the figures go; nothing is told of records that are only looked at
 */
export async function validate(
  candidates: readonly Candidate[],
  refused: ReadonlyMap<number, readonly Reason[]>,
  spec: Pick<FlowSpec, 'id' | 'stages' | 'references'>,
  emit: Emit | undefined,
  signal: AbortSignal,
): Promise<readonly Judged[]> {
  const figures = new Figures()
  const judged = candidates.map((_, place): Judged => {
    const reasons = refused.get(place)
    if (reasons === undefined) return accepted
    return { kind: 'park', to: 'quarantine', stage: reasons[0]?.stage ?? 'mapping', reasons }
  })
  figures.add('mapping', judged)
  const stands = (place: number) => judged[place]?.kind === 'accept'
  let seen = candidates
  const found = await answerNeeds(spec.stages, candidates, spec.references, signal)
  // Also for a window without candidates: duplicates hear of its deletions.
  for (const stage of spec.stages) {
    const verdicts = await stage.judge(seen, found, stands)
    figures.add(stage.name, verdicts)
    for (const [place, verdict] of verdicts.entries())
      judged[place] = withVerdict(judged[place] as Judged, verdict, stage.name)
    seen = (await stage.after?.(seen)) ?? seen
  }
  if (emit !== undefined) figures.tell(spec.id, judged, emit)
  return judged
}

const accepted: { readonly kind: 'accept' } = { kind: 'accept' }

function withVerdict(before: Judged, verdict: Verdict, stage: StageName): Judged {
  if (verdict.kind === 'accept') return before
  if (verdict.kind !== 'park') return before.kind === 'accept' ? verdict : before
  const { to, reasons } = verdict
  if (before.kind === 'accept') return { kind: 'park', to, stage, reasons }
  return before.kind === 'park' ? { ...before, reasons: [...before.reasons, ...reasons] } : before
}

/** Counts of one window, by stage and rule. */
class Figures {
  readonly #results: ValidationResult[] = []
  readonly #scores: number[] = []

  add(stage: StageName, verdicts: readonly Verdict[]): void {
    const counts = { passed: 0, failed: 0, review: 0, merged: 0 }
    const rules = new Map<string, { failed: number; review: number }>()
    for (const verdict of verdicts) {
      if ('score' in verdict && verdict.score !== undefined) this.#scores.push(verdict.score)
      if (verdict.kind !== 'park') {
        counts[verdict.kind === 'accept' ? 'passed' : 'merged'] += 1
        continue
      }
      const result = verdict.to === 'review' ? 'review' : 'failed'
      counts[result] += 1
      for (const rule of new Set(verdict.reasons.flatMap((reason) => reason.rule ?? []))) {
        const one = rules.get(rule) ?? { failed: 0, review: 0 }
        one[result] += 1
        rules.set(rule, one)
      }
    }
    for (const result of ['passed', 'failed', 'review', 'merged'] as const)
      if (counts[result] > 0) this.#results.push({ stage, rule: '', result, n: counts[result] })
    for (const [rule, { failed, review }] of rules) {
      if (failed > 0) this.#results.push({ stage, rule, result: 'failed', n: failed })
      if (review > 0) this.#results.push({ stage, rule, result: 'review', n: review })
    }
  }

  tell(flow: FlowId, judged: readonly Judged[], emit: Emit): void {
    const records = judged.length
    if (records === 0) return
    const valid = judged.filter(({ kind }) => kind === 'accept').length
    emit({ kind: 'validated', flow, records, valid, results: this.#results, scores: this.#scores })
  }
}
