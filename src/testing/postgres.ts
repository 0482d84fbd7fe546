/**
 * A real PostgreSQL for tests and the demo, from npm, without a service and without root: started in about a second
 * (a second start in less), listening on 127.0.0.1 alone, and gone when the process that started it is gone.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes, randomInt } from 'node:crypto'
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
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { borrowDatabase, makeDatabase } from './postgres-borrowed.ts'
import {
  copyCluster,
  exists,
  giveTo,
  type Installation,
  install,
  isAlive,
  otherwise,
  passwordFile,
  reachable,
  type ServerUser,
  serverEnvironment,
  settingsFile,
} from './postgres-install.ts'

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

const startWithin_ms = 60_000
const stopWithin_ms = 15_000
const poll_ms = 10
const unlinkedAge_ms = 600_000
/** In a cluster that a symbolic link leads to: the link's path. */
const linkFile = 'syncline.link'
const logBytesMax = 4_000_000

/**
 * Starts a PostgreSQL and resolves when it accepts connections.
 * @throws Error with a sentence that names what is missing and the variable that points at another server instead.
 */
export async function startPostgres(options: PostgresOptions = {}): Promise<Postgres> {
  const existing = options.existing === undefined ? process.env['SYNCLINE_TEST_POSTGRES_URL'] : options.existing
  if (existing) return borrowDatabase(existing, options.database)

  const installation = await install()
  const temporary = options.folder === undefined
  const folder = temporary
    ? await temporaryCluster(installation)
    : await keptCluster(installation, resolve(options.folder))
  const password = (await readFile(join(folder, passwordFile), 'utf8')).trim()
  const port = options.port ?? (await freePort())
  let settings = { ...options.settings }
  const begin = () => startServer(installation, folder, { ...defaults, ...settings, port: String(port) }, temporary)
  let server: Server | null = await begin().catch(async (error: unknown) => {
    if (temporary) await rm(folder, { recursive: true, force: true })
    throw error
  })

  const database = options.database ?? 'postgres'
  const address = (name: string) => `postgres://postgres:${password}@127.0.0.1:${port}/${encodeURIComponent(name)}`
  const stop = async () => {
    const running = server
    server = null
    if (running !== null) await stopServer(running, temporary)
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
      if (server !== null) await killServer(server)
      server = null
    },
    restart: async (changes) => {
      if (!(await exists(folder)))
        throw new Error('This PostgreSQL was stopped and its temporary folder removed; start another.')
      settings = { ...settings, ...changes }
      if (server !== null) await stopServer(server, false)
      server = null
      server = await begin()
    },
  }
}

async function temporaryCluster(installation: Installation): Promise<string> {
  const { user, place } = installation
  const made = await mkdtemp(join(tmpdir(), 'syncline-postgres-'))
  if (user === null || (await reachable(made, user))) {
    await copyCluster(installation, made)
    return made
  }
  await rm(made, { recursive: true }) // TMPDIR points below a private folder
  const folder = join(await clusterPlace(place, user), basename(made))
  await mkdir(folder)
  await copyCluster(installation, folder)
  return folder
}

/** The folder of a cluster that outlives us: the one asked for, or where its symbolic link leads. */
async function keptCluster(installation: Installation, asked: string): Promise<string> {
  const { user, place, version } = installation
  const folder = await realpath(asked).catch(() => null)
  if (folder !== null) {
    const made = (await readFile(join(folder, 'PG_VERSION'), 'utf8').catch(() => '')).trim()
    const major = version.slice(0, version.indexOf('.'))
    if (made === major) return folder
    if (made !== '')
      throw new Error(
        `The data in ${asked} was written by PostgreSQL ${made}, and ours is ${major}. Move it away to start afresh.`,
      )
    if ((await readdir(folder)).length > 0)
      throw new Error(`${asked} is not empty and holds no PostgreSQL data. Name another folder.`)
  }
  await mkdir(dirname(asked), { recursive: true })
  await rm(asked, { recursive: true, force: true }) // empty, or a link that leads nowhere
  if (user === null || (await reachable(asked, user))) {
    const building = `${asked}.building-${randomBytes(4).toString('hex')}`
    await mkdir(building)
    await copyCluster(installation, building)
    await rename(building, asked)
    return realpath(asked)
  }
  const clusters = await clusterPlace(place, user)
  const actual = join(clusters, `kept-${randomBytes(6).toString('hex')}`)
  await mkdir(actual)
  await clearUnlinked(clusters)
  await writeFile(join(actual, linkFile), asked)
  await copyCluster(installation, actual)
  await symlink(actual, asked)
  return actual
}

/** Removes clusters whose symbolic link is gone: whoever removed it asked for a fresh start. */
async function clearUnlinked(clusters: string): Promise<void> {
  const { mtimeMs: now_ms } = await stat(clusters) // the file system's own clock: the new cluster has just been made here
  for (const name of await readdir(clusters)) {
    const cluster = join(clusters, name)
    const made = await stat(join(cluster, linkFile)).catch(() => null)
    if (made === null || now_ms - made.mtimeMs < unlinkedAge_ms) continue // another start may be about to link it
    const link = await readFile(join(cluster, linkFile), 'utf8')
    if ((await readlink(link).catch(() => null)) !== cluster) await rm(cluster, { recursive: true, force: true })
  }
}

/** The server's user owns it, so that an orphan can remove its own temporary folder. */
async function clusterPlace(place: string, user: ServerUser): Promise<string> {
  const folder = join(place, 'clusters')
  await mkdir(folder, { recursive: true })
  await giveTo(user, folder)
  return folder
}

/** A port below the range that the kernel gives to outgoing connections, so that it is still free after a restart. */
async function freePort(): Promise<number> {
  for (let attempts = 100; attempts > 0; attempts--) {
    const port = randomInt(15_000, 32_000)
    const isFree = await new Promise<boolean>((done) => {
      const probe = createServer()
      probe.once('error', () => done(false))
      probe.listen({ port, host: '127.0.0.1', exclusive: true }, () => probe.close(() => done(true)))
    })
    if (isFree) return port
  }
  throw new Error(`No free port between 15000 and 32000 on 127.0.0.1. ${otherwise}`)
}

type Server = { readonly pid: number; readonly keeper: ChildProcess; readonly ended: Promise<void> }

/**
 * The keeper holds the server's life to ours: its standard input is a pipe from us, and the kernel closes that even
 * at `kill -9`. It then stops the server ($3: the signal; $4: remove the folder afterwards). It runs in a session of
 * its own (`detached`), so that Ctrl-C in a terminal reaches us first and the server outlives our last transaction.
 */
const keeperScript = `
exec 3<&0
"$1" -D "$2" </dev/null 3<&- >>"$2/server.log" 2>&1 &
server=$!
echo "$server"
exec >/dev/null 2>&1
( while read -r _ <&3; do :; done; : >"$2/orphaned"; kill -s "$3" "$server" ) &
watch=$!
wait "$server"
code=$?
kill "$watch"
if [ -e "$2/orphaned" ]; then rm -f "$2/orphaned"; [ -z "$4" ] || rm -rf "$2"; fi
exit "$code"
`

async function startServer(
  installation: Installation,
  folder: string,
  settings: Readonly<Record<string, string>>,
  temporary: boolean,
): Promise<Server> {
  await untilAbandoned(folder)
  await writeSettings(folder, settings, installation.user)
  const program = join(installation.folder, 'bin', 'postgres')
  const ending = temporary ? ['QUIT', 'remove'] : ['INT', '']
  const keeper = spawn('/bin/sh', ['-c', keeperScript, 'syncline-postgres', program, folder, ...ending], {
    ...installation.user,
    cwd: folder,
    env: serverEnvironment(installation.folder),
    detached: true,
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  const ended = new Promise<void>((done) => {
    keeper.once('error', () => done())
    keeper.once('exit', () => done())
  })
  keeper.stdin!.on('error', () => {}) // the server ended first; `ended` tells
  const pid = await new Promise<number>((done) => {
    keeper.stdout!.once('data', (line: Buffer) => done(Number(line.toString().trim())))
    ended.then(() => done(0))
  })
  const server = { pid, keeper, ended }
  await untilReady(server, folder)
  // From here on the server must not keep a process alive that has nothing else to do.
  keeper.unref()
  for (const stream of [keeper.stdin, keeper.stdout]) (stream as unknown as { unref(): void }).unref()
  return server
}

async function writeSettings(
  folder: string,
  settings: Readonly<Record<string, string>>,
  user: ServerUser | null,
): Promise<void> {
  const lines = Object.entries(settings).map(([name, value]) => `${name} = '${value.replaceAll("'", "''")}'\n`)
  const path = join(folder, settingsFile)
  await writeFile(path, lines.join(''))
  await giveTo(user, path)
  const log = join(folder, 'server.log')
  if (((await stat(log).catch(() => null))?.size ?? 0) > logBytesMax) await rm(log)
}

/** Waits for a server that an earlier process left on this folder: its keeper is stopping it. */
async function untilAbandoned(folder: string): Promise<void> {
  const pid = Number.parseInt(await readFile(join(folder, 'postmaster.pid'), 'utf8').catch(() => ''), 10)
  for (let waited_ms = 0; pid > 0 && isAlive(pid); waited_ms += poll_ms) {
    const cwd = await readlink(`/proc/${pid}/cwd`).catch(() => null)
    if (cwd !== folder) return // the number was given to another process since
    if (waited_ms > stopWithin_ms)
      throw new Error(`A PostgreSQL server (pid ${pid}) already runs on ${folder}. Stop it first.`)
    await sleep(poll_ms)
  }
}

async function untilReady(server: Server, folder: string): Promise<void> {
  let over = server.pid === 0
  server.ended.then(() => {
    over = true
  })
  for (let waited_ms = 0; waited_ms < startWithin_ms && !over; waited_ms += poll_ms) {
    // Lines of postmaster.pid: 1 is the pid, 8 the state (miscadmin.h, LOCK_FILE_LINE_PM_STATUS).
    const lines = (await readFile(join(folder, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n')
    if (Number(lines[0]) === server.pid && lines[7]?.trim() === 'ready') return
    await sleep(poll_ms)
  }
  if (!over) await killServer(server)
  const log = await readFile(join(folder, 'server.log'), 'utf8').catch(() => '')
  const why = over ? 'ended at its start' : `was not ready after ${startWithin_ms / 1000} s`
  throw new Error(
    `PostgreSQL ${why}. The end of ${join(folder, 'server.log')}:\n${log.trim().split('\n').slice(-8).join('\n')}\n${otherwise}`,
  )
}

/** Fast shutdown first; `hurried` skips it where nobody needs the data any more. */
async function stopServer(server: Server, hurried: boolean): Promise<void> {
  const signals = hurried ? (['SIGQUIT'] as const) : (['SIGINT', 'SIGQUIT'] as const)
  for (const signal of signals) {
    if (!isAlive(server.pid)) break
    process.kill(server.pid, signal)
    // A fast shutdown waits for every replication client to take the last of the log; one that sleeps would hold it.
    if (await endsWithin(server, stopWithin_ms)) return
  }
  await killServer(server)
}

async function endsWithin(server: Server, limit_ms: number): Promise<boolean> {
  const limit = new AbortController()
  const timer = sleep(limit_ms, false, { signal: limit.signal }).catch(() => false)
  const ended = await Promise.race([server.ended.then(() => true), timer])
  limit.abort()
  return ended
}

async function killServer(server: Server): Promise<void> {
  const pids = [server.pid]
  try {
    process.kill(server.pid, 'SIGSTOP') // so that it starts no process behind our back
    pids.push(...(await childrenOf(server.pid)))
  } catch {
    // already gone
  }
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // already gone
    }
  }
  await server.ended
  // A process that still holds the shared memory would keep the next start from recovering.
  for (let waited_ms = 0; waited_ms < stopWithin_ms && pids.some(isAlive); waited_ms += poll_ms) await sleep(poll_ms)
}

async function childrenOf(parent: number): Promise<number[]> {
  const found: number[] = []
  for (const name of await readdir('/proc').catch(() => [])) {
    if (!/^\d+$/.test(name)) continue
    const line = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '')
    // The second field is the program's name in brackets and may hold blanks: count from its end.
    if (Number(line.slice(line.lastIndexOf(')') + 2).split(' ')[1]) === parent) found.push(Number(name))
  }
  return found
}
