/** Shapes a found row into a record of the answer: attributes, fields, nested parents, children. */

import type { Field, ObjectType, Row } from '../schema.ts'
import { formatMoment } from '../values.ts'
import { objectIn, resolve, type Scope } from './check.ts'
import { queryError } from './lexer.ts'
import type { Query, SelectItem } from './parser.ts'

/** Makes the record of the answer from a found row. */
export type Shape = (row: Row) => Record<string, unknown>

type Write = (row: Row, record: Record<string, unknown>) => void

/** A parent and what is selected of it; deeper parents nest. */
interface Node {
  readonly type: ObjectType
  readonly writes: Write[]
  readonly parents: Map<Field, Node>
}

/** Builds the function that shapes rows for the selected items. Throws INVALID_FIELD. */
export function shapeOf(
  scope: Scope,
  type: ObjectType,
  query: Query,
  base: string,
  children: (query: Query, parent: Row) => unknown,
): Shape {
  const root: Node = { type, writes: [], parents: new Map() }
  const seen = new Set<string>()
  for (const item of query.select) addItem(scope, root, query, item, seen, children)
  return shaper(scope, root, base)
}

function addItem(
  scope: Scope,
  root: Node,
  query: Query,
  item: SelectItem,
  seen: Set<string>,
  children: (query: Query, parent: Row) => unknown,
): void {
  switch (item.kind) {
    case 'field': {
      const { parents, field } = resolve(scope, root.type, query.alias, item.path)
      const key = [...parents.map((parent) => parent.name), field.name].join('.')
      if (seen.has(key))
        throw queryError('INVALID_FIELD', scope.text, item.path.at, `duplicate field selected: ${field.name}`)
      seen.add(key)
      let node = root
      for (const parent of parents) node = childNode(scope, node, parent, item.path.at)
      node.writes.push(writeField(field))
      return
    }
    case 'fields':
      for (const field of root.type.fields) {
        if (item.which !== 'ALL' && field.custom !== (item.which === 'CUSTOM')) continue
        if (!seen.has(field.name)) root.writes.push(writeField(field))
        seen.add(field.name)
      }
      return
    case 'children': {
      const links = scope.schema.children.get(root.type.name) ?? []
      const name = item.query.from
      const link = links.find((each) => each.field.childRelationshipName?.toLowerCase() === name.toLowerCase())
      if (link === undefined)
        throw queryError(
          'INVALID_TYPE',
          scope.text,
          item.query.fromAt,
          `Didn't understand relationship '${name}' in FROM part of query call. If you are attempting to use a custom relationship, be sure to append the '__r' after the custom relationship name. Please reference your WSDL or the describe call for the appropriate names.`,
        )
      // Names are checked here, so that a wrong one is told even when there is no row.
      shapeOf(scope, link.child, item.query, '', () => null)
      const relation = link.field.childRelationshipName!
      root.writes.push((row, record) => {
        record[relation] = children(item.query, row)
      })
      return
    }
    case 'aggregate':
      throw queryError('MALFORMED_QUERY', scope.text, item.at, `Field must be grouped or aggregated: ${item.fn}`)
  }
}

function childNode(scope: Scope, node: Node, parent: Field, at: number): Node {
  const known = node.parents.get(parent)
  if (known !== undefined) return known
  const child: Node = { type: objectIn(scope, parent.referenceTo[0]!, at), writes: [], parents: new Map() }
  node.parents.set(parent, child)
  return child
}

/** Writes one field into a record. */
export function writeField(field: Field): Write {
  const { name, read } = field
  if (field.type !== 'datetime')
    return (row, record) => {
      record[name] = read(row)
    }
  return (row, record) => {
    const value = read(row)
    record[name] = typeof value === 'number' ? formatMoment(value) : null
  }
}

function shaper(scope: Scope, node: Node, base: string): Shape {
  const url = `${base}/sobjects/${node.type.name}/`
  const parents = [...node.parents].map(([field, child]) => ({ field, shape: shaper(scope, child, base) }))
  return (row) => {
    const record: Record<string, unknown> = { attributes: { type: node.type.name, url: url + row.id } }
    for (const write of node.writes) write(row, record)
    for (const { field, shape } of parents) {
      const id = field.read(row)
      const parent = typeof id === 'string' ? scope.rowById(id) : undefined
      record[field.relationshipName!] = parent === undefined ? null : shape(parent)
    }
    return record
  }
}
