/** A database server's process: started on a data directory, gone when the process that started it is gone. */
import { type ChildProcess, spawn } from 'node:child_process'
import { readdir, readFile, readlink, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { giveTo, isAlive, type Product, type ServerUser } from './place.ts'

/** How a server is started on a data directory. */
export type Start = {
  readonly product: Product
  /** The program and its arguments. */
  readonly command: readonly [string, ...string[]]
  readonly env: Readonly<Record<string, string>>
  readonly user: ServerUser | null
  readonly folder: string
  /** The file in the folder whose first line is the server's number while it runs. */
  readonly pidFile: string
  /** Settings as they are to be written into this file in the folder. */
  readonly settings: { readonly file: string; readonly text: string }
  /** What ends an orphan; `remove`: its folder, which is worth nothing, goes with it. */
  readonly orphan: { readonly signal: string; readonly remove: boolean }
  /** Whether it accepts connections. `log`: what it wrote since this start. */
  readonly isReady: (pid: number, log: () => Promise<string>) => Promise<boolean>
}

/** A server that runs. */
export type Process = { readonly pid: number; readonly keeper: ChildProcess; readonly ended: Promise<void> }

const logFile = 'server.log'
const startWithin_ms = 60_000
const stopWithin_ms = 15_000
const poll_ms = 10
const logBytesMax = 4_000_000

/**
 * The keeper holds the server's life to ours: its standard input is a pipe from us, and the kernel closes that even
 * at `kill -9`. It then stops the server ($2: the signal; $3: remove the folder afterwards). It runs in a session of
 * its own (`detached`), so that Ctrl-C in a terminal reaches us first and the server outlives our last transaction.
 */
const keeperScript = `
folder=$1 signal=$2 remove=$3
shift 3
exec 3<&0
"$@" </dev/null 3<&- >>"$folder/${logFile}" 2>&1 &
server=$!
echo "$server"
exec >/dev/null 2>&1
( while read -r _ <&3; do :; done; : >"$folder/orphaned"; kill -s "$signal" "$server" ) &
watch=$!
wait "$server"
code=$?
kill "$watch"
if [ -e "$folder/orphaned" ]; then rm -f "$folder/orphaned"; [ -z "$remove" ] || rm -rf "$folder"; fi
exit "$code"
`

/** Starts the server and resolves when it accepts connections. */
export async function startProcess(start: Start): Promise<Process> {
  const { folder, orphan, user } = start
  await untilAbandoned(start)
  await writeSettings(start)
  const logged = (await stat(join(folder, logFile)).catch(() => null))?.size ?? 0
  const kept = [folder, orphan.signal, orphan.remove ? 'remove' : '', ...start.command]
  const keeper = spawn('/bin/sh', ['-c', keeperScript, 'syncline-server', ...kept], {
    ...user,
    cwd: folder,
    env: start.env,
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
  await untilReady(start, server, logged)
  // From here on the server must not keep a process alive that has nothing else to do.
  keeper.unref()
  for (const stream of [keeper.stdin, keeper.stdout]) (stream as unknown as { unref(): void }).unref()
  return server
}

async function writeSettings({ folder, settings, user }: Start): Promise<void> {
  const path = join(folder, settings.file)
  await writeFile(path, settings.text, { mode: 0o644 }) // MySQL ignores a file that others can write
  await giveTo(user, path)
  const log = join(folder, logFile)
  if (((await stat(log).catch(() => null))?.size ?? 0) > logBytesMax) await rm(log)
}

/** Waits for a server that an earlier process left on this folder: its keeper is stopping it. */
async function untilAbandoned({ product, folder, pidFile }: Start): Promise<void> {
  const pid = Number.parseInt(await readFile(join(folder, pidFile), 'utf8').catch(() => ''), 10)
  for (let waited_ms = 0; pid > 0 && isAlive(pid); waited_ms += poll_ms) {
    const cwd = await readlink(`/proc/${pid}/cwd`).catch(() => null)
    if (cwd !== folder) return // the number was given to another process since
    if (waited_ms > stopWithin_ms)
      throw new Error(`A ${product.name} server (pid ${pid}) already runs on ${folder}. Stop it first.`)
    await sleep(poll_ms)
  }
}

/** @param logged Size of the log before this start: what it says after that is about this one. */
async function untilReady({ product, folder, isReady }: Start, server: Process, logged: number): Promise<void> {
  let over = server.pid === 0
  server.ended.then(() => {
    over = true
  })
  const log = async () =>
    (await readFile(join(folder, logFile)).catch(() => Buffer.alloc(0))).subarray(logged).toString()
  for (let waited_ms = 0; waited_ms < startWithin_ms && !over; waited_ms += poll_ms) {
    if (await isReady(server.pid, log)) return
    await sleep(poll_ms)
  }
  if (!over) await killProcess(server)
  const said = (await log()).trim().split('\n')
  const wrong = said.filter((line) => line.includes('[ERROR]')) // MySQL says much else
  const why = over ? 'ended at its start' : `was not ready after ${startWithin_ms / 1000} s`
  throw new Error(
    `${product.name} ${why}. The end of ${join(folder, logFile)}:\n${(wrong.length > 0 ? wrong : said).slice(-8).join('\n')}\n${product.otherwise}`,
  )
}

/**
 * Sends each of these signals and gives the server some time after it; then kills it. A fast shutdown may wait for every reader to take the
 * last of the log, and one that sleeps would hold it. Resolves when the server is gone.
 */
export async function stopProcess(server: Process, signals: readonly NodeJS.Signals[]): Promise<void> {
  server.keeper.ref() // whoever waits for the end is something to do
  for (const signal of signals) {
    if (!isAlive(server.pid)) break
    process.kill(server.pid, signal)
    if (await endsWithin(server, stopWithin_ms)) return
  }
  await killProcess(server)
}

async function endsWithin(server: Process, limit_ms: number): Promise<boolean> {
  const limit = new AbortController()
  const timer = sleep(limit_ms, false, { signal: limit.signal }).catch(() => false)
  const ended = await Promise.race([server.ended.then(() => true), timer])
  limit.abort()
  return ended
}

/** SIGKILL to the server and all of its processes, as a power cut would. */
export async function killProcess(server: Process): Promise<void> {
  server.keeper.ref()
  const pids = server.pid > 0 ? [server.pid] : []
  try {
    if (server.pid > 0) process.kill(server.pid, 'SIGSTOP') // so that it starts no process behind our back
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
  if (parent === 0) return found
  for (const name of await readdir('/proc').catch(() => [])) {
    if (!/^\d+$/.test(name)) continue
    const line = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '')
    // The second field is the program's name in brackets and may hold blanks: count from its end.
    if (Number(line.slice(line.lastIndexOf(')') + 2).split(' ')[1]) === parent) found.push(Number(name))
  }
  return found
}
