import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import type { Config } from '../config/config.ts'
import { failure, SyncError } from '../model/failure.ts'
import { keyOf } from '../model/key.ts'
import type { Table } from '../model/source.ts'
import { field, newRow, type Row, text, type Value } from '../model/value.ts'
import type { Reason } from '../model/verdict.ts'
import type { References } from '../pipeline/flow.ts'
import type { Clock } from '../std/clock.ts'
import { didYouMean } from '../std/suggest.ts'
import { plainValue } from '../validation/plain.ts'
import { folded, type ReferenceSet, referenceSets } from '../validation/reference.ts'
import { type Compiled, compile, specOf } from './build.ts'
import { type Expected, type ExpectedReason, type Fixture, type FixtureFile, fixtureFile } from './fixture-file.ts'
import { userFunctions } from './functions.ts'
import { valuesIn } from './reference-file.ts'
import { openRehearsal, type Rehearsal, subjectOf } from './rehearsal.ts'
import { stagesOf } from './stages.ts'
import { chooserOf } from './twins.ts'

/** What became of one test: nothing in `problems` where it is as expected. */
export interface Tested {
  readonly file: string
  readonly line: number
  readonly sync: string
  readonly name: string
  readonly problems: readonly string[]
}

/** The folder beside the configuration where tests are looked for. */
export const fixtureFolder = 'tests'

/**
 * Runs the user's own tests: files in the folder `tests` beside the configuration. Each row goes through filter, mapping and all
 * stages, with no system behind them. Where duplicates are looked for, a row is compared with the rows of its file that were accepted
 * before it; rows with one external id are one record.
 * Answers what became of each, and what could not be told, in sentences.
 * @param name a file without its ending, or a sync; null: all
 * @throws SyncError SYNC-7113 for a file that cannot be read, or a name that there is not
 */
export async function runFixtures(
  config: Config,
  name: string | null,
  clock: Clock,
  signal: AbortSignal,
): Promise<{ readonly tested: readonly Tested[]; readonly unsaid: readonly string[] }> {
  const all = filesOf(config)
  const chosen = all.filter(({ path, sync }) => name === null || sync === name || baseName(path) === name)
  if (chosen.length === 0) {
    const known = all.map(({ path }) => baseName(path)).join(', ') || 'none'
    throw new SyncError(
      failure(
        'SYNC-7113',
        name === null ? `There are no tests in ${folderOf(config)}.` : `There is no test ${name}; there are: ${known}.`,
      ),
    )
  }
  const functions = userFunctions({ memory_mb: 256 })
  try {
    const tested: Tested[] = []
    const unsaid = new Set<string>()
    for (const file of chosen) {
      const compiled = compiledFor(file, config)
      for (const note of unread(file, compiled)) unsaid.add(note)
      const stages = stagesOf(compiled.sync, dirname(config.path), () => file.now_ms ?? clock.now(), functions)
      const references = answersOf(file, compiled, dirname(config.path))
      if (compiled.duplicates?.target === true)
        unsaid.add(`${file.sync}: records that only the target holds are not compared in tests.`)
      const choose = chooserOf(compiled.sync, dirname(config.path), functions)
      const spec = specOf(compiled, tablesIn(compiled), { stages, references, choose })
      const rehearsal = await openRehearsal(null, spec, { normal: (_, row) => row })
      try {
        for (const test of file.tests) {
          const problems = compare(test.expected, await judgeRow(test, compiled, rehearsal, signal))
          tested.push({ file: file.path, line: test.line, sync: file.sync, name: test.name, problems })
        }
      } finally {
        await rehearsal.close()
      }
    }
    return { tested, unsaid: [...unsaid] }
  } finally {
    await functions.close()
  }
}

function compiledFor({ path, sync }: FixtureFile, config: Config): Compiled {
  const known = Object.keys(config.syncs)
  const [compiled] = known.includes(sync) ? compile(config, [sync]) : []
  if (compiled !== undefined) return compiled
  const near = didYouMean(sync, known)
  throw new SyncError(
    failure('SYNC-7113', `${path}: there is no sync ${sync}; there are: ${known.join(', ') || 'none'}.${near}`),
  )
}

/** Source columns that a sync reads. */
const columnsOf = ({ mapping, filter, checked }: Compiled): readonly string[] => [
  ...new Set([...mapping.columns, ...(filter?.columns ?? []), ...checked]),
]

/** Columns that make no difference, because nothing reads them: a typing mistake, mostly. */
function unread({ path, tests }: FixtureFile, compiled: Compiled): string[] {
  const known = columnsOf(compiled)
  const told = new Map<string, string>()
  for (const { places } of tests)
    for (const [column, place] of places)
      if (!known.includes(column) && !told.has(column))
        told.set(column, `${path}:${place}: nothing reads the column ${column}.${didYouMean(column, known)}`)
  return [...told.values()]
}

const folderOf = (config: Config): string => join(dirname(config.path), fixtureFolder)

const baseName = (path: string): string => (path.split('/').at(-1) ?? path).replace(/\.(ya?ml|json)$/, '')

function filesOf(config: Config): FixtureFile[] {
  let names: string[]
  try {
    names = readdirSync(folderOf(config))
  } catch {
    return []
  }
  return names
    .filter((name) => /\.(ya?ml|json)$/.test(name))
    .sort()
    .map((name) => fixtureFile(`${fixtureFolder}/${name}`, readFileSync(join(folderOf(config), name), 'utf8')))
}

/** Tables are answered by the test file; files are read. */
function answersOf(file: FixtureFile, { sync }: Compiled, folder: string): References {
  const sets = new Map(referenceSets(sync.validate.reference).map((set) => [set.id, set]))
  return {
    async known(id, values) {
      const set = sets.get(id) as ReferenceSet
      const fold = set.caseInsensitive ? folded : (one: string) => one
      const there = new Set([...valuesOf(set, file, folder)].map(fold))
      return {
        known: new Set(values.map((value) => text(value) ?? '').filter((one) => there.has(fold(one)))),
        away: null,
      }
    },
  }
}

function valuesOf({ place }: ReferenceSet, { path, references }: FixtureFile, folder: string): ReadonlySet<string> {
  if (place.kind === 'file') return valuesIn(resolve(folder, place.path), place.column, readFileSync)
  const name = `${place.table}.${place.column}`
  const given = references.get(name) ?? references.get(`${place.system} ${name}`)
  if (given !== undefined) return given
  throw new SyncError(failure('SYNC-7113', `${path}: \`references\` has no values for ${name}, which a rule asks for.`))
}

/** The tables of a sync, as far as rows that nobody reads need them. */
const tablesIn = ({ sync }: Compiled): Table[] =>
  [sync.source.table, ...sync.source.joins.map(({ table }) => table)].map((name) => ({
    name,
    columns: [],
    key: [],
    rowsEstimated: null,
  }))

/** What became of a row. */
type Actual =
  | { readonly kind: 'record'; readonly set: Row }
  | { readonly kind: 'quarantine' | 'review'; readonly reasons: readonly Reason[] }
  | { readonly kind: 'merge' | 'skip'; readonly why: string }

async function judgeRow(
  { row: given, line }: Fixture,
  compiled: Compiled,
  rehearsal: Rehearsal,
  signal: AbortSignal,
): Promise<Actual> {
  const row = newRow()
  // A row is whole when it is judged: columns that the test does not name are null.
  for (const column of columnsOf(compiled)) row[column] = null
  for (const column of Object.keys(given)) row[column] = given[column] as Value
  const { sync, mapping } = compiled
  const mapped = mapping.map(row)
  // The key of the table is not known here: the external id stands for it.
  const key = (mapped.kind === 'mapped' ? keyFor(text(mapped.key)) : null) ?? keyOf(['line', line])!
  const [known = null] = await rehearsal.state.gather(sync.name, sync.name, [key])
  const [decision] = await rehearsal.judge([subjectOf(key, row, known)], signal)
  switch (decision?.kind) {
    case 'send':
      return { kind: 'record', set: decision.set }
    case 'park':
      return { kind: decision.to, reasons: decision.reasons }
    case 'merge':
    case 'skip':
      return { kind: decision.kind, why: decision.reason }
    default:
      throw new Error('a row of a test waits for nobody')
  }
}

const keyFor = (id: string | null) => keyOf([id])

/** Every difference, in sentences. */
function compare(expected: Expected, actual: Actual): string[] {
  if (expected.kind !== actual.kind) return [`expected ${wordsOf(expected)}`, ...told(actual)]
  if (expected.kind === 'record' && actual.kind === 'record')
    return expected.fields.flatMap(([name, value]) => differences(name, value, actual.set))
  if (expected.kind === 'merge' && actual.kind === 'merge') {
    const isThat = expected.into === null || actual.why === `merged into ${keyFor(expected.into)}`
    return isThat ? [] : [`expected ${wordsOf(expected)}`, ...told(actual)]
  }
  if (!('reasons' in expected) || !('reasons' in actual)) return []
  const missing = expected.reasons.filter((reason) => !actual.reasons.some((one) => fits(reason, one)))
  return missing.length === 0
    ? []
    : [...missing.map((reason) => `expected the reason ${reasonWords(reason)}`), ...told(actual)]
}

function differences(name: string, value: unknown, set: Row): string[] {
  const actual = field(set, name)
  const found = actual === undefined ? undefined : plainValue(actual)
  if (JSON.stringify(found) === JSON.stringify(value)) return []
  return [
    `${name}: expected ${JSON.stringify(value)}, got ${found === undefined ? 'no such field' : JSON.stringify(found)}`,
  ]
}

const fits = (expected: ExpectedReason, reason: Reason): boolean =>
  (['stage', 'code', 'rule', 'field'] as const).every(
    (key) => expected[key] === undefined || expected[key] === reason[key],
  ) &&
  (expected.error === undefined || reason.error.includes(expected.error))

function wordsOf(expected: Expected): string {
  if (expected.kind === 'record') return 'the record to be sent'
  if (expected.kind === 'skip') return 'the record to be left out'
  if (expected.kind === 'merge')
    return expected.into === null ? 'the record to be merged' : `the record to be merged into ${expected.into}`
  return [expected.kind, ...expected.reasons.map(reasonWords)].join(', ')
}

const reasonWords = ({ stage, code, rule, field: about, error }: ExpectedReason): string =>
  [stage, code, rule, about, error === undefined ? undefined : JSON.stringify(error)]
    .filter((word) => word !== undefined)
    .join(' ')

function told(actual: Actual): string[] {
  if (actual.kind === 'record') return ['got a record that is sent']
  if (!('reasons' in actual)) return [`got: ${actual.why}`]
  return actual.reasons.map(
    ({ stage, code, rule, field: about, error }) =>
      `got ${actual.kind}: ${reasonWords({ stage, code, ...(rule === undefined ? {} : { rule }), ...(about === undefined ? {} : { field: about }) })}: ${error}`,
  )
}
