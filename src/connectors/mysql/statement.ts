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
  /** Rows were changed by a statement: the log has the statement in place of the rows. `tables`: all that it could be about; null: unknown. */
  | { readonly kind: 'dml'; readonly verb: string; readonly tables: readonly TableRef[] | null }
  | { readonly kind: 'truncate' | 'drop'; readonly tables: readonly TableRef[] }
  | { readonly kind: 'drop-schema'; readonly schema: string }
  | { readonly kind: 'rename'; readonly pairs: readonly (readonly [from: TableRef, to: TableRef])[] }
  /** `to`: its new name. `loses`: what takes rows away, or brings some, without a row event (`DROP PARTITION`). */
  | { readonly kind: 'alter'; readonly table: TableRef; readonly to: TableRef | null; readonly loses: string | null }
  /** CREATE OR REPLACE TABLE: the one before is gone. */
  | { readonly kind: 'replace-table'; readonly table: TableRef }

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
const changesRows = new Set(['INSERT', 'REPLACE', 'UPDATE', 'DELETE', 'LOAD'])
/** Logged only when what they call changes something: nobody can see what. */
const calls = new Set(['SELECT', 'CALL', 'DO', 'VALUES'])

/** What the statement means; `schema` is the one that names without a schema are meant in. */
export function statementOf(sql: string, schema: string): Statement {
  // The two that come with every transaction.
  if (sql === 'BEGIN') return { kind: 'begin' }
  if (sql === 'COMMIT') return { kind: 'commit' }
  const reader = readerOf(sql)
  const verb = (reader.peek()?.text ?? '').toUpperCase()
  if (changesRows.has(verb)) return { kind: 'dml', verb, tables: mentions(reader, schema) }
  if (calls.has(verb) || verb === 'WITH') return { kind: 'dml', verb, tables: null }
  reader.next()
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
    default:
      return other
  }
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

function alter(reader: Reader, schema: string): Statement {
  while (reader.takes('ONLINE') || reader.takes('OFFLINE') || reader.takes('IGNORE'));
  if (!reader.takes('TABLE')) return other
  skipModifiers(reader)
  const table = tableAt(reader, schema)
  if (table === null) return other
  skipModifiers(reader)
  let to: TableRef | null = null
  let loses: string | null = null
  let depth = 0
  // Only at the beginning of a clause: `RENAME` is also the word of RENAME COLUMN and RENAME INDEX.
  let isClause = true
  while (reader.peek() !== null) {
    if (isClause) {
      const lost = losing.find((words) => reader.takes(...words))
      if (lost !== undefined) loses = lost.join(' ')
      else if (reader.takes('RENAME')) {
        if (!reader.takes('COLUMN') && !reader.takes('INDEX') && !reader.takes('KEY')) {
          if (!reader.takes('TO') && !reader.takes('AS')) reader.takes('=')
          to = tableAt(reader, schema)
        }
      }
    }
    const token = reader.next()
    if (token === null) break
    if (isMark(token, '(')) depth++
    if (isMark(token, ')')) depth--
    isClause = depth === 0 && isMark(token, ',')
  }
  return { kind: 'alter', table, to, loses }
}

function create(reader: Reader, schema: string): Statement {
  if (!reader.takes('OR', 'REPLACE') || !reader.takes('TABLE')) return other
  skipModifiers(reader)
  const table = tableAt(reader, schema)
  return table === null ? other : { kind: 'replace-table', table }
}

const mentionsMax = 100_000

/** Every name of the statement that could be a table's. Null: too long to tell. */
function mentions(reader: Reader, schema: string): TableRef[] | null {
  const found: TableRef[] = []
  for (let n = 0; ; n++) {
    if (n > mentionsMax) return null
    const table = tableAt(reader, schema)
    if (table !== null) found.push(table)
    else if (reader.next() === null) return found
  }
}
