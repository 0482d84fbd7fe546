import type { ASTNode } from '@marcbachmann/cel-js'
import {
  type CelFunction,
  type Cell,
  type CelType,
  failed,
  isFailed,
  type List,
  type Scalar,
  type Signature,
} from './cel-cells.ts'
import { equal } from './cel-operators.ts'
import {
  type CelRow,
  type CelScope,
  constant,
  fits,
  type Part,
  type Run,
  refuse,
  type Walk,
  words,
} from './cel-walk.ts'
import { refusedName } from './names.ts'
import { didYouMean } from './suggest.ts'

/** What stands before the first point, and the names behind it. */
interface ColumnPath {
  readonly root: 'row' | 'record'
  readonly names: readonly string[]
}

/** The path of a column: `row.a`, `row.a.b`, `row['odd name']`, `record.a`. Without it: an element of a list. */
function columnPath(node: ASTNode, walk: Walk): ColumnPath | undefined {
  if (node.op === 'id') {
    if (node.args === 'row') return { root: 'row', names: [] }
    return node.args === 'record' && walk.record !== undefined ? { root: 'record', names: [] } : undefined
  }
  const name =
    node.op === '.' ? node.args[1] : node.op === '[]' && node.args[1].op === 'value' ? node.args[1].args : null
  if ((node.op !== '.' && node.op !== '[]') || typeof name !== 'string') return undefined
  const before = columnPath(node.args[0], walk)
  return before && { root: before.root, names: [...before.names, name] }
}

/** A column, or an element of a list. */
export function access(node: ASTNode & { op: '.' | '[]' }, walk: Walk): Part {
  const path = columnPath(node, walk)
  if (path !== undefined) return column(node, path, walk)
  if (node.op === '[]') {
    const [target, index] = node.args
    if (target.op === 'id' && columnPath(target, walk) !== undefined)
      return refuse(walk, index, `a column is named by a text: ${target.args}['name']`)
    return call(node, 'at', [target, index], walk)
  }
  if (node.op !== '.') return refuse(walk, node, 'this form is not supported here')
  const root = node.args[0]
  if (root.op === 'id')
    return refuse(
      walk,
      root,
      `unknown name "${root.args}": columns are written row.<column>, of joined tables row.<join>.<column>${walk.record === undefined ? '' : ', target fields record.<field>'}`,
    )
  return refuse(walk, node, `"${node.args[1]}" cannot be read here; a function needs brackets: ${node.args[1]}()`)
}

function column(node: ASTNode, { root, names: path }: ColumnPath, walk: Walk): Part {
  const refused = refusedName(path)
  if (refused !== undefined) return refuse(walk, node, `the name "${refused}" is not allowed`)
  const name = path.join('.')
  if (root === 'record') return targetField(node, name, walk)
  if (path.length > 2) return refuse(walk, node, `"${name}": a column is row.<column> or row.<join>.<column>`)
  if (path.length === 2 && walk.joins !== undefined && !walk.joins.includes(path[0]!))
    return refuse(walk, node, `no joined table is called "${path[0]}".${didYouMean(path[0]!, walk.joins)}`)
  walk.columns.add(name)
  const read = reader(name)
  // The scope of an expression over two rows is handed down in the place of the row.
  const run: Run = walk.record === undefined ? read : (scope) => read((scope as unknown as CelScope).row)
  return { type: walk.typeOf('row', name), run }
}

function targetField(node: ASTNode, name: string, walk: Walk): Part {
  const known = walk.record ?? []
  if (!known.includes(name))
    return refuse(walk, node, `"${name}" is not a field that the mapping writes.${didYouMean(name, known)}`)
  walk.fields.add(name)
  const read = reader(name)
  return { type: walk.typeOf('record', name), run: (scope) => read((scope as unknown as CelScope).record) }
}

function reader(name: string): Run {
  // Rows read from JSON have a prototype: what it defines is not a column.
  if (name in Object.prototype) return (row) => (Object.hasOwn(row, name) ? row[name] : undefined)
  return (row) => row[name]
}

/** `value in [a, b]`. */
export function membership([item, within]: readonly [ASTNode, ASTNode], walk: Walk): Part {
  const value = walk.compile(item)
  const target = walk.compile(within)
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

/** A list literal. */
export function list(nodes: readonly ASTNode[], walk: Walk): Part {
  const parts = nodes.map((node) => walk.compile(node))
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

/** A call of a function, written either way. */
export function call(node: ASTNode, name: string, nodes: readonly ASTNode[], walk: Walk): Part {
  if (name === 'has') return present(node, nodes, walk)
  const definition = Object.hasOwn(walk.functions, name) ? walk.functions[name] : undefined
  if (definition === undefined) {
    return refuse(
      walk,
      node,
      `there is no function ${name}().${didYouMean(name, ['has', ...Object.keys(walk.functions)])}`,
    )
  }
  const parts = nodes.map((inner) => walk.compile(inner))
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
  const path = nodes.length === 1 ? columnPath(nodes[0]!, walk) : undefined
  if (path === undefined || path.names.length === 0) return refuse(walk, node, 'has() takes one column: has(row.name)')
  const read = column(nodes[0]!, path, walk).run
  return {
    type: 'bool',
    run(row) {
      const value = read(row)
      return value === undefined || isFailed(value) ? value : value !== null
    },
  }
}
