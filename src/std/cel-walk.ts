import type { ASTNode } from '@marcbachmann/cel-js'
import { type CelFunction, type Cell, type CelType, kindOf, type Scalar } from './cel-cells.ts'

/** Columns by name, dotted for joined tables; an absent column has no entry. */
export type CelRow = { readonly [column: string]: Scalar }

/** What an expression over two rows is evaluated on: the source row as `row`, the mapped fields as `record`. */
export interface CelScope {
  readonly row: CelRow
  readonly record: CelRow
}

/** The value of a part for one row; `undefined` where it is absent. */
export type Run = (row: CelRow) => Cell | undefined

/** A piece of an expression, compiled. */
export interface Part {
  readonly type: CelType
  readonly run: Run
  /** The value, where it does not depend on the row. */
  readonly fixed?: Cell
}

/** Why an expression cannot be used, and where in it (UTF-16 units from 0). */
export interface CelProblem {
  readonly message: string
  readonly start: number
  readonly end: number
}

/** What is gathered on the walk over one expression. */
export interface Walk {
  readonly text: string
  /** The part that a node becomes. */
  readonly compile: (node: ASTNode) => Part
  readonly functions: { readonly [name: string]: CelFunction }
  readonly joins: readonly string[] | undefined
  readonly columns: Set<string>
  /** The names that `record.<name>` may have; `undefined` where there is no record beside the row. */
  readonly record: readonly string[] | undefined
  readonly fields: Set<string>
  readonly typeOf: (root: 'row' | 'record', name: string) => CelType
  readonly problems: CelProblem[]
}

/** Types in words, for messages. */
export const words: { readonly [type in CelType]: string } = {
  dyn: 'a value',
  null: 'null',
  bool: 'true or false',
  number: 'a number',
  string: 'a text',
  time: 'a date or time',
  list: 'a list',
}

/** Whether a value of this type may stand where that one is wanted; what is not known yet may. */
export function fits(type: CelType, wanted: CelType): boolean {
  return type === wanted || type === 'dyn' || wanted === 'dyn' || type === 'null'
}

/** Adds a problem at this node, and gives a part to go on with. */
export function refuse(walk: Walk, node: ASTNode, message: string): Part {
  walk.problems.push({ message, start: node.start, end: node.end })
  return { type: 'dyn', run: () => undefined }
}

/** The part of a value that is the same for every row. */
export function constant(value: Cell): Part {
  const type = kindOf(value)
  return { type: type === 'other' ? 'dyn' : type, run: () => value, fixed: value }
}
