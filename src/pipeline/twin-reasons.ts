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
    const owned = lead === null ? '' : `, that of ${lead}`
    const who = key === null ? `record ${target} of the target${owned}` : String(key)
    const but = comparison.veto === undefined ? '' : `, but ${comparison.veto}`
    return {
      stage: 'duplicates',
      code,
      error: `It resembles ${who}, ${sureOf(comparison)}${but}.${why === '' ? '' : ` ${why}`}`,
      alike: {
        key,
        target,
        lead,
        probability: comparison.probability,
        fields: comparison.fields.map(({ field, level, bits, why: says }) => {
          const place = plan.fields.findIndex(({ name }) => name === field)
          const shown = (text = '') => (text === '' ? '' : mask('text', text, plan.fields[place]?.classification))
          return { field, level, bits, why: says, own: shown(mine[place]), other: shown(theirs[place]) }
        }),
      },
    }
  })
}

/** Nothing is wholly sure. */
const sureOf = ({ probability }: Comparison): string =>
  `${(Math.min(probability, 0.9999) * 100).toFixed(probability > 0.99 ? 2 : 0)} % sure`

/** Fields that one line of reasons names. */
const FIELDS_MAX = 4

/** Why a record is taken for another one, in a line: the fields that agree, the most telling first. */
export function howOf({ key, target, comparison }: Resembles): string {
  const who = key ?? target
  if (comparison.key !== undefined) return `${who}: equal ${comparison.key.join(', ')}`
  const telling = comparison.fields.filter(({ bits }) => bits > 0).sort((a, b) => b.bits - a.bits)
  const says = telling.slice(0, FIELDS_MAX).map(({ field, why }) => `${field}: ${why}`)
  return `${who}: ${sureOf(comparison)}${says.length === 0 ? '' : ` (${says.join('; ')})`}`
}

/** Why a deletion waits for a person. */
export const leadsOthers = (n: number): Reason => ({
  stage: 'duplicates',
  code: 'SYNC-4064',
  error: `It is deleted at the source and leads ${n} merged ${n === 1 ? 'record' : 'records'}.`,
})
