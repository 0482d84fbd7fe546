/** Splits a SOQL text into tokens. Source: https://developer.salesforce.com/docs/atlas.en-us.soql_sosl.meta/soql_sosl/. */

import { ApiError } from '../errors.ts'

type TokenKind = 'name' | 'string' | 'number' | 'date' | 'datetime' | 'symbol' | 'end'

/** A word, literal or sign of a query. */
export interface Token {
  readonly kind: TokenKind
  /** The text as written; for a string, its unescaped content. */
  readonly text: string
  /** The same in upper case, to compare keywords with. */
  readonly upper: string
  /** Offset in the query. */
  readonly at: number
}

const SPACE = /[\s]+/y
const NAME = /[A-Za-z_][A-Za-z0-9_]*/y
const MOMENT = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)/iy
const DAY = /\d{4}-\d\d-\d\d/y
const NUMBER = /[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?/y
const SYMBOL = /<=|>=|!=|<>|[=<>(),.:]/y
const ESCAPES: Record<string, string> = { n: '\n', r: '\r', t: '\t', b: '\b', f: '\f' }

/** The tokens of a query, with an `end` token last. Throws MALFORMED_QUERY. */
export function tokenize(query: string): Token[] {
  const tokens: Token[] = []
  let at = 0
  const match = (pattern: RegExp): string | null => {
    pattern.lastIndex = at
    return pattern.exec(query)?.[0] ?? null
  }
  const push = (kind: TokenKind, text: string, chars: number): void => {
    tokens.push({ kind, text, upper: text.toUpperCase(), at })
    at += chars
  }
  while (at < query.length) {
    const space = match(SPACE)
    if (space !== null) {
      at += space.length
      continue
    }
    if (query[at] === "'") {
      const string = readString(query, at)
      push('string', string.content, string.chars)
      continue
    }
    const found = firstOf(match)
    if (found === null) throw malformed(query, at, `unexpected token: '${query[at]}'`)
    push(found.kind, found.text, found.text.length)
  }
  push('end', '', 0)
  return tokens
}

function firstOf(match: (pattern: RegExp) => string | null): { kind: TokenKind; text: string } | null {
  const patterns: [TokenKind, RegExp][] = [
    ['name', NAME],
    ['datetime', MOMENT],
    ['date', DAY],
    ['number', NUMBER],
    ['symbol', SYMBOL],
  ]
  for (const [kind, pattern] of patterns) {
    const text = match(pattern)
    if (text !== null) return { kind, text }
  }
  return null
}

function readString(query: string, start: number): { content: string; chars: number } {
  let content = ''
  let at = start + 1
  while (at < query.length && query[at] !== "'") {
    if (query[at] === '\\') {
      const escaped = query[at + 1] ?? ''
      if (escaped === 'u' && /^[0-9A-Fa-f]{4}$/.test(query.slice(at + 2, at + 6))) {
        content += String.fromCharCode(Number.parseInt(query.slice(at + 2, at + 6), 16))
        at += 6
        continue
      }
      content += Object.hasOwn(ESCAPES, escaped) ? ESCAPES[escaped] : keptEscape(query, at, escaped)
      at += 2
    } else {
      content += query[at]
      at++
    }
  }
  if (at >= query.length)
    throw malformed(query, start, `line 1:${query.length} mismatched character '<EOF>' expecting '''`)
  return { content, chars: at + 1 - start }
}

/** `\%` and `\_` keep their backslash: LIKE reads them as literal characters. */
function keptEscape(query: string, at: number, escaped: string): string {
  if (escaped === '%' || escaped === '_') return `\\${escaped}`
  if (`'"\\`.includes(escaped) && escaped !== '') return escaped
  throw malformed(query, at, `Invalid string literal. Illegal character sequence '\\${escaped}' in string literal`)
}

/** An error in Salesforce's form: the place in the query, a caret, row and column, and what is wrong there. */
export function queryError(errorCode: string, query: string, at: number, problem: string): ApiError {
  const before = query.slice(0, at)
  const row = before.split('\n').length
  const column = at - (before.lastIndexOf('\n') + 1) + 1
  const lineStart = before.lastIndexOf('\n') + 1
  const lineEnd = query.indexOf('\n', at) < 0 ? query.length : query.indexOf('\n', at)
  const from = Math.max(lineStart, at - 40)
  const context = query.slice(from, Math.min(lineEnd, at + 40))
  const caret = ' '.repeat(at - from)
  return new ApiError(400, errorCode, `\n${context}\n${caret}^\nERROR at Row:${row}:Column:${column}\n${problem}`)
}

/** MALFORMED_QUERY at a place in the query, as `queryError` words it. */
export function malformed(query: string, at: number, problem: string): ApiError {
  return queryError('MALFORMED_QUERY', query, at, problem)
}
