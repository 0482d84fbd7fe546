import type { Key } from '../model/key.ts'
import type { Reason } from '../model/verdict.ts'
import { mask } from '../std/mask.ts'
import type { Comparison, Duplicates, Features } from './flow.ts'

/** Records that one reason list names. */
const NAMED_MAX = 5

/** A record that another one resembles. */
export interface Resembles {
  /** Null: a record of the target. */
  readonly key: Key | null
  readonly target: string | null
  /** The external id that a record of the target carries. */
  readonly ref: string | null
  readonly leadId: number | null
  /** The record that leads its cluster. */
  readonly lead: Key | null
  readonly comparison: Comparison
  /** What is compared of it. */
  readonly theirs: Features
}

/** One reason a resembled record, the likeliest first: whom, how likely, and what each field says, with masked values. */
export function resembles(
  code: Reason['code'],
  why: string,
  mine: Features,
  found: readonly Resembles[],
  { plan }: Duplicates,
): Reason[] {
  const sorted = [...found].sort((a, b) => b.comparison.bits - a.comparison.bits)
  return sorted.slice(0, NAMED_MAX).map(({ key, target, lead, comparison, theirs }): Reason => {
    const shown = key === null ? `record ${target} of the target` : String(key)
    const sure = `${(comparison.probability * 100).toFixed(comparison.probability > 0.99 ? 2 : 0)} %`
    return {
      stage: 'duplicates',
      code,
      error: [`It resembles ${shown}, ${sure} sure.`, why, comparison.veto ?? '']
        .filter((text) => text !== '')
        .join(' '),
      alike: {
        key,
        target,
        lead,
        probability: comparison.probability,
        fields: comparison.fields.map(({ field, level, bits, why: says }) => {
          const place = plan.fields.findIndex(({ name }) => name === field)
          return { field, level, bits, why: says, own: masked(mine[place]), other: masked(theirs[place]) }
        }),
      },
    }
  })
}

const masked = (text: string | undefined): string => (text === undefined || text === '' ? '' : mask('text', text))

/** Why a deletion waits for a person. */
export const leadsOthers = (n: number): Reason => ({
  stage: 'duplicates',
  code: 'SYNC-4064',
  error: `It is deleted at the source and leads ${n} merged ${n === 1 ? 'record' : 'records'}.`,
})
