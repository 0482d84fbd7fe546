/** A server of the MySQL family for the time of a test or the demo, on a data directory copied from a template. */
import { readFile, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { keptData, type Template, temporaryData } from './data.ts'
import { borrowDatabase, makeDatabase } from './mysql-borrowed.ts'
import { exists, freePort, type Product } from './place.ts'
import { killProcess, type Process, startProcess, stopProcess } from './process.ts'

/** How a server is started. */
export type ServerOptions = {
  /**
   * The data directory: made if missing, kept at `stop`. Without it the data lies in a temporary folder that `stop`
   * removes. As root, a folder that the server's user cannot reach becomes a symbolic link to one it can.
   */
  readonly folder?: string
  /** Options of the server over the defaults, such as `{ binlog_row_image: 'MINIMAL' }`. */
  readonly settings?: Readonly<Record<string, string>>
  /** Port on 127.0.0.1; a free one without it. A restart keeps it. */
  readonly port?: number
  /** The database that the URL names; made if missing. Default: `test`. */
  readonly database?: string
  /**
   * URL of a server that already runs. A database is made there and, unless `database` names it, dropped at `stop`.
   * Default: the product's environment variable; null starts a server of our own whatever it says.
   */
  readonly existing?: string | null
}

/** A server that runs; `await using` stops it. */
export type Server = AsyncDisposable & {
  /** `mysql://root:…@127.0.0.1:port/database`. Never log it. */
  readonly url: string
  readonly port: number
  /** The data directory, with the binary logs in it; empty for a server that is not ours. */
  readonly folder: string
  /** Folder of the server's client programs (`mariadb-binlog`); empty for a server that is not ours. */
  readonly programs: string
  /** Whether we started the server, so that it can be killed and restarted. */
  readonly owned: boolean
  /** Stops the server; removes a temporary folder. Resolves when all is gone; a second call does nothing. */
  stop(): Promise<void>
  /** SIGKILL, as a power cut would. The folder stays; `restart` recovers it. */
  kill(): Promise<void>
  /** Stops the server if it runs and starts it on the same port and folder, optionally with changed settings. */
  restart(settings?: Readonly<Record<string, string>>): Promise<void>
}

/** A server that can be started: its program, and an initialised data directory to copy. `version`: `10.11`. */
export type Installation = Template & {
  /** `mariadbd` or `mysqld`. */
  readonly path: string
  readonly env: Readonly<Record<string, string>>
  /** Folder of the client programs. */
  readonly programs: string
  readonly settings: Readonly<Record<string, string>>
}

/** A product of this family. */
export function product(name: string, variable: string): Product {
  const otherwise = `To use a ${name} that already runs (log_bin, binlog_format=ROW), set ${variable} to its URL: mysql://user:password@host:3306.`
  return { name, variable, otherwise }
}

/** The file in a data directory that holds the password of `root`. */
export const passwordFile = 'syncline.password'
/** The file in a data directory that holds the version of the server that made it. */
export const versionFile = 'syncline.version'
const settingsFile = 'syncline.cnf'
const pidFile = 'syncline.pid'

/**
 * What tests run with: all that a capture needs, small buffers, and nothing flushed, which survives `kill` but not a
 * crash of the machine. The demo sets `sync_binlog` and `innodb_flush_log_at_trx_commit` to 1.
 */
export const commonSettings: Readonly<Record<string, string>> = {
  bind_address: '127.0.0.1',
  socket: '', // a path over 107 bytes would keep the server from starting
  skip_name_resolve: '1',
  server_id: '1',
  log_bin: 'binlog',
  binlog_format: 'ROW',
  binlog_row_image: 'FULL',
  loose_binlog_row_metadata: 'FULL', // loose: MySQL 5.7 has none
  sync_binlog: '0',
  innodb_flush_log_at_trx_commit: '2', // 0 would lose commits at `kill`
  innodb_doublewrite: '0',
  innodb_use_native_aio: '0',
  innodb_buffer_pool_size: '32M',
  innodb_buffer_pool_dump_at_shutdown: '0',
  innodb_buffer_pool_load_at_startup: '0',
  performance_schema: 'OFF',
  key_buffer_size: '1M',
  max_allowed_packet: '1G',
  character_set_server: 'utf8mb4',
  default_time_zone: '+00:00',
}

/** Starts a server of our own, or borrows a database from one that already runs. Resolves when it accepts connections. */
export async function startServer(
  options: ServerOptions,
  existing: string | null | undefined,
  install: () => Promise<Installation>,
): Promise<Server> {
  if (existing) return borrowDatabase(existing, options.database)
  const installation = await install()
  const temporary = options.folder === undefined
  const folder = temporary ? await temporaryData(installation) : await keptData(installation, resolve(options.folder))
  const password = (await readFile(join(folder, passwordFile), 'utf8')).trim()
  const port = options.port ?? (await freePort(installation.product))
  let settings = { ...options.settings }
  const begin = () => {
    // A server that starts removes what it takes for its own left-overs from tmpdir: with /tmp also the tables of its neighbours.
    const all = { ...installation.settings, ...settings, port: String(port), datadir: folder, tmpdir: folder }
    return startProcess({
      ...installation,
      command: [installation.path, `--defaults-file=${join(folder, settingsFile)}`],
      folder,
      pidFile,
      settings: { file: settingsFile, text: settingsText({ ...all, pid_file: join(folder, pidFile) }) },
      orphan: { signal: temporary ? 'KILL' : 'TERM', remove: temporary },
      // "ready for connections" stands on the line before the version in MariaDB, on the same in MySQL.
      isReady: async (_, log) => /ready for connections\.\s+Version: [^\n]*port: \d/.test(await log()),
    })
  }
  let server: Process | null = await begin().catch(async (error: unknown) => {
    if (temporary) await rm(folder, { recursive: true, force: true })
    throw error
  })
  const database = options.database ?? 'test'
  const url = `mysql://root:${password}@127.0.0.1:${port}/${encodeURIComponent(database)}`
  const stop = async () => {
    const running = server
    server = null
    if (running !== null) await stopProcess(running, temporary ? [] : ['SIGTERM'])
    if (temporary) await rm(folder, { recursive: true, force: true })
  }
  await makeDatabase(url, database).catch(async (error: unknown) => {
    await stop()
    throw error
  })
  return {
    url,
    port,
    folder,
    programs: installation.programs,
    owned: true,
    stop,
    [Symbol.asyncDispose]: stop,
    kill: async () => {
      if (server !== null) await killProcess(server)
      server = null
    },
    restart: async (changes) => {
      if (!(await exists(folder)))
        throw new Error(
          `This ${installation.product.name} was stopped and its temporary folder removed; start another.`,
        )
      settings = { ...settings, ...changes }
      if (server !== null) await stopProcess(server, ['SIGTERM'])
      server = null
      server = await begin()
    },
  }
}

function settingsText(settings: Readonly<Record<string, string>>): string {
  const quoted = (value: string) => `"${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${quoted(value)}\n`)
  return `[mysqld]\n${lines.join('')}`
}
