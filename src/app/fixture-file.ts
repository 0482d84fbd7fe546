import { type Place, parseTree, type Tree } from '../config/tree.ts'
import { failure, SyncError } from '../model/failure.ts'
import { type MutableRow, newRow, type Row, type Value } from '../model/value.ts'
import { decimalFrom } from '../std/decimal.ts'
import { jsonFrom } from '../std/json.ts'

/** What a test expects of its row. */
export type Expected =
  /** The record is sent, and has at least these fields. */
  | { readonly kind: 'record'; readonly fields: readonly (readonly [field: string, value: unknown])[] }
  /** It parks, with at least these reasons; with none given, for any. */
  | { readonly kind: 'quarantine' | 'review'; readonly reasons: readonly ExpectedReason[] }
  /** It is merged into another row of the file, by the external id of that one; null: into any. */
  | { readonly kind: 'merge'; readonly into: string | null }
  /** A rule leaves it out: the filter. */
  | { readonly kind: 'skip' }

/** A reason, as far as the test names it. `error` is a part of the sentence. */
export interface ExpectedReason {
  readonly stage?: string
  readonly code?: string
  readonly rule?: string
  readonly field?: string
  readonly error?: string
}

/** One test of a file. */
export interface Fixture {
  readonly name: string
  readonly line: number
  readonly row: Row
  /** Where each column of the row stands: `12:7`. */
  readonly places: ReadonlyMap<string, string>
  readonly expected: Expected
}

/** A file of tests. */
export interface FixtureFile {
  readonly path: string
  readonly sync: string
  /** Values of reference sets that are tables: `chapters.id`. */
  readonly references: ReadonlyMap<string, ReadonlySet<string>>
  /** What time it is in the tests; null: the time of the machine. */
  readonly now_ms: number | null
  readonly tests: readonly Fixture[]
}

const reasonKeys = ['stage', 'code', 'rule', 'field', 'error'] as const
const kinds = ['decimal', 'date', 'time', 'datetime', 'instant', 'bytes', 'json'] as const

/**
 * Reads a file of tests, in YAML or JSON.
 * @throws SyncError SYNC-7113 with the place of what cannot be read
 */
export function fixtureFile(path: string, text: string): FixtureFile {
  const parsed = parseTree(text)
  if ('problems' in parsed) {
    const first = parsed.problems[0]!
    throw unreadable(path, first.at, first.message)
  }
  const refuse: Refuse = (tree, why) => {
    throw unreadable(path, tree.at, why)
  }
  const parts = entriesOf(parsed.tree, ['sync', 'references', 'now', 'tests'], refuse)
  const tests =
    parts.get('tests') ?? refuse(parsed.tree, '`tests` is missing: a list of rows and what is expected of them')
  const now = parts.get('now')
  return {
    path,
    sync: textIn(
      parts.get('sync') ?? refuse(parsed.tree, '`sync` is missing: the sync whose rules are tested'),
      refuse,
    ),
    references: referencesIn(parts.get('references'), refuse),
    now_ms: now === undefined ? null : momentIn(now, refuse),
    tests: testsIn(tests, refuse),
  }
}

function testsIn(tree: Tree, refuse: Refuse): Fixture[] {
  const list = listIn(tree, refuse, '`tests`: a list of rows and what is expected of them is needed')
  return list.length === 0 ? refuse(tree, '`tests` is empty') : list.map((test) => fixtureIn(test, refuse))
}

/** A time with its zone, so that a test is the same on every machine. */
function momentIn(tree: Tree, refuse: Refuse): number {
  const text = textIn(tree, refuse)
  const ms = /(?:Z|[+-]\d\d:\d\d)$/.test(text) ? Date.parse(text) : Number.NaN
  return Number.isNaN(ms) ? refuse(tree, '`now` needs a time with its zone, such as 2026-03-01T12:00:00Z') : ms
}

type Refuse = (tree: Tree, why: string) => never

function unreadable(path: string, { line, column }: Place, why: string): SyncError {
  return new SyncError(failure('SYNC-7113', `${path}:${line}:${column}: ${why}.`))
}

function entriesOf(tree: Tree, known: readonly string[], refuse: Refuse): ReadonlyMap<string, Tree> {
  if (tree.kind !== 'map') return refuse(tree, `an object is expected, with ${known.join(', ')}`)
  for (const { key, value } of tree.entries)
    if (!known.includes(key)) refuse(value, `the key ${key} is not known; known are ${known.join(', ')}`)
  return new Map(tree.entries.map(({ key, value }) => [key, value]))
}

function listIn(tree: Tree, refuse: Refuse, why: string): readonly Tree[] {
  return tree.kind === 'list' ? tree.items : refuse(tree, why)
}

function textIn(tree: Tree, refuse: Refuse): string {
  if (tree.kind !== 'scalar' || tree.value === null) return refuse(tree, 'a text is expected')
  return typeof tree.value === 'string' ? tree.value : tree.source
}

function referencesIn(tree: Tree | undefined, refuse: Refuse): FixtureFile['references'] {
  if (tree === undefined) return new Map()
  if (tree.kind !== 'map') return refuse(tree, 'an object is expected: { chapters.id: [1, 2] }')
  return new Map(
    tree.entries.map(({ key, value }) => {
      const values = listIn(value, refuse, `the values of ${key} are a list: [1, 2]`)
      return [key, new Set(values.map((one) => textIn(one, refuse)))]
    }),
  )
}

function fixtureIn(tree: Tree, refuse: Refuse): Fixture {
  const parts = entriesOf(tree, ['name', 'row', 'expect'], refuse)
  const name = textIn(parts.get('name') ?? refuse(tree, '`name` is missing'), refuse)
  const row = newRow()
  const places = new Map<string, string>()
  const columns = parts.get('row') ?? refuse(tree, '`row` is missing: the columns of the source')
  addColumns({ row, places }, '', columns, refuse)
  const expected = expectedIn(
    parts.get('expect') ?? refuse(tree, '`expect` is missing: record, quarantine, review, merge or skip'),
    refuse,
  )
  return { name, line: tree.at.line, row, places, expected }
}

/** Columns by name; those of a joined table as an object. An object with one known kind is a value of that kind. */
function addColumns(
  to: { readonly row: MutableRow; readonly places: Map<string, string> },
  prefix: string,
  tree: Tree,
  refuse: Refuse,
): void {
  const entries = tree.kind === 'map' ? tree.entries : refuse(tree, 'an object of columns is expected')
  for (const { key, at, value } of entries) {
    const kind = value.kind === 'map' && value.entries.length === 1 ? value.entries[0]?.key : undefined
    if (value.kind === 'map' && !isKind(kind) && kind !== 'invalid' && prefix === '')
      addColumns(to, `${key}.`, value, refuse)
    else {
      to.row[prefix + key] = valueIn(value, refuse)
      to.places.set(prefix + key, `${at.line}:${at.column}`)
    }
  }
}

const isKind = (kind: string | undefined): kind is (typeof kinds)[number] => kinds.some((known) => known === kind)

function valueIn(tree: Tree, refuse: Refuse): Value {
  if (tree.kind === 'scalar') {
    if (typeof tree.value === 'number' && String(tree.value) !== tree.source)
      return { kind: 'decimal', text: tree.source }
    return tree.value
  }
  const one = tree.kind === 'map' && tree.entries.length === 1 ? tree.entries[0] : undefined
  if (one === undefined) return refuse(tree, `a value is expected, or one of its kind: { date: 2024-01-31 }`)
  const text = textIn(one.value, refuse)
  if (isKind(one.key)) return { kind: one.key, text: formOf(one.key, text) ?? refuse(one.value, forms[one.key]) }
  if (one.key === 'invalid') return { kind: 'invalid', type: 'value', raw: text, reason: 'the test says so' }
  return refuse(tree, `the kind ${one.key} is not known; known are ${kinds.join(', ')}, invalid`)
}

const forms: { readonly [kind in (typeof kinds)[number]]: string } = {
  decimal: 'a decimal number is expected: { decimal: "10.50" }',
  date: 'a date is expected: { date: 2024-01-31 }',
  time: 'a time is expected: { time: "02:30:00" }',
  datetime: 'a time without a zone is expected: { datetime: 2024-01-31 02:30:00 }',
  instant: 'a time with its zone is expected: { instant: 2024-01-31T02:30:00Z }',
  bytes: 'bytes in base64 are expected: { bytes: "AAEC" }',
  json: "JSON is expected: { json: '[1, 2]' }",
}

const moment = /^([+-]?\d{4,6}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d(?:\.\d{1,9})?)( BC)?$/

/** The text as a source has it; undefined where it has not the form of its kind. What a calendar says of it is not asked. */
function formOf(kind: (typeof kinds)[number], text: string): string | undefined {
  switch (kind) {
    case 'decimal':
      return decimalFrom(text) !== undefined || /^(?:NaN|-?Infinity)$/.test(text) ? text : undefined
    case 'date':
      return /^[+-]?\d{4,6}-\d\d-\d\d(?: BC)?$|^-?infinity$/.test(text) ? text : undefined
    case 'time':
      return /^-?\d{2,3}:\d\d:\d\d(?:\.\d{1,9})?$/.test(text) ? text : undefined
    case 'datetime':
      return moment.test(text) || /^-?infinity$/.test(text) ? text.replace('T', ' ') : undefined
    case 'instant':
      return instantOf(text)
    case 'bytes':
      return /^[A-Za-z0-9+/]*={0,2}$/.test(text) ? text : undefined
    case 'json':
      return jsonFrom(text) === undefined ? undefined : text
  }
}

/** Sources tell points in time in UTC: `2024-01-31 02:30:00.5+00`. */
function instantOf(text: string): string | undefined {
  if (/^-?infinity$/.test(text)) return text
  const [, local = '', sign, hours, minutes = '00'] = /^(.*?)(?:Z|([+-])(\d\d)(?::?(\d\d))?)$/.exec(text) ?? []
  const match = moment.exec(local)
  if (match === null) return undefined
  const offset_min = sign === undefined ? 0 : Number(`${sign}1`) * (Number(hours) * 60 + Number(minutes))
  if (offset_min === 0) return `${local.replace('T', ' ')}+00`
  const ms = Date.parse(`${match[1]}T${match[2]?.slice(0, 8)}Z`)
  if (Number.isNaN(ms)) return undefined
  const utc = new Date(ms - offset_min * 60_000).toISOString()
  return `${utc.slice(0, 19).replace('T', ' ')}${match[2]?.slice(8)}+00`
}

function expectedIn(tree: Tree, refuse: Refuse): Expected {
  if (tree.kind === 'scalar') {
    const word = textIn(tree, refuse)
    if (word === 'skip') return { kind: 'skip' }
    if (word === 'record') return { kind: 'record', fields: [] }
    if (word === 'merge') return { kind: 'merge', into: null }
    if (word === 'quarantine' || word === 'review') return { kind: word, reasons: [] }
    return refuse(tree, `expected record, quarantine, review, merge or skip, here is "${word}"`)
  }
  const parts = [...entriesOf(tree, ['record', 'quarantine', 'review', 'merge'], refuse)]
  const [first] = parts
  if (first === undefined || parts.length > 1)
    return refuse(tree, 'one of record, quarantine, review and merge is expected')
  const [kind, value] = first as ['record' | 'quarantine' | 'review' | 'merge', Tree]
  if (kind === 'merge') return { kind, into: textIn(value, refuse) }
  if (kind !== 'record') {
    const reasons = listIn(value, refuse, `the reasons of ${kind} are a list: [{ rule: …, field: … }], or [SYNC-4040]`)
    return { kind, reasons: reasons.map((reason) => reasonIn(reason, refuse)) }
  }
  if (value.kind !== 'map') return refuse(value, 'an object of target fields is expected')
  return { kind, fields: value.entries.map(({ key, value: field }) => [key, plainIn(field)]) }
}

/** A code alone, or what is known of the reason. */
function reasonIn(tree: Tree, refuse: Refuse): ExpectedReason {
  if (tree.kind === 'scalar') return { code: textIn(tree, refuse) }
  const parts = entriesOf(tree, reasonKeys, refuse)
  return Object.fromEntries([...parts].map(([key, value]) => [key, textIn(value, refuse)]))
}

function plainIn(tree: Tree): unknown {
  if (tree.kind === 'scalar') return tree.value
  if (tree.kind === 'list') return tree.items.map(plainIn)
  return Object.fromEntries(tree.entries.map(({ key, value }) => [key, plainIn(value)]))
}
