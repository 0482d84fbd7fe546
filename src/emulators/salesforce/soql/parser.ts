/** Parses SOQL into a tree. Names are resolved later, in `check.ts`. */

import { malformed, type Token, tokenize } from './lexer.ts'

/** A field path such as `Account.Owner.Name`, with its place in the query. */
export interface Path {
  readonly names: readonly string[]
  readonly at: number
}

/** A value in a condition; `period` is a date literal such as LAST_N_DAYS:3. */
export type Literal =
  | { readonly kind: 'null'; readonly at: number }
  | { readonly kind: 'string' | 'date' | 'datetime'; readonly text: string; readonly at: number }
  | { readonly kind: 'number'; readonly value: number; readonly at: number }
  | { readonly kind: 'boolean'; readonly value: boolean; readonly at: number }
  | { readonly kind: 'period'; readonly name: string; readonly n: number; readonly at: number }

/** What a field is compared with a literal by. */
export type Operator = '=' | '!=' | '<' | '<=' | '>' | '>=' | 'LIKE' | 'IN' | 'NOT IN' | 'INCLUDES' | 'EXCLUDES'

/** WHERE or HAVING. `semi`: the field is (or is not) among what another query selects. */
export type Condition =
  | { readonly kind: 'and' | 'or'; readonly parts: readonly Condition[] }
  | { readonly kind: 'not'; readonly part: Condition }
  | {
      readonly kind: 'compare'
      readonly left: Path | Aggregate
      readonly op: Operator
      readonly values: readonly Literal[]
    }
  | { readonly kind: 'semi'; readonly left: Path; readonly negated: boolean; readonly query: Query }

/** An aggregate function in SELECT, HAVING or ORDER BY. */
export interface Aggregate {
  readonly kind: 'aggregate'
  readonly fn: 'COUNT' | 'COUNT_DISTINCT' | 'SUM' | 'AVG' | 'MIN' | 'MAX'
  /** Null for `COUNT()`. */
  readonly path: Path | null
  readonly alias: string | null
  readonly at: number
}

/** One item of SELECT: a field, FIELDS(…), a sub-select of children, or an aggregate. */
export type SelectItem =
  | { readonly kind: 'field'; readonly path: Path; readonly alias: string | null }
  | { readonly kind: 'fields'; readonly which: 'ALL' | 'STANDARD' | 'CUSTOM'; readonly at: number }
  | { readonly kind: 'children'; readonly query: Query }
  | Aggregate

/** One item of ORDER BY, its defaults filled in: ascending, then with nulls first; descending with nulls last. */
export interface OrderItem {
  readonly by: Path | Aggregate
  readonly descending: boolean
  readonly nullsFirst: boolean
}

/** A parsed query or sub-select. `fromAt` is an offset in `text`, for messages. */
export interface Query {
  readonly text: string
  readonly select: readonly SelectItem[]
  readonly from: string
  readonly fromAt: number
  readonly alias: string | null
  readonly where: Condition | null
  readonly groupBy: readonly Path[]
  readonly having: Condition | null
  readonly orderBy: readonly OrderItem[]
  readonly limit: number | null
  readonly offset: number
}

interface Parser {
  readonly text: string
  readonly tokens: readonly Token[]
  place: number
}

const AGGREGATES = new Set(['COUNT', 'COUNT_DISTINCT', 'SUM', 'AVG', 'MIN', 'MAX'])
const CLAUSES = new Set(['FROM', 'WHERE', 'WITH', 'GROUP', 'HAVING', 'ORDER', 'LIMIT', 'OFFSET', 'FOR', 'USING', 'ALL'])
/** Words that cannot name a field. Source: sforce_api_calls_soql_select_reservedwords.htm. */
const RESERVED = new Set(
  'AND ASC DESC EXCLUDES FIRST FROM GROUP HAVING IN INCLUDES LAST LIKE LIMIT NOT NULL NULLS OR SELECT USING WHERE WITH'.split(
    ' ',
  ),
)
const DEPTH_MAX = 100

/** Parses a whole query. Throws MALFORMED_QUERY. */
export function parseQuery(text: string): Query {
  const parser: Parser = { text, tokens: tokenize(text), place: 0 }
  const query = readQuery(parser, false)
  if (peek(parser).kind !== 'end') throw unexpected(parser)
  return query
}

/** Parses what may stand behind WHERE, alone. */
export function parseCondition(text: string): Condition {
  const parser: Parser = { text, tokens: tokenize(text), place: 0 }
  const condition = readCondition(parser, 0)
  if (peek(parser).kind !== 'end') throw unexpected(parser)
  return condition
}

function peek(parser: Parser, ahead = 0): Token {
  return parser.tokens[Math.min(parser.place + ahead, parser.tokens.length - 1)]!
}

function next(parser: Parser): Token {
  const token = peek(parser)
  parser.place++
  return token
}

function unexpected(parser: Parser): Error {
  const token = peek(parser)
  return malformed(parser.text, token.at, `unexpected token: '${token.kind === 'end' ? '<EOF>' : token.text}'`)
}

function isWord(token: Token, word: string): boolean {
  return token.kind === 'name' && token.upper === word
}

function takeWord(parser: Parser, word: string): boolean {
  if (!isWord(peek(parser), word)) return false
  parser.place++
  return true
}

function takeSymbol(parser: Parser, symbol: string): boolean {
  const token = peek(parser)
  if (token.kind !== 'symbol' || token.text !== symbol) return false
  parser.place++
  return true
}

function needWord(parser: Parser, word: string): void {
  if (!takeWord(parser, word)) throw unexpected(parser)
}

function needSymbol(parser: Parser, symbol: string): void {
  if (!takeSymbol(parser, symbol)) throw unexpected(parser)
}

function readQuery(parser: Parser, inner: boolean): Query {
  needWord(parser, 'SELECT')
  const select = [readItem(parser, inner)]
  while (takeSymbol(parser, ',')) select.push(readItem(parser, inner))
  needWord(parser, 'FROM')
  const from = next(parser)
  if (from.kind !== 'name') throw malformed(parser.text, from.at, `unexpected token: '${from.text || '<EOF>'}'`)
  const alias = readAlias(parser)
  if (takeWord(parser, 'USING')) {
    needWord(parser, 'SCOPE')
    next(parser)
  }
  const where = takeWord(parser, 'WHERE') ? readCondition(parser, 0) : null
  if (takeWord(parser, 'WITH')) next(parser)
  const groupBy: Path[] = []
  if (takeWord(parser, 'GROUP')) {
    needWord(parser, 'BY')
    do groupBy.push(readPath(parser))
    while (takeSymbol(parser, ','))
  }
  const having = takeWord(parser, 'HAVING') ? readCondition(parser, 0) : null
  const orderBy = takeWord(parser, 'ORDER') ? readOrder(parser) : []
  const limit = takeWord(parser, 'LIMIT') ? readCount(parser) : null
  const offset = takeWord(parser, 'OFFSET') ? readCount(parser) : 0
  if (takeWord(parser, 'FOR')) next(parser)
  return {
    text: parser.text,
    select,
    from: from.text,
    fromAt: from.at,
    alias,
    where,
    groupBy,
    having,
    orderBy,
    limit,
    offset,
  }
}

function readAlias(parser: Parser): string | null {
  takeWord(parser, 'AS')
  const token = peek(parser)
  if (token.kind !== 'name' || CLAUSES.has(token.upper)) return null
  return next(parser).text
}

function readItem(parser: Parser, inner: boolean): SelectItem {
  const token = peek(parser)
  if (token.kind === 'symbol' && token.text === '(') {
    if (inner) throw unexpected(parser)
    parser.place++
    const query = readQuery(parser, true)
    needSymbol(parser, ')')
    return { kind: 'children', query }
  }
  if (token.kind !== 'name') throw unexpected(parser)
  if (token.upper === 'FIELDS' && peek(parser, 1).text === '(') return readFields(parser)
  const aggregate = readAggregate(parser)
  if (aggregate !== null) return { ...aggregate, alias: readItemAlias(parser) }
  const path = readPath(parser)
  return { kind: 'field', path, alias: readItemAlias(parser) }
}

function readItemAlias(parser: Parser): string | null {
  const token = peek(parser)
  if (token.kind !== 'name' || token.upper === 'FROM') return null
  return next(parser).text
}

function readFields(parser: Parser): SelectItem {
  const at = next(parser).at
  needSymbol(parser, '(')
  const which = next(parser).upper
  if (which !== 'ALL' && which !== 'STANDARD' && which !== 'CUSTOM') {
    parser.place--
    throw unexpected(parser)
  }
  needSymbol(parser, ')')
  return { kind: 'fields', which, at }
}

function readAggregate(parser: Parser): Aggregate | null {
  const token = peek(parser)
  if (!AGGREGATES.has(token.upper) || peek(parser, 1).text !== '(' || peek(parser, 1).kind !== 'symbol') return null
  parser.place += 2
  const fn = token.upper as Aggregate['fn']
  const path = fn === 'COUNT' && peek(parser).text === ')' ? null : readPath(parser)
  needSymbol(parser, ')')
  return { kind: 'aggregate', fn, path, alias: null, at: token.at }
}

function readPath(parser: Parser): Path {
  const first = next(parser)
  if (first.kind !== 'name' || RESERVED.has(first.upper)) {
    parser.place--
    throw unexpected(parser)
  }
  const names = [first.text]
  while (takeSymbol(parser, '.')) {
    const token = next(parser)
    if (token.kind !== 'name') {
      parser.place--
      throw unexpected(parser)
    }
    names.push(token.text)
  }
  return { names, at: first.at }
}

function readOrder(parser: Parser): OrderItem[] {
  needWord(parser, 'BY')
  const items: OrderItem[] = []
  do {
    const by = readAggregate(parser) ?? readPath(parser)
    const descending = takeWord(parser, 'DESC') || (takeWord(parser, 'ASC') && false)
    let nullsFirst = !descending
    if (takeWord(parser, 'NULLS')) {
      nullsFirst = takeWord(parser, 'FIRST')
      if (!nullsFirst) needWord(parser, 'LAST')
    }
    items.push({ by, descending, nullsFirst })
  } while (takeSymbol(parser, ','))
  return items
}

function readCount(parser: Parser): number {
  const token = next(parser)
  if (token.kind === 'number' && /^\d+$/.test(token.text)) return Number(token.text)
  parser.place--
  throw unexpected(parser)
}

/** AND and OR cannot be mixed on one level: SOQL asks for parentheses. */
function readCondition(parser: Parser, depth: number): Condition {
  if (depth > DEPTH_MAX) throw malformed(parser.text, peek(parser).at, 'SOQL statement is too complex')
  const parts = [readTerm(parser, depth)]
  const word = peek(parser)
  if (!isWord(word, 'AND') && !isWord(word, 'OR')) return parts[0]!
  while (takeWord(parser, word.upper)) parts.push(readTerm(parser, depth))
  if (isWord(peek(parser), 'AND') || isWord(peek(parser), 'OR')) throw unexpected(parser)
  return { kind: word.upper === 'AND' ? 'and' : 'or', parts }
}

function readTerm(parser: Parser, depth: number): Condition {
  if (takeWord(parser, 'NOT')) return { kind: 'not', part: readTerm(parser, depth + 1) }
  if (takeSymbol(parser, '(')) {
    const condition = readCondition(parser, depth + 1)
    needSymbol(parser, ')')
    return condition
  }
  const left = readAggregate(parser) ?? readPath(parser)
  const op = readOperator(parser)
  if (op === 'IN' || op === 'NOT IN') {
    if (isWord(peek(parser, 1), 'SELECT') && peek(parser).text === '(') {
      if ('kind' in left) throw unexpected(parser)
      parser.place++
      const query = readQuery(parser, true)
      needSymbol(parser, ')')
      return { kind: 'semi', left, negated: op === 'NOT IN', query }
    }
    return { kind: 'compare', left, op, values: readList(parser) }
  }
  if (op === 'INCLUDES' || op === 'EXCLUDES') return { kind: 'compare', left, op, values: readList(parser) }
  return { kind: 'compare', left, op, values: [readLiteral(parser)] }
}

function readOperator(parser: Parser): Operator {
  const token = next(parser)
  if (token.kind === 'symbol') {
    if (token.text === '<>') return '!='
    if (['=', '!=', '<', '<=', '>', '>='].includes(token.text)) return token.text as Operator
  }
  if (token.kind === 'name') {
    if (token.upper === 'LIKE' || token.upper === 'IN' || token.upper === 'INCLUDES' || token.upper === 'EXCLUDES')
      return token.upper
    if (token.upper === 'NOT' && takeWord(parser, 'IN')) return 'NOT IN'
  }
  parser.place--
  throw unexpected(parser)
}

function readList(parser: Parser): Literal[] {
  needSymbol(parser, '(')
  const values = [readLiteral(parser)]
  while (takeSymbol(parser, ',')) values.push(readLiteral(parser))
  needSymbol(parser, ')')
  return values
}

function readLiteral(parser: Parser): Literal {
  const token = next(parser)
  const { at } = token
  switch (token.kind) {
    case 'string':
    case 'date':
    case 'datetime':
      return { kind: token.kind, text: token.text, at }
    case 'number':
      return { kind: 'number', value: Number(token.text), at }
    case 'name':
      if (token.upper === 'NULL') return { kind: 'null', at }
      if (token.upper === 'TRUE' || token.upper === 'FALSE')
        return { kind: 'boolean', value: token.upper === 'TRUE', at }
      return readPeriod(parser, token)
    case 'symbol':
    case 'end':
      parser.place--
      throw unexpected(parser)
  }
}

function readPeriod(parser: Parser, token: Token): Literal {
  if (!/^(TODAY|YESTERDAY|TOMORROW|(LAST|THIS|NEXT|LAST_N|NEXT_N|N)_[A-Z_]+)$/.test(token.upper)) {
    parser.place--
    throw unexpected(parser)
  }
  const n = takeSymbol(parser, ':') ? readCount(parser) : 0
  return { kind: 'period', name: token.upper, n, at: token.at }
}
