/**
 * Foreign keys whose actions change rows that the log does not show: rows that InnoDB changes by CASCADE, SET NULL or SET DEFAULT are
 * not logged before MySQL 9.6, on no MariaDB. Source: MySQL manual, "InnoDB and FOREIGN KEY Constraints"; MySQL bug 32506.
 */
import { type CatalogTable, quotedTable, type TableName } from './catalog.ts'
import { isAtLeast, type Link } from './client.ts'
import { numberOf } from './errors.ts'

/** What happens to children. RESTRICT and NO ACTION change nothing. */
export type CascadeAction = 'CASCADE' | 'SET NULL' | 'SET DEFAULT' | 'NO ACTION'

/** A foreign key that changes rows of `child` when a row of `parent` is deleted, or its referenced columns change. */
export interface CascadeEdge {
  /** The constraint's name. */
  readonly name: string
  readonly parent: TableName
  /** In the order of `childColumns`, which hold the same values. */
  readonly parentColumns: readonly string[]
  readonly child: TableName
  readonly childColumns: readonly string[]
  readonly onDelete: CascadeAction
  readonly onUpdate: CascadeAction
  /** The user may not see the parent's own foreign keys: what changes it in turn is unknown. */
  readonly hidden: boolean
}

/** Whether the server itself logs what foreign keys change: MySQL from 9.6 on, unless it was told to do as before. */
export async function logsCascades(link: Link): Promise<boolean> {
  if (!isAtLeast(link.server, { mysql: [9, 6], mariadb: null })) return false
  const rows = await link.texts("SHOW GLOBAL VARIABLES LIKE 'innodb_native_foreign_keys'")
  return rows[0]?.[1] !== 'ON'
}

/**
 * Every edge that ends in one of these tables, and every edge into its parents, through any depth. Circles and tables that refer to
 * themselves are walked once. information_schema.REFERENTIAL_CONSTRAINTS would name the actions, but MariaDB shows it to nobody who
 * may only SELECT; SHOW CREATE TABLE does.
 */
export async function readCascades(
  link: Link,
  tables: readonly Pick<CatalogTable, 'schema' | 'name'>[],
): Promise<CascadeEdge[]> {
  const edges: CascadeEdge[] = []
  const seen = new Map<string, boolean>()
  const waiting = tables.map(({ schema, name }) => named(schema, name))
  for (let child = waiting.shift(); child !== undefined; child = waiting.shift()) {
    if (seen.has(child.full)) continue
    const into = await edgesInto(link, child)
    seen.set(child.full, into !== null)
    for (const edge of into ?? []) {
      edges.push(edge)
      waiting.push(edge.parent)
    }
  }
  return edges.map((edge) => ({ ...edge, hidden: seen.get(edge.parent.full) === false }))
}

const named = (schema: string, table: string): TableName => ({ schema, table, full: `${schema}.${table}` })

/** Null: the user may not see the table. */
async function edgesInto(link: Link, child: TableName): Promise<CascadeEdge[] | null> {
  const definition = await definitionOf(link, child)
  if (definition === null) return null
  const rows = await link.texts(
    `SELECT CONSTRAINT_NAME, COLUMN_NAME, REFERENCED_TABLE_SCHEMA, REFERENCED_TABLE_NAME, REFERENCED_COLUMN_NAME
     FROM information_schema.KEY_COLUMN_USAGE WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? AND REFERENCED_TABLE_NAME IS NOT NULL
     ORDER BY CONSTRAINT_NAME, ORDINAL_POSITION`,
    [child.schema, child.table],
  )
  const edges: CascadeEdge[] = []
  for (const name of new Set(rows.map((row) => row[0] as string))) {
    const own = rows.filter((row) => row[0] === name)
    const [, , schema, table] = own[0] as readonly string[]
    const onDelete = actionOf(definition, name, 'DELETE')
    const onUpdate = actionOf(definition, name, 'UPDATE')
    if (onDelete === 'NO ACTION' && onUpdate === 'NO ACTION') continue
    edges.push({
      name,
      parent: named(schema as string, table as string),
      parentColumns: own.map((row) => row[4] as string),
      child,
      childColumns: own.map((row) => row[1] as string),
      onDelete,
      onUpdate,
      hidden: false,
    })
  }
  return edges
}

async function definitionOf(link: Link, table: TableName): Promise<string | null> {
  try {
    return (await link.texts(`SHOW CREATE TABLE ${quotedTable(table)}`))[0]?.[1] ?? ''
  } catch (error) {
    // 1142: no privilege. 1146, 1356: the table is gone, or a view that is broken; MySQL keeps keys of parents that were dropped.
    if ([1142, 1146, 1356].includes(numberOf(error))) return null
    throw error
  }
}

function actionOf(definition: string, name: string, event: 'DELETE' | 'UPDATE'): CascadeAction {
  const begin = `CONSTRAINT \`${name.replaceAll('`', '``')}\` FOREIGN KEY `
  const line = definition.split('\n').find((each) => each.trimStart().startsWith(begin)) ?? ''
  const tail = line.slice(line.lastIndexOf('`'))
  return (new RegExp(`ON ${event} (CASCADE|SET NULL|SET DEFAULT)`).exec(tail)?.[1] ?? 'NO ACTION') as CascadeAction
}
