import type { Event, ValidationResult } from './event.ts'
import type { Family, Sample } from './family.ts'

/** Upper bounds of `sync_quality_score_distribution`. */
const SCORE_BUCKETS = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1] as const
/** The average forgets at this pace: it is that of about so many records. */
const AVERAGE_RECORDS = 1_000
/** Series of one flow; more (a schema with thousands of keywords) are counted as the rule `other` of their stage. */
const SERIES_MAX = 1_000

/** What validation said of the records of one flow. */
export class QualityFigures {
  readonly results = new Map<string, Omit<ValidationResult, 'n'> & { n: number }>()
  /** Scores up to each bound and above its neighbour; the last is what a rounding may put above 1. */
  readonly scores: number[] = Array.from({ length: SCORE_BUCKETS.length + 1 }, () => 0)
  scoresSum = 0
  #recentSum = 0
  #recentRecords = 0

  add({ results, scores }: Extract<Event, { kind: 'validated' }>): void {
    for (const { stage, rule, result, n } of results) this.#count(stage, rule, result, n)
    for (const score of scores) {
      let bucket = 0
      while (bucket < SCORE_BUCKETS.length && score > (SCORE_BUCKETS[bucket] as number)) bucket++
      this.scores[bucket] = (this.scores[bucket] as number) + 1
      this.scoresSum += score
      this.#recentSum += score
      this.#recentRecords += 1
      if (this.#recentRecords < 2 * AVERAGE_RECORDS) continue
      this.#recentSum /= 2
      this.#recentRecords /= 2
    }
  }

  /** The average of about the last thousand records; null before the first. */
  get average(): number | null {
    return this.#recentRecords === 0 ? null : this.#recentSum / this.#recentRecords
  }

  #count(stage: ValidationResult['stage'], rule: string, result: ValidationResult['result'], n: number): void {
    const full = this.results.size >= SERIES_MAX && !this.results.has(id(stage, rule, result))
    const named = full && rule !== '' ? 'other' : rule
    const known = this.results.get(id(stage, named, result))
    if (known === undefined) this.results.set(id(stage, named, result), { stage, rule: named, result, n })
    else known.n += n
  }
}

const id = (stage: string, rule: string, result: string): string => `${stage}\0${result}\0${rule}`

interface FlowQuality {
  readonly labels: { readonly sync: string; readonly source: string; readonly target: string }
  readonly quality: QualityFigures
}

/** What validation says of the data, for dashboards and alerts. */
export function qualityFamilies(flows: readonly FlowQuality[]): Family[] {
  return [
    {
      name: 'sync_validation_total',
      help: 'Records by what each stage (rule "") and each of its rules said; a record that is judged again counts again.',
      type: 'counter',
      samples: () =>
        flows.flatMap(({ labels, quality }) =>
          [...quality.results.values()].map(
            ({ stage, rule, result, n }): Sample => ({
              labels: { sync: labels.sync, stage, rule, result },
              value: n,
            }),
          ),
        ),
    },
    {
      name: 'sync_quality_score',
      help: 'Mean quality of about the last thousand records that were scored, 0 to 1; absent before the first.',
      type: 'gauge',
      samples: () =>
        flows.flatMap(({ labels, quality }) =>
          quality.average === null ? [] : [{ labels, value: quality.average } satisfies Sample],
        ),
    },
    {
      name: 'sync_quality_score_distribution',
      help: 'Quality of every record that was scored, 0 to 1.',
      type: 'histogram',
      samples: () => flows.filter(({ quality }) => quality.average !== null).flatMap(distribution),
    },
  ]
}

function distribution({ labels, quality }: FlowQuality): Sample[] {
  const name = 'sync_quality_score_distribution'
  let below = 0
  const buckets = quality.scores.map((n, i): Sample => {
    below += n
    const le = SCORE_BUCKETS[i]
    return {
      metricName: `${name}_bucket`,
      labels: { ...labels, le: le === undefined ? '+Inf' : String(le) },
      value: below,
    }
  })
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels, value: quality.scoresSum },
    { metricName: `${name}_count`, labels, value: below },
  ]
}
