import { text, type Value } from '../model/value.ts'
import type { Candidate, Found, Need, Stage } from '../model/verdict.ts'
import type { ReferenceAnswer, References } from './flow.ts'

/** Collects what the stages want to know about a window and answers it in one question a set (rule 7). */
export async function answerNeeds(
  stages: readonly Stage[],
  candidates: readonly Candidate[],
  references: References,
  signal: AbortSignal,
): Promise<Found> {
  const needs: Need[] = stages.flatMap((stage) => [...(stage.needs?.(candidates) ?? [])])
  const sets = new Map<string, Map<string, Value>>()
  for (const need of needs) {
    if (need.kind !== 'reference') continue
    const set = sets.get(need.set) ?? new Map<string, Value>()
    set.set(text(need.value) ?? '', need.value)
    sets.set(need.set, set)
  }
  const answers = new Map<string, ReferenceAnswer>()
  for (const [set, values] of sets) answers.set(set, await references.known(set, [...values.values()], signal))
  return {
    reference(set, value) {
      const answer = answers.get(set)
      if (answer?.known.has(text(value) ?? '')) return 'known'
      return answer !== undefined && answer.away !== null ? 'away' : 'unknown'
    },
  }
}
