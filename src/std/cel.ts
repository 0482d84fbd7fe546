import { type ASTNode, Environment, ParseError } from '@marcbachmann/cel-js'
import {
  type CelFunction,
  type Cell,
  type CelType,
  failed,
  isFailed,
  kindOf,
  type List,
  type Scalar,
  type Signature,
} from './cel-cells.ts'
import { coreFunctions } from './cel-functions.ts'
import { arithmetic, compare, equal } from './cel-operators.ts'
import { type Decimal, decimalFrom } from './decimal.ts'
import { didYouMean } from './suggest.ts'

/**
 * Expressions over flat rows, in the grammar of CEL (https://github.com/google/cel-spec), with the parser of
 * @marcbachmann/cel-js. Types are checked and closures built in one walk over its tree; nothing is ever evaluated as JavaScript.
 *
 * Where it differs from CEL, so that it fits rows of databases:
 * - One number type. `row.amount + 1` works for every numeric column; decimals are calculated exactly; `5 / 2` is `2.5`,
 *   and a quotient of decimals has up to 20 places. Whole numbers beyond 2^53 become decimals, never rounded.
 * - *Absent* in, absent out: an expression that needs a column that its row does not have has no value, as a column that the
 *   source did not send must not change the target (I6). *Invalid* in, invalid out. Invalid wins over absent, absent over null.
 * - *Null* in, null out, as in SQL, for arithmetic, order (`<`) and functions. Equality is CEL's: `null == null` is true and
 *   `null != 'x'` is true. `&&`, `||`, `!` have SQL's three values; a condition of `? :` that is null counts as false.
 * - `has(row.x)`: x is not null. `coalesce(a, b, …)`: the first that is not null.
 * - A date compares with a date, and with a text that is one: `row.joined >= '2024-01-01'`. A time without a zone does not
 *   compare with a time with one. Texts compare by UTF-16 units.
 * - `matches(pattern)` runs in linear time (std/pattern.ts); the pattern must be a literal.
 * - Functions may be called either way: `row.name.trim()` or `trim(row.name)`. No macros over lists, no maps, no bytes.
 *
 * Time and size are bounded: 4,096 characters, 500 nodes, depth 50 an expression, 1 MiB (2^20 units) a text.
 */
export interface CelProgram {
  readonly text: string
  /** Every column that is read, sorted: `first_name`, `membership.status`. */
  readonly columns: readonly string[]
  /** As far as it is known without the row. */
  readonly type: CelType
  /** The value for one row; `undefined` where it is absent. Never throws. */
  evaluate(row: CelRow): Scalar | undefined
}

/** Columns by name, dotted for joined tables; an absent column has no entry. */
export type CelRow = { readonly [column: string]: Scalar }

/** What an expression may use. */
export interface CelEnvironment {
  /** Beside the built-in ones, by name. */
  readonly functions?: { readonly [name: string]: CelFunction }
  /** Names of joined tables. When given, `row.a.b` needs `a` among them. */
  readonly joins?: readonly string[]
  /** What the expression must give, where that matters (`bool` for a filter). */
  readonly result?: CelType
}

/** Why an expression cannot be used, and where in it (UTF-16 units from 0). */
export interface CelProblem {
  readonly message: string
  readonly start: number
  readonly end: number
}

export type CelCompiled =
  | { readonly ok: true; readonly program: CelProgram }
  | { readonly ok: false; readonly problems: readonly CelProblem[] }

const charactersMax = 4_096
const limits = { maxAstNodes: 500, maxDepth: 50, maxListElements: 200, maxMapEntries: 10, maxCallArguments: 16 }
const namesRefused = new Set(['__proto__', 'constructor', 'prototype'])

type Run = (row: CelRow) => Cell | undefined
interface Part {
  readonly type: CelType
  readonly run: Run
  /** The value, where it does not depend on the row. */
  readonly fixed?: Cell
}

/** What is gathered on the walk over one expression. */
interface Walk {
  readonly text: string
  readonly functions: { readonly [name: string]: CelFunction }
  readonly joins: readonly string[] | undefined
  readonly columns: Set<string>
  readonly problems: CelProblem[]
}

/** Checks and compiles an expression. All problems of one expression are reported together, except after a syntax error. */
export function compileCel(text: string, env: CelEnvironment = {}): CelCompiled {
  if (text.length > charactersMax) {
    const message = `an expression has at most ${charactersMax} characters, this one has ${text.length}`
    return { ok: false, problems: [{ message, start: 0, end: 0 }] }
  }
  const tree = parse(text)
  if ('message' in tree) return { ok: false, problems: [tree] }
  const functions = { ...coreFunctions, ...env.functions }
  const walk: Walk = { text, functions, joins: env.joins, columns: new Set(), problems: [] }
  const part = compile(tree.ast, walk)
  const wanted = env.result
  if (part.type === 'list') refuse(walk, tree.ast, 'a list is not a value of a field; join it with join()')
  else if (wanted !== undefined && !fits(part.type, wanted))
    refuse(walk, tree.ast, `expected ${words[wanted]}, this gives ${words[part.type]}`)
  if (walk.problems.length > 0) return { ok: false, problems: walk.problems }
  const columns = [...walk.columns].sort()
  return { ok: true, program: { text, columns, type: part.type, evaluate: outermost(part.run, text) } }
}

/** Two lines for people: the line of the expression, and a caret under the place. */
export function caret(text: string, start: number): string {
  const from = text.lastIndexOf('\n', start - 1) + 1
  const next = text.indexOf('\n', from)
  const line = text.slice(from, next === -1 ? undefined : next)
  const column = start - from
  // Long lines are cut around the place.
  const cut = Math.max(0, column - 60)
  return `${line.slice(cut, cut + 120)}\n${' '.repeat(column - cut)}^`
}

function outermost(run: Run, text: string): CelProgram['evaluate'] {
  return (row) => {
    const value = run(row)
    if (typeof value === 'object' && value !== null && value.kind === 'list')
      return failed(`\`${text}\` gives a list; join it with join()`)
    return value
  }
}

function parse(text: string): { readonly ast: ASTNode } | CelProblem {
  try {
    const environment = new Environment({ unlistedVariablesAreDyn: true, homogeneousAggregateLiterals: false, limits })
    return { ast: environment.parse(text).ast }
  } catch (error) {
    if (error instanceof ParseError) {
      const range = error.range ?? { start: 0, end: 0 }
      return { message: error.summary, start: range.start, end: range.end }
    }
    // The parser throws other errors for some malformed literals; for its caller they are the same thing.
    return { message: error instanceof Error ? error.message.split('\n')[0]! : 'cannot be read', start: 0, end: 0 }
  }
}

const words: { readonly [type in CelType]: string } = {
  dyn: 'a value',
  null: 'null',
  bool: 'true or false',
  number: 'a number',
  string: 'a text',
  time: 'a date or time',
  list: 'a list',
}

function fits(type: CelType, wanted: CelType): boolean {
  return type === wanted || type === 'dyn' || wanted === 'dyn' || type === 'null'
}

function refuse(walk: Walk, node: ASTNode, message: string): Part {
  walk.problems.push({ message, start: node.start, end: node.end })
  return { type: 'dyn', run: () => undefined }
}

function constant(value: Cell): Part {
  const type = kindOf(value)
  return { type: type === 'other' ? 'dyn' : type, run: () => value, fixed: value }
}

function compile(node: ASTNode, walk: Walk): Part {
  switch (node.op) {
    case 'value':
      return literal(node, walk)
    case 'id':
      return refuse(
        walk,
        node,
        node.args === 'row'
          ? 'name a column: row.<column>'
          : `unknown name "${node.args}": columns are written row.${node.args}`,
      )
    case '.':
    case '[]':
      return access(node, walk)
    case '+':
    case '-':
    case '*':
    case '/':
    case '%':
      return calculation(node, node.op, node.args, walk)
    case '==':
    case '!=':
      return equality(node, node.op === '!=', node.args, walk)
    case '<':
    case '<=':
    case '>':
    case '>=':
      return order(node, node.op, node.args, walk)
    case '&&':
    case '||':
      return logic(node.op === '&&', node.args, walk)
    case '!_':
      return negation(node.args, walk)
    case '-_':
      return minus(node, walk)
    case '?:':
      return choice(node.args, walk)
    case 'in':
      return membership(node.args, walk)
    case 'list':
      return list(node.args, walk)
    case 'call':
      return call(node, node.args[0], node.args[1], walk)
    case 'rcall':
      return call(node, node.args[0], [node.args[1], ...node.args[2]], walk)
    default:
      return refuse(walk, node, 'this form is not supported here')
  }
}

function literal(node: ASTNode & { op: 'value' }, walk: Walk): Part {
  const value: unknown = node.args
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return constant(value)
  if (typeof value === 'bigint') {
    const whole = Number(value)
    return constant(Number.isSafeInteger(whole) ? whole : { kind: 'decimal', text: String(value) })
  }
  if (typeof value === 'number' && Number.isFinite(value)) {
    // More digits than a double holds: the literal stays the exact decimal that was written.
    const written = walk.text.slice(node.start, node.end)
    const exact = decimalFrom(written)
    if (exact !== undefined && !sameDecimal(exact, value)) return constant({ kind: 'decimal', text: written })
    return constant(value)
  }
  return refuse(walk, node, 'this literal is not supported: use a text, a number, true, false or null')
}

function sameDecimal(exact: Decimal, value: number): boolean {
  const back = decimalFrom(String(value))
  return back !== undefined && back.units * 10n ** BigInt(exact.scale) === exact.units * 10n ** BigInt(back.scale)
}

/** The path of a column: `row.a`, `row.a.b`, `row['odd name']`. Without it: an element of a list. */
function columnPath(node: ASTNode): string[] | undefined {
  if (node.op === 'id') return node.args === 'row' ? [] : undefined
  if (node.op === '.') {
    const before = columnPath(node.args[0])
    return before && [...before, node.args[1]]
  }
  if (node.op === '[]' && node.args[1].op === 'value' && typeof node.args[1].args === 'string') {
    const before = columnPath(node.args[0])
    return before && [...before, node.args[1].args]
  }
  return undefined
}

function access(node: ASTNode & { op: '.' | '[]' }, walk: Walk): Part {
  const path = columnPath(node)
  if (path !== undefined) return column(node, path, walk)
  if (node.op === '[]') {
    const [target, index] = node.args
    if (target.op === 'id' && target.args === 'row')
      return refuse(walk, index, "a column is named by a text: row['name']")
    return call(node, 'at', [target, index], walk)
  }
  if (node.op !== '.') return refuse(walk, node, 'this form is not supported here')
  const root = node.args[0]
  if (root.op === 'id')
    return refuse(
      walk,
      root,
      `unknown name "${root.args}": columns are written row.<column>, of joined tables row.<join>.<column>`,
    )
  return refuse(walk, node, `"${node.args[1]}" cannot be read here; a function needs brackets: ${node.args[1]}()`)
}

function column(node: ASTNode, path: readonly string[], walk: Walk): Part {
  const refused = path.find((name) => namesRefused.has(name))
  if (refused !== undefined) return refuse(walk, node, `the name "${refused}" is not allowed`)
  const name = path.join('.')
  if (path.length > 2) return refuse(walk, node, `"${name}": a column is row.<column> or row.<join>.<column>`)
  if (path.length === 2 && walk.joins !== undefined && !walk.joins.includes(path[0]!))
    return refuse(walk, node, `no joined table is called "${path[0]}".${didYouMean(path[0]!, walk.joins)}`)
  walk.columns.add(name)
  // Rows read from JSON have a prototype: what it defines is not a column.
  if (name in Object.prototype) return { type: 'dyn', run: (row) => (Object.hasOwn(row, name) ? row[name] : undefined) }
  return { type: 'dyn', run: (row) => row[name] }
}

type ArithmeticOp = '+' | '-' | '*' | '/' | '%'

function calculation(node: ASTNode, op: ArithmeticOp, [left, right]: readonly [ASTNode, ASTNode], walk: Walk): Part {
  const a = compile(left, walk)
  const b = compile(right, walk)
  const text = walk.text.slice(node.start, node.end)
  const concatenates = op === '+' && (a.type === 'string' || b.type === 'string')
  const type: CelType = concatenates
    ? 'string'
    : op !== '+' || a.type === 'number' || b.type === 'number'
      ? 'number'
      : 'dyn'
  const wanted = type === 'dyn' ? (['number', 'string'] as const) : ([type] as const)
  for (const part of [a, b])
    if (part.type !== 'dyn' && part.type !== 'null' && !(wanted as readonly CelType[]).includes(part.type))
      return refuse(
        walk,
        node,
        `${words[a.type]} ${op} ${words[b.type]} has no meaning; convert with string(…) or number(…)`,
      )
  const x = a.run
  const y = b.run
  const slow = arithmetic(op, text)
  if (op === '+') {
    return {
      type,
      run(row) {
        const l = x(row)
        const r = y(row)
        if (typeof l === 'string' && typeof r === 'string' && l.length + r.length < 65_536) return l + r
        return slow(l, r)
      },
    }
  }
  return { type, run: (row) => slow(x(row), y(row)) }
}

function equality(node: ASTNode, negated: boolean, [left, right]: readonly [ASTNode, ASTNode], walk: Walk): Part {
  const a = compile(left, walk)
  const b = compile(right, walk)
  const known = (type: CelType) => type === 'bool' || type === 'number' || type === 'list'
  const clash =
    a.type !== b.type && fits(a.type, b.type) === false && b.type !== 'null' && (known(a.type) || known(b.type))
  if (clash) return refuse(walk, node, `${words[a.type]} is never equal to ${words[b.type]}`)
  const x = a.run
  const y = b.run
  return {
    type: 'bool',
    run(row) {
      const l = x(row)
      const r = y(row)
      if (typeof l === 'string' && typeof r === 'string') return (l === r) !== negated
      const answer = equal(l, r)
      return typeof answer === 'boolean' ? answer !== negated : answer
    },
  }
}

type OrderOp = '<' | '<=' | '>' | '>='
const orders: { readonly [op in OrderOp]: (sign: number) => boolean } = {
  '<': (sign) => sign < 0,
  '<=': (sign) => sign <= 0,
  '>': (sign) => sign > 0,
  '>=': (sign) => sign >= 0,
}

/** Whether values of these types may have an order: of one type, or a date and a text that may be one. */
function comparable(a: CelType, b: CelType): boolean {
  if (a === 'list' || b === 'list') return false
  const ofTime = (type: CelType) => type === 'string' || type === 'time'
  return fits(a, b) || fits(b, a) || (ofTime(a) && ofTime(b))
}

function order(node: ASTNode, op: OrderOp, [left, right]: readonly [ASTNode, ASTNode], walk: Walk): Part {
  const a = compile(left, walk)
  const b = compile(right, walk)
  if (!comparable(a.type, b.type))
    return refuse(
      walk,
      node,
      `${words[a.type]} and ${words[b.type]} have no order; convert with number(…) or string(…)`,
    )
  const x = a.run
  const y = b.run
  const decide = orders[op]
  const text = walk.text.slice(node.start, node.end)
  return {
    type: 'bool',
    run(row) {
      const sign = compare(x(row), y(row), text)
      return typeof sign === 'number' ? decide(sign) : sign
    },
  }
}

function boolean(node: ASTNode, walk: Walk, where: string): Part {
  const part = compile(node, walk)
  return fits(part.type, 'bool')
    ? part
    : refuse(walk, node, `${where} needs true or false, this is ${words[part.type]}`)
}

function logic(isAnd: boolean, [left, right]: readonly [ASTNode, ASTNode], walk: Walk): Part {
  const sign = isAnd ? '&&' : '||'
  const x = boolean(left, walk, sign).run
  const y = boolean(right, walk, sign).run
  const decides = !isAnd
  return {
    type: 'bool',
    run(row) {
      const l = x(row)
      if (l === decides) return decides
      const r = y(row)
      if (r === decides) return decides
      if (l === !decides && r === !decides) return !decides
      return unclear(l, r, sign)
    },
  }
}

/** Neither side decides: invalid wins over absent, absent over null. */
function unclear(l: Cell | undefined, r: Cell | undefined, sign: string): Cell | undefined {
  for (const side of [l, r]) {
    if (isFailed(side)) return side
    if (side !== undefined && side !== null && typeof side !== 'boolean')
      return failed(`${sign} needs true or false on both sides`)
  }
  return l === undefined || r === undefined ? undefined : null
}

function negation(inner: ASTNode, walk: Walk): Part {
  const x = boolean(inner, walk, '!').run
  return {
    type: 'bool',
    run(row) {
      const value = x(row)
      if (typeof value === 'boolean') return !value
      return value === undefined || value === null || isFailed(value) ? value : failed('! needs true or false')
    },
  }
}

function minus(node: ASTNode & { op: '-_' }, walk: Walk): Part {
  const part = compile(node.args, walk)
  if (!fits(part.type, 'number')) return refuse(walk, node, `- needs a number, this is ${words[part.type]}`)
  const subtract = arithmetic('-', walk.text.slice(node.start, node.end))
  const negate = (value: Cell | undefined) => subtract(0, value)
  if (part.fixed !== undefined) {
    const value = negate(part.fixed)
    if (value !== undefined && !isFailed(value)) return constant(value)
  }
  return { type: 'number', run: (row) => negate(part.run(row)) }
}

function choice([condition, yes, no]: readonly [ASTNode, ASTNode, ASTNode], walk: Walk): Part {
  const test = boolean(condition, walk, 'a condition').run
  const a = compile(yes, walk)
  const b = compile(no, walk)
  const x = a.run
  const y = b.run
  const type = a.type === b.type || b.type === 'null' ? a.type : a.type === 'null' ? b.type : 'dyn'
  return {
    type,
    run(row) {
      const answer = test(row)
      if (answer === true) return x(row)
      if (answer === false || answer === null) return y(row)
      return answer === undefined || isFailed(answer) ? answer : failed('a condition needs true or false')
    },
  }
}

function membership([item, within]: readonly [ASTNode, ASTNode], walk: Walk): Part {
  const value = compile(item, walk)
  const target = compile(within, walk)
  if (!fits(target.type, 'list')) return refuse(walk, within, `"in" needs a list, this is ${words[target.type]}`)
  const x = value.run
  const y = target.run
  const fixed = typeof target.fixed === 'object' && target.fixed?.kind === 'list' ? target.fixed.items : undefined
  const texts = fixed?.every((one) => typeof one === 'string') ? new Set(fixed as readonly string[]) : undefined
  return {
    type: 'bool',
    run(row) {
      const v = x(row)
      if (texts !== undefined && typeof v === 'string') return texts.has(v)
      if (v === undefined || isFailed(v)) return v
      const all = fixed ?? itemsOf(y(row))
      return Array.isArray(all) ? isAmong(v, all) : (all as Cell | undefined)
    },
  }
}

function itemsOf(value: Cell | undefined): readonly Scalar[] | Cell | undefined {
  if (value === undefined || value === null || isFailed(value)) return value
  return typeof value === 'object' && value.kind === 'list' ? value.items : failed('"in" needs a list')
}

function isAmong(value: Cell, items: readonly Scalar[]): Cell {
  let unsure: Cell = false
  for (const item of items) {
    const answer = equal(value, item)
    if (answer === true) return true
    if (answer !== false && answer !== undefined) unsure = answer
  }
  return unsure
}

function list(nodes: readonly ASTNode[], walk: Walk): Part {
  const parts = nodes.map((node) => compile(node, walk))
  if (parts.some((part) => part.type === 'list')) return refuse(walk, nodes[0]!, 'a list of lists is not supported')
  const fixed = parts.every((part) => part.fixed !== undefined)
  const gather = (row: CelRow): Cell | undefined => {
    const items: Scalar[] = []
    let absent = false
    for (const part of parts) {
      const value = part.run(row)
      if (isFailed(value)) return value
      if (value === undefined) absent = true
      else if (typeof value === 'object' && value !== null && value.kind === 'list') return failed('a list of lists')
      else items.push(value)
    }
    return absent ? undefined : ({ kind: 'list', items } satisfies List)
  }
  if (!fixed) return { type: 'list', run: gather }
  return constant({ kind: 'list', items: parts.map((part) => part.fixed as Scalar) })
}

function call(node: ASTNode, name: string, nodes: readonly ASTNode[], walk: Walk): Part {
  if (name === 'has') return present(node, nodes, walk)
  const definition = Object.hasOwn(walk.functions, name) ? walk.functions[name] : undefined
  if (definition === undefined) {
    return refuse(
      walk,
      node,
      `there is no function ${name}().${didYouMean(name, ['has', ...Object.keys(walk.functions)])}`,
    )
  }
  const parts = nodes.map((inner) => compile(inner, walk))
  const signature = definition.signature
  const least = signature.required ?? signature.takes.length
  const most = signature.rest ? Infinity : signature.takes.length
  if (parts.length < least || parts.length > most)
    return refuse(walk, node, `${name}() takes ${count(least, most)}, here are ${parts.length}`)
  for (const [index, part] of parts.entries()) {
    const wanted = wantedType(signature, index)
    if (!fits(part.type, wanted))
      return refuse(walk, nodes[index]!, `${name}() needs ${words[wanted]} here, this is ${words[part.type]}`)
  }
  return bind(node, name, definition, nodes, parts, walk)
}

function bind(
  node: ASTNode,
  name: string,
  definition: CelFunction,
  nodes: readonly ASTNode[],
  parts: readonly Part[],
  walk: Walk,
): Part {
  const { signature } = definition
  const fixed: Scalar[] = []
  for (let index = signature.fixedFrom ?? Infinity; index < parts.length; index++) {
    const value = parts[index]!.fixed
    if (value === undefined || (typeof value === 'object' && value !== null && value.kind === 'list'))
      return refuse(walk, nodes[index]!, `${name}() needs a literal here`)
    fixed.push(value)
  }
  const made = definition.make(fixed)
  if (typeof made === 'string') return refuse(walk, nodes[signature.fixedFrom ?? 0] ?? node, `${name}(): ${made}`)
  const runs = parts.slice(0, signature.fixedFrom).map((part) => part.run)
  const type = signature.gives
  if (signature.nulls === 'given') return { type, run: (row) => made(runs.map((run) => run(row))) }
  const single = runs.length === 1 ? runs[0] : undefined
  if (single !== undefined) {
    return {
      type,
      run(row) {
        const value = single(row)
        return value === undefined || value === null || isFailed(value) ? value : made([value])
      },
    }
  }
  return {
    type,
    run(row) {
      const values = runs.map((run) => run(row))
      const stop = propagated(values)
      return stop === 'none' ? made(values as Cell[]) : stop.value
    },
  }
}

/** What a function that does not take nulls gives without being called. */
function propagated(values: readonly (Cell | undefined)[]): { readonly value: Cell | undefined } | 'none' {
  let absent = false
  let isNull = false
  for (const value of values) {
    if (isFailed(value)) return { value }
    if (value === undefined) absent = true
    else if (value === null) isNull = true
  }
  if (absent) return { value: undefined }
  return isNull ? { value: null } : 'none'
}

function wantedType(signature: Signature, index: number): CelType {
  return signature.takes[Math.min(index, signature.takes.length - 1)] ?? 'dyn'
}

function count(least: number, most: number): string {
  if (most === Infinity) return `at least ${least} argument${least === 1 ? '' : 's'}`
  return least === most ? `${least} argument${least === 1 ? '' : 's'}` : `${least} to ${most} arguments`
}

function present(node: ASTNode, nodes: readonly ASTNode[], walk: Walk): Part {
  const path = nodes.length === 1 ? columnPath(nodes[0]!) : undefined
  if (path === undefined || path.length === 0) return refuse(walk, node, 'has() takes one column: has(row.name)')
  const read = column(nodes[0]!, path, walk).run
  return {
    type: 'bool',
    run(row) {
      const value = read(row)
      return value === undefined || isFailed(value) ? value : value !== null
    },
  }
}
