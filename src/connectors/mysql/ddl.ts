/** What statements of the log do to captured tables, beyond what row events tell. */
import type { Statement, TableRef } from './statement.ts'

/** Something that happened to a captured table. */
export interface Effect {
  readonly table: string
  readonly state: 'truncated' | 'changed' | 'gap'
  readonly message: string
  readonly hint?: string
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

/** What a statement did to captured tables; `at` names its place in the log. */
export function effectsOf(statement: Statement, names: Names, at: string): Effect[] {
  const named = (refs: readonly TableRef[]) =>
    [...new Set(refs.map((ref) => capturedName(names, ref)))].filter((name) => name !== null)
  switch (statement.kind) {
    case 'dml': {
      const tables = statement.tables === null ? [...names.captured] : named(statement.tables)
      const what =
        statement.tables === null
          ? `A statement (${statement.verb}) that may have changed any table`
          : `A statement (${statement.verb}) that names the table`
      return tables.map((table) => ({
        table,
        state: 'gap',
        message: `${what} was logged in place of its rows: ${table} needs a snapshot because of it, at ${at}.`,
        hint: setRow,
      }))
    }
    case 'truncate':
      return named(statement.tables).map((table) => ({
        table,
        state: 'truncated',
        message: `Table ${table} was truncated at the source, at ${at}.`,
      }))
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
      return alters(statement, names, at)
    default:
      return []
  }
}

const afterDot = (name: string) => name.slice(name.indexOf('.') + 1)

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

function alters(statement: Extract<Statement, { kind: 'alter' }>, names: Names, at: string): Effect[] {
  const effects: Effect[] = []
  const table = capturedName(names, statement.table)
  const becomes = statement.to === null ? null : capturedName(names, statement.to)
  if (becomes !== null && becomes !== table)
    effects.push(
      isCopy(becomes, statement.table)
        ? { ...unnamed(becomes, at), message: `Table ${becomes} was made of ${full(statement.table)}, at ${at}.` }
        : replaced(becomes, full(statement.table), at),
    )
  if (table === null) return effects
  if (statement.to !== null && becomes !== table) effects.push(movedAway(table, full(statement.to), at))
  if (statement.loses !== null)
    effects.push({
      table,
      state: 'gap',
      message: `ALTER TABLE ${table} … ${statement.loses} moved rows without logging them, at ${at}.`,
      hint: readAgain,
    })
  else if (!names.named) effects.push(unnamed(table, at))
  return effects
}
