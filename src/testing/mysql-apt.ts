/** Packages of Debian and Ubuntu, fetched and verified by apt and unpacked beside the system: nothing is installed, nobody need be root. */
import { mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { exists, run } from './place.ts'

/** An apt that writes nowhere but into a folder of ours. */
export type Apt = {
  /** Where packages are downloaded to. */
  readonly work: string
  readonly options: string[]
}

/** Runs `work` with an apt whose files lie beside `folder` and are removed afterwards. */
export async function withApt(folder: string, work: (apt: Apt) => Promise<void>): Promise<void> {
  for (const program of ['apt-get', 'dpkg-deb'])
    if (!(await exists(`/usr/bin/${program}`)))
      throw new Error(`there is no ${program}, and what is missing is taken from the packages of Debian or Ubuntu`)
  const own = `${folder}.apt`
  try {
    for (const name of ['state/lists/partial', 'cache/archives/partial'])
      await mkdir(join(own, name), { recursive: true })
    const settings = {
      'Dir::Cache': join(own, 'cache'),
      'APT::Sandbox::User': 'root', // it could not write into a folder of ours
      'Acquire::Retries': '2',
      'Acquire::http::Timeout': '30',
      'Acquire::https::Timeout': '30',
    }
    await work({ work: own, options: Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]) })
  } finally {
    await rm(own, { recursive: true, force: true })
  }
}

/** Downloads the first of these groups that there is, by the machine's own lists; where they are missing or old, by fresh ones of ours. */
export async function downloadFirst(apt: Apt, groups: readonly (readonly string[])[]): Promise<readonly string[]> {
  let last: unknown
  for (const isFresh of [false, true]) {
    if (isFresh) {
      apt.options.push('-o', `Dir::State=${join(apt.work, 'state')}`, '-o', 'Dir::State::status=/var/lib/dpkg/status')
      await run('apt-get', ['-qq', ...apt.options, 'update'], { cwd: apt.work })
    }
    for (const names of groups) {
      try {
        await run('apt-get', ['-qq', ...apt.options, 'download', ...names], { cwd: apt.work })
        return names
      } catch (error) {
        last ??= error
      }
    }
  }
  throw last
}

/** Downloads the libraries that a package needs; `recurse`: and those that they need; `ownC`: the C library too. */
export async function downloadLibraries(
  apt: Apt,
  name: string,
  { recurse, ownC }: { readonly recurse: boolean; readonly ownC: boolean },
): Promise<void> {
  const only = ['recommends', 'suggests', 'conflicts', 'breaks', 'replaces', 'enhances'].map((word) => `--no-${word}`)
  const options = [...apt.options, ...only, ...(recurse ? ['--recurse'] : [])]
  const said = await run('apt-cache', [...options, 'depends', name], { cwd: '/' })
  const found = [...said.matchAll(/^ *\|?(?:Pre-?)?Depends: ((?:lib|zlib1g)[\w.+-]*)/gm)].map(
    (match) => match[1] as string,
  )
  // Programs of the machine's own release run with the machine's C library.
  const left = ownC ? /^libelogind|^libperl/ : /^libc6|^libgcc|^libstdc|^libelogind/
  const names = [...new Set(found)].filter((each) => !left.test(each))
  await run('apt-get', ['-qq', ...apt.options, 'download', ...names], { cwd: apt.work })
}

/** Unpacks all that was downloaded. */
export async function unpackAll({ work }: Apt, folder: string): Promise<void> {
  for (const name of await readdir(work)) {
    if (!name.endsWith('.deb')) continue
    await run('dpkg-deb', ['-x', join(work, name), folder], { cwd: work })
    await rm(join(work, name))
  }
}

/** Folders with the libraries of unpacked packages. */
export async function librariesIn(folder: string): Promise<string[]> {
  const found: string[] = []
  for (const parent of ['lib', 'usr/lib'].map((name) => join(folder, name)))
    for (const name of await readdir(parent).catch(() => []))
      if (name.includes('-linux-')) found.push(join(parent, name))
  return found
}

/** Libraries that a program does not find, or an empty text. */
export async function missingLibraries(program: string, env: Readonly<Record<string, string>>): Promise<string> {
  const lines = (await run('ldd', [program], { cwd: '/', env })).split('\n')
  const missing = lines.filter((line) => line.includes('not found')).map((line) => line.trim().split(' ')[0])
  return [...new Set(missing)].join(', ')
}

/** A server's environment: no settings of the caller (LANG, TZ, MYSQL_HOME) reach it. */
export function environment(libraries: readonly string[]): Record<string, string> {
  return { PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C', LD_LIBRARY_PATH: libraries.join(':') }
}

/** `debian-12`: programs are linked against the libraries of their release. */
export async function distribution(): Promise<string> {
  const text = await readFile('/etc/os-release', 'utf8').catch(() => '')
  const [id, version] = ['ID', 'VERSION_ID'].map((name) => new RegExp(`^${name}="?([\\w.]+)`, 'm').exec(text)?.[1])
  return `${id ?? 'linux'}-${version ?? 'rolling'}`
}
