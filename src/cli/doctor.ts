import { accessSync, constants, existsSync, statfsSync, statSync } from 'node:fs'
import { createServer } from 'node:net'
import { dirname } from 'node:path'
import { ownerOf, sqliteOf } from '../app/reader.ts'
import type { Config } from '../config/config.ts'
import { readAddress } from '../server/address.ts'
import { sentences } from '../telemetry/sentence.ts'
import { configuration } from './configuration.ts'
import { errorsOf, testAll } from './conns.ts'
import { exitOf, exits } from './exit.ts'
import { type Given, type Io, isSet } from './io.ts'
import { answer, type Column } from './output.ts'
import { toldOf } from './tell.ts'

/** One thing that was looked at. */
export interface Finding {
  readonly check: string
  readonly result: 'ok' | 'warning' | 'error' | 'skipped'
  readonly detail: string
  /** What to do; empty where nothing is. */
  readonly hint: string
  /** Exit code of an error. */
  readonly exit: number
}

const columns: readonly Column<Finding>[] = [
  { title: 'CHECK', cell: (row) => row.check },
  { title: 'RESULT', cell: (row) => row.result },
  { title: 'DETAIL', cell: (row) => sentences(row.detail, row.hint) },
]

const GIGABYTE = 1_000_000_000
/** Free disk below which a journal is in danger, and below which it soon may be. */
const FREE_MIN_BYTES = 0.2 * GIGABYTE
const FREE_LOW_BYTES = 2 * GIGABYTE

/** Network file systems by their magic numbers (statfs(2)): SQLite's locks and its shared memory do not work there. */
const networkFiles: Readonly<Record<number, string>> = {
  26985: 'NFS',
  20859: 'SMB',
  4283649346: 'CIFS',
  4266872130: 'SMB2',
  1702057286: 'FUSE',
  12805120: 'Ceph',
}

const ok = (check: string, detail: string): Finding => ({ check, result: 'ok', detail, hint: '', exit: exits.ok })
const finding = (
  check: string,
  result: 'warning' | 'error',
  detail: string,
  hint: string,
  exit: number = exits.usage,
): Finding => ({ check, result, detail, hint, exit })

/** `doctor`: everything that can be wrong before the first row, each with what to do. */
export async function execute(given: Given, io: Io): Promise<number> {
  const findings: Finding[] = [nodeVersion(), sqlite(), debugging(io)]
  let config: Config | null = null
  try {
    config = configuration(given, io)
    findings.push(ok('configuration', config.path))
  } catch (error) {
    for (const { code, message, hint } of toldOf(error))
      findings.push(finding('configuration', 'error', `${code} ${message}`, hint, exitOf(code)))
  }
  if (config !== null) {
    findings.push(...stateFolder(config), await port(config))
    if (isSet(given, 'offline')) findings.push({ ...ok('connections', 'left out by --offline'), result: 'skipped' })
    else findings.push(...(await connections(config, io)))
  }
  answer(given, io, findings, findings, columns, '')
  return findings.find(({ result }) => result === 'error')?.exit ?? exits.ok
}

function nodeVersion(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  const text = `Node ${process.versions.node}`
  if (major > 24 || (major === 24 && minor >= 15)) return ok('node', text)
  return finding('node', 'error', `${text}; expected 24.15 or newer.`, 'Install a newer Node.')
}

function sqlite(): Finding {
  const { version, isSound } = sqliteOf()
  if (isSound) return ok('sqlite', `SQLite ${version}`)
  return finding('sqlite', 'error', `SQLite ${version} can damage its write-ahead log.`, 'Use Node 24.15 or newer.')
}

/** A debugger reads every secret of the process (OWASP ASVS 5.0, 13.4.2). */
function debugging(io: Io): Finding {
  const given = [...process.execArgv, ...(io.variables['NODE_OPTIONS'] ?? '').split(/\s+/)]
  const open = given.filter((word) => /^--(inspect|debug)/.test(word))
  if (open.length > 0)
    return finding(
      'debugger',
      'warning',
      `Node runs with ${open.join(' ')}.`,
      'Not in production: a debugger sees all.',
    )
  const options = io.variables['NODE_OPTIONS'] ?? ''
  return ok('debugger', options === '' ? 'none' : `none; NODE_OPTIONS is ${options}`)
}

function* stateFolder(config: Config): Generator<Finding> {
  const { state } = config
  let there = state
  while (!existsSync(there) && dirname(there) !== there) there = dirname(there)
  try {
    accessSync(there, constants.W_OK)
  } catch {
    yield finding('state folder', 'error', `${there} cannot be written.`, 'Give it to the user that runs Syncline.')
    return
  }
  if (there === state && !statSync(state).isDirectory()) {
    yield finding('state folder', 'error', `${state} is no folder.`, 'Move it away, or set `state:` to another place.')
    return
  }
  const mode = there === state ? statSync(state).mode & 0o777 : 0o700
  if (process.platform !== 'win32' && (mode & 0o077) !== 0)
    yield finding(
      'state folder',
      'warning',
      `${state} is open to others (mode 0${mode.toString(8)}).`,
      `chmod 0700 ${state}`,
    )
  else {
    const owner = ownerOf(config)
    const who = owner === null ? '' : `, in use by process ${owner.pid} on ${owner.host}`
    yield ok('state folder', `${state}${there === state ? who : ' (made at the first start)'}`)
  }
  const { type, bavail, bsize } = statfsSync(there)
  const network = networkFiles[type >>> 0]
  if (network !== undefined)
    yield finding('file system', 'error', `${there} is on ${network}.`, 'Locks do not work there: use a local disk.')
  const free = bavail * bsize
  const text = `${(free / GIGABYTE).toFixed(1)} GB free at ${there}`
  if (free < FREE_MIN_BYTES) yield finding('disk', 'error', `${text}.`, 'Free some space.', exits.safety)
  else if (free < FREE_LOW_BYTES) yield finding('disk', 'warning', `${text}.`, 'The journal grows: free some space.')
  else yield ok('disk', text)
}

async function port(config: Config): Promise<Finding> {
  const { host, port } = config.server
  if (port === 0) return ok('port', 'a free one is taken')
  const owner = ownerOf(config)
  if (owner !== null && readAddress(config.state)?.pid === owner.pid) return ok('port', `${port} is that of our engine`)
  const taken = await new Promise<boolean>((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(true))
    server.listen(port, host, () => server.close(() => resolve(false)))
  })
  if (!taken) return ok('port', `${port} is free`)
  return finding('port', 'error', `Port ${port} on ${host} is in use.`, 'Set `server.port` to a free one; 0 takes any.')
}

async function connections(config: Config, io: Io): Promise<Finding[]> {
  const tested = await testAll(config, Object.keys(config.systems), io)
  return tested.flatMap((one): Finding[] => {
    const check = `system ${one.system}`
    if (one.result === 'not used') return [{ ...ok(check, 'no sync uses it'), result: 'skipped' }]
    const [first] = errorsOf([one])
    const said = one.problems.map(({ level, failure: { code, message, hint } }) =>
      finding(check, level, `${code} ${message}`, hint, first === undefined ? exits.ok : exitOf(first.code)),
    )
    return said.length > 0 ? said : [ok(check, one.identity ?? 'it can be reached, and has all that is needed')]
  })
}
