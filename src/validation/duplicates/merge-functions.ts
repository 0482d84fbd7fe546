import type { Key } from '../../model/key.ts'
import { field, type MutableRow, newRow, type Row, type Value } from '../../model/value.ts'
import type { Reason } from '../../model/verdict.ts'
import { type Plain, plainRow } from '../plain.ts'
import type { FieldRule } from './merge-options.ts'
import { type Contender, holdersOf, type Survivorship } from './survive.ts'

/** What a function of the user is called with for one field of one merge. */
export interface MergeCall {
  /** The records that have a value of the field, in their total order: the most complete one first, then by key. */
  readonly records: readonly Plain[]
  readonly field: string
}

/** What a function said of one field: the value of which record survives, or a value of its own. `failed`: as of a rule. */
export type MergeAnswer =
  | { readonly kind: 'place'; readonly place: number }
  | { readonly kind: 'value'; readonly value: null | boolean | number | string }
  | { readonly kind: 'failed'; readonly why: string }

/** Runs merge functions of the user away from the engine. */
export interface MergeFunctions {
  /**
   * One answer a call, same order. Never rejects for what a function does with a record; a `SyncError` says that it cannot go on.
   * @param timeout_ms for one call
   */
  choose(file: string, calls: readonly MergeCall[], timeout_ms: number): Promise<readonly MergeAnswer[]>
}

/** What functions chose of one merge. */
export type Chosen =
  | { readonly kind: 'fields'; readonly fields: Row }
  /** The merged record cannot be made. */
  | { readonly kind: 'failed'; readonly reasons: readonly Reason[] }

/** The longest text that a function may make; that of the longest text area of a CRM. */
const valueUnitsMax = 131_072

/**
 * What a function answered, as the engine takes it: a place in the list, or `{ value }`. Null, undefined and -1 (what `findIndex`
 * says of nothing) leave the field to the first record.
 */
export function choiceFrom(answer: unknown, records: number): MergeAnswer {
  if (answer === null || answer === undefined || answer === -1) return { kind: 'place', place: 0 }
  if (typeof answer === 'number') {
    if (Number.isInteger(answer) && answer >= 0 && answer < records) return { kind: 'place', place: answer }
    return { kind: 'failed', why: `it answered ${answer}, and there are records 0 to ${records - 1}` }
  }
  if (typeof answer !== 'object' || !Object.hasOwn(answer, 'value'))
    return { kind: 'failed', why: 'it answered neither the place of a record, nor { value: … }, nor null' }
  const { value } = answer as { readonly value: unknown }
  if (value === null || typeof value === 'boolean') return { kind: 'value', value }
  if (typeof value === 'number' && Number.isFinite(value)) return { kind: 'value', value }
  if (typeof value === 'string' && value.length <= valueUnitsMax) return { kind: 'value', value: value.toWellFormed() }
  const why =
    typeof value === 'string'
      ? `the value that it answered has ${value.length} characters, at most ${valueUnitsMax} are allowed`
      : 'the value that it answered is no text, number, boolean or null'
  return { kind: 'failed', why }
}

/** The rule of a field that a function of the user decides. */
export interface FunctionRule {
  readonly function: string
  readonly timeout?: string
}

/** Whether a function of the user decides. */
export const isFunction = (rule: FieldRule): rule is FunctionRule =>
  typeof rule === 'object' && rule.function !== undefined

/** One field of one merge that a function decides. */
interface Asked {
  readonly merge: number
  readonly name: string
  readonly holders: readonly Contender[]
}

/**
 * What functions choose for many merges at once, each function called once with all that it decides. It is asked where at least two
 * records have a value of the field; the same records give the same calls, in whatever order they come.
 * @param timeoutOf milliseconds for one call
 */
export async function chosenBy(
  merges: readonly (readonly Contender[])[],
  rules: Survivorship,
  functions: MergeFunctions,
  timeoutOf: (rule: FunctionRule) => number,
): Promise<readonly Chosen[]> {
  const byRule = new Map<FunctionRule, Asked[]>()
  for (const [merge, records] of merges.entries())
    for (const { name, holders } of holdersOf(records)) {
      const rule = rules.fields.get(name) ?? rules.default
      if (!isFunction(rule) || holders.length < 2) continue
      const asked = byRule.get(rule) ?? []
      asked.push({ merge, name, holders })
      byRule.set(rule, asked)
    }
  const fields = merges.map((): MutableRow => newRow())
  const reasons = merges.map((): Reason[] => [])
  const plain = new Map<Contender, Plain>()
  const asPlain = (one: Contender): Plain => {
    const known = plain.get(one) ?? plainRow(one.set)
    plain.set(one, known)
    return known
  }
  for (const [rule, asked] of byRule) {
    const calls = asked.map(({ name, holders }): MergeCall => ({ records: holders.map(asPlain), field: name }))
    const answers = await functions.choose(rule.function, calls, timeoutOf(rule))
    for (const [i, { merge, name, holders }] of asked.entries()) {
      const answer = answers[i] ?? { kind: 'failed', why: 'it gave no answer' }
      if (answer.kind === 'failed') reasons[merge]?.push(failed(rule, name, holders, answer.why))
      else (fields[merge] as MutableRow)[name] = exactValue(answer, name, holders)
    }
  }
  return merges.map((_, i): Chosen => {
    const failures = reasons[i] as Reason[]
    return failures.length > 0 ? { kind: 'failed', reasons: failures } : { kind: 'fields', fields: fields[i] as Row }
  })
}

/** A chosen record's value stays exact: it never was JSON. */
const exactValue = (
  answer: Exclude<MergeAnswer, { kind: 'failed' }>,
  name: string,
  holders: readonly Contender[],
): Value => (answer.kind === 'value' ? answer.value : (field((holders[answer.place] as Contender).set, name) as Value))

const failed = (rule: FunctionRule, name: string, holders: readonly { readonly key: Key }[], why: string): Reason => ({
  stage: 'duplicates',
  code: 'SYNC-4065',
  rule: rule.function,
  field: name,
  error: `The function ${rule.function}, which merges ${name} of ${holders.length} records, failed: ${why}.`,
})
