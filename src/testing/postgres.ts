/**
 * A real PostgreSQL for tests and the demo, from npm, without a service and without root: started in about a second
 * (a second start in less), listening on 127.0.0.1 alone, and gone when the process that started it is gone.
 */
import { readFile, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { keptData, temporaryData } from './data.ts'
import { exists, freePort } from './place.ts'
import { borrowDatabase, makeDatabase } from './postgres-borrowed.ts'
import { install, passwordFile, postgres, serverEnvironment, settingsFile } from './postgres-install.ts'
import { killProcess, type Process, startProcess, stopProcess } from './process.ts'

type PostgresOptions = {
  /**
   * The cluster's folder: made if missing, kept at `stop`. Without it the cluster lives in a temporary folder that
   * `stop` removes. As root, a folder that the server's user cannot reach becomes a symbolic link to one it can.
   */
  readonly folder?: string
  /** Settings of postgresql.conf over the defaults below, such as `{ fsync: 'on', wal_level: 'replica' }`. */
  readonly settings?: Readonly<Record<string, string>>
  /** Port on 127.0.0.1; a free one without it. A restart keeps it. */
  readonly port?: number
  /** The database that the URL names; made if missing. Default: `postgres`. */
  readonly database?: string
  /**
   * URL of a server that already runs. A database is made there and, unless `database` names it, dropped at `stop`.
   * Default: the environment variable SYNCLINE_TEST_POSTGRES_URL; null starts a server of our own whatever it says.
   */
  readonly existing?: string | null
}

/** A server for the time of a test or a demonstration; `await using` stops it. */
export type Postgres = AsyncDisposable & {
  /** With user and password. Never log it. */
  readonly url: string
  readonly port: number
  /** Where the cluster lies; empty for a server that is not ours. */
  readonly folder: string
  /** Whether we started the server, so that it can be killed and restarted. */
  readonly owned: boolean
  /** Stops the server; removes a temporary folder. Resolves when all is gone; a second call does nothing. */
  stop(): Promise<void>
  /** SIGKILL to the server and all of its processes, as a power cut would. The folder stays; `restart` recovers it. */
  kill(): Promise<void>
  /** Stops the server if it runs and starts it on the same port and folder, optionally with changed settings. */
  restart(settings?: Readonly<Record<string, string>>): Promise<void>
}

/**
 * What tests run with. Nothing is flushed (`fsync=off`), which survives `kill` but not a crash of the machine; the
 * demo sets `fsync` and `full_page_writes` to `on`.
 */
const defaults: Readonly<Record<string, string>> = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '', // a path over 107 bytes would keep the server from starting
  wal_level: 'logical',
  max_wal_senders: '20',
  max_replication_slots: '20',
  max_prepared_transactions: '10',
  shared_buffers: '64MB',
  fsync: 'off',
  full_page_writes: 'off',
  io_method: 'sync',
  timezone: 'UTC',
  log_timezone: 'UTC',
  log_checkpoints: 'off',
}

const pidFile = 'postmaster.pid'

/**
 * Starts a PostgreSQL and resolves when it accepts connections.
 * @throws Error with a sentence that names what is missing and the variable that points at another server instead.
 */
export async function startPostgres(options: PostgresOptions = {}): Promise<Postgres> {
  const existing = options.existing === undefined ? process.env[postgres.variable] : options.existing
  if (existing) return borrowDatabase(existing, options.database)

  const installation = await install()
  const temporary = options.folder === undefined
  const folder = temporary ? await temporaryData(installation) : await keptData(installation, resolve(options.folder))
  const password = (await readFile(join(folder, passwordFile), 'utf8')).trim()
  const port = options.port ?? (await freePort(postgres))
  let settings = { ...options.settings }
  const begin = () =>
    startProcess({
      product: postgres,
      command: [join(installation.folder, 'bin', 'postgres'), '-D', folder],
      env: serverEnvironment(installation.folder),
      user: installation.user,
      folder,
      pidFile,
      settings: { file: settingsFile, text: settingsText({ ...defaults, ...settings, port: String(port) }) },
      orphan: { signal: temporary ? 'QUIT' : 'INT', remove: temporary },
      isReady: (pid) => isReady(folder, pid),
    })
  let server: Process | null = await begin().catch(async (error: unknown) => {
    if (temporary) await rm(folder, { recursive: true, force: true })
    throw error
  })

  const database = options.database ?? 'postgres'
  const address = (name: string) => `postgres://postgres:${password}@127.0.0.1:${port}/${encodeURIComponent(name)}`
  const stop = async () => {
    const running = server
    server = null
    if (running !== null) await stopProcess(running, temporary ? ['SIGQUIT'] : ['SIGINT', 'SIGQUIT'])
    if (temporary) await rm(folder, { recursive: true, force: true })
  }
  if (database !== 'postgres') {
    await makeDatabase(address('postgres'), database).catch(async (error: unknown) => {
      await stop()
      throw error
    })
  }
  return {
    url: address(database),
    port,
    folder,
    owned: true,
    stop,
    [Symbol.asyncDispose]: stop,
    kill: async () => {
      if (server !== null) await killProcess(server)
      server = null
    },
    restart: async (changes) => {
      if (!(await exists(folder)))
        throw new Error('This PostgreSQL was stopped and its temporary folder removed; start another.')
      settings = { ...settings, ...changes }
      if (server !== null) await stopProcess(server, ['SIGINT', 'SIGQUIT'])
      server = null
      server = await begin()
    },
  }
}

function settingsText(settings: Readonly<Record<string, string>>): string {
  return Object.entries(settings)
    .map(([name, value]) => `${name} = '${value.replaceAll("'", "''")}'\n`)
    .join('')
}

async function isReady(folder: string, pid: number): Promise<boolean> {
  // Lines of postmaster.pid: 1 is the pid, 8 the state (miscadmin.h, LOCK_FILE_LINE_PM_STATUS).
  const lines = (await readFile(join(folder, pidFile), 'utf8').catch(() => '')).split('\n')
  return Number(lines[0]) === pid && lines[7]?.trim() === 'ready'
}
