/**
 * `npm start`: the member scenario, whole. Starts (or finds) the legacy platform and Salesforce, fills the platform once, runs
 * Syncline between them and edits members beside it. `--help` lists the options.
 */
import { mkdir, readdir, rm } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { exitOf, exits } from '../../src/cli/exit.ts'
import { lines, toldOf } from '../../src/cli/tell.ts'
import { SyncError } from '../../src/model/failure.ts'
import { lockFolder, readOwner } from '../../src/store/lock.ts'
import { help, type Options, readOptions } from './options.ts'
import { type Places, Refusal, runScenario } from './scenario.ts'
import { openScreen } from './screen.ts'

/** Each database has its own: what was delivered from one says nothing of the other. */
const folders = { postgres: 'members', mariadb: 'members-mariadb' } as const

function placesOf(options: Options): Places {
  const own = fileURLToPath(new URL('./syncline.yaml', import.meta.url))
  const config = options.config === null ? own : resolve(options.config)
  return {
    config,
    folder: resolve(dirname(config), '../../.cache', folders[options.source]), // `state:` of the configuration lies in it
    setup: fileURLToPath(new URL('./salesforce.yaml', import.meta.url)),
  }
}

/** Takes the folder for this process; the operating system gives it back whatever becomes of us. */
async function take({ folder }: Places): Promise<() => void> {
  await mkdir(folder, { recursive: true })
  try {
    return lockFolder(folder)
  } catch (error) {
    if (!(error instanceof SyncError) || error.failure.code !== 'SYNC-5001') throw error
    const owner = readOwner(folder)
    const who = owner === null ? 'another process' : `process ${owner.pid}, since ${owner.since.slice(0, 19)}Z`
    throw new Refusal(
      exits.locked,
      `The member scenario runs already: ${who}. Look at it there, or stop it: Ctrl-C, or kill -INT ${owner?.pid ?? '<pid>'}.`,
    )
  }
}

/** What earlier starts left goes, but for the lock that we hold. */
async function forget({ folder }: Places, source: Options['source']): Promise<void> {
  const dropped = {
    postgres:
      "SELECT pg_drop_replication_slot('syncline_legacy'); DROP PUBLICATION syncline_legacy; DROP SCHEMA members_db CASCADE;",
    mariadb: 'DROP DATABASE members_db;',
  }
  if (process.env['LEGACY_URL'])
    throw new Refusal(
      exits.usage,
      'With LEGACY_URL, --fresh would have to drop things on a server that is not ours. There, as their owner:\n' +
        `  ${dropped[source]}\nThen remove ${folder} and start without --fresh.`,
    )
  for (const name of await readdir(folder))
    if (!/^(lock\.db.*|owner\.json)$/.test(name)) await rm(join(folder, name), { recursive: true, force: true })
}

/** The first signal asks for an orderly end, the second one ends at once: what we started notices that by itself. */
function stopSignal(): AbortSignal {
  const abort = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => {
      if (abort.signal.aborted) process.exit(exits.interrupted)
      abort.abort(new Error(`stopped by ${signal}`))
    })
  return abort.signal
}

async function main(given: readonly string[]): Promise<number> {
  const options = readOptions(given)
  if (typeof options === 'string') throw new Refusal(exits.usage, `${options} --help lists the options.`)
  if (options.help) {
    process.stdout.write(help)
    return exits.ok
  }
  const places = placesOf(options)
  const release = await take(places)
  const stop = stopSignal()
  const screen = openScreen(process.stderr, process.env)
  try {
    if (options.fresh) await forget(places, options.source)
    return await runScenario(options, places, screen, stop)
  } catch (error) {
    if (stop.aborted && error === stop.reason) return exits.interrupted
    throw error
  } finally {
    screen.close()
    release()
  }
}

function told(error: unknown): number {
  if (error instanceof Refusal) {
    process.stderr.write(`${error.message}\n`)
    return error.code
  }
  if (error instanceof SyncError) {
    for (const line of lines(toldOf(error))) process.stderr.write(`${line}\n`)
    return exitOf(error.failure.code)
  }
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : error}\n`)
  return exits.internal
}

process.exitCode = await main(process.argv.slice(2)).catch(told)
