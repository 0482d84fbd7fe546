import { type ASTNode, Environment, ParseError } from '@marcbachmann/cel-js'
import { type CelFunction, type CelType, failed, type Scalar } from './cel-cells.ts'
import { coreFunctions } from './cel-functions.ts'
import { compileNode } from './cel-nodes.ts'
import { type CelProblem, type CelRow, type CelScope, fits, type Run, refuse, type Walk, words } from './cel-walk.ts'

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

/** An expression over a source row and the fields that were mapped from it: `row.country == 'AT' && has(record.Phone)`. */
export interface CelRule {
  readonly text: string
  /** Columns of the row that are read, sorted. */
  readonly columns: readonly string[]
  /** Fields of the record that are read, sorted. */
  readonly fields: readonly string[]
  readonly type: CelType
  evaluate(scope: CelScope): Scalar | undefined
}

/** What an expression may use. */
export interface CelEnvironment {
  /** Beside the built-in ones, by name. */
  readonly functions?: { readonly [name: string]: CelFunction }
  /** Names of joined tables. When given, `row.a.b` needs `a` among them. */
  readonly joins?: readonly string[]
  /** What the expression must give, where that matters (`bool` for a filter). */
  readonly result?: CelType
  /** The type of a column or field, as far as it is known. It serves checks alone; what is evaluated does not depend on it. */
  readonly types?: (root: 'row' | 'record', name: string) => CelType
}

type CelCompiled<Program> =
  | { readonly ok: true; readonly program: Program }
  | { readonly ok: false; readonly problems: readonly CelProblem[] }

const charactersMax = 4_096
const limits = { maxAstNodes: 500, maxDepth: 50, maxListElements: 200, maxMapEntries: 10, maxCallArguments: 16 }

/** Checks and compiles an expression. All problems of one expression are reported together, except after a syntax error. */
export function compileCel(text: string, env: CelEnvironment = {}): CelCompiled<CelProgram> {
  const compiled = compileWalk(text, env, undefined)
  if (!compiled.ok) return compiled
  const { text: own, columns, type, run } = compiled.program
  return { ok: true, program: { text: own, columns, type, evaluate: run } }
}

/** The same over a row and a record, whose fields are `record`. */
export function compileCelRule(
  text: string,
  record: readonly string[],
  env: CelEnvironment = {},
): CelCompiled<CelRule> {
  const compiled = compileWalk(text, env, record)
  if (!compiled.ok) return compiled
  const { run, ...program } = compiled.program
  return { ok: true, program: { ...program, evaluate: (scope) => run(scope as unknown as CelRow) } }
}

interface Compiled extends Omit<CelRule, 'evaluate'> {
  readonly run: CelProgram['evaluate']
}

function compileWalk(text: string, env: CelEnvironment, record: readonly string[] | undefined): CelCompiled<Compiled> {
  if (text.length > charactersMax) {
    const message = `an expression has at most ${charactersMax} characters, this one has ${text.length}`
    return { ok: false, problems: [{ message, start: 0, end: 0 }] }
  }
  const tree = parse(text)
  if ('message' in tree) return { ok: false, problems: [tree] }
  const functions = { ...coreFunctions, ...env.functions }
  const walk: Walk = {
    text,
    functions,
    joins: env.joins,
    columns: new Set(),
    record,
    fields: new Set(),
    problems: [],
    typeOf: env.types ?? (() => 'dyn'),
    compile: (node) => compileNode(node, walk),
  }
  const part = walk.compile(tree.ast)
  const wanted = env.result
  if (part.type === 'list') refuse(walk, tree.ast, 'a list is not a value of a field; join it with join()')
  else if (wanted !== undefined && !fits(part.type, wanted))
    refuse(walk, tree.ast, `expected ${words[wanted]}, this gives ${words[part.type]}`)
  if (walk.problems.length > 0) return { ok: false, problems: walk.problems }
  const [columns, fields] = [[...walk.columns].sort(), [...walk.fields].sort()]
  return { ok: true, program: { text, columns, fields, type: part.type, run: outermost(part.run, text) } }
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
