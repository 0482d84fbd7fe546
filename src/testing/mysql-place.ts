/** Where servers of the MySQL family are installed for tests, who runs them, and how their programs are run. */
import { spawn } from 'node:child_process'
import { randomBytes, randomInt } from 'node:crypto'
import { chmod, lstat, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { homedir, tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { exists, isAlive, reachable, type ServerUser } from './postgres-install.ts'

/** What a server is called in messages, and how one that already runs is named instead. */
export type Product = {
  /** `MariaDB`, `MySQL`. */
  readonly name: string
  /** Environment variable with the URL of a server that already runs. */
  readonly variable: string
}

/** Ends every message about a server that could not be had. */
export function otherwise({ name, variable }: Product): string {
  return `To use a ${name} that already runs (log_bin, binlog_format=ROW), set ${variable} to its URL: mysql://user:password@host:3306.`
}

/** Where a product is kept, and who runs it: null where we are not root and run it ourselves. */
export type Place = { readonly folder: string; readonly user: ServerUser | null }

/**
 * The first folder that can be used, and the server's user.
 * @param candidates Instead of the usual ones: a system folder for root (the server's user cannot enter root's home), else the user's cache.
 * @throws Error that names every folder and why it cannot be used.
 */
export async function findPlace(product: Product, candidates?: readonly string[]): Promise<Place> {
  const user = process.getuid?.() === 0 ? await unprivilegedUser(product) : null
  const reasons: string[] = []
  for (const folder of candidates ?? usualPlaces(user)) {
    const reason = await usable(folder, user)
    if (reason === null) return { folder, user }
    reasons.push(`${folder}: ${reason}`)
  }
  throw new Error(
    `${product.name} needs a folder for its programs, and none can be used (${reasons.join('; ')}). ${otherwise(product)}`,
  )
}

function usualPlaces(user: ServerUser | null): string[] {
  // As root the place must be one where no other user can put a file in our way, hence not /tmp.
  if (user !== null) return ['/var/lib/syncline', '/var/tmp/syncline-0']
  const cache = process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache')
  return [join(cache, 'syncline'), join(tmpdir(), `syncline-${process.getuid?.() ?? 'user'}`)]
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

async function unprivilegedUser(product: Product): Promise<ServerUser> {
  const lines = (await readFile('/etc/passwd', 'utf8').catch(() => '')).split('\n')
  for (const name of ['nobody', 'daemon']) {
    const [, , uid, gid] = lines.find((line) => line.startsWith(`${name}:`))?.split(':') ?? []
    if (Number(uid) > 0) return { uid: Number(uid), gid: Number(gid) }
  }
  throw new Error(
    `${product.name} does not run as root, and /etc/passwd names no user \`nobody\` to run it under. Run as an ordinary user. ${otherwise(product)}`,
  )
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
export async function freePort(product: Product): Promise<number> {
  for (let attempts = 100; attempts > 0; attempts--) {
    const port = randomInt(15_000, 32_000)
    const isFree = await new Promise<boolean>((done) => {
      const probe = createServer()
      probe.once('error', () => done(false))
      probe.listen({ port, host: '127.0.0.1', exclusive: true }, () => probe.close(() => done(true)))
    })
    if (isFree) return port
  }
  throw new Error(`No free port between 15000 and 32000 on 127.0.0.1. ${otherwise(product)}`)
}
