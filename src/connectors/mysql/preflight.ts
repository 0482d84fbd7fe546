/** What would keep the capture from working, each with the exact statement or line of my.cnf that mends it. */
import { type Problem, SyncError } from '../../model/failure.ts'
import { DecodeError } from './binlog/event.ts'
import { type Captured, missingTables } from './capture.ts'
import { type CatalogColumn, type CatalogTable, quotedTable, type TableName } from './catalog.ts'
import type { Link } from './client.ts'
import { numberOf } from './errors.ts'
import { logsCascades, readCascades } from './foreign-keys.ts'
import type { Settings } from './options.ts'
import { currentUser, filterProblems, problem, roleProblems, serverProblems } from './preflight-server.ts'
import { fromTable } from './reader.ts'
import type { TableNeed } from './source.ts'
import { textReader } from './values.ts'

/** Throws the errors among these problems, all in one `SyncError`. */
export function refuseErrors(problems: readonly Problem[]): void {
  const [first, ...others] = problems.filter((each) => each.level === 'error').map((each) => each.failure)
  if (first !== undefined) throw new SyncError(first, others)
}

/** The whole list: server, user, tables, foreign keys. */
export async function checkAll(
  settings: Settings,
  link: Link,
  found: ReadonlyMap<string, CatalogTable>,
  names: readonly TableName[],
  needs: readonly TableNeed[],
): Promise<Problem[]> {
  // What is only looked up must be there and readable; nobody waits for it in the log.
  const captured = names.flatMap(({ full }, i) => {
    const [table, need] = [found.get(full), needs[i]]
    return table === undefined || need?.lookup === true ? [] : [{ table, columns: need?.columns }]
  })
  const tables = captured.map(({ table }) => table)
  return [
    ...(await serverProblems(link)),
    ...(await roleProblems(settings, link)),
    ...(await filterProblems(link, new Set(tables.map(({ schema }) => schema)))),
    ...(await existenceProblems(link, found, names, needs)),
    ...captured.flatMap(({ table, columns }) => tableProblems(table, columns)),
    ...(await accessProblems(link, [...found.values()])),
    ...(await cascadeProblems(link, tables)),
  ]
}

/** Throws when this server cannot be captured at all. */
export async function checkServer(link: Link): Promise<void> {
  refuseErrors(await serverProblems(link))
}

/** A table that is missing, with its name as the server writes it where only the case differs. */
async function existenceProblems(
  link: Link,
  found: ReadonlyMap<string, CatalogTable>,
  names: readonly TableName[],
  needs: readonly TableNeed[],
): Promise<Problem[]> {
  const columns = names.flatMap((name, i) =>
    found.has(name.full) ? missingTables(found, [name], needs.slice(i, i + 1)) : [],
  )
  const missing = names.flatMap((name, i) =>
    found.has(name.full) ? [] : [{ name, table: needs[i]?.name ?? name.full }],
  )
  const user = missing.length > 0 ? await currentUser(link) : ''
  const absent = await Promise.all(
    missing.map(async ({ name, table }): Promise<Problem> => {
      const written = await otherwiseWritten(link, name)
      const hint =
        written === null
          ? `Mend the name in syncline.yaml, or: GRANT SELECT ON ${quotedTable(name)} TO ${user};`
          : `The server calls it ${written}; write it so in syncline.yaml.`
      const what = problem('error', 'SYNC-2009', `There is no table ${name.full}, or this user may not see it.`, hint)
      return { ...what, about: { kind: 'table', table } }
    }),
  )
  return [...absent, ...columns]
}

async function otherwiseWritten(link: Link, { schema, table }: TableName): Promise<string | null> {
  const rows = await link.texts(
    'SELECT TABLE_SCHEMA, TABLE_NAME FROM information_schema.TABLES WHERE LOWER(TABLE_SCHEMA) = LOWER(?) AND LOWER(TABLE_NAME) = LOWER(?)',
    [schema, table],
  )
  return rows[0] === undefined ? null : rows[0].join('.')
}

/** Engines whose rows lie elsewhere, or nowhere: the log of this server does not hold all of their changes. */
const foreignEngines: ReadonlySet<string> = new Set([
  'BLACKHOLE',
  'CONNECT',
  'FEDERATED',
  'MRG_MYISAM',
  'PERFORMANCE_SCHEMA',
  'SPIDER',
  'S3',
])
const transactionalEngines: ReadonlySet<string> = new Set(['INNODB', 'NDBCLUSTER', 'ROCKSDB', 'TOKUDB'])
const systemSchemas: ReadonlySet<string> = new Set(['mysql', 'sys', 'information_schema', 'performance_schema'])

/** What is wrong with a table in itself. `needed`: the columns that the syncs need; without them, all. */
export function tableProblems(table: CatalogTable, needed?: readonly string[]): Problem[] {
  const { full, engine, type = 'BASE TABLE', rivals } = table
  const refuse = (what: string, hint?: string) => [problem('error', 'SYNC-2012', `${full} ${what}`, hint)]
  if (systemSchemas.has(table.schema)) return refuse('belongs to the server itself.')
  if (type.endsWith('VIEW')) return refuse('is a view: it has no changes of its own in the log.')
  if (type === 'SEQUENCE') return refuse('is a sequence.')
  if (type === 'SYSTEM VERSIONED')
    return refuse(
      'is system-versioned: its log holds rows of the past beside those of the present.',
      `ALTER TABLE ${fromTable(table)} DROP SYSTEM VERSIONING; or copy its present rows into a table of their own.`,
    )
  if (foreignEngines.has(engine.toUpperCase())) return refuse(`has the engine ${engine}: its rows lie elsewhere.`)
  if (table.key.length === 0)
    return [
      problem(
        'error',
        'SYNC-2010',
        rivals === undefined
          ? `Table ${full} has no primary key: its rows cannot be told apart.`
          : `Table ${full} has no primary key, and several unique ones (${rivals.join(', ')}): it is not clear which names its rows.`,
        rivals === undefined
          ? `ALTER TABLE ${fromTable(table)} ADD COLUMN syncline_id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY; or make a key of columns that are there: ALTER TABLE ${fromTable(table)} ADD PRIMARY KEY (…);`
          : `ALTER TABLE ${fromTable(table)} ADD PRIMARY KEY (…);`,
      ),
    ]
  return [...columnProblems(table, needed), ...adviceOn(table)]
}

/** Why a captured table, as it has become, cannot be read any more: the snapshot of it stops, until the configuration follows. */
export function changeProblems({ table: before, needed }: Captured, table: CatalogTable): Problem[] {
  const { full, columns, key } = table
  const gone = before.columns
    .filter(({ name }) => needed(name) && !columns.some((column) => column.name === name))
    .map(({ name }) => problem('error', 'SYNC-2009', `Table ${full} has no column "${name}" any more.`))
  if (gone.length > 0) return gone
  const names = columns.map(({ name }) => name).filter(needed)
  const problems = tableProblems(table, names).filter(({ level }) => level === 'error')
  if (problems.length > 0 || key.join() === before.key.join()) return problems
  return [
    problem('error', 'SYNC-2010', `The key of ${full} was (${before.key.join(', ')}) and is (${key.join(', ')}).`),
  ]
}

function columnProblems(table: CatalogTable, needed: readonly string[] | undefined): Problem[] {
  const isNeeded = ({ name }: CatalogColumn) =>
    needed === undefined || needed.includes(name) || table.key.includes(name)
  return table.columns.filter(isNeeded).flatMap((column) => {
    try {
      textReader(column)
      return []
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error
      return [
        problem(
          'error',
          'SYNC-2012',
          `Table ${table.full}: ${error.message}`,
          'Leave the column out of the sync, or give it a type that is known.',
        ),
      ]
    }
  })
}

function adviceOn(table: CatalogTable): Problem[] {
  const problems: Problem[] = []
  if (!transactionalEngines.has(table.engine.toUpperCase()))
    problems.push(
      problem(
        'warning',
        'SYNC-2027',
        `${table.full} has the engine ${table.engine}, which knows no transactions: a statement that fails half-way leaves its rows changed, and a snapshot may meet rows in the middle of a change.`,
        `ALTER TABLE ${fromTable(table)} ENGINE = InnoDB;`,
      ),
    )
  if (table.partitioned)
    problems.push(
      problem(
        'warning',
        'SYNC-2027',
        `${table.full} is partitioned: TRUNCATE, EXCHANGE and DROP of one partition do not show as row changes.`,
        'Delete the rows first, or afterwards read the table again: `syncline sync <sync> --full`.',
      ),
    )
  return problems
}

/** SELECT on the whole table: a user with some columns only would see a table that is not the one of the log. */
async function accessProblems(link: Link, tables: readonly CatalogTable[]): Promise<Problem[]> {
  const problems: Problem[] = []
  for (const table of tables) {
    try {
      await link.query(`SELECT * FROM ${fromTable(table)} LIMIT 0`)
    } catch (error) {
      if (![1142, 1143].includes(numberOf(error))) throw error
      const user = await currentUser(link)
      problems.push(
        problem(
          'error',
          'SYNC-2008',
          `The user ${user} may not read all of ${table.full}.`,
          `GRANT SELECT ON ${fromTable(table)} TO ${user};`,
        ),
      )
    }
  }
  return problems
}

/** Tables that nobody may see, whose foreign keys change rows unseen by the log. Those that are seen are followed. */
async function cascadeProblems(link: Link, tables: readonly CatalogTable[]): Promise<Problem[]> {
  if (await logsCascades(link)) return []
  const edges = await readCascades(link, tables)
  const hidden = new Set(edges.filter((edge) => edge.hidden).map((edge) => edge.parent))
  const user = hidden.size > 0 ? await currentUser(link) : ''
  return [...hidden].map((parent) =>
    problem(
      'warning',
      'SYNC-2008',
      `The user may not see ${parent.full}, so that foreign keys which change it in turn are not known: rows that disappear by them would stay at the target.`,
      `GRANT SELECT ON ${quotedTable(parent)} TO ${user};`,
    ),
  )
}
