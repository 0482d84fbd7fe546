import type { FlowId } from '../model/change.ts'
import type { Candidate, Found, Reason, StageName, Verdict } from '../model/verdict.ts'
import type { Emit, ValidationResult } from '../telemetry/event.ts'
import type { FlowSpec } from './flow.ts'
import { answerNeeds } from './needs.ts'

/** What all stages together said of a record; a parked one with the stage that parked it. */
export type Judged =
  | { readonly kind: 'accept' }
  | { readonly kind: 'skip'; readonly reason: string }
  | {
      readonly kind: 'park'
      readonly to: 'quarantine' | 'review'
      readonly stage: StageName
      readonly reasons: readonly Reason[]
    }

const accepted: { readonly kind: 'accept' } = { kind: 'accept' }

/**
 * The mapped records of one window on their way through the stages. A record parks at its first failing stage, with the errors of
 * the later ones (rule 8). The needs of all stages are answered once, before the first of them judges (rule 7).
 */
export class Validation {
  readonly #spec: Pick<FlowSpec, 'id' | 'stages'>
  readonly #unmapped: number
  readonly #figures = new Figures()
  readonly #found: Found
  #candidates: readonly Candidate[]
  #judged: readonly Judged[]

  private constructor(
    candidates: readonly Candidate[],
    unmapped: readonly (readonly Reason[])[],
    spec: Pick<FlowSpec, 'id' | 'stages'>,
    found: Found,
  ) {
    this.#candidates = candidates
    this.#judged = candidates.map(() => accepted)
    this.#unmapped = unmapped.length
    this.#spec = spec
    this.#found = found
    const failed = unmapped.map((reasons): Verdict => ({ kind: 'park', to: 'quarantine', reasons }))
    this.#figures.add('mapping', [...candidates.map(() => accepted), ...failed])
  }

  /** @param unmapped what mapping parked, for the figures */
  static async of(
    candidates: readonly Candidate[],
    unmapped: readonly (readonly Reason[])[],
    spec: Pick<FlowSpec, 'id' | 'stages' | 'references'>,
    signal: AbortSignal,
  ): Promise<Validation> {
    const found = await answerNeeds(spec.stages, candidates, spec.references, signal)
    return new Validation(candidates, unmapped, spec, found)
  }

  /** What is known so far: one answer a candidate, same order. */
  get judged(): readonly Judged[] {
    return this.#judged
  }

  /** Runs these of the stages, in their order. */
  async run(which: (stage: StageName) => boolean): Promise<void> {
    if (this.#candidates.length === 0) return
    for (const stage of this.#spec.stages)
      if (which(stage.name))
        this.add(stage.name, await stage.judge(this.#candidates, this.#found, (place) => this.stands(place)))
  }

  /** Whether nothing has parked it yet. */
  stands(place: number): boolean {
    return this.#judged[place]?.kind === 'accept'
  }

  /** What a stage said: one verdict a candidate, same order. Also for a stage that is not among those of the flow. */
  add(stage: StageName, verdicts: readonly Verdict[]): void {
    this.#figures.add(stage, verdicts)
    this.#judged = this.#judged.map((before, place) => withVerdict(before, verdicts[place] as Verdict, stage))
  }

  /** From here on the candidates have these fields, by their places. */
  replace(sets: ReadonlyMap<number, Candidate['set']>): void {
    if (sets.size === 0) return
    this.#candidates = this.#candidates.map((one, place) => ({ ...one, set: sets.get(place) ?? one.set }))
  }

  tell(emit: Emit): void {
    const valid = this.#judged.filter(({ kind }) => kind === 'accept').length
    const records = this.#judged.length + this.#unmapped
    if (records > 0) this.#figures.tell(this.#spec.id, records, valid, emit)
  }
}

function withVerdict(before: Judged, verdict: Verdict, stage: StageName): Judged {
  if (verdict.kind === 'accept') return before
  if (verdict.kind === 'skip') return before.kind === 'accept' ? verdict : before
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

  tell(flow: FlowId, records: number, valid: number, emit: Emit): void {
    emit({ kind: 'validated', flow, records, valid, results: this.#results, scores: this.#scores })
  }
}
