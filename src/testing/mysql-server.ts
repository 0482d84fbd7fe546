/** A server of the MySQL family for the time of a test or the demo, on a data directory copied from a template. */
import { randomBytes } from 'node:crypto'
import {
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  realpath,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { borrowDatabase, makeDatabase } from './mysql-borrowed.ts'
import { freePort, run } from './mysql-place.ts'
import { killProcess, type Process, type Program, startProcess, stopProcess } from './mysql-process.ts'
import { exists, giveTo, reachable } from './postgres-install.ts'

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

/** A server that can be started: its program, and an initialised data directory to copy. */
export type Installation = Program & {
  /** Its `syncline.password` holds root's password, its `syncline.version` the version that made it. */
  readonly template: string
  /** `10.11`: data of another one is not opened. */
  readonly version: string
  /** Where data directories go whose own folder the server's user cannot reach. */
  readonly place: string
  /** Folder of the client programs. */
  readonly programs: string
  readonly settings: Readonly<Record<string, string>>
}

/** The file in a data directory that holds the password of `root`. */
export const passwordFile = 'syncline.password'
/** The file in a data directory that holds the version of the server that made it. */
export const versionFile = 'syncline.version'
/** In a data directory that a symbolic link leads to: the link's path. */
const linkFile = 'syncline.link'
const unlinkedAge_ms = 600_000

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
  const begin = () =>
    startProcess(installation, folder, { ...installation.settings, ...settings, port: String(port) }, temporary)
  let server: Process | null = await begin().catch(async (error: unknown) => {
    if (temporary) await rm(folder, { recursive: true, force: true })
    throw error
  })
  const database = options.database ?? 'test'
  const url = `mysql://root:${password}@127.0.0.1:${port}/${encodeURIComponent(database)}`
  const stop = async () => {
    const running = server
    server = null
    if (running !== null) await stopProcess(running, temporary)
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
      if (server !== null) await stopProcess(server, false)
      server = null
      server = await begin()
    },
  }
}

async function temporaryData(installation: Installation): Promise<string> {
  const { user, place, product } = installation
  const made = await mkdtemp(join(tmpdir(), `syncline-${product.name.toLowerCase()}-`))
  if (user === null || (await reachable(made, user))) {
    await copyTemplate(installation, made)
    return realpath(made)
  }
  await rm(made, { recursive: true }) // TMPDIR points below a private folder
  const folder = join(await dataPlace(installation, place), basename(made))
  await mkdir(folder)
  await copyTemplate(installation, folder)
  return folder
}

/** The folder of data that outlives us: the one asked for, or where its symbolic link leads. */
async function keptData(installation: Installation, asked: string): Promise<string> {
  const { user, place, version, product } = installation
  const folder = await realpath(asked).catch(() => null)
  if (folder !== null) {
    const made = (await readFile(join(folder, versionFile), 'utf8').catch(() => '')).trim()
    if (made === version) return folder
    if (made !== '')
      throw new Error(
        `The data in ${asked} was written by ${product.name} ${made}, and ours is ${version}. Move it away to start afresh.`,
      )
    if ((await readdir(folder)).length > 0)
      throw new Error(`${asked} is not empty and holds no data of ${product.name}. Name another folder.`)
  }
  await mkdir(dirname(asked), { recursive: true })
  await rm(asked, { recursive: true, force: true }) // empty, or a link that leads nowhere
  if (user === null || (await reachable(asked, user))) {
    const building = `${asked}.building-${randomBytes(4).toString('hex')}`
    await mkdir(building)
    await copyTemplate(installation, building)
    await rename(building, asked)
    return realpath(asked)
  }
  const all = await dataPlace(installation, place)
  const actual = join(all, `kept-${randomBytes(6).toString('hex')}`)
  await mkdir(actual)
  await clearUnlinked(all)
  await writeFile(join(actual, linkFile), asked)
  await copyTemplate(installation, actual)
  await symlink(actual, asked)
  return actual
}

/** Removes data whose symbolic link is gone: whoever removed it asked for a fresh start. */
async function clearUnlinked(all: string): Promise<void> {
  const { mtimeMs: now_ms } = await stat(all) // the file system's own clock: the new folder has just been made here
  for (const name of await readdir(all)) {
    const data = join(all, name)
    const made = await stat(join(data, linkFile)).catch(() => null)
    if (made === null || now_ms - made.mtimeMs < unlinkedAge_ms) continue // another start may be about to link it
    const link = await readFile(join(data, linkFile), 'utf8')
    if ((await readlink(link).catch(() => null)) !== data) await rm(data, { recursive: true, force: true })
  }
}

/** The server's user owns it, so that an orphan can remove its own temporary folder. */
async function dataPlace({ user, product }: Installation, place: string): Promise<string> {
  const folder = join(place, `${product.name.toLowerCase()}-data`)
  await mkdir(folder, { recursive: true })
  await giveTo(user, folder)
  return folder
}

/** With owners and modes; holes stay holes, so that a copy takes a moment. */
async function copyTemplate({ template }: Installation, to: string): Promise<void> {
  await run('/bin/cp', ['-a', '--reflink=auto', `${template}/.`, to], { cwd: '/' })
}
