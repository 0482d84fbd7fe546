import type { ASTNode } from '@marcbachmann/cel-js'
import { access, call, list, membership } from './cel-calls.ts'
import { type Cell, type CelType, failed, isFailed } from './cel-cells.ts'
import { arithmetic, compare, equal } from './cel-operators.ts'
import { constant, fits, type Part, refuse, type Walk, words } from './cel-walk.ts'
import { type Decimal, decimalFrom } from './decimal.ts'

/** Checks and compiles one node of an expression with all that is in it. */
export function compileNode(node: ASTNode, walk: Walk): Part {
  switch (node.op) {
    case 'value':
      return literal(node, walk)
    case 'id':
      return refuse(
        walk,
        node,
        node.args === 'row' || (node.args === 'record' && walk.record !== undefined)
          ? `name a ${node.args === 'row' ? 'column: row.<column>' : 'field: record.<field>'}`
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

type ArithmeticOp = '+' | '-' | '*' | '/' | '%'

function calculation(node: ASTNode, op: ArithmeticOp, [left, right]: readonly [ASTNode, ASTNode], walk: Walk): Part {
  const a = walk.compile(left)
  const b = walk.compile(right)
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
  const a = walk.compile(left)
  const b = walk.compile(right)
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
  const a = walk.compile(left)
  const b = walk.compile(right)
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
  const part = walk.compile(node)
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
  const part = walk.compile(node.args)
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
  const a = walk.compile(yes)
  const b = walk.compile(no)
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
