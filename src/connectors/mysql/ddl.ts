/** What statements of the log do to captured tables, beyond what row events tell. */
import type { CatalogColumn } from './catalog.ts'
import { comparePlaces, type Place } from './position.ts'
import type { Alter, Statement, TableRef } from './statement.ts'

/** Something that happened to a captured table. */
export interface Effect {
  readonly table: string
  readonly state: 'truncated' | 'changed' | 'gap'
  readonly message: string
  readonly hint?: string
  /** Columns that are told here to be gone: nobody has to hear it again with the next row. */
  readonly gone?: readonly string[]
  /** Rows that come after it must not be read as before. */
  readonly blinds?: boolean
}

/** How names are compared: as the server does (`lower_case_table_names`). */
export interface Names {
  /** Captured tables, `schema.table` as changes name them. */
  readonly captured: ReadonlySet<string>
  /** `lower_case_table_names` is not 0: letters of both cases are one. */
  readonly foldsCase: boolean
  /** Row events carry column names; without them a changed shape cannot be followed. */
  named: boolean
  /** Every transaction has a GTID. */
  readonly hasGtids: boolean
  /** The column as the catalog had it, where a sync needs it; else null. */
  readonly needed: (table: string, column: string) => CatalogColumn | null
  /** Where the log was when the tables were read from the catalog. */
  readonly openedAt: Place
  /** Its log says of every statement which databases it used. */
  readonly listsDatabases: boolean
  /** Tables of which the configuration says that statements in place of their rows change nothing else (`statementTables`). */
  readonly aside: ReadonlySet<string>
}

/** What is known of a statement beside its words. */
export interface Said {
  /** Its place in the log, for messages. */
  readonly at: string
  /** The session's sql_mode was strict. */
  readonly strict: boolean
  /** The databases that it used, also by views, triggers and functions; null: nobody says. */
  readonly databases: readonly string[] | null
  /** Where its transaction begins. */
  readonly from: Place
}

/** The captured table that is meant; null for any other. */
export function capturedName({ captured, foldsCase }: Names, { schema, table }: TableRef): string | null {
  const full = `${schema}.${table}`
  if (captured.has(full)) return full
  if (!foldsCase) return null
  const lower = full.toLowerCase()
  for (const each of captured) if (each.toLowerCase() === lower) return each
  return null
}

const full = ({ schema, table }: TableRef) => `${schema}.${table}`
const readAgain = 'Read the table again: `syncline sync <sync> --full`.'
const setRow =
  'Set binlog_format = ROW globally and in the session that wrote this, then read the table again: `syncline sync <sync> --full`.'
const setNames =
  'SET GLOBAL binlog_row_metadata = FULL; (MySQL 8.0.1, MariaDB 10.5 and newer) lets us follow such changes. Then read the table again: `syncline sync <sync> --full`.'

/** What a statement did to captured tables. */
export function effectsOf(statement: Statement, names: Names, said: Said): Effect[] {
  const { at } = said
  const named = (refs: readonly TableRef[]) =>
    [...new Set(refs.map((ref) => capturedName(names, ref)))].filter((name) => name !== null)
  switch (statement.kind) {
    case 'dml':
      return statementsInstead(statement, names, said)
    case 'truncate':
      return named(statement.tables).map((table) => truncated(table, at))
    case 'drop':
      return named(statement.tables).map((table) => dropped(table, at))
    case 'drop-schema':
      return [...names.captured]
        .filter((table) => capturedName(names, { schema: statement.schema, table: afterDot(table) }) === table)
        .map((table) => dropped(table, at))
    case 'replace-table': {
      const table = capturedName(names, statement.table)
      return table === null ? [] : [replaced(table, 'CREATE OR REPLACE TABLE', at)]
    }
    case 'rename':
      return renames(statement.pairs, names, at)
    case 'alter':
      return alters(statement, names, said)
    default:
      return []
  }
}

/**
 * Nobody can tell from its words what a statement changes: the name may be a view's, and triggers and functions change further tables.
 * So it stops all that it can have reached.
 */
function statementsInstead(
  { verb, only }: Extract<Statement, { kind: 'dml' }>,
  names: Names,
  { at, databases }: Said,
): Effect[] {
  const name = only === null ? null : capturedName(names, only)
  if (only !== null && names.aside.has(full(only))) return []
  // A table in memory after a restart: MySQL 8.0.15 empties it so, 9.7 by TRUNCATE.
  if (names.listsDatabases && databases === null && verb === 'DELETE' && only !== null)
    return name === null ? [] : [truncated(name, at)]
  const fold = (text: string) => (names.foldsCase ? text.toLowerCase() : text)
  const used = databases === null ? null : new Set(databases.map(fold))
  return [...names.captured]
    .filter((table) => used?.has(fold(beforeDot(table))) ?? true)
    .map((table) => ({
      table,
      state: 'gap',
      message:
        table === name
          ? `A statement (${verb}) that names the table was logged in place of its rows: ${table} needs a snapshot because of it, at ${at}.`
          : `A statement (${verb}${only === null ? '' : ` of ${full(only)}`}) was logged in place of the rows that it changed, at ${at}: by a view, a trigger or a function it may have changed ${table}, which therefore needs a snapshot.`,
      hint: setRow,
    }))
}

const beforeDot = (name: string) => name.slice(0, name.indexOf('.'))
const afterDot = (name: string) => name.slice(name.indexOf('.') + 1)

function truncated(table: string, at: string): Effect {
  return { table, state: 'truncated', message: `Table ${table} was truncated at the source, at ${at}.` }
}

function dropped(table: string, at: string): Effect {
  return {
    table,
    state: 'changed',
    message: `Table ${table} was dropped at the source, at ${at}. Nothing was deleted at the target.`,
    hint: 'Take the table out of the configuration; or, once it exists again, read it: `syncline sync <sync> --full`.',
  }
}

function replaced(table: string, by: string, at: string): Effect {
  return {
    table,
    state: 'gap',
    message: `Table ${table} was replaced by ${by}, at ${at}: what differs between its old rows and its new ones is not in the log.`,
    hint: readAgain,
  }
}

function renames(pairs: Extract<Statement, { kind: 'rename' }>['pairs'], names: Names, at: string): Effect[] {
  // RENAME a TO x, b TO a goes from left to right: what stands under a captured name at the end is what counts.
  const content = new Map<string, TableRef>()
  for (const [from, to] of pairs) {
    const what = content.get(full(from)) ?? from
    content.delete(full(from))
    content.set(full(to), what)
  }
  const effects: Effect[] = []
  for (const [from] of pairs) {
    const table = capturedName(names, from)
    if (table === null || [...content.keys()].some((name) => name === full(from))) continue
    const to = [...content].find(([, what]) => full(what) === full(from))?.[0]
    if (to === undefined) continue
    effects.push(movedAway(table, to, at))
  }
  for (const [name, what] of content) {
    const dot = name.indexOf('.')
    const table = capturedName(names, { schema: name.slice(0, dot), table: name.slice(dot + 1) })
    if (table === null || full(what) === name) continue
    if (isCopy(table, what)) {
      if (!names.named) effects.push(unnamed(table, at))
    } else effects.push(replaced(table, full(what), at))
  }
  return effects
}

/** gh-ost (`_members_gho`, `_members_del`) and pt-online-schema-change (`_members_new`) make a copy with the same rows and swap it in. */
function isCopy(table: string, by: TableRef): boolean {
  const own = afterDot(table)
  return table === `${by.schema}.${own}` && new RegExp(`^_+${escaped(own)}_(gho|new)$`, 'i').test(by.table)
}

const escaped = (text: string) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')

function movedAway(table: string, to: string, at: string): Effect {
  return {
    table,
    state: 'changed',
    message: `Table ${table} was renamed to ${to} at the source, at ${at}.`,
    hint: 'Name the table as it is called now in the configuration, or rename it back; then `syncline sync <sync> --full`.',
  }
}

function unnamed(table: string, at: string): Effect {
  return {
    table,
    state: 'changed',
    message: `Table ${table} was altered, at ${at}, and this server does not log the names of columns: its rows cannot be read safely any more.`,
    hint: setNames,
  }
}

function alters(statement: Alter, names: Names, said: Said): Effect[] {
  const { at } = said
  const effects: Effect[] = []
  const table = capturedName(names, statement.table)
  const becomes = statement.to === null ? null : capturedName(names, statement.to)
  const other = statement.other === null ? null : capturedName(names, statement.other)
  if (becomes !== null && becomes !== table)
    effects.push(
      isCopy(becomes, statement.table)
        ? { ...unnamed(becomes, at), message: `Table ${becomes} was made of ${full(statement.table)}, at ${at}.` }
        : replaced(becomes, full(statement.table), at),
    )
  if (other !== null)
    effects.push(replaced(other, `ALTER TABLE ${full(statement.table)} … ${statement.loses ?? ''}`, at))
  if (table === null) return effects
  if (statement.to !== null && becomes !== table) effects.push(movedAway(table, full(statement.to), at))
  const dropped = statement.drops.filter((column) => names.needed(table, column) !== null)
  if (dropped.length > 0) effects.push(columnsGone(table, dropped, at))
  if (statement.versions) effects.push(versioned(table, at))
  const lost = statement.loses === null ? rewritten(table, statement, names, said) : [statement.loses]
  if (lost.length > 0)
    effects.push({
      table,
      state: 'gap',
      message: `ALTER TABLE ${table} … ${lost.join(', ')} ${statement.loses === null ? 'may have changed values' : 'moved rows'} without logging them, at ${at}.`,
      hint: readAgain,
    })
  else if (!names.named) effects.push(unnamed(table, at))
  return effects
}

/** The clauses that can have changed values in rows that are there: those are not in the log. */
function rewritten(table: string, { redefines, converts }: Alter, names: Names, { strict, from }: Said): string[] {
  const fresh = comparePlaces(from, names.openedAt) >= 0
  const clauses = redefines.flatMap(({ column, type }) => {
    const before = names.needed(table, column)
    if (before === null) return []
    const isSafe = type !== null && strict && keepsDigits(before.columnType, type, fresh)
    return isSafe ? [] : [`MODIFY ${column}`]
  })
  return converts && !strict ? [...clauses, 'CONVERT TO CHARACTER SET'] : clauses
}

/** A strict session refuses to cut a value; digits behind the point, or of a second, it rounds away all the same. */
function keepsDigits(before: string, now: string, isKnown: boolean): boolean {
  const [old, left] = [digitsOf(before), digitsOf(now)]
  if (left === null) return true
  if (!isKnown) return left.isWhole
  return old === null || old.digits <= left.digits
}

function digitsOf(type: string): { readonly digits: number; readonly isWhole: boolean } | null {
  const [, word = '', inside = ''] = /^(\w+)\s*(?:\(([^)]*)\))?/.exec(type.toLowerCase()) ?? []
  const [first, second] = inside.split(',').map(Number)
  if (/^(decimal|dec|numeric|fixed)$/.test(word)) return { digits: second ?? 0, isWhole: false }
  if (/^(time|datetime|timestamp)$/.test(word)) return { digits: first ?? 0, isWhole: false }
  if (/^(double|real|float8)$/.test(word)) return { digits: second ?? 31, isWhole: false }
  if (/^(float|float4)$/.test(word)) return { digits: second ?? 30, isWhole: false }
  return /^(bool|boolean|bit|(tiny|small|medium|middle|big)?int(eger)?|int[1-8])$/.test(word)
    ? { digits: 0, isWhole: true }
    : null
}

function columnsGone(table: string, columns: readonly string[], at: string): Effect {
  const gone = columns.map((column) => `column ${column} is gone`).join('; ')
  return {
    table,
    state: 'changed',
    message: `Table ${table} changed, at ${at}: ${gone}. A column of that name that comes back is another one.`,
    gone: columns,
  }
}

function versioned(table: string, at: string): Effect {
  return {
    table,
    state: 'changed',
    message: `ALTER TABLE ${table} … SYSTEM VERSIONING, at ${at}: its log holds rows of the past beside those of the present.`,
    blinds: true,
  }
}
