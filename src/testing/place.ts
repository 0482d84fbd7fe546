/** Where the servers of tests and demos are kept, who runs them, and how their programs are run. */
import { spawn } from 'node:child_process'
import { randomBytes, randomInt } from 'node:crypto'
import { chmod, chown, lstat, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { homedir, tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'

/** What a server is called in messages, and how one that already runs is named instead. */
export type Product = {
  /** `PostgreSQL`, `MariaDB`, `MySQL`. */
  readonly name: string
  /** Environment variable with the URL of a server that already runs. */
  readonly variable: string
  /** Ends every message about a server that could not be had: a sentence that names the variable. */
  readonly otherwise: string
}

/** The unprivileged user that runs a server; null where we are not root and run it ourselves. */
export type ServerUser = { readonly uid: number; readonly gid: number }

/** Where programs are kept, and who runs them: null where we are not root and run them ourselves. */
export type Place = { readonly folder: string; readonly user: ServerUser | null }

/**
 * The first folder that can be used, and the server's user.
 * @param options `candidates`: instead of the usual folders: a system folder for root (the server's user cannot enter root's home),
 * else the user's cache. `first`: one that is better than that cache.
 * @throws Error that names every folder and why it cannot be used.
 */
export async function findPlace(
  product: Product,
  options: { readonly candidates?: readonly string[] | undefined; readonly first?: string } = {},
): Promise<Place> {
  const user = process.getuid?.() === 0 ? await unprivilegedUser(product) : null
  const reasons: string[] = []
  for (const folder of options.candidates ?? usualPlaces(user, options.first)) {
    const reason = await usable(folder, user)
    if (reason === null) return { folder, user }
    reasons.push(`${folder}: ${reason}`)
  }
  throw new Error(`${product.name} needs a folder for its programs, and none can be used (${reasons.join('; ')})`)
}

function usualPlaces(user: ServerUser | null, first: string | undefined): string[] {
  // As root the place must be one where no other user can put a file in our way, hence not /tmp.
  if (user !== null) return ['/var/lib/syncline', '/var/tmp/syncline-0']
  const cache = process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache')
  const usual = [join(cache, 'syncline'), join(tmpdir(), `syncline-${process.getuid?.() ?? 'user'}`)]
  return first === undefined ? usual : [first, ...usual]
}

async function usable(folder: string, user: ServerUser | null): Promise<string | null> {
  try {
    await mkdir(folder, { recursive: true })
    const found = await lstat(folder)
    if (!found.isDirectory() || found.uid !== (process.getuid?.() ?? found.uid)) return 'it belongs to another user'
    if (user !== null) await chmod(folder, 0o755)
    const probe = join(folder, `.probe-${randomBytes(6).toString('hex')}`)
    await writeFile(probe, '')
    await rm(probe)
    return user === null || (await reachable(join(folder, 'x'), user)) ? null : 'the user nobody cannot reach it'
  } catch (error) {
    return (error as Error).message
  }
}

async function unprivilegedUser({ name }: Product): Promise<ServerUser> {
  const lines = (await readFile('/etc/passwd', 'utf8').catch(() => '')).split('\n')
  for (const user of ['nobody', 'daemon']) {
    const [, , uid, gid] = lines.find((line) => line.startsWith(`${user}:`))?.split(':') ?? []
    if (Number(uid) > 0) return { uid: Number(uid), gid: Number(gid) }
  }
  throw new Error(
    `${name} does not run as root, and /etc/passwd names no user \`nobody\` to run it under. Run as an ordinary user`,
  )
}

/** Whether a user may walk down to `path`: every folder above it must be open to that user. */
export async function reachable(path: string, user: ServerUser): Promise<boolean> {
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    const { mode, uid, gid } = await stat(folder)
    const bit = uid === user.uid ? 0o100 : gid === user.gid ? 0o010 : 0o001
    if ((mode & bit) === 0) return false
    if (folder === dirname(folder)) return true
  }
}

/** Makes the server's user the owner. */
export async function giveTo(user: ServerUser | null, path: string): Promise<void> {
  if (user === null) return
  await chown(path, user.uid, user.gid).catch((error: Error) => {
    throw new Error(
      `A database server does not run as root, and this root may not hand a folder to the user nobody (${error.message}), as in a container with a single user. Run as an ordinary user`,
    )
  })
}

/** Builds a folder aside and renames it, so that it is there completely or not at all, whoever else builds it too. */
export async function once(folder: string, build: (building: string) => Promise<void>): Promise<void> {
  if (await exists(folder)) return
  await clearAbandoned(folder)
  const building = `${folder}.building-${process.pid}-${randomBytes(4).toString('hex')}`
  await mkdir(building, { mode: 0o755 })
  await chmod(building, 0o755)
  try {
    await build(building)
    await rename(building, folder).catch(async (error: unknown) => {
      if (!(await exists(folder))) throw error
    })
  } finally {
    await rm(building, { recursive: true, force: true })
  }
}

async function clearAbandoned(folder: string): Promise<void> {
  const prefix = `${basename(folder)}.building-`
  for (const name of await readdir(dirname(folder))) {
    if (!name.startsWith(prefix) || isAlive(Number.parseInt(name.slice(prefix.length), 10))) continue
    await rm(join(dirname(folder), name), { recursive: true, force: true })
  }
}

type RunOptions = {
  readonly cwd: string
  readonly user?: ServerUser | null
  readonly env?: Readonly<Record<string, string>>
  /** Written to its standard input. */
  readonly input?: string
  readonly within_ms?: number
}

const keptOutput_bytes = 4_000_000

/**
 * Runs a program to its end and returns what it wrote to standard output.
 * @throws Error with the end of what it wrote, or the reason why it cannot be run.
 */
export async function run(program: string, programArguments: readonly string[], options: RunOptions): Promise<string> {
  const child = spawn(program, programArguments, {
    ...options.user,
    cwd: options.cwd,
    env: options.env ?? { PATH: '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin', LC_ALL: 'C' },
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: options.within_ms ?? 300_000,
    killSignal: 'SIGKILL',
  })
  const output: Buffer[] = []
  let outputBytes = 0
  let said = ''
  child.stdout.on('data', (chunk: Buffer) => {
    outputBytes += chunk.length
    if (outputBytes <= keptOutput_bytes) output.push(chunk)
  })
  child.stderr.on('data', (chunk: Buffer) => {
    said = (said + chunk).slice(-2000)
  })
  child.stdin.on('error', () => {}) // it ended first; its exit code tells
  child.stdin.end(options.input ?? '')
  return new Promise((resolve, reject) => {
    const fail = (why: string) => reject(new Error(`${basename(program)} failed: ${why}`))
    child.on('error', (error) => fail(error.message))
    child.on('close', (code, signal) => {
      if (code === 0) resolve(Buffer.concat(output).toString())
      else fail(said.trim() || `it ended with ${code ?? signal}`)
    })
  })
}

/** A port below the range that the kernel gives to outgoing connections, so that it is still free after a restart. */
export async function freePort({ otherwise }: Product): Promise<number> {
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

/** Whether anything is at the path: a link counts, wherever it leads. */
export async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  )
}

/** Whether a process of this number runs; one of another user counts. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
