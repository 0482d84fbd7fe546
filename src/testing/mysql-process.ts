/** A server process of the MySQL family: started on a data directory, gone when the process that started it is gone. */
import { type ChildProcess, spawn } from 'node:child_process'
import { readFile, readlink, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { otherwise, type Product } from './mysql-place.ts'
import { giveTo, isAlive, type ServerUser } from './postgres-install.ts'

/** How a server is run. */
export type Program = {
  readonly product: Product
  /** `mariadbd` or `mysqld`. */
  readonly path: string
  readonly env: Readonly<Record<string, string>>
  readonly user: ServerUser | null
}

/** A server that runs. */
export type Process = { readonly pid: number; readonly keeper: ChildProcess; readonly ended: Promise<void> }

const settingsFile = 'syncline.cnf'
const pidFile = 'syncline.pid'
const logFile = 'server.log'
const startWithin_ms = 60_000
const stopWithin_ms = 15_000
const poll_ms = 10
const logBytesMax = 4_000_000

/**
 * The keeper holds the server's life to ours: its standard input is a pipe from us, and the kernel closes that even
 * at `kill -9`. It then stops the server ($3: the signal; $4: remove the folder afterwards). It runs in a session of
 * its own (`detached`), so that Ctrl-C in a terminal reaches us first and the server outlives our last transaction.
 */
const keeperScript = `
exec 3<&0
"$1" --defaults-file="$2/${settingsFile}" </dev/null 3<&- >>"$2/${logFile}" 2>&1 &
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

/**
 * Starts the server and resolves when it accepts connections.
 * @param settings Options of the server's own settings file, among them `port`.
 * @param temporary The data is worth nothing: an orphan is killed at once and its folder removed.
 */
export async function startProcess(
  program: Program,
  folder: string,
  settings: Readonly<Record<string, string>>,
  temporary: boolean,
): Promise<Process> {
  await untilAbandoned(program.product, folder)
  await writeSettings(folder, { ...settings, datadir: folder, pid_file: join(folder, pidFile) }, program.user)
  const logged = (await stat(join(folder, logFile)).catch(() => null))?.size ?? 0
  const ending = temporary ? ['KILL', 'remove'] : ['TERM', '']
  const keeper = spawn('/bin/sh', ['-c', keeperScript, 'syncline-mysql', program.path, folder, ...ending], {
    ...program.user,
    cwd: folder,
    env: program.env,
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
  await untilReady(program.product, server, folder, logged)
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
  const quoted = (value: string) => `"${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${quoted(value)}\n`)
  const path = join(folder, settingsFile)
  await writeFile(path, `[mysqld]\n${lines.join('')}`, { mode: 0o644 }) // a file that others can write is ignored
  await giveTo(user, path)
  const log = join(folder, logFile)
  if (((await stat(log).catch(() => null))?.size ?? 0) > logBytesMax) await rm(log)
}

/** Waits for a server that an earlier process left on this folder: its keeper is stopping it. */
async function untilAbandoned({ name }: Product, folder: string): Promise<void> {
  const pid = Number.parseInt(await readFile(join(folder, pidFile), 'utf8').catch(() => ''), 10)
  for (let waited_ms = 0; pid > 0 && isAlive(pid); waited_ms += poll_ms) {
    const cwd = await readlink(`/proc/${pid}/cwd`).catch(() => null)
    if (cwd !== folder) return // the number was given to another process since
    if (waited_ms > stopWithin_ms)
      throw new Error(`A ${name} server (pid ${pid}) already runs on ${folder}. Stop it first.`)
    await sleep(poll_ms)
  }
}

/** @param logged Size of the log before this start: what it says after that is about this one. */
async function untilReady(product: Product, server: Process, folder: string, logged: number): Promise<void> {
  let over = server.pid === 0
  server.ended.then(() => {
    over = true
  })
  const log = async () => (await readFile(join(folder, logFile)).catch(() => Buffer.alloc(0))).subarray(logged)
  for (let waited_ms = 0; waited_ms < startWithin_ms && !over; waited_ms += poll_ms) {
    // "ready for connections" stands on the line before the version in MariaDB, on the same in MySQL.
    if (/ready for connections\.\s+Version: [^\n]*port: \d/.test((await log()).toString())) return
    await sleep(poll_ms)
  }
  if (!over) await killProcess(server)
  const said = (await log()).toString().trim().split('\n')
  const wrong = said.filter((line) => line.includes('[ERROR]'))
  const why = over ? 'ended at its start' : `was not ready after ${startWithin_ms / 1000} s`
  throw new Error(
    `${product.name} ${why}. It wrote:\n${(wrong.length > 0 ? wrong : said).slice(-8).join('\n')}\n${otherwise(product)}`,
  )
}

/** Stops the server; `hurried` where nobody needs the data any more. Resolves when it is gone. */
export async function stopProcess(server: Process, hurried: boolean): Promise<void> {
  if (!hurried && isAlive(server.pid)) {
    server.keeper.ref()
    process.kill(server.pid, 'SIGTERM')
    const limit = new AbortController()
    const timer = sleep(stopWithin_ms, undefined, { signal: limit.signal }).catch(() => {})
    await Promise.race([server.ended, timer])
    limit.abort()
  }
  await killProcess(server)
}

/** SIGKILL, as a power cut would. The server is one process. */
export async function killProcess(server: Process): Promise<void> {
  server.keeper.ref() // whoever waits for the end is something to do
  try {
    if (server.pid > 0) process.kill(server.pid, 'SIGKILL')
  } catch {
    // already gone
  }
  await server.ended
}
