/**
 * Recognises the statements of the log that concern us. It is no SQL parser: it reads the words that tell which tables a statement
 * is about, and nothing behind them. Sources: dev.mysql.com "SQL Statements", mariadb.com/kb "SQL Statements".
 */

/** A table as a statement names it. */
export interface TableRef {
  readonly schema: string
  readonly table: string
}

/** What a statement means for us. */
export type Statement =
  | { readonly kind: 'begin' | 'commit' | 'rollback' | 'other' }
  | { readonly kind: 'savepoint' | 'rollback-to'; readonly name: string }
  | { readonly kind: 'xa'; readonly verb: string; readonly xid: string }
  /**
   * Rows were changed by a statement: the log has the statement in place of the rows. `only`: the one table that it writes to by itself,
   * triggers and functions apart; null: unknown. It may be a view.
   */
  | { readonly kind: 'dml'; readonly verb: string; readonly only: TableRef | null }
  | { readonly kind: 'truncate' | 'drop'; readonly tables: readonly TableRef[] }
  | { readonly kind: 'drop-schema'; readonly schema: string }
  | { readonly kind: 'rename'; readonly pairs: readonly (readonly [from: TableRef, to: TableRef])[] }
  | Alter
  /** CREATE OR REPLACE TABLE: the one before is gone. */
  | { readonly kind: 'replace-table'; readonly table: TableRef }

/** ALTER TABLE. */
export interface Alter {
  readonly kind: 'alter'
  readonly table: TableRef
  /** Its new name. */
  readonly to: TableRef | null
  /** What takes rows away, or brings some, without a row event: `DROP PARTITION`. */
  readonly loses: string | null
  /** The table with which a partition is exchanged, or that becomes one. */
  readonly other: TableRef | null
  /** Names of columns that are dropped. */
  readonly drops: readonly string[]
  /** Columns that get another definition. `type`: `decimal(10,2)`; null: it is computed from others. */
  readonly redefines: readonly { readonly column: string; readonly type: string | null }[]
  /** All texts get another character set. */
  readonly converts: boolean
  /** Rows of the past are kept beside the present ones from now on, or no more. */
  readonly versions: boolean
}

type Token = { readonly kind: 'word' | 'name' | 'text' | 'mark'; readonly text: string }

const pattern =
  /\s+|--(?=\s|$)[^\n]*|#[^\n]*|\/\*(?:M?!\d*)?|\*\/|`(?:[^`]|``)*`|"(?:[^"\\]|\\[\s\S]|"")*"|[xX]?'(?:[^'\\]|\\[\s\S]|'')*'|[\w$\u0080-\uffff]+|[\s\S]/uy

/** Words, names and marks, without comments; what stands in executable comments (`/*!`) is part of the statement. */
function* tokensOf(sql: string): Generator<Token> {
  const scan = new RegExp(pattern)
  let from = 0
  let comments = 0
  while (from < sql.length) {
    scan.lastIndex = from
    const text = scan.exec(sql)?.[0] ?? (sql[from] as string)
    const first = text[0] as string
    from += text.length
    if (/^(\s|#|--)/.test(text)) continue
    if (text === '/*') {
      const end = sql.indexOf('*/', from)
      from = end < 0 ? sql.length : end + 2
      continue
    }
    if (text.startsWith('/*')) {
      comments++
      continue
    }
    if (text === '*/' && comments > 0) {
      comments--
      continue
    }
    if (first === '`' && text.length > 1) yield { kind: 'name', text: text.slice(1, -1).replaceAll('``', '`') }
    // With ANSI_QUOTES it is a name; where a name is expected it can be nothing else.
    else if (first === '"' && text.length > 1) yield { kind: 'name', text: text.slice(1, -1).replaceAll('""', '"') }
    else if (/^[xX]?'/.test(text) && text.length > 1) yield { kind: 'text', text }
    else if (/^[\w$\u0080-\uffff]/u.test(first)) yield { kind: 'word', text }
    else yield { kind: 'mark', text }
  }
}

/** A reader over the tokens that looks one ahead. */
interface Reader {
  peek(): Token | null
  next(): Token | null
  /** Takes these words, in any letters, if they come next. */
  takes(...words: readonly string[]): boolean
}

function readerOf(sql: string): Reader {
  const tokens = tokensOf(sql)
  const ahead: Token[] = []
  const look = (n: number): Token | null => {
    while (ahead.length <= n) {
      const next = tokens.next()
      if (next.done === true) return null
      ahead.push(next.value)
    }
    return ahead[n] as Token
  }
  return {
    peek: () => look(0),
    next: () => (look(0) === null ? null : (ahead.shift() as Token)),
    takes(...words) {
      for (const [i, word] of words.entries()) if (!isWord(look(i), word)) return false
      ahead.splice(0, words.length)
      return true
    },
  }
}

const isWord = (token: Token | null, word: string): boolean =>
  token?.kind === 'word' && token.text.toUpperCase() === word

const isMark = (token: Token | null, mark: string): boolean => token?.kind === 'mark' && token.text === mark

/** `a.b`, `b`, or null where no name comes. */
function tableAt(reader: Reader, schema: string): TableRef | null {
  const first = reader.peek()
  if (first === null || first.kind === 'text' || first.kind === 'mark') return null
  reader.next()
  if (!isMark(reader.peek(), '.')) return { schema, table: first.text }
  reader.next()
  const second = reader.next()
  return second === null ? null : { schema: first.text, table: second.text }
}

function tablesAt(reader: Reader, schema: string): TableRef[] {
  const tables: TableRef[] = []
  for (;;) {
    const table = tableAt(reader, schema)
    if (table === null) return tables
    tables.push(table)
    if (!isMark(reader.peek(), ',')) return tables
    reader.next()
  }
}

/** `WAIT n`, `NOWAIT`, `IF EXISTS`. */
function skipModifiers(reader: Reader): void {
  for (;;) {
    if (reader.takes('WAIT')) reader.next()
    else if (!reader.takes('NOWAIT') && !reader.takes('IF', 'EXISTS') && !reader.takes('IF', 'NOT', 'EXISTS')) return
  }
}

const other: Statement = { kind: 'other' }
/** They concern no rows: a server writes them to its log for its replicas. */
const harmless: ReadonlySet<string> = new Set(
  'ANALYZE CACHE CHANGE CHECK FLUSH GRANT INSTALL KILL LOCK OPTIMIZE PURGE RELEASE REPAIR RESET REVOKE SET START STOP UNINSTALL UNLOCK USE'.split(
    ' ',
  ),
)

/** What the statement means; `schema` is the one that names without a schema are meant in. */
export function statementOf(sql: string, schema: string): Statement {
  // The two that come with every transaction.
  if (sql === 'BEGIN') return { kind: 'begin' }
  if (sql === 'COMMIT') return { kind: 'commit' }
  return statementAt(readerOf(sql), schema)
}

function statementAt(reader: Reader, schema: string): Statement {
  const verb = (reader.next()?.text ?? '').toUpperCase()
  switch (verb) {
    case 'BEGIN':
      return { kind: 'begin' }
    case 'START':
      return reader.takes('TRANSACTION') ? { kind: 'begin' } : other
    case 'COMMIT':
      return { kind: 'commit' }
    case 'ROLLBACK':
      return rollback(reader)
    case 'SAVEPOINT':
      return { kind: 'savepoint', name: reader.next()?.text ?? '' }
    case 'XA':
      return xa(reader)
    case 'TRUNCATE':
      reader.takes('TABLE')
      skipModifiers(reader)
      return { kind: 'truncate', tables: tablesAt(reader, schema) }
    case 'DROP':
      return drop(reader, schema)
    case 'RENAME':
      return rename(reader, schema)
    case 'ALTER':
      return alter(reader, schema)
    case 'CREATE':
      return create(reader, schema)
    case 'SET':
      return set(reader, schema)
    case 'ANALYZE':
      return analyze(reader, schema)
    case '': // a comment in place of an event that concerns replicas alone
      return other
    default:
      // SELECT, CALL and DO are logged only when what they call changes something; what is not known may change anything.
      return harmless.has(verb) ? other : { kind: 'dml', verb, only: written(reader, verb, schema) }
  }
}

/** MariaDB: SET STATEMENT max_statement_time = 1 FOR UPDATE … */
function set(reader: Reader, schema: string): Statement {
  if (!reader.takes('STATEMENT')) return other
  for (let token = reader.next(); token !== null; token = reader.next())
    if (isWord(token, 'FOR')) return statementAt(reader, schema)
  return other
}

/** MariaDB: ANALYZE UPDATE … and ANALYZE FORMAT=JSON UPDATE … carry it out. */
function analyze(reader: Reader, schema: string): Statement {
  if (reader.takes('FORMAT')) {
    reader.next()
    reader.next()
  }
  const verb = (reader.peek()?.text ?? '').toUpperCase()
  return ['LOCAL', 'NO_WRITE_TO_BINLOG', 'TABLE', 'TABLES'].includes(verb) ? other : statementAt(reader, schema)
}

/** The one table that INSERT, REPLACE, and UPDATE or DELETE of one table write to. */
function written(reader: Reader, verb: string, schema: string): TableRef | null {
  while (['LOW_PRIORITY', 'DELAYED', 'HIGH_PRIORITY', 'QUICK', 'IGNORE'].some((word) => reader.takes(word)));
  if (verb === 'INSERT' || verb === 'REPLACE') {
    reader.takes('INTO')
    return tableAt(reader, schema)
  }
  if (verb === 'UPDATE') {
    const table = tableAt(reader, schema)
    return reader.takes('SET') ? table : null
  }
  if (verb !== 'DELETE' || !reader.takes('FROM')) return null
  const table = tableAt(reader, schema)
  return reader.peek() === null || reader.takes('WHERE') ? table : null
}

function rollback(reader: Reader): Statement {
  reader.takes('WORK')
  if (!reader.takes('TO')) return { kind: 'rollback' }
  reader.takes('SAVEPOINT')
  return { kind: 'rollback-to', name: reader.next()?.text ?? '' }
}

function xa(reader: Reader): Statement {
  const verb = (reader.next()?.text ?? '').toLowerCase()
  const rest: string[] = []
  for (let token = reader.next(); token !== null; token = reader.next()) rest.push(token.text)
  return { kind: 'xa', verb, xid: xidOf(rest.join('')) }
}

/** One form for the id of an XA transaction, whichever way it was written: `61,62,3` (hexadecimal parts and the format's number). */
export function xidOf(text: string): string {
  const parts: string[] = []
  for (const [, hex, plain, number] of text.matchAll(/[xX]'([0-9a-fA-F]*)'|'((?:[^']|'')*)'|(?:^|,)\s*(\d+)/g))
    parts.push(number ?? hex?.toLowerCase() ?? Buffer.from((plain ?? '').replaceAll("''", "'")).toString('hex'))
  return [parts[0] ?? '', parts[1] ?? '', parts[2] ?? '1'].join(',')
}

function drop(reader: Reader, schema: string): Statement {
  if (reader.takes('TEMPORARY')) return other
  if (reader.takes('DATABASE') || reader.takes('SCHEMA')) {
    skipModifiers(reader)
    return { kind: 'drop-schema', schema: reader.next()?.text ?? '' }
  }
  if (!reader.takes('TABLE') && !reader.takes('TABLES')) return other
  skipModifiers(reader)
  return { kind: 'drop', tables: tablesAt(reader, schema) }
}

function rename(reader: Reader, schema: string): Statement {
  if (!reader.takes('TABLE') && !reader.takes('TABLES')) return other
  const pairs: (readonly [TableRef, TableRef])[] = []
  for (;;) {
    skipModifiers(reader)
    const from = tableAt(reader, schema)
    skipModifiers(reader)
    if (from === null || !reader.takes('TO')) return { kind: 'rename', pairs }
    const to = tableAt(reader, schema)
    if (to === null) return { kind: 'rename', pairs }
    pairs.push([from, to])
    if (!isMark(reader.peek(), ',')) return { kind: 'rename', pairs }
    reader.next()
  }
}

/** Words after ALTER TABLE that move rows without a row event. */
const losing: readonly (readonly string[])[] = [
  ['DROP', 'PARTITION'],
  ['TRUNCATE', 'PARTITION'],
  ['EXCHANGE', 'PARTITION'],
  ['CONVERT', 'PARTITION'],
  ['CONVERT', 'TABLE'],
  ['DISCARD', 'TABLESPACE'],
  ['IMPORT', 'TABLESPACE'],
  ['DISCARD', 'PARTITION'],
  ['IMPORT', 'PARTITION'],
]
/** After DROP: what is no column. */
const notColumns = ['INDEX', 'KEY', 'PRIMARY', 'FOREIGN', 'CONSTRAINT', 'CHECK', 'PERIOD', 'SYSTEM']

function alter(reader: Reader, schema: string): Statement {
  let loses: string | null = null
  for (;;) {
    if (reader.takes('IGNORE'))
      loses = 'IGNORE' // rows that a new unique key would meet twice
    else if (!reader.takes('ONLINE') && !reader.takes('OFFLINE')) break
  }
  if (!reader.takes('TABLE')) return other
  skipModifiers(reader)
  const table = tableAt(reader, schema)
  if (table === null) return other
  skipModifiers(reader)
  let to: TableRef | null = null
  let otherTable: TableRef | null = null
  let converts = false
  let versions = false
  const drops: string[] = []
  const redefines: { column: string; type: string | null }[] = []
  while (reader.peek() !== null) {
    const lost = losing.find((words) => reader.takes(...words))
    if (lost !== undefined) {
      loses = lost.join(' ')
      if (loses === 'CONVERT TABLE') otherTable = tableAt(reader, schema)
    } else if (reader.takes('CONVERT', 'TO')) converts = true
    else if (reader.takes('ADD', 'SYSTEM') || reader.takes('DROP', 'SYSTEM')) versions = true
    else if (reader.takes('DROP')) drops.push(...columnDropped(reader))
    else if (reader.takes('MODIFY')) redefines.push(redefined(reader, false))
    else if (reader.takes('CHANGE')) redefines.push(redefined(reader, true))
    // RENAME is also the word of RENAME COLUMN and RENAME INDEX.
    else if (reader.takes('RENAME') && !['COLUMN', 'INDEX', 'KEY'].some((word) => reader.takes(word))) {
      if (!reader.takes('TO') && !reader.takes('AS')) if (isMark(reader.peek(), '=')) reader.next()
      to = tableAt(reader, schema)
    }
    const ended = clauseEnd(reader)
    if (loses === 'EXCHANGE PARTITION' && ended.with) otherTable = tableAt(reader, schema)
  }
  return { kind: 'alter', table, to, loses, other: otherTable, drops, redefines, converts, versions }
}

/** Reads on behind the comma that ends the clause, or, which it then says, behind WITH TABLE. */
function clauseEnd(reader: Reader): { with: boolean } {
  let depth = 0
  for (;;) {
    if (reader.takes('WITH', 'TABLE')) return { with: true }
    const token = reader.next()
    if (token === null || (depth === 0 && isMark(token, ','))) return { with: false }
    if (isMark(token, '(')) depth++
    if (isMark(token, ')')) depth--
  }
}

function columnDropped(reader: Reader): string[] {
  if (!reader.takes('COLUMN') && notColumns.some((word) => isWord(reader.peek(), word))) return []
  skipModifiers(reader)
  const name = reader.next()?.text
  return name === undefined ? [] : [name]
}

/** The definition up to where its clause goes on with what says nothing of its type. */
function redefined(reader: Reader, isNamedAnew: boolean): { column: string; type: string | null } {
  reader.takes('COLUMN')
  skipModifiers(reader)
  const column = reader.next()?.text ?? ''
  if (isNamedAnew) reader.next()
  let type = reader.next()?.text.toLowerCase() ?? ''
  if (isMark(reader.peek(), '('))
    for (let token = reader.next(); token !== null; token = reader.next()) {
      type += token.text
      if (isMark(token, ')')) break
    }
  let depth = 0
  for (let token = reader.peek(); token !== null && !(depth === 0 && isMark(token, ',')); token = reader.peek()) {
    if (depth === 0 && (isWord(token, 'AS') || isWord(token, 'GENERATED'))) return { column, type: null }
    if (isMark(token, '(')) depth++
    if (isMark(token, ')')) depth--
    reader.next()
  }
  return { column, type }
}

function create(reader: Reader, schema: string): Statement {
  if (!reader.takes('OR', 'REPLACE')) return other
  if (reader.takes('DATABASE') || reader.takes('SCHEMA')) {
    skipModifiers(reader)
    return { kind: 'drop-schema', schema: reader.next()?.text ?? '' }
  }
  if (!reader.takes('TABLE')) return other
  skipModifiers(reader)
  const table = tableAt(reader, schema)
  return table === null ? other : { kind: 'replace-table', table }
}
