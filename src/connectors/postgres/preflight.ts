/** What would keep the capture from working, each with the exact statement that mends it. */
import { type FailureCode, failure, type Problem, SyncError } from '../../model/failure.ts'
import type { Table } from '../../model/source.ts'
import { type CatalogTable, quotedTable, type TableName } from './catalog.ts'
import { type Link, literal, quoted } from './client.ts'
import { publicationSql, readPublication, readSlot, unfilterSql } from './open.ts'
import type { Settings } from './options.ts'
import { lsnText } from './pgoutput.ts'
import type { TableNeed } from './source.ts'
import type { Captured } from './transactions.ts'

/** Log kept for our slot beyond this is worth a warning. */
const retainedMax_bytes = 1_073_741_824

function problem(level: Problem['level'], code: FailureCode, message: string, hint?: string): Problem {
  return { level, failure: failure(code, message, hint === undefined ? {} : { hint }) }
}

/** Throws the errors among these problems, all in one `SyncError`. */
export function refuseErrors(problems: readonly Problem[]): void {
  const [first, ...others] = problems.filter((each) => each.level === 'error').map((each) => each.failure)
  if (first !== undefined) throw new SyncError(first, others)
}

/** The whole list: server, role, slot, publication, tables. */
export async function checkAll(
  settings: Settings,
  link: Link,
  found: ReadonlyMap<string, CatalogTable>,
  names: readonly TableName[],
  needs: readonly TableNeed[],
): Promise<Problem[]> {
  // What is only looked up must be there and readable; it is not in the log.
  const tables = names.flatMap((name, i) => (needs[i]?.lookup === true ? [] : (found.get(name.full) ?? [])))
  return [
    ...(await serverProblems(link)),
    ...(await roleProblems(link)),
    ...(await slotProblems(settings, link)),
    ...names.flatMap((name, i) => existenceProblems(found.get(name.full), name, needs[i])),
    ...tables.flatMap(tableProblems),
    ...(await accessProblems(link, [...found.values()])),
    ...(await publicationProblems(settings, link, tables)),
  ]
}

/** Throws when this server cannot be captured at all. */
export async function checkServer(link: Link): Promise<void> {
  refuseErrors(await serverProblems(link))
}

async function serverProblems(link: Link): Promise<Problem[]> {
  const row = (
    await link.query(
      `SELECT pg_is_in_recovery(), current_setting('wal_level'), current_setting('wal_sender_timeout'),
        current_setting('idle_replication_slot_timeout', true), current_setting('server_encoding')`,
    )
  )[0]
  const [standby, level, senderTimeout, idleTimeout, encoding] = row as (string | null)[]
  const problems: Problem[] = []
  if (standby === 't')
    problems.push(
      problem('error', 'SYNC-2023', 'This PostgreSQL is a standby: it can make neither a slot nor a publication.'),
    )
  if (level !== 'logical')
    problems.push(
      problem(
        'error',
        'SYNC-2007',
        `wal_level is "${level}"; "logical" is needed.`,
        'ALTER SYSTEM SET wal_level = logical; then restart the server. (Amazon RDS: rds.logical_replication = 1.)',
      ),
    )
  if (senderTimeout === '0')
    problems.push(
      problem(
        'warning',
        'SYNC-2027',
        'wal_sender_timeout is 0: the server will not notice when our connection dies, and holds the slot until TCP gives up.',
        `ALTER SYSTEM SET wal_sender_timeout = '60s'; SELECT pg_reload_conf();`,
      ),
    )
  if (idleTimeout !== null && idleTimeout !== '0')
    problems.push(
      problem(
        'warning',
        'SYNC-2027',
        `idle_replication_slot_timeout is ${idleTimeout}: when Syncline is stopped for longer, its slot is lost and everything must be read again.`,
        'ALTER SYSTEM SET idle_replication_slot_timeout = 0; SELECT pg_reload_conf();',
      ),
    )
  if (encoding === 'SQL_ASCII')
    problems.push(
      problem(
        'warning',
        'SYNC-2027',
        'The database has the encoding SQL_ASCII, which may hold any bytes. Values that are not UTF-8 will park their records.',
        'Move the data to a database with the encoding UTF8.',
      ),
    )
  return problems
}

async function roleProblems(link: Link): Promise<Problem[]> {
  const row = (
    await link.query('SELECT rolname, rolsuper, rolreplication FROM pg_roles WHERE rolname = current_user')
  )[0]
  const [name = '', isSuper, mayReplicate] = row as string[]
  if (isSuper === 't')
    return [
      problem(
        'warning',
        'SYNC-2027',
        `The user "${name}" is a superuser, which is more than is needed.`,
        'CREATE ROLE syncline LOGIN REPLICATION PASSWORD …; GRANT SELECT on the captured tables to it; use it in `url:`.',
      ),
    ]
  if (mayReplicate === 't') return []
  return [
    problem(
      'error',
      'SYNC-2008',
      `The user "${name}" may not read the log.`,
      `ALTER ROLE ${quoted(name)} REPLICATION; (Amazon RDS: GRANT rds_replication TO ${quoted(name)};)`,
    ),
  ]
}

async function slotProblems(settings: Settings, link: Link): Promise<Problem[]> {
  const name = settings.slot
  const slot = await readSlot(link, name)
  const row = (
    await link.query(
      `SELECT current_setting('max_replication_slots')::int - (SELECT count(*) FROM pg_replication_slots),
        current_setting('max_wal_senders')::int - (SELECT count(*) FROM pg_stat_replication),
        (SELECT count(*) FROM pg_stat_replication r LEFT JOIN pg_replication_slots s ON s.active_pid = r.pid WHERE s.slot_type IS DISTINCT FROM 'logical')`,
    )
  )[0]
  const [slotsFree, sendersFree, standbys] = (row as string[]).map(Number) as [number, number, number]
  const problems: Problem[] = []
  if (slot === null && slotsFree <= 0)
    problems.push(
      problem('error', 'SYNC-2024', 'All replication slots of the server are taken (max_replication_slots).'),
    )
  if (slot?.holder == null && sendersFree <= 0)
    problems.push(problem('error', 'SYNC-2024', 'All WAL senders of the server are taken (max_wal_senders).'))
  if (slot === null) return problems
  const drop = `SELECT pg_drop_replication_slot(${literal(name)});`
  if (slot.plugin !== 'pgoutput' || !slot.isOurDatabase)
    problems.push(
      problem('error', 'SYNC-2020', `The slot "${name}" is for plugin ${slot.plugin} and database "${slot.database}".`),
    )
  if (slot.invalid !== null)
    problems.push(
      problem(
        'error',
        'SYNC-2018',
        `The server invalidated the slot "${name}" (${slot.invalid}).`,
        `${drop} Then read everything again.`,
      ),
    )
  else if (slot.walStatus === 'unreserved' || (slot.safeBytes !== null && slot.safeBytes < retainedMax_bytes / 8))
    problems.push(
      problem(
        'warning',
        'SYNC-2025',
        `The slot "${name}" is about to be invalidated: ${slot.safeBytes ?? 0} bytes of log are left before max_slot_wal_keep_size.`,
        'Let Syncline catch up now, or raise max_slot_wal_keep_size.',
      ),
    )
  if (slot.retainedBytes > retainedMax_bytes)
    problems.push(
      problem(
        'warning',
        'SYNC-2025',
        `The server keeps ${Math.round(slot.retainedBytes / 1_048_576)} MiB of log for the slot "${name}", confirmed up to ${lsnText(slot.confirmed)}.`,
        `Let Syncline catch up. If it is not needed any more: ${drop}`,
      ),
    )
  if (link.version >= 17 && standbys > 0 && !slot.failover)
    problems.push(
      problem(
        'warning',
        'SYNC-2027',
        `The server has standbys, but the slot "${name}" is not kept on them: after a failover everything must be read again.`,
        'Set `failover: true` of this system before the slot is made, and synchronized_standby_slots on the server.',
      ),
    )
  return problems
}

function existenceProblems(table: CatalogTable | undefined, name: TableName, need: TableNeed | undefined): Problem[] {
  const about = { kind: 'table', table: need?.name ?? name.full } as const
  if (table === undefined)
    return [{ ...problem('error', 'SYNC-2009', `There is no table ${name.full}, or this user may not see it.`), about }]
  const missing = (need?.columns ?? []).filter((column) => !table.columns.some(({ name }) => name === column))
  return missing.map((column) => ({
    ...problem(
      'error',
      'SYNC-2009',
      `Table ${name.full} has no column "${column}".`,
      'Mend the name in syncline.yaml.',
    ),
    about: { ...about, column },
  }))
}

const kinds: { readonly [kind: string]: string } = { v: 'a view', m: 'a materialised view', f: 'a foreign table' }

/** What is wrong with a table in itself. Adding such a table to a publication could make the application's own writes fail. */
export function tableProblems(table: CatalogTable): Problem[] {
  const name = quotedTable(table.id)
  const kind = kinds[table.kind]
  if (kind !== undefined) return [problem('error', 'SYNC-2012', `${table.name} is ${kind}: it has no log of its own.`)]
  if (table.persistence !== 'p')
    return [
      problem(
        'error',
        'SYNC-2012',
        `Table ${table.name} is ${table.persistence === 'u' ? 'unlogged' : 'temporary'}: its changes are not in the log.`,
        table.persistence === 'u' ? `ALTER TABLE ${name} SET LOGGED;` : 'Capture a permanent table.',
      ),
    ]
  if (table.identity === 'n' || (table.identity === 'i' && table.key.length === 0))
    return [
      problem(
        'error',
        'SYNC-2011',
        `The replica identity of ${table.name} is ${table.identity === 'n' ? 'NOTHING' : 'an index that is gone'}: once published, its updates and deletes would fail.`,
        table.hasPrimaryKey
          ? `ALTER TABLE ${name} REPLICA IDENTITY DEFAULT;`
          : `ALTER TABLE ${name} ADD PRIMARY KEY (…); ALTER TABLE ${name} REPLICA IDENTITY DEFAULT;`,
      ),
    ]
  if (table.key.length === 0)
    return [
      problem(
        'error',
        'SYNC-2010',
        `Table ${table.name} has no primary key (a deferrable one does not count): its rows cannot be told apart.`,
        `ALTER TABLE ${name} ADD PRIMARY KEY (…); or, over columns that are NOT NULL: CREATE UNIQUE INDEX … ON ${name} (…); ALTER TABLE ${name} REPLICA IDENTITY USING INDEX …;`,
      ),
    ]
  return adviceOn(table)
}

function adviceOn(table: CatalogTable): Problem[] {
  const problems: Problem[] = []
  const generated = table.columns.filter((column) => column.generated).map((column) => column.name)
  const keyed = generated.filter((column) => table.key.includes(column))
  if (keyed.length > 0)
    problems.push(
      problem(
        'error',
        'SYNC-2010',
        `The key of ${table.name} has generated columns (${keyed.join(', ')}), which are not in the log.`,
      ),
    )
  else if (generated.length > 0)
    problems.push(
      problem(
        'warning',
        'SYNC-2026',
        `Generated columns of ${table.name} are not in the log: ${generated.join(', ')}.`,
      ),
    )
  if (table.kind === 'p')
    problems.push(
      problem(
        'warning',
        'SYNC-2027',
        `${table.name} is partitioned: TRUNCATE, DETACH and DROP of one partition do not show in the log.`,
        'Delete the rows first, or afterwards read the table again: `syncline sync <sync> --full`.',
      ),
    )
  return problems
}

async function accessProblems(link: Link, tables: readonly CatalogTable[]): Promise<Problem[]> {
  if (tables.length === 0) return []
  const rows = await link.query(
    `SELECT c.oid, has_schema_privilege(c.relnamespace, 'USAGE'),
      has_table_privilege(c.oid, 'SELECT') OR NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0
        AND NOT a.attisdropped AND NOT has_column_privilege(c.oid, a.attnum, 'SELECT')),
      row_security_active(c.oid), current_user FROM pg_class c WHERE c.oid = ANY($1::oid[])`,
    [tables.map((table) => String(table.oid))],
  )
  const problems: Problem[] = []
  for (const [oid, usage, select, rowSecurity, user] of rows) {
    const table = tables.find((candidate) => String(candidate.oid) === oid) as CatalogTable
    const role = quoted(user ?? '')
    if (usage !== 't')
      problems.push(
        problem(
          'error',
          'SYNC-2008',
          `The user may not look into schema ${table.id.schema}.`,
          `GRANT USAGE ON SCHEMA ${quoted(table.id.schema)} TO ${role};`,
        ),
      )
    if (select !== 't')
      problems.push(
        problem(
          'error',
          'SYNC-2008',
          `The user may not read ${table.name}.`,
          `GRANT SELECT ON ${quotedTable(table.id)} TO ${role};`,
        ),
      )
    if (rowSecurity === 't')
      problems.push(
        problem(
          'error',
          'SYNC-2022',
          `Row-level security hides rows of ${table.name} from this user.`,
          `ALTER ROLE ${role} BYPASSRLS;`,
        ),
      )
  }
  return problems
}

async function publicationProblems(
  settings: Settings,
  link: Link,
  tables: readonly CatalogTable[],
): Promise<Problem[]> {
  const usable = tables.filter((table) => tableProblems(table).every((each) => each.level === 'warning'))
  if (usable.length === 0) return []
  const publication = await readPublication(settings, link, usable)
  const problems = publication.filtered.map(({ table, what }) =>
    problem(
      'error',
      'SYNC-2021',
      `The publication "${settings.publication}" leaves out ${what} of ${table.name}.`,
      unfilterSql(settings, table),
    ),
  )
  const statements = publicationSql(settings, publication)
  if (statements.length === 0) return problems
  const row = (
    await link.query(
      `SELECT CASE WHEN EXISTS (SELECT FROM pg_publication WHERE pubname = $1)
          THEN (SELECT pg_has_role(pubowner, 'USAGE') FROM pg_publication WHERE pubname = $1)
          ELSE has_database_privilege(current_database(), 'CREATE') END
        AND NOT EXISTS (SELECT FROM pg_class WHERE oid = ANY($2::oid[]) AND NOT pg_has_role(relowner, 'USAGE'))`,
      [settings.publication, publication.missing.map((table) => String(table.oid))],
    )
  )[0]
  if (row?.[0] === 't') return problems // it is mended when the source is opened
  return [
    ...problems,
    problem(
      'error',
      'SYNC-2021',
      publication.exists
        ? `The publication "${settings.publication}" does not publish all that is needed, and this user may not change it.`
        : `The publication "${settings.publication}" does not exist, and this user may not make it.`,
      statements.map((sql) => `${sql};`).join(' '),
    ),
  ]
}

/** The tables as the stream needs them. Throws when one does not exist. */
export function capture(
  found: ReadonlyMap<string, CatalogTable>,
  names: readonly TableName[],
  needs: readonly TableNeed[],
): Map<string, Captured> {
  refuseErrors(names.flatMap((name, i) => existenceProblems(found.get(name.full), name, needs[i])))
  const captured = new Map<string, Captured>()
  for (const [i, name] of names.entries()) {
    const table = found.get(name.full) as CatalogTable
    const columns = needs[i]?.columns
    const list = columns === undefined ? null : new Set(columns)
    captured.set(name.full, {
      table,
      needed: (column) => list === null || list.has(column) || table.key.includes(column),
    })
  }
  return captured
}

/** Transactions that run now, where commits are streamed long before queries see them. */
export async function runningUnderSyncReplication(link: Link): Promise<Set<string>> {
  const row = (await link.query(`SELECT current_setting('synchronous_standby_names'), pg_current_snapshot()::text`))[0]
  const [standbys = '', snapshot = ''] = row as string[]
  return new Set(standbys === '' ? [] : (snapshot.split(':')[2] ?? '').split(',').filter((xid) => xid !== ''))
}

/** A table as it is described to the rest of the engine. */
export function describeTable({ name, columns, key, rowsEstimated }: CatalogTable): Table {
  return {
    name,
    key,
    rowsEstimated,
    columns: columns.map(({ name, type, nullable, logged }) => ({ name, type, nullable, logged })),
  }
}
