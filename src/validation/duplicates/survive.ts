import type { Key } from '../../model/key.ts'
import { field, type MutableRow, newRow, type Row, text, type Value } from '../../model/value.ts'
import type { FieldRule } from './merge-options.ts'

/** A record of a cluster: its mapped fields. */
export interface Contender {
  readonly key: Key
  readonly set: Row
}

/** By which rule each field of a merged record is chosen. */
export interface Survivorship {
  readonly default: FieldRule
  readonly fields: ReadonlyMap<string, FieldRule>
}

/**
 * The fields of a merged record, each from one of its records. A record that has no value for a field never wins it, where
 * another one has. Ties go to the more complete record, then to the smaller key: the order is total, so that the answer depends
 * on which records there are and on nothing else (merging is associative, commutative and idempotent).
 */
export function survive(records: readonly Contender[], rules: Survivorship): Row {
  const merged: MutableRow = newRow()
  for (const { name, holders, empty } of holdersOf(records)) {
    const rule = rules.fields.get(name) ?? rules.default
    const from = holders.length === 0 ? empty : winner(holders, name, rule)
    merged[name] = field((from as Contender).set, name) as Value
  }
  return merged
}

/** Who has a value of a field, in the total order of the records: the most complete one first, then the smaller key. */
export interface Holders {
  readonly name: string
  readonly holders: readonly Contender[]
  /** The first one that names the field without a value. */
  readonly empty: Contender | undefined
}

/** The fields of some records by their names, each with its holders. A record that is named twice counts once. */
export function holdersOf(records: readonly Contender[]): Holders[] {
  const ranked = [...new Map(records.map((record) => [record.key, record])).values()]
    .map((record) => ({ record, filled: filledOf(record.set) }))
    .sort((a, b) => b.filled - a.filled || compareKeys(a.record.key, b.record.key))
    .map(({ record }) => record)
  const names = new Set(ranked.flatMap(({ set }) => Object.keys(set)))
  return [...names].sort().map((name) => ({
    name,
    holders: ranked.filter(({ set }) => hasValue(field(set, name))),
    empty: ranked.find(({ set }) => Object.hasOwn(set, name) && !hasValue(field(set, name))),
  }))
}

/** Null and empty text are no values. */
const hasValue = (value: Value | undefined): boolean => value !== undefined && value !== null && text(value) !== ''

const filledOf = (set: Row): number => Object.keys(set).filter((name) => hasValue(field(set, name))).length

/** The holder that the rule prefers; of equal ones the first, and they come in their total order. */
function winner(holders: readonly Contender[], name: string, rule: FieldRule): Contender {
  // What a function of the user says takes the place of the first (`chosenBy`).
  if (rule === 'complete' || (typeof rule === 'object' && rule.function !== undefined)) return holders[0] as Contender
  const score = scoreOf(holders, name, rule)
  let best = holders[0] as Contender
  for (const holder of holders) if (beats(score(holder), score(best))) best = holder
  return best
}

type Score = number | string | null

/** Larger is better; null is worst. */
const beats = (a: Score, b: Score): boolean => a !== null && (b === null || a > b)

function scoreOf(
  holders: readonly Contender[],
  name: string,
  rule: Exclude<FieldRule, 'complete'>,
): (one: Contender) => Score {
  const textOf = ({ set }: Contender) => text(field(set, name) ?? null) ?? ''
  if (rule === 'longest') return (one) => [...textOf(one)].length
  if (rule === 'frequent') {
    const times = new Map<string, number>()
    for (const holder of holders) times.set(textOf(holder), (times.get(textOf(holder)) ?? 0) + 1)
    return (one) => times.get(textOf(one)) ?? 0
  }
  const { newest, priority = [], by = '' } = rule
  if (newest !== undefined) return (one) => momentOf(field(one.set, newest))
  return ({ set }) => {
    const place = priority.indexOf(text(field(set, by) ?? null) ?? '')
    return place < 0 ? null : -place
  }
}

/** Dates and times sort by their text, numbers as numbers padded to one width. */
function momentOf(value: Value | undefined): Score {
  if (!hasValue(value)) return null
  const exact = text(value as Value) as string
  if (typeof value === 'number' || (typeof value === 'object' && value?.kind === 'decimal'))
    return Number(exact) < 0 ? '' : Number(exact).toFixed(6).padStart(40, '0')
  return exact === 'infinity' ? '~' : exact.endsWith(' BC') || exact === '-infinity' ? '' : exact.replace('T', ' ')
}

/** The shorter key first: numbers that were given in order stay in order. */
const compareKeys = (a: Key, b: Key): number => a.length - b.length || (a < b ? -1 : a > b ? 1 : 0)
