/**
 * Programs that are newer than the machine: packages of Debian's unstable suite, unpacked beside the system with every library
 * that they need, the C library and its loader included. Each program is started through that loader, so that it meets nothing of
 * the machine's. apt verifies the lists by Debian's keys and the packages by the lists; nothing is installed, nobody need be root.
 */
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { type Apt, downloadLibraries, environment, librariesIn, unpackAll, withApt } from './mysql-apt.ts'
import { exists, once, type Place, run } from './place.ts'

/** What to unpack. */
export type Wanted = {
  /** The package whose libraries are needed. */
  readonly server: string
  /** Further packages; what of them lacks a library does not start. */
  readonly further: readonly string[]
  /** Paths of programs below `usr`. The first is the one that has to start. */
  readonly programs: readonly [string, ...string[]]
}

/** Packages that were unpacked. */
export type Unpacked = {
  /** Holds `usr`. */
  readonly folder: string
  /** Holds a script for each program that starts it by its own loader. */
  readonly programs: string
  /** Such as `9.7.4-2`, of the first package. */
  readonly version: string
  readonly env: Readonly<Record<string, string>>
}

const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg'
const versionFile = 'syncline.version'

/**
 * Fetches and unpacks what unstable has today; what was unpacked before stays as it was. SYNCLINE_DEBIAN_URL names a mirror to use
 * instead of Debian's own.
 * @throws Error that names what is missing.
 */
export async function unpackUnstable(place: Place, wanted: Wanted): Promise<Unpacked> {
  const folder = join(place.folder, `${wanted.server}-unstable-${process.arch}`)
  await once(folder, async (building) => {
    if (!(await exists(keyring)))
      throw new Error(`there is no ${keyring}, by which the lists of Debian's packages are verified`)
    await withApt(building, (apt) => unpack(apt, wanted, building))
  })
  const version = (await readFile(join(folder, versionFile), 'utf8')).trim()
  return { folder, programs: join(folder, 'run'), version, env: environment([]) }
}

async function unpack(apt: Apt, wanted: Wanted, folder: string): Promise<void> {
  await useUnstable(apt)
  await run('apt-get', ['-qq', ...apt.options, 'download', wanted.server, ...wanted.further], { cwd: apt.work })
  await downloadLibraries(apt, wanted.server, { recurse: true, ownC: true })
  const [server] = (await readdir(apt.work)).filter((name) => name.startsWith(`${wanted.server}_`))
  const version = decodeURIComponent(server?.split('_')[1] ?? '').replace(/^\d+:/, '')
  await unpackAll(apt, folder)
  await writeFile(join(folder, versionFile), `${version}\n`)
  await mkdir(join(folder, 'run'))
  const libraries = await librariesIn(folder)
  const loader = await loaderIn(libraries)
  const below = (path: string) => `"$root"${path.slice(folder.length)}`
  for (const program of wanted.programs) {
    const script = join(folder, 'run', basename(program))
    const started = `${below(loader)} --inhibit-cache --library-path ${libraries.map(below).join(':')}`
    // exec: the process that was started is the one that has to be stopped.
    await writeFile(
      script,
      `#!/bin/sh\nroot="\${0%/*}/.."\nexec ${started} ${below(join(folder, 'usr', program))} "$@"\n`,
    )
    await chmod(script, 0o755)
  }
  const traced = { ...environment([]), LD_TRACE_LOADED_OBJECTS: '1' }
  const options = ['--inhibit-cache', '--library-path', libraries.join(':')]
  const list = await run(loader, [...options, '--list', join(folder, 'usr', wanted.programs[0])], {
    cwd: '/',
    env: traced,
  })
  const strange = list.split('\n').filter((line) => line.includes('=>') && !line.includes(`=> ${folder}/`))
  if (strange.length > 0)
    throw new Error(`libraries are missing: ${strange.map((line) => line.trim().split(' ')[0]).join(', ')}`)
}

/** From here on this apt knows unstable alone, and that nothing is installed. */
async function useUnstable(apt: Apt): Promise<void> {
  const mirror = process.env['SYNCLINE_DEBIAN_URL'] || 'http://deb.debian.org/debian'
  const [sources, status] = ['sources.list', 'status'].map((name) => join(apt.work, name)) as [string, string]
  await writeFile(sources, `deb [signed-by=${keyring}] ${mirror} unstable main\n`)
  await writeFile(status, '')
  const settings = {
    'Dir::Etc::sourcelist': sources,
    'Dir::Etc::sourceparts': '-',
    'Dir::State': join(apt.work, 'state'),
    'Dir::State::status': status,
    'Acquire::Languages': 'none',
    'Acquire::IndexTargets::deb::DEP-11::DefaultEnabled': 'false',
    'Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled': 'false',
  }
  apt.options.push(...Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]))
  await run('apt-get', ['-qq', ...apt.options, 'update'], { cwd: apt.work })
}

async function loaderIn(libraries: readonly string[]): Promise<string> {
  for (const folder of libraries)
    for (const name of await readdir(folder)) if (/^ld-linux-.*\.so\.\d+$/.test(name)) return join(folder, name)
  throw new Error('the packages hold no loader')
}
