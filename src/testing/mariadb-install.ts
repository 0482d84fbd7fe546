/**
 * MariaDB's programs, ready to run: those of the machine, or Debian's and Ubuntu's packages, fetched and verified by apt,
 * unpacked into a cache and never installed. Needs neither root nor a package that is not there anyway.
 */
import { createHash, randomBytes } from 'node:crypto'
import { access, constants, readFile, realpath, writeFile } from 'node:fs/promises'
import { delimiter, dirname, join } from 'node:path'
import { unpackUnstable } from './debian-unstable.ts'
import {
  distribution,
  downloadFirst,
  downloadLibraries,
  environment,
  librariesIn,
  missingLibraries,
  unpackAll,
  withApt,
} from './mysql-apt.ts'
import { commonSettings, type Installation, passwordFile, product, versionFile } from './mysql-server.ts'
import { exists, findPlace, giveTo, once, type Place, run } from './place.ts'

/** MariaDB in messages. */
export const mariadb = product('MariaDB', 'SYNCLINE_TEST_MARIADB_URL')

/** Versions that can be asked for. `11`: as Debian's unstable suite had it when it was fetched first. */
export type MariadbRelease = '11'

/** The oldest that knows binlog_row_metadata. */
const versionMin = [10, 5] as const

const settings: Readonly<Record<string, string>> = {
  ...commonSettings,
  gtid_strict_mode: 'ON',
  aria_pagecache_buffer_size: '1M',
  innodb_log_file_size: '16M',
}

const bootstrapSettings = [
  '--innodb-buffer-pool-size=32M',
  '--innodb-log-file-size=16M',
  '--innodb-use-native-aio=0',
  '--innodb-doublewrite=0',
  '--skip-log-bin',
  '--skip-networking',
]

/** Programs without a data directory. */
type Programs = {
  readonly server: string
  /** Folder with `mysql_system_tables.sql` and the messages. */
  readonly share: string
  /** Folder of the client programs. */
  readonly clients: string
  readonly env: Readonly<Record<string, string>>
  readonly basedir: string
}

/**
 * Finds the programs, makes them runnable and returns them with an initialised template: once some seconds, then next to
 * nothing. Any number of processes may call it at once.
 * @param release Null: the machine's own, or the one that its release of Debian or Ubuntu has.
 * @param candidates Folders to keep it in; the first that can be used is.
 * @throws Error with a sentence that names what is missing and the variable that points at another server instead.
 */
export async function installMariadb(
  release: MariadbRelease | null = null,
  candidates?: readonly string[],
): Promise<Installation> {
  try {
    const place = await findPlace(mariadb, { candidates })
    const programs = release === '11' ? await ofUnstable(place) : ((await ofMachine()) ?? (await ofPackages(place)))
    return await withTemplate(programs, place)
  } catch (error) {
    const name = release === null ? 'MariaDB' : `MariaDB ${release}`
    throw new Error(`${name} cannot be had: ${(error as Error).message}. ${mariadb.otherwise}`)
  }
}

async function withTemplate(programs: Programs, place: Place): Promise<Installation> {
  const version = await versionOf(programs)
  const [major, minor] = version.split('.')
  const sql = await systemTables(programs.share)
  const recipe = createHash('sha256')
    .update([sql, ...bootstrapSettings].join('\n'))
    .digest('hex')
    .slice(0, 8)
  const template = join(place.folder, `mariadb-template-${version}-${process.arch}-${recipe}`)
  await once(template, (building) => initialise(programs, place, sql, `${major}.${minor}`, building))
  const own = { lc_messages_dir: programs.share, basedir: programs.basedir }
  return {
    product: mariadb,
    versionFile,
    dataPlace: join(place.folder, 'mariadb-data'),
    path: programs.server,
    env: programs.env,
    user: place.user,
    template,
    version: `${major}.${minor}`,
    programs: programs.clients,
    settings: { ...settings, ...own },
  }
}

async function versionOf({ server, env }: Programs): Promise<string> {
  const said = await run(server, ['--no-defaults', '--version'], { cwd: '/', env })
  const version = /Ver (\d+\.\d+\.\d+)-MariaDB/.exec(said)?.[1]
  if (version === undefined) throw new Error(`${server} is not MariaDB: ${said.trim()}`)
  return version
}

/** A server that is installed on this machine, if it is MariaDB and new enough. */
async function ofMachine(): Promise<Programs | null> {
  for (const folder of [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin']) {
    const path = join(folder, 'mariadbd')
    const isProgram = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    )
    if (!folder.startsWith('/') || !isProgram) continue
    const server = await realpath(path)
    const root = dirname(dirname(server))
    for (const share of ['share/mysql', 'share/mariadb', 'share'].map((name) => join(root, name))) {
      const programs = { server, share, clients: join(root, 'bin'), env: environment([]), basedir: root }
      const isUsable = await versionOf(programs)
        .then(async (version) => isNewEnough(version) && (await systemTables(share)) !== '')
        .catch(() => false)
      if (isUsable) return programs
    }
  }
  return null
}

function isNewEnough(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major > versionMin[0] || (major === versionMin[0] && minor >= versionMin[1])
}

/** The statements that make the system tables. Their files were renamed in MariaDB 11. */
async function systemTables(share: string): Promise<string> {
  const parts: string[] = []
  for (const name of ['system_tables', 'system_tables_data', 'performance_tables']) {
    const files = [`mariadb_${name}.sql`, `mysql_${name}.sql`].map((file) => join(share, file))
    const found = await Promise.all(files.map((file) => readFile(file, 'utf8').catch(() => null)))
    const text = found.find((each) => each !== null)
    if (text === undefined) throw new Error(`there is no ${files[1]}`)
    parts.push(text as string)
  }
  return parts.join('\n')
}

/** What packages are called: without a number since Debian 12 and Ubuntu 24.04. */
const packageNames = ['', '-10.6', '-10.5'].map((suffix) => [
  `mariadb-server-core${suffix}`,
  `mariadb-client${suffix}`, // mariadb-binlog
])

async function ofPackages(place: Place): Promise<Programs> {
  const folder = join(place.folder, `mariadb-packages-${await distribution()}-${process.arch}`)
  await once(folder, unpackPackages)
  return programsIn(folder)
}

async function ofUnstable(place: Place): Promise<Programs> {
  const { folder, programs, version, env } = await unpackUnstable(place, {
    server: 'mariadb-server-core',
    further: ['mariadb-client'],
    programs: ['sbin/mariadbd', 'bin/mariadb-binlog'],
  })
  if (!version.startsWith('11.')) throw new Error(`Debian's unstable suite had MariaDB ${version}`)
  const usr = join(folder, 'usr')
  return {
    server: join(programs, 'mariadbd'),
    share: join(usr, 'share', 'mariadb'),
    clients: programs,
    env,
    basedir: usr,
  }
}

async function programsIn(folder: string): Promise<Programs> {
  const share = join(folder, 'usr/share')
  const isRenamed = await exists(join(share, 'mariadb'))
  return {
    server: join(folder, 'usr/sbin/mariadbd'),
    share: join(share, isRenamed ? 'mariadb' : 'mysql'),
    clients: join(folder, 'usr/bin'),
    basedir: join(folder, 'usr'),
    env: environment(await librariesIn(folder)),
  }
}

async function unpackPackages(folder: string): Promise<void> {
  await withApt(folder, async (apt) => {
    const [server] = await downloadFirst(apt, packageNames)
    await unpackAll(apt, folder)
    for (const recurse of [false, true]) {
      if ((await missing(folder)) === '') break
      await downloadLibraries(apt, server as string, { recurse, ownC: false })
      await unpackAll(apt, folder)
    }
    const left = await missing(folder)
    if (left !== '') throw new Error(`libraries are missing: ${left}`)
  })
}

async function missing(folder: string): Promise<string> {
  const { server, env } = await programsIn(folder)
  return missingLibraries(server, env)
}

/** Makes the system tables, with root reachable by password over TCP. */
async function initialise(
  programs: Programs,
  place: Place,
  sql: string,
  version: string,
  building: string,
): Promise<void> {
  const password = randomBytes(18).toString('base64url')
  // MariaDB reads statements here line by line: `;` ends one only at the end of a line.
  const statements = [
    'CREATE DATABASE mysql;\nUSE mysql;\nSET @auth_root_socket=NULL;',
    sql,
    "DELETE FROM global_priv WHERE User='root' AND Host NOT IN ('localhost','127.0.0.1');",
    `UPDATE global_priv SET Priv=JSON_SET(Priv,'$.plugin','mysql_native_password','$.authentication_string',PASSWORD('${password}')) WHERE User='root';`,
    "DELETE FROM proxies_priv WHERE Host NOT IN ('localhost','127.0.0.1');",
    '',
  ]
  await giveTo(place.user, building)
  await run(
    programs.server,
    [
      '--no-defaults',
      '--bootstrap',
      `--datadir=${building}`,
      `--tmpdir=${building}`,
      `--lc-messages-dir=${programs.share}`,
      ...bootstrapSettings,
    ],
    { cwd: building, env: programs.env, user: place.user, input: statements.join('\n') },
  )
  for (const [name, text, mode] of [
    [passwordFile, password, 0o600],
    [versionFile, version, 0o644],
  ] as const) {
    await writeFile(join(building, name), `${text}\n`, { mode })
    await giveTo(place.user, join(building, name))
  }
}
