import type { Key } from '../../model/key.ts'
import { field, type MutableRow, newRow, type Row, text, type Value } from '../../model/value.ts'
import { compareDecimals, type Decimal, decimalFrom } from '../../std/decimal.ts'
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

/** A place among the values that can be compared, then an exact number or a text that sorts as it is. */
interface Moment {
  readonly group: number
  readonly exact: Decimal | null
  readonly text: string
}

/** Larger is better; null is worst. */
type Score = number | Moment | null

function beats(a: Score, b: Score): boolean {
  if (a === null || b === null) return a !== null
  if (typeof a === 'number' || typeof b === 'number') return a > b
  if (a.group !== b.group) return a.group > b.group
  if (a.exact !== null && b.exact !== null) return compareDecimals(a.exact, b.exact) > 0
  return a.text > b.text
}

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

const groups = { lowest: 0, number: 1, moment: 2, text: 3, highest: 4 } as const

/** `2024-01-31`, `2024-01-31 02:30:00.5+00`, `2024-01-31T02:30:00Z`, `0044-03-15 BC`: moments without a zone, or in UTC. */
const momentGrammar = /^(\d{4,7})(-\d\d-\d\d)(?:[T ]([\d:]+)(?:\.(\d+))?)?(?:Z|\+00(?::?00)?)?( BC)?$/
/** No year of a database is as far away. */
const yearsMax = 50_000_000

/** Numbers by their exact value, moments by their place in time, other values by their text. NaN is no value. */
function momentOf(value: Value | undefined): Score {
  if (!hasValue(value)) return null
  const exact = text(value as Value) as string
  const at = (group: number, sorted = '', size: Decimal | null = null): Moment => ({ group, exact: size, text: sorted })
  if (/^-?infinity$/i.test(exact)) return at(exact.startsWith('-') ? groups.lowest : groups.highest)
  if (typeof value === 'number' || (typeof value === 'object' && value?.kind === 'decimal')) {
    const size = decimalFrom(exact)
    return size === undefined ? null : at(groups.number, '', size)
  }
  const [, year = '', day = '', time = '', fraction = '', era] = momentGrammar.exec(exact) ?? []
  if (year === '') return at(groups.text, exact)
  const sorted = String(yearsMax + (era === undefined ? 1 : -1) * Number(year))
  return at(groups.moment, `${sorted}${day} ${time}.${fraction.replace(/0+$/, '')}`)
}

/** The shorter key first: numbers that were given in order stay in order. */
const compareKeys = (a: Key, b: Key): number => a.length - b.length || (a < b ? -1 : a > b ? 1 : 0)
