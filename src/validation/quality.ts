import type { RuleProblem } from '../model/problem.ts'
import { celProblem } from '../model/problem.ts'
import { text, type Value } from '../model/value.ts'
import type { Candidate, Reason, Stage, Verdict } from '../model/verdict.ts'
import { type CelRule, compileCelRule } from '../std/cel.ts'
import type { CelRow } from '../std/cel-walk.ts'
import { duration_ms } from '../std/duration.ts'
import { didYouMean } from '../std/suggest.ts'
import { conditionsOf, isFilled, isUnsent, type StageEnvironment, type Subject, subjectOf } from './environment.ts'
import { type Format, formats } from './formats.ts'
import type { QualityOptions } from './options.ts'
import { type Classes, shown } from './show.ts'

/** The parts of a score, in the order in which reasons name them. */
export const qualityParts = ['completeness', 'validity', 'consistency', 'freshness'] as const
type Part = (typeof qualityParts)[number]

const weightsDefault = { completeness: 4, validity: 3, consistency: 2, freshness: 1 } as const
const findingsMax = 20
const DAY_MS = 86_400_000

/** Something that takes from the score. */
interface Finding {
  readonly rule: Part
  readonly field?: string
  readonly error: string
  readonly value?: string
}

/** One measurement: how much of its weight it earns, 0 to 1. */
interface Mark {
  readonly part: Part
  readonly weight: number
  readonly earned: number
  readonly finding: Finding | null
}

/** Measures one thing of a record; null where it says nothing of this record. */
type Measure = (candidate: Candidate) => Mark | null

interface Compiled {
  readonly measures: readonly Measure[]
  readonly columns: readonly string[]
  /** Target fields that it looks at. */
  readonly fields: readonly string[]
  readonly weights: { readonly [part in Part]: number }
  readonly threshold: number
  readonly parks: boolean
}

/** What is wrong with the quality stage; nothing, if it can be compiled. Paths begin at `quality`. */
export function checkQuality(
  quality: QualityOptions,
  schemaFormats: readonly (readonly [string, string])[],
  env: StageEnvironment,
): RuleProblem[] {
  const problems: RuleProblem[] = []
  compile(quality, schemaFormats, env, problems)
  return problems
}

/**
 * The stage of data quality: a score from 0 to 1 a record, the weighted mean of its parts; each part is the weighted mean of its
 * marks, and a part that says nothing of the record does not count.
 *
 * - completeness: fields that have a value
 * - validity: values that have their format; empty fields are the matter of completeness
 * - consistency: conditions that hold; null and absent inputs say nothing
 * - freshness: 1 up to the age `fresh`, 0 from the age `stale` on, evenly in between; a date that is not there says nothing
 *
 * Below the threshold a record goes to review, with score and reasons; every verdict carries its score. A record is not scored
 * where a field that is measured could not be mapped.
 *
 * @param schemaFormats formats that the schema gives to fields, where `validity` says nothing
 */
export function qualityStage(
  quality: QualityOptions,
  schemaFormats: readonly (readonly [string, string])[],
  env: StageEnvironment,
): Stage {
  const problems: RuleProblem[] = []
  const compiled = compile(quality, schemaFormats, env, problems)
  if (problems[0] !== undefined) throw new Error(`the quality stage was not checked: ${problems[0].message}`)
  return {
    name: 'quality',
    columns: compiled.columns,
    together: compiled.columns.length > 1 ? [compiled.columns] : [],
    judge: (candidates) =>
      candidates.map((candidate) =>
        compiled.fields.some((name) => candidate.unmapped?.has(name)) ? { kind: 'accept' } : judge(candidate, compiled),
      ),
  }
}

function judge(candidate: Candidate, { measures, weights, threshold, parks }: Compiled): Verdict {
  const sums = { completeness: [0, 0], validity: [0, 0], consistency: [0, 0], freshness: [0, 0] }
  const findings: Finding[] = []
  for (const measure of measures) {
    const mark = measure(candidate)
    if (mark === null) continue
    const sum = sums[mark.part] as [number, number]
    sum[0] += mark.weight * mark.earned
    sum[1] += mark.weight
    if (mark.finding !== null && findings.length < findingsMax) findings.push(mark.finding)
  }
  const scores = qualityParts.flatMap((part): [Part, number][] => {
    const [earned, of] = sums[part] as [number, number]
    return of > 0 && weights[part] > 0 ? [[part, earned / of]] : []
  })
  const total = scores.reduce((sum, [part]) => sum + weights[part], 0)
  const score = total === 0 ? 1 : scores.reduce((sum, [part, one]) => sum + one * weights[part], 0) / total
  if (score >= threshold || !parks) return { kind: 'accept', score }
  return { kind: 'park', to: 'review', score, reasons: reasonsOf(score, threshold, scores, findings) }
}

function reasonsOf(
  score: number,
  threshold: number,
  scores: readonly [Part, number][],
  findings: readonly Finding[],
): Reason[] {
  const parts = scores.map(([part, one]) => `${part} ${one.toFixed(2)}`).join(', ')
  const summary = `The quality score is ${score.toFixed(2)}, below ${threshold}: ${parts}.`
  return [
    { stage: 'quality', code: 'SYNC-4046', error: summary },
    ...findings.map((finding): Reason => ({ stage: 'quality', code: 'SYNC-4046', ...finding })),
  ]
}

type Add = (message: string, ...at: readonly string[]) => void

function compile(
  quality: QualityOptions,
  schemaFormats: readonly (readonly [string, string])[],
  env: StageEnvironment,
  problems: RuleProblem[],
): Compiled {
  const add: Add = (message, ...at) => void problems.push({ code: 'SYNC-1026', message, path: ['quality', ...at] })
  const [columns, fields] = [new Set<string>(), new Set<string>()]
  const subject = (name: string, ...at: readonly string[]): Subject | null => {
    const found = subjectOf(name, env)
    if (found === null) add(`"${name}" is not a field that the mapping writes.${didYouMean(name, env.fields)}`, ...at)
    for (const column of found?.columns ?? []) columns.add(column)
    fields.add(name)
    return found
  }
  const measures = [
    ...completeness(quality, env, subject),
    ...validity(quality, schemaFormats, env, subject, add),
    ...consistency(quality, env, { columns, fields }, problems, add),
    ...freshness(quality, env, subject, add),
  ]
  const weights = { ...weightsDefault, ...quality.weights }
  if (problems.length === 0 && measures.length === 0)
    add('nothing is measured: name fields for `completeness`, formats for `validity`, `consistency` or `freshness`')
  if (qualityParts.every((part) => weights[part] === 0)) add('at least one weight must be more than 0', 'weights')
  const { threshold = 0.6, poor = 'review' } = quality
  return { measures, columns: [...columns], fields: [...fields], weights, threshold, parks: poor === 'review' }
}

type SubjectAt = (name: string, ...at: readonly string[]) => Subject | null

function completeness({ completeness: given }: QualityOptions, env: StageEnvironment, subject: SubjectAt): Measure[] {
  const wanted: readonly [string, number][] = Array.isArray(given)
    ? given.map((name) => [name, 1])
    : Object.entries(given ?? {})
  return wanted.flatMap(([name, weight], place): Measure[] => {
    const one = subject(name, 'completeness', Array.isArray(given) ? String(place) : name)
    if (one === null || weight === 0) return []
    const finding: Finding = { rule: 'completeness', field: name, error: `${name} is empty.` }
    return [
      (candidate) => {
        if (isUnsent(name, candidate, env.inputs)) return null
        const filled = isFilled(one.read(candidate))
        return { part: 'completeness', weight, earned: filled ? 1 : 0, finding: filled ? null : finding }
      },
    ]
  })
}

function validity(
  { validity: given }: QualityOptions,
  schemaFormats: readonly (readonly [string, string])[],
  { fields, classes }: StageEnvironment,
  subject: SubjectAt,
  add: Add,
): Measure[] {
  const wanted = given === undefined ? schemaFormats.filter(([name]) => fields.includes(name)) : Object.entries(given)
  return wanted.flatMap(([name, word]): Measure[] => {
    const one = subject(name, 'validity', name)
    const format = formats.get(word)
    // What the schema names wrongly is told there.
    if (format === undefined && given !== undefined)
      add(`the format "${word}" is not known.${didYouMean(word, formats.keys())}`, 'validity', name)
    return one === null || format === undefined
      ? []
      : [(candidate) => validMark(name, format, one.read(candidate), classes)]
  })
}

function validMark(name: string, format: Format, value: Value | undefined, classes: Classes): Mark | null {
  if (!isFilled(value)) return null
  const exact = text(value as Value) ?? ''
  // Dates and times are exact already: their own text is not JSON's.
  const valid = (typeof value === 'object' && value?.kind !== 'invalid') || format.test(exact)
  const finding: Finding = {
    rule: 'validity',
    field: name,
    error: `${name} is not ${format.words}.`,
    ...shown(name, value, classes),
  }
  return { part: 'validity', weight: 1, earned: valid ? 1 : 0, finding: valid ? null : finding }
}

function consistency(
  { consistency: given = [] }: QualityOptions,
  env: StageEnvironment,
  reads: { readonly columns: Set<string>; readonly fields: Set<string> },
  problems: RuleProblem[],
  add: Add,
): Measure[] {
  const names = new Set<string>()
  return given.flatMap(({ name, assert, weight = 1 }, place): Measure[] => {
    if (names.has(name)) add(`two conditions are called "${name}"`, 'consistency', String(place), 'name')
    names.add(name)
    const path = ['quality', 'consistency', String(place), 'assert']
    const compiled = compileCelRule(assert, env.fields, conditionsOf(env))
    if (!compiled.ok) {
      problems.push(...compiled.problems.map((problem) => celProblem(assert, problem, path)))
      return []
    }
    const rule: CelRule = compiled.program
    for (const one of rule.fields) reads.fields.add(one)
    for (const column of [...rule.columns, ...rule.fields.flatMap((one) => env.inputs[one] ?? [])])
      reads.columns.add(column)
    const finding: Finding = { rule: 'consistency', error: `${name} does not hold: ${assert}.` }
    return [
      ({ row, set }) => {
        const holds = rule.evaluate({ row: row as CelRow, record: set as CelRow })
        if (holds === null || holds === undefined) return null
        return { part: 'consistency', weight, earned: holds === true ? 1 : 0, finding: holds === true ? null : finding }
      },
    ]
  })
}

function freshness(
  { freshness: given }: QualityOptions,
  env: StageEnvironment,
  subject: SubjectAt,
  add: Add,
): Measure[] {
  if (given === undefined) return []
  const one = subject(given.field, 'freshness', 'field')
  const [fresh_ms, stale_ms] = [duration_ms(given.fresh ?? '90d'), duration_ms(given.stale ?? '730d')]
  if (fresh_ms === undefined || stale_ms === undefined) return []
  if (fresh_ms >= stale_ms)
    add(`\`fresh\` must be shorter than \`stale\` (${given.stale ?? '730d'})`, 'freshness', 'fresh')
  if (one === null) return []
  return [
    (candidate) => {
      const at_ms = momentOf(one.read(candidate))
      if (at_ms === null) return null
      const age_ms = Math.max(0, env.now() - at_ms)
      const earned = Math.min(1, Math.max(0, (stale_ms - age_ms) / (stale_ms - fresh_ms)))
      const error = `${given.field} is ${Math.floor(age_ms / DAY_MS)} days old.`
      return {
        part: 'freshness',
        weight: 1,
        earned,
        finding: earned === 1 ? null : { rule: 'freshness', field: given.field, error },
      }
    },
  ]
}

/** Milliseconds since 1970 of a date or time; one without a zone counts as UTC. Null where it says none. */
function momentOf(value: Value | undefined): number | null {
  if (value === undefined || value === null) return null
  const exact = text(value) ?? ''
  const match = /^(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?)\d*)?(?:Z|\+00(?::?00)?)?$/.exec(exact)
  if (match === null) return null
  const at_ms = Date.parse(`${match[1]}T${match[2] ?? '00:00:00'}Z`)
  return Number.isNaN(at_ms) ? null : at_ms
}
