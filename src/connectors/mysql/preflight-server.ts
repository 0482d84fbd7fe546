/** What of the server's own set-up would keep the capture from working, or hurt it later, each with the statement that mends it. */
import { type FailureCode, failure, type Problem } from '../../model/failure.ts'
import { isAtLeast, type Link, literal, type Server, type TextRow } from './client.ts'
import { numberOf } from './errors.ts'
import type { Settings } from './options.ts'

/** A problem; `hint` instead of the one of the failure table. */
export function problem(level: Problem['level'], code: FailureCode, message: string, hint?: string): Problem {
  return { level, failure: failure(code, message, hint === undefined ? {} : { hint }) }
}

/** `SHOW GLOBAL VARIABLES`, by name in small letters; unknown ones are absent. */
export type Variables = ReadonlyMap<string, string>

const wanted = [
  'log_bin',
  'server_id',
  'binlog_format',
  'binlog_row_image',
  'binlog_row_metadata',
  'binlog_row_value_options',
  'binlog_storage_engine',
  'gtid_mode',
  'gtid_strict_mode',
  'log_slave_updates',
  'log_replica_updates',
  'replica_parallel_workers',
  'slave_parallel_workers',
  'replica_preserve_commit_order',
  'slave_preserve_commit_order',
  'slave_parallel_mode',
  'binlog_expire_logs_seconds',
  'expire_logs_days',
  'max_binlog_total_size',
  'binlog_space_limit',
  'require_secure_transport',
]

/** Reads the variables that matter here. */
export async function readVariables(link: Link): Promise<Variables> {
  const names = wanted.map(literal).join(', ')
  const rows = await link.texts(`SHOW GLOBAL VARIABLES WHERE Variable_name IN (${names})`)
  return new Map(rows.map(([name, value]) => [(name as string).toLowerCase(), value ?? '']))
}

const isOn = (value: string | undefined): boolean => value === 'ON' || value === '1'

/** How a variable is set for good: at once, and for the next start. */
export function setting(server: Server, name: string, value: string): string {
  return isAtLeast(server, { mysql: [8], mariadb: null })
    ? `SET PERSIST ${name} = ${value};`
    : `SET GLOBAL ${name} = ${value}; and in my.cnf under [mysqld]: ${name} = ${value}`
}

/** What the log holds, and how long. */
export async function serverProblems(link: Link): Promise<Problem[]> {
  const variables = await readVariables(link)
  if (!isOn(variables.get('log_bin')))
    return [
      problem(
        'error',
        'SYNC-2007',
        'The server keeps no binary log (log_bin is off).',
        'In my.cnf under [mysqld]: log_bin = binlog, server_id = 1, binlog_format = ROW, binlog_row_image = FULL, binlog_row_metadata = FULL; then restart the server. (Amazon RDS: switch automated backups on; Aurora: binlog_format = ROW in the cluster parameter group.)',
      ),
    ]
  return [
    ...contentProblems(link.server, variables),
    ...identityProblems(link.server, variables),
    ...(await replicaProblems(link, variables)),
    ...(await retentionProblems(link, variables)),
  ]
}

function contentProblems(server: Server, variables: Variables): Problem[] {
  const problems: Problem[] = []
  const say = (name: string) => (variables.get(name) ?? '').toUpperCase()
  if ((variables.get('binlog_storage_engine') ?? '') !== '')
    problems.push(
      problem(
        'error',
        'SYNC-2006',
        'The server keeps its log inside InnoDB (binlog_storage_engine), which cannot be read yet.',
        'Remove binlog_storage_engine from my.cnf and restart the server.',
      ),
    )
  if (say('binlog_format') !== 'ROW')
    problems.push(
      problem(
        'error',
        'SYNC-2007',
        `binlog_format is "${say('binlog_format')}": changes may stand in the log as statements; "ROW" is needed.`,
        `${setting(server, 'binlog_format', 'ROW')} Sessions that are open keep the old value: let applications connect again.`,
      ),
    )
  if (say('binlog_row_value_options').includes('PARTIAL_JSON'))
    problems.push(
      problem(
        'error',
        'SYNC-2007',
        'binlog_row_value_options is PARTIAL_JSON: updates of JSON columns stand in the log as differences only, which cannot be read.',
        setting(server, 'binlog_row_value_options', "''"),
      ),
    )
  if (say('binlog_row_image') !== 'FULL')
    problems.push(
      problem(
        'warning',
        'SYNC-2027',
        `binlog_row_image is "${say('binlog_row_image')}": columns that a change did not touch are missing in the log. Their fields stay as they are at the target, and the row is read again where they are needed, with the values of that moment.`,
        setting(server, 'binlog_row_image', 'FULL'),
      ),
    )
  const metadata = variables.get('binlog_row_metadata')
  if (metadata === undefined)
    problems.push(
      problem(
        'warning',
        'SYNC-2027',
        'This version does not write the names of columns into its log. A table that is altered while changes of it are still unread stops, because nobody can tell what its columns were.',
        'Upgrade to MySQL 8.0 or MariaDB 10.5, or alter tables only after Syncline has caught up.',
      ),
    )
  else if (metadata.toUpperCase() !== 'FULL')
    problems.push(
      problem(
        'warning',
        'SYNC-2027',
        `binlog_row_metadata is "${metadata}": the log does not name its columns. A table that is altered while changes of it are still unread stops, because nobody can tell what its columns were.`,
        setting(server, 'binlog_row_metadata', 'FULL'),
      ),
    )
  return problems
}

function identityProblems(server: Server, variables: Variables): Problem[] {
  const problems: Problem[] = []
  if (variables.get('server_id') === '0')
    problems.push(
      problem(
        'error',
        'SYNC-2007',
        'server_id is 0: the server gives its log to nobody.',
        setting(server, 'server_id', '1'),
      ),
    )
  if (server.flavour === 'mysql' && variables.get('gtid_mode') !== 'ON')
    problems.push(
      problem(
        'warning',
        'SYNC-2027',
        `gtid_mode is "${variables.get('gtid_mode')}": positions are names of files. After a failover, or a switch to a copy of this server, everything must be read again.`,
        'SET GLOBAL enforce_gtid_consistency = WARN; look at the error log; then SET GLOBAL enforce_gtid_consistency = ON; SET GLOBAL gtid_mode = OFF_PERMISSIVE; SET GLOBAL gtid_mode = ON_PERMISSIVE; SET GLOBAL gtid_mode = ON; and both = ON in my.cnf under [mysqld].',
      ),
    )
  if (server.flavour === 'mariadb' && !isOn(variables.get('gtid_strict_mode')))
    problems.push(
      problem(
        'warning',
        'SYNC-2027',
        'gtid_strict_mode is off: a server that takes over may number its transactions as the one before did, so that a failover cannot be told from a loss.',
        setting(server, 'gtid_strict_mode', 'ON'),
      ),
    )
  return problems
}

/** A replica shows what it applies only where it logs that too. */
async function replicaProblems(link: Link, variables: Variables): Promise<Problem[]> {
  const isReplica = await followsAnother(link)
  if (isReplica === false) return []
  const isLogging = isOn(variables.get('log_replica_updates') ?? variables.get('log_slave_updates'))
  if (!isLogging)
    return isReplica === null
      ? []
      : [
          problem(
            'error',
            'SYNC-2023',
            'This server is a replica and does not log what it receives (log_slave_updates is off): the changes of its source would never be seen.',
            'In my.cnf under [mysqld]: log_slave_updates = ON, then restart the server; or point `url:` at its source.',
          ),
        ]
  const workers = Number(variables.get('replica_parallel_workers') ?? variables.get('slave_parallel_workers') ?? 0)
  const keepsOrder = variables.get('replica_preserve_commit_order') ?? variables.get('slave_preserve_commit_order')
  if (link.server.flavour === 'mysql' && isReplica && workers > 1 && keepsOrder === 'OFF')
    return [
      problem(
        'warning',
        'SYNC-2027',
        'This replica applies transactions in another order than its source (replica_preserve_commit_order is off): it can show states that never were.',
        `STOP REPLICA; ${setting(link.server, 'replica_preserve_commit_order', 'ON')} START REPLICA;`,
      ),
    ]
  return []
}

/** Null: the user may not know. */
async function followsAnother(link: Link): Promise<boolean | null> {
  if (link.server.flavour === 'mariadb') {
    const rows = await link.texts("SHOW GLOBAL STATUS LIKE 'Slaves_running'")
    return Number(rows[0]?.[1] ?? 0) > 0
  }
  const isNew = isAtLeast(link.server, { mysql: [8, 0, 22], mariadb: null })
  const rows = await unlessDenied(link, isNew ? 'SHOW REPLICA STATUS' : 'SHOW SLAVE STATUS')
  return rows === null ? null : rows.length > 0
}

/** Below this the log may be gone after a weekend, or a night. */
const retentionMin_hours = 24

/** How long the server keeps its log, in hours. Null: by size, or for ever. Amazon RDS has a rule of its own. */
export async function readRetention(
  link: Link,
  variables: Variables,
): Promise<{ readonly hours: number | null; readonly by: string }> {
  const rds = await unlessDenied(
    link,
    "SELECT value FROM mysql.rds_configuration WHERE name = 'binlog retention hours'",
  )
  if (rds !== null && rds.length > 0) return { hours: Number(rds[0]?.[0] ?? 0), by: 'binlog retention hours' }
  const seconds = Number(variables.get('binlog_expire_logs_seconds') ?? 0)
  if (seconds > 0) return { hours: seconds / 3_600, by: 'binlog_expire_logs_seconds' }
  const days = Number(variables.get('expire_logs_days') ?? 0)
  return { hours: days > 0 ? days * 24 : null, by: 'expire_logs_days' }
}

async function retentionProblems(link: Link, variables: Variables): Promise<Problem[]> {
  const { hours, by } = await readRetention(link, variables)
  const problems: Problem[] = []
  const isOfRds = by === 'binlog retention hours'
  if (hours !== null && hours < retentionMin_hours) {
    const kept = isOfRds && hours === 0 ? 'as long as Amazon RDS itself needs it' : `${roundedHours(hours)} hours`
    problems.push(
      problem(
        isOfRds && hours === 0 ? 'error' : 'warning',
        'SYNC-2027',
        `The server keeps its log for ${kept} (${by}): when Syncline is stopped for longer, everything must be read again.`,
        isOfRds
          ? "CALL mysql.rds_set_configuration('binlog retention hours', 168);"
          : by === 'expire_logs_days'
            ? setting(link.server, 'expire_logs_days', '7')
            : setting(link.server, 'binlog_expire_logs_seconds', '604800'),
      ),
    )
  }
  const size = ['max_binlog_total_size', 'binlog_space_limit'].find((name) => Number(variables.get(name) ?? 0) > 0)
  if (size !== undefined)
    problems.push(
      problem(
        'warning',
        'SYNC-2027',
        `The server deletes its oldest log when all of it is larger than ${variables.get(size)} bytes (${size}), however new it is: in a busy hour that may be before it was read.`,
        setting(link.server, size, '0'),
      ),
    )
  return problems
}

const roundedHours = (hours: number): string => String(Math.round(hours * 10) / 10)

/** What the user may do, and who else reads under our number. */
export async function roleProblems(settings: Settings, link: Link): Promise<Problem[]> {
  const user = await currentUser(link)
  const problems: Problem[] = []
  const mayMonitor = (await statusOf(link)) !== null
  const monitor = isAtLeast(link.server, { mysql: null, mariadb: [10, 5, 2] }) ? 'BINLOG MONITOR' : 'REPLICATION CLIENT'
  const missing = [...((await mayReplicate(link)) ? [] : ['REPLICATION SLAVE']), ...(mayMonitor ? [] : [monitor])]
  if (missing.length > 0)
    problems.push(
      problem(
        'error',
        'SYNC-2008',
        `The user ${user} may not read the log (${missing.join(', ')}).`,
        `GRANT ${missing.join(', ')} ON *.* TO ${user};`,
      ),
    )
  return [...problems, ...(await numberProblems(settings, link))]
}

/** `'syncline'@'%'`, as GRANT wants it. */
export async function currentUser(link: Link): Promise<string> {
  const account = (await link.texts('SELECT CURRENT_USER()'))[0]?.[0] ?? ''
  const at = account.lastIndexOf('@')
  return `${literal(account.slice(0, at))}@${literal(account.slice(at + 1))}`
}

/** MySQL shows its readers to whoever may be one; MariaDB wants another privilege for that, and is asked for the grants. */
async function mayReplicate(link: Link): Promise<boolean> {
  if (link.server.flavour === 'mysql') return (await readersOf(link)) !== null
  const grants = await link.texts('SHOW GRANTS')
  return grants.some(([grant]) =>
    /^GRANT (?:[A-Z ,]*, )?(ALL PRIVILEGES|REPLICATION SLAVE)\b.* ON \*\.\*/.test(grant ?? ''),
  )
}

function readersOf(link: Link): ReturnType<typeof unlessDenied> {
  const isNew = isAtLeast(link.server, { mysql: [8, 0, 22], mariadb: null })
  return unlessDenied(link, isNew ? 'SHOW REPLICAS' : 'SHOW SLAVE HOSTS')
}

async function numberProblems({ serverId }: Settings, link: Link): Promise<Problem[]> {
  if (serverId === null) return []
  const own = (await link.texts('SELECT @@global.server_id'))[0]?.[0]
  if (own === String(serverId))
    return [
      problem(
        'error',
        'SYNC-2001',
        `serverId ${serverId} is the number of the server itself.`,
        'Take `serverId:` of this system away, or give it a number that no other server or reader has.',
      ),
    ]
  const readers = await readersOf(link)
  const [, host] = readers?.find(([id]) => id === String(serverId)) ?? []
  if (host === undefined) return []
  return [
    problem(
      'warning',
      'SYNC-2033',
      `A reader with our number ${serverId} is connected${host ? ` from ${host}` : ''}: this installation itself, or another one. Of two with one number the server cuts the older one.`,
    ),
  ]
}

/** Databases that are kept out of the log. A user who may not know has a problem of its own. */
export async function filterProblems(link: Link, schemas: ReadonlySet<string>): Promise<Problem[]> {
  const [, , only, ignored] = (await statusOf(link))?.[0] ?? []
  const names = (list: string | null | undefined) => (list ?? '').split(',').filter((name) => name !== '')
  return [...schemas].flatMap((schema) => {
    const isLeftOut = names(only).length > 0 && !names(only).includes(schema)
    if (!isLeftOut && !names(ignored).includes(schema)) return []
    const rule = isLeftOut ? 'binlog_do_db' : 'binlog_ignore_db'
    return [
      problem(
        'error',
        'SYNC-2007',
        `Changes in the database ${schema} are not in the log (${rule}).`,
        isLeftOut
          ? `Add to my.cnf under [mysqld]: binlog_do_db = ${schema}; or remove all lines with binlog_do_db. Then restart the server.`
          : `Remove from my.cnf: binlog_ignore_db = ${schema}. Then restart the server.`,
      ),
    ]
  })
}

function statusOf(link: Link): ReturnType<typeof unlessDenied> {
  const isNew = isAtLeast(link.server, { mysql: [8, 2], mariadb: null })
  return unlessDenied(link, isNew ? 'SHOW BINARY LOG STATUS' : 'SHOW MASTER STATUS')
}

/** The answer; null where the user may not ask, or the server has no such thing. */
async function unlessDenied(link: Link, sql: string): Promise<TextRow[] | null> {
  try {
    return await link.texts(sql)
  } catch (error) {
    if ([1044, 1142, 1146, 1227].includes(numberOf(error))) return null
    throw error
  }
}
