import type { RuleProblem } from '../model/problem.ts'
import { text, type Value } from '../model/value.ts'
import type { Candidate, Found, Reason, ReferenceNeed, Stage, Verdict } from '../model/verdict.ts'
import { didYouMean, nearest } from '../std/suggest.ts'
import { type StageEnvironment, type Subject, subjectOf } from './environment.ts'
import type { ReferenceOptions } from './options.ts'
import { shown } from './show.ts'

/** A reference set that must be asked for: what `Need` calls it, where it is, and for how long an answer counts. */
export interface ReferenceSet {
  readonly id: string
  readonly place: /** `system` null: the sync's own source. */
    | { readonly kind: 'table'; readonly system: string | null; readonly table: string; readonly column: string }
    | { readonly kind: 'file'; readonly path: string; readonly column: string | null }
  readonly lifetime_ms: number
  readonly staleMax_ms: number
  readonly stale: 'wait' | 'park' | 'accept'
  readonly caseInsensitive: boolean
}

type Values = { readonly kind: 'set'; readonly set: ReferenceSet } | { readonly kind: 'list'; readonly list: List }

interface List {
  readonly known: ReadonlySet<string>
  readonly words: readonly string[]
  readonly fold: (text: string) => string
}

interface Check {
  readonly field: string
  readonly subject: Subject
  /** For people: `chapters.id`. */
  readonly name: string
  /** In the words of the configuration. */
  readonly message: string | undefined
  readonly values: Values
}

/** What is wrong with reference checks; nothing, if they can be compiled. Paths begin at `reference`. */
export function checkReferences(checks: readonly ReferenceOptions[], env: StageEnvironment): RuleProblem[] {
  const problems: RuleProblem[] = []
  compile(checks, env, problems)
  return problems
}

/** The sets behind the checks that are not lists, each once. */
export function referenceSets(checks: readonly ReferenceOptions[]): ReferenceSet[] {
  const sets = new Map<string, ReferenceSet>()
  for (const check of checks) {
    const values = valuesOf(check)
    if (typeof values !== 'string' && values.kind === 'set') sets.set(values.set.id, values.set)
  }
  return [...sets.values()]
}

/**
 * The stage of reference data: a value must occur in its set. Lists are known here; tables and files are asked for once a window
 * (rule 7). Null and absent values pass: whether a field must have a value is the schema's matter.
 *
 * @param checks that `checkReferences` finds nothing wrong with
 */
export function referenceStage(checks: readonly ReferenceOptions[], env: StageEnvironment): Stage {
  const problems: RuleProblem[] = []
  const compiled = compile(checks, env, problems)
  if (problems[0] !== undefined) throw new Error(`a reference check was not checked: ${problems[0].message}`)
  return {
    name: 'reference',
    columns: [...new Set(compiled.flatMap(({ subject }) => subject.columns))],
    needs: (candidates) => compiled.flatMap((check) => needsOf(check, candidates)),
    judge: (candidates, found) =>
      candidates.map((candidate): Verdict => {
        const reasons = compiled.flatMap((check) => judgeOne(check, candidate, found, env))
        return reasons.length === 0 ? { kind: 'accept' } : { kind: 'park', to: 'quarantine', reasons }
      }),
  }
}

function needsOf({ subject, values }: Check, candidates: readonly Candidate[]): ReferenceNeed[] {
  if (values.kind === 'list') return []
  return candidates.flatMap((candidate): ReferenceNeed[] => {
    const value = subject.read(candidate)
    return value === undefined || value === null ? [] : [{ kind: 'reference', set: values.set.id, value }]
  })
}

function judgeOne(check: Check, candidate: Candidate, found: Found, { classes }: StageEnvironment): Reason[] {
  const { field, subject, name, message, values } = check
  const value = subject.read(candidate)
  if (value === undefined || value === null) return []
  const answer = values.kind === 'list' ? inList(values.list, value) : found.reference(values.set.id, value)
  if (answer === 'known') return []
  const away = answer === 'away'
  if (away && values.kind === 'set' && values.set.stale === 'accept') return []
  return [
    {
      stage: 'reference',
      code: away ? 'SYNC-4045' : 'SYNC-4044',
      rule: name,
      field,
      error: away
        ? `${field} could not be looked up in ${name}, which cannot be asked at present.`
        : (message ?? `${field} does not occur in ${name}${values.kind === 'list' ? near(values.list, value) : ''}.`),
      ...shown(field, value, classes),
    },
  ]
}

function inList({ known, fold }: List, value: Value): 'known' | 'unknown' {
  return known.has(fold(text(value) ?? '')) ? 'known' : 'unknown'
}

function near({ words }: List, value: Value): string {
  const some = words.length <= 8 ? words : nearest(text(value) ?? '', words, 3)
  return some.length === 0 ? '' : `: ${some.join(', ')}${some.length < words.length ? ', …' : ''}`
}

/** As a set compares texts where letter case does not matter. */
export const folded = (text: string): string => text.normalize('NFC').toLowerCase()

const asWritten = (text: string): string => text

function compile(checks: readonly ReferenceOptions[], env: StageEnvironment, problems: RuleProblem[]): Check[] {
  return checks.flatMap((check, place): Check[] => {
    const path = ['reference', String(place)]
    const subject = subjectOf(check.field, env)
    if (subject === null)
      problems.push({
        code: 'SYNC-1027',
        path: [...path, 'field'],
        message: `"${check.field}" is not a field that the mapping writes; a source column is row.<column>.${didYouMean(check.field, env.fields)}`,
      })
    const values = valuesOf(check)
    if (typeof values === 'string') problems.push({ code: 'SYNC-1027', path: [...path, 'in'], message: values })
    if (subject === null || typeof values === 'string') return []
    return [{ field: check.field, subject, name: nameOf(values), message: check.message, values }]
  })
}

function nameOf(values: Values): string {
  if (values.kind === 'list') return 'the list of allowed values'
  const { place } = values.set
  if (place.kind === 'file') return place.column === null ? place.path : `${place.path} (${place.column})`
  return `${place.system === null ? '' : `${place.system} `}${place.table}.${place.column}`
}

/** Where the values are; a text says what is wrong. */
function valuesOf({ in: given, field: _, message: __, ...rest }: ReferenceOptions): Values | string {
  if (Array.isArray(given)) {
    const fold = rest.caseInsensitive ? folded : asWritten
    const words = given.map(String)
    return { kind: 'list', list: { words, known: new Set(words.map(fold)), fold } }
  }
  const place =
    typeof given === 'string' ? tableColumn(given) : placeOf(given as Exclude<typeof given, readonly unknown[]>)
  if (typeof place === 'string') return place
  return { kind: 'set', set: { id: JSON.stringify([place, rest]), place, ...rest } }
}

function tableColumn(written: string): ReferenceSet['place'] | string {
  const at = written.lastIndexOf('.')
  if (at < 1 || at === written.length - 1) return `"${written}" is not <table>.<column>`
  return { kind: 'table', system: null, table: written.slice(0, at), column: written.slice(at + 1) }
}

function placeOf({
  system,
  table,
  file,
  column,
}: {
  readonly system?: string
  readonly table?: string
  readonly file?: string
  readonly column?: string
}): ReferenceSet['place'] | string {
  if (file !== undefined) {
    if (system !== undefined || table !== undefined) return 'a set is either in a table or in a file'
    return { kind: 'file', path: file, column: column ?? null }
  }
  if (table === undefined) return 'exactly one of `table` and `file` is needed'
  if (column === undefined) return `the table ${table} needs \`column\``
  return { kind: 'table', system: system ?? null, table, column }
}
